"""Shapes of ints and symbolic dims: arithmetic, broadcasting, axes.

A `Dim` is a positive integer without a value yet: a polynomial in named sizes with integer
coefficients. Shapes may mix ints and Dims, so one trace of a function stands for every batch size.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

from .aliases import Axis, Size
from .errors import CaptureError, ConfigError, OutOfRangeError, ShapeError

__all__ = ["Dim", "Shape", "broadcast", "count", "dims", "normalise_axes", "reduced", "substitute"]

Shape = tuple[Size, ...]
_Monomial = tuple[str, ...]


class Dim:
    """A symbolic size: a polynomial in named positive integers.

    Parameters
    ----------
    terms : mapping of tuple of str to int
        Coefficient of each monomial; ``{("B",): 2, (): 1}`` is 2B + 1.

    Notes
    -----
    ``+ - *`` and exact ``//`` give Dims (or ints); ``==`` compares polynomials. ``int(dim)``, ``<``
    and every other question that needs a value raises CaptureError. As an operand of a Tensor it
    is an exact number: ``total / B``.
    """

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[_Monomial, int]) -> None:
        self.terms: dict[_Monomial, int] = {m: c for m, c in sorted(terms.items()) if c}
        self._hash = hash(tuple(self.terms.items()))

    @classmethod
    def named(cls, name: str) -> Dim:
        """A size of its own, by name."""
        if not name.isidentifier():
            raise ConfigError(f"dims: {name!r} is not a name. Use letters, digits, underscores.")
        return cls({(name,): 1})

    @property
    def names(self) -> frozenset[str]:
        """The named sizes that it is made of."""
        return frozenset(n for monomial in self.terms for n in monomial)

    def substitute(self, sizes: Mapping[str, int]) -> Size:
        """The value under ``sizes`` (name to int); a Dim if some name is not among them."""
        total: Size = 0
        for monomial, coefficient in self.terms.items():
            product: Size = coefficient
            for name in monomial:
                product = product * (sizes[name] if name in sizes else Dim.named(name))
            total = total + product
        return total

    def __add__(self, other: Any) -> Any:
        terms = _terms(other)
        if terms is None:
            return NotImplemented
        merged = dict(self.terms)
        for monomial, coefficient in terms.items():
            merged[monomial] = merged.get(monomial, 0) + coefficient
        return _simplest(merged)

    def __mul__(self, other: Any) -> Any:
        terms = _terms(other)
        if terms is None:
            return NotImplemented
        product: dict[_Monomial, int] = {}
        for m1, c1 in self.terms.items():
            for m2, c2 in terms.items():
                monomial = tuple(sorted(m1 + m2))
                product[monomial] = product.get(monomial, 0) + c1 * c2
        return _simplest(product)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if _terms(other) is None else self + other * -1

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if _terms(other) is None else self * -1 + other

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return self * -1

    def __floordiv__(self, other: Any) -> Any:
        """Exact division by a monomial; anything else cannot be known and raises."""
        terms = _terms(other)
        if terms is None:
            return NotImplemented
        if len(terms) == 1:
            ((divisor, factor),) = terms.items()
            quotient: dict[_Monomial, int] = {}
            for monomial, coefficient in self.terms.items():
                rest = list(monomial)
                for name in divisor:
                    if name not in rest:
                        break
                    rest.remove(name)
                else:
                    if coefficient % factor == 0:
                        quotient[tuple(rest)] = coefficient // factor
                        continue
                break
            else:
                return _simplest(quotient)
        raise CaptureError(f"Dim: {self} // {other} is not exact for every size.")

    def __eq__(self, other: object) -> bool:
        terms = _terms(other)
        return terms is not None and terms == self.terms

    def __hash__(self) -> int:
        return self._hash

    def __index__(self) -> int:
        raise CaptureError(
            f"Dim: the size {self} has no value while the program is recorded for every size. "
            "Keep it symbolic, or trace with an array of fixed shape."
        )

    __int__ = __float__ = __bool__ = __index__

    def _order(self, other: object) -> bool:
        raise CaptureError(f"Dim: the order of {self} and {other} is not known for every size.")

    __lt__ = __le__ = __gt__ = __ge__ = _order

    def __repr__(self) -> str:
        parts = []
        for monomial, coefficient in sorted(self.terms.items(), key=lambda t: (-len(t[0]), t[0])):
            letters = "*".join(monomial)
            if not letters:
                parts.append(str(coefficient))
            elif coefficient == 1:
                parts.append(letters)
            else:
                parts.append(f"{coefficient}*{letters}")
        return " + ".join(parts).replace("+ -", "- ") or "0"


def _terms(value: object) -> dict[_Monomial, int] | None:
    if isinstance(value, Dim):
        return value.terms
    if isinstance(value, int) and not isinstance(value, bool):
        return {(): value} if value else {}
    return None


def _simplest(terms: Mapping[_Monomial, int]) -> Size:
    dim = Dim(terms)
    if not dim.terms:
        return 0
    if len(dim.terms) == 1 and () in dim.terms:
        return dim.terms[()]
    return dim


def dims(names: str) -> tuple[Dim, ...]:
    """Symbolic sizes by name: ``B, D = dims("B D")``; each is any integer from 1.

    Raises
    ------
    ConfigError
        If a name is not an identifier.
    """
    return tuple(Dim.named(name) for name in names.replace(",", " ").split())


def substitute(value: Any, sizes: Mapping[str, int]) -> Any:
    """``value`` with every Dim inside its tuples replaced by its value under ``sizes``."""
    if isinstance(value, Dim):
        return value.substitute(sizes)
    if type(value) is tuple:
        return tuple(substitute(v, sizes) for v in value)
    return value


def count(shape: Shape, axes: Iterable[int] | None = None) -> Size:
    """Number of elements along ``axes`` (all by default); an int or a Dim."""
    total: Size = 1
    for axis in range(len(shape)) if axes is None else axes:
        total = total * shape[axis]
    return total


def broadcast(*shapes: Shape) -> Shape:
    """The shape that NumPy's broadcasting gives; Dims fit only themselves and 1.

    Raises
    ------
    ShapeError
        If two sizes differ and neither is 1.
    """
    rank = max((len(s) for s in shapes), default=0)
    result: list[Size] = [1] * rank
    for shape in shapes:
        for position, size in enumerate(shape, rank - len(shape)):
            if size == 1 or size == result[position]:
                continue
            if result[position] != 1:
                listed = " and ".join(map(str, shapes))
                raise ShapeError(
                    f"shapes {listed} do not broadcast: sizes {result[position]} and {size} "
                    f"meet on axis {position - rank}"
                )
            result[position] = size
    return tuple(result)


def normalise_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Axes as sorted non-negative ints without repeats; None means all.

    Raises
    ------
    ShapeError
        If an axis is out of range or given twice.
    """
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    wanted = (axis,) if not isinstance(axis, (tuple, list)) else tuple(axis)
    axes = []
    for a in wanted:
        try:
            position = operator.index(a)
        except TypeError:
            raise ShapeError(
                f"an axis is {a!r:.40}; expected an integer, or a tuple of them"
            ) from None
        if not -ndim <= position < ndim:
            raise OutOfRangeError(f"axis {position} is out of range for {ndim} dimensions")
        axes.append(position % ndim)
    if len(set(axes)) != len(axes):
        raise ShapeError(f"axis {axis} names one axis twice")
    return tuple(sorted(axes))


def reduced(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """Shape after reducing ``axes``."""
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)
