"""How a run shows where it is: a bar on a terminal, a bar in a notebook, or a line an epoch."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from autograd_core.markup import escaped

from .callbacks import Callback, Run

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Lines",
    "NotebookBar",
    "Progress",
    "TerminalBar",
    "clock",
    "in_notebook",
    "progress_of",
]

_PAUSE = 0.1  # seconds between two updates: an update takes as long as a small batch
_BAR = 10  # columns


def progress_of(verbose: int | bool | None) -> list[Callback]:
    """What shows a run, for the ``verbose`` of `fit`: one callback or none."""
    notebook = in_notebook()
    terminal = getattr(sys.stderr, "isatty", bool)()  # there is no such stream in some programs
    if verbose is None:
        verbose = 1 if notebook or terminal else 0
    if not verbose:
        return []
    if verbose == 1 and notebook:
        return [NotebookBar()]
    if verbose == 1 and terminal:
        return [TerminalBar()]
    return [Lines()]


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook; IPython is not imported for it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


class Progress(Callback):
    """Epoch, losses, held-out error, elapsed time, and how long it will take at most.

    The time left is that of the remaining epochs at the pace so far; early stopping may end the run
    before.
    """

    first_only = True

    def __init__(self) -> None:
        self._next = self._started = 0.0
        self._first: int | None = None
        self._values = ""

    def show(self, run: Run, done: int) -> None:
        """Show a run of which ``done`` batches are done."""

    def end(self, run: Run, text: str) -> None:
        """Show how the run ended: ``text`` if it ended before its time, else nothing."""

    def on_fit_begin(self, run: Run) -> None:
        """Start the clock."""
        self._started, self._first, self._values, self._next = time.monotonic(), None, "", 0.0

    def on_epoch_begin(self, run: Run) -> None:
        """Show which epoch begins."""
        done = (run.epoch - 1) * run.batches
        if self._first is None:  # not 0 where a run was resumed
            self._first = done
            self.show(run, done)

    def on_batch_end(self, run: Run) -> None:
        """Go on, a few times a second."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PAUSE
            self.show(run, (run.epoch - 1) * run.batches + run.batch)

    def on_epoch_end(self, run: Run) -> None:
        """Show the epoch's values."""
        error = "val_error" if "val_error" in run.logs else "error"
        shown = [name for name in ("loss", "val_loss", error) if name in run.logs]
        self._values = "  ".join(f"{name} {run.logs[name]:.3g}" for name in shown)
        self.show(run, run.epoch * run.batches)

    def on_fit_end(self, run: Run) -> None:
        """Say how the run ended."""
        text = ""
        if run.stopped_by not in (None, "epochs"):
            best = run.history.best_epoch
            text = f"Stopped by {run.stopped_by} in epoch {run.epoch} of {run.epochs}"
            text += f"; the best epoch was {best}." if best else "."
        self.end(run, text)

    def parts(self, run: Run, done: int) -> tuple[str, str, str]:
        """Epoch, values and times as text."""
        elapsed = time.monotonic() - self._started
        times = clock(elapsed)
        before, total = self._first or 0, run.epochs * run.batches
        if before < done < total:
            times += f", {clock(elapsed * (total - done) / (done - before))} left"
        return f"epoch {run.epoch}/{run.epochs}", self._values, times


class TerminalBar(Progress):
    """All of it in one line of a terminal, which is written over and over.

    Parameters
    ----------
    console : rich.console.Console, optional
        Default: the standard error stream.
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        # Loaded here, since importing rich takes longer than importing all of optim.
        from rich.console import Console
        from rich.progress import BarColumn, Progress as Bars, TextColumn

        self._console = console or Console(stderr=True)
        self._column = BarColumn(bar_width=_BAR)
        self._bars = Bars(
            TextColumn("{task.fields[epoch]}", markup=False),
            self._column,
            TextColumn("{task.fields[values]}", markup=False),
            console=self._console,
        )

    def on_fit_begin(self, run: Run) -> None:
        """Show the bar."""
        super().on_fit_begin(run)
        self._task = self._bars.add_task(
            "", total=run.epochs * run.batches or None, epoch=f"epoch 1/{run.epochs}", values=""
        )
        self._bars.start()

    def show(self, run: Run, done: int) -> None:
        """Move the bar, which takes the room that the numbers leave."""
        epoch, *rest = self.parts(run, done)
        values = "  ".join(filter(None, rest))
        room = self._console.width - len(epoch) - len(values) - 2
        self._column.bar_width = min(_BAR, room) if room > 1 else 0
        total = run.epochs * run.batches or None  # of a stream it is known after its first epoch
        self._bars.update(self._task, total=total, completed=done, epoch=epoch, values=values)

    def end(self, run: Run, text: str) -> None:
        """Leave the bar as it is, and say why, if the run ended early."""
        self._bars.stop()
        if text:
            self._console.print(text, markup=False, highlight=False)


class NotebookBar(Progress):
    """The same as one output of a notebook's cell; needs no widgets."""

    def __init__(self) -> None:
        super().__init__()
        self._handle: Any = None

    def show(self, run: Run, done: int) -> None:
        """Show, or replace what was shown."""
        text = "  ".join(filter(None, self.parts(run, done)))
        self._display(text, done, run.epochs * run.batches)

    def _display(self, text: str, done: int, total: int) -> None:
        from IPython.display import display  # type: ignore[import-not-found, unused-ignore]

        part = f' max="{total}" value="{done}"' if total else ""  # without, it moves to and fro
        bar = f'<progress style="vertical-align: middle"{part}></progress>'
        style = "font-family: monospace; white-space: pre-wrap"
        data = {
            "text/plain": text,
            "text/html": f'<div style="{style}">{bar} {escaped(text)}</div>',
        }
        if self._handle is None:
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def end(self, run: Run, text: str) -> None:
        """Say why, if the run ended early; the next run has an output of its own."""
        if text:
            print(text)  # noqa: T201 - a line of the cell's output
        self._handle = None


class Lines(Progress):
    """A line at the end of each epoch, for logs: batch jobs, pipes, continuous integration.

    Parameters
    ----------
    stream : text file, optional
        Default: standard error; in a notebook, where that is shown in red, standard output.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream

    def on_epoch_begin(self, run: Run) -> None:
        """Note where a resumed run begins."""
        if self._first is None:
            self._first = (run.epoch - 1) * run.batches

    def on_batch_end(self, run: Run) -> None:
        """Nothing."""

    def show(self, run: Run, done: int) -> None:
        """Write a line."""
        self._write("  ".join(filter(None, self.parts(run, done))))

    def end(self, run: Run, text: str) -> None:
        """Write a last line, if the run ended early."""
        if text:
            self._write(text)

    def _write(self, text: str) -> None:
        stream = self._stream or (sys.stdout if in_notebook() else sys.stderr)
        stream.write(text + "\n")
        stream.flush()


def clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
