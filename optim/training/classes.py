"""How well classes are told apart: the table of confusions, and what is read off it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, DataError
from autograd_core.options import COUNT, Choice, Interval

from .metrics import Summed

__all__ = ["F1", "Accuracy", "Precision", "Recall", "confusion"]

Average = Literal["auto", "binary", "macro", "micro", "weighted"]


def confusion(
    outputs: Any,
    targets: Any,
    weights: Any = None,
    *,
    threshold: float | None = None,
    classes: int | None = None,
) -> Array:
    """How often an example of class i, its row, was taken for class j, its column.

    Parameters
    ----------
    outputs : array_like, shape (B, C), (B,) or (B, 1)
        Logits or probabilities of C classes; predicted class numbers (integers) of shape (B,); or with
        ``threshold`` one number each.
    targets : array_like, shape (B,), (B, 1) or (B, C)
        Class numbers, or one-hot rows.
    weights : array_like, shape (B,), optional
        What each example counts for; default: 1.
    threshold : float, optional
        A single output above it means class 1: 0.5 for probabilities, 0 for logits.
    classes : int, optional
        How many there are, where predicted class numbers are given; default: as many as occur.

    Returns
    -------
    ndarray, shape (C, C)
        Counts, int64; with weights their sums, float64.

    Raises
    ------
    DataError
        If the shapes are others, or a target is not a class number below C.

    Examples
    --------
    >>> confusion(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    """
    outputs, targets = (  # what is counted has no gradient that could be cut
        np.asarray(a.detach() if isinstance(a, ag.Tensor) else a) for a in (outputs, targets)
    )
    single = outputs.ndim == 1 or (outputs.ndim == 2 and outputs.shape[1] == 1)
    numbers = single and outputs.dtype.kind in "iu"
    if single and not numbers and threshold is None:
        raise DataError(
            "confusion",
            f"a single output, of shape {outputs.shape}, is a class only by a threshold. Pass threshold=0.5 for "
            "probabilities, 0.0 for logits.",
        )
    if not single and outputs.ndim != 2:
        raise DataError(
            "confusion", f"expected outputs of shape (B, C) or (B,); received {outputs.shape}."
        )
    if not single and targets.shape == outputs.shape:
        actual = targets.argmax(axis=1)
    elif targets.size == len(targets) == len(outputs):
        actual = targets.reshape(-1)
    else:
        raise DataError(
            "confusion",
            f"expected a target for each of {len(outputs)} outputs; received targets of shape {targets.shape}.",
        )
    count = outputs.shape[1] if not single else 2
    if numbers:
        predicted = outputs.reshape(-1)
        most = max((int(a.max()) + 1 for a in (predicted, actual) if a.size), default=1)
        count = most if classes is None else COUNT.check("confusion: classes", classes)
    else:
        predicted = outputs.reshape(-1) > threshold if single else outputs.argmax(axis=1)
    for name, given in (("outputs", predicted), ("targets", actual)):
        whole = given.astype(np.int64)
        if not np.array_equal(whole, given) or (whole < 0).any() or (whole >= count).any():
            bad = given[(whole != given) | (whole < 0) | (whole >= count)][0]
            raise DataError(
                "confusion",
                f"{name}: expected class numbers from 0 to {count - 1}; received {bad}.",
            )
    places = actual.astype(np.int64) * count + predicted.astype(np.int64)
    table: Array = np.bincount(places, weights, minlength=count * count).reshape(count, count)
    return table


class _OfClasses(Summed):
    """What is read off the table of confusions of all examples together.

    Parameters
    ----------
    threshold : float, optional
        For models with a single output: above it, it means class 1. 0.5 for probabilities, 0 for logits.
    """

    def __init__(self, *, threshold: float | None = None) -> None:
        if threshold is not None:
            threshold = Interval().check(f"{type(self).__name__}: threshold", threshold)
        self.threshold = threshold

    exact = True

    def sums(self, outputs: Array, targets: Array, weights: Array | None = None) -> Array:
        """The table of confusions."""
        if outputs.dtype.kind in "iu":
            raise DataError(
                type(self).__name__,
                f"expected logits or probabilities; received outputs of {outputs.dtype}. Class numbers are "
                "counted by optim.confusion.",
            )
        return confusion(outputs, targets, weights, threshold=self.threshold)

    _shown: ClassVar[tuple[str, ...]] = ("threshold",)

    def __repr__(self) -> str:
        given = [(name, getattr(self, name)) for name in self._shown]
        options = ", ".join(f"{n}={v!r}" for n, v in given if v not in (None, "auto"))
        return f"{type(self).__name__}({options})"


class Accuracy(_OfClasses):
    """Share of examples that are taken for what they are; `accuracy`, for a single output too.

    Parameters
    ----------
    threshold : float, optional
        For models with a single output: above it, it means class 1. 0.5 for probabilities, 0 for logits.

    Examples
    --------
    >>> Accuracy(threshold=0.0)(np.array([2.0, -1.0]), np.array([1, 1]))
    0.5
    """

    def value(self, sums: Array) -> float:
        """The diagonal's share."""
        return np.trace(sums) / sums.sum()


class _Averaged(_OfClasses):
    def __init__(self, average: Average = "auto", *, threshold: float | None = None) -> None:
        super().__init__(threshold=threshold)
        known = ("auto", "binary", "macro", "micro", "weighted")
        self.average = Choice(known).check(f"{type(self).__name__}: average", average)

    _shown = ("average", "threshold")

    def value(self, sums: Array) -> float:
        """Of class 1, or the average over classes."""
        hits, predicted, actual = np.diag(sums), sums.sum(axis=0), sums.sum(axis=1)
        binary = self.average == "binary" or (self.average == "auto" and len(sums) == 2)
        if binary and len(sums) != 2:
            raise ConfigError(
                f"{type(self).__name__}: average",
                f'"binary" is the value of class 1 of two. Expected two classes; there are {len(sums)}. '
                'Pass average="macro".',
            )
        if self.average == "micro":
            return self._of(hits.sum(keepdims=True), predicted.sum(), actual.sum())[0]
        each = self._of(hits, predicted, actual)
        if binary:
            return each[1]
        if self.average == "weighted":
            return np.average(each, weights=actual)
        return each[(predicted > 0) | (actual > 0)].mean()

    def _of(self, hits: Array, predicted: Any, actual: Any) -> Array:
        raise NotImplementedError


def _share(part: Array, whole: Any) -> Array:
    """A share; 0 of nothing."""
    whole = np.broadcast_to(np.asarray(whole, np.float64), part.shape)
    found: Array = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
    return found


class Precision(_Averaged):
    """Share of the examples taken for a class that are of it; 0 where none is taken for it.

    Parameters
    ----------
    average : {"auto", "binary", "macro", "micro", "weighted"}
        "binary": of class 1 of two. "macro": the mean over classes that occur or are predicted. "weighted":
        the mean by how many examples a class has. "micro": of all classes' counts together. "auto": "binary"
        of two classes, "macro" of more.
    threshold : float, optional
        For models with a single output: above it, it means class 1.

    Notes
    -----
    Over all examples together, not the mean of batches. The numbers are those of scikit-learn.

    Examples
    --------
    >>> outputs, targets = np.eye(2)[[1, 1, 0, 1]], np.array([1, 0, 1, 1])
    >>> [m(outputs, targets) for m in (Precision(), Recall(), F1())]
    [0.6666666666666666, 0.6666666666666666, 0.6666666666666666]
    """

    def _of(self, hits: Array, predicted: Any, actual: Any) -> Array:
        return _share(hits, predicted)


class Recall(_Averaged):
    """Share of the examples of a class that are taken for it; 0 where it has none. As `Precision`."""

    def _of(self, hits: Array, predicted: Any, actual: Any) -> Array:
        return _share(hits, actual)


class F1(_Averaged):
    """Harmonic mean of precision and recall, class by class: 2 TP / (2 TP + FP + FN). As `Precision`."""

    def _of(self, hits: Array, predicted: Any, actual: Any) -> Array:
        return _share(2 * hits, predicted + actual)
