"""Sums over windows, weighted by kernels that are the same at every place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.context import private
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from autograd_core.ops.contractions import einsum_
from autograd_core.options import COUNT, Whole

from ..inputs import as_numbers

__all__ = ["conv1d"]

Named = Literal["same", "valid"]
Padding = int | Sequence[int] | Named


def conv1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> ag.Tensor:
    """Slide kernels along the last axis: y[n, o, i] = b[o] + Σ_c Σ_k w[o, c, k] x[n, c, s i + d k − p].

    A cross-correlation, as in every library of neural networks: kernels are not turned around.

    Parameters
    ----------
    x : array_like, shape (N, C, L) or (C, L)
        Zero outside of 0 … L − 1.
    weight : array_like, shape (O, C / groups, K)
        As in PyTorch.
    bias : array_like, shape (O,), optional
    stride : int
        s: how far apart the places are at which the kernel is laid.
    padding : int, "same" or "valid"
        p: how many zeros stand at each end. "valid" is 0; "same" adds d (K − 1) zeros in all, the odd
        one behind, so that there are as many places as inputs; for a stride of 1.
    dilation : int
        d: how far apart the elements of the kernel are.
    groups : int
        The channels of input and output are cut into so many groups, and each group of outputs sees
        its own group of inputs alone.

    Returns
    -------
    Tensor, shape (N, O, I) or (O, I)
        I = ⌊(L + 2 p − d (K − 1) − 1) / s⌋ + 1.

    Raises
    ------
    ShapeError
        If shapes do not fit one another, the groups or the dilated kernel.
    DTypeError
        If an operand is not made of floats.
    ConfigError
        If an option is outside its range, or padding is "same" with a stride.

    References
    ----------
    LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition; Yu and Koltun
    (2016), Multi-scale context aggregation by dilated convolutions.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x, weight = np.array([[1.0, 2.0, 4.0, 7.0]]), np.array([[[-1.0, 1.0]]])
    >>> nn.functional.conv1d(x, weight).numpy().tolist()
    [[1.0, 2.0, 3.0]]
    >>> nn.functional.conv1d(x, weight, stride=2, padding=1).numpy().tolist()
    [[1.0, 2.0, -7.0]]
    """
    return convolved("conv1d", 1, x, weight, bias, (stride, padding, dilation, groups))


def options_of(
    operation: str, axes: int, stride: Any, padding: Any, dilation: Any, groups: Any
) -> tuple[tuple[int, ...], tuple[int, ...] | Named, tuple[int, ...], int]:
    """Stride, padding, dilation (an int for each axis) and groups, checked.

    Raises
    ------
    ConfigError
        If one is outside its range, or padding is "same" with a stride.
    """
    steps = each(f"{operation}: stride", axes, stride, COUNT)
    between = each(f"{operation}: dilation", axes, dilation, COUNT)
    parts = COUNT.check(f"{operation}: groups", groups)
    if not isinstance(padding, str):
        return steps, each(f"{operation}: padding", axes, padding, Whole()), between, parts
    if padding not in ("same", "valid"):
        raise ConfigError(
            operation,
            f"padding: expected an integer of 0 or more, 'same' or 'valid'; received {padding!r}.",
        )
    if padding == "same" and any(n != 1 for n in steps):
        raise ConfigError(
            operation,
            "padding='same' keeps the length, which a stride does not. Expected stride=1 "
            f"with it; received stride={stride!r}. Give the number of zeros as padding.",
        )
    return steps, "same" if padding == "same" else "valid", between, parts


def each(where: str, axes: int, value: Any, kind: Whole) -> tuple[int, ...]:
    """``value``, which is one for all axes or one for each, as an int for each.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if not isinstance(value, tuple | list):
        return (kind.check(where, value),) * axes
    if len(value) != axes:
        raise ConfigError(
            where, f"expected {kind}, or a sequence of {axes} such; received {value!r}."
        )
    return tuple(kind.check(where, one) for one in value)


def convolved(
    operation: str,
    axes: int,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    options: tuple[Any, ...],
) -> ag.Tensor:
    """A convolution over the last axes of ``x``; see `conv1d`."""
    stride, padding, dilation, groups = options_of(operation, axes, *options)
    s, w = _floats(operation, x), _floats(operation, weight)
    lengths = ", ".join(["length"] * axes)
    if w.ndim != axes + 2 or 0 in w.shape or w.shape[0] % groups:
        raise ShapeError(
            operation,
            f"the weight holds no kernels. Expected shape (out, in / groups, {lengths}), not "
            f"empty, and out a multiple of groups={groups}; received {w.shape}.",
        )
    (out, inner), kernel = w.shape[:2], w.shape[2:]
    if s.ndim not in (axes + 1, axes + 2) or s.shape[-axes - 1] != inner * groups:
        raise ShapeError(
            operation,
            f"the input does not fit the weight. Expected shape (batch, {inner * groups}, "
            f"{lengths}), or without the batch, for a weight of shape {w.shape} and groups={groups}; "
            f"received {s.shape}.",
        )
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    widths = _widths(padding, spans)
    for size, zeros, span in zip(s.shape[-axes:], widths, spans, strict=True):
        if not isinstance(size, ag.Dim) and size + sum(zeros) < span:
            raise ShapeError(
                operation,
                f"the kernel is longer than the input. Expected a length of {span} or more "
                f"(kernel {tuple(kernel)}, dilation {dilation}); received {size} and {sum(zeros)} zeros "
                "around it. Use a smaller kernel or more padding.",
            )
    if bias is not None:
        bias = _floats(operation, bias)
        if bias.shape != (out,):
            raise ShapeError(
                operation, f"expected a bias of shape ({out},); received {bias.shape}."
            )
    with private():
        y = s if s.ndim == axes + 2 else ag.reshape(s, (1, *s.shape))
        # The batch runs fastest: so there are few and long runs to be copied, forward and backward,
        # and one product for the whole batch.
        y = ag.transpose(y, (*range(1, axes + 2), 0))
        y = laid(y, kernel, stride, widths, dilation)
        # A group is a convolution of its own: an axis that both have, and that is not summed over.
        at, inside = "hwd"[:axes], "pqr"[:axes]
        seen, kernels, result = f"c{at}n{inside}", f"oc{inside}", f"o{at}n"
        if groups > 1:
            y = ag.reshape(y, (groups, inner, *y.shape[1:]))
            w = ag.reshape(w, (groups, out // groups, *w.shape[1:]))
            seen, kernels, result = f"g{seen}", f"g{kernels}", f"g{result}"
        y = einsum_(w, y, subscripts=f"{kernels},{seen}->{result}")
        if groups > 1:
            y = ag.reshape(y, (out, *y.shape[2:]))
        if bias is not None:
            y = y + ag.reshape(bias, (out, *[1] * axes, 1))
        y = ag.transpose(y, (axes + 1, *range(axes + 1)))
        return y if s.ndim == axes + 2 else ag.reshape(y, y.shape[1:])


def laid(
    x: ag.Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    widths: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> ag.Tensor:
    """What a kernel sees at each place: shape (channels, *places, batch, *kernel), of (channels, *lengths, batch).

    A view of ``x`` with zeros around it.
    """
    if any(n > 1 for n in kernel) or any(any(zeros) for zeros in widths):
        # Without zeros, too: its copy lies in memory as it is gone through, many times.
        x = ag.pad(x, [(0, 0), *widths, (0, 0)])
    for axis, options in enumerate(zip(kernel, stride, dilation, strict=True), start=1):
        x = ag.windows(x, axis, *options)
    return x


def _widths(padding: tuple[int, ...] | Named, spans: Sequence[int]) -> list[tuple[int, int]]:
    """How many zeros stand before and behind each axis, for kernels that reach over ``spans``."""
    if padding == "same":
        return [((span - 1) // 2, span // 2) for span in spans]
    if isinstance(padding, str):
        return [(0, 0)] * len(spans)
    return [(n, n) for n in padding]


def _floats(operation: str, x: ArrayLike) -> Any:
    x = as_numbers(x)
    if x.dtype.kind != "f":
        raise DTypeError(operation, f"expected floats; received {x.dtype}. Convert it first.")
    return x
