"""The C library's functions, lane after lane: for what is rare in a training step."""

from __future__ import annotations

from collections.abc import Callable

from ..assembly import Code, V, element, lanes

__all__ = ["library", "library_of_two", "per_lane"]


def per_lane(code: Code, name: str, *operands: V) -> V:
    """C's function ``name`` (double's name; ``f`` is added for float) of every lane."""
    kind, base = operands[0].type, element(operands[0].type)
    full = name + "f" * (base == "float")
    if lanes(kind) == 1:
        return code.invoke(full, base, *operands)
    result = V("poison", kind)  # every lane of it is written below
    for i in range(lanes(kind)):
        parts = [code.emit(base, f"extractelement {x}, i64 {i}") for x in operands]
        y = code.invoke(full, base, *parts)
        result = code.emit(kind, f"insertelement {result}, {y}, i64 {i}")
    return result


def library(name: str) -> Callable[[Code, V], V]:
    """The function of one operand that calls C's ``name``."""

    def function(code: Code, x: V) -> V:
        return per_lane(code, name, x)

    return function


def library_of_two(name: str) -> Callable[[Code, V, V], V]:
    """The function of two operands that calls C's ``name``."""

    def function(code: Code, a: V, b: V) -> V:
        return per_lane(code, name, a, b)

    return function
