"""Callback: what may be done at the seams of a training run; Run: what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_core.errors import AnomalyError

from ..optimizer import Optimizer, State
from .feeding import Feed
from .history import History
from .model import Model

__all__ = ["Callback", "Run", "Unfinished", "lacking", "watches_batches"]


class Run:
    """A training run, as callbacks see it.

    Attributes
    ----------
    model, optimizer, rng
        As given to `fit`.
    epochs : int
        How many there are to be.
    epoch : int
        The present one, from 1; 0 before the first.
    batch, batches : int
        The present batch, from 1, and how many an epoch has: 0 where that is not known yet. With
        gradient accumulation the last batch of an update.
    logs : dict of str to float
        After a batch its values, at an epoch's end the new row of the history. A callback may add
        numbers to that; it names them in its ``provides``.
    history : History
        The rows so far; the present epoch's is added when all callbacks have seen ``logs``.
    monitors : tuple of str
        Names that ``logs`` will hold at an epoch's end.
    settings : dict
        What a resumed run must have in common with the run that it goes on with; JSON values.
    callbacks : tuple of Callback
    probes : dict of str to callable
        What a callback adds in `on_fit_begin`: functions without arguments that give a tensor of one element,
        called after ``backward`` and before the step, compiled steps included. Their values stand in ``logs``,
        their means in the history.
    stopped_by : str or None
        Why no further epoch will begin.
    ends_now : bool
        Whether not even a further batch will.
    validate : callable or None
        Evaluates on the held-out data, now: ``{"val_loss": …}``; None where there are none.
    feed : Feed
        Where batches come from.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        rng: np.random.Generator,
        epochs: int,
        feed: Feed,
        monitors: Sequence[str],
        settings: dict[str, Any],
        callbacks: Sequence[Callback],
        seed: int | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.rng = rng
        self.epochs = epochs
        self.epoch = 0
        self.batch = 0
        self.batches = feed.batches
        self.logs: dict[str, float] = {}
        self.history = History(seed)
        self.callbacks = tuple(callbacks)
        self.monitors = (*monitors, *(name for c in self.callbacks for name in c.provides))
        self.settings = settings
        self.probes: dict[str, Callable[[], Any]] = {}
        self.stopped_by: str | None = None
        self.ends_now = False
        self.unfinished: Unfinished | None = None
        self.feed = feed
        self.validate: Callable[[], dict[str, float]] | None = None

    def stop(self, reason: str, now: bool = False) -> None:
        """Ask that no further epoch begins; of several reasons the first stands.

        Parameters
        ----------
        now : bool
            That no further batch begins: as with Ctrl-C, the unfinished epoch has no row in the history, and a
            checkpoint holds where it was.
        """
        if self.stopped_by is None:
            self.stopped_by = reason
        self.ends_now = self.ends_now or now


class Unfinished(NamedTuple):
    """What belongs to an epoch that is not over.

    Attributes
    ----------
    batches : int
        Those done.
    began : dict
        The generator's state at the beginning of the epoch, before the order was drawn.
    feed : State or None
        The sampler's or loader's then.
    tally : State
        What was measured.
    seconds : float
    """

    batches: int
    began: Mapping[str, Any]
    feed: State | None
    tally: State | Mapping[str, Any]
    seconds: float


class Callback:
    """Does something at the seams of a training run; override what is needed.

    `on_fit_end` is called however the run ends, exceptions and Ctrl-C included. A callback that
    remembers something between epochs says so in `state_dict`, so that a resumed run is the same
    as an uninterrupted one.

    It need not be derived from this class: what has these methods and attributes is one.

    Attributes
    ----------
    provides : tuple of str
        Names that it adds to ``run.logs`` at an epoch's end, for others to monitor.
    first_only : bool
        Whether of several processes (``fit(parallel=...)``) only the first calls it: so it is with what
        writes files or shows something. What changes the run is called by all.
    every_batch : bool
        Whether `on_batch_end` must be called after each update. If not, a compiled run may make several
        in one call, and calls it after them.
    records : bool
        Whether it looks at what others did: its `on_epoch_end` is then called when the history has the epoch's
        row, and it is no part of what a resumed run must have in common.

    Examples
    --------
    >>> class StopBelow(Callback):
    ...     def __init__(self, loss):
    ...         self.loss = loss
    ...
    ...     def on_epoch_end(self, run):
    ...         if run.logs["loss"] < self.loss:
    ...             run.stop(f"a loss below {self.loss}")
    """

    provides: tuple[str, ...] = ()
    first_only: bool = False
    every_batch: bool = True
    records: bool = False

    def on_fit_begin(self, run: Run) -> None:
        """Before anything else; forget what an earlier run left."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, run: Run) -> None:
        """After an update."""

    def on_epoch_end(self, run: Run) -> None:
        """After validation."""

    def on_anomaly(self, run: Run, error: AnomalyError) -> bool:
        """When a loss, a gradient or a validation mean is not finite: True to end in good order."""
        return False

    def on_fit_end(self, run: Run) -> None:
        """After everything, however it ended."""

    def state_dict(self) -> State:
        """What it remembers, as named arrays and JSON values."""
        return {"arrays": {}, "scalars": {}}

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave; called after `on_fit_begin`."""


_METHODS = [
    name for name in vars(Callback) if name.startswith("on_") or name.endswith("state_dict")
]
_ATTRIBUTES = ("provides", "every_batch", "records", "first_only")


def lacking(thing: Any) -> list[str]:
    """What ``thing`` lacks of a callback; nothing, if it is one."""
    if isinstance(thing, type):
        return ["an object made of it"]
    methods = [name for name in _METHODS if not callable(getattr(thing, name, None))]
    return methods + [name for name in _ATTRIBUTES if not hasattr(thing, name)]


def watches_batches(callback: Callback) -> bool:
    """Whether a callback does anything after a batch."""
    return getattr(type(callback), "on_batch_end", None) is not Callback.on_batch_end
