"""Sums over windows, weighted by kernels that are the same at every place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.context import private
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from autograd_core.ops.contractions import einsum_
from autograd_core.ops.views import Index, embed, overlap_add
from autograd_core.options import COUNT, Whole

from ..inputs import as_numbers

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

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


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> ag.Tensor:
    """Slide kernels over the last two axes.

    y[n, o, i, j] = b[o] + Σ_c Σ_k Σ_l w[o, c, k, l] x[n, c, s i + d k − p, s j + d l − p].

    A cross-correlation, as in every library of neural networks: kernels are not turned around.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Zero outside.
    weight : array_like, shape (O, C / groups, K, L)
        As in PyTorch.
    bias : array_like, shape (O,), optional
    stride, dilation : int or pair of int
        s and d, see `conv1d`; for both axes, or one for each.
    padding : int, pair of int, "same" or "valid"
        p: how many zeros stand at each side; see `conv1d`.
    groups : int
        The channels of input and output are cut into so many groups, and each group of outputs sees
        its own group of inputs alone; ``groups=C`` is a depthwise convolution.

    Returns
    -------
    Tensor, shape (N, O, I, J) or (O, I, J)
        I = ⌊(H + 2 p − d (K − 1) − 1) / s⌋ + 1, and J likewise.

    Raises
    ------
    ShapeError
        If shapes do not fit one another, the groups or the dilated kernel.
    DTypeError
        If an operand is not made of floats.
    ConfigError
        If an option is outside its range, or padding is "same" with a stride.

    Notes
    -----
    One contraction over a view of windows. The batch lies innermost in memory, in the result, too:
    layers that follow go through it in long runs.

    References
    ----------
    LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition; Chollet (2017),
    Xception: deep learning with depthwise separable convolutions.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x, weight = np.arange(9.0).reshape(1, 3, 3), np.array([[[[-1.0, 0.0], [0.0, 1.0]]]])
    >>> nn.functional.conv2d(x, weight).numpy().tolist()
    [[[4.0, 4.0], [4.0, 4.0]]]
    """
    return convolved("conv2d", 2, x, weight, bias, (stride, padding, dilation, groups))


def conv_transpose1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> ag.Tensor:
    """Lay a kernel at every place, times the value that is there, and add them up.

    y[n, o, s i + d k − p] = b[o] + Σ_c Σ_i Σ_k w[c, o, k] x[n, c, i]: the transpose of `conv1d` as a linear
    map, of the same stride, padding, dilation and groups.

    Parameters
    ----------
    x : array_like, shape (N, C, L) or (C, L)
    weight : array_like, shape (C, O / groups, K)
        As in PyTorch: that of the `conv1d` from O to C channels which it is the transpose of.
    bias : array_like, shape (O,), optional
    stride : int
        s: how far apart the kernels are laid.
    padding : int
        p: how many places are taken off at each end.
    output_padding : int, less than stride or dilation
        How many places are added behind: a convolution with a stride gives the same size to inputs
        of several, and this says which of them is meant.
    groups : int
        See `conv1d`.
    dilation : int
        d: how far apart the elements of the kernel are.

    Returns
    -------
    Tensor, shape (N, O, I) or (O, I)
        I = (L − 1) s − 2 p + d (K − 1) + output_padding + 1.

    Raises
    ------
    ShapeError
        If shapes do not fit one another or the groups, or nothing is left.
    DTypeError
        If an operand is not made of floats.
    ConfigError
        If an option is outside its range.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x, weight = np.array([[1.0, 2.0]]), np.array([[[1.0, 10.0, 100.0]]])
    >>> nn.functional.conv_transpose1d(x, weight, stride=2).numpy().tolist()
    [[1.0, 10.0, 102.0, 20.0, 200.0]]
    """
    return transposed(
        "conv_transpose1d", 1, x, weight, bias, (stride, padding, output_padding, groups, dilation)
    )


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> ag.Tensor:
    """Lay a kernel at every place, times the value that is there, and add them up: see `conv_transpose1d`.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
    weight : array_like, shape (C, O / groups, K, L)
    bias : array_like, shape (O,), optional
    stride, padding, output_padding, dilation : int or pair of int
        For both axes, or one for each.
    groups : int

    Returns
    -------
    Tensor, shape (N, O, I, J) or (O, I, J)
        I = (H − 1) s − 2 p + d (K − 1) + output_padding + 1, and J likewise.

    Raises
    ------
    ShapeError
        If shapes do not fit one another or the groups, or nothing is left.
    DTypeError
        If an operand is not made of floats.
    ConfigError
        If an option is outside its range.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.conv_transpose2d(np.ones((1, 1, 2)), np.ones((1, 1, 2, 2))).numpy().tolist()
    [[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]
    """
    return transposed(
        "conv_transpose2d", 2, x, weight, bias, (stride, padding, output_padding, groups, dilation)
    )


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


def options_of_transposed(
    operation: str,
    axes: int,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int, tuple[int, ...]]:
    """Stride, padding, output padding, groups, dilation of a transposed convolution, checked.

    Raises
    ------
    ConfigError
        If one is outside its range, or an output padding is no less than both stride and dilation.
    """
    steps = each(f"{operation}: stride", axes, stride, COUNT)
    between = each(f"{operation}: dilation", axes, dilation, COUNT)
    off = each(f"{operation}: padding", axes, padding, Whole())
    more = each(f"{operation}: output_padding", axes, output_padding, Whole())
    if any(n >= max(s, d) for n, s, d in zip(more, steps, between, strict=True)):
        raise ConfigError(
            operation,
            "output_padding: expected less than stride or dilation, which are "
            f"{stride} and {dilation}; received {output_padding!r}.",
        )
    return steps, off, more, COUNT.check(f"{operation}: groups", groups), between


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


def shortened(value: Any) -> str:
    """An option as it may be passed: one for all axes, where they have the same."""
    return repr(value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value)


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
    s, w = floats_of(operation, x), floats_of(operation, weight)
    lengths = ", ".join(["length"] * axes)
    if w.ndim != axes + 2 or 0 in w.shape or w.shape[0] % groups:
        raise ShapeError(
            operation,
            f"the weight holds no kernels. Expected shape (out, in / groups, {lengths}), not "
            f"empty, and out a multiple of groups={groups}; received {w.shape}.",
        )
    (out, inner), kernel = w.shape[:2], w.shape[2:]
    _check_channels(operation, s, inner * groups, axes, w.shape, groups)
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
    b = _bias(operation, bias, out)
    # What a rule will read has memory of its own: others may write into theirs before it does.
    w, copied = _in_groups(w, groups), any(n > 1 for n in kernel) or any(map(any, widths))
    y = s if copied else batch_last(s, axes)
    with private():
        if copied:
            # Without zeros, too: the copy lies in memory as it is gone through, many times.
            y = surrounded(batch_last(s, axes), widths)
        # (The last axis first: so those of the first are added up first, in the longer runs.)
        for axis in range(axes, 0, -1):
            y = ag.windows(y, axis, kernel[axis - 1], stride[axis - 1], dilation[axis - 1])
        # A group is a convolution of its own: an axis that both have, and that is not summed over.
        at, inside = "hwd"[:axes], "pqr"[:axes]
        y = _contracted(f"oc{inside},c{at}n{inside[::-1]}->o{at}n", w, y, groups)
        return batch_first(_moved(y, b), axes, s)


def transposed(
    operation: str,
    axes: int,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    options: tuple[Any, ...],
) -> ag.Tensor:
    """A transposed convolution over the last axes of ``x``; see `conv_transpose1d`."""
    stride, off, more, groups, dilation = options_of_transposed(operation, axes, *options)
    s, w = floats_of(operation, x), floats_of(operation, weight)
    lengths = ", ".join(["length"] * axes)
    if w.ndim != axes + 2 or 0 in w.shape or w.shape[0] % groups:
        raise ShapeError(
            operation,
            f"the weight holds no kernels. Expected shape (in, out / groups, {lengths}), not "
            f"empty, and in a multiple of groups={groups}; received {w.shape}.",
        )
    out, kernel = w.shape[1] * groups, w.shape[2:]
    _check_channels(operation, s, w.shape[0], axes, w.shape, groups)
    b = _bias(operation, bias, out)
    for size, *one in zip(s.shape[-axes:], kernel, stride, off, more, dilation, strict=True):
        k, step, less, added, between = one
        length = (size - 1) * step + between * (k - 1) + 1 + added
        if not isinstance(size, ag.Dim) and (size < 1 or length - 2 * less < 1):
            raise ShapeError(
                operation,
                f"nothing is left. Expected an input of one place or more, and less than {length} "
                f"places taken off; received a length of {size} and padding {off}.",
            )
    w, y = _in_groups(w, groups), batch_last(s, axes)  # in memory of their own: see `convolved`
    with private():
        at, inside = "hwd"[:axes], "pqr"[:axes]
        y = _contracted(f"co{inside},c{at}n->o{at}n{inside[::-1]}", w, y, groups)
        for axis in range(1, axes + 1):
            y = overlap_add(y, axis=axis, step=stride[axis - 1], dilation=dilation[axis - 1])
        kept = []
        behind = []
        for n, less, added in zip(y.shape[1:-1], off, more, strict=True):
            kept.append(slice(less, n - max(less - added, 0)))
            behind.append((0, max(added - less, 0)))
        if any(off):
            y = y[(slice(None), *kept)]
        if any(n for _, n in behind):
            y = surrounded(y, behind)
        return batch_first(_moved(y, b), axes, s)


def surrounded(y: ag.Tensor, widths: Sequence[tuple[int, int]]) -> ag.Tensor:
    """With so many zeros before and behind each axis but the first and the last."""
    lengths = y.shape[1:-1]
    inside = [slice(b, b + n) for n, (b, _) in zip(lengths, widths, strict=True)]
    shape = [b + n + a for n, (b, a) in zip(lengths, widths, strict=True)]
    index = Index.of((slice(None), *inside, slice(None)))
    return embed(y, index, (y.shape[0], *shape, y.shape[-1]))


def batch_last(x: Any, axes: int) -> ag.Tensor:
    """Shape (channels, *lengths, batch), from (batch, channels, *lengths) or without the batch.

    The batch runs fastest in memory, so that what goes through windows, forward and backward, does it
    in few and long runs.
    """
    if x.ndim == axes + 1:
        return ag.reshape(x, (*x.shape, 1))
    return ag.transpose(x, (*range(1, axes + 2), 0))


def batch_first(y: ag.Tensor, axes: int, x: Any) -> ag.Tensor:
    """The axes as ``x`` has them: the inverse of `batch_last`."""
    if x.ndim == axes + 1:
        return ag.reshape(y, y.shape[:-1])
    return ag.transpose(y, (axes + 1, *range(axes + 1)))


def floats_of(operation: str, x: ArrayLike) -> Any:
    """A Tensor, or an array, of floats.

    Raises
    ------
    DTypeError
        If it is made of something else.
    """
    x = as_numbers(x)
    if x.dtype.kind != "f":
        raise DTypeError(operation, f"expected floats; received {x.dtype}. Convert it first.")
    return x


def _check_channels(
    operation: str, x: Any, channels: int, axes: int, weight: tuple[int, ...], groups: int
) -> None:
    if x.ndim not in (axes + 1, axes + 2) or x.shape[-axes - 1] != channels:
        lengths = ", ".join(["length"] * axes)
        raise ShapeError(
            operation,
            f"the input does not fit the weight. Expected shape (batch, {channels}, "
            f"{lengths}), or without the batch, for a weight of shape {weight} and groups={groups}; "
            f"received {x.shape}.",
        )


def _bias(operation: str, bias: ArrayLike | None, out: int) -> Any:
    if bias is None:
        return None
    b = floats_of(operation, bias)
    if b.shape != (out,):
        raise ShapeError(operation, f"expected a bias of shape ({out},); received {b.shape}.")
    return b


def _moved(y: ag.Tensor, bias: Any) -> ag.Tensor:
    if bias is None:
        return y
    return y + ag.reshape(bias, (bias.shape[0], *[1] * (y.ndim - 1)))


def _in_groups(w: Any, groups: int) -> Any:
    return w if groups == 1 else ag.reshape(w, (groups, w.shape[0] // groups, *w.shape[1:]))


def _contracted(subscripts: str, w: Any, y: ag.Tensor, groups: int) -> ag.Tensor:
    """Kernels, in groups, and what they see, of which the first axis is cut into groups, each for itself."""
    if groups == 1:
        return einsum_(w, y, subscripts=subscripts)
    y = ag.reshape(y, (groups, y.shape[0] // groups, *y.shape[1:]))
    kernels, seen, result = subscripts.replace("->", ",").split(",")
    y = einsum_(w, y, subscripts=f"g{kernels},g{seen}->g{result}")
    return ag.reshape(y, (groups * y.shape[1], *y.shape[2:]))


def _widths(padding: tuple[int, ...] | Named, spans: Sequence[int]) -> list[tuple[int, int]]:
    """How many zeros stand before and behind each axis, for kernels that reach over ``spans``."""
    if padding == "same":
        return [((span - 1) // 2, span // 2) for span in spans]
    if isinstance(padding, str):
        return [(0, 0)] * len(spans)
    return [(n, n) for n in padding]
