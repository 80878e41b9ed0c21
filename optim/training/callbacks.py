"""Callback: what may be done at the seams of a training run; Run: what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..optimizer import Optimizer, State
from .history import History
from .model import Model

__all__ = ["Callback", "Run"]


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
        The present batch, from 1, and how many an epoch has.
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
    stopped_by : str or None
        Why no further epoch will begin.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        rng: np.random.Generator,
        epochs: int,
        batches: int,
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
        self.batches = batches
        self.logs: dict[str, float] = {}
        self.history = History(seed)
        self.callbacks = tuple(callbacks)
        self.monitors = (*monitors, *(name for c in self.callbacks for name in c.provides))
        self.settings = settings
        self.stopped_by: str | None = None

    def stop(self, reason: str) -> None:
        """Ask that no further epoch begins; of several reasons the first stands."""
        if self.stopped_by is None:
            self.stopped_by = reason


class Callback:
    """Does something at the seams of a training run; override what is needed.

    `on_fit_end` is called however the run ends, exceptions and Ctrl-C included. A callback that
    remembers something between epochs says so in `state_dict`, so that a resumed run is the same
    as an uninterrupted one.

    Attributes
    ----------
    provides : tuple of str
        Names that it adds to ``run.logs`` at an epoch's end, for others to monitor.
    first_only : bool
        Whether of several processes (``fit(parallel=...)``) only the first calls it: so it is with what
        writes files or shows something. What changes the run is called by all.

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
    first_only = False

    def on_fit_begin(self, run: Run) -> None:
        """Before anything else; forget what an earlier run left."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, run: Run) -> None:
        """After an update."""

    def on_epoch_end(self, run: Run) -> None:
        """After validation."""

    def on_fit_end(self, run: Run) -> None:
        """After everything, however it ended."""

    def state_dict(self) -> State:
        """What it remembers, as named arrays and JSON values."""
        return {"arrays": {}, "scalars": {}}

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave; called after `on_fit_begin`."""
