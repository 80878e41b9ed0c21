"""Functions of each unit, and the softmax of all: the engine's own, and what is made of them.

At a kink the derivative is one of the two sides', as in PyTorch: each docstring says which. nan stays nan.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import autograd_core as ag
from autograd_core import log_softmax, relu, sigmoid, softmax, tanh
from autograd_core.aliases import ArrayLike
from autograd_core.errors import ShapeError

from ..inputs import as_numbers

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]

# Klambauer et al. (2017), equation 14: the fixed point of mean 0 and variance 1.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946
_GELU_CUBE = 0.044715


def leaky_relu(x: ArrayLike, negative_slope: float = 0.01) -> ag.Tensor:
    """``x`` above 0 and ``negative_slope`` times it below, elementwise; at 0 the derivative is the slope.

    References
    ----------
    Maas, Hannun and Ng (2013), Rectifier nonlinearities improve neural network acoustic models.
    """
    x = as_numbers(x)
    return ag.where(ag.greater(x, 0), x, negative_slope * x)


def prelu(x: ArrayLike, weight: ArrayLike) -> ag.Tensor:
    """``x`` above 0 and ``weight`` times it below; at 0 the derivative is the weight.

    Parameters
    ----------
    x : array_like, shape (batch, channels, …)
    weight : array_like, shape (channels,) or (1,)
        A slope for each channel, or one for all.

    References
    ----------
    He, Zhang, Ren and Sun (2015), Delving deep into rectifiers.
    """
    x, weight = as_numbers(x), as_numbers(weight)
    n = weight.shape[0]
    weight = ag.reshape(weight, () if n == 1 else (n, *[1] * (x.ndim - 2)))
    return ag.where(ag.greater(x, 0), x, weight * x)


def elu(x: ArrayLike, alpha: float = 1.0) -> ag.Tensor:
    """``x`` above 0 and α (e^x − 1) below, elementwise; at 0 the derivative is α.

    References
    ----------
    Clevert, Unterthiner and Hochreiter (2016), Fast and accurate deep network learning by
    exponential linear units.
    """
    x = as_numbers(x)
    above = ag.greater(x, 0)
    below = ag.expm1(ag.where(above, 0, x))  # the exponential of a large number is not taken
    return ag.where(above, x, below if alpha == 1 else alpha * below)


def celu(x: ArrayLike, alpha: float = 1.0) -> ag.Tensor:
    """``x`` above 0 and α (e^(x/α) − 1) below, elementwise: smooth at 0 for every α > 0.

    References
    ----------
    Barron (2017), Continuously differentiable exponential linear units.
    """
    x = as_numbers(x)
    above = ag.greater(x, 0)
    return ag.where(above, x, alpha * ag.expm1(ag.where(above, 0, x) / alpha))


def selu(x: ArrayLike) -> ag.Tensor:
    """λ x above 0 and λ α (e^x − 1) below, elementwise, with λ ≈ 1.0507 and α ≈ 1.6733; at 0 the derivative is λ α.

    References
    ----------
    Klambauer, Unterthiner, Mayr and Hochreiter (2017), Self-normalizing neural networks.
    """
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def silu(x: ArrayLike) -> ag.Tensor:
    """x σ(x), elementwise; also known as swish.

    References
    ----------
    Elfwing, Uchibe and Doya (2018), Sigmoid-weighted linear units.
    """
    x = as_numbers(x)
    return x * ag.sigmoid(x)


def mish(x: ArrayLike) -> ag.Tensor:
    """x tanh(log(1 + e^x)), elementwise.

    References
    ----------
    Misra (2019), Mish: a self regularized non-monotonic activation function.
    """
    x = as_numbers(x)
    return x * ag.tanh(ag.softplus(x))


def gelu(x: ArrayLike, approximate: Literal["none", "tanh"] = "none") -> ag.Tensor:
    """x Φ(x) with the normal distribution function Φ, elementwise; or its form by tanh.

    Parameters
    ----------
    x : array_like
    approximate : {"none", "tanh"}
        "none": Φ(x) = (1 + erf(x/√2))/2. "tanh": Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³)))/2, at most
        0.0005 off.

    References
    ----------
    Hendrycks and Gimpel (2016), Gaussian error linear units.
    """
    x = as_numbers(x)
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + _GELU_CUBE * (x * ag.square(x)))
        return x * (1 + ag.tanh(inner)) / 2
    return x * (1 + ag.erf(ag.divide(x, math.sqrt(2)))) / 2


def softplus(x: ArrayLike, beta: float = 1.0) -> ag.Tensor:
    """log(1 + e^(βx)) / β, elementwise: a smooth ReLU, the sharper the larger β > 0.

    Notes
    -----
    Computed without overflow, and right to the last places everywhere; PyTorch takes ``x`` itself above
    βx = 20, which is off by 2e-9 there.

    References
    ----------
    Dugas et al. (2001), Incorporating second-order functional knowledge for better option pricing.
    """
    return ag.softplus(x) if beta == 1 else ag.softplus(beta * as_numbers(x)) / beta


def logsigmoid(x: ArrayLike) -> ag.Tensor:
    """log σ(x) = −log(1 + e^(−x)), elementwise, without overflow."""
    return -ag.softplus(-as_numbers(x))


def softsign(x: ArrayLike) -> ag.Tensor:
    """x / (1 + |x|), elementwise, in (−1, 1).

    References
    ----------
    Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks.
    """
    x = as_numbers(x)
    return x / (1 + ag.absolute(x))


def hardtanh(x: ArrayLike, min_val: float = -1.0, max_val: float = 1.0) -> ag.Tensor:
    """``x`` held between two bounds, elementwise; at a bound the derivative is 0 (that of `ag.clip` is 1)."""
    x = as_numbers(x)
    return ag.where(
        ag.less_equal(x, min_val), min_val, ag.where(ag.greater_equal(x, max_val), max_val, x)
    )


def relu6(x: ArrayLike) -> ag.Tensor:
    """``x`` held between 0 and 6, elementwise; at both the derivative is 0.

    References
    ----------
    Krizhevsky (2010), Convolutional deep belief networks on CIFAR-10.
    """
    return hardtanh(x, 0, 6)


def hardsigmoid(x: ArrayLike) -> ag.Tensor:
    """(x + 3)/6 held between 0 and 1, elementwise; at −3 and 3 the derivative is 0. Keras's is x/5 + 1/2."""
    return relu6(as_numbers(x) + 3) / 6


def hardswish(x: ArrayLike) -> ag.Tensor:
    """x times `hardsigmoid` of it, elementwise; the derivative is 0 at −3 and 1 at 3.

    References
    ----------
    Howard et al. (2019), Searching for MobileNetV3.
    """
    x = as_numbers(x)
    return x * hardsigmoid(x)


def threshold(x: ArrayLike, threshold: float, value: float) -> ag.Tensor:
    """``x`` above the threshold and ``value`` elsewhere, elementwise; at the threshold the derivative is 0."""
    x = as_numbers(x)
    return ag.where(ag.less_equal(x, threshold), value, x)


def hardshrink(x: ArrayLike, lambd: float = 0.5) -> ag.Tensor:
    """0 from −λ to λ and ``x`` elsewhere, elementwise; at ±λ the derivative is 0."""
    x = as_numbers(x)
    return ag.where(ag.less_equal(ag.absolute(x), lambd), 0, x)


def softshrink(x: ArrayLike, lambd: float = 0.5) -> ag.Tensor:
    """``x`` nearer to 0 by λ, and 0 from −λ to λ, elementwise: the proximal step of λ|x|; at ±λ the derivative is 0."""
    x = as_numbers(x)
    outside = ag.where(ag.greater(x, 0), x - lambd, x + lambd)
    return ag.where(ag.less_equal(ag.absolute(x), lambd), 0, outside)


def tanhshrink(x: ArrayLike) -> ag.Tensor:
    """x − tanh x, elementwise."""
    x = as_numbers(x)
    return x - ag.tanh(x)


def softmin(x: ArrayLike, axis: int = -1) -> ag.Tensor:
    """`softmax` of −x along an axis: positive, sums to 1, the largest where ``x`` is smallest."""
    return ag.softmax(-as_numbers(x), axis)


def glu(x: ArrayLike, axis: int = -1) -> ag.Tensor:
    """The first half along an axis times the sigmoid of the second: a σ(b).

    Parameters
    ----------
    x : array_like
        Of an even size along ``axis``, which the result has half of.

    Raises
    ------
    ShapeError
        If there is no such axis, or its size is odd.

    References
    ----------
    Dauphin, Fan, Auli and Grangier (2017), Language modeling with gated convolutional networks.
    """
    x = as_numbers(x)
    size: Any = x.shape[axis] if -x.ndim <= axis < x.ndim else None
    if not isinstance(size, int) or size % 2:
        raise ShapeError(
            "glu", f"expected an even size along axis {axis}; received shape {x.shape}."
        )
    lead = (slice(None),) * (axis % x.ndim)
    half = size // 2
    return x[(*lead, slice(None, half))] * ag.sigmoid(x[(*lead, slice(half, None))])
