"""Matrix calls on symbols: formulas of the entries, each with what it asks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import sympy

from ...kinds import Opaque
from ...ops import linalg
from ...primitives import Primitive
from ..assumed import Fact
from ..atoms import Step
from ..domains import Condition
from ..exact import EXACT, SYMBOLIC, Exact, Read, exact_array
from ..indexed import INDEXED

INDEXED.absent(Opaque, reason="it is a call that only NumPy can make")
EXACT.absent(Opaque, reason="it is opaque: a call that only NumPy can make")

_Ask: TypeAlias = Callable[[Iterable[Condition]], Any]


@EXACT(linalg.eigh, linalg.svd, linalg.qr)
def _factors(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
    return ev.symbols.charts.factors(p.name, exact_array(operands[0]), params)


def _solve(ask: _Ask, a: Any, b: Any) -> Any:
    """Cramer's rule."""
    matrix = sympy.Matrix(a.tolist())
    d = matrix.det(method="berkowitz")
    ask([("!=", d)])
    found = matrix.adjugate() * sympy.Matrix(b.tolist()) / d
    return exact_array(np.array(found.tolist(), SYMBOLIC).reshape(b.shape))


def _slogdet(ask: _Ask, a: Any) -> tuple[Any, Any]:
    d = sympy.Matrix(a.tolist()).det(method="berkowitz")
    ask([("!=", d)])
    sign = Step(d) - Step(-d)
    return exact_array(sign), exact_array(sympy.log(d * sign))


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of matrices (and a right-hand side) on the batches before their axes."""

    def batched(ask: _Ask, a: Any, *rest: Any, **params: Any) -> Any:  # which say nothing of it
        right = rest[0] if rest else None
        if a.ndim == 2 and (right is None or right.ndim <= 2):
            return function(ask, a, *rest)
        tail = () if right is None else right.shape[-min(right.ndim, 2) :]
        lead = np.broadcast_shapes(a.shape[:-2], () if right is None else right.shape[: -len(tail)])
        a = np.broadcast_to(a, (*lead, *a.shape[-2:]))
        parts = [np.broadcast_to(right, (*lead, *tail))] if right is not None else []
        results = [function(ask, a[i], *(p[i] for p in parts)) for i in np.ndindex(*lead)]
        if results and isinstance(results[0], tuple):
            return tuple(_gathered([f[k] for f in results], lead) for k in range(len(results[0])))
        return _gathered(results, lead)

    return batched


def _gathered(found: list[Any], lead: tuple[int, ...]) -> Any:
    return np.array(found, SYMBOLIC).reshape(*lead, *found[0].shape)


def _cholesky(ask: _Ask, a: Any) -> Any:
    """Row by row; the upper triangle is not read."""
    n = a.shape[-1]
    y = np.full((n, n), sympy.S.Zero, SYMBOLIC)
    for i in range(n):
        for j in range(i + 1):
            rest = a[i, j] - sum((y[i, k] * y[j, k] for k in range(j)), sympy.S.Zero)
            if i == j:
                ask([(">", rest)])
            y[i, j] = sympy.sqrt(rest) if i == j else rest / y[j, j]
    return y


def _pinv(ask: _Ask, a: Any) -> Any:
    """By the normal equations of the shorter side."""
    n, m = a.shape
    if n == m:
        return _solve(ask, a, exact_array(np.eye(n, dtype=int)))
    return _solve(ask, a.T @ a, a.T) if n > m else _solve(ask, a @ a.T, a).T


def _formula(function: Callable[..., Any], *facts: Fact) -> Read:
    """The reading that is a function of matrices, and what it takes as given."""
    of_stacks = _each(function)

    def read(ev: Exact, p: Primitive, operands: Any, params: Any) -> Any:
        ev.symbols.facts |= dict.fromkeys(facts)
        return of_stacks(ev.ask, *map(exact_array, operands), **params)

    return read


EXACT(linalg.cholesky)(_formula(_cholesky))
EXACT(linalg.pinv)(_formula(_pinv, Fact("rank", of="pinv")))
EXACT(linalg.slogdet)(_formula(_slogdet))
EXACT(linalg.solve)(_formula(_solve))
