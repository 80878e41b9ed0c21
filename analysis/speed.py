"""How many examples a second a training step takes, against the size of its batch; eager and compiled."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
import nn
import optim
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, POSITIVE
from optim.training.batches import Examples

__all__ = ["WAYS", "Throughput", "throughput"]

WAYS = ("eager", "compiled")
LEAST = 5  # rounds, however long they take
BURST = 0.002  # seconds of steps that are timed together


@dataclass(frozen=True, eq=False)
class Throughput:
    """Times of training steps by a clock: other ones every time, on every machine.

    Attributes
    ----------
    sizes : ndarray, shape (n,)
        b.
    seconds : dict of str to list of ndarray
        By way ("eager", "compiled"), for each b the time of a step in each round.
    """

    sizes: Array
    seconds: Mapping[str, Sequence[Array]]

    def step(self, way: str, quantile: float = 0.5) -> Array:
        """Time of a step in seconds, shape (n,): the median; 0 is the fastest round, when nobody else took the machine."""
        return np.array([np.quantile(times, quantile) for times in self.seconds[way]])

    def per_second(self, way: str, quantile: float = 0.5) -> Array:
        """Examples a second, shape (n,): b over that time."""
        return np.asarray(self.sizes / self.step(way, quantile))

    def overhead(self, way: str) -> tuple[float, float]:
        """(c, d) of time ≈ c + d·b: seconds of a step beside the examples, and of an example.

        The line through the smallest and the largest b; (nan, nan) where there is one size.
        """
        times = self.step(way)
        if len(times) < 2:
            return np.nan, np.nan
        each = (times[-1] - times[0]) / (self.sizes[-1] - self.sizes[0])
        return float(times[0] - each * self.sizes[0]), float(each)


def throughput(
    model: nn.Module,
    criterion: Callable[..., Any],
    optimizer: Callable[[Sequence[Any]], optim.Optimizer],
    data: Any,
    sizes: Sequence[int],
    *,
    ways: Sequence[str] = WAYS,
    seconds: float = 0.2,
    rounds: int | None = None,
    told: Callable[[], None] = lambda: None,
) -> Throughput:
    """Time training steps (outputs, loss, backward, update) on batches of different sizes.

    Parameters
    ----------
    model : Module
        Left as it is: copies are trained.
    criterion : callable
        ``criterion(outputs, targets)``.
    optimizer : callable
        ``optimizer(parameters)``: a new one for each run.
    data : (array_like, array_like)
        T examples, from which the batches are cut; a size beyond T takes examples again.
    sizes : sequence of int
        b.
    ways : sequence of str
        Of "eager" and "compiled".
    seconds : float, > 0
        Timed for so long for each size and way, in rounds in which every one has its turn, so that what else the
        machine does slows no one more than another; five rounds at least. A compiled step is compiled before.
    rounds : int, optional
        How many, instead. In each a size is timed once, over the steps of two milliseconds.
    told : callable
        Called after each round.

    Returns
    -------
    Throughput

    Raises
    ------
    ConfigError, DataError
        If an argument is outside its range.

    References
    ----------
    [Minibatch convergence]: "additional benefits of vector processing".

    Examples
    --------
    >>> import numpy as np, nn, optim
    >>> from analysis import throughput
    >>> model, x = nn.Linear(3, 1, rng=0), np.ones((8, 3), np.float32)
    >>> sgd = lambda parameters: optim.SGD(parameters, lr=0.0)
    >>> found = throughput(
    ...     model, nn.MSELoss(), sgd, (x, x[:, :1]), [1, 8], ways=["eager"], seconds=0.001
    ... )
    >>> found.per_second("eager").shape
    (2,)
    """
    examples = Examples.of("throughput", "data", data)
    POSITIVE.check("throughput: seconds", seconds)
    if rounds is not None:
        COUNT.check("throughput: rounds", rounds)
    wrong = [way for way in ways if way not in WAYS]
    if wrong or not len(ways) or not len(sizes):
        raise ConfigError(
            "throughput",
            f"expected sizes, and ways of {', '.join(WAYS)}; received {list(sizes)} and {list(ways)}.",
        )
    every = sorted({COUNT.check("throughput: sizes", size) for size in sizes})
    steps: dict[tuple[str, int], Callable[[], Any]] = {}
    for way in ways:
        trained = copy.deepcopy(model)
        step = _step(trained.train(), criterion, optimizer(list(trained.parameters())))
        run = ag.jit(step) if way == "compiled" else step
        for size in every:
            batch = examples.take(np.arange(size) % len(examples.inputs))
            steps[way, size] = functools.partial(run, batch.inputs, batch.targets)
    times: dict[tuple[str, int], list[float]] = {key: [] for key in steps}
    repeats = {}
    for key, called in steps.items():
        called()
        # The fastest of some: one that was interrupted would leave a single, cold step to be timed.
        repeats[key] = max(1, int(BURST / min(_timed(called, 1) for _ in range(LEAST))))
    end = time.perf_counter() + seconds * len(steps)
    made = 0
    while made < (LEAST if rounds is None else rounds) or (
        rounds is None and time.perf_counter() < end
    ):
        for key, called in steps.items():
            times[key].append(_timed(called, repeats[key]))
        made += 1
        told()
    found = {way: [np.array(times[way, size]) for size in every] for way in ways}
    return Throughput(np.array(every), found)


def _timed(called: Callable[[], Any], repeats: int) -> float:
    """Seconds of one call, as the mean of some."""
    began = time.perf_counter()
    for _ in range(repeats):
        called()
    return (time.perf_counter() - began) / repeats


def _step(model: Any, criterion: Callable[..., Any], optimizer: optim.Optimizer) -> Any:
    def step(inputs: Any, targets: Any) -> Any:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return step
