"""How inputs and outputs are written as numbers: one-hot rows, 0 and 1, ±1, and columns scaled to a range."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array, ArrayLike
from autograd_core.errors import ConfigError, DataError, DTypeError, ShapeError
from autograd_core.exchange import plain
from autograd_core.options import COUNT, FLOATS, SWITCH, Interval

from ._values import refuse_gaps

__all__ = ["Scaling", "one_hot", "plus_minus", "zero_one"]

_MOST = 2**31  # numbers of one-hot rows


def one_hot(
    labels: ArrayLike, classes: int | None = None, *, dtype: npt.DTypeLike = np.float32
) -> Array:
    """Class numbers as rows of zeros with a one at the class.

    Parameters
    ----------
    labels : array_like of int, shape (N,)
        From 0.
    classes : int, optional
        C. Left out, the largest label and 1: then every class must be there, or rows come out too short.
    dtype : dtype
        Of the rows.

    Returns
    -------
    ndarray, shape (N, C)

    Raises
    ------
    DTypeError
        If the labels are no integers.
    DataError
        If there are none, or one is below 0 or beyond the classes.

    See Also
    --------
    nn.functional.cross_entropy : takes the class numbers themselves.

    Examples
    --------
    >>> import nn
    >>> nn.data.one_hot([2, 0], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    kind = FLOATS.check("one_hot: dtype", dtype)
    found = _labels("one_hot", labels)
    largest = int(found.max())
    count = largest + 1 if classes is None else COUNT.check("one_hot: classes", classes)
    if found.min() < 0 or largest >= count:
        wrong = int(found.min()) if found.min() < 0 else largest
        raise DataError(
            "one_hot",
            f"a label is out of range. Expected 0 to {count - 1}; received {wrong}. Number the classes from 0: "
            "np.unique(labels, return_inverse=True)[1].",
        )
    if count * len(found) > _MOST:
        raise DataError(
            "one_hot",
            f"{len(found):,} rows of {count:,} classes are too many numbers. Expected up to {_MOST:,}. Number the "
            "classes anew: np.unique(labels, return_inverse=True)[1]; or use nn.Embedding.",
        )
    rows = np.zeros((len(found), count), kind)
    rows[np.arange(len(found)), found.astype(np.intp)] = 1
    return rows


def zero_one(labels: ArrayLike, *, dtype: npt.DTypeLike = np.float32) -> Array:
    """Two classes as 0 and 1 in a column: what a sigmoid with cross-entropy is compared with.

    Parameters
    ----------
    labels : array_like of int or bool, shape (N,)
        0 and 1, or −1 and 1.
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray, shape (N, 1)
        As the output of ``nn.Linear(…, 1)`` is.

    Raises
    ------
    DTypeError
        If the labels are no integers or booleans.
    DataError
        If there are none, or others than those two.

    Examples
    --------
    >>> import nn
    >>> nn.data.zero_one([-1, 1, 1]).ravel().tolist()
    [0.0, 1.0, 1.0]
    """
    kind = FLOATS.check("zero_one: dtype", dtype)
    return (_labels("zero_one", labels, two=True) > 0).astype(kind)[:, None]


def plus_minus(labels: ArrayLike, *, dtype: npt.DTypeLike = np.float32) -> Array:
    """Two classes as −1 and 1 in a column: what a tanh, and the playground, are compared with.

    Parameters
    ----------
    labels : array_like of int or bool, shape (N,)
        0 and 1, or −1 and 1.
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray, shape (N, 1)

    Raises
    ------
    DTypeError, DataError
        As for `zero_one`.

    Examples
    --------
    >>> import nn
    >>> nn.data.plus_minus([False, True]).ravel().tolist()
    [-1.0, 1.0]
    """
    kind = FLOATS.check("plus_minus: dtype", dtype)
    return np.where(_labels("plus_minus", labels, two=True) > 0, 1, -1).astype(kind)[:, None]


def _labels(operation: str, labels: ArrayLike, two: bool = False) -> Array:
    found = plain(operation, labels)
    if found.size == 0:
        raise DataError(operation, f"expected labels; received none, shape {found.shape}.")
    if found.dtype.kind not in ("iub" if two else "iu"):
        raise DTypeError(
            operation,
            f"the labels are no class numbers. Expected integers; received {found.dtype}. Names become numbers "
            "by np.unique(names, return_inverse=True)[1], floats by .astype(np.int64).",
        )
    if found.ndim != 1:
        raise ShapeError(
            operation,
            f"expected labels of shape (N,); received {found.shape}. Pass labels.ravel().",
        )
    if two and not (np.isin(found, (0, 1)).all() or np.isin(found, (-1, 1)).all()):
        raise DataError(
            operation,
            f"expected two classes, 0 and 1 or −1 and 1; received {np.unique(found)[:5].tolist()}. For more of "
            "them: nn.data.one_hot.",
        )
    return found


class Scaling(NamedTuple):
    """Columns moved and stretched so that what was ``low`` to ``high`` is ``to``.

    Fit it to the training part and use it for all parts: then a test part may lie beyond the range.

    Attributes
    ----------
    low, high : ndarray, shape of one input, or ()
    to : (float, float)

    See Also
    --------
    nn.data.Scaling.fit : reads ``low`` and ``high`` off data.

    Notes
    -----
    To mean 0 and variance 1 instead, as a layer that is saved with the model: `nn.InputNorm`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.array([[0.0, 5.0], [10.0, 5.0]])
    >>> scaling = nn.data.Scaling.fit(x, (-1, 1))
    >>> scaling(x).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    >>> scaling.back(scaling(x)).tolist() == x.tolist()
    True
    """

    low: Array
    high: Array
    to: tuple[float, float]

    @classmethod
    def fit(
        cls, x: ArrayLike, to: tuple[float, float] = (0.0, 1.0), *, by_column: bool = True
    ) -> Self:
        """The scaling that takes the least and the greatest values of ``x`` to the ends of ``to``.

        Parameters
        ----------
        x : array_like of floats or integers, shape (N, …)
            Training data.
        to : (float, float)
            Ascending.
        by_column : bool
            Whether each column has a range of its own; False takes one for all, as is right for pixels.

        Raises
        ------
        ConfigError
            If ``to`` does not ascend.
        DataError
            If ``x`` is empty or not finite.
        DTypeError
            If it is not made of real numbers.
        """
        low, high = _ends(to)
        values = _reals("Scaling.fit", x)
        if not values.size or not values.ndim:
            raise DataError("Scaling.fit", f"expected examples; received shape {values.shape}.")
        refuse_gaps("Scaling.fit", "x", values)
        with np.errstate(over="ignore"):
            wide = not np.isfinite(values.max() - values.min())
        if wide:
            raise DataError(
                "Scaling.fit",
                f"the range {values.min():g} to {values.max():g} is wider than float64. Expected one that it holds. "
                "Divide x by its size first.",
            )
        axis = 0 if SWITCH.check("Scaling.fit: by_column", by_column) else None
        return cls(np.array(values.min(axis)), np.array(values.max(axis)), (low, high))

    def __call__(self, x: ArrayLike) -> Array:
        """``x`` scaled; floats keep their dtype, integers become float32. A column without range is in the middle."""
        values = self._fitting("Scaling", x)
        width = self.high - self.low
        start, end = self.to
        share = np.where(width > 0, (values - self.low) / np.where(width > 0, width, 1), 0.5)
        return (start + (end - start) * share).astype(_kept(x))

    def back(self, x: ArrayLike) -> Array:
        """What was scaled, as it was."""
        start, end = self.to
        share = (self._fitting("Scaling.back", x) - start) / (end - start)
        return (self.low + (self.high - self.low) * share).astype(_kept(x))

    def _fitting(self, operation: str, x: ArrayLike) -> Array:
        values = _reals(operation, x)
        ndim = np.ndim(self.low)
        if ndim and values.shape[-ndim:] != np.shape(self.low):
            raise ShapeError(
                operation,
                f"expected shape (N, {', '.join(map(str, np.shape(self.low)))}), as what it was fitted to; "
                f"received {values.shape}.",
            )
        return values


def _ends(to: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(to, tuple | list) or len(to) != 2:
        raise ConfigError("Scaling", f"to: expected two numbers; received {to!r:.60}.")
    low, high = (Interval().check("Scaling: to", end) for end in to)
    if low >= high:
        raise ConfigError("Scaling", f"to: expected an ascending pair; received {to!r}.")
    return low, high


def _reals(operation: str, x: ArrayLike) -> Array:
    found = plain(operation, x)
    if found.dtype.kind not in "fiub":
        raise DTypeError(operation, f"expected real numbers; received {found.dtype}.")
    return found.astype(np.float64)


def _kept(x: ArrayLike) -> np.dtype:
    dtype = np.asarray(x).dtype
    return dtype.newbyteorder("=") if dtype.kind == "f" else np.dtype(np.float32)
