"""A second opinion on verdicts, from the record alone: it shares no code with the prover.

Nothing here imports the engine, the prover or sympy. A record says what was decided as Programs,
step by step, or as two sides of an equation (`autograd_core.symbolic.statements` writes them, and
describes the form). Here they become scalar expressions with shared parts, at sizes 1, 2 and 3
where sizes have names, by this file's own reading of each primitive; gradients are checked against
forward-mode derivatives along a random direction. Each expression has two values at each point:

- **A residue.** Modulo p = 2¹²⁷ − 1 for rational expressions and roots. Where exponentials and
  logarithms occur, modulo the members of a chain of primes pₖ₊₁ = 2 pₖ + 1: the squares modulo
  pₖ₊₁ are a group of prime order pₖ, so that u ↦ gᵘ takes residues modulo pₖ to residues modulo
  pₖ₊₁ with exp(a + b) = exp(a) exp(b), and its inverse, the discrete logarithm, takes them back.
  An exponential climbs the chain by one, a logarithm descends, and inputs are whole numbers over
  a power of two, whose residues modulo all members are independent. Two sides that differ as
  polynomials in inputs, exponentials, logarithms and roots differ at a random point but for a
  fraction degree/p of them (Schwartz-Zippel).
- **An interval** around its real value at the same point, in fixed point with 512 binary digits.
  It takes the decisions that have no meaning modulo a prime: steps, comparisons, floor.

What is checked, and what is not:

- For rational expressions the bound on the error is a theorem. With exponentials, logarithms and
  roots it counts each of them as an independent variable of degree 1: a model, and said to be one.
- sin, cos, arctan, arcsin and erf are random functions that are odd or even, with cos² = 1 − sin²
  and their derivatives: a difference that vanishes vanishes for them, too. Addition theorems are not known.
- Regions between kinks are checked as they are drawn, not one by one.
- Statements at every size are checked at sizes 1, 2 and 3, or the smallest of which they speak, labels and whole exponents at a few values.
- A record *falls* only where intervals show it to be false. Where residues differ and intervals
  do not, a relation is missing here, and the statement is reported as not independently checked; so
  is a primitive without a reading below.
- Domains, exclusions and facts in words are compared when the claim is run again, not here.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["AGREES", "FALLS", "OPEN", "Checked", "Plain", "checked", "sizes_of"]

AGREES, FALLS, OPEN = "agrees", "falls", "not independently checked"

LARGE = 2**127 - 1  # prime, and 3 modulo 4, so that roots are powers
FIRST, LENGTH = 26_089_808_579, 10  # a chain of primes p, 2p + 1, 4p + 3, …
CHAIN = [FIRST * 2**n + 2**n - 1 for n in range(LENGTH)]
TRIALS = 3  # points for each choice of sizes
REGIONS = 12  # and as many where there are kinks, since each point is in one region between them
ATTEMPTS = 3000  # points drawn until so many are found, at which all roots are there
REPEATS = 60  # parts of a point drawn anew before all of it is
SIGNS = 30  # points at which residues may differ by the sign of what a logarithm is taken of
NODES = 60_000  # of an expression
SECONDS = 10.0  # for one verdict
BITS = 512  # after the binary point of an interval
ONE = 1 << BITS
WIDE = BITS // 4  # digits of a difference that has to be 0
GROWTH = 64  # by how much they may be larger, where a statement begins at larger ones
SIZES = ((1, 1), (2, 3), (3, 2))  # the first, third, … size with a name, and the others


@dataclass(frozen=True)
class Checked:
    """What came out.

    Attributes
    ----------
    status : str
        AGREES, FALLS or OPEN.
    text : str
        The bound on the error, the contradiction, or why it was not checked.
    """

    status: str
    text: str


class Unread(Exception):  # noqa: N818 - an outcome, not an error
    """Something that has no reading here; the message names it."""


class Undefined(Exception):  # noqa: N818 - an outcome, not an error
    """A value that is not there at this point: of the reals, or of the residues alone.

    ``node`` is the first one without a value.
    """

    node: int | None = None


# --- expressions with shared parts ---------------------------------------------------------------


class Graph:
    """Scalar expressions: a node is a number, and its parts have smaller ones."""

    def __init__(self) -> None:
        self.nodes: list[tuple[Any, ...]] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    def node(self, *key: Any) -> int:
        """The node with this operation and parts."""
        found = self._numbers.get(key)
        if found is None:
            if len(self.nodes) >= NODES:
                raise Unread(f"an expression of more than {NODES:,} parts")
            found = self._numbers[key] = len(self.nodes)
            self.nodes.append(key)
        return found

    def value(self, a: int) -> Fraction | None:
        """The number that a node is, if it is one."""
        return self.nodes[a][1] if self.nodes[a][0] == "const" else None

    def const(self, value: Any) -> int:
        """A rational number."""
        return self.node("const", Fraction(value))

    def add(self, a: int, b: int) -> int:
        """a + b."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return self.const(x + y)
        if x == 0:
            return b
        return a if y == 0 else self.node("add", *sorted((a, b)))

    def mul(self, a: int, b: int) -> int:
        """a b."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return self.const(x * y)
        if x == 0 or y == 1:
            return a
        return b if y == 0 or x == 1 else self.node("mul", *sorted((a, b)))

    def neg(self, a: int) -> int:
        """-a."""
        return self.mul(self.const(-1), a)

    def sub(self, a: int, b: int) -> int:
        """a - b."""
        return self.const(0) if a == b else self.add(a, self.neg(b))

    def inv(self, a: int) -> int:
        """1/a."""
        x = self.value(a)
        if x == 0:
            raise Undefined("a division by zero")
        return self.const(1 / x) if x is not None else self.node("inv", a)

    def div(self, a: int, b: int) -> int:
        """a/b."""
        return self.mul(a, self.inv(b))

    def whole(self, a: int, n: int) -> int:
        """a to a whole power."""
        if n < 0:
            return self.inv(self.whole(a, -n))
        result, square = self.const(1), a
        while n:
            if n & 1:
                result = self.mul(result, square)
            n >>= 1
            square = self.mul(square, square) if n else square
        return result

    def power(self, a: int, b: int) -> int:
        """a to the power b: exp(b log a), but for whole and half powers."""
        n = self.value(b)
        if n is not None and n.denominator == 1 and abs(n) <= 10_000:
            return self.whole(a, int(n))
        if n is not None and n.denominator == 2:
            return self.whole(self.sqrt(a), int(2 * n))
        return self.exp(self.mul(b, self.log(a)))

    def exp(self, a: int) -> int:
        """The exponential; exp(b + n log c) is exp(b) cⁿ, for whole n."""
        left_terms, factors, terms = [], [], [a]
        while terms:
            top = terms.pop()
            op, *parts = self.nodes[top]
            if op == "add":
                terms += parts
                continue
            n, inner = Fraction(1), top
            if op == "mul" and self.value(parts[0]) is not None:
                n, inner = self.nodes[parts[0]][1], parts[1]
            elif op == "mul" and self.value(parts[1]) is not None:
                n, inner = self.nodes[parts[1]][1], parts[0]
            if self.nodes[inner][0] == "log" and n.denominator == 1:
                factors.append(self.whole(self.nodes[inner][1], int(n)))
            else:
                left_terms.append(top)
        if not factors:
            return self.const(1) if self.value(a) == 0 else self.node("exp", a)
        left = self.const(0)
        for term in left_terms:
            left = self.add(left, term)
        result = self.exp(left)
        for factor in factors:
            result = self.mul(result, factor)
        return result

    def log(self, a: int) -> int:
        """The logarithm."""
        return self.const(0) if self.value(a) == 1 else self.node("log", a)

    def sqrt(self, a: int) -> int:
        """The root that is not negative; that of a square is an absolute value."""
        x = self.value(a)
        if x is not None and x >= 0:
            p, q = math.isqrt(x.numerator), math.isqrt(x.denominator)
            if p * p == x.numerator and q * q == x.denominator:
                return self.const(Fraction(p, q))
        op, *parts = self.nodes[a]
        if op == "mul" and parts[0] == parts[1]:
            return self.absolute(parts[0])
        return self.node("sqrt", a)

    def step(self, a: int) -> int:
        """1 where a > 0, else 0."""
        x = self.value(a)
        return self.const(int(x > 0)) if x is not None else self.node("step", a)

    def zero(self, a: int) -> int:
        """1 where a = 0, else 0."""
        x = self.value(a)
        return self.const(int(x == 0)) if x is not None else self.node("zero", a)

    def floor(self, a: int) -> int:
        """The largest integer not above a."""
        x = self.value(a)
        return self.const(math.floor(x)) if x is not None else self.node("floor", a)

    def absolute(self, a: int) -> int:
        """The size of a."""
        return self.mul(a, self.sub(self.mul(self.const(2), self.step(a)), self.const(1)))

    def where(self, c: int, a: int, b: int) -> int:
        """A where c is 1, b where it is 0."""
        x = self.value(c)
        if x is not None:
            return a if x else b
        return self.add(b, self.mul(c, self.sub(a, b)))

    def maximum(self, a: int, b: int) -> int:
        """The larger."""
        return self.where(self.step(self.sub(a, b)), a, b)

    def tanh(self, a: int) -> int:
        """1 - 2/(exp(2a) + 1)."""
        twice = self.exp(self.mul(self.const(2), a))
        return self.sub(self.const(1), self.div(self.const(2), self.add(twice, self.const(1))))

    def reachable(self, roots: Iterable[int]) -> list[int]:
        """Every node that some nodes are made of, parts first."""
        seen = set(roots)
        stack = list(seen)
        while stack:
            _, *parts = self.nodes[stack.pop()]
            for part in parts:
                if type(part) is int and part not in seen:
                    seen.add(part)
                    stack.append(part)
        return sorted(seen)

    def tangent(self, root: int, direction: Mapping[int, int]) -> int:
        """The derivative of a node along a direction, given by the slopes of inputs."""
        slopes: dict[int, int] = {}
        none = self.const(0)
        for a in self.reachable([root]):
            op, *parts = self.nodes[a]
            if a in direction:
                slopes[a] = direction[a]
            elif not any(type(p) is int and slopes[p] != none for p in parts):
                slopes[a] = none
            elif op == "add":
                slopes[a] = self.add(slopes[parts[0]], slopes[parts[1]])
            elif op == "mul":
                first = self.mul(slopes[parts[0]], parts[1])
                slopes[a] = self.add(first, self.mul(parts[0], slopes[parts[1]]))
            else:
                slope = _SLOPES[op](self, a, parts[0])
                slopes[a] = self.mul(slope, slopes[parts[0]])
        return slopes[root]


def _erf_slope(g: Graph, a: int, u: int) -> int:
    root = g.sqrt(g.node("pi"))
    return g.div(g.mul(g.const(2), g.exp(g.neg(g.mul(u, u)))), root)


_SLOPES: dict[str, Callable[[Graph, int, int], int]] = {
    "inv": lambda g, a, u: g.neg(g.mul(a, a)),
    "exp": lambda g, a, u: a,
    "log": lambda g, a, u: g.inv(u),
    "sqrt": lambda g, a, u: g.inv(g.mul(g.const(2), a)),
    "step": lambda g, a, u: g.const(0),
    "zero": lambda g, a, u: g.const(0),
    "floor": lambda g, a, u: g.const(0),
    "sin": lambda g, a, u: g.node("cos", u),
    "cos": lambda g, a, u: g.neg(g.node("sin", u)),
    "arctan": lambda g, a, u: g.inv(g.add(g.const(1), g.mul(u, u))),
    "arcsin": lambda g, a, u: g.inv(g.sqrt(g.sub(g.const(1), g.mul(u, u)))),
    "erf": _erf_slope,
}
_RANDOM = ("sin", "cos", "arctan", "arcsin", "erf", "pi")  # functions without their relations


# --- real values: intervals ------------------------------------------------------------------------

Interval = tuple[int, int]  # ends times 2^BITS, rounded outwards


def _shifted(low: int, high: int) -> Interval:
    return low >> BITS, -(-high >> BITS)


def _times(a: Interval, b: Interval) -> Interval:
    products = [x * y for x in a for y in b]
    return _shifted(min(products), max(products))


def _rational(x: Fraction) -> Interval:
    n = x.numerator * ONE
    return n // x.denominator, -(-n // x.denominator)


def _inverse(a: Interval) -> Interval:
    if a[0] <= 0 <= a[1]:
        raise Undefined("a division by what may be zero")
    square = ONE * ONE
    return square // a[1], -(-square // a[0])


def _exponential(x: int) -> Interval:
    """exp of one number."""
    if abs(x) > 2**14 * ONE:
        raise Undefined("an exponential out of reach")
    halvings = max(0, abs(x).bit_length() - BITS + 1) + 8
    x >>= halvings  # at most 1/256: each term is below a hundredth of the one before
    total, term, n = ONE, ONE, 0
    while term not in (0, -1):
        n += 1
        term = ((term * x) >> BITS) // n
        total += term
    slack = 4 * n + 16  # roundings, the rest of the series, and that of x
    bounds = (total - slack, total + slack)
    for _ in range(halvings):
        bounds = _times(bounds, bounds)
    return bounds


def _half_log(m: int) -> Interval:
    """log(m)/2 = artanh((m - 1)/(m + 1)), for m from 1/2 to 2."""
    z = ((m - ONE) << BITS) // (m + ONE)
    square = (z * z) >> BITS
    total, power, n = 0, z, 0
    while power not in (0, -1):
        total += power // (2 * n + 1)
        power = (power * square) >> BITS
        n += 1
    return total - 4 * n - 8, total + 4 * n + 8


_TWO: list[Interval] = []


def _logarithm(x: int) -> Interval:
    """Log of one number."""
    if x <= 0:
        raise Undefined("a logarithm of what may not be positive")
    if not _TWO:
        _TWO.append(_half_log(2 * ONE))
    e = x.bit_length() - BITS - 1
    m = x >> e if e >= 0 else x << -e
    low, high = _half_log(m)
    two = (e * _TWO[0][0], e * _TWO[0][1])
    return 2 * (low + min(two)) - 4, 2 * (high + max(two)) + 4


def _sine(x: int) -> Interval:
    if abs(x) > 64 * ONE:
        raise Undefined("a sine out of reach")
    return _wave(x, x, 1)


def _cosine(x: int) -> Interval:
    if abs(x) > 64 * ONE:
        raise Undefined("a cosine out of reach")
    return _wave(x, ONE, 0)


def _wave(x: int, first: int, start: int) -> Interval:
    """Alternating series of sine and cosine; terms rise to e^|x| at first, and so does rounding."""
    total, term, n, size = first, first, start, abs(x)
    square = (x * x) >> BITS
    slack = 8
    while abs(term) > 1 or n * ONE < size:
        term = -((term * square) >> BITS) // ((n + 1) * (n + 2))
        total += term
        n += 2
        slack += 4
    slack <<= 2 + 3 * (size >> BITS) // 2
    return total - slack, total + slack


def _arctangent(x: int) -> Interval:
    # Halve the angle until the series is short: tan(θ/2) = t/(1 + sqrt(1 + t²)).
    halvings = 0
    low = high = x
    while abs(low) > ONE // 64 and halvings < 12:
        ends = []
        for end in (low, high):
            root = math.isqrt(ONE * ONE + end * end)
            ends += [(end << BITS) // (ONE + root), (end << BITS) // (ONE + root + 1)]
        low, high = min(ends) - 1, max(ends) + 1
        halvings += 1
    corners = []
    for end in (low, high):
        square, total, power, n = (end * end) >> BITS, 0, end, 0
        while power not in (0, -1):
            total += (-1) ** n * (power // (2 * n + 1))
            power = (power * square) >> BITS
            n += 1
        corners += [total - 4 * n - 8, total + 4 * n + 8]
    return min(corners) << halvings, max(corners) << halvings


_PI: list[Interval] = []


def _pi() -> Interval:
    if not _PI:
        low, high = _arctangent(ONE)
        _PI.append((4 * low, 4 * high))
    return _PI[0]


def _arcsine(x: int) -> Interval:
    if abs(x) >= ONE:
        raise Undefined("an arcsine out of its domain")
    rest = ONE * ONE - x * x
    ends = [(x << BITS) // r for r in (math.isqrt(rest), math.isqrt(rest) + 1)]
    return _arctangent(min(ends) - 1)[0], _arctangent(max(ends) + 1)[1]


def _error_function(x: int) -> Interval:
    """2/√π · Σ (-1)ⁿ x²ⁿ⁺¹/(n! (2n + 1))."""
    if abs(x) > 8 * ONE:
        raise Undefined("an error function out of reach")
    square = (x * x) >> BITS
    total, power, n = 0, x, 0
    while abs(power) > 1 or n * ONE < square:
        total += power // (2 * n + 1)
        n += 1
        power = -((power * square) >> BITS) // n
    slack = (8 * n + 16) << (2 * (square >> BITS) + 4)
    root = _root(_pi())
    return _times((2 * (total - slack), 2 * (total + slack)), _inverse(root))


def _root(a: Interval) -> Interval:
    if a[0] < 0:
        raise Undefined("a root of what may be negative")
    return math.isqrt(a[0] * ONE), math.isqrt(a[1] * ONE) + 1


def _monotone(function: Callable[[int], Interval]) -> Callable[[Interval], Interval]:
    return lambda a: (function(a[0])[0], function(a[1])[1])


def _lipschitz(function: Callable[[int], Interval]) -> Callable[[Interval], Interval]:
    def of(a: Interval) -> Interval:
        low, high = function(a[0])
        return low - (a[1] - a[0]), high + (a[1] - a[0])

    return of


_REALS: dict[str, Callable[[Interval], Interval]] = {
    "inv": _inverse,
    "sqrt": _root,
    "exp": _monotone(_exponential),
    "log": _monotone(_logarithm),
    "arctan": _monotone(_arctangent),
    "arcsin": _monotone(_arcsine),
    "erf": _monotone(_error_function),
    "sin": _lipschitz(_sine),
    "cos": _lipschitz(_cosine),
}


@contextlib.contextmanager
def _named(node: int) -> Iterator[None]:
    try:
        yield
    except Undefined as stop:
        stop.node = node if stop.node is None else stop.node
        raise


class Values:
    """Values of a graph's nodes at one point: an interval, and residues modulo primes."""

    def __init__(
        self, graph: Graph, point: Mapping[str, Fraction], seed: int, squares: bool = False
    ) -> None:
        self.graph = graph
        self.squares = squares  # where alone logarithms have residues, so that exp(log u) = u
        self.point = point
        self.seed = seed
        self._real: dict[int, Interval] = {}
        self._residue: dict[tuple[int, int], int] = {}
        self._logs: dict[tuple[int, int], int] = {}

    # --- reals ---------------------------------------------------------------------------------

    def real(self, root: int) -> Interval:
        """An interval around the real value."""
        if root not in self._real:
            for a in self.graph.reachable([root]):
                if a not in self._real:
                    with _named(a):
                        self._real[a] = self._interval(a)
        return self._real[root]

    def _interval(self, a: int) -> Interval:
        op, *parts = self.graph.nodes[a]
        if op == "const":
            return _rational(parts[0])
        if op == "in":
            return _rational(self.point[parts[0]])
        if op == "pi":
            return _pi()
        u = self._real[parts[0]]
        if op == "add":
            v = self._real[parts[1]]
            return u[0] + v[0], u[1] + v[1]
        if op == "mul":
            return _times(u, self._real[parts[1]])
        if op in ("step", "zero", "floor"):
            value = self.decided(op, parts[0]) * ONE
            return value, value
        return _REALS[op](u)

    def decided(self, op: str, u: int) -> int:
        """A step, a comparison or a floor at this point.

        Raises
        ------
        Undefined
            At a kink, as far as can be told.
        """
        low, high = self.real(u)
        if op == "floor":
            if low >> BITS != high >> BITS:
                raise Undefined("a floor at a jump")
            return low >> BITS
        if low <= 0 <= high:
            # Zero to so many digits at a random point, and modulo a prime: it is zero.
            if high - low < ONE >> WIDE and self._vanishes(u):
                return int(op == "zero")
            raise Undefined("a step at its kink")
        return int(low > 0) if op == "step" else 0

    def _vanishes(self, u: int) -> bool:
        try:
            return self.residue(u, base_of(self.graph, [u])) == 0
        except Unread:
            return False

    # --- residues ------------------------------------------------------------------------------

    def residue(self, root: int, level: int) -> int:
        """The value modulo a member of the chain; level -1 is the large prime."""
        memo, stack = self._residue, [(root, level)]
        while stack:
            a, k = stack[-1]
            if (a, k) in memo:
                stack.pop()
                continue
            op, *parts = self.graph.nodes[a]
            missing = []
            if op not in ("const", "in", "pi", "step", "zero", "floor"):
                at = k - (op == "exp") + (op == "log")
                missing = [(p, at) for p in parts if (p, at) not in memo]
            if missing:
                stack.extend(missing)
                continue
            with _named(a):
                memo[a, k] = self._modulo(a, k, op, parts)
            stack.pop()
        return memo[root, level]

    def _modulo(self, a: int, k: int, op: str, parts: Sequence[Any]) -> int:
        p, memo = prime(k), self._residue
        if op in ("const", "in"):
            x = parts[0] if op == "const" else self.point[parts[0]]
            if x.denominator % p == 0:
                raise Undefined("a denominator modulo the prime")
            return x.numerator * pow(x.denominator, -1, p) % p
        if op == "add":
            return (memo[parts[0], k] + memo[parts[1], k]) % p
        if op == "mul":
            return memo[parts[0], k] * memo[parts[1], k] % p
        if op == "pi":
            return random.Random(f"{self.seed} pi {k}").randrange(1, p)
        if op in ("step", "zero", "floor"):
            return self.decided(op, parts[0]) % p
        if op == "exp":
            return pow(4, memo[parts[0], k - 1], p)  # 4 generates the squares
        if op == "log":
            return self._discrete(memo[parts[0], k + 1], k)
        u = memo[parts[0], k]
        if op == "inv":
            if not u:
                raise Undefined("a division by zero modulo the prime")
            return pow(u, -1, p)
        if op == "sqrt":
            root = pow(u, (p + 1) // 4, p)
            if root * root % p != u:
                raise Undefined("no root modulo the prime")
            return root
        return self._drawn(op, parts[0], u, k)

    def _discrete(self, value: int, k: int) -> int:
        """The n with 4ⁿ = value (or −value) modulo the next prime: baby steps, giant steps."""
        p = prime(k + 1)
        if not value:
            raise Undefined("a logarithm of zero modulo the prime")
        if pow(value, (p - 1) // 2, p) != 1:
            if self.squares:
                raise Undefined("a logarithm of what is no square modulo the prime")
            value = p - value  # as log|u|: a product's is still the sum
        if (value, k) not in self._logs:
            table, width, giant = _baby_steps(k)
            at = value
            for n in range(width + 2):
                if at in table:
                    self._logs[value, k] = (n * width + table[at]) % prime(k)
                    break
                at = at * giant % p
            else:  # pragma: no cover - every square has one
                raise Undefined("no logarithm")
        return self._logs[value, k]

    def _drawn(self, op: str, u: int, residue: int, k: int) -> int:
        """A random function of the argument; odd or even by the argument's real sign."""
        p = prime(k)
        positive = self.decided("step", u)
        key = residue if positive else -residue % p
        sign = 1 if positive else -1
        name = "turn" if op in ("sin", "cos") else op
        t = random.Random(f"{self.seed} {name} {k} {key}").randrange(1, p)
        if op not in ("sin", "cos"):
            return sign * t % p
        below = pow(1 + t * t, -1, p)
        return sign * 2 * t * below % p if op == "sin" else (1 - t * t) * below % p


def prime(level: int) -> int:
    """A member of the chain, or the large prime."""
    return LARGE if level < 0 else CHAIN[level]


_TABLES: dict[int, tuple[dict[int, int], int, int]] = {}


def _baby_steps(k: int) -> tuple[dict[int, int], int, int]:
    if k not in _TABLES:
        p, width = prime(k + 1), math.isqrt(prime(k)) + 1
        table, at = {}, 1
        for n in range(width):
            table[at] = n
            at = at * 4 % p
        _TABLES[k] = table, width, pow(at, -1, p)
    return _TABLES[k]


def base_of(graph: Graph, roots: Sequence[int]) -> int:
    """The level at which the roots have residues, with room for what they are made of.

    Raises
    ------
    Unread
        If exponentials or logarithms are nested more deeply than the chain is long.
    """
    nodes = graph.reachable(roots)
    if not any(graph.nodes[a][0] in ("exp", "log") for a in nodes):
        return -1
    needed: dict[int, set[int]] = {a: set() for a in nodes}
    for a in roots:
        needed[a].add(0)
    for a in reversed(nodes):
        op, *parts = graph.nodes[a]
        if op in ("const", "in", "pi", "step", "zero", "floor"):
            continue
        shift = (op == "log") - (op == "exp")
        for part in parts:
            needed[part] |= {k + shift for k in needed[a]}
    low = min(min(ks) for ks in needed.values() if ks)
    high = max(max(ks) for ks in needed.values() if ks)
    if high - low >= LENGTH:
        raise Unread(f"exponentials and logarithms nested more deeply than {LENGTH} primes reach")
    return -low


def degree_of(graph: Graph, roots: Sequence[int]) -> tuple[int, bool]:
    """A bound on the degrees of the numerators, and whether they are polynomials in inputs alone.

    A value is N/∏Dᵐ, where each D is the numerator of something that was divided by.
    """
    up: dict[int, int] = {}
    below: dict[int, dict[int, int]] = {}
    rational = True
    for a in graph.reachable(roots):
        op, *parts = graph.nodes[a]
        if op == "const":
            up[a], below[a] = 0, {}
        elif op == "add":
            b, c = below[parts[0]], below[parts[1]]
            common = {d: max(b.get(d, 0), c.get(d, 0)) for d in b.keys() | c.keys()}
            degrees = [
                up[p] + sum(up[d] * (m - below[p].get(d, 0)) for d, m in common.items())
                for p in parts
            ]
            up[a], below[a] = max(degrees), common
        elif op == "mul":
            b, c = below[parts[0]], below[parts[1]]
            common = {d: b.get(d, 0) + c.get(d, 0) for d in b.keys() | c.keys()}
            up[a], below[a] = up[parts[0]] + up[parts[1]], common
        elif op == "inv":
            u = parts[0]
            up[a] = sum(up[d] * m for d, m in below[u].items())
            below[a] = {u: 1}
        elif op in ("step", "zero", "floor"):
            up[a], below[a] = 0, {}
        else:
            rational &= op == "in"
            up[a], below[a] = 1, {}
    return max((up[a] for a in roots), default=0), rational


_WRITTEN = "constant "  # before a float constant, as the name of an input


# --- programs ----------------------------------------------------------------------------------------

Array = Any  # an array of nodes (dtype object), or of integers and booleans that are known


def fitting(shape: Any) -> None:
    """Refuse arrays that are too large to be written out.

    Raises
    ------
    Unread
    """
    if math.prod(shape) > NODES:
        raise Unread(f"an array of more than {NODES:,} elements")


class Plain:
    """Sizes, numbers and params of a record as Python has them.

    Parameters
    ----------
    sizes : mapping of str to int
        A number for each size with a name.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes

    def plain(self, value: Any) -> Any:
        """A size, number or param as Python has it."""
        if isinstance(value, list):
            return tuple(self.plain(v) for v in value)
        if not isinstance(value, dict):
            return value
        if "dim" in value:
            return sum(
                c * math.prod(self.sizes[name] for name in names) for c, *names in value["dim"]
            )
        if "float" in value:
            return float(value["float"])
        if "dtype" in value:
            return value["dtype"]
        if "index" in value:
            return tuple(self._entry(e) for e in value["index"])
        raise Unread(f"a param of type {value.get('other', next(iter(value), '?'))}")

    def _entry(self, e: Any) -> Any:
        if isinstance(e, list):
            return slice(*(self.plain(b) for b in e[1:]))
        return Ellipsis if e == "..." else self.plain(e)


class Reader(Plain):
    """A program's values at numbers for its sizes; each primitive as it is read here.

    Parameters
    ----------
    graph : Graph
    sizes : mapping of str to int
    decimal : bool
        Float constants are the decimals that were written, not any positive numbers.
    """

    def __init__(self, graph: Graph, sizes: Mapping[str, int], decimal: bool) -> None:
        super().__init__(sizes)
        self.graph = graph
        self.decimal = decimal
        self.signs: dict[str, str] = {}  # of inputs: "positive", "bits", or nothing
        self.captured: dict[int, Array] = {}
        self.drawn: dict[str, Array] = {}

    def nodes(self, values: Any) -> Array:
        """An array of nodes."""
        array = np.asarray(values)
        if array.dtype == object:
            return array
        found = np.empty(array.shape, object)
        for i in np.ndindex(*array.shape):
            found[i] = self.graph.const(Fraction(array[i].item()))
        return found

    def symbols(self, name: str, shape: tuple[int, ...], sign: str = "") -> Array:
        """Inputs by name, element by element."""
        fitting(shape)
        found = np.empty(shape, object)
        for i in np.ndindex(*shape):
            label = name + (f"[{','.join(map(str, i))}]" if i else "")
            self.signs[label] = sign
            found[i] = self.graph.node("in", label)
        return found

    def number(self, text: str) -> int:
        """A float constant: itself if it is a simple binary fraction, else as it was declared."""
        value = float(text)
        exact = Fraction(value)
        if exact.denominator <= 1024:
            return self.graph.const(exact)
        if self.decimal:
            return self.graph.const(Fraction(text))
        name = f"{_WRITTEN}{abs(value)!r}"
        self.signs[name] = "positive"
        node = self.graph.node("in", name)
        return node if value > 0 else self.graph.neg(node)

    def operand(self, o: Any, values: Sequence[Array]) -> Array:
        """An operand of a step."""
        if not isinstance(o, dict):
            return values[o]
        o = o["value"]
        if isinstance(o, dict) and "float" in o:
            found = np.empty((), object)
            found[()] = self.number(o["float"])
            return found
        return np.asarray(self.plain(o))

    def run(self, program: Mapping[str, Any], inputs: Sequence[Array]) -> list[Array]:
        """The outputs of a program."""
        values: list[Array] = [*inputs, *map(self._capture, program["captures"])]
        dtypes = [entry["dtype"] for entry in (*program["inputs"], *program["captures"])]
        for name, operands, params, dtype in program["steps"]:
            given = [self.operand(o, values) for o in operands]
            logical = [
                isinstance(o["value"], bool) if isinstance(o, dict) else dtypes[o] == "bool"
                for o in operands
            ]
            values.append(self.step(name, given, params, dtype, all(logical)))
            dtypes.append(dtype)
        return [self.nodes(self.operand(o, values)) for o in program["outputs"]]

    def _capture(self, entry: Mapping[str, Any]) -> Array:
        number = entry["tensor"]
        if number not in self.captured:
            shape = self.plain(entry["shape"])
            if "values" in entry:
                values: Array = np.asarray(entry["values"], entry["dtype"])
            elif "number" in entry:
                values = np.full(shape, self.number(entry["number"]["float"]), object)
            else:
                taken = {label.partition("[")[0] for label in self.signs}
                name = entry["name"]
                while name in taken:
                    name += "'"
                values = self.symbols(name, shape)
            self.captured[number] = values
        return self.captured[number]

    def step(
        self, name: str, operands: list[Array], params: Any, dtype: str, logical: bool = False
    ) -> Array:
        """One step; ``logical`` says that all operands are booleans."""
        if logical and name in _ON_NUMBERS:
            raise Unread(f"{name} of booleans")
        if name == "scan":
            return self._scan(operands, params)
        if name == "random_bits":
            key = str([np.asarray(o).tolist() for o in operands])
            if key not in self.drawn:
                label = f"bits{len(self.drawn) + 1}"
                self.drawn[key] = self.symbols(label, self.plain(params["shape"]), "bits")
            return self.drawn[key]
        known = {k: self.plain(v) for k, v in params.items()}
        fitting(known.get("shape", ()))
        fitting((known.get("size", 1),) * 2)
        if name in _MOVES:
            return _MOVES[name](self, *operands, **known)
        if name not in _FORMULAS:
            raise Unread(f"the primitive {name}")
        fitting(np.broadcast_shapes(*(np.shape(o) for o in operands)))
        arrays = np.broadcast_arrays(*map(self.nodes, operands))
        entries = np.empty(arrays[0].shape, object)
        formula: Callable[..., int] = _either if logical and name == "add" else _FORMULAS[name]
        for i in np.ndindex(*entries.shape):
            entries[i] = formula(self.graph, *(a[i] for a in arrays), **known)
        return self._known(entries, dtype)

    def _known(self, found: Array, dtype: str) -> Array:
        """Integers and booleans that are known as such, so that they can index."""
        if np.dtype(dtype).kind not in "biu":
            return found
        values = [self.graph.value(a) for a in found.flat]
        if any(v is None for v in values):
            return found
        whole = [int(v) for v in values if v is not None]
        return np.array(whole, dtype).reshape(found.shape)

    def _scan(self, operands: list[Array], params: Any) -> tuple[Array, ...]:
        body = params["body"]["program"]
        first, carries = params["consts"], params["carries"]
        carried = operands[first : first + carries]
        over = operands[first + carries :]
        length = self.plain(params["length"])
        rows: list[Any] = [None] * length
        for t in reversed(range(length)) if params["reverse"] else range(length):
            rows_at = (np.asarray(x)[t, ...] for x in over)
            found = self.run(body, [*operands[:first], *carried, *rows_at])
            carried, rows[t] = found[:carries], found[carries:]
        if not length:
            raise Unread("a scan of no steps")
        return (*carried, *(np.stack(column) for column in zip(*rows, strict=True)))

    def total(self, xs: Iterable[int]) -> int:
        """A sum, by halves, so that it is not nested deeply."""
        terms = list(xs) or [self.graph.const(0)]
        while len(terms) > 1:
            pairs = [self.graph.add(*terms[n : n + 2]) for n in range(0, len(terms) - 1, 2)]
            terms = pairs + terms[len(terms) & ~1 :]
        return terms[0]

    def reduced(
        self, x: Array, axis: Any, keepdims: bool, fold: Callable[[list[int]], int]
    ) -> Array:
        """A fold over axes."""
        x = self.nodes(x)
        axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        axes = {a % x.ndim for a in axes} if x.ndim else set()
        kept = [a for a in range(x.ndim) if a not in axes]
        rows = np.transpose(x, (*kept, *sorted(axes)))
        rows = rows.reshape(*rows.shape[: len(kept)], -1)
        folds = np.empty(rows.shape[:-1], object)
        for i in np.ndindex(*folds.shape):
            folds[i] = fold(list(rows[i]))
        return np.expand_dims(folds, tuple(sorted(axes))) if keepdims and axes else folds

    def product(self, subscripts: str, *xs: Array) -> Array:
        """An einsum, written out."""
        inputs, _, output = subscripts.replace(" ", "").partition("->")
        arrays = [self.nodes(x) for x in xs]
        sizes: dict[str, int] = {}
        for letters, x in zip(inputs.split(","), arrays, strict=True):
            sizes |= {c: max(n, sizes.get(c, 1)) for c, n in zip(letters, x.shape, strict=True)}
        summed = [c for c in sizes if c not in output]
        entries = np.empty(tuple(sizes[c] for c in output), object)
        for i in np.ndindex(*entries.shape):
            terms = []
            for j in np.ndindex(*(sizes[c] for c in summed)):
                at = dict(zip([*output, *summed], [*i, *j], strict=True))
                factors = [
                    x[tuple(at[c] if n > 1 else 0 for c, n in zip(letters, x.shape, strict=True))]
                    for letters, x in zip(inputs.split(","), arrays, strict=True)
                ]
                term = factors[0]
                for f in factors[1:]:
                    term = self.graph.mul(term, f)
                terms.append(term)
            entries[i] = self.total(terms)
        return entries

    def indices(self, x: Array) -> Array:
        """Integers that are known.

        Raises
        ------
        Unread
            If they are computed from what has no value.
        """
        x = np.asarray(x)
        if x.dtype != object:
            return x
        values = [self.graph.value(a) for a in x.flat]
        if any(v is None or v.denominator != 1 for v in values):
            raise Unread("indices that are computed from the inputs")
        return np.array([int(v) for v in values if v is not None], int).reshape(x.shape)


def _comparison(of: Callable[[Graph, int], int]) -> Callable[..., int]:
    return lambda g, a, b: of(g, g.sub(a, b))


def _logistic(g: Graph, a: int) -> int:
    return g.inv(g.add(g.const(1), g.exp(g.neg(a))))


def _either(g: Graph, a: int, b: int) -> int:
    """What adding booleans is."""
    return g.sub(g.add(a, b), g.mul(a, b))


def _exp2(g: Graph, a: int) -> int:
    return g.exp(g.mul(a, g.log(g.const(2))))


def _arcsin(g: Graph, a: int) -> int:
    x = g.value(a)
    if x in (0, 1, -1):
        return g.mul(g.const(x / 2), g.node("pi")) if x is not None else a
    return g.node("arcsin", a)


def _cast(g: Graph, a: int, dtype: str) -> int:
    kind = np.dtype(dtype).kind
    if kind == "b":
        return g.sub(g.const(1), g.zero(a))
    if kind in "iu" and (g.value(a) is None or Fraction(str(g.value(a))).denominator != 1):
        raise Unread("a truncation to integers")
    return a


# Elementwise primitives, by the names under which programs have them.
_FORMULAS: dict[str, Callable[..., int]] = {
    "add": Graph.add,
    "subtract": Graph.sub,
    "multiply": Graph.mul,
    "divide": Graph.div,
    "negative": Graph.neg,
    "square": lambda g, a: g.mul(a, a),
    "power": Graph.power,
    "sqrt": Graph.sqrt,
    "exp": Graph.exp,
    "expm1": lambda g, a: g.sub(g.exp(a), g.const(1)),
    "exp2": _exp2,
    "log": Graph.log,
    "log1p": lambda g, a: g.log(g.add(a, g.const(1))),
    "log2": lambda g, a: g.div(g.log(a), g.log(g.const(2))),
    "log10": lambda g, a: g.div(g.log(a), g.log(g.const(10))),
    "tanh": Graph.tanh,
    "sinh": lambda g, a: g.mul(g.const(Fraction(1, 2)), g.sub(g.exp(a), g.exp(g.neg(a)))),
    "cosh": lambda g, a: g.mul(g.const(Fraction(1, 2)), g.add(g.exp(a), g.exp(g.neg(a)))),
    "sin": lambda g, a: g.node("sin", a),
    "cos": lambda g, a: g.node("cos", a),
    "tan": lambda g, a: g.div(g.node("sin", a), g.node("cos", a)),
    "arctan": lambda g, a: g.node("arctan", a),
    "arcsin": _arcsin,
    "arccos": lambda g, a: g.sub(g.mul(g.const(Fraction(1, 2)), g.node("pi")), _arcsin(g, a)),
    "arcsinh": lambda g, a: g.log(g.add(a, g.sqrt(g.add(g.mul(a, a), g.const(1))))),
    "arccosh": lambda g, a: g.log(g.add(a, g.sqrt(g.sub(g.mul(a, a), g.const(1))))),
    "arctanh": lambda g, a: g.mul(
        g.const(Fraction(1, 2)), g.log(g.div(g.add(g.const(1), a), g.sub(g.const(1), a)))
    ),
    "logaddexp2": lambda g, a, b: g.div(g.log(g.add(_exp2(g, a), _exp2(g, b))), g.log(g.const(2))),
    "copysign": lambda g, a, b: g.mul(
        g.absolute(a), g.sub(g.const(1), g.mul(g.const(2), g.step(g.neg(b))))
    ),
    "cbrt": lambda g, a: g.mul(
        g.sub(g.mul(g.const(2), g.step(a)), g.const(1)),
        g.power(g.absolute(a), g.const(Fraction(1, 3))),
    ),
    "trunc": lambda g, a: g.where(g.step(a), g.floor(a), g.neg(g.floor(g.neg(a)))),
    "floor_divide": lambda g, a, b: g.floor(g.div(a, b)),
    "mod": lambda g, a, b: g.sub(a, g.mul(b, g.floor(g.div(a, b)))),
    "fmod": lambda g, a, b: g.sub(a, g.mul(b, _FORMULAS["trunc"](g, g.div(a, b)))),
    "erf": lambda g, a: g.node("erf", a),
    "erfc": lambda g, a: g.sub(g.const(1), g.node("erf", a)),
    "sigmoid": _logistic,
    "softplus": lambda g, a: g.log(g.add(g.const(1), g.exp(a))),
    "logaddexp": lambda g, a, b: g.log(g.add(g.exp(a), g.exp(b))),
    "relu": lambda g, a: g.mul(a, g.step(a)),
    "step": Graph.step,
    "absolute": Graph.absolute,
    "sign": lambda g, a: g.sub(g.step(a), g.step(g.neg(a))),
    "floor": Graph.floor,
    "ceil": lambda g, a: g.neg(g.floor(g.neg(a))),
    "maximum": Graph.maximum,
    "minimum": lambda g, a, b: g.neg(g.maximum(g.neg(a), g.neg(b))),
    "hypot": lambda g, a, b: g.sqrt(g.add(g.mul(a, a), g.mul(b, b))),
    "where": lambda g, c, a, b: g.where(g.sub(g.const(1), g.zero(c)), a, b),
    "equal": _comparison(Graph.zero),
    "not_equal": _comparison(lambda g, d: g.sub(g.const(1), g.zero(d))),
    "greater": _comparison(Graph.step),
    "less": _comparison(lambda g, d: g.step(g.neg(d))),
    "greater_equal": _comparison(lambda g, d: g.sub(g.const(1), g.step(g.neg(d)))),
    "less_equal": _comparison(lambda g, d: g.sub(g.const(1), g.step(d))),
    "logical_not": Graph.zero,
    "isfinite": lambda g, a: g.const(1),
    "isnan": lambda g, a: g.const(0),
    "isinf": lambda g, a: g.const(0),
    "still": lambda g, part, by: part,  # where nothing is infinite
    "xdivy": Graph.div,
    "unit_part": lambda g, a, b: g.div(a, g.sqrt(g.add(g.mul(a, a), g.mul(b, b)))),
    "inverse_part": lambda g, a, b: g.div(a, g.add(g.mul(a, a), g.mul(b, b))),
    "xlogy": lambda g, a, b: g.mul(a, g.log(b)),
    "xlog1py": lambda g, a, b: g.mul(a, g.log(g.add(g.const(1), b))),
    "cast": _cast,
}


def _moved(function: Callable[..., Any]) -> Callable[..., Any]:
    """What NumPy does to elements without looking at them."""
    return lambda reader, *xs, **params: function(*xs, **params)


def _matmul(reader: Reader, a: Array, b: Array) -> Array:
    a, b = np.asarray(a), np.asarray(b)
    lead = "abcdefgh"[: max(a.ndim, b.ndim, 2) - 2]
    left = "k" if a.ndim == 1 else lead[len(lead) - a.ndim + 2 :] + "ik"
    right = "k" if b.ndim == 1 else lead[len(lead) - b.ndim + 2 :] + "kj"
    output = lead + "i" * (a.ndim > 1) + "j" * (b.ndim > 1)
    return reader.product(f"{left},{right}->{output}", a, b)


def _affine(reader: Reader, x: Array, weight: Array, bias: Array) -> Array:
    rows = _matmul(reader, x, weight)
    return _FORMULA_ADD(reader, rows, bias)


def _FORMULA_ADD(reader: Reader, a: Array, b: Array) -> Array:  # noqa: N802
    return np.vectorize(reader.graph.add, otypes=[object])(reader.nodes(a), reader.nodes(b))


def _sum(reader: Reader, x: Array, axis: Any, keepdims: bool) -> Array:
    return reader.reduced(x, axis, keepdims, reader.total)


def _log_of_sum(reader: Reader, x: Array, axis: Any, keepdims: bool) -> Array:
    g = reader.graph
    return reader.reduced(x, axis, keepdims, lambda row: g.log(reader.total(g.exp(a) for a in row)))


def _largest(reader: Reader, x: Array, axis: Any, keepdims: bool) -> Array:
    def fold(row: list[int]) -> int:
        best = row[0]
        for a in row[1:]:
            best = reader.graph.maximum(a, best)
        return best

    return reader.reduced(x, axis, keepdims, fold)


def _place(reader: Reader, x: Array, axis: Any, keepdims: bool) -> Array:
    g = reader.graph

    def fold(row: list[int]) -> int:
        best, place = row[0], g.const(0)
        for n, a in enumerate(row[1:], 1):
            wins = g.step(g.sub(a, best))
            best, place = g.where(wins, a, best), g.where(wins, g.const(n), place)
        return place

    return reader.reduced(x, axis, keepdims, fold)


def _running(reader: Reader, x: Array, axis: int) -> Array:
    found = np.moveaxis(reader.nodes(x).copy(), axis, -1)
    for n in range(1, found.shape[-1]):
        found[..., n] = _FORMULA_ADD(reader, found[..., n - 1], found[..., n])
    return np.moveaxis(found, -1, axis)


def _take_along(reader: Reader, x: Array, indices: Array, axis: int) -> Array:
    x, indices = reader.nodes(x), np.asarray(indices)
    if indices.dtype != object:
        return np.take_along_axis(x, indices, axis)
    g = reader.graph
    rows = np.moveaxis(x, axis, -1)
    places = np.moveaxis(indices, axis, -1)
    found = np.empty(places.shape, object)
    for i in np.ndindex(*found.shape):
        row = rows[tuple(j if n > 1 else 0 for j, n in zip(i[:-1], rows.shape, strict=False))]
        terms = [g.mul(g.zero(g.sub(places[i], g.const(n))), a) for n, a in enumerate(row)]
        found[i] = reader.total(terms)
    return np.moveaxis(found, -1, axis)


def _put_along(reader: Reader, x: Array, indices: Array, axis: int, size: int) -> Array:
    x, indices = reader.nodes(x), reader.indices(indices)
    shape = list(np.broadcast_shapes(x.shape, indices.shape))
    x, indices = np.broadcast_to(x, shape), np.broadcast_to(indices, shape)
    shape[axis] = size
    whole = np.full(shape, reader.graph.const(0), object)
    for i in np.ndindex(*x.shape):
        at = list(i)
        at[axis] = int(indices[i])
        whole[tuple(at)] = reader.graph.add(whole[tuple(at)], x[i])
    return whole


def _key(reader: Reader, pattern: Sequence[Any], indices: Sequence[Array]) -> tuple[Any, ...]:
    rest = iter(reader.indices(i) for i in indices)
    return tuple(next(rest) if isinstance(e, str) and e == "#" else e for e in pattern)


def _gather(reader: Reader, x: Array, *indices: Array, pattern: Any) -> Array:
    return _at_places(reader.nodes(x), _key(reader, pattern, indices))


def _at_places(x: Array, index: Any) -> Array:
    """``x[index]``, which stays an array: a number alone would be taken for a known integer."""
    found = np.empty((), x.dtype)
    taken = x[index]
    if isinstance(taken, np.ndarray):
        return taken
    found[()] = taken
    return found


def _scatter(reader: Reader, x: Array, *indices: Array, pattern: Any, shape: Any) -> Array:
    x = reader.nodes(x)
    places = np.arange(math.prod(shape)).reshape(shape)[_key(reader, pattern, indices)]
    whole = np.full(math.prod(shape), reader.graph.const(0), object)
    for place, a in zip(places.flat, np.broadcast_to(x, places.shape).flat, strict=True):
        whole[place] = reader.graph.add(whole[place], a)
    return whole.reshape(shape)


def _embed(reader: Reader, x: Array, index: Any, shape: Any) -> Array:
    whole = np.full(shape, reader.graph.const(0), object)
    x = reader.nodes(x)
    whole[index] = x if x.ndim else x[()]  # else the array itself would be the element
    return whole


def _windows(reader: Reader, x: Array, axis: int, size: int, step: int, dilation: int) -> Array:
    rows = np.moveaxis(reader.nodes(x), axis, -1)
    last = rows.shape[-1] - (size - 1) * dilation
    if last < 1:
        raise Undefined("no window lies inside at these sizes")
    seen = np.stack(
        [rows[..., i:][..., : size * dilation : dilation] for i in range(0, last, step)], -2
    )
    return np.moveaxis(seen, -2, axis)


def _overlap(reader: Reader, x: Array, axis: int, step: int, dilation: int, length: int) -> Array:
    rows = np.moveaxis(reader.nodes(x), axis, -2)
    number, size = rows.shape[-2:]
    whole = np.full((*rows.shape[:-2], length), reader.graph.const(0), object)
    for i, j in itertools.product(range(number), range(size)):
        at = i * step + j * dilation
        whole[..., at] = _FORMULA_ADD(reader, whole[..., at], rows[..., i, j])
    return np.moveaxis(whole, -1, axis)


def _entropy(reader: Reader, logits: Array, labels: Array) -> Array:
    x = reader.nodes(logits)
    picked = x[np.arange(len(x)), reader.indices(labels)]
    whole = _log_of_sum(reader, x, 1, False)
    return np.vectorize(reader.graph.sub, otypes=[object])(whole, picked)


def _distance(reader: Reader, a: Array, b: Array) -> Array:
    g = reader.graph
    a, b = np.broadcast_arrays(reader.nodes(a), reader.nodes(b))
    parts = [g.sub(x, y) for x, y in zip(a.flat, b.flat, strict=True)]
    found = np.empty((), object)
    found[()] = reader.total(g.mul(d, d) for d in parts)
    return found


# What moves, gathers, adds up and contracts.
_MOVES: dict[str, Callable[..., Any]] = {
    "identity": _moved(lambda x: x),
    "stop_gradient": _moved(lambda x: x),
    "reshape": _moved(lambda x, shape: np.asarray(x).reshape(shape)),
    "transpose": _moved(np.transpose),
    "broadcast_to": _moved(np.broadcast_to),
    "flip": _moved(np.flip),
    "concatenate_": lambda reader, *xs, axis: np.concatenate(list(map(reader.nodes, xs)), axis),
    "slice_": _moved(lambda x, index: _at_places(np.asarray(x), index)),
    "embed": _embed,
    "roll_": _moved(np.roll),
    "windows": _windows,
    "overlap_add": _overlap,
    "pick": _moved(lambda x, index: x[index]),
    "sum": _sum,
    "max": _largest,
    "argmax": _place,
    "logsumexp": _log_of_sum,
    "cumsum": _running,
    "matmul": _matmul,
    "affine": _affine,
    "matmul_still": lambda reader, a, b, zeros: _matmul(reader, a, b),
    "einsum_still": lambda reader, *xs, subscripts, zeros: reader.product(subscripts, *xs),
    "einsum_": lambda reader, *xs, subscripts: reader.product(subscripts, *xs),
    "eye": lambda reader, size, dtype: np.eye(size, dtype=int),
    "squared_distance": _distance,
    "softmax_cross_entropy": _entropy,
    "take_along_axis": _take_along,
    "put_along_axis": _put_along,
    "gather": _gather,
    "scatter_add": _scatter,
}


# Where booleans are not the numbers 0 and 1.
_ON_NUMBERS = {"matmul", "matmul_still", "einsum_", "einsum_still", "power", "negative", "subtract"}


# --- statements ------------------------------------------------------------------------------------


def checked(
    verdict: Mapping[str, Any], seed: int | None = None, seconds: float = SECONDS
) -> Checked:
    """Check a verdict of a record again, from what it says it decided.

    Parameters
    ----------
    verdict : mapping
        As `Verdict.to_json` writes it.
    seed : int, optional
        Of the points. Default: drawn by the system.
    seconds : float
        Processor time; what it leaves open is OPEN.

    Returns
    -------
    Checked
    """
    statement = verdict.get("statement")
    if not isinstance(statement, dict):
        return Checked(OPEN, "the record does not say what was decided")
    status = verdict.get("status")
    if status not in ("PROVED", "PROBABLE", "REFUTED"):
        return Checked(OPEN, "nothing was decided")
    rng = random.Random(seed) if seed is not None else random.Random(random.SystemRandom().random())
    end = time.thread_time() + seconds
    try:
        if status == "REFUTED":
            return _contradicted(statement, verdict, rng)
        return _confirmed(statement, rng, end)
    except (Unread, Undefined) as stop:
        return Checked(OPEN, str(stop))
    except (
        KeyError, ValueError, TypeError, IndexError, AttributeError, ArithmeticError, MemoryError,
        RecursionError,
    ) as error:  # fmt: skip
        return Checked(OPEN, f"it cannot be read ({type(error).__name__}: {error})"[:300])


def _confirmed(statement: Mapping[str, Any], rng: random.Random, end: float) -> Checked:
    """Whether what was proved is so, at random points."""
    if statement["question"] == "all":
        outcomes = [_confirmed(part, rng, end) for part in statement["parts"].values()]
        for status in (FALLS, OPEN):
            for part in outcomes:
                if part.status == status:
                    return part
        return outcomes[0] if outcomes else Checked(OPEN, "it has no parts")
    points = 0
    error = 0.0
    largest, rational, same, kinks, reached = 0, True, True, False, []
    missed: list[Checked] = []
    for sizes in _choices(statement):
        outcome = _at(statement, sizes, rng, end)
        if isinstance(outcome, Checked):
            if outcome.status == FALLS:
                return outcome
            missed.append(outcome)
            continue
        if outcome is None:
            continue
        points += outcome.count
        # Each point that was drawn might have erred.
        degree = outcome.degree * outcome.drawn
        error = max(error, 1e-300, min(1.0, degree / outcome.modulus) ** outcome.count)
        largest, rational = max(largest, degree), rational and outcome.rational
        same, kinks = same and outcome.same, kinks or outcome.kinks
        reached.append(_sized(sizes))
    if len(_choices(statement)) > 1 and reached in ([], [_sized(_choices(statement)[0])]):
        # At sizes of 1 much is true that is not so elsewhere.
        return missed[0] if missed else Checked(OPEN, "it is defined at no sizes but 1, if at all")
    if not points:
        return missed[0] if missed else Checked(OPEN, "no point was found at which it is defined")
    where = "; ".join(filter(None, reached))
    text = "".join(f"{m.text}; " for m in missed) + (
        f"equal at {points} random points{f' ({where})' if where else ''}, degree times draws at most "
        f"{largest}, probability of error at most {error:.1g}"
    )
    if same:
        text = f"the same expression on both sides{f' ({where})' if where else ''}"
    elif kinks:
        text += ", in the regions between kinks that were drawn"
    if not same and not rational:
        text += " if exponentials, logarithms and roots behave as independent variables"
    integers = [k for k, v in statement.get("symbols", {}).items() if "integer" in v]
    if integers:
        text += f"; {', '.join(integers)} at a few whole numbers"
    return Checked(AGREES, text)


def _sized(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{k} = {v}" for k, v in sizes.items())


@dataclass(frozen=True)
class _Points:
    """What random points at some sizes showed.

    Attributes
    ----------
    count, drawn : int
        Points at which the sides were equal; points that were drawn for that.
    degree, modulus : int
    rational : bool
        The bound is a theorem.
    same : bool
        Both sides are one expression.
    kinks : bool
    """

    count: int
    drawn: int
    degree: int
    modulus: int
    rational: bool
    same: bool
    kinks: bool


def _at(
    statement: Mapping[str, Any], sizes: Mapping[str, int], rng: random.Random, end: float
) -> Checked | _Points | None:
    """Points at some sizes; None if nothing is defined at these."""
    reached = attempts = odd = degree = 0
    modulus, rational, same, kinks = LARGE, True, True, False
    graph = Graph()
    pairs: Pairs = []
    draws: _Draws | None = None
    drawn, fresh = 0, True
    stop: Undefined | None = None
    while reached < (REGIONS if kinks else TRIALS) and attempts < ATTEMPTS:
        if time.thread_time() > end:
            if reached:
                break
            return Checked(OPEN, "it takes longer than the time that was given")
        attempts += 1
        try:
            if fresh or draws is None:
                drawn += draws.count if draws else 0
                graph, draws = Graph(), None
                pairs, signs, fresh = _sides(graph, statement, sizes, rng)
                differences = [graph.sub(a, b) for _, a, b in pairs]
                draws = _Draws(graph, differences, signs, rng)
                level = base_of(graph, differences)
                same &= all(graph.value(d) == 0 for d in differences)
                operations = {graph.nodes[a][0] for a in graph.reachable(differences)}
                kinks |= not operations.isdisjoint(("step", "zero", "floor"))
        except (Undefined, IndexError):
            if statement["question"] != "equation":
                return None  # a divisor that is 0 at these sizes, an element that is not there
            continue
        point = draws.again(stop)
        # Once exp(log u) = u was missed at other points, every other series is of squares alone.
        squares = odd > 0 and attempts % (2 * REPEATS) < REPEATS
        values = Values(graph, point, draws.seed, squares)
        stop = None
        try:
            if not reached:  # at each point, until residues have one: what is false shows at once
                false = _false(values, pairs, differences, point) if odd + attempts < 9 else ""
                if false:
                    return Checked(FALLS, false)
            residues = [values.residue(d, level) for d in differences]
            false = _false(values, pairs, differences, point)
            if false:
                return Checked(FALLS, false)
        except Undefined as missing:
            stop = missing
            continue
        if any(residues):
            odd += 1
            if odd < SIGNS and "log" in operations and not squares:
                continue  # exp(log u) = u for squares u alone
            return Checked(OPEN, _MISSING)
        reached += 1
        bound, plain = degree_of(graph, differences)
        degree, rational = max(degree, bound), rational and plain
        modulus = prime(level)
    if not reached:
        return Checked(OPEN, _lost(statement, sizes, graph, pairs, rng)) if pairs else None
    drawn += draws.count if draws else 0
    return _Points(reached, drawn, degree, modulus, rational, same, kinks)


class _Draws:
    """Points; where a root or a logarithm is not there, only what few others depend on is drawn anew.

    Inputs that the same roots and logarithms depend on make a block. Parts of points drawn at
    different times are as random as those drawn at once, so that a point is one of as many as there
    are ways to choose a draw of each block: ``count`` is how many, in all.

    Parameters
    ----------
    graph : Graph
    roots : sequence of int
    signs : mapping of str to str
        Of the inputs.
    rng : random.Random
    """

    def __init__(
        self, graph: Graph, roots: Sequence[int], signs: Mapping[str, str], rng: random.Random
    ) -> None:
        self.signs, self.rng = signs, rng
        self.seed = 0
        self.point: dict[str, Fraction] = {}
        self._before = 0
        nodes = graph.reachable(roots)
        above: dict[str, set[int]] = {name: set() for name in signs}
        for a in nodes:
            if graph.nodes[a][0] in ("sqrt", "log", "arcsin"):
                for n in graph.reachable([a]):
                    if graph.nodes[n][0] == "in":
                        above[graph.nodes[n][1]].add(a)
        self._blocks: dict[frozenset[int], list[str]] = {}
        for name, missing in above.items():
            self._blocks.setdefault(frozenset(missing), []).append(name)
        self._times: dict[frozenset[int], int] = {}

    @property
    def count(self) -> int:
        """Points that may have been met so far."""
        return self._before + math.prod(n + 1 for n in self._times.values())

    def again(self, stop: Undefined | None) -> dict[str, Fraction]:
        """The next point, after one at which something is missing, or else a new one."""
        node = stop.node if stop is not None else None
        below = [block for block in self._blocks if node in block]
        if not self.point or not below or sum(self._times.values()) >= REPEATS:
            self._before = self.count if self.point else 0
            self._times = {}
            self.seed = self.rng.getrandbits(64)
            names: Iterable[str] = self.signs
        else:
            block = min(below, key=len)
            self._times[block] = self._times.get(block, 0) + 1
            names = self._blocks[block]
        for name in names:
            self.point[name] = _drawn(self.signs[name], self.rng)
        return dict(self.point)


def _false(
    values: Values, pairs: Sequence[Any], differences: Sequence[int], point: Mapping[str, Fraction]
) -> str:
    """The entry that is not so by its interval, if there is one."""
    for (name, _, _), d in zip(pairs, differences, strict=True):
        low, high = values.real(d)
        if not low <= 0 <= high:
            return f"it is not so: {_told(name, low, high, point)}"
    return ""


_MISSING = "equal at points, by intervals, but by a relation that residues do not have"


def _lost(
    statement: Mapping[str, Any], sizes: Any, graph: Graph, pairs: Sequence[Any], rng: random.Random
) -> str:
    where = _sized(sizes)
    return f"residues found no point{f' at {where}' if where else ''}, or know too few relations"


def _told(name: str, low: int, high: int, point: Mapping[str, Fraction]) -> str:
    at = ", ".join(f"{k} = {float(v):.6g}" for k, v in itertools.islice(point.items(), 6))
    more = ", …" if len(point) > 6 else ""
    return f"{name or 'the sides'} differ by {(low + high) / 2 / ONE:.6g} at {at}{more}"


def _drawn(sign: str, rng: random.Random) -> Fraction:
    """A number whose residues modulo all primes are independent: 400 random bits."""
    size = Fraction(rng.getrandbits(400) + 1, 2**400)
    if sign == "bits":
        return size * 2**32
    size = size * 2 + Fraction(1, 8)
    return size if sign or rng.random() < 0.5 else -size


def _choices(statement: Mapping[str, Any]) -> list[dict[str, int]]:
    """Numbers for the sizes with names."""
    names = sorted(set(re.findall(r"\[1, '(\w+)'\]", str(statement))) | set(_dims(statement)))
    if statement["question"] == "equation" or not names:
        return [{}]
    bounds = [bound["dim"] for bound in statement.get("bounds", ())]
    chosen = ({name: pair[n % 2] for n, name in enumerate(names)} for pair in SIZES)
    return [_within(sizes, bounds) for sizes in chosen]


def _within(sizes: dict[str, int], bounds: Sequence[Any]) -> dict[str, int]:
    """Sizes that are spoken of: as many more of each as it takes for the bounds to be 0 or more."""
    for _ in range(GROWTH):
        short = [bound for bound in bounds if Plain(sizes).plain({"dim": bound}) < 0]
        grow = {name for c, *names in short[0] if c > 0 for name in names} if short else set()
        if not grow:
            break
        sizes = {name: n + (name in grow) for name, n in sizes.items()}
    return sizes


def _dims(value: Any) -> Iterable[str]:
    """Names of sizes, anywhere in a statement."""
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            if "dim" in top:
                for _, *names in top["dim"]:
                    yield from names
            stack.extend(top.values())
        elif isinstance(top, list):
            stack.extend(top)


Pairs = list[tuple[str, int, int]]


def _sides(
    graph: Graph, statement: Mapping[str, Any], sizes: Mapping[str, int], rng: random.Random
) -> tuple[Pairs, dict[str, str], bool]:
    """What has to be equal, the signs of inputs, and whether another point needs other sides."""
    question = statement["question"]
    if question == "equation":
        return _equation(graph, statement, rng, {})
    reader = Reader(graph, sizes, statement["decimal"])
    first = statement["left" if question == "equal" else "forward"]
    inputs, labels = _inputs(reader, first, statement["facts"], rng)
    if question == "equal":
        left, right = (reader.run(statement[side], inputs) for side in ("left", "right"))
        pairs = [
            (f"output {n}{list(i)}" if i else f"output {n}", a[i], b[i])
            for n, (a, b) in enumerate(zip(left, right, strict=True))
            for i in np.ndindex(*a.shape)
        ]
        return pairs, reader.signs, labels
    if question != "gradient":
        raise Unread(f"the question {question!r}")
    if statement["facts"]:
        raise Unread("a gradient under facts, whose inputs are not independent")
    (value,) = reader.run(first, inputs)
    again, *gradients = reader.run(statement["combined"], inputs)
    pairs = [("the value", value.flat[0], again.flat[0])]
    stopped = _stops(first)
    for n, g in zip(statement["wrt"], gradients, strict=True):
        if stopped:
            raise Unread("a gradient through stop_gradient, which a derivative does not have")
        direction, along = {}, []
        for i in np.ndindex(*inputs[n].shape):
            name = f"direction {n}{list(i)}"
            reader.signs[name] = ""
            direction[inputs[n][i]] = node = graph.node("in", name)
            along.append(graph.mul(node, g[i]))
        slope = graph.tangent(value.flat[0], direction)
        pairs.append((f"the gradient by {first['inputs'][n]['name']}", reader.total(along), slope))
    return pairs, reader.signs, labels


def _stops(program: Mapping[str, Any]) -> bool:
    return any(
        name == "stop_gradient" or any(_stops(b) for b in _bodies(params))
        for name, _, params, _ in program["steps"]
    )


def _bodies(params: Mapping[str, Any]) -> list[Any]:
    return [v["program"] for v in params.values() if isinstance(v, dict) and "program" in v]


def _inputs(
    reader: Reader, program: Mapping[str, Any], facts: Sequence[Any], rng: random.Random
) -> tuple[list[Array], bool]:
    """Arrays for the inputs, by the names that witnesses use; whether some of them were drawn."""
    inputs, names, drawn = [], [], False
    for entry in program["inputs"]:
        shape, name = reader.plain(entry["shape"]), entry["name"]
        while name in names:
            name += "'"
        names.append(name)
        if np.dtype(entry["dtype"]).kind in "biu":
            most = min([2, *reader.sizes.values()]) if reader.sizes else 1
            inputs.append(np.array([rng.randrange(most) for _ in range(math.prod(shape))], int))
            inputs[-1] = inputs[-1].reshape(shape)
            drawn = True
        else:
            sign = "positive" if entry.get("role") == "positive" else ""
            inputs.append(reader.symbols(name, shape, sign))
    if len({n for n, *_ in facts}) < len(facts):
        raise Unread("several facts about one array")
    g = reader.graph
    for n, axis, total in facts:
        inputs[n] = inputs[n].copy()
        rows = np.moveaxis(inputs[n], axis, -1)
        for i in np.ndindex(*rows.shape[:-1]):
            others = reader.total(rows[i][:-1])
            rows[(*i, -1)] = g.sub(g.const(Fraction(total)), others)
    return inputs, drawn


# --- equations between expressions -------------------------------------------------------------------


def _equation(
    graph: Graph, statement: Mapping[str, Any], rng: random.Random, at: Mapping[str, Fraction]
) -> tuple[Pairs, dict[str, str], bool]:
    """Both sides of each equation; whole numbers have values."""
    signs: dict[str, str] = {}
    counts: dict[str, Fraction] = {}
    for name, assumed in statement["symbols"].items():
        if "integer" in assumed:
            low = 1 if "positive" in assumed else 0 if "nonnegative" in assumed else -3
            counts[name] = Fraction(rng.randint(low, 6))
        else:
            signs[name] = "positive" if {"positive", "nonnegative"} & set(assumed) else ""
    known = counts | dict(at)
    made: list[int] = []
    for op, *parts in statement["nodes"]:
        if op == "symbol":
            (name,) = parts
            made.append(graph.const(known[name]) if name in known else graph.node("in", name))
        elif op == "number":
            made.append(graph.const(Fraction(parts[0])))
        elif op == "constant":
            made.append(_constant(graph, parts[0]))
        else:
            made.append(_operation(graph, op, [made[p] for p in parts]))
    pairs = [(name, made[a], made[b]) for name, (a, b) in statement["sides"].items()]
    return pairs, {k: v for k, v in signs.items() if k not in known}, bool(counts)


def _constant(graph: Graph, text: str) -> int:
    if text == "pi":
        return graph.node("pi")
    if text == "E":
        return graph.exp(graph.const(1))
    raise Unread(f"the constant {text}")


def _operation(graph: Graph, op: str, parts: list[int]) -> int:
    if op in ("Add", "Mul"):
        result = parts[0]
        for part in parts[1:]:
            result = (graph.add if op == "Add" else graph.mul)(result, part)
        return result
    if op == "Pow":
        return graph.power(*parts)
    names = {
        "Step": "step", "Vanishes": "equal", "Floor": "floor", "Abs": "absolute", "asin": "arcsin",
        "atan": "arctan",
    }  # fmt: skip
    name = names.get(op, op)
    if name == "equal":
        return graph.zero(*parts)
    if name in ("exp", "log", "tanh", "sin", "cos", "erf", "sign", *names.values()):
        return _FORMULAS[name](graph, *parts)
    raise Unread(f"the function {op}")


# --- counterexamples -----------------------------------------------------------------------------


def _contradicted(
    statement: Mapping[str, Any], verdict: Mapping[str, Any], rng: random.Random
) -> Checked:
    """Whether the witness of a refutation is one, and its bounds hold the values."""
    if statement["question"] == "all":
        raise Unread("which of several parts is refuted")
    witness = verdict.get("witness")
    if not isinstance(witness, dict):
        return Checked(FALLS, "it is refuted without a counterexample")
    point = {name: Fraction(text) for name, text in witness["point"].items()}
    graph = Graph()
    if statement["question"] == "equation":
        pairs, _, _ = _equation(graph, statement, rng, point)
        asked = {k: Fraction(v) for k, v in statement["at"].items()}
        if any(point.get(k, v) != v for k, v in asked.items()):
            return Checked(FALLS, "the counterexample is at another point than was asked for")
        wanted = [p for p in pairs if p[0] == witness["entry"]]
    else:
        sizes = sizes_of(verdict)
        if statement["question"] == "gradient":
            pairs = _entries(graph, statement, sizes, rng)
        else:
            sides, _, _ = _sides(graph, statement, sizes, rng)
            pairs = [(_entry(name, sides), a, b) for name, a, b in sides]
        wanted = [p for p in pairs if p[0] == witness["entry"]]
    if len(wanted) != 1:
        return Checked(FALLS, f"there is no entry {witness['entry']!r} that could differ")
    _, a, b = wanted[0]
    used = [graph.nodes[n][1] for n in graph.reachable([a, b]) if graph.nodes[n][0] == "in"]
    constants = {
        name: Fraction(float(name.removeprefix(_WRITTEN)))
        for name in used
        if name.startswith(_WRITTEN)
    }
    missing = [name for name in used if name not in {**point, **constants}]
    if missing:
        return Checked(FALLS, f"the counterexample has no value for {missing[0]}")
    values = Values(graph, {**constants, **point}, 0)
    try:
        ends = [values.real(a), values.real(b), values.real(graph.sub(a, b))]
    except Undefined as stop:
        return Checked(FALLS, f"at the counterexample there is {stop}")
    low, high = ends[2]
    if low <= 0 <= high:
        return Checked(FALLS, "the sides are equal at the counterexample")
    for name, (low, high) in zip(("got", "expected", "difference"), ends, strict=True):
        first, last = (Fraction(text) for text in witness[name])
        if not (first <= Fraction(high, ONE) and Fraction(low, ONE) <= last):
            return Checked(FALLS, f"at the counterexample {name} is not within its bounds")
    return Checked(AGREES, "the counterexample is one, by intervals of 512 binary digits")


def sizes_of(verdict: Mapping[str, Any]) -> dict[str, int]:
    """Sizes that a counterexample to a statement at every size has."""
    sizes = verdict["witness"].get("sizes")
    if not isinstance(sizes, dict):
        raise Unread("a counterexample that does not say its sizes")
    return {name: int(size) for name, size in sizes.items()}


def _entry(name: str, pairs: Sequence[Any]) -> str:
    """The name of an output's entry as witnesses have it: "value[0,1]"."""
    head, _, place = name.partition("[")
    several = any(not p[0].startswith("output 0") for p in pairs)
    place = "[" + place.replace(" ", "") if place else ""
    return (head if several else "value") + place


def _entries(
    graph: Graph, statement: Mapping[str, Any], sizes: Mapping[str, int], rng: random.Random
) -> Pairs:
    """Each entry of each gradient, and the derivative by it."""
    reader = Reader(graph, sizes, statement["decimal"])
    program = statement["forward"]
    inputs, _ = _inputs(reader, program, statement["facts"], rng)
    (value,) = reader.run(program, inputs)
    _, *gradients = reader.run(statement["combined"], inputs)
    pairs = []
    for n, g in zip(statement["wrt"], gradients, strict=True):
        for i in np.ndindex(*inputs[n].shape):
            node = inputs[n][i]
            slope = graph.tangent(value.flat[0], {node: graph.const(1)})
            pairs.append((graph.nodes[node][1], g[i], slope))
    return pairs
