"""The neutral description of a picture: nodes, ordered edges, nested clusters. No layout, no file.

Programs and masks are turned into a `Picture`; DOT, SVG, JSON and networkx are written from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .style import KINDS
from .text import shorten

__all__ = ["Cluster", "Edge", "Node", "Picture"]

LONGEST = 160  # characters of a line


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the picture.

    Attributes
    ----------
    kind : str
        A key of `viz.drawing.style.KINDS`: "operation", "input", "parameter", "mask", …
    title : str
        First line, in bold. Made printable, and cut beyond 160 characters.
    lines : tuple of str
        Further lines: shape, values; likewise.
    cluster : int or None
        Position in ``Picture.clusters`` of the innermost cluster that holds it.
    details : tuple of (str, str)
        Everything known, for hovering and for JSON: ("scope", "0:Linear"), …
    warned : bool
        Whether to draw the border and values in the warning colour (nan, infinity).
    partner : int or None
        For a backward operation: position in ``Picture.nodes`` of the node that it differentiates.
    at : tuple of float or None
        A fixed place (centre, in pixels, y downwards). Either all nodes have one, or none.
    """

    kind: str
    title: str
    lines: tuple[str, ...] = ()
    cluster: int | None = None
    details: tuple[tuple[str, str], ...] = ()
    warned: bool = False
    partner: int | None = None
    at: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Cut texts that no picture could hold, saying so."""
        object.__setattr__(self, "title", shorten(self.title, LONGEST))
        object.__setattr__(self, "lines", tuple(shorten(line, LONGEST) for line in self.lines))


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow from one node to another.

    Attributes
    ----------
    source, target : int
        Positions in ``Picture.nodes``.
    slot : int
        Which operand of the target this is, counted from 0: ``a - b`` differs from ``b - a``, and
        ``x * x`` has two edges.
    label : str
        Short text at the arrow's head ("a", "b"), or "".
    style : str
        "solid", "saved" (dashed: a forward value read by the backward), "faint", or "unseen" (it takes
        room in a layout, and is not drawn).
    backward : bool
        Whether it belongs to the backward part.
    weight : float
        Width, relative to an ordinary edge.
    hover : str
        What a mouse over it shows; which operand it is, if left out.
    """

    source: int
    target: int
    slot: int = 0
    label: str = ""
    style: str = "solid"
    backward: bool = False
    weight: float = 1.0
    hover: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A box around nodes and other clusters: a call of a module."""

    title: str
    parent: int | None = None
    details: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Cut a title that no picture could hold, saying so."""
        object.__setattr__(self, "title", shorten(self.title, LONGEST))


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that a renderer needs.

    Attributes
    ----------
    title : str
        What is drawn; a file's title and a page's heading.
    direction : str
        "TB" (top to bottom) or "LR" (left to right).
    notes : tuple of str
        Lines under the picture: common dtype, what was folded or hidden.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    direction: str = "TB"
    notes: tuple[str, ...] = ()

    @property
    def placed(self) -> bool:
        """Whether every node has a fixed place."""
        return bool(self.nodes) and all(node.at is not None for node in self.nodes)

    @property
    def mirrored(self) -> bool:
        """Whether backward operations stand opposite the values that they differentiate."""
        return any(node.partner is not None for node in self.nodes)

    def kinds(self) -> tuple[str, ...]:
        """The kinds of node present, in the order of the style's table."""
        present = {node.kind for node in self.nodes}
        return tuple(kind for kind in KINDS if kind in present)

    def ancestors(self, cluster: int | None) -> Iterator[int]:
        """The cluster and those around it, innermost first."""
        while cluster is not None:
            yield cluster
            cluster = self.clusters[cluster].parent
