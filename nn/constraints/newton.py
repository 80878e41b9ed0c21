"""The minimum of a smooth convex function, free or under a constraint, by Newton's method."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError

__all__: list[str] = []

_LARGEST = 1e12  # of multipliers: with more, R is as small as it gets
_ROUNDS = 200


class Minimum(NamedTuple):
    """Where it is, and the largest element of the gradient there."""

    at: Array
    slope: float


def minimum(
    name: str,
    function: Callable[[Any], ag.Tensor],
    start: Array,
    *,
    steps: int = 100,
    tolerance: float = 1e-10,
) -> Minimum:
    """Descend from ``start`` to where the gradient is 0, to ``tolerance`` of its first size or 1.

    Parameters
    ----------
    name : str
        Who asks, for messages.
    function : callable
        Of a vector in Tensor operators, to one number: convex, with continuous second derivatives.
    start : ndarray, shape (n,)

    Raises
    ------
    ConfigError
        If the function is not convex along a direction that was looked at, not finite, or did not
        get there: it has a kink there, or no minimum.
    """
    value, slope, curve = function, ag.grad(function), ag.hvp(function)

    def at(w: Array) -> float:
        return float(value(ag.tensor(w)).item())

    w = np.array(start, np.float64)
    here, g = at(w), slope(w).numpy()
    if not (np.isfinite(here) and np.isfinite(g).all()):
        raise ConfigError(
            name, f"expected a finite value and gradient; received {here} at {w!r:.60}."
        )
    enough = tolerance * max(1.0, float(np.abs(g).max(initial=0.0)))
    for _ in range(steps):
        if np.abs(g).max(initial=0.0) <= enough:
            return Minimum(w, float(np.abs(g).max(initial=0.0)))
        step = solved(name, functools.partial(_times, curve, w), g)
        rate, fall = 1.0, float(g @ step)
        while rate > 1e-12:
            # Rounding of the value allows no more: then the gradient says whether it is nearer.
            new, there = w - rate * step, at(w - rate * step)
            rounding = 8 * np.finfo(float).eps * abs(here)
            if np.isfinite(there) and there <= here - 1e-4 * rate * fall + rounding:
                break
            rate /= 2
        else:
            break
        w, here, g = new, there, slope(new).numpy()
    size = float(np.abs(g).max(initial=0.0))
    if size <= 1e3 * enough:  # as near as rounding allows
        return Minimum(w, size)
    raise ConfigError(
        name,
        f"the gradient is still {size:.3g} after Newton's method. Expected a smooth convex function that "
        "has a minimum; received one with a kink there, or that falls for ever. Of penalties with kinks "
        "see nn.L1Ball and the proximal steps.",
    )


def _times(curve: Callable[[Array, Array], ag.Tensor], w: Array, v: Array) -> Array:
    return curve(w, v).numpy()


def solved(name: str, times: Callable[[Array], Array], g: Array) -> Array:
    """The solution of H s = g by conjugate gradients; H has to be positive there."""
    s, rest = np.zeros_like(g), g.copy()
    direction, size = rest.copy(), float(rest @ rest)
    first = size
    for _ in range(2 * len(g) + 10):
        if size <= 1e-28 * first:
            break
        image = times(direction)
        curvature = float(direction @ image)
        length = float(direction @ direction)
        if curvature < -1e-9 * length:
            raise ConfigError(
                name,
                f"the function is not convex: it curves by {curvature / length:.3g} along a direction. "
                "Expected second derivatives of 0 or more.",
            )
        if curvature <= 1e-14 * length:  # flat: the gradient itself is a step
            return s if s.any() else g
        rate = size / curvature
        s, rest = s + rate * direction, rest - rate * image
        new = float(rest @ rest)
        direction, size = rest + new / size * direction, new
    return s


class Constrained(NamedTuple):
    """Where the least value under a constraint is, with the multiplier that makes it a free one."""

    at: Array
    multiplier: float
    value: float
    residual: float


def constrained(
    name: str,
    loss: Callable[[Any], ag.Tensor],
    penalty: Callable[[Any], ag.Tensor],
    bound: float,
    start: Array,
) -> Constrained:
    """The minimum of L(θ) with R(θ) ≤ r: of L + μR, with the μ for which R is r.

    R at the minimum of L + μR falls as μ rises, so μ is found by Newton's method between bounds.

    Parameters
    ----------
    name : str
        Who asks, for messages.
    loss, penalty : callable
        L and R: of a vector in Tensor operators, to one number; convex and smooth.
    bound : float
        r. What is given keeps it, by at most a billionth.
    start : ndarray, shape (n,)
        Where R is above r: the minimum of L, or near it.

    Raises
    ------
    ConfigError
        As `minimum`; and if no point with R ≤ r is found.
    """
    slope, curve, curve_of_loss = ag.grad(penalty), ag.hvp(penalty), ag.hvp(loss)

    def value(v: Array) -> float:
        return float(penalty(ag.tensor(v)).item())

    slack = 1e-9 * max(1.0, abs(bound))
    aim = bound - slack / 2
    low, high, mu, at = 0.0, np.inf, 1.0, start
    for _ in range(_ROUNDS):

        def objective(v: Any, mu: float = mu) -> ag.Tensor:
            # Over 1 + μ, so that its size does not grow with the multiplier.
            return (loss(v) + mu * penalty(v)) / (1 + mu)

        at = minimum(name, objective, at).at
        over = value(at) - aim
        if abs(over) <= slack / 2:
            break
        low, high = (mu, high) if over > 0 else (low, mu)
        if low > _LARGEST:
            raise ConfigError(
                name,
                f"no point with R ≤ {bound:g} was found. Expected a bound above the least value of "
                f"R; received one below {value(at):g}, which is R at a multiplier of {low:g}.",
            )
        # How R changes with μ: −∇R (∇²L + μ ∇²R)⁻¹ ∇R.
        g = slope(at).numpy()
        falls = float(g @ solved(name, functools.partial(_bent, curve_of_loss, curve, at, mu), g))
        guess = mu + over / falls if falls > 0 else np.nan
        halved = (low + high) / 2 if np.isfinite(high) else 8 * mu
        mu = guess if low < guess < min(high, 64 * mu) else halved
    if not value(at) <= bound:
        raise ConfigError(name, f"the point found has R = {value(at):g} above {bound:g}.")
    residual = ag.grad(lambda v: loss(v) + mu * penalty(v))(at).numpy()
    return Constrained(at, float(mu), value(at), float(np.abs(residual).max()))


def _bent(loss: Any, penalty: Any, at: Array, mu: float, v: Array) -> Array:
    image: Array = loss(at, v).numpy() + mu * penalty(at, v).numpy()
    return image
