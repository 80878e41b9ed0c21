"""Expressions with indices as array operations: one way down, for tensors and for source text.

z[b, d] is an array with the axes (b, d). Products and sums of arrays are aligned along their axes;
a sum over indices of a product is an einsum, a sum over indices of anything else a sum over axes.
What the operations are is up to a *shelf*: `tensor_shelf` is one of tensors, `sources` one of text.

Equal subexpressions are lowered once::

    Σ_d W[d, c] z[b, d] + b[c]      of W (D, C), z (B, D), b (C,), for the axes (b, c)

    W[d, c]       W                 with the axes (d, c): each element has an index for each axis
    z[b, d]       z                 (b, d)
    Σ_d …         einsum("bd,dc->bc", z, W): the axes of the result that are asked for come first
    b[c]          b                 (c,), the last of (b, c), so it broadcasts as it stands
    … + …         einsum(…) + b     (b, c)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sympy

from ...errors import ProofError
from ..functions import CLASSES, FUNCTIONS, Function
from ..places import free_indices, indices_in, size_of
from .letters import Largest
from .shelf import Shelf

__all__ = ["Lowered", "Lowering", "check_nodes", "supported"]

V = TypeVar("V")
Axes = tuple[sympy.Symbol, ...]


@dataclass(frozen=True)
class Lowered(Generic[V]):
    """An array and the indices that its axes stand for."""

    value: V
    axes: Axes = ()


class Lowering(Generic[V]):
    """Expressions lowered with one shelf.

    Parameters
    ----------
    shelf : Shelf
    arrays : mapping of Symbol to (value, axes)
        What symbols stand for. ``axes`` are the sizes of the array's axes that an index runs over,
        with None for an axis of size 1, which has no index.
    """

    def __init__(
        self,
        shelf: Shelf[V],
        arrays: Mapping[sympy.Symbol, tuple[V, Sequence[Any]]],
    ) -> None:
        self.shelf = shelf
        self.arrays = dict(arrays)
        self._memo: dict[Any, Lowered[V]] = {}
        self._order: Axes = ()
        self._known: dict[Any, frozenset[sympy.Symbol]] = {}
        self._layouts: dict[frozenset[sympy.Symbol], Axes] = {}

    def array(self, e: sympy.Expr, axes: Axes = ()) -> V:
        """``e`` as an array with exactly these axes."""
        self._order = self._layouts[frozenset(axes)] = axes
        found = self.lower(e)
        x = self._aligned(found, axes)
        missing = [i for i in axes if i not in found.axes]
        return self.shelf.stretched(x, [size_of(i) for i in axes]) if missing else x

    def lower(self, e: Any) -> Lowered[V]:
        """``e`` as an array with some axes."""
        memo, stack = self._memo, [e]
        while stack:
            top = stack[-1]
            missing = [] if top in memo else [a for a in self._operands(top) if a not in memo]
            if missing:
                stack.extend(missing)
                continue
            if top not in memo:
                memo[top] = self._convert(top)
            stack.pop()
        return memo[e]

    def _operands(self, e: Any) -> Any:
        """What is lowered before ``e``: no more than its reading takes."""
        if isinstance(e, sympy.Sum):
            return self._taken(_factors(e.function))
        if isinstance(e, Largest):
            return (e.args[0].function,)
        if isinstance(e, sympy.log):
            return self._taken_by_log(e.args[0])
        if e.is_Add:
            return [-term if _is_minus(term) else term for term in e.args]
        if e.is_Mul:
            return self._taken(e.args)
        if isinstance(e, sympy.Indexed):
            return [i for i in e.indices if not (_plain(i) or i.is_Integer)]
        if isinstance(e, sympy.KroneckerDelta):
            return [i for i in e.args[:2] if not (_plain(i) or i.is_Integer)]
        if isinstance(e, sympy.Pow) and e.exp.is_Rational:
            return self._taken([e]) if e.exp < 0 else (e.base,)
        if isinstance(e, sympy.Piecewise):
            return [part for pair in e.args for part in pair.args if part not in (True, False)]
        f = CLASSES.get(e.func)
        return (f.rewritten(*e.args),) if f is not None and _is_rewritten(f) else e.args

    def _convert(self, e: Any) -> Lowered[V]:
        read = next((read for kind, (_, read) in NODES.items() if isinstance(e, kind)), None)
        if read is not None:
            return read(self, e)
        f = CLASSES.get(e.func)
        if f is not None and _is_rewritten(f):
            return self._memo[f.rewritten(*e.args)]
        if f is None or f.array is None:
            raise _unreadable(e)
        for n in e.args[: f.orders]:
            if not (n.is_Integer and n >= 0):
                raise ProofError(
                    "symbolic", f"{e} has the order {n}. Expected a whole number from 0."
                )
        parts = [self._memo[a] for a in e.args]
        if not f.folds:
            return self._called(f, *parts)
        folded = parts[0]
        for part in parts[1:]:
            folded = self._called(f, folded, part)
        return folded

    def _called(self, f: Function, *parts: Lowered[V]) -> Lowered[V]:
        return self.elementwise(lambda *xs: self.shelf.call(f, *xs), *parts)

    def _held(self, e: Any) -> frozenset[sympy.Symbol]:
        """The free indices, those of parts remembered."""
        return free_indices(e, self._known)

    def _weight(self, f: sympy.Expr) -> tuple[Any, ...]:
        """Numbers, sizes, scalars, then what has more and more axes; sums of terms last."""
        return not f.is_Number, f.is_Add, len(self._held(f)), sympy.default_sort_key(f)

    # --- alignment -----------------------------------------------------------------------------

    def elementwise(self, function: Callable[..., V], *parts: Lowered[V]) -> Lowered[V]:
        """A function of arrays that are aligned first."""
        axes = self._united([p.axes for p in parts])
        return Lowered(function(*(self._aligned(p, axes) for p in parts)), axes)

    def _aligned(self, x: Lowered[V], axes: Axes) -> V:
        """``x`` so that it broadcasts against an array with these axes."""
        own = [i for i in axes if i in x.axes]
        order = [x.axes.index(i) for i in own]
        first = axes.index(own[0]) if own else len(axes)
        new = [n - first for n, i in enumerate(axes) if n > first and i not in x.axes]
        if order == sorted(order) and not new:
            return x.value
        return self.shelf.layout(x.value, order, new, len(x.axes))

    def _united(self, axes: Sequence[Axes]) -> Axes:
        """All axes: as an array has them that has them all, else those of the result in its order."""
        every = list(dict.fromkeys(itertools.chain(*sorted(axes, key=len, reverse=True))))
        whole = [a for a in axes if len(a) == len(every)]
        return whole[0] if whole else self._ordered(every)

    def _ordered(self, axes: Sequence[sympy.Symbol]) -> Axes:
        """As an array has them that was met before; else those of the result in its order first."""
        before = self._layouts.get(frozenset(axes))
        if before is not None:
            return before
        known = [i for i in self._order if i in axes]
        return (*known, *(i for i in axes if i not in known))

    # --- nodes ---------------------------------------------------------------------------------

    def _number(self, e: Any) -> Lowered[V]:
        return Lowered(self.shelf.number(e))

    def _symbol(self, e: Any) -> Lowered[V]:
        if e in self.arrays:
            value, sizes = self.arrays[e]
            if sizes:  # all of size 1, or the array stands for each of its elements
                value = self.shelf.entry(value, [0] * len(sizes)) if not any(sizes) else value
            return Lowered(value)
        if indices_in(e):
            return Lowered(self.shelf.count(size_of(e)), (e,))
        return Lowered(self.shelf.size(e))

    def _add(self, e: Any) -> Lowered[V]:
        parts, signs = [], []
        for term in sorted(e.args, key=_is_minus):
            minus = _is_minus(term)
            parts.append(self.lower(-term) if minus else self._memo[term])
            signs.append(minus)
        return self.elementwise(
            lambda *xs: self.shelf.add(list(zip(signs, xs, strict=True))), *parts
        )

    def _mul(self, e: Any) -> Lowered[V]:
        return self._quotient(e.args)

    def _quotient(self, factors: Sequence[Any]) -> Lowered[V]:
        """A product; what has a negative power is divided by."""
        above: list[Lowered[V]] = []
        below: list[Lowered[V]] = []
        minus = False
        fraction, factors = _fraction_of_exponentials(factors)
        if fraction:
            above.append(self._called(FUNCTIONS["exp"], self._exponent(fraction)))
        for f in sorted(factors, key=self._weight):
            if f.is_Rational:
                minus ^= bool(f < 0)
                above += (
                    [Lowered(self.shelf.number(sympy.Integer(abs(f.p))))] if abs(f.p) != 1 else []
                )
                below += [Lowered(self.shelf.number(sympy.Integer(f.q)))] if f.q != 1 else []
            elif f.is_Pow and f.exp.is_Rational and f.exp < 0:
                below.append(self.lower(f.base**-f.exp))
            else:
                above.append(self.lower(f))
        n = len(above)

        def made(*xs: V) -> V:
            quotient = self.shelf.multiply(xs[:n], xs[n:])
            return self.shelf.add([(True, quotient)]) if minus else quotient

        return self.elementwise(made, *above, *below)

    def _taken(self, factors: Sequence[Any]) -> list[Any]:
        """What a product takes of its factors."""
        fraction, factors = _fraction_of_exponentials(factors)
        taken = [
            f.base**-f.exp if f.is_Pow and f.exp.is_Rational and f.exp < 0 else f for f in factors
        ]
        return [*self._taken_by_exponent(fraction), *taken]

    def _taken_by_exponent(self, fraction: Sequence[Any]) -> list[Any]:
        return [f.args[0] if isinstance(f, sympy.exp) else sympy.log(f.base) for f in fraction]

    def _exponent(self, fraction: Sequence[Any]) -> Lowered[V]:
        """The logarithm of a fraction of exponentials, z_c - log Σ_k exp(z_k)."""
        terms: list[tuple[bool, Lowered[V]]] = []
        for f, part in zip(fraction, self._taken_by_exponent(fraction), strict=True):
            log = self.lower(part)
            if f.is_Pow and not isinstance(f, sympy.exp) and abs(f.exp) != 1:
                times = Lowered(self.shelf.number(abs(f.exp)))
                log = self.elementwise(lambda a, b: self.shelf.multiply([a, b], []), times, log)
            terms.append((f.is_Pow and not isinstance(f, sympy.exp) and bool(f.exp < 0), log))
        signs = [sign for sign, _ in terms]
        return self.elementwise(
            lambda *xs: self.shelf.add(list(zip(signs, xs, strict=True))),
            *(part for _, part in terms),
        )

    def _pow(self, e: Any) -> Lowered[V]:
        if e.exp.is_Rational and e.exp < 0:
            return self._quotient([e])
        base = self.lower(e.base)
        if e.exp.is_Rational:
            return self.elementwise(lambda x: self.shelf.power(x, e.exp), base)
        return self.elementwise(self.shelf.power, base, self.lower(e.exp))

    def _indexed(self, e: Any) -> Lowered[V]:
        if e.base.label not in self.arrays:
            raise ProofError(
                "symbolic",
                f"{e} is at a place that the program looks for, such as that of the largest "
                "element. Expected arrays that are given; such a formula has no code.",
            )
        value, sizes = self.arrays[e.base.label]
        places: list[Any] = []
        terms = iter(e.indices)
        free_terms: list[Any] = []
        for n in sizes:
            term = sympy.S.Zero if n is None else next(terms)
            places.append(int(term) if term.is_Integer else None)
            free_terms += [] if term.is_Integer else [term]
        if any(n is not None for n in places):
            value = self.shelf.entry(value, places)
        computed = [t for t in free_terms if not _plain(t)]
        if not computed:
            if len(set(free_terms)) < len(free_terms):
                axes = tuple(dict.fromkeys(free_terms))
                letters = _letters(free_terms)
                text = f"{''.join(letters[i] for i in free_terms)}->{''.join(letters[i] for i in axes)}"
                return Lowered(self.shelf.einsum(text, [value]), axes)
            return Lowered(
                value,
                self._layouts.setdefault(frozenset(free_terms), tuple(free_terms))
                and tuple(free_terms),
            )
        plain = [t for t in free_terms if _plain(t)]
        if len(computed) > 1 or len(set(plain)) < len(plain):
            raise ProofError("symbolic", f"{e} has more than one index that is computed.")
        (term,) = computed
        labels = self._memo[term]
        at = free_terms.index(term)
        if not set(labels.axes) & set(plain):
            order = [at, *(n for n in range(len(free_terms)) if n != at)]
            moved = value if at == 0 else self.shelf.layout(value, order, (), len(free_terms))
            return Lowered(self.shelf.rows(moved, labels.value), (*labels.axes, *plain))
        if not set(labels.axes) <= set(plain):
            raise ProofError("symbolic", f"the indices of {e} cannot be brought together.")
        if at != len(free_terms) - 1:
            order = [*(n for n in range(len(free_terms)) if n != at), at]
            value = self.shelf.layout(value, order, (), len(free_terms))
        aligned = self._aligned(labels, tuple(plain))
        picked = self.shelf.along(value, aligned, [size_of(i) for i in plain])
        return Lowered(picked, tuple(plain))

    def _delta(self, e: Any) -> Lowered[V]:
        a, b = sorted(e.args[:2], key=lambda t: (not _plain(t), str(t)))
        if not _plain(a):
            return self._vanishing(self.lower(a - b)) if not b.is_Integer else self._same(a, b)
        eye = self.shelf.eye(size_of(a))
        if _plain(b):
            return Lowered(eye, (a, b))
        if b.is_Integer:
            return Lowered(self.shelf.entry(eye, [int(b), None]), (a,))
        labels = self._memo[b]
        return Lowered(self.shelf.rows(eye, labels.value), (*labels.axes, a))

    def _same(self, a: Any, b: Any) -> Lowered[V]:
        return self._vanishing(self.lower(a - b))

    def _sum(self, e: Any) -> Lowered[V]:
        bound = [limit[0] for limit in e.limits]
        factors = self._joined(_factors(e.function))
        outside = [f for f in factors if self._held(f).isdisjoint(bound)]
        inside = [f for f in factors if not self._held(f).isdisjoint(bound)]
        held = set().union(*(self._held(f) for f in inside))
        outside += [size_of(k) for k in bound if k not in held]
        bound = [k for k in bound if k in held]
        if not inside:
            return self._quotient(outside)
        total = self._contracted(inside, bound)
        if not outside:
            return total
        key = sympy.Dummy()
        self._memo[key] = total
        return self._quotient([*outside, key])

    def _joined(self, factors: list[Any]) -> list[Any]:
        """The factors of a sum, with a fraction of exponentials as one, that it not be torn apart."""
        fraction, others = _fraction_of_exponentials(factors)
        if not fraction:
            return factors
        key = sympy.Dummy()
        self._memo[key] = self._called(FUNCTIONS["exp"], self._exponent(fraction))
        self._known[key] = frozenset(self._memo[key].axes)
        return [key, *others]

    def _contracted(self, factors: list[Any], bound: list[Any]) -> Lowered[V]:
        """The sum of a product over indices that it holds."""
        parts: list[Lowered[V]] = []
        groups: dict[frozenset[Any], list[Any]] = {}
        for f in factors:
            groups.setdefault(self._held(f), []).append(f)
        if len(factors) == 1:
            parts = [self.lower(factors[0])]
        elif any(f.is_Pow and f.exp.is_Rational and f.exp < 0 for f in factors) or len(factors) > 2:
            # Factors with the same axes are multiplied first, the divisors with them.
            parts = [self._quotient(group) for group in groups.values()]
        else:
            parts = [self.lower(f) for f in factors]
        if len(parts) == 1:
            (x,) = parts
            axes = tuple(n for n, i in enumerate(x.axes) if i in bound)
            left = tuple(i for i in x.axes if i not in bound)
            return Lowered(self.shelf.total(x.value, axes, len(x.axes)), left)
        letters = _letters([i for p in parts for i in p.axes])
        left = self._ordered(
            list(dict.fromkeys(i for p in parts for i in p.axes if i not in bound))
        )
        terms = ",".join("".join(letters[i] for i in p.axes) for p in parts)
        text = f"{terms}->{''.join(letters[i] for i in left)}"
        return Lowered(self.shelf.einsum(text, [p.value for p in parts]), left)

    def _taken_by_log(self, e: Any) -> list[Any]:
        """What the logarithm of ``e`` takes."""
        summed = _sum_of_exponentials(e)
        if summed is not None:
            return [summed[0]]
        if terms := _exponents_of_terms(e):
            return terms
        fraction, factors = _fraction_of_exponentials(sympy.Mul.make_args(e))
        if not fraction:
            return [e]
        others = sympy.Mul(*factors)
        return self._taken_by_exponent(fraction) + ([] if others == 1 else [sympy.log(others)])

    def _log(self, e: Any) -> Lowered[V]:
        (inside,) = e.args
        summed = _sum_of_exponentials(inside)
        if summed is not None:
            exponent, bound = summed
            x = self.lower(exponent)
            axes = tuple(n for n, i in enumerate(x.axes) if i in bound)
            left = tuple(i for i in x.axes if i not in bound)
            return Lowered(self.shelf.logsumexp(x.value, axes), left)
        if terms := _exponents_of_terms(inside):  # log(1 + exp(x)) is softplus
            total = self.lower(terms[0])
            for term in terms[1:]:
                total = self._called(FUNCTIONS["logaddexp"], total, self.lower(term))
            return total
        fraction, factors = _fraction_of_exponentials(sympy.Mul.make_args(inside))
        if not fraction:
            return self._called(FUNCTIONS["log"], self.lower(inside))
        log = self._exponent(fraction)
        others = sympy.Mul(*factors)
        if others == 1:
            return log
        return self.elementwise(
            lambda *xs: self.shelf.add([(False, x) for x in xs]),
            log,
            self.lower(sympy.log(others)),
        )

    def _largest(self, e: Any) -> Lowered[V]:
        x = self.lower(e.args[0].function)
        bound = [limit[0] for limit in e.args[0].limits]
        axes = tuple(n for n, i in enumerate(x.axes) if i in bound)
        return Lowered(
            self.shelf.largest(x.value, axes), tuple(i for i in x.axes if i not in bound)
        )

    def _vanishing(self, x: Lowered[V]) -> Lowered[V]:
        return self._called(FUNCTIONS["vanishes"], x)

    def _piecewise(self, e: Any) -> Lowered[V]:
        *pairs, (last, otherwise) = [pair.args for pair in e.args]
        if otherwise != True:  # noqa: E712 - sympy's true
            raise ProofError(
                "symbolic",
                f"{_short(e)} has no value where none of its conditions holds. Expected a last "
                "branch (…, True).",
            )
        found = self.lower(last)
        for value, condition in reversed(pairs):
            found = self.elementwise(
                self.shelf.where, self.lower(condition), self.lower(value), found
            )
        return found


# What expressions are built of beside functions: by class, what it becomes, and the reading.
NODES: dict[Any, tuple[str, Callable[[Any, Any], Lowered[Any]]]] = {
    sympy.Rational: ("a number: 1/3 as a quotient, 1/100 as 0.01", Lowering._number),
    sympy.Float: ("a number", Lowering._number),
    type(sympy.pi): ("a number", Lowering._number),
    type(sympy.E): ("a number", Lowering._number),
    sympy.NumberSymbol: ("a number, such as Euler's gamma", Lowering._number),
    type(sympy.oo): ("a number", Lowering._number),
    type(-sympy.oo): ("a number", Lowering._number),
    sympy.Symbol: ("an input, computed at each of its elements; or a size", Lowering._symbol),
    sympy.Indexed: (
        "an input with axes; labels as indices are gathers, numbers are parts",
        Lowering._indexed,
    ),
    sympy.Add: ("+ and -", Lowering._add),
    sympy.Mul: ("* and /; a quotient of exponentials by logsumexp", Lowering._mul),
    sympy.Pow: ("**, sqrt, square, 1/x", Lowering._pow),
    sympy.Sum: ("sum over axes; einsum of a product", Lowering._sum),
    sympy.log: (FUNCTIONS["log"].becomes, Lowering._log),
    Largest: ("max over axes", Lowering._largest),
    sympy.KroneckerDelta: ("eye, or rows of it", Lowering._delta),
    sympy.Piecewise: ("where; the last branch has to be (…, True)", Lowering._piecewise),
}


def supported() -> dict[str, str]:
    """The nodes that can be lowered, by name, and what each becomes."""
    called = {type(sympy.pi): "pi", type(sympy.E): "E"}
    return {
        **{called.get(c, c.__name__): becomes for c, (becomes, _) in NODES.items()},
        **{
            c.__name__: f.becomes or f.array.__name__
            for c, f in CLASSES.items()
            if f.array is not None or f.rewritten is not None
        },
    }


def check_nodes(nodes: Sequence[Any]) -> None:
    """Refuse what cannot be lowered, the outermost first: not a part of what is the trouble.

    Raises
    ------
    ProofError
    """
    for e in reversed(nodes):
        known = isinstance(e, (*NODES, sympy.Idx, sympy.IndexedBase)) or not isinstance(
            e, sympy.Expr
        )
        f = CLASSES.get(e.func)
        if not known and (f is None or (f.array is None and f.rewritten is None)):
            raise _unreadable(e)


def _unreadable(e: Any) -> ProofError:
    return ProofError(
        "symbolic",
        f"{type(e).__name__} cannot be written with arrays; received {_short(e)}. Expected "
        f"{', '.join(sorted(supported()))}.",
    )


def _is_rewritten(f: Function) -> bool:
    return f.array is None and f.rewritten is not None


def _is_minus(term: sympy.Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


def _plain(i: Any) -> bool:
    return bool(i.is_Symbol and i in indices_in(i))


def _sum_of_exponentials(e: Any) -> tuple[sympy.Expr, list[sympy.Symbol]] | None:
    """The exponent and the indices, if ``e`` is a sum of exponentials over all of them."""
    if not isinstance(e, sympy.Sum) or not isinstance(e.function, sympy.exp):
        return None
    bound = [limit[0] for limit in e.limits]
    exponent = e.function.args[0]
    return (exponent, bound) if indices_in(exponent) >= set(bound) else None


def _exponents_of_terms(e: Any) -> list[sympy.Expr]:
    """The logarithms of the terms, if ``e`` is a sum of exponentials and positive numbers."""
    exponents = []
    for term in e.args if e.is_Add else ():
        number, product = term.as_coeff_Mul()
        if not (
            number.is_Rational and number > 0 and (isinstance(product, sympy.exp) or product == 1)
        ):
            return []
        exponents.append(sympy.log(number) + (product.args[0] if product != 1 else 0))
    return exponents


def _fraction_of_exponentials(factors: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """What is better computed by logarithms, exp(z_c) / Σ_k exp(z_k) or 1/(1 + exp(-x)); the others."""
    powers = [f for f in factors if f.is_Pow and not isinstance(f, sympy.exp) and f.exp.is_Rational]
    sums = [f for f in powers if _sum_of_exponentials(f.base) is not None]
    sums += [f for f in powers if f.exp < 0 and _exponents_of_terms(f.base)]
    exponentials = [f for f in factors if isinstance(f, sympy.exp)]
    alone = any(f.base.is_Add for f in sums)
    if not sums or not (exponentials or alone):
        return [], list(factors)
    fraction = [*exponentials, *sums]
    return fraction, [f for f in factors if f not in fraction]


def _factors(e: sympy.Expr) -> list[sympy.Expr]:
    return [f for f in sympy.Mul.make_args(e) if f != 1]


def _letters(indices: Sequence[sympy.Symbol]) -> dict[sympy.Symbol, str]:
    """A letter of its own for each index, the first of its name if that is free."""
    found: dict[sympy.Symbol, str] = {}
    for i in dict.fromkeys(indices):
        tries = (i.name[0], *"ijklmnopqrstuvwxyzabcdefghABCDEFGHIJKLMNOPQRSTUVWXYZ")
        found[i] = next(c for c in tries if c.isascii() and c.isalpha() and c not in found.values())
    return found


def _short(e: Any) -> str:
    text = str(e)
    return text if len(text) <= 60 else text[:59] + "…"
