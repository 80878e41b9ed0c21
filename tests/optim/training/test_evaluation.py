from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import AnomalyError, ConfigError, DataError


def test_batches_do_not_change_the_means(tiny, criterion, train):
    model = tiny()
    whole = optim.evaluate(model, criterion, train)
    assert whole.keys() == {"loss", "error"}
    for size in (1, 7, 60):
        parts = optim.evaluate(model, criterion, train, batch_size=size)
        np.testing.assert_allclose(list(parts.values()), list(whole.values()), rtol=1e-12)


def test_it_draws_no_mask_records_nothing_and_leaves_the_mode(tiny, criterion, train):
    model = tiny()
    before = model.state_dict()
    seen = []
    forward = type(model).__call__

    class Watched(type(model)):
        def __call__(self, x):
            y = forward(self, x)
            seen.append((self.training, y.is_leaf))
            return y

    watched = Watched()
    for training in (True, False):
        watched.training = training
        optim.evaluate(watched, criterion, train)
        assert watched.training is training
    assert seen == [(False, True)] * 2
    for name, values in watched.state_dict().items():
        np.testing.assert_array_equal(values, before[name])


def test_metrics_are_the_users_or_those_that_fit_the_targets(tiny, criterion, train):
    inputs, targets = train
    model = tiny()
    found = optim.evaluate(model, criterion, train, metrics={"accuracy": optim.accuracy})
    assert found.keys() == {"loss", "accuracy"}
    assert optim.evaluate(model, criterion, train, metrics={}).keys() == {"loss"}
    square = lambda y, d: ag.mean((y - d) ** 2)  # noqa: E731
    assert optim.evaluate(model, square, (inputs, np.eye(3)[targets])).keys() == {"loss"}


@pytest.mark.parametrize(
    "metrics", [["speed"], {"error": 3}, {"val_x": len}, {"loss": len}, {"seconds": len}]
)
def test_metrics_without_function_or_with_a_taken_name_are_refused(tiny, criterion, train, metrics):
    with pytest.raises(ConfigError, match="evaluate: metrics: "):
        optim.evaluate(tiny(), criterion, train, metrics=metrics)


def test_a_mean_that_is_not_finite_is_an_error(tiny, criterion, train):
    model = tiny()
    model.tensors["1.bias"].assign(np.full(3, np.nan))
    with pytest.raises(AnomalyError, match=r"evaluate: loss is nan\. Expected finite numbers"):
        optim.evaluate(model, criterion, train)
    with pytest.raises(DataError, match="evaluate: data: expected a pair"):
        optim.evaluate(model, criterion, train[0])
