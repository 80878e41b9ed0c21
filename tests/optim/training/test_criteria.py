"""Prechelt's criteria, beside his formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import optim
from autograd_core.errors import ConfigError
from optim.training.criteria import generalization_loss, progress

ERRORS = st.lists(st.floats(0.01, 100), min_size=1, max_size=24)


def first(criterion, held_out, training):
    """The epoch after which it stops first, from 1; 0 if never."""
    return next(
        (t for t in range(1, len(held_out) + 1) if criterion.ends(held_out[:t], training[:t])), 0
    )


@given(ERRORS, st.floats(0, 50))
def test_gl_is_printed_as(errors, alpha):
    expected = 0
    for t in range(1, len(errors) + 1):
        if 100 * (errors[t - 1] / min(errors[:t]) - 1) > alpha:
            expected = t
            break
    assert first(optim.GL(alpha), errors, errors) == expected


@given(ERRORS, ERRORS, st.floats(0, 5), st.integers(1, 5))
def test_pq_is_printed_as(held_out, training, alpha, k):
    count = min(len(held_out), len(training))
    held_out, training = held_out[:count], training[:count]
    expected = 0
    for t in range(k, count + 1, k):
        gl = 100 * (held_out[t - 1] / min(held_out[:t]) - 1)
        strip = training[t - k : t]
        p = 1000 * (np.mean(strip) / min(strip) - 1)
        if gl > 0 and (gl / p if p > 0 else np.inf) > alpha * (1 + 1e-9):
            expected = t
            break
    found = first(optim.PQ(alpha, strip=k), held_out, training)
    assert found == expected or 0 < found < (
        expected or np.inf
    )  # rounding at the border stops one strip earlier
    if found != expected:
        t = found
        assert generalization_loss(held_out[:t]) == pytest.approx(
            alpha * progress(training[t - k : t])
        )


@given(ERRORS, st.integers(1, 4), st.integers(1, 4))
def test_up_is_printed_as(errors, s, k):
    def up(s, t):  # "UP_s: stop after epoch t iff UP_(s−1) stops after epoch t−k and E(t) > E(t−k)"
        if t % k or t - k < 1:
            return False
        rises = errors[t - 1] > errors[t - k - 1]
        return rises if s == 1 else rises and up(s - 1, t - k)

    expected = next((t for t in range(1, len(errors) + 1) if up(s, t)), 0)
    assert first(optim.UP(s, strip=k), errors, []) == expected


def test_a_falling_error_ends_nothing_and_a_rising_one_everything():
    falls, rises = [1 / t for t in range(1, 31)], [float(t) for t in range(1, 31)]
    for criterion in (optim.GL(1), optim.PQ(0.5), optim.UP(2)):
        assert first(criterion, falls, falls) == 0
        assert first(criterion, rises, falls)


def test_nan_is_the_worst_that_can_be():
    nan = float("nan")
    assert first(optim.GL(5), [1.0, nan], [1.0, 1.0]) == 2
    assert first(optim.GL(5), [nan, nan, 1.0, 1.0], [1.0] * 4) == 0
    assert first(optim.UP(1, strip=1), [1.0, nan, nan], []) == 2
    assert first(optim.PQ(1, strip=1), [1.0, nan], [1.0, 1.0]) == 2


def test_zero_and_negative_errors():
    assert generalization_loss([0.0, 0.0]) == 0.0
    assert generalization_loss([0.0, 1e-300]) == np.inf
    assert progress([0.0, 0.0]) == 0.0
    assert progress([1.0, 0.0]) == np.inf
    with pytest.raises(
        ConfigError, match=r"generalization loss: it is a ratio of errors, and one is -1\.0"
    ):
        generalization_loss([1.0, -1.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.GL(-1), "GL: alpha: expected a finite number"),
        (lambda: optim.GL(np.inf), "GL: alpha"),
        (lambda: optim.PQ(1, strip=0), "PQ: strip: expected an integer of 1 or more"),
        (lambda: optim.UP(0), "UP: s: expected an integer of 1 or more"),
        (lambda: optim.UP(1, strip=1.5), "UP: strip"),
        (lambda: optim.EarlyStopping(criterion="GL"), "EarlyStopping: criterion: expected optim.GL"),
        (lambda: optim.EarlyStopping(criterion=optim.GL), "criterion: expected optim.GL"),
        (lambda: optim.EarlyStopping(patience=3, criterion=optim.GL(1)), "patience and min_delta are one criterion"),
        (lambda: optim.EarlyStopping("val_accuracy", criterion=optim.GL(1)), "GL is about errors.*is to be large"),
        (lambda: optim.EarlyStopping(every=0), "EarlyStopping: every: expected an integer"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
    assert optim.EarlyStopping("val_accuracy", criterion=optim.UP(1)).mode == "max"
