"""Proofs of models of any depth: each rule that its graph uses, in the pattern in which it is used.

A reverse walk is right if every rule is right and the walk puts the rules together as the chain
rule says. The first is decided here for each distinct pattern of a program: a primitive, its
params, and its operands' shapes up to the names of their sizes, so that one proof serves every
layer and every batch. The second is decided end to end, on graphs that have all that a walk has to
get right: fan-out, an operand given twice, operands that were broadcast, several outputs, leaves
that are reached by several paths and at several depths.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import introspect, ops
from ..abstract import Abstract
from ..errors import AutogradError, DisagreementError
from ..kinds import Random
from ..primitives import Primitive
from ..program import Application, Literal, Program, Var
from ..shapes import Dim
from ..tensors import Tensor
from .decide import PROVED, UNDECIDED, worst
from .givens import arrays
from .verdict import LeafVerdict, Verdict

__all__ = ["Prover", "composed"]

LETTERS = "MNPQRSTUVWXYZABCDEFGHIJKL"


@dataclass(frozen=True)
class Prover:
    """The two questions that composition puts, and how long they may take in all.

    Attributes
    ----------
    backward, rule : callable
        `prove.backward` and `prove.rule`.
    engine : str or None
    end : float
        By `time.thread_time`.
    """

    backward: Callable[..., Verdict]
    rule: Callable[..., Verdict]
    engine: str | None
    end: float

    @property
    def options(self) -> dict[str, Any]:
        """What is left, as keywords."""
        return {"seconds": max(0.0, self.end - time.thread_time()), "engine": self.engine}


def composed(named: Mapping[str, Tensor], loss: Tensor, prover: Prover) -> Verdict:
    """The verdict on the gradient of ``loss`` by each of the named leaves; see `prove.graph`."""
    start = time.perf_counter()
    program = introspect.program(loss, wrt=list(named.values()), name="loss")
    leaves = dict(zip(program.inputs, named, strict=True))
    between = _between(program, leaves)
    patterns = {p.key: p for found in between.values() for p in found.values()}
    verdicts = {key: patterns[key].decided(prover) for key in sorted(patterns, key=str)}
    walk = _walk(prover)
    decided: dict[str, LeafVerdict] = {}
    for name, tensor in named.items():
        keys = between[name]
        status = worst([walk.status, *(verdicts[k].status for k in keys)])
        reason = ""
        if not keys:
            reason = "the loss does not depend on it"
        elif status != PROVED:
            which = [verdicts[k] for k in keys if verdicts[k].status == status] or [walk]
            reason = f"{which[0].claim}: {which[0].reason or which[0].status}"
        decided[name] = LeafVerdict(
            status if keys else UNDECIDED,
            tuple(tensor.shape),
            tensor.size,
            reason,
            method="COMPOSED",
        )
    every = [*verdicts.values(), walk]
    return Verdict(
        claim="the gradient of loss by every parameter is its derivative, by composition",
        status=worst(leaf.status for leaf in decided.values()),
        scope=f"{len(verdicts)} patterns of {len(program)} steps, {_scope(verdicts.values())}",
        leaves=decided,
        excluded=tuple(
            sorted({f"{_title(v)}: {e}" for v in verdicts.values() for e in v.excluded})
        ),
        domain=tuple(sorted({f"{_title(v)}: {e}" for v in verdicts.values() for e in v.domain})),
        facts=(
            "the chain rule: the derivative of a composition is that of its parts, put together",
            "the walk puts them together: shown end to end with fan-out, repeated and broadcast operands",
            *_facts(verdicts.values()),
        ),
        witness=next((v.witness for v in every if v.witness is not None), None),
        rules={k: h for v in every for k, h in v.rules.items()},
        seconds=time.perf_counter() - start,
    )


def _scope(verdicts: Iterable[Verdict]) -> str:
    small = sorted(
        {_title(v) for v in verdicts if any(f.method == "EXACT" for f in v.leaves.values())}
    )
    return "each at every size" + (
        f" but {', '.join(small)}: at small fixed shapes" if small else ""
    )


def _facts(verdicts: Iterable[Verdict]) -> list[str]:
    """The facts of rules, each with its rule; a number in a pattern is part of the pattern."""
    found = set()
    for v in verdicts:
        for fact in v.facts:
            own = fact.startswith((f"{_title(v)} ", f"{_title(v)}:")) or "is read as" in fact
            if " is one of " not in fact:
                found.add(fact if own else f"{_title(v)}: {fact}")
    return sorted(found)


def _title(verdict: Verdict) -> str:
    return verdict.claim.removeprefix("the VJP rules of ").split(" are its ")[0]


def _between(program: Program[Any], leaves: Mapping[Var, str]) -> dict[str, dict[Any, _Pattern]]:
    """For each leaf, the patterns of the steps between it and the output, by their keys."""
    depends: dict[Var, frozenset[str]] = {v: frozenset([name]) for v, name in leaves.items()}
    passed = []  # the steps through which a gradient may flow
    for step in program:
        known = [depends[o] for o in step.operands if isinstance(o, Var) and o in depends]
        if known and step.primitive.differentiable and not isinstance(step.primitive.kind, Random):
            depends[step.result] = frozenset().union(*known)
            passed.append(step)
    needed = set(program.outputs)
    between: dict[str, dict[Any, _Pattern]] = {name: {} for name in leaves.values()}
    for step in reversed(passed):
        if step.result not in needed:
            continue
        needed.update(o for o in step.operands if isinstance(o, Var))
        if step.primitive.name != "pick":
            for inner in _with_bodies(step):
                pattern = _Pattern.of(inner)
                for name in depends[step.result]:
                    between[name][pattern.key] = pattern
    return between


def _with_bodies(step: Application) -> list[Application]:
    """A step, and those of its body if it is a loop: the loop's rule relies on theirs."""
    bodies = [v for v in step.params.values() if isinstance(v, Program)]
    inner = [s for body in bodies for s in body.all_steps()]
    return [step, *(s for s in inner if s.primitive.differentiable and s.primitive.name != "pick")]


class _Pattern:
    """A primitive as a program uses it: shapes up to the names of sizes."""

    def __init__(
        self, primitive: Primitive, operands: Sequence[Any], params: Any, key: Any
    ) -> None:
        self.primitive = primitive
        self.operands = operands
        self.params = params
        self.key = key

    @classmethod
    def of(cls, step: Application) -> _Pattern:
        """The pattern of a step; equal sizes get one name, in order, and 1 stays 1."""
        names: dict[Any, Dim] = {}

        def size(n: Any) -> Any:
            if n == 1:
                return 1
            if n not in names:
                names[n] = Dim.named(LETTERS[len(names)])
            return names[n]

        operands: list[Any] = []
        for o in step.operands:
            if isinstance(o, Literal):
                operands.append(o.value)
            else:
                dtype = o.dtype if o.dtype.kind in "biu" else np.dtype(np.float64)
                operands.append(Abstract(tuple(map(size, o.shape)), dtype))
        params = {k: _sized(k, v, size) for k, v in step.params.items()}
        described = tuple(
            ("array", str(o.shape), str(o.dtype)) if isinstance(o, Abstract) else (str(o),)
            for o in operands
        )
        key = (
            step.primitive.name,
            described,
            tuple(sorted((k, str(v)) for k, v in params.items())),
        )
        return cls(step.primitive, operands, params, key)

    def decided(self, prover: Prover) -> Verdict:
        """The verdict on the rules in this pattern; at the primitive's own fixed shapes if need be."""
        known = (self.key, self.primitive.rule_hash())
        if known not in _KNOWN:
            try:
                cases = [(self.operands, self.params)]
                verdict = prover.rule(self.primitive, cases, **prover.options)
            except DisagreementError:
                raise
            except (AutogradError, ValueError, IndexError):
                # Sizes that depend on one another (axes merged, parts of axes) have no such names.
                status = UNDECIDED
            else:
                status = verdict.status
            if status == UNDECIDED:
                # What moves elements by an amount is decided entry by entry, at small shapes.
                verdict = prover.rule(self.primitive, **prover.options)
            if verdict.status != PROVED:
                return verdict
            _KNOWN[known] = verdict
        return _KNOWN[known]


_KNOWN: dict[Any, Verdict] = {}


def _sized(name: str, value: Any, size: Callable[[Any], Any]) -> Any:
    """A param with its sizes named."""
    if name == "shape" and isinstance(value, tuple):
        return tuple(map(size, value))
    if name == "size" and isinstance(value, int):
        return size(value)
    return value


def _walk(prover: Prover) -> Verdict:
    """The walk's own theorem, end to end on a graph that has everything it must get right."""
    if "walk" not in _KNOWN:
        a, b, c, w = arrays("a:B,D b:D c:B,1 w:D,D")
        shared = ops.tanh(a * b + c)  # fan-out below; b and c are broadcast
        twice = shared * shared  # an operand given twice
        deep = ops.matmul(shared, w)
        again = ops.matmul(deep, w)  # one leaf at two depths
        parts = ops.stop_gradient(twice) * again
        loss = ops.sum(twice * again + parts + shared) + ops.sum(w * w) + ops.sum(b)
        verdict = prover.backward(loss, wrt={"a": a, "b": b, "c": c, "w": w}, **prover.options)
        if verdict.status != PROVED:
            return verdict
        _KNOWN["walk"] = verdict
    return _KNOWN["walk"]
