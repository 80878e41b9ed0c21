import numpy as np
import pytest

from analysis import classify
from gradproof.reproducing import Order, carried_out, judged
from gradproof.reproductions import escape


def test_it_is_as_the_slides_say_at_the_full_budget():
    experiment = escape.escape(starts=30)
    results, ended = carried_out(experiment, Order("escape", updates=2000, seeds=(0,)))
    assert ended == "done"
    assert {outcome for _, outcome in judged(experiment, results)} == {"holds"}


def test_both_wells_have_a_minimum_and_the_poor_one_is_higher():
    poor, good = (escape.bottom(at) for at, *_ in escape.WELLS)
    for w in (poor, good):
        assert classify(escape.error, w).kind == "minimum"
    values = [float(np.asarray(escape.error(np.array(w)).item())) for w in (poor, good)]
    assert values[0] > values[1] + 0.9


@pytest.mark.parametrize("share", [3.0, 5.0])
def test_any_step_beyond_twice_leaves(share):
    results, _ = carried_out(
        escape.escape(starts=20, share=share),
        Order("escape", updates=1000, rows=("beyond it, constant",)),
    )
    assert results.mean("beyond it, constant", escape.POOR) == 0
