"""What a run is fed with: examples in a sampler's order, or batches that come from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple, cast

import numpy as np

import autograd_core as ag
from autograd_core.errors import ConfigError, DataError
from autograd_core.options import Choice

from ..optimizer import State
from .batches import Examples, LastBatch, batch_bounds
from .samplers import Sampler, checked_order

__all__ = ["Feed", "Rows", "Stream", "Window", "remembered", "restored", "streams"]

_MOST_BYTES = 2**22  # of the inputs that are put together for one call


class Window(NamedTuple):
    """Batches from which one update is made; or the batches of many updates, one after another.

    Attributes
    ----------
    batches : list of Examples
        Of one update, if ``updates`` is 1; else one, the examples of all updates in their order.
    updates : int
        How many equal batches they are to be cut into.
    """

    batches: list[Examples]
    updates: int = 1


class Feed:
    """Where batches come from.

    Attributes
    ----------
    batches : int
        In an epoch; 0 where that is not known before the first.
    same : callable
        Gives what the first of several processes has.
    settings : dict
        What a resumed run must have in common with the run that it goes on with.
    """

    batches = 0
    settings: dict[str, Any]
    same: Callable[[Any], Any] = staticmethod(lambda value: value)

    def epoch(
        self, rng: np.random.Generator, skip: int, accumulate: int, wanted: Callable[[], int]
    ) -> Generator[Window, None, None]:
        """The windows of an epoch.

        Parameters
        ----------
        rng
            Drawn from before this returns, and never after.
        skip : int
            Batches that were already done.
        accumulate : int
            Batches in a window; the last may have fewer.
        wanted : callable
            Says how many updates may be made in one call.
        """
        raise NotImplementedError

    def state_dict(self) -> State | None:
        """What is remembered between epochs; None: nothing."""
        return None

    def load_state_dict(self, state: State) -> None:
        """Take over what `state_dict` gave."""


class Rows(Feed):
    """Examples in memory, ordered by a sampler and cut into batches."""

    def __init__(
        self,
        examples: Examples,
        sampler: Sampler,
        batch_size: int | str | None,
        last_batch: LastBatch,
    ) -> None:
        count = len(examples.inputs)
        self._examples, self._sampler, self._last = examples, sampler, last_batch
        if isinstance(batch_size, str):
            batch_size = count if Choice(("full",)).check("fit: batch_size", batch_size) else 0
        self._size = cast(int, batch_size)  # checked by `batch_bounds`
        self._length, self._bounds = count, batch_bounds(count, self._size, last_batch)
        self.batches = len(self._bounds)
        self.settings = {
            "examples": count,
            "batch_size": int(self._size),
            "last_batch": last_batch,
            "sampler": getattr(sampler, "__name__", type(sampler).__name__),
        }

    def epoch(
        self, rng: np.random.Generator, skip: int, accumulate: int, wanted: Callable[[], int]
    ) -> Generator[Window, None, None]:
        """The windows of an epoch, in an order that is drawn now."""
        count = len(self._examples.inputs)
        order = self.same(checked_order(self._sampler, self._sampler(count, rng), count))
        if len(order) != self._length:
            self._length = len(order)
            self._bounds = batch_bounds(len(order), self._size, self._last)
        bounds = self._bounds
        if bounds[-1][1] > len(order):  # padded: the order from its beginning, as often as it takes
            order = np.resize(order, bounds[-1][1])
        self.batches = len(bounds)
        return self._windows(order, bounds, skip, accumulate, wanted)

    def _windows(
        self,
        order: Any,
        bounds: list[tuple[int, int]],
        at: int,
        accumulate: int,
        wanted: Callable[[], int],
    ) -> Generator[Window, None, None]:
        take, inputs = self._examples.take, self._examples.inputs
        row_bytes = max(1, inputs.itemsize * inputs[:1].size)
        while at < len(bounds):
            start, stop = bounds[at]
            if accumulate > 1:
                group = bounds[at : at + accumulate]
                yield Window([take(order[a:b]) for a, b in group])
                at += accumulate
                continue
            size = stop - start
            most = wanted()
            if most > 1:
                most = min(most, max(1, _MOST_BYTES // (row_bytes * size)), len(bounds) - at)
                # All batches of an epoch are of one size, but for the last.
                while most > 1 and bounds[at + most - 1][1] - bounds[at + most - 1][0] != size:
                    most -= 1
                stop = bounds[at + most - 1][1]
            yield Window([take(order[start:stop])], most)
            at += most

    def state_dict(self) -> State | None:
        """The sampler's state, if it has one."""
        return remembered(self._sampler)

    def load_state_dict(self, state: State) -> None:
        """Give the sampler its state back."""
        restored(self._sampler, state)


class Stream(Feed):
    """Any iterable of batches (inputs, targets), begun anew in each epoch; or a function that gives one."""

    def __init__(self, source: Any, epochs: int) -> None:
        self._source = source
        again = callable(source) and not isinstance(source, Iterable)
        if not again and isinstance(source, Iterator) and epochs > 1:
            raise ConfigError(
                "fit",
                f"train: a {type(source).__name__} is used up after one epoch, and epochs is {epochs}. Expected "
                "what can be begun anew. Pass a list, a loader, or a function that makes one: train=lambda: "
                "batches().",
            )
        self._again = again
        self.batches = len(source) if hasattr(source, "__len__") else 0
        self.settings = {"examples": "a stream of batches"}

    def epoch(
        self, rng: np.random.Generator, skip: int, accumulate: int, wanted: Callable[[], int]
    ) -> Generator[Window, None, None]:
        """The windows of an epoch."""
        source = self._source() if self._again else self._source
        if not isinstance(source, Iterable):
            raise DataError(
                "fit",
                f"train: the function gave {type(source).__name__}. Expected an iterable of batches "
                "(inputs, targets).",
            )
        return self._windows(iter(source), skip, accumulate)

    def _windows(
        self, source: Iterator[Any], skip: int, accumulate: int
    ) -> Generator[Window, None, None]:
        try:
            for _ in islice(source, skip):
                pass
            number = skip
            batches: list[Examples] = []
            for given in source:
                number += 1
                batches.append(Examples.of("fit", f"train: batch {number}", given, weights=True))
                if len(batches) == accumulate:
                    yield Window(batches)
                    batches = []
            if batches:
                yield Window(batches)
        finally:
            close = getattr(source, "close", None)  # of a generator
            if close is not None and source is not self._source:
                close()
        if not number:
            raise DataError(
                "fit",
                "train: there was no batch. Expected at least one in each epoch. A generator is used up after "
                "its first pass: pass a function that makes one, train=lambda: batches().",
            )
        self.batches = number

    def state_dict(self) -> State | None:
        """The loader's state, if it has one."""
        return remembered(self._source)

    def load_state_dict(self, state: State) -> None:
        """Give the loader its state back."""
        restored(self._source, state)


def streams(train: Any) -> bool:
    """Whether these are batches, or what makes them, and no examples in arrays.

    A tuple is examples; so is a list, unless all of its entries are tuples that begin with an array.
    """
    if isinstance(train, (tuple, np.ndarray, ag.Tensor, str, Mapping)):
        return False
    if isinstance(train, list):
        return bool(train) and all(
            isinstance(batch, tuple) and hasattr(batch[0] if batch else None, "shape")
            for batch in train
        )
    return callable(train) or isinstance(train, Iterable)


def remembered(thing: Any) -> State | None:
    """The state of a sampler or a loader as named arrays and JSON values; None if it has none."""
    if isinstance(thing, type) or not hasattr(thing, "state_dict"):
        return None
    state = thing.state_dict()
    if not isinstance(state, Mapping):
        raise DataError(
            "fit",
            f"the state of {type(thing).__name__}: expected a dict of arrays and JSON values from its state_dict(); "
            f"received {type(state).__name__}.",
        )
    if state.keys() == {"arrays", "scalars"}:
        return {"arrays": dict(state["arrays"]), "scalars": dict(state["scalars"])}
    arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
    scalars = {k: v for k, v in state.items() if k not in arrays}
    return {"arrays": arrays, "scalars": {"flat": scalars}}


def restored(thing: Any, state: State) -> None:
    """Give a sampler or a loader the state back that `remembered` took."""
    flat = state["scalars"].get("flat") if state["scalars"].keys() == {"flat"} else None
    thing.load_state_dict(state if flat is None else {**state["arrays"], **flat})
