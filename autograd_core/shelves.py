"""The two shelves that a VJP rule may be run by.

A rule is written once with ``xp``. With ``xp = ARRAYS`` its functions are the raw NumPy forwards:
the eager backward. With ``xp = TENSORS`` they are the public, recording functions: the backward
is itself a graph, to be differentiated again, drawn, proved or compiled. Declaring a primitive
(primitives.py) fills both.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ARRAYS", "TENSORS", "Shelf"]


class Shelf:
    """Functions by name; a rule that asks for one that is not there gets an error naming it."""

    def __init__(self, name: str) -> None:
        self.__dict__["shelf"] = name

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"xp.{name}: no primitive of that name is on the shelf {self.shelf}.")


ARRAYS = Shelf("ARRAYS")
TENSORS = Shelf("TENSORS")
