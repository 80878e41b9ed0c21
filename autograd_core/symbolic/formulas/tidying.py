"""Expressions with indices made shorter to read, and equal in value.

Deltas are used up, what a sum does not run over stands before it, common factors stand in front,
and indices are named after their axes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sympy

from ..atoms import Step
from ..places import index, indices_in, size_of

__all__ = [
    "collected",
    "cost",
    "displayed",
    "elements_of",
    "labels_in",
    "letter_of",
    "renamed",
    "standing",
    "tidied",
    "written",
]


def labels_in(e: sympy.Expr) -> set[sympy.Symbol]:
    """The symbols of arrays and scalars, sizes among them."""
    return {s for s in e.free_symbols if isinstance(s, sympy.Symbol) and not indices_in(s)}


def elements_of(e: sympy.Expr, symbol: sympy.Symbol) -> list[sympy.Expr]:
    """Every place in ``e`` at which an element of an array stands."""
    return [
        a
        for a in sympy.preorder_traversal(e)
        if isinstance(a, sympy.Indexed) and a.base.label == symbol
    ]


def written(e: sympy.Expr, into: Mapping[sympy.Symbol, tuple[Any, sympy.Expr]]) -> sympy.Expr:
    """``e`` with elements of arrays replaced."""
    found = {}
    for a in e.atoms(sympy.Indexed):
        if a.base.label in into:
            indices, value = into[a.base.label]
            found[a] = value.xreplace(dict(zip(indices, a.indices, strict=True)))
    return e.xreplace(found) if found else e


def cost(e: sympy.Expr) -> int:
    """How much there is to read: nodes, and more for a sum."""
    weight = 0
    stack = [e]
    while stack:
        e = stack.pop()
        weight += 4 if isinstance(e, sympy.Sum) else 1
        if isinstance(e, sympy.Sum):
            stack.append(e.function)
        elif not isinstance(e, (sympy.Indexed, sympy.KroneckerDelta)):
            stack.extend(e.args)
    return weight


# --- factors ---------------------------------------------------------------------------------------


def tidied(e: sympy.Expr) -> sympy.Expr:
    """``e``, equal in value: deltas used up, what a sum does not run over before it."""
    if not e.args or isinstance(e, (sympy.Indexed, sympy.KroneckerDelta)):
        return e
    if isinstance(e, sympy.Sum):
        body = tidied(e.function)
        for limit in e.limits:
            before, body = _taken_out(body, limit)
            body = before * body
        return body
    e = e.func(*map(tidied, e.args))
    if e.is_Add:
        return collected(_with_signs(e))
    return sympy.Mul(*itertools.chain(*map(_primitive, e.args))) if e.is_Mul else e


def _primitive(e: sympy.Expr) -> tuple[sympy.Expr, ...]:
    """A sum as a number times the sum of the rest: sympy multiplies 2 (x - y) out."""
    if not e.is_Add:
        return (e,)
    coefficients = {abs(term.as_coeff_Mul()[0]) for term in e.args}
    if len(coefficients) != 1 or not (c := coefficients.pop()).is_Rational:
        return (e,)
    return c, sympy.Add(*(term / c for term in e.args))


def _with_signs(e: sympy.Expr) -> sympy.Expr:
    """``e`` with sign(u) for Step(u) - Step(-u)."""
    terms = list(e.args)
    for step in sorted(e.atoms(Step), key=sympy.default_sort_key):
        opposite = Step(-step.args[0])
        here = [t for t in terms if step in sympy.Mul.make_args(t)]
        for t in here:
            other = -t / step * opposite
            if t in terms and other in terms and not step.args[0].could_extract_minus_sign():
                terms.remove(t)
                terms.remove(other)
                terms.append(t / step * sympy.sign(step.args[0]))
    return sympy.Add(*terms)


def _taken_out(body: sympy.Expr, limit: Any) -> tuple[sympy.Expr, sympy.Expr]:
    """The sum of ``body`` over one index, as what is without the index, and the sum of the others."""
    k = limit[0]
    factors = tuple(itertools.chain(*map(_primitive, sympy.Mul.make_args(body))))
    for f in factors:
        if isinstance(f, sympy.KroneckerDelta) and k in f.args[:2]:
            (t,) = [a for a in f.args[:2] if a != k] or [k]
            if k not in indices_in(t):
                others = sympy.Mul(*(other for other in factors if other is not f))
                return tidied(others.xreplace({k: t})), sympy.S.One
    outside = [f for f in factors if k not in indices_in(f)]
    inside = [f for f in factors if k in indices_in(f)]
    if not inside:
        return sympy.Mul(*outside), size_of(k)
    if len(inside) == 1 and isinstance(inside[0], sympy.Sum):  # one sum over both
        inner = inside[0]
        return sympy.Mul(*outside), sympy.Sum(inner.function, *inner.limits, limit)
    return sympy.Mul(*outside), sympy.Sum(sympy.Mul(*inside), limit)


def collected(e: sympy.Expr, below: bool = False) -> sympy.Expr:
    """A sum with its common factors in front; with ``below``, over one common denominator."""
    if not e.is_Add:
        return e
    terms = []
    for term in e.args:
        c, product = term.as_coeff_Mul()
        powers: dict[sympy.Expr, sympy.Expr] = {}
        for factor in sympy.Mul.make_args(product):
            base, exponent = (
                factor.args if factor.is_Pow and factor.exp.is_Rational else (factor, sympy.S.One)
            )
            powers[base] = powers.get(base, sympy.S.Zero) + exponent
        if not c.is_Rational:
            return e
        terms.append((c, powers))
    common = {}
    for base in set().union(*(p for _, p in terms)) - {sympy.S.One}:
        exponents = [p.get(base, sympy.S.Zero) for _, p in terms]
        low = min(exponents)
        if low > 0 or (low < 0 and (below or max(exponents) < 0)):
            common[base] = low if low > 0 or below else max(exponents)
    content = sympy.Rational(
        math.gcd(*(int(c.p) for c, _ in terms)), math.lcm(*(int(c.q) for c, _ in terms))
    )
    if not below:
        content = max((abs(c) for c, _ in terms)) if len({abs(c) for c, _ in terms}) == 1 else 1
    if all(c < 0 for c, _ in terms):
        content = -content
    if not common and content in (1, -1):
        return e
    inner = [
        sympy.Mul(
            c / content,
            *(base ** (n - common.get(base, 0)) for base, n in p.items()),
            *(base**-n for base, n in common.items() if base not in p),
        )
        for c, p in terms
    ]
    return sympy.Mul(content, *(b**n for b, n in common.items()), sympy.Add(*inner))


def displayed(e: sympy.Expr) -> sympy.Expr:
    """``e`` with max(0, u) for u Step(u), and abs(u) for u (2 Step(u) - 1) and u sign(u)."""
    if not e.args or not e.has(Step, sympy.sign):
        return e
    if isinstance(e, sympy.Sum):
        return sympy.Sum(displayed(e.function), *e.limits)
    e = e.func(*map(displayed, e.args))
    for u in e.args if e.is_Mul and not e.has(sympy.zoo) else ():
        for factor, shown in (
            (Step(u), sympy.Max(0, u)),
            (2 * Step(u) - 1, sympy.Abs(u)),
            (sympy.sign(u), sympy.Abs(u)),
        ):
            if (
                factor in e.args
                and sympy.sympify(factor, strict=True).has(Step, sympy.sign)
                and u != factor
            ):
                return sympy.Mul(*(a for a in e.args if a not in (u, factor)), shown)
    return e


# --- indices ---------------------------------------------------------------------------------------


def letter_of(i: sympy.Symbol, used: Iterable[str]) -> str:
    """A name for an index: the letter of its axis, primed where it is taken; else of i, j, k."""
    own = sorted(str(s)[0].lower() for s in size_of(i).free_symbols)
    names = (c + "'" * n for n in itertools.count() for c in own[:1] or "ijklmn")
    return next(name for name in names if name not in used)


def renamed(
    e: sympy.Expr, indices: Sequence[sympy.Symbol | None], name: Callable[..., str]
) -> tuple[sympy.Expr, tuple[sympy.Symbol | None, ...]]:
    """``e`` and its free indices, all indices under the names that ``name(index, taken)`` gives."""
    free: list[sympy.Symbol | None] = []
    for i in indices:
        taken = frozenset(j.name for j in free if j is not None)
        free.append(None if i is None else index(name(i, taken), size_of(i)))
    pairs = [(i, j) for i, j in zip(indices, free, strict=True) if i is not None and j is not None]
    # By way of names that nothing has, so that no bound index catches a free one.
    standing = [index(f"@{n}", size_of(i)) for n, (i, _) in enumerate(pairs)]
    moved = e.xreplace({i: s for (i, _), s in zip(pairs, standing, strict=True)})
    moved = _renamed(moved, name, frozenset(j.name for _, j in pairs), {})
    back = {s: j for (_, j), s in zip(pairs, standing, strict=True)}
    return moved.xreplace(back), tuple(free)


def _renamed(e: sympy.Expr, name: Any, used: frozenset[str], into: dict[Any, Any]) -> sympy.Expr:
    """``e`` with its bound indices renamed, each unlike those that it stands inside of."""
    if not e.args or not (e.has(sympy.Sum) or into):
        return into.get(e, e)
    if isinstance(e, sympy.Sum):
        inside, limits = dict(into), []
        for k, *_ in e.limits:
            new = index(name(k, used), size_of(k))
            used = used | {new.name}
            inside[k] = new
            limits.append((new, 0, size_of(new) - 1))
        return sympy.Sum(_renamed(e.function, name, used, inside), *limits)
    if isinstance(e, (sympy.Indexed, sympy.KroneckerDelta)):
        return e.xreplace(into)
    return e.func(*(_renamed(a, name, used, into) for a in e.args))


def standing(e: sympy.Expr, free: Sequence[sympy.Symbol]) -> sympy.Expr:
    """An expression with its free indices, then its bound ones, numbered."""
    moved = e.xreplace({i: index(f"@{n}", size_of(i)) for n, i in enumerate(free)})
    return _renamed(moved, lambda i, taken: f"@@{len(taken)}", frozenset(), {})
