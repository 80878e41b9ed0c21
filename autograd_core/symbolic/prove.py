"""Proofs of the engine's own gradients: `backward`, `rule`, `equal`.

`backward` takes the forward that was recorded, records the engine's backward of it with the very
VJP rules that training runs, evaluates both on symbols, and compares each entry of the gradient
with sympy's derivative of the forward.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from .. import introspect
from ..abstract import Abstract
from ..errors import ProofError
from ..ops import multiply, sum as total
from ..primitives import REGISTRY, Primitive, apply
from ..program import Program, Var
from ..tensors import Tensor
from ..tracing import trace
from ..transforms import value_and_grad
from .cases import UNREAD, cases_of
from .decide import PROVED, REFUTED, UNDECIDED, Decider, Decision, worst
from .exact import Exact, Symbols, exact_array, inputs_of
from .polynomials import Budget, Exhausted, chosen
from .verdict import LeafVerdict, Verdict

__all__ = ["backward", "equal", "rule"]

SECONDS = 60.0
TERMS = 200_000


def backward(
    loss: Tensor | Program[Any] | Callable[..., Any],
    wrt: Any = None,
    *,
    args: Sequence[Any] = (),
    seconds: float = SECONDS,
    terms: int = TERMS,
    engine: str | None = None,
) -> Verdict:
    """Decide whether the engine's gradient of a scalar is its derivative.

    Parameters
    ----------
    loss : Tensor, Program or callable
        A recorded scalar (not yet freed by a backward); or a Program with one scalar output; or a
        function, recorded at ``args``.
    wrt : sequence or mapping of str, optional
        For a Tensor: leaves that it depends on; a mapping names them in the verdict. For a Program
        or function: numbers of inputs (default: all).
    args : sequence
        Arguments of a function: tensors, arrays, or `Abstract` shapes.
    seconds, terms : float, int
        Budget in all; what it leaves open is UNDECIDED.
    engine : {"flint", "sympy"}, optional
        Who multiplies large polynomials. Default: python-flint where it is installed.

    Returns
    -------
    Verdict

    Raises
    ------
    ProofError
        If the loss is not a scalar, or passes a primitive without an exact reading.
    GraphError
        If the graph was freed.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.symbolic import prove
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> verdict = prove.backward(ag.sum(ag.tanh(x) ** 2), wrt=[x])
    >>> verdict.status, verdict.scope
    ('PROVED', 'shape x (2,)')
    """
    start = time.perf_counter()
    program, numbers = _subject("prove.backward", loss, wrt, args)
    sizes = [tuple(o.shape) if isinstance(o, Var) else () for o in program.outputs]
    if len(sizes) != 1 or any(n != 1 for n in sizes[0]):
        raise ProofError(
            f"prove.backward: {program.name} has outputs of shape {', '.join(map(str, sizes))}. "
            "Expected one scalar; reduce it with .sum() or .mean()."
        )
    symbols, budget = Symbols(), Budget(seconds, terms)
    chosen(engine)
    named = inputs_of(program, symbols)
    inputs = list(named.values())
    leaf_names = [list(named)[n] for n in numbers]
    combined = trace(value_and_grad(program.as_function(), numbers, unreachable="zero"))(
        *(Abstract(v.shape, v.dtype, v.weak) for v in program.inputs)
    )
    shapes = {name: named[name].shape for name in leaf_names}
    claim = f"the gradient of {program.name} is its derivative"
    held = Exact(symbols, hold=True, budget=budget)
    try:
        forward = _outputs(program, held, inputs)[0].item()
        value, *gradients = _outputs(combined, Exact(symbols, budget=budget), inputs)
    except Exhausted as stop:
        reason = f"{stop} while the program was evaluated; prove it at a smaller shape"
        leaves = {name: LeafVerdict(UNDECIDED, shape, 0, reason) for name, shape in shapes.items()}
        decider = _decider(symbols, budget, engine, None)
        return _verdict(claim, leaves, shapes, symbols, decider, set(), (program, combined), start)
    whole = held.released(forward)
    decider = _decider(symbols, budget, engine, whole)
    decider.prepare(
        whole.free_symbols.union(*(_free(g) for g in gradients), *(_free(i) for i in inputs))
    )
    leaves = {}
    if value.item() != whole:
        leaves["(value)"] = _leaf(decider, "(value)", value, exact_array(whole))
    readings: set[str] = set()
    for name, gradient in zip(leaf_names, gradients, strict=True):
        entries = named[name]

        def derivative(index: tuple[int, ...], entries: Any = entries) -> sympy.Expr:
            return held.released(sympy.diff(forward, entries[index]))

        leaves[name] = _leaf(decider, name, gradient, derivative, readings)
    free = whole.free_symbols
    return _verdict(
        claim,
        leaves,
        shapes,
        symbols,
        decider,
        readings,
        (program, combined),
        start,
        independent=[name for name in leaf_names if free.isdisjoint(named[name].flat)],
    )


def equal(
    lhs: Tensor | Program[Any] | Callable[..., Any],
    rhs: Tensor | Program[Any] | Callable[..., Any],
    wrt: Any = None,
    *,
    args: Sequence[Any] = (),
    seconds: float = SECONDS,
    terms: int = TERMS,
    engine: str | None = None,
) -> Verdict:
    """Decide whether two computations have the same value, entry by entry.

    Parameters
    ----------
    lhs, rhs : Tensors recorded from the same leaves, or Programs or functions of equal inputs
    wrt : sequence or mapping of str, optional
        For Tensors: leaves to be named in the verdict; all others are symbols too.
    args, seconds, terms, engine
        See `backward`.

    Raises
    ------
    ProofError
        If shapes differ, or a primitive has no exact reading.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.symbolic import prove
    >>> prove.equal(ag.softplus, lambda x: x + ag.softplus(-x), args=[np.ones(2)]).status
    'PROVED'
    """
    start = time.perf_counter()
    wrt = wrt if wrt is not None or not isinstance(lhs, Tensor) else []
    left, numbers = _subject("prove.equal", lhs, wrt, args)
    right, _ = _subject("prove.equal", rhs, wrt, args)
    symbols = Symbols()
    named = inputs_of(left, symbols)
    inputs = list(named.values())
    if [v.shape for v in left.inputs] != [v.shape for v in right.inputs]:
        raise ProofError("prove.equal: the two sides take inputs of different shapes.")
    sides = [_outputs(p, Exact(symbols), inputs) for p in (left, right)]
    if [a.shape for a in sides[0]] != [a.shape for a in sides[1]]:
        found = [", ".join(str(a.shape) for a in side) for side in sides]
        raise ProofError(f"prove.equal: the sides have shapes {found[0]} and {found[1]}.")
    decider = _decider(symbols, Budget(seconds, terms), engine, None)
    decider.prepare(set().union(*(_free(a) for side in sides for a in side), *map(_free, inputs)))
    readings: set[str] = set()
    leaves = {}
    for i, (a, b) in enumerate(zip(*sides, strict=True)):
        name = "value" if len(sides[0]) == 1 else f"output {i}"
        leaves[name] = _leaf(decider, name, a, b, readings)
    shapes = {name: named[name].shape for name in (list(named)[n] for n in numbers)}
    return _verdict(
        f"{left.name} equals {right.name}",
        leaves,
        shapes,
        symbols,
        decider,
        readings,
        (left, right),
        start,
        rules=False,
    )


def rule(
    name: str | Primitive,
    cases: Sequence[tuple[Sequence[Any], Mapping[str, Any]]] | None = None,
    *,
    seconds: float = SECONDS,
    terms: int = TERMS,
    engine: str | None = None,
) -> Verdict:
    """Decide whether a primitive's VJP rules are right, at small shapes and for every cotangent.

    Parameters
    ----------
    name : str or Primitive
        A registered name, or a record that need not be registered.
    cases : sequence of (operands, params), optional
        Operands are `Abstract` shapes (to be differentiated by) or integer arrays and numbers
        (taken as they are). Default: the primitive's own cases, which cover broadcasting.

    Returns
    -------
    Verdict
        A leaf for each case and operand.

    Raises
    ------
    ProofError
        If there is no such primitive, it has no gradient, or no case is known for it.

    Examples
    --------
    >>> from autograd_core.symbolic import prove
    >>> prove.rule("tanh").status
    'PROVED'
    """
    start = time.perf_counter()
    p = REGISTRY.get(name) if isinstance(name, str) else name
    if p is None:
        raise ProofError(
            f"prove.rule: there is no primitive {name!r}. See ag.REGISTRY for the names."
        )
    if not p.differentiable:
        raise ProofError(f"prove.rule: {p.name} has no gradient, so there is no rule to decide.")
    if cases is None and p.name in UNREAD:
        reason = f"{p.name} has no exact reading: {UNREAD[p.name]}"
        return Verdict(
            claim=f"the VJP rules of {p.name} are its derivatives, for every cotangent",
            status=UNDECIDED,
            scope="no shape",
            leaves={p.name: LeafVerdict(UNDECIDED, (), 0, reason)},
            rules={p.name: p.rule_hash()},
            seconds=time.perf_counter() - start,
        )
    cases = cases_of(p) if cases is None else cases
    if not cases:
        raise ProofError(
            f"prove.rule: no operands are known for {p.name} ({type(p.kind).__name__}). Pass cases=, such "
            "as [((ag.Abstract((2, 3)),), {'axis': 0})]."
        )
    parts: list[tuple[str, Verdict]] = []
    left = seconds
    for operands, params in cases:
        part = backward(_weighted(p, operands, params), seconds=left, terms=terms, engine=engine)
        left = max(1.0, left - part.seconds)
        text = _described(operands, params)
        while any(text == other for other, _ in parts):
            text += "'"
        parts.append((text, part))
    status = worst(v.status for _, v in parts)
    return Verdict(
        claim=f"the VJP rules of {p.name} are its derivatives, for every cotangent",
        status=status,
        scope="; ".join(text for text, _ in parts),
        leaves={f"{text}: {k}": leaf for text, v in parts for k, leaf in v.leaves.items()},
        excluded=_union(v.excluded for _, v in parts),
        domain=_union(v.domain for _, v in parts),
        facts=_union(v.facts for _, v in parts),
        witness=next((v.witness for _, v in parts if v.witness is not None), None),
        rules={k: h for _, v in parts for k, h in v.rules.items()},
        seconds=time.perf_counter() - start,
    )


# --- parts ----------------------------------------------------------------------------------


def _subject(
    operation: str, loss: Any, wrt: Any, args: Sequence[Any]
) -> tuple[Program[Any], tuple[int, ...]]:
    """The forward as a Program, and the numbers of the inputs that are meant."""
    if isinstance(loss, Tensor):
        if wrt is None:
            raise ProofError(f"{operation}: expected wrt=[…], the leaves to differentiate by.")
        wrt = [wrt] if isinstance(wrt, Tensor) else wrt
        names = list(wrt) if isinstance(wrt, Mapping) else []
        leaves = list(wrt.values()) if isinstance(wrt, Mapping) else list(wrt)
        program = introspect.program(loss, wrt=leaves, name="loss")
        for var, name in zip(program.inputs, names, strict=False):
            var.name = name
        numbers = tuple(range(len(leaves)))
    else:
        program, numbers = _recorded(operation, loss, wrt, args)
    if not numbers and operation == "prove.backward":
        raise ProofError(f"{operation}: wrt is empty. Expected at least one leaf to decide.")
    return program, numbers


def _recorded(
    operation: str, loss: Any, wrt: Any, args: Sequence[Any]
) -> tuple[Program[Any], tuple[int, ...]]:
    if not isinstance(loss, Program) and not callable(loss):
        raise ProofError(
            f"{operation}: expected a recorded Tensor, a Program or a function; received "
            f"{type(loss).__name__}. Pass the loss before its backward, or the function that computes it."
        )
    program = loss if isinstance(loss, Program) else trace(loss)(*args)
    numbers = tuple(range(len(program.inputs))) if wrt is None else tuple(wrt)
    if not all(isinstance(n, int) and 0 <= n < len(program.inputs) for n in numbers):
        raise ProofError(
            f"{operation}: wrt={wrt!r} does not fit the {len(program.inputs)} inputs of {program.name}. "
            "Expected numbers of inputs."
        )
    return program, numbers


def _outputs(program: Program[Any], evaluator: Exact, inputs: Sequence[Any]) -> list[Any]:
    """The outputs as arrays of expressions, flat."""
    values = program.fold(evaluator, *inputs)
    return [
        exact_array(values[o] if isinstance(o, Var) else evaluator.literal(o.value))
        for o in program.outputs
    ]


def _decider(
    symbols: Symbols, budget: Budget, engine: str | None, forward: sympy.Expr | None
) -> Decider:
    return Decider(
        budget,
        constants=symbols.constants,
        recorded=symbols.recorded,
        bits=symbols.bits,
        forward=forward,
        engine=chosen(engine),
    )


def _leaf(
    decider: Decider, name: str, got: Any, expected: Any, readings: set[str] | None = None
) -> LeafVerdict:
    """Decide an array of equations; ``expected`` is an array or a function of the index."""
    start = time.perf_counter()
    decisions: list[Decision] = []
    decision = Decision(PROVED)
    for index in np.ndindex(*got.shape):
        if not decider.budget.left:
            decisions.append(Decision(UNDECIDED, "the budget of seconds was exhausted"))
            break
        other = expected(index) if callable(expected) else expected[index]
        decision = decider.equal(got[index], other)
        if decision.witness is not None:
            entry = name + (f"[{','.join(map(str, index))}]" if index else "")
            decision = Decision(
                decision.status, decision.reason, witness=decision.witness.of(entry)
            )
        decisions.append(decision)
        if readings is not None and decision.reading:
            readings.add(decision.reading)
        if decision.status == REFUTED:
            break
    status = worst(d.status for d in decisions)
    chosen = next((d for d in decisions if d.status == status), decision)
    reason = chosen.reason
    if chosen.probability is not None:
        reason = f"{reason}; {chosen.probability}"
    return LeafVerdict(
        status, got.shape, len(decisions), reason, chosen.witness, time.perf_counter() - start
    )


def _verdict(
    claim: str,
    leaves: dict[str, LeafVerdict],
    shapes: Mapping[str, Any],
    symbols: Symbols,
    decider: Decider,
    readings: set[str],
    programs: Sequence[Program[Any]],
    start: float,
    rules: bool = True,
    independent: Sequence[str] = (),
) -> Verdict:
    listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    scope = f"shape{'s' if len(shapes) > 1 else ''} {listed}" if shapes else "the recorded shapes"
    constants = list(symbols.constants.items())
    if "decimal" in readings:
        scope += (
            "; with the constants " + ", ".join(f"{v!r}" for _, v in constants) + " as decimals"
        )
    else:
        names = ", ".join(symbol.name for symbol, _ in constants)
        written = ", ".join(repr(value) for _, value in constants)
        scope += f"; for every {names} > 0 (written {written})" if constants else ""
    used = [step.primitive for program in programs for step in program]
    meanings = sorted({p.name for p in used if p.meaning is not None})
    facts = [f"the loss does not depend on {name}" for name in independent]
    facts += [
        f"{name} is read as its meaning, not as its float implementation" for name in meanings
    ]
    if symbols.concrete:
        facts.append("taken at their values: " + ", ".join(symbols.concrete))
    if symbols.bits:
        facts.append(f"{len(symbols.bits)} random integers may be any")
    if "decimal" in readings:
        facts.append("float constants are read as the decimals that were written")
    status = worst(v.status for v in leaves.values())
    return Verdict(
        claim=claim,
        status=status,
        scope=scope,
        leaves=leaves,
        excluded=tuple(decider.excluded),
        domain=tuple(decider.domain),
        facts=tuple(facts),
        witness=next((v.witness for v in leaves.values() if v.witness is not None), None),
        rules=_hashes(used) if rules else {},
        seconds=time.perf_counter() - start,
    )


def _hashes(used: Sequence[Primitive]) -> dict[str, str]:
    """The hash of each primitive's rules; a record of the same name with other rules gets a prime."""
    hashes: dict[str, str] = {}
    for p in sorted(set(used), key=lambda p: p.name):
        name, found = p.name, p.rule_hash()
        while hashes.get(name, found) != found:
            name += "'"
        if p.differentiable:
            hashes[name] = found
    return hashes


def _weighted(p: Primitive, operands: Sequence[Any], params: Mapping[str, Any]) -> Program[Any]:
    """The program of ``sum(g * p(operands))``, whose gradient is the rules' answer to any ``g``."""
    variables = [o for o in operands if isinstance(o, Abstract)]
    names = _operand_names(p, len(operands))
    probe = _result(p, operands, params)

    def weighted(*given: Any) -> Any:
        *chosen, g = given
        rest = iter(chosen)
        full = tuple(next(rest) if isinstance(o, Abstract) else o for o in operands)
        results = apply(p, full, dict(params))
        if isinstance(results, tuple):
            return sum((multiply(r, g[i]) for i, r in enumerate(results)), 0)
        return total(multiply(results, g))

    program = trace(weighted, p.name)(*variables, Abstract(probe, np.float64))
    chosen = [n for n, o in zip(names, operands, strict=True) if isinstance(o, Abstract)]
    for var, label in zip(program.inputs, [*chosen, "cotangent"], strict=True):
        var.name = label
    return program


def _result(p: Primitive, operands: Sequence[Any], params: Mapping[str, Any]) -> tuple[int, ...]:
    prepared = p.prepare(operands, dict(params)) if p.prepare is not None else dict(params)
    result = p.abstract(tuple(operands), prepared)
    return (len(result),) if isinstance(result, tuple) else tuple(result.shape)


def _operand_names(p: Primitive, n: int) -> list[str]:
    if p.variadic:
        return [f"x{i}" for i in range(n)]
    return list(inspect.signature(p.function).parameters)[:n]


def _described(operands: Sequence[Any], params: Mapping[str, Any]) -> str:
    parts = [str(getattr(o, "shape", o)) for o in operands]
    return " ".join([*parts, *(f"{k}={v}" for k, v in params.items())])


def _free(values: Any) -> set[sympy.Symbol]:
    return set().union(*(e.free_symbols for e in values.flat)) if values.size else set()


def _union(groups: Any) -> tuple[str, ...]:
    return tuple(sorted({text for group in groups for text in group}))
