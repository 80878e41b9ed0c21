"""From what was decided to a `Verdict`: its scope, its facts, the rules that took part.

Every question ends here. Nothing is decided, but for sizes that code asked about, which are decided
apart (`sizes`) before the scope is written.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...kinds import Elementwise
from ...primitives import Primitive
from ...program import Program
from ...shapes import Looks
from ...tensors import Tensor
from .. import every_size, flows, statements
from ..assumed import FORMULAS, Fact
from ..decide import UNDECIDED, worst
from ..exact import is_number
from ..indexed import POSITIVE
from ..sizes import asked_before, bounds_of, decide_apart, in_words
from ..verdict import LeafVerdict, Part, Verdict

__all__ = [
    "cut_off", "described", "facts_in", "merged", "report", "sizes_apart", "undecided",
]  # fmt: skip


def report(
    claim: str,
    part: Part,
    shapes: Mapping[str, Any],
    programs: Sequence[Program[Any]],
    start: float,
    rules: bool = True,
    open_: Sequence[str] = (),
) -> Verdict:
    """The verdict on a claim about programs.

    Parameters
    ----------
    part : Part
        What was decided.
    shapes : mapping of str to shape
        Of the inputs that are named in the scope.
    start : float
        When the question was asked, by `time.perf_counter`.
    rules : bool
        Whether the first program's steps count by their rules, though none is recorded in it.
    open_ : sequence of str
        Sizes that the scope leaves out; see `sizes_apart`.
    """
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


def cut_off(program: Program[Any], numbers: Sequence[int]) -> list[Fact]:
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


def sizes_apart(
    part: Part,
    programs: Sequence[Program[Any]],
    sources: Sequence[Any],
    looks: Looks,
    others: Sequence[Looks],
    again: Callable[..., Verdict],
) -> list[str]:
    """Decide apart the sizes that were asked about; those that are left open, in words.

    Parameters
    ----------
    sources : sequence of Tensor, Program or function
        What the programs were made from: only a function can be run again at other sizes.
    looks, others : Looks
        What was asked on the way to the programs; and afterwards, by what runs again in any case.
    """
    names = list(dict.fromkeys(name for p in programs for name in every_size.sizes_of(p)))
    if not names:
        return []
    recorded = [
        p for p, g in zip(programs, sources, strict=True) if isinstance(g, (Tensor, Program))
    ]
    bounds = bounds_of(programs)
    open_ = decide_apart(part, names, asked_before(recorded), None, bounds)
    if len(recorded) < len(sources):
        anew = functools.partial(again, function=True)
        open_ += decide_apart(part, names, looks, anew, bounds)
    for questions in others:
        open_ += decide_apart(part, names, questions, again, bounds)
    return list(dict.fromkeys(open_))


def undecided(shapes: Mapping[str, Any], reason: str) -> Part:
    """Nothing is decided, and why."""
    return Part({name: LeafVerdict(UNDECIDED, shape, 0, reason) for name, shape in shapes.items()})


def merged(parts: Mapping[str, Verdict], start: float) -> dict[str, Any]:
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


def described(operands: Sequence[Any], params: Mapping[str, Any]) -> str:
    """A case of a primitive in words: shapes and params."""
    parts = [str(getattr(o, "shape", o)) for o in operands]
    named = {k: f"‹{v.name}›" if isinstance(v, Program) else v for k, v in params.items()}
    return " ".join([*parts, *(f"{k}={v}" for k, v in named.items())])


def _union(groups: Any) -> tuple[str, ...]:
    return tuple(sorted({text for group in groups for text in group}))


def facts_in(groups: Iterable[Iterable[Fact]]) -> tuple[Fact, ...]:
    """All facts of several verdicts, each once, in order."""
    return tuple(sorted({fact for group in groups for fact in group}, key=str))
