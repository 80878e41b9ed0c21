"""Derivatives by the chain rule are sympy's, and indices that operands share stay apart."""

import random

import pytest
import sympy

import autograd_core as ag
from autograd_core.symbolic import arrays, prove
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.indexed import IndexedArray
from autograd_core.symbolic.places import binder, index
from autograd_core.symbolic.polynomials import Budget
from autograd_core.symbolic.sums import IndexedForm
from autograd_core.symbolic.walks import derivative

B, C = sympy.symbols("B C", integer=True, positive=True)
X, Y, W = (sympy.IndexedBase(n, real=True) for n in "xyw")  # x[b, c], y[c], w[c, c']
E = sympy.Symbol("e", positive=True)


def drawn(draw: random.Random, depth: int, rows: list, columns: list) -> sympy.Expr:
    """An expression in which these indices are free; sums bind new ones."""

    def part() -> sympy.Expr:
        return drawn(draw, depth - 1, rows, columns)

    if depth == 0:
        b, c, d = draw.choice(rows), draw.choice(columns), draw.choice(columns)
        same = sympy.KroneckerDelta(c, d)
        return draw.choice([X[b, c], X[b, c], Y[c], W[c, d], same, E, sympy.Integer(2)])
    kind = draw.choice(
        ["add", "mul", "square", "divide", "exp", "log", "tanh", "step", "sum", "sum"]
    )
    if kind == "sum":
        row = draw.random() < 0.5
        k = binder(f"k{draw.random()}", B if row else C)
        body = drawn(draw, depth - 1, [k] if row else rows, columns if row else [k, *columns])
        return sympy.Sum(body, (k, 0, (B if row else C) - 1))
    a = part()
    if kind == "add":
        return a + part()
    if kind == "mul":
        return a * part()
    if kind == "square":
        return a**2
    if kind == "divide":
        return 1 / (1 + a**2)
    if kind == "exp":
        return sympy.exp(a)
    if kind == "log":
        return sympy.log(1 + a**2)
    return sympy.tanh(a) if kind == "tanh" else Step(a) * a


@pytest.mark.parametrize("seed", range(60))
def test_the_chain_rule_is_sympys(seed: int) -> None:
    """By an element of an array, by one on its diagonal, and by a scalar."""
    draw = random.Random(seed)
    e = drawn(draw, 3, [index("b", B)], [index("c", C), index("d", C)])
    p, q, r = index("p", B), index("q", C), index("r", C)
    for by in (X[p, q], Y[q], W[q, r], W[q, q], E):
        found, expected = derivative(e, by), sympy.diff(e, by)
        assert found == expected or IndexedForm(Budget(20.0, 50_000)).equal(found, expected), (
            e,
            by,
        )


def test_an_index_that_is_bound_is_nothing_to_differentiate_by() -> None:
    """Which is an internal error, no verdict."""
    k = binder("k", C)
    with pytest.raises(RuntimeError, match="internal error"):
        derivative(sympy.Sum(Y[k] ** 2, (k, 0, C - 1)), Y[k])


def test_one_index_runs_along_one_axis() -> None:
    """An array of which an index stood for two would hold its diagonal alone."""
    i, j = index("i", B), index("j", B)
    IndexedArray((3, 3), (i, j), X[i, j])
    with pytest.raises(RuntimeError, match="internal error"):
        IndexedArray((3, 3), (i, i), X[i, i])
    with pytest.raises(RuntimeError, match="internal error"):
        IndexedArray((3, 9), (i, (j, i)), X[i, j])


# Steps whose operands have the same indices, on other axes: f(x) with x of shape (D, D).
SHARED = {
    "a transpose": lambda x: x - x.T * x,
    "a transpose, after a step": lambda x: ag.exp(x).T * ag.tanh(x),
    "a square": lambda x: x @ x,
    "a square of what was computed": lambda x: ag.tanh(x) @ ag.tanh(x),
    "a product with its transpose": lambda x: x @ x.T - x.T @ x,
    "a power": lambda x: x @ x @ x.T,
    "a vector and its column": lambda x: ag.sum(x, 0) * ag.expand_dims(ag.sum(x, 0), 1) * x,
    "sums of rows and columns": lambda x: ag.sum(x, 0) - ag.expand_dims(ag.sum(x, 1), 1),
    "three axes": lambda x: ag.sum(ag.expand_dims(x, 0) * ag.expand_dims(x, 1) ** 2, 2),
    "three axes, by twos": lambda x: ag.sum(ag.expand_dims(x, 2) * ag.expand_dims(x, 0), 1),
    "einsum of one array": lambda x: ag.einsum("ij,jk->ik", x, x),
    "einsum, turned": lambda x: ag.einsum("ij,kj,il->lk", x, x, ag.exp(x)),
    "einsum of a batch": lambda x: ag.einsum("ij,ji,ik->jk", x, x, x),
    "a broadcast of a row": lambda x: ag.broadcast_to(x[0], x.shape) * x.T,
}


@pytest.mark.parametrize("name", SHARED)
def test_operands_share_indices_on_other_axes(name: str) -> None:
    """Proved, and run beside it; and one entry for another is seen."""
    x, g = arrays("x:D,D g:D,D")
    y = SHARED[name](x)
    verdict = prove.backward(ag.sum(y * g), wrt=[x, g])
    assert verdict.status == "PROVED", verdict
    assert {leaf.method for leaf in verdict.leaves.values()} == {"INDEXED"}
    assert verdict.compared > 3
    other = SHARED[name](x.T)
    assert prove.equal(y, other, wrt=[x]).status == "REFUTED"
