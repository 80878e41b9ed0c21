"""Programs that are taken as a whole, with an axis in front: the same over their body on batches."""

from __future__ import annotations

from typing import Any

from ...abstract import Abstract
from ...context import within
from ...effects import Capture
from ...kinds import Call, Loop
from ...program import Application
from ...shelves import ARRAYS, TENSORS, Shelf
from ...tensors import Tensor, leaf
from ..compiled import taken
from ..loops import enclosed, looped
from .rules import BATCHED, Value, batch, spread


class _Batching:
    """The evaluator of programs that takes their steps on batches."""

    def __init__(self, size: Any) -> None:
        self._size = size

    def capture(self, var: Any, tensor: Tensor) -> Value:
        return tensor, False

    def literal(self, value: Any) -> Value:
        return value, False

    def apply(self, application: Application, operands: tuple[Value, ...]) -> Value:
        if application.primitive.picks:
            (whole, flags), index = operands[0], application.params["index"]
            return whole[index], flags[index]
        with within(scope=application.scope):
            return batch(TENSORS, application.primitive, operands, application.params, self._size)


@BATCHED.kind(Loop)
def _loop(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Value:
    """A loop over the body on batches: of the carries as soon as one iteration makes them so."""
    body, consts, carries = params["body"], params["consts"], params["carries"]
    split = consts + carries
    flags = list(flags)
    with within(capture=Capture(), recording=True, scope=(), phase=None):
        while True:
            inputs = [
                leaf(Abstract((size, *v.shape) if f else v.shape, v.dtype, v.weak), False, v.name, v.role)
                for v, f in zip(body.inputs, flags, strict=True)
            ]  # fmt: skip
            values = body.fold(_Batching(size), *zip(inputs, flags, strict=True))
            outputs = [values[o] for o in body.outputs]
            after = [f or g for f, (_, g) in zip(flags[consts:split], outputs, strict=False)]
            if after == flags[consts:split]:
                break
            flags[consts:split] = after
        made = [
            spread(TENSORS, t, size) if k < carries and after[k] and not f else t
            for k, (t, f) in enumerate(outputs)
        ]
        batched, constants = enclosed(body.name, inputs[:consts], inputs[consts:], made)
    constants = [t._value if xp is ARRAYS else t for t in constants[consts:]]
    operands: list[Any] = list(xs[:consts]) + constants
    for k in range(consts, split):
        same = flags[k] == _has(xs[k], body.inputs[k].shape)
        operands.append(xs[k] if same else spread(xp, xs[k], size))
    for x, f in zip(xs[split:], flags[split:], strict=True):
        operands.append(xp.transpose(x, axes=(1, 0, *range(2, len(x.shape)))) if f else x)
    count = consts + len(constants)
    options = carries, params["length"], params["reverse"]
    if xp is ARRAYS:
        loop_results = p.forward(
            *operands,
            body=batched,
            consts=count,
            carries=carries,
            length=options[1],
            reverse=options[2],
        )
    else:
        loop_results = looped(operands, batched, count, *options)
    results, kinds = [], []
    for k, (t, (_, f)) in enumerate(zip(loop_results, outputs, strict=True)):
        f = after[k] if k < carries else f
        turned = f and k >= carries
        results.append(xp.transpose(t, axes=(1, 0, *range(2, len(t.shape)))) if turned else t)
        kinds.append(f)
    return tuple(results), tuple(kinds)


@BATCHED.kind(Call)
def _call(xp: Shelf, p: Any, xs: Any, flags: Any, params: Any, size: Any) -> Value:
    """The body on batches."""
    body = params["body"]
    key = BATCHED, tuple(flags), size
    if key not in body.memo:
        with within(capture=Capture(), recording=True, scope=(), phase=None):
            inputs = [
                leaf(Abstract((size, *v.shape) if f else v.shape, v.dtype, v.weak), False, v.name, v.role)
                for v, f in zip(body.inputs, flags, strict=True)
            ]  # fmt: skip
            values = body.fold(_Batching(size), *zip(inputs, flags, strict=True))
            outputs = [values[o] for o in body.outputs]
            batched, constants = enclosed(body.name, [], inputs, [t for t, _ in outputs])
        body.memo[key] = batched, constants, tuple([f for _, f in outputs])
    batched, constants, kinds = body.memo[key]
    constants = [t._value if xp is ARRAYS else t for t in constants]
    return taken(xp, [*constants, *xs], batched, params["by"]), kinds


def _has(x: Any, shape: Any) -> bool:
    """Whether an operand has the mapped axis in front of ``shape``."""
    return len(x.shape) > len(shape)
