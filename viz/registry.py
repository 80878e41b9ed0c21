"""Figures by name: what `gradproof figure` draws, and what one contract test asks of all of them.

A figure makes a statement. It is drawn from a result that its example computes by running the
library, and it holds its own drawing to the statement: a test draws all of them, and then draws
them wrong, to see that they notice.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from autograd_core.errors import ConfigError

from .drawing.chart import Chart
from .drawing.drawing import Drawing

__all__ = ["FIGURES", "Figure", "captioned", "figure", "named"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Figure:
    """A picture with a statement.

    Attributes
    ----------
    name : str
        For the command line: "learning-rate".
    statement : str
        One sentence: what the picture of the example shows.
    make : callable
        Takes a result; gives a `Chart` or a `Drawing`.
    example : callable
        Computes a result, by running the library; quick, and the same each time.
    holds : callable
        Whether a picture shows what the statement says, judged by its data.
    """

    name: str
    statement: str
    make: Callable[[Any], Chart | Drawing]
    example: Callable[[], Any]
    holds: Callable[[Any], bool]

    def picture(self) -> Chart | Drawing:
        """The example, drawn, with the statement under it."""
        return captioned(self.make(self.example()), self.statement)


def captioned(picture: Chart | Drawing, words: str) -> Chart | Drawing:
    """A picture with a sentence under it."""
    if isinstance(picture, Chart):
        return replace(picture, caption=words)
    return picture.noted(words)


FIGURES: dict[str, Figure] = {}


def figure(
    name: str, *, statement: str, example: Callable[[], Any], holds: Callable[[Any], bool]
) -> Callable[[F], F]:
    """Register a function that draws a result, under a name; the attributes are those of `Figure`.

    Raises
    ------
    ConfigError
        If another function has the name.
    """

    def registered(make: F) -> F:
        holder = FIGURES.get(name)
        if holder is not None and holder.make.__module__ != make.__module__:
            raise ConfigError(
                "figure",
                f"the name {name!r} is taken twice, in {holder.make.__module__} and "
                f"{make.__module__}. Expected one figure for each name.",
            )
        FIGURES[name] = Figure(name, statement, make, example, holds)
        return make

    return registered


def named(name: str) -> Figure:
    """The figure of a name.

    Raises
    ------
    ConfigError
        If there is none; suggests what is close to it.
    """
    if name not in FIGURES:
        close = difflib.get_close_matches(name, FIGURES)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise ConfigError(
            "figure",
            f"there is no figure {name!r}. {hint}`gradproof figure --list` shows them all.",
        )
    return FIGURES[name]
