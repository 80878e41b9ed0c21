from __future__ import annotations

from optim.hyperparameters import NON_NEGATIVE, SWITCH, Interval, dropped


def test_only_a_zero_that_is_said_to_drop_its_term_does():
    assert dropped(Interval(0.0, zero_drops_term=True), 0.0)
    assert not dropped(Interval(0.0, zero_drops_term=True), 1e-9)
    assert not dropped(NON_NEGATIVE, 0.0)
    assert not dropped(SWITCH, False)
