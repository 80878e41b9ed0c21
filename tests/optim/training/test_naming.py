from __future__ import annotations

import numpy as np
import pytest

import optim
from autograd_core.errors import ConfigError, DataError
from optim.training.naming import chosen_metrics

LABELS = np.array([0, 1, 1])


def width(outputs, targets):
    return outputs.shape[1]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (None, ["error"]),
        ([], []),
        ({}, []),
        ("accuracy", ["accuracy"]),
        (["accuracy", "f1", "top_3", "mse", "mae", "error", "precision", "recall"], ["accuracy", "f1", "top_3", "mse", "mae", "error", "precision", "recall"]),
        (("accuracy",), ["accuracy"]),
        (width, ["width"]),
        ([width, "recall"], ["width", "recall"]),
        ({"a": "accuracy", "b": width}, ["a", "b"]),
        (["accuracy", {"a": "accuracy", "b": width}], ["accuracy", "a", "b"]),
        ([optim.F1(), optim.top_k(2)], ["f1", "top_2"]),
    ],
)  # fmt: skip
def test_metrics_are_given_by_name_as_functions_or_both(given, names):
    found = chosen_metrics("fit", given, LABELS)
    assert list(found) == names
    assert all(callable(metric) for metric in found.values())


def test_without_labels_there_is_no_default():
    assert chosen_metrics("fit", None, None) == {}
    assert chosen_metrics("fit", None, np.array([0.5])) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "metrics: expected names, functions .*received 3"),
        ([3], "received 3"),
        ({"a": 3}, "received 3"),
        ([optim.F1], "received the class F1"),
        ("top_0", "there is none by the name 'top_0'.* top_<k>"),
        (["speed"], "there is none by the name 'speed'"),
        ({"loss": width}, "the name 'loss' is taken"),
        ({"val_x": width}, "the name 'val_x' is taken"),
        (["f1", optim.F1()], "there are two by the name 'f1'"),
    ],
)
def test_what_is_none_is_refused(given, message):
    with pytest.raises(ConfigError, match=f"fit: .*{message}|{message}"):
        chosen_metrics("fit", given, LABELS)


@pytest.mark.parametrize("jit", [False, True])
def test_what_a_metric_does_wrong_is_named(tiny, criterion, train, jit):
    def raises(outputs, targets):
        raise ValueError("in my metric")

    for metric, error, message in (
        (raises, ValueError, "in my metric"),
        (optim.confusion, ConfigError, r"metrics: table: expected a number; received an array of shape \(3, 3\)"),
        (lambda y, d: None, ConfigError, "metrics: table: expected a number; received None"),
        (lambda y, d: "high", ConfigError, "metrics: table: expected a number; received 'high'"),
        (optim.mean_squared_error, DataError, r"expected outputs and targets of one shape; received \(30, 3\) and"),
    ):  # fmt: skip
        model = tiny()
        with pytest.raises(error, match=message):
            optim.fit(
                model, criterion, optim.SGD(model.parameters(), lr=0.1), train, epochs=1, batch_size=30, rng=0,
                metrics={"table": metric},
            )  # fmt: skip


def test_a_loss_is_a_metric(tiny, criterion, train):
    model = tiny()
    found = optim.evaluate(model, criterion, train, metrics={"entropy": criterion})
    assert found["entropy"] == pytest.approx(found["loss"])
