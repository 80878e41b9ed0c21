"""What a product is of: matrices in memory, and what is done where a part of the result is complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..assembly import Code, V

__all__ = ["BYTES", "Epilogue", "Operand", "Strides"]

BYTES = {"float": 4, "double": 8}
Strides = tuple[int, int]
Epilogue = Callable[[Code, V, V, V, int, V, int], None]


class Operand(NamedTuple):
    """A matrix in memory.

    Attributes
    ----------
    pointer : V
    rows, columns : int
        Elements from one row to the next, and from one column to the next.
    """

    pointer: V
    rows: int
    columns: int

    @property
    def transposed(self) -> Operand:
        """The same memory, rows as columns."""
        return Operand(self.pointer, self.columns, self.rows)
