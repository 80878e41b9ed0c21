"""One level of a layered drawing: rows, order within rows, places. Pure Python, deterministic.

The method is that of Sugiyama, Tagawa and Toda (1981) with fixed numbers of sweeps: rows by longest
path, sources pulled next to what reads them, dummies where an edge passes a row, median sweeps
with adjacent exchanges against crossings, and places by isotonic regression (least squares under
"keep the order and the distance"). Edges of one source share their dummies, so that a value read
in three places is one line that branches. Nothing recurses: a chain of 100,000 nodes is fine.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["Arrangement", "Level", "Link", "Run", "arrange"]

# A vertical piece of an edge: (x, from y, to y).
Run = tuple[float, float, float]

GAP = 24.0  # between neighbours in a row
DUMMY_GAP = 13.0  # beside a passing edge
ROW_GAP = 24.0  # between rows, at the least
PORT_GAP = 11.0  # the same beside a border
MORE_ROW_GAP = 26.0  # added at the most, where edges go far sideways
SMALL = 1500  # links up to which every improvement is tried
_NO_KEY = -1.0
_FEATHER, _FAR = 1e-9, 1e6  # a weight that moves nothing, and further than any picture goes


@dataclass(frozen=True, slots=True)
class Link:
    """An edge between two items of a level.

    Attributes
    ----------
    source, target : int
        Items.
    leave, arrive : float
        Where it touches them, from their centres.
    trunk : int
        Links of equal source and trunk share one line as far as they can.
    weight : float
        How much it wants to be straight.
    """

    source: int
    target: int
    leave: float = 0.0
    arrive: float = 0.0
    trunk: int = 0
    weight: float = 1.0


@dataclass(slots=True)
class Level:
    """A flat layered drawing to be made: boxes without insides, and links.

    Attributes
    ----------
    sizes : list of (width, height)
        Of the items.
    links : list of Link
    first, last : set of int
        Items pinned to the first or the last row.
    leftmost : int or None
        An item of the first row that stays at its left end (a title).
    """

    sizes: list[tuple[float, float]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    first: set[int] = field(default_factory=set)
    last: set[int] = field(default_factory=set)
    leftmost: int | None = None


@dataclass(slots=True)
class Arrangement:
    """Where everything is.

    Attributes
    ----------
    x, y : list of float
        Centres of the items.
    routes : list of list of Run
        For each link, vertical pieces from source to target; between them the edge swings over.
    left, right, height : float
        Extent; y starts at 0.
    """

    x: list[float]
    y: list[float]
    routes: list[list[Run]]
    left: float
    right: float
    height: float


def arrange(level: Level) -> Arrangement:
    """Lay one level out."""
    forward = _without_cycles(level)
    rows = _rows(level, forward)
    return _Rows(level, forward, rows).arrangement()


def _without_cycles(level: Level) -> list[Link]:
    """The links, those that would close a cycle turned round (Kahn's order; first item first)."""
    count = len(level.sizes)
    waiting = [0] * count
    following: list[list[int]] = [[] for _ in range(count)]
    for link in level.links:
        if link.source != link.target:
            waiting[link.target] += 1
            following[link.source].append(link.target)
    place = [-1] * count
    ready = [item for item in range(count - 1, -1, -1) if waiting[item] == 0]
    step = 0
    stuck = 0
    while step < count:
        if not ready:
            while place[stuck] >= 0:
                stuck += 1
            ready.append(stuck)
        item = ready.pop()
        if place[item] >= 0:
            continue
        place[item] = step
        step += 1
        for target in following[item]:
            waiting[target] -= 1
            if waiting[target] == 0 and place[target] < 0:
                ready.append(target)
    return [
        link
        if place[link.source] <= place[link.target]
        else Link(link.target, link.source, link.arrive, link.leave, -1 - number, link.weight)
        for number, link in enumerate(level.links)
    ]


def _rows(level: Level, links: Sequence[Link]) -> list[int]:
    """The row of each item: longest path from above, then sources and their chains pulled down."""
    count = len(level.sizes)
    incoming: list[list[int]] = [[] for _ in range(count)]
    outgoing: list[list[int]] = [[] for _ in range(count)]
    for link in links:
        if link.source != link.target:
            outgoing[link.source].append(link.target)
            incoming[link.target].append(link.source)
    waiting = [len(sources) for sources in incoming]
    order = [item for item in range(count) if not waiting[item]]
    row = [0 if item in level.first else 1 if level.first else 0 for item in range(count)]
    for item in order:  # grows while it is walked
        for target in outgoing[item]:
            row[target] = max(row[target], row[item] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    # What hangs on parameters and constants alone moves down to its reader; so does an item whose
    # move shortens more edges than it lengthens.
    aside = [False] * count
    for item in order:
        aside[item] = item not in level.first and all(aside[source] for source in incoming[item])
    for item in reversed(order):
        if item in level.first or not outgoing[item]:
            continue
        if aside[item] or len(incoming[item]) < len(set(outgoing[item])):
            row[item] = min(row[target] for target in outgoing[item]) - 1
    if level.last:
        bottom = max((row[item] + (item not in level.last) for item in range(count)), default=0)
        for item in level.last:
            row[item] = bottom
    used = {old: new for new, old in enumerate(sorted(set(row)))}
    return [used[r] for r in row]


class _Rows:
    """The rows with their dummies, being ordered and placed."""

    def __init__(self, level: Level, links: list[Link], row: list[int]) -> None:
        self.level, self.links = level, links
        self.row = list(row)
        self.half = [size[0] / 2 for size in level.sizes]
        self.items = len(level.sizes)
        self.depth = max(row, default=-1) + 1
        # Steps between neighbouring rows: (upper, its offset, lower, its offset, weight).
        self.steps: list[tuple[int, float, int, float, float]] = []
        self.passing: list[list[int] | None] = []  # dummies on the way of each link; None: flies
        self._add_dummies()
        self.above: list[list[int]] = [[] for _ in self.row]
        self.below: list[list[int]] = [[] for _ in self.row]
        for number, (upper, _, lower, _, _) in enumerate(self.steps):
            self.below[upper].append(number)
            self.above[lower].append(number)
        self.rows: list[list[int]] = [[] for _ in range(self.depth)]
        for vertex, r in enumerate(self.row):
            self.rows[r].append(vertex)

    def _add_dummies(self) -> None:
        # Beyond this many dummies the longest edges fly straight over what is between.
        budget = 8 * self.items + 4000
        trunks: dict[tuple[int, int, float], list[int]] = {}
        self.passing = [None] * len(self.links)
        spans = sorted(
            range(len(self.links)),
            key=lambda k: self.row[self.links[k].target] - self.row[self.links[k].source],
        )
        for k in spans:
            link = self.links[k]
            top, bottom = self.row[link.source], self.row[link.target]
            if link.source == link.target or top == bottom:
                continue
            trunk = trunks.setdefault((link.source, link.trunk, link.leave), [])
            missing = bottom - top - 1 - len(trunk)
            if missing > budget:
                continue
            budget -= max(missing, 0)
            while len(trunk) < bottom - top - 1:
                vertex = len(self.row)
                self.row.append(top + 1 + len(trunk))
                self.half.append(0.0)
                if trunk:
                    self.steps.append((trunk[-1], 0.0, vertex, 0.0, 6.0 * link.weight))
                else:
                    self.steps.append((link.source, link.leave, vertex, 0.0, 1.5 * link.weight))
                trunk.append(vertex)
            path = trunk[: bottom - top - 1]
            upper, leave = (path[-1], 0.0) if path else (link.source, link.leave)
            weight = link.weight * (1.5 if path else 1.0)
            self.steps.append((upper, leave, link.target, link.arrive, weight))
            self.passing[k] = path

    # --- order ------------------------------------------------------------------------------

    def _positions(self) -> list[float]:
        position = [0.0] * len(self.row)
        for vertices in self.rows:
            for index, vertex in enumerate(vertices):
                position[vertex] = float(index)
        return position

    def _fraction(self, vertex: int, offset: float) -> float:
        """An offset as a part of a place, in (-0.5, 0.5): operands keep their order."""
        return 0.45 * offset / self.half[vertex] if self.half[vertex] else 0.0

    def _order(self) -> None:
        small = len(self.steps) <= SMALL
        ends = [
            (upper, self._fraction(upper, leave), lower, self._fraction(lower, arrive))
            for upper, leave, lower, arrive, _ in self.steps
        ]
        by_row: list[list[int]] = [[] for _ in range(self.depth)]
        for number, (upper, _, _, _) in enumerate(ends):
            by_row[self.row[upper]].append(number)
        position = self._positions()
        best = [list(vertices) for vertices in self.rows]
        fewest = self._crossings(ends, by_row, position)
        for sweep in range(16 if small else 4):
            downwards = sweep % 2 == 0
            rows = range(1, self.depth) if downwards else range(self.depth - 2, -1, -1)
            for r in rows:
                self._sort_row(r, ends, position, downwards)
            if small and sweep >= 2:
                self._exchange(ends, position)
            crossings = self._crossings(ends, by_row, position)
            if crossings < fewest:
                fewest, best = crossings, [list(vertices) for vertices in self.rows]
            if fewest == 0 and sweep >= 1:
                break
        self.rows = best

    def _sort_row(
        self,
        r: int,
        ends: list[tuple[int, float, int, float]],
        position: list[float],
        downwards: bool,
    ) -> None:
        keys: dict[int, float] = {}
        last = _NO_KEY
        for vertex in self.rows[r]:
            if downwards:
                seen = sorted(position[ends[n][0]] + ends[n][1] for n in self.above[vertex])
            else:
                seen = sorted(position[ends[n][2]] + ends[n][3] for n in self.below[vertex])
            if seen:
                middle = len(seen) // 2
                last = seen[middle] if len(seen) % 2 else (seen[middle - 1] + seen[middle]) / 2
            keys[vertex] = last  # without neighbours there: stay behind the one before
        for vertex in self.rows[r]:
            if not self.above[vertex] and not self.below[vertex]:
                keys[vertex] = -2.0 if vertex == self.level.leftmost else float("inf")
        self.rows[r].sort(key=keys.__getitem__)
        for index, vertex in enumerate(self.rows[r]):
            position[vertex] = float(index)

    def _crossings(
        self,
        ends: list[tuple[int, float, int, float]],
        by_row: list[list[int]],
        position: list[float],
    ) -> int:
        total = 0
        for numbers in by_row:
            pairs = sorted(
                (position[ends[n][0]] + ends[n][1], position[ends[n][2]] + ends[n][3])
                for n in numbers
            )
            seen: list[float] = []
            for _, lower in pairs:
                total += len(seen) - bisect_right(seen, lower)
                insort(seen, lower)
        return total

    def _exchange(self, ends: list[tuple[int, float, int, float]], position: list[float]) -> None:
        """Swap neighbours in a row while that removes crossings."""
        for vertices in self.rows:
            for index in range(len(vertices) - 1):
                a, b = vertices[index], vertices[index + 1]
                if a == self.level.leftmost:
                    continue
                now = then = 0
                for above, steps in ((True, self.above), (False, self.below)):
                    ones, others = (
                        [
                            position[ends[n][0]] + ends[n][1]
                            if above
                            else position[ends[n][2]] + ends[n][3]
                            for n in steps[vertex]
                        ]
                        for vertex in (a, b)
                    )
                    now += sum(p > q for p in ones for q in others)
                    then += sum(p < q for p in ones for q in others)
                if then < now:
                    vertices[index], vertices[index + 1] = b, a
                    position[a], position[b] = position[b], position[a]

    # --- places -----------------------------------------------------------------------------

    def _distance(self, left: int, right: int) -> float:
        dummies = (left >= self.items) + (right >= self.items)
        gap = GAP if dummies == 0 else DUMMY_GAP
        return self.half[left] + self.half[right] + gap

    def _columns(self) -> list[float]:
        x = [0.0] * len(self.row)
        distances: list[list[float]] = []
        for vertices in self.rows:
            here = 0.0
            between = [self._distance(left, right) for left, right in pairwise(vertices)]
            for index, vertex in enumerate(vertices):
                here += between[index - 1] if index else 0.0
                x[vertex] = here
            for vertex in vertices:
                x[vertex] -= here / 2
            distances.append(between)
        rounds = 12 if len(self.steps) <= SMALL else 3
        for _ in range(rounds):
            for r in range(1, self.depth):
                self._place(r, x, distances[r], up=True, down=False)
            for r in range(self.depth - 2, -1, -1):
                self._place(r, x, distances[r], up=False, down=True)
        for _ in range(rounds):
            for r in [*range(self.depth), *range(self.depth - 1, -1, -1)]:
                self._place(r, x, distances[r], up=True, down=True)
        return x

    def _place(self, r: int, x: list[float], distances: list[float], up: bool, down: bool) -> None:
        """Put a row where its neighbours want it, in order and at a distance (isotonic).

        Looking both ways, an edge pulls less the more it slants: sums of distances rather than of
        squares become small, so that lines have one bend and are straight elsewhere.
        """
        both = up and down
        # Blocks of touching vertices: [sum of weight * target, sum of weights, how many].
        blocks: list[list[float]] = []
        offset, offsets = 0.0, []
        tied = [i for i, v in enumerate(self.rows[r]) if self.above[v] or self.below[v]]
        for index, vertex in enumerate(self.rows[r]):
            offset += distances[index - 1] if index else 0.0
            offsets.append(offset)
            pull = weight = 0.0
            if up:
                for n in self.above[vertex]:
                    upper, leave, _, arrive, w = self.steps[n]
                    wanted = x[upper] + leave - arrive
                    if both:
                        w /= 1.0 + abs(wanted - x[vertex])
                    pull += w * wanted
                    weight += w
            if down:
                for n in self.below[vertex]:
                    _, leave, lower, arrive, w = self.steps[n]
                    wanted = x[lower] + arrive - leave
                    if both:
                        w /= 1.0 + abs(wanted - x[vertex])
                    pull += w * wanted
                    weight += w
            if weight == 0.0 and (self.above[vertex] or self.below[vertex]):
                weight = 1e-3
                pull = weight * x[vertex]
            elif weight == 0.0:  # tied to nothing: leans on a neighbour that is tied
                weight = _FEATHER
                if tied:
                    far = _FAR if index < tied[0] else -_FAR
                else:  # no such neighbour: the first stays, the others lean on it
                    far = -_FAR if index else x[vertex]
                pull = weight * (far + offset)
            blocks.append([pull - weight * offset, weight, 1.0])
            while len(blocks) > 1 and (
                blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]
            ):
                pull, weight, many = blocks.pop()
                blocks[-1][0] += pull
                blocks[-1][1] += weight
                blocks[-1][2] += many
        index = 0
        for pull, weight, many in blocks:
            for _ in range(int(many)):
                x[self.rows[r][index]] = pull / weight + offsets[index]
                index += 1

    def arrangement(self) -> Arrangement:
        """Order, place, and write the routes down."""
        if not self.items:
            return Arrangement([], [], [], 0.0, 0.0, 0.0)
        self._order()
        x = self._columns()
        title = self.level.leftmost
        if title is not None and len(self.rows[self.row[title]]) == 1:
            others = (v for v in range(len(x)) if v != title)
            left = min((x[v] - self.half[v] for v in others), default=0.0)
            x[title] = left + self.half[title]
        height = [0.0] * self.depth
        for item in range(self.items):
            r = self.row[item]
            height[r] = max(height[r], self.level.sizes[item][1])
        sideways = [0.0] * self.depth
        for upper, leave, lower, arrive, _ in self.steps:
            r = self.row[upper]
            sideways[r] = max(sideways[r], abs(x[upper] + leave - x[lower] - arrive))
        # Rows of ports and titles stand close to what they belong to.
        ports = {self.row[item] for item in (*self.level.first, *self.level.last)}
        top, tops = 0.0, []
        for r in range(self.depth):
            tops.append(top)
            if r + 1 < self.depth:
                borders = r in ports or r + 1 in ports
                top += height[r] + (PORT_GAP if borders else ROW_GAP)
                top += min(MORE_ROW_GAP, 0.12 * sideways[r])
        y = [tops[r] + height[r] / 2 for r in self.row[: self.items]]
        routes: list[list[Run]] = []
        for number, (link, path) in enumerate(zip(self.links, self.passing, strict=True)):
            a, b = link.source, link.target
            upper, lower = self.row[a], self.row[b]
            runs = [
                (x[a] + link.leave, y[a] + self.level.sizes[a][1] / 2, tops[upper] + height[upper])
            ]
            for dummy in path or ():
                r = self.row[dummy]
                runs.append((x[dummy], tops[r], tops[r] + height[r]))
            runs.append((x[b] + link.arrive, tops[lower], y[b] - self.level.sizes[b][1] / 2))
            if link.source != self.level.links[number].source:
                runs = [(at, end, start) for at, start, end in reversed(runs)]
            routes.append(runs)
        left = min(at - half for at, half in zip(x, self.half, strict=True))
        right = max(at + half for at, half in zip(x, self.half, strict=True))
        return Arrangement(x[: self.items], y, routes, left, right, tops[-1] + height[-1])
