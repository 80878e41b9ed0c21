"""Special functions under the names of ``scipy.special``.

SciPy's own ufuncs come here when they are given a Tensor: ``scipy.special.gammaln(t)``. Most values
are SciPy's, so it must be installed (extra `data`); `erf`, `expit`, `logit`, `logsumexp`, `xlogy`
and what is made of them do without.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..aliases import ArrayLike, Axis
from ..dtypes import widened
from ..errors import ConfigError, NotDifferentiableError
from ..ops import erf as erf, special as _special, xlogy as xlogy
from ..ops.special import (
    beta as beta,
    betaln as betaln,
    erfc as erfc,
    erfcinv as erfcinv,
    erfcx as erfcx,
    erfinv as erfinv,
    gamma as gamma,
    gammaln as gammaln,
    gammasgn as gammasgn,
    log_ndtr as log_ndtr,
    rgamma as rgamma,
    xlog1py as xlog1py,
)
from ..primitives import told
from ..tensors import Tensor
from .elementwise import logit as logit, softmax as _softmax
from .reductions import log_softmax as _log_softmax
from .shared import answers, array_of, computed_in, real_of, reals_of

__all__ = [
    "beta",
    "betainc",
    "betaincc",
    "betaincx",
    "betaln",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "expit",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammainccx",
    "gammaincx",
    "gammaln",
    "gammasgn",
    "i0",
    "i1",
    "iv",
    "ive",
    "j0",
    "j1",
    "jv",
    "kl_div",
    "kv",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "rel_entr",
    "rgamma",
    "softmax",
    "stdtr",
    "xlog1py",
    "xlogy",
    "y0",
    "y1",
    "yv",
]

for _name in (
    "beta", "betaln", "erf", "erfc", "erfcinv", "erfcx", "erfinv", "gamma", "gammaln", "gammasgn", "log_ndtr",
    "logit", "rgamma", "xlog1py", "xlogy",
):  # fmt: skip
    answers(f"scipy.special.{_name}")(globals()[_name])
for _theirs, _ours in {
    "cbrt": ops.cbrt,
    "exp2": ops.exp2,
    "expm1": ops.expm1,
    "log1p": ops.log1p,
}.items():
    answers(f"scipy.special.{_theirs}")(_ours)


# --- sigmoids, entropies ------------------------------------------------------------------------


@answers("scipy.special.expit")
def expit(x: ArrayLike) -> Tensor:
    """Logistic sigmoid ``1 / (1 + exp(-x))``, element by element: `autograd_core.sigmoid`."""
    return ops.sigmoid(real_of("expit", x))


@answers("scipy.special.log_expit")
def log_expit(x: ArrayLike) -> Tensor:
    """Logarithm of `expit`, element by element, without overflow."""
    return -ops.softplus(-real_of("log_expit", x))


def logsumexp(
    a: ArrayLike, axis: Axis = None, b: ArrayLike | None = None, keepdims: bool = False
) -> Tensor:
    """``log(sum(b * exp(a)))`` over axes, without overflow.

    Parameters
    ----------
    b : array_like, optional
        Weights, which broadcast with ``a``; 0 leaves an element out. A negative sum gives nan.
    """
    t = real_of("logsumexp", a)
    if b is None:
        return ops.logsumexp(t, axis, keepdims)
    weights = real_of("logsumexp", b)
    none = ops.equal(weights, 0)
    top = ops.stop_gradient(ops.max(ops.where(none, -math.inf, t), axis, True))
    top = ops.where(ops.isfinite(top), top, 0)
    # What has no weight is left out where its exponential is no finite number; elsewhere it is a term
    # times 0, whose derivative in the weight is that exponential.
    most = math.log(float(np.finfo(t.dtype).max))
    out = ops.where(none, ops.logical_not(ops.less_equal(t - top, most)), False)
    terms = ops.exp(ops.where(out, -math.inf, t - top))
    y = ops.log(ops.sum(weights * terms, axis, True)) + top
    return y if keepdims else ops.reshape(y, ops.sum(weights * terms, axis).shape)


def softmax(x: ArrayLike, axis: Axis = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` over axes, all by default; along one axis `autograd_core.softmax`."""
    t = real_of("softmax", x)
    if isinstance(axis, int):
        return _softmax(t, axis)
    return ops.exp(t - ops.logsumexp(t, axis, True))


def log_softmax(x: ArrayLike, axis: Axis = None) -> Tensor:
    """Logarithm of `softmax`, without underflow."""
    t = real_of("log_softmax", x)
    if isinstance(axis, int):
        return _log_softmax(t, axis)
    return t - ops.logsumexp(t, axis, True)


@answers("scipy.special.entr")
def entr(x: ArrayLike) -> Tensor:
    """``-x log x``, element by element: 0 at 0, -inf below."""
    t = real_of("entr", x)
    return ops.where(ops.less(t, 0), -math.inf, -ops.xlogy(t, ops.where(ops.less(t, 0), 1, t)))


@answers("scipy.special.rel_entr")
def rel_entr(x: ArrayLike, y: ArrayLike) -> Tensor:
    """``x log(x / y)``, element by element; 0 at ``x = 0 <= y``, inf where one is negative or y = 0."""
    return _relative("rel_entr", x, y, lambda a, b: 0)


@answers("scipy.special.kl_div")
def kl_div(x: ArrayLike, y: ArrayLike) -> Tensor:
    """``x log(x / y) - x + y``, element by element: `rel_entr` made convex in ``x``."""
    return _relative("kl_div", x, y, lambda a, b: b - a)


def _relative(operation: str, x: ArrayLike, y: ArrayLike, more: Callable[..., Any]) -> Tensor:
    """``x log(x / y)`` and what is added to it inside; where x = 0 <= y that alone, else inf, nan of nan."""
    s, t = reals_of(operation, x, y)
    inside = ops.where(ops.greater(s, 0), ops.greater(t, 0), False)
    a, b = ops.where(inside, s, 1), ops.where(inside, t, 1)
    ratio = a / b
    # Beyond the range of numbers the logarithm of the quotient is a difference of logarithms.
    tiny = float(np.finfo(ratio.dtype).tiny)
    near = ops.where(ops.isfinite(ratio), ops.greater_equal(ratio, tiny), False)
    logarithm = ops.where(near, ops.log(ops.where(near, ratio, 1)), ops.log(a) - ops.log(b))
    at_zero = ops.where(ops.equal(s, 0), ops.greater_equal(t, 0), False)
    found = ops.where(inside, a * logarithm + more(a, b), math.inf)
    found = ops.where(at_zero, more(s, t), found)
    return ops.where(ops.where(ops.isnan(s), True, ops.isnan(t)), math.nan, found)


# --- the normal distribution --------------------------------------------------------------------


@answers("scipy.special.ndtr")
def ndtr(x: ArrayLike) -> Tensor:
    """Normal distribution function ``(1 + erf(x / √2)) / 2``, accurate in both tails."""
    return erfc(_wide("ndtr", x) * -math.sqrt(0.5)) / 2


def _wide(operation: str, x: ArrayLike) -> Tensor:
    """The operand in the dtype in which SciPy has it: single precision at least, double of integers."""
    t = array_of(operation, x)
    return computed_in(widened(t.dtype), t)


@answers("scipy.special.ndtri")
def ndtri(p: ArrayLike) -> Tensor:
    """Inverse of `ndtr` on (0, 1)."""
    return erfcinv(2 * _wide("ndtri", p)) * -math.sqrt(2)


# --- the gamma function's -----------------------------------------------------------------------


@answers("scipy.special.psi")
def digamma(x: ArrayLike) -> Tensor:
    """Derivative of `gammaln`, element by element: ψ."""
    return _special.polygamma(array_of("digamma", x), 0)


@told
def polygamma(n: int, x: ArrayLike) -> Tensor:
    """Derivative ``n`` of `digamma`, element by element.

    Raises
    ------
    ConfigError
        If ``n`` is not one integer, 0 or more.
    """
    if type(n) is not int and (np.ndim(n) or np.asarray(n).dtype.kind not in "iu"):
        raise ConfigError(
            "polygamma", f"expected an integer order n of 0 or more; received {n!r:.40}."
        )
    return _special.polygamma(array_of("polygamma", x), int(n))


@told
def multigammaln(a: ArrayLike, d: int) -> Tensor:
    """Logarithm of the multivariate gamma function of dimension ``d``, for ``a > (d - 1) / 2``.

    Raises
    ------
    ConfigError
        If ``d`` is not an integer, 1 or more.
    """
    if not hasattr(d, "__index__") or d.__index__() < 1:
        raise ConfigError(
            "multigammaln", f"expected a dimension d of 1 or more; received {d!r:.40}."
        )
    t, n = array_of("multigammaln", a), d.__index__()
    total: Tensor = gammaln(t) + n * (n - 1) / 4 * math.log(math.pi)
    for j in range(1, n):
        total = total + gammaln(t - j / 2)
    return total


# --- functions without a derivative in a parameter ----------------------------------------------


def _in_the_last(name: str, *parameters: str, scipys: bool = True) -> Callable[..., Tensor]:
    """The primitive with a check: only its last operand may ask for a gradient."""
    record = getattr(_special, name)

    def checked(*operands: ArrayLike) -> Tensor:
        if len(operands) != len(parameters) + 1:
            raise TypeError(
                f"{name}: expected {len(parameters) + 1} operands; received {len(operands)}."
            )
        # Python's numbers stay what they are: they take the dtype of the last operand.
        arguments = [x if type(x) in (int, float) else array_of(name, x) for x in operands]
        for parameter, t in zip(parameters, arguments, strict=False):
            if type(t) is Tensor and t.requires_grad:
                raise NotDifferentiableError(
                    name,
                    f"its derivative in {parameter} has no closed form. Expected a constant "
                    f"{parameter}; pass {parameter}.detach().",
                )
        result: Tensor = record(*arguments)
        return result

    checked.__name__ = checked.__qualname__ = name
    checked.__doc__ = (
        f"{record.__doc__}\n\nThe gradient is in the last operand alone.\n\nRaises\n------\n"
        f"NotDifferentiableError\n    If {' or '.join(parameters)} asks for a gradient."
    )
    return answers(f"scipy.special.{name}")(checked) if scipys else checked


betainc = _in_the_last("betainc", "a", "b")
betaincc = _in_the_last("betaincc", "a", "b")
betaincx = _in_the_last("betaincx", "a", "b", scipys=False)
gammainc = _in_the_last("gammainc", "a")
gammaincc = _in_the_last("gammaincc", "a")
gammainccx = _in_the_last("gammainccx", "a", scipys=False)
gammaincx = _in_the_last("gammaincx", "a", scipys=False)
iv = _in_the_last("iv", "v")
ive = _in_the_last("ive", "v")
jv = _in_the_last("jv", "v")
kv = _in_the_last("kv", "v")
stdtr = _in_the_last("stdtr", "df")
yv = _in_the_last("yv", "v")


def _of_order(name: str, n: int, kind: str, family: Callable[..., Any]) -> Callable[..., Tensor]:
    @answers(f"scipy.special.{name}")
    def of_order(x: ArrayLike) -> Tensor:
        found: Tensor = family(n, real_of(name, x))
        return found

    of_order.__name__ = of_order.__qualname__ = name
    of_order.__doc__ = f"{kind} of order {n}, element by element."
    return of_order


_FIRST, _SECOND = "Bessel function of the first kind", "Bessel function of the second kind"
_MODIFIED = "Modified Bessel function of the first kind"
j0 = _of_order("j0", 0, _FIRST, _special.jv)
j1 = _of_order("j1", 1, _FIRST, _special.jv)
y0 = _of_order("y0", 0, _SECOND, _special.yv)
y1 = _of_order("y1", 1, _SECOND, _special.yv)
i0 = _of_order("i0", 0, _MODIFIED, _special.iv)
i1 = _of_order("i1", 1, _MODIFIED, _special.iv)
answers("scipy.special.yn")(yv)
