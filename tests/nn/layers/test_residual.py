"""Residual: a shortcut around layers of one result and of several."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, ShapeError

X = np.random.default_rng(0).normal(size=(5, 2, 3))


def test_what_goes_in_is_added_to_what_comes_out():
    body = nn.Linear(3, 3, rng=0, dtype=np.float64)
    np.testing.assert_array_equal(nn.Residual(body)(X).numpy(), X + body(X).numpy())
    project = nn.Linear(3, 2, rng=1, dtype=np.float64)
    narrow = nn.Linear(3, 2, rng=2, dtype=np.float64)
    expected = project(X).numpy() + narrow(X).numpy()
    np.testing.assert_array_equal(nn.Residual(narrow, project)(X).numpy(), expected)


def test_around_recurrent_layers_the_state_is_handed_on():
    lstm = nn.LSTM(3, 3, rng=0, dtype=np.float64)
    output, (h, c) = nn.Residual(lstm)(X, lengths=[5, 2])
    inner, (h_inner, c_inner) = lstm(X, lengths=[5, 2])
    np.testing.assert_array_equal(output.numpy(), X + inner.numpy())
    np.testing.assert_array_equal(h.numpy(), h_inner.numpy())
    np.testing.assert_array_equal(c.numpy(), c_inner.numpy())
    step = ag.jit(nn.Residual(nn.Zoneout(lstm, 0.0, 0.0)))
    np.testing.assert_allclose(step(X)[0].numpy(), X + lstm(X)[0].numpy(), rtol=1e-12)


def test_shapes_that_differ_are_refused_and_nothing_is_broadcast():
    narrow = nn.Residual(nn.Linear(3, 1, rng=0))
    with pytest.raises(
        ShapeError, match=r"the input has shape \(5, 2, 3\), and Linear gave \(5, 2, 1\)"
    ):
        narrow(X)
    wrong = nn.Residual(nn.Linear(3, 2, rng=0), nn.Linear(3, 1, rng=0))
    with pytest.raises(ShapeError, match=r"its projection has shape \(5, 2, 1\)"):
        wrong(X)


def test_it_is_computed_in_the_dtype_of_its_body():
    assert nn.Residual(nn.Linear(3, 3, rng=0))(X).dtype == np.float32
    assert nn.Residual(nn.Linear(3, 3, rng=0))(np.ones((2, 3), int)).dtype == np.float32


def test_what_is_no_module_is_refused():
    with pytest.raises(ConfigError, match="Residual: body: expected a Module; received function"):
        nn.Residual(lambda x: x)
    with pytest.raises(ConfigError, match="Residual: projection: expected a Module; received int"):
        nn.Residual(nn.Tanh(), 3)
