"""The least and the greatest eigenvalue of a Hessian, by products with it alone.

Lanczos's method with full reorthogonalisation, for losses whose Hessian nobody writes out. Each value comes with
what is known of it: that an eigenvalue lies within ``bound`` of it (by its residual), and how far beyond it the
true end of the spectrum may be (with a stated probability over the start, which is drawn).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.aliases import Array, RandomSource
from autograd_core.options import Interval, Whole
from autograd_core.randomness import Source, source_of

from .objectives import Objective, objective

__all__ = ["Eigenpair", "Ends", "ends_of", "spectrum_ends"]

_FEW = 20  # directions that are always looked at, if there are as many
_DOUBT = 1e-3  # the probability with which `Ends.beyond` may be exceeded


@dataclass(frozen=True, eq=False)
class Eigenpair:
    """A value, a direction, and how good they are.

    Attributes
    ----------
    value : float
        λ, the Rayleigh quotient vᵀHv.
    vector : ndarray, shape (n,)
        v, of length 1.
    residual : float
        ‖Hv − λv‖, by a product of its own: an eigenvalue of H lies within it.
    rounding : float
        What rounding does to Hv, as measured (H(3v)/3 less Hv), and no less than 8 units of it in the larger end.
    """

    value: float
    vector: Array
    residual: float
    rounding: float

    @property
    def bound(self) -> float:
        """An eigenvalue lies within this of `value`: the residual, and what rounding hides of it."""
        return self.residual + self.rounding


@dataclass(frozen=True, eq=False)
class Ends:
    """Both ends of a spectrum.

    Attributes
    ----------
    size : int
        n.
    lowest, highest : Eigenpair
    steps : int
        Products with H that were taken.
    complete : bool
        There is nothing beyond the ends: all n directions were looked at, or the Krylov space of the start closed,
        which holds both ends for almost every start.
    converged : bool
        Both ends are within the tolerance.
    seed : int or None
        Of the start.
    """

    size: int
    lowest: Eigenpair
    highest: Eigenpair
    steps: int
    complete: bool
    converged: bool
    seed: int | None = None

    @property
    def beyond(self) -> float:
        """How far beyond either end the spectrum may go, with probability at least 0.998.

        Nothing but rounding if it is complete. Else, with k steps from a random start, each end is missed by
        more than a share ε of the spectrum's width with a probability of at most 1.648 √n e^(−√ε (2k − 1)).

        References
        ----------
        Kuczyński and Woźniakowski (1992), Estimating the largest eigenvalue by the power and Lanczos algorithms
        with a random start, theorem 4.2.
        """
        rounding = self.lowest.rounding + self.highest.rounding
        if self.complete:
            return rounding
        share = (np.log(1.648 * np.sqrt(self.size) / _DOUBT) / (2 * self.steps - 1)) ** 2
        if share >= 0.5:
            return float(np.inf)
        return float(share / (1 - 2 * share) * (self.highest.value - self.lowest.value)) + rounding

    @property
    def definite(self) -> str:
        """What it is: "positive", "negative", "indefinite", "zero" or "undecided": what the bounds leave no doubt of.

        Indefinite is certain up to rounding; the others hold with the probability of `beyond`. "zero": nothing
        is seen but rounding. "undecided": an end is nearer to 0 than its bound.
        """
        low, high = self.lowest, self.highest
        if low.value < -low.bound and high.value > high.bound:
            return "indefinite"
        if low.value - max(self.beyond, low.bound) > 0:
            return "positive"
        if high.value + max(self.beyond, high.bound) < 0:
            return "negative"
        if max(-low.value, high.value, 0.0) <= max(low.bound, high.bound, self.beyond):
            flat = max(abs(low.value), abs(high.value)) <= low.rounding + high.rounding
            return "zero" if flat else "undecided"
        return "undecided"

    @property
    def condition(self) -> float:
        """κ = λ_max/λ_min of a positive definite H; nan of any other, inf where λ_min may be 0."""
        if self.definite in ("indefinite", "negative", "zero"):
            return float("nan")
        low = self.lowest.value
        return float(self.highest.value / low) if low > self.lowest.bound else float("inf")


def spectrum_ends(
    loss: Callable[[Any], Any] | Objective,
    at: Any = None,
    *,
    tolerance: float = 1e-4,
    steps: int | None = None,
    rng: RandomSource = None,
) -> Ends:
    """The least and the greatest eigenvalue of a loss's Hessian at a point, by Lanczos's method.

    Parameters
    ----------
    loss, at
        See `objective`; an `Objective`, such as `objective_of` makes of a model, has a point of its own.
    tolerance : float, in [0, 1)
        It stops when the residuals of both ends are below this share of the larger of them; a value is as good as
        the square of that, where others are not near.
    steps : int, optional
        Products with H at the most; the lesser of n and 300 if left out.
    rng : numpy.random.Generator or int, optional
        Of the start. Left out, a fresh seed is drawn, told and kept.

    Returns
    -------
    Ends

    Raises
    ------
    AnomalyError
        If a gradient or a product is not finite.
    ConfigError
        If a number is out of its range, or the loss or point is none.

    Notes
    -----
    Costs two gradients a step, and memory for one vector a step. Where the Krylov space ends (few different
    eigenvalues; a Hessian of 0), a new random direction is taken up, so repeated eigenvalues end nothing.

    References
    ----------
    Lanczos (1950). Parlett (1998), The symmetric eigenvalue problem, chapter 13. Pearlmutter (1994), Fast exact
    multiplication by the Hessian.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from analysis import spectrum_ends
    >>> curvature = np.linspace(-1, 4, 50)
    >>> ends = spectrum_ends(lambda w: ag.sum(curvature * w**2) / 2, np.ones(50), rng=0)
    >>> round(ends.lowest.value, 6), round(ends.highest.value, 6), ends.definite
    (-1.0, 4.0, 'indefinite')
    """
    source = source_of(rng, "spectrum_ends")
    e = objective(loss, at)
    return _ends("spectrum_ends", e.products(), e.size, e.epsilon, tolerance, steps, source)


def ends_of(
    product: Callable[[Array], Array],
    size: int,
    *,
    epsilon: float = 2.0**-52,
    tolerance: float = 1e-4,
    steps: int | None = None,
    rng: RandomSource = None,
) -> Ends:
    """`spectrum_ends` of any symmetric matrix, given by its products with vectors.

    Parameters
    ----------
    product : callable
        v to Hv, both of shape (size,).
    size : int, ≥ 1
    epsilon : float
        Of the dtype in which products are computed.
    tolerance, steps, rng
        See `spectrum_ends`.
    """
    source = source_of(rng, "ends_of")
    return _ends("ends_of", product, size, epsilon, tolerance, steps, source)


def _ends(
    name: str,
    product: Callable[[Array], Array],
    size: int,
    epsilon: float,
    tolerance: float,
    steps: int | None,
    source: Source,
) -> Ends:
    tolerance = Interval(low=0.0, high=1.0).check(f"{name}: tolerance", tolerance)
    size = Whole(1).check(f"{name}: size", size)
    most = min(size, 300 if steps is None else Whole(1).check(f"{name}: steps", steps))
    generator, seed = source
    room = np.empty((min(most, 16), size))
    along: list[float] = []  # the diagonal of T
    beside: list[float] = []  # what is beside it
    q = _fresh(room[:0], generator)
    scale, closed = 0.0, False
    while True:
        k = len(along)
        if k == len(room):
            room = np.concatenate([room, np.empty((min(k, most - k), size))])
        room[k], basis = q, room[: k + 1]
        r = product(q)
        if not k:  # what rounding makes of a product
            noise = float(np.linalg.norm(product(3 * q) / 3 - r))
        scale = max(scale, float(np.linalg.norm(r)))
        along.append(float(q @ r))
        r = r - along[-1] * q - (beside[-1] * basis[k - 1] if k else 0.0)
        for _ in range(2):  # twice is enough
            r = r - basis.T @ (basis @ r)
        length = float(np.linalg.norm(r))
        done = k + 1
        ended = length <= 8 * noise + 64 * epsilon * scale * np.sqrt(done)
        closed |= ended
        left = 0.0 if ended else length
        # Looked at now and then, since T is solved for it. What is closed holds both ends for almost every
        # start: a few directions more ask whether it was rounding that closed it.
        if done == most or (done >= _FEW and (closed or done % (done // 10) == 0)):
            values, vectors = _tridiagonal(along, beside)
            residuals = left * np.abs(vectors[-1, [0, -1]])
            near = bool((residuals <= tolerance * max(abs(values[0]), abs(values[-1]))).all())
            if done == most or closed or (near and tolerance > 0):
                break
        beside.append(left)
        q = _fresh(basis, generator) if ended else r / length
    low, high = pairs_of(product, [vectors[:, i] @ basis for i in (0, -1)], epsilon)
    top = max(abs(low.value), abs(high.value))
    fits = max(low.residual, high.residual) <= tolerance * top + 64 * epsilon * scale
    return Ends(size, low, high, done, closed or done == size, bool(near and fits), seed)


def _tridiagonal(along: list[float], beside: list[float]) -> tuple[Array, Array]:
    t = np.diag(along) + np.diag(beside, 1) + np.diag(beside, -1)
    values, vectors = np.linalg.eigh(t)
    return values, vectors


def _fresh(basis: Array, generator: np.random.Generator) -> Array:
    """A random direction, at right angles to those that there are."""
    q = generator.normal(size=basis.shape[1])
    for _ in range(2):
        q = q - basis.T @ (basis @ q)
        q = q / np.linalg.norm(q)
    return q


def pairs_of(
    product: Callable[[Array], Array], vectors: Sequence[Array], epsilon: float
) -> list[Eigenpair]:
    """Directions as eigenpairs, by ascending value, with what is known of each by products of its own."""
    found = []
    for v in vectors:
        v = v / np.linalg.norm(v)
        hv = product(v)
        value = float(v @ hv)
        rounding = float(np.linalg.norm(product(3 * v) / 3 - hv))
        found.append((value, v, float(np.linalg.norm(hv - value * v)), rounding))
    # A matrix that is as near as rounding to H has eigenvalues as near as that, whatever was measured.
    least = 8 * epsilon * max(abs(value) for value, *_ in found)
    rounding = max(least, *(pair[3] for pair in found))
    return [Eigenpair(*pair[:3], rounding) for pair in sorted(found, key=lambda pair: pair[0])]
