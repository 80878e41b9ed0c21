"""`prove.graph`: models of any depth, by each rule that the graph uses, as it uses it.

A reverse walk is right if every rule is right and the walk puts the rules together as the chain
rule says. The first is decided for each distinct pattern of a program (`patterns`), so that one proof
serves every layer and every batch; `paths` lists what lies between leaves and loss. The second is
decided here, end to end, on graphs that have all that a walk has to get right: fan-out, an operand given
twice, operands that were broadcast, several outputs, leaves that are reached by several paths and
at several depths.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ... import introspect, ops
from ...errors import ProofError
from ...program import Program
from ...shapes import Dim
from ...tensors import Tensor
from .. import crosscheck
from ..arguments import SECONDS, check, leaves_of
from ..assumed import Fact
from ..decide import PROVED, REFUTED, UNDECIDED, worst
from ..flows import behind, held
from ..givens import arrays
from ..polynomials import chosen
from ..sizes import bounds_of, in_words
from ..verdict import LeafVerdict, Verdict
from .gradients import backward
from .paths import PatternUse, uses_in
from .patterns import Decided, Remaining
from .remembered import Remembered
from .reports import cut_off
from .subjects import recorded, values_at_hand

__all__ = ["graph"]


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
    remaining = Remaining(engine, time.thread_time() + seconds)
    verdict = composed(named, loss, remaining)
    program = introspect.program(loss, wrt=list(named.values()), name="loss")
    statement = crosscheck.Gradients(
        range(len(named)),
        (program,),
        dict(enumerate(named)),
        at_hand=values_at_hand(program, loss, named, ()),
        graph=recorded(loss, named),
    )
    verdict = replace(verdict, facts=(*verdict.facts, *cut_off(program, range(len(named)))))
    return crosscheck.confirmed(_run(verdict, statement), statement)


def _run(verdict: Verdict, statement: crosscheck.Gradients) -> Verdict:
    """A composed verdict, in which a wrong rule refutes a leaf only where its own gradient was seen to be wrong.

    What is wrong with rules may cancel, be multiplied by 0, or lie at other sizes than the graph's.
    """
    leaves = dict(verdict.leaves)
    for name, leaf in leaves.items():
        if leaf.status != REFUTED:
            continue
        difference, agreed = crosscheck.different(statement, name)
        seen = f" (its derivative at {agreed} points)" if agreed else ""
        leaves[name] = (
            replace(leaf, reason=f"{leaf.reason}; run: {difference}")
            if difference
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


def composed(named: Mapping[str, Tensor], loss: Tensor, remaining: Remaining) -> Verdict:
    """The verdict on the gradient of ``loss`` by each of the named leaves; see `prove.graph`."""
    start = time.perf_counter()
    leaves = list(named.values())
    program = introspect.program(loss, wrt=leaves, name="loss")
    remembered = Remembered(bounds_of([program]))
    uses = list(uses_in(program, leaves, remembered))
    patterns = {u.pattern.key: u.pattern for u in uses}
    verdicts = {
        key: patterns[key].decided(remaining, remembered) for key in sorted(patterns, key=str)
    }
    walk = _walk(remaining, remembered)
    decided = {
        name: _leaf(program, tensor, number, uses, verdicts, walk)
        for number, (name, tensor) in enumerate(named.items())
    }
    decisions = list(verdicts.values())
    every = [*(d.verdict for d in decisions), walk]
    return Verdict(
        claim="the gradient of loss by every parameter is its derivative, by composition",
        status=worst(leaf.status for leaf in decided.values()),
        scope="; ".join(
            [
                f"{len(verdicts)} patterns of {len(program)} steps, {_scope(verdicts.values())}",
                *_sizes(remembered.bounds),
            ]
        ),
        leaves=decided,
        excluded=tuple(
            sorted({f"{d.primitive}: {e}" for d in decisions for e in d.verdict.excluded})
        ),
        domain=tuple(sorted({f"{d.primitive}: {e}" for d in decisions for e in d.verdict.domain})),
        facts=(
            Fact("chain rule"),
            Fact("walk"),
            *_at_kinks(decisions),
            *(h.fact for h in held(program, program.inputs)),
            *_facts(decisions),
        ),
        witness=next((v.witness for v in every if v.witness is not None), None),
        rules={k: h for v in every for k, h in v.rules.items()},
        seconds=time.perf_counter() - start,
    )


def _leaf(
    program: Program[Any],
    tensor: Tensor,
    number: int,
    uses: Sequence[PatternUse],
    verdicts: Mapping[Any, Decided],
    walk: Verdict,
) -> LeafVerdict:
    """The verdict on the gradient by one leaf: on all that lies between it and the loss."""
    own = program.inputs[number]
    between = [
        verdicts[u.pattern.key].at(n)
        for u in uses
        for n, names in u.leaves.items()
        if number in names
    ]
    open_ = [(status, reason) for status, reason in between if status != PROVED]
    if walk.status != PROVED:
        open_.append((walk.status, f"the walk: {walk.reason or walk.status}"))
    status = worst([PROVED, *(s for s, _ in open_)])
    reason = next((r for s, r in open_ if s == status), "")
    if not between and own not in program.outputs:
        status, reason = UNDECIDED, "the loss does not depend on it"
        if own in behind(program, program.outputs):
            reason += " but through what is held constant"
    return LeafVerdict(status, tuple(tensor.shape), tensor.size, reason, method="COMPOSED")


def _walk(remaining: Remaining, remembered: Remembered) -> Verdict:
    """The walk's own theorem, end to end on a graph that has everything it must get right."""

    def decided() -> Verdict:
        a, b, c, w = arrays("a:B,D b:D c:B,1 w:D,D")
        shared = ops.tanh(a * b + c)  # fan-out below; b and c are broadcast
        twice = shared * shared  # an operand given twice
        deep = ops.matmul(shared, w)
        again = ops.matmul(deep, w)  # one leaf at two depths
        parts = ops.stop_gradient(twice) * again
        loss = ops.sum(twice * again + parts + shared) + ops.sum(w * w) + ops.sum(b)
        return backward(loss, wrt={"a": a, "b": b, "c": c, "w": w}, **remaining.options)

    return remembered.kept(remembered.key("walk"), decided, lambda v: v.status == PROVED)


def _sizes(bounds: Sequence[Dim]) -> list[str]:
    """At which sizes the model is there, where that is not all."""
    names = sorted({name for bound in bounds for name in bound.names})
    return [f"for every {in_words(names, bounds)}"] if names else []


def _scope(decided: Iterable[Decided]) -> str:
    by_shape: dict[str, set[str]] = {}
    for d in decided:
        if d.where:
            by_shape.setdefault(d.where, set()).add(d.primitive)
    listed = "; ".join(f"{', '.join(sorted(n))}: {w}" for w, n in sorted(by_shape.items()))
    return "each at every size" + (f" but {listed}" if listed else "")


def _at_kinks(decided: Iterable[Decided]) -> list[Fact]:
    """What the conditions on the whole model mean, where there are any."""
    decided = list(decided)
    found = [d.verdict for d in decided]
    if not any(v.excluded or v.domain for v in found):
        return []
    tied = sorted({d.primitive for d in decided if d.tied})
    facts = [Fact("inside")]
    if tied:
        facts.append(Fact("ties", (", ".join(tied),)))
    return facts


def _facts(decided: Iterable[Decided]) -> list[Fact]:
    """The facts of rules, each with its rule; a number in a pattern is part of the pattern."""
    found: set[Fact] = set()
    for d in decided:
        program = getattr(d.verdict.derivation, "program", None)  # the model's own steps are listed
        ends = {h.fact for h in held(program, program.inputs)} if program is not None else set()
        found.update(
            fact.of_rule(d.primitive)
            for fact in d.verdict.facts
            if fact.kind != "numbers" and fact not in ends
        )
    return sorted(found, key=str)
