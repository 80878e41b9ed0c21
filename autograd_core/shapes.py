"""Shapes of ints and symbolic dims: arithmetic, broadcasting, axes.

A `Dim` is a positive integer without a value yet: a polynomial in named sizes with integer
coefficients. Shapes may mix ints and Dims, so one trace of a function stands for every batch size.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

from .aliases import Axis, Size
from .errors import CaptureError, ConfigError, OutOfRangeError, ShapeError

__all__ = [
    "Dim",
    "Looks",
    "Shape",
    "broadcast",
    "count",
    "dims",
    "normalise_axes",
    "reduced",
    "substitute",
    "vanishing",
    "watched",
]

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

    __slots__ = ("_hash", "looks", "terms")

    def __init__(self, terms: Mapping[_Monomial, int], looks: tuple[Looks, ...] = ()) -> None:
        self.terms: dict[_Monomial, int] = {m: c for m, c in sorted(terms.items()) if c}
        self.looks = looks
        self._hash = hash(tuple(self.terms.items()))

    @classmethod
    def named(cls, name: str, *, looks: tuple[Looks, ...] = ()) -> Dim:
        """A size of its own, by name; ``looks`` get the questions that are asked of it."""
        if not name.isidentifier():
            raise ConfigError("dims", f"{name!r} is not a name. Use letters, digits, underscores.")
        return cls({(name,): 1}, looks)

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
        return _simplest(merged, _looks_of(self, other))

    def __mul__(self, other: Any) -> Any:
        terms = _terms(other)
        if terms is None:
            return NotImplemented
        product: dict[_Monomial, int] = {}
        for m1, c1 in self.terms.items():
            for m2, c2 in terms.items():
                monomial = tuple(sorted(m1 + m2))
                product[monomial] = product.get(monomial, 0) + c1 * c2
        return _simplest(product, _looks_of(self, other))

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
                remaining = list(monomial)
                for name in divisor:
                    if name not in remaining:
                        break
                    remaining.remove(name)
                else:
                    if coefficient % factor == 0:
                        quotient[tuple(remaining)] = coefficient // factor
                        continue
                break
            else:
                return _simplest(quotient, _looks_of(self, other))
        raise CaptureError("Dim", f"{self} // {other} is not exact for every size.")

    def __eq__(self, other: object) -> bool:
        terms = _terms(other)
        if terms is None:
            return False
        if terms == self.terms:
            return True
        if looks := _WATCHING.get() or self.looks:
            _note(looks, self - other, sys._getframe(1))
        return False

    def __hash__(self) -> int:
        if looks := _WATCHING.get() or self.looks:
            _note_at_large(looks, self, sys._getframe(1))
        return self._hash

    def __mod__(self, other: Any) -> Any:
        """0, where a division is exact; anything else cannot be known and raises."""
        return NotImplemented if _terms(other) is None else self - self // other * other

    def _unknown(self, *others: Any) -> Any:
        if any(_terms(other) is None for other in others):
            return NotImplemented
        given = "".join(f" and {other}" for other in others)
        raise CaptureError(
            "Dim",
            f"this of the size {self}{given} is not known for every size. Use + - * and exact //, or "
            "trace with an array of fixed shape.",
        )

    __rmod__ = __divmod__ = __rdivmod__ = __abs__ = __pow__ = __rpow__ = __rfloordiv__ = _unknown
    __truediv__ = __rtruediv__ = __and__ = __or__ = __xor__ = __lshift__ = __rshift__ = _unknown

    def __index__(self) -> int:
        raise CaptureError(
            "Dim",
            f"the size {self} has no value while the program is recorded for every size. "
            "Keep it symbolic, or trace with an array of fixed shape.",
        )

    __int__ = __float__ = __bool__ = __index__

    def _order(self, other: object) -> bool:
        raise CaptureError("Dim", f"the order of {self} and {other} is not known for every size.")

    __lt__ = __le__ = __gt__ = __ge__ = _order

    def __repr__(self) -> str:
        if looks := _WATCHING.get() or self.looks:
            _note_at_large(looks, self, sys._getframe(1))
        return self._text()

    def _text(self) -> str:
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


class Looks:
    """Questions whether sizes are equal that were answered no, though for some sizes they are.

    Code that asks whether a symbolic size is 1 goes the way of all others. What follows holds for
    every size but those that were asked about.

    Attributes
    ----------
    found : dict of Dim to str
        The difference of what was compared, and who asked first.
    at_large : dict of str to str
        Sizes that were looked up or written out, which may be any question, and who did it first.
    """

    def __init__(self) -> None:
        self.found: dict[Dim, str] = {}
        self.at_large: dict[str, str] = {}


_WATCHING: ContextVar[tuple[Looks, ...]] = ContextVar("looks", default=())
# What the engine asks on every way through it is the same for all operations: whether sizes broadcast,
# and whether a shape is the one that is wanted.
_GENERAL = frozenset(
    f"{__package__}.{name}"
    for name in (
        "abstract",
        "graph",
        "kinds",
        "primitives",
        "program",
        "shapes",
        "tensors",
        "tracing",
    )
)
_PROVER = f"{__package__}.symbolic."
# Hashes and texts of sizes are keys and messages there.
_ENGINE = f"{__package__}."
_LIBRARY = frozenset(
    ["contextlib", "copy", "dataclasses", "enum", "functools", "reprlib", "typing"]
)


@contextmanager
def watched() -> Iterator[Looks]:
    """Note the questions about symbolic sizes that rules, forwards and other code ask meanwhile.

    They are noted here alone, not with the sizes.
    """
    looks = Looks()
    token = _WATCHING.set((*_WATCHING.get(), looks))
    try:
        yield looks
    finally:
        _WATCHING.reset(token)


def _note(looks: Iterable[Looks], difference: Any, frame: FrameType) -> None:
    module = frame.f_globals.get("__name__", "")
    if isinstance(difference, Dim) and module not in _GENERAL and not module.startswith(_PROVER):
        for one in looks:
            one.found.setdefault(Dim(difference.terms), frame.f_code.co_qualname)


def _note_at_large(looks: Iterable[Looks], size: Dim, frame: FrameType) -> None:
    module = frame.f_globals.get("__name__", "")
    if module.startswith(_ENGINE) or module in _LIBRARY:
        return
    for one in looks:
        one.at_large.setdefault(size._text(), frame.f_code.co_qualname)


def _looks_of(a: Dim, b: Any) -> tuple[Looks, ...]:
    if type(b) is not Dim or a.looks == b.looks:
        return a.looks
    return tuple(dict.fromkeys((*a.looks, *b.looks)))


def vanishing(difference: Dim, most: int = 8) -> list[dict[str, Size]] | None:
    """The sizes for which a difference is 0, as substitutions; None where they are not known.

    Returns
    -------
    list of dict of str to int or Dim
        Together they are all. Empty: there are none, since sizes are positive.

    Examples
    --------
    >>> B, D = dims("B D")
    >>> vanishing(B - 1), vanishing(B - D), vanishing(B * D - 1), vanishing(B + 2)
    ([{'B': 1}], [{'B': D}], [{'B': 1, 'D': 1}], [])
    """
    terms = _without_common(difference.terms)
    if len({c > 0 for c in terms.values()}) == 1:
        return []
    constant = terms.get((), 0)
    if len(terms) == 2 and constant:
        ((monomial, factor),) = ((m, c) for m, c in terms.items() if m)
        if constant % factor:
            return []
        number = -constant // factor
        if len(set(monomial)) > 1 and number > _MANY:
            return None
        solutions: list[dict[str, Size]] = [dict(f) for f in _factored(number, monomial)]
        return solutions if len(solutions) <= most else None
    for name in sorted(difference.names):
        others = dict(terms)
        sign = others.pop((name,), 0)
        if abs(sign) == 1 and not any(name in m for m in others):
            value = _simplest({m: -c * sign for m, c in others.items()})
            if isinstance(value, Dim) and all(c > 0 for c in value.terms.values()):
                return [{name: value}]
    return None


def _without_common(terms: Mapping[_Monomial, int]) -> dict[_Monomial, int]:
    """Terms divided by the names that all of them have: sizes are not 0."""
    common = functools.reduce(operator.and_, (Counter(m) for m in terms))
    return {tuple(sorted((Counter(m) - common).elements())): c for m, c in terms.items()}


_MANY = 4096


def _factored(number: int, monomial: _Monomial) -> Iterator[dict[str, int]]:
    """The values of a monomial's names for which it is a number."""
    if not monomial:
        if number == 1:
            yield {}
        return
    name, power = monomial[0], monomial.count(monomial[0])
    if power == len(monomial) == 1:
        yield {name: number}
        return
    for value in range(1, number + 1):
        if number % value**power == 0:
            for rest in _factored(number // value**power, monomial[power:]):
                yield {name: value, **rest}


def _terms(value: object) -> dict[_Monomial, int] | None:
    if isinstance(value, Dim):
        return value.terms
    if isinstance(value, int) and not isinstance(value, bool):
        return {(): value} if value else {}
    return None


def _simplest(terms: Mapping[_Monomial, int], looks: tuple[Looks, ...] = ()) -> Size:
    dim = Dim(terms, looks)
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
    if not isinstance(names, str):
        raise ConfigError(
            "dims", f"expected names in one text, such as 'B D'; received {names!r:.40}."
        )
    looks = (Looks(),)
    return tuple(Dim.named(name, looks=looks) for name in names.replace(",", " ").split())


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
