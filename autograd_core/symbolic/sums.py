"""The normal form of expressions with indices: sums over symbolic sizes and Kronecker deltas.

It is `normal_form` with two more kinds of atom. A *delta* of two indices is an idempotent, in
whose company the one index is written for the other. A *sum* is the sum of a monomial over indices
that the monomial's factors connect:

- a sum is taken term by term; what does not hold the index comes out in front, an index that
  nothing holds gives the size, and a delta that holds it is used up: f(t) for Σ_k δ(k, t) f(k);
- sums inside are multiplied out, so that Σ_j (Σ_b x_bj)² and its expansion meet, and the whole is
  split into factors that share no index;
- bound indices are numbered above those bound inside, so that binders never clash, and are put
  into the order, of all that their roles allow, that gives the least monomial.

A size is any positive integer. An index that stands alone ranges over all of its axis.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sympy
from sympy.polys.domains import QQ

from .normal_form import NormalForm, Unsupported
from .places import (
    Index,
    Place,
    index,
    indices_in,
    is_index,
    is_label,
    is_size,
    label_of,
    never_negative,
    place_of,
    size_of,
)
from .polynomials import DEFAULT, ONE, Budget, Monomial, Polynomial, generators

__all__ = ["IndexedForm"]

Indices = Mapping[sympy.Symbol, sympy.Expr]

Bound = frozenset[sympy.Symbol]
Term = tuple[Polynomial, Bound]

ORDERS = 720  # orders of bound indices in like roles that are tried
TURNS = 3  # bound indices that are tried from the other end
COPIES = 3  # powers of a sum that are multiplied out inside another
STEPS = 400  # reductions in one sum
NESTED = 3  # sums inside sums that the zero test looks into
CHOICES = 24  # ways to open one sum of each term that it tries


class IndexedForm(NormalForm):
    """Polynomials over atoms that may hold indices.

    Parameters
    ----------
    budget, engine, steady, tanh_by_exp
        See `NormalForm`.
    sums_to : mapping, optional
        Facts: (name of an array, axis, its size) to the value of its sum over that axis.
    ranges : mapping, optional
        Symbols of integer arrays, to the sizes of the axes that they are in range of. Default: each
        is in range wherever it stands.
    bounds : collection of sympy.Expr, optional
        Polynomials in sizes that are 0 or more.

    Attributes
    ----------
    used : set
        The facts that were used.
    """

    def __init__(
        self,
        budget: Budget,
        engine: str = DEFAULT,
        steady: Iterable[sympy.Symbol] = (),
        tanh_by_exp: bool = False,
        sums_to: Mapping[tuple[str, int, sympy.Expr], Any] | None = None,
        ranges: Mapping[sympy.Symbol, Collection[sympy.Expr]] | None = None,
        bounds: Collection[sympy.Expr] = (),
    ) -> None:
        super().__init__(budget, engine, steady, tanh_by_exp)
        self.ranges = ranges
        self.bounds = bounds
        self.sums_to = dict(sums_to or {})
        self.used: set[tuple[str, int, sympy.Expr]] = set()
        self._free: list[frozenset[sympy.Symbol]] = []
        self._height: list[int] = []
        self._bound: dict[int, tuple[sympy.Symbol, ...]] = {}
        self._deltas: dict[int, tuple[sympy.Expr, sympy.Expr]] = {}
        self._solved: dict[int, list[tuple[sympy.Symbol, sympy.Expr]]] = {}
        self._fresh = itertools.count(1)
        self._depth = 0
        self._moved: dict[tuple[int, Any], Polynomial] = {}
        self._totals: dict[tuple[Monomial, Any], Polynomial] = {}
        self._roles: dict[tuple[int, Any], int] = {}
        self._backwards: dict[tuple[int, Any], int] = {}
        self._leads: dict[int, tuple[Monomial, Monomial, Monomial]] = {}

    # --- expressions ---------------------------------------------------------------------------

    def _operands(self, e: sympy.Expr) -> tuple[sympy.Expr, ...]:
        if isinstance(e, (sympy.Indexed, sympy.KroneckerDelta)):
            return ()
        if isinstance(e, sympy.Sum):
            return (e.function,)
        return super()._operands(e)

    def _convert(self, e: sympy.Expr) -> Polynomial:
        if isinstance(e, sympy.Indexed):
            return self._leaf(_canonical(e))
        if isinstance(e, sympy.KroneckerDelta):
            return self.delta(*e.args[:2])
        if isinstance(e, sympy.Sum):
            self.budget.check()
            total = self._memo[e.function]
            for k, low, _ in e.limits:
                if not isinstance(k, Index) or low != 0:
                    raise Unsupported(f"{e} does not run over a whole axis")
                total = self.summed(total, k)
            return total
        return super()._convert(e)

    def _sign_of(self, e: sympy.Expr) -> int | None:
        if isinstance(e, sympy.Sum):
            return self._sign(e.function)
        if isinstance(e, sympy.Indexed):
            return self._sign(label_of(e))
        if isinstance(e, sympy.KroneckerDelta):
            return 0
        return super()._sign_of(e)

    def _leaf(self, e: sympy.Expr) -> Polynomial:
        return self.power(self._atom(("symbol", e), "symbol", {}, symbol=e), 1)

    def delta(self, a: sympy.Expr, b: sympy.Expr) -> Polynomial:
        """1 where two indices, or places, are equal, 0 elsewhere."""
        if a == b:
            return self.constant(QQ(1))
        if a.is_Integer and b.is_Integer:
            return {}
        indices = [term for term in (a, b) if is_index(term)]
        sizes = {size_of(i) for i in indices}
        plain = all(is_index(t) or is_label(t) or t.is_Integer for t in (a, b))
        if not plain or len(sizes) > 1:
            return self._meeting(a, b)
        for n in sizes:
            if any(t.is_Integer and (t < 0 or (n.is_Integer and t >= n)) for t in (a, b)):
                return {}
        # The first is written for the second: a number or a label for an index.
        if len(indices) != 1:
            a, b = sorted((a, b), key=sympy.default_sort_key)
        elif is_index(a):
            a, b = b, a
        solved = [(b, a), (a, b)] if len(indices) == 2 else [(b, a)] if indices else []
        if a.is_Integer and not all(self._sure(n - 1 - a) for n in sizes):
            solved = []  # perhaps it is no place of the axis
        return self._delta(a, b, solved)

    def _delta(
        self, a: sympy.Expr, b: sympy.Expr, solved: list[tuple[sympy.Symbol, sympy.Expr]]
    ) -> Polynomial:
        symbol = sympy.KroneckerDelta(a, b)
        if symbol.is_Integer:
            return self.constant(QQ(int(symbol)))
        g = self._atom(("delta", a, b), "delta", {}, symbol=symbol)
        self._deltas[g] = (a, b)
        self._solved[g] = solved
        self._idempotent.add(g)
        return self.power(g, 1)

    def _meeting(self, a: sympy.Expr, b: sympy.Expr) -> Polynomial:
        """The delta of two places, one of them computed or of a shorter axis: where a - b = 0."""
        place = place_of(a - b)
        if place is None:
            raise Unsupported(f"{a} = {b} is no equation of indices, labels and numbers")
        if not place.terms and place.constant == 0:
            return self.constant(QQ(1))
        if self._never_zero(place):
            return {}
        place = _reduced(place)
        if place is None:
            return {}
        a, b = (
            Place({t: abs(c) for t, c in place.terms.items() if (c > 0) == up}, constant).written
            for up, constant in zip((True, False), _signed(place.constant), strict=True)
        )
        sizes = {size_of(t) for t in (a, b) if is_index(t)}
        if len(sizes) < 2 and all(is_index(t) or is_label(t) or t.is_Integer for t in (a, b)):
            return self.delta(a, b)
        solved = []
        for i in filter(is_index, reversed(list(place.terms))):
            t = place.solved(i)
            if t is not None and self._on_axis(t, size_of(i)):
                solved.append((i, t))
        return self._delta(a, b, solved)

    def _sure(self, n: sympy.Expr) -> bool:
        """Whether a polynomial in sizes is never negative."""
        return never_negative(n, self.bounds)

    def _count(self, t: sympy.Expr) -> sympy.Expr | None:
        """How many values an index or a label takes, if that is known."""
        if is_index(t):
            return size_of(t)
        return min((self.ranges or {}).get(label_of(t), ()), key=str, default=None)

    def _extent(self, place: Place) -> tuple[sympy.Expr, sympy.Expr] | None:
        """The least and the largest value of a place, as far as they are known."""
        low = high = place.constant
        for t, c in place.terms.items():
            n = self._count(t)
            if n is None:
                return None
            low, high = (low, high + c * (n - 1)) if c > 0 else (low + c * (n - 1), high)
        return low, high

    def _on_axis(self, t: sympy.Expr, n: sympy.Expr) -> bool:
        """Whether a place is surely one of an axis of size ``n``."""
        place = place_of(t)
        extent = None if place is None else self._extent(place)
        return extent is not None and self._sure(extent[0]) and self._sure(n - 1 - extent[1])

    def _never_zero(self, place: Place) -> bool:
        extent = self._extent(place)
        return extent is not None and (self._sure(extent[0] - 1) or self._sure(-extent[1] - 1))

    def _atom(
        self,
        key: Any,
        kind: str,
        argument: Polynomial,
        symbol: sympy.Expr | None = None,
        degree: int = 1,
        positive: bool = False,
    ) -> int:
        g = super()._atom(key, kind, argument, symbol, degree, positive)
        if g == len(self._free):
            bound = key[1] if kind == "sum" else ()
            inside = generators(argument)
            if symbol is not None:
                self._free.append(indices_in(symbol))
            else:
                self._free.append(frozenset().union(*(self._free[h] for h in inside)) - set(bound))
            self._height.append(max((self._height[h] for h in inside), default=0) + len(bound))
            if bound:
                self._bound[g] = bound
        return g

    # --- products ------------------------------------------------------------------------------

    def product(self, p: Polynomial, q: Polynomial) -> Polynomial:
        """``p q``, with deltas put to use."""
        result = super().product(p, q)
        return self._collapsed(result) if self._deltas else result

    def _collapsed(self, p: Polynomial) -> Polynomial:
        """Beside δ(a, i), ``a`` is written for ``i`` in all other factors."""
        plain: Polynomial = {}
        parts = []
        for m, c in p.items():
            move = self._move(m)
            if move is None:
                plain[m] = c
                continue
            g, into = move
            rest = self._substituted({tuple(f for f in m if f[0] != g): c}, into)
            parts.append(self.product(rest, self.power(g, 1)))
        return self.sum((plain, *parts)) if parts else p

    def _move(self, m: Monomial) -> tuple[int, Indices] | None:
        for g, _ in m:
            for i, t in self._solved.get(g, ())[:1]:
                others = (self._free[h] for h, _ in m if h != g)
                if i not in indices_in(t) and any(i in f for f in others):
                    return g, {i: t}
        return None

    def exponential(self, u: Polynomial, e: sympy.Expr | None = None) -> Polynomial:
        """exp(u), a factor for each term: those without an index come out of a sum over it."""
        result = self.constant(QQ(1))
        others = {}
        for m, c in u.items():
            if len(m) == 1 and m[0][1] == 1 and self.atoms[m[0][0]].kind == "log":
                result = self.product(result, super().exponential({m: c}))
            else:
                others[m] = c
        for m, c in self._rooted(others).items():
            g = self._atom(("exp", m), "exp", {m: QQ(1)}, positive=True)
            n, q = int(c.numerator), int(c.denominator)
            if q != 1:
                g = self._atom(("root", q, g), "root", self.power(g, 1), degree=q, positive=True)
            result = self.product(result, self.power(g, n))
        return result

    # --- indices for indices -------------------------------------------------------------------

    def _substituted(self, p: Polynomial, into: Indices) -> Polynomial:
        """``p`` with indices replaced, all at once; the result is in normal form."""
        names = into.keys()
        parts = []
        for m, c in p.items():
            kept = tuple((g, n) for g, n in m if self._free[g].isdisjoint(names))
            whole: Polynomial = {kept: c}
            for g, n in m:
                if not self._free[g].isdisjoint(names):
                    whole = self.product(whole, self._powered(g, n, into))
            parts.append(whole)
        return self.sum(parts)

    def _powered(self, g: int, n: int, into: Indices) -> Polynomial:
        """The n-th power of a generator with its indices replaced."""
        here = tuple(sorted(((i, into[i]) for i in self._free[g] & into.keys()), key=str))
        key = (g, here)
        if key not in self._moved:
            self.budget.check()
            self._moved[key] = self._rebuilt(g, dict(here))
        return self._with_power(self._moved[key], n)

    def _rebuilt(self, g: int, into: Indices) -> Polynomial:
        atom = self.atoms[g]
        if atom.kind == "delta":
            return self.delta(*(t.xreplace(into) for t in self._deltas[g]))
        if atom.symbol is not None:
            return self.form(atom.symbol.xreplace(into))
        return self._made(g, self._substituted(atom.argument, into))

    def _made(self, g: int, u: Polynomial) -> Polynomial:
        return self._over(u, self._bound[g]) if g in self._bound else super()._made(g, u)

    # --- sums ----------------------------------------------------------------------------------

    def summed(self, p: Polynomial, k: sympy.Symbol) -> Polynomial:
        """The sum of ``p`` over all values of the index ``k``."""
        return self.sum(self.scaled(self._total(m, k), c) for m, c in p.items())

    def _total(self, m: Monomial, k: sympy.Symbol) -> Polynomial:
        found = self._totals.get((m, k))
        if found is None:
            self.budget.check()
            found = self._totals[m, k] = self._over({m: QQ(1)}, (k,))
        return found

    def _over(self, p: Polynomial, bound: Iterable[sympy.Symbol]) -> Polynomial:
        """The sum of ``p`` over indices that occur nowhere else."""
        parts: list[Polynomial] = []
        pending = [(m, c, frozenset(bound)) for m, c in p.items()]
        steps = 0
        while pending:
            m, c, left = pending.pop()
            steps += 1
            rewritten = (
                self._without_delta(m, left) or self._opened(m, left) or self._by_fact(m, left)
            )
            if rewritten is None and steps < STEPS:
                rewritten = self._settled(m, left)
            if rewritten is None:
                parts.append(self.scaled(self._split(m, left), c))
                continue
            for q, indices in rewritten:
                pending += [(n, c * d, indices) for n, d in q.items()]
        return self.sum(parts)

    def _without_delta(self, m: Monomial, bound: Bound) -> list[Term] | None:
        """Σ_i δ(i, t) f(i) = f(t), where the label t is in range."""
        for g, _ in m:
            if g in self._deltas:
                for i, t in self._solved[g]:
                    if i in bound and i not in indices_in(t):
                        rest = self._substituted({_without(m, g, 0): QQ(1)}, {i: t})
                        if not self._in_range(t, size_of(i)):
                            rest = self.product(rest, self._inside(t, size_of(i)))
                        return [(rest, bound - {i})]
        return None

    def _in_range(self, t: sympy.Expr, n: sympy.Expr) -> bool:
        if self.ranges is None or not is_label(t):
            return True  # what is written for an index is on its axis
        return n in self.ranges.get(label_of(t), ())

    def _inside(self, t: sympy.Expr, n: sympy.Expr) -> Polynomial:
        """1 where a label is in range of an axis, 0 elsewhere: Σ_i δ(i, t)."""
        slot = index("#1", n)
        argument = self.delta(slot, t)
        ((body, _),) = argument.items()
        g = self._atom(("sum", (slot,), body), "sum", argument)
        self._idempotent.add(g)
        return self.power(g, 1)

    def _opened(self, m: Monomial, bound: Bound) -> list[Term] | None:
        """Sums inside, as sums over further indices."""
        product: Polynomial = {ONE: QQ(1)}
        kept: list[tuple[int, int]] = []
        indices = bound
        for g, n in m:
            opens = g in self._bound and g not in self._idempotent and 0 < n <= COPIES
            if opens and not self._free[g].isdisjoint(bound):
                for _ in range(n):
                    new = {s: index(f"~{next(self._fresh)}", size_of(s)) for s in self._bound[g]}
                    product = self.product(product, self._substituted(self.atoms[g].argument, new))
                    indices |= set(new.values())
            else:
                kept.append((g, n))
        if indices is bound:
            return None
        return [(self.product(product, {tuple(kept): QQ(1)}), indices)]

    def _split(self, m: Monomial, bound: Bound) -> Polynomial:
        """The sum of a monomial with nothing left to rewrite, as a product of connected ones."""
        outside, groups = self._groups(m, bound)
        result: Polynomial = {outside: QQ(1)}
        for i in bound.difference(*(held for held, _ in groups)):
            result = self.product(result, self.form(size_of(i)))
        for held, factors in groups:
            result = self.product(result, self._connected(factors, held))
        return result

    def _groups(self, m: Monomial, bound: Bound) -> tuple[Monomial, list[tuple[Bound, Monomial]]]:
        """Factors without any of the indices, and groups of factors that indices connect."""
        outside: list[tuple[int, int]] = []
        groups: list[tuple[Bound, list[tuple[int, int]]]] = []
        for g, n in m:
            held = self._free[g] & bound
            if not held:
                outside.append((g, n))
                continue
            factors = [(g, n)]
            for other in [group for group in groups if group[0] & held]:
                groups.remove(other)
                held |= other[0]
                factors += other[1]
            groups.append((held, factors))
        return tuple(outside), [(held, tuple(sorted(factors))) for held, factors in groups]

    def _connected(self, m: Monomial, bound: Bound) -> Polynomial:
        """The atom of the sum of a monomial over indices that connect its factors."""
        height = max(self._height[g] for g, _ in m)
        best: tuple[int, Any, Any, tuple[sympy.Symbol, ...]] | None = None
        first: tuple[Polynomial, tuple[sympy.Symbol, ...]] = {}, ()
        back = [i for i in sorted(bound, key=str) if any(self._runs_back(g, i) for g, _ in m)]
        for order in self._orders(m, bound):
            slots = tuple(index(f"#{height + n}", size_of(i)) for n, i in enumerate(order, 1))
            into = dict(zip(order, slots, strict=True))
            for turned in _subsets(back[:TURNS]):
                ends = {i: size_of(i) - 1 - into[i] for i in turned}
                moved = self._substituted({m: QQ(1)}, into | ends)
                if not moved:
                    return {}
                first = first if first[1] else (moved, slots)
                if len(moved) == 1:
                    ((body, c),) = moved.items()
                    count = (
                        sum(self._runs_back(g, i) for g, _ in body for i in slots) if back else 0
                    )
                    if best is None or (count, body, c) < best[:3]:
                        best = (count, body, c, slots)
        if best is None:
            return self._over(*first)
        _, body, c, slots = best
        argument: Polynomial = {body: QQ(1)}
        g = self._atom(("sum", slots, body), "sum", argument, positive=self.positive(argument))
        return {((g, 1),): c}

    def _runs_back(self, g: int, i: sympy.Symbol) -> int:
        """How often an index runs from the end in an atom, as in x[n - 1 - i] or [j > n - 1 - i]."""
        if i not in self._free[g] or g in self._deltas:
            return 0
        key = (g, i)
        if key not in self._backwards:
            atom = self.atoms[g]
            if atom.symbol is None:
                inside = [self.atoms[h].symbol for h in generators(atom.argument)]
                count = sum(self._runs_back(h, i) for m in atom.argument for h, _ in m)
                sized = any(s is not None and s.is_Symbol and is_size(s) for s in inside)
                count += i in inside and sized
            else:
                terms = atom.symbol.indices if isinstance(atom.symbol, sympy.Indexed) else ()
                places = (place_of(t) for t in terms if t.is_Add or t.is_Mul)
                count = sum(place is not None and place.terms.get(i, 0) < 0 for place in places)
            self._backwards[key] = count
        return self._backwards[key]

    def _by_fact(self, m: Monomial, bound: Bound) -> list[Term] | None:
        """Σ_c x[b, c] f(b) = f(b) where x is known to sum to 1 over that axis."""
        for g, n in m if self.sums_to else ():
            e = self.atoms[g].symbol
            if n != 1 or not isinstance(e, sympy.Indexed):
                continue
            for place, i in enumerate(e.indices):
                if i not in bound:
                    continue
                key = (str(e.base.label), place, size_of(i))  # else it is part of the axis
                held = sum(i in self._free[h] for h, _ in m)
                if key in self.sums_to and held == sum(i in indices_in(t) for t in e.indices) == 1:
                    self.used.add(key)
                    value = self.form(sympy.sympify(self.sums_to[key]))
                    return [(self.product({_without(m, g, 0): QQ(1)}, value), bound - {i})]
        return None

    def _orders(self, m: Monomial, bound: Bound) -> Iterable[tuple[sympy.Symbol, ...]]:
        """Orders of the bound indices in which those of unlike roles stand as their roles do."""
        roles: dict[tuple[Any, ...], list[sympy.Symbol]] = {}
        for i in sorted(bound, key=str):
            role = sorted((self._role(g, i), n) for g, n in m if i in self._free[g])
            roles.setdefault((str(size_of(i)), tuple(role)), []).append(i)
        classes = [roles[key] for key in sorted(roles)]
        if math.prod(math.factorial(len(group)) for group in classes) > ORDERS:
            classes = [[i] for group in classes for i in group]
        for chosen in itertools.product(*map(itertools.permutations, classes)):
            yield tuple(itertools.chain.from_iterable(chosen))

    def _role(self, g: int, i: sympy.Symbol) -> int:
        """A number for where in an atom an index stands, the same whatever it is called."""
        key = (g, i)
        if key not in self._roles:
            atom = self.atoms[g]
            if atom.symbol is not None:
                text = _places(atom.symbol, i)
            else:
                inside = sorted(
                    (tuple(sorted((self._role(h, i), n) for h, n in m)), str(c))
                    for m, c in atom.argument.items()
                )
                text = f"{atom.kind}{atom.degree}{inside}"
            self._roles[key] = zlib.crc32(text.encode())
        return self._roles[key]

    # --- one form for what divides and what is under a root --------------------------------------
    # Outside of sums the zero test clears divisors; inside it cannot, so that a term has to be
    # brought to one form here.

    def _settled(self, m: Monomial, bound: Bound) -> list[Term] | None:
        """One step towards roots to powers between 0 and 1, and no factor that a divisor cancels."""
        for g, n in m:
            if self._free[g].isdisjoint(bound):
                continue
            kind = self.atoms[g].kind
            if kind == "root":
                lowered = self._lowered(m, g, n)
                if lowered is not None:
                    return [(lowered, bound)]
            elif kind == "denominator" and n > 0:
                power = self._raise(self.atoms[g].argument, n)
                return [(self.product({_without(m, g, 0): QQ(1)}, power), bound)]
            elif kind == "denominator":
                cancelled = self._cancelled(m, g, bound)
                if cancelled is not None:
                    return cancelled
            elif kind == "sum" and n < 0:
                taken = self._taken(m, g, bound)
                if taken is not None:
                    remaining, left = taken
                    return [({_without(remaining, g, dict(remaining)[g] + 1): QQ(1)}, left)]
        return None

    def _lowered(self, m: Monomial, g: int, n: int) -> Polynomial | None:
        """``m`` with the power ``n`` of the root s, s^q = u, as s^r u^a with 0 <= r < q."""
        atom = self.atoms[g]
        whole, part = divmod(n, atom.degree)
        if not whole:
            return None
        u = atom.argument
        if whole < 0:
            u = self.inverse(u, None)
        return self.product({_without(m, g, part): QQ(1)}, self._raise(u, abs(whole)))

    def _rooted(self, p: Polynomial) -> Polynomial:
        """``p`` with all roots lowered."""
        result: Polynomial = {}
        for m, c in p.items():
            roots = [(g, n) for g, n in m if self.atoms[g].kind == "root"]
            found = next((q for g, n in roots if (q := self._lowered(m, g, n))), None)
            part = {m: c} if found is None else self.scaled(self._rooted(found), c)
            result = self.sum((result, part))
        return result

    def _cancelled(self, m: Monomial, g: int, bound: Bound) -> list[Term] | None:
        """``m`` = a q/d with d = a + b: q - b q/d; None if ``m`` holds no such ``a``."""
        argument = self.atoms[g].argument
        lead, main, units = self._lead(g)
        remaining, left = m, bound
        for h, n in main:
            for _ in range(n):
                taken = self._taken(remaining, h, left)
                if taken is None:
                    return None
                remaining, left = taken
        if remaining == m:
            return None
        quotient = self.product({remaining: 1 / argument[lead]}, {units: QQ(1)})
        others = {n: d for n, d in argument.items() if n != lead}
        without = self.product(quotient, self.power(g, 1))
        return [(without, left), (self.scaled(self.product(quotient, others), QQ(-1)), left)]

    def _lead(self, g: int) -> tuple[Monomial, Monomial, Monomial]:
        """The term of a divisor that is cancelled: whole, what has to be found, what divides it.

        Of the terms that no other is a multiple of, one with most indices and few factors. Its
        positive factors with fewer indices than others divide everything: sizes, exp(b_j) beside
        exp(x_ij).
        """
        if g not in self._leads:
            argument = self.atoms[g].argument
            candidates = []
            for m in argument:
                most = max((len(self._free[h]) for h, _ in m), default=0)
                unit = {h for h, _ in m if self.atoms[h].positive and len(self._free[h]) < most}
                main = tuple((h, n) for h, n in m if h not in unit)
                units = tuple((h, -n) for h, n in m if h in unit)
                others = [dict(n) for n in argument if n != m]
                multiple = any(all(n.get(h, 0) >= e for h, e in main) for n in others)
                if most and main and not multiple and all(n > 0 for _, n in main):
                    candidates.append((-most, sum(n for _, n in main), m, main, units))
            self._leads[g] = min(candidates)[2:] if candidates else (ONE, ONE, ONE)
        return self._leads[g]

    def _taken(self, m: Monomial, g: int, bound: Bound) -> tuple[Monomial, Bound] | None:
        """``m`` without one factor ``g``, which may stand in it as an opened sum; indices left."""
        n = dict(m).get(g, 0)
        if n > 0:
            return _without(m, g, n - 1), bound
        if g not in self._bound:
            return None
        _, groups = self._groups(m, bound - self._free[g])
        for held, factors in groups:
            if len(held) == len(self._bound[g]) and self._connected(factors, held) == {
                ((g, 1),): QQ(1)
            }:
                return tuple(f for f in m if f not in set(factors)), bound - held
        return None

    # --- the zero test -------------------------------------------------------------------------

    def vanishes(self, p: Polynomial) -> bool:
        """Whether ``p`` is zero: as it stands, or under the sums that its terms have in common."""
        if super().vanishes(p):
            return True
        p, _ = self.fraction(p)
        return bool(p) and self._depth < NESTED and self._vanishes_inside(p)

    def _vanishes_inside(self, p: Polynomial) -> bool:
        """Whether terms that are sums of one sort are zero together: Σ_k (f - g) with f = g.

        Inside, divisors can be cleared that hold the index.
        """
        sorts: dict[tuple[str, ...], Polynomial] = {}
        for m, c in p.items():
            inside = sorted(self._sort(g) for g, n in m if g in self._bound and n == 1)
            if not inside:
                return False
            sorts.setdefault(inside[-1], {})[m] = c
        self._depth += 1
        try:
            return all(
                any(self.vanishes(q) for q in self._integrands(part, sort))
                for sort, part in sorts.items()
            )
        finally:
            self._depth -= 1

    def _sort(self, g: int) -> tuple[str, ...]:
        return tuple(sorted(str(size_of(i)) for i in self._bound[g]))

    def _integrands(self, p: Polynomial, sort: tuple[str, ...]) -> Iterable[Polynomial]:
        """``p`` with one sum of each term opened, at the same indices, in the orders there are."""
        choices: list[list[Polynomial]] = []
        shared: dict[sympy.Expr, list[sympy.Symbol]] = {}
        for m, c in p.items():
            opened = []
            for g in (g for g, n in m if n == 1 and g in self._bound and self._sort(g) == sort):
                groups: dict[sympy.Expr, list[sympy.Symbol]] = {}
                for i in self._bound[g]:
                    groups.setdefault(size_of(i), []).append(i)
                for n, slots in groups.items():
                    new = shared.setdefault(n, [])
                    while len(new) < len(slots):
                        new.append(index(f"~{next(self._fresh)}", n))
                factor: Polynomial = {_without(m, g, 0): c}
                orders = itertools.product(*(itertools.permutations(s) for s in groups.values()))
                for order in orders:
                    into = {
                        i: j
                        for slots, n in zip(order, groups, strict=True)
                        for i, j in zip(slots, shared[n], strict=True)
                    }
                    body = self._substituted(self.atoms[g].argument, into)
                    opened.append(self.product(factor, body))
            choices.append(opened)
        for parts in itertools.islice(itertools.product(*choices), CHOICES):
            yield self.sum(parts)

    # --- kinks ---------------------------------------------------------------------------------
    # x_i - x_j is not zero off a kink; but where i and j are the same index it is zero everywhere.
    # Two elements of one array are taken to be different wherever their indices are written
    # differently, and the coincidences of free indices are looked at one by one.

    def _elements(self, e: sympy.Expr) -> Iterable[sympy.Expr]:
        found = e.atoms(sympy.Indexed)
        bases = {label_of(a) for a in found} | indices_in(e)
        return found | {
            s for s in e.free_symbols if s not in bases and not isinstance(s, sympy.Indexed)
        }

    def _is_variable(self, g: int) -> bool:
        s = self.atoms[g].symbol
        if not isinstance(s, sympy.Indexed):
            return super()._is_variable(g)
        label = label_of(s)
        if any(str(label) == name for name, *_ in self.sums_to):
            return False  # its elements are not free
        return not label.is_integer and label not in self.steady

    def _may_be(self, g: int, v: int) -> bool:
        a, b = self.atoms[g].symbol, self.atoms[v].symbol
        if g == v or not (isinstance(a, sympy.Indexed) and isinstance(b, sympy.Indexed)):
            return g == v
        if a.base != b.base:
            return False
        return not any(
            i != t and not (_runs(i) or _runs(t)) for i, t in zip(a.indices, b.indices, strict=True)
        )

    def _moves(self, g: int, v: int) -> bool:
        """A sum of elements, each of them in one term, moves with each."""
        if g not in self._bound:
            return super()._moves(g, v)
        s, argument = self.atoms[v].symbol, self.atoms[g].argument
        if not (isinstance(s, sympy.Indexed) and _one_each(self._bound[g], s.indices)):
            return False
        leaves = frozenset().union(*map(self._leaves, generators(argument)))
        alone = not any(h != v and self._may_be(h, v) for h in leaves)
        return alone and self._varies_in(argument, v)

    def _kinks_within(self, g: int) -> set[int]:
        """But for those that an index of a sum runs through."""
        bound = self._bound.get(g, ())
        return {h for h in super()._kinks_within(g) if self._free[h].isdisjoint(bound)}

    def _may_vanish(self, u: Polynomial) -> bool:
        return not self.surely(u) or any(
            self._may_vanish(part) for _, part in self._coincidences(u)
        )

    def _coincidences(self, u: Polynomial) -> Iterable[tuple[Indices, Polynomial]]:
        """Equal indices at which two elements in ``u`` are one, and ``u`` there.

        Zero where that cannot be written: a label may be any place.
        """
        leaves = sorted(frozenset().union(*map(self._leaves, generators(u))))
        seen: set[Any] = set()
        for g, h in itertools.combinations(leaves, 2):
            a, b = self.atoms[g].symbol, self.atoms[h].symbol
            if not (isinstance(a, sympy.Indexed) and isinstance(b, sympy.Indexed)):
                continue
            if a.base != b.base or self._may_be(g, h):
                continue
            pairs = list(zip(a.indices, b.indices, strict=True))
            if any(self._never_equal(i, t) for i, t in pairs):
                continue
            into = _unified(pairs)
            key = frozenset((into or dict(pairs)).items())
            if key not in seen:
                seen.add(key)
                yield into or {}, self._substituted(u, into) if into else {}

    def _never_equal(self, i: sympy.Expr, t: sympy.Expr) -> bool:
        place = place_of(i - t)
        return place is not None and self._never_zero(place)

    def _vanishing(self, u: Polynomial, e: sympy.Expr) -> Polynomial:
        """f(i) = f(t) where i = t, and off ties only there."""
        same = [] if not u else [into for into, part in self._coincidences(u) if not part]
        if same and all(into == same[0] and len(into) == 1 for into in same):
            ((i, t),) = same[0].items()
            others = (part for _, part in self._coincidences(u) if part)
            written = isinstance(i, Index) and i not in indices_in(t)
            if written and self.surely(u) and not any(map(self._may_vanish, others)):
                if self._varies(e):
                    self.excluded.add(e)
                return self.delta(i, t)
        return super()._vanishing(u, e)

    # --- back to expressions ---------------------------------------------------------------------

    def _atom_expression(self, g: int) -> sympy.Expr:
        if g in self._bound:
            limits = [(i, 0, size_of(i) - 1) for i in self._bound[g]]
            return sympy.Sum(self.expression(self.atoms[g].argument), *limits)
        return super()._atom_expression(g)


def _subsets(items: Sequence[sympy.Symbol]) -> Iterable[tuple[sympy.Symbol, ...]]:
    return itertools.chain.from_iterable(
        itertools.combinations(items, n) for n in range(len(items) + 1)
    )


def _without(m: Monomial, g: int, n: int) -> Monomial:
    """``m`` with the power ``n`` of a generator instead of the one that it has."""
    return tuple(sorted([f for f in m if f[0] != g] + ([(g, n)] if n else [])))


def _unified(pairs: Iterable[tuple[sympy.Expr, sympy.Expr]]) -> Indices | None:
    """What to put for free indices so that the terms of each pair are equal; None if none will do."""
    into: dict[sympy.Symbol, sympy.Expr] = {}
    waiting = list(pairs)
    while waiting:
        # What is not solved as it is may be so once others are: labels at places that are equal then.
        open_ = []
        for i, t in ((i.xreplace(into), t.xreplace(into)) for i, t in waiting):
            if i == t:
                continue
            i, t = (i, t) if is_index(i) else (t, i)
            if not is_index(i) or i in indices_in(t):
                found = _solution(i - t)
                if found is None:
                    open_.append((i, t))
                    continue
                i, t = found
            into = {k: v.xreplace({i: t}) for k, v in into.items()} | {i: t}
        if len(open_) == len(waiting):
            return None
        waiting = open_
    return into


def _runs(t: sympy.Expr) -> bool:
    """Whether an index, or that of a label, is one that a sum binds."""
    return any(i.name.startswith("#") for i in indices_in(t))


def _solution(difference: sympy.Expr) -> tuple[sympy.Symbol, sympy.Expr] | None:
    """An index, and what it is where a difference of places is 0; None if none is alone."""
    place = place_of(difference)
    place = None if place is None else _reduced(place)
    if place is None:
        return None
    solutions = ((i, place.solved(i)) for i in filter(is_index, place.terms))
    return next(((i, t) for i, t in solutions if t is not None), None)


def _canonical(e: sympy.Indexed) -> sympy.Indexed:
    """An element with its places written in one way: else they might pass for different ones."""
    if all(t.is_Atom or isinstance(t, sympy.Indexed) for t in e.indices):
        return e
    places = [(t, place_of(t)) for t in e.indices]
    return e.base[tuple(t if place is None else place.written for t, place in places)]


def _reduced(place: Place) -> Place | None:
    """The one way to write that a place is 0; None if it is 0 nowhere."""
    by = math.gcd(*place.terms.values()) or 1
    parts = [part.as_coeff_Mul()[0] for part in sympy.Add.make_args(place.constant)]
    if any(c % by for c in parts):
        if place.constant.is_Integer:
            return None
        by = 1
    by = -by if next(iter(place.terms.values()), 1) < 0 else by
    return Place({t: c // by for t, c in place.terms.items()}, sympy.expand(place.constant / by))


def _signed(constant: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """What is added in a polynomial, and what is taken away."""
    parts = sympy.Add.make_args(constant)
    added = sympy.Add(*(p for p in parts if p.as_coeff_Mul()[0] > 0))
    return added, sympy.expand(added - constant)


def _one_each(bound: Iterable[sympy.Symbol], terms: Iterable[sympy.Expr]) -> bool:
    """Whether different values of these indices are different elements: each is alone in some place."""
    held = set(bound)
    alone = set()
    for t in terms:
        here = indices_in(t) & held
        place = place_of(t)
        if len(here) == 1 and place is not None and here <= place.terms.keys():
            (i,) = here
            if not any(t != i and i in indices_in(t) for t in place.terms):
                alone.add(i)
    return alone == held


def _places(e: sympy.Expr, i: sympy.Symbol) -> str:
    """An expression with the index ``i`` written *, and the other indices _."""
    if isinstance(e, Index):
        return "*" if e == i else "_"
    if not e.args or isinstance(e, sympy.IndexedBase):
        return str(e)
    parts = [_places(a, i) for a in e.args]
    if isinstance(e, sympy.KroneckerDelta) or e.is_Add or e.is_Mul:
        parts.sort()  # they stand in the order of the names
    return f"{type(e).__name__}({','.join(parts)})"
