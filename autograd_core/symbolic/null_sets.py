"""Whether the zeros of a polynomial over atoms are a null set.

At a kink {u = 0} nothing is claimed, so it must not hold an open set: relu(x) - relu(y) is zero where
both are, and sqrt((x + y)²) - x - y where x + y ≥ 0. That two normal forms differ shows no such thing.
What is shown here is a proof, by Fubini, in one variable v at a time:

- v ↦ a(v) takes no value on an interval, if a is v, or exp, log, tanh, … or a root of what takes none;
- so a polynomial in ``a`` is zero on a null set only, if one of its coefficients, in which v does not
  occur, is zero on a null set only;
- so is a polynomial in v and a(v), where a(v) is not algebraic in v, such as v exp(v);
- a product of such factors is, and what is positive by its form is never zero.

Steps, floors and signs are constant on each side of their jumps, so that v may occur in them: they
may be any numbers, and nothing is shown of a coefficient that holds one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy
from sympy.polys.domains import QQ

from .algebra import Algebra, key_of
from .functions import FUNCTIONS, Function
from .polynomials import ONE, Budget, Monomial, Polynomial, generators

__all__ = ["NullSets"]

VARIABLES = 16  # that are tried
_OTHER = Function("", None)  # kinds of atoms that are no functions

Layers = Mapping[Monomial, Polynomial]


class NullSets(Algebra):
    """The question whether a polynomial is nonzero but on a null set.

    Attributes
    ----------
    steady : frozenset of sympy.Symbol
        Symbols that are no variables: what is shown has to hold for each of their values.
    """

    def __init__(self, budget: Budget, engine: str, steady: Iterable[sympy.Symbol] = ()) -> None:
        super().__init__(budget, engine)
        self.steady = frozenset(steady)
        self._shown: dict[object, bool] = {}
        self._below: dict[int, frozenset[int]] = {}

    def surely(self, p: Polynomial) -> bool:
        """Whether ``p`` is nonzero but on a null set, wherever it is defined. False says nothing."""
        key = key_of(p)
        if key not in self._shown:
            self.budget.check()
            self._shown[key] = self._surely(p)
        return self._shown[key]

    def _surely(self, p: Polynomial) -> bool:
        if not p:
            return False
        if self.positive(p) or self.positive(self.scaled(p, QQ(-1))):
            return True
        p, by = self.fraction(p)
        if not p or not all(self._nonzero(g) for g, n in by if n > 0):
            return False
        if len(p) == 1:
            return all(self._nonzero(g) for m in p for g, n in m if n > 0)
        return any(
            self._some_surely(self._layers_in(p, dependent))
            for v in self._variables(p)
            if self._free_in(dependent := self._dependent(p, v), v)
        )

    def _nonzero(self, g: int) -> bool:
        """Whether an atom is nonzero but on a null set."""
        atom = self.atoms[g]
        if atom.positive or atom.kind in ("exp", "side") or self._is_variable(g):
            return True
        if atom.kind == "denominator":
            return self.surely(atom.argument)
        return any(self._moves(g, v) for v in self._variables(self.power(g, 1)))

    # --- one variable --------------------------------------------------------------------------

    def _variables(self, p: Polynomial) -> list[int]:
        """Variables in ``p``, those in fewer of its atoms first."""
        count: dict[int, int] = {}
        for g in generators(p):
            for v in self._leaves(g):
                count[v] = count.get(v, 0) + 1
        found = [v for v in count if self._is_variable(v)]
        return sorted(found, key=lambda v: (count[v], v))[:VARIABLES]

    def _dependent(self, p: Polynomial, v: int) -> frozenset[int]:
        """The generators of ``p`` that change with ``v``."""
        return frozenset(
            g for g in generators(p) if any(self._may_be(h, v) for h in self._leaves(g))
        )

    def _free_in(self, dependent: frozenset[int], v: int) -> bool:
        """Whether a polynomial in these atoms is zero for a countable set of ``v`` only."""
        if len(dependent) == 1:
            return all(self._moves(a, v) for a in dependent)
        others = dependent - {v}
        return len(dependent) == 2 and len(others) == 1 and all(
            self._transcendental(a, v) for a in others
        )  # fmt: skip

    def _moves(self, g: int, v: int) -> bool:
        """Whether an atom, as a function of ``v``, takes each value on a countable set only."""
        if g == v:
            return True
        atom = self.atoms[g]
        return _takes_values_rarely(atom.kind) and self._varies_in(atom.argument, v)

    def _varies_in(self, p: Polynomial, v: int) -> bool:
        """Whether ``p`` takes each value on a countable set of ``v`` only, for almost all the rest.

        As a quotient of polynomials in one atom that does: it is constant only if they are
        proportional.
        """
        above, by = self.fraction(p)
        below = self.constant(QQ(1))
        for g, n in by:
            if n > 0:
                above = self.product(above, self.power(g, n))
            else:
                atom = self.atoms[g]
                value = atom.argument if atom.kind == "denominator" else self.power(g, 1)
                for _ in range(-n):
                    below = self.product(below, value)
        dependent = self._dependent(above, v) | self._dependent(below, v)
        if not dependent or not self._free_in(dependent, v):
            return False
        a, b = self._layers_in(above, dependent), self._layers_in(below, dependent)
        return self._some_surely(a) and self._some_surely(b) and any(
            self._some_surely({key: some[key] for key in some.keys() - other.keys()})
            for some, other in ((a, b), (b, a))
        )  # fmt: skip

    def _transcendental(self, g: int, v: int) -> bool:
        """Whether an atom is no algebraic function of ``v`` on any interval.

        So it is for these functions of a polynomial in v that is not constant (their derivatives, or
        their growth, are not algebraic), and for the logarithm of a polynomial of two terms or more
        in such an exponential.
        """
        atom = self.atoms[g]
        dependent = self._dependent(atom.argument, v)
        if not FUNCTIONS.get(atom.kind, _OTHER).transcendental or len(dependent) != 1:
            return False
        (a,) = dependent
        layers = self._layers_in(atom.argument, dependent)
        sure = [m for m, c in layers.items() if self.surely(c)]
        if a == v:
            return len(sure) == len(layers) and any(m != ONE and m[0][1] > 0 for m in sure) and all(
                m == ONE or m[0][1] > 0 for m in layers
            )  # fmt: skip
        inner = self.atoms[a].kind == "exp" and self._transcendental(a, v)
        return inner and atom.kind == "log" and len(sure) == len(layers) >= 2

    def _layers_in(self, p: Polynomial, dependent: frozenset[int]) -> Layers:
        """Coefficients of ``p``, by the monomials in some of its atoms."""
        layers: dict[Monomial, Polynomial] = {}
        for m, c in p.items():
            key = tuple(f for f in m if f[0] in dependent)
            layers.setdefault(key, {})[tuple(f for f in m if f[0] not in dependent)] = c
        return layers

    def _some_surely(self, layers: Layers) -> bool:
        return any(self.surely(c) for c in sorted(layers.values(), key=len))

    # --- what atoms are made of ----------------------------------------------------------------

    def _leaves(self, g: int) -> frozenset[int]:
        """The symbols that an atom changes with, by their generators."""
        found = self._below.get(g)
        if found is None:
            atom = self.atoms[g]
            if g in self._idempotent or FUNCTIONS.get(atom.kind, _OTHER).steady:
                found = frozenset()
            elif atom.symbol is not None:
                found = frozenset(self._leaf_of(s) for s in self._elements(atom.symbol))
            else:
                found = frozenset().union(*map(self._leaves, generators(atom.argument)))
            self._below[g] = found
        return found

    def _leaf_of(self, s: sympy.Expr) -> int:
        return self._atom(("symbol", s), "symbol", {}, symbol=s)

    def _elements(self, e: sympy.Expr) -> Iterable[sympy.Expr]:
        """The symbols in an expression."""
        found: Iterable[sympy.Expr] = e.free_symbols
        return found

    def _is_variable(self, g: int) -> bool:
        """Whether an atom is a symbol that may be any real, or any positive one."""
        s = self.atoms[g].symbol
        return s is not None and s.is_Symbol and not s.is_integer and s not in self.steady

    def _may_be(self, g: int, v: int) -> bool:
        """Whether two symbols may be the same."""
        return g == v


def _takes_values_rarely(kind: str) -> bool:
    """Whether such an atom takes each value on a countable set only."""
    return kind in ("root", "denominator") or FUNCTIONS.get(kind, _OTHER).countable
