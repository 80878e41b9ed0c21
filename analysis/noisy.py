"""SGD on a quadratic whose gradient is seen through noise: its error as it went, beside the exact one.

Along an axis of curvature λ the error e of a step is (1 − ηλ)e + ηξ, with ξ of mean 0 and deviation σ. So its
mean and variance follow from one step to the next, for every schedule of η, without any chance left in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import autograd_core as ag
import optim
from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, NON_NEGATIVE
from autograd_core.randomness import source_of

from .convergence import Quadratic

__all__ = ["NoisyDescent", "log_slope", "noise_floor", "noisy_descent"]


def noise_floor(eta: Any, curvature: Any, sigma: Any) -> Any:
    """ησ²/(λ(2 − ηλ)): the mean squared error along an axis at which SGD with one η stalls, for ηλ < 2.

    Parameters
    ----------
    eta, curvature, sigma : number, Tensor or array
        η, λ and the deviation of the gradient's noise.

    Examples
    --------
    >>> from analysis import noise_floor
    >>> noise_floor(1.0, 1.0, 2.0)
    4.0
    """
    return eta * sigma * sigma / (curvature * (2 - eta * curvature))


def log_slope(at: Any, values: Any) -> float:
    """p of values ≈ c·atᵖ: the slope of a straight line through the logarithms, by least squares.

    Parameters
    ----------
    at, values : array_like, shape (n,)
        Above 0; two of them at least are apart.

    Raises
    ------
    ConfigError
        If there are fewer than two points, or one is not above 0: it has no logarithm.

    Examples
    --------
    >>> from analysis import log_slope
    >>> round(log_slope([1, 2, 4], [3.0, 1.5, 0.75]), 12)
    -1.0
    """
    x, y = (np.asarray(a, np.float64).ravel() for a in (at, values))
    if len(x) != len(y) or len(np.unique(x)) < 2 or not ((x > 0).all() and (y > 0).all()):
        raise ConfigError(
            "log_slope",
            "expected two points or more, apart and above 0 both ways; received "
            f"{len(x)} and {len(y)}, from {x.min(initial=np.inf):g} and {y.min(initial=np.inf):g}.",
        )
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


@dataclass(frozen=True, eq=False)
class NoisyDescent:
    """Runs of SGD on one quadratic, with noise of their own.

    Attributes
    ----------
    quadratic : Quadratic
    rates : ndarray, shape (steps,)
        η of each step.
    noise : float
        σ, the deviation of each coordinate of the gradient.
    start : ndarray, shape (n,)
    errors : ndarray, shape (steps + 1, runs)
        ‖w − w*‖², from the start on.
    averaged_errors : ndarray, shape (steps, runs)
        ‖w̄ − w*‖², with w̄ the mean of all w so far, without the start.
    """

    quadratic: Quadratic
    rates: Array
    noise: float
    start: Array
    errors: Array
    averaged_errors: Array

    @property
    def measured(self) -> Array:
        """Mean of ‖w − w*‖² over the runs, shape (steps + 1,)."""
        return np.asarray(self.errors.mean(axis=1))

    @property
    def uncertainty(self) -> Array:
        """Standard error of `measured`."""
        return np.asarray(self.errors.std(axis=1) / np.sqrt(self.errors.shape[1]))

    @property
    def averaged_measured(self) -> Array:
        """Mean of ‖w̄ − w*‖² over the runs, shape (steps,)."""
        return np.asarray(self.averaged_errors.mean(axis=1))

    @property
    def averaged_uncertainty(self) -> Array:
        """Standard error of `averaged_measured`."""
        runs = self.averaged_errors.shape[1]
        return np.asarray(self.averaged_errors.std(axis=1) / np.sqrt(runs))

    @cached_property
    def _exact(self) -> tuple[Array, Array]:
        """Means of ‖e‖² and of ‖Σe/k‖², by the recursion of means and covariances along each axis."""
        mean = (self.start - self.quadratic.optimum) @ self.quadratic.directions
        curvatures = self.quadratic.eigenvalues
        variance, total = np.zeros_like(mean), np.zeros_like(mean)
        of_total, shared = np.zeros_like(mean), np.zeros_like(mean)
        last, averaged = [float(mean @ mean)], []
        for k, eta in enumerate(self.rates, 1):
            factor = 1 - eta * curvatures
            mean = factor * mean
            variance = factor**2 * variance + (eta * self.noise) ** 2
            of_total = of_total + 2 * factor * shared + variance
            shared = factor * shared + variance
            total = total + mean
            last.append(float(mean @ mean + variance.sum()))
            averaged.append(float(total @ total + of_total.sum()) / k**2)
        return np.array(last), np.array(averaged)

    @property
    def exact(self) -> Array:
        """E‖w − w*‖² after each step, shape (steps + 1,)."""
        return self._exact[0]

    @property
    def averaged_exact(self) -> Array:
        """E‖w̄ − w*‖² after each step, shape (steps,)."""
        return self._exact[1]

    @property
    def floor(self) -> float:
        """Where the exact error stalls if η stays what it is at the end; inf if that diverges."""
        eta = float(self.rates[-1])
        curvatures = self.quadratic.eigenvalues
        if eta * curvatures[-1] >= 2:
            return np.inf
        return float(np.sum(noise_floor(eta, curvatures, self.noise)))


def noisy_descent(
    quadratic: Quadratic,
    start: Any,
    lr: float | optim.Schedule,
    noise: float,
    steps: int,
    *,
    runs: int = 100,
    rng: RandomSource = None,
) -> NoisyDescent:
    """Run `optim.SGD` on the gradient of a quadratic plus normal noise, many times side by side.

    Parameters
    ----------
    quadratic : Quadratic
    start : array_like, shape (n,)
        Of all runs; a number for a parabola.
    lr : float or Schedule
        η, or η_k with k = 0 at the first step: ``optim.schedules.Linear(1 / a)`` is 1/(a(k + 1)).
    noise : float, ≥ 0
        σ: each coordinate of the gradient has N(0, σ²) added.
    steps : int, ≥ 1
    runs : int, ≥ 1
    rng : numpy.random.Generator or int, optional
        Draws the noise.

    Returns
    -------
    NoisyDescent

    Raises
    ------
    ConfigError
        If ``start`` does not fit the quadratic, or a number is outside its range.
    AnomalyError
        If diverging runs leave the range of floats.

    References
    ----------
    [When does SGD work], [SGD Convergence].

    Examples
    --------
    On ½aw² under η_k = 1/(a(k + 1)), the error after k steps is σ²/(a²k) exactly, from wherever it starts:

    >>> import optim
    >>> from analysis import Quadratic, noisy_descent
    >>> run = noisy_descent(Quadratic(2.0), 5.0, optim.schedules.Linear(0.5), 4.0, 4, runs=2, rng=0)
    >>> run.exact.round(12).tolist()
    [25.0, 4.0, 2.0, 1.333333333333, 1.0]
    """
    try:
        first = np.atleast_1d(np.array(start, np.float64))
    except (TypeError, ValueError):  # no numbers
        first = np.full(quadratic.optimum.shape, np.nan)
    if first.shape != quadratic.optimum.shape or not np.isfinite(first).all():
        raise ConfigError(
            "noisy_descent",
            f"expected a finite start of shape {quadratic.optimum.shape}, as the quadratic has; received "
            f"{start!r:.60}.",
        )
    sigma = NON_NEGATIVE.check("noisy_descent: noise", noise)
    steps = COUNT.check("noisy_descent: steps", steps)
    runs = COUNT.check("noisy_descent: runs", runs)
    generator = source_of(rng, "noisy_descent").generator
    w = ag.tensor(np.tile(first, (runs, 1)), requires_grad=True)
    optimizer = optim.SGD([w], lr=lr)
    matrix = ag.tensor(quadratic.matrix)

    def squares(points: Array) -> Array:
        return np.asarray(((points - quadratic.optimum) ** 2).sum(axis=1))

    errors, averaged, total = [squares(w.numpy())], [], np.zeros_like(w.numpy())
    for _ in range(steps):
        optimizer.zero_grad()
        d = w - quadratic.optimum
        pushed = w * (sigma * generator.standard_normal(w.shape))  # whose gradient is the noise
        (ag.sum(d * (d @ matrix)) / 2 + ag.sum(pushed)).backward()
        optimizer.step()
        total += w.numpy()
        errors.append(squares(w.numpy()))
        averaged.append(squares(total / len(errors[1:])))
    rate = optimizer.lr
    rates = [float(rate(k)) if isinstance(rate, optim.Schedule) else rate for k in range(steps)]
    return NoisyDescent(
        quadratic, np.array(rates), sigma, first, np.array(errors), np.array(averaged)
    )
