"""Primitives that are several steps in one, written out in simpler ones.

Each form is stable where the primitive is: what its float code does is what is written here. Steps
that come of it are shared and fused like all others: the log-sum-exp of a loss and that of its
gradient are one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from ...dtypes import widened
from ...ops import arithmetic, contractions, elementary, losses, reductions, special
from ...ops.elementary import sides_of_good_length
from ...primitives import Primitive
from ...program import Application, Atom, Literal, Program, Var
from ...readings import Reading
from ...tracing import trace
from .inference import abstract_of
from .rewriting import Rewriter, Shorthand

__all__ = ["expanded"]

# rule(shorthand, operands, params) to what stands for the step; None: the step as it is.
WRITTEN_OUT: Reading[Callable[..., Var | None]] = Reading("written out", optional=True)


def _shape(x: Atom) -> Any:
    return x.shape if isinstance(x, Var) else ()


def _real(xp: Any, x: Atom) -> Any:
    """An operand in the dtype in which its elements are subtracted and summed."""
    if not isinstance(x, Var) or (dtype := widened(x.dtype)) == x.dtype:
        return x
    return xp.cast(x, dtype=dtype)


@WRITTEN_OUT(contractions.affine)
def _affine(xp: Any, x: Var, weight: Var, bias: Var) -> Var:
    return xp.add(xp.matmul(x, weight), bias)


@WRITTEN_OUT(reductions.logsumexp)
def _logsumexp(xp: Any, x: Var, axis: Any, keepdims: bool) -> Var:
    x = _real(xp, x)
    largest = xp.max(x, axis=axis, keepdims=True)
    # Where all elements are -inf, or one is inf, the largest cannot be taken out.
    shift = xp.where(xp.isfinite(largest), largest, 0.0)
    total = xp.sum(xp.exp(xp.subtract(x, shift)), axis=axis, keepdims=True)
    y = xp.add(xp.log(total), shift)
    if keepdims:
        return y
    return xp.reshape(y, shape=tuple(n for i, n in enumerate(x.shape) if i not in axis))


@WRITTEN_OUT(losses.softmax_cross_entropy)
def _softmax_cross_entropy(xp: Any, logits: Var, labels: Var) -> Var:
    logits, rows = _real(xp, logits), logits.shape[0]
    total = _logsumexp(xp, logits, axis=(1,), keepdims=True)
    label = xp.reshape(labels, shape=(rows, 1))
    chosen = xp.take_along_axis(logits, label, axis=1)
    return xp.reshape(xp.subtract(total, chosen), shape=(rows,))


@WRITTEN_OUT(losses.squared_distance)
def _squared_distance(xp: Any, a: Atom, b: Atom) -> Var:
    if not any(isinstance(x, Var) and x.dtype.kind == "f" and x.dtype.char != "e" for x in (a, b)):
        a = _real(xp, a)
    return xp.sum(xp.square(xp.subtract(a, b)), axis=None, keepdims=False)


def _powers_added(exp: str, unit: float) -> Callable[..., Var]:
    """The logarithm of a sum of two powers; ``unit`` is the natural logarithm of their base."""

    def rule(xp: Any, a: Atom, b: Atom) -> Var:
        dtype = widened(xp.result.dtype)
        a, b = (x if isinstance(x, Literal) else xp.cast(x, dtype=dtype) for x in (a, b))
        gap = xp.negative(xp.absolute(xp.subtract(a, b)))
        far = xp.divide(xp.log1p(getattr(xp, exp)(gap)), unit)
        # Equal ones apart, since the difference of infinities is no number.
        same = xp.add(a, math.log(2) / unit)
        return xp.where(xp.equal(a, b), same, xp.add(xp.maximum(a, b), far))

    return rule


@WRITTEN_OUT(arithmetic.still)
def _still(xp: Any, part: Atom, by: Atom) -> Var:
    return xp.where(xp.equal(by, 0), 0, part)


@WRITTEN_OUT(arithmetic.xdivy)
def _xdivy(xp: Any, a: Atom, b: Atom) -> Var:
    y = xp.divide(a, b)
    if isinstance(b, Literal) and b.value != 0:
        return y
    return xp.where(xp.equal(a, 0), xp.where(xp.equal(b, 0), 0, y), y)


def _zero_wins(xp: Any, a: Atom, b: Atom, product: Var) -> Var:
    return xp.where(xp.equal(a, 0), xp.where(xp.equal(b, b), 0, product), product)


@WRITTEN_OUT(elementary.unit_part)
def _unit_part(xp: Any, a: Atom, b: Atom) -> Var | None:
    if not (_is_float(a) and _is_float(b)):
        return None
    sides = sides_of_good_length(xp, a, b, xp.hypot(a, b))
    return _xdivy(xp, sides[0], xp.hypot(*sides))


@WRITTEN_OUT(elementary.inverse_part)
def _inverse_part(xp: Any, a: Atom, b: Atom) -> Var | None:
    part = _unit_part(xp, a, b)
    if part is None:
        return None
    quarter = xp.where(xp.isinf(xp.hypot(a, b)), 0.25, 1.0)
    length = xp.hypot(xp.multiply(a, quarter), xp.multiply(b, quarter))
    return xp.multiply(_xdivy(xp, part, length), quarter)


def _is_float(u: Atom) -> bool:
    """Whether it takes part as a float: numbers do, integers and booleans are left to NumPy."""
    return u.dtype.kind == "f" if isinstance(u, Var) else not isinstance(u.value, (bool, np.bool_))


@WRITTEN_OUT(arithmetic.xlogy)
def _xlogy(xp: Any, a: Atom, b: Atom) -> Var:
    return _zero_wins(xp, a, b, xp.multiply(a, xp.log(b)))


@WRITTEN_OUT(special.xlog1py)
def _xlog1py(xp: Any, a: Atom, b: Atom) -> Var:
    return _zero_wins(xp, a, b, xp.multiply(a, xp.log1p(b)))


@WRITTEN_OUT(contractions.einsum_, contractions.einsum_still)
def _einsum(xp: Any, *operands: Var, subscripts: str, zeros: tuple[int, ...] = ()) -> Var | None:
    """Three operands and more, two by two: first those whose product leaves least in memory.

    The zeros that win in one of two win in their product.
    """
    if len(operands) < 3:
        return None
    winning = [i in zeros for i in range(len(operands))]

    def contracted(i: int, j: int, kept: str) -> Var:
        won = tuple([k for k, operand in enumerate((i, j)) if winning[operand]])
        text = f"{terms[i]},{terms[j]}->{kept}"
        if won:
            contraction = xp.einsum_still(arrays[i], arrays[j], subscripts=text, zeros=won)
        else:
            contraction = xp.einsum_(arrays[i], arrays[j], subscripts=text)
        return cast(Var, contraction)

    left, result = subscripts.split("->")
    terms, arrays = left.split(","), list(operands)
    sizes: dict[str, Any] = {}
    for term, x in zip(terms, arrays, strict=True):
        sizes.update(zip(term, x.shape, strict=True))

    def size(letters: str) -> int:
        return math.prod(sizes[c] for c in set(letters))

    def product(i: int, j: int) -> str:
        """The letters that are left of two operands."""
        others = "".join(t for k, t in enumerate(terms) if k not in (i, j))
        return "".join(c for c in dict.fromkeys(terms[i] + terms[j]) if c in others + result)

    def cost(pair: tuple[int, int]) -> tuple[int, int]:
        i, j = pair
        growth = size(product(i, j)) - size(terms[i]) - size(terms[j])
        return growth, size(terms[i] + terms[j])

    while len(arrays) > 2:
        i, j = min(itertools.combinations(range(len(arrays)), 2), key=cost)
        kept = product(i, j)
        arrays[i] = contracted(i, j, kept)
        terms[i], winning[i] = kept, winning[i] or winning[j]
        del arrays[j], terms[j], winning[j]
    return contracted(0, 1, result)


WRITTEN_OUT(elementary.logaddexp)(_powers_added("exp", 1.0))
WRITTEN_OUT(elementary.logaddexp2)(_powers_added("exp2", math.log(2)))


def _is_users(p: Primitive) -> bool:
    """Whether a primitive is none of the engine's own."""
    return not str(getattr(p.function, "__module__", "")).startswith("autograd_core.")


def _float_code(out: Rewriter, step: Application, operands: list[Atom]) -> Var | None:
    """What the float code of a user's primitive does, if that can be recorded; else NumPy runs it.

    Not its formula: that is what the code means, not how it keeps from overflowing.
    """
    p = step.primitive
    if p.ufunc is not None or p.outputs > 1 or p.variadic or p.random:
        return None
    try:
        code = trace(p.forward, p.name)(*map(abstract_of, operands), **step.params)
    except Exception:  # noqa: BLE001 - code that asks for values is left to NumPy
        return None
    if len(code.outputs) != 1 or code.writes or any(t.shape for _, t in code.captures):
        return None
    (result,) = code.outputs
    arrays = [o for o in operands if isinstance(o, Var) or type(o.value) is float]
    if len(arrays) != len(code.inputs) or not isinstance(result, Var):
        return None
    if result.shape != step.result.shape or result.dtype != step.result.dtype:
        return None
    values: dict[Any, Atom] = dict(zip(code.inputs, arrays, strict=True))
    for var, t in code.captures:  # a NumPy number in the code
        values[var] = Shorthand(out, step).cast(t.item(), dtype=t.dtype)
    simple = expanded(code)
    for inner in simple.applications:
        operands_of = [o if isinstance(o, Literal) else values[o] for o in inner.operands]
        values[inner.result] = out.emit(inner.primitive, operands_of, inner.params, step)
    final = values[simple.outputs[0]]
    return final if isinstance(final, Var) else None


def expanded(program: Program[Any]) -> Program[Any]:
    """The program with composite primitives written out."""
    out = Rewriter(program)
    for step in program.applications:
        rule = WRITTEN_OUT.of(step.primitive)
        if rule is None and _is_users(step.primitive) and not step.result.weak:
            start = len(out.steps)
            by_code = _float_code(out, step, [out.atom(o) for o in step.operands])
            if by_code is not None:
                out.values[step.result] = _fitted(out, step, by_code)
                continue
            del out.steps[start:]
        result = None
        if rule is not None and not step.result.weak:
            operands = [out.atom(o) for o in step.operands]
            result = rule(Shorthand(out, step), *operands, **step.params)
        if result is None:
            out.keep(step)
            continue
        out.values[step.result] = _fitted(out, step, result)
    return out.finish()


def _fitted(out: Rewriter, step: Application, result: Var) -> Var:
    """The result in the dtype that the primitive gave."""
    if result.dtype != step.result.dtype:
        xp = Shorthand(out, step)
        result = xp.cast(result, dtype=np.dtype(step.result.dtype))
    result.name, result.role = step.result.name, step.result.role
    return result
