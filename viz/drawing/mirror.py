"""The mirror layout: values on the left, and opposite each of them what its backward does.

The operations of one value's backward form a bundle. The forward side is laid out with room for
the bundles in each node's place; the backward side is its mirror image, with the bundles in it. So
partners stand at equal height, the backward's edges take the mirror images of the forward's ways
and go up, and saved values are short dashed lines across. (A general layered layout would pull
those lines through the whole picture; Graphviz takes minutes for a few hundred of them.)
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from .layering import Arrangement, Level, Link, Run, arrange
from .nesting import Nested
from .picture import Edge, Picture
from .places import Box, Layout, Path, curve, upright_sizes

__all__ = ["anchors", "lay_out_mirrored"]

BETWEEN = 56.0  # between the two sides
HEADING = 26.0  # room for the words over the two sides
SIDE_HEADING = 78.0  # and beside them, where the picture goes from left to right


def anchors(picture: Picture) -> dict[int, int]:
    """For each node of the backward side, the forward node that it stands opposite of."""
    facing: dict[int, int] = {}
    backward = {
        n
        for n, node in enumerate(picture.nodes)
        if node.partner is not None or node.kind == "adjoint"
    }
    near: dict[int, list[int]] = defaultdict(list)
    for edge in picture.edges:
        near[edge.target].append(edge.source)
    last = max((n for n in range(len(picture.nodes)) if n not in backward), default=0)
    for n in sorted(backward):
        partner = picture.nodes[n].partner
        if partner is not None and partner in backward:
            partner = facing.get(partner)  # the backward of a backward
        if partner is None:
            partner = next((facing[s] for s in near[n] if s in facing), last)
        facing[n] = partner
    return facing


@dataclass(slots=True)
class _Bundle:
    """What stands opposite one forward node, flowing upwards."""

    members: list[int]
    level: Level = field(default_factory=Level)
    item: dict[int, int] = field(default_factory=dict)
    entries: dict[int, int] = field(default_factory=dict)  # source node -> port item
    exits: dict[int, int] = field(default_factory=dict)
    link: dict[tuple[int, int], int] = field(default_factory=dict)
    arrangement: Arrangement | None = None

    def port(self, ports: dict[int, int], source: int) -> int:
        """The item of a port, made when first asked for."""
        if source not in ports:
            self.level.sizes.append((2.0, 0.0))
            ports[source] = len(self.level.sizes) - 1
        return ports[source]

    def connect(self, key: tuple[int, int], link: Link) -> None:
        """Enter a link under a name, once."""
        if key not in self.link:
            self.link[key] = len(self.level.links)
            self.level.links.append(link)


def lay_out_mirrored(picture: Picture) -> Layout:
    """Lay a picture with backward operations out, as drawn from top to bottom."""
    return _Mirror(picture).layout()


class _Mirror:
    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.sizes = upright_sizes(picture)
        self.anchor = anchors(picture)
        self.front = [n for n in range(len(picture.nodes)) if n not in self.anchor]
        self.place = {n: k for k, n in enumerate(self.front)}
        self.bundles: dict[int, _Bundle] = {}
        self.origin: dict[int, tuple[float, float]] = {}  # of bundles, by their partner
        for n, f in self.anchor.items():
            self.bundles.setdefault(f, _Bundle([])).members.append(n)
        self.offsets = self._slot_offsets()

    def _slot_offsets(self) -> dict[int, float]:
        """Where edges of the backward side meet the lower border of their target."""
        incoming: dict[int, list[int]] = defaultdict(list)
        for number, edge in enumerate(self.picture.edges):
            if edge.target in self.anchor and edge.source in self.anchor:
                incoming[edge.target].append(number)
        offsets = {}
        for target, numbers in incoming.items():
            numbers.sort(key=lambda n: self.picture.edges[n].slot)
            step = min(22.0, 0.84 * self.sizes[target][0] / len(numbers))
            for k, n in enumerate(numbers):
                offsets[n] = (k - (len(numbers) - 1) / 2) * step
        return offsets

    def layout(self) -> Layout:
        ways = self._arrange_bundles()
        forward, way_of = self._forward_picture(ways)
        room = []
        for n in self.front:
            wide, high = self.sizes[n]
            bundle = self.bundles.get(n)
            if bundle is not None and bundle.arrangement is not None:
                a = bundle.arrangement
                wide, high = max(wide, a.right - a.left), max(high, a.height)
            room.append((wide, high))
        base = Nested(forward, room).layout()
        self.turn = 2 * base.width + BETWEEN  # x of a mirror image: turn - x
        boxes: list[Box] = [Box(0, 0, 0, 0)] * len(self.picture.nodes)
        for n in self.front:
            spot = base.nodes[self.place[n]]
            boxes[n] = Box(spot.x, spot.y, *self.sizes[n])
            if n in self.bundles:
                self._settle(n, spot, boxes)
        edges = [
            self._path(number, edge, boxes, base, way_of)
            for number, edge in enumerate(self.picture.edges)
        ]
        width = self.turn
        layout = Layout(boxes, base.clusters, edges, width, base.height)
        layout.mirrored = self._mirrored(base)
        layout.headings = [
            (base.width / 2, 4.0, "forward"),
            (width - base.width / 2, 4.0, "backward"),
        ]
        return _lowered(layout, HEADING if self.picture.direction == "TB" else SIDE_HEADING)

    # --- bundles ----------------------------------------------------------------------------

    def _arrange_bundles(self) -> dict[tuple[int, int], None]:
        """Lay the bundles out; the pairs of forward nodes between which backward edges go."""
        for bundle in self.bundles.values():
            for n in bundle.members:
                bundle.item[n] = len(bundle.level.sizes)
                bundle.level.sizes.append(self.sizes[n])
        ways: dict[tuple[int, int], None] = {}
        for number, edge in enumerate(self.picture.edges):
            if edge.source not in self.anchor or edge.target not in self.anchor:
                continue
            f, g = self.anchor[edge.source], self.anchor[edge.target]
            here, there = self.bundles[f], self.bundles[g]
            # The level is drawn upside down: targets above sources.
            if f == g:
                link = Link(
                    here.item[edge.target], here.item[edge.source], self.offsets[number], 0, number
                )
                here.connect((number, 0), link)
                continue
            ways[g, f] = None
            port = here.port(here.exits, edge.source)
            here.connect((edge.source, -1), Link(port, here.item[edge.source], 0, 0, number))
            port = there.port(there.entries, edge.source)
            link = Link(there.item[edge.target], port, self.offsets[number], 0, number)
            there.connect((number, 1), link)
        for bundle in self.bundles.values():
            bundle.level.first = set(bundle.exits.values())
            bundle.level.last = set(bundle.entries.values())
            bundle.arrangement = arrange(bundle.level)
        return ways

    def _forward_picture(
        self, ways: dict[tuple[int, int], None]
    ) -> tuple[Picture, dict[tuple[int, int], tuple[int, bool]]]:
        """The forward side alone, with unseen edges where only the backward has a way.

        Also, for each pair of forward nodes, which edge goes between them and whether it goes from
        the second to the first.
        """
        edges: list[Edge] = []
        self.number: dict[int, int] = {}
        way_of: dict[tuple[int, int], tuple[int, bool]] = {}
        for number, edge in enumerate(self.picture.edges):
            if edge.source in self.place and edge.target in self.place:
                self.number[number] = len(edges)
                way_of.setdefault((edge.source, edge.target), (len(edges), False))
                source, target = self.place[edge.source], self.place[edge.target]
                edges.append(replace(edge, source=source, target=target))
        for g, f in ways:
            if (g, f) in way_of:
                continue
            if (f, g) in way_of:
                way_of[g, f] = (way_of[f, g][0], True)
                continue
            # Nodes stand in the order of the computation, so this closes no circle.
            upper, lower = min(g, f), max(g, f)
            way_of[g, f] = (len(edges), upper == f)
            edges.append(Edge(self.place[upper], self.place[lower], -1, style="unseen"))
        nodes = tuple(self.picture.nodes[n] for n in self.front)
        return replace(self.picture, nodes=nodes, edges=tuple(edges)), way_of

    def _settle(self, partner: int, spot: Box, boxes: list[Box]) -> None:
        """Give a bundle its place: the mirror image of its partner's room."""
        bundle = self.bundles[partner]
        a = bundle.arrangement or Arrangement([], [], [], 0, 0, 0)
        x0 = self.turn - spot.x - (a.left + a.right) / 2
        y0 = spot.y - a.height / 2
        for n in bundle.members:
            k = bundle.item[n]
            boxes[n] = Box(x0 + a.x[k], y0 + a.y[k], *self.sizes[n])
        self.origin[partner] = (x0, y0)

    # --- edges ------------------------------------------------------------------------------

    def _path(
        self,
        number: int,
        edge: Edge,
        boxes: list[Box],
        base: Layout,
        way_of: dict[tuple[int, int], tuple[int, bool]],
    ) -> Path:
        if number in self.number:
            runs = base.runs[self.number[number]]
            return curve(_ending(runs, boxes[edge.source].bottom, boxes[edge.target].top))
        if edge.source in self.anchor and edge.target in self.anchor:
            f, g = self.anchor[edge.source], self.anchor[edge.target]
            if f == g:
                runs = self._inner(f, (number, 0))
            else:
                runs = self._between(number, edge, f, g, base, way_of)
            return curve(_ending(runs, boxes[edge.source].top, boxes[edge.target].bottom))
        return _across(boxes[edge.source], boxes[edge.target], edge.slot)

    def _inner(self, partner: int, key: tuple[int, int]) -> list[Run]:
        """A link of a bundle from its source up to its target."""
        bundle = self.bundles[partner]
        x0, y0 = self.origin[partner]
        routes = bundle.arrangement.routes if bundle.arrangement else []
        route = routes[bundle.link[key]]
        return [(x + x0, end + y0, start + y0) for x, start, end in reversed(route)]

    def _between(
        self,
        number: int,
        edge: Edge,
        f: int,
        g: int,
        base: Layout,
        way_of: dict[tuple[int, int], tuple[int, bool]],
    ) -> list[Run]:
        """Out of one bundle, along the mirror image of the forward's way, into the other."""
        leaving = self._inner(f, (edge.source, -1))
        entering = self._inner(g, (number, 1))
        way, downwards = way_of[g, f]
        runs = [(self.turn - x, start, end) for x, start, end in base.runs[way]]
        if not downwards:
            runs = [(x, end, start) for x, start, end in reversed(runs)]
        first, last = leaving[-1][0], entering[0][0]
        runs[0] = (first, *runs[0][1:])
        runs[-1] = (last, *runs[-1][1:])
        return [*leaving, *runs, *entering]

    def _mirrored(self, base: Layout) -> list[Box | None]:
        """Images of the clusters that hold backward operations."""
        filled: set[int] = set()
        for f in self.bundles:
            filled.update(self.picture.ancestors(self.picture.nodes[f].cluster))
        return [
            Box(self.turn - box.x, box.y, box.width, box.height)
            if box is not None and number in filled
            else None
            for number, box in enumerate(base.clusters)
        ]


def _ending(runs: list[Run], start: float, end: float) -> list[Run]:
    """Runs whose ends touch the nodes themselves, which may be smaller than their room."""
    runs = list(runs)
    runs[0] = (runs[0][0], start, runs[0][2])
    runs[-1] = (runs[-1][0], runs[-1][1], end)
    return runs


def _across(a: Box, b: Box, slot: int) -> Path:
    """From side to side: a saved value."""
    y = b.y + min(slot * 5.0, b.height / 2 - 4) - 3
    start, end = (a.right, b.left) if a.x < b.x else (a.left, b.right)
    middle = (start + end) / 2
    return (("M", start, a.y), ("C", middle, a.y, middle, y, end, y))


def _lowered(layout: Layout, by: float) -> Layout:
    """Everything but the headings further down."""

    def box(b: Box) -> Box:
        return Box(b.x, b.y + by, b.width, b.height)

    def path(p: Path) -> Path:
        return tuple(
            (part[0], *(float(v) + by * (k % 2) for k, v in enumerate(part[1:]))) for part in p
        )

    return Layout(
        [box(b) for b in layout.nodes],
        [b and box(b) for b in layout.clusters],
        [path(p) for p in layout.edges],
        layout.width,
        layout.height + by,
        [],
        [b and box(b) for b in layout.mirrored],
        layout.headings,
    )
