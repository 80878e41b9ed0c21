"""What is measured beside the loss: a mean over examples, or a number of all of them together."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import DataError
from autograd_core.options import COUNT

__all__ = [
    "Metric",
    "Summed",
    "accuracy",
    "applies_by_default",
    "error_rate",
    "mean_absolute_error",
    "mean_squared_error",
    "takes_weights",
    "top_k",
]

Metric = Callable[..., Any]


class Summed:
    """A metric that is no mean over examples: sums over all of them, and a number made of the sums.

    Precision over a data set is not the mean of its batches' precisions, so what is carried from batch to
    batch is what adds up. Called like a function, it is that of one batch.

    Examples
    --------
    >>> class RootMeanSquare(Summed):
    ...     def sums(self, outputs, targets, weights=None):
    ...         squares = np.square(outputs - targets)
    ...         return np.array([squares.sum(), squares.size])
    ...
    ...     def value(self, sums):
    ...         return np.sqrt(sums[0] / sums[1])
    >>> RootMeanSquare()(np.array([1.0, 3.0]), np.array([0.0, 2.0]))
    1.0
    """

    exact: ClassVar[bool] = False
    """Whether sums without weights are of whole numbers, the same whatever is put together."""

    def sums(self, outputs: Array, targets: Array, weights: Array | None = None) -> Array:
        """What adds up over batches; ``weights`` are those of the examples, if they have any."""
        raise NotImplementedError

    def value(self, sums: Array) -> float:
        """The number that is made of the sums."""
        raise NotImplementedError

    def __call__(self, outputs: Array, targets: Array, weights: Array | None = None) -> float:
        """Of one batch alone."""
        return float(self.value(self.sums(outputs, targets, weights)))


class _Share(Summed):
    """The share of examples of which something is true, made of the function that says of which."""

    exact = True

    def __init__(self, true: Callable[..., Array]) -> None:
        functools.update_wrapper(self, true)
        self._true = true
        self.__name__ = true.__name__

    def sums(self, outputs: Array, targets: Array, weights: Array | None = None) -> Array:
        """Of how many it is true, and how many there are."""
        true = self._true(outputs, targets)
        if weights is None:
            return np.array([np.count_nonzero(true), len(true)])
        return np.array([weights[true].sum(), weights.sum()])

    def value(self, sums: Array) -> float:
        """The share."""
        return float(sums[0] / sums[1]) if sums[1] else math.nan

    def __reduce__(self) -> str:  # as a function is: by its name
        return self.__name__


@_Share
def error_rate(outputs: Array, targets: Array, weights: Array | None = None) -> Any:
    """Share of examples whose largest output is not the target class; in [0, 1].

    Parameters
    ----------
    outputs : ndarray, shape (B, C)
        Logits or probabilities of C ≥ 2 classes; of equal outputs the first counts.
    targets : ndarray, shape (B,) of int, or shape (B, C)
        Class numbers, or one-hot rows.
    weights : ndarray, shape (B,), optional
        What each example counts for; default: 1.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If the shapes are others.

    Examples
    --------
    >>> error_rate(np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]]), np.array([0, 1, 1]))
    0.3333333333333333
    """
    classes = _classes("error_rate", outputs, targets)
    return outputs.argmax(axis=1) != classes


@_Share
def accuracy(outputs: Array, targets: Array, weights: Array | None = None) -> Any:
    """Share of examples whose largest output is the target class: 1 − `error_rate`.

    Examples
    --------
    >>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0]))
    0.5
    """
    classes = _classes("accuracy", outputs, targets)
    return outputs.argmax(axis=1) == classes


def top_k(k: int) -> Metric:
    """The share of examples whose class is among those of the ``k`` largest outputs, as a metric.

    Of equal outputs the first counts more, so the top 1 is `accuracy`. By name: ``metrics=["top_5"]``.

    Raises
    ------
    ConfigError
        If ``k`` is not a positive integer.
    DataError
        When called, if there are fewer than ``k`` classes, or the shapes are not those of `error_rate`.

    Examples
    --------
    >>> top_k(2)(np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]]), np.array([1, 0]))
    0.5
    """
    k = COUNT.check("top_k: k", k)

    def top(outputs: Array, targets: Array) -> Array:
        classes = _classes(f"top_{k}", outputs, targets)
        if outputs.shape[1] < k:
            raise DataError(
                f"top_{k}",
                f"expected at least {k} classes; received outputs of shape {outputs.shape}.",
            )
        best = np.argsort(-outputs, axis=1, kind="stable")[:, :k]
        found: Array = (best == classes[:, None]).any(axis=1)
        return found

    top.__name__ = top.__qualname__ = f"top_{k}"
    return _Share(top)


def mean_squared_error(outputs: Array, targets: Array, weights: Array | None = None) -> float:
    """Mean of (y − d)² over outputs and examples."""
    return _mean_of("mean_squared_error", np.square, outputs, targets, weights)


def mean_absolute_error(outputs: Array, targets: Array, weights: Array | None = None) -> float:
    """Mean of |y − d| over outputs and examples."""
    return _mean_of("mean_absolute_error", np.abs, outputs, targets, weights)


def _mean_of(
    operation: str, of: Any, outputs: Array, targets: Array, weights: Array | None
) -> float:
    if outputs.shape != targets.shape:
        raise DataError(
            operation,
            f"expected outputs and targets of one shape; received {outputs.shape} and {targets.shape}. "
            "Reshape the targets: d[:, None], say.",
        )
    each = of(outputs - targets)
    return float(np.average(each.reshape(len(each), -1).mean(axis=1), weights=weights))


def _classes(operation: str, outputs: Array, targets: Array) -> Array:
    """The target classes, if these are outputs of several."""
    if (
        outputs.ndim != 2
        or outputs.shape[1] < 2
        or targets.shape not in (outputs.shape[:1], outputs.shape)
    ):
        raise DataError(
            operation,
            "expected outputs of shape (B, C), C at least 2, and targets of shape (B,) or "
            f"(B, C); received {outputs.shape} and {targets.shape}. Pass metrics={{}} for none, your own, or "
            "optim.Accuracy(threshold=0.5) for a single output.",
        )
    return targets.argmax(axis=1) if targets.ndim == 2 else targets


def takes_weights(metric: Metric) -> bool:
    """Whether a metric can weigh its examples: `Summed`, or a function with a parameter ``weights``."""
    if isinstance(metric, Summed):
        return True
    try:
        return "weights" in inspect.signature(metric).parameters
    except (TypeError, ValueError):  # a builtin says nothing
        return False


def applies_by_default(targets: Array) -> bool:
    """Whether targets look like class numbers: then the error rate is measured unasked."""
    return targets.ndim == 1 and targets.dtype.kind in "iu"
