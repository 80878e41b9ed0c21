"""Whether a loss is convex along lines: a search for a counter-example, and a certificate of one that is found.

Convex means that no chord runs below the surface: E((u + v)/2) ≤ (E(u) + E(v))/2 for any two points. Floats find where
that may fail; then the three values are enclosed in exact arithmetic (Arb), and a counter-example is only called so if
the midpoint is certainly higher. That none was found proves nothing, and is never said to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import (
    AnomalyError,
    AutogradError,
    ConfigError,
    MissingDependencyError,
)
from autograd_core.options import POSITIVE, Whole
from autograd_core.randomness import source_of

from .certainty import Enclosed, Uncertain, bounds_of, precisely
from .objectives import Objective, objective
from .spectrum import spectrum_ends

__all__ = ["Chord", "Convexity", "convexity_along_lines", "is_below_its_midpoint"]


@dataclass(frozen=True, eq=False)
class Chord:
    """Two points whose midpoint is higher than the mean of their heights: what no convex loss has.

    Attributes
    ----------
    first, second : ndarray, shape (n,)
        u and v; float64.
    heights : tuple of (Fraction, Fraction)
        Bounds of E(u), E(v), E((u + v)/2), certain.
    excess : (Fraction, Fraction)
        Bounds of E((u + v)/2) − (E(u) + E(v))/2; the lower is above 0.
    """

    first: Array
    second: Array
    heights: tuple[tuple[Fraction, Fraction], ...]
    excess: tuple[Fraction, Fraction]

    @property
    def middle(self) -> Array:
        """(u + v)/2, exactly: u and v have few enough digits."""
        return (self.first + self.second) / 2


@dataclass(frozen=True, eq=False)
class Convexity:
    """What a search along lines found.

    Attributes
    ----------
    counterexample : Chord or None
        Certain.
    lines, chords : int
        How many were looked at.
    suspects : int
        Chords on which floats saw a counter-example by more than rounding.
    reason : str
        Why a suspect could not be certified, if none could.
    seed : int or None
    """

    counterexample: Chord | None
    lines: int
    chords: int
    suspects: int
    reason: str = ""
    seed: int | None = None

    @property
    def verdict(self) -> str:
        """What is known: "not convex" (certain), "not certified" or "no counter-example found" (no proof)."""
        if self.counterexample is not None:
            return "not convex"
        return "not certified" if self.suspects else "no counter-example found"

    def __str__(self) -> str:
        looked = f"{self.chords} chords on {self.lines} lines"
        if self.counterexample is not None:
            low = float(self.counterexample.excess[0])
            return f"not convex: a midpoint lies above its chord by at least {low:.3g}, certainly"
        if self.suspects:
            return f"not certified: {self.suspects} of {looked} look like counter-examples, but {self.reason}"
        return f"no counter-example found in {looked}; that is no proof of convexity"


def is_below_its_midpoint(
    loss: Callable[[Any], Any] | Objective, first: Any, second: Any
) -> Chord | str:
    """Certify a chord that runs below the surface at its middle; or say why it cannot be.

    Parameters
    ----------
    loss : callable or Objective
    first, second : array_like
        u and v. They are rounded to 30 binary digits, so that the midpoint is a float, too.

    Returns
    -------
    Chord or str
        The reason, where the excess is not certainly above 0.

    Examples
    --------
    >>> from analysis import is_below_its_midpoint
    >>> chord = is_below_its_midpoint(lambda w: w**4 - w**2, 0.5, -0.5)
    >>> [str(bound) for bound in chord.excess]  # 0 − (1/16 − 1/4)
    ['3/16', '3/16']
    """
    e = objective(loss, first)
    u, v = (_rounded(e.point(w)) for w in (first, second))
    return _certified(Enclosed(e), u, v)


def convexity_along_lines(
    loss: Callable[[Any], Any] | Objective,
    at: Any = None,
    *,
    lines: int | Iterable[tuple[Any, Any]] = 100,
    scale: float = 1.0,
    points: int = 9,
    rng: RandomSource = None,
) -> Convexity:
    """Look for a chord below the surface, along lines; and certify the first that can be.

    Parameters
    ----------
    loss, at
        See `objective`; of a model, `objective_of`.
    lines : int ≥ 1, or iterable of (array_like, array_like)
        How many, or the ends of each. The first is along the direction in which the loss curves downward most at the
        point, if it does in any (by Lanczos's method): in many dimensions chords at random hardly ever meet it. The
        others are drawn.
    scale : float, > 0
        The ends of a line that is drawn are normal around the point, with this deviation.
    points : int, ≥ 3
        On each line, evenly spaced; every chord between two of them whose middle is one, too, is looked at.
    rng : numpy.random.Generator or int, optional
        Of lines that are drawn. Left out, a fresh seed is drawn, told and kept.

    Returns
    -------
    Convexity

    Raises
    ------
    ConfigError
        If a number is out of its range.

    References
    ----------
    [Convex Loss Functions]

    Examples
    --------
    >>> import autograd_core as ag
    >>> from analysis import convexity_along_lines, surface
    >>> convexity_along_lines(surface("himmelblau"), [0.0, 0.0], scale=3.0, rng=0).verdict
    'not convex'
    >>> print(convexity_along_lines(lambda w: ag.sum(ag.softplus(w)), [0.0, 0.0], lines=10, rng=0))
    no counter-example found in 160 chords on 10 lines; that is no proof of convexity
    """
    e = objective(loss, at)
    scale = POSITIVE.check("convexity_along_lines: scale", scale)
    points = Whole(3).check("convexity_along_lines: points", points)
    seed = None
    ends: Iterable[tuple[Array, Array]]
    if isinstance(lines, int):
        count = Whole(1).check("convexity_along_lines: lines", lines)
        generator, seed = source_of(rng, "convexity_along_lines")
        ends = _drawn(e, count, scale, generator)
    else:
        ends = ((e.point(u), e.point(v)) for u, v in lines)
    function = ag.vmap(e.function)
    exact = Enclosed(e)
    looked = chords = suspects = 0
    reason = ""
    for u, v in ends:
        looked += 1
        line = _line(np.asarray(u, np.float64), np.asarray(v, np.float64), points)
        heights = _heights(e, function, line)
        gaps = []
        for i in range(points):
            for j in range(i + 2, points, 2):
                middle = heights[(i + j) // 2]
                gap = middle - (heights[i] + heights[j]) / 2
                size = max(abs(heights[i]), abs(heights[j]), abs(middle))
                chords += 1
                if gap > 64 * e.epsilon * size:
                    gaps.append((gap / size, i, j))
        suspects += len(gaps)
        for _, i, j in sorted(gaps, reverse=True)[:1]:
            found = _certified(exact, line[i], line[j])
            if isinstance(found, Chord):
                return Convexity(found, looked, chords, suspects, "", seed)
            reason = found
    if not looked:
        raise ConfigError("convexity_along_lines", "expected at least one line; received none.")
    return Convexity(None, looked, chords, suspects, reason, seed)


def _drawn(
    e: Objective, count: int, scale: float, generator: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Ends of lines: along the direction that curves downward most, if one does, and at random."""
    try:
        lowest = spectrum_ends(e, rng=generator).lowest
    except AutogradError:  # it has values, and no slope
        lowest = None
    if lowest is not None and lowest.value < -lowest.bound:
        yield e.at - scale * lowest.vector, e.at + scale * lowest.vector
        count -= 1
    for _ in range(count):
        yield tuple(e.at + scale * generator.normal(size=e.size) for _ in range(2))  # type: ignore[misc]


def _heights(e: Objective, function: Callable[[Any], Any], line: Array) -> Array:
    """E at each point of a line: all at once, where the loss can be; nan and inf raise."""
    with np.errstate(all="ignore"):
        try:
            found = function(line.astype(e.at.dtype)).numpy().astype(np.float64)
        except Exception:  # noqa: BLE001 - whatever does not batch is called one by one, and says itself what is wrong
            found = np.array([e.value(w) for w in line])
    if not np.isfinite(found).all():
        raise AnomalyError(
            "convexity_along_lines", "expected finite losses on a line; take a smaller scale."
        )
    return np.asarray(found)


def _rounded(w: Array, top: float | None = None) -> Array:
    """To 30 binary digits behind the largest one, or ``top``: so that halves of sums are floats."""
    w = np.asarray(w, np.float64)
    top = float(np.abs(w).max(initial=0.0)) if top is None else top
    if top == 0:
        return w
    unit = 2.0 ** (np.floor(np.log2(top)) - 30)
    return np.asarray(np.round(w / unit) * unit)


def _line(u: Array, v: Array, points: int) -> Array:
    """Points from u to v, as far apart from each other to the last digit; v itself to 30 digits."""
    top = float(max(np.abs(u).max(), np.abs(v).max()))
    step = _rounded((v - u) / (points - 1), top)
    return np.asarray(_rounded(u, top) + np.arange(points)[:, None] * step)


def _certified(loss: Enclosed, u: Array, v: Array) -> Chord | str:
    try:
        with precisely():
            heights = [loss.value(w) for w in (u, v, (u + v) / 2)]
            bounds = bounds_of(heights[2] - (heights[0] + heights[1]) / 2)
    except (Uncertain, MissingDependencyError) as reason:
        return str(reason)
    if not bounds[0] > 0:
        return f"the excess lies between {float(bounds[0]):.3g} and {float(bounds[1]):.3g}"
    return Chord(u, v, tuple(map(bounds_of, heights)), bounds)
