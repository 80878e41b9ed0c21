"""Computation graphs: `draw_graph` of a model, of a recorded loss, or of a Program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import autograd_core as ag

from ..drawing.drawing import Drawing, Engine
from .backward import with_backward
from .options import Options, View
from .programs import picture_of
from .source import source_of

__all__ = ["draw_graph"]


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
    source = source_of(subject, inputs, training)
    if view is None and isinstance(subject, ag.Program) and source.has_backward:
        options = replace(options, view="combined")
    if options.view != "forward":
        source = with_backward(source)
    return Drawing(picture_of(source, options), engine, timeout)
