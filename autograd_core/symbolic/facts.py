"""Facts that a proof may use, declared by name and listed in its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError
from ..tensors import Tensor

__all__ = ["Facts", "SumsTo", "sums_to", "sums_to_one"]


@dataclass(frozen=True)
class SumsTo:
    """An array's sum over an axis is the same number everywhere.

    Attributes
    ----------
    array : Tensor or str
        A leaf, or the name of an input.
    axis : int
    value : int
    """

    array: Any
    axis: int
    value: int

    def __str__(self) -> str:
        name = self.array if isinstance(self.array, str) else self.array.name or "an array"
        return f"{name} sums to {self.value} over axis {self.axis}"


# Facts of a program's inputs, each with the name that the input has in the proof.
Facts = Sequence[tuple[str, SumsTo]]


def sums_to(array: Tensor | str, axis: int, value: int) -> SumsTo:
    """The fact that ``array`` sums to ``value`` over ``axis``.

    Parameters
    ----------
    array : Tensor or str
        A leaf that the statement is made of, or the name of an input of a function.
    axis : int
    value : int

    Raises
    ------
    ConfigError
        If the array has no such axis, or is computed.
    """
    if isinstance(array, Tensor):
        if array._op is not None:
            raise ConfigError(
                "sums_to: expected a leaf; received a computed tensor. State the fact of what it is "
                "computed from, or prove it with prove.equal."
            )
        if not -array.ndim <= axis < array.ndim:
            raise ConfigError(f"sums_to: axis {axis} is not among the {array.ndim} of the array.")
        axis %= array.ndim
    return SumsTo(array, axis, value)


def sums_to_one(array: Tensor | str, axis: int) -> SumsTo:
    """The fact that ``array`` sums to 1 over ``axis``: rows of probabilities, one-hot labels."""
    return sums_to(array, axis, 1)
