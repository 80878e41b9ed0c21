"""How a search shows where it is: a bar on a terminal, or a line a trial."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from ..training.progress import clock, in_notebook

__all__ = ["Display", "display_of"]

_LONGEST = 60  # characters of a configuration or an error


def display_of(verbose: int | None) -> Display:
    """What shows a search, for its ``verbose``."""
    terminal = getattr(sys.stderr, "isatty", bool)()
    if verbose is None:
        verbose = 1 if terminal or in_notebook() else 0
    if not verbose:
        return Display()
    return Bar() if verbose == 1 and terminal and not in_notebook() else Lines()


class Display:
    """Shows nothing."""

    def begin(self, done: int, total: int) -> None:
        """Before the first trial: so many were there already."""
        self.done, self.total, self.failed = done, total, 0
        self._first, self._started = done, time.monotonic()

    def trial(self, row: Mapping[str, Any]) -> None:
        """A trial is finished."""
        self.done += 1
        self.failed += row["error"] is not None
        self.show(f"{self._where()}  {_short(row)}")

    def show(self, text: str) -> None:
        """Show a line."""

    def end(self, text: str) -> None:
        """Show how it ended."""

    def _where(self) -> str:
        elapsed = time.monotonic() - self._started
        left = elapsed * (self.total - self.done) / max(self.done - self._first, 1)
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done}/{self.total}{failed}, {clock(elapsed)}, {clock(left)} left"


class Lines(Display):
    """A line a trial."""

    def show(self, text: str) -> None:
        """Write it."""
        stream = sys.stdout if in_notebook() else sys.stderr
        stream.write(text + "\n")
        stream.flush()

    end = show


class Bar(Display):
    """A line of a terminal that is written over."""

    def begin(self, done: int, total: int) -> None:
        """Show the bar."""
        super().begin(done, total)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bars = Progress(
            BarColumn(20),
            TextColumn("{task.fields[text]}", markup=False),
            console=Console(stderr=True),
        )
        self._task = self._bars.add_task("", total=total, completed=done, text=f"{done}/{total}")
        self._bars.start()

    def show(self, text: str) -> None:
        """Move it."""
        self._bars.update(self._task, completed=self.done, text=text)

    def end(self, text: str) -> None:
        """Leave it as it is."""
        self._bars.stop()
        if text:
            self._bars.console.print(text, markup=False, highlight=False)


def _short(row: Mapping[str, Any]) -> str:
    config = " ".join(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
                      for name, value in row["config"].items())  # fmt: skip
    found = row["error"] or " ".join(f"{name} {value:.4g}" for name, value in row["values"].items())
    return "  ".join(
        t if len(t) <= _LONGEST else t[: _LONGEST - 1] + "…"
        for t in (config, found.partition("\n")[0])
    )
