"""Largest values and means of windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.context import private
from autograd_core.errors import CaptureError, ConfigError, ShapeError
from autograd_core.ops.views import places_of, reach_of
from autograd_core.options import COUNT, Whole

from .convolutions import batch_first, batch_last, each, floats_of

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "max_pool1d",
    "max_pool2d",
]


def max_pool1d(
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> ag.Tensor:
    """Take the largest value of each window: y[n, c, i] = max_k x[n, c, s i + d k − p].

    Parameters
    ----------
    x : array_like, shape (N, C, L) or (C, L)
    kernel_size : int
        K: how many places a window has.
    stride : int, optional
        s: how far apart windows begin. Default: K, so that they do not overlap.
    padding : int, at most half of K
        p: how far windows reach beyond either end. What is there is no candidate.
    dilation : int
        d: how far apart the places of a window are.
    ceil_mode : bool
        Whether there is a last window that the end cuts short, if places are left over. It begins
        inside, or in the padding in front of the first place.

    Returns
    -------
    Tensor, shape (N, C, I) or (C, I)
        I = ⌊(L + 2 p − d (K − 1) − 1) / s⌋ + 1; rounded up with ``ceil_mode``, unless the last window
        would begin behind the end. nan where a window has one.

    Raises
    ------
    ShapeError
        If the rank is another one, or no window fits.
    DTypeError
        If ``x`` is not made of floats.
    ConfigError
        If an option is outside its range.

    Notes
    -----
    Places that tie for the largest value share the derivative equally. (PyTorch gives all of it to the
    first. Both are in the subdifferential; the library's `ag.max` shares, too.)

    References
    ----------
    Zhou and Chellappa (1988), Computation of optical flow using a neural network.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.max_pool1d(np.array([[1.0, 3.0, 2.0, 5.0, 4.0]]), 2).numpy().tolist()
    [[3.0, 5.0]]
    >>> x = np.array([[1.0, 3.0, 2.0, 5.0, 4.0]])
    >>> nn.functional.max_pool1d(x, 3, stride=2, padding=1).numpy().tolist()
    [[3.0, 5.0, 5.0]]
    """
    return _pooled("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode, _largest)


def max_pool2d(
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> ag.Tensor:
    """Take the largest value of each window of height and width; see `max_pool1d` for the options.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding, dilation : int or pair of int
        For both axes, or one for each.
    ceil_mode : bool

    Returns
    -------
    Tensor, shape (N, C, I, J) or (C, I, J)

    Raises
    ------
    ShapeError
        If the rank is another one, or no window fits.
    DTypeError
        If ``x`` is not made of floats.
    ConfigError
        If an option is outside its range.

    Notes
    -----
    Taken along the height and then along the width. Where values tie, columns of the window that have
    the largest one share the derivative equally, and in each its places do: of four equal values each
    gets a quarter, of three a half and two quarters. (PyTorch gives all of it to the first. Both are in
    the subdifferential.)

    References
    ----------
    Zhou and Chellappa (1988), Computation of optical flow using a neural network.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.max_pool2d(np.arange(16.0).reshape(1, 4, 4), 2).numpy().tolist()
    [[[5.0, 7.0], [13.0, 15.0]]]
    """
    return _pooled("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode, _largest)


def avg_pool1d(
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> ag.Tensor:
    """Take the mean of each window.

    Parameters
    ----------
    x : array_like, shape (N, C, L) or (C, L)
    kernel_size : int
        K: how many places a window has.
    stride : int, optional
        How far apart windows begin. Default: K, so that they do not overlap.
    padding : int, at most half of K
        How many zeros stand at each end.
    ceil_mode : bool
        Whether there is a last window that the end cuts short, if places are left over; see
        `max_pool1d`. What it lacks beyond the padding is not counted.
    count_include_pad : bool
        Whether a mean counts the zeros of the padding. (As in PyTorch it does; in Keras it does not.)

    Returns
    -------
    Tensor, shape (N, C, I) or (C, I)
        As many places as `max_pool1d`.

    Raises
    ------
    ShapeError
        If the rank is another one, or no window fits.
    DTypeError
        If ``x`` is not made of floats.
    ConfigError
        If an option is outside its range.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.array([[2.0, 4.0, 6.0, 8.0]])
    >>> nn.functional.avg_pool1d(x, 3, stride=1, padding=1).numpy().tolist()
    [[2.0, 4.0, 6.0, 4.666666666666667]]
    >>> mean = nn.functional.avg_pool1d(x, 3, stride=1, padding=1, count_include_pad=False)
    >>> mean.numpy().tolist()
    [[3.0, 4.0, 6.0, 7.0]]
    """
    by = _mean(count_include_pad, None)
    return _pooled("avg_pool1d", 1, x, kernel_size, stride, padding, 1, ceil_mode, by)


def avg_pool2d(
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> ag.Tensor:
    """Take the mean of each window of height and width; see `avg_pool1d` for the options.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
    kernel_size, stride, padding : int or pair of int
        For both axes, or one for each.
    ceil_mode, count_include_pad : bool
    divisor_override : int, optional
        Number that the sums are divided by, in the place of how many were added up.

    Returns
    -------
    Tensor, shape (N, C, I, J) or (C, I, J)

    Raises
    ------
    ShapeError
        If the rank is another one, or no window fits.
    DTypeError
        If ``x`` is not made of floats.
    ConfigError
        If an option is outside its range.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.avg_pool2d(np.arange(16.0).reshape(1, 4, 4), 2).numpy().tolist()
    [[[2.5, 4.5], [10.5, 12.5]]]
    """
    if divisor_override is not None:
        divisor_override = COUNT.check("avg_pool2d: divisor_override", divisor_override)
    by = _mean(count_include_pad, divisor_override)
    return _pooled("avg_pool2d", 2, x, kernel_size, stride, padding, 1, ceil_mode, by)


def adaptive_avg_pool1d(x: ArrayLike, output_size: int | Sequence[int]) -> ag.Tensor:
    """Take means of so many parts, which cover the axis: part i goes from ⌊i L / I⌋ up to ⌈(i + 1) L / I⌉.

    Parameters
    ----------
    x : array_like, shape (N, C, L) or (C, L)
    output_size : int
        I. Parts overlap by a place where L is no multiple of it.

    Returns
    -------
    Tensor, shape (N, C, I) or (C, I)

    Raises
    ------
    ShapeError
        If the rank is another one, or the axis is empty.
    DTypeError
        If ``x`` is not made of floats.
    ConfigError
        If ``output_size`` is outside its range.

    Notes
    -----
    The parts are PyTorch's.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.adaptive_avg_pool1d(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), 2).numpy().tolist()
    [[2.0, 4.0]]
    """
    return _adapted("adaptive_avg_pool1d", 1, x, output_size)


def adaptive_avg_pool2d(x: ArrayLike, output_size: int | Sequence[int | None] | None) -> ag.Tensor:
    """Take means of so many parts of height and width, which cover them; see `adaptive_avg_pool1d`.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
    output_size : int, None or pair of int or None
        How many parts there are along each axis; None: as many as places.

    Returns
    -------
    Tensor, shape (N, C, I, J) or (C, I, J)

    Raises
    ------
    ShapeError
        If the rank is another one, or an axis is empty.
    DTypeError
        If ``x`` is not made of floats.
    ConfigError
        If ``output_size`` is outside its range.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.functional.adaptive_avg_pool2d(np.arange(16.0).reshape(1, 4, 4), (1, 2)).numpy().tolist()
    [[[6.5, 8.5]]]
    """
    return _adapted("adaptive_avg_pool2d", 2, x, output_size)


def options_of_pooling(
    operation: str, axes: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Size, stride, padding and dilation, for each axis, checked.

    Raises
    ------
    ConfigError
        If one is outside its range.
    """
    size = each(f"{operation}: kernel_size", axes, kernel_size, COUNT)
    step = size if stride is None else each(f"{operation}: stride", axes, stride, COUNT)
    beyond = each(f"{operation}: padding", axes, padding, Whole())
    between = each(f"{operation}: dilation", axes, dilation, COUNT)
    for k, p in zip(size, beyond, strict=True):
        if 2 * p > k:
            raise ConfigError(
                operation,
                f"padding: expected at most half of kernel_size={kernel_size}; received {padding!r}. "
                "Some window would have too few places of the input.",
            )
    return size, step, beyond, between


def sizes_of_parts(operation: str, axes: int, output_size: Any) -> tuple[int | None, ...]:
    """The number of parts of each axis, checked; None: as many as places.

    Raises
    ------
    ConfigError
        If one is outside its range.
    """
    where = f"{operation}: output_size"
    if axes > 1 and output_size is None:
        return (None,) * axes
    if axes > 1 and isinstance(output_size, tuple | list) and len(output_size) == axes:
        return tuple(None if n is None else COUNT.check(where, n) for n in output_size)
    return each(where, axes, output_size, COUNT)


class _Windows:
    """The windows of an axis, some of which may reach beyond it.

    Attributes
    ----------
    length : int or Dim
        Of the axis.
    size, step, dilation : int
        See `windows`.
    before : int
        How far the first one reaches beyond the front.
    number : int or Dim
        Of windows.
    """

    def __init__(
        self, length: Any, size: int, step: int, before: int, dilation: int, ceil: bool
    ) -> None:
        self.length, self.size, self.step, self.dilation = length, size, step, dilation
        self.before = before
        span = reach_of(size, dilation)
        padded = length + 2 * before
        self.number = places_of(padded + (step - 1 if ceil else 0), span, step)
        if ceil:
            behind = (self.number - 1) * step - length - before
            if isinstance(behind, ag.Dim):
                raise ShapeError(
                    f"whether a window begins behind a symbolic size {length} is not known"
                )
            if behind >= 0:  # it would have nothing but what is beyond the end
                self.number -= 1

    def beyond(self) -> Any:
        """How far the last one reaches beyond the end; negative, if it does not."""
        last = (self.number - 1) * self.step - self.before
        return last + reach_of(self.size, self.dilation) - self.length


def _largest(y: ag.Tensor, axis: int, seen: _Windows) -> list[ag.Tensor]:
    """The largest values of windows of an axis, in parts that stand one behind the other.

    A window that reaches beyond an end is a slice of its own: what is beyond is left out, not filled.
    """
    size, step, dilation = seen.size, seen.step, seen.dilation
    whole = (slice(None),) * axis

    def cut(i: int, start: Any, stop: Any) -> ag.Tensor:
        part = y[(*whole, slice(start, stop, dilation))]
        return ag.max(part, axis, keepdims=True)

    span, beyond = reach_of(size, dilation), seen.beyond()
    front = -(-seen.before // step)
    ends = max(-(-beyond // step), 0) if not isinstance(beyond, ag.Dim) else None
    if ends is None:
        raise ShapeError(f"which windows reach beyond a symbolic size {seen.length} is not known")
    parts = []
    inner = seen.number - front - ends
    if not isinstance(inner, ag.Dim) and inner < 0:  # some reach beyond both ends
        front, ends, inner = seen.number, 0, 0
    for i in range(front):
        start = i * step - seen.before
        start += -(start // dilation) * dilation if start < 0 else 0
        stop = i * step - seen.before + span
        parts.append(cut(i, start, stop))
    if isinstance(inner, ag.Dim) or inner > 0:
        first = front * step - seen.before
        last = seen.length if not ends else first + (inner - 1) * step + span
        middle = y if first == 0 and not ends else y[(*whole, slice(first, last))]
        parts.append(ag.max(ag.windows(middle, axis, size, step, dilation), -1))
    for i in range(ends):
        start = (seen.number - ends + i) * step - seen.before
        parts.append(cut(i, start, seen.length))
    return parts


Fold = Callable[[ag.Tensor, int, _Windows], list[ag.Tensor]]


def _mean(counted: bool, divisor: int | None) -> Fold:
    """The mean of windows of an axis; or, of the last one, their sums by a given number."""

    def fold(y: ag.Tensor, axis: int, seen: _Windows) -> list[ag.Tensor]:
        beyond = seen.beyond()
        if isinstance(beyond, ag.Dim):
            raise ShapeError(
                f"how many zeros stand behind a symbolic size {seen.length} is not known"
            )
        around = (seen.before, max(beyond, 0))
        sums = _sums(y, axis, seen, around)
        if divisor is not None:
            return [sums / divisor if axis == 1 else sums]
        inside = (seen.before, min(seen.before, around[1])) if counted else (0, 0)
        if inside == around:  # windows have equally many
            return [sums / seen.size]
        ones = ag.broadcast_to(ag.cast(1, y.dtype), (seen.length + sum(inside),))
        rest = tuple(all_ - some for all_, some in zip(around, inside, strict=True))
        counts = _sums(ones, 0, seen, rest)
        return [sums / ag.reshape(counts, (counts.shape[0], *[1] * (y.ndim - 1 - axis)))]

    return fold


def _sums(y: ag.Tensor, axis: int, seen: _Windows, zeros: tuple[int, int]) -> ag.Tensor:
    """Sums of windows of an axis with zeros around it."""
    if any(zeros):
        y = ag.pad(y, [zeros if i == axis else (0, 0) for i in range(y.ndim)])
    return ag.sum(ag.windows(y, axis, seen.size, seen.step, seen.dilation), -1)


def _pooled(
    operation: str,
    axes: int,
    x: ArrayLike,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    fold: Fold,
) -> ag.Tensor:
    """Windows of the last axes of ``x``, folded along one axis after the other."""
    options = options_of_pooling(operation, axes, kernel_size, stride, padding, dilation)
    s = image_of(operation, x, axes)
    for n, k, step, p, d in zip(s.shape[-axes:], *options, strict=True):
        if isinstance(n, ag.Dim):
            continue
        if n < 1 or n + 2 * p + (step - 1 if ceil_mode else 0) < reach_of(k, d):
            raise ShapeError(
                operation,
                f"a window is longer than the input. Expected a length of {reach_of(k, d)} or more "
                f"(size {k}, dilation {d}); received {n}, and padding {p}. Use smaller windows.",
            )
    with private():
        windows = [
            _Windows(n, size, step, before, between, bool(ceil_mode))
            for n, size, step, before, between in zip(s.shape[-axes:], *options, strict=True)
        ]
        return batch_first(_folded(batch_last(s, axes), 1, windows, fold), axes, s)


def _folded(y: ag.Tensor, axis: int, windows: Sequence[_Windows], fold: Fold) -> ag.Tensor:
    """Windows of an axis folded, and then those of the axes behind it; parts of it each for itself."""
    if not windows:
        return y
    parts = [_folded(part, axis + 1, windows[1:], fold) for part in fold(y, axis, windows[0])]
    return parts[0] if len(parts) == 1 else ag.concatenate(parts, axis)


def _adapted(operation: str, axes: int, x: ArrayLike, output_size: Any) -> ag.Tensor:
    """Means of parts of the last axes of ``x``."""
    numbers = sizes_of_parts(operation, axes, output_size)
    s = image_of(operation, x, axes)
    if 0 in s.shape[-axes:]:
        raise ShapeError(
            operation, f"an axis is empty. Expected places to average; received {s.shape}."
        )
    lengths = s.shape[-axes:]
    wanted = [
        (axis, parts)
        for axis, (n, parts) in enumerate(zip(lengths, numbers, strict=True), start=1)
        if parts is not None and parts != n
    ]
    if not wanted:
        return ag.identity(s)
    with private():
        y = batch_last(s, axes)
        for axis, parts in wanted:
            y = _means_of_parts(operation, y, axis, parts)
        return batch_first(y, axes, s)


def _means_of_parts(operation: str, y: ag.Tensor, axis: int, parts: int) -> ag.Tensor:
    """Means of so many parts of an axis."""
    n, whole = y.shape[axis], (slice(None),) * axis
    if isinstance(n, ag.Dim) or n % parts == 0:
        try:
            size = n // parts
        except CaptureError:
            raise ShapeError(
                operation,
                f"how {parts} parts lie in a symbolic size {n} is not known. Expected a multiple of "
                f"{parts}.",
            ) from None
        split = ag.reshape(y, (*y.shape[:axis], parts, size, *y.shape[axis + 1 :]))
        return ag.mean(split, axis + 1)
    ends = [(i * n // parts, -(-(i + 1) * n // parts)) for i in range(parts)]
    means = [ag.mean(y[(*whole, slice(a, b))], axis, keepdims=True) for a, b in ends]
    return ag.concatenate(means, axis)


def image_of(operation: str, x: ArrayLike, axes: int) -> Any:
    s = floats_of(operation, x)
    if s.ndim not in (axes + 1, axes + 2):
        lengths = ", ".join(["length"] * axes)
        raise ShapeError(
            operation,
            f"expected shape (batch, channels, {lengths}), or without the batch; received {s.shape}. "
            "Where channels are missing, put an axis for them in: x[:, None].",
        )
    return s
