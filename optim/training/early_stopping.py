"""Early stopping: end when held-out performance no longer improves, and give back the best weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.options import COUNT

from ..optimizer import State
from .callbacks import Run
from .criteria import Criterion
from .monitoring import Monitoring

__all__ = ["EarlyStopping"]

_PATIENCE = 10


class EarlyStopping(Monitoring):
    """Stop once a monitored value has not improved for ``patience`` epochs; keep the best weights.

    "Every time validation error improved, store a copy of the weights. When validation error not
    improved for some time, stop. Return the copy of the weights stored." [Early stopping]

    Parameters
    ----------
    monitor : str
        Name of a column of the history: ``"val_loss"``, ``"val_<metric>"``, ``"loss"`` …
    patience : int, ≥ 0
        Epochs in a row without improvement after which to stop. The slides' example has 200. With 0 as with
        1 the first epoch without improvement is the last.
    min_delta : float, ≥ 0
        By how much a value must be better to count as better.
    mode : {"auto", "min", "max"}
        Whether smaller or larger is better; "auto" knows it from the name.
    restore_best : bool
        Give the model its state of the best epoch back at the end, parameters and buffers.
    criterion : Criterion, optional
        Instead of patience, Prechelt's: ``optim.GL(5)``, ``optim.PQ(0.5)``, ``optim.UP(3)``.
    every : int, ≥ 1, optional
        Evaluate and judge every so many updates, instead of after each epoch; patience and strips are then
        counted in these.

    Attributes
    ----------
    best : float or None
        Best value so far, and ``best_epoch``, counted from 1, where it was.
    best_updates : int or None
        After how many updates that was: "training step is the hyperparameter" [Early stopping], with which to
        train again on all data.
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
    that stopped the run, and only if ``restore_best_weights`` is set, erratum X30.) The optimizer's slots
    stay as they are at the end. A value of nan is no improvement; to criteria it is infinite.

    Of two of them, the last gives its weights back last.

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
        patience: int = _PATIENCE,
        min_delta: float = 0.0,
        mode: Literal["auto", "min", "max"] = "auto",
        restore_best: bool = True,
        criterion: Criterion | None = None,
        every: int | None = None,
    ) -> None:
        super().__init__(monitor, patience, min_delta, mode)
        self.restore_best = bool(restore_best)
        self.criterion = criterion
        self.every = None if every is None else COUNT.check("EarlyStopping: every", every)
        self.every_batch = every is not None
        if criterion is None:
            return
        if not callable(getattr(criterion, "ends", None)) or isinstance(criterion, type):
            raise ConfigError(
                "EarlyStopping",
                f"criterion: expected optim.GL, optim.PQ or optim.UP; received {criterion!r}. Pass optim.GL(5).",
            )
        if patience != _PATIENCE or min_delta:
            raise ConfigError(
                "EarlyStopping",
                "criterion: patience and min_delta are one criterion, and this is another. Expected one of "
                "them; received both.",
            )
        if criterion.of_errors and self.mode == "max":
            raise ConfigError(
                "EarlyStopping",
                f"{type(criterion).__name__} is about errors, which are to be small; {monitor!r} is to be large. "
                "Monitor a loss or an error, or pass optim.UP.",
            )

    def _forget(self) -> None:
        super()._forget()
        self.best_updates: int | None = None
        self._weights: dict[str, Array] = {}
        self._held_out: list[float] = []  # what a criterion judges by, smaller is better
        self._training: list[float] = []
        self._losses = [0.0, 0]  # since it was judged last: their sum, and how many

    def on_fit_begin(self, run: Run) -> None:
        """Start anew, if the monitored value will be there."""
        super().on_fit_begin(run)
        if self.every is not None and not (self.monitor.startswith("val_") and run.validate):
            raise ConfigError(
                "EarlyStopping",
                f"every: {self.monitor!r} is there after an epoch only. Expected what is measured on validation "
                "data, val_loss or val_<metric>. Leave out every, or change monitor.",
            )
        run.history.monitor, run.history.mode = self.monitor, self.mode

    @property
    def _ends(self) -> bool:
        if self.criterion is None:
            return self.waited_enough
        return bool(self._held_out) and self.criterion.ends(self._held_out, self._training)

    def on_epoch_begin(self, run: Run) -> None:
        """Stop a resumed run that had already been stopped."""
        if self._ends:
            run.stop("early stopping")

    def on_batch_end(self, run: Run) -> None:
        """Evaluate and judge, every so many updates."""
        if self.every is None:
            return
        self._losses[0] += run.logs["loss"]
        self._losses[1] += 1
        if run.optimizer.updates % self.every == 0 and run.validate is not None:
            self._judge(run, {"loss": self._losses[0] / self._losses[1], **run.validate()})
            self._losses = [0.0, 0]

    def on_epoch_end(self, run: Run) -> None:
        """Store the weights if they are the best so far; otherwise wait, or stop."""
        if self.every is None:
            self._judge(run, run.logs)

    def _judge(self, run: Run, logs: Mapping[str, float]) -> None:
        if self.improved(run, logs):
            self.best_updates = run.optimizer.updates
            if self.restore_best:
                self._weights = {k: np.array(v) for k, v in run.model.state_dict().items()}
        if self.criterion is not None:
            sign = 1.0 if self.mode == "min" else -1.0
            own = self.monitor.removeprefix("val_")
            self._held_out.append(sign * logs[self.monitor])
            self._training.append(logs.get(own, logs["loss"]))
        if self._ends:
            run.stop("early stopping", now=self.every is not None)

    def on_fit_end(self, run: Run) -> None:
        """Give the best weights back."""
        if self.restore_best and self.best_epoch is not None:
            run.model.load_state_dict(self._weights)

    def state_dict(self) -> State:
        """Best value, epoch and weights, and how long it has waited, or what a criterion judges by."""
        state = super().state_dict()
        state["scalars"]["best_updates"] = self.best_updates
        state["arrays"] = {f"best.{name}": array for name, array in self._weights.items()}
        if self.criterion is not None:
            state["arrays"] |= {
                "held_out": np.array(self._held_out, np.float64),
                "training": np.array(self._training, np.float64),
            }
        if self.every is not None:
            state["scalars"]["losses"] = list(self._losses)
        return state

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        super().load_state_dict(state)
        arrays, scalars = state["arrays"], state["scalars"]
        self.best_updates = scalars.get("best_updates")
        self._losses = list(scalars.get("losses", [0.0, 0]))
        self._held_out = arrays["held_out"].tolist() if "held_out" in arrays else []
        self._training = arrays["training"].tolist() if "training" in arrays else []
        prefix = "best."
        self._weights = {n[len(prefix) :]: a for n, a in arrays.items() if n.startswith(prefix)}

    _shown = (*Monitoring._shown, "restore_best")

    def __repr__(self) -> str:
        shown = super().__repr__()
        if self.criterion is not None:
            shown = (
                f"EarlyStopping(monitor={self.monitor!r}, criterion={self.criterion!r}, "
                f"mode={self.mode!r}, restore_best={self.restore_best!r})"
            )
        return shown if self.every is None else f"{shown[:-1]}, every={self.every})"
