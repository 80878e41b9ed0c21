"""Layers that slide kernels over their input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, FLOATS
from autograd_core.randomness import source_of

from .. import functional, initializers
from ..contract import Example
from ..functional.convolutions import Padding, each, options_of
from ..initializers.initializer import Initializer, parameter_from
from ..inputs import as_channels
from ..module import Module

__all__ = ["Conv1d"]


class Conv1d(Module):
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

    weight: ag.Tensor
    bias: ag.Tensor | None

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
        self.in_channels = COUNT.check("Conv1d: in_channels", in_channels)
        self.out_channels = COUNT.check("Conv1d: out_channels", out_channels)
        self.kernel_size = each("Conv1d: kernel_size", 1, kernel_size, COUNT)
        self.stride, self.padding, self.dilation, self.groups = options_of(
            "Conv1d", 1, stride, padding, dilation, groups
        )
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ConfigError(
                "Conv1d",
                f"groups: expected a divisor of in_channels={in_channels} and "
                f"out_channels={out_channels}; received {groups}.",
            )
        self.dtype = FLOATS.check("Conv1d: dtype", dtype)
        source = source_of(rng, "Conv1d")
        self.seed, rng = source.seed, source.generator
        # A group is a convolution of its own: with fans of its own, and orthogonal by itself.
        inner, outer = self.in_channels // self.groups, self.out_channels // self.groups
        kernels = [
            parameter_from(
                weight_init, "Conv1d: weight_init", (outer, inner, *self.kernel_size), rng, dtype
            ).numpy()
            for _ in range(self.groups)
        ]
        self.weight = ag.tensor(np.concatenate(kernels), requires_grad=True)
        self.bias = None
        if bias:
            where, shape = "Conv1d: bias_init", (self.out_channels,)
            self.bias = parameter_from(bias_init, where, shape, rng, dtype)

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

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        options = [str(self.in_channels), str(self.out_channels), str(*self.kernel_size)]
        for name, default in (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)):
            value = getattr(self, name)
            value = value[0] if isinstance(value, tuple) else value
            options += [] if value == default else [f"{name}={value!r}"]
        options += ["bias=False"] if self.bias is None else []
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        options += [] if self.seed is None else [f"rng={self.seed}"]
        return ", ".join(options)
