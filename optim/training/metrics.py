"""What is measured beside the loss: ``metric(outputs, targets) -> number``, a mean over the batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import DataError

__all__ = ["Metric", "accuracy", "error_rate"]

Metric = Callable[[Array, Array], float]


def error_rate(outputs: Array, targets: Array) -> float:
    """Share of examples whose largest output is not the target class; in [0, 1].

    Parameters
    ----------
    outputs : ndarray, shape (B, C)
        Logits or probabilities of C ≥ 2 classes; of equal outputs the first counts.
    targets : ndarray, shape (B,) of int, or shape (B, C)
        Class numbers, or one-hot rows.

    Raises
    ------
    DataError
        If the shapes are others.

    Examples
    --------
    >>> error_rate(np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]]), np.array([0, 1, 1]))
    0.3333333333333333
    """
    if (
        outputs.ndim != 2
        or outputs.shape[1] < 2
        or targets.shape not in (outputs.shape[:1], outputs.shape)
    ):
        raise DataError(
            "error_rate",
            "expected outputs of shape (B, C), C at least 2, and targets of shape (B,) or "
            f"(B, C); received {outputs.shape} and {targets.shape}. Pass metrics={{}} for none, or your own.",
        )
    classes = targets.argmax(axis=1) if targets.ndim == 2 else targets
    return float(np.mean(outputs.argmax(axis=1) != classes))


def accuracy(outputs: Array, targets: Array) -> float:
    """Share of examples whose largest output is the target class: 1 − `error_rate`.

    Examples
    --------
    >>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
    0.5
    """
    return 1.0 - error_rate(outputs, targets)


def applies_by_default(targets: Array) -> bool:
    """Whether targets look like class numbers: then the error rate is measured unasked."""
    return targets.ndim == 1 and targets.dtype.kind in "iu"
