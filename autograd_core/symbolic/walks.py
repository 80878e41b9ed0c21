"""Walks over expressions that share their parts: each part is visited once.

sympy walks an expression as a tree, whose number of nodes grows exponentially with the depth of
what shares its parts: the unrolled steps of a loop, the running maximum of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy

from .polynomials import Budget

__all__ = ["derivative", "holds", "in_order", "parts_of", "replaced", "symbols_of"]


def parts_of(roots: Iterable[sympy.Basic], budget: Budget | None = None) -> set[sympy.Basic]:
    """Every part of some expressions, each once."""
    seen: set[sympy.Basic] = set()
    stack = list(roots)
    while stack:
        e = stack.pop()
        if e in seen:
            continue
        if budget is not None:
            budget.check()
        seen.add(e)
        stack.extend(e.args)
    return seen


def in_order(e: sympy.Basic) -> list[sympy.Basic]:
    """Every part of an expression, each once: operands before what is made of them."""
    met: dict[sympy.Basic, sympy.Basic] = {}
    _folded(e, met, lambda part: part, lambda part: part.args, None)
    return list(met)


def symbols_of(roots: Iterable[sympy.Basic], budget: Budget | None = None) -> set[sympy.Symbol]:
    """The symbols of expressions without bound ones (no sums over indices)."""
    return {e for e in parts_of(roots, budget) if isinstance(e, sympy.Symbol)}


def holds(e: sympy.Basic, what: Any, budget: Budget | None = None) -> bool:
    """Whether some part of ``e`` is an instance of a class (or one of a tuple of them)."""
    return any(isinstance(part, what) for part in parts_of([e], budget))


def replaced(
    e: sympy.Expr,
    into: Mapping[sympy.Expr, sympy.Expr],
    memo: dict[sympy.Expr, sympy.Expr] | None = None,
    budget: Budget | None = None,
) -> sympy.Expr:
    """``e.xreplace(into)``; ``memo`` may be shared by calls with the same ``into``."""
    if not into:
        return e
    memo = {} if memo is None else memo

    def rebuilt(part: sympy.Expr) -> sympy.Expr:
        if part in into:
            return into[part]
        args = [memo[a] for a in part.args]
        same = all(a is b for a, b in zip(args, part.args, strict=True))
        return part if same else part.func(*args)

    return _folded(e, memo, rebuilt, lambda part: () if part in into else part.args, budget)


def derivative(
    e: sympy.Expr,
    by: sympy.Symbol | sympy.Indexed,
    memo: dict[sympy.Expr, sympy.Expr] | None = None,
    budget: Budget | None = None,
) -> sympy.Expr:
    """The derivative of a sum, product, power or function of such, by the chain rule.

    Functions say themselves what theirs is (sympy's ``fdiff``). That of an element of an array by
    another one of it is a delta of their indices; a sum over indices, which are not those of ``by``,
    is differentiated term by term. ``memo`` may be shared by calls with the same ``by``. sympy's own
    `diff` does as much, and asks of each part on the way whether it is zero, which takes far longer.
    """
    memo = {} if memo is None else memo

    def slope(part: sympy.Expr) -> sympy.Expr:
        if isinstance(part, sympy.Indexed):
            if not isinstance(by, sympy.Indexed) or part.base != by.base:
                return sympy.S.Zero
            pairs = zip(part.indices, by.indices, strict=True)
            return sympy.Mul(*(sympy.KroneckerDelta(i, j) for i, j in pairs))
        if part is by or part == by:
            return sympy.S.One
        if isinstance(part, sympy.Sum):
            within = memo[part.function]
            if within and by.free_symbols & set(part.variables):
                raise RuntimeError(
                    f"symbolic: internal error: an index of {by} is bound in {part}, which is "
                    "differentiated by it. Please report it, with the program."
                )
            return within and sympy.Sum(within, *part.limits)
        args = part.args
        moved = [(n, memo[a]) for n, a in enumerate(args) if memo[a] is not sympy.S.Zero]
        if not moved:
            return sympy.S.Zero
        if part.is_Add:
            return sympy.Add(*(d for _, d in moved))
        if part.is_Mul:
            return sympy.Add(*(sympy.Mul(d, *args[:n], *args[n + 1 :]) for n, d in moved))
        if part.is_Pow:
            base, exponent = args
            terms = []
            if memo[base] is not sympy.S.Zero:
                terms.append(memo[base] * exponent * sympy.Pow(base, exponent - 1))
            if memo[exponent] is not sympy.S.Zero:
                terms.append(memo[exponent] * sympy.log(base) * part)
            return sympy.Add(*terms)
        try:
            return sympy.Add(*(part.fdiff(n + 1) * d for n, d in moved))
        except (AttributeError, sympy.core.function.ArgumentIndexError):
            return sympy.diff(part, by)  # as sympy has it

    def needs(part: sympy.Expr) -> Iterable[sympy.Expr]:
        if isinstance(part, sympy.Indexed):
            return ()
        return (part.function,) if isinstance(part, sympy.Sum) else part.args

    return _folded(e, memo, slope, needs, budget)


def _folded(
    e: sympy.Expr,
    memo: dict[sympy.Expr, sympy.Expr],
    of: Callable[[sympy.Expr], sympy.Expr],
    needs: Callable[[sympy.Expr], Iterable[sympy.Expr]],
    budget: Budget | None,
) -> sympy.Expr:
    """A value for each part, from those of its own parts."""
    stack = [e]
    while stack:
        part = stack[-1]
        if part in memo:
            stack.pop()
            continue
        missing = [a for a in needs(part) if a not in memo]
        if missing:
            stack.extend(missing)
            continue
        if budget is not None:
            budget.check()
        memo[part] = of(part)
        stack.pop()
    return memo[e]
