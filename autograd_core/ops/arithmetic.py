"""Arithmetic: sums, products, quotients and powers, element by element with broadcasting."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..aliases import Array, ArrayLike
from ..kinds import Elementwise
from ..primitives import ZERO, primitive

__all__ = [
    "add",
    "divide",
    "multiply",
    "negative",
    "power",
    "square",
    "still",
    "subtract",
    "xdivy",
    "xlogy",
]


@primitive(
    Elementwise(lambda s, a, b: a + b),
    vjp=(lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: g),
    passes="whole",
    ufunc=np.add,
    forward=operator.add,
    label="+",
    cheap=True,
    commutes=True,
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
    passes="whole",
    ufunc=np.subtract,
    forward=operator.sub,
    label="−",
    cheap=True,
)
def subtract(a: ArrayLike, b: ArrayLike) -> Any:
    """Difference ``a - b``, element by element; shapes broadcast."""


@primitive(
    Elementwise(lambda s, a, b: a * b),
    vjp=(lambda xp, g, y, a, b: g * b, lambda xp, g, y, a, b: g * a),
    ufunc=np.multiply,
    forward=operator.mul,
    label="×",
    cheap=True,
    commutes=True,
)
def multiply(a: ArrayLike, b: ArrayLike) -> Any:
    """Product ``a * b``, element by element; shapes broadcast."""


@primitive(
    Elementwise(lambda s, a, b: a / b),
    vjp=(
        lambda xp, g, y, a, b: g / b,
        # The divisor is not squared: its square leaves the range long before the quotient does.
        lambda xp, g, y, a, b: -(g * (y / b)),
    ),
    ufunc=np.divide,
    forward=operator.truediv,
    label="÷",
    domain=(0.5, 2.0),
    flops=4,
)
def divide(a: ArrayLike, b: ArrayLike) -> Any:
    """Quotient ``a / b``, element by element; shapes broadcast.

    Notes
    -----
    Division by zero follows NumPy (inf or nan with a warning); behind a mask such as `where`, a zero
    cotangent stays zero there.
    """


@primitive(
    Elementwise(lambda s, a: -a),
    vjp=lambda xp, g, y, a: -g,
    passes="whole",
    ufunc=np.negative,
    forward=operator.neg,
    label="−",
    cheap=True,
)
def negative(a: ArrayLike) -> Any:
    """``-a``, element by element."""


@primitive(
    Elementwise(lambda s, a: a * a),
    vjp=lambda xp, g, y, a: g * (a + a),
    ufunc=np.square,
    label="x²",
    cheap=True,
)
def square(a: ArrayLike) -> Any:
    """``a * a``, element by element."""


def _power_base(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    # A literal is not data: from 1 on there is no pole.
    if isinstance(b, (int, float)) and b >= 1:
        return g * b * xp.power(a, b - 1)
    # (The power stands first, so that no square of the exponent leaves the range before it is met.)
    return xp.still(g * xp.power(a, b - 1) * b, g * b)


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
    flops=30,
    cases=lambda c: [
        *c.elementwise(),
        *(() if c.numbers else [((c.real(c.M), n), {}) for n in (2, 3, -2, 0.5, 0.3, 2.2)]),
        *(() if c.numbers else [((2, c.real(c.M)), {})]),
    ],
)
def power(a: ArrayLike, b: ArrayLike) -> Any:
    """``a ** b``, element by element; shapes broadcast.

    Notes
    -----
    At ``a = 0``: every derivative in ``b`` is 0 (the limit for b > 0); in ``a`` it is
    ``b * a ** (b - 1)``, infinite for 0 < b < 1, except that a zero cotangent stays zero.
    Negative ``a`` with a fractional ``b`` is nan, as in NumPy.
    """


# --- zeros that stay zero -----------------------------------------------------------------------


def _still_rule(xp: Any, g: Any, y: Any, part: Any, by: Any) -> Any:
    # Where a nan was put aside nothing depends on it; elsewhere it is the identity, so that a
    # cotangent that is 0 by coincidence (that of (x - 1)² at 1) keeps its derivative.
    return xp.where(xp.equal(by, 0), xp.where(xp.equal(part, part), g, 0), g)


@primitive(
    Elementwise(lambda s, part, by: part),
    vjp=(_still_rule, ZERO),
    passes="parts",
    label="0 stays 0",
)
def still(part: ArrayLike, by: ArrayLike) -> Any:
    """``part``, and 0 wherever ``by`` is 0, whatever ``part`` is there.

    What the reverse walk puts behind a mask: a cotangent that a mask has made 0 stays 0 through an
    infinite or undefined derivative. ``part`` is a multiple of ``by``, so nothing changes where that
    derivative is finite.
    """
    kept = np.where(np.equal(by, 0), np.zeros((), np.result_type(part)), part)
    return kept if kept.ndim else kept[()]


def _quotient_rule(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    # Where 0 met a pole, nothing depends on the answer; see `still`.
    return xp.where(xp.equal(a, 0), xp.where(xp.isfinite(1 / b), g / b, 0), g / b)


@primitive(
    Elementwise(lambda s, a, b: a / b),
    vjp=(_quotient_rule, lambda xp, g, y, a, b: -(g * xp.xdivy(y, b))),
    label="÷",
    domain=(0.5, 2.0),
)
def xdivy(a: ArrayLike, b: ArrayLike) -> Any:
    """Quotient ``a / b`` with 0 / 0 = 0 (the name is TensorFlow's).

    The form in which VJP rules divide: a zero cotangent stays zero through a pole.

    Notes
    -----
    Each element depends on its own operands alone. A nan is not hidden: 0 / nan is nan. At 0 / 0 the
    derivatives are 0 as well.
    """
    if (b != 0) if isinstance(b, (int, float)) else b.all():
        return a / b
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.true_divide(a, b)
    return np.where(np.equal(a, 0) & np.equal(b, 0), np.zeros((), y.dtype), y)


def zero_wins(a: Array, b: Array, product: Any) -> Array:
    """A product ``a · f(b)``, and 0 where ``a`` is 0 unless ``b`` is nan."""
    return np.where(np.equal(a, 0) & np.equal(b, b), np.zeros((), np.result_type(product)), product)


def of_number(ufunc: Any, x: Any) -> Any:
    """A ufunc's values; of a number of Python's such a number, which takes the dtype that it meets."""
    y = ufunc(x)
    return float(y) if isinstance(x, (int, float)) else y


@primitive(
    Elementwise(lambda s, a, b: a * s.log(b)),
    vjp=(
        lambda xp, g, y, a, b: xp.still(g * xp.log(b), g),
        lambda xp, g, y, a, b: g * xp.xdivy(a, b),
    ),
    label="x·log y",
    domain=(0.5, 2.0),
)
def xlogy(a: ArrayLike, b: ArrayLike) -> Any:
    """``a * log(b)`` that is 0 wherever ``a`` is 0, even at ``b = 0``, unless ``b`` is nan (SciPy's).

    The form for entropies: 0 log 0 = 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return zero_wins(a, b, a * of_number(np.log, b))
