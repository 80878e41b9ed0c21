"""One picture and eight variants of it: what augmentation learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError

from ..drawing.chart import Chart
from ..drawing.marks import Grid
from ..drawing.plan import Axis, Panel
from ..registry import figure

__all__ = ["Variant", "chart_augmentation"]

SIDE = 28
COLUMNS = 3
ORIGINAL = "as it is"
# Of the example: how far a variant may be from the picture, as a share of what the picture itself is.
NEAR, FAR = 0.05, 2.0


class Variant(NamedTuple):
    """A picture, and what was done to it.

    Attributes
    ----------
    words : str
    pixels : ndarray, shape (H, W)
        Row 0 on top.
    """

    words: str
    pixels: Array


def drawn_letter() -> Array:
    """A letter b as a pen would write it, 28 × 28, in [0, 1]."""
    i, j = np.mgrid[:SIDE, :SIDE]
    stem = np.abs(j - 10.0) + np.maximum(0, np.abs(i - 13.5) - 8)
    bowl = np.abs(np.hypot(i - 17.0, j - 14.0) - 4.5)
    return np.clip(1.9 - np.minimum(stem, bowl), 0, 1)


def example() -> list[Variant]:
    """A letter, and what the layers of `nn.data` make of it."""
    import nn

    none: dict[str, Any] = {"classes": ()}
    ways = {
        "rotation": nn.data.Rotation(25, rng=0, **none),
        "stretch": nn.data.Stretch(1.35, rng=28, **none),
        "shear": nn.data.Shear(25, rng=24, **none),
        "shift": nn.data.Shift(0.2, rng=28, **none),
        "elastic": nn.data.Elastic(45.0, 4.0, rng=2, **none),
        "noise": nn.GaussianNoise(0.2, rng=5),
        "erasing": nn.data.Erasing((0.05, 0.1), p=1.0, fill=0.5, rng=11, **none),
        "zoom": nn.data.Stretch(1.35, keep_aspect=True, rng=17, **none),
    }
    letter = drawn_letter()
    return [
        Variant(ORIGINAL, letter),
        *(Variant(words, np.array(way(letter[None]).numpy())[0]) for words, way in ways.items()),
    ]


def holds(chart: Chart) -> bool:
    """Nine pictures, none like another, and each variant nearer to the letter than to its mirror image."""
    pictures = {
        panel.title: np.flipud(mark.values)
        for panel in chart.panels
        for mark in panel.marks
        if isinstance(mark, Grid)
    }
    if len(pictures) != COLUMNS**2 or ORIGINAL not in pictures:
        return False
    letter = pictures.pop(ORIGINAL)
    if letter.max() <= -letter.min():  # ink is light
        return False
    mirrored = letter[:, ::-1]
    size = np.sum(letter**2)
    for variant in pictures.values():
        # Of all places where it may lie, the best: a shift makes another letter of none.
        apart, other = (_apart(variant, shape) / size for shape in (letter, mirrored))
        changed = np.sum((variant - letter) ** 2) / size
        if not NEAR < changed < FAR or apart >= other:
            return False
    seen = [picture.tobytes() for picture in pictures.values()]
    return len(set(seen)) == len(seen)


def _apart(a: Array, b: Array) -> float:
    """The least square distance of two pictures, over all shifts of one around the edges."""
    product = np.fft.ifft2(np.fft.fft2(a) * np.conj(np.fft.fft2(b))).real.max()
    return float(np.sum(a**2) + np.sum(b**2) - 2 * product)


@figure(
    "augmentation",
    statement="Turned, stretched, slanted, moved, drawn on rubber, with noise, with a piece covered or zoomed, a b "
    "is another picture, and still nearer to a b than to a d: eight examples more for one label.",
    example=example,
    holds=holds,
)
def chart_augmentation(variants: Sequence[Variant]) -> Chart:
    """Pictures side by side, with what was done to each: the first as it is, the others augmented.

    Parameters
    ----------
    variants : sequence of Variant
        Or of (words, pixels).

    Raises
    ------
    ConfigError
        If there are none, or one is no picture, shape (H, W).

    Examples
    --------
    >>> import numpy as np
    >>> from viz.figures import Variant, chart_augmentation
    >>> chart_augmentation([Variant("as it is", np.eye(3))]).panels[0].title
    'as it is'
    """
    pictures = [Variant(words, np.asarray(pixels, float)) for words, pixels in variants]
    wrong = [v.pixels.shape for v in pictures if v.pixels.ndim != 2 or not v.pixels.size]
    if not pictures or wrong:
        raise ConfigError(
            "augmentation",
            f"expected pictures of shape (H, W); received {wrong[0] if wrong else 'none'}.",
        )
    first = pictures[0].pixels
    low, high = float(first.min()), float(first.max())  # noise beyond them is as dark, or as light
    if low == high:
        low, high = low - 1, high + 1
    panels = []
    for words, pixels in pictures:
        height, width = pixels.shape
        # Row 0 is on top in a picture, and at the bottom of a grid.
        grid = Grid(np.flipud(pixels), (0, width), (0, height), low, high, colours="gray")
        across, down = Axis("column", ticks=()), Axis("row, from above", ticks=())
        panels.append(Panel((grid,), across, down, words, square=True))
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    return Chart(
        "augmentation",
        "One example, and variants of it with the same label",
        tuple(panels),
        columns=columns,
        joined="both" if len({v.pixels.shape for v in pictures}) == 1 else "",
        size=(1.9 * columns + 0.4, 2.05 * rows + 0.3),
    )
