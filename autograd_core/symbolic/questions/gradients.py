"""`prove.backward`: whether the engine's gradient of a scalar is its derivative.

The forward is recorded (`subjects`), and once more with the engine's own backward behind it, by the VJP
rules that training runs. `methods` has both decided: at every size by `every_size`, and what that leaves
open at a fixed shape by `fixed_shape`. `reports` writes the verdict, and `crosscheck` runs what it says.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...abstract import Abstract
from ...errors import ProofError
from ...program import Program, Var
from ...shapes import watched
from ...tensors import Tensor
from ...tracing import trace
from ...transforms import value_and_grad
from .. import crosscheck, every_size, fixed_shape, flows, statements
from ..arguments import SECONDS, TERMS, check
from ..decide import PROVED
from ..facts import SumsTo
from ..formulas import Derivation
from ..limits import bounded
from ..methods import by_method
from ..polynomials import Budget, chosen
from ..sizes import at_sizes, bounds_of
from ..verdict import Part, Verdict
from .reports import cut_off, report, sizes_apart, undecided
from .subjects import named_inputs, recorded, subject, values_at_hand, with_outputs

__all__ = ["backward"]


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
    # 1. Record: the forward, and the forward once more with the engine's backward behind it, by the rules
    # that training runs. That is compared with sympy's derivative of the forward.
    with watched() as looks:
        program, numbers, facts = subject("prove.backward", loss, wrt, args, given)
    results = [tuple(o.shape) if isinstance(o, Var) else () for o in program.outputs]
    if len(results) != 1 or any(n != 1 for n in results[0]):
        raise ProofError(
            "prove.backward",
            f"{program.name} has outputs of shape {', '.join(map(str, results))}. "
            "Expected one scalar; reduce it with .sum() or .mean().",
        )
    with watched() as of_rules:
        combined = trace(value_and_grad(program.as_function(), numbers, unreachable="zero"))(
            *(Abstract(v.shape, v.dtype, v.weak) for v in program.inputs)
        )
    named = named_inputs(program, range(len(program.inputs)))
    leaves = {n: named[n] for n in numbers}
    shapes = {name: program.inputs[n].shape for n, name in leaves.items()}

    # 2. Decide: at every size, and what that leaves open at a fixed shape.
    budget = Budget(seconds, terms)
    chosen(engine)
    primal = with_outputs(program, [0])

    def with_gradients(wanted: Sequence[int]) -> Program[Any]:
        return with_outputs(combined, [0, *(1 + numbers.index(n) for n in wanted)])

    def at_every_size(wanted: Sequence[int]) -> Part:
        return every_size.gradients(primal, with_gradients(wanted), wanted, budget, engine, facts)

    def at_a_shape(sizes: dict[str, int], wanted: Sequence[int]) -> Part:
        programs = (primal.at(sizes), with_gradients(wanted).at(sizes))
        return fixed_shape.gradients(*programs, wanted, budget, engine, facts)

    def decided() -> Part:
        sizes = every_size.sizes_of(program)
        part = by_method(
            method, at_every_size, at_a_shape, leaves, shapes, sizes, bounds_of([program])
        )
        value = part.leaves.get("(value)")
        if value is not None and value.status == PROVED:
            del part.leaves["(value)"]  # the forward that was recorded again is the forward
        _, gap = every_size.sampled(combined, facts, list(named.values()))
        if gap:
            every_size.demoted(part, gap)
        return part

    with watched() as of_meanings:
        part = bounded(budget, decided, functools.partial(undecided, shapes))

    # 3. What the proof is not about: where derivatives end, and sizes that code asked about on the way,
    # which are decided apart by asking all of this again.
    def again(sizes: Mapping[str, Any], function: bool = False) -> Verdict:
        known = [replace(fact, array=name) for name, fact in facts]
        left = max(0.0, end - time.thread_time())
        changed = [at_sizes(a, sizes) for a in args] if function else ()
        return backward(
            loss if function else program.at(sizes),
            numbers, args=changed, given=known, seconds=left, terms=terms, method=method, engine=engine,
        )  # fmt: skip

    part.facts += [h.fact for h in flows.held(program, [program.inputs[n] for n in numbers])]
    part.facts += cut_off(program, numbers) if isinstance(loss, Tensor) else []
    open_ = sizes_apart(part, (program,), (loss,), looks, (of_rules, of_meanings), again)

    # 4. Say it, and look a second time, by numbers: that proves nothing, and can only take a proof away.
    claim = f"the gradient of {program.name} is its derivative"
    verdict = report(claim, part, shapes, (program, combined), start, open_=open_)
    at_hand = values_at_hand(program, loss, wrt, args)
    verdict = crosscheck.confirmed(
        verdict,
        crosscheck.Gradients(
            numbers, (program, combined), named, facts, at_hand, graph=recorded(loss, wrt)
        ),
    )
    return replace(
        verdict,
        statement=statements.gradient(program, combined, numbers, facts, part.decimal),
        derivation=Derivation(program, combined, {name: n for n, name in leaves.items()}, facts),
    )
