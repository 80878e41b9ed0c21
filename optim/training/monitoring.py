"""What watches one value of the history: whether it still improves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from autograd_core.errors import ConfigError
from autograd_core.options import NON_NEGATIVE, Choice, Whole

from ..optimizer import State
from .callbacks import Callback, Run

__all__ = ["Monitoring", "check_monitor", "check_rate", "measured"]

_SMALLER = ("loss", "error", "crossentropy", "cross_entropy", "divergence", "penalty", "mse", "mae")
_LARGER = ("accuracy", "precision", "recall", "f1", "auc", "score", "r2")


class Monitoring(Callback):
    """A callback that does something once a monitored value no longer improves.

    Parameters
    ----------
    monitor : str
        Name of a column of the history: ``"val_loss"``, ``"val_<metric>"``, ``"loss"`` …
    patience : int, ≥ 0
        Epochs in a row without improvement that are waited: with 0 as with 1 the first of them is acted on.
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
        self.monitor = checked_name(kind, monitor)
        self.patience = Whole().check(f"{kind}: patience", patience)
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
        check_monitor(type(self).__name__, self.monitor, run)

    @property
    def waited_enough(self) -> bool:
        """Whether ``patience`` is used up."""
        return self.waited >= max(1, self.patience)

    def improved(self, run: Run, logs: Mapping[str, float] | None = None) -> bool:
        """Look at an epoch's value: whether it is the best so far. Otherwise it has waited one more."""
        value = measured(type(self).__name__, self.monitor, run, logs)
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


def checked_name(kind: str, monitor: str) -> str:
    """What is to be monitored, if it may be the name of a column.

    Raises
    ------
    ConfigError
        If it is no string.
    """
    if not isinstance(monitor, str):
        raise ConfigError(
            kind,
            f"monitor: expected the name of what is measured, such as 'val_loss'; received {monitor!r:.60}.",
        )
    return monitor


def check_monitor(kind: str, monitor: str, run: Run) -> None:
    """Refuse a monitor that a run will not measure.

    Raises
    ------
    ConfigError
        Lists what it will, and says so if there are no validation data.
    """
    if monitor in run.monitors:
        return
    held_out = str(monitor).startswith("val_") and run.validate is None
    raise ConfigError(
        kind,
        f"{monitor!r} will not be measured"
        f"{': there are no validation data' if held_out else ''}. Expected one of "
        f"{', '.join(run.monitors)}. "
        + ("Pass fit(..., validation=...)." if held_out else "Change monitor, or pass metrics."),
    )


def check_rate(kind: str, run: Run) -> None:
    """Refuse an optimizer without a learning rate, before a run that would ask for it.

    Raises
    ------
    ConfigError
        Lists the numbers that there are.
    """
    for group in run.optimizer.param_groups:
        if "lr" not in group:
            raise ConfigError(
                kind,
                f"expected an optimizer with a learning rate, lr; received {type(run.optimizer).__name__}, which has "
                f"{', '.join(group)}. Leave {kind} out, or give one of these a schedule.",
            )


def measured(kind: str, monitor: str, run: Run, logs: Mapping[str, float] | None = None) -> float:
    """A value of this epoch.

    Raises
    ------
    ConfigError
        If it is not there, though somebody promised it.
    """
    logs = run.logs if logs is None else logs
    if monitor not in logs:
        raise ConfigError(
            kind,
            f"{monitor!r} was not measured in epoch {run.epoch}. Expected one of {', '.join(logs)}.",
        )
    return logs[monitor]


def direction(monitor: str) -> str | None:
    """Whether small ("min") or large ("max") is good, if the name says it."""
    if monitor.endswith(_SMALLER):
        return "min"
    return "max" if monitor.endswith(_LARGER) else None


def _direction(kind: str, monitor: str) -> str:
    found = direction(monitor)
    if found is not None:
        return found
    raise ConfigError(
        kind,
        f"whether {monitor!r} should be small or large does not show in its name. Pass "
        'mode="min" or mode="max".',
    )
