"""Critical points: what one is (minimum, maximum, saddle), and a search for those of a small network.

A point is judged by the signs of its Hessian's eigenvalues, each with a bound; where it can be had, the judgement is
certain (`certainty`): that there is a critical point at all, exactly one in a box, and its signs there. What is
nearer to 0 than its bound is left undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import AnomalyError, ConfigError
from autograd_core.options import POSITIVE, SWITCH, Whole
from autograd_core.randomness import source_of

from .certainty import Certificate, certified_point
from .objectives import Objective, compiled, objective
from .spectrum import Ends, pairs_of, spectrum_ends

__all__ = ["KINDS", "CriticalPoint", "Search", "classify", "critical_points"]

KINDS = ("minimum", "maximum", "strict saddle", "degenerate", "undecided", "not critical")
SMALL = 500  # numbers up to which all eigenvalues are computed


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """A point, and what is known of it.

    Attributes
    ----------
    at : ndarray, shape (n,)
    value : float
        E there.
    slope : float
        The largest element of ∇E there.
    kind : str
        One of `KINDS`. "strict saddle": some direction certainly curves up and another down. "degenerate": an
        eigenvalue is certainly 0, and no saddle is seen. "undecided": an eigenvalue that decides is nearer to 0 than
        its bound. "not critical": the gradient is not 0.
    negative, positive : int
        Eigenvalues that are beyond their bounds; of a large loss only whether there are any, 0 or 1.
    eigenvalues : ndarray or None
        All of them, ascending; None where n is above 500.
    bound : float
        Of each eigenvalue.
    ends : Ends
    certificate : Certificate or None
        What is certain of it.
    reason : str
        Why nothing is certain; empty if it is, or was not asked for.
    """

    at: Array
    value: float
    slope: float
    kind: str
    negative: int
    positive: int
    eigenvalues: Array | None
    bound: float
    ends: Ends
    certificate: Certificate | None = None
    reason: str = ""

    @property
    def index(self) -> float:
        """The share of directions that curve downward, beyond their bounds; nan where not all are known."""
        return float("nan") if self.eigenvalues is None else self.negative / len(self.eigenvalues)

    @property
    def escape(self) -> Array:
        """The direction that curves downward most: the way off a saddle."""
        return self.ends.lowest.vector


def classify(
    loss: Callable[[Any], Any] | Objective,
    at: Any = None,
    *,
    slope: float = 1e-6,
    certify: bool = True,
) -> CriticalPoint:
    """What a critical point of a loss is.

    Parameters
    ----------
    loss, at
        See `objective`.
    slope : float, > 0
        The largest element of ∇E up to which a point counts as critical, as a share of the largest curvature
        (or of 1, if that is more).
    certify : bool
        Whether to look for a `Certificate`: up to 60 numbers, with python-flint. Where there is one, it decides.

    Returns
    -------
    CriticalPoint

    Raises
    ------
    AnomalyError
        If value, gradient or Hessian are not finite there.

    References
    ----------
    [The Error Surface]

    Examples
    --------
    >>> from analysis import classify, surface
    >>> classify(surface("beale"), [0.0, 1.0]).kind
    'strict saddle'
    >>> monkey = lambda w: (
    ...     w[0] ** 3 - 3 * w[0] * w[1] ** 2
    ... )  # a saddle, with a Hessian of 0 (erratum X21)
    >>> classify(monkey, [0.0, 0.0]).kind
    'degenerate'
    """
    slope = POSITIVE.check("classify: slope", slope)
    certify = SWITCH.check("classify: certify", certify)
    e = objective(loss, at)
    value, steep = e.value(), float(np.abs(e.gradient()).max())
    values = None
    if e.size <= SMALL:
        values, vectors = np.linalg.eigh(e.hessian())
        low, high = pairs_of(e.products(), [vectors[:, 0], vectors[:, -1]], e.epsilon)
        ends = Ends(e.size, low, high, e.size, True, True)
        # Weyl: no eigenvalue is farther off than the matrix is, and rounding of the decomposition.
        bound = max(low.bound, high.bound, 4 * e.size * e.epsilon * float(np.abs(values).max()))
        negative, positive = int((values < -bound).sum()), int((values > bound).sum())
        rest = e.size - negative - positive
    else:
        ends = spectrum_ends(e, rng=0)  # whatever the start, the same to the bounds
        bound = max(ends.lowest.bound, ends.highest.bound)
        kind = ends.definite
        negative, positive = (
            int(kind in ("indefinite", "negative")),
            int(kind in ("indefinite", "positive")),
        )
        rest = 0 if kind in ("positive", "negative", "indefinite") else 1
    kind = _kind(negative, positive, rest)
    scale = max(1.0, abs(ends.lowest.value), abs(ends.highest.value))
    certificate: Certificate | None = None
    reason = ""
    if steep > slope * scale:
        kind = "not critical"
    elif certify:
        found = certified_point(e, e.at)
        if isinstance(found, str):
            reason = found
        else:
            certificate, kind = found, found.kind
    return CriticalPoint(
        e.at, value, steep, kind, negative, positive, values, bound, ends, certificate, reason
    )


def _kind(negative: int, positive: int, rest: int) -> str:
    if negative and positive:
        return "strict saddle"
    if rest:
        return "undecided"
    return "maximum" if negative else "minimum"


# --- the search -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Search:
    """What a search for critical points found.

    Attributes
    ----------
    points : tuple of CriticalPoint
        Different ones, by ascending value.
    counts : tuple of int
        How many starts led to each.
    starts : int
    lost : int
        Starts that led to none, in the steps that they had: to where ‖∇E‖ has a minimum that is not 0, or away.
    steps : int
        Evaluations of a Hessian, in all.
    seed : int or None
    """

    points: tuple[CriticalPoint, ...]
    counts: tuple[int, ...]
    starts: int
    lost: int
    steps: int
    seed: int | None = field(default=None)

    def of(self, kind: str) -> tuple[CriticalPoint, ...]:
        """Those of a kind.

        Raises
        ------
        ConfigError
            If there is no such kind.
        """
        if kind not in KINDS:
            raise ConfigError(
                "Search.of", f"expected one of {', '.join(KINDS)}; received {kind!r}."
            )
        return tuple(p for p in self.points if p.kind == kind)

    @property
    def table(self) -> dict[str, int]:
        """How many different points of each kind there are."""
        return {kind: len(self.of(kind)) for kind in KINDS if self.of(kind)}

    @property
    def downward(self) -> float:
        """The share of points from which some direction certainly leads down: saddles and maxima."""
        return sum(p.negative > 0 for p in self.points) / max(1, len(self.points))

    @property
    def minima(self) -> Array:
        """The values of minima, and of undecided points from which no direction is seen to lead down."""
        return np.array(
            [p.value for p in self.points if not p.negative and p.kind != "not critical"]
        )

    @property
    def spread(self) -> float:
        """How far apart the values of `minima` are: the highest less the least; nan if there are none."""
        return float(np.ptp(self.minima)) if self.minima.size else float("nan")


def critical_points(
    loss: Callable[[Any], Any] | Objective,
    at: Any = None,
    *,
    starts: int | Iterable[Any] = 20,
    scale: float = 1.0,
    reach: float = 100.0,
    steps: int = 100,
    tolerance: float = 1e-10,
    deflate: bool = True,
    certify: bool = False,
    rng: RandomSource = None,
) -> Search:
    """Look for critical points of any kind: Newton's method on ∇E = 0, damped, from many starts.

    Parameters
    ----------
    loss, at
        See `objective`, with up to 500 numbers.
    starts : int ≥ 1, or iterable of array_like
        How many are drawn, or where they are.
    scale : float, > 0
        Starts that are drawn are normal, with this deviation, around 0.
    reach : float, > 0
        How far from 0 a coordinate may be, in units of ``scale``: beyond, a search is lost. Networks whose units
        saturate are flat far away, and no point there is critical.
    steps : int, ≥ 1
        Hessians that are looked at from one start, at the most.
    tolerance : float, > 0
        The largest element of ∇E at what is found, as a share of what it is at the start (or of 1, if that is more);
        no less than rounding leaves, which in float32 is some 4e-6.
    deflate : bool
        Whether what was found pushes later searches away: m(w)∇E is brought to 0 in the place of ∇E, with m the
        product of 1 + 1/‖w − w_i‖² over the points w_i that were found.
    certify : bool
        See `classify`.
    rng : numpy.random.Generator or int, optional
        Of starts that are drawn. Left out, a fresh seed is drawn, told and kept.

    Returns
    -------
    Search

    Raises
    ------
    ConfigError
        If there are too many numbers, no starts, or a number is out of its range.

    Notes
    -----
    Levenberg and Marquardt's step for F = m∇E, with its Jacobian m H + ∇E(∇m)ᵀ. It goes up as gladly as down, so
    it finds saddles; which it finds most is not how often they occur.

    References
    ----------
    Farrell, Birkisson and Funke (2015), Deflation techniques for finding distinct solutions of nonlinear partial
    differential equations. Dauphin et al. (2014), Identifying and attacking the saddle point problem, section 3.

    Examples
    --------
    >>> from analysis import critical_points, surface
    >>> found = critical_points(surface("himmelblau"), [0.0, 0.0], starts=40, scale=4.0, rng=0)
    >>> found.table, len(found.points)
    ({'minimum': 4, 'maximum': 1, 'strict saddle': 4}, 9)
    """
    e = objective(loss, at)
    if e.size > SMALL:
        raise ConfigError(
            "critical_points",
            f"expected at most {SMALL} numbers, whose Hessian is written out in every step; received {e.size}. "
            "Take a smaller network, or descend and classify where that ends.",
        )
    scale = POSITIVE.check("critical_points: scale", scale)
    tolerance = POSITIVE.check("critical_points: tolerance", tolerance)
    reach = scale * POSITIVE.check("critical_points: reach", reach)
    steps = Whole(1).check("critical_points: steps", steps)
    deflate = SWITCH.check("critical_points: deflate", deflate)
    seed = None
    if isinstance(starts, int):
        count = Whole(1).check("critical_points: starts", starts)
        generator, seed = source_of(rng, "critical_points")
        first = [scale * generator.normal(size=e.size) for _ in range(count)]
    else:
        first = [e.point(w).astype(np.float64) for w in starts]
        if not first:
            raise ConfigError("critical_points", "expected at least one start; received none.")
    found: list[Array] = []
    counts: list[int] = []
    lost = made = 0
    slopes = compiled(e)
    enough = max(tolerance, 32 * e.epsilon)
    for w in first:
        end, taken = _from(slopes, w, found if deflate else [], steps, enough, reach)
        made += taken
        if end is None:
            lost += 1
            continue
        same = [i for i, other in enumerate(found) if _near(end, other)]
        if same:
            counts[same[0]] += 1
        else:
            found.append(end)
            counts.append(1)
    points = [classify(e, w, certify=certify) for w in found]
    order = sorted(range(len(points)), key=lambda i: points[i].value)
    return Search(
        tuple(points[i] for i in order),
        tuple(counts[i] for i in order),
        len(first),
        lost,
        made,
        seed,
    )


def _near(a: Array, b: Array) -> bool:
    return float(np.linalg.norm(a - b)) <= 1e-5 * (1 + float(np.linalg.norm(b)))


def _deflation(w: Array, found: Sequence[Array]) -> tuple[float, Array]:
    """m(w) and its gradient."""
    m, log_slope = 1.0, np.zeros_like(w)
    for other in found:
        apart = w - other
        square = max(float(apart @ apart), 1e-300)
        factor = 1 + 1 / square
        m *= factor
        log_slope -= 2 * apart / square**2 / factor
    return m, m * log_slope


_Slopes = tuple[Callable[[Array], Array], Callable[[Array], Array]]


def _from(
    slopes: _Slopes, w: Array, found: Sequence[Array], steps: int, tolerance: float, reach: float
) -> tuple[Array | None, int]:
    """Where the search from one start ends, or None; and how many Hessians it took."""
    gradient, hessian = slopes
    g = _tried(gradient, w)
    if g is None:
        return None, 0
    enough = tolerance * max(1.0, float(np.abs(g).max()))
    m, slope_m = _deflation(w, found)
    damping = -1.0
    for k in range(steps):
        if np.abs(g).max() <= enough:
            return _polished(slopes, w), k
        h = _tried(hessian, w)
        if h is None:
            return None, k + 1
        j = m * h + np.outer(g, slope_m)
        normal, right = j.T @ j, j.T @ (m * g)
        top = max(float(np.abs(np.diag(normal)).max()), 1e-300)
        damping = 1e-3 * top if damping < 0 else damping
        size = float(np.linalg.norm(m * g))
        while damping <= 1e12 * top:
            try:
                there = w - np.linalg.solve(normal + damping * np.eye(len(w)), right)
            except np.linalg.LinAlgError:
                there = np.full_like(w, np.inf)
            g_there = _tried(gradient, there) if np.abs(there).max() <= reach else None
            if g_there is not None:
                m_there, slope_there = _deflation(there, found)
                if np.linalg.norm(m_there * g_there) < size:
                    break
            damping = max(4 * damping, 1e-12 * top)
        else:
            return None, k + 1
        w, g, m, slope_m = there, g_there, m_there, slope_there
        damping = damping / 5 if damping > 1e-14 * top else 0.0
    return (_polished(slopes, w), steps) if np.abs(g).max() <= enough else (None, steps)


def _tried(function: Callable[[Array], Array], w: Array) -> Array | None:
    """What it gives, or None where that is no number."""
    if not np.isfinite(w).all():
        return None
    try:
        return function(w)
    except AnomalyError:
        return None


def _polished(slopes: _Slopes, w: Array) -> Array:
    """A step of Newton's own method or two, as long as they help: what damping and deflation leave over."""
    gradient, hessian = slopes
    g = gradient(w)
    for _ in range(3):
        h = _tried(hessian, w)
        if h is None:
            break
        there = w - np.linalg.lstsq(h, g, rcond=1e-10)[0]
        g_there = _tried(gradient, there)
        if g_there is None or not np.abs(g_there).max() < np.abs(g).max():
            break
        w, g = there, g_there
    return w
