"""The learning-rate range test: the loss while the rate grows from far too small to far too large."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import optim
from autograd_core.aliases import Array, RandomSource
from autograd_core.errors import AnomalyError, ConfigError
from autograd_core.modes import mode
from autograd_core.options import COUNT, FRACTION, POSITIVE, Choice, Interval, Whole
from autograd_core.randomness import source_of
from optim.second_order import SecondOrder
from optim.training.arguments import check_parameters
from optim.training.batches import Examples
from optim.training.evaluation import one_element

__all__ = ["RateRange", "lr_range_test"]


@dataclass(frozen=True, eq=False)
class RateRange:
    """What was seen, and what it suggests.

    Attributes
    ----------
    rates : ndarray, shape (n,)
        The rates that were tried, one update each; n is less than was asked for if the loss diverged.
    losses : ndarray, shape (n,)
        The loss of each batch, before the update with that rate.
    smoothed : ndarray, shape (n,)
        Their running average, corrected for its start.
    diverged : float or None
        The rate after which the loss was not finite, or too large; None if it never was.
    seed : int or None
        What the order of the examples was drawn with; None if a generator was passed.
    """

    rates: Array
    losses: Array
    smoothed: Array
    diverged: float | None
    seed: int | None

    @property
    def first(self) -> float:
        """The loss at rates that are too small: its mean over the first tenth of the updates."""
        return float(self.losses[: max(1, len(self.losses) // 10)].mean())

    @property
    def falls(self) -> bool:
        """Whether the smoothed loss came below the first by a tenth of it."""
        return bool(self.smoothed.min() < 0.9 * self.first)

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which rates the smoothed loss falls, by a tenth and by nine tenths of all that it falls.

        For `optim.schedules.OneCycle` and the like; for one rate see `steepest`.

        Raises
        ------
        ConfigError
            If it does not fall.
        """
        low, high = self._between()
        return float(self.rates[low]), float(self.rates[high])

    @property
    def steepest(self) -> float:
        """The rate at which the smoothed loss falls fastest, as the rate is multiplied.

        Raises
        ------
        ConfigError
            If it does not fall.
        """
        low, high = self._between()
        there = slice(max(low - 1, 0), high + 1)
        slopes = np.diff(self.smoothed[there]) / np.diff(np.log(self.rates[there]))
        return float(self.rates[there][int(slopes.argmin()) + 1])

    def _between(self) -> tuple[int, int]:
        """From where on it is, up to its lowest, below what is left after each share of its fall."""
        if not self.falls:
            raise ConfigError(
                "lr_range_test",
                f"the loss does not fall at any rate from {self.rates[0]:g} to {self.rates[-1]:g}: it begins at "
                f"{self.first:.4g} and is never below {self.smoothed.min():.4g}. Try other rates with low= and high=, "
                "or more updates.",
            )
        last = int(self.smoothed.argmin())
        fallen = (self.first - self.smoothed[: last + 1]) / (self.first - self.smoothed[last])
        low, high = (int(np.flatnonzero(fallen < share)[-1:].sum()) + 1 for share in (0.1, 0.9))
        return min(low, last), min(high, last)


def lr_range_test(
    model: Any,
    criterion: Callable[..., Any],
    optimizer: optim.Optimizer,
    train: Any,
    *,
    low: float = 1e-7,
    high: float = 10.0,
    updates: int = 100,
    batch_size: int,
    rng: RandomSource = None,
    growth: Literal["exponential", "linear"] = "exponential",
    smoothing: float = 0.9,
    limit: float = 4.0,
) -> RateRange:
    """Make updates with growing rates, and look at the loss; then put everything back as it was.

    Parameters
    ----------
    model, criterion, optimizer, train, batch_size, rng
        As for `optim.fit`. Batches follow one another through new random orders of the examples.
    low, high : float, > 0
        The first and the last rate. Groups with different rates keep their ratios; this is then the
        largest of them.
    updates : int, ≥ 2
        How many.
    growth : {"exponential", "linear"}
        How the rate goes from one to the other; Smith's is linear, between rates of one order.
    smoothing : float, in [0, 1)
        Of the running average of the loss: 0 for none.
    limit : float, > 1
        It stops where the smoothed loss is so many times the lowest so far, or the loss or a gradient is
        not finite.

    Returns
    -------
    RateRange

    Raises
    ------
    ConfigError
        If an argument is outside of its range, the optimizer has no learning rate, or none of the
        model's parameters.
    AnomalyError
        If the loss is not finite before the first update.

    Notes
    -----
    Parameters, buffers and counters of the model, modes, gradients, all of the optimizer (slots, counts,
    rates, schedules) and a generator that was passed are what they were before, bit for bit, also after an
    error.

    References
    ----------
    Smith (2017), Cyclical learning rates for training neural networks, section 3.3.

    Examples
    --------
    >>> import numpy as np, nn, optim
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(64, 2))
    >>> model = nn.Linear(2, 1, rng=rng, dtype=np.float64)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> data = x, x @ np.array([[2.0], [-1.0]]) + 0.5
    >>> found = lr_range_test(model, nn.MSELoss(), optimizer, data, batch_size=16, rng=1)
    >>> low, high = found.bounds
    >>> bool(1e-3 < low < found.steepest < high < 1.0)
    True
    >>> optimizer.updates, optimizer.lr
    (0, 0.1)
    """
    where = "lr_range_test"
    low, high = (POSITIVE.check(f"{where}: {n}", v) for n, v in (("low", low), ("high", high)))
    if low >= high:
        raise ConfigError(where, f"expected low below high; received {low:g} and {high:g}.")
    updates = Whole(2).check(f"{where}: updates", updates)
    batch_size = COUNT.check(f"{where}: batch_size", batch_size)
    smoothing = FRACTION.check(f"{where}: smoothing", smoothing)
    limit = Interval(1.0, open_low=True).check(f"{where}: limit", limit)
    Choice(("exponential", "linear")).check(f"{where}: growth", growth)
    check_parameters(model, optimizer)
    if "lr" not in type(optimizer).hyperparameters:
        raise ConfigError(where, f"{type(optimizer).__name__} has no learning rate to try.")
    examples = Examples.of(where, "train", train)
    generator, seed = source_of(rng, where)
    sweep = np.geomspace if growth == "exponential" else np.linspace
    tried = sweep(low, high, updates)
    now = [group.now("lr") for group in optimizer.param_groups]
    ratios = [rate / max(now) if max(now) else 1.0 for rate in now]
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    diverged: float | None = None
    with _as_before(model, optimizer, generator), mode(model):
        model.train()
        batches = _batches(examples, min(batch_size, len(examples.inputs)), generator)
        for n, rate in enumerate(tried, 1):
            inputs, targets = next(batches)
            for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
                group["lr"] = float(rate) * ratio
            optimizer.zero_grad()
            with np.errstate(all="ignore"):
                loss = one_element(where, "criterion", criterion(model(inputs), targets))
                value = float(loss.item())
                average = smoothing * average + (1 - smoothing) * value
                corrected = average / (1 - smoothing**n)
                if not math.isfinite(value) or corrected > limit * min([corrected, *smoothed]):
                    if n == 1:
                        raise AnomalyError(
                            where,
                            f"the loss is {value} before the first update. Expected a finite number. Scale the inputs, or "
                            "find the operation with `with ag.detect_anomaly():`.",
                        )
                    diverged = float(tried[n - 2])
                    break
                losses.append(value)
                smoothed.append(corrected)
                try:
                    if isinstance(optimizer, SecondOrder):  # which computes the loss itself
                        optimizer.step(lambda x, d: criterion(model(x), d), inputs, targets)
                    else:
                        loss.backward()
                        optimizer.step(*([loss] if optimizer.compares_losses else []))
                except AnomalyError:  # of a gradient that is not finite
                    diverged = float(rate)
                    break
    count = len(losses)
    return RateRange(tried[:count], np.array(losses), np.array(smoothed), diverged, seed)


def _batches(
    examples: Examples, size: int, generator: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Batches of one size without end, through new orders of the examples."""
    count = len(examples.inputs)
    while True:
        order = generator.permutation(count)
        for start in range(0, count - size + 1, size):
            batch = examples.take(order[start : start + size])
            yield batch.inputs, batch.targets


@contextlib.contextmanager
def _as_before(
    model: Any, optimizer: optim.Optimizer, generator: np.random.Generator
) -> Iterator[None]:
    """Whatever happens within, model, optimizer, gradients and generator are then as they were."""
    weights = copy.deepcopy(dict(model.state_dict()))
    state, drawn = optimizer.state_dict(), generator.bit_generator.state
    tensors = list({id(t): t for t in (*model.parameters(), *optimizer.params)}.values())
    gradients = [t.grad for t in tensors]
    nonfinite = optimizer.nonfinite
    optimizer.nonfinite = "raise"
    try:
        yield
    finally:
        optimizer.nonfinite = nonfinite
        model.load_state_dict(weights)
        optimizer.load_state_dict(state)
        generator.bit_generator.state = drawn
        for t, g in zip(tensors, gradients, strict=True):
            t.grad = g
