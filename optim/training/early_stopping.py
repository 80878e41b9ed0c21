"""Early stopping: end when held-out performance no longer improves, and give back the best weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, NON_NEGATIVE, Choice

from ..optimizer import State
from .callbacks import Callback, Run

__all__ = ["EarlyStopping"]

_SMALLER = ("loss", "error", "crossentropy", "cross_entropy", "divergence", "penalty", "mse", "mae")
_LARGER = ("accuracy", "precision", "recall", "f1", "auc", "score", "r2")


class EarlyStopping(Callback):
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
        Choice(("auto", "min", "max")).check("EarlyStopping: mode", mode)
        self.monitor = monitor
        self.patience = COUNT.check("EarlyStopping: patience", patience)
        self.min_delta = NON_NEGATIVE.check("EarlyStopping: min_delta", min_delta)
        self.mode = _direction(monitor) if mode == "auto" else mode
        self.restore_best = bool(restore_best)
        self._forget()

    def _forget(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.waited = 0
        self._weights: dict[str, Array] = {}

    def on_fit_begin(self, run: Run) -> None:
        """Start anew, if the monitored value will be there."""
        self._forget()
        if self.monitor not in run.monitors:
            held_out = self.monitor.startswith("val_") and not any(
                name.startswith("val_") for name in run.monitors
            )
            raise ConfigError(
                "EarlyStopping",
                f"{self.monitor!r} will not be measured"
                f"{': there are no validation data' if held_out else ''}. Expected one of "
                f"{', '.join(run.monitors)}. "
                + (
                    "Pass fit(..., validation=...)."
                    if held_out
                    else "Change monitor, or pass metrics."
                ),
            )
        run.history.monitor, run.history.mode = self.monitor, self.mode

    def on_epoch_begin(self, run: Run) -> None:
        """Stop a resumed run that had already been stopped."""
        if self.waited >= self.patience:
            run.stop("early stopping")

    def on_epoch_end(self, run: Run) -> None:
        """Store the weights if they are the best so far; otherwise wait, or stop."""
        if self.monitor not in run.logs:
            raise ConfigError(
                "EarlyStopping",
                f"{self.monitor!r} was not measured in epoch {run.epoch}. Expected one of "
                f"{', '.join(run.logs)}.",
            )
        value = run.logs[self.monitor]
        sign = 1.0 if self.mode == "min" else -1.0
        better = self.best is None or sign * value < sign * self.best - self.min_delta
        if better and math.isfinite(value):
            self.best, self.best_epoch, self.waited = value, run.epoch, 0
            if self.restore_best:
                self._weights = {k: np.array(v) for k, v in run.model.state_dict().items()}
        else:
            self.waited += 1
            if self.waited >= self.patience:
                run.stop("early stopping")

    def on_fit_end(self, run: Run) -> None:
        """Give the best weights back."""
        if self.restore_best and self.best_epoch is not None:
            run.model.load_state_dict(self._weights)

    def state_dict(self) -> State:
        """Best value, epoch and weights, and how long it has waited."""
        return {
            "arrays": {f"best.{name}": array for name, array in self._weights.items()},
            "scalars": {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited},
        }

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        self._weights = {name.removeprefix("best."): a for name, a in state["arrays"].items()}
        self.best = state["scalars"]["best"]
        self.best_epoch = state["scalars"]["best_epoch"]
        self.waited = state["scalars"]["waited"]

    def __repr__(self) -> str:
        names = ("monitor", "patience", "min_delta", "mode", "restore_best")
        return f"EarlyStopping({', '.join(f'{n}={getattr(self, n)!r}' for n in names)})"


def _direction(monitor: str) -> str:
    if monitor.endswith(_SMALLER):
        return "min"
    if monitor.endswith(_LARGER):
        return "max"
    raise ConfigError(
        "EarlyStopping",
        f"whether {monitor!r} should be small or large does not show in its name. Pass "
        'mode="min" or mode="max".',
    )
