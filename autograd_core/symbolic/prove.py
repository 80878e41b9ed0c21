"""Proofs of the engine's own gradients: `backward`, `graph`, `rule`, `forward`, `equal`.

`backward` takes the forward that was recorded, records the engine's backward of it with the very
VJP rules that training runs, evaluates both on symbols, and compares each entry of the gradient
with sympy's derivative of the forward.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import introspect
from ..abstract import Abstract
from ..cases import declared
from ..context import within
from ..errors import AutogradError, CaptureError, DisagreementError, ProofError
from ..kinds import Elementwise
from ..ops import multiply, sum as total
from ..primitives import Primitive, apply
from ..program import Application, Program, Var, bound
from ..shapes import Looks, substitute, watched
from ..tensors import Tensor, leaf as without_values, tensor
from ..tracing import trace
from ..transforms import value_and_grad
from . import crosscheck, every_size, fixed_shape, flows, kernels, statements
from .arguments import cases_for, check, fitting, leaves_of, numbers_of, primitive_of
from .assumed import Fact
from .composition import Prover, composed
from .decide import COMPARED, PROVED, REFUTED, UNDECIDED, worst
from .exact import is_number
from .facts import SumsTo, contradiction
from .formulas import Derivation
from .indexed import POSITIVE
from .limits import bounded
from .methods import by_method
from .polynomials import Budget, chosen
from .sizes import asked_before, at_sizes, bounds_of, decide_apart, in_words
from .uses import RULES, Use, uses_of
from .verdict import LeafVerdict, Part, Verdict

__all__ = ["backward", "equal", "forward", "graph", "rule"]

SECONDS = 60.0
TERMS = 200_000
# A fact of every proof that passes elementwise functions.
FORMULAS = Fact("formulas")


NO_PART = (
    "a program has in the place of {} what it consists of, so that its own rule takes no part in a proof. "
    "Prove a loss that uses it: the second look pulls the loss itself back, by that rule"
)


@crosscheck.overseen()
def backward(
    loss: Tensor | Program[Any] | Callable[..., Any],
    wrt: Any = None,
    *,
    args: Sequence[Any] = (),
    given: Sequence[SumsTo] = (),
    seconds: float = SECONDS,
    terms: int = TERMS,
    method: str | None = None,
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
    given : sequence of SumsTo
        Facts that may be used, such as ``facts.sums_to_one(y, axis=1)``.
    seconds, terms : float, int
        Budget in all; what it leaves open is UNDECIDED.
    method : {"INDEXED", "EXACT"}, optional
        Default: INDEXED, and EXACT for what that leaves open.
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
    check("prove.backward", seconds=seconds, terms=terms, method=method, args=args, given=given)
    start, end = time.perf_counter(), time.thread_time() + seconds
    with watched() as looks:
        program, numbers, facts = _subject("prove.backward", loss, wrt, args, given)
    results = [tuple(o.shape) if isinstance(o, Var) else () for o in program.outputs]
    if len(results) != 1 or any(n != 1 for n in results[0]):
        raise ProofError(
            "prove.backward",
            f"{program.name} has outputs of shape {', '.join(map(str, results))}. "
            "Expected one scalar; reduce it with .sum() or .mean().",
        )
    # The forward once more with the engine's backward behind it, by the rules that training runs: what
    # is compared with sympy's derivative of the forward, and all that the rest of this is about.
    with watched() as of_rules:
        combined = trace(value_and_grad(program.as_function(), numbers, unreachable="zero"))(
            *(Abstract(v.shape, v.dtype, v.weak) for v in program.inputs)
        )
    budget = Budget(seconds, terms)
    chosen(engine)

    def of(wanted: Sequence[int]) -> Program[Any]:
        return _with_outputs(combined, [0, *(1 + numbers.index(n) for n in wanted)])

    primal = _with_outputs(program, [0])
    all_ = range(len(program.inputs))

    def general(wanted: Sequence[int]) -> Part:
        return every_size.gradients(primal, of(wanted), wanted, budget, engine, facts)

    def at(sizes: dict[str, int], wanted: Sequence[int]) -> Part:
        programs = (primal.at(sizes), of(wanted).at(sizes))
        return fixed_shape.gradients(*programs, wanted, budget, engine, facts)

    asked = _named(program, numbers)
    shapes = {name: program.inputs[n].shape for n, name in asked.items()}

    def decided() -> Part:
        sizes = every_size.sizes_of(program)
        part = by_method(method, general, at, asked, shapes, sizes, bounds_of([program]))
        _, gap = every_size.sampled(combined, facts, list(_named(program, all_).values()))
        if gap:
            every_size.demoted(part, gap)
        return part

    def again(sizes: Mapping[str, Any], function: bool = False) -> Verdict:
        known = [replace(fact, array=name) for name, fact in facts]
        left = max(0.0, end - time.thread_time())
        changed = [at_sizes(a, sizes) for a in args] if function else ()
        return backward(
            loss if function else program.at(sizes),
            numbers, args=changed, given=known, seconds=left, terms=terms, method=method, engine=engine,
        )  # fmt: skip

    with watched() as of_meanings:
        part = bounded(budget, decided, functools.partial(_undecided, shapes))
    # What the proof is not about: where derivatives end, and sizes that code asked about on the way.
    part.facts += [h.fact for h in flows.held(program, [program.inputs[n] for n in numbers])]
    part.facts += _cut(program, numbers) if isinstance(loss, Tensor) else []
    open_ = _sizes_apart(part, (program,), (loss,), looks, (of_rules, of_meanings), again)
    claim = f"the gradient of {program.name} is its derivative"
    verdict = _verdict(claim, part, shapes, (program, combined), start, open_=open_)
    labelled = _named(program, range(len(program.inputs)))
    at_hand = _values_at_hand(program, loss, wrt, args)
    # The second look, by numbers: it proves nothing, and can only take the verdict away.
    verdict = crosscheck.confirmed(
        verdict,
        crosscheck.Gradients(
            numbers, (program, combined), labelled, facts, at_hand, graph=_graph(loss, wrt)
        ),
    )
    names = {name: n for n, name in _named(program, numbers).items()}
    return replace(
        verdict,
        statement=statements.gradient(program, combined, numbers, facts, part.decimal),
        derivation=Derivation(program, combined, names, facts),
    )


@crosscheck.overseen()
def equal(
    lhs: Tensor | Program[Any] | Callable[..., Any],
    rhs: Tensor | Program[Any] | Callable[..., Any],
    wrt: Any = None,
    *,
    args: Sequence[Any] = (),
    given: Sequence[SumsTo] = (),
    seconds: float = SECONDS,
    terms: int = TERMS,
    method: str | None = None,
    engine: str | None = None,
) -> Verdict:
    """Decide whether two computations have the same value, entry by entry.

    Parameters
    ----------
    lhs, rhs : Tensors recorded from the same leaves, or Programs or functions of equal inputs
    wrt : sequence or mapping of str, optional
        For Tensors: leaves to be named in the verdict; all others are symbols too.
    args, given, seconds, terms, method, engine
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
    check("prove.equal", seconds=seconds, terms=terms, method=method, args=args, given=given)
    start, end = time.perf_counter(), time.thread_time() + seconds
    if isinstance(lhs, Tensor) != isinstance(rhs, Tensor):
        raise ProofError(
            "prove.equal",
            "expected two recorded tensors, or two functions or Programs; received "
            f"{type(lhs).__name__} and {type(rhs).__name__}. Call the function at the leaves that the "
            "tensor was made of.",
        )
    wrt = wrt if wrt is not None or not isinstance(lhs, Tensor) else []
    sides = [lhs, rhs]  # of which both programs take the leaves, in one order
    with watched() as looks:
        left, numbers, facts = _subject("prove.equal", lhs, wrt, args, given, sides)
        right, _, _ = _subject("prove.equal", rhs, wrt, args, given, sides)
    if [v.shape for v in left.inputs] != [v.shape for v in right.inputs]:
        raise ProofError("prove.equal", "the two sides take inputs of different shapes.")
    left, right = _sharing(left, right)
    results = [
        [tuple(o.shape) if isinstance(o, Var) else () for o in p.outputs] for p in (left, right)
    ]
    if results[0] != results[1]:
        first, second = (", ".join(map(str, side)) for side in results)
        raise ProofError("prove.equal", f"the sides have shapes {first} and {second}.")
    budget = Budget(seconds, terms)
    chosen(engine)
    names = ["value"] if len(results[0]) == 1 else [f"output {i}" for i in range(len(results[0]))]

    def general(wanted: Sequence[int]) -> Part:
        programs = (_with_outputs(left, wanted), _with_outputs(right, wanted))
        return every_size.equations(*programs, [names[n] for n in wanted], budget, engine, facts)

    def at(sizes: dict[str, int], wanted: Sequence[int]) -> Part:
        programs = (_with_outputs(left, wanted).at(sizes), _with_outputs(right, wanted).at(sizes))
        return fixed_shape.equations(*programs, [names[n] for n in wanted], budget, engine, facts)

    asked = dict(enumerate(names))
    output_shapes = dict(zip(names, results[0], strict=True))
    sizes = list(dict.fromkeys((*every_size.sizes_of(left), *every_size.sizes_of(right))))
    bounds = bounds_of([left, right])

    def again(sizes: Mapping[str, Any], function: bool = False) -> Verdict:
        known = [replace(fact, array=name) for name, fact in facts]
        limit = max(0.0, end - time.thread_time())
        changed = [at_sizes(a, sizes) for a in args] if function else ()
        first_side, second_side = (
            side if function and not isinstance(side, Program) else program.at(sizes)
            for side, program in ((lhs, left), (rhs, right))
        )
        return equal(
            first_side, second_side, numbers, args=changed, given=known, seconds=limit, terms=terms, method=method, engine=engine,
        )  # fmt: skip

    with watched() as of_meanings:
        part = bounded(
            budget,
            lambda: by_method(method, general, at, asked, output_shapes, sizes, bounds),
            functools.partial(_undecided, output_shapes),
        )
    open_ = _sizes_apart(part, (left, right), (lhs, rhs), looks, (of_meanings,), again)
    shapes = {name: left.inputs[n].shape for n, name in _named(left, numbers).items()}
    claim = f"{left.name} equals {right.name}"
    verdict = _verdict(claim, part, shapes, (left, right), start, rules=False, open_=open_)
    verdict = replace(verdict, statement=statements.equal(left, right, facts, part.decimal))
    labelled = _named(left, range(len(left.inputs)))
    at_hand = _values_at_hand(left, lhs, wrt, args)
    statement = crosscheck.Equations(names, (left, right), labelled, facts, at_hand)
    verdict = _refuted_at_hand(verdict, _made(left, right), statement)
    return crosscheck.confirmed(verdict, statement)


def _sharing(*programs: Program[Any]) -> Iterator[Program[Any]]:
    """The programs with one tensor for arrays of equal values that they closed over.

    An array of NumPy's is captured anew each time that it is met; what stands for it is to be one
    symbol. Tensors that have a name or require a gradient are what they are.
    """
    known: dict[Any, Tensor] = {}
    for program in programs:
        captures = []
        for v, t in program.captures:
            if _is_itself(t):
                captures.append((v, t))
                continue
            values = np.asarray(t._value)
            key = values.dtype.str, values.shape, values.tobytes()
            captures.append((v, known.setdefault(key, t)))
        yield Program(
            program.name, program.inputs, tuple(captures), tuple(program.applications),
            program.outputs, program.structure,
        )  # fmt: skip


def _is_itself(t: Tensor) -> bool:
    """Whether a captured tensor was made by no step: it has no values yet, or a name, or is trained."""
    return bool(isinstance(t._value, Abstract) or t.name or t.role or t.requires_grad)


def _made(left: Program[Any], right: Program[Any]) -> bool:
    """Whether sides captured what may be made of other arrays, by steps that nobody recorded.

    So it is of anything without a name, also of numbers and truths, and of what a single side holds.
    """
    sides = [{id(t): t for _, t in p.captures} for p in (left, right)]
    arrays = {**sides[0], **sides[1]}
    return sides[0].keys() != sides[1].keys() or not all(map(_is_itself, arrays.values()))


def _refuted_at_hand(verdict: Verdict, made: bool, statement: crosscheck.Equations) -> Verdict:
    """The verdict, UNDECIDED where the sides differ only for values that nothing may ever give.

    What was made of other arrays has no values but those at hand, and those are rounded: the sides have
    to differ there, beyond rounding.
    """
    leaves = dict(verdict.leaves)
    for name, leaf in leaves.items() if made else ():
        if leaf.status != REFUTED or crosscheck.apart(statement, name, leaf.witness):
            continue
        departs = leaf.witness.departs if leaf.witness is not None else ()
        moved = ", ".join(dict.fromkeys(s.partition("[")[0] for s in departs))
        other = f", only for other values of {moved}" if moved else ""
        reason = (
            f"with the arrays at hand no difference beyond rounding was found{other}. They may be made of "
            "others: what is made of arrays that need no gradient is not recorded; pass functions that take them"
        )
        leaves[name] = replace(leaf, status=UNDECIDED, reason=reason, witness=None)
    return replace(
        verdict,
        status=worst(leaf.status for leaf in leaves.values()),
        leaves=leaves,
        witness=next((v.witness for v in leaves.values() if v.witness is not None), None),
    )


@crosscheck.overseen()
def rule(
    name: str | Primitive,
    cases: Sequence[tuple[Sequence[Any], Mapping[str, Any]]] | None = None,
    *,
    seconds: float = SECONDS,
    terms: int = TERMS,
    method: str | None = None,
    engine: str | None = None,
) -> Verdict:
    """Decide whether a primitive's VJP rules are right, for every cotangent.

    At every size, in every broadcasting pattern of its kind; at small fixed shapes for primitives
    that move elements by an amount or are calls that only NumPy can make: ``facts`` says why.

    Parameters
    ----------
    name : str or Primitive
        A registered name, or a record that need not be registered.
    cases : sequence of (operands, params), optional
        Operands are `Abstract` shapes (of floats: to be differentiated by; of integers: labels),
        or integer arrays and numbers (taken as they are). Default: the primitive's own.

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
    check("prove.rule", seconds=seconds, terms=terms, method=method)
    start, end = time.perf_counter(), time.thread_time() + seconds
    p = primitive_of("prove.rule", name)
    if p.same and not p.stops:  # programs leave it out; this one stays in
        p = copy.copy(p)
        p.same = False
    if not p.differentiable:
        raise ProofError("prove.rule", f"{p.name} has no gradient, so there is no rule to decide.")
    if cases is None:
        cases = declared(p)
    else:
        cases = cases_for("prove.rule", p, cases)
    if not cases:
        raise ProofError(
            "prove.rule",
            f"no operands are known for {p.name} ({type(p.kind).__name__}). Pass cases=, such "
            "as [((ag.Abstract((2, 3)),), {'axis': 0})].",
        )
    parts: dict[str, Verdict] = {}
    for operands, params in cases:
        text = _unused(_described(operands, params), parts)
        for use in (None, *(uses_of(p, operands, params) if p.joint else ())):
            part = decide_rule(
                p, operands, params, use,
                seconds=max(0.0, end - time.thread_time()), terms=terms, method=method, engine=engine,
            )  # fmt: skip
            parts[_unused(f"{text}{use or ''}", parts)] = part
    return Verdict(
        claim=RULES.format(p.name),
        leaves={f"{text}: {k}": leaf for text, v in parts.items() for k, leaf in v.leaves.items()},
        facts=_facts_in([_numbers(p, cases), *(v.facts for v in parts.values())]),
        rules={k: h for v in parts.values() for k, h in v.rules.items()},
        **_merged(parts, start),
    )


@crosscheck.overseen()
def forward(
    name: str | Primitive,
    *,
    seconds: float = 10.0,
    engine: str | None = None,
) -> Verdict:
    """Decide whether a primitive's float code computes what the proofs read it as.

    The code itself is run, on tensors: NumPy's functions on them are recorded. So the two branches of
    `sigmoid` are part of what is decided; what it is made of, such as NumPy's exp, stands for itself.

    Then it is run on floats, and its values are put beside enclosures of its formula (Arb) at stated
    points: both signs, zeros, ties, small and large numbers. For code that is one call of NumPy, or
    that does not run on tensors, or of which Python takes one of several branches, that is all there
    is, and the verdict is COMPARED; so it is UNDECIDED without python-flint.

    Parameters
    ----------
    name : str or Primitive
    seconds, engine
        See `backward`.

    Returns
    -------
    Verdict
        A leaf for each case of operands. PROVED: run on tensors it is its formula, and on floats it is
        near it. COMPARED: near its formula at the points that ``reason`` counts; nothing is said of
        others. REFUTED: farther off than rounding has it, at the witness. UNDECIDED: ``reason`` says
        why.

    Raises
    ------
    ProofError
        If there is no such primitive, or no case is known for it.

    Examples
    --------
    >>> from autograd_core.symbolic import prove
    >>> prove.forward("softplus").status
    'PROVED'
    """
    check("prove.forward", seconds=seconds)
    start, end = time.perf_counter(), time.thread_time() + seconds
    p = primitive_of("prove.forward", name)
    cases = declared(p)
    if not cases:
        raise ProofError("prove.forward", f"no operands are known for {p.name}.")
    parts: dict[str, Verdict] = {}
    facts: list[Fact] = []
    itself = branches = False
    for operands, params in cases:
        text = _unused(_described(operands, params), parts)
        left = max(1.0, end - time.thread_time())
        read = _read(p, operands, bound(dict(params), _SAMPLE_SIZES), left, engine)
        itself |= read is None
        if read is not None:
            parts[text], branching = read
            branches |= branching
    budget = Budget(max(1.0, end - time.thread_time()), TERMS)
    floats = kernels.compared(p, budget)
    leaves = {text: next(iter(v.leaves.values())) for text, v in parts.items()}
    agree = all(leaf.status == COMPARED for leaf in floats.leaves.values())
    unread = [text for text, leaf in leaves.items() if leaf.status == UNDECIDED]
    if itself:
        facts.append(Fact("one call"))
    if branches:
        only = Fact("branch")
        facts.append(only)
        for text, leaf in leaves.items():
            if leaf.status == PROVED:
                leaves[text] = replace(
                    leaf, status=COMPARED if agree else UNDECIDED, reason=str(only)
                )
    if unread and agree and floats.leaves:  # what does not run on tensors was run on numbers
        facts.append(Fact("given", (leaves[unread[0]].reason,)))
        leaves = {text: leaf for text, leaf in leaves.items() if text not in unread}
    if worst(leaf.status for leaf in leaves.values()) == PROVED and agree and not itself:
        facts += [floats.fact] if floats.points else []
    else:
        leaves |= floats.leaves
    return Verdict(
        claim=f"the float code of {p.name} computes what it is read as",
        leaves=leaves,
        facts=_facts_in([facts, *(v.facts for v in parts.values())]),
        rules={p.name: p.rule_hash()},
        **_merged(parts, start)
        | {
            "status": worst(leaf.status for leaf in leaves.values()),
            "scope": "; ".join(leaves),
            "witness": next((v.witness for v in leaves.values() if v.witness is not None), None),
            "compared": floats.points + sum(v.compared for v in parts.values()),
        },
    )


@crosscheck.overseen()
def graph(
    model: Any,
    loss: Tensor,
    *,
    seconds: float = SECONDS,
    engine: str | None = None,
) -> Verdict:
    """Decide whether a model's gradients are the derivatives of a loss, by composition.

    Parameters
    ----------
    model : Module, or mapping of str to Tensor
        Its named parameters are the leaves; a module has ``named_parameters()``.
    loss : Tensor
        A recorded scalar that was computed with them, not yet freed by a backward.
    seconds : float
        Budget in all; what it leaves open is UNDECIDED.
    engine : {"flint", "sympy"}, optional

    Returns
    -------
    Verdict
        A leaf for each parameter: PROVED if every rule between it and the loss is, and the walk; REFUTED
        if one of them is, and the gradient of this loss was seen to differ from its derivative, which
        ``reason`` shows; ``witness`` is that of the rule.

    Raises
    ------
    ProofError
        If the loss is not a scalar, or there is no parameter.
    GraphError
        If the graph was freed.

    Notes
    -----
    Time grows with the number of distinct patterns, not with depth or width. Verdicts on patterns
    are kept for as long as the rules are the same.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.symbolic import prove
    >>> w = ag.tensor(np.ones((3, 2)), requires_grad=True, name="w")
    >>> loss = ag.sum(ag.tanh(np.ones((5, 3)) @ w) ** 2)
    >>> prove.graph({"w": w}, loss).leaves["w"].status
    'PROVED'
    """
    if not isinstance(model, Mapping) and not hasattr(model, "named_parameters"):
        raise ProofError(
            "prove.graph",
            f"the model is {type(model).__name__}. Expected a Module, or a mapping of names "
            "to tensors.",
        )
    named = dict(model if isinstance(model, Mapping) else model.named_parameters())
    leaves_of("prove.graph", named)
    if not named:
        raise ProofError("prove.graph", "the model has no parameters. Expected at least one.")
    if not isinstance(loss, Tensor) or loss.size != 1:
        raise ProofError(
            "prove.graph", "expected a recorded scalar loss. Reduce it with .sum() or .mean()."
        )
    check("prove.graph", seconds=seconds)
    chosen(engine)
    prover = Prover(backward, rule, decide_rule, engine, time.thread_time() + seconds)
    verdict = composed(named, loss, prover)
    program = introspect.program(loss, wrt=list(named.values()), name="loss")
    statement = crosscheck.Gradients(
        range(len(named)),
        (program,),
        dict(enumerate(named)),
        at_hand=_values_at_hand(program, loss, named, ()),
        graph=_graph(loss, named),
    )
    verdict = replace(verdict, facts=(*verdict.facts, *_cut(program, range(len(named)))))
    return crosscheck.confirmed(_run(verdict, statement), statement)


def _run(verdict: Verdict, statement: crosscheck.Gradients) -> Verdict:
    """A composed verdict, in which a wrong rule refutes a leaf only where its own gradient was seen to be wrong.

    What is wrong with rules may cancel, be multiplied by 0, or lie at other sizes than the graph's.
    """
    leaves = dict(verdict.leaves)
    for name, leaf in leaves.items():
        if leaf.status != REFUTED:
            continue
        found, agreed = crosscheck.different(statement, name)
        seen = f" (its derivative at {agreed} points)" if agreed else ""
        leaves[name] = (
            replace(leaf, reason=f"{leaf.reason}; run: {found}")
            if found
            else replace(
                leaf,
                status=UNDECIDED,
                reason=f"REFUTED is {leaf.reason}; but the gradient of this loss was not seen to be wrong{seen}: "
                "what is wrong may cancel here. Prove it end to end, with prove.backward",
            )
        )
    status = worst(leaf.status for leaf in leaves.values())
    witness = verdict.witness if status == REFUTED else None
    return replace(verdict, leaves=leaves, status=status, witness=witness)


# --- parts ----------------------------------------------------------------------------------


def _merged(parts: Mapping[str, Verdict], start: float) -> dict[str, Any]:
    """What the verdicts on several cases have in common with the verdict on all of them."""
    return {
        "status": worst(v.status for v in parts.values()),
        "scope": "; ".join(parts),
        "excluded": _union(v.excluded for v in parts.values()),
        "domain": _union(v.domain for v in parts.values()),
        "witness": next((v.witness for v in parts.values() if v.witness is not None), None),
        "statement": statements.all_of(parts),
        "seconds": time.perf_counter() - start,
        "compared": sum(v.compared for v in parts.values()),
    }


def _unused(name: str, taken: Container[str]) -> str:
    """The name, with primes if it is taken."""
    while name in taken:
        name += "'"
    return name


# Sizes at which float code is run, all different.
_SAMPLE_SIZES = {"R": 2, "M": 3, "N": 4, "P": 5}


def _read(
    p: Primitive,
    operands: Sequence[Any],
    params: dict[str, Any],
    seconds: float,
    engine: str | None,
) -> tuple[Verdict, bool] | None:
    """Whether the float code, run on tensors, makes what it is read as; and whether it branched.

    None: it makes a call that records the primitive itself, so that there is nothing to decide.
    """
    branching = False
    try:
        given, computed, branching, answered = _computed(p, operands, params)
        leaves = [t for t in given if type(t) is Tensor]
        used = {s.primitive for s in introspect.program(computed, wrt=leaves).all_steps()}
        if p.name in {q.name for q in used}:
            return None
        right = apply(p, tuple(given), params)
        found = equal(computed, right, wrt=leaves, seconds=seconds, engine=engine)
    except (AutogradError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, DisagreementError) and not branching:
            raise  # (What branches may well be something else elsewhere.)
        reason = f"the float code of {p.name} does not run on tensors: {error}"
        undecided = {"value": LeafVerdict(UNDECIDED, (), 0, reason)}
        return Verdict("", UNDECIDED, "", undecided), branching
    names = sorted({q.name for q in used if isinstance(q.kind, Elementwise)})
    standing = [Fact("stands for itself", (name,)) for name in names]
    facts = (*answered, *standing, *(f for f in found.facts if f != FORMULAS))
    return replace(found, facts=facts), branching


def _computed(
    p: Primitive, operands: Sequence[Any], params: dict[str, Any]
) -> tuple[list[Any], Tensor, bool, list[Fact]]:
    """The float code run on tensors: what it was given, what it made, whether it branched; facts.

    They have no values, so what is recorded holds for all. Where Python asks for a condition that is
    proved to be always true, or never (a maximum is finite), it is told so. Code that asks for more is
    run again on numbers, and takes one of its branches.
    """
    for blind in (True, False):
        given = [_sample(p, o, n, blind) for n, o in enumerate(operands)]
        options = p.prepare(given, dict(params)) if p.prepare is not None else dict(params)
        leaves = [t for t in given if type(t) is Tensor]
        try:
            with _answering(leaves) as answers:
                computed = p.forward(*given, **options)
        except CaptureError:
            if not blind:
                raise
            continue
        if type(computed) is not Tensor:
            raise ProofError(f"it gives {type(computed).__name__}")
        return given, computed, not blind, answers
    raise AssertionError


@contextlib.contextmanager
def _answering(leaves: Sequence[Tensor]) -> Iterator[list[Fact]]:
    """While this thread is here, ``bool`` of a tensor without values is what it is for all values."""
    answers: list[Fact] = []
    ours, own = threading.get_ident(), Tensor.__bool__

    def answer(condition: Tensor) -> bool:
        if threading.get_ident() != ours or not isinstance(condition._value, Abstract):
            return own(condition)
        for value in (True, False) if condition.size == 1 else ():
            with within(recording=True):
                sides = (multiply(condition, 1.0), multiply(total(leaves[0]), 0) + float(value))
            verdict = equal(*sides, wrt=leaves, seconds=5)
            if verdict.status == PROVED:
                off = ", ".join(verdict.excluded)
                answers.append(Fact("branch taken off", (off,)) if off else Fact("branch taken"))
                return value
        return own(condition)

    Tensor.__bool__ = answer  # type: ignore[method-assign, assignment]
    try:
        yield answers
    finally:
        Tensor.__bool__ = own  # type: ignore[method-assign]


def _sample(p: Primitive, operand: Any, n: int, blind: bool) -> Any:
    """An operand: a leaf without values, or inside the primitive's domain; labels fit any axis."""
    if not isinstance(operand, Abstract):
        return operand
    shape = tuple(int(size) for size in substitute(operand.shape, _SAMPLE_SIZES))
    if operand.dtype.kind in "biu":
        return np.zeros(shape, operand.dtype)
    if blind:
        return without_values(Abstract(shape, operand.dtype), True, "xyzuvw"[n % 6])
    values = np.random.default_rng(n).uniform(*p.domain, size=shape)
    return tensor(values, requires_grad=True, name="xyzuvw"[n % 6])


def _subject(
    operation: str,
    loss: Any,
    wrt: Any,
    args: Sequence[Any],
    given: Sequence[SumsTo],
    sides: Sequence[Any] = (),
) -> tuple[Program[Any], tuple[int, ...], list[tuple[str, SumsTo]]]:
    """The forward as a Program, the numbers of the inputs that are meant, and facts of inputs.

    ``sides`` are all that the statement is made of, if that is more than one tensor.
    """
    tensors: list[Tensor] = []
    if isinstance(loss, Tensor):
        leaves, names = leaves_of(operation, wrt)
        # Arrays without values cannot be closed over: they are inputs, too.
        tensors = [*leaves, *_without_values(sides or [loss], leaves)]
        program = _program(loss, tensors)
        for var, name in zip(program.inputs, names, strict=False):
            var.name = name
        numbers = tuple(range(len(leaves)))
    else:
        program, numbers = _recorded(operation, loss, wrt, args)
    if not numbers and operation == "prove.backward":
        raise ProofError(operation, "wrt is empty. Expected at least one leaf to decide.")
    return program, numbers, _facts_of(operation, given, program, tensors)


def _program(root: Tensor, leaves: Sequence[Tensor]) -> Program[Any]:
    """What was recorded of a tensor; a leaf of its own is what it is."""
    if root._op is None and not any(root is t for t in leaves):
        inputs = [Abstract(t.shape, t.dtype) for t in leaves]
        return trace(lambda *given: root, "loss")(*inputs)
    return introspect.program(root, wrt=leaves, name="loss")


def _without_values(roots: Sequence[Tensor], leaves: Sequence[Tensor]) -> list[Tensor]:
    """Leaves behind ``roots`` that have shapes only, in the order in which they are met."""
    found: dict[int, Tensor] = {}
    for root in roots:
        for _, t in _program(root, leaves).captures:
            if isinstance(t._value, Abstract):
                found[id(t)] = t
    return list(found.values())


def _graph(loss: Any, wrt: Any) -> tuple[Tensor, list[Tensor]] | None:
    """A recorded loss and the leaves that are meant."""
    if not isinstance(loss, Tensor):
        return None
    if isinstance(wrt, Tensor):
        return loss, [wrt]
    return loss, list(wrt.values() if isinstance(wrt, Mapping) else wrt)


def _values_at_hand(
    program: Program[Any], loss: Any, wrt: Any, args: Sequence[Any]
) -> dict[int, Any]:
    """Values that inputs of the program had when it was recorded, by number."""
    if isinstance(loss, Tensor):
        given = (
            [wrt] if isinstance(wrt, Tensor) else wrt.values() if isinstance(wrt, Mapping) else wrt
        )
    else:
        given = args
    found = {n: t._value if isinstance(t, Tensor) else t for n, t in enumerate(given)}
    return {
        n: found[n]
        for n, v in enumerate(program.inputs)
        if n in found and not isinstance(found[n], Abstract) and np.shape(found[n]) == v.shape
    }


def _facts_of(
    operation: str, given: Sequence[SumsTo], program: Program[Any], tensors: Sequence[Tensor]
) -> list[tuple[str, SumsTo]]:
    """Facts with the names that their arrays have among the program's inputs, each once.

    Raises
    ------
    ProofError
        If one speaks of no input, or they cannot hold together.
    """
    names = _named(program, range(len(program.inputs)))
    found: dict[int, list[SumsTo]] = {}
    for fact in given:
        n = _input_of(operation, fact, names, tensors)
        shape = program.inputs[n].shape
        if not -len(shape) <= fact.axis < len(shape):
            raise ProofError(
                operation,
                f"{fact}, but {names[n]} has the shape {shape}. Expected one of its axes.",
            )
        fact = replace(fact, axis=fact.axis % len(shape))
        known = found.setdefault(n, [])
        if all((fact.axis, fact.value) != (other.axis, other.value) for other in known):
            known.append(fact)
    for n, facts in found.items():
        why = contradiction(program.inputs[n].shape, facts)
        if why:
            raise ProofError(
                operation,
                f"the facts contradict one another: {why}. Expected facts that one array "
                "can have; axes over which the sums are the same have the same size, under one name.",
            )
    return [(names[n], fact) for n, facts in found.items() for fact in facts]


def _input_of(
    operation: str, fact: SumsTo, names: Mapping[int, str], tensors: Sequence[Tensor]
) -> int:
    """The number of the input that a fact speaks of."""
    for n, name in names.items():
        if isinstance(fact.array, Tensor):
            found = n < len(tensors) and fact.array is tensors[n]
        else:
            found = fact.array == name
        if found:
            return n
    raise ProofError(
        operation,
        f"the fact that {fact} speaks of no input. Expected one of {', '.join(names.values())}.",
    )


def _recorded(
    operation: str, loss: Any, wrt: Any, args: Sequence[Any]
) -> tuple[Program[Any], tuple[int, ...]]:
    if not isinstance(loss, Program) and not callable(loss):
        raise ProofError(
            operation,
            "expected a recorded Tensor, a Program or a function; received "
            f"{type(loss).__name__}. Pass the loss before its backward, or the function that computes it.",
        )
    if not isinstance(loss, Program):
        fitting(operation, loss, args)
    program = loss if isinstance(loss, Program) else trace(loss)(*args)
    return program, numbers_of(operation, wrt, program)


def _named(program: Program[Any], numbers: Sequence[int]) -> dict[int, str]:
    """Names of inputs, primed where they are taken."""
    names: list[str] = []
    for v in program.inputs:
        names.append(_unused(v.name or v.letter, names))
    return {n: names[n] for n in numbers}


def _with_outputs(program: Program[Any], outputs: Sequence[int]) -> Program[Any]:
    """The program with some of its outputs only, and the steps that these need."""
    chosen = tuple(program.outputs[n] for n in outputs)
    needed = {o for o in chosen if isinstance(o, Var)}
    steps = []
    for step in reversed(program.applications):
        if step.result in needed:
            needed.update(o for o in step.operands if isinstance(o, Var))
            steps.append(step)
    captures = tuple((v, t) for v, t in program.captures if v in needed)
    return Program(program.name, program.inputs, captures, tuple(reversed(steps)), chosen, None)


def _undecided(shapes: Mapping[str, Any], reason: str) -> Part:
    """Nothing is decided, and why."""
    return Part({name: LeafVerdict(UNDECIDED, shape, 0, reason) for name, shape in shapes.items()})


def _sizes_apart(
    part: Part,
    programs: Sequence[Program[Any]],
    given: Sequence[Any],
    looks: Looks,
    others: Sequence[Looks],
    again: Callable[..., Verdict],
) -> list[str]:
    """Decide apart the sizes that were asked about; those that are left open, in words.

    Parameters
    ----------
    given : sequence of Tensor, Program or function
        What the programs were made from: only a function can be run again at other sizes.
    looks, others : Looks
        What was asked on the way to the programs; and afterwards, by what runs again in any case.
    """
    names = list(dict.fromkeys(name for p in programs for name in every_size.sizes_of(p)))
    if not names:
        return []
    recorded = [p for p, g in zip(programs, given, strict=True) if isinstance(g, (Tensor, Program))]
    bounds = bounds_of(programs)
    open_ = decide_apart(part, names, asked_before(recorded), None, bounds)
    if len(recorded) < len(given):
        anew = functools.partial(again, function=True)
        open_ += decide_apart(part, names, looks, anew, bounds)
    for questions in others:
        open_ += decide_apart(part, names, questions, again, bounds)
    return list(dict.fromkeys(open_))


def _cut(program: Program[Any], numbers: Sequence[int]) -> list[Fact]:
    """Arrays without a name, which may be data, or computed from leaves and cut off."""
    given = [v for n, v in enumerate(program.inputs) if n not in numbers]
    found = [
        Fact("cut off", (v.letter, str(v.shape)))
        for v in given
        if v.name is None and flows.is_float(v)
    ]
    return found + [
        Fact("unnamed", (v.letter, str(v.shape)))
        for v, t in program.captures
        if not (v.name or t.requires_grad or is_number(t)) and flows.is_float(v)
    ]


def _verdict(
    claim: str,
    part: Part,
    shapes: Mapping[str, Any],
    programs: Sequence[Program[Any]],
    start: float,
    rules: bool = True,
    open_: Sequence[str] = (),
) -> Verdict:
    sizes = every_size.sizes_of(programs[0])
    scope = ["for every " + in_words(sizes, bounds_of(programs))] if sizes else []
    if open_ and scope:
        scope[0] += f" but {' and '.join(open_)}"
    listed = ", ".join(
        f"{name} ({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        for name, shape in shapes.items()
    )
    scope.append(
        f"shape{'s' if len(shapes) > 1 else ''} {listed}" if shapes else "the recorded shapes"
    )
    positive = [v.name or v.letter for v in programs[0].inputs if v.role == POSITIVE]
    if positive:
        scope.append("for every " + ", ".join(f"{name} > 0" for name in positive))
    written = ", ".join(map(repr, part.constants.values()))
    if part.decimal:
        scope.append(f"with the constants {written} as decimals")
    elif part.constants:
        scope.append(f"for every {', '.join(part.constants)} > 0 (written {written})")
    used = [step.primitive for program in programs for step in program.all_steps()]
    meanings = sorted({p.name for p in used if p.meaning is not None})
    means = [Fact("meaning", (name,)) for name in meanings]
    if any(isinstance(p.kind, Elementwise) and p.kind.formula is not None for p in used):
        means.append(FORMULAS)
    return Verdict(
        claim=claim,
        status=worst(v.status for v in part.leaves.values()),
        scope="; ".join(scope),
        every=scope[0] if sizes else "",
        leaves=part.leaves,
        excluded=tuple(part.excluded),
        domain=tuple(part.domain),
        facts=(*means, *part.facts),
        witness=next((v.witness for v in part.leaves.values() if v.witness is not None), None),
        rules=_hashes(used) if rules or any(s.backward for p in programs for s in p) else {},
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


def decide_rule(
    p: Primitive,
    operands: Sequence[Any],
    params: Mapping[str, Any],
    use: Use | None = None,
    **options: Any,
) -> Verdict:
    """Decide a primitive's rules at one case of operands, as a graph may use them.

    Parameters
    ----------
    use : Use, optional
        Which operands are asked for, and which outputs have a cotangent. Default: all floats.

    Returns
    -------
    Verdict
        A leaf for each operand that is asked for, by name. UNDECIDED where a rule holds constant what
        it depends on: its value may be right, but not the derivative of that value.
    """
    weighted = _weighted(p, operands, params, None if use is None else use.outputs)
    if all(step.primitive.name != p.name for step in weighted.all_steps()):
        leaf = LeafVerdict(UNDECIDED, (), 0, NO_PART.format(p.name))
        return Verdict(
            RULES.format(p.name), UNDECIDED, _described(operands, params), {"rules": leaf}
        )
    names = dict(enumerate(_operand_names(p, len(operands))))
    asked = names if use is None else {n: names[n] for n in use.asked}
    wanted = set(asked.values()) | {v.name for v in weighted.inputs[len(_variables(operands)) :]}
    numbers = [n for n, v in enumerate(weighted.inputs) if v.dtype.kind == "f" and v.name in wanted]
    verdict = backward(weighted, numbers, **options)
    leaves = dict(verdict.leaves)
    combined: Any = getattr(verdict.derivation, "combined", None)
    derived = list(verdict.derivation.names) if verdict.derivation is not None else []
    for output, name in enumerate(derived, 1):
        ends = flows.held(combined, combined.inputs, [combined.outputs[output]], _of_a_rule)
        hidden = [h for h in ends if h.how != "ZERO"]
        if hidden and name in leaves and leaves[name].status != REFUTED:
            reason = f"the rule hides part of a second derivative; {hidden[0]}"
            leaves[name] = replace(leaves[name], status=UNDECIDED, reason=reason)
    return replace(
        verdict,
        claim=RULES.format(p.name),
        leaves=leaves,
        status=worst(v.status for v in leaves.values()),
    )


def _of_a_rule(step: Application) -> bool:
    """Whether a step came from a rule: what is computed under no_grad is stopped without a phase."""
    return step.backward or step.primitive.stops


def _variables(operands: Sequence[Any]) -> list[Abstract]:
    return [o for o in operands if isinstance(o, Abstract)]


def _weighted(
    p: Primitive,
    operands: Sequence[Any],
    params: Mapping[str, Any],
    outputs: Sequence[int] | None = None,
) -> Program[Any]:
    """The program of ``sum(g * p(operands))``, whose gradient is the rules' answer to any ``g``.

    Of several outputs all are meant, or those with these numbers: the others get no cotangent.
    """
    variables = _variables(operands)
    names = _operand_names(p, len(operands))
    every = _results(p, operands, params)
    meant = range(len(every)) if outputs is None else outputs
    shapes = [every[i] for i in meant]

    def weighted(*given: Any) -> Any:
        rest = iter(given)
        full = tuple(next(rest) if isinstance(o, Abstract) else o for o in operands)
        results = apply(p, full, dict(params))
        results = results if isinstance(results, tuple) else (results,)
        results = [results[i] for i in meant]
        first, *more = (total(multiply(r, g)) for r, g in zip(results, rest, strict=True))
        return sum(more, first)

    program = trace(weighted, p.name)(*variables, *(Abstract(s, np.float64) for s in shapes))
    chosen = [n for n, o in zip(names, operands, strict=True) if isinstance(o, Abstract)]
    several = len(every) > 1
    cotangents = [f"cotangent {i}" if several else "cotangent" for i in meant]
    for var, label in zip(program.inputs, [*chosen, *cotangents], strict=True):
        var.name = label
    return program


def _results(p: Primitive, operands: Sequence[Any], params: Mapping[str, Any]) -> list[Any]:
    """The shape of each output."""
    prepared = p.prepare(operands, dict(params)) if p.prepare is not None else dict(params)
    result = p.abstract(tuple(operands), prepared)
    return [tuple(r.shape) for r in (result if isinstance(result, tuple) else (result,))]


def _operand_names(p: Primitive, n: int) -> list[str]:
    if p.variadic:
        return [f"x{i}" for i in range(n)]
    return list(inspect.signature(p.function).parameters)[:n]


def _numbers(p: Primitive, cases: Sequence[Any]) -> list[Fact]:
    """Operands that are a number in every case, as facts."""
    found = []
    for n, name in enumerate(_operand_names(p, min(len(operands) for operands, _ in cases))):
        values = [operands[n] for operands, _ in cases]
        if all(isinstance(v, (int, float)) for v in values):
            found.append(Fact("numbers", (name, ", ".join(map(str, values)))))
    return found


def _described(operands: Sequence[Any], params: Mapping[str, Any]) -> str:
    parts = [str(getattr(o, "shape", o)) for o in operands]
    named = {k: f"‹{v.name}›" if isinstance(v, Program) else v for k, v in params.items()}
    return " ".join([*parts, *(f"{k}={v}" for k, v in named.items())])


def _union(groups: Any) -> tuple[str, ...]:
    return tuple(sorted({text for group in groups for text in group}))


def _facts_in(groups: Iterable[Iterable[Fact]]) -> tuple[Fact, ...]:
    return tuple(sorted({fact for group in groups for fact in group}, key=str))
