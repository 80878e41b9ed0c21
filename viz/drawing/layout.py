"""Our own layout of a picture: layered with nested clusters, mirrored, or as placed.

All three give a `places.Layout`, as drawn from top to bottom; one from left to right is that, turned.
"""

from __future__ import annotations

from dataclasses import replace

from .mirror import lay_out_mirrored
from .nesting import Nested
from .picture import Picture
from .places import MARGIN, Box, Layout, Path, curve, node_size, turned

__all__ = ["lay_out"]


def lay_out(picture: Picture) -> Layout:
    """Place the nodes, clusters and edges of a picture."""
    if picture.placed:
        return _as_placed(picture)
    layout = lay_out_mirrored(picture) if picture.mirrored else _layered(picture)
    return turned(layout) if picture.direction == "LR" else layout


def _layered(picture: Picture) -> Layout:
    layout = Nested(picture).layout()
    return replace(layout, edges=[curve(runs) for runs in layout.runs])


def _as_placed(picture: Picture) -> Layout:
    """Nodes where the picture says, straight edges from right to left sides."""
    boxes = []
    for node in picture.nodes:
        x, y = node.at or (0.0, 0.0)
        boxes.append(Box(x, y, *node_size(node)))
    left = min(box.left for box in boxes) - MARGIN
    top = min(box.top for box in boxes) - MARGIN
    boxes = [Box(box.x - left, box.y - top, box.width, box.height) for box in boxes]
    edges: list[Path] = []
    for edge in picture.edges:
        a, b = boxes[edge.source], boxes[edge.target]
        edges.append((("M", a.right, a.y), ("L", b.left, b.y)))
    width = max(box.right for box in boxes) + MARGIN
    height = max(box.bottom for box in boxes) + MARGIN
    return Layout(boxes, [None] * len(picture.clusters), edges, width, height)
