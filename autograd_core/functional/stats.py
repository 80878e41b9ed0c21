"""Probability distributions under the names of ``scipy.stats``: densities, distribution functions.

A continuous distribution is a row of formulas for its standard form; location and scale are put in
at one place: ``ag.stats.norm.logpdf(x, loc, scale)``, ``ag.stats.gamma.cdf(x, a, scale=2.0)``. Then
there are `poisson`, `dirichlet` and `multivariate_normal`. Values, parameters, location and scale
broadcast, and each has a gradient but where `autograd_core.special` has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import ops
from ..aliases import ArrayLike
from ..errors import ConfigError, ShapeError
from ..ops.special import log_of_one_and_square, powers
from ..shelves import TENSORS
from ..tensors import Tensor
from . import special
from .reductions import prod
from .shared import real_of

__all__ = [
    "Continuous",
    "beta",
    "chi2",
    "dirichlet",
    "expon",
    "gamma",
    "multivariate_normal",
    "norm",
    "poisson",
    "t",
]

Formula = Callable[..., Any]


@dataclass(frozen=True, repr=False)
class Continuous:
    """A family of continuous distributions.

    Every function takes ``(x, *parameters, loc=0, scale=1)``, by place or by name, as in SciPy.

    Attributes
    ----------
    name : str
    density : callable
        Logarithm of the standard density, less that of its powers: of the value and the parameters.
    below : callable
        The standard distribution function.
    above : callable, optional
        One less that, where there is a better way than to subtract.
    log_below, log_above : callable, optional
        Their logarithms, where there is a better way than to take them.
    far_below, far_above : callable, optional
        Their logarithms where they underflow: that of the factor by which they do, and that of the rest.
    middle : callable, optional
        A value that is far out on neither side.
    powers : callable, optional
        The factors that are 0 at an end of the support for some parameters, as `ops.special.powers` has
        them: base, exponent, and base - 1 where it is known.
    parameters : tuple of str
        Names of the parameters of shape.
    support : tuple of float
        Where the density is not 0.
    """

    name: str
    density: Formula
    below: Formula
    above: Formula | None = None
    log_below: Formula | None = None
    log_above: Formula | None = None
    far_below: Formula | None = None
    far_above: Formula | None = None
    middle: Formula | None = None
    powers: Formula | None = None
    parameters: tuple[str, ...] = ()
    support: tuple[float, float] = (-math.inf, math.inf)

    def logpdf(self, x: ArrayLike, *given: ArrayLike, **named: ArrayLike) -> Tensor:
        """Logarithm of the density; -inf where that is 0."""
        u, shape, scale = self._standard("logpdf", x, given, named)
        return self._inside(self._log_density, u, shape, -math.inf, -math.inf) - ops.log(scale)

    def pdf(self, x: ArrayLike, *given: ArrayLike, **named: ArrayLike) -> Tensor:
        """Density."""
        u, shape, scale = self._standard("pdf", x, given, named)
        return self._inside(self._density, u, shape, 0, 0) / scale

    def cdf(self, x: ArrayLike, *given: ArrayLike, **named: ArrayLike) -> Tensor:
        """Probability of a value not above ``x``."""
        u, shape, _ = self._standard("cdf", x, given, named)
        return self._inside(self.below, u, shape, 0, 1)

    def sf(self, x: ArrayLike, *given: ArrayLike, **named: ArrayLike) -> Tensor:
        """Probability of a value above ``x``."""
        u, shape, _ = self._standard("sf", x, given, named)
        return self._inside(self._above, u, shape, 1, 0)

    def logcdf(self, x: ArrayLike, *given: ArrayLike, **named: ArrayLike) -> Tensor:
        """Logarithm of `cdf`."""
        u, shape, _ = self._standard("logcdf", x, given, named)
        formula = self.log_below or self._log(self.below, self._above, self.far_below)
        return self._inside(formula, u, shape, -math.inf, 0)

    def logsf(self, x: ArrayLike, *given: ArrayLike, **named: ArrayLike) -> Tensor:
        """Logarithm of `sf`."""
        u, shape, _ = self._standard("logsf", x, given, named)
        formula = self.log_above or self._log(self._above, self.below, self.far_above)
        return self._inside(formula, u, shape, 0, -math.inf)

    def _log_density(self, *operands: Any) -> Any:
        y = self.density(*operands)
        for base, exponent, beyond in self.powers(*operands) if self.powers else ():
            power = (
                special.xlogy(exponent, ops.where(ops.isinf(base), 1, base))
                if beyond is None
                else special.xlog1py(exponent, beyond)
            )
            y = power + y
        return y

    def _density(self, *operands: Any) -> Any:
        factors = self.powers(*operands) if self.powers else ()
        return _product(self.density(*operands), *factors)

    def _above(self, *operands: Any) -> Any:
        return 1 - self.below(*operands) if self.above is None else self.above(*operands)

    def _log(self, part: Formula, complement: Formula, far: Formula | None) -> Formula:
        """The logarithm of a probability: near 1 by what it lacks of 1, near 0 by its scale."""

        def formula(u: Any, *shape: Any) -> Any:
            p = part(u, *shape)
            near = ops.greater(p, 0.5)
            y = ops.log1p(-ops.where(near, complement(u, *shape), 0))
            if far is None or self.middle is None:
                return ops.where(near, y, ops.log(ops.where(near, 1, p)))
            # Far out is where its square, of which the second derivative is made, underflows.
            span = np.finfo(p.dtype)
            small = ops.less(p, math.sqrt(span.tiny) / float(span.eps))
            y = ops.where(near, y, ops.log(ops.where(near, 1, ops.where(small, 1, p))))
            return ops.where(small, far(ops.where(small, u, self.middle(u, *shape)), *shape), y)

        return formula

    def _standard(
        self, function: str, x: ArrayLike, values: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """The value in standard units, the parameters of shape, the scale."""
        operation, names = f"{self.name}.{function}", (*self.parameters, "loc", "scale")
        parameters = {"loc": 0.0, "scale": 1.0, **dict(zip(names, values, strict=False)), **named}
        twice = set(names[: len(values)]) & set(named)
        if len(values) > len(names) or twice or parameters.keys() != set(names):
            raise ConfigError(
                operation,
                f"expected a value and the parameters {', '.join(names)}; received "
                f"{len(values)} by place and {sorted(named)} by name.",
            )
        parts = {n: real_of(operation, v) for n, v in parameters.items()}
        u = (real_of(operation, x) - parts["loc"]) / parts["scale"]
        return u, [parts[n] for n in self.parameters], parts["scale"]

    def _inside(self, formula: Formula, u: Tensor, shape: list[Tensor], low: Any, high: Any) -> Any:
        """The formula, which never sees a value outside of the support, and a constant there."""
        start, end = self.support
        if start == -math.inf:
            return formula(u, *shape)
        under, over = ops.less(u, start), ops.greater(u, end)
        middle = ops.where(under, 0.5, ops.where(over, 0.5, u)) + 0.0  # (of -0.0: from inside)
        return ops.where(under, low, ops.where(over, high, formula(middle, *shape)))

    def __repr__(self) -> str:
        return f"<distribution {self.name}({', '.join((*self.parameters, 'loc', 'scale'))})>"


def _product(logarithm: Any, *factors: tuple[Any, Any, Any]) -> Any:
    """``exp(logarithm)`` times powers, with their derivatives at 0."""
    first, second = powers(TENSORS, *factors)
    return ops.exp(second + logarithm) * first


def _far_gamma(scaled: Formula) -> Formula:
    def far(u: Any, a: Any) -> Any:
        # An infinite value has a logarithm that is less, so that the exponential has its way.
        t = ops.log(ops.minimum(u, float(np.finfo(u.dtype).max)))
        return a * t - u - special.gammaln(a) + _log_of(scaled, t, a)

    return far


_far_below, _far_above = _far_gamma(special.gammaincx), _far_gamma(special.gammainccx)


def _log_of(scaled: Formula, t: Any, *shape: Any) -> Any:
    """The logarithm of a tail by its scale; at the end of the support it does not matter."""
    return ops.log(scaled(*shape, ops.where(ops.isfinite(t), t, 0)))


def _far_beta(u: Any, rest: Any, a: Any, b: Any, t: Any) -> Any:
    power = special.xlogy(a, u) + special.xlogy(b, rest)
    return power - special.betaln(a, b) + _log_of(special.betaincx, t, a, b)


def _far_student(u: Any, df: Any) -> Any:
    t = ops.log(df) - 2 * ops.log(ops.absolute(u))  # the odds of a beta distribution
    power = -df / 2 * ops.softplus(-t) - ops.softplus(t) / 2
    whole = special.betaln(df / 2, 0.5) + math.log(2)
    return power - whole + _log_of(special.betaincx, t, df / 2, 0.5)


_POSITIVE = (0.0, math.inf)

norm = Continuous(
    "norm",
    lambda u: -(ops.square(u) + math.log(2 * math.pi)) / 2,
    special.ndtr,
    lambda u: special.ndtr(-u),
    special.log_ndtr,
    lambda u: special.log_ndtr(-u),
)
expon = Continuous(
    "expon",
    lambda u: -u,
    lambda u: -ops.expm1(-u),
    lambda u: ops.exp(-u),
    log_above=lambda u: -u,
    support=_POSITIVE,
)
gamma = Continuous(
    "gamma",
    lambda u, a: -u - special.gammaln(a),
    lambda u, a: special.gammainc(a, u),
    lambda u, a: special.gammaincc(a, u),
    far_below=_far_below,
    far_above=_far_above,
    middle=lambda u, a: a,
    powers=lambda u, a: [(u, a - 1, None)],
    parameters=("a",),
    support=_POSITIVE,
)
chi2 = Continuous(
    "chi2",
    lambda u, df: gamma.density(u / 2, df / 2) - math.log(2),
    lambda u, df: special.gammainc(df / 2, u / 2),
    lambda u, df: special.gammaincc(df / 2, u / 2),
    far_below=lambda u, df: _far_below(u / 2, df / 2),
    far_above=lambda u, df: _far_above(u / 2, df / 2),
    middle=lambda u, df: df,
    powers=lambda u, df: [(u / 2, df / 2 - 1, None)],
    parameters=("df",),
    support=_POSITIVE,
)
beta = Continuous(
    "beta",
    lambda u, a, b: -special.betaln(a, b),
    lambda u, a, b: special.betainc(a, b, u),
    lambda u, a, b: special.betaincc(a, b, u),
    far_below=lambda u, a, b: _far_beta(u, 1 - u, a, b, special.logit(u)),
    far_above=lambda u, a, b: _far_beta(1 - u, u, b, a, -special.logit(u)),
    middle=lambda u, a, b: a / (a + b),
    powers=lambda u, a, b: [(u, a - 1, None), (1 - u, b - 1, -u)],
    parameters=("a", "b"),
    support=(0.0, 1.0),
)
t = Continuous(
    "t",
    lambda u, df: (
        -(df + 1) / 2 * log_of_one_and_square(TENSORS, u / ops.sqrt(df))
        - special.betaln(df / 2, 0.5)
        - ops.log(df) / 2
    ),
    lambda u, df: special.stdtr(df, u),
    lambda u, df: special.stdtr(df, -u),
    far_below=_far_student,
    far_above=_far_student,
    middle=lambda u, df: 1,
    parameters=("df",),
)


class poisson:  # noqa: N801 - SciPy's name
    """The Poisson distribution of counts ``k`` with the mean ``mu``; its gradient is in ``mu``."""

    @staticmethod
    def logpmf(k: ArrayLike, mu: ArrayLike) -> Tensor:
        """Logarithm of the probability of ``k``; -inf where ``k`` is no count."""
        counts, n, m = _counted("poisson.logpmf", k, mu)
        return ops.where(counts, special.xlogy(n, m) - special.gammaln(n + 1) - m, -math.inf)

    @staticmethod
    def pmf(k: ArrayLike, mu: ArrayLike) -> Tensor:
        """Probability of ``k``."""
        counts, n, m = _counted("poisson.pmf", k, mu)
        return ops.where(counts, _product(-special.gammaln(n + 1) - m, (m, n, None)), 0)

    @staticmethod
    def cdf(k: ArrayLike, mu: ArrayLike) -> Tensor:
        """Probability of a count not above ``k``."""
        n, m = ops.floor(real_of("poisson.cdf", k)), real_of("poisson.cdf", mu)
        below = ops.less(n, 0)
        return ops.where(below, 0, special.gammaincc(ops.where(below, 0, n) + 1, m))


def _counted(operation: str, k: ArrayLike, mu: ArrayLike) -> tuple[Tensor, Tensor, Tensor]:
    """Which of ``k`` are counts, these (0 for others), and the mean."""
    n, m = real_of(operation, k), real_of(operation, mu)
    counts = ops.where(ops.less(n, 0), False, ops.equal(n, ops.floor(n)))
    return counts, ops.where(counts, n, 0.0), m


class dirichlet:  # noqa: N801 - SciPy's name
    """The Dirichlet distribution over positive numbers with the sum 1; along the first axis."""

    @staticmethod
    def logpdf(x: ArrayLike, alpha: ArrayLike) -> Tensor:
        """Logarithm of the density.

        Parameters
        ----------
        x : array_like, shape (n,) or (n, m)
            Columns that sum to 1. (Where they do not, the formula is not a density; it is not
            checked, so that it can be differentiated.)
        alpha : array_like, shape (n,)
            Positive.

        Raises
        ------
        ShapeError
            If sizes differ.
        """
        v, column, normalizer = _shares("dirichlet.logpdf", x, alpha)
        return ops.sum(special.xlogy(column - 1, v), 0) + normalizer

    @staticmethod
    def pdf(x: ArrayLike, alpha: ArrayLike) -> Tensor:
        """Density; see `logpdf`."""
        v, column, whole = _shares("dirichlet.pdf", x, alpha)
        first, second = powers(TENSORS, (v, column - 1, None))
        return prod(first, 0) * ops.exp(ops.sum(second, 0) + whole)


def _shares(operation: str, x: ArrayLike, alpha: ArrayLike) -> tuple[Tensor, Tensor, Tensor]:
    """The values, alpha as a column beside them, and the logarithm of the constant factor."""
    v, a = real_of(operation, x), real_of(operation, alpha)
    if len(a.shape) != 1 or len(v.shape) not in (1, 2) or v.shape[0] != a.shape[0]:
        raise ShapeError(
            operation,
            f"expected x (n,) or (n, m) and alpha (n,); received {v.shape} and {a.shape}.",
        )
    whole = special.gammaln(ops.sum(a)) - ops.sum(special.gammaln(a))
    return v, ops.reshape(a, (-1, *(1,) * (len(v.shape) - 1))), whole


class multivariate_normal:  # noqa: N801 - SciPy's name
    """The normal distribution of vectors, along the last axis."""

    @staticmethod
    def logpdf(
        x: ArrayLike, mean: ArrayLike, cov: ArrayLike, allow_singular: bool = False
    ) -> Tensor:
        """Logarithm of the density.

        Parameters
        ----------
        x : array_like, shape (…, n)
        mean : array_like, shape (n,)
        cov : array_like, shape (n, n)
            Symmetric and positive definite; the gradient is in all of its entries.
        allow_singular : bool
            True is refused: a singular matrix has no density, and its pseudo-inverse no gradient.

        Raises
        ------
        ShapeError
            If sizes differ.
        ConfigError
            If ``allow_singular`` is True.
        """
        return _normal("multivariate_normal.logpdf", x, mean, cov, allow_singular)

    @staticmethod
    def pdf(x: ArrayLike, mean: ArrayLike, cov: ArrayLike, allow_singular: bool = False) -> Tensor:
        """Density; see `logpdf`."""
        return ops.exp(_normal("multivariate_normal.pdf", x, mean, cov, allow_singular))

    @staticmethod
    def entropy(mean: ArrayLike, cov: ArrayLike) -> Tensor:
        """Entropy in nats; it does not depend on the mean."""
        m, c = (real_of("multivariate_normal.entropy", v) for v in (mean, cov))
        _check_normal("multivariate_normal.entropy", m, m, c)
        n = c.shape[0]
        return (ops.slogdet(c)[1] + n * (1 + math.log(2 * math.pi)) + 0 * ops.sum(m)) / 2


def _check_normal(operation: str, x: Tensor, mean: Tensor, cov: Tensor) -> None:
    n = mean.shape[0] if len(mean.shape) == 1 else None
    if n is None or cov.shape != (n, n) or x.shape[-1:] != (n,):
        raise ShapeError(
            operation,
            f"expected x (…, n), mean (n,) and cov (n, n); received {x.shape}, {mean.shape} "
            f"and {cov.shape}.",
        )


def _normal(
    operation: str, x: ArrayLike, mean: ArrayLike, cov: ArrayLike, allow_singular: bool
) -> Tensor:
    v, m, c = (real_of(operation, a) for a in (x, mean, cov))
    _check_normal(operation, v, m, c)
    if allow_singular:
        raise ConfigError(
            operation, "expected a positive definite cov; allow_singular=True is not supported."
        )
    n, off = m.shape[0], v - m
    rows = ops.reshape(off, (-1, n))
    distance = ops.sum(rows * ops.transpose(ops.solve(c, ops.transpose(rows))), 1)
    y = -(distance + ops.slogdet(c)[1] + n * math.log(2 * math.pi)) / 2
    return ops.reshape(y, v.shape[:-1])
