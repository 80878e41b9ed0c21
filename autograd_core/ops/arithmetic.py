"""Arithmetic: sums, products, quotients and powers, element by element with broadcasting."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..aliases import Array, ArrayLike
from ..kinds import Elementwise
from ..primitives import primitive

__all__ = ["add", "divide", "multiply", "negative", "power", "square", "subtract", "xdivy", "xlogy"]


@primitive(
    Elementwise(lambda s, a, b: a + b),
    vjp=(lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: g),
    ufunc=np.add,
    forward=operator.add,
    label="+",
)
def add(a: ArrayLike, b: ArrayLike) -> Any:
    """Sum ``a + b``, element by element.

    Parameters
    ----------
    a, b : array_like
        Shapes that broadcast.

    Returns
    -------
    Tensor, of the broadcast shape
        NumPy's dtype; Python numbers are weak.
    """


@primitive(
    Elementwise(lambda s, a, b: a - b),
    vjp=(lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: -g),
    ufunc=np.subtract,
    forward=operator.sub,
    label="−",
)
def subtract(a: ArrayLike, b: ArrayLike) -> Any:
    """Difference ``a - b``, element by element; shapes broadcast."""


@primitive(
    Elementwise(lambda s, a, b: a * b),
    vjp=(lambda xp, g, y, a, b: g * b, lambda xp, g, y, a, b: g * a),
    ufunc=np.multiply,
    forward=operator.mul,
    label="×",
)
def multiply(a: ArrayLike, b: ArrayLike) -> Any:
    """Product ``a * b``, element by element; shapes broadcast."""


@primitive(
    Elementwise(lambda s, a, b: a / b),
    vjp=(
        lambda xp, g, y, a, b: xp.xdivy(g, b),
        lambda xp, g, y, a, b: -xp.xdivy(g * a, b * b),
    ),
    ufunc=np.divide,
    forward=operator.truediv,
    label="÷",
    domain=(0.5, 2.0),
)
def divide(a: ArrayLike, b: ArrayLike) -> Any:
    """Quotient ``a / b``, element by element; shapes broadcast.

    Notes
    -----
    Division by zero follows NumPy (inf or nan with a warning); a zero cotangent stays zero there.
    """


@primitive(
    Elementwise(lambda s, a: -a),
    vjp=lambda xp, g, y, a: -g,
    ufunc=np.negative,
    forward=operator.neg,
    label="−",
)
def negative(a: ArrayLike) -> Any:
    """``-a``, element by element."""


@primitive(
    Elementwise(lambda s, a: a * a),
    vjp=lambda xp, g, y, a: g * (a + a),
    ufunc=np.square,
    label="x²",
)
def square(a: ArrayLike) -> Any:
    """``a * a``, element by element."""


def _power_base(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    # The exponent decides which form has no pole of its own at a = 0; a literal is not data.
    if isinstance(b, (int, float)) and b >= 1:
        return g * b * xp.power(a, b - 1)
    return xp.xdivy(g * b, xp.power(a, 1 - b))


def _power_exponent(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    # 0 at a = 0, and so are the derivatives of this: the logarithm never sees the 0.
    zero = xp.equal(a, 0)
    return xp.where(zero, 0, g * y * xp.log(xp.where(zero, 1, a)))


@primitive(
    Elementwise(lambda s, a, b: s.power(a, b)),
    vjp=(_power_base, _power_exponent),
    ufunc=np.power,
    forward=operator.pow,
    label="power",
    domain=(0.5, 2.0),
)
def power(a: ArrayLike, b: ArrayLike) -> Any:
    """``a ** b``, element by element; shapes broadcast.

    Notes
    -----
    At ``a = 0``: every derivative in ``b`` is 0 (the limit for b > 0); in ``a`` it is
    ``b * a ** (b - 1)``, infinite for 0 < b < 1, except that a zero cotangent stays zero.
    Negative ``a`` with a fractional ``b`` is nan, as in NumPy.
    """


def _zero_wins(combine: Any, a: Array, b: Array) -> Array:
    """``combine(a, b)`` where a is not 0, and 0 where it is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(a, 0), np.zeros((), np.result_type(a)), combine(a, b))


@primitive(
    Elementwise(lambda s, a, b: a / b),
    vjp=(
        lambda xp, g, y, a, b: xp.xdivy(g, b),
        lambda xp, g, y, a, b: -xp.xdivy(g * y, b),
    ),
    label="÷",
    domain=(0.5, 2.0),
)
def xdivy(a: ArrayLike, b: ArrayLike) -> Any:
    """Quotient ``a / b`` that is 0 wherever ``a`` is 0, even over 0.

    The form in which VJP rules divide: a zero cotangent stays zero through a pole. (The name is
    TensorFlow's.)
    """
    if (b != 0) if isinstance(b, (int, float)) else b.all():
        return a / b
    return _zero_wins(operator.truediv, a, b)


@primitive(
    Elementwise(lambda s, a, b: a * s.log(b)),
    vjp=(
        lambda xp, g, y, a, b: xp.xlogy(g, b),
        lambda xp, g, y, a, b: xp.xdivy(g * a, b),
    ),
    label="x·log y",
    domain=(0.5, 2.0),
)
def xlogy(a: ArrayLike, b: ArrayLike) -> Any:
    """``a * log(b)`` that is 0 wherever ``a`` is 0, even at ``b = 0`` (SciPy's name).

    The form for entropies: 0 log 0 = 0.
    """
    return _zero_wins(lambda a, b: a * np.log(b), a, b)
