"""predict: in batches, in evaluation mode, without a graph."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DataError, ShapeError

X = np.random.default_rng(0).normal(size=(23, 3))


@pytest.fixture
def model():
    rng = np.random.default_rng(1)
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng, dtype=np.float64),
        nn.BatchNorm1d(4, dtype=np.float64),
        nn.Dropout(0.5, rng=rng),
        nn.Linear(4, 2, rng=rng, dtype=np.float64),
    )


class Two(nn.Module):
    """Two inputs, a dict of outputs; says which batches it saw."""

    def __init__(self):
        self.seen = []

    def forward(self, a, b):
        self.seen.append((len(a), self.training))
        return {"sum": ag.add(a, b), "both": (ag.multiply(a, 2), b)}


@pytest.mark.parametrize("size", [1, 7, 22, 23, 24, 1000])
def test_batches_give_what_all_at_once_gives(model, size):
    state = model.state_dict()
    expected = model.eval()(X).detach().numpy()
    found = nn.predict(model.train(), X, batch_size=size)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, state[name])


def test_every_module_gets_its_own_mode_back(model):
    model.train()
    model[1].eval()
    nn.predict(model, X)
    assert [m.training for m in model] == [True, False, True, True]
    with pytest.raises(ShapeError):
        nn.predict(model, X[:, :2])
    assert [m.training for m in model] == [True, False, True, True]


def test_several_inputs_and_outputs_keep_their_nesting():
    two, y = Two(), X**2
    found = nn.predict(two, (X, ag.tensor(y)), batch_size=10)
    np.testing.assert_array_equal(found["sum"], X + y)
    np.testing.assert_array_equal(found["both"][0], 2 * X)
    np.testing.assert_array_equal(found["both"][1], y)
    assert two.seen == [(10, False), (10, False), (3, False)]


def test_a_generator_gives_batches_that_are_taken_one_by_one(model):
    taken = []

    def batches():
        for start in range(0, 23, 5):
            taken.append(start)
            yield X[start : start + 5]

    np.testing.assert_array_equal(nn.predict(model, batches()), nn.predict(model, X, batch_size=5))
    assert taken == [0, 5, 10, 15, 20]
    assert nn.predict(Two(), iter([(X, X), (X, X)]))["sum"].shape == (46, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: nn.predict(X, m), ConfigError, "expected a Module first; received ndarray"),
        (lambda m: nn.predict(m, X, batch_size=0), ConfigError, "predict: batch_size: expected"),
        (lambda m: nn.predict(m, X, batch_size=2.5), ConfigError, "predict: batch_size: expected"),
        (lambda m: nn.predict(m, X[:0]), DataError, r"one or more; received \(0, 3\)"),
        (lambda m: nn.predict(m, 1.0), DataError, "A single example is"),
        (lambda m: nn.predict(m, ()), DataError, "received no inputs"),
        (lambda m: nn.predict(Two(), (X, X[1:])), DataError, r"\(23, 3\), \(22, 3\)"),
        (lambda m: nn.predict(m, iter([])), DataError, "the iterator gave none"),
        (lambda m: nn.predict(m, X[:, :2]), ShapeError, r"Expected shape \(batch, 3\)"),
        (lambda m: nn.predict(Mean(), X), ShapeError, r"Mean gave shape \(\) for 23 examples"),
    ],
)
def test_what_cannot_be_is_refused_by_name(model, call, error, message):
    with pytest.raises(error, match=message):
        call(model)


class Mean(nn.Module):
    def forward(self, x):
        return ag.mean(x)
