"""What a shelf has to offer: the operations on arrays that expressions are lowered to.

`tensor_shelf` computes with them, `sources` writes them down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import sympy

from ..functions import Function

__all__ = ["Shelf"]

V = TypeVar("V")


class Shelf(Protocol[V]):
    """The operations that expressions are lowered to."""

    def number(self, value: Any) -> V:
        """A rational number, or pi or e."""

    def size(self, n: sympy.Expr) -> V:
        """A size that stands as a number."""

    def add(self, terms: Sequence[tuple[bool, V]]) -> V:
        """A sum; True where a term is taken away."""

    def multiply(self, above: Sequence[V], below: Sequence[V]) -> V:
        """A quotient of products."""

    def power(self, base: V, exponent: Any) -> V:
        """A power with a rational exponent above 0, or one that is a value."""

    def call(self, f: Function, *values: V) -> V:
        """A function of scalars, at every element."""

    def where(self, condition: V, a: V, b: V) -> V:
        """``a`` where the condition holds, ``b`` elsewhere."""

    def layout(self, x: V, order: Sequence[int], new: Sequence[int], ndim: int) -> V:
        """Axes in another order, then new ones of size 1 at these places."""

    def entry(self, x: V, places: Sequence[int | None]) -> V:
        """The part of ``x`` at these numbers along its axes; None keeps an axis."""

    def total(self, x: V, axes: tuple[int, ...], ndim: int) -> V:
        """The sum over axes."""

    def einsum(self, subscripts: str, values: Sequence[V]) -> V:
        """A sum of products, NumPy's einsum."""

    def largest(self, x: V, axes: tuple[int, ...]) -> V:
        """The largest element over axes."""

    def logsumexp(self, x: V, axes: tuple[int, ...]) -> V:
        """log Σ exp(x) over axes, which does not overflow."""

    def rows(self, x: V, labels: V) -> V:
        """``x`` at labels along its first axis."""

    def along(self, x: V, labels: V, sizes: Sequence[sympy.Expr]) -> V:
        """``x`` at labels along its last axis, which goes; ``sizes`` are those of the others."""

    def count(self, n: sympy.Expr) -> V:
        """0, 1, …, n - 1."""

    def eye(self, n: sympy.Expr) -> V:
        """The identity matrix."""

    def stretched(self, x: V, sizes: Sequence[sympy.Expr]) -> V:
        """``x`` repeated to these sizes."""
