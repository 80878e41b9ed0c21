"""`prove.equal`: whether two computations have the same value, entry by entry.

As `gradients`, with two programs of the same inputs in the place of a gradient and a derivative. Arrays
of equal values that both sides closed over are one symbol; where they may have been made of others, by
steps that nobody recorded, a difference has to show with their values at hand.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...abstract import Abstract
from ...errors import ProofError
from ...program import Program, Var
from ...shapes import watched
from ...tensors import Tensor
from .. import crosscheck, every_size, fixed_shape, statements
from ..arguments import SECONDS, TERMS, check
from ..decide import REFUTED, UNDECIDED, worst
from ..facts import SumsTo
from ..limits import bounded
from ..methods import by_method
from ..polynomials import Budget, chosen
from ..sizes import at_sizes, bounds_of
from ..verdict import Part, Verdict
from .reports import report, sizes_apart, undecided
from .subjects import named_inputs, subject, values_at_hand, with_outputs

__all__ = ["equal"]


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
        left, numbers, facts = subject("prove.equal", lhs, wrt, args, given, sides)
        right, _, _ = subject("prove.equal", rhs, wrt, args, given, sides)
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

    def at_every_size(wanted: Sequence[int]) -> Part:
        programs = (with_outputs(left, wanted), with_outputs(right, wanted))
        return every_size.equations(*programs, [names[n] for n in wanted], budget, engine, facts)

    def at_a_shape(sizes: dict[str, int], wanted: Sequence[int]) -> Part:
        programs = (with_outputs(left, wanted).at(sizes), with_outputs(right, wanted).at(sizes))
        return fixed_shape.equations(*programs, [names[n] for n in wanted], budget, engine, facts)

    asked = dict(enumerate(names))
    output_shapes = dict(zip(names, results[0], strict=True))
    sizes = list(dict.fromkeys((*every_size.sizes_of(left), *every_size.sizes_of(right))))

    bounds = bounds_of((left, right))

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
            lambda: by_method(
                method, at_every_size, at_a_shape, asked, output_shapes, sizes, bounds
            ),
            functools.partial(undecided, output_shapes),
        )
    open_ = sizes_apart(part, (left, right), (lhs, rhs), looks, (of_meanings,), again)
    shapes = {name: left.inputs[n].shape for n, name in named_inputs(left, numbers).items()}
    claim = f"{left.name} equals {right.name}"
    verdict = report(claim, part, shapes, (left, right), start, rules=False, open_=open_)
    verdict = replace(verdict, statement=statements.equal(left, right, facts, part.decimal))
    labelled = named_inputs(left, range(len(left.inputs)))
    at_hand = values_at_hand(left, lhs, wrt, args)
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


def _made(left: Program[Any], right: Program[Any]) -> bool:
    """Whether sides captured what may be made of other arrays, by steps that nobody recorded.

    So it is of anything without a name, also of numbers and truths, and of what a single side holds.
    """
    sides = [{id(t): t for _, t in p.captures} for p in (left, right)]
    arrays = {**sides[0], **sides[1]}
    return sides[0].keys() != sides[1].keys() or not all(map(_is_itself, arrays.values()))


def _is_itself(t: Tensor) -> bool:
    """Whether a captured tensor was made by no step: it has no values yet, or a name, or is trained."""
    return bool(isinstance(t._value, Abstract) or t.name or t.role or t.requires_grad)


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
