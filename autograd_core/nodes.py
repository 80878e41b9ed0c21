"""A node of the tape, as what lies below `Tensor` knows it: the walk, and what meets other libraries."""

from __future__ import annotations

from typing import Any, Protocol, Self, TypeVar

import numpy as np

from .context import Context

__all__ = ["N", "Node"]


class Node(Protocol):
    """What a tensor has for these modules; they work on whatever has it, and see `Tensor` alone.

    Attributes are described in `tensors.Tensor`.
    """

    name: str | None
    role: str | None
    requires_grad: bool
    _context: Context
    _grad: Any
    _inputs: Any
    _line: str | None
    _op: Any
    _params: dict[str, Any]
    _second: Any
    _seq: int
    _value: Any
    _written: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype."""

    @property
    def size(self) -> Any:
        """Number of elements."""

    @property
    def grad(self) -> Any:
        """The gradient, or None."""

    def detach(self) -> Self:
        """The same values, without history."""


N = TypeVar("N", bound=Node)  # in a function that gives back what it was given
