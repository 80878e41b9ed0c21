"""Sizes that code asks about: a branch on a shape goes another way there, so they are decided apart.

A proof at symbolic sizes runs a rule, and the function that is traced, with sizes that equal no
number. Where the code asks whether one is 1, or equals another, the answer was no; for the size at
which it is yes, the code is run again, and what it does there is decided for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

from ..abstract import Abstract
from ..errors import AutogradError, DisagreementError
from ..program import Program
from ..shapes import Dim, Looks, substitute, vanishing
from ..tensors import Tensor
from .assumed import Fact
from .decide import PROVED, REFUTED, UNDECIDED
from .verdict import Part, Verdict

__all__ = ["asked_before", "at_sizes", "decide_apart"]

Sizes = Mapping[str, Any]


def asked_before(programs: Sequence[Program[Any]]) -> Looks:
    """What was asked about the sizes of programs while they were recorded."""
    found = Looks()
    for program in programs:
        for var in (*program.inputs, *(v for v, _ in program.captures)):
            for size in var.shape:
                for looks in size.looks if isinstance(size, Dim) else ():
                    found.found |= {
                        d: who for d, who in looks.found.items() if d not in found.found
                    }
                    found.at_large = looks.at_large | found.at_large
    return found


def at_sizes(value: Any, sizes: Sizes) -> Any:
    """An argument of a function, with named sizes replaced."""
    if isinstance(value, Tensor) and isinstance(value._value, Abstract):
        return at_sizes(value._value, sizes)
    if isinstance(value, Abstract):
        return Abstract(substitute(value.shape, sizes), value.dtype, value.weak)
    return value


def decide_apart(
    part: Part, names: Sequence[str], looks: Looks, again: Callable[[Sizes], Verdict] | None
) -> list[str]:
    """Decide a statement at the sizes that were asked about, and put the answers into ``part``.

    Parameters
    ----------
    part : Part
        What was decided for all other sizes.
    names : sequence of str
        The sizes of the statement.
    looks : Looks
    again : callable or None
        The verdict at some sizes. None: what was recorded cannot be run again.

    Returns
    -------
    list of str
        The sizes that remain open, in words.
    """
    open_: list[str] = []
    done: list[Sizes] = []
    part.facts += [Fact("size at large", (who, size)) for size, who in looks.at_large.items()]
    for difference, who in looks.found.items():
        if not difference.names <= set(names):
            continue
        if not any(leaf.status == PROVED for leaf in part.leaves.values()):
            break
        where = vanishing(difference)
        if where is None:
            open_.append(f"{difference} = 0 (asked by {who})")
            where = _small(difference)  # they prove nothing of the others, but may refute
        for sizes in where:
            if sizes in done:
                continue
            done.append(sizes)
            text = ", ".join(f"{name} = {value}" for name, value in sizes.items())
            if again is None or not _put(part, f"{text}, which {who} asks for", again, sizes):
                open_.append(f"{text} (asked by {who})")
    part.facts += [Fact("size left out", (text,)) for text in open_]
    return open_


def _small(difference: Dim, most: int = 3) -> list[dict[str, Any]]:
    """A few small sizes for which a difference is 0."""
    names = sorted(difference.names)
    found = (dict(zip(names, n, strict=True)) for n in product(range(1, 5), repeat=len(names)))
    zeros = (sizes for sizes in found if difference.substitute(sizes) == 0)
    return list(islice(zeros, most)) if len(names) < 5 else []


def _put(part: Part, where: str, again: Callable[[Sizes], Verdict], sizes: Sizes) -> bool:
    """Whether all was decided at some sizes; what was goes into ``part``."""
    try:
        verdict = again(sizes)
    except DisagreementError:
        raise
    except AutogradError:
        return False
    decided = True
    for name, leaf in _both(part, verdict):
        if leaf.status == UNDECIDED:
            decided = False
        elif leaf.status != PROVED:
            reason = f"at {where}: {leaf.reason}"
            witness = leaf.witness and replace(leaf.witness, sizes=_all(sizes, leaf.witness.sizes))
            part.leaves[name] = replace(
                part.leaves[name], status=leaf.status, reason=reason, witness=witness
            )
    for own, theirs in (
        (part.excluded, verdict.excluded),
        (part.domain, verdict.domain),
    ):
        own += [text for text in theirs if text not in own]
    if decided:
        part.facts.append(Fact("size", (where,)))
    return decided


def _all(sizes: Sizes, others: Mapping[str, int]) -> dict[str, int]:
    """Sizes that are numbers or depend on others, as numbers, and the others."""
    return {**others, **{name: int(substitute(value, others)) for name, value in sizes.items()}}


def _both(part: Part, verdict: Verdict) -> Iterator[tuple[str, Any]]:
    for name in list(part.leaves):
        if part.leaves[name].status in (REFUTED, UNDECIDED):
            continue
        if name in verdict.leaves:
            yield name, verdict.leaves[name]
