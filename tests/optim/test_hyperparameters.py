from __future__ import annotations

from optim.hyperparameters import NON_NEGATIVE, SWITCH, Term, dropped


def test_only_a_zero_that_is_said_to_drop_its_term_does():
    assert dropped(Term(0.0), 0.0)
    assert not dropped(Term(0.0), 1e-9)
    assert not dropped(NON_NEGATIVE, 0.0)
    assert not dropped(SWITCH, False)
