"""Which way a statement is proved: for every size at once, and what that leaves open entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import NoReadingError, ProofError
from ..shapes import Dim
from . import every_size
from .assumed import Fact
from .decide import PROVED, REFUTED, UNDECIDED
from .polynomials import Exhausted
from .sizes import fitting
from .verdict import LeafVerdict, Part

__all__ = ["by_method"]


def by_method(
    method: str | None,
    at_every_size: Callable[[Sequence[int]], Part],
    at_a_shape: Callable[[dict[str, int], Sequence[int]], Part],
    asked: Mapping[int, str],
    shapes: Mapping[str, Any],
    sizes: Sequence[str],
    bounds: Sequence[Dim] = (),
) -> Part:
    """INDEXED for all; what that leaves open goes to EXACT, where sizes are small numbers.

    Parameters
    ----------
    at_every_size, at_a_shape : callable
        The two proofs, of the leaves with these numbers; the second takes values for ``sizes``.
    asked : mapping of int to str
    shapes : mapping of str to shape
    sizes : sequence of str
        Names of sizes. If there are any, EXACT can refute a statement but not prove it.
    bounds : sequence of Dim, optional
        What has to be 0 or more: small sizes are the smallest that allow it.
    """
    if method == "EXACT" and sizes:
        raise ProofError(
            "prove",
            f"the EXACT evaluator works at a fixed shape; received sizes {', '.join(sizes)}.",
        )
    if method == "EXACT":
        return at_a_shape({}, list(asked))
    since: Fact | None = None
    try:
        part = at_every_size(list(asked))
        failed = ""
    except (ProofError, Exhausted) as error:
        if method == "INDEXED":
            raise
        part = Part()
        failed = str(error)
        since = _since(error)
    open_ = [
        n
        for n, name in asked.items()
        if name not in part.leaves or part.leaves[name].status != PROVED
    ]
    if not open_ and all(leaf.status == PROVED for leaf in part.leaves.values()):
        return part
    if method == "INDEXED":
        return part
    if not sizes:
        small = at_a_shape({}, open_ or list(asked))
        if since is not None:
            small.facts.insert(0, since)
        return _joined(part, small)
    small, where, values = Part(), "", dict[str, int]()
    for size in every_size.SIZES:
        values = fitting(dict.fromkeys(sizes, size), bounds)
        where = ", ".join(f"{name} = {n}" for name, n in values.items())
        try:
            small = at_a_shape(values, open_ or list(asked))
        except IndexError:
            continue  # the program takes an element that is not there at this size
        except (ProofError, Exhausted) as error:
            failed = failed or str(error)
        break
    for name in (asked[n] for n in open_):
        before, at_small = part.leaves.get(name), small.leaves.get(name)
        reason = failed or (before.reason if before is not None else "")
        if at_small is not None and at_small.status == REFUTED:
            witness = at_small.witness and replace(at_small.witness, sizes=values)
            reason = f"a counterexample at {where}"
            part.leaves[name] = replace(at_small, reason=reason, witness=witness)
            continue
        if at_small is not None:
            reason += f"; at {where}: {at_small.status}"
        part.leaves[name] = LeafVerdict(
            UNDECIDED, shapes[name], 0, reason, seconds=at_small.seconds if at_small else 0.0
        )
    return part


def _since(error: ProofError | Exhausted) -> Fact:
    """Why a statement is decided entry by entry."""
    if isinstance(error, NoReadingError):
        return Fact("no reading", (error.primitive, error.kind, error.why))
    return Fact("entries", (error.reason if isinstance(error, ProofError) else str(error),))


def _joined(general: Part, small: Part) -> Part:
    """Leaves in the order of the first, with what the second decided in place of what is open."""
    proved = {k: v for k, v in general.leaves.items() if v.status == PROVED}
    order = [*general.leaves, *(k for k in small.leaves if k not in general.leaves)]
    kept = general if proved else Part()
    return Part(
        {k: proved.get(k) or small.leaves.get(k) or general.leaves[k] for k in order},
        sorted({*kept.excluded, *small.excluded}),
        sorted({*kept.domain, *small.domain}),
        list(dict.fromkeys((*kept.facts, *small.facts))),
        {**kept.constants, **small.constants},
        kept.decimal or small.decimal,
    )
