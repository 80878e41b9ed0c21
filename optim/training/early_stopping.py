"""Early stopping: end when held-out performance no longer improves, and give back the best weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from autograd_core.aliases import Array

from ..optimizer import State
from .callbacks import Run
from .monitoring import Monitoring

__all__ = ["EarlyStopping"]


class EarlyStopping(Monitoring):
    """Stop once a monitored value has not improved for ``patience`` epochs; keep the best weights.

    "Every time validation error improved, store a copy of the weights. When validation error not
    improved for some time, stop. Return the copy of the weights stored." [Early stopping]

    Parameters
    ----------
    monitor : str
        Name of a column of the history: ``"val_loss"``, ``"val_<metric>"``, ``"loss"`` …
    patience : int, ≥ 1
        Epochs in a row without improvement after which to stop. The slides' example has 200.
    min_delta : float, ≥ 0
        By how much a value must be better to count as better.
    mode : {"auto", "min", "max"}
        Whether smaller or larger is better; "auto" knows it from the name.
    restore_best : bool
        Give the model its state of the best epoch back at the end, parameters and buffers.

    Attributes
    ----------
    best : float or None
        Best value so far, and ``best_epoch``, counted from 1, where it was.
    waited : int
        Epochs since.

    Raises
    ------
    ConfigError
        If an option is outside its range; at the start of a run, if what is to be monitored will
        not be there: the message lists what will.

    Notes
    -----
    The best weights come back **however the run ends**: stopped here, by another callback or by
    Ctrl-C, epochs used up, or an exception. (Keras gives them back only if it was this callback
    that stopped the run.) The optimizer's slots stay as they are at the end.

    References
    ----------
    [Early stopping], [Early Stopping], [Other heuristics: Early stopping]. Prechelt (1998), Early
    stopping - but when?

    Examples
    --------
    >>> EarlyStopping(monitor="val_error", patience=200)
    EarlyStopping(monitor='val_error', patience=200, min_delta=0.0, mode='min', restore_best=True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        mode: Literal["auto", "min", "max"] = "auto",
        restore_best: bool = True,
    ) -> None:
        super().__init__(monitor, patience, min_delta, mode)
        self.restore_best = bool(restore_best)

    def _forget(self) -> None:
        super()._forget()
        self._weights: dict[str, Array] = {}

    def on_fit_begin(self, run: Run) -> None:
        """Start anew, if the monitored value will be there."""
        super().on_fit_begin(run)
        run.history.monitor, run.history.mode = self.monitor, self.mode

    def on_epoch_begin(self, run: Run) -> None:
        """Stop a resumed run that had already been stopped."""
        if self.waited >= self.patience:
            run.stop("early stopping")

    def on_epoch_end(self, run: Run) -> None:
        """Store the weights if they are the best so far; otherwise wait, or stop."""
        if self.improved(run):
            if self.restore_best:
                self._weights = {k: np.array(v) for k, v in run.model.state_dict().items()}
        elif self.waited >= self.patience:
            run.stop("early stopping")

    def on_fit_end(self, run: Run) -> None:
        """Give the best weights back."""
        if self.restore_best and self.best_epoch is not None:
            run.model.load_state_dict(self._weights)

    def state_dict(self) -> State:
        """Best value, epoch and weights, and how long it has waited."""
        arrays = {f"best.{name}": array for name, array in self._weights.items()}
        return {**super().state_dict(), "arrays": arrays}

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        super().load_state_dict(state)
        self._weights = {name.removeprefix("best."): a for name, a in state["arrays"].items()}

    _shown = (*Monitoring._shown, "restore_best")
