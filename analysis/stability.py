"""Which step sizes converge, oscillate or diverge around a point of any loss, and the best one.

A loss is taken for the quadratic of its Hessian at the point, as the slides do; an error along an eigenvector is
multiplied by 1 − ηλ. Small losses have every direction; of a network the two extreme ones decide (`spectrum`), and
the diagonal is estimated by probes, which is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE, Whole
from autograd_core.randomness import source_of

from .convergence import best_lr, regime
from .objectives import Objective, objective
from .spectrum import Ends, pairs_of, spectrum_ends

__all__ = ["Diagonal", "StepSizes", "diagonal", "step_sizes"]

SMALL = 500  # numbers up to which the Hessian is written out


@dataclass(frozen=True, eq=False)
class Diagonal:
    """The diagonal of a Hessian: the curvature of each coordinate by itself.

    Attributes
    ----------
    values : ndarray, shape (n,)
        H_ii; an estimate, if there were probes.
    spread : ndarray, shape (n,)
        The standard error of each; 0 where it is exact.
    probes : int
        0: exact.
    seed : int or None
        Of the probes.
    """

    values: Array
    spread: Array
    probes: int
    seed: int | None = None

    @property
    def best_lr(self) -> Array:
        """η_i,opt = 1/H_ii, shape (n,); nan where the coordinate does not curve upward, as far as can be told."""
        up = self.values > 3 * self.spread
        return np.where(up, 1 / np.where(up, self.values, 1.0), np.nan)


def diagonal(
    loss: Callable[[Any], Any] | Objective,
    at: Any = None,
    *,
    probes: int | None = None,
    rng: RandomSource = None,
) -> Diagonal:
    """The diagonal of a loss's Hessian: exactly, or by random probes.

    Parameters
    ----------
    loss, at
        See `objective`.
    probes : int, ≥ 0, optional
        0 for the exact one. Left out: 0 for up to 500 numbers, else 100. With ±1 in v, v ∘ Hv has the diagonal
        as its mean, and for its variance the squares of what is beside it.
    rng : numpy.random.Generator or int, optional
        Of the probes. Left out, a fresh seed is drawn, told and kept.

    References
    ----------
    Bekas, Kokiopoulou and Saad (2007), An estimator for the diagonal of a matrix.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from analysis import diagonal
    >>> diagonal(lambda w: ag.sum(np.array([1.0, 4.0]) * w**2) / 2, [3.0, 3.0]).best_lr.tolist()
    [1.0, 0.25]
    """
    e = objective(loss, at)
    if probes is None:
        probes = 0 if e.size <= SMALL else 100
    probes = Whole(0).check("diagonal: probes", probes)
    if probes == 1:
        raise ConfigError(
            "diagonal", "expected 0 (the exact one) or 2 probes or more; of one there is no spread."
        )
    if probes == 0:
        if e.size <= SMALL:
            return Diagonal(np.diag(e.hessian()).copy(), np.zeros(e.size), 0)
        product, found, unit = e.products(), np.empty(e.size), np.zeros(e.size)
        for i in range(e.size):
            unit[i] = 1.0
            found[i] = product(unit)[i]
            unit[i] = 0.0
        return Diagonal(found, np.zeros(e.size), 0)
    generator, seed = source_of(rng, "diagonal")
    product, mean, square = e.products(), np.zeros(e.size), np.zeros(e.size)
    for k in range(1, probes + 1):
        v = generator.choice((-1.0, 1.0), e.size)
        drawn = v * product(v)
        off = drawn - mean
        mean += off / k
        square += off * (drawn - mean)
    return Diagonal(mean, np.sqrt(square / (probes - 1) / probes), probes, seed)


@dataclass(frozen=True, eq=False)
class StepSizes:
    """What step sizes do around a point.

    Attributes
    ----------
    ends : Ends
        The least and the greatest curvature.
    slope : float
        ‖∇E‖ at the point.
    along : float
        The curvature along the gradient, gᵀHg/gᵀg; nan where the gradient is 0.
    diagonal : Diagonal
        The curvature of each coordinate.
    eigenvalues, directions : ndarray or None
        All of them, ascending, shapes (n,) and (n, n); None where n is above 500.
    seed : int or None
        Of what was drawn, if anything was.
    """

    ends: Ends
    slope: float
    along: float
    diagonal: Diagonal
    eigenvalues: Array | None
    directions: Array | None
    seed: int | None = None

    @property
    def indefinite(self) -> bool:
        """Whether some direction curves downward: no step size converges along it, nor should it."""
        return self.ends.lowest.value < -self.ends.lowest.bound

    @property
    def largest_lr(self) -> float:
        """2/λ_max: beyond it descent diverges along the steepest direction; inf if nothing curves upward."""
        return 2 * self.monotone_lr

    @property
    def monotone_lr(self) -> float:
        """1/λ_max: up to it no direction oscillates."""
        top = self.ends.highest
        return float(1 / top.value) if top.value > top.bound else float("inf")

    @property
    def best_lr(self) -> float:
        """2/(λ_min + λ_max), the best for all directions at once; nan unless all curve upward."""
        low, high = self.ends.lowest, self.ends.highest
        return float(best_lr(low.value, high.value)) if low.value > low.bound else float("nan")

    @property
    def best_along(self) -> float:
        """1/(the curvature along the gradient): the best size of this one step; nan if that curves downward."""
        return 1 / self.along if self.along > 0 else float("nan")

    @property
    def condition(self) -> float:
        """κ; see `Ends.condition`."""
        return self.ends.condition

    @cached_property
    def regions(self) -> tuple[tuple[float, float, str], ...]:
        """From, to, and what happens between: along the steepest direction, with what is said of the others."""
        if self.monotone_lr == float("inf"):
            return ((0.0, float("inf"), "monotone" if not self.indefinite else "escaping"),)
        others = "" if not self.indefinite else ", escaping along others"
        return (
            (0.0, self.monotone_lr, "monotone" + others),
            (self.monotone_lr, self.largest_lr, "oscillating" + others),
            (self.largest_lr, float("inf"), "diverging"),
        )

    def factors(self, lr: float) -> Array:
        """1 − ηλ of every direction that is known: all of them, or the two extreme ones."""
        known = self.eigenvalues
        if known is None:
            known = np.array([self.ends.lowest.value, self.ends.highest.value])
        return 1 - NON_NEGATIVE.check("StepSizes.factors: lr", lr) * known

    def regimes(self, lr: float) -> tuple[str, ...]:
        """The `regime` of each of `factors`; "escaping" along what curves downward."""
        found = []
        for factor in self.factors(lr):
            name = regime(float(factor))
            found.append("escaping" if name == "diverging" and factor > 1 else name)
        return tuple(found)


def step_sizes(
    loss: Callable[[Any], Any] | Objective,
    at: Any = None,
    *,
    probes: int | None = None,
    tolerance: float = 1e-4,
    rng: RandomSource = None,
) -> StepSizes:
    """Which step sizes converge around a point of a loss, as its Hessian there has it.

    Parameters
    ----------
    loss, at
        See `objective`; a model's loss is `objective_of`.
    probes : int, optional
        See `diagonal`.
    tolerance : float
        See `spectrum_ends`.
    rng : numpy.random.Generator or int, optional
        Of the start of Lanczos's method, and of the probes. Left out, a fresh seed is drawn, told and kept.

    Returns
    -------
    StepSizes

    References
    ----------
    [With non-optimal step size], [For generic differentiable convex objectives], [Problem with vector update
    rule], [Convergence].

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from analysis import step_sizes
    >>> found = step_sizes(lambda w: ag.sum(np.array([1.0, 3.0]) * w**2) / 2, [1.0, 1.0])
    >>> round(found.best_lr, 12), round(found.largest_lr, 12), round(found.condition, 12)
    (0.5, 0.666666666667, 3.0)
    >>> found.regimes(0.5), found.diagonal.best_lr.round(3).tolist()
    (('monotone', 'oscillating'), [1.0, 0.333])
    """
    e = objective(loss, at)
    values = vectors = seed = None
    if probes or e.size > SMALL:
        rng, seed = source_of(rng, "step_sizes")
    g = e.gradient()
    slope = float(np.hypot.reduce(g))
    if e.size <= SMALL:
        h = e.hessian()
        values, vectors = np.linalg.eigh(h)
        ends = _of_all(e, vectors)
        along = float(g @ h @ g / (g @ g)) if slope > 0 else float("nan")
        exact = Diagonal(np.diag(h).copy(), np.zeros(e.size), 0)
        found = exact if not probes else diagonal(e, probes=probes, rng=rng)
    else:
        ends = spectrum_ends(e, tolerance=tolerance, rng=rng)
        unit = g / slope if slope > 0 else g
        along = float(unit @ e.products()(unit)) if slope > 0 else float("nan")
        found = diagonal(e, probes=probes, rng=rng)
    return StepSizes(ends, slope, along, found, values, vectors, seed)


def _of_all(e: Objective, vectors: Array) -> Ends:
    """Both ends of a spectrum that is known as a whole."""
    low, high = pairs_of(e.products(), [vectors[:, 0], vectors[:, -1]], e.epsilon)
    return Ends(e.size, low, high, e.size, True, True)
