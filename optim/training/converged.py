"""Until Err has converged: the stopping rule of every procedure on the slides, with a tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograd_core.options import COUNT, NON_NEGATIVE

from ..optimizer import State
from .callbacks import Callback, Run
from .monitoring import check_monitor, checked_name, measured

__all__ = ["Converged"]


class Converged(Callback):
    """Stop once a value has changed by no more than a tolerance from epoch to epoch.

    "Until Err has converged" ends the procedures of [Incremental Update: Stochastic Gradient Descent] and those
    after it, which do not say when that is.

    Parameters
    ----------
    tolerance : float, ≥ 0
        |Err_k − Err_(k−1)| ≤ tolerance counts as no change; with 0 it must be the same number.
    monitor : str
        Name of a column of the history; the slides' Err is ``"loss"``.
    epochs : int, ≥ 1
        For how many epochs in a row.
    relative : bool
        Whether the tolerance is a share of |Err_(k−1)|.

    Raises
    ------
    ConfigError
        If an option is outside its range; at the start of a run, if what is to be monitored will not be there.

    Notes
    -----
    A small change is no small gradient: at a rate that decays fast, everything seems to converge. A value of
    nan has not converged. Early stopping waits for held-out error to rise; this for any value to stand still.

    Examples
    --------
    >>> Converged(1e-6)
    Converged(1e-06, monitor='loss', epochs=1, relative=False)
    """

    def __init__(
        self, tolerance: float, monitor: str = "loss", epochs: int = 1, relative: bool = False
    ) -> None:
        self.tolerance = NON_NEGATIVE.check("Converged: tolerance", tolerance)
        self.monitor = checked_name("Converged", monitor)
        self.epochs = COUNT.check("Converged: epochs", epochs)
        self.relative = bool(relative)
        self._last: float | None = None
        self._still = 0

    def on_fit_begin(self, run: Run) -> None:
        """Start anew, if the monitored value will be there."""
        check_monitor("Converged", self.monitor, run)
        self._last, self._still = None, 0

    def on_epoch_begin(self, run: Run) -> None:
        """Stop a resumed run that had converged."""
        if self._still >= self.epochs:
            run.stop("converged")

    def on_epoch_end(self, run: Run) -> None:
        """Compare with the epoch before."""
        value, last = measured("Converged", self.monitor, run), self._last
        self._last = value
        scale = abs(last) if self.relative and last is not None else 1.0
        close = last is not None and abs(value - last) <= self.tolerance * scale
        self._still = self._still + 1 if close else 0
        if self._still >= self.epochs:
            run.stop("converged")

    def state_dict(self) -> State:
        """The last value, and for how long it has stood still."""
        # In hexadecimal: nan and infinity are no JSON.
        last = None if self._last is None else float(self._last).hex()
        return {"arrays": {}, "scalars": {"last": last, "still": self._still}}

    def load_state_dict(self, state: State | Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        last = state["scalars"]["last"]
        self._last = None if last is None else float.fromhex(last)
        self._still = state["scalars"]["still"]

    def __repr__(self) -> str:
        return (
            f"Converged({self.tolerance!r}, monitor={self.monitor!r}, epochs={self.epochs}, "
            f"relative={self.relative})"
        )
