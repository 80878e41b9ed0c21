"""Batch, SGD and mini-batch from the same weights on the same examples; and the order in which they come."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import nn
import optim
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT
from optim.training.batches import Examples, LastBatch, batch_bounds
from optim.training.callbacks import Callback, Run
from optim.training.samplers import Sampler, in_order, permutation

__all__ = ["ORDERS", "Incremental", "Orbit", "batch_sizes", "orders"]

Maker = Callable[[Sequence[Any], int], optim.Optimizer]

ORDERS: Mapping[str, Sampler] = {"in order": in_order, "random": permutation}
"""What `orders` compares."""

LARGEST = 50_000_000  # numbers of a path that are kept


@dataclass(frozen=True, eq=False)
class Incremental:
    """The error of all examples while one size of batch is trained with.

    Attributes
    ----------
    size : int
        b: 1 is SGD, T is batch descent.
    updates : ndarray, shape (n,)
        After how many updates the error was looked at; the first is 0.
    examples : ndarray, shape (n,)
        How many examples had been passed by then.
    errors : ndarray, shape (n,)
        Of all T, in evaluation mode.
    seconds : ndarray, shape (n,)
        Time of the updates alone, by a clock: other ones every time.
    """

    size: int
    updates: Array
    examples: Array
    errors: Array
    seconds: Array

    def reached(self, error: float) -> tuple[int, int] | None:
        """Updates and examples after which an error was first seen; None if it never was."""
        (there,) = np.nonzero(self.errors <= error)
        return (int(self.updates[there[0]]), int(self.examples[there[0]])) if len(there) else None


def batch_sizes(
    model: nn.Module,
    criterion: Callable[..., Any],
    optimizer: Maker,
    data: Any,
    sizes: Sequence[int],
    *,
    epochs: int,
    looks: int = 40,
    seed: int = 0,
    last_batch: LastBatch = "keep",
    jit: bool = False,
) -> tuple[Incremental, ...]:
    """Train copies of one model with batches of different sizes, and compare by updates and by examples.

    Parameters
    ----------
    model : Module
        Left as it is: every run begins with a copy.
    criterion : callable
        ``criterion(outputs, targets)``, the mean over a batch.
    optimizer : callable
        ``optimizer(parameters, b)``: a new one for each run, such as
        ``lambda parameters, b: optim.SGD(parameters, lr=0.1)``.
    data : (array_like, array_like)
        T examples.
    sizes : sequence of int
        b; beyond T it is T.
    epochs : int, ≥ 1
        Passes of each run: all pass as many examples, and make T/b updates a pass.
    looks : int, ≥ 2
        How often the error is looked at, from the first update on ever less often.
    seed : int
        Of the orders, a new permutation each epoch, and the same for all sizes.
    last_batch : {"keep", "drop", "merge", "pad"}
        See `optim.fit`.
    jit : bool
        Compile the step.

    Returns
    -------
    tuple of Incremental
        In the order of ``sizes``.

    Raises
    ------
    ConfigError, DataError, AnomalyError
        As `optim.fit`.

    References
    ----------
    [Alternative: Incremental update], [SGD vs batch], [Alternative: Mini-batch update].

    Examples
    --------
    >>> import numpy as np, nn, optim
    >>> from analysis import batch_sizes
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> model = nn.Linear(1, 1, rng=0, dtype=np.float64)
    >>> sgd = lambda parameters, b: optim.SGD(parameters, lr=0.1)
    >>> one, all_ = batch_sizes(model, nn.MSELoss(), sgd, (x, 3 * x), [1, 20], epochs=3)
    >>> one.updates[-1].item(), all_.updates[-1].item(), bool(one.errors[-1] < all_.errors[-1])
    (60, 3, True)
    """
    examples = Examples.of("batch_sizes", "data", data)
    count = len(examples.inputs)
    epochs = COUNT.check("batch_sizes: epochs", epochs)
    if not len(sizes):
        raise ConfigError("batch_sizes", "sizes: expected one at least; received none.")
    found = []
    for asked in sizes:
        size = min(COUNT.check("batch_sizes: sizes", asked), count)
        ends = [stop for _, stop in batch_bounds(count, size, last_batch)]
        last = epochs * len(ends)
        whole = np.unique(np.geomspace(1, last, max(2, looks)).round().astype(int))
        look = _Looks(criterion, examples, {0, *whole.tolist()})
        _trained(
            copy.deepcopy(model), criterion, optimizer, examples, size, look,
            epochs=epochs, rng=seed, last_batch=last_batch, jit=jit,
        )  # fmt: skip
        updates = np.array(look.updates)
        passed = updates // len(ends) * count + np.array([0, *ends])[updates % len(ends)]
        if last_batch in ("drop", "pad"):  # all of one size
            passed = updates * size
        found.append(
            Incremental(size, updates, passed, np.array(look.errors), np.array(look.seconds))
        )
    return tuple(found)


def _trained(
    model: nn.Module,
    criterion: Callable[..., Any],
    optimizer: Maker,
    examples: Examples,
    size: int,
    *callbacks: Callback,
    **options: Any,
) -> None:
    made = optimizer(list(model.parameters()), size)
    optim.fit(
        model, criterion, made, examples,
        batch_size=size, callbacks=callbacks, metrics={}, verbose=0, **options,
    )  # fmt: skip


class _Looks(Callback):
    """The error of all examples after chosen updates, and the time between, without that of looking."""

    def __init__(self, criterion: Callable[..., Any], examples: Examples, at: set[int]) -> None:
        self._criterion, self._examples, self._at = criterion, examples, at
        self.updates: list[int] = []
        self.errors: list[float] = []
        self.seconds: list[float] = []
        self._made, self._spent, self._since = 0, 0.0, 0.0

    def on_fit_begin(self, run: Run) -> None:
        self._look(run)

    def on_batch_end(self, run: Run) -> None:
        self._made += 1
        if self._made in self._at:
            self._spent += time.perf_counter() - self._since
            self._look(run)

    def _look(self, run: Run) -> None:
        found = optim.evaluate(run.model, self._criterion, self._examples, metrics={})
        self.updates.append(self._made)
        self.errors.append(found["loss"])
        self.seconds.append(self._spent)
        self._since = time.perf_counter()


@dataclass(frozen=True, eq=False)
class Orbit:
    """Where the weights go in the last two epochs, in one order of the examples.

    Attributes
    ----------
    order : str
    errors : ndarray, shape (epochs + 1,)
        Of all examples, before the first and after each epoch, in evaluation mode.
    before, last : ndarray, shape (updates, P)
        The weights after each update of the last epoch but one, and of the last.
    """

    order: str
    errors: Array
    before: Array
    last: Array

    @property
    def swing(self) -> float:
        """Root mean square distance of the last epoch's weights from their mean: how far they still move."""
        return _size(self.last - self.last.mean(axis=0))

    @property
    def gap(self) -> float:
        """Root mean square distance between the weights at one place of the last two epochs."""
        return _size(self.last - self.before)

    @property
    def closed(self) -> bool:
        """Whether they go in a cycle: they move, and each epoch takes them where the one before did."""
        return self.swing > 0 and self.gap <= 0.01 * self.swing


def _size(rows: Array) -> float:
    return float(np.sqrt((rows**2).sum(axis=1).mean()))


def orders(
    model: nn.Module,
    criterion: Callable[..., Any],
    optimizer: Maker,
    data: Any,
    *,
    epochs: int,
    batch_size: int = 1,
    samplers: Mapping[str, Sampler] = ORDERS,
    seed: int = 0,
    jit: bool = False,
    callbacks: Sequence[Callback] = (),
) -> dict[str, Orbit]:
    """Train copies of one model on the same examples in different orders, and look whether they run in a cycle.

    Parameters
    ----------
    model, criterion, optimizer, data, jit
        See `batch_sizes`.
    epochs : int, ≥ 2
    batch_size : int, ≥ 1
    samplers : mapping of str to callable
        The orders by name; see `optim.fit`.
    seed : int
    callbacks : sequence of Callback
        Of each run, beside what looks at it.

    Returns
    -------
    dict of str to Orbit

    Raises
    ------
    ConfigError
        If there are fewer than two epochs, or the weights of two of them are over 50,000,000 numbers.

    References
    ----------
    [Caveats: order of presentation]: "If we loop through the samples in the same order, we may get cyclic behavior".

    Examples
    --------
    >>> import numpy as np, nn, optim
    >>> from analysis import orders
    >>> model = nn.Linear(1, 1, rng=0, dtype=np.float64)
    >>> data = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [0.0], [2.0]])
    >>> sgd = lambda parameters, b: optim.SGD(parameters, lr=0.05)
    >>> found = orders(model, nn.MSELoss(), sgd, data, epochs=300)
    >>> {name: orbit.closed for name, orbit in found.items()}
    {'in order': True, 'random': False}
    """
    examples = Examples.of("orders", "data", data)
    if COUNT.check("orders: epochs", epochs) < 2:
        raise ConfigError(
            "orders", f"epochs: expected two at least, to be compared; received {epochs}."
        )
    size = COUNT.check("orders: batch_size", batch_size)
    updates = len(batch_bounds(len(examples.inputs), size, "keep"))
    weights = sum(p.size for p in model.parameters())
    if 2 * updates * weights > LARGEST:
        raise ConfigError(
            "orders",
            f"two epochs of {updates} updates of {weights} weights are {2 * updates * weights:,} numbers. Expected "
            f"at most {LARGEST:,}. Take larger batches, fewer examples or a smaller model.",
        )
    found = {}
    for name, sampler in samplers.items():
        path = _Path(criterion, examples, epochs)
        _trained(
            copy.deepcopy(model), criterion, optimizer, examples, size, path, *callbacks,
            epochs=epochs, rng=seed, last_batch="keep", sampler=sampler, jit=jit,
        )  # fmt: skip
        before, last = path.weights[:updates], path.weights[updates:]
        found[name] = Orbit(name, np.array(path.errors), np.array(before), np.array(last))
    return found


class _Path(Callback):
    """The error after each epoch, and the weights after each update of the last two."""

    def __init__(self, criterion: Callable[..., Any], examples: Examples, epochs: int) -> None:
        self._criterion, self._examples, self._epochs = criterion, examples, epochs
        self.errors: list[float] = []
        self.weights: list[Array] = []

    def on_fit_begin(self, run: Run) -> None:
        self._look(run)

    def on_epoch_end(self, run: Run) -> None:
        self._look(run)

    def on_batch_end(self, run: Run) -> None:
        if run.epoch > self._epochs - 2:
            flat = [p.numpy().ravel() for p in run.model.parameters()]
            self.weights.append(np.concatenate(flat).astype(np.float64))

    def _look(self, run: Run) -> None:
        found = optim.evaluate(run.model, self._criterion, self._examples, metrics={})
        self.errors.append(found["loss"])
