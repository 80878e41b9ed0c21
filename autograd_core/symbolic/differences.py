"""Central differences: whether gradients are the slopes of a function that can only be run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .points import FAILURES

__all__ = ["slope"]

# Of the differences; the second where the first meet kinks, as they do among thousands of units.
_STEPS = tuple(2.0**-k for k in (8, 10, 12, 14)), tuple(2.0**-k for k in (18, 20, 22))


def slope(
    function: Callable[[dict[str, Any]], Any],
    inputs: Mapping[str, Any],
    gradients: Mapping[str, Any],
    least: float,
    scale: float,
) -> tuple[bool | None, float, float]:
    """Whether gradients are those of a function along a direction, and both slopes.

    ``scale`` is of the numbers that are rounded on the way, and slopes below ``least`` are none. Steps
    of two sizes are taken before a difference counts: among many kinks the first may find a limit
    where there is none. None: there is no limit.
    """
    random = np.random.default_rng(2)
    direction = {}
    for name in gradients:
        x = np.asarray(inputs[name])
        sign = random.choice([-1.0, 1.0], x.shape)
        direction[name] = sign * random.uniform(0.5, 1, x.shape) * np.maximum(np.abs(x), 0.125)
    got = float(sum((gradients[n] * d).sum() for n, d in direction.items()))

    def at(t: float) -> float:
        moved = {n: x + t * direction[n] if n in direction else x for n, x in inputs.items()}
        return float(np.asarray(function(moved)).sum())

    limits: list[tuple[float, float]] = []
    for steps in _STEPS:
        try:
            quotients = [(at(h) - at(-h)) / (2 * h) for h in steps]
        except FAILURES:
            return None, got, np.nan
        expected, error = _limit(quotients, steps, scale)
        size = max(abs(got), abs(expected))
        if max(abs(got), abs(expected)) <= 20 * error <= 2e-7 * scale:
            return True, got, expected  # both are 0
        if not (error * 20 <= 1e-3 * size + least):
            continue
        if abs(got - expected) <= 20 * error + 1e-5 * size + least:
            return True, got, expected
        limits.append((expected, error))
    if not limits:
        return None, got, np.nan
    (first, e), (last, f) = limits[0], limits[-1]
    if abs(first - last) > 20 * (e + f) + 1e-5 * abs(last) + least:
        return None, got, last
    return False, got, first


def _limit(quotients: Sequence[float], steps: Sequence[float], scale: float) -> tuple[float, float]:
    """The limit of central differences, each a quarter of the step before, and how well it is known.

    Pairs are extrapolated; where two in a row agree there is a limit.
    """
    better = [(16 * b - a) / 15 for a, b in itertools.pairwise(quotients)]
    best = np.nan, np.nan
    for (a, b), h in zip(itertools.pairwise(better), steps[2:], strict=True):
        error = abs(b - a) + 2.0**-46 * scale / h
        if np.isfinite(error) and not error >= best[1]:
            best = b, error
    return best
