from __future__ import annotations

import numpy as np
import pytest

from autograd_core.errors import ConfigError
from optim.hyperparameters import (
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    SWITCH,
    Choice,
    Interval,
    dropped,
)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (FRACTION, [0, 0.0, 0.999, np.float32(0.5)], [1.0, -0.1, 1]),
        (NON_NEGATIVE, [0, 3, np.int64(2), 1e300], [-1e-300, -1]),
        (POSITIVE, [1e-300, 1], [0, 0.0, -1]),
        (Interval(0, 1, open_high=False), [0, 1], [1.0001]),
    ],
    ids=str,
)
def test_an_interval_takes_what_lies_in_it_as_a_float(kind, good, bad):
    for value in good:
        found = kind.check("here", value)
        assert type(found) is float
        assert found == value
    for value in [*bad, float("nan"), float("inf"), -float("inf"), True, "1", None, [1.0], 1j]:
        with pytest.raises(ConfigError, match=r"^here: expected a finite number in .*; received "):
            kind.check("here", value)


def test_a_choice_takes_its_values_and_no_look_alikes():
    assert SWITCH.check("here", True) is True
    assert Choice(("a", "b")).check("here", "b") == "b"
    for value in (1, 0, "True", None, np.bool_(True)):
        with pytest.raises(ConfigError, match="here: expected one of False, True; received"):
            SWITCH.check("here", value)


def test_only_a_zero_that_is_said_to_drop_its_term_does():
    assert dropped(Interval(0.0, zero_drops_term=True), 0.0)
    assert not dropped(Interval(0.0, zero_drops_term=True), 1e-9)
    assert not dropped(NON_NEGATIVE, 0.0)
    assert not dropped(SWITCH, False)
