"""Nested boxes: a picture's clusters laid out from the inside out.

Each cluster is laid out by itself and then stands in its parent as one box, so boxes never overlap
what is not theirs. An edge that crosses a border goes through a port; all edges of one value share
it. Clusters must be called one after the other (as module calls are), else a cycle between boxes
is drawn with an edge that goes back up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .layering import Arrangement, Level, Link, Run, arrange
from .picture import Picture
from .places import CLUSTER_TITLE, MARGIN, PAD, Box, Layout, upright_sizes
from .text import text_width

__all__ = ["Nested"]

_ROW = CLUSTER_TITLE + 7.0
_TOKENS = frozenset({"parameter", "buffer", "constant", "saved"})


class _Piece(NamedTuple):
    """A part of an edge within one container; where it touches a box is known when that is laid out."""

    source: int  # item
    source_box: int | None  # the cluster that the item is
    target: int  # item
    target_box: int | None
    node: int  # the value: pieces of one share a line
    offset: float  # from the middle of the target
    weight: float


@dataclass(slots=True)
class _Container:
    """A cluster, or the whole: its items, and links between them before offsets are known."""

    depth: int
    sizes: list[tuple[float, float]] = field(default_factory=list)
    boxes: dict[int, int] = field(default_factory=dict)  # child cluster -> item
    entries: dict[int, int] = field(default_factory=dict)  # source node -> port item
    exits: dict[int, int] = field(default_factory=dict)
    pieces: list[_Piece] = field(default_factory=list)
    known: dict[tuple[int, int, int], int] = field(default_factory=dict)
    titled: bool = False
    arrangement: Arrangement | None = None
    # Extent of the box around it, in its own coordinates: left, right, top, bottom.
    extent: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def item(self, size: tuple[float, float]) -> int:
        self.sizes.append(size)
        return len(self.sizes) - 1


class Nested:
    """A picture being laid out.

    Parameters
    ----------
    picture : Picture
    sizes : sequence of (width, height), optional
        Room for each node, where it is not to be the node's own size. As drawn from top to bottom:
        for a picture from left to right, width and height change places.
    """

    def __init__(
        self, picture: Picture, sizes: Sequence[tuple[float, float]] | None = None
    ) -> None:
        self.picture = picture
        self.sideways = picture.direction == "LR"
        self.root = len(picture.clusters)
        self.parent = [self.root if c.parent is None else c.parent for c in picture.clusters]
        self.containers = [_Container(self._depth(c)) for c in range(self.root)]
        self.containers.append(_Container(0))
        self.home = [self.root if n.cluster is None else n.cluster for n in picture.nodes]
        self.sizes = list(sizes or upright_sizes(picture))
        self.item: list[int] = []
        # For each edge, the pieces of its line: (container, piece).
        self.parts: list[list[tuple[int, int]]] = []

    def _depth(self, cluster: int) -> int:
        return sum(1 for _ in self.picture.ancestors(cluster))

    def layout(self) -> Layout:
        """Arrange all levels; boxes, runs and size as drawn from top to bottom."""
        for node, container in enumerate(self.home):
            self._open(container)
            self.item.append(self.containers[container].item(self.sizes[node]))
        offsets = self._slot_offsets()
        for number, edge in enumerate(self.picture.edges):
            self.parts.append(self._split(edge.source, edge.target, offsets[number]))
        for number in sorted(range(self.root + 1), key=lambda c: -self.containers[c].depth):
            self._arrange(number)
        return self._absolute()

    def _open(self, container: int) -> None:
        """Give a cluster and those around it their box in their parent, outermost first."""
        for cluster in [*self.picture.ancestors(container)][::-1] if container < self.root else ():
            parent = self.containers[self.parent[cluster]]
            if cluster not in parent.boxes:
                parent.boxes[cluster] = parent.item((0.0, 0.0))
                own = self.containers[cluster]
                title = self.picture.clusters[cluster].title
                if title and not self.sideways:
                    own.titled = True
                    own.item((text_width(title, CLUSTER_TITLE, bold=True) + 4, _ROW))

    def _slot_offsets(self) -> list[float]:
        """Where each edge meets its target, from the centre: operands from left to right.

        A single operand that is not a mere token meets the middle, so that the main line of a
        network stays straight and its parameters stand aside.
        """
        incoming: dict[int, list[int]] = defaultdict(list)
        for number, edge in enumerate(self.picture.edges):
            if edge.style != "unseen":
                incoming[edge.target].append(number)
        offsets = [0.0] * len(self.picture.edges)
        for target, numbers in incoming.items():
            numbers.sort(key=lambda n: self.picture.edges[n].slot)
            many = len(numbers)
            step = min(22.0, 0.84 * self.sizes[target][0] / many)
            middle = (many - 1) / 2
            main = [
                place
                for place, n in enumerate(numbers)
                if self.picture.nodes[self.picture.edges[n].source].kind not in _TOKENS
            ]
            if len(main) == 1 and many <= 3:
                middle = main[0]
                step = min(step, 0.42 * self.sizes[target][0] / max(middle, many - 1 - middle, 1))
            for place, n in enumerate(numbers):
                offsets[n] = (place - middle) * step
        return offsets

    def _split(self, source: int, target: int, offset: float) -> list[tuple[int, int]]:
        """Cut an edge where it crosses borders; enter the pieces."""
        a, b = self.home[source], self.home[target]
        up, down = [], []
        while a != b:
            if self.containers[a].depth >= self.containers[b].depth:
                up.append(a)
                a = self.parent[a]
            else:
                down.append(b)
                b = self.parent[b]
        parts = []
        here, box = self.item[source], None
        inside = self.home[source]
        weight = 0.25 if self.picture.nodes[source].kind in _TOKENS else 1.0
        for cluster in up:
            container = self.containers[cluster]
            if source not in container.exits:
                container.exits[source] = container.item((2.0, 0.0))
            port = container.exits[source]
            parts.append((cluster, self._piece(container, here, box, port, None, source, weight)))
            inside = self.parent[cluster]
            here, box = self.containers[inside].boxes[cluster], cluster
        for cluster in reversed(down):
            container = self.containers[inside]
            child = container.boxes[cluster]
            parts.append(
                (inside, self._piece(container, here, box, child, cluster, source, weight))
            )
            inside = cluster
            entries = self.containers[cluster].entries
            if source not in entries:
                entries[source] = self.containers[cluster].item((2.0, 0.0))
            here, box = entries[source], None
        container = self.containers[inside]
        container.pieces.append(_Piece(here, box, self.item[target], None, source, offset, weight))
        parts.append((inside, len(container.pieces) - 1))
        return parts

    def _piece(
        self,
        container: _Container,
        here: int,
        box: int | None,
        there: int,
        child: int | None,
        source: int,
        weight: float,
    ) -> int:
        key = (here, there, source)
        if key not in container.known:
            container.known[key] = len(container.pieces)
            container.pieces.append(_Piece(here, box, there, child, source, 0.0, weight))
        return container.known[key]

    def _arrange(self, number: int) -> None:
        """Lay out one container, whose inner ones have their sizes; then it has its own."""
        container = self.containers[number]
        if not container.sizes:
            return
        for cluster, item in container.boxes.items():
            left, right, top, bottom = self.containers[cluster].extent
            container.sizes[item] = (right - left, bottom - top)
        links = []
        for p in container.pieces:
            box, child = p.source_box, p.target_box
            leave = 0.0 if box is None else self._port(box, p.node, entry=False)
            arrive = p.offset if child is None else self._port(child, p.node, entry=True)
            links.append(Link(p.source, p.target, leave, arrive, p.node, p.weight))
        level = Level(
            container.sizes,
            links,
            first={*container.entries.values(), *([0] if container.titled else ())},
            last=set(container.exits.values()),
            leftmost=0 if container.titled else None,
        )
        arrangement = arrange(level)
        container.arrangement = arrangement
        left, right = arrangement.left - PAD, arrangement.right + PAD
        top, bottom = -2.0 if container.titled else -PAD, arrangement.height + PAD
        if number < self.root and self.sideways:
            title = self.picture.clusters[number].title
            left -= _ROW
            bottom = max(bottom, top + text_width(title, CLUSTER_TITLE, bold=True) + 2 * PAD)
        container.extent = (left, right, top, bottom)

    def _port(self, cluster: int, source: int, entry: bool) -> float:
        """Where a value crosses the border of a cluster, from the middle of its box."""
        container = self.containers[cluster]
        ports = container.entries if entry else container.exits
        left, right, _, _ = container.extent
        x = container.arrangement.x[ports[source]] if container.arrangement else 0.0
        return x - (left + right) / 2

    def _absolute(self) -> Layout:
        """From places within each container to places in the picture, from the outside in."""
        origin = [(0.0, 0.0)] * (self.root + 1)
        left, right, top, bottom = self.containers[self.root].extent
        origin[self.root] = (MARGIN - left - PAD, MARGIN - top - PAD)
        clusters: list[Box | None] = [None] * self.root
        for number in sorted(range(self.root + 1), key=lambda c: self.containers[c].depth):
            container = self.containers[number]
            if container.arrangement is None:
                continue
            x0, y0 = origin[number]
            for cluster, item in container.boxes.items():
                x = x0 + container.arrangement.x[item]
                y = y0 + container.arrangement.y[item]
                wide, high = container.sizes[item]
                clusters[cluster] = Box(x, y, wide, high)
                inner = self.containers[cluster].extent
                origin[cluster] = (x - (inner[0] + inner[1]) / 2, y - high / 2 - inner[2])
        nodes = []
        for node, number in enumerate(self.home):
            arrangement = self.containers[number].arrangement or Arrangement([], [], [], 0, 0, 0)
            x0, y0 = origin[number]
            item = self.item[node]
            nodes.append(Box(x0 + arrangement.x[item], y0 + arrangement.y[item], *self.sizes[node]))
        runs = [list(self._runs(parts, origin)) for parts in self.parts]
        width = right - left - 2 * PAD + 2 * MARGIN
        height = bottom - top - 2 * PAD + 2 * MARGIN
        return Layout(nodes, clusters, [], width, height, runs)

    def _runs(
        self, parts: Sequence[tuple[int, int]], origin: Sequence[tuple[float, float]]
    ) -> Iterable[Run]:
        for number, piece in parts:
            arrangement = self.containers[number].arrangement
            x0, y0 = origin[number]
            for x, start, end in arrangement.routes[piece] if arrangement else ():
                yield x + x0, start + y0, end + y0
