"""Dropout masks of a batch: a row for each sample, a column for each unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.errors import ConfigError

from ..drawing.chart import Chart
from ..drawing.marks import Cells
from ..drawing.plan import Axis, Panel
from ..drawing.style import FAINT, KINDS
from ..graphs.masks import DropoutMask, read_dropout_masks
from ..registry import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["chart_dropout_mask", "plot_dropout_mask"]

KEPT, DROPPED = 0, 1  # kinds of cells
WORDS, FILLS = ("kept", "dropped"), (KINDS["kept"].fill, FAINT)
PARTED = (40, 200)  # rows and columns up to which cells with a line between them can be told apart

PROBABILITIES = (0.2, 0.5)  # of the example: of inputs and of hidden units, to be dropped
DEVIATIONS = 3.0  # of the dropped share, in standard deviations of a binomial one


def example() -> tuple[DropoutMask, ...]:
    """A network that drops inputs and hidden units, on twelve samples."""
    import nn

    inputs, hidden = PROBABILITIES
    model = nn.Sequential(
        nn.Dropout(inputs, rng=0), nn.Linear(24, 36, rng=1), nn.ReLU(),
        nn.Dropout(hidden, rng=2), nn.Linear(36, 2, rng=3),
    )  # fmt: skip
    return read_dropout_masks(model, np.ones((12, 24), np.float32))


def holds(chart: Chart) -> bool:
    """No two samples have one mask, and the dropped share is as near to p as chance lets it be."""
    cells = [mark for mark in chart.panels[0].marks if isinstance(mark, Cells)]
    if len(cells) != len(PROBABILITIES):
        return False
    for mark, p in zip(cells, PROBABILITIES, strict=True):
        share = (mark.kinds == DROPPED).mean()
        if abs(share - p) > DEVIATIONS * np.sqrt(p * (1 - p) / mark.kinds.size):
            return False
        if len(np.unique(mark.kinds, axis=0)) < len(mark.kinds):
            return False
    return True


@figure(
    "dropout-mask",
    statement="In training, dropout gives each sample a mask of its own: it drops about a fifth of the "
    "inputs where p is 0.2, and about half of the hidden units where p is 0.5.",
    example=example,
    holds=holds,
)
def chart_dropout_mask(masks: Sequence[DropoutMask]) -> Chart:
    """Which units each sample of a batch kept: a row for each sample, the layers side by side.

    Parameters
    ----------
    masks : sequence of DropoutMask
        As `viz.read_dropout_masks` gives them. One with a single row is shown for all samples.

    Raises
    ------
    ConfigError
        If there is no mask.

    Examples
    --------
    >>> import numpy as np, nn, viz
    >>> masks = viz.read_dropout_masks(nn.Dropout(0.5, rng=0), np.ones((4, 3)))
    >>> viz.figures.chart_dropout_mask(masks).panels[0].title
    'Dropout kept 2 of 12 units (16.7 %)'
    """
    if not masks:
        raise ConfigError("chart_dropout_mask", "expected a mask or more; received none.")
    samples = max(len(mask.kept) for mask in masks)
    tables = [_for_all(mask.kept, samples) for mask in masks]
    total = sum(table.shape[1] for table in tables)
    gap = max(1, round(0.02 * total))
    parted = samples <= PARTED[0] and total <= PARTED[1]
    marks, ticks, words = [], [], []
    start = -0.5
    for mask, table in zip(masks, tables, strict=True):
        end = start + table.shape[1]
        kinds = np.where(table, KEPT, DROPPED)
        marks.append(
            Cells(kinds, (start, end), (-0.5, len(table) - 0.5), WORDS, FILLS, mask.name, parted)
        )
        ticks.append((start + end) / 2)
        words.append(_words(mask, table))
        start = end + gap
    elements = sum(table.size for table in tables)
    alive = sum(int(np.count_nonzero(table)) for table in tables)
    x = Axis(
        "units, layer by layer", low=-0.5, high=start - gap, ticks=tuple(ticks), words=tuple(words)
    )
    few = tuple(range(samples)) if samples <= 20 else None
    y = Axis("sample", low=samples - 0.5, high=-0.5, ticks=few, whole=True)  # the first one on top
    title = f"Dropout kept {alive:,} of {elements:,} units ({100 * alive / elements:.1f} %)"
    return Chart(
        "plot_dropout_mask",
        "Dropout masks of a batch",
        (Panel(tuple(marks), x, y, title),),
        size=(max(7.2, 1.6 * len(masks)), 4.2),
    )


def plot_dropout_mask(
    model: Any, inputs: Any, ax: Axes | None = None, *, layer: int | None = None
) -> Axes:
    """Plot the masks that dropout draws for a batch: a row per sample, a column per unit.

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
    masks = read_dropout_masks(model, inputs)
    if layer is not None:
        if not -len(masks) <= layer < len(masks):
            raise ConfigError(
                "plot_dropout_mask",
                f"expected layer from 0 to {len(masks) - 1}, since the model "
                f"draws {len(masks)} mask{'' if len(masks) == 1 else 's'}; received {layer}.",
            )
        masks = (masks[layer],)
    return chart_dropout_mask(masks).draw(ax)


def _for_all(kept: np.ndarray, samples: int) -> np.ndarray:
    """A single row is the mask of every sample."""
    return np.repeat(kept, samples, axis=0) if len(kept) == 1 else kept


def _words(mask: DropoutMask, table: np.ndarray) -> str:
    units = table.shape[1]
    shared = "\none mask for all" if len(mask.kept) < len(table) else ""
    return f"{mask.name}\n{units:,} unit{'' if units == 1 else 's'}{shared}"
