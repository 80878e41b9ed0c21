"""Passes: Programs to Programs that compute the same with less.

Each is a function in a file of its own; `simplified` runs them in their order and says what each
came to.
"""

from __future__ import annotations

from typing import Any

from ...program import Program
from .algebra import cleaned
from .constants import folded
from .expansion import expanded
from .sharing import alive, shared

__all__ = ["PASSES", "alive", "cleaned", "expanded", "folded", "shared", "simplified"]

PASSES = (
    ("write out composites", expanded),
    ("share common subexpressions", shared),
    ("fold constants", folded),
    ("clean up algebra", cleaned),
    ("share again", shared),
    ("fold again", folded),
    ("drop dead code", alive),
)


def simplified(
    program: Program[Any], passes: Any = PASSES
) -> tuple[Program[Any], list[tuple[str, int]]]:
    """The program after all passes, or some of them, and the number of steps after each."""
    counts = [("as recorded", len(program))]
    for title, run in passes:
        program = run(program)
        counts.append((title, len(program)))
    return program, counts
