"""Signals under the names of ``scipy.signal``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ops
from ..aliases import ArrayLike
from ..errors import ShapeError
from ..ops.views import Index
from ..options import Choice
from ..primitives import told
from ..tensors import Tensor
from .products import tensordot
from .shared import array_of, axes_of, axis_of

__all__ = ["convolve"]


@told
def convolve(
    a: ArrayLike,
    b: ArrayLike,
    mode: str = "full",
    *,
    axes: Sequence[Sequence[int]] | None = None,
    dot_axes: Sequence[Sequence[int]] = ((), ()),
) -> Tensor:
    """Convolution over axes: ``y[i] = Σ_j a[j] b[i - j]``; a contraction over sliding windows.

    Parameters
    ----------
    a, b : array_like
    mode : str
        "full": every place where the two overlap. "same": of these, as many as ``a`` has, from the
        middle. "valid": those where the smaller one lies inside the larger.
    axes : pair of sequences of int, optional
        Axes of ``a`` and of ``b`` to convolve over, as many. Default: all, of equal rank.
    dot_axes : pair of sequences of int
        Axes to sum products over, such as the channels of an image.

    Returns
    -------
    Tensor
        First the axes of ``a`` that are not named, then those of ``b``, then the convolved ones.

    Raises
    ------
    ShapeError
        If axes do not fit, or ("valid") neither operand lies inside the other.
    ConfigError
        If there is no such mode.
    """
    s, t = array_of("convolve", a), array_of("convolve", b)
    Choice(("full", "same", "valid")).check("convolve: mode", mode)
    if axes is None:
        if len(s.shape) != len(t.shape):
            raise ShapeError(
                "convolve",
                f"expected operands of equal rank; received shapes {s.shape} and {t.shape}. Name "
                "the axes with axes=.",
            )
        axes = (range(len(s.shape)),) * 2
    (left, right), (left_dot, right_dot) = (
        [
            [axis_of("convolve", n, x.shape) for n in part]
            for part, x in zip(pair, (s, t), strict=True)
        ]
        for pair in (axes, dot_axes)
    )
    for x, along, dotted in ((s, left, left_dot), (t, right, right_dot)):
        axes_of("convolve", (*along, *dotted), x.shape)  # none of them twice
    if len(left) != len(right) or len(left_dot) != len(right_dot):
        raise ShapeError(
            "convolve",
            f"expected as many axes of a as of b; received {axes!r:.60} and {dot_axes!r:.60}.",
        )
    sizes = [(s.shape[i], t.shape[j]) for i, j in zip(left, right, strict=True)]
    if any(0 in pair for pair in sizes):
        raise ShapeError("convolve", f"expected elements along every axis; received sizes {sizes}.")
    if mode == "valid" and any(k > n for n, k in sizes):
        if any(n > k for n, k in sizes):
            raise ShapeError(
                "convolve",
                f"in mode 'valid' one operand must lie inside the other; received sizes {sizes}.",
            )
        swapped = convolve(t, s, mode, axes=(right, left), dot_axes=(right_dot, left_dot))
        first = len(t.shape) - len(right) - len(right_dot)
        second = len(s.shape) - len(left) - len(left_dot)
        order = [*range(first, first + second), *range(first)]
        return ops.transpose(swapped, (*order, *range(first + second, len(swapped.shape))))
    return _sliding(s, t, mode, (left, left_dot), (right, right_dot))


def _sliding(s: Tensor, t: Tensor, mode: str, of_s: Any, of_t: Any) -> Tensor:
    (left, left_dot), (right, right_dot) = of_s, of_t
    rank = len(s.shape)
    more = {i: t.shape[j] - 1 for i, j in zip(left, right, strict=True)}
    if (
        mode != "valid"
    ):  # zeros around: of the places where the two overlap, "same" drops half of each end
        inside, padded = [], []
        for i, n in enumerate(s.shape):
            k = more.get(i, 0)
            start, end = (k - k // 2, k // 2) if mode == "same" else (k, k)
            inside.append(slice(start, start + n))
            padded.append(start + n + end)
        s = ops.embed(s, Index.of(tuple(inside)), tuple(padded))
    for i in left:
        s = ops.windows(s, i, more[i] + 1)
    turned = ops.flip(t, tuple(right)) if right else t
    y = tensordot(s, turned, ((*range(rank, rank + len(left)), *left_dot), (*right, *right_dot)))
    kept = [i for i in range(rank) if i not in left_dot]
    places = [kept.index(i) for i in left]
    others = [p for p in range(len(y.shape)) if p not in places]
    return ops.transpose(y, (*others, *places))
