"""The primitive `compiled`: a Program taken as one operation, by whoever compiled it; its pullback.

The pullback of a body is derived once and is a body, too: so there are derivatives of any order. What
it reads of the forward is kept by the forward from the second time on that a gradient is asked for;
the first time it is computed again, and by NumPy: most programs are never pulled back, and need not
be compiled for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..abstract import Abstract, native
from ..aliases import ArrayLike, Params
from ..context import CONTEXT, within
from ..effects import Capture
from ..errors import DTypeError, ShapeError
from ..evaluators import RECORDING
from ..graph import history, operands_of, pullback
from ..kinds import Call, View, shape_of
from ..primitives import REGISTRY, apply, primitive
from ..program import Program, Var
from ..shelves import ARRAYS, TENSORS
from ..tensors import Tensor, leaf
from ..tracing import trace
from .loops import enclosed, sources
from .scanning import scan as loop

__all__ = ["keeping", "taken"]


class _Pulled(NamedTuple):
    """A pullback ready to run: its body, and where its operands and its results belong."""

    body: Program[Any]
    operands: list[int]  # of the forward, by position
    constants: list[Tensor]
    kept: list[int]  # outputs of the forward
    live: list[int]  # outputs whose cotangents it reads
    reached: list[int]  # operands of the forward whose cotangents it gives
    complete: bool  # whether it computes nothing again


class _Pullback:
    """A body run on variables and pulled back, without values, as a graph.

    Parameters
    ----------
    asked : tuple of int
        Inputs whose cotangents are wanted.
    live : tuple of int
        Outputs that a cotangent reaches.

    Attributes
    ----------
    frontier : list of Var
        What the pullback reads of the forward and that is worth keeping.
    """

    def __init__(self, body: Program[Any], asked: tuple[int, ...], live: tuple[int, ...]) -> None:
        self.name = body.name
        with within(capture=Capture(), recording=True, phase=None, scope=()):
            self.inputs = [
                leaf(Abstract(v.shape, v.dtype, v.weak), k in asked, v.name, v.role)
                for k, v in enumerate(body.inputs)
            ]
            values = body.fold(RECORDING, *self.inputs)
            results = {k: values[body.outputs[k]] for k in live}  # type: ignore[index]
            self.seeds = {
                k: leaf(Abstract(t.shape, t.dtype)) for k, t in results.items() if t.requires_grad
            }
            outputs = [results[k] for k in self.seeds]
            wanted = {id(self.inputs[k]): self.inputs[k] for k in asked}
            nodes = history(outputs, True, wanted)
            with np.errstate(all="ignore"):
                seeds, masked = list(self.seeds.values()), CONTEXT.get().masked
                cotangents = pullback(outputs, seeds, TENSORS, nodes, wanted, masked=masked)
        self.parts = {k: cotangents[self.inputs[k]] for k in asked if self.inputs[k] in cotangents}
        self._tensor = {var: t for var, t in values.items() if type(t) is Tensor}
        self._var = {id(t): var for var, t in self._tensor.items()}
        self._once([t for t in values.values() if type(t) is tuple])
        self._vary: set[Var] = set(body.inputs)
        for step in body.applications:
            if not self._vary.isdisjoint(step.operands):
                self._vary.add(step.result)
        self.frontier = self._read()

    def _once(self, tuples: list[tuple[Tensor, ...]]) -> None:
        """An output that a rule picks again is the one that the forward has picked."""
        picks = {(id(operands_of(t)[0]), k): t for ts in tuples for k, t in enumerate(ts)}  # type: ignore[index]
        if not picks:
            return
        stop = {id(t): t for t in self.inputs}
        for t in history(list(self.parts.values()), False, stop):
            if t._op is not None and t._op.picks:
                same = picks.get((id(operands_of(t)[0]), t._params["index"]))  # type: ignore[index]
                if same is not None and same is not t:
                    t._op, t._inputs, t._params = REGISTRY["identity"], same, {}

    def _read(self) -> list[Var]:
        read: dict[Var, None] = {}
        stack, seen = list(self.parts.values()), set()
        while stack:
            t = stack.pop()
            if id(t) in seen or t._op is None:
                continue
            seen.add(id(t))
            operands = [a for a in operands_of(t) or () if type(a) is Tensor]
            var = self._var.get(id(t))
            if var is None or var not in self._vary or var.weak or _cheap(t, operands):
                stack.extend(operands)
            else:
                read[var] = None
        return list(read)

    def assembled(self, outputs: Sequence[Any]) -> _Pulled:
        """The pullback's own body; reads those of the forward's outputs that are on the frontier."""
        wanted = set(self.frontier)
        saved: dict[int, int] = {}
        for k, o in enumerate(outputs):
            if o in wanted:
                saved.setdefault(id(self._tensor[o]), k)
        inputs = self.inputs
        stop = dict.fromkeys([*map(id, inputs), *saved, *map(id, self.seeds.values())])
        roots = list(self.parts.values())
        reached = {id(t) for t in history(roots, False, stop)}
        operands = [k for k, t in enumerate(inputs) if id(t) in reached]
        kept = {key: k for key, k in saved.items() if key in reached}
        live = [k for k, t in self.seeds.items() if id(t) in reached]
        tensors = {id(t): t for t in self._tensor.values()}
        body, values = enclosed(
            f"pullback of {self.name}",
            [inputs[k] for k in operands],
            [*(tensors[key] for key in kept), *(self.seeds[k] for k in live)],
            roots,
        )
        return _Pulled(
            body,
            operands,
            values[len(operands) :],
            list(kept.values()),
            live,
            list(self.parts),
            len(saved) == len(wanted),
        )


def _cheap(t: Tensor, operands: list[Tensor]) -> bool:
    """Whether a value is rather computed again than kept."""
    p = t._op
    return p.converts or (isinstance(p.kind, View) and len(operands) == 1 and not p.picks)


def _pullback(body: Program[Any], asked: tuple[int, ...], live: tuple[int, ...]) -> _Pullback:
    key = _Pullback, asked, live, CONTEXT.get().masked
    if key not in body.memo:
        body.memo[key] = _Pullback(body, asked, live)
    found: _Pullback = body.memo[key]
    return found


def keeping(body: Program[Any], asked: tuple[int, ...]) -> Program[Any]:
    """The body, and where its gradient was asked for, with what its pullback reads as more outputs.

    Parameters
    ----------
    asked : tuple of int
        Inputs that a gradient may be asked for.
    """
    if "pulled" not in body.memo:
        return body
    key = keeping, asked
    if key not in body.memo:
        outputs = body.outputs
        live = tuple([k for k, o in enumerate(outputs) if o.dtype.kind == "f"])  # type: ignore[union-attr]
        pulled = _pullback(body, asked, live)
        more = [v for v in pulled.frontier if v not in outputs]
        longer = body
        if more:
            outputs = (*outputs, *more)
            longer = Program(
                body.name, body.inputs, (), body.applications, outputs, [None] * len(outputs)
            )
            longer.memo[_Pullback, asked, live, CONTEXT.get().masked] = pulled
        body.memo[key] = longer
    known: Program[Any] = body.memo[key]
    return known


def taken(xp: Any, operands: Sequence[Any], body: Program[Any], by: Any) -> tuple[Any, ...]:
    """A body on a shelf's operands; where a gradient may follow again, with what it will read."""
    if xp is ARRAYS:
        found = _forward(*operands, body=body, by=by) if by is None else by(body, operands)
        return tuple(found)
    count = len(body.outputs)
    asked = tuple([k for k, a in enumerate(operands) if type(a) is Tensor and a.requires_grad])
    if asked:
        body = keeping(body, asked)
    found = apply(REGISTRY["compiled"], tuple(operands), {"body": body, "by": by})
    return tuple(found)[:count]


def _forward(*operands: Any, body: Program[Any], by: Any) -> tuple[Any, ...]:
    if by is not None:
        return tuple(by(body, operands))
    with np.errstate(all="ignore"):
        found = body(*operands)
    return tuple([_own(np.asarray(x, o.dtype), operands) for x, o in zip(found, body.outputs, strict=True)])  # type: ignore[union-attr]  # fmt: skip


def _own(value: Any, operands: Sequence[Any]) -> Any:
    """A result in memory of its own; a number, where it has no axis."""
    if value.shape == ():
        return value[()]
    shared = value.base is not None or any(value is a for a in operands)
    return value.copy() if shared else value


def _rule(
    xp: Any,
    asked: tuple[int, ...],
    g: Any,
    y: Any,
    *operands: Any,
    body: Program[Any],
    by: Any,
) -> dict[int, Any]:
    """Cotangents by the body's own pullback, compiled like it."""
    live = tuple([k for k, part in enumerate(g) if part is not None])
    key = _Pulled, asked, live, CONTEXT.get().masked
    if key not in body.memo:
        body.memo[key] = _pullback(body, asked, live).assembled(body.outputs)
    pulled: _Pulled = body.memo[key]
    if not pulled.reached:
        return {}
    if not pulled.complete:
        body.memo["pulled"] = True
        by = None
    inputs = [operands[k] for k in pulled.operands]
    if xp is ARRAYS:
        inputs += [t._value for t in pulled.constants]
        inputs += [y[k] for k in pulled.kept]
    else:
        inputs += pulled.constants
        inputs += [xp.pick(y, index=k) for k in pulled.kept]
    inputs += [g[k] for k in pulled.live]
    return dict(zip(pulled.reached, taken(xp, inputs, pulled.body, by), strict=True))


def _reach(body: Program[Any], by: Any) -> tuple[frozenset[int], ...]:
    return sources(body)


def _fitting(operands: Any, params: Params) -> Params:
    """Params, once the operands fit the body's inputs."""
    inputs = params["body"].inputs
    if len(operands) != len(inputs):
        raise ShapeError(f"the body takes {len(inputs)} operands; received {len(operands)}")
    for k, (var, x) in enumerate(zip(inputs, operands, strict=True)):
        if var.weak:
            continue
        if shape_of(x) != var.shape:
            raise ShapeError(f"operand {k} has shape {shape_of(x)}; the body takes {var.shape}")
        if native(x.dtype) != var.dtype:
            raise DTypeError(
                "compiled",
                f"operand {k} has dtype {x.dtype}. Expected {var.dtype}, which the body takes. "
                "Cast it.",
            )
    return params


def _cases(c: Any) -> list[Any]:
    """Programs as one operation: of several outputs, one that reads an output, one that is a loop."""
    xp: Any = TENSORS

    def case(function: Any, *operands: Any) -> Any:
        program = trace(function)(*(Abstract(x.shape, x.dtype) for x in operands))
        outputs = program.outputs
        nested = [None] * len(outputs)
        body: Program[Any] = Program(
            program.name, program.inputs, (), program.applications, outputs, nested
        )
        return operands, {"body": body, "by": None}

    if not c.numbers:
        return [
            case(lambda a, b: (xp.exp(a * b), a @ b), c.real(2), c.real(2)),
            case(lambda a: (a * a,), c.real(2, 2)),
            case(
                lambda h, w: (loop(lambda h, _: (h * w, None), h, length=2)[0],),
                c.real(2),
                c.real(2),
            ),
        ]
    return [
        case(lambda a, b: (xp.sin(a @ b), xp.sum(a), b), c.real(2, 3), c.real(3)),
        case(lambda a: (loop(lambda c, x: (c * x, xp.sin(c)), a[0], a)[1],), c.real(3, 2)),
        case(lambda a, n: (a[n], xp.exp(a)), c.real(4), c.labels(3, below=4)),
    ]


@primitive(
    Call(),
    vjp=_rule,
    forward=_forward,
    prepare=_fitting,
    label="jit {body.name}",
    outputs=2,
    joint=True,
    reach=_reach,
    cases=_cases,
)
def compiled(
    *operands: ArrayLike, body: Any, by: Callable[[Any, Sequence[Any]], Sequence[Any]] | None
) -> Any:
    """A Program as one operation: what a call of a compiled function is, where a gradient goes through.

    Parameters
    ----------
    *operands : array_like
        In the order of the body's inputs, with their shapes and dtypes.
    body : Program
        Without captures and writes; its outputs are Vars, in a flat list.
    by : callable or None
        Runs it: of the body and arrays to new arrays. None: NumPy, step by step.

    Returns
    -------
    tuple of Tensor
        The outputs. In a program the body's steps stand in the place of this one.
    """
