"""What a product is of: matrices in memory, and what is done where a part of the result is complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..assembly import Code, V

__all__ = ["BYTES", "Epilogue", "Operand", "Round", "Strides", "turned"]

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


class Round(NamedTuple):
    """Steps of k whose places are no multiples of one stride: so many rounds of those within.

    The windows of a convolution: a round for each channel, in it one for each row of a kernel, whose
    elements are the steps.

    Attributes
    ----------
    times : int
    a, b : int
        Elements from one round to the next, in A and in B.
    """

    times: int
    a: int
    b: int


def turned(rounds: tuple[Round, ...]) -> tuple[Round, ...]:
    """The rounds of the transposed product."""
    return tuple(Round(times, b, a) for times, a, b in rounds)
