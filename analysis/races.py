"""Races: any optimizers on any surface from one start, their paths as data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
import optim
from autograd_core.aliases import Array
from autograd_core.errors import AnomalyError, ConfigError
from autograd_core.options import Whole

from .convergence import Quadratic
from .surfaces import Surface

__all__ = ["Race", "Track", "race"]

_START = 3.0  # of a quadratic without a start of its own, in each coordinate
_FAR = 1e100  # as far as a path is followed


@dataclass(frozen=True, eq=False)
class Track:
    """Where one optimizer went.

    Attributes
    ----------
    name : str
    points : ndarray, shape (updates + 1, n)
        w, from the start on; to where it was lost, if it was.
    values : ndarray, shape (updates + 1,)
        E there.
    slopes : ndarray, shape (updates + 1,)
        ‖∇E‖ there.
    distances : ndarray, shape (updates + 1,)
        To the nearest minimiser; inf if the surface has none.
    ended : str
        "" if all updates were made, else why not.
    """

    name: str
    points: Array
    values: Array
    slopes: Array
    distances: Array
    ended: str = ""

    def arrived(self, within: float) -> int | None:
        """After how many updates it was, and from then on stayed, so near to a minimiser; None: never."""
        near = self.distances <= within
        if self.ended or not near[-1]:
            return None
        away = np.flatnonzero(~near)
        return int(away[-1]) + 1 if away.size else 0


@dataclass(frozen=True, eq=False)
class Race:
    """The paths of a race.

    Attributes
    ----------
    surface : Surface or Quadratic
    start : ndarray, shape (n,)
    paths : mapping of str to Track
        In the order in which they were named.
    """

    surface: Any
    start: Array
    paths: Mapping[str, Track]

    def order(self, within: float) -> list[str]:
        """Names by when they arrived for good; those that did not, behind, by how far away they ended."""

        def rank(path: Track) -> tuple[float, float]:
            steps = path.arrived(within)
            if steps is not None:
                return (float(steps), 0.0)
            left = np.inf if path.ended else float(path.distances[-1])
            return (np.inf, left if np.isfinite(left) else np.inf)

        return sorted(self.paths, key=lambda name: rank(self.paths[name]))


def race(
    surface: Surface | Quadratic,
    racers: Mapping[str, Callable[[Any], optim.Optimizer]],
    *,
    updates: int = 200,
    start: Any = None,
) -> Race:
    """Run optimizers on a surface, each from the same start.

    Parameters
    ----------
    surface : Surface or Quadratic
        `surface("beale")`, `bowl(100.0)`, or one of your own.
    racers : mapping of str to callable
        Each makes an optimizer of a list of parameters: ``lambda params: optim.SGD(params, lr=0.01)``. One whose
        ``step`` takes a closure, as those of second order do, or the loss, is given it.
    updates : int, ≥ 0
    start : array_like, shape (n,), optional
        The surface's own if left out.

    Returns
    -------
    Race

    Raises
    ------
    ConfigError
        If there is nobody, a racer makes no optimizer, or the start does not fit or is not finite.

    Notes
    -----
    A path that leaves the range of floats ends there, and says so in ``ended``; it stops nobody else.

    Examples
    --------
    >>> import optim
    >>> from analysis import bowl, race
    >>> run = race(
    ...     bowl(10.0),
    ...     {"slow": lambda p: optim.SGD(p, lr=0.02), "fast": lambda p: optim.SGD(p, lr=2 / 11)},
    ... )
    >>> run.order(within=1e-3), run.paths["fast"].points.shape
    (['fast', 'slow'], (201, 2))
    """
    if not racers:
        raise ConfigError("race", "expected at least one racer; received none.")
    updates = Whole(0).check("race: updates", updates)
    if isinstance(surface, Quadratic):
        n, own, goals = len(surface.optimum), surface.optimum + _START, [surface.optimum]
    elif isinstance(surface, Surface):
        n, own, goals = 2, np.array(surface.start), list(map(np.array, surface.minimisers))
    else:
        raise ConfigError(
            "race",
            f"expected a Surface or a Quadratic; received {surface!r:.60}. Write a function of your own as "
            "Surface(name, function, …).",
        )
    first = np.array(own if start is None else start, np.float64)
    if first.shape != (n,) or not np.isfinite(first).all():
        raise ConfigError(
            "race", f"expected a start of {n} finite numbers; received {start!r:.60}."
        )
    paths = {
        str(name): _run(str(name), make, surface, first, updates, goals)
        for name, make in racers.items()
    }
    return Race(surface, first, paths)


def _run(
    name: str,
    make: Callable[[Any], optim.Optimizer],
    surface: Any,
    first: Array,
    updates: int,
    goals: list[Array],
) -> Track:
    w = ag.tensor(first, requires_grad=True, name="w")
    optimizer = make([w])
    if not isinstance(optimizer, optim.Optimizer):
        raise ConfigError(
            "race",
            f"expected {name!r} to make an optimizer of a list of parameters; received "
            f"{optimizer!r:.60}. Write lambda params: optim.SGD(params, lr=0.01).",
        )

    def loss() -> Any:
        optimizer.zero_grad()
        error = surface(w)
        error.backward()
        return error

    takes = inspect.signature(optimizer.step).parameters
    points, values, slopes, ended = [], [], [], ""
    last: Any = None

    def noted() -> bool:
        nonlocal last
        last = loss()
        error = float(last.item())
        g = np.asarray(w.grad.numpy()) if w.grad is not None else np.zeros_like(first)
        here = w.numpy().copy()
        if not (np.isfinite(error) and np.isfinite(g).all() and np.abs(here).max() < _FAR):
            return False
        points.append(here)
        values.append(error)
        slopes.append(float(np.hypot.reduce(g)))
        return True

    with np.errstate(over="ignore", invalid="ignore"):
        going = noted()
        for k in range(updates if going else 0):
            try:
                if "closure" in takes:
                    optimizer.step(closure=lambda: surface(w))  # type: ignore[call-arg]
                else:
                    optimizer.step(last) if "loss" in takes else optimizer.step()
            except AnomalyError as error:
                ended = f"at update {k + 1}: {error}"
                break
            if not noted():
                ended = f"at update {k + 1}: the error or its gradient is no finite number"
                break
    if not going:
        raise ConfigError(
            "race", f"expected a finite error and gradient at the start; received {first!r:.60}."
        )
    at = np.array(points)
    apart = [np.hypot.reduce(at - goal, axis=1) for goal in goals]
    nearest = np.min(apart, axis=0) if apart else np.full(len(at), np.inf)
    return Track(name, at, np.array(values), np.array(slopes), nearest, ended)
