from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.symbolic import prove

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("size", [1, 1024, 1025])  # both ways of summing
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squared_distance_and_its_gradients(size, dtype):
    a, b = (ag.tensor(RNG.normal(size=size), dtype, requires_grad=True) for _ in range(2))
    y = ag.squared_distance(a, b)
    error = np.array(a.data, np.float64) - b.data
    tolerance = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(y.detach(), np.sum(error**2), rtol=tolerance)
    assert y.dtype == dtype
    y.backward()
    np.testing.assert_allclose(a.grad, 2 * error, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(b.grad, -2 * error, rtol=tolerance, atol=tolerance)


def test_squared_distance_of_equal_arrays_has_no_pole():
    x = ag.tensor(np.ones(3), requires_grad=True)
    ag.squared_distance(x, np.ones(3)).backward()
    np.testing.assert_array_equal(x.grad, np.zeros(3))


def test_squared_distance_names_shapes_that_do_not_broadcast():
    with pytest.raises(ag.ShapeError, match=r"squared_distance: .*do not broadcast"):
        ag.squared_distance(np.ones(2), np.ones(3))


def test_softmax_cross_entropy_is_the_negative_log_probability_of_each_label():
    logits, labels = RNG.normal(size=(5, 4)), np.array([0, 3, 1, 1, 2])
    x = ag.tensor(logits, requires_grad=True)
    y = ag.softmax_cross_entropy(x, labels)
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(y.detach(), -np.log(softmax[np.arange(5), labels]), rtol=1e-13)
    weights = RNG.normal(size=5)
    y.backward(weights)
    np.testing.assert_allclose(x.grad, weights[:, None] * (softmax - np.eye(4)[labels]), rtol=1e-12)


def test_softmax_cross_entropy_of_extreme_logits():
    logits = np.array([[1000.0, 0.0, -1000.0], [0.0, -np.inf, 0.0]])
    x = ag.tensor(logits, requires_grad=True)
    y = ag.softmax_cross_entropy(x, np.array([2, 0]))
    np.testing.assert_allclose(y.detach(), [2000.0, np.log(2)])
    y.backward(np.ones(2))
    np.testing.assert_allclose(x.grad, [[1, 0, -1], [-0.5, 0, 0.5]])


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        (np.array([0.0, 1.0]), ag.DTypeError),
        (np.array([0, 1, 1]), ag.ShapeError),
        (np.array([0, 4]), ag.ShapeError),
        (np.array([[0], [1]]), ag.ShapeError),
    ],
)
def test_softmax_cross_entropy_names_labels_that_do_not_fit(labels, error):
    with pytest.raises(error, match="softmax_cross_entropy"):
        ag.softmax_cross_entropy(ag.tensor(np.ones((2, 4)), requires_grad=True), labels)


def test_softmax_cross_entropy_is_proved_for_every_batch_and_number_of_classes():
    batch, classes = ag.dims("B C")

    def loss(z, labels):
        return ag.sum(ag.softmax_cross_entropy(z, labels)) / batch

    arguments = [ag.Abstract((batch, classes)), ag.Abstract((batch,), np.int64)]
    assert prove.backward(loss, args=arguments, wrt=(0,)).status == "PROVED"
