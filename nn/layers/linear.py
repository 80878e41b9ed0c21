"""The fully connected layer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import autograd_core as ag
from autograd_core.aliases import ArrayLike, RandomSource
from autograd_core.errors import ShapeError
from autograd_core.options import COUNT, FLOATS
from autograd_core.randomness import source_of

from .. import functional, initializers
from ..contract import Example
from ..initializers.initializer import Initializer, parameter_from
from ..inputs import as_features
from ..module import Module

__all__ = ["Bilinear", "Linear"]


class Linear(Module):
    """Weighted sums of the inputs plus a bias: y = x W + b.

    Also known as dense or fully connected layer; the slides' z = Σ_j w_ji y_j + b_i
    [What each neuron computes].

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of input and output; from 1.
    bias : bool
        Whether to add b. A bias directly before batch norm has no effect and a zero gradient.
    rng : numpy.random.Generator or int, optional
        Source of the first weights: a generator, or a seed. Left out, a fresh seed is drawn; the repr
        shows it, and passing it gives the same weights again.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, bias_init : Initializer
        First values, see `nn.initializers`. Default: `he_normal` and `zeros`.

    Attributes
    ----------
    weight : Tensor, shape (in_features, out_features)
    bias : Tensor, shape (out_features,), or None
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError
        If a size is not a positive int, or ``rng`` is neither a generator nor a seed.
    DTypeError
        If ``dtype`` is no float dtype.
    ShapeError
        When called with an input whose last axis is not ``in_features``; or if an initializer
        returns another shape than it was asked for.

    Notes
    -----
    PyTorch keeps the transpose, a weight of shape (out_features, in_features), and draws
    U(−1/√in, 1/√in) for weight and bias; Keras has this layout and draws `glorot_uniform`.

    References
    ----------
    [What each neuron computes], [Other tricks]. He et al. (2015) for the default start.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Linear(3, 2, rng=np.random.default_rng(0))
    >>> layer(np.zeros((5, 3))).shape, layer.parameter_count()
    ((5, 2), 8)
    """

    weight: ag.Tensor
    bias: ag.Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.he_normal,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        name = type(self).__name__
        self.in_features = COUNT.check(f"{name}: in_features", in_features)
        self.out_features = COUNT.check(f"{name}: out_features", out_features)
        self.dtype = FLOATS.check(f"{name}: dtype", dtype)
        source = source_of(rng, name)
        self.seed = source.seed
        shape = (self.in_features, self.out_features)
        self.weight = parameter_from(
            weight_init, f"{name}: weight_init", shape, source.generator, self.dtype
        )
        self.bias = None
        if bias:
            self.bias = parameter_from(
                bias_init, f"{name}: bias_init", shape[1:], source.generator, self.dtype
            )

    @classmethod
    def example(cls) -> Example:
        """Three inputs, two outputs; rows, and axes before them."""
        return Example(
            cls,
            (3, 2),
            calls=[[(5, 3)], [(5, 2, 3)]],
            variants=[
                {"bias": False},
                {"weight_init": initializers.glorot_uniform, "bias_init": initializers.ones},
            ],
        )

    def forward(self, x: ArrayLike) -> ag.Tensor:
        """Compute x W + b.

        Parameters
        ----------
        x : array_like, shape (…, in_features)

        Returns
        -------
        Tensor, shape (…, out_features)
            In the layer's dtype.
        """
        x = as_features(x, self.in_features, self.dtype, self)
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        options = [str(self.in_features), str(self.out_features)]
        options += ["bias=False"] if self.bias is None else []
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        options += [] if self.seed is None else [f"rng={self.seed}"]
        return ", ".join(options)


class Bilinear(Module):
    """Weighted sums over pairs of two inputs, plus a bias: y_o = x1ᵀ W_o x2 + b_o.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        Sizes of the last axes of the inputs and of the output; from 1.
    bias : bool
        Whether to add b.
    rng : numpy.random.Generator or int, optional
        Source of the first weights: a generator, or a seed. Left out, a fresh seed is drawn; the repr
        shows it.
    dtype : dtype
        Of the parameters and of the computation; a float dtype.
    weight_init, bias_init : Initializer
        First values, see `nn.initializers`. The weight of an output is drawn with fans in1 in2 and 1.
        Default: `lecun_normal`, which keeps the variance of products of independent inputs, and `zeros`.

    Attributes
    ----------
    weight : Tensor, shape (out_features, in1_features, in2_features)
        Laid out as PyTorch's.
    bias : Tensor, shape (out_features,), or None
    seed : int or None
        The seed that the first weights were drawn with, if ``rng`` was no generator.

    Raises
    ------
    ConfigError, DTypeError
        If an option is none of those.
    ShapeError
        When called with inputs of other sizes, or of different axes before them.

    Notes
    -----
    PyTorch draws U(-1/√in1, 1/√in1) for weight and bias.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Bilinear(3, 4, 2, rng=0)
    >>> layer(np.ones((5, 3)), np.ones((5, 4))).shape, layer.parameter_count()
    ((5, 2), 26)
    """

    weight: ag.Tensor
    bias: ag.Tensor | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: RandomSource = None,
        dtype: npt.DTypeLike = np.float32,
        weight_init: Initializer = initializers.lecun_normal,
        bias_init: Initializer = initializers.zeros,
    ) -> None:
        self.in1_features = COUNT.check("Bilinear: in1_features", in1_features)
        self.in2_features = COUNT.check("Bilinear: in2_features", in2_features)
        self.out_features = COUNT.check("Bilinear: out_features", out_features)
        self.dtype = FLOATS.check("Bilinear: dtype", dtype)
        source = source_of(rng, "Bilinear")
        self.seed = source.seed
        pairs, out = (self.in1_features, self.in2_features), self.out_features
        shape = (pairs[0] * pairs[1], 1)
        rows = [
            parameter_from(
                weight_init, "Bilinear: weight_init", shape, source.generator, self.dtype
            )
            .detach()
            .numpy()
            for _ in range(out)
        ]
        self.weight = ag.tensor(np.stack(rows).reshape(out, *pairs), requires_grad=True)
        self.bias = None
        if bias:
            self.bias = parameter_from(
                bias_init, "Bilinear: bias_init", (out,), source.generator, self.dtype
            )

    @classmethod
    def example(cls) -> Example:
        """Rows, and axes before them."""
        return Example(
            cls,
            (3, 2, 2),
            calls=[[(5, 3), (5, 2)], [(5, 2, 3), (5, 2, 2)]],
            variants=[
                {"bias": False},
                {"weight_init": initializers.glorot_uniform, "bias_init": initializers.ones},
            ],
        )

    def forward(self, x1: ArrayLike, x2: ArrayLike) -> ag.Tensor:
        """Compute x1ᵀ W x2 + b.

        Parameters
        ----------
        x1, x2 : array_like, shapes (…, in1_features) and (…, in2_features)

        Returns
        -------
        Tensor, shape (…, out_features)
            In the layer's dtype.
        """
        x1 = as_features(x1, self.in1_features, self.dtype, self)
        x2 = as_features(x2, self.in2_features, self.dtype, self)
        if x1.shape[:-1] != x2.shape[:-1]:
            raise ShapeError(
                str(self),
                "the inputs are no pairs. Expected the same axes before the last; received "
                f"{x1.shape} and {x2.shape}.",
            )
        return functional.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Give the sizes, and what is not the default."""
        options = [str(n) for n in (self.in1_features, self.in2_features, self.out_features)]
        options += ["bias=False"] if self.bias is None else []
        options += [] if self.dtype == np.float32 else [f"dtype={self.dtype}"]
        options += [] if self.seed is None else [f"rng={self.seed}"]
        return ", ".join(options)
