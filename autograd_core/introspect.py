"""The public, read-only view of a recorded graph: as a Program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import GraphError
from .graph import check_written, history
from .program import Program
from .tensors import Tensor
from .tracing import build
from .trees import flatten

__all__ = ["program"]


def program(
    outputs: Any, wrt: Sequence[Tensor] = (), name: str = "graph", limit: int | None = None
) -> Program[Any]:
    """The Program behind live tensors, with their leaves as captures.

    Parameters
    ----------
    outputs : Tensor, or nested lists, tuples and dicts of them
    wrt : sequence of Tensor, optional
        Leaves, or tensors on the way, that become the program's inputs.
    name : str
    limit : int, optional
        Refuse a graph of more tensors, before anything is built.

    Raises
    ------
    GraphError
        If the graph was freed by a backward (pass ``retain_graph=True`` to it), a leaf was written
        since it was recorded, nothing was recorded, or the graph is larger than ``limit``.
    """
    tensors, structure = flatten(outputs)
    for t in tensors:
        if type(t) is not Tensor:
            raise GraphError(
                "introspect.program", f"expected tensors; received {type(t).__name__}."
            )
        if t._op is None and not any(t is w for w in wrt):
            raise GraphError(
                "introspect.program",
                "this tensor has no recorded history. Expected the result of "
                "operations on a tensor with requires_grad=True, outside of no_grad; or trace the "
                "function: ag.trace(f)(x).",
            )
    try:
        nodes = history(tensors, False, {id(w): w for w in wrt})
        if limit is not None and len(nodes) > limit:
            raise GraphError(
                "introspect.program",
                f"the graph has {len(nodes):,} tensors. Expected {limit:,} at "
                "most. Take a part of it: ag.introspect.program(t, wrt=[an earlier tensor]).",
            )
        for node in nodes:
            check_written(node)
        return build(name, list(wrt), tensors, structure)
    except GraphError as error:
        if error.operation != "backward":
            raise
        raise error.of("introspect.program") from None
