"""Losses with each of their options, against formulas in NumPy; and at the edge of what they take."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DataError, DTypeError, ShapeError

F = nn.functional
RNG = np.random.default_rng(0)
Z = RNG.normal(size=(6, 4))
LABELS = np.array([0, 3, 1, 2, 2, 0])
WEIGHT = np.array([0.5, 2.0, 1.0, 0.0])
ROWS = RNG.dirichlet(np.ones(4), size=6)
ROWS[1] = [0, 0, 0, 1]
CHANCES = RNG.uniform(0.05, 0.95, size=(6, 4))
REDUCTIONS = ("mean", "sum", "none")


def grid(*options):
    return list(itertools.product(*options))


def log_softmax(z):
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def close(found, expected, tolerance=1e-12):
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=tolerance, atol=tolerance)


def given(each, reduction):
    return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]


# --- classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reduction", "s", "weighted", "ignored"),
    grid(REDUCTIONS, (0.0, 0.2, 1.0), (False, True), (None, 2)),
)
def test_cross_entropy_of_labels(reduction, s, weighted, ignored):
    """Smoothed by weights of all classes; the mean over the weights of the labels that are left."""
    w = WEIGHT if weighted else np.ones(4)
    cost = -log_softmax(Z)
    each = (1 - s) * w[LABELS] * cost[np.arange(6), LABELS] + s / 4 * (w * cost).sum(1)
    counts = w[LABELS] * (ignored != LABELS)
    each = each * (ignored != LABELS)
    expected = each.sum() / counts.sum() if reduction == "mean" else given(each, reduction)
    found = F.cross_entropy(
        Z, LABELS, WEIGHT if weighted else None,
        ignore_index=ignored, label_smoothing=s, reduction=reduction,
    )  # fmt: skip
    close(found, expected)


@pytest.mark.parametrize(
    ("reduction", "s", "weighted"), grid(REDUCTIONS, (0.0, 0.2), (False, True))
)
def test_cross_entropy_of_probabilities_divides_by_the_batch_weights_or_not(reduction, s, weighted):
    w = WEIGHT if weighted else np.ones(4)
    each = -(w * ((1 - s) * ROWS + s / 4) * log_softmax(Z)).sum(1)
    found = F.cross_entropy(
        Z, ROWS, WEIGHT if weighted else None, label_smoothing=s, reduction=reduction
    )
    close(found, given(each, reduction))


def test_one_hot_rows_and_labels_cost_the_same_each_and_have_other_means():
    options = {"weight": WEIGHT, "label_smoothing": 0.1}
    hot = np.eye(4)[LABELS]
    close(
        F.cross_entropy(Z, hot, reduction="none", **options),
        F.cross_entropy(Z, LABELS, reduction="none", **options).numpy(),
    )
    share = WEIGHT[LABELS].sum() / 6
    close(F.cross_entropy(Z, hot, **options), F.cross_entropy(Z, LABELS, **options).numpy() * share)


@pytest.mark.parametrize("s", [0.0, 0.1])
def test_places_of_a_sequence_are_instances_of_their_own(s):
    z, labels = RNG.normal(size=(2, 4, 3)), RNG.integers(0, 4, size=(2, 3))
    flat = np.moveaxis(z, 1, -1).reshape(6, 4)
    found = F.cross_entropy(z, labels, WEIGHT + 1, label_smoothing=s)
    close(found, F.cross_entropy(flat, labels.ravel(), WEIGHT + 1, label_smoothing=s).numpy())
    rows = np.moveaxis(np.eye(4)[labels], -1, 1)
    found = F.cross_entropy(z, rows, label_smoothing=s, reduction="none")
    assert found.shape == (2, 3)
    close(found, F.cross_entropy(z, labels, label_smoothing=s, reduction="none").numpy())


@pytest.mark.parametrize("ignored", [-100, 1])
def test_what_is_ignored_has_no_gradient_whatever_stands_there(ignored):
    z, labels = Z.copy(), LABELS.copy()
    labels[[1, 4]] = ignored
    kept = labels != ignored
    z[1], z[4] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        slope = ag.grad(lambda z: F.cross_entropy(z, labels, ignore_index=ignored))(z).numpy()
    assert (slope[~kept] == 0).all()
    close(ag.grad(lambda z: F.cross_entropy(z, labels[kept]))(z[kept]), slope[kept])


@pytest.mark.parametrize("compiled", [False, True])
def test_a_mean_over_nothing_is_an_error_and_a_sum_is_0(compiled):
    def loss(z, labels):
        return F.cross_entropy(z, labels, ignore_index=3)

    call = ag.jit(loss) if compiled else loss
    call(Z, LABELS)
    with pytest.raises(DataError, match="every target is ignored or has the weight 0"):
        call(Z, np.full(6, 3))
    assert F.cross_entropy(Z, np.full(6, 3), ignore_index=3, reduction="sum").item() == 0
    with pytest.raises(DataError, match="has the weight 0"):
        F.cross_entropy(Z, np.full(6, 3), WEIGHT)


def test_nll_after_log_softmax_is_cross_entropy():
    close(F.nll_loss(log_softmax(Z), LABELS, WEIGHT), F.cross_entropy(Z, LABELS, WEIGHT).numpy())


@pytest.mark.parametrize(
    ("reduction", "p", "margin", "weighted"),
    grid(REDUCTIONS, (1, 2), (1.0, -0.5), (False, True)),
)
def test_multi_margin_loss(reduction, p, margin, weighted):
    short = np.maximum(0, margin - Z[np.arange(6), LABELS][:, None] + Z) ** p
    short[np.arange(6), LABELS] = 0
    each = short.sum(1) / 4 * (WEIGHT[LABELS] if weighted else 1)
    found = F.multi_margin_loss(
        Z, LABELS, p, margin, WEIGHT if weighted else None, reduction=reduction
    )
    close(found, given(each, reduction))


@pytest.mark.parametrize(("reduction", "p"), grid(REDUCTIONS, (1, 2)))
def test_hinge_loss(reduction, p):
    y = np.where(RNG.normal(size=Z.shape) > 0, 1, -1)
    close(
        F.hinge_loss(Z, y, p, reduction=reduction), given(np.maximum(0, 1 - y * Z) ** p, reduction)
    )


def test_hinges_have_the_derivative_0_where_the_margin_is_just_kept():
    assert ag.grad(lambda f: F.hinge_loss(f, np.array([1])))(np.array([1.0])).item() == 0
    slope = ag.grad(lambda z: F.multi_margin_loss(z, np.array([0])))(np.array([[2.0, 1.0]]))
    assert (slope.numpy() == 0).all()


# --- yes or no -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("reduction", "weighted"), grid(REDUCTIONS, (False, True)))
def test_binary_cross_entropies(reduction, weighted):
    y, p = ROWS, 1 / (1 + np.exp(-Z))
    w, pos = (WEIGHT, np.array([3.0, 1.0, 0.5, 2.0])) if weighted else (np.ones(4), np.ones(4))
    given_w, given_pos = (w, pos) if weighted else (None, None)
    each = -w * (y * np.log(p) + (1 - y) * np.log1p(-p))
    close(F.binary_cross_entropy(p, y, given_w, reduction=reduction), given(each, reduction))
    each = -w * (pos * y * np.log(p) + (1 - y) * np.log1p(-p))
    found = F.binary_cross_entropy_with_logits(Z, y, given_w, given_pos, reduction=reduction)
    close(found, given(each, reduction))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_extreme_logits_cost_what_they_should_and_have_finite_gradients(dtype):
    """±1e4, and ±infinity where the answer is certain and right."""
    z = np.array([1e4, -1e4, 1e4, -1e4], dtype)
    y = np.array([1, 0, 0, 1])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        each = F.binary_cross_entropy_with_logits(z, y, reduction="none")
        slope = ag.grad(lambda z: F.binary_cross_entropy_with_logits(z, y, reduction="sum"))(z)
    assert each.dtype == dtype
    assert each.numpy().tolist() == [0, 0, 1e4, 1e4]
    assert slope.numpy().tolist() == [0, 0, 1, -1]
    with np.errstate(invalid="ignore"):  # 0 times an infinity, before it is made 0
        sure = F.binary_cross_entropy_with_logits(
            np.array([np.inf, -np.inf], dtype), np.array([1, 0])
        )
    assert sure.item() == 0

    rows = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]], dtype)
    for labels, due in (([0, 1], [0, 0]), ([1, 0], [2e4, 2e4])):
        for targets in (np.array(labels), np.eye(3)[labels]):
            each = F.cross_entropy(rows, targets, reduction="none")
            assert each.numpy().tolist() == due
            assert F.cross_entropy(rows, targets).item() == due[0]
            slope = ag.grad(lambda z, t=targets: F.cross_entropy(z, t))(rows).numpy()
            assert np.abs(slope).max() <= 0.5
    certain = np.array([[-np.inf, 0.0]], dtype)
    with np.errstate(invalid="ignore"):
        assert F.cross_entropy(certain, np.array([[0.0, 1.0]])).item() == 0
        assert F.cross_entropy(certain, np.array([1]), np.array([0.0, 1.0])).item() == 0


def test_a_probability_of_0_that_came_true_costs_100_and_the_rest_is_exact():
    p, y = np.array([0.0, 1.0, 0.0, 1.0, 1e-20]), np.array([1, 0, 0, 1, 1])
    with np.errstate(all="raise"):
        each = F.binary_cross_entropy(p, y, reduction="none").numpy()
        slope = ag.grad(lambda p: F.binary_cross_entropy(p, y, reduction="sum"))(p).numpy()
    np.testing.assert_allclose(each, [100, 100, 0, 0, 20 * np.log(10)], rtol=1e-14)
    np.testing.assert_allclose(slope, [0, 0, 1, -1, -1e20], rtol=1e-14)


# --- distributions -------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["batchmean", *REDUCTIONS])
def test_kl_div_with_targets_of_0(reduction):
    log_p = log_softmax(Z)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(ROWS > 0, ROWS * (np.log(ROWS) - log_p), 0)
        logs = np.log(ROWS)
        due = each.sum() / 6 if reduction == "batchmean" else given(each, reduction)
        close(F.kl_div(log_p, ROWS, reduction=reduction), due)
        close(F.kl_div(log_p, logs, reduction=reduction, log_target=True), due)


def test_kl_div_of_targets_of_0_takes_any_probability_there():
    log_p, t = np.array([[-np.inf, 0.0]]), np.array([[0.0, 1.0]])
    with np.errstate(invalid="ignore"):  # 0 times an infinity, before it is made 0
        assert F.kl_div(log_p, t).item() == 0
        assert F.kl_div(log_p, np.array([[-np.inf, 0.0]]), log_target=True).item() == 0
        slope = ag.grad(lambda p: F.kl_div(p, t))(log_p)
    assert slope.numpy().tolist() == [[0.0, -1.0]]


# --- quantities ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("reduction", "bend"), grid(REDUCTIONS, (0.3, 1.0, 4.0)))
def test_losses_of_quantities(reduction, bend):
    d = RNG.normal(size=Z.shape)
    e = np.abs(Z - d)
    huber = np.where(e <= bend, e**2 / 2, bend * (e - bend / 2))
    close(F.huber_loss(Z, d, bend, reduction=reduction), given(huber, reduction))
    close(F.smooth_l1_loss(Z, d, bend, reduction=reduction), given(huber / bend, reduction))
    close(F.smooth_l1_loss(Z, d, 0.0, reduction=reduction), given(e, reduction))
    close(F.l1_loss(Z, d, reduction=reduction), given(e, reduction))
    close(F.mse_loss(Z, d, reduction=reduction), given(e**2, reduction))
    close(F.squared_error(Z, d, reduction=reduction), given((e**2).sum(1), reduction))


def test_lambda_beside_a_sum_is_t_lambda_beside_the_mean():
    """[General approach to training] sums and [Objective function] averages: one minimiser."""
    x, d, lam = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2)), 0.3

    def objective(w, reduction, lam):
        return F.squared_error(x @ w, d, reduction=reduction) + lam * F.l2([w])

    w = RNG.normal(size=(3, 2))
    mean = ag.grad(lambda w: objective(w, "mean", lam))(w).numpy()
    np.testing.assert_allclose(
        ag.grad(lambda w: objective(w, "sum", 7 * lam))(w).numpy(), 7 * mean, rtol=1e-12
    )


def test_huber_loss_does_not_overflow_where_errors_are_large():
    far = np.array([3e4], np.float16)
    with np.errstate(all="raise"):
        assert F.huber_loss(far, np.zeros(1)).item() == np.float16(3e4)


# --- what is refused -----------------------------------------------------------------------------

NAN = np.full((6, 4), np.nan)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.cross_entropy(Z, ROWS * 2), DataError, r"targets: expected numbers from 0 to 1"),
        (lambda: F.cross_entropy(Z, -ROWS), DataError, r"targets: expected numbers from 0 to 1"),
        (lambda: F.cross_entropy(Z, NAN), DataError, r"received nan in 24 of 24 places"),
        (
            lambda: F.cross_entropy(Z, ROWS, ignore_index=1),
            ConfigError,
            r"None beside probabilities",
        ),
        (lambda: F.cross_entropy(Z, LABELS, -WEIGHT), DataError, r"weight: expected"),
        (lambda: F.cross_entropy(Z, LABELS, WEIGHT[:3]), ShapeError, r"one weight for each class"),
        (lambda: F.cross_entropy(Z, LABELS, label_smoothing=1.1), ConfigError, r"label_smoothing"),
        (lambda: F.cross_entropy(Z, LABELS, ignore_index=1.5), ConfigError, r"expected an integer"),
        (
            lambda: F.cross_entropy(Z, LABELS, reduction="avg"),
            ConfigError,
            r"expected one of 'mean'",
        ),
        (lambda: F.cross_entropy(Z * 1j, LABELS), DTypeError, r"real numbers; received complex128"),
        (
            lambda: F.cross_entropy(Z, np.full(6, -100)),
            DataError,
            r"received -100\. Count classes from 0, or pass ignore_index=-100",
        ),
        (lambda: F.nll_loss(-abs(Z), LABELS * 1.0), DTypeError, r"labels are integers"),
        (lambda: F.nll_loss(ROWS, LABELS), DataError, r"at most .* Put log_softmax before it"),
        (lambda: F.nll_loss(NAN, LABELS), DataError, r"log-probabilities: .* nan"),
        (lambda: F.nll_loss(Z, ROWS), ShapeError, r"integer labels of shape \(6,\)"),
        (lambda: F.multi_margin_loss(Z, LABELS, 3), ConfigError, r"p: expected one of 1, 2"),
        (lambda: F.multi_margin_loss(Z[None], LABELS), ShapeError, r"no batch of scores"),
        (lambda: F.hinge_loss(Z, Z > 0), DataError, r"Of 0 and 1 make 2 \* targets - 1"),
        (lambda: F.hinge_loss(Z, NAN), DataError, r"expected −1 and 1; received nan"),
        (lambda: F.binary_cross_entropy(Z, ROWS), DataError, r"Put a sigmoid before it"),
        (lambda: F.binary_cross_entropy(NAN, ROWS), DataError, r"received nan"),
        (lambda: F.binary_cross_entropy(ROWS, Z), DataError, r"targets: expected numbers"),
        (lambda: F.binary_cross_entropy(ROWS, ROWS, Z), DataError, r"weight: expected"),
        (
            lambda: F.binary_cross_entropy(ROWS, ROWS, np.ones((2, 6, 4))),
            ShapeError,
            r"broadcasts to \(6, 4\)",
        ),
        (
            lambda: F.binary_cross_entropy_with_logits(Z, ROWS, pos_weight=-1.0),
            DataError,
            r"pos_weight: expected",
        ),
        (lambda: F.kl_div(ROWS, ROWS), DataError, r"Pass logarithms of probabilities"),
        (lambda: F.kl_div(-ROWS, ROWS, log_target=True), DataError, r"log targets: expected"),
        (lambda: F.kl_div(-ROWS, -ROWS), DataError, r"targets: expected numbers"),
        (lambda: F.kl_div(-ROWS, ROWS, reduction="max"), ConfigError, r"'batchmean'"),
        (lambda: F.huber_loss(Z, Z, 0), ConfigError, r"huber_loss: delta"),
        (lambda: F.smooth_l1_loss(Z, Z, -1), ConfigError, r"smooth_l1_loss: beta"),
        (lambda: F.l1_loss(Z, Z[0]), ShapeError, r"Expected one shape"),
        (lambda: F.mse_loss(Z, Z * 1j), DTypeError, r"received complex128"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_rows_that_are_above_1_by_rounding_are_probabilities():
    F.cross_entropy(Z[:1], np.array([[1 + 2**-51, 0, 0, 0]]))


def test_whole_numbers_as_scores_are_taken_in_double_precision():
    close(
        F.cross_entropy([[1, 0], [0, 2]], [0, 1]),
        F.cross_entropy(np.diag([1.0, 2]), [0, 1]).numpy(),
    )
    assert F.mse_loss([1, 2], [0, 0]).dtype == np.float64


@pytest.mark.parametrize(
    "mean",
    [
        lambda z, y: F.cross_entropy(z, y),
        lambda z, y: F.cross_entropy(z, np.eye(2)[y]),
        lambda z, y: F.cross_entropy(z, y, [1.0, 1.0], label_smoothing=0.1),
        lambda z, y: F.cross_entropy(z, y, ignore_index=0),
        lambda z, y: F.nll_loss(z - np.float16(1e4), y),
        lambda z, y: F.multi_margin_loss(z, y),
        lambda z, y: F.hinge_loss(z, 2 * np.eye(2)[y] - 1),
        lambda z, y: F.binary_cross_entropy_with_logits(z, np.eye(2)[y]),
        lambda z, y: F.kl_div(z - np.float16(1e4), np.eye(2)[y]),
        lambda z, y: F.mse_loss(z / np.float16(50), 0 * z),
        lambda z, y: F.squared_error(z / np.float16(100), 0 * z),
        lambda z, y: F.l1_loss(z, 0 * z),
        lambda z, y: F.huber_loss(z, 0 * z),
        lambda z, y: F.smooth_l1_loss(z, 0 * z),
    ],
)
def test_a_mean_of_float16_does_not_overflow_where_its_sum_does(mean):
    z, y = np.array([[1e4, -1e4]] * 20, np.float16), np.ones(20, int)
    with np.errstate(over="raise"):
        found = mean(z, y)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found.item(), mean(z.astype(np.float64), y).item(), rtol=3e-3)
