"""Laurent polynomials over named atoms with relations, and the zero test modulo these.

An atom is a symbol, a function of a polynomial, a root s with s^q = u, a denominator that stands
for the value of a polynomial, or an idempotent h² = h. What the atoms mean as functions is the
business of `normal_form`; here they are generators.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.polys.domains import QQ

from .polynomials import DEFAULT, ONE, Budget, Exhausted, Monomial, Polynomial, generators, multiply

__all__ = ["Algebra", "Generator", "content_of", "key_of"]

LARGE = 300  # terms above which a polynomial is not brought to one fraction
KINKS = 8  # idempotents in one polynomial above which their values are not listed


@dataclass
class Generator:
    """One atom.

    Attributes
    ----------
    kind : str
        symbol, exp, log, root, denominator, tanh, sin, cos, arcsin, arctan, erf, floor, side,
        step or vanishes.
    argument : Polynomial
        What the function is applied to; a root's radicand; a denominator's value; empty for symbols.
    symbol : sympy.Expr or None
        The symbol or named constant.
    degree : int
        q of a root s^q = argument.
    positive : bool
        Known to be positive wherever the expression is defined. (A root is nonnegative anyway.)
    kinked : bool
        A step occurs somewhere in the argument.
    """

    kind: str
    argument: Polynomial
    symbol: sympy.Expr | None = None
    degree: int = 1
    positive: bool = False
    kinked: bool = False


class Algebra:
    """Polynomials over the atoms met so far.

    Parameters
    ----------
    budget : Budget
    engine : str
        A key of `polynomials.ENGINES`.

    Attributes
    ----------
    atoms : list of Generator
    """

    def __init__(self, budget: Budget, engine: str = DEFAULT) -> None:
        self.budget = budget
        self.engine = engine
        self.atoms: list[Generator] = []
        self._idempotent: set[int] = set()
        # Of the atom that is 1 where a product is 0, the product's factors: times all of them it is 0.
        self._factors: dict[int, frozenset[int]] = {}
        self._found: dict[Any, int] = {}

    # --- arithmetic ---------------------------------------------------------------------------

    def constant(self, value: Any) -> Polynomial:
        """A rational number."""
        return {ONE: value} if value else {}

    def power(self, g: int, n: int) -> Polynomial:
        """A power of a generator."""
        return {((g, n),): QQ(1)}

    def sum(self, parts: Iterable[Polynomial]) -> Polynomial:
        """The sum of polynomials."""
        result: Polynomial = {}
        for part in parts:
            for m, c in part.items():
                if m in result:
                    value = result[m] + c
                    if value:
                        result[m] = value
                    else:
                        del result[m]
                else:
                    result[m] = c
        self.budget.check(len(result))
        return result

    def scaled(self, p: Polynomial, factor: Any, by: Monomial = ONE) -> Polynomial:
        """``p`` times a nonzero rational and a monomial."""
        if not by:
            return {m: c * factor for m, c in p.items()}
        return self.product(p, {by: factor})

    def difference(self, p: Polynomial, q: Polynomial) -> Polynomial:
        """``p - q``."""
        return self.sum((p, self.scaled(q, QQ(-1))))

    def product(self, p: Polynomial, q: Polynomial) -> Polynomial:
        """``p q``."""
        product = multiply(p, q, self._idempotent, self.budget, self.engine)
        if not self._factors:
            return product
        return {m: c for m, c in product.items() if not self._is_null(m)}

    def _is_null(self, m: Monomial) -> bool:
        """Whether a monomial is 0 everywhere: [u = 0] times a multiple of u."""
        factors = [self._factors[g] for g, _ in m if g in self._factors]
        if not factors:
            return False
        present = {g for g, n in m if n > 0}
        return any(f <= present for f in factors)

    # --- fractions and relations --------------------------------------------------------------

    def fraction(self, p: Polynomial) -> tuple[Polynomial, Monomial]:
        """``p`` as a polynomial without denominators times a monomial.

        Large polynomials lose their common monomial only.
        """
        by: dict[int, int] = {}
        if len(p) <= LARGE:
            budget = self.budget
            self.budget = Budget(budget.left, min(budget.terms, 20 * LARGE))
            try:
                p = self._cleared(p, by)
            except Exhausted:
                by = {}
            finally:
                self.budget = budget
            self.budget.check()
        low: dict[int, int] = {}
        for g in generators(p) - self._idempotent:
            low[g] = min(dict(m).get(g, 0) for m in p)
        common = tuple(sorted((g, n) for g, n in low.items() if n))
        if common:
            p = self.product(p, {tuple((g, -n) for g, n in common): QQ(1)})
            for g, n in common:
                by[g] = by.get(g, 0) + n
        return p, tuple(sorted((g, n) for g, n in by.items() if n))

    def _cleared(self, p: Polynomial, by: dict[int, int]) -> Polynomial:
        done = len(self.atoms)
        while True:
            todo = [g for g in generators(p) if g < done and self._relation(g) is not None]
            if not todo:
                return p
            done = max(todo)
            p, shift = self._eliminated(p, done)
            if shift:
                by[done] = by.get(done, 0) - shift

    def _relation(self, g: int) -> tuple[int, Polynomial] | None:
        """``(q, value)`` with g^q = value, for generators that have such a relation."""
        atom = self.atoms[g]
        if atom.kind == "denominator":
            return 1, atom.argument
        if atom.kind == "root":
            return atom.degree, atom.argument
        if atom.kind == "side":
            return 2, self.constant(QQ(1))
        if atom.kind == "cos":
            return 2, self.difference(
                self.constant(QQ(1)), self.power(self._found["sin", key_of(atom.argument)], 2)
            )
        return None

    def _eliminated(self, p: Polynomial, g: int) -> tuple[Polynomial, int]:
        """``p`` g^n with its powers of ``g`` reduced to 0 … q-1, and n, the least that will do."""
        relation = self._relation(g)
        if relation is None:
            return p, 0
        q, value = relation
        layers = _layers(p, g)
        low = min(layers)
        shift = -low if q == 1 else max(0, -(low // q) * q)
        rows: dict[int, dict[int, Polynomial]] = {}
        for n, layer in layers.items():
            a, r = divmod(n + shift, q)
            rows.setdefault(r, {})[a] = layer
        parts = []
        for r, row in rows.items():
            total: Polynomial = {}
            for a in range(max(row), -1, -1):  # Horner
                if total:
                    total = self.product(total, value)
                if a in row:
                    total = self.sum((total, row[a]))
            parts.append(self.product(total, self.power(g, r)) if r else total)
        return self.sum(parts), shift

    # --- the zero test ------------------------------------------------------------------------

    def vanishes(self, p: Polynomial) -> bool:
        """Whether ``p`` is zero modulo the relations of its atoms.

        True is a proof, wherever no denominator is zero; False only says that these relations do
        not make it zero.
        """
        pending = [p]
        while pending:
            p = pending.pop()
            if not p:
                continue
            related = {g for g in generators(p) if self._needs(p, g)}
            if not related:
                return False
            top = max(related)
            # What occurs in no relation to be used is independent of all the rest.
            bound = self._closure({g for g in generators(p) if self._relation(g) is not None})
            groups: dict[Monomial, Polynomial] = {}
            for m, c in p.items():
                free = tuple(pair for pair in m if pair[0] not in bound)
                kept = tuple(pair for pair in m if pair[0] in bound)
                groups.setdefault(free, {})[kept] = c
            for group in groups.values():
                reduced, _ = self._eliminated(group, top)
                pending.extend(_layers(reduced, top).values())
            self.budget.check(sum(map(len, pending)))
        return True

    def _needs(self, p: Polynomial, g: int) -> bool:
        """Whether powers of ``g`` in ``p`` are outside 0 … q-1."""
        relation = self._relation(g)
        if relation is None:
            return False
        powers = _layers(p, g)
        return min(powers) < 0 or max(powers) >= relation[0]

    def _closure(self, found: set[int]) -> set[int]:
        """Generators that occur in the relations of ``found``, and those themselves."""
        stack = list(found)
        while stack:
            relation = self._relation(stack.pop())
            if relation is not None:
                new = generators(relation[1]) - found
                found |= new
                stack.extend(new)
        return found

    # --- idempotents and signs -----------------------------------------------------------------

    def restricted(self, p: Polynomial, h: int, value: int) -> Polynomial:
        """``p`` where the idempotent ``h`` has the given value."""
        layers = _layers(p, h)
        return self.sum(layers.values()) if value else dict(layers.get(0, {}))

    def _annihilated(self, p: Polynomial) -> bool:
        """Whether some values of the idempotents make ``p`` zero (or there are too many to tell)."""
        present = generators(p)
        kinks = present & self._idempotent
        nested = {g for g in present - kinks if self.atoms[g].kinked}
        if not kinks and not nested:
            return False
        bound = (
            kinks | nested | self._closure({g for g in present if self._relation(g) is not None})
        )
        groups: dict[Monomial, list[Monomial]] = {}
        for m in p:
            groups.setdefault(tuple(pair for pair in m if pair[0] not in bound), []).append(m)
        if any(members == [free] for free, members in groups.items()):
            return False  # a term that no values of the idempotents touch or cancel
        if nested or len(kinks) > KINKS:
            return True
        h = max(kinks)
        return any(
            self._annihilated(part) if generators(part) & self._idempotent else self.vanishes(part)
            for part in (self.restricted(p, h, 0), self.restricted(p, h, 1))
        )

    def positive(self, p: Polynomial) -> bool:
        """Whether every term is nonnegative, and one is positive, by its form alone."""
        strict = False
        for m, c in p.items():
            if c < 0:
                return False
            for g, n in m:
                atom = self.atoms[g]
                if not (
                    atom.positive or n % 2 == 0 or g in self._idempotent or atom.kind == "root"
                ):
                    return False
            strict |= all(self._is_positive(g, n) for g, n in m)
        return strict

    def _is_positive(self, g: int, n: int) -> bool:
        """Whether generator ``g``, found with the power ``n``, is positive."""
        atom = self.atoms[g]
        # A root is nonnegative, and nonzero where it is divided by.
        return atom.positive or (atom.kind == "root" and n < 0)

    # --- atoms --------------------------------------------------------------------------------

    def _atom(
        self,
        key: Any,
        kind: str,
        argument: Polynomial,
        symbol: sympy.Expr | None = None,
        degree: int = 1,
        positive: bool = False,
    ) -> int:
        """The number of the generator with this key, new if need be."""
        number = self._found.get(key)
        if number is None:
            if symbol is not None:
                positive = bool(symbol.is_positive)
            number = len(self.atoms)
            kinked = any(
                g in self._idempotent or self.atoms[g].kinked for g in generators(argument)
            )
            self.atoms.append(Generator(kind, argument, symbol, degree, positive, kinked))
            self._found[key] = number
        return number


def key_of(p: Polynomial) -> frozenset[tuple[Monomial, Any]]:
    """A hashable form of a polynomial."""
    return frozenset(p.items())


def content_of(p: Polynomial) -> Any:
    """The positive rational c for which p/c has integer coefficients without a common factor.

    It does not depend on the order of the terms, so that it is the same under any names.
    """
    numerators = math.gcd(*(int(c.numerator) for c in p.values()))
    return QQ(numerators, math.lcm(*(int(c.denominator) for c in p.values())))


def _layers(p: Polynomial, g: int) -> dict[int, Polynomial]:
    """``p`` by powers of ``g``."""
    layers: dict[int, Polynomial] = {}
    for m, c in p.items():
        n = 0
        for i, (h, e) in enumerate(m):
            if h == g:
                n = e
                m = m[:i] + m[i + 1 :]
                break
        layers.setdefault(n, {})[m] = c
    return layers
