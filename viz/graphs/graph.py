"""Computation graphs: `draw_graph` of a model, of a recorded loss, or of a Program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

import autograd_core as ag
from autograd_core.errors import ConfigError, GraphError
from autograd_core.modes import mode
from autograd_core.options import Choice, Whole
from autograd_core.trees import flatten

from ..drawing.drawing import Drawing, Engine
from .backward import Source, with_backward
from .programs import picture_of
from .reading import SHOWABLE, Options

__all__ = ["draw_graph", "mode"]

View = Literal["forward", "backward", "combined"]

# Operations that are read in the seconds that anybody waits for a picture.
_MOST = 200_000


def draw_graph(
    subject: Any,
    *inputs: Any,
    view: View | None = None,
    show: Sequence[str] = ("shape", "value"),
    direction: Literal["TB", "LR"] = "TB",
    depth: int | None = None,
    values: bool = True,
    updates: bool = False,
    training: bool | None = None,
    max_nodes: int = 400,
    engine: Engine = "auto",
    timeout: float = 10.0,
) -> Drawing:
    """Draw what a model computes, what a loss was computed by, or what a Program says.

    Parameters
    ----------
    subject : Module or other callable, Tensor, or Program
        A callable is traced on ``inputs``, without any effect on it: running statistics, dropout
        counters and gradients stay as they are. A Tensor is drawn from its recorded graph, down to
        its leaves. A Program is drawn as it is.
    *inputs : array_like
        What the model or the Program is called with. A Program's may be left out (then without
        values); an ``ag.Abstract`` gives a shape alone.
    view : {"forward", "backward", "combined"}, optional
        Which part. "combined" has the values on the left and, opposite each of them, the
        operations of its backward; saved values are dashed lines across. The backward of a model
        is that of its output with respect to its parameters and float inputs. Default: "forward"
        for models and losses; whatever there is for Programs.
    show : sequence of str
        What stands in the nodes: any of "shape", "value", "dtype" (of every node, not only of those
        that differ from the most frequent), "grad" (of leaves, from ``.grad``), "letter" (its name
        in ``print(program)``), "line" (the user's line, recorded in anomaly mode).
    direction : {"TB", "LR"}
        Top to bottom, or left to right.
    depth : int, optional
        Modules nested deeper than this are folded into one node each: 0 folds the model itself,
        1 its children. Default: as deep as ``max_nodes`` allows.
    values : bool
        Whether to compute values; False draws from shapes alone.
    updates : bool
        Whether to draw what computes new running statistics and counters too.
    training : bool, optional
        Draw the model in training (True) or evaluation (False); its modes are restored. Default:
        as it is.
    max_nodes : int
        Beyond this number, modules are folded, outermost last; if that is not enough, the middle
        is left out and counted in one node.
    engine, timeout
        Who lays it out, see `Drawing`.

    Returns
    -------
    Drawing

    Raises
    ------
    GraphError
        If the loss's graph was freed by ``backward`` (pass ``retain_graph=True`` to it, or draw
        first), was never recorded, has no backward to show, or has more than 200,000 operations.
    ConfigError
        If an option is not one of those above, or the subject cannot be drawn.

    Notes
    -----
    A parameter or buffer is drawn near what reads it, once in each module that does. Operands stand
    in order from left to right (top to bottom under "LR"), and where order matters the arrows bear
    the operand's name: ``a − b``. A value that is nan or infinite has a red border. What is not
    known is "not computed", never 0.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, viz
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> drawing = viz.draw_graph((ag.tanh(x) ** 2).sum())
    >>> [node.title for node in drawing.picture.nodes]
    ['x', 'tanh', 'x²', 'Σ', 'output']
    """
    options = Options(view or "forward", tuple(show), direction, depth, values, updates, max_nodes)
    _check(options, view)
    source = _source(subject, inputs, training)
    if len(source.program.applications) > _MOST:
        raise GraphError(
            "draw_graph",
            f"the program has {len(source.program.applications):,} operations. Expected "
            f"{_MOST:,} at most. Draw a part of it: ag.trace of one of its functions.",
        )
    if isinstance(subject, ag.Program) and view is None:
        options.view = "combined" if source.has_backward else "forward"
    if options.view != "forward":
        source = with_backward(source)
    return Drawing(picture_of(source, options), engine, timeout)


def _check(options: Options, view: object) -> None:
    Choice((None, "forward", "backward", "combined")).check("draw_graph: view", view)
    Choice(("TB", "LR")).check("draw_graph: direction", options.direction)
    for word in options.show:
        Choice(tuple(SHOWABLE)).check("draw_graph: show", word)
    if options.depth is not None:
        Whole().check("draw_graph: depth", options.depth)
    Whole(10).check("draw_graph: max_nodes", options.max_nodes)


def _source(subject: Any, inputs: tuple[Any, ...], training: bool | None) -> Source:
    """The Program of what was passed, with what is known of its inputs."""
    if isinstance(subject, ag.Program):
        arrays = _arrays(inputs) if inputs or not subject.inputs else None
        return Source(subject, subject.name, arrays)
    if isinstance(subject, ag.Tensor):
        if inputs:
            raise ConfigError(
                "draw_graph",
                "a recorded tensor is drawn by itself. Expected no inputs beside it; "
                f"received {len(inputs)}.",
            )
        program = ag.introspect.program(subject, name=subject.name or "graph", limit=_MOST)
        return Source(program, subject.name or subject.role or "recorded graph", [])
    if not callable(subject):
        raise ConfigError(
            "draw_graph",
            "expected a model or another callable with its inputs, a Tensor with a "
            f"history, or a Program; received {type(subject).__name__}.",
        )
    if not inputs:
        raise ConfigError(
            "draw_graph",
            f"{type(subject).__name__} needs inputs to be traced on. Expected "
            "draw_graph(model, x), with a batch x of the shape that the model takes.",
        )
    with mode(subject, training):
        program = ag.trace(subject)(*inputs)
    return Source(program, program.name, _arrays(inputs))


def _arrays(inputs: tuple[Any, ...]) -> list[Any] | None:
    """The values of what a trace turns into inputs; None if one of them is a mere shape."""
    arrays = []
    for value in flatten(inputs)[0]:
        if isinstance(value, ag.Abstract):
            return None
        if isinstance(value, (ag.Tensor, np.ndarray, np.generic)) or type(value) is float:
            arrays.append(value)
    return arrays
