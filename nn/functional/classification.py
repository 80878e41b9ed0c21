"""Divergences of scores of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.context import CONTEXT
from autograd_core.errors import CaptureError, DataError, DTypeError, ShapeError

from ..inputs import as_dtype_of, as_numbers

__all__ = ["cross_entropy"]


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> ag.Tensor:
    """Mean over the batch of −Σ_c y_c log softmax(z)_c, in nats.

    Parameters
    ----------
    logits : array_like, shape (B, C)
        Scores before the softmax.
    targets : array_like, shape (B,) of int, or shape (B, C)
        Class labels in 0 … C−1; or one row of probabilities per input (one-hot or soft).

    Returns
    -------
    Tensor, shape ()
        0 for certain and right answers, log C for uniform ones.

    Raises
    ------
    ShapeError
        If shapes do not fit, or the batch is empty.
    DTypeError
        If labels of shape (B,) are not integers.
    DataError
        If a label is outside 0 … C−1; in a compiled step, at each run of it. Not checked in a trace,
        where labels have no values.

    Notes
    -----
    Computed by the shifted log-sum-exp, so large logits do not overflow. The gradient is
    (softmax(z) − y)/B where each row of y sums to 1; in general (softmax(z) Σ_c y_c − y)/B.

    References
    ----------
    [Mini Batches] for the mean over the batch.

    Examples
    --------
    >>> import numpy as np, nn
    >>> loss = nn.functional.cross_entropy(np.zeros((2, 4)), np.array([0, 3]))
    >>> bool(np.isclose(loss.numpy(), np.log(4)))
    True
    """
    logits, targets = as_numbers(logits), as_numbers(targets)
    if logits.ndim != 2 or logits.shape[0] == 0 or logits.shape[1] == 0:
        raise ShapeError(
            "cross_entropy",
            "the logits are no batch of scores. Expected shape (batch, classes), "
            f"both at least 1; received {logits.shape}.",
        )
    batch, classes = logits.shape
    if targets.shape == (batch,):
        _check_labels(targets, classes)
        return ag.sum(ag.softmax_cross_entropy(logits, targets)) / batch
    if targets.shape != logits.shape:
        raise ShapeError(
            "cross_entropy",
            "the targets do not fit the logits. Expected integer labels of shape "
            f"({batch},) or probabilities of shape {logits.shape}; received {targets.shape}.",
        )
    targets = as_dtype_of(targets, logits)
    if not isinstance(targets, ag.Tensor):  # used twice, and one array in a graph and its proof
        targets = ag.tensor(targets)
    # 0 log 0 = 0: a class of probability 0 may have the logit -inf.
    return -ag.sum(ag.still(targets * ag.log_softmax(logits, axis=1), targets)) / batch


def _check_labels(targets: Any, classes: Any) -> None:
    if targets.dtype.kind not in "iu":
        raise DTypeError(
            "cross_entropy",
            "labels are integers. Expected an integer dtype for targets of shape "
            f"{targets.shape}; received {targets.dtype}. Convert with .astype(np.int64), or pass "
            "probabilities of shape (batch, classes).",
        )
    if isinstance(classes, ag.Dim):
        return
    capture = CONTEXT.get().capture
    if capture is not None and capture.blind:  # checked at every run of the compiled step
        largest = ag.max(ag.cast(targets, np.uint64))  # as which negative ones are large
        known = ag.less(largest, classes)
        capture.check(known, lambda labels: _no_class(labels, classes), (targets,))
        return
    try:
        labels = np.asarray(targets)
    except CaptureError:  # traced: the labels will only be known when the program runs
        return
    # NumPy would read a label of −1 as the last class.
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise _no_class(labels, classes)


def _no_class(labels: Any, classes: int) -> DataError:
    low, high = int(labels.min()), int(labels.max())
    return DataError(
        "cross_entropy",
        f"a label is no class. Expected labels from 0 to {classes - 1} for "
        f"{classes} logits; received {low if low < 0 else high}. Count classes from 0.",
    )
