"""Line searches: how far to go along a direction of descent.

With φ(α) = E(w + α d), α > 0 meets the strong Wolfe conditions where ::

    φ(α) ≤ φ(0) + c1 α φ'(0)        it descends by a share of what the slope promised
    |φ'(α)| ≤ c2 |φ'(0)|            and leaves little slope behind

Where φ differs from φ(0) by no more than rounding, the first is asked of the slopes instead
(Hager and Zhang): φ'(α) ≤ (2 c1 − 1) φ'(0), which rounding does not hide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Found", "Point", "backtracking", "strong_wolfe"]

C1 = 1e-4
C2 = 0.9
MOST = 40  # evaluations; each at least halves an interval, or widens it
WIDER = 4.0  # by which an interval grows at most, as long as the slope goes on downwards


class Point(NamedTuple):
    """φ at one α, its slope there, and where that was computed."""

    alpha: float
    value: float
    slope: float
    evaluation: Any = None

    @property
    def finite(self) -> bool:
        """Whether value and slope are."""
        return math.isfinite(self.value) and math.isfinite(self.slope)


class Found(NamedTuple):
    """How a search ended.

    Attributes
    ----------
    point : Point
        The one to go to; α = 0 where none was better than the start.
    words : {"wolfe", "decrease", "none"}
        It meets all that was asked; it descends, but more was not found; nothing descends.
    """

    point: Point
    words: str


Line = Callable[[float], Point]


def strong_wolfe(
    line: Line, start: Point, first: float, noise: float, c1: float = C1, c2: float = C2
) -> Found:
    """The strong Wolfe conditions, by bracketing and cubic interpolation.

    Parameters
    ----------
    line : callable
        ``line(alpha) -> Point``. A value or slope that is not finite counts as too far.
    start : Point
        At α = 0, with a negative slope.
    first : float, > 0
        The α that is tried first.
    noise : float, ≥ 0
        Differences of values up to here are rounding.
    c1, c2 : float, 0 < c1 < c2 < 1

    Returns
    -------
    Found

    References
    ----------
    Nocedal and Wright (2006), Numerical optimization, algorithms 3.5 and 3.6. Hager and Zhang (2005), A new
    conjugate gradient method with guaranteed descent and an efficient line search.
    """
    search = _Conditions(start, noise, c1, c2)
    low, high, alpha = start, None, first  # the best so far; a far end that is too far
    for _ in range(MOST):
        point = line(alpha)
        if not search.descends(point) or point.value > low.value + noise:
            high = point
        elif search.flat(point):
            return Found(point, "wolfe")
        elif point.slope * ((high.alpha if high else math.inf) - low.alpha) >= 0:
            low, high = point, low
        else:
            low = point
        if high is None:
            previous, alpha = alpha, _beyond(start, low)
            if not math.isfinite(alpha) or alpha <= previous:
                break
        else:
            alpha = _within(low, high)
            if alpha in (low.alpha, high.alpha):
                break
    return Found(low, "decrease" if low.alpha else "none")


def backtracking(line: Line, start: Point, first: float, noise: float, c1: float = C1) -> Found:
    """The first of the two conditions alone (Armijo's), from ``first`` on by shorter steps.

    As `strong_wolfe`; what is found is ``"wolfe"`` where the condition holds.
    """
    search = _Conditions(start, noise, c1, 1.0)
    alpha = first
    for _ in range(MOST):
        point = line(alpha)
        if search.descends(point):
            return Found(point, "wolfe")
        shorter = alpha / 2
        if point.finite:  # where a parabola through both values and the slope has its minimum
            rise = point.value - start.value - alpha * start.slope
            if rise > 0:
                shorter = min(max(-start.slope * alpha * alpha / (2 * rise), alpha / 10), alpha / 2)
        alpha = shorter
        if not alpha:
            break
    return Found(start, "none")


class _Conditions(NamedTuple):
    start: Point
    noise: float
    c1: float
    c2: float

    def descends(self, point: Point) -> bool:
        """Whether it goes down by a share of what the slope promised."""
        value, slope = self.start.value, self.start.slope
        if not point.finite:
            return False
        if point.value <= value + self.c1 * point.alpha * slope:
            return True
        return point.value <= value + self.noise and point.slope <= (2 * self.c1 - 1) * slope

    def flat(self, point: Point) -> bool:
        """Whether little slope is left."""
        return abs(point.slope) <= -self.c2 * self.start.slope


def _beyond(start: Point, point: Point) -> float:
    """Farther, where the slope still goes down: where it would be 0 if it went on so."""
    change = (point.slope - start.slope) / point.alpha if point.alpha else 0.0
    most = WIDER * point.alpha
    return (
        min(max(point.alpha - point.slope / change, 1.1 * point.alpha), most)
        if change > 0
        else most
    )


def _within(low: Point, high: Point) -> float:
    """Between two points, at a cubic's minimum if that is not too near to either of them."""
    a, b = low.alpha, high.alpha
    alpha = (a + b) / 2
    if high.finite:
        d = low.slope + high.slope - 3 * (low.value - high.value) / (a - b)
        square = d * d - low.slope * high.slope
        if square >= 0:
            root = math.copysign(math.sqrt(square), b - a)
            below = high.slope - low.slope + 2 * root
            if below:
                alpha = b - (b - a) * (high.slope + root - d) / below
    else:
        alpha = a + (b - a) / 10  # far from what is no number
    near = abs(b - a) / 10
    low_end, high_end = min(a, b) + near, max(a, b) - near
    return min(max(alpha, low_end), high_end) if math.isfinite(alpha) else (a + b) / 2
