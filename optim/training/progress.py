"""A progress bar on the terminal, and silence anywhere else."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .callbacks import Callback, Run

__all__ = ["ProgressBar"]

_PAUSE = 0.1  # seconds between two updates: an update takes as long as a small batch


class ProgressBar(Callback):
    """Epoch, losses, held-out error and elapsed time of a run, in one line of 80 columns.

    Parameters
    ----------
    console : rich.console.Console, optional
        Default: the standard error stream.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[values]}"),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._next = 0.0

    @property
    def visible(self) -> bool:
        """Whether somebody is looking: the stream is a terminal."""
        return self._console.is_terminal

    def on_fit_begin(self, run: Run) -> None:
        """Show the bar."""
        self._task = self._bar.add_task(
            "", total=run.epochs * run.batches, epoch=0, epochs=run.epochs, values=""
        )
        self._bar.start()

    def on_epoch_begin(self, run: Run) -> None:
        """Show which epoch begins."""
        self._bar.update(self._task, epoch=run.epoch, completed=(run.epoch - 1) * run.batches)

    def on_batch_end(self, run: Run) -> None:
        """Move the bar, a few times a second."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PAUSE
            self._bar.update(self._task, completed=(run.epoch - 1) * run.batches + run.batch)

    def on_epoch_end(self, run: Run) -> None:
        """Show the epoch's values."""
        error = "val_error" if "val_error" in run.logs else "error"
        shown = [name for name in ("loss", "val_loss", error) if name in run.logs]
        values = "  ".join(f"{name} {run.logs[name]:.3g}" for name in shown)
        self._bar.update(self._task, completed=run.epoch * run.batches, values=values)

    def on_fit_end(self, run: Run) -> None:
        """Say how the run ended, if it ended before its time."""
        self._bar.stop()
        if run.stopped_by not in (None, "epochs"):
            best = run.history.best_epoch
            self._console.print(
                f"Stopped by {run.stopped_by} in epoch {run.epoch} of {run.epochs}"
                + (f"; the best epoch was {best}." if best else "."),
                markup=False,
                highlight=False,
            )
