"""The network that dropout left for one sample: layers as columns of units, and the lines between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.kinds import Contract
from autograd_core.markup import visible
from autograd_core.options import Whole
from autograd_core.program import Var

from ..drawing.drawing import Drawing, Engine
from ..drawing.picture import Edge, Node, Picture
from ..drawing.text import shorten
from .masks import MaskedPass, masked_pass, place_of

__all__ = ["draw_dropout_mask"]

_COLUMN = 190.0  # from layer to layer
_UNIT = 30.0  # from unit to unit


def draw_dropout_mask(
    model: Any,
    inputs: Any,
    sample: int = 0,
    *,
    max_units: int = 14,
    engine: Engine = "auto",
    timeout: float = 10.0,
) -> Drawing:
    """Draw the sub-network that dropout left for one sample [Dropout].

    Layers are columns of units. A kept unit is filled, a dropped one hollow with its lines greyed:
    no value goes through them, and their weights get no gradient from this sample. Width of the
    other lines is the size of the weight.

    Parameters
    ----------
    model : Module
        With dropout in it. The mask is that of its next pass in training, whatever mode it is in.
    inputs : array_like
        A batch that the model takes, shape (samples, …).
    sample : int
        Which row of the batch.
    max_units : int
        Units drawn per layer, at least 2; the column says how many more there are.
    engine, timeout
        Who draws, see `Drawing`.

    Returns
    -------
    Drawing

    Raises
    ------
    ConfigError
        If the model draws no dropout mask, or the batch has no such sample.
    """
    Whole(2).check("draw_dropout_mask: max_units", max_units)
    passed = masked_pass(model, inputs, "draw_dropout_mask")
    samples = max(len(mask.kept) for mask in passed.masks.values())
    if not -samples <= sample < samples:
        raise ConfigError(
            "draw_dropout_mask", f"expected a sample from 0 to {samples - 1}; received {sample}."
        )
    picture = _network(_layers(passed), sample % samples, max_units, passed.program.name)
    return Drawing(picture, engine, timeout)


@dataclass(slots=True)
class _Layer:
    """A column: its units, the mask on them, and the weights that lead to it."""

    title: str
    units: int
    mask: Array | None = None  # (samples, units)
    weights: Array | None = None  # (units before, units)
    before: int | None = None  # which column they come from


def _layers(passed: MaskedPass) -> list[_Layer]:
    """The columns: the inputs, and the result of every product with weights.

    What comes between (biases, normalization, activations) leaves units in their column; a mask
    multiplied into a value belongs to the value's column.
    """
    program, values = passed.program, passed.values
    layers: list[_Layer] = []
    column: dict[Var, int] = {}
    mask_of = dict(passed.masks)
    fixed = {var for var, _ in program.captures}
    for var in program.inputs:
        if var.dtype.kind == "f" and len(var.shape) > 1:
            column[var] = len(layers)
            layers.append(_Layer(var.name or "input", _units(values[var])))
    for step in program:
        operands = [o for o in step.operands if isinstance(o, Var)]
        result = step.result
        data = [o for o in operands if o in column]
        if operands and all(o in fixed for o in operands):
            fixed.add(result)
            continue
        applied = next((mask_of[o] for o in operands if o in mask_of), None)
        if not data:
            if applied is not None and result not in mask_of:
                mask_of[result] = applied  # a mask that was cast or scaled
            continue
        here = max(column[o] for o in data)
        if len(result.shape) < 2:
            continue  # statistics over the batch
        weights = [o for o in operands if o in fixed and len(o.shape) > 1]
        if isinstance(step.primitive.kind, Contract) and weights:
            column[result] = len(layers)
            matrix = np.asarray(values[weights[0]])
            units = _units(values[result])
            fits = matrix.shape == (layers[here].units, units)
            title = place_of(step, f"layer {len(layers)}")
            layers.append(_Layer(title, units, None, matrix if fits else None, here))
            continue
        if applied is not None and applied.kept.shape[1] == layers[here].units:
            known = layers[here].mask
            layers[here].mask = applied.kept if known is None else known & applied.kept
        if _units(values[result]) == layers[here].units:
            column[result] = here
        else:
            column[result] = len(layers)
            title = place_of(step, f"layer {len(layers)}")
            layers.append(_Layer(title, _units(values[result]), before=None))
    return layers


def _units(value: Any) -> int:
    shape = np.shape(value)
    return int(np.prod(shape[1:], dtype=np.int64)) if len(shape) > 1 else 1


def _network(layers: list[_Layer], sample: int, max_units: int, name: str) -> Picture:
    nodes: list[Node] = []
    edges: list[Edge] = []
    tallest = max(min(layer.units, max_units) for layer in layers)
    drawn: list[list[int]] = []
    alive = [_alive(layer, sample) for layer in layers]
    notes = []
    for k, layer in enumerate(layers):
        x, shown = k * _COLUMN, min(layer.units, max_units)
        top = (tallest - shown) * _UNIT / 2
        kept = int(alive[k].sum())
        lines = [f"{layer.units:,} unit{'' if layer.units == 1 else 's'}"]
        if layer.mask is not None:
            lines.append(f"{kept:,} kept, {layer.units - kept:,} dropped")
            notes.append(
                f"{layer.title}: {kept:,} of {layer.units:,} units kept "
                f"({100 * kept / layer.units:.1f} %)."
            )
        nodes.append(Node("heading", layer.title, tuple(lines), at=(x, -52.0)))
        column = []
        for unit in range(shown):
            kind = "unit" if layer.mask is None else "kept" if alive[k][unit] else "dropped"
            details = (("layer", layer.title), ("unit", str(unit)))
            place = (x, top + unit * _UNIT)
            column.append(len(nodes))
            nodes.append(Node(kind, f"{layer.title}, unit {unit}", (), None, details, at=place))
        drawn.append(column)
        if layer.units > shown:
            more = f"… {layer.units - shown:,} more"
            hidden = int(alive[k][shown:].sum())
            line = (f"{hidden:,} of them kept",) if layer.mask is not None else ()
            nodes.append(Node("heading", more, line, at=(x, top + shown * _UNIT + 4)))
        if layer.before is not None:
            edges += _lines(layer, drawn[layer.before], column, alive[layer.before], alive[k])
    notes += [
        "Grey lines are those of dropped units: nothing of this sample passes through them.",
        "The width of a line is the size of its weight.",
    ]
    title = f"{visible(shorten(name, 60))} without the units dropped for sample {sample}"
    return Picture(title, tuple(nodes), tuple(edges), (), "LR", (f"Sample {sample}.", *notes))


def _alive(layer: _Layer, sample: int) -> Array:
    if layer.mask is None:
        return np.ones(layer.units, bool)
    row = layer.mask[sample if len(layer.mask) > 1 else 0]
    return np.asarray(row, bool)


def _lines(
    layer: _Layer, before: list[int], here: list[int], from_alive: Array, to_alive: Array
) -> Iterator[Edge]:
    """Lines between the drawn units of two columns."""
    sizes = None if layer.weights is None else np.abs(layer.weights.astype(np.float64))
    largest = 1.0 if sizes is None or not sizes.size else float(np.nanmax(sizes)) or 1.0
    for i, source in enumerate(before):
        for j, target in enumerate(here):
            if not (from_alive[i] and to_alive[j]):
                yield Edge(source, target, i, style="faint", weight=0.6)
            else:
                share = 0.5 if sizes is None else float(sizes[i, j]) / largest
                yield Edge(source, target, i, weight=0.3 + 1.5 * share)
