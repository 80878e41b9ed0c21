"""The rate R of a run: by how much each step multiplies the error that is left, in f or in w.

From the values of a history or of a race, or from iterates; beside each other: the ratio of every step, the
factor of linear convergence, c^k, and the power of sublinear convergence, k^(−p), that fit the run best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError

__all__ = ["Rates", "rates_of_points", "rates_of_values"]

_ROUNDING = 64 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class Rates:
    """How fast a run arrives.

    Attributes
    ----------
    errors : ndarray, shape (steps + 1,)
        |f(w_k) − f*|, or ‖w_k − w*‖.
    known : bool
        Whether the optimum was given. If not, the best of the run stands for it, and what is near the run's
        end looks faster than it is.
    floor : float
        Errors up to this are rounding: nothing is said of steps from there.
    """

    errors: Array
    known: bool
    floor: float

    @property
    def ratios(self) -> Array:
        """R of each step, shape (steps,); nan from where no error is left that could be measured."""
        before, after = self.errors[:-1], self.errors[1:]
        left = before > self.floor
        return np.where(left, after / np.where(left, before, 1.0), np.nan)

    @property
    def worst(self) -> float:
        """The largest R: the c of |f_k − f*| ≤ c^k |f_0 − f*|, if it is below 1; nan without a step."""
        ratios = self.ratios[~np.isnan(self.ratios)]
        return float(ratios.max()) if ratios.size else float("nan")

    def _fit(self, logarithmic: bool, share: float) -> tuple[float, float]:
        """Slope of log error against k, or log k, over the last share of steps; and what it leaves over."""
        k = np.flatnonzero(self.errors > self.floor)
        k = k[k >= 1]
        k = k[-max(2, int(np.ceil(share * len(k)))) :]
        if len(k) < 2:
            return float("nan"), float("nan")
        x = np.log(k) if logarithmic else k.astype(np.float64)
        y = np.log(self.errors[k])
        x, y = x - x.mean(), y - y.mean()
        slope = float(x @ y / (x @ x))
        return slope, float(np.linalg.norm(y - slope * x))

    def factor(self, share: float = 0.5) -> float:
        """c of the error ~ c^k that fits the last ``share`` of the run best."""
        return float(np.exp(self._fit(False, share)[0]))

    def power(self, share: float = 0.5) -> float:
        """p of the error ~ k^(−p) that fits the last ``share`` of the run best: the log-log slope, with a minus."""
        return -self._fit(True, share)[0]

    def kind(self, share: float = 0.5) -> str:
        """What fits better: "linear" (c^k), "sublinear" (k^(−p)), or "none" if the error does not fall.

        A description of this run, not a proof about any other.
        """
        (slope, off), (_, off_log) = self._fit(False, share), self._fit(True, share)
        if np.isnan(slope) or slope >= 0:
            return "none"
        return "linear" if off <= off_log else "sublinear"


def rates_of_values(values: Any, best: float | None = None) -> Rates:
    """Rates by f, from the values of a run: a column of a `History`, ``Track.values``, ``Descent.values``.

    Parameters
    ----------
    values : array_like, shape (steps + 1,)
    best : float, optional
        f*. The least of the values if left out.

    Raises
    ------
    ConfigError
        If the values are no row of finite numbers, at least two, or ``best`` is above the least of them.

    Examples
    --------
    >>> from analysis import Quadratic, descend, rates_of_values
    >>> run = descend(Quadratic(2.0), 1.0, lr=0.25, steps=10)
    >>> rates = rates_of_values(run.values, best=0.0)
    >>> rates.ratios[:3].tolist(), round(rates.factor(), 9), rates.kind()  # (1 − ηa)²
    ([0.25, 0.25, 0.25], 0.25, 'linear')
    """
    f = _row("rates_of_values", values, 1)
    least = float(f.min())
    star = least if best is None else float(best)
    floor = _ROUNDING * max(float(np.abs(f).min()), abs(star))
    if not star <= least + floor:
        raise ConfigError(
            "rates_of_values",
            f"expected an optimum f* of at most the least value, {least:g}; received {best!r}.",
        )
    return Rates(np.abs(f - star), best is not None, floor)


def rates_of_points(points: Any, optimum: Any = None) -> Rates:
    """Rates by w, from the iterates of a run: ``Track.points``, ``Descent.points``.

    Parameters
    ----------
    points : array_like, shape (steps + 1, n)
    optimum : array_like, shape (n,), optional
        w*. The last point if left out.

    Raises
    ------
    ConfigError
        If the points are no rows of finite numbers, at least two, or the optimum does not fit them.

    Examples
    --------
    >>> from analysis import Quadratic, descend, rates_of_points
    >>> run = descend(Quadratic(2.0), 1.0, lr=0.25, steps=10)
    >>> rates_of_points(run.points, [0.0]).worst  # |1 − ηa|
    0.5
    """
    w = _row("rates_of_points", points, 2)
    star = w[-1] if optimum is None else np.asarray(optimum, np.float64)
    if star.shape != w.shape[1:] or not np.isfinite(star).all():
        raise ConfigError(
            "rates_of_points",
            f"expected an optimum of {w.shape[1]} finite numbers; received {optimum!r:.60}.",
        )
    apart = w - star
    floor = _ROUNDING * float(np.hypot.reduce(star))
    return Rates(np.hypot.reduce(apart, axis=1), optimum is not None, floor)


def _row(operation: str, values: Any, axes: int) -> Array:
    try:
        found = np.array(values, np.float64)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.ndim != axes or len(found) < 2 or not np.isfinite(found).all():
        raise ConfigError(
            operation,
            f"expected finite numbers with {axes} axes, two steps of a run or more; received "
            f"{values!r:.60}. Leave out what diverged.",
        )
    return found
