"""Dropout masks: which units each sample kept, as a matrix and as the network that was left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_core as ag
from autograd_core.aliases import Array
from autograd_core.errors import ConfigError
from autograd_core.kinds import Contract
from autograd_core.markup import visible
from autograd_core.modes import mode
from autograd_core.options import Whole
from autograd_core.program import Application, Program, Var

from ..drawing.axes import new_axes
from ..drawing.drawing import Drawing, Engine
from ..drawing.picture import Edge, Node, Picture
from ..drawing.style import BACKGROUND, INK, KINDS, MUTED
from ..drawing.text import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_dropout_mask", "plot_dropout_mask"]

MASK = "dropout mask"
_COLUMN = 190.0  # from layer to layer
_UNIT = 30.0  # from unit to unit


@dataclass(frozen=True, slots=True)
class _Mask:
    """One mask of a traced model: what layer drew it, and its values, (samples, units)."""

    var: Var
    name: str
    values: Array


def plot_dropout_mask(
    model: Any, inputs: Any, ax: Axes | None = None, *, layer: int | None = None
) -> Axes:
    """Show the masks that dropout draws for a batch: a row per sample, a column per unit.

    The masks are those of the model's next pass in training, whatever mode it is in; drawing has
    no effect on it (the pass after this draws the same masks).

    Parameters
    ----------
    model : Module
        With dropout in it.
    inputs : array_like
        A batch that the model takes, shape (samples, …).
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure of pyplot's, which a notebook shows, and ``plt.show()``
        on a desktop; ``.figure.savefig("mask.png")`` writes it.
    layer : int, optional
        Which mask, counted from 0; default: all of them, side by side.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ConfigError
        If the model draws no dropout mask, or has none of number ``layer``.
    MissingDependencyError
        If matplotlib is not installed (extra ``plots``).
    """
    masks = _masks(model, inputs, "plot_dropout_mask")[1]
    if layer is not None:
        if not -len(masks) <= layer < len(masks):
            raise ConfigError(
                "plot_dropout_mask",
                f"expected layer from 0 to {len(masks) - 1}, since the model "
                f"draws {len(masks)} mask{'' if len(masks) == 1 else 's'}; received {layer}.",
            )
        masks = [masks[layer]]
    return _plot(masks, ax)


def _plot(masks: list[_Mask], ax: Axes | None) -> Axes:
    axes = new_axes("plot_dropout_mask") if ax is None else ax
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    kept, dropped, between = KINDS["kept"].fill, "#dfe3e8", BACKGROUND
    samples = max(len(mask.values) for mask in masks)
    gap = max(1, round(0.02 * sum(mask.values.shape[1] for mask in masks)))
    columns: list[Array] = []
    ticks, names = [], []
    start = 0
    for mask in masks:
        if columns:
            columns.append(np.full((samples, gap), 2))
            start += gap
        units = mask.values.shape[1]
        block = np.full((samples, units), 2)
        block[: len(mask.values)] = np.where(mask.values != 0, 0, 1)
        columns.append(block)
        ticks.append(start + (units - 1) / 2)
        names.append(f"{mask.name}\n{units:,} unit{'' if units == 1 else 's'}")
        start += units
    image = np.concatenate(columns, axis=1)
    axes.imshow(
        image,
        cmap=ListedColormap([kept, dropped, between]),
        vmin=0,
        vmax=2,
        aspect="auto",
        interpolation="nearest",
    )
    if image.shape[0] <= 40 and image.shape[1] <= 200:  # lines between cells that can be told apart
        # As lines of their own: a grid has none where a major tick, a layer's name, stands.
        rows, units = image.shape
        look: dict[str, Any] = {"color": BACKGROUND, "linewidth": 0.6}
        axes.vlines(np.arange(units + 1) - 0.5, -0.5, rows - 0.5, **look)
        axes.hlines(np.arange(rows + 1) - 0.5, -0.5, units - 0.5, **look)
        axes.set(xlim=(-0.5, units - 0.5), ylim=(rows - 0.5, -0.5))
    elements = sum(mask.values.size for mask in masks)
    alive = sum(int(np.count_nonzero(mask.values)) for mask in masks)
    axes.set_title(
        f"Dropout kept {alive:,} of {elements:,} units ({100 * alive / elements:.1f} %)",
        color=INK,
        loc="left",
        fontsize=11,
        fontweight="bold",
        pad=26,
    )
    axes.set_xticks(ticks, names, fontsize=9, parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("sample", color=MUTED)
    if image.shape[0] <= 20:
        axes.set_yticks(range(image.shape[0]))
    for side in axes.spines.values():
        side.set_visible(False)
    axes.legend(
        handles=[Patch(color=kept, label="kept"), Patch(color=dropped, label="dropped")],
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=2,
        frameon=False,
        fontsize=9,
        borderaxespad=0.1,
        handlelength=1,
    )
    return axes


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
    program, masks, values = _masks(model, inputs, "draw_dropout_mask")
    samples = len(masks[0].values)
    if not -samples <= sample < samples:
        raise ConfigError(
            "draw_dropout_mask", f"expected a sample from 0 to {samples - 1}; received {sample}."
        )
    layers = _layers(program, masks, values)
    picture = _network(layers, sample % samples, max_units, program.name)
    return Drawing(picture, engine, timeout)


# --- finding the masks ---------------------------------------------------------------------------


def _masks(
    model: Any, inputs: Any, operation: str
) -> tuple[Program[Any], list[_Mask], dict[Var, Any]]:
    """The traced model in training, its masks in order, and every value of the pass."""
    if not callable(model):
        raise ConfigError(
            operation, f"expected a model with dropout; received {type(model).__name__}."
        )
    with mode(model, training=True):
        program = ag.trace(model)(np.asarray(inputs) if isinstance(inputs, list) else inputs)
    steps = [step for step in program if step.result.role == MASK]
    given = [var for var in program.inputs if var.role == MASK]
    held = [var for var, _ in program.captures if var.role == MASK]
    if not steps and not given and not held:
        raise ConfigError(
            operation,
            f"{program.name} draws no dropout mask. Expected a model with a layer such "
            "as nn.Dropout(p=0.5, rng=rng) and p above 0 (a mask is found by its role, "
            f'"{MASK}"). Add one, or draw the model with draw_graph.',
        )
    values = program.values(inputs)
    masks = [_Mask(var, var.name or MASK, _rows(values[var])) for var in (*given, *held)]
    masks += [_Mask(s.result, _place(s, k), _rows(values[s.result])) for k, s in enumerate(steps)]
    return program, masks, values


def _rows(mask: Any) -> Array:
    """A mask as (samples, units)."""
    array = np.asarray(mask)
    return array.reshape(array.shape[0] if array.ndim else 1, -1)


def _place(step: Application, count: int) -> str:
    """Where a step stands, in words: "3 · Dropout"."""
    if not step.scope:
        return f"mask {count + 1}"
    name, colon, kind = step.scope[-1].partition(":")
    return visible(shorten(f"{name} · {kind}" if colon else name, 30))


# --- the network that is left --------------------------------------------------------------------


@dataclass(slots=True)
class _Layer:
    """A column: its units, the mask on them, and the weights that lead to it."""

    title: str
    units: int
    mask: Array | None = None  # (samples, units)
    weights: Array | None = None  # (units before, units)
    before: int | None = None  # which column they come from


def _layers(program: Program[Any], masks: list[_Mask], values: dict[Var, Any]) -> list[_Layer]:
    """The columns: the inputs, and the result of every product with weights.

    What comes between (biases, normalization, activations) leaves units in their column; a mask
    multiplied into a value belongs to the value's column.
    """
    layers: list[_Layer] = []
    column: dict[Var, int] = {}
    mask_of = {mask.var: mask for mask in masks}
    fixed = {var for var, _ in program.captures}
    for var in program.inputs:
        if var.dtype.kind == "f" and len(var.shape) > 1:
            column[var] = len(layers)
            layers.append(_Layer(var.name or "input", _units(values[var])))
    for count, step in enumerate(program):
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
            layers.append(_Layer(_place(step, count), units, None, matrix if fits else None, here))
            continue
        if applied is not None and applied.values.shape[1] == layers[here].units:
            known = layers[here].mask
            alive = applied.values != 0
            layers[here].mask = alive if known is None else known & alive
        if _units(values[result]) == layers[here].units:
            column[result] = here
        else:
            column[result] = len(layers)
            layers.append(_Layer(_place(step, count), _units(values[result]), before=None))
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
