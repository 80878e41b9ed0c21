"""What writes a run down: a table in a file, a folder for TensorBoard, dots on the screen."""

from __future__ import annotations

import csv
import io
import os
import sys
import time
from typing import Any, TextIO

from autograd_core import files
from autograd_core.errors import CheckpointError, MissingDependencyError
from autograd_core.options import COUNT

from .callbacks import Callback, Run
from .history import History

__all__ = ["CSVLogger", "EpochDots", "TensorBoard"]


class CSVLogger(Callback):
    """A row for each epoch in a text file, with commas between: ``epoch`` and the columns of the history.

    Parameters
    ----------
    path : path-like
        The file. A new run replaces it.

    Raises
    ------
    CheckpointError
        If the file cannot be written.

    Notes
    -----
    What is appended is the row of each new epoch. What is rewritten is the whole file, at the first row of a run
    and where a column is new: a resumed run writes the rows up to its checkpoint as the checkpoint has them, so
    that rows which a killed run had written after it are gone, and none is there twice. (Keras's
    ``append=True`` keeps both.) Numbers are written so that they are read back the same; a missing one is "nan".

    Examples
    --------
    >>> CSVLogger("run.csv")
    CSVLogger('run.csv')
    """

    records = True
    first_only = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = files.checked_path("CSVLogger", path)
        self._columns: list[str] | None = None

    def on_fit_begin(self, run: Run) -> None:
        """Forget what an earlier run wrote."""
        self._columns = None

    def on_epoch_end(self, run: Run) -> None:
        """Append a row, or write the file anew."""
        history = run.history
        try:
            if list(history) == self._columns:
                with open(self.path, "a", encoding="utf-8", newline="") as file:
                    file.write(_text(history, history.epochs - 1, head=False))
            else:
                files.write(self.path, _text(history, 0, head=True))
                self._columns = list(history)
        except OSError as error:
            raise CheckpointError(
                "CSVLogger",
                f"{self.path}: cannot be written: {error.strerror or error}. Check the folder and the space "
                "that is left.",
            ) from error

    def __repr__(self) -> str:
        return f"CSVLogger({self.path!r})"


def _text(history: History, start: int, head: bool) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    if head:
        writer.writerow(["epoch", *history])
    for n in range(start, history.epochs):
        writer.writerow([n + 1, *(repr(column[n]) for column in history.values())])
    return file.getvalue()


class TensorBoard(Callback):
    """The columns of the history as curves over epochs, in a folder that TensorBoard shows.

    Parameters
    ----------
    logdir : path-like
        The folder; Keras calls it ``log_dir``, against the slide (erratum X30).

    Raises
    ------
    MissingDependencyError
        At the start of a run, if tensorboardX is not installed: the extra is ``tensorboard``.

    Notes
    -----
    A resumed run writes a file of its own into the folder, and TensorBoard is told to leave out what an earlier
    file has from that epoch on.

    References
    ----------
    [Early Stopping]: ``TensorBoard(logdir=name)``.

    Examples
    --------
    >>> TensorBoard(logdir="runs/first")
    TensorBoard(logdir='runs/first')
    """

    records = True
    first_only = True

    def __init__(self, logdir: str | os.PathLike[str]) -> None:
        self.logdir = files.checked_path("TensorBoard: logdir", logdir)
        self._writer: Any = None

    def on_fit_begin(self, run: Run) -> None:
        """Ask for the package; nothing is written yet."""
        self._close()
        try:
            import tensorboardX  # noqa: F401
        except ImportError as error:
            raise MissingDependencyError(
                "TensorBoard",
                'it writes by tensorboardX, which is not installed. Install the extra: pip install "gradproof[tensorboard]".',
            ) from error

    def on_epoch_end(self, run: Run) -> None:
        """Write the epoch's row."""
        if self._writer is None:
            from tensorboardX import SummaryWriter

            # By itself a name has the second in which a file was begun: the next run's may be the same.
            suffix = f".{time.time_ns()}.{os.getpid()}"
            try:
                self._writer = SummaryWriter(
                    self.logdir, purge_step=run.epoch, filename_suffix=suffix
                )
            except OSError as error:
                raise CheckpointError(
                    "TensorBoard",
                    f"logdir {self.logdir}: cannot be written: {error.strerror or error}. Choose another folder.",
                ) from error
        for name, column in run.history.items():
            self._writer.add_scalar(name, column[-1], run.epoch)
        self._writer.flush()

    def on_fit_end(self, run: Run) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __repr__(self) -> str:
        return f"TensorBoard(logdir={self.logdir!r})"


class EpochDots(Callback):
    """A dot for each epoch, and now and then a line with its numbers.

    Parameters
    ----------
    report_every : int, ≥ 1
        A line for the first epoch and each so many after it.
    dot_every : int, ≥ 1
    stream : text file, optional
        Default: standard output.

    References
    ----------
    [Early Stopping]: ``EpochDots()``, of ``tensorflow_docs.modeling``.
    """

    records = True
    first_only = True

    def __init__(
        self, report_every: int = 100, dot_every: int = 1, stream: TextIO | None = None
    ) -> None:
        self.report_every = COUNT.check("EpochDots: report_every", report_every)
        self.dot_every = COUNT.check("EpochDots: dot_every", dot_every)
        self._stream = stream

    def on_epoch_end(self, run: Run) -> None:
        """Write a dot, or a line before it."""
        stream = self._stream or sys.stdout
        if (run.epoch - 1) % self.report_every == 0:
            values = ", ".join(f"{name}: {column[-1]:.4f}" for name, column in run.history.items())
            stream.write(f"\nEpoch {run.epoch}, {values}\n")
        if (run.epoch - 1) % self.dot_every == 0:
            stream.write(".")
        stream.flush()

    def on_fit_end(self, run: Run) -> None:
        """End the line."""
        if run.history.epochs:
            (self._stream or sys.stdout).write("\n")

    def __repr__(self) -> str:
        return f"EpochDots(report_every={self.report_every}, dot_every={self.dot_every})"
