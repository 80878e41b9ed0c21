"""Steps that tests compile, and twins of them that stay as they are."""

from __future__ import annotations

import importlib.util
import types

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim

BACKENDS = ["numpy"] + ["native"] * (importlib.util.find_spec("llvmlite") is not None)


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


class Trained:
    """A model, its optimizer, and the step of the issue."""

    def __init__(self, model, optimizer, criterion):
        self.model, self.opt, self.criterion = model, optimizer, criterion

    def step(self, x, t):
        self.opt.zero_grad()
        loss = self.criterion(self.model(x), t)
        loss.backward()
        self.opt.step()
        return loss

    def state(self):
        arrays = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        arrays.update(self.opt.state_dict()["arrays"])
        return arrays


def small(dtype=np.float64, momentum=0.0, **options):
    """W1: 2-16-1 with tanh, mean squared error, SGD."""
    rng = np.random.default_rng(1)
    model = nn.Sequential(
        nn.Linear(2, 16, rng=rng, dtype=dtype), nn.Tanh(), nn.Linear(16, 1, rng=rng, dtype=dtype)
    )
    return Trained(
        model, optim.SGD(model.parameters(), lr=0.1, momentum=momentum, **options), nn.MSELoss()
    )


def classifier(dtype=np.float64, optimizer=optim.Adam, **options):
    """Batch norm, dropout, cross-entropy."""
    rng = np.random.default_rng(2)
    model = nn.Sequential(
        nn.Linear(5, 12, rng=rng, dtype=dtype),
        nn.BatchNorm1d(12, dtype=dtype),
        nn.ReLU(),
        nn.Dropout(0.4, rng=rng),
        nn.Linear(12, 3, rng=rng, dtype=dtype),
    )
    return Trained(
        model, optimizer(model.parameters(), **{"lr": 0.01, **options}), nn.CrossEntropyLoss()
    )


def batch(kind, seed=0, rows=16, dtype=np.float64):
    """Inputs and targets for `small` or `classifier`."""
    rng = np.random.default_rng(seed)
    if kind is small:
        return rng.normal(size=(rows, 2)).astype(dtype), rng.normal(size=(rows, 1)).astype(dtype)
    return rng.normal(size=(rows, 5)).astype(dtype), rng.integers(0, 3, rows)


def assert_alike(a, b, tolerance=1e-12):
    """Two twins hold the same."""
    found, expected = a.state(), b.state()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(
                found[name], value, rtol=tolerance, atol=tolerance, err_msg=name
            )
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.fixture
def kit():
    """What is above, since tests import nothing from here."""
    return types.SimpleNamespace(
        small=small, classifier=classifier, batch=batch, alike=assert_alike
    )


@pytest.fixture
def weight():
    return ag.tensor([1.0, -2.0, 3.0], requires_grad=True, name="w")
