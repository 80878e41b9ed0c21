"""`prove.forward`: whether a primitive's float code computes what the proofs read it as.

The code is run on tensors, which records what it does, and that is decided to be the primitive
(`equality`); and it is run on floats, beside enclosures of its formula (`kernels`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ... import introspect
from ...abstract import Abstract
from ...cases import declared
from ...context import within
from ...errors import AutogradError, CaptureError, DisagreementError, ProofError
from ...evaluators import bound
from ...kinds import Elementwise
from ...ops import multiply, sum as total
from ...primitives import Primitive, apply
from ...shapes import substitute
from ...tensors import Tensor, leaf as without_values, tensor
from .. import crosscheck, kernels
from ..arguments import TERMS, check, primitive_of
from ..assumed import FORMULAS, Fact
from ..decide import COMPARED, PROVED, UNDECIDED, worst
from ..polynomials import Budget
from ..verdict import LeafVerdict, Verdict
from .equality import equal
from .reports import described, facts_in, merged
from .subjects import unused

__all__ = ["forward"]

# Sizes at which float code is run, all different.
_SAMPLE_SIZES = {"R": 2, "M": 3, "N": 4, "P": 5}


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
        text = unused(described(operands, params), parts)
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
        facts=facts_in([facts, *(v.facts for v in parts.values())]),
        rules={p.name: p.rule_hash()},
        **merged(parts, start)
        | {
            "status": worst(leaf.status for leaf in leaves.values()),
            "scope": "; ".join(leaves),
            "witness": next((v.witness for v in leaves.values() if v.witness is not None), None),
            "compared": floats.points + sum(v.compared for v in parts.values()),
        },
    )


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
        samples, computed, branching, answered = _computed(p, operands, params)
        leaves = [t for t in samples if type(t) is Tensor]
        used = {s.primitive for s in introspect.program(computed, wrt=leaves).all_steps()}
        if p.name in {q.name for q in used}:
            return None
        right = apply(p, tuple(samples), params)
        verdict = equal(computed, right, wrt=leaves, seconds=seconds, engine=engine)
    except (AutogradError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, DisagreementError) and not branching:
            raise  # (What branches may well be something else elsewhere.)
        reason = f"the float code of {p.name} does not run on tensors: {error}"
        undecided = {"value": LeafVerdict(UNDECIDED, (), 0, reason)}
        return Verdict("", UNDECIDED, "", undecided), branching
    names = sorted({q.name for q in used if isinstance(q.kind, Elementwise)})
    standing = [Fact("stands for itself", (name,)) for name in names]
    facts = (*answered, *standing, *(f for f in verdict.facts if f != FORMULAS))
    return replace(verdict, facts=facts), branching


def _computed(
    p: Primitive, operands: Sequence[Any], params: dict[str, Any]
) -> tuple[list[Any], Tensor, bool, list[Fact]]:
    """The float code run on tensors: what it was given, what it made, whether it branched; facts.

    They have no values, so what is recorded holds for all. Where Python asks for a condition that is
    proved to be always true, or never (a maximum is finite), it is told so. Code that asks for more is
    run again on numbers, and takes one of its branches.
    """
    for blind in (True, False):
        samples = [_sample(p, o, n, blind) for n, o in enumerate(operands)]
        options = p.prepare(samples, dict(params)) if p.prepare is not None else dict(params)
        leaves = [t for t in samples if type(t) is Tensor]
        try:
            with _answering(leaves) as answers:
                computed = p.forward(*samples, **options)
        except CaptureError:
            if not blind:
                raise
            continue
        if type(computed) is not Tensor:
            raise ProofError(f"it gives {type(computed).__name__}")
        return samples, computed, not blind, answers
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
