"""The INDEXED evaluator: a Program on arrays of symbolic shape, so for every size at once.

The value of an array is one expression for the element at symbolic indices: z[b, d] for an input,
Sum(z[b, d], (b, 0, B - 1))/B for its mean over rows. It works by kind of primitive, as EXACT does:

- an elementwise operation is its scalar formula;
- views rename indices; an axis that is split or merged has one index for each factor of its size
  (`Split`), and so have blocks of an axis and joins of equal parts; what moves elements by another
  amount (shifted slices, flips, scans) is left to EXACT at fixed shapes;
- sums and contractions are sums over an index;
- index arrays are labels: z[b, y[b]];
- the largest element is the one at a label of its own, argmax[b];
- random bits are an array of symbols.

An axis of size 1 has no index. Sizes are positive integers, also where they are numbers: those
are read as sizes whose value happens to be known.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import sympy

from ..errors import ProofError
from ..kinds import Contract, Elementwise, Gather, Loop, Opaque, Random, Reduce, Scan, View
from ..ops.contractions import _parse
from ..primitives import Primitive
from ..program import Program, Var
from ..shapes import Dim, Shape, broadcast, reduced
from ..tensors import Tensor
from .algebra import key_of
from .atoms import Step
from .exact import OnSteps, Symbols, finite, is_number, scalar_function, truth
from .facts import Facts
from .polynomials import Budget
from .sums import IndexedForm, binder, bound_in, index, indices_in, is_bound, label_of, size_of

__all__ = [
    "POSITIVE",
    "Indexed",
    "IndexedArray",
    "IndexedSymbols",
    "Split",
    "copied",
    "inputs_of",
    "known_sums",
    "size",
]

# What runs along an axis: an index; nothing, where its size is 1; one index for each factor of its size.
Axis: TypeAlias = sympy.Symbol | tuple[sympy.Symbol, ...] | None

POSITIVE = "positive"  # the role of a scalar that stands for a positive number


def size(n: Any) -> sympy.Expr:
    """A size, int or Dim, as an expression in positive integers."""
    if not isinstance(n, Dim):
        return sympy.Integer(n)
    return sympy.Add(
        *(
            c * sympy.Mul(*(sympy.Symbol(name, integer=True, positive=True) for name in names))
            for names, c in n.terms.items()
        )
    )


class _Everywhere(IndexedForm):
    """Normal forms that are equal at kinks, too."""

    def _is_variable(self, g: int) -> bool:
        return False


class Split(Exception):  # noqa: N818 - a reading in the making, not an error
    """All axes of one size are to be read by several indices, one for each of these factors.

    The element x[b, c] of an axis of size G k is x[b, g, j] with c = g k + j, as NumPy counts: each c
    is one pair (g, j). So axes are split and merged by putting their indices into other groups, as
    long as the ends of the groups meet, and no term is an index that was computed. A program splits
    the axes of a size in one way only, or is refused; where the first way is met, it is read again.

    Attributes
    ----------
    size : sympy.Expr
    factors : tuple of sympy.Expr
        Outermost first; their product is ``size``.
    """

    def __init__(self, size: sympy.Expr, factors: Sequence[sympy.Expr]) -> None:
        super().__init__(size, factors)
        self.size = size
        self.factors = tuple(factors)


class IndexedSymbols(Symbols):
    """What symbols stand for, in proofs at symbolic sizes.

    Parameters
    ----------
    factors : dict of size to sizes, optional
        How the axes of a size are split; see `Split`. Default: axes are neither split nor merged.

    Attributes
    ----------
    labels : list of str
        Integer arrays that index, and numbers that do: they are in range there.
    ranges : dict of Symbol to set of sizes
        Sizes of the axes that an integer array indexes, by its symbol.
    truths : set of Symbol
        Reals whose steps boolean arrays are: nothing is differentiated by them.
    places : dict
        Labels of largest elements, by the normal form of what they are the largest of.
    largest : dict of Symbol to (expression, indices, indices, int)
        Of what these labels are the place, over which indices, for which, and which coordinate.
    """

    def __init__(self, factors: Mapping[sympy.Expr, Sequence[sympy.Expr]] | None = None) -> None:
        super().__init__()
        self.factors = factors
        self.labels: list[str] = []
        self.ranges: dict[sympy.Symbol, set[sympy.Expr]] = {}
        self.truths: set[sympy.Symbol] = set()
        self.places: dict[Any, sympy.Symbol] = {}
        self.largest: dict[sympy.Symbol, tuple[sympy.Expr, Sequence[Any], Sequence[Any], int]] = {}
        self._values: dict[sympy.Symbol, Any] = {}
        self._form = _Everywhere(Budget(60.0, 20_000))

    def array(self, name: str, shape: Shape, **assumptions: bool) -> IndexedArray:
        """An array of fresh real symbols; a name that is taken gets a prime."""
        assumptions = assumptions or {"real": True}
        symbol = sympy.Symbol(self.named(name), **assumptions)
        return array_of(symbol, shape, tuple(map(self.fresh, shape)))

    def fresh(self, n: Any) -> Axis:
        """A new index for an axis of size ``n``, or as many as its size has factors."""
        return grouped([_fresh(f) for f in self._factored(size(n))]) if n != 1 else None

    def _factored(self, n: sympy.Expr) -> list[sympy.Expr]:
        if not self.factors or n not in self.factors:
            return [n]
        return [part for f in self.factors[n] for part in self._factored(f)]

    def like(self, var: Var, name: str) -> IndexedArray:
        """Symbols for a Var: reals, positive numbers, integers, or 0 and 1 as steps of reals."""
        if var.dtype.kind in "iu":
            return self.array(name, var.shape, integer=True)
        assumed = {"positive": True} if var.role == POSITIVE else {"real": True}
        found = self.array(name, var.shape, **assumed)
        if var.dtype.kind == "b":
            self.truths.add(label_of(found.body))
            found = IndexedArray(found.shape, found.indices, Step(found.body))
        return found

    def indexes(self, label: sympy.Symbol, n: sympy.Expr) -> None:
        """Take an integer array to be in range of an axis of this size, which it indexes.

        Raises
        ------
        ProofError
            If the values that it was recorded with are not.
        """
        values = self._values.get(label)
        if values is not None and values.size:
            low, high = int(values.min()), int(values.max())
            if low < 0 or (n.is_Integer and high >= n):
                raise ProofError(
                    f"symbolic: the index array {label} holds values from {low} to {high}. Expected 0 to "
                    f"{n - 1} of the axis that it indexes. Count from the front, or prove it at a fixed "
                    "shape, where its values are read as they are."
                )
        if n not in self.ranges.get(label, ()):  # as that of a largest element is
            self.labels.append(label.name)
            self.ranges.setdefault(label, set()).add(n)

    def captured(self, var: Var, tensor: Tensor) -> Any:
        """Symbols for a captured array; numbers, keys and index ranges have their values."""
        if id(tensor) not in self.tensors:
            self.tensors[id(tensor)] = (tensor, self._captured(var, tensor))
        return self.tensors[id(tensor)][1]

    def _captured(self, var: Var, tensor: Tensor) -> Any:
        data = tensor._value
        if var.dtype.kind in "biu" and isinstance(data, (np.ndarray, np.generic)):
            values = np.asarray(data)
            if values.ndim == 0 or values.dtype == np.uint64:  # numbers and keys
                return values
            if values.ndim == 1 and values.size > 1 and (values == np.arange(values.size)).all():
                axis = self.fresh(values.size)
                place = functools.reduce(lambda n, i: n * size_of(i) + i, parts(axis), sympy.S.Zero)
                return IndexedArray(values.shape, (axis,), place)  # each element is its index
            found = self.like(var, var.name or var.letter)
            self._values[label_of(found.body)] = values
            return found
        if isinstance(data, (np.ndarray, np.generic)):
            finite(var.name or var.letter, np.asarray(data))
            if is_number(tensor):
                return IndexedArray(var.shape, (None,) * len(var.shape), self.constant(data.item()))
        return self.like(var, var.name or var.letter)

    def random(self, key: Any, counter: Any, shape: Shape) -> IndexedArray:
        """Symbols for random bits: the same for the same key, counter and shape."""
        if not (isinstance(key, np.ndarray) and isinstance(counter, (np.ndarray, np.generic))):
            raise ProofError(
                "symbolic: random_bits was given a key or counter without a value. Expected integer "
                "arrays; close over them rather than passing them to the traced function."
            )
        drawn = (key.tobytes(), counter.tobytes(), shape)
        if drawn not in self.drawn:
            bits = self.array(f"bits{len(self.drawn) + 1}", shape, real=True, nonnegative=True)
            self.drawn[drawn] = bits
            self.bits.add(label_of(bits.body))
        found: IndexedArray = self.drawn[drawn]
        return found

    def place(self, x: sympy.Expr, folded: Sequence[Any], kept: Sequence[Any]) -> list[sympy.Expr]:
        """For each folded index, the label where ``x`` is largest; the same for the same ``x``."""
        here = indices_in(x)
        kept = [i for i in kept if i in here]  # where it is the same for all it has no index
        standing = {i: index(f"@{n}", size_of(i)) for n, i in enumerate((*folded, *kept))}
        array = key_of(self._form.form(x.xreplace(standing)))
        found = []
        for n in range(len(folded)):
            key = (array, len(folded), n)
            if key not in self.places:
                name = self.named("argmax")
                self.places[key] = sympy.Symbol(name, integer=True, nonnegative=True)
                self.largest[self.places[key]] = (x, tuple(folded), tuple(kept), n)
            label = self.places[key]
            self.ranges.setdefault(label, set()).add(size_of(folded[n]))
            found.append(sympy.IndexedBase(label)[tuple(kept)] if kept else label)
        return found


@dataclass(frozen=True)
class IndexedArray:
    """An array as the expression of its element.

    Attributes
    ----------
    shape : tuple of int or Dim
    indices : tuple of sympy.Symbol, None, or tuple of sympy.Symbol
        One for each axis; None for an axis of size 1, several for one that was split or merged.
    body : sympy.Expr
    """

    shape: Shape
    indices: tuple[Axis, ...]
    body: sympy.Expr

    @property
    def flat(self) -> tuple[sympy.Symbol, ...]:
        """All indices, without their axes."""
        return tuple(i for axis in self.indices for i in parts(axis))

    def at(self, terms: Sequence[Any]) -> sympy.Expr:
        """The element at these indices; those for axes of size 1 are not looked at.

        Raises
        ------
        Split
            If an axis has fewer indices on one side than on the other.
        ProofError
            If it was split in another way, or the term for several indices is no index.
        """
        into: dict[sympy.Symbol, Any] = {}
        for axis, term in zip(self.indices, terms, strict=True):
            if isinstance(axis, tuple) or (axis is not None and isinstance(term, tuple)):
                into |= _aligned(parts(axis), parts(term))
            elif axis is not None:
                into[axis] = term
        return put(self.body, into)


def combined(function: Callable[..., sympy.Expr], *operands: Any) -> IndexedArray:
    """A function of scalars at each element, after broadcasting; numbers stand for themselves."""
    arrays = [a for a in operands if isinstance(a, IndexedArray)]
    shape = broadcast(*(a.shape for a in arrays))
    indices = _together(*(a.indices for a in arrays))
    scalars = [
        a.at(indices[len(indices) - len(a.shape) :]) if isinstance(a, IndexedArray) else a
        for a in operands
    ]
    return IndexedArray(shape, indices, sympy.sympify(function(*scalars)))


class Indexed(OnSteps):
    """The evaluator to give to `Program.fold`, on `IndexedArray`; parameters of `OnSteps`.

    Its symbols are `IndexedSymbols`.

    Attributes
    ----------
    ties : list of sympy.Expr
        Differences from a largest element: where one of another element is 0, its label jumps.

    Raises
    ------
    ProofError
        At a primitive that has no reading at symbolic sizes; names it.
    """

    def __init__(
        self, symbols: IndexedSymbols, hold: bool = False, budget: Budget | None = None
    ) -> None:
        super().__init__(symbols, hold, budget)
        self.ties: list[sympy.Expr] = []

    def literal(self, value: Any) -> IndexedArray:
        """A number, a size, or a positive symbol for a float constant."""
        if isinstance(value, Dim):
            return IndexedArray((), (), size(value))
        if isinstance(value, float):
            return IndexedArray((), (), self.symbols.constant(value))
        return IndexedArray((), (), sympy.Integer(int(value)))

    def value(self, operand: Any) -> IndexedArray:
        """An operand as an array of expressions."""
        if isinstance(operand, IndexedArray):
            return operand
        if isinstance(operand, np.ndarray) and operand.ndim:
            raise ProofError(
                f"symbolic: an array of shape {operand.shape} came up in a primitive. Expected numbers."
            )
        return self.literal(
            operand.item() if isinstance(operand, (np.ndarray, np.generic)) else operand
        )

    def released(self, e: sympy.Expr) -> sympy.Expr:
        """An expression with the held arrays replaced by what they stand for."""
        while found := [a for a in e.atoms(sympy.Indexed) if a.base.label in self._held]:
            e = e.xreplace({a: self._held[a.base.label].at(a.indices) for a in found})
        if found := e.free_symbols & self._held.keys():
            return self.released(e.xreplace({s: self._held[s].body for s in found}))
        return e

    # --- steps ---------------------------------------------------------------------------------

    def run(
        self, p: Primitive, operands: tuple[Any, ...], params: Any, kinds: tuple[str, ...] = ()
    ) -> Any:
        """One primitive; ``kinds`` are NumPy's letters for the operands' dtypes."""
        if p.meaning is not None:
            return self._meanings.of(p, map(self.value, operands), params)
        if isinstance(p.kind, Random):
            key, counter = operands
            return self.symbols.random(key, counter, tuple(params["shape"]))
        if p.picks:
            return operands[0][params["index"]]
        arrays = tuple(map(self.value, operands))
        if isinstance(p.kind, Elementwise):
            return self._elementwise(p, arrays, params, kinds or ("f",) * len(arrays))
        read = _READ.get(p.name)
        if read is None:
            raise _unsupported(
                p,
                _WHY.get(
                    type(p.kind),
                    "its kind moves or computes elements in a way that depends on sizes",
                ),
            )
        return read(self, p, arrays, params)

    def fresh(self, shape: Shape) -> tuple[Axis, ...]:
        """New indices for an array of this shape."""
        return tuple(map(self.symbols.fresh, shape))

    def _elementwise(
        self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any, kinds: tuple[str, ...]
    ) -> IndexedArray:
        try:
            function = scalar_function(p, params, kinds, self.ask)
            if p.name in ("equal", "not_equal"):
                function = functools.partial(self._compared, function, p.name == "equal")
            return combined(function, *arrays)
        except (AttributeError, TypeError) as error:
            raise _unsupported(p, str(error)) from error

    def _stopped(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        (x,) = arrays
        if not self.hold:
            return x
        held = array_of(sympy.Dummy("held", real=True), x.shape, copied(x.indices))
        # With an axis for each index: the element of ``held`` has no others.
        shape = tuple(size_of(i) for i in x.flat)
        self._held[label_of(held.body)] = IndexedArray(shape, x.flat, x.body)
        return held

    def _compared(self, function: Any, equal: bool, a: sympy.Expr, b: sympy.Expr) -> sympy.Expr:
        """Two indices are compared by a delta, two numbers by what the name means."""
        if not (_is_index(a) and _is_index(b)):
            return function(a, b)
        for i, n in ((a, b), (b, a)):
            if n.is_Integer and n > 0 and indices_in(i) == {i} and not size_of(i).is_Integer:
                self.symbols.labels.append(f"{n} in {size_of(i)}")
        same = sympy.KroneckerDelta(a, b)
        return same if equal else 1 - same

    def truth(self, found: Any) -> Any:
        """Of counts of booleans, whether they are 0."""
        if not isinstance(found, IndexedArray):
            return found
        return IndexedArray(found.shape, found.indices, truth(found.body))

    # --- views ---------------------------------------------------------------------------------

    def _reshape(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        (x,) = arrays
        shape = tuple(params["shape"])
        if [n for n in x.shape if n != 1] != [n for n in shape if n != 1]:
            self._may_split(p, f"from {x.shape} to {shape} it merges or splits axes")
            return IndexedArray(shape, regrouped(x.flat, map(size, shape)), x.body)
        indices = iter([i for i in x.indices if i is not None])
        return IndexedArray(shape, tuple(None if n == 1 else next(indices) for n in shape), x.body)

    def _may_split(self, p: Primitive, what: str) -> None:
        if self.symbols.factors is None:
            raise _unsupported(p, what)

    def _joined(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        """Equal parts: an axis of the parts, merged with that along which they are joined."""
        axis = params["axis"]
        n, *others = (x.shape[axis] for x in arrays)
        if any(n != other for other in others):
            raise _unsupported(p, "it joins parts of different sizes")
        self._may_split(p, "it joins parts of an axis")
        part = self.symbols.fresh(len(arrays))
        indices = _together(*(x.indices for x in arrays))
        body = sympy.Add(
            *(self._there(p, parts(part), a) * x.at(indices) for a, x in enumerate(arrays))
        )
        whole = grouped((*parts(part), *parts(indices[axis])))
        shape = (*arrays[0].shape[:axis], n * len(arrays), *arrays[0].shape[axis + 1 :])
        return IndexedArray(shape, (*indices[:axis], whole, *indices[axis + 1 :]), body)

    def _transpose(
        self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
    ) -> IndexedArray:
        (x,) = arrays
        axes = params["axes"]
        return IndexedArray(
            tuple(x.shape[a] for a in axes), tuple(x.indices[a] for a in axes), x.body
        )

    def _broadcast(
        self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
    ) -> IndexedArray:
        (x,) = arrays
        shape = tuple(params["shape"])
        indices = _together(x.indices, self.fresh(shape))
        return IndexedArray(shape, indices, x.at(indices[len(shape) - len(x.shape) :]))

    def _slice(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        (x,) = arrays
        shape: list[Any] = []
        indices: list[Any] = []
        fixed: dict[sympy.Symbol, sympy.Expr] = {}
        for entry, axis in _entries(p, params["index"].entries, x.shape):
            if axis is None:
                shape.append(1)
                indices.append(None)
            elif entry == _WHOLE:
                shape.append(x.shape[axis])
                indices.append(x.indices[axis])
            elif isinstance(entry, _Block):
                first, rest = self._blocks(p, entry, x.indices[axis])
                shape.append(entry.size)
                indices.append(rest)
                fixed |= dict(zip(first, self._digits(p, first, entry.place), strict=True))
            else:
                place = self._position(p, entry, x.shape[axis])
                slots = parts(x.indices[axis])
                fixed |= dict(zip(slots, self._digits(p, slots, place), strict=True))
        return IndexedArray(tuple(shape), tuple(indices), put(x.body, fixed))

    def _embed(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        (x,) = arrays
        shape = tuple(params["shape"])
        indices = self.fresh(shape)
        terms: list[Any] = []
        here = sympy.S.One
        for entry, axis in _entries(p, params["index"].entries, shape):
            if axis is None:
                terms.append(None)
            elif entry == _WHOLE:
                terms.append(indices[axis])
            elif isinstance(entry, _Block):
                first, rest = self._blocks(p, entry, indices[axis])
                terms.append(rest)
                here *= self._there(p, first, entry.place)
            else:
                place = self._position(p, entry, shape[axis])
                here *= self._there(p, parts(indices[axis]), place)
        return IndexedArray(shape, indices, here * x.at(terms))

    def _blocks(
        self, p: Primitive, block: _Block, axis: Axis
    ) -> tuple[tuple[sympy.Symbol, ...], Axis]:
        """The indices of the blocks that an axis consists of, and those inside of a block."""
        self._may_split(p, "a slice of part of an axis")
        first, rest = regrouped(parts(axis), (block.count, size(block.size)))
        return parts(first), rest

    def _digits(
        self, p: Primitive, indices: Sequence[sympy.Symbol], place: sympy.Expr
    ) -> list[sympy.Expr]:
        """What each index of an axis is at one place of it."""
        found: list[sympy.Expr] = []
        for i in reversed(indices[1:]):
            if place != 0 and not (place.is_Integer and size_of(i).is_Integer):
                raise _unsupported(
                    p, f"the place {place} of an axis that is split at names of sizes"
                )
            place, digit = divmod(place, size_of(i)) if place != 0 else (place, sympy.S.Zero)
            found.append(digit)
        return [*([place] if indices else []), *reversed(found)]

    def _there(
        self, p: Primitive, indices: Sequence[sympy.Symbol], place: sympy.Expr | int
    ) -> sympy.Expr:
        """1 at one place of an axis, 0 elsewhere."""
        digits = self._digits(p, indices, sympy.Integer(place))
        return sympy.Mul(*map(sympy.KroneckerDelta, indices, digits))

    def _position(self, p: Primitive, entry: int, n: Any) -> sympy.Expr:
        if isinstance(n, Dim) and entry < 0:
            raise _unsupported(p, "an index from the end of a symbolic axis")
        if isinstance(n, Dim) and entry > 0:
            self.symbols.labels.append(f"{entry} in {n}")  # the statement is for sizes above it
        return sympy.Integer(entry if entry >= 0 else entry + n)

    # --- sums ----------------------------------------------------------------------------------

    def _sum(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        (x,) = arrays
        shape, indices = _without(x, params)
        return IndexedArray(shape, indices, total(x.body, _over(x, params["axis"])))

    def _largest(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        (x,) = arrays
        shape, indices = _without(x, params)
        return IndexedArray(shape, indices, put(x.body, self._argmax(x, params["axis"])))

    def _position_of_largest(
        self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any
    ) -> IndexedArray:
        (x,) = arrays
        shape, indices = _without(x, params)
        places = self._argmax(x, params["axis"])
        if len(places) != 1:
            raise _unsupported(p, "over several axes, or one of size 1, at symbolic sizes")
        return IndexedArray(shape, indices, next(iter(places.values())))

    def _argmax(self, x: IndexedArray, axes: Iterable[int]) -> dict[sympy.Symbol, sympy.Expr]:
        """For each folded index, the label where the element is largest."""
        folded = _over(x, axes)
        kept = [i for i in x.flat if i not in folded]
        places = dict(zip(folded, self.symbols.place(x.body, folded, kept), strict=True))
        if places:
            self.ties.append(x.body - put(x.body, places))
        return places

    def _matmul(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        a, b = arrays
        (inner,) = _together(a.indices[-1:], b.indices[-2:-1] or b.indices)
        lead = broadcast(a.shape[:-2], b.shape[:-2])
        vector = len(b.shape) == 1
        rows, columns = a.shape[-2:-1], () if vector else b.shape[-1:]
        shape = (*lead, *rows, *columns)
        indices = (
            *_together(a.indices[:-2], b.indices[:-2]),
            *copied(a.indices[-2:-1]),
            *copied(() if vector else b.indices[-1:]),
        )
        left = (
            *_last(indices[: len(lead)], len(a.shape) - 2),
            *indices[len(lead) :][: len(rows)],
            inner,
        )
        column = indices[len(shape) - len(columns) :]
        right = (*_last(indices[: len(lead)], len(b.shape) - 2), inner, *column)
        return IndexedArray(shape, indices, total(a.at(left) * b.at(right), parts(inner)))

    def _einsum(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        terms, result = _parse(params["subscripts"], tuple(a.shape for a in arrays))
        sizes = {
            c: n
            for t, a in zip(terms, arrays, strict=True)
            for c, n in zip(t, a.shape, strict=True)
        }
        met: dict[str, list[tuple[Axis]]] = {c: [] for c in sizes}
        for t, a in zip(terms, arrays, strict=True):
            for c, axis in zip(t, a.indices, strict=True):
                met[c].append((axis,))
        letters = {c: _together(*axes)[0] for c, axes in met.items()}
        body = sympy.Mul(
            *(a.at([letters[c] for c in t]) for t, a in zip(terms, arrays, strict=True))
        )
        return IndexedArray(
            tuple(sizes[c] for c in result),
            tuple(letters[c] for c in result),
            total(body, [i for c in sizes if c not in result for i in parts(letters[c])]),
        )

    def _eye(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        n = params["size"]
        i, j = indices = self.fresh((n, n))
        same = sympy.Mul(*map(sympy.KroneckerDelta, parts(i), parts(j)))
        return IndexedArray((n, n), indices, same)

    # --- gathers -------------------------------------------------------------------------------

    def _gather(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        x, *labels = arrays
        lead, tail, terms = self._places(p, x.shape, labels, params["pattern"])
        return IndexedArray((*lead[0], *tail[0]), (*lead[1], *tail[1]), x.at((*terms, *tail[1])))

    def _scatter(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        g, *labels = arrays
        shape = tuple(params["shape"])
        lead, tail, terms = self._places(p, shape, labels, params["pattern"])
        indices = (*self.fresh(shape[: len(labels)]), *tail[1])
        here = sympy.Mul(
            *(
                sympy.KroneckerDelta(self._single(p, i), t)
                for i, t in zip(indices, terms, strict=False)
                if i is not None
            )
        )
        body = total(here * g.at((*lead[1], *tail[1])), [i for a in lead[1] for i in parts(a)])
        return IndexedArray(shape, indices, body)

    def _single(self, p: Primitive, axis: Axis) -> sympy.Symbol:
        if isinstance(axis, tuple):
            raise _unsupported(p, "an axis that is split or merged is indexed by labels")
        return axis

    def _places(
        self, p: Primitive, shape: Shape, labels: Sequence[IndexedArray], pattern: Any
    ) -> Any:
        if any(e != "#" for e in pattern.entries):
            raise _unsupported(p, f"the pattern {pattern} mixes index arrays with slices")
        lead = broadcast(*(a.shape for a in labels))
        indices = _together(*(a.indices for a in labels))
        tail = shape[len(labels) :]
        terms = [
            self._term(p, a.at(_last(indices, len(a.shape))), n)
            for a, n in zip(labels, shape, strict=False)
        ]
        return (lead, indices), (tail, self.fresh(tail)), terms

    def _term(self, p: Primitive, e: sympy.Expr, n: Any) -> sympy.Expr:
        """What stands for an axis of size ``n`` that is indexed by ``e``."""
        if not _is_index(e):
            raise _unsupported(p, f"its indices {e} are computed")
        if e.is_Integer:
            return self._position(p, int(e), n)
        if indices_in(e) != {e}:
            self.symbols.indexes(label_of(e), size(n))
        elif size_of(e) != size(n):
            raise _unsupported(p, f"its indices are a range over part of an axis of size {n}")
        return e

    def _take(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        x, labels = arrays
        axis = params["axis"]
        term = self._term(p, labels.body, x.shape[axis])
        terms = (*labels.indices[:axis], term, *labels.indices[axis + 1 :])
        return IndexedArray(labels.shape, labels.indices, x.at(terms))

    def _put(self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any) -> IndexedArray:
        g, labels = arrays
        axis, n = params["axis"], params["size"]
        here = self.symbols.fresh(n)
        body = g.at(labels.indices)
        if here is not None:
            body = body * sympy.KroneckerDelta(self._single(p, here), self._term(p, labels.body, n))
        return IndexedArray(
            (*g.shape[:axis], n, *g.shape[axis + 1 :]),
            (*labels.indices[:axis], here, *labels.indices[axis + 1 :]),
            total(body, _over(labels, (axis,))),
        )


# --- arrays and indices ---------------------------------------------------------------------------

_COUNT = itertools.count(1)


def _fresh(n: sympy.Expr) -> sympy.Symbol:
    letter = "".join(sorted(s.name for s in n.free_symbols)).lower()[:3] or "n"
    return index(f"{letter}_{next(_COUNT)}", n)


def parts(axis: Any) -> tuple[Any, ...]:
    """The indices of an axis: none if its size is 1."""
    return axis if isinstance(axis, tuple) else () if axis is None else (axis,)


def grouped(indices: Iterable[sympy.Symbol]) -> Axis:
    """An axis of these indices."""
    found = tuple(indices)
    return found if len(found) > 1 else found[0] if found else None


def copied(axes: Iterable[Axis]) -> tuple[Axis, ...]:
    """New indices for axes, of the same sizes."""
    return tuple(grouped(_fresh(size_of(i)) for i in parts(axis)) for axis in axes)


def _together(*axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """New indices for what is broadcast from the right: as many for an axis as any operand has."""
    rank = max(map(len, axes), default=0)
    full = [(*(None,) * (rank - len(a)), *a) for a in axes]
    return copied(
        max(slots, key=lambda axis: len(parts(axis))) for slots in zip(*full, strict=True)
    )


def _over(x: IndexedArray, axes: Iterable[int]) -> list[sympy.Symbol]:
    """The indices of some of its axes."""
    return [i for a in axes for i in parts(x.indices[a])]


def regrouped(indices: Iterable[sympy.Symbol], sizes: Iterable[sympy.Expr]) -> tuple[Axis, ...]:
    """Axes of these sizes, of these indices in their order.

    Raises
    ------
    Split
        If an axis ends inside of an index.
    ProofError
        If it does, and the size of the index is not known to be a product there.
    """
    rest = list(indices)
    axes = []
    for n in (wanted := list(sizes)):
        axis = []
        left = n
        while left != 1 and rest:
            held = size_of(rest[0])
            if _divides(held, left):
                axis.append(rest.pop(0))
                left = left / held
            elif _divides(left, held):
                raise Split(held, (left, held / left))
            else:
                break
        if left != 1:
            break
        axes.append(grouped(axis))
    if rest or len(axes) < len(wanted):
        raise _apart(indices, wanted)
    return tuple(axes)


def _divides(n: sympy.Expr, whole: sympy.Expr) -> bool:
    """Whether a size is a multiple of another one for all values of the names, by its form."""
    return bool(n != 0 and (whole / n).as_numer_denom()[1] == 1)


def _aligned(indices: Sequence[Any], terms: Sequence[Any]) -> dict[sympy.Symbol, Any]:
    """Terms for the indices of an axis, each of the same size."""
    if any(indices_in(t) != {t} for t in terms):
        raise ProofError(
            "symbolic: an axis that is split or merged is indexed by a label or a number. Prove it at a "
            "fixed shape, or index before."
        )
    sizes = [[size_of(i) for i in side] for side in (indices, terms)]
    if sizes[0] == sizes[1]:
        return dict(zip(indices, terms, strict=True))
    regrouped(indices, sizes[1])
    regrouped(terms, sizes[0])
    raise _apart(indices, sizes[1])


def _apart(indices: Iterable[sympy.Symbol], sizes: Iterable[sympy.Expr]) -> ProofError:
    held, wanted = (" x ".join(map(str, n)) for n in (map(size_of, indices), sizes))
    return ProofError(
        f"symbolic: axes of sizes {held or '1'} are read as {wanted or '1'}, which are not known to end at "
        "the same places. Declare sizes as products, such as 'x:B,G*k', split them in one way, or "
        "prove it at a fixed shape."
    )


def array_of(symbol: sympy.Symbol, shape: Shape, indices: tuple[Axis, ...]) -> IndexedArray:
    """An array whose elements are symbols; a scalar is the symbol itself."""
    held = tuple(i for axis in indices for i in parts(axis))
    return IndexedArray(shape, indices, sympy.IndexedBase(symbol)[held] if held else symbol)


def inputs_of(program: Program[Any], symbols: IndexedSymbols) -> dict[str, IndexedArray]:
    """Arrays of symbols for a program's inputs, in order, by names that are unique."""
    arrays: dict[str, IndexedArray] = {}
    for var in program.inputs:
        name = symbols.unused(var.name or var.letter)
        arrays[name] = symbols.like(var, name)
    return arrays


def known_sums(facts: Facts, named: Mapping[str, IndexedArray]) -> dict[tuple[str, int], int]:
    """Facts as `IndexedForm` has them: a symbol and which of its indices, to the sum over that.

    Raises
    ------
    ProofError
        If a fact is about an axis of size 1, which has no index, or one that has several.
    """
    known = {}
    for name, fact in facts:
        array = named[name]
        if array.indices[fact.axis] is None:
            raise ProofError(
                f"prove: {fact}, an axis of size 1. Expected an axis that is summed; state the value."
            )
        if isinstance(array.indices[fact.axis], tuple):
            raise ProofError(
                f"prove: {fact}, an axis that is split or merged. Expected one that is whole."
            )
        place = sum(len(parts(axis)) for axis in array.indices[: fact.axis])
        known[str(label_of(array.body)), place] = fact.value
    return known


def put(body: sympy.Expr, into: Mapping[sympy.Symbol, Any]) -> sympy.Expr:
    """A body with terms for its free indices, all at once: the one place where that is done.

    No term may hold an index that is bound in the body. Bound indices are made by `total` alone, new
    ones for every sum, so a term holds one only where a value that was held is put back inside a sum.

    Raises
    ------
    RuntimeError
        If a term would be captured. That is a fault of the reading, so it is no verdict.
    """
    if not into:
        return body
    held = frozenset().union(*(indices_in(sympy.sympify(t)) for t in into.values()))
    if any(is_bound(i) for i in held) and (held & bound_in(body)):
        raise RuntimeError(
            f"symbolic: internal error: an index of {list(into.values())} is bound in {body}, into "
            "which it is put. Please report it, with the program."
        )
    return body.xreplace(dict(into))


def total(body: sympy.Expr, indices: Iterable[sympy.Symbol | None]) -> sympy.Expr:
    """The sum over indices, which get names of their own; None for an axis of size 1."""
    bound = {i: binder(f"s_{next(_COUNT)}", size_of(i)) for i in indices if i is not None}
    limits = [(k, 0, size_of(k) - 1) for k in bound.values()]
    return sympy.Sum(put(body, bound), *limits) if limits else body


def _is_index(e: Any) -> bool:
    """Whether an expression can stand between brackets: an index, a label, a number."""
    if e.is_Integer or (isinstance(e, sympy.Symbol) and bool(indices_in(e))):
        return True
    return bool(isinstance(e, (sympy.Indexed, sympy.Symbol)) and label_of(e).is_integer)


def _last(items: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    return items[len(items) - n :] if n > 0 else ()


def _without(x: IndexedArray, params: Any) -> tuple[Shape, tuple[Any, ...]]:
    """Shape and indices after a reduction."""
    axes, keepdims = params["axis"], params["keepdims"]
    kept = [
        (None if a in axes else i) for a, i in enumerate(x.indices) if keepdims or a not in axes
    ]
    return reduced(x.shape, axes, keepdims), tuple(kept)


_WHOLE = "whole"


@dataclass(frozen=True)
class _Block:
    """A slice that is one of the ``count`` equal blocks of an axis."""

    size: Any
    place: sympy.Expr
    count: sympy.Expr


def _block(start: Any, stop: Any, step: Any, n: Any) -> _Block | None:
    """The block that a slice is, for all sizes there are; None if it is not one."""
    if all(v is None or isinstance(v, int) for v in (start, stop, step)) and isinstance(n, int):
        start, stop, step = slice(start, stop, step).indices(n)
    start, stop = 0 if start is None else start, n if stop is None else stop
    if step not in (None, 1):
        return None
    held, first, whole = size(stop - start), size(start), size(n)
    if not held.is_positive or not (_divides(held, first) and _divides(held, whole)):
        return None
    place, count = first / held, whole / held
    if not place.is_Integer or place < 0 or (place >= count if count.is_Integer else place > 0):
        return None
    return _Block(stop - start, place, count)


def _entries(p: Primitive, entries: Sequence[Any], shape: Shape) -> list[tuple[Any, int | None]]:
    """Each entry of a basic index as an int, None (a new axis) or a whole axis, with its axis."""
    consumed = len([e for e in entries if e is not None and e != "..."])
    full = list(entries)
    dots = full.index("...") if "..." in full else len(full)
    full[dots : dots + 1] = [("slice", None, None, None)] * (len(shape) - consumed)
    axes = iter(range(len(shape)))
    found: list[tuple[Any, int | None]] = []
    for e in full:
        if e is None:
            found.append((None, None))
            continue
        axis = next(axes)
        if isinstance(e, tuple):
            _, start, stop, step = e
            if start in (None, 0) and step in (None, 1) and (stop is None or stop == shape[axis]):
                e = _WHOLE
            elif (e := _block(start, stop, step, shape[axis])) is None:
                raise _unsupported(p, "a slice of part of an axis")
        found.append((e, axis))
    return found


def _unsupported(p: Primitive, reason: str) -> ProofError:
    return ProofError(
        f"symbolic: the primitive {p.name} ({type(p.kind).__name__}) has no reading at symbolic "
        f"sizes: {reason}. Prove it at a fixed shape, or write the part without it."
    )


_WHY: dict[type, str] = {
    View: "it moves elements along an axis by an amount",
    Contract: "it has no reading as a sum over indices",
    Reduce: "no reading is known for this fold",
    Gather: "its indices are computed",
    Loop: "it is a loop, whose iterations are a number of steps",
    Opaque: "it is a call that only NumPy can make",
    Scan: "it is a running fold along an axis",
}

_Read = Callable[[Indexed, Primitive, tuple[IndexedArray, ...], Any], Any]
_READ: dict[str, _Read] = {
    "identity": lambda self, p, arrays, params: arrays[0],
    "stop_gradient": Indexed._stopped,
    "reshape": Indexed._reshape,
    "transpose": Indexed._transpose,
    "concatenate_": Indexed._joined,
    "broadcast_to": Indexed._broadcast,
    "slice_": Indexed._slice,
    "embed": Indexed._embed,
    "sum": Indexed._sum,
    "max": Indexed._largest,
    "argmax": Indexed._position_of_largest,
    "matmul": Indexed._matmul,
    "einsum_": Indexed._einsum,
    "eye": Indexed._eye,
    "gather": Indexed._gather,
    "scatter_add": Indexed._scatter,
    "take_along_axis": Indexed._take,
    "put_along_axis": Indexed._put,
}
