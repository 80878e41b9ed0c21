"""What watches one value of the history: whether it still improves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from autograd_core.errors import ConfigError
from autograd_core.options import COUNT, NON_NEGATIVE, Choice

from ..optimizer import State
from .callbacks import Callback, Run

__all__ = ["Monitoring"]

_SMALLER = ("loss", "error", "crossentropy", "cross_entropy", "divergence", "penalty", "mse", "mae")
_LARGER = ("accuracy", "precision", "recall", "f1", "auc", "score", "r2")


class Monitoring(Callback):
    """A callback that does something once a monitored value no longer improves.

    Parameters
    ----------
    monitor : str
        Name of a column of the history: ``"val_loss"``, ``"val_<metric>"``, ``"loss"`` …
    patience : int, ≥ 1
        Epochs in a row without improvement that are waited.
    min_delta : float, ≥ 0
        By how much a value must be better to count as better.
    mode : {"auto", "min", "max"}
        Whether smaller or larger is better; "auto" knows it from the name.

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
    """

    _shown: ClassVar[tuple[str, ...]] = ("monitor", "patience", "min_delta", "mode")

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        mode: Literal["auto", "min", "max"] = "auto",
    ) -> None:
        kind = type(self).__name__
        Choice(("auto", "min", "max")).check(f"{kind}: mode", mode)
        self.monitor = monitor
        self.patience = COUNT.check(f"{kind}: patience", patience)
        self.min_delta = NON_NEGATIVE.check(f"{kind}: min_delta", min_delta)
        self.mode = _direction(kind, monitor) if mode == "auto" else mode
        self._forget()

    def _forget(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.waited = 0

    def on_fit_begin(self, run: Run) -> None:
        """Start anew, if the monitored value will be there."""
        self._forget()
        if self.monitor not in run.monitors:
            held_out = self.monitor.startswith("val_") and not any(
                name.startswith("val_") for name in run.monitors
            )
            raise ConfigError(
                type(self).__name__,
                f"{self.monitor!r} will not be measured"
                f"{': there are no validation data' if held_out else ''}. Expected one of "
                f"{', '.join(run.monitors)}. "
                + (
                    "Pass fit(..., validation=...)."
                    if held_out
                    else "Change monitor, or pass metrics."
                ),
            )

    def improved(self, run: Run) -> bool:
        """Look at an epoch's value: whether it is the best so far. Otherwise it has waited one more."""
        if self.monitor not in run.logs:
            raise ConfigError(
                type(self).__name__,
                f"{self.monitor!r} was not measured in epoch {run.epoch}. Expected one of "
                f"{', '.join(run.logs)}.",
            )
        value = run.logs[self.monitor]
        sign = 1.0 if self.mode == "min" else -1.0
        better = self.best is None or sign * value < sign * self.best - self.min_delta
        if better and math.isfinite(value):
            self.best, self.best_epoch, self.waited = value, run.epoch, 0
            return True
        self.waited += 1
        return False

    def state_dict(self) -> State:
        """Best value and epoch, and how long it has waited."""
        scalars = {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited}
        return {"arrays": {}, "scalars": scalars}

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        self.best = state["scalars"]["best"]
        self.best_epoch = state["scalars"]["best_epoch"]
        self.waited = state["scalars"]["waited"]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shown)
        return f"{type(self).__name__}({values})"


def _direction(kind: str, monitor: str) -> str:
    if monitor.endswith(_SMALLER):
        return "min"
    if monitor.endswith(_LARGER):
        return "max"
    raise ConfigError(
        kind,
        f"whether {monitor!r} should be small or large does not show in its name. Pass "
        'mode="min" or mode="max".',
    )
