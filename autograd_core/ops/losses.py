"""What losses are made of: sums of half a dozen steps, each as one node."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..aliases import ArrayLike, Params
from ..dtypes import floating, widened
from ..errors import DTypeError, ShapeError
from ..kinds import Contract, Gather
from ..primitives import primitive
from ..shapes import Shape, broadcast
from ..shelves import ARRAYS

__all__ = ["softmax_cross_entropy", "squared_distance"]


def _scalar(a: Shape, b: Shape) -> Shape:
    broadcast(a, b)  # or an error
    return ()


def _pulled(xp: Any, g: Any, a: Any, b: Any) -> Any:
    return (g + g) * (a - b)


@primitive(
    Contract(_scalar, real=True),
    vjp=(lambda xp, g, y, a, b: _pulled(xp, g, a, b), lambda xp, g, y, a, b: _pulled(xp, g, b, a)),
    passes="scaled",
    meaning=lambda xp, a, b: xp.sum(xp.square(a - b), axis=None, keepdims=False),
    label="‖a − b‖²",
    cases=lambda c: [
        *((tuple(c.real(*s) for s in shapes), {}) for shapes in c.pairs),
        *(
            [((c.real(1100), c.real(1100)), {})] if c.numbers else ()
        ),  # which is summed in another way
    ],
)
def squared_distance(a: ArrayLike, b: ArrayLike) -> Any:
    """Sum of the squares of ``a - b``, over all elements; shapes broadcast.

    Parameters
    ----------
    a, b : array_like
        Integers in double precision, so that nothing wraps.

    Returns
    -------
    Tensor, shape ()
    """
    if a.dtype.kind == "f" or b.dtype.kind == "f":
        error = (a - b).reshape(-1)
    else:
        error = np.subtract(a, b, dtype=np.float64).reshape(-1)
    # The product takes half the time. Its rounding grows faster with the number of terms than that
    # of NumPy's pairwise sum, which it reaches at a thousand or so.
    # (That of float16 is summed in float32.)
    if error.size <= 1024 or error.dtype.char == "e":
        return error.dot(error)
    return np.add.reduce(np.square(error))


def _rows(logits: Shape, labels: Shape) -> Shape:
    if len(logits) != 2 or labels != logits[:1]:
        raise ShapeError("expected logits (batch, classes) and labels (batch,)")
    return labels


def _labelled(operands: Any, params: Params) -> Params:
    labels = operands[1]
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            "softmax_cross_entropy",
            f"labels are integers; received dtype {labels.dtype}. Convert "
            "them with .astype(np.int64).",
        )
    return params


def _softmax_minus_label(xp: Any, g: Any, y: Any, logits: Any, labels: Any) -> Any:
    rows = (logits.shape[0], 1)
    g, label = xp.reshape(g, shape=rows), xp.reshape(labels, shape=rows)
    softmax = xp.exp(logits - xp.logsumexp(logits, axis=(1,), keepdims=True))
    return g * softmax - xp.put_along_axis(g, label, axis=1, size=logits.shape[1])


def _negative_log_softmax(xp: Any, logits: Any, labels: Any) -> Any:
    label = xp.reshape(labels, shape=(logits.shape[0], 1))
    chosen = xp.take_along_axis(logits, label, axis=1)
    return xp.reshape(xp.logsumexp(logits, axis=(1,), keepdims=True) - chosen, shape=labels.shape)


@primitive(
    Gather(_rows, real=True),
    vjp=(_softmax_minus_label, None),
    passes="scaled",
    meaning=_negative_log_softmax,
    label="softmax cross-entropy",
    prepare=_labelled,
    cases=lambda c: [((c.real(c.M, c.N), c.labels(c.M, below=c.N)), {})],
)
def softmax_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> Any:
    """``-log(softmax(logits))`` at the label of each row; in nats, without overflow.

    Parameters
    ----------
    logits : array_like, shape (batch, classes)
    labels : array_like of int, shape (batch,), in [0, classes)
        As an index; negative ones count from the last class.

    Returns
    -------
    Tensor, shape (batch,)

    Raises
    ------
    ShapeError
        If shapes do not fit, or a label is out of range.
    DTypeError
        If labels are not integers.
    """
    _rows(logits.shape, labels.shape)
    wide = widened(logits.dtype)
    if wide != logits.dtype:
        y = ARRAYS.softmax_cross_entropy(logits.astype(wide), labels)
        return y.astype(floating(logits.dtype))
    total = ARRAYS.logsumexp(logits, axis=(1,), keepdims=False)
    return total - logits[np.arange(len(labels)), labels]
