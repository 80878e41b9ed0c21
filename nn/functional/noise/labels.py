"""Targets with noise: classes taken for one another."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.errors import DataError, DTypeError, ShapeError
from autograd_core.options import COUNT

from ...inputs import require

__all__ = ["flip_labels"]


def flip_labels(targets: ArrayLike, shift: Any, classes: int) -> ag.Tensor:
    """Take each target for another class, so many further round: (y + k) mod C.

    Parameters
    ----------
    targets : array_like, shape (…,) of int, or (…, classes)
        Labels in 0 … C−1; or rows of probabilities (one-hot or soft), which are turned round by k.
    shift : array_like of int, shape (…,)
        k in 0 … C−1 for each target; 0 leaves it as it is.
    classes : int
        C.

    Returns
    -------
    Tensor, shape and dtype of targets

    Raises
    ------
    ShapeError
        If shapes do not fit.
    DTypeError
        If labels or shifts are no integers.
    DataError
        If a label is no class, where labels have values.

    References
    ----------
    [Data augmentation with Noise]: "adding noise to the … outputs".

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.flip_labels(np.array([0, 2, 1]), np.array([0, 1, 1]), 3).numpy().tolist()
    [0, 0, 2]
    """
    classes = COUNT.check("flip_labels: classes", classes)
    targets, shift = (v if isinstance(v, ag.Tensor) else np.asarray(v) for v in (targets, shift))
    if shift.dtype.kind not in "iu":
        raise DTypeError("flip_labels", f"expected whole numbers as shift; received {shift.dtype}.")
    if targets.shape == (*shift.shape, classes):
        places = ag.mod(np.arange(classes) - ag.expand_dims(ag.cast(shift, np.int64), -1), classes)
        return ag.take_along_axis(targets, places, -1)
    if targets.shape != shift.shape:
        raise ShapeError(
            "flip_labels",
            f"expected labels of the shape of shift, {shift.shape}, or rows of {classes} probabilities; "
            f"received {targets.shape}.",
        )
    if targets.dtype.kind not in "iu":
        raise DTypeError(
            "flip_labels",
            f"labels are integers. Expected an integer dtype; received {targets.dtype}. Convert with "
            f".astype(np.int64), or pass rows of {classes} probabilities.",
        )
    require(
        lambda y: (np.min(y) >= 0) & (np.max(y) < classes) if 0 not in y.shape else True,
        lambda y: _no_class(y, classes),
        targets,
    )
    # In int64: y + k is beyond what a narrow dtype holds of its classes.
    moved = ag.mod(ag.add(ag.cast(targets, np.int64), ag.cast(shift, np.int64)), classes)
    return ag.cast(moved, targets.dtype)


def _no_class(labels: Any, classes: int) -> DataError:
    wrong = labels[(labels < 0) | (labels >= classes)]
    return DataError(
        "flip_labels",
        f"a label is no class. Expected labels from 0 to {classes - 1}; received {int(wrong[0])}. Count "
        "classes from 0.",
    )
