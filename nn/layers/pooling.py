"""Layers that make windows of their input one value each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_core as ag
from autograd_core.aliases import ArrayLike
from autograd_core.options import COUNT

from .. import functional
from ..contract import Example
from ..functional.convolutions import shortened
from ..functional.pooling import options_of_pooling, sizes_of_parts
from ..inputs import as_floats
from ..module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
]


class _Pool(Module):
    """What layers have in common that pool windows: options checked and shown.

    Attributes
    ----------
    axes : int
        Over how many axes the windows slide.
    defaults : tuple of (str, value)
        Options that a repr shows where they are not this, in order.
    """

    axes: int
    defaults: tuple[tuple[str, Any], ...]
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]

    def _sized(self, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[int, ...]:
        """Keep size, stride and padding; the dilation, checked."""
        name = type(self).__name__
        self.kernel_size, self.stride, self.padding, between = options_of_pooling(
            name, self.axes, kernel_size, stride, padding, dilation
        )
        return between

    def extra_repr(self) -> str:
        """Give the size, and what is not the default."""
        options = [shortened(self.kernel_size)]
        options += [] if self.stride == self.kernel_size else [f"stride={shortened(self.stride)}"]
        for name, default in self.defaults:
            value = shortened(getattr(self, name))
            options += [] if value == repr(default) else [f"{name}={value}"]
        return ", ".join(options)


class _MaxPool(_Pool):
    """Largest values; see `MaxPool1d` for the options."""

    defaults = (("padding", 0), ("dilation", 1), ("ceil_mode", False))

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.dilation = self._sized(kernel_size, stride, padding, dilation)
        self.ceil_mode = bool(ceil_mode)

    @property
    def _options(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode


class MaxPool1d(_MaxPool):
    """The largest value of each window of a sequence.

    Parameters
    ----------
    kernel_size : int
        K: how many places a window has.
    stride : int, optional
        s: how far apart windows begin. Default: K, so that they do not overlap.
    padding : int, at most half of kernel_size
        How far windows reach beyond the ends. What is there is no candidate.
    dilation : int
        How far apart the places of a window are.
    ceil_mode : bool
        Whether there is a last window that the end cuts short, if places are left over.

    Raises
    ------
    ConfigError
        If an option is outside its range.
    DTypeError
        When called with what is not made of floats.
    ShapeError
        When called with another rank, or with an input that no window fits.

    Notes
    -----
    Places that tie for the largest value share the derivative equally. (PyTorch gives all of it to the
    first.) The options are PyTorch's.

    References
    ----------
    Zhou and Chellappa (1988), Computation of optical flow using a neural network.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.MaxPool1d(3, stride=2, padding=1)(np.zeros((5, 4, 9))).shape
    (5, 4, 5)
    """

    axes = 1

    @classmethod
    def example(cls) -> Example:
        """Windows side by side; without a batch; overlapping, with holes, beyond the ends."""
        return Example(
            cls,
            (2,),
            calls=[[(3, 2, 7)], [(2, 7)]],
            variants=[
                {"stride": 3, "ceil_mode": True},
                {"stride": 1, "padding": 1, "dilation": 2},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Take the largest values of windows of x.

        Parameters
        ----------
        x : array_like, shape (batch, channels, length) or (channels, length)

        Returns
        -------
        Tensor, shape (batch, channels, places) or (channels, places)
            As many as `nn.functional.max_pool1d` says; of the dtype of x.
        """
        return functional.max_pool1d(as_floats(x, self), *self._options)


class MaxPool2d(_MaxPool):
    """The largest value of each window of an image.

    Parameters
    ----------
    kernel_size : int or pair of int
        How many places a window has along each axis.
    stride : int or pair of int, optional
        How far apart windows begin. Default: kernel_size, so that they do not overlap.
    padding : int or pair of int, at most half of kernel_size
        How far windows reach beyond the ends. What is there is no candidate.
    dilation : int or pair of int
        How far apart the places of a window are.
    ceil_mode : bool
        Whether there is a last window that the end cuts short, if places are left over.

    Raises
    ------
    ConfigError
        If an option is outside its range.
    DTypeError
        When called with what is not made of floats.
    ShapeError
        When called with another rank, or with an input that no window fits.

    Notes
    -----
    Taken along the height and then along the width: where values tie, columns of the window share the
    derivative equally, and in each its places do. (PyTorch gives all of it to the first.) The options
    are PyTorch's.

    References
    ----------
    Zhou and Chellappa (1988), Computation of optical flow using a neural network.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.MaxPool2d(3, stride=2, padding=1)(np.zeros((5, 4, 9, 8))).shape
    (5, 4, 5, 4)
    """

    axes = 2

    @classmethod
    def example(cls) -> Example:
        """Windows side by side; without a batch; overlapping, with holes, beyond the ends."""
        return Example(
            cls,
            (2,),
            calls=[[(2, 1, 4, 5)], [(1, 4, 5)]],
            variants=[
                {"stride": 3, "ceil_mode": True},
                {"stride": 2, "padding": 1, "dilation": (1, 2)},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Take the largest values of windows of x.

        Parameters
        ----------
        x : array_like, shape (batch, channels, height, width) or (channels, height, width)

        Returns
        -------
        Tensor, shape (batch, channels, rows, columns) or (channels, rows, columns)
            As many as `nn.functional.max_pool1d` says; of the dtype of x.
        """
        return functional.max_pool2d(as_floats(x, self), *self._options)


class _AvgPool(_Pool):
    """Means; see `AvgPool1d` for the options."""

    ceil_mode: bool
    count_include_pad: bool

    @property
    def _options(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad


class AvgPool1d(_AvgPool):
    """The mean of each window of a sequence.

    Parameters
    ----------
    kernel_size : int
        K: how many places a window has.
    stride : int, optional
        s: how far apart windows begin. Default: K, so that they do not overlap.
    padding : int, at most half of kernel_size
        How many zeros stand at each side.
    ceil_mode : bool
        Whether there is a last window that the end cuts short, if places are left over.
    count_include_pad : bool
        Whether a mean counts the zeros of the padding. (As in PyTorch it does; in Keras it does not.)

    Raises
    ------
    ConfigError
        If an option is outside its range.
    DTypeError
        When called with what is not made of floats.
    ShapeError
        When called with another rank, or with an input that no window fits.

    Notes
    -----
    The options are PyTorch's.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AvgPool1d(3, stride=2, padding=1)(np.zeros((5, 4, 9))).shape
    (5, 4, 5)
    """

    axes = 1
    defaults = (("padding", 0), ("ceil_mode", False), ("count_include_pad", True))

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self._sized(kernel_size, stride, padding, 1)
        self.ceil_mode, self.count_include_pad = bool(ceil_mode), bool(count_include_pad)

    @classmethod
    def example(cls) -> Example:
        """Windows side by side; without a batch; overlapping, beyond the ends, counted or not."""
        return Example(
            cls,
            (2,),
            calls=[[(3, 2, 7)], [(2, 7)]],
            variants=[
                {"stride": 3, "ceil_mode": True},
                {"stride": 2, "padding": 1, "count_include_pad": False},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Take the means of windows of x.

        Parameters
        ----------
        x : array_like, shape (batch, channels, length) or (channels, length)

        Returns
        -------
        Tensor, shape (batch, channels, places) or (channels, places)
            As many as `nn.functional.max_pool1d` says; of the dtype of x.
        """
        return functional.avg_pool1d(as_floats(x, self), *self._options)


class AvgPool2d(_AvgPool):
    """The mean of each window of an image.

    Parameters
    ----------
    kernel_size : int or pair of int
        How many places a window has along each axis.
    stride : int or pair of int, optional
        How far apart windows begin. Default: kernel_size, so that they do not overlap.
    padding : int or pair of int, at most half of kernel_size
        How many zeros stand at each side.
    ceil_mode : bool
        Whether there is a last window that the end cuts short, if places are left over.
    count_include_pad : bool
        Whether a mean counts the zeros of the padding. (As in PyTorch it does; in Keras it does not.)
    divisor_override : int, optional
        Number that the sums are divided by, in the place of how many were added up.

    Raises
    ------
    ConfigError
        If an option is outside its range.
    DTypeError
        When called with what is not made of floats.
    ShapeError
        When called with another rank, or with an input that no window fits.

    Notes
    -----
    The options are PyTorch's.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AvgPool2d(3, stride=2, padding=1)(np.zeros((5, 4, 9, 8))).shape
    (5, 4, 5, 4)
    """

    axes = 2
    defaults = (
        ("padding", 0),
        ("ceil_mode", False),
        ("count_include_pad", True),
        ("divisor_override", None),
    )

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self._sized(kernel_size, stride, padding, 1)
        self.ceil_mode, self.count_include_pad = bool(ceil_mode), bool(count_include_pad)
        self.divisor_override = divisor_override
        if divisor_override is not None:
            self.divisor_override = COUNT.check("AvgPool2d: divisor_override", divisor_override)

    @classmethod
    def example(cls) -> Example:
        """Windows side by side; without a batch; overlapping, beyond the ends, counted or not."""
        return Example(
            cls,
            (2,),
            calls=[[(2, 1, 4, 5)], [(1, 4, 5)]],
            variants=[
                {"stride": 3, "ceil_mode": True},
                {"stride": 2, "padding": 1, "count_include_pad": False},
                {"padding": (1, 0), "divisor_override": 3},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Take the means of windows of x.

        Parameters
        ----------
        x : array_like, shape (batch, channels, height, width) or (channels, height, width)

        Returns
        -------
        Tensor, shape (batch, channels, rows, columns) or (channels, rows, columns)
            As many as `nn.functional.max_pool1d` says; of the dtype of x.
        """
        options = (*self._options, self.divisor_override)
        return functional.avg_pool2d(as_floats(x, self), *options)


class _AdaptivePool(Module):
    """Means of so many parts; see `AdaptiveAvgPool1d`."""

    axes: int

    def __init__(self, output_size: Any) -> None:
        self.output_size: Any = sizes_of_parts(type(self).__name__, self.axes, output_size)

    def extra_repr(self) -> str:
        """Give how many parts there are."""
        return shortened(self.output_size)


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means of so many parts of a sequence, whatever its length.

    Parameters
    ----------
    output_size : int
        How many parts there are. They overlap by a place where the length is no multiple of it.

    Raises
    ------
    ConfigError
        If ``output_size`` is outside its range.
    DTypeError
        When called with what is not made of floats.
    ShapeError
        When called with another rank, or with an empty axis.

    Notes
    -----
    Part i of I goes from ⌊i L / I⌋ up to ⌈(i + 1) L / I⌉, as in PyTorch.

    References
    ----------
    Lin, Chen and Yan (2014), Network in network, for the one that is global.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AdaptiveAvgPool1d(3)(np.zeros((5, 4, 9))).shape
    (5, 4, 3)
    """

    axes = 1

    @classmethod
    def example(cls) -> Example:
        """Parts of different sizes, and of one; without a batch, in one part."""
        return Example(cls, (3,), calls=[[(3, 2, 7)], [(3, 2, 6)], [(2, 7)]])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Take means of parts of x.

        Parameters
        ----------
        x : array_like, shape (batch, channels, length) or (channels, length)

        Returns
        -------
        Tensor, shape (batch, channels, places) or (channels, places)
            As many as output_size says; of the dtype of x.
        """
        return functional.adaptive_avg_pool1d(as_floats(x, self), self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means of so many parts of an image, whatever its size.

    Parameters
    ----------
    output_size : int, None or pair of int or None
        How many parts there are along each axis, which overlap by a place where its length is no
        multiple of it; None: as many as places. 1 is global average pooling.

    Raises
    ------
    ConfigError
        If ``output_size`` is outside its range.
    DTypeError
        When called with what is not made of floats.
    ShapeError
        When called with another rank, or with an empty axis.

    Notes
    -----
    Part i of I goes from ⌊i L / I⌋ up to ⌈(i + 1) L / I⌉, as in PyTorch.

    References
    ----------
    Lin, Chen and Yan (2014), Network in network, for the one that is global.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.AdaptiveAvgPool2d((1, 3))(np.zeros((5, 4, 9, 8))).shape
    (5, 4, 1, 3)
    """

    axes = 2

    @classmethod
    def example(cls) -> Example:
        """Parts of different sizes, and all places; parts of one size, without a batch."""
        return Example(cls, ((2, None),), calls=[[(3, 2, 5, 3)], [(2, 4, 3)]])

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Take means of parts of x.

        Parameters
        ----------
        x : array_like, shape (batch, channels, height, width) or (channels, height, width)

        Returns
        -------
        Tensor, shape (batch, channels, rows, columns) or (channels, rows, columns)
            As many as output_size says; of the dtype of x.
        """
        return functional.adaptive_avg_pool2d(as_floats(x, self), self.output_size)
