"""A learning rate that is lowered where training stands still."""

from __future__ import annotations

from typing import Literal

from autograd_core.options import NON_NEGATIVE, Interval

from .callbacks import Run
from .monitoring import Monitoring, check_rate

__all__ = ["ReduceOnPlateau"]


class ReduceOnPlateau(Monitoring):
    """η ← αη once a monitored value has not improved for ``patience`` epochs; then wait anew.

    "Train with a fixed learning rate η until loss (or performance on a held-out data set) stagnates;
    η ← αη; return to step 1 and continue training from where we left off." [Decaying learning rate]

    Parameters
    ----------
    monitor : str
        Name of a column of the history: ``"val_loss"``, ``"val_<metric>"``, ``"loss"`` …
    factor : float, in (0, 1)
        α, 0.1 on the slide.
    patience : int, ≥ 0
        Epochs in a row without improvement after which to lower it; 0 is as 1. A value of nan is no
        improvement.
    min_lr : float, ≥ 0
        A number is not lowered below this.
    min_delta : float, ≥ 0
        By how much a value must be better to count as better.
    mode : {"auto", "min", "max"}
        Whether smaller or larger is better; "auto" knows it from the name.

    Raises
    ------
    ConfigError
        As `EarlyStopping`; and if the optimizer has no learning rate.

    Notes
    -----
    It looks at results, so it is no `Schedule`: it sets ``lr`` in every group of the optimizer, which
    saves it. Where that is a schedule, the whole schedule is scaled, whatever ``min_lr``.

    Examples
    --------
    >>> ReduceOnPlateau(monitor="val_error", patience=5)
    ReduceOnPlateau(monitor='val_error', patience=5, min_delta=0.0, mode='min', factor=0.1, min_lr=0.0)
    """

    _shown = (*Monitoring._shown, "factor", "min_lr")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        min_lr: float = 0.0,
        min_delta: float = 0.0,
        mode: Literal["auto", "min", "max"] = "auto",
    ) -> None:
        super().__init__(monitor, patience, min_delta, mode)
        inner = Interval(0.0, 1.0, open_low=True)
        self.factor = inner.check("ReduceOnPlateau: factor", factor)
        self.min_lr = NON_NEGATIVE.check("ReduceOnPlateau: min_lr", min_lr)

    def on_fit_begin(self, run: Run) -> None:
        """Start anew, if there is a rate to lower."""
        super().on_fit_begin(run)
        check_rate(type(self).__name__, run)

    def on_epoch_end(self, run: Run) -> None:
        """Lower the rate if it has waited long enough."""
        if self.improved(run) or not self.waited_enough:
            return
        self.waited = 0
        for group in run.optimizer.param_groups:
            rate = group["lr"] * self.factor
            # Not raised, where it was below from the start.
            group["lr"] = (
                max(rate, min(self.min_lr, group["lr"])) if isinstance(rate, float) else rate
            )
