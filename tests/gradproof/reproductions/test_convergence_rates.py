import pytest

from gradproof.reproducing import Order, carried_out, judged
from gradproof.reproductions import convergence_rates
from gradproof.reproductions.convergence_rates import FACTOR, POWER, PROBLEMS


def test_slopes_are_those_of_the_theorems():
    experiment = convergence_rates.convergence_rates()
    quadratic, _, quartic, apart = PROBLEMS
    rows = (quadratic, quartic, apart)
    results, _ = carried_out(experiment, Order("convergence-rates", updates=2000, rows=rows))
    assert results.mean(quadratic, FACTOR) == pytest.approx(experiment.published[0].value, rel=1e-3)
    assert results.mean(quartic, POWER) == pytest.approx(2, abs=0.03)
    assert results.mean(apart, POWER) == pytest.approx(1, abs=0.1)
    assert judged(experiment, results)[1][1] == "holds"
