"""Elementary functions: exponentials, logarithms, roots, trigonometry, sigmoids."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..aliases import ArrayLike
from ..kinds import Elementwise
from ..primitives import primitive

__all__ = ["cos", "exp", "expm1", "log", "log1p", "sigmoid", "sin", "softplus", "sqrt", "tanh"]


@primitive(Elementwise(lambda s, x: s.exp(x)), vjp=lambda xp, g, y, x: g * y, ufunc=np.exp)
def exp(x: ArrayLike) -> Any:
    """Exponential, element by element."""


@primitive(
    Elementwise(lambda s, x: s.exp(x) - 1), vjp=lambda xp, g, y, x: g + g * y, ufunc=np.expm1
)
def expm1(x: ArrayLike) -> Any:
    """``exp(x) - 1``, accurate near 0, element by element."""


@primitive(
    Elementwise(lambda s, x: s.log(x)),
    vjp=lambda xp, g, y, x: xp.xdivy(g, x),
    ufunc=np.log,
    domain=(0.2, 3.0),
)
def log(x: ArrayLike) -> Any:
    """Natural logarithm, element by element; -inf at 0 and nan below, as in NumPy.

    Notes
    -----
    The derivative at 0 is infinite, except that a zero cotangent stays zero.
    """


@primitive(
    Elementwise(lambda s, x: s.log(1 + x)),
    vjp=lambda xp, g, y, x: xp.xdivy(g, 1 + x),
    ufunc=np.log1p,
    domain=(-0.7, 2.0),
)
def log1p(x: ArrayLike) -> Any:
    """``log(1 + x)``, accurate near 0, element by element."""


@primitive(
    Elementwise(lambda s, x: s.sqrt(x)),
    vjp=lambda xp, g, y, x: xp.xdivy(g, y + y),
    ufunc=np.sqrt,
    label="√",
    domain=(0.2, 3.0),
)
def sqrt(x: ArrayLike) -> Any:
    """Square root, element by element; nan below 0, as in NumPy.

    Notes
    -----
    The derivative at 0 is infinite, except that a zero cotangent stays zero.
    """


@primitive(Elementwise(lambda s, x: s.sin(x)), vjp=lambda xp, g, y, x: g * xp.cos(x), ufunc=np.sin)
def sin(x: ArrayLike) -> Any:
    """Sine of radians, element by element."""


@primitive(
    Elementwise(lambda s, x: s.cos(x)), vjp=lambda xp, g, y, x: -(g * xp.sin(x)), ufunc=np.cos
)
def cos(x: ArrayLike) -> Any:
    """Cosine of radians, element by element."""


@primitive(
    Elementwise(lambda s, x: s.tanh(x)), vjp=lambda xp, g, y, x: g - g * y * y, ufunc=np.tanh
)
def tanh(x: ArrayLike) -> Any:
    """Hyperbolic tangent, element by element."""


@primitive(
    Elementwise(lambda s, x: 1 / (1 + s.exp(-x))),
    vjp=lambda xp, g, y, x: g * (y - y * y),
    label="σ",
)
def sigmoid(x: ArrayLike) -> Any:
    """Logistic sigmoid ``1 / (1 + exp(-x))``, element by element, without overflow."""
    # e = exp(-|x|) is in (0, 1]: σ(x) = 1/(1+e) for x ≥ 0 and e/(1+e) below.
    e = np.exp(-np.abs(x))
    return np.where(np.greater_equal(x, 0), 1, e) / (1 + e)


@primitive(
    Elementwise(lambda s, x: s.log(1 + s.exp(x))),
    vjp=lambda xp, g, y, x: g * xp.sigmoid(x),
)
def softplus(x: ArrayLike) -> Any:
    """``log(1 + exp(x))``, element by element, without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
