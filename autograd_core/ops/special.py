"""Special functions under SciPy's names, computed by SciPy where it is installed (extra `data`).

The error function's relatives, the gamma function's, and Bessel's. Each derivative is in closed
form by others of the family, so that it is right to every order. Where there is no such form (in
the order of a Bessel function, in the parameters of an incomplete gamma or beta function) there is
no gradient, and `autograd_core.special` says so.
"""

from __future__ import annotations

import importlib
import math
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
    "betaincc",
    "betaincx",
    "betaln",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammainccx",
    "gammaincx",
    "gammaln",
    "gammasgn",
    "ierfcx",
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
    loaded: list[Any] = []

    def forward(*operands: Any, **params: Any) -> Any:
        if not loaded:
            try:
                loaded.append(getattr(importlib.import_module("scipy.special"), name))
            except ImportError:
                raise MissingDependencyError(
                    name,
                    "needs SciPy, which is not installed. Expected the extra `data`: pip "
                    "install 'gradproof[data]'.",
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
        return loaded[0](*operands, **params)

    return forward


def _order(operation: str) -> Callable[..., Params]:
    """The check of the whole number n of a derivative or an integral."""

    def prepare(operands: Any, params: Params) -> Params:
        n = params["n"]
        if not hasattr(n, "__index__") or n.__index__() < 0:
            raise ConfigError(
                operation, f"expected an integer order n of 0 or more; received {n!r:.40}."
            )
        return {"n": n.__index__()}

    return prepare


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
    vjp=lambda xp, g, y, x: -(g * (xp.ierfcx(x, n=1) + xp.ierfcx(x, n=1))),
    forward=scipys("erfcx"),
)
def erfcx(x: ArrayLike) -> Any:
    """``exp(x²) erfc(x)``, element by element, without underflow: 1/(√π x) far out."""


def _scaled_integral(s: Any, x: Any, n: int = 1) -> Any:
    before, y = 2 / s.sqrt(4 * s.arctan(1)), s.exp(x * x) * (1 - s.erf(x))
    for k in range(1, n + 1):
        before, y = y, (before - 2 * x * y) / (2 * k)
    return y


_erfcx = scipys("erfcx")


def _ierfcx_forward(x: Any, n: int = 1) -> Any:
    # By its recurrence, DLMF 7.18.7, upwards where that takes no difference of large numbers, and
    # elsewhere downwards (as a continued fraction), where each is a small part of the one before.
    given = np.asarray(x)
    x = given.astype(np.float64)
    low, high = np.minimum(x, 1), np.maximum(x, 1)
    before, up = np.full(x.shape, 2 / math.sqrt(math.pi)), _erfcx(low)
    down, ratio = _erfcx(high), np.zeros(x.shape)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for k in range(1, n + 1):
            before, up = up, (before - 2 * low * up) / (2 * k)
        for k in range(n + 200, 0, -1):
            ratio = 1 / (2 * high + 2 * (k + 1) * ratio)
            down = down * ratio if k <= n else down
        return np.where(x < 1, up, down).astype(_erfcx(given).dtype)[()]


@primitive(
    Elementwise(_scaled_integral),
    vjp=lambda xp, g, y, x, n: -(g * (2 * (n + 1)) * xp.ierfcx(x, n=n + 1)),
    forward=_ierfcx_forward,
    prepare=_order("ierfcx"),
    label="iⁿerfcx {n}",
    cases=lambda c: [((c.real(c.M, low=-1.0),), {"n": n}) for n in (1, 2, 3)],
)
def ierfcx(x: ArrayLike, n: int = 1) -> Any:
    """``exp(x²)`` times the repeated integral ``n`` of erfc, element by element: DLMF 7.18.

    The derivatives of `erfcx` but for a factor, without the difference of numbers that come close.
    """


def _normal_slope(xp: Any, g: Any, y: Any, x: Any) -> Any:
    # The density over the distribution; below 0, where both underflow, √(2/π)/erfcx(-x/√2).
    below = xp.less(x, 0)
    root, pi = _root_two(xp, g), _root_pi(xp, g)
    far = xp.xdivy(g * root, pi * xp.erfcx(-x / root))
    u = xp.where(below, 0, x)
    return xp.where(below, far, g * xp.exp(-(u * u) / 2 - xp.where(below, 0, y)) / (pi * root))


@primitive(
    Elementwise(lambda s, x: s.log((1 + s.erf(x / s.sqrt(2))) / 2)),
    vjp=_normal_slope,
    forward=scipys("log_ndtr"),
)
def log_ndtr(x: ArrayLike) -> Any:
    """Logarithm of the normal distribution function, element by element, accurate far out."""


# --- the gamma function's -----------------------------------------------------------------------


_psi, _polygamma = scipys("psi"), scipys("polygamma")


def _polygamma_forward(x: Any, n: int = 0) -> Any:
    x = np.asarray(x)
    x = x.astype(np.result_type(x, np.float16), copy=False) if x.dtype.kind == "f" else x * 1.0
    return _psi(x) if n == 0 else np.asarray(_polygamma(n, x)).astype(x.dtype)[()]


@primitive(
    Elementwise(lambda s, x, n=0: s.polygamma(n, x)),
    vjp=lambda xp, g, y, x, n: g * xp.polygamma(x, n=n + 1),
    forward=_polygamma_forward,
    prepare=_order("polygamma"),
    label="ψ⁽{n}⁾",
    domain=(0.2, 3.0),
    cases=lambda c: [((c.real(c.M, low=0.3),), {"n": n}) for n in (0, 1, 2)],
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


def _beta_slope(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    # At a pole of Γ(a + b), which is one of ψ, by the reflection: see `rgamma`.
    total = a + b
    pole = xp.where(xp.equal(y, 0), xp.less_equal(total, 0), False)
    u, v, w = (xp.where(pole, part, 1) for part in (a, b, 1 - total))
    pi = xp.arccos(xp.cast(-1, dtype=g.dtype))
    turned = xp.gammasgn(u) * xp.gammasgn(v) * xp.exp(xp.gammaln(u) + xp.gammaln(v) + xp.gammaln(w))
    turned = turned * xp.cos(pi * xp.where(pole, total, 0))
    gap = xp.polygamma(a, n=0) - xp.polygamma(xp.where(pole, w, total), n=0)
    return g * (y * gap + xp.where(pole, turned, 0))


@primitive(
    Elementwise(lambda s, a, b: s.exp(_betaln(s, a, b))),
    vjp=(
        _beta_slope,
        lambda xp, g, y, a, b: _beta_slope(xp, g, y, b, a),
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
    poles = [
        xp.where(xp.equal(base, 0), xp.less(exponent, 0), False) for base, exponent, _ in factors
    ]
    for i, (base, exponent, beyond) in enumerate(factors):
        # At a pole of one the others do not count, nor do their infinite derivatives.
        for j, pole in enumerate(poles):
            if j != i:
                base = xp.where(pole, 1, base)
                beyond = beyond if beyond is None else xp.where(pole, 0, beyond)
        zero = xp.where(xp.equal(base, 0), xp.greater_equal(exponent, 0), False)
        first = first * xp.power(xp.where(zero, base, 1), exponent)
        if beyond is None:  # (What is infinite leaves it to the exponential, which is faster.)
            apart = xp.where(zero, True, xp.isinf(base))
            second = second + xp.xlogy(exponent, xp.where(apart, 1, base))
        else:
            second = second + xp.xlog1py(exponent, xp.where(zero, 0, beyond))
    return first, second


def _gamma_density(xp: Any, g: Any, a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / Γ(a)."""
    first, second = powers(xp, (x, a - 1, None))
    return g * first * xp.exp(second - x - xp.gammaln(a))


# The derivative in an order or a parameter has no closed form: those are whole numbers.


def _whole_orders(first: int) -> Callable[[Any], Any]:
    """Orders from ``first`` on, as integers, beside arguments."""
    return lambda c: [((c.orders(*s, first=first), c.real(*t)), {}) for s, t in c.pairs]


def _whole_parameters(low: float, high: float) -> Callable[[Any], Any]:
    """Two parameters as integers, beside arguments between two numbers."""
    return lambda c: [
        ((c.orders(*s, first=1), c.orders(*t, first=1), c.real(*u, low=low, high=high)), {})
        for s, t, u in c.triples
    ]


@primitive(
    Elementwise(lambda s, a, x: s.gammainc(a, x)),
    vjp=(None, lambda xp, g, y, a, x: _gamma_density(xp, g, a, x)),
    forward=scipys("gammainc"),
    domain=(0.2, 3.0),
    cases=_whole_orders(1),
)
def gammainc(a: ArrayLike, x: ArrayLike) -> Any:
    """Lower incomplete gamma function ∫₀ˣ t^(a-1) exp(-t) dt / Γ(a), element by element."""


@primitive(
    Elementwise(lambda s, a, x: 1 - s.gammainc(a, x)),
    vjp=(None, lambda xp, g, y, a, x: -_gamma_density(xp, g, a, x)),
    forward=scipys("gammaincc"),
    domain=(0.2, 3.0),
    cases=_whole_orders(1),
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
    cases=_whole_parameters(0.1, 0.9),
)
def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Any:
    """Incomplete beta function ∫₀ˣ t^(a-1) (1-t)^(b-1) dt / B(a, b), element by element."""


@primitive(
    Elementwise(lambda s, a, b, x: 1 - s.betainc(a, b, x)),
    vjp=(None, None, lambda xp, g, y, a, b, x: -_beta_density(xp, g, a, b, x)),
    forward=scipys("betaincc"),
    domain=(0.1, 0.9),
    cases=_whole_parameters(0.1, 0.9),
)
def betaincc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Any:
    """Complement of the incomplete beta function, ``1 - betainc(a, b, x)``, element by element."""


def log_of_one_and_square(xp: Any, v: Any) -> Any:
    """``log(1 + v²)`` without the square: log(1 + w) twice, for w = √(1 + v²) - 1."""
    slope = xp.where(xp.isinf(v), xp.sign(v), v / (1 + xp.hypot(v, 1)))
    return 2 * xp.log1p(v * slope)


def _student(xp: Any, g: Any, df: Any, t: Any) -> Any:
    """Student's density: (1 + t²/df)^(-(df+1)/2) / (√df B(df/2, 1/2))."""
    half = xp.cast(1, dtype=g.dtype) / 2
    root = xp.sqrt(df * (half + half))
    shape = (df + 1) / 2 * log_of_one_and_square(xp, t / root)
    return g * xp.exp(-shape - xp.betaln(df / 2, half)) / root


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
    cases=lambda c: (
        [((c.orders(*s, first=1), c.real(*t, low=0.5)), {}) for s, t in c.pairs]
        if c.numbers
        else [((df, c.real(c.M)), {}) for df in (1, 2, 3, 4, 5)]
    ),
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


# --- tails by their scale -----------------------------------------------------------------------
# What a tail is multiplied by its vanishing factor, as `erfcx` is to erfc: the tail can underflow, and
# this does not. Of the logarithm of the variable (of the odds), where it is regular at the ends of the
# support, and the derivative is y' = 1 - y · (the slope of the factor's logarithm).

_FEW = 1e-20  # from such a probability on a continued fraction takes few terms


def _fraction(first: Any, part: Callable[[int], tuple[Any, Any]]) -> Any:
    """``1 / (b₀ + a₁ / (b₁ + a₂ / (b₂ + …)))`` by Lentz's method; ``part(n)`` gives aₙ and bₙ."""
    value = above = first
    below, done = np.zeros_like(first), np.zeros(np.shape(first), bool)
    for n in range(1, 10_000):
        numerator, denominator = part(n)
        below = 1 / (denominator + numerator * below)
        above = denominator + numerator / above
        # Each ends by itself, so that none depends on what stands beside it.
        value = np.where(done, value, value * (above * below))
        done |= ~(np.abs(above * below - 1) > 2e-16)
        if done.all():
            break
    return 1 / value


def _by_scale(probability: Any, scale: Any, fraction: Callable[..., Any], *operands: Any) -> Any:
    """``probability / exp(scale)``, and the fraction of the operands where the probability is small."""
    small = probability < _FEW
    with np.errstate(all="ignore"):
        y = np.where(small, 0, probability * np.exp(np.where(small, 0, -scale)))
        if small.any():
            y[small] = fraction(*(np.broadcast_to(x, small.shape)[small] for x in operands))
    return y


def _in_double(forward: Callable[..., Any], dtype_of: str) -> Callable[..., Any]:
    """A forward in double precision, with its result in the dtype of one of SciPy's functions."""
    like = scipys(dtype_of)

    def computed(*operands: Any) -> Any:
        none = [np.empty(0, x.dtype) if hasattr(x, "dtype") else x for x in operands]
        wide = [np.asarray(x, np.float64) for x in operands]
        return np.asarray(forward(*wide)).astype(like(*none).dtype)[()]

    return computed


_gammaincs = {name: scipys(name) for name in ("gammainc", "gammaincc", "gammaln")}
_betaincs = {name: scipys(name) for name in ("betainc", "betaln", "expit")}


def _gamma_scale(s: Any, a: Any, t: Any) -> Any:
    return a * t - s.exp(t) - s.gammaln(a)


def _gammaincx_forward(a: Any, t: Any) -> Any:
    x = np.exp(t)

    def fraction(a: Any, x: Any) -> Any:  # of 1F1(1; a + 1; x) / a
        return _fraction(a - x, lambda n: (n * x, a - x + n))

    scale = a * t - x - _gammaincs["gammaln"](a)
    return _by_scale(_gammaincs["gammainc"](a, x), scale, fraction, a, x)


def _gammainccx_forward(a: Any, t: Any) -> Any:
    x = np.exp(t)

    def fraction(a: Any, x: Any) -> Any:  # DLMF 8.9.2, contracted
        return _fraction(x + 1 - a, lambda n: (-n * (n - a), x + (2 * n + 1) - a))

    scale = a * t - x - _gammaincs["gammaln"](a)
    return _by_scale(_gammaincs["gammaincc"](a, x), scale, fraction, a, x)


@primitive(
    Elementwise(lambda s, a, t: s.gammainc(a, s.exp(t)) * s.exp(-_gamma_scale(s, a, t))),
    vjp=(None, lambda xp, g, y, a, t: g * (1 - y * (a - xp.exp(t)))),
    forward=_in_double(_gammaincx_forward, "gammainc"),
    domain=(0.2, 3.0),
    cases=_whole_orders(1),
)
def gammaincx(a: ArrayLike, t: ArrayLike) -> Any:
    """``gammainc(a, x) / (x^a exp(-x) / Γ(a))`` at ``x = exp(t)``, element by element."""


@primitive(
    Elementwise(lambda s, a, t: (1 - s.gammainc(a, s.exp(t))) * s.exp(-_gamma_scale(s, a, t))),
    vjp=(None, lambda xp, g, y, a, t: -(g * (1 + y * (a - xp.exp(t))))),
    forward=_in_double(_gammainccx_forward, "gammainc"),
    domain=(0.2, 1.2),
    cases=_whole_orders(1),
)
def gammainccx(a: ArrayLike, t: ArrayLike) -> Any:
    """``gammaincc(a, x) / (x^a exp(-x) / Γ(a))`` at ``x = exp(t)``, element by element."""


def _betaincx_forward(a: Any, b: Any, t: Any) -> Any:
    x, rest = _betaincs["expit"](t), _betaincs["expit"](-t)

    def fraction(a: Any, b: Any, x: Any, rest: Any) -> Any:  # DLMF 8.17.22, contracted
        def part(n: int) -> tuple[Any, Any]:
            whole = a + (2 * n - 1)
            left = (a + (n - 1)) / whole * ((a + b + (n - 1)) / whole) * x * x * n * (b - n)
            slope = a * rest - b * x + 1 + n * (1 + rest)
            return left, n + n * x * ((b - n) / whole) + (a + n) / (a + (2 * n + 1)) * slope

        return _fraction(a / (a + 1) * (a * rest - b * x + 1), part)

    scale = -a * np.logaddexp(0, -t) - b * np.logaddexp(0, t) - _betaincs["betaln"](a, b)
    return _by_scale(_betaincs["betainc"](a, b, x), scale, fraction, a, b, x, rest)


def _betaincx(s: Any, a: Any, b: Any, t: Any) -> Any:
    scale = a * s.log(1 + s.exp(-t)) + b * s.log(1 + s.exp(t)) + _betaln(s, a, b)
    return s.betainc(a, b, 1 / (1 + s.exp(-t))) * s.exp(scale)


@primitive(
    Elementwise(_betaincx),
    vjp=(
        None,
        None,
        lambda xp, g, y, a, b, t: g * (1 - y * (a * xp.sigmoid(-t) - b * xp.sigmoid(t))),
    ),
    forward=_in_double(_betaincx_forward, "betainc"),
    domain=(0.2, 2.0),
    cases=_whole_parameters(-2.0, 2.0),
)
def betaincx(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Any:
    """``betainc(a, b, x) / (x^a (1-x)^b / B(a, b))`` at the odds ``x/(1-x) = exp(t)``, element by element."""


# --- Bessel's -----------------------------------------------------------------------------------
# y' = (the neighbour below ± the one above) / 2, up to sign: DLMF 10.6.1 and 10.29.1.


@primitive(
    Elementwise(lambda s, v, x: s.jv(v, x)),
    vjp=(None, lambda xp, g, y, v, x: g * (xp.jv(v - 1, x) - xp.jv(v + 1, x)) / 2),
    forward=scipys("jv"),
    label="J",
    domain=(0.5, 3.0),
    cases=_whole_orders(0),
)
def jv(v: ArrayLike, x: ArrayLike) -> Any:
    """Bessel function of the first kind of order ``v``, element by element."""


@primitive(
    Elementwise(lambda s, v, x: s.yv(v, x)),
    vjp=(None, lambda xp, g, y, v, x: g * (xp.yv(v - 1, x) - xp.yv(v + 1, x)) / 2),
    forward=scipys("yv"),
    label="Y",
    domain=(0.5, 3.0),
    cases=_whole_orders(0),
)
def yv(v: ArrayLike, x: ArrayLike) -> Any:
    """Bessel function of the second kind of order ``v``, element by element; ``x > 0``."""


@primitive(
    Elementwise(lambda s, v, x: s.iv(v, x)),
    vjp=(None, lambda xp, g, y, v, x: g * (xp.iv(v - 1, x) + xp.iv(v + 1, x)) / 2),
    forward=scipys("iv"),
    label="I",
    domain=(0.5, 3.0),
    cases=_whole_orders(0),
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
    cases=_whole_orders(0),
)
def ive(v: ArrayLike, x: ArrayLike) -> Any:
    """``iv(v, x) * exp(-|x|)``, element by element, without overflow."""


@primitive(
    Elementwise(lambda s, v, x: s.kv(v, x)),
    vjp=(None, lambda xp, g, y, v, x: -(g * (xp.kv(v - 1, x) + xp.kv(v + 1, x)) / 2)),
    forward=scipys("kv"),
    label="K",
    domain=(0.5, 3.0),
    cases=_whole_orders(0),
)
def kv(v: ArrayLike, x: ArrayLike) -> Any:
    """Modified Bessel function of the second kind of order ``v``, element by element; ``x > 0``."""
