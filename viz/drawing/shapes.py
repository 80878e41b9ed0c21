"""From a laid-out picture to plain shapes: outlines and words with colours. SVG and PDF draw these.

The drawing stands on top; under it the legend of the kinds of node that occur, the picture's notes
and the name of the engine that laid it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .picture import Cluster, Edge, Node, Picture
from .places import CLUSTER_TITLE, MARGIN, PAD, Box, Layout, Path
from .style import (
    CLUSTER_FILLS,
    CLUSTER_LINE,
    EDGE,
    EDGE_BACKWARD,
    EDGE_SAVED,
    FAINT,
    INK,
    LINE_SIZE,
    MUTED,
    TITLE_SIZE,
    WARNING,
    look_of,
)
from .text import text_width, wrapped

__all__ = ["Group", "Outline", "Sheet", "Words", "compose"]

NARROWEST = 420.0  # so that legend and notes have room
SMALL_TEXT = 9.5
DASHES = (4.0, 3.0)
_ROUND = 0.5523  # of a quarter circle as a cubic curve


@dataclass(frozen=True, slots=True)
class Outline:
    """A line or a filled form; ``fill`` and ``line`` may be "none", lengths are pixels."""

    path: Path
    fill: str = "none"
    line: str = EDGE
    width: float = 1.0
    dashes: tuple[float, ...] = ()
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; ``y`` is the base line, ``anchor`` "start", "middle" or "end".

    ``turn`` is about the anchor, in degrees, against the clock.
    """

    x: float
    y: float
    text: str
    size: float
    colour: str = INK
    bold: bool = False
    anchor: str = "middle"
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that belong together: a node, an edge, a cluster. ``hover`` is shown under a mouse."""

    role: str
    marks: tuple[Outline | Words, ...]
    hover: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """All shapes of a picture, back to front, and its size in pixels."""

    groups: tuple[Group, ...]
    width: float
    height: float


def compose(picture: Picture, layout: Layout, engine: str) -> Sheet:
    """Shapes for everything: clusters, edges, nodes, legend, notes."""
    width = max(layout.width, NARROWEST)
    shift = (width - layout.width) / 2
    groups = [
        Group(
            "cluster", _cluster(cluster, box, depth, shift), _hover(cluster.title, cluster.details)
        )
        for cluster, box, depth in _outermost_first(picture, layout.clusters)
    ]
    sideways = picture.direction == "LR"
    groups += [
        Group("cluster", _cluster(cluster, box, depth, shift, "below" if sideways else "right"))
        for cluster, box, depth in _outermost_first(picture, layout.mirrored)
    ]
    groups += [
        Group("heading", (_heading(x + shift, y, text, sideways),))
        for x, y, text in layout.headings
    ]
    order = sorted(range(len(picture.edges)), key=lambda n: picture.edges[n].style == "solid")
    for number in order:
        edge = picture.edges[number]
        path = _shifted(layout.edges[number], shift)
        groups.append(Group("edge", _edge(edge, path, picture), _edge_hover(edge, picture)))
    for node, box in zip(picture.nodes, layout.nodes, strict=True):
        place = Box(box.x + shift, box.y, box.width, box.height)
        groups.append(Group(node.kind, _node(node, place), _hover(node.title, node.details)))
    below, height = _below(picture, engine, width, layout.height)
    return Sheet((*groups, *below), width, height)


def _heading(x: float, y: float, text: str, sideways: bool) -> Words:
    if sideways:
        return Words(x, y + 4, text, TITLE_SIZE, MUTED, bold=True, anchor="start")
    return Words(x, y + TITLE_SIZE, text, TITLE_SIZE, MUTED, bold=True)


def _outermost_first(picture: Picture, boxes: list[Box | None]) -> list[tuple[Cluster, Box, int]]:
    found = []
    for number, (cluster, box) in enumerate(zip(picture.clusters, boxes, strict=False)):
        if box is not None:
            found.append((cluster, box, sum(1 for _ in picture.ancestors(number))))
    return sorted(found, key=lambda entry: entry[2])


def _cluster(
    cluster: Cluster, box: Box, depth: int, shift: float, corner: str = "left"
) -> tuple[Outline | Words, ...]:
    """A cluster's box; its title stands where the layout left room for it."""
    place = Box(box.x + shift, box.y, box.width, box.height)
    fill = CLUSTER_FILLS[(depth - 1) % len(CLUSTER_FILLS)]
    right = corner == "right"
    title = Words(
        place.right - PAD if right else place.left + PAD,
        place.bottom - 6 if corner == "below" else place.top + CLUSTER_TITLE + 3,
        cluster.title,
        CLUSTER_TITLE,
        MUTED,
        bold=True,
        anchor="end" if right else "start",
    )
    return Outline(_rounded(place, 6.0), fill, CLUSTER_LINE), title


def _edge(edge: Edge, path: Path, picture: Picture) -> tuple[Outline | Words, ...]:
    colour = {"saved": EDGE_SAVED, "faint": FAINT}.get(edge.style, EDGE)
    if edge.backward and edge.style == "solid":
        colour = EDGE_BACKWARD
    width = 1.15 * edge.weight
    dashes = DASHES if edge.style == "saved" else ()
    if picture.placed:
        return (Outline(path, line=colour, width=width, dashes=dashes),)
    line, head = _with_head(path)
    marks: list[Outline | Words] = [
        Outline(line, line=colour, width=width, dashes=dashes),
        Outline(head, fill=colour, line=colour, width=0.5),
    ]
    if edge.label:
        marks.append(_operand_name(edge.label, head))
    return tuple(marks)


def _operand_name(text: str, head: Path) -> Words:
    """An operand's name beside the arrow's head, clear of the node and of the line."""
    tip_x, tip_y = float(head[0][1]), float(head[0][2])
    base_x, base_y = ((float(head[1][k]) + float(head[2][k])) / 2 for k in (1, 2))
    if abs(tip_y - base_y) >= abs(tip_x - base_x):
        y = tip_y - 3 if tip_y > base_y else tip_y + 9
        return Words(tip_x + 5, y, text, 8.5, MUTED, anchor="start")
    left = tip_x > base_x
    return Words(
        tip_x - 8 if left else tip_x + 8,
        tip_y - 4,
        text,
        8.5,
        MUTED,
        anchor="end" if left else "start",
    )


def _end(path: Path) -> tuple[float, float]:
    return float(path[-1][-2]), float(path[-1][-1])


def _with_head(path: Path) -> tuple[Path, Path]:
    """The line cut short before its end, and the arrow's head there."""
    x, y = _end(path)
    letter, *numbers = path[-1]
    if letter == "C":
        before_x, before_y = float(numbers[2]), float(numbers[3])
    else:
        before_x, before_y = _end(path[:-1])
    along_x, along_y = x - before_x, y - before_y
    length = (along_x**2 + along_y**2) ** 0.5 or 1.0
    along_x, along_y = along_x / length, along_y / length
    base_x, base_y = x - 6.5 * along_x, y - 6.5 * along_y
    if letter == "L" and length <= 6.5:
        line = path
    else:
        line = (*path[:-1], (letter, *numbers[:-2], base_x, base_y))
    head: Path = (
        ("M", x, y),
        ("L", base_x - 3 * along_y, base_y + 3 * along_x),
        ("L", base_x + 3 * along_y, base_y - 3 * along_x),
        ("Z",),
    )
    return line, head


def _node(node: Node, box: Box) -> tuple[Outline | Words, ...]:
    look = look_of(node.kind)
    line = WARNING if node.warned else look.line
    marks: list[Outline | Words] = [
        Outline(
            path,
            look.fill,
            line,
            1.8 if node.warned or node.kind == "loss" else 1.2,
            DASHES if look.dashed else (),
        )
        for path in _forms(look.shape, box)
    ]
    if look.shape == "circle":
        return tuple(marks)
    high = TITLE_SIZE * 1.25 + len(node.lines) * LINE_SIZE * 1.3
    top = box.y - high / 2 + (3 if look.shape == "cylinder" else 0)
    marks.append(Words(box.x, top + TITLE_SIZE, node.title, TITLE_SIZE, bold=True))
    for index, text in enumerate(node.lines):
        y = top + TITLE_SIZE * 1.25 + (index + 1) * LINE_SIZE * 1.3 - 3
        marks.append(Words(box.x, y, text, LINE_SIZE, WARNING if node.warned else MUTED))
    return tuple(marks)


def _forms(shape: str, box: Box) -> Iterator[Path]:
    """The outlines of a node's shape, back to front."""
    if shape == "none":
        return
    if shape == "double":
        yield _rounded(box, 6.0)
        yield _rounded(Box(box.x, box.y, box.width - 6, box.height - 6), 4.0)
    elif shape in ("stadium", "circle"):
        yield _rounded(box, box.height / 2)
    elif shape == "hexagon":
        cut = box.height * 0.2
        corners = (
            (box.left, box.y),
            (box.left + cut, box.top),
            (box.right - cut, box.top),
            (box.right, box.y),
            (box.right - cut, box.bottom),
            (box.left + cut, box.bottom),
        )
        yield (("M", *corners[0]), *(("L", *corner) for corner in corners[1:]), ("Z",))
    elif shape == "cylinder":
        yield from _cylinder(box)
    elif shape == "plain":
        yield _rounded(box, 3.0)
    else:
        yield _rounded(box, 6.0)


def _rounded(box: Box, radius: float) -> Path:
    r = min(radius, box.width / 2, box.height / 2)
    k = r * (1 - _ROUND)
    left, right, top, bottom = box.left, box.right, box.top, box.bottom
    return (
        ("M", left + r, top),
        ("L", right - r, top),
        ("C", right - k, top, right, top + k, right, top + r),
        ("L", right, bottom - r),
        ("C", right, bottom - k, right - k, bottom, right - r, bottom),
        ("L", left + r, bottom),
        ("C", left + k, bottom, left, bottom - k, left, bottom - r),
        ("L", left, top + r),
        ("C", left, top + k, left + k, top, left + r, top),
        ("Z",),
    )


def _cylinder(box: Box) -> Iterator[Path]:
    left, right, flat = box.left, box.right, 4.5
    top, bottom = box.top + flat, box.bottom - flat
    k, wide = flat * _ROUND, box.width / 2 * _ROUND
    over = (
        ("C", left, top - k, box.x - wide, box.top, box.x, box.top),
        ("C", box.x + wide, box.top, right, top - k, right, top),
    )
    under = (
        ("C", right, bottom + k, box.x + wide, box.bottom, box.x, box.bottom),
        ("C", box.x - wide, box.bottom, left, bottom + k, left, bottom),
    )
    front = (
        ("C", right, top + k, box.x + wide, top + flat, box.x, top + flat),
        ("C", box.x - wide, top + flat, left, top + k, left, top),
    )
    yield (("M", left, top), *over, ("L", right, bottom), *under, ("Z",))
    yield (("M", left, top), *over, *front, ("Z",))


# --- under the drawing ---------------------------------------------------------------------------


def _below(picture: Picture, engine: str, width: float, top: float) -> tuple[list[Group], float]:
    groups: list[Group] = []
    entries = [(kind, look_of(kind).legend) for kind in picture.kinds() if look_of(kind).legend]
    x, y = MARGIN, top + 4
    if entries:
        groups.append(
            Group("rule", (Outline((("M", MARGIN, y), ("L", width - MARGIN, y)), line=FAINT),))
        )
        y += 18
        for kind, word in entries:
            wide = 30 + text_width(word, LINE_SIZE) + 16
            if x > MARGIN and x + wide > width - MARGIN:
                x, y = MARGIN, y + 20
            look = look_of(kind)
            size = (13.0, 13.0) if look.shape == "circle" else (24.0, 14.0)
            marks: list[Outline | Words] = [
                Outline(path, look.fill, look.line, 1.1, DASHES if look.dashed else ())
                for path in _forms(look.shape, Box(x + 12, y, *size))
            ]
            marks.append(Words(x + 30, y + 4, word, LINE_SIZE, MUTED, anchor="start"))
            groups.append(Group("legend", tuple(marks)))
            x += wide
        y += 12
    for text in (*picture.notes, f"Drawn by {engine}."):
        for line in wrapped(text, width - 2 * MARGIN, SMALL_TEXT):
            y += SMALL_TEXT * 1.45
            words = Words(MARGIN, y, line, SMALL_TEXT, MUTED, anchor="start")
            groups.append(Group("note", (words,)))
    return groups, y + MARGIN


def _hover(title: str, details: tuple[tuple[str, str], ...]) -> str:
    return "\n".join([title, *(f"{key}: {value}" for key, value in details)])


def _edge_hover(edge: Edge, picture: Picture) -> str:
    if picture.placed or edge.hover:
        return edge.hover
    source, target = picture.nodes[edge.source].title, picture.nodes[edge.target].title
    what = f"operand {edge.label or edge.slot + 1} of {target}"
    return f"{source} → {what}"


def _shifted(path: Path, shift: float) -> Path:
    if not shift:
        return path
    return tuple(
        (part[0], *(float(v) + shift * (k % 2 == 0) for k, v in enumerate(part[1:])))
        for part in path
    )
