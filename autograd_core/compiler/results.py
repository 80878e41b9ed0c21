"""Results of a compiled step that take part in gradients: outputs of one operation in the graph outside, or used up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..context import Context
from ..memory import SEQUENCE
from ..ops import linalg
from ..readings import record_of
from ..tensors import Tensor, leaf
from ..transforms.compiled import compiled
from .captured import Captured

__all__ = ["Node", "spent"]

_NEW = Tensor.__new__
_COMPILED, _PICK = record_of(compiled), record_of(linalg.pick)


def _computed(op: Any, inputs: Any, params: Any, data: Any, seq: int, context: Context) -> Tensor:
    t = _NEW(Tensor)
    t._value = data
    t._op = op
    t._inputs = inputs
    t._params = params
    t._seq = seq
    t._context = context
    t._grad = t._line = t.name = t.role = None
    t.requires_grad = True
    return t


def spent(data: Any, refusal: dict[str, str], seq: int, context: Context) -> Tensor:
    """A result that requires a gradient and has none any more, like a loss after its backward.

    Parameters
    ----------
    refusal : dict of str to str
        Under "refusal" what an error says to whom asks for it.
    """
    return _computed(_COMPILED, None, refusal, data, seq, context)


class Node:
    """How the results of a step become outputs of one operation in the graph outside.

    Parameters
    ----------
    captured : Captured
        With a ``carried``.
    body : Program
        The one that is carried, or it with more outputs, which are kept for its pullback.
    outputs : sequence of int
        Which of the runner's outputs those of the body are.
    by : callable
        What runs the body, and its pullback.
    """

    def __init__(self, captured: Captured, body: Any, outputs: Sequence[int], by: Any) -> None:
        sources = captured.carried.operands  # type: ignore[union-attr]
        self.same = [what if where == "tensor" else None for where, what in sources]
        self.others = [(k, *source) for k, source in enumerate(sources) if source[0] != "tensor"]
        self.params = {"body": body, "by": by}
        self.outputs = outputs
        self.picks = [{"index": k} for k in range(len(captured.carried.body.outputs))]  # type: ignore[union-attr]

    def operands(self, given: Sequence[Any], scalars: Sequence[float]) -> tuple[Any, ...]:
        """The operands, before the step runs: what it may write, or the caller may, is copied."""
        found: list[Any] = self.same.copy()
        for k, where, what in self.others:
            if where == "array":
                a = given[what]
                found[k] = a if type(a) is Tensor else leaf(np.array(a))
            elif where == "scalar":
                found[k] = float(scalars[what])
            elif where == "grad":
                found[k] = what._grad
            else:
                found[k] = leaf(np.array(what._value), what.requires_grad, what.name, what.role)
        return tuple(found)

    def results(
        self, found: Sequence[Any], operands: tuple[Any, ...], seq: int, context: Context
    ) -> list[Tensor]:
        """The outputs that are carried."""
        data = tuple([found[k] for k in self.outputs])
        node = _computed(_COMPILED, operands, self.params, data, seq, context)
        return [
            _computed(_PICK, (node,), params, data[k], SEQUENCE(), context)
            for k, params in enumerate(self.picks)
        ]
