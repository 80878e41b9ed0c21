"""Divergences of scores of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ConfigError, DataError, DTypeError, ShapeError
from autograd_core.ops.indexing import put_along_axis
from autograd_core.options import PROBABILITY, Choice, Interval

from ..inputs import (
    as_dtype_of,
    as_numbers,
    as_quantities,
    require,
    require_logarithms,
    require_within,
    rounded_up,
)
from .reduction import REDUCTION, Reduction, reduced

__all__ = [
    "cross_entropy",
    "hinge_loss",
    "multi_margin_loss",
    "nll_loss",
]

POWER = Choice((1, 2))


def cross_entropy(
    logits: ArrayLike,
    targets: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> ag.Tensor:
    """−Σ_c y_c log softmax(z)_c, in nats; the mean over the batch.

    Parameters
    ----------
    logits : array_like, shape (B, C, …)
        Scores before the softmax. Axes behind that of the classes are places, each of which has a
        target: those of a sequence or an image.
    targets : array_like, shape (B, …) of int, or shape (B, C, …)
        Class labels in 0 … C−1; or probabilities of the classes, in [0, 1] (one-hot or soft).
    weight : array_like, shape (C,), optional
        w_c ≥ 0, how much each class counts: the terms of the sum become w_c y_c log softmax(z)_c.
    ignore_index : int, optional
        A label that stands for no target: no loss and no gradient. Labels only.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of targets that are not ignored; where labels have weights, by
        the sum of the weights of those labels, as PyTorch does. "none" gives the loss of each target.
    label_smoothing : float, in [0, 1]
        s: targets become (1 − s) y + s/C, and weights count after that.

    Returns
    -------
    Tensor, shape (), or (B, …) for "none"
        0 for certain and right answers, log C for uniform ones.

    Raises
    ------
    ShapeError
        If shapes do not fit, or the batch is empty.
    DTypeError
        If labels of shape (B, …) are not integers.
    DataError
        If a label is outside 0 … C−1, a probability outside [0, 1] or nan, a weight negative or nan,
        or no target counts in a mean; in a compiled step, at each run of it. Not checked in a
        trace, where targets have no values.
    ConfigError
        If an option is outside its range, or probabilities are given with an ``ignore_index``.

    Notes
    -----
    Computed by the shifted log-sum-exp, so large logits do not overflow. The gradient is
    (softmax(z) − y)/B where each row of y sums to 1; in general (softmax(z) Σ_c y_c − y)/B.
    A class of probability 0, or of weight 0, may have the logit −∞.

    Smoothing and weights together: a label y has the loss (1 − s) w_y ℓ_y + s/C Σ_c w_c ℓ_c with
    ℓ_c = −log softmax(z)_c, and the mean divides by Σ w_y, of the labels before smoothing. One-hot
    rows in place of labels have the same losses, but their mean divides by B. Both are PyTorch's.
    PyTorch's ``ignore_index`` is −100 unless told otherwise; here no label is ignored unasked.

    References
    ----------
    [Mini Batches] for the mean over the batch; [General approach to training] for the sum. Szegedy et
    al. (2016), Rethinking the inception architecture, section 7, for the smoothing.

    Examples
    --------
    >>> import numpy as np, nn
    >>> loss = nn.functional.cross_entropy(np.zeros((2, 4)), np.array([0, 3]))
    >>> bool(np.isclose(loss.numpy(), np.log(4)))
    True
    """
    name = "cross_entropy"
    logits, targets = as_quantities(logits, name), as_numbers(targets)
    _check_scores(name, "logits", logits)
    REDUCTION.check(f"{name}: reduction", reduction)
    s = PROBABILITY.check(f"{name}: label_smoothing", label_smoothing)
    w = _class_weights(name, weight, logits)
    rows = (logits.shape[0], *logits.shape[2:])
    if targets.shape == rows:
        if logits.ndim == 2 and w is None and ignore_index is None and not s:
            _check_labels(name, targets, logits.shape[1])
            return reduced(name, ag.softmax_cross_entropy(logits, targets), reduction)
        log_p = ag.log_softmax(logits, axis=1)
        return _of_labels(name, log_p, targets, w, ignore_index, reduction, s)
    if targets.shape != logits.shape:
        raise ShapeError(
            name,
            f"the targets do not fit the logits. Expected integer labels of shape {rows} "
            f"or probabilities of shape {logits.shape}; received {targets.shape}.",
        )
    if ignore_index is not None:
        raise ConfigError(
            name,
            "ignore_index: expected None beside probabilities, of which none is a label; received "
            f"{ignore_index!r}. Set the weight of what is ignored to 0, or use reduction='none'.",
        )
    targets = as_dtype_of(targets, logits)
    if not isinstance(targets, ag.Tensor):  # used twice, and one array in a graph and its proof
        targets = ag.tensor(targets)
    _check_probabilities(name, "targets", targets)
    log_p = ag.log_softmax(logits, axis=1)
    counted = targets if w is None else _along(w, logits) * targets
    # 0 log 0 = 0: a class of probability 0 may have the logit -inf.
    losses = -ag.sum(ag.still(counted * log_p, counted), axis=1)
    return reduced(name, _smoothed(losses, log_p, w, s), reduction)


def nll_loss(
    log_probabilities: ArrayLike,
    targets: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> ag.Tensor:
    """−log p_y of the labels y, from logarithms of probabilities.

    Parameters
    ----------
    log_probabilities : array_like, shape (B, C, …)
        log p ≤ 0, such as `log_softmax` gives. That the p sum to 1 is not asked.
    targets : array_like, shape (B, …) of int
    weight, ignore_index, reduction
        See `cross_entropy`, which is this after `log_softmax`.

    Returns
    -------
    Tensor, shape (), or (B, …) for "none"

    Raises
    ------
    ShapeError, DTypeError, ConfigError
        As in `cross_entropy`.
    DataError
        As there; or if a log-probability is above 0, as probabilities and scores are, or nan.

    Notes
    -----
    PyTorch takes any numbers: of probabilities it gives minus a probability, which trains all the same.

    Examples
    --------
    >>> import numpy as np, nn
    >>> p = np.array([[0.5, 0.5], [0.25, 0.75]])
    >>> nn.functional.nll_loss(np.log(p), np.array([0, 0]), reduction="none").numpy().round(
    ...     4
    ... ).tolist()
    [0.6931, 1.3863]
    """
    name = "nll_loss"
    log_p, labels = as_quantities(log_probabilities, name), as_numbers(targets)
    _check_scores(name, "log-probabilities", log_p)
    rows = (log_p.shape[0], *log_p.shape[2:])
    if labels.shape != rows:
        raise ShapeError(
            name,
            f"the targets do not fit. Expected integer labels of shape {rows} beside "
            f"log-probabilities of shape {log_p.shape}; received {labels.shape}.",
        )
    w = _class_weights(name, weight, log_p)
    require_logarithms(
        log_p,
        name,
        "log-probabilities",
        "Put log_softmax before it, or use cross_entropy on the scores.",
    )
    return _of_labels(name, log_p, labels, w, ignore_index, reduction, 0.0)


def multi_margin_loss(
    output: ArrayLike,
    targets: ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    *,
    reduction: Reduction = "mean",
) -> ag.Tensor:
    """Hinge loss of classes: 1/C Σ_{j≠y} w_y max(0, m − z_y + z_j)^p for the label y.

    Parameters
    ----------
    output : array_like, shape (B, C)
        Scores z.
    targets : array_like, shape (B,) of int
        Labels y in 0 … C−1.
    p : {1, 2}
    margin : float
        m: by how much the score of y should be above every other.
    weight : array_like, shape (C,), optional
        w_c ≥ 0.
    reduction : {"mean", "sum", "none"}
        The mean divides by B, weights or not, as PyTorch's.

    Returns
    -------
    Tensor, shape (), or (B,) for "none"

    Raises
    ------
    ShapeError, DTypeError, DataError, ConfigError
        As in `cross_entropy`.

    Notes
    -----
    At the kink, where the margin is just kept, the derivative is 0.

    References
    ----------
    Crammer and Singer (2001), Weston and Watkins (1999). PyTorch's function of the same name.

    Examples
    --------
    >>> import numpy as np, nn
    >>> float(
    ...     nn.functional.multi_margin_loss(np.array([[2.0, 1.5, 0.0]]), np.array([0]))
    ...     .numpy()
    ...     .round(6)
    ... )
    0.166667
    """
    name = "multi_margin_loss"
    z, labels = as_quantities(output, name), as_numbers(targets)
    POWER.check(f"{name}: p", p)
    m = Interval().check(f"{name}: margin", margin)
    if z.ndim != 2 or 0 in z.shape:
        raise ShapeError(
            name,
            "the output is no batch of scores. Expected shape (batch, classes), both at least 1; "
            f"received {z.shape}.",
        )
    if labels.shape != z.shape[:1]:
        raise ShapeError(
            name,
            f"the targets do not fit. Expected integer labels of shape {z.shape[:1]} beside "
            f"scores of shape {z.shape}; received {labels.shape}.",
        )
    w = _class_weights(name, weight, z)
    _check_labels(name, labels, z.shape[1])
    column = ag.expand_dims(labels, 1)
    right = ag.take_along_axis(z, column, axis=1)
    own = put_along_axis(ag.cast(column * 0 + 1, z.dtype), column, axis=1, size=z.shape[1])
    over = (1 - own) * ag.relu(z - right + m)
    losses = ag.sum(over if p == 1 else ag.square(over), axis=1) / z.shape[1]
    return reduced(name, losses if w is None else ag.take(w, labels) * losses, reduction)


def hinge_loss(
    output: ArrayLike,
    targets: ArrayLike,
    p: int = 1,
    *,
    reduction: Reduction = "mean",
) -> ag.Tensor:
    """max(0, 1 − y f)^p, for a score f and a target y of −1 or 1.

    Parameters
    ----------
    output : array_like
        Scores f of any shape, not empty.
    targets : array_like, of the same shape
        −1 and 1.
    p : {1, 2}
        2 gives the squared hinge, which has no kink in its derivative.
    reduction : {"mean", "sum", "none"}
        The mean is over all elements.

    Returns
    -------
    Tensor, shape (), or that of the output for "none"

    Raises
    ------
    ShapeError
        If the shapes differ or are empty.
    DataError
        If a target is neither −1 nor 1 (Keras turns 0 into −1).
    ConfigError
        If an option is outside its range.

    References
    ----------
    Cortes and Vapnik (1995), Support-vector networks. Keras's ``Hinge``, scikit-learn's ``hinge_loss``;
    PyTorch's `hinge_embedding_loss` is another.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.hinge_loss(
    ...     np.array([0.5, 2.0]), np.array([1, 1]), reduction="none"
    ... ).numpy().tolist()
    [0.5, 0.0]
    """
    name = "hinge_loss"
    POWER.check(f"{name}: p", p)
    f, y = as_quantities(output, name), as_numbers(targets)
    if f.shape != y.shape or 0 in f.shape or not f.shape:
        raise ShapeError(
            name,
            "output and targets do not fit. Expected one shape (batch, …), not empty; "
            f"received {f.shape} and {y.shape}. Reshape the targets.",
        )

    def signs(y: Any) -> Any:
        return np.max(np.abs(np.abs(y * 1.0) - 1)) == 0

    def error(y: Any) -> DataError:
        bad = y[np.abs(y * 1.0) != 1]
        return DataError(
            name,
            f"targets: expected −1 and 1; received {bad[0]} in {bad.size} of {y.size} places. "
            "Of 0 and 1 make 2 * targets - 1.",
        )

    require(signs, error, y)
    over = ag.relu(1 - as_dtype_of(y, f) * f)
    return reduced(name, over if p == 1 else ag.square(over), reduction)


# --- parts ---------------------------------------------------------------------------------------


def checked_label(name: str, ignored: Any) -> int | None:
    """The label that stands for no target, if there is one.

    Raises
    ------
    ConfigError
        If it is no integer.
    """
    if ignored is None:
        return None
    if isinstance(ignored, bool) or not isinstance(ignored, int | np.integer):
        raise ConfigError(name, f"ignore_index: expected an integer or None; received {ignored!r}.")
    return int(ignored)


def _of_labels(
    name: str, log_p: Any, labels: Any, w: Any, ignored: Any, reduction: Reduction, s: float
) -> ag.Tensor:
    """−w_y log p_y for the labels, smoothed; and what is given of it."""
    REDUCTION.check(f"{name}: reduction", reduction)
    kept = None
    if checked_label(name, ignored) is not None:
        _check_dtype(name, labels)
        kept = ag.not_equal(labels, int(ignored))
        labels = ag.where(kept, labels, 0)
    _check_labels(name, labels, log_p.shape[1])
    chosen = ag.take_along_axis(log_p, ag.expand_dims(labels, 1), axis=1)
    losses = -ag.reshape(chosen, labels.shape)
    counts = None if w is None else ag.take(w, labels)
    if counts is not None:
        losses = ag.still(counts * losses, counts)
    losses = _smoothed(losses, log_p, w, s)
    if kept is not None:
        losses = ag.where(kept, losses, 0)
        counts = ag.cast(kept, log_p.dtype) if counts is None else ag.where(kept, counts, 0)
    if reduction != "mean" or counts is None:
        return reduced(name, losses, reduction)
    total = ag.mean(counts)  # over as many: means, which do not overflow in float16
    require(
        lambda n: n > 0,
        lambda n: DataError(
            name,
            "there is nothing to take a mean of: every target is ignored or has the weight 0. "
            "Expected one that counts; received none. Leave the batch out, or use reduction='sum'.",
        ),
        total,
    )
    return ag.mean(losses) / total


def _smoothed(losses: Any, log_p: Any, w: Any, s: float) -> Any:
    """(1 − s) of the loss, and s of the mean over all classes of what each would cost."""
    if not s:
        return losses
    each = -log_p if w is None else ag.still(-_along(w, log_p) * log_p, _along(w, log_p))
    return (1 - s) * losses + s * (ag.sum(each, axis=1) / log_p.shape[1])


def _along(w: Any, scores: Any) -> Any:
    """A number for each class, laid along the axis of the classes."""
    return ag.reshape(w, (w.shape[0], *[1] * (scores.ndim - 2)))


def _class_weights(name: str, weight: Any, scores: Any) -> Any:
    if weight is None:
        return None
    w = as_quantities(weight, name)
    if w.shape != (scores.shape[1],):
        raise ShapeError(
            name,
            f"expected one weight for each class, shape ({scores.shape[1]},); received {w.shape}.",
        )
    require_within(
        w, 0.0, np.finfo(w.dtype).max, name, "weight", "Weights say how much a class counts."
    )
    w = as_dtype_of(w, scores)
    return w if isinstance(w, ag.Tensor) else ag.tensor(w)


def _check_scores(name: str, what: str, scores: Any) -> None:
    if scores.ndim < 2 or 0 in scores.shape:
        raise ShapeError(
            name,
            f"the {what} are no batch of scores. Expected shape (batch, classes), or "
            f"(batch, classes, …) with a target for each place, all at least 1; received {scores.shape}.",
        )


def _check_probabilities(name: str, what: str, values: Any) -> None:
    # Rows that were divided by their sum may be above 1 by its rounding.
    require_within(
        values, 0.0, 1 + rounded_up(values), name, what, "They are probabilities of the classes."
    )


def _check_dtype(name: str, labels: Any) -> None:
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            name,
            "labels are integers. Expected an integer dtype for targets of shape "
            f"{labels.shape}; received {labels.dtype}. Convert with .astype(np.int64), or pass "
            "probabilities, with an axis for the classes.",
        )


def _check_labels(name: str, labels: Any, classes: Any) -> None:
    _check_dtype(name, labels)
    if isinstance(classes, ag.Dim):
        return

    def known(labels: Any) -> Any:
        # NumPy would read a label of −1 as the last class.
        return (np.min(labels) >= 0) & (np.max(labels) < classes)

    def error(labels: Any) -> DataError:
        low, high = int(labels.min()), int(labels.max())
        return DataError(
            name,
            f"a label is no class. Expected labels from 0 to {classes - 1} for "
            f"{classes} logits; received {low if low < 0 else high}. Count classes from 0"
            + (", or pass ignore_index=-100." if low == -100 else "."),
        )

    require(known, error, labels)
