"""Where everything in a picture is: boxes, lines, the layout that holds them, and how large a node is.

What makes a layout are `layout` and the files that it chooses among; what draws one is `shapes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .layering import Run
from .picture import Node, Picture
from .style import LINE_SIZE, TITLE_SIZE, look_of
from .text import text_width

__all__ = [
    "CLUSTER_TITLE",
    "MARGIN",
    "PAD",
    "Box",
    "Layout",
    "Path",
    "curve",
    "node_size",
    "turned",
    "upright_sizes",
]

# An edge's line: ("M", x, y), ("L", x, y) and ("C", x1, y1, x2, y2, x, y).
Path = tuple[tuple[str | float, ...], ...]

MARGIN = 16.0
PAD = 10.0  # between a cluster's border and what is in it
CLUSTER_TITLE = 11.0  # size of its letters
UNIT = 11.0  # radius of a unit, in pictures of layers


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: centre and size, in pixels, y downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        """The smaller x."""
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        """The larger x."""
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        """The smaller y."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """The larger y."""
        return self.y + self.height / 2

    def overlaps(self, other: Box, by: float = 0.01) -> bool:
        """Whether the two share more than ``by`` pixels in both directions."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > by
            and min(self.bottom, other.bottom) - max(self.top, other.top) > by
        )


@dataclass(slots=True)
class Layout:
    """Where everything is.

    Attributes
    ----------
    nodes, edges
        As in the picture.
    clusters : list of (Box or None)
        None for a cluster without nodes.
    width, height : float
    runs : list of list of Run
        The edges before they became curves.
    mirrored : list of (Box or None)
        The clusters' images on the backward side.
    headings : list of (x, y, text)
        Titles of sides.
    """

    nodes: list[Box]
    clusters: list[Box | None]
    edges: list[Path]
    width: float
    height: float
    runs: list[list[Run]] = field(default_factory=list)
    mirrored: list[Box | None] = field(default_factory=list)
    headings: list[tuple[float, float, str]] = field(default_factory=list)


def node_size(node: Node) -> tuple[float, float]:
    """Width and height that hold a node's text in its shape."""
    shape = look_of(node.kind).shape
    if shape == "circle":
        return 2 * UNIT, 2 * UNIT
    wide = text_width(node.title, TITLE_SIZE, bold=True)
    for line in node.lines:
        wide = max(wide, text_width(line, LINE_SIZE))
    high = TITLE_SIZE * 1.25 + len(node.lines) * LINE_SIZE * 1.3
    if shape == "plain":
        return wide + 10, high + 4
    if shape == "none":
        return wide, high
    wide, high = wide + 18, high + 11
    if shape == "stadium":
        wide += high * 0.35
    elif shape == "hexagon":
        wide += high * 0.4
    elif shape == "cylinder":
        high += 10
    return max(wide, 40.0), high


def curve(runs: Iterable[Run]) -> Path:
    """Vertical pieces joined by S-curves; pieces above each other become one."""
    merged: list[list[float]] = []
    for x, start, end in runs:
        if merged and abs(merged[-1][0] - x) < 0.5:
            merged[-1][2] = end
        else:
            merged.append([x, start, end])
    path: list[tuple[str | float, ...]] = []
    before_x = before_y = 0.0
    for x, start, end in merged:
        if path:
            middle = (before_y + start) / 2
            path.append(("C", before_x, middle, x, middle, x, start))
        else:
            path.append(("M", x, start))
        if abs(end - start) > 0.05:  # else rounding would turn the arrow's head
            path.append(("L", x, end))
        before_x, before_y = x, end
    if len(path) == 1:
        path.append(("L", before_x, before_y))
    return tuple(path)


def upright_sizes(picture: Picture) -> list[tuple[float, float]]:
    """The nodes' sizes, with width and height changed for a picture from left to right."""
    sizes = [node_size(node) for node in picture.nodes]
    return [(high, wide) for wide, high in sizes] if picture.direction == "LR" else sizes


def turned(layout: Layout) -> Layout:
    """A layout from top to bottom as one from left to right."""
    return Layout(
        [_turned(box) for box in layout.nodes],
        [box and _turned(box) for box in layout.clusters],
        [_turned_path(path) for path in layout.edges],
        layout.height,
        layout.width,
        [],
        [box and _turned(box) for box in layout.mirrored],
        [(y, x, text) for x, y, text in layout.headings],
    )


def _turned(box: Box) -> Box:
    return Box(box.y, box.x, box.height, box.width)


def _turned_path(path: Path) -> Path:
    result = []
    for letter, *numbers in path:
        swapped = [numbers[k + 1 - 2 * (k % 2)] for k in range(len(numbers))]
        result.append((letter, *swapped))
    return tuple(result)
