"""`prove.rule`: whether the VJP rules of one primitive are right, for every cotangent.

The gradient of sum(g * p(operands)) is what the rules answer to the cotangent g: so a rule is decided as
the gradient of a loss (`gradients`), with g among its symbols, in each of the primitive's cases.
`decide_rule` is one case, as a graph may use it; `composition` asks it too.
"""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...abstract import Abstract
from ...cases import declared
from ...errors import ProofError
from ...ops import multiply, sum as total
from ...primitives import Primitive, apply
from ...program import Application, Program
from ...tracing import trace
from .. import crosscheck, flows
from ..arguments import SECONDS, TERMS, cases_for, check, primitive_of
from ..assumed import Fact
from ..decide import REFUTED, UNDECIDED, worst
from ..uses import NO_PART, RULES, Use, uses_of
from ..verdict import LeafVerdict, Verdict
from .gradients import backward
from .reports import described, facts_in, merged
from .subjects import unused

__all__ = ["decide_rule", "of_a_rule", "rule", "weighted"]


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
        text = unused(described(operands, params), parts)
        for use in (None, *(uses_of(p, operands, params) if p.joint else ())):
            part = decide_rule(
                p, operands, params, use,
                seconds=max(0.0, end - time.thread_time()), terms=terms, method=method, engine=engine,
            )  # fmt: skip
            parts[unused(f"{text}{use or ''}", parts)] = part
    return Verdict(
        claim=RULES.format(p.name),
        leaves={f"{text}: {k}": leaf for text, v in parts.items() for k, leaf in v.leaves.items()},
        facts=facts_in([_numbers(p, cases), *(v.facts for v in parts.values())]),
        rules={k: h for v in parts.values() for k, h in v.rules.items()},
        **merged(parts, start),
    )


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
    loss = weighted(p, operands, params, None if use is None else use.outputs)
    if all(step.primitive.name != p.name for step in loss.all_steps()):
        leaf = LeafVerdict(UNDECIDED, (), 0, NO_PART.format(p.name))
        return Verdict(
            RULES.format(p.name), UNDECIDED, described(operands, params), {"rules": leaf}
        )
    names = dict(enumerate(_operand_names(p, len(operands))))
    asked = names if use is None else {n: names[n] for n in use.asked}
    wanted = set(asked.values()) | {v.name for v in loss.inputs[len(_variables(operands)) :]}
    numbers = [n for n, v in enumerate(loss.inputs) if v.dtype.kind == "f" and v.name in wanted]
    verdict = backward(loss, numbers, **options)
    leaves = dict(verdict.leaves)
    combined: Any = getattr(verdict.derivation, "combined", None)
    derived = list(verdict.derivation.names) if verdict.derivation is not None else []
    for output, name in enumerate(derived, 1):
        ends = flows.held(combined, combined.inputs, [combined.outputs[output]], of_a_rule)
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


def of_a_rule(step: Application) -> bool:
    """Whether a step came from a rule: what is computed under no_grad is stopped without a phase."""
    return step.backward or step.primitive.stops


def weighted(
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

    def total_of(*values: Any) -> Any:
        remaining = iter(values)
        full = tuple(next(remaining) if isinstance(o, Abstract) else o for o in operands)
        results = apply(p, full, dict(params))
        results = results if isinstance(results, tuple) else (results,)
        results = [results[i] for i in meant]
        first, *more = (total(multiply(r, g)) for r, g in zip(results, remaining, strict=True))
        return sum(more, first)

    program = trace(total_of, p.name)(*variables, *(Abstract(s, np.float64) for s in shapes))
    chosen = [n for n, o in zip(names, operands, strict=True) if isinstance(o, Abstract)]
    several = len(every) > 1
    cotangents = [f"cotangent {i}" if several else "cotangent" for i in meant]
    for var, label in zip(program.inputs, [*chosen, *cotangents], strict=True):
        var.name = label
    return program


def _variables(operands: Sequence[Any]) -> list[Abstract]:
    return [o for o in operands if isinstance(o, Abstract)]


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
