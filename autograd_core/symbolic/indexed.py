"""The INDEXED evaluator: a Program on arrays of symbolic shape, so for every size at once.

The value of an array is one expression for the element at symbolic indices: z[b, d] for an input,
Sum(z[b, d], (b, 0, B - 1))/B for its mean over rows. It works by kind of primitive, as EXACT does:

- an elementwise operation is its scalar formula;
- views rename indices; an axis that is split or merged has one index for each factor of its size
  (`Split`), and so have blocks of an axis and joins of equal parts; what moves elements by another
  amount (shifted slices, windows, flips, other joins) puts computed places for indices, and deltas
  of places where it moves them back (`places`);
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

from ..errors import NoReadingError, ProofError
from ..kinds import Elementwise, Random
from ..ops import piecewise
from ..primitives import Primitive
from ..program import Program, Var
from ..readings import Reading, record_of
from ..shapes import Dim, Shape, broadcast
from ..tensors import Tensor
from .algebra import key_of
from .atoms import Step
from .exact import OnSteps, Symbols, by_declaration, finite, is_number, scalar_function, truth
from .facts import Facts
from .places import binder, bound_in, index, indices_in, is_bound, label_of, size_of
from .polynomials import Budget
from .sums import IndexedForm

__all__ = [
    "INDEXED",
    "POSITIVE",
    "Axis",
    "Indexed",
    "IndexedArray",
    "IndexedSymbols",
    "Split",
    "array_of",
    "contracted",
    "copied",
    "distinct",
    "divides",
    "grouped",
    "inputs_of",
    "is_index",
    "known_sums",
    "last",
    "may_move",
    "most",
    "moving",
    "over",
    "parts",
    "put",
    "regrouped",
    "size",
    "together",
    "total",
    "unsupported",
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
    bounds : list of sympy.Expr
        Polynomials in sizes that are 0 or more: the programs are there only where they are.
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
        self.bounds: list[sympy.Expr] = []
        self.places: dict[Any, sympy.Symbol] = {}
        self.largest: dict[sympy.Symbol, tuple[sympy.Expr, Sequence[Any], Sequence[Any], int]] = {}
        self._values: dict[sympy.Symbol, Any] = {}
        self._form = _Everywhere(Budget(60.0, 20_000), bounds=self.bounds)

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

    def inside(self, place: int, n: Any) -> None:
        """Take a number to be a place of an axis of this size."""
        self.labels.append(f"{place} in {n}")  # the statement is for sizes above it
        self.bounds.append(size(n) - 1 - place)

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
                    "symbolic",
                    f"the index array {label} holds values from {low} to {high}. Expected 0 to "
                    f"{n - 1} of the axis that it indexes. Count from the front, or prove it at a fixed "
                    "shape, where its values are read as they are.",
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
            array = self.like(var, var.name or var.letter)
            self._values[label_of(array.body)] = values
            return array
        if isinstance(data, (np.ndarray, np.generic)):
            finite(var.name or var.letter, np.asarray(data))
            if is_number(tensor):
                return IndexedArray(var.shape, (None,) * len(var.shape), self.constant(data.item()))
        return self.like(var, var.name or var.letter)

    def random(self, key: Any, counter: Any, shape: Shape) -> IndexedArray:
        """Symbols for random bits: the same for the same key, counter and shape."""
        if not (isinstance(key, np.ndarray) and isinstance(counter, (np.ndarray, np.generic))):
            raise ProofError(
                "symbolic",
                "random_bits was given a key or counter without a value. Expected integer "
                "arrays; close over them rather than passing them to the traced function.",
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
        coordinates = []
        for n in range(len(folded)):
            key = (array, len(folded), n)
            if key not in self.places:
                name = self.named("argmax")
                self.places[key] = sympy.Symbol(name, integer=True, nonnegative=True)
                self.largest[self.places[key]] = (x, tuple(folded), tuple(kept), n)
            label = self.places[key]
            self.ranges.setdefault(label, set()).add(size_of(folded[n]))
            coordinates.append(sympy.IndexedBase(label)[tuple(kept)] if kept else label)
        return coordinates


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

    def __post_init__(self) -> None:
        """One index runs along one axis: else its elements would be a diagonal's."""
        if len(set(self.flat)) < len(self.flat):
            raise RuntimeError(
                f"symbolic: internal error: an index of {self.indices} runs along two axes. Please report "
                "it, with the program."
            )

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
    # What is written anew is the cheapest, an element: kept are the indices of what was computed.
    computed = sorted(arrays, key=lambda a: a.body.is_Atom or isinstance(a.body, sympy.Indexed))
    indices = together(*(a.indices for a in computed))
    scalars = [
        a.at(indices[len(indices) - len(a.shape) :]) if isinstance(a, IndexedArray) else a
        for a in operands
    ]
    return IndexedArray(shape, indices, sympy.sympify(function(*scalars)))


# rule(evaluator, primitive, operands, params) to the result
Read: TypeAlias = Callable[["Indexed", Primitive, tuple[IndexedArray, ...], Any], Any]
INDEXED: Reading[Read] = Reading("every size", declared=by_declaration)
_EQUAL, _NOT_EQUAL = record_of(piecewise.equal).name, record_of(piecewise.not_equal).name
_DEPENDS = "its kind moves or computes elements in a way that depends on sizes"


def _counted(operands: tuple[Any, ...]) -> list[Any]:
    """Keys and counters (uint64) with whole numbers, as numbers; nothing if others are among them.

    What they add up to names a draw, as the float code would: random bits have no other reading.
    """
    found: list[Any] = []
    for o in operands:
        if isinstance(o, (np.ndarray, np.generic)) and o.dtype == np.uint64:
            found.append(o)
        elif isinstance(o, IndexedArray) and not o.shape and o.body.is_Integer and o.body >= 0:
            found.append(int(o.body))
        else:
            return []
    return found if any(isinstance(o, (np.ndarray, np.generic)) for o in found) else []


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
                "symbolic",
                f"an array of shape {operand.shape} came up in a primitive. Expected numbers.",
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
        numbers = _counted(operands)
        if numbers and isinstance(p.kind, Elementwise):
            result = np.asarray(p.forward(*numbers, **params))
            if result.dtype == np.uint64:
                return result
        if isinstance(p.kind, Random):
            key, counter = operands
            return self.symbols.random(key, counter, tuple(params["shape"]))
        if p.picks:
            return operands[0][params["index"]]
        arrays = tuple(map(self.value, operands))
        if isinstance(p.kind, Elementwise):
            return self._elementwise(p, arrays, params, kinds or ("f",) * len(arrays))
        read = INDEXED.of(p)
        if read is None:
            raise unsupported(p, INDEXED.reason(p) or _DEPENDS)
        return read(self, p, arrays, params)

    def fresh(self, shape: Shape) -> tuple[Axis, ...]:
        """New indices for an array of this shape."""
        return tuple(map(self.symbols.fresh, shape))

    def _elementwise(
        self, p: Primitive, arrays: tuple[IndexedArray, ...], params: Any, kinds: tuple[str, ...]
    ) -> IndexedArray:
        try:
            function = scalar_function(p, params, kinds, self.ask)
            if p.name in (_EQUAL, _NOT_EQUAL):
                function = functools.partial(self._compared, function, p.name == _EQUAL)
            return combined(function, *arrays)
        except (AttributeError, TypeError) as error:
            raise unsupported(p, str(error)) from error

    def _compared(self, function: Any, equal: bool, a: sympy.Expr, b: sympy.Expr) -> sympy.Expr:
        """Two indices are compared by a delta, two numbers by what the name means."""
        if not (is_index(a) and is_index(b)):
            return function(a, b)
        for i, n in ((a, b), (b, a)):
            if n.is_Integer and n > 0 and indices_in(i) == {i} and not size_of(i).is_Integer:
                self.symbols.inside(n, size_of(i))
        same = sympy.KroneckerDelta(a, b)
        return same if equal else 1 - same

    def truth(self, found: Any) -> Any:
        """Of counts of booleans, whether they are 0."""
        if not isinstance(found, IndexedArray):
            return found
        return IndexedArray(found.shape, found.indices, truth(found.body))


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


def together(*axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Indices for what is broadcast from the right, all different; see `most` and `distinct`."""
    return distinct(most(*axes))


def most(*axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """What runs along each axis of what is broadcast from the right: the first operand's with the most indices."""
    rank = max(map(len, axes), default=0)
    full = [(*(None,) * (rank - len(a)), *a) for a in axes]
    return tuple(max(slots, key=lambda axis: len(parts(axis))) for slots in zip(*full, strict=True))


def distinct(axes: Iterable[Axis]) -> tuple[Axis, ...]:
    """The axes, with new indices where one would stand for two of them.

    Indices are kept wherever they can be: an element is written anew for each that is not, and sympy
    asks all its questions again. That of two operands one's index may be the other's on another axis
    is no matter: `IndexedArray.at` puts terms for all indices of an element at once.
    """
    taken: set[sympy.Symbol] = set()
    found = []
    for axis in axes:
        (here,) = copied([axis]) if taken & set(parts(axis)) else (axis,)
        taken.update(parts(here))
        found.append(here)
    return tuple(found)


def over(x: IndexedArray, axes: Iterable[int]) -> list[sympy.Symbol]:
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
    left_over = list(indices)
    axes = []
    for n in (wanted := list(sizes)):
        axis = []
        left = n
        while left != 1 and left_over:
            held = size_of(left_over[0])
            if divides(held, left):
                axis.append(left_over.pop(0))
                left = _quotient(left, held)
            elif divides(left, held):
                raise Split(held, (left, _quotient(held, left)))
            else:
                break
        if left != 1:
            break
        axes.append(grouped(axis))
    if left_over or len(axes) < len(wanted):
        raise _apart(indices, wanted)
    return tuple(axes)


def divides(n: sympy.Expr, whole: sympy.Expr) -> bool:
    """Whether a size is a multiple of another one for all values of the names, by its form."""
    return bool(n != 0 and _quotient(whole, n).as_numer_denom()[1] == 1)


def _quotient(whole: sympy.Expr, n: sympy.Expr) -> sympy.Expr:
    """What is left of a size beside one of its factors; a fraction, if it is none."""
    quotient = whole / n
    return sympy.cancel(quotient) if whole.is_Add or n.is_Add else quotient


def _aligned(indices: Sequence[Any], terms: Sequence[Any]) -> dict[sympy.Symbol, Any]:
    """Terms for the indices of an axis, each of the same size."""
    if any(indices_in(t) != {t} for t in terms):
        raise ProofError(
            "symbolic",
            "an axis that is split or merged is indexed by a label or a number. Prove it at a "
            "fixed shape, or index before.",
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
        "symbolic",
        f"axes of sizes {held or '1'} are read as {wanted or '1'}, which are not known to end at "
        "the same places. Declare sizes as products, such as 'x:B,G*k', split them in one way, or "
        "prove it at a fixed shape.",
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


def known_sums(
    facts: Facts, named: Mapping[str, IndexedArray]
) -> dict[tuple[str, int, sympy.Expr], int]:
    """Facts as `IndexedForm` has them: a symbol, which of its indices and its size, to the sum over it.

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
                "prove",
                f"{fact}, an axis of size 1. Expected an axis that is summed; state the value.",
            )
        if isinstance(array.indices[fact.axis], tuple):
            raise ProofError(
                "prove", f"{fact}, an axis that is split or merged. Expected one that is whole."
            )
        place = sum(len(parts(axis)) for axis in array.indices[: fact.axis])
        extent = size(array.shape[fact.axis])
        known[str(label_of(array.body)), place, extent] = fact.value
    return known


def put(body: sympy.Expr, into: Mapping[sympy.Symbol, Any]) -> sympy.Expr:
    """A body with terms for its free indices, all at once: the one place where that is done.

    No term may hold an index that is bound in the body. Bound indices are made by `total` and
    `contracted` alone, new ones for every sum, so a term holds one only where a value that was held is put back inside a sum.

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
    into = {i: _binder(i) for i in indices if i is not None}
    return _sum(put(body, into), into.values())


def contracted(function: Callable[[Axis], sympy.Expr], axis: Axis) -> sympy.Expr:
    """The sum of ``function(k)`` over all k along an axis."""
    bound = tuple(map(_binder, parts(axis)))
    return _sum(function(grouped(bound)), bound)


def _binder(i: sympy.Symbol) -> sympy.Symbol:
    return binder(f"s_{next(_COUNT)}", size_of(i))


def _sum(body: sympy.Expr, bound: Iterable[sympy.Symbol]) -> sympy.Expr:
    limits = [(k, 0, size_of(k) - 1) for k in bound]
    return sympy.Sum(body, *limits) if limits else body


def is_index(e: Any) -> bool:
    """Whether an expression can stand between brackets: an index, a label, a number."""
    if e.is_Integer or (isinstance(e, sympy.Symbol) and bool(indices_in(e))):
        return True
    return bool(isinstance(e, (sympy.Indexed, sympy.Symbol)) and label_of(e).is_integer)


def last(items: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    """The last ``n``."""
    return items[len(items) - n :] if n > 0 else ()


def moving(ev: Indexed, p: Primitive, axis: Axis) -> tuple[sympy.Symbol, ...]:
    """The index of an axis along which elements are moved; none if its size is 1."""
    may_move(ev, p)
    if isinstance(axis, tuple):
        raise unsupported(p, "it moves elements along an axis that is split or merged")
    return parts(axis)


def may_move(ev: Indexed, p: Primitive) -> None:
    """Refuse to move elements along an axis where a formula is written of what is read."""
    if ev.symbols.factors is None:
        raise unsupported(p, "no formula is written of elements that are moved along an axis")


def unsupported(p: Primitive, reason: str) -> NoReadingError:
    """The error for a primitive without a reading at symbolic sizes."""
    return NoReadingError.saying(
        p.name,
        type(p.kind).__name__,
        "reading at symbolic sizes",
        reason,
        "Prove it at a fixed shape, or write the part without it.",
    )
