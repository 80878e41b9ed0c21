from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError
from optim.contract import every_optimizer
from optim.hyperparameters import NON_NEGATIVE, SWITCH, Term, dropped


def test_only_a_zero_that_is_said_to_drop_its_term_does():
    assert dropped(Term(0.0), 0.0)
    assert not dropped(Term(0.0), 1e-9)
    assert not dropped(NON_NEGATIVE, 0.0)
    assert not dropped(SWITCH, False)


NARROW = {  # in half precision the first is on the border of its range, the second not
    "eps": (1e-8, 1e-3),
    "delta": (0.9999, 0.9),
    "gamma": (0.9999, 0.9),
    "momentum": (0.9999, 0.9),
    "psi": (1e6, 1.0),
    "lr": (1e6, 1.0),
}


@pytest.mark.parametrize("kind", every_optimizer())
def test_a_number_that_the_parameters_dtype_cannot_tell_from_its_border_is_refused(kind):
    """An ε that is 0 there, or a memory that is 1, which would divide by 0 or never forget."""
    named = {name: v for name, v in NARROW.items() if name in kind.hyperparameters}
    fitting = {name: fits for name, (_, fits) in named.items()}
    required = {**kind.examples[0], **fitting}
    w = ag.tensor(np.ones(2, np.float16), requires_grad=True)
    optimizer = kind([w], **required)
    for name, (value, _) in named.items():
        with pytest.raises(ConfigError, match=rf"{name}: .* in float16, the dtype of a parameter"):
            setattr(optimizer, name, value)
        with pytest.raises(ConfigError, match="in float16"):
            kind([w], **{**required, name: value})
        kind([ag.tensor(np.ones(2), requires_grad=True)], **{**required, name: value})
    assert dict(optimizer.param_groups[0]) == {**kind._given((), required)}
    w.grad = ag.tensor(np.zeros(2, np.float16))
    optimizer.step(1.0)
    assert np.isfinite(w.numpy()).all()


@pytest.mark.parametrize(
    "kind", ["Adadelta", "Adagrad", "Adam", "AdamW", "LAMB", "NAdam", "RMSprop"]
)
def test_a_derivative_whose_square_overflows_is_warned_of_and_stops_its_own_weight_alone(kind):
    w = ag.tensor(np.ones(2, np.float32), requires_grad=True)
    optimizer = getattr(optim, kind)([w])
    w.grad = ag.tensor(np.array([1e30, 1.0], np.float32))
    with pytest.warns(RuntimeWarning, match="overflow"):
        optimizer.step()
    assert w.numpy()[0] == pytest.approx(1.0, abs=0.02)
    assert np.isfinite(w.numpy()).all()
    if kind != "LAMB":  # whose steps are of all elements together
        assert w.numpy()[1] < 1.0
