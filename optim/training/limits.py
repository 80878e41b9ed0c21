"""What ends a run before its time, in good order: the clock, and numbers that are no longer finite."""

from __future__ import annotations

import time

from autograd_core.errors import AnomalyError
from autograd_core.options import POSITIVE

from .callbacks import Callback, Run

__all__ = ["StopOnNonFinite", "TimeLimit"]


class TimeLimit(Callback):
    """End a run after the batch in which its time is up; a checkpoint holds where it was.

    Parameters
    ----------
    seconds : float, > 0
        From the beginning of this run; a resumed run has its own.

    Raises
    ------
    ConfigError
        If it is no positive number.

    Examples
    --------
    >>> TimeLimit(3600)
    TimeLimit(3600.0)
    """

    every_batch = False

    def __init__(self, seconds: float) -> None:
        self.seconds = POSITIVE.check("TimeLimit: seconds", seconds)
        self._end = 0.0

    def on_fit_begin(self, run: Run) -> None:
        """Start the clock."""
        self._end = time.monotonic() + self.seconds

    def on_batch_end(self, run: Run) -> None:
        """Look at the clock."""
        if time.monotonic() >= self._end:
            run.stop("time limit", now=True)

    def on_epoch_end(self, run: Run) -> None:
        """Look at it after validation, too."""
        if time.monotonic() >= self._end:
            run.stop("time limit")

    def __repr__(self) -> str:
        return f"TimeLimit({self.seconds!r})"


class StopOnNonFinite(Callback):
    """End a run in good order, instead of by an error, where a loss or a gradient is not finite.

    The parameters are those before that batch, the history has the epochs before, and the best weights come
    back: for a search over settings, of which some diverge. `fit` raises an AnomalyError without it.

    Attributes
    ----------
    error : AnomalyError or None
        What it was; ``history.stopped_by`` says "not finite".
    """

    def __init__(self) -> None:
        self.error: AnomalyError | None = None

    def on_fit_begin(self, run: Run) -> None:
        """Forget what was."""
        self.error = None

    def on_anomaly(self, run: Run, error: AnomalyError) -> bool:
        """Take it as an end."""
        self.error = error
        run.stop("not finite")
        return True

    def __repr__(self) -> str:
        return "StopOnNonFinite()"
