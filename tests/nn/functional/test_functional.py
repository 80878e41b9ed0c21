"""Layers and losses as functions, against formulas in NumPy."""

from __future__ import annotations

import re
from pathlib import Path

import golden_table
import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ConfigError, DataError, DTypeError, ShapeError
from autograd_core.symbolic import prove
from nn import functional as F

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(6, 4))
GAMMA, BETA = RNG.normal(size=4), RNG.normal(size=4)


def log_softmax(z):
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def standardized(z, eps):
    return (z - z.mean(0)) / np.sqrt(z.var(0) + eps)


def values(t):
    return t.detach().numpy()


# Batch norm ---------------------------------------------------------------------------------------


def test_batch_norm_is_the_slides_formula():
    expected = GAMMA * standardized(Z, 1e-3) + BETA
    np.testing.assert_allclose(values(F.batch_norm(Z, GAMMA, BETA, eps=1e-3)), expected, rtol=1e-12)


def test_batch_norm_without_scale_and_shift_gives_u():
    np.testing.assert_allclose(values(F.batch_norm(Z)), standardized(Z, 1e-5), rtol=1e-12)


def test_batch_norm_has_the_slides_derivatives():
    z, gamma, beta = (ag.tensor(a, requires_grad=True) for a in (Z, GAMMA, BETA))
    g = np.random.default_rng(1).normal(size=Z.shape)
    F.batch_norm(z, gamma, beta, eps=0.1).backward(g)
    batch, s, u = len(Z), np.sqrt(Z.var(0) + 0.1), standardized(Z, 0.1)
    du = GAMMA * g
    dvar = (du * (Z - Z.mean(0))).sum(0) * -0.5 * s**-3
    dmean = (-du / s).sum(0) + dvar * (-2 * (Z - Z.mean(0))).sum(0) / batch
    dz = du / s + dvar * 2 * (Z - Z.mean(0)) / batch + dmean / batch
    np.testing.assert_allclose(z.grad.numpy(), dz, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(gamma.grad.numpy(), (u * g).sum(0), rtol=1e-12)
    np.testing.assert_allclose(beta.grad.numpy(), g.sum(0), rtol=1e-12)


def test_batch_norm_of_one_row_is_the_shift():
    np.testing.assert_array_equal(values(F.batch_norm(Z[:1], GAMMA, BETA)), BETA[None])


def test_batch_norm_gives_the_statistics_it_used():
    output, mean, variance = F.batch_norm_with_statistics(Z, GAMMA, BETA)
    np.testing.assert_array_equal(values(output), values(F.batch_norm(Z, GAMMA, BETA)))
    np.testing.assert_allclose(values(mean), Z.mean(0), rtol=1e-13)
    np.testing.assert_allclose(values(variance), Z.var(0), rtol=1e-13)


def test_batch_norm_is_one_program_for_every_batch_and_width():
    B, D = ag.dims("B D")
    program = ag.trace(F.batch_norm)(ag.Abstract((B, D)), ag.Abstract((D,)), ag.Abstract((D,)))
    assert program.outputs[0].shape == (B, D)
    np.testing.assert_array_equal(program(Z, GAMMA, BETA), values(F.batch_norm(Z, GAMMA, BETA)))
    np.testing.assert_allclose(
        program(Z[:3, :2], GAMMA[:2], BETA[:2]),
        GAMMA[:2] * standardized(Z[:3, :2], 1e-5) + BETA[:2],
        rtol=1e-12,
    )


def test_normalize_uses_the_statistics_it_is_given():
    mean, variance = np.arange(4.0), np.arange(1.0, 5.0)
    expected = GAMMA * (Z - mean) / np.sqrt(variance + 0.5) + BETA
    found = F.normalize(Z, mean, variance, GAMMA, BETA, eps=0.5)
    np.testing.assert_allclose(values(found), expected, rtol=1e-13)


# Dropout, linear ----------------------------------------------------------------------------------


def test_dropout_multiplies_by_the_mask_and_divides_by_keep_if_given():
    x, mask = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
    assert values(F.dropout(x, mask)).tolist() == [1.0, 0.0, 3.0]
    assert values(F.dropout(x, mask, keep=0.5)).tolist() == [2.0, 0.0, 6.0]


def test_dropout_passes_no_gradient_to_dropped_units():
    x = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    F.dropout(x, np.array([True, False, True]), keep=0.5).sum().backward()
    assert x.grad.numpy().tolist() == [2.0, 0.0, 2.0]


def test_linear_is_the_product_plus_the_bias():
    x, w, b = Z, RNG.normal(size=(4, 2)), np.array([1.0, -1.0])
    np.testing.assert_allclose(values(F.linear(x, w, b)), x @ w + b, rtol=1e-13)
    np.testing.assert_allclose(values(F.linear(x, w)), x @ w, rtol=1e-13)


# Cross-entropy ------------------------------------------------------------------------------------

LABELS = np.array([0, 3, 1, 2, 2, 0])


def test_cross_entropy_of_labels_is_the_mean_negative_log_probability():
    expected = -log_softmax(Z)[np.arange(6), LABELS].mean()
    np.testing.assert_allclose(values(F.cross_entropy(Z, LABELS)), expected, rtol=1e-13)


def test_cross_entropy_of_probabilities_is_the_mean_of_the_sums():
    targets = np.random.default_rng(1).dirichlet(np.ones(4), size=6)
    expected = -(targets * log_softmax(Z)).sum() / 6
    np.testing.assert_allclose(values(F.cross_entropy(Z, targets)), expected, rtol=1e-13)


def test_labels_and_their_one_hot_rows_agree():
    np.testing.assert_allclose(
        values(F.cross_entropy(Z, LABELS)),
        values(F.cross_entropy(Z, np.eye(4)[LABELS])),
        rtol=1e-13,
    )


@pytest.mark.parametrize("targets", [LABELS, np.eye(4)[LABELS]], ids=["labels", "rows"])
def test_the_gradient_of_cross_entropy_is_softmax_minus_target(targets):
    z = ag.tensor(Z, requires_grad=True)
    F.cross_entropy(z, targets).backward()
    expected = (np.exp(log_softmax(Z)) - np.eye(4)[LABELS]) / 6
    np.testing.assert_allclose(z.grad.numpy(), expected, rtol=1e-11, atol=1e-15)


def test_cross_entropy_is_finite_for_huge_logits():
    z = np.array([[1000.0, -1000.0], [0.0, 1e30]])
    with np.errstate(over="raise", invalid="raise"):
        assert values(F.cross_entropy(z, np.array([0, 1]))) == 0.0
        assert values(F.cross_entropy(z[:1], np.array([1]))) == 2000.0


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_of_every_integer_dtype_are_taken(dtype):
    np.testing.assert_array_equal(
        values(F.cross_entropy(Z, LABELS.astype(dtype))), values(F.cross_entropy(Z, LABELS))
    )


@pytest.mark.parametrize("targets", [LABELS, np.eye(4)[LABELS]], ids=["labels", "rows"])
def test_the_loss_of_a_float32_model_is_float32(targets):
    assert F.cross_entropy(Z.astype(np.float32), targets).dtype == np.float32


def test_cross_entropy_is_traced_for_every_batch_and_number_of_classes():
    B, C = ag.dims("B C")
    by_label = ag.trace(F.cross_entropy)(ag.Abstract((B, C)), ag.Abstract((B,), np.int64))
    by_row = ag.trace(F.cross_entropy)(ag.Abstract((B, C)), ag.Abstract((B, C)))
    assert by_label(Z, LABELS) == values(F.cross_entropy(Z, LABELS))
    assert by_row(Z, np.eye(4)[LABELS]) == values(F.cross_entropy(Z, np.eye(4)[LABELS]))


@pytest.mark.parametrize(
    ("logits", "targets", "error", "message"),
    [
        (
            Z,
            np.array([0, 1, 2, 3, 4, 0]),
            DataError,
            r"labels from 0 to 3 for 4 logits; received 4",
        ),
        (Z, np.array([0, 1, 2, -1, 0, 0]), DataError, r"received -1.*Count classes from 0"),
        (Z, LABELS.astype(float), DTypeError, r"Expected an integer dtype .* received float64"),
        (Z, LABELS > 1, DTypeError, r"received bool"),
        (Z, LABELS[:5], ShapeError, r"shape \(6,\) or .* \(6, 4\); received \(5,\)"),
        (Z, LABELS[:, None], ShapeError, r"received \(6, 1\)"),
        (Z[0], LABELS[:1], ShapeError, r"Expected shape \(batch, classes\).*received \(4,\)"),
        (Z[:0], LABELS[:0], ShapeError, r"received \(0, 4\)"),
    ],
)
def test_targets_that_do_not_fit_are_refused(logits, targets, error, message):
    with pytest.raises(error, match=message):
        F.cross_entropy(logits, targets)


# Squared error, L2 --------------------------------------------------------------------------------


def test_mse_loss_averages_over_all_elements_and_squared_error_over_the_batch():
    y, d = Z, np.ones_like(Z)
    np.testing.assert_allclose(values(F.mse_loss(y, d)), ((y - d) ** 2).mean(), rtol=1e-13)
    np.testing.assert_allclose(values(F.squared_error(y, d)), ((y - d) ** 2).sum() / 6, rtol=1e-13)


def test_the_gradient_of_squared_error_is_two_over_b_times_the_error():
    y = ag.tensor(Z, requires_grad=True)
    F.squared_error(y, np.ones_like(Z)).backward()
    np.testing.assert_allclose(y.grad.numpy(), 2 / 6 * (Z - 1), rtol=1e-13)


@pytest.mark.parametrize("loss", [F.mse_loss, F.squared_error])
def test_squared_errors_do_not_broadcast(loss):
    with pytest.raises(ShapeError, match=rf"{loss.__name__}: .*received \(6, 1\) and \(6,\)"):
        loss(Z[:, :1], Z[:, 0])
    with pytest.raises(ShapeError, match="not empty"):
        loss(Z[:0], Z[:0])
    with pytest.raises(ShapeError, match="Expected one shape"):
        loss(1.0, 1.0)


@pytest.mark.parametrize("loss", [F.mse_loss, F.squared_error])
def test_targets_take_the_dtype_of_the_output(loss):
    assert loss(Z.astype(np.float32), np.zeros((6, 4), np.int64)).dtype == np.float32


@pytest.mark.parametrize("loss", [F.mse_loss, F.squared_error])
def test_squared_errors_are_traced_for_every_shape(loss):
    B, D = ag.dims("B D")
    program = ag.trace(loss)(ag.Abstract((B, D)), ag.Abstract((B, D)))
    assert program(Z, Z + 1) == values(loss(Z, Z + 1))


def test_l2_is_half_the_sum_of_squares_and_its_gradient_the_weights():
    weights = [ag.tensor(Z, requires_grad=True), ag.tensor(GAMMA, requires_grad=True)]
    penalty = F.l2(weights)
    np.testing.assert_allclose(values(penalty), ((Z**2).sum() + (GAMMA**2).sum()) / 2, rtol=1e-13)
    penalty.backward()
    np.testing.assert_allclose(weights[0].grad.numpy(), Z, rtol=1e-13)
    np.testing.assert_allclose(weights[1].grad.numpy(), GAMMA, rtol=1e-13)


def test_l2_of_nothing_is_an_error():
    with pytest.raises(ConfigError, match="l2: there are no weights to penalize"):
        F.l2([])


# All ----------------------------------------------------------------------------------------------

SMOOTH = {
    "batch_norm": (F.batch_norm, (Z, GAMMA, BETA)),
    "cross_entropy": (lambda z: F.cross_entropy(z, LABELS), (Z,)),
    "cross_entropy_rows": (F.cross_entropy, (Z, np.full((6, 4), 0.25))),
    "dropout": (lambda x: F.dropout(x, Z > 0, 0.5), (Z,)),
    "l2": (lambda v, w: F.l2([v, w]), (Z, GAMMA)),
    "linear": (F.linear, (Z, RNG.normal(size=(4, 2)), np.zeros(2))),
    "log_softmax": (F.log_softmax, (Z,)),
    "mse_loss": (F.mse_loss, (Z, Z + 1)),
    "normalize": (F.normalize, (Z, GAMMA, np.exp(BETA), GAMMA, BETA)),
    "relu": (F.relu, (Z,)),
    "sigmoid": (F.sigmoid, (Z,)),
    "softmax": (F.softmax, (Z,)),
    "softplus": (F.softplus, (Z,)),
    "squared_error": (F.squared_error, (Z, Z + 1)),
    "tanh": (F.tanh, (Z,)),
}


def test_what_pytorch_has_no_values_for_is_asked_by_name():
    """The others are rows of `golden_table`, which `test_golden` sees to."""
    folder = Path(__file__).parents[1]
    checks = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    reasons = {name: golden_table.REASONS.get(f"functional.{name}") for name in F.__all__}
    alone = [
        name
        for name, why in reasons.items()
        if why and not why.endswith(("rows run it", "rows run them"))
    ]
    assert alone
    called = r"\b(F|functional)(\.|, \"){}\b"
    assert [name for name in alone if not re.search(called.format(name), checks)] == []


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_agree_with_differences_to_second_order(name):
    function, args = SMOOTH[name]
    ag.gradcheck(function, *args)
    ag.gradgradcheck(function, *args)


@pytest.mark.parametrize("name", SMOOTH)
def test_programs_compute_what_the_function_computes(name):
    function, args = SMOOTH[name]
    np.testing.assert_array_equal(ag.trace(function)(*args)(*args), values(function(*args)))


SMALL = np.random.default_rng(5).integers(-9, 9, size=(3, 2)) / 8
PROVED = {
    "batch_norm": lambda z: F.batch_norm(z, np.array([2.0, 1.0]), np.zeros(2), eps=1e-5),
    "cross_entropy": lambda z: F.cross_entropy(z, np.array([0, 1, 1])),
    "cross_entropy_rows": lambda z: F.cross_entropy(z, np.full((3, 2), 0.5)),
    "dropout": lambda z: F.dropout(z, np.array([[1, 0], [1, 1], [0, 0]]), 0.5),
    "l2": lambda z: F.l2([z]),
    "mse_loss": lambda z: F.mse_loss(z, np.ones((3, 2))),
    "squared_error": lambda z: F.squared_error(z, np.ones((3, 2))),
}


@pytest.mark.parametrize("name", PROVED)
def test_gradients_are_proved_at_a_small_shape(name):
    z = ag.tensor(SMALL, requires_grad=True)
    loss = ag.sum(ag.square(PROVED[name](z)))
    assert str(prove.backward(loss, wrt=[z]).status) == "PROVED"
