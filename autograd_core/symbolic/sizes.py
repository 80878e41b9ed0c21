"""Sizes at which programs are there, and sizes that code asks about.

A slice z[2:] and a window of three elements are not there at every size: what is stated holds where
each axis has an element and each bound of a slice lies inside.

A branch on a shape goes another way at the sizes that it asks about, so they are decided apart.

A proof at symbolic sizes runs a rule, and the function that is traced, with sizes that equal no
number. Where the code asks whether one is 1, or equals another, the answer was no; for the size at
which it is yes, the code is run again, and what it does there is decided for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

from ..abstract import Abstract
from ..errors import AutogradError, DisagreementError
from ..ops import views
from ..ops.views import Index, run_of
from ..primitives import Primitive
from ..program import Program, Var
from ..readings import record_of
from ..shapes import Dim, Looks, substitute, vanishing
from ..tensors import Tensor
from .assumed import Fact
from .decide import PROVED, REFUTED, UNDECIDED
from .verdict import Part, Verdict

__all__ = [
    "asked_before",
    "at_sizes",
    "bounds_of",
    "bounds_of_step",
    "decide_apart",
    "fitting",
    "hold",
    "in_words",
]

Sizes = Mapping[str, Any]


def bounds_of(programs: Iterable[Program[Any]]) -> list[Dim]:
    """What has to be 0 or more, so that programs are there: polynomials in their sizes."""
    found: dict[Dim, None] = {}
    for program in programs:
        variables = (*program.inputs, *(v for v, _ in program.captures))
        found |= dict.fromkeys(n - 1 for v in variables for n in v.shape if isinstance(n, Dim))
        for step in program:
            shapes = [tuple(o.shape) for o in step.operands if isinstance(o, Var)]
            found |= dict.fromkeys(
                bounds_of_step(step.primitive, shapes, step.params, step.result.shape)
            )
    return _needed(found)


def bounds_of_step(
    primitive: Primitive, shapes: Sequence[Any], params: Mapping[str, Any], result: Sequence[Any]
) -> Iterator[Dim]:
    """What has to be 0 or more, so that one step is there."""
    found = [n - 1 for n in result]
    index = params.get("index")
    if isinstance(index, Index):
        for e, n in index.along(params.get("shape", shapes[0])):
            run = run_of(n, *e[1:]) if isinstance(e, tuple) and isinstance(n, Dim) else None
            found += [] if run is None else [run[0], n - run[3]]
    elif primitive is record_of(views.roll_):
        found.append(shapes[0][params["axis"]] - abs(params["shift"]))
    yield from (n for n in found if isinstance(n, Dim))


def _needed(bounds: Iterable[Dim]) -> list[Dim]:
    """Those that say something, given what bounds of one size alone say of it."""
    bounds = list(bounds)
    least = _least(bounds)

    def holds(bound: Dim) -> bool:
        if alone := _alone(bound):
            return alone[1] <= 1
        above = bound.substitute({n: Dim.named(n) + least.get(n, 1) for n in bound.names})
        return (
            not any(c < 0 for c in above.terms.values()) if isinstance(above, Dim) else above >= 0
        )

    return [bound for bound in bounds if not holds(bound)]


def hold(bounds: Iterable[Dim], sizes: Sizes, given: Sequence[Dim] = ()) -> bool:
    """Whether bounds are 0 or more at sizes that are numbers, or others where ``given`` hold."""
    values = [b.substitute(sizes) for b in bounds]
    return not any(map(_short, values)) and not (
        set(_needed([*given, *(n for n in values if isinstance(n, Dim))])) - set(given)
    )


def fitting(sizes: Mapping[str, int], bounds: Sequence[Dim]) -> dict[str, int]:
    """Sizes as they are wanted from 1 on, so much larger that the bounds are 0 or more, if that is found."""
    least = _least(bounds)
    found = {name: n + least.get(name, 1) - 1 for name, n in sizes.items()}
    for _ in range(_MOST):
        short = next((b for b in bounds if _short(b.substitute(found))), None)
        if short is None:
            break
        found |= {n: found[n] + 1 for m, c in short.terms.items() if c > 0 for n in m}
    return found


def in_words(names: Iterable[str], bounds: Sequence[Dim]) -> str:
    """The sizes of a statement: B ≥ 1, L ≥ 3, and what has to hold of several together."""
    least = _least(bounds)
    words = [f"{name} ≥ {least.get(name, 1)}" for name in names]
    return ", ".join([*words, *(f"{b} ≥ 0" for b in bounds if _alone(b) is None)])


_MOST = 64  # steps that are tried


def _least(bounds: Iterable[Dim]) -> dict[str, int]:
    least: dict[str, int] = {}
    for name, value in filter(None, map(_alone, bounds)):
        least[name] = max(value, least.get(name, 1))
    return least


def _alone(bound: Dim) -> tuple[str, int] | None:
    """The least value of a size that a bound of it alone allows."""
    named = [(m, c) for m, c in bound.terms.items() if m]
    if len(named) != 1 or len(named[0][0]) != 1 or named[0][1] < 0:
        return None
    (((name,), slope),) = named
    return name, -(bound.terms.get((), 0) // slope)


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
    part: Part,
    names: Sequence[str],
    looks: Looks,
    again: Callable[[Sizes], Verdict] | None,
    bounds: Sequence[Dim] = (),
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
            if sizes in done or any(_short(b.substitute(sizes)) for b in bounds):
                continue
            done.append(sizes)
            text = ", ".join(f"{name} = {value}" for name, value in sizes.items())
            if again is None or not _put(part, f"{text}, which {who} asks for", again, sizes):
                open_.append(f"{text} (asked by {who})")
    part.facts += [Fact("size left out", (text,)) for text in open_]
    return open_


def _short(n: Any) -> bool:
    return not isinstance(n, Dim) and n < 0


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
