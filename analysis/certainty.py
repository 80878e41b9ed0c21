"""Bounds that are certain: a loss on intervals, and what follows of critical points and of lines.

What is bounded is the loss as a function of real numbers, with the model's numbers and the data at the exact values
that they have. Whatever is certain here was shown by Arb's balls, not by floats; where that cannot be had (no
python-flint, a primitive without bounds, too large), the reason is said and nothing is claimed.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import AutogradError, MissingDependencyError

from .objectives import Objective

__all__ = ["Certificate", "certified_point"]

LARGEST = 60  # numbers whose Hessian is enclosed
_ROUNDS = 6


@functools.cache
def _balls() -> Any:
    # By name, and when it is asked for: importing `analysis` must not load the prover.
    return importlib.import_module("autograd_core.symbolic.balls")


def precisely() -> Any:
    """The context in which balls are put together with as many digits as they carry."""
    return _balls().precision(_balls().BITS)


class Uncertain(Exception):  # noqa: N818 - an outcome: the reason why nothing is certain
    """Why nothing is certain."""


class Enclosed:
    """A loss, its gradient and its Hessian on balls.

    Parameters
    ----------
    e : Objective
    """

    def __init__(self, e: Objective) -> None:
        self._e = e
        self._programs: dict[str, ag.Program[Any]] = {}

    def _of(self, what: str, function: Callable[[Any], Any], w: Any) -> Any:
        try:
            if what not in self._programs:
                # In double precision: a cast on the way is no part of the function of real numbers.
                self._programs[what] = ag.trace(function)(np.asarray(self._e.at, np.float64))
            (found,), kinked = _balls().enclosed(self._programs[what], w)
        except AutogradError as error:
            raise Uncertain(str(error)) from error
        if not all(x.is_finite() for x in found.flat):
            raise Uncertain("a value has no finite bounds")
        if kinked and what != "value":
            raise Uncertain("the loss may have a kink there")
        return found

    def value(self, w: Any) -> Any:
        """E at a point of exact numbers, as a ball."""
        return self._of("value", self._e.function, w).item()

    def gradient(self, w: Any) -> Any:
        """∇E, balls of shape (n,)."""
        return self._of("gradient", ag.grad(self._e.function), w)

    def hessian(self, w: Any) -> Any:
        """H, balls of shape (n, n)."""
        return self._of("hessian", ag.hessian(self._e.function), w)


def bounds_of(ball: Any) -> tuple[Fraction, Fraction]:
    """Rational numbers below and above what a ball contains."""
    arb = importlib.import_module("autograd_core.symbolic.enclosures").arithmetics()[0]
    low, high = arb.bounds(ball)
    return low, high


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is certain of a critical point.

    Attributes
    ----------
    center : ndarray, shape (n,)
    radius : float
        Within so much of the center, in every coordinate, there is exactly one point with a gradient of 0; 0 if
        the center is one itself.
    negative, positive, zero : int
        How many eigenvalues of the Hessian are so, at that point (for a radius above 0: everywhere in the box).
    """

    center: Array
    radius: float
    negative: int
    positive: int
    zero: int

    @property
    def kind(self) -> str:
        """What the point is: "minimum", "maximum", "strict saddle" or "degenerate"."""
        if self.negative and self.positive:
            return "strict saddle"
        if self.zero:
            return "degenerate"
        return "maximum" if self.negative else "minimum"


def certified_point(e: Objective, at: Array) -> Certificate | str:
    """Show that there is one critical point around ``at``, and the signs of its Hessian; or say why not.

    First whether the gradient is exactly 0 there. Else Krawczyk's test: for the box X around c and any matrix Y,
    a critical point lies in X, and only one, if c − Y∇E(c) + (I − Y H(X))(X − c) lies inside X. The signs are those
    of Qᵀ H(X) Q, by Gershgorin's discs and Sylvester's law of inertia; of an exact Hessian of exact zeros, by its
    rank.

    References
    ----------
    Krawczyk (1969), Newton-Algorithmen zur Bestimmung von Nullstellen mit Fehlerschranken. Neumaier (1990),
    Interval methods for systems of equations, chapter 5.
    """
    if e.size > LARGEST:
        return f"{e.size} numbers are more than the {LARGEST} whose Hessian is enclosed"
    try:
        with precisely():
            return _looked_for(e, np.asarray(at, np.float64))
    except (Uncertain, MissingDependencyError) as reason:
        return str(reason)


def _looked_for(e: Objective, c: Array) -> Certificate | str:
    loss = Enclosed(e)
    slope = loss.gradient(c)
    if all(x.is_zero() for x in slope):
        return _exact(loss.hessian(c), c)
    h = _middle(loss.hessian(c))
    try:
        y = np.linalg.inv(h)
    except np.linalg.LinAlgError:
        return "the Hessian is singular, as far as can be told"
    newton = _balls().balls(y) @ slope
    radius = 4 * max(float(abs(x).upper()) for x in newton)
    for _ in range(_ROUNDS):
        radius = max(radius, 4 * float(np.finfo(np.float64).eps) * max(1.0, np.abs(c).max()))
        box = _balls().interval(c - radius, c + radius)
        inside = loss.hessian(box)
        left = _balls().balls(np.eye(e.size)) - _balls().balls(y) @ inside
        moved = _balls().balls(c) - newton + left @ (box - _balls().balls(c))
        if all(b.contains_interior(m) for b, m in zip(box, moved, strict=True)):
            counts = _inertia(inside, h)
            if isinstance(counts, str):
                return counts
            # Of what rounding made of c ± radius, too.
            return Certificate(c, float(1.25 * radius), *counts)
        radius *= 8
    return "no box was found in which a critical point is certain"


def _middle(balls: Any) -> Array:
    h = np.vectorize(lambda x: float(x.mid()), otypes=[float])(balls)
    return np.asarray((h + h.T) / 2)


def _inertia(h: Any, middle: Array) -> tuple[int, int, int] | str:
    """How many eigenvalues of every symmetric matrix within balls are negative, positive, zero."""
    _, q = np.linalg.eigh(middle)
    turned = _balls().balls(q)
    if any(d is None or d < 0 for d in _signs(turned.T @ turned)):
        return "the eigenvectors are not certain to be independent"
    signs = _signs(turned.T @ h @ turned)
    if any(s is None for s in signs):
        near = sum(s is None for s in signs)
        return f"the signs of {near} of {len(signs)} eigenvalues are not certain: they are near 0"
    return sum(s < 0 for s in signs if s), sum(s > 0 for s in signs if s), 0


def _signs(matrix: Any) -> list[int | None]:
    """The sign of each disc of Gershgorin; None for one that holds 0."""
    found: list[int | None] = []
    for i, row in enumerate(matrix):
        beside = sum((abs(x) for j, x in enumerate(row) if j != i), row[i] * 0)
        found.append(1 if row[i] - beside > 0 else -1 if row[i] + beside < 0 else None)
    return found


def _exact(h: Any, c: Array) -> Certificate | str:
    """At a point where the gradient is exactly 0."""
    counts = _inertia(h, _middle(h))
    if not isinstance(counts, str):
        return Certificate(c, 0.0, *counts)
    if not all(x.is_exact() for x in h.flat):
        return counts
    # An exact matrix: signs by Lagrange's completion of squares, in fractions.
    exact = [[bounds_of(x)[0] for x in row] for row in h]
    return Certificate(c, 0.0, *_squares(exact))


def _squares(a: list[list[Fraction]]) -> tuple[int, int, int]:
    """How many squares of a quadratic form are negative, positive, missing: its inertia, exactly."""
    n, left = len(a), set(range(len(a)))
    a = [row[:] for row in a]
    negative = positive = 0
    while left:
        i = next((i for i in left if a[i][i]), None)
        if i is None:
            pair = next(((i, j) for i in left for j in left if a[i][j]), None)
            if pair is None:
                break
            i, j = pair  # x_i x_j: with x_i + x_j in the place of x_i there is a square
            for k in range(n):
                a[i][k] += a[j][k]
            for k in range(n):
                a[k][i] += a[k][j]
        pivot = a[i][i]
        negative, positive = negative + (pivot < 0), positive + (pivot > 0)
        left.remove(i)
        for r in left:
            share = a[r][i] / pivot
            for k in left:
                a[r][k] -= share * a[i][k]
    return negative, positive, len(left)
