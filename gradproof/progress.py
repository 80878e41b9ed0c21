"""The bar that says, on a terminal, how far a command has come."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["bar"]

WIDTH = 24  # characters of what is being worked on


@contextmanager
def bar(console: Console, total: int) -> Iterator[Callable[[str], None]]:
    """A bar for so many things, gone at the end; call what it gives with each one's name, before its work."""
    done = itertools.count()
    with Progress(
        TextColumn(f"{{task.description:<{WIDTH}}}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=total)

        def begin(name: str) -> None:
            progress.update(task, description=name[:WIDTH], completed=next(done))

        yield begin
