"""Schwartz-Zippel: whether a difference that is too large to expand is zero at random points.

The two sides are evaluated modulo a prime with random values for the atoms of their normal form.
A polynomial over the rationals that is not zero modulo the prime vanishes at such a point with
probability at most degree/prime. This is evidence, never a proof.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

import sympy

from .normal_form import NormalForm
from .polynomials import Polynomial, generators

__all__ = ["Improbable", "Probability", "probably_zero"]

PRIME = 2**61 - 1  # 3 modulo 4, so that square roots are powers
TRIALS = 4
ATTEMPTS = 400
BRANCHES = 8  # all values of idempotents and signs of roots are tried, so there may not be many


class Improbable(Exception):  # noqa: N818 - an outcome, not an error
    """The test found a difference, or does not apply."""


@dataclass(frozen=True)
class Probability:
    """What a PROBABLE verdict rests on.

    Attributes
    ----------
    prime, trials, attempts : int
        Attempts are points drawn, trials those at which every square root existed.
    degree : int
        Bound on the degree of the numerator (of its norm, where there are square roots).
    error : float
        Bound on the probability that a nonzero difference passed: attempts * degree / prime.
    """

    prime: int
    trials: int
    attempts: int
    degree: int
    error: float

    def __str__(self) -> str:
        return (
            f"zero at {self.trials} random points modulo {self.prime} ({self.attempts} drawn), degree at "
            f"most {self.degree}, probability of error at most {self.error:.2g} for this prime"
        )


class _Retry(Exception):  # noqa: N818 - a signal
    """A division by zero or a missing square root at this point."""


def probably_zero(
    algebra: NormalForm, got: sympy.Expr, expected: sympy.Expr, source: random.Random
) -> Probability:
    """The evidence that ``got - expected`` is zero.

    Raises
    ------
    Improbable
        If it is not zero at some point, or has atoms that the test does not cover.
    """
    atoms = sorted(_atoms(algebra, got, expected))
    kinds = {g: algebra.atoms[g].kind for g in atoms}
    branching = [g for g in atoms if kinds[g] in ("step", "vanishes", "root")]
    if len(branching) > BRANCHES or not {"sin", "cos"}.isdisjoint(kinds.values()):
        raise Improbable
    roots = [g for g in branching if kinds[g] == "root"]
    if any(algebra.atoms[g].degree != 2 for g in roots):
        raise Improbable
    # The norm over the signs of the roots is a polynomial in the other atoms.
    degree = sum(_sum([_degrees(algebra, got), _degrees(algebra, expected)])) * 2 ** len(roots)
    trials = attempts = 0
    while trials < TRIALS:
        attempts += 1
        if attempts > ATTEMPTS:
            raise Improbable
        draw = {g: source.randrange(PRIME) for g in atoms}
        try:
            for bits in itertools.product((0, 1), repeat=len(branching)):
                field = _Field(algebra, {**draw, **dict(zip(branching, bits, strict=True))})
                if (field.value(got) - field.value(expected)) % PRIME:
                    raise Improbable
        except _Retry:
            continue
        trials += 1
    # Every attempt might have hit a zero by chance, whether or not its roots existed.
    return Probability(PRIME, trials, attempts, degree, min(1.0, attempts * degree / PRIME))


class _Field:
    """Values modulo the prime at one point."""

    def __init__(self, algebra: NormalForm, draw: dict[int, int]) -> None:
        self.algebra = algebra
        self.draw = draw
        self._generators: dict[int, int] = {}
        self._values: dict[sympy.Expr, int] = {}

    def value(self, expression: sympy.Expr) -> int:
        """The value of an expression; atoms are those of the normal form."""
        stack = [expression]
        values = self._values
        while stack:
            e = stack[-1]
            if e in values:
                stack.pop()
            elif e.is_Add or e.is_Mul or (e.is_Pow and e.exp.is_Integer):
                parts = (e.base,) if e.is_Pow else e.args
                missing = [a for a in parts if a not in values]
                if missing:
                    stack.extend(missing)
                    continue
                if e.is_Add:
                    values[e] = sum(values[a] for a in parts) % PRIME
                elif e.is_Mul:
                    product = 1
                    for a in parts:
                        product = product * values[a] % PRIME
                    values[e] = product
                else:
                    values[e] = _power(values[e.base], int(e.exp))
                stack.pop()
            else:
                values[e] = self.polynomial(self.algebra.form(e))
                stack.pop()
        return values[expression]

    def polynomial(self, p: Polynomial) -> int:
        """The value of a normal form."""
        total = 0
        for monomial, c in p.items():
            term = int(c.numerator) * _power(int(c.denominator), -1)
            for g, n in monomial:
                term = term * _power(self.generator(g), n) % PRIME
            total += term
        return total % PRIME

    def generator(self, g: int) -> int:
        """The value of an atom: random, unless a relation gives it."""
        if g not in self._generators:
            atom = self.algebra.atoms[g]
            if atom.kind == "denominator":
                value = self.polynomial(atom.argument)
            elif atom.kind == "root":
                square = self.polynomial(atom.argument)
                value = pow(square, (PRIME + 1) // 4, PRIME)
                if value * value % PRIME != square:
                    raise _Retry
                value = value if self.draw[g] else -value % PRIME
            else:
                value = self.draw[g]
            self._generators[g] = value
        return self._generators[g]


def _power(base: int, n: int) -> int:
    base %= PRIME
    if n < 0 and not base:
        raise _Retry
    return pow(base, n, PRIME)


def _leaves(expressions: tuple[sympy.Expr, ...]) -> set[sympy.Expr]:
    """What stands below sums, products and integer powers."""
    seen: set[sympy.Expr] = set()
    leaves: set[sympy.Expr] = set()
    stack = list(expressions)
    while stack:
        e = stack.pop()
        if e in seen:
            continue
        seen.add(e)
        if e.is_Add or e.is_Mul:
            stack.extend(e.args)
        elif e.is_Pow and e.exp.is_Integer:
            stack.append(e.base)
        else:
            leaves.add(e)
    return leaves


def _atoms(algebra: NormalForm, *expressions: sympy.Expr) -> set[int]:
    """All generators that the values of the expressions are made of."""
    found: set[int] = set()
    stack = [g for e in _leaves(expressions) for g in generators(algebra.form(e))]
    while stack:
        g = stack.pop()
        if g not in found:
            found.add(g)
            if algebra.atoms[g].kind in ("denominator", "root"):
                stack.extend(generators(algebra.atoms[g].argument))
    return found


def _degrees(algebra: NormalForm, expression: sympy.Expr) -> tuple[int, int]:
    """Bounds on the degrees of numerator and denominator, sums over their common denominator."""
    memo: dict[sympy.Expr, tuple[int, int]] = {}
    weights: dict[int, tuple[int, int]] = {}

    def weight(g: int) -> tuple[int, int]:
        if g not in weights:
            atom = algebra.atoms[g]
            if atom.kind == "denominator":
                weights[g] = of_form(atom.argument)
            elif atom.kind == "root":
                weights[g] = (max(1, sum(of_form(atom.argument))), 0)
            else:
                weights[g] = (1, 0)
        return weights[g]

    def of_form(p: Polynomial) -> tuple[int, int]:
        parts = []
        for monomial in p:
            above = below = 0
            for g, n in monomial:
                up, down = weight(g) if n > 0 else weight(g)[::-1]
                above, below = above + abs(n) * up, below + abs(n) * down
            parts.append((above, below))
        return _sum(parts)

    stack = [expression]
    while stack:
        e = stack[-1]
        if e in memo:
            stack.pop()
            continue
        if not (e.is_Add or e.is_Mul or (e.is_Pow and e.exp.is_Integer)):
            memo[e] = of_form(algebra.form(e))
            continue
        parts = (e.base,) if e.is_Pow else e.args
        missing = [a for a in parts if a not in memo]
        if missing:
            stack.extend(missing)
            continue
        if e.is_Add:
            memo[e] = _sum([memo[a] for a in parts])
        elif e.is_Mul:
            memo[e] = (sum(memo[a][0] for a in parts), sum(memo[a][1] for a in parts))
        else:
            n = int(e.exp)
            above, below = memo[e.base] if n > 0 else memo[e.base][::-1]
            memo[e] = (above * abs(n), below * abs(n))
    return memo[expression]


def _sum(parts: list[tuple[int, int]]) -> tuple[int, int]:
    below = sum(d for _, d in parts)
    return max((n + below - d for n, d in parts), default=0), below
