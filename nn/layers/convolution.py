"""Layers that slide kernels over their input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import Array, ArrayLike, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, FLOATS
from autograd_core.randomness import source_of

from .. import functional, initializers
from ..contract import Example
from ..functional.convolutions import (
    Padding,
    each,
    options_of,
    options_of_transposed,
    shortened,
)
from ..initializers.initializer import Initializer, parameter_from
from ..inputs import as_channels
from ..module import Module

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]


class _Kernels(Module):
    """What layers have in common that slide kernels over axes: parameters, and options checked and shown.

    Attributes
    ----------
    axes : int
        Over how many axes the kernels slide.
    """

    axes: int
    weight: ag.Tensor
    bias: ag.Tensor | None
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    groups: int
    seed: int | None

    def _sized(self, in_channels: int, out_channels: int, kernel_size: Any) -> str:
        """Keep the sizes; the layer's name, for messages."""
        name = type(self).__name__
        self.in_channels = COUNT.check(f"{name}: in_channels", in_channels)
        self.out_channels = COUNT.check(f"{name}: out_channels", out_channels)
        self.kernel_size = each(f"{name}: kernel_size", self.axes, kernel_size, COUNT)
        return name

    def _parameters(
        self,
        name: str,
        bias: bool,
        rng: RandomSource,
        dtype: npt.DTypeLike,
        weight_init: Initializer,
        bias_init: Initializer,
    ) -> None:
        """Draw the first values; the options are there."""
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ConfigError(
                name,
                f"groups: expected a divisor of in_channels={self.in_channels} and "
                f"out_channels={self.out_channels}; received {self.groups}.",
            )
        self.dtype = FLOATS.check(f"{name}: dtype", dtype)
        source = source_of(rng, name)
        self.seed, rng = source.seed, source.generator
        # A group is a convolution of its own: with fans of its own, and orthogonal by itself.
        inner, outer = self.in_channels // self.groups, self.out_channels // self.groups
        kernels = [
            parameter_from(
                weight_init, f"{name}: weight_init", (outer, inner, *self.kernel_size), rng, dtype
            ).numpy()
            for _ in range(self.groups)
        ]
        self.weight = ag.tensor(
            np.concatenate([self._as_kept(k) for k in kernels]), requires_grad=True
        )
        self.bias = None
        if bias:
            where, shape = f"{name}: bias_init", (self.out_channels,)
            self.bias = parameter_from(bias_init, where, shape, rng, dtype)

    @staticmethod
    def _as_kept(kernels: Array) -> Array:
        """Kernels of a group, (out, in, …), with their axes as the weight has them."""
        return kernels

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        options = [str(self.in_channels), str(self.out_channels), shortened(self.kernel_size)]
        for option, default in _DEFAULTS.items():
            value = shortened(getattr(self, option, default))
            options += [] if value == repr(default) else [f"{option}={value}"]
        options += ["bias=False"] if self.bias is None else []
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        options += [] if self.seed is None else [f"rng={self.seed}"]
        return ", ".join(options)


_DEFAULTS = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}


class _Convolution(_Kernels):
    """A convolution; see `Conv1d` for the options."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: Padding = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.he_normal,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        name = self._sized(in_channels, out_channels, kernel_size)
        self.stride, self.padding, self.dilation, self.groups = options_of(
            name, self.axes, stride, padding, dilation, groups
        )
        self._parameters(name, bias, rng, dtype, weight_init, bias_init)


class _Transposed(_Kernels):
    """A transposed convolution; see `ConvTranspose1d` for the options."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Sequence[int] = 1,
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.he_normal,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        name = self._sized(in_channels, out_channels, kernel_size)
        self.stride, self.padding, self.output_padding, self.groups, self.dilation = (
            options_of_transposed(
                name, self.axes, stride, padding, output_padding, groups, dilation
            )
        )
        self._parameters(name, bias, rng, dtype, weight_init, bias_init)

    @staticmethod
    def _as_kept(kernels: Array) -> Array:
        return np.swapaxes(kernels, 0, 1)


class Conv1d(_Convolution):
    """Kernels laid along a sequence: y[o, i] = b[o] + Σ_c Σ_k w[o, c, k] x[c, s i + d k − p].

    Every place has the same weights, so what is learned at one is known at all.

    Parameters
    ----------
    in_channels, out_channels : int
        Numbers of values at a place of input and output; multiples of ``groups``.
    kernel_size : int
        K: how many places an output sees.
    stride : int
        s: how far apart the places are at which the kernel is laid.
    padding : int, "same" or "valid"
        p: how many zeros stand at each end. "valid" is 0. "same" keeps the length, with the odd zero
        behind; for a stride of 1.
    dilation : int
        d: how far apart the elements of the kernel are.
    groups : int
        Output channels of each of so many groups see the input channels of their group alone:
        ``groups=in_channels`` is a depthwise convolution.
    bias : bool
        Whether to add b.
    rng : numpy.random.Generator or int, optional
        Source of the first weights: a generator, or a seed. Left out, a fresh seed is drawn; the repr
        shows it, and passing it gives the same weights again.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, bias_init : Initializer
        First values, see `nn.initializers`; of the kernels, for each group by itself. Default:
        `he_normal` and `zeros`.

    Attributes
    ----------
    weight : Tensor, shape (out_channels, in_channels / groups, kernel_size)
    bias : Tensor, shape (out_channels,), or None
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError
        If an option is outside its range, channels are no multiple of ``groups``, or padding is
        "same" with a stride.
    DTypeError
        If ``dtype`` is no float dtype.
    ShapeError
        When called with an input that has other channels, or is shorter than the kernel; or if an
        initializer returns another shape than it was asked for.

    Notes
    -----
    Names, shapes and sizes are PyTorch's, which draws U(−1/√fan_in, 1/√fan_in) for weight and bias
    and has other paddings than zeros, too; Keras has channels last and a weight of shape (K, in, out).

    References
    ----------
    LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition. [Other tricks]
    for the start.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Conv1d(2, 4, kernel_size=3, stride=2, padding=1, rng=0)
    >>> layer(np.zeros((5, 2, 9))).shape, layer.parameter_count()
    ((5, 4, 5), 28)
    """

    axes = 1

    @classmethod
    def example(cls) -> Example:
        """Two channels into four; a sequence without a batch; every option, odd ones together."""
        return Example(
            cls,
            (2, 4, 3),
            calls=[[(3, 2, 5)], [(2, 5)]],
            variants=[
                {"stride": 2, "padding": 1, "bias": False},
                {"padding": "same", "dilation": 2},
                {"stride": 3, "padding": 2, "dilation": 2, "groups": 2},
                {"weight_init": initializers.glorot_uniform, "bias_init": initializers.ones},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Lay the kernels along x.

        Parameters
        ----------
        x : array_like, shape (batch, in_channels, length) or (in_channels, length)

        Returns
        -------
        Tensor, shape (batch, out_channels, places) or (out_channels, places)
            places = ⌊(length + 2 p − d (K − 1) − 1) / s⌋ + 1; in the layer's dtype.
        """
        x = as_channels(x, self.in_channels, 1, self.dtype, self)
        return functional.conv1d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class Conv2d(_Convolution):
    """Kernels laid over an image: y[o, i, j] = b[o] + Σ_c Σ_k Σ_l w[o, c, k, l] x[c, s i + d k − p, s j + d l − p].

    Every place has the same weights, so what is learned at one is known at all.

    Parameters
    ----------
    in_channels, out_channels : int
        Numbers of values at a place of input and output; multiples of ``groups``.
    kernel_size : int or pair of int
        How many places an output sees along each axis.
    stride, dilation : int or pair of int
        s and d, see `Conv1d`; for both axes, or one for each.
    padding : int, pair of int, "same" or "valid"
        p: how many zeros stand at each side. "valid" is 0. "same" keeps height and width, with the
        odd zero behind; for a stride of 1.
    groups : int
        Output channels of each of so many groups see the input channels of their group alone:
        ``groups=in_channels`` is a depthwise convolution.
    bias : bool
        Whether to add b.
    rng : numpy.random.Generator or int, optional
        Source of the first weights: a generator, or a seed. Left out, a fresh seed is drawn; the repr
        shows it, and passing it gives the same weights again.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, bias_init : Initializer
        First values, see `nn.initializers`; of the kernels, for each group by itself. Default:
        `he_normal` and `zeros`.

    Attributes
    ----------
    weight : Tensor, shape (out_channels, in_channels / groups, *kernel_size)
    bias : Tensor, shape (out_channels,), or None
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError
        If an option is outside its range, channels are no multiple of ``groups``, or padding is
        "same" with a stride.
    DTypeError
        If ``dtype`` is no float dtype.
    ShapeError
        When called with an input that has other channels, or is smaller than the kernel; or if an
        initializer returns another shape than it was asked for.

    Notes
    -----
    Names, shapes and sizes are PyTorch's, which draws U(−1/√fan_in, 1/√fan_in) for weight and bias
    and has other paddings than zeros, too; Keras has channels last and a weight of shape
    (K, L, in, out), and its "same" allows a stride, with zeros whose number depends on the size.

    References
    ----------
    LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition. [Other tricks]
    for the start.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=1, rng=0)
    >>> layer(np.zeros((5, 3, 9, 8))).shape, layer.parameter_count()
    ((5, 8, 5, 4), 224)
    """

    axes = 2

    @classmethod
    def example(cls) -> Example:
        """Two channels into two; an image without a batch; every option, odd ones together."""
        return Example(
            cls,
            (2, 2, (2, 3)),
            calls=[[(3, 2, 3, 3)], [(2, 3, 3)]],
            variants=[
                {"stride": 2, "padding": 1, "bias": False},
                {"padding": "same", "dilation": (1, 2), "groups": 2},
                {"stride": (2, 3), "padding": (1, 2), "dilation": (3, 2)},
                {"weight_init": initializers.glorot_uniform, "bias_init": initializers.ones},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Lay the kernels over x.

        Parameters
        ----------
        x : array_like, shape (batch, in_channels, height, width) or (in_channels, height, width)

        Returns
        -------
        Tensor, shape (batch, out_channels, rows, columns) or (out_channels, rows, columns)
            rows = ⌊(height + 2 p − d (K − 1) − 1) / s⌋ + 1, and columns likewise; in the layer's dtype.
        """
        x = as_channels(x, self.in_channels, 2, self.dtype, self)
        return functional.conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class ConvTranspose1d(_Transposed):
    """Kernels laid at every place and added up: y[o, s i + d k − p] += w[c, o, k] x[c, i], and b[o].

    The transpose of `Conv1d` as a linear map: what upsamples by a stride, with weights that are learned.

    Parameters
    ----------
    in_channels, out_channels : int
        Numbers of values at a place of input and output; multiples of ``groups``.
    kernel_size : int
        K: over how many places a value is spread.
    stride : int
        s: how far apart the kernels are laid.
    padding : int
        p: how many places are taken off at each end.
    output_padding : int, less than stride or dilation
        How many places are added behind, of those that a stride leaves open.
    groups : int
        Output channels of each of so many groups come from the input channels of their group alone.
    bias : bool
        Whether to add b.
    dilation : int
        d: how far apart the elements of the kernel are.
    rng : numpy.random.Generator or int, optional
        Source of the first weights: a generator, or a seed. Left out, a fresh seed is drawn; the repr
        shows it, and passing it gives the same weights again.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, bias_init : Initializer
        First values, see `nn.initializers`. The fans are those of what is computed, for each group
        by itself: an output sums over in / groups · ∏ kernel inputs, with a stride of 1. Default:
        `he_normal` and `zeros`.

    Attributes
    ----------
    weight : Tensor, shape (in_channels, out_channels / groups, *kernel_size)
    bias : Tensor, shape (out_channels,), or None
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError
        If an option is outside its range, or channels are no multiple of ``groups``.
    DTypeError
        If ``dtype`` is no float dtype.
    ShapeError
        When called with an input that has other channels, or of which nothing is left; or if an
        initializer returns another shape than it was asked for.

    Notes
    -----
    Names, order of the options, shapes and sizes are PyTorch's, which takes for fan-in what is the
    fan-out here: it reads a weight's second axis for its inputs.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning. [Other tricks] for
    the start.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.ConvTranspose1d(
    ...     4, 2, kernel_size=3, stride=2, padding=1, output_padding=1, rng=0
    ... )
    >>> layer(np.zeros((5, 4, 6))).shape, layer.parameter_count()
    ((5, 2, 12), 26)
    """

    axes = 1

    @classmethod
    def example(cls) -> Example:
        """Two channels into four; a sequence without a batch; every option, odd ones together."""
        return Example(
            cls,
            (2, 4, 3),
            calls=[[(3, 2, 5)], [(2, 5)]],
            variants=[
                {"stride": 2, "padding": 1, "output_padding": 1, "bias": False},
                {"stride": 2, "padding": 1, "output_padding": 2, "dilation": 3, "groups": 2},
                {"weight_init": initializers.glorot_uniform, "bias_init": initializers.ones},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Lay the kernels along the places of x, and add up.

        Parameters
        ----------
        x : array_like, shape (batch, in_channels, length) or (in_channels, length)

        Returns
        -------
        Tensor, shape (batch, out_channels, places) or (out_channels, places)
            places = (length − 1) s − 2 p + d (K − 1) + output_padding + 1; in the layer's dtype.
        """
        x = as_channels(x, self.in_channels, 1, self.dtype, self)
        return functional.conv_transpose1d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )


class ConvTranspose2d(_Transposed):
    """Kernels laid at every place and added up: y[o, s i + d k − p, s j + d l − p] += w[c, o, k, l] x[c, i, j], and b[o].

    The transpose of `Conv2d` as a linear map: what upsamples by a stride, with weights that are learned.

    Parameters
    ----------
    in_channels, out_channels : int
        Numbers of values at a place of input and output; multiples of ``groups``.
    kernel_size : int or pair of int
        Over how many places a value is spread along each axis.
    stride : int or pair of int
        s: how far apart the kernels are laid.
    padding : int or pair of int
        p: how many places are taken off at each side.
    output_padding : int or pair of int, less than stride or dilation
        How many places are added behind, of those that a stride leaves open.
    groups : int
        Output channels of each of so many groups come from the input channels of their group alone.
    bias : bool
        Whether to add b.
    dilation : int or pair of int
        d: how far apart the elements of the kernel are.
    rng : numpy.random.Generator or int, optional
        Source of the first weights: a generator, or a seed. Left out, a fresh seed is drawn; the repr
        shows it, and passing it gives the same weights again.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, bias_init : Initializer
        First values, see `nn.initializers`. The fans are those of what is computed, for each group
        by itself: an output sums over in / groups · ∏ kernel inputs, with a stride of 1. Default:
        `he_normal` and `zeros`.

    Attributes
    ----------
    weight : Tensor, shape (in_channels, out_channels / groups, *kernel_size)
    bias : Tensor, shape (out_channels,), or None
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError
        If an option is outside its range, or channels are no multiple of ``groups``.
    DTypeError
        If ``dtype`` is no float dtype.
    ShapeError
        When called with an input that has other channels, or of which nothing is left; or if an
        initializer returns another shape than it was asked for.

    Notes
    -----
    Names, order of the options, shapes and sizes are PyTorch's, which takes for fan-in what is the
    fan-out here: it reads a weight's second axis for its inputs.

    References
    ----------
    Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning. [Other tricks] for
    the start.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.ConvTranspose2d(4, 2, kernel_size=4, stride=2, padding=1, rng=0)
    >>> layer(np.zeros((5, 4, 6, 7))).shape, layer.parameter_count()
    ((5, 2, 12, 14), 130)
    """

    axes = 2

    @classmethod
    def example(cls) -> Example:
        """Two channels into two; an image without a batch; every option, odd ones together."""
        return Example(
            cls,
            (2, 2, (2, 3)),
            calls=[[(3, 2, 2, 3)], [(2, 2, 3)]],
            variants=[
                {"stride": (2, 3), "padding": 1, "output_padding": 1, "bias": False},
                {"padding": (0, 1), "output_padding": (1, 0), "dilation": (2, 1), "groups": 2},
                {"weight_init": initializers.glorot_uniform, "bias_init": initializers.ones},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Lay the kernels over the places of x, and add up.

        Parameters
        ----------
        x : array_like, shape (batch, in_channels, height, width) or (in_channels, height, width)

        Returns
        -------
        Tensor, shape (batch, out_channels, rows, columns) or (out_channels, rows, columns)
            rows = (height − 1) s − 2 p + d (K − 1) + output_padding + 1, and columns likewise; in the layer's dtype.
        """
        x = as_channels(x, self.in_channels, 2, self.dtype, self)
        return functional.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )
