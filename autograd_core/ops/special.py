"""Special functions under SciPy's names, computed by SciPy where it is installed (extra `data`).

The error function's relatives, the gamma function's, and Bessel's. Each derivative is in closed
form by others of the family, so that it is right to every order. Where there is no such form (in
the order of a Bessel function, in the parameters of an incomplete gamma or beta function) there is
no gradient, and `autograd_core.special` says so.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..aliases import ArrayLike, Params
from ..errors import ConfigError, MissingDependencyError
from ..kinds import Elementwise
from ..primitives import ZERO, primitive
from .arithmetic import of_number, zero_wins

__all__ = [
    "beta",
    "betainc",
    "betaln",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "gammasgn",
    "iv",
    "ive",
    "jv",
    "kv",
    "log_ndtr",
    "polygamma",
    "rgamma",
    "stdtr",
    "xlog1py",
    "yv",
]


def scipys(name: str) -> Callable[..., Any]:
    """SciPy's function ``scipy.special.name``, which is looked up at the first call.

    Raises
    ------
    MissingDependencyError
        At the call, if SciPy is not installed.
    """
    found: list[Any] = []

    def forward(*operands: Any, **params: Any) -> Any:
        if not found:
            try:
                found.append(getattr(importlib.import_module("scipy.special"), name))
            except ImportError:
                raise MissingDependencyError(
                    f"{name}: needs SciPy, which is not installed. Expected the extra `data`: pip "
                    "install 'gradproof[data]'."
                ) from None
        # Before 1.18 a number of Python's makes float64 of float32 there, which it does not in NumPy.
        numbers = [type(o) in (int, float) for o in operands]
        if any(numbers) and not all(numbers):
            dtype = np.result_type(*operands)
            if dtype.kind == "f":
                operands = tuple(
                    dtype.type(o) if plain else o
                    for o, plain in zip(operands, numbers, strict=True)
                )
        return found[0](*operands, **params)

    return forward


# --- the error function's relatives -------------------------------------------------------------


def _root_pi(xp: Any, g: Any) -> Any:
    """√π in the dtype of the cotangent: √(arccos(-1))."""
    return xp.sqrt(xp.arccos(xp.cast(-1, dtype=g.dtype)))


def _root_two(xp: Any, g: Any) -> Any:
    return xp.sqrt(xp.cast(2, dtype=g.dtype))


def _bell(xp: Any, g: Any, u: Any) -> Any:
    """2/√π exp(-u): the slope of erf, for u the square."""
    e = xp.exp(-u)
    return g * (e + e) / _root_pi(xp, g)


@primitive(
    Elementwise(lambda s, x: 1 - s.erf(x)),
    vjp=lambda xp, g, y, x: -_bell(xp, g, x * x),
    forward=scipys("erfc"),
)
def erfc(x: ArrayLike) -> Any:
    """``1 - erf(x)``, element by element, accurate where it is small."""


@primitive(
    Elementwise(lambda s, x: s.erfinv(x)),
    vjp=lambda xp, g, y, x: g * xp.exp(y * y) * _root_pi(xp, g) / 2,
    forward=scipys("erfinv"),
    domain=(-0.9, 0.9),
)
def erfinv(x: ArrayLike) -> Any:
    """Inverse of `erf` on (-1, 1), element by element; ±inf at the ends."""


@primitive(
    Elementwise(lambda s, x: s.erfinv(1 - x)),
    vjp=lambda xp, g, y, x: -(g * xp.exp(y * y) * _root_pi(xp, g) / 2),
    forward=scipys("erfcinv"),
    domain=(0.1, 1.9),
)
def erfcinv(x: ArrayLike) -> Any:
    """Inverse of `erfc` on (0, 2), element by element."""


@primitive(
    Elementwise(lambda s, x: s.exp(x * x) * (1 - s.erf(x))),
    vjp=lambda xp, g, y, x: g * (2 * x * y - 2 / _root_pi(xp, g)),
    forward=scipys("erfcx"),
)
def erfcx(x: ArrayLike) -> Any:
    """``exp(x²) erfc(x)``, element by element, without underflow: 1/(√π x) far out.

    Notes
    -----
    The derivative is the difference of two numbers that come close far out: its relative error grows
    as x² there.
    """


@primitive(
    Elementwise(lambda s, x: s.log((1 + s.erf(x / s.sqrt(2))) / 2)),
    # The density over the distribution, without a difference of large numbers: √(2/π)/erfcx(-x/√2).
    vjp=lambda xp, g, y, x: xp.xdivy(
        g * _root_two(xp, g), _root_pi(xp, g) * xp.erfcx(-x / _root_two(xp, g))
    ),
    forward=scipys("log_ndtr"),
)
def log_ndtr(x: ArrayLike) -> Any:
    """Logarithm of the normal distribution function, element by element, accurate far out."""


# --- the gamma function's -----------------------------------------------------------------------


def _order(operands: Any, params: Params) -> Params:
    n = params["n"]
    if not hasattr(n, "__index__") or n.__index__() < 0:
        raise ConfigError(
            f"polygamma: expected an integer order n of 0 or more; received {n!r:.40}."
        )
    return {"n": n.__index__()}


_psi, _polygamma = scipys("psi"), scipys("polygamma")


def _polygamma_forward(x: Any, n: int = 0) -> Any:
    x = np.asarray(x)
    x = x.astype(np.result_type(x, np.float16), copy=False) if x.dtype.kind == "f" else x * 1.0
    return _psi(x) if n == 0 else np.asarray(_polygamma(n, x)).astype(x.dtype)[()]


@primitive(
    Elementwise(lambda s, x, n=0: s.polygamma(n, x)),
    vjp=lambda xp, g, y, x, n: g * xp.polygamma(x, n=n + 1),
    forward=_polygamma_forward,
    prepare=_order,
    label="ψ⁽{n}⁾",
    domain=(0.2, 3.0),
)
def polygamma(x: ArrayLike, n: int = 0) -> Any:
    """Derivative ``n`` of digamma ψ = (log Γ)', element by element.

    The operand comes first here; `autograd_core.special.polygamma` has SciPy's order.
    """


@primitive(
    Elementwise(lambda s, x: s.gammaln(x)),
    vjp=lambda xp, g, y, x: g * xp.polygamma(x, n=0),
    forward=scipys("gammaln"),
    label="log Γ",
    domain=(0.2, 3.0),
)
def gammaln(x: ArrayLike) -> Any:
    """Logarithm of ``|Γ(x)|``, element by element."""


@primitive(
    Elementwise(lambda s, x: s.exp(s.gammaln(x))),
    vjp=lambda xp, g, y, x: g * y * xp.polygamma(x, n=0),
    forward=scipys("gamma"),
    label="Γ",
    domain=(0.2, 3.0),
)
def gamma(x: ArrayLike) -> Any:
    """Gamma function, element by element; Γ(n + 1) = n! for whole numbers."""


def _rgamma_rule(xp: Any, g: Any, y: Any, x: Any) -> Any:
    # Above 0 it is -y ψ(x). Below, where both Γ and ψ have poles, y = Γ(1-x) sin(πx)/π, DLMF 5.5.3. Each
    # of the two forms is kept from the poles that it has where the other one is taken.
    below = xp.less_equal(x, 0)
    u = xp.where(xp.where(below, False, xp.equal(xp.rgamma(1 - x), 0)), 0, x)
    v = xp.where(xp.where(below, xp.equal(y, 0), False), 1, x)
    pi = xp.arccos(xp.cast(-1, dtype=g.dtype))
    turned = xp.gamma(1 - u) * xp.cos(pi * u) - y * xp.polygamma(1 - u, n=0)
    return g * xp.where(below, turned, -(y * xp.polygamma(v, n=0)))


def _one_over_gamma(s: Any, x: Any) -> Any:
    pi = 4 * s.arctan(1)
    return s.where(s.step(x), s.exp(-s.gammaln(x)), s.sin(pi * x) * s.exp(s.gammaln(1 - x)) / pi)


@primitive(
    Elementwise(_one_over_gamma),
    vjp=_rgamma_rule,
    forward=scipys("rgamma"),
    label="1/Γ",
    domain=(0.2, 3.0),
)
def rgamma(x: ArrayLike) -> Any:
    """``1 / Γ(x)``, element by element."""


def _sign_of_gamma(s: Any, x: Any) -> Any:
    # Γ(x) Γ(1 - x) = π / sin(πx), DLMF 5.5.3; below 0 the second factor is positive.
    return s.where(s.step(x), 1, 2 * s.step(s.sin(4 * s.arctan(1) * x)) - 1)


@primitive(Elementwise(_sign_of_gamma), vjp=ZERO, forward=scipys("gammasgn"), domain=(0.2, 3.0))
def gammasgn(x: ArrayLike) -> Any:
    """Sign of Γ(x), element by element. Its derivative is 0."""


def _betaln(s: Any, a: Any, b: Any) -> Any:
    return s.gammaln(a) + s.gammaln(b) - s.gammaln(a + b)


def _digamma_gap(xp: Any, a: Any, b: Any) -> Any:
    return xp.polygamma(a, n=0) - xp.polygamma(a + b, n=0)


@primitive(
    Elementwise(_betaln),
    vjp=(
        lambda xp, g, y, a, b: g * _digamma_gap(xp, a, b),
        lambda xp, g, y, a, b: g * _digamma_gap(xp, b, a),
    ),
    forward=scipys("betaln"),
    label="log B",
    domain=(0.2, 3.0),
)
def betaln(a: ArrayLike, b: ArrayLike) -> Any:
    """Logarithm of ``|B(a, b)|``, element by element; shapes broadcast."""


@primitive(
    Elementwise(lambda s, a, b: s.exp(_betaln(s, a, b))),
    vjp=(
        lambda xp, g, y, a, b: g * y * _digamma_gap(xp, a, b),
        lambda xp, g, y, a, b: g * y * _digamma_gap(xp, b, a),
    ),
    forward=scipys("beta"),
    label="B",
    domain=(0.2, 3.0),
)
def beta(a: ArrayLike, b: ArrayLike) -> Any:
    """Beta function Γ(a) Γ(b) / Γ(a + b), element by element; shapes broadcast."""


def powers(xp: Any, *factors: tuple[Any, Any, Any]) -> tuple[Any, Any]:
    """A product of powers of a density, in two parts: ``first * exp(second)``.

    The logarithm of a power keeps it from overflow, but has no derivative at 0, where the power has. So
    zeros to an exponent that is not negative stand in the first part, and 1 for all the rest.

    Parameters
    ----------
    *factors : (base, exponent, base - 1 or None)
        The last where it is known better than by subtracting.
    """
    first, second = 1, 0
    for base, exponent, beyond in factors:
        zero = xp.where(xp.equal(base, 0), xp.greater_equal(exponent, 0), False)
        first = first * xp.power(xp.where(zero, base, 1), exponent)
        if beyond is None:
            second = second + xp.xlogy(exponent, xp.where(zero, 1, base))
        else:
            second = second + xp.xlog1py(exponent, xp.where(zero, 0, beyond))
    return first, second


def _gamma_density(xp: Any, g: Any, a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / Γ(a)."""
    first, second = powers(xp, (x, a - 1, None))
    return g * first * xp.exp(second - x - xp.gammaln(a))


@primitive(
    Elementwise(lambda s, a, x: s.gammainc(a, x)),
    vjp=(None, lambda xp, g, y, a, x: _gamma_density(xp, g, a, x)),
    forward=scipys("gammainc"),
    domain=(0.2, 3.0),
)
def gammainc(a: ArrayLike, x: ArrayLike) -> Any:
    """Lower incomplete gamma function ∫₀ˣ t^(a-1) exp(-t) dt / Γ(a), element by element."""


@primitive(
    Elementwise(lambda s, a, x: 1 - s.gammainc(a, x)),
    vjp=(None, lambda xp, g, y, a, x: -_gamma_density(xp, g, a, x)),
    forward=scipys("gammaincc"),
    domain=(0.2, 3.0),
)
def gammaincc(a: ArrayLike, x: ArrayLike) -> Any:
    """Upper incomplete gamma function, ``1 - gammainc(a, x)``, element by element."""


def _beta_density(xp: Any, g: Any, a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b)."""
    first, second = powers(xp, (x, a - 1, None), (1 - x, b - 1, -x))
    return g * first * xp.exp(second - xp.betaln(a, b))


@primitive(
    Elementwise(lambda s, a, b, x: s.betainc(a, b, x)),
    vjp=(
        None,
        None,
        lambda xp, g, y, a, b, x: _beta_density(xp, g, a, b, x),
    ),
    forward=scipys("betainc"),
    domain=(0.1, 0.9),
)
def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Any:
    """Incomplete beta function ∫₀ˣ t^(a-1) (1-t)^(b-1) dt / B(a, b), element by element."""


def _student(xp: Any, g: Any, df: Any, t: Any) -> Any:
    """Student's density: (1 + t²/df)^(-(df+1)/2) / (√df B(df/2, 1/2))."""
    half = xp.cast(1, dtype=g.dtype) / 2
    shape = xp.xlog1py((df + 1) / 2, t * t / df)
    return g * xp.exp(-shape - xp.betaln(df / 2, half)) / xp.sqrt(df * (half + half))


def _student_below(s: Any, df: Any, t: Any) -> Any:
    # By the incomplete beta function, from the middle outwards: DLMF 8.17.4 with 8.17.1.
    half = df / (2 * df)
    middle = s.betainc(half, df / 2, t * t / (df + t * t))
    return (1 + (2 * s.step(t) - 1) * middle) / 2


@primitive(
    Elementwise(_student_below),
    vjp=(None, lambda xp, g, y, df, t: _student(xp, g, df, t)),
    forward=scipys("stdtr"),
    domain=(0.5, 3.0),
)
def stdtr(df: ArrayLike, t: ArrayLike) -> Any:
    """Student's distribution function with ``df`` degrees of freedom, element by element."""


@primitive(
    Elementwise(lambda s, a, b: a * s.log(1 + b)),
    vjp=(
        lambda xp, g, y, a, b: xp.still(g * xp.log1p(b), g),
        lambda xp, g, y, a, b: g * xp.xdivy(a, 1 + b),
    ),
    label="x·log(1+y)",
    domain=(-0.7, 2.0),
)
def xlog1py(a: ArrayLike, b: ArrayLike) -> Any:
    """``a * log1p(b)`` that is 0 wherever ``a`` is 0, even at ``b = -1``, unless ``b`` is nan."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return zero_wins(a, b, a * of_number(np.log1p, b))


# --- Bessel's -----------------------------------------------------------------------------------
# y' = (the neighbour below ± the one above) / 2, up to sign: DLMF 10.6.1 and 10.29.1.


@primitive(
    Elementwise(lambda s, v, x: s.jv(v, x)),
    vjp=(None, lambda xp, g, y, v, x: g * (xp.jv(v - 1, x) - xp.jv(v + 1, x)) / 2),
    forward=scipys("jv"),
    label="J",
    domain=(0.5, 3.0),
)
def jv(v: ArrayLike, x: ArrayLike) -> Any:
    """Bessel function of the first kind of order ``v``, element by element."""


@primitive(
    Elementwise(lambda s, v, x: s.yv(v, x)),
    vjp=(None, lambda xp, g, y, v, x: g * (xp.yv(v - 1, x) - xp.yv(v + 1, x)) / 2),
    forward=scipys("yv"),
    label="Y",
    domain=(0.5, 3.0),
)
def yv(v: ArrayLike, x: ArrayLike) -> Any:
    """Bessel function of the second kind of order ``v``, element by element; ``x > 0``."""


@primitive(
    Elementwise(lambda s, v, x: s.iv(v, x)),
    vjp=(None, lambda xp, g, y, v, x: g * (xp.iv(v - 1, x) + xp.iv(v + 1, x)) / 2),
    forward=scipys("iv"),
    label="I",
    domain=(0.5, 3.0),
)
def iv(v: ArrayLike, x: ArrayLike) -> Any:
    """Modified Bessel function of the first kind of order ``v``, element by element."""


@primitive(
    Elementwise(lambda s, v, x: s.iv(v, x) * s.exp(x * (1 - 2 * s.step(x)))),
    vjp=(
        None,
        lambda xp, g, y, v, x: g * ((xp.ive(v - 1, x) + xp.ive(v + 1, x)) / 2 - xp.sign(x) * y),
    ),
    forward=scipys("ive"),
    domain=(0.5, 3.0),
)
def ive(v: ArrayLike, x: ArrayLike) -> Any:
    """``iv(v, x) * exp(-|x|)``, element by element, without overflow."""


@primitive(
    Elementwise(lambda s, v, x: s.kv(v, x)),
    vjp=(None, lambda xp, g, y, v, x: -(g * (xp.kv(v - 1, x) + xp.kv(v + 1, x)) / 2)),
    forward=scipys("kv"),
    label="K",
    domain=(0.5, 3.0),
)
def kv(v: ArrayLike, x: ArrayLike) -> Any:
    """Modified Bessel function of the second kind of order ``v``, element by element; ``x > 0``."""
