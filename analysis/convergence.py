"""Gradient descent on a quadratic: what each step size leads to, predicted and run.

An error along an eigenvector of A, with eigenvalue λ, is multiplied by 1 − ηλ in each step; the
regimes of the step size are the places that this factor can be in. `Quadratic` predicts, `descend`
runs the optimizer, and a `Descent` holds both, so that one can be seen beside the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import autograd_core as ag
import optim
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError

__all__ = ["REGIMES", "Descent", "Quadratic", "best_lr", "descend", "regime"]

REGIMES = ("standing", "monotone", "one step", "oscillating", "swinging", "diverging")

# How near a factor must be to 0, 1 or −1 to count as it: 1 − ηλ has the rounding of ηλ.
_BORDER = 1e-9


def best_lr(lowest: Any, highest: Any) -> Any:
    """The step size 2/(λ_min + λ_max), for which the slowest direction is as fast as it can be.

    Parameters
    ----------
    lowest, highest : float, or Tensor
        The eigenvalues of A; for a parabola both are its second derivative, and this is 1/E''.
    """
    return 2 / (lowest + highest)


def regime(factor: float) -> str:
    """What becomes of an error that each step multiplies by ``factor``.

    Returns
    -------
    str
        One of `REGIMES`: "standing" (1), "monotone" (between 0 and 1), "one step" (0),
        "oscillating" (between −1 and 0), "swinging" (−1: from side to side for ever), "diverging".

    Examples
    --------
    >>> from analysis import regime
    >>> [regime(1 - eta) for eta in (0.5, 1.0, 1.5, 2.0, 2.1)]
    ['monotone', 'one step', 'oscillating', 'swinging', 'diverging']
    """
    for border, name in ((1.0, "standing"), (0.0, "one step"), (-1.0, "swinging")):
        if abs(factor - border) <= _BORDER:
            return name
    if abs(factor) > 1 or np.isnan(factor):
        return "diverging"
    return "monotone" if factor > 0 else "oscillating"


@dataclass(frozen=True, eq=False)
class Quadratic:
    """E(w) = ½ (w − w*)ᵀ A (w − w*), with a positive definite A.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        A: symmetric, all eigenvalues above 0. A number is the second derivative of a parabola.
    optimum : array_like, shape (n,), optional
        w*; 0 if left out.

    Raises
    ------
    ConfigError
        If A is not finite, not square, not symmetric or not positive definite, or ``optimum`` does not fit it.

    Examples
    --------
    >>> from analysis import Quadratic
    >>> long = Quadratic([[1.0, 0.0], [0.0, 3.0]])
    >>> long.condition, long.best_lr, long.rate(long.best_lr)
    (3.0, 0.5, 0.5)
    """

    matrix: Any  # array_like when given, a float64 array from then on
    optimum: Any = None

    def __post_init__(self) -> None:
        """Take copies in float64, and check them."""
        a = np.atleast_2d(np.array(self.matrix, np.float64))
        if not np.isfinite(a).all():
            raise ConfigError(
                "Quadratic", f"expected finite numbers in A; received {self.matrix!r:.60}."
            )
        if a.ndim != 2 or a.shape[0] != a.shape[1] or not np.array_equal(a, a.T):
            raise ConfigError(
                "Quadratic",
                "expected a symmetric matrix A, as ½ wᵀAw has one; received an array of "
                f"shape {a.shape}. Pass (A + A.T) / 2.",
            )
        at = np.zeros(len(a)) if self.optimum is None else np.array(self.optimum, np.float64)
        if np.atleast_1d(at).shape != (len(a),):
            raise ConfigError(
                "Quadratic",
                f"expected an optimum of shape ({len(a)},), as A has; received {at.shape}.",
            )
        object.__setattr__(self, "matrix", a)
        object.__setattr__(self, "optimum", np.atleast_1d(at))
        if not (np.isfinite(a).all() and self.eigenvalues[0] > 0):
            raise ConfigError(
                "Quadratic",
                "expected a positive definite A, so that there is an optimum; received "
                f"one whose least eigenvalue is {self.eigenvalues[0]:g}.",
            )

    def __call__(self, w: Any) -> Any:
        """E(w), in Tensor operators: what `descend` differentiates."""
        d = w - self.optimum
        return ag.sum(d * (ag.tensor(self.matrix) @ d)) / 2

    @cached_property
    def _axes(self) -> tuple[Array, Array]:
        values, vectors = np.linalg.eigh(self.matrix)
        return values, vectors

    @property
    def eigenvalues(self) -> Array:
        """λ, ascending, shape (n,): the curvatures along the axes of the bowl."""
        return self._axes[0]

    @property
    def directions(self) -> Array:
        """The axes as columns, shape (n, n), in the order of `eigenvalues`."""
        return self._axes[1]

    @property
    def condition(self) -> float:
        """κ = λ_max / λ_min: how long the bowl is."""
        return float(self.eigenvalues[-1] / self.eigenvalues[0])

    @property
    def best_lr(self) -> float:
        """The η with the least `rate`: 2/(λ_min + λ_max); η_opt = 1/E'' for a parabola."""
        return float(best_lr(self.eigenvalues[0], self.eigenvalues[-1]))

    @property
    def largest_lr(self) -> float:
        """2/λ_max: below it descent converges, above it diverges (erratum X18: at it, neither)."""
        return float(2 / self.eigenvalues[-1])

    def factors(self, lr: float) -> Array:
        """1 − ηλ, shape (n,): what one step makes of the error along each axis."""
        return 1 - lr * self.eigenvalues

    def rate(self, lr: float) -> float:
        """max |1 − ηλ|: by how much each step multiplies the distance to w*, in the long run."""
        return float(np.abs(self.factors(lr)).max())


@dataclass(frozen=True, eq=False)
class Descent:
    """A run of gradient descent on a quadratic.

    Attributes
    ----------
    quadratic : Quadratic
    lr : float
        η, the same in every step.
    points : ndarray, shape (steps + 1, n)
        w, from the start on.
    values : ndarray, shape (steps + 1,)
        E there.
    """

    quadratic: Quadratic
    lr: float
    points: Array
    values: Array

    @property
    def rate(self) -> float:
        """What `Quadratic.rate` predicts."""
        return self.quadratic.rate(self.lr)

    @property
    def regimes(self) -> tuple[str, ...]:
        """The predicted `regime` along each axis."""
        return tuple(regime(factor) for factor in self.quadratic.factors(self.lr))

    @property
    def distances(self) -> Array:
        """‖w − w*‖ after each step, shape (steps + 1,)."""
        return np.linalg.norm(self.points - self.quadratic.optimum, axis=1)

    @property
    def multipliers(self) -> Array:
        """By what each step did multiply the error along each axis, shape (steps, n).

        nan where there was no error left to multiply: less than the rounding of the longest one.
        """
        errors = (self.points - self.quadratic.optimum) @ self.quadratic.directions
        scale = np.abs(self.points).max() + np.abs(self.quadratic.optimum).max()
        gone = np.abs(errors[:-1]) <= 16 * np.finfo(np.float64).eps * scale
        return np.where(gone, np.nan, errors[1:] / np.where(gone, 1.0, errors[:-1]))


def descend(quadratic: Quadratic, start: Any, lr: float, steps: int) -> Descent:
    """Run `optim.SGD` on the engine's gradient of a quadratic.

    Parameters
    ----------
    quadratic : Quadratic
    start : array_like, shape (n,)
        The first w; a number for a parabola.
    lr : float, ≥ 0
        η.
    steps : int, ≥ 0

    Returns
    -------
    Descent

    Raises
    ------
    ConfigError
        If ``start`` does not fit the quadratic, ``steps`` is negative or ``lr`` is refused by SGD.
    AnomalyError
        If a diverging run leaves the range of floats; take fewer steps.

    Examples
    --------
    >>> from analysis import Quadratic, descend
    >>> run = descend(Quadratic(2.0), 1.0, lr=0.75, steps=3)
    >>> run.points.ravel().tolist(), run.regimes
    ([1.0, -0.5, 0.25, -0.125], ('oscillating',))
    """
    first = np.atleast_1d(np.array(start, np.float64))
    if first.shape != quadratic.optimum.shape:
        raise ConfigError(
            "descend",
            f"expected a start of shape {quadratic.optimum.shape}, as the quadratic has; "
            f"received {first.shape}.",
        )
    if steps < 0:
        raise ConfigError("descend", f"expected 0 steps or more; received {steps}.")
    w = ag.tensor(first, requires_grad=True)
    optimizer = optim.SGD([w], lr=lr)
    points, values = [first], [float(quadratic(w).item())]
    for _ in range(steps):
        optimizer.zero_grad()
        quadratic(w).backward()
        optimizer.step()
        points.append(w.numpy().copy())
        values.append(float(quadratic(w).item()))
    return Descent(quadratic, lr, np.array(points), np.array(values))
