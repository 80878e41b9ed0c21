"""Drawing: a picture as text first, and as a file of any form that can be had here.

Two ways lead from a `Picture` to a file. Graphviz draws from DOT (`dot`, `renderers`); we draw by `layout`
(places), `shapes` (outlines and words) and `svg`. Which of them it is, is decided under "who draws" below.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autograd_core import files
from autograd_core.errors import ConfigError
from autograd_core.options import Choice

from . import pages
from .dot import to_dot
from .layout import lay_out
from .picture import Picture
from .places import Layout
from .renderers import Dot, find_dot, png_from_svg, sheet_through_matplotlib
from .shapes import compose
from .svg import to_svg

if TYPE_CHECKING:
    import graphviz
    import networkx as nx

__all__ = ["Drawing", "Engine"]

Engine = Literal["auto", "dot", "layered"]

OWN = "gradproof layered layout"
# Ranks that edges pass, plus nodes: beyond this dot takes longer than anybody waits.
_DOT_BUDGET = 3000
_FORMS = ("svg", "dot", "png", "pdf", "json", "html")


class Drawing:
    """A drawn graph; its text is there at once, files when they are asked for.

    Shown as a picture by notebooks. Made by `draw_graph` and `draw_dropout_mask`.

    Parameters
    ----------
    picture : Picture
        What to draw.
    engine : {"auto", "dot", "layered"}
        Who lays it out. "auto": Graphviz's ``dot`` if it is installed and the picture is not too
        large for it, else our own layered layout. "dot" asks it whatever the size. If ``dot``
        is missing, fails or takes longer than ``timeout``, ours draws; the picture says so.
    timeout : float
        Seconds that ``dot`` may take.

    Raises
    ------
    ConfigError
        If ``engine`` is no such name or ``timeout`` is not positive.

    Examples
    --------
    >>> import autograd_core as ag, viz
    >>> x = ag.tensor(3.0, requires_grad=True, name="x")
    >>> drawing = viz.draw_graph(x * x)
    >>> drawing.to_networkx().number_of_edges("n0", "n1")
    2
    """

    def __init__(self, picture: Picture, engine: Engine = "auto", timeout: float = 10.0) -> None:
        Choice(("auto", "dot", "layered")).check("Drawing: engine", engine)
        if not timeout > 0:
            raise ConfigError(
                "Drawing", f"expected timeout in seconds, above 0; received {timeout!r}."
            )
        self.picture = picture
        self._choice = engine
        self._timeout = timeout
        self._svg: str | None = None
        self._engine: str | None = None
        self._layout: Layout | None = None

    # --- text -------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The graph in DOT, Graphviz's language."""
        return to_dot(self.picture)

    @property
    def engine(self) -> str:
        """What laid the SVG out: "dot 2.43", or "gradproof layered layout" (and why, if asked dot)."""
        self.to_svg()
        return self._engine or OWN

    def to_svg(self) -> str:
        """The picture as an SVG document: no script, no style sheet, no outside reference."""
        if self._svg is None:
            dot, reason = self._chosen_dot()
            if dot is not None:
                data, reason = dot.render(to_dot(self.picture, dot.name), "svg", self._timeout)
                if data is not None:
                    self._engine = dot.name
                    note = f">\n<!-- gradproof: drawn by {dot.name} -->"
                    self._svg = data.decode().replace(">", note, 1)
            if self._svg is None:
                self._engine = f"{OWN} ({reason})" if reason else OWN
                self._svg = to_svg(self.picture, self._engine, self._own_layout())
        return self._svg

    def to_html(self) -> str:
        """One offline page with the picture in it; nothing is fetched, nothing is run."""
        return pages.page(self.picture.title, self.to_svg())

    def to_json(self) -> str:
        """Nodes, edges and clusters as JSON, with the places of our own layout."""
        picture, layout = self.picture, self._own_layout()
        content = {
            "format": "gradproof picture 1",
            "title": picture.title,
            "direction": picture.direction,
            "notes": list(picture.notes),
            "size": [round(layout.width, 1), round(layout.height, 1)],
            "clusters": [
                {"title": c.title, "parent": c.parent, "details": dict(c.details)}
                for c in picture.clusters
            ],
            "nodes": [
                {
                    "id": f"n{number}",
                    "kind": node.kind,
                    "title": node.title,
                    "lines": list(node.lines),
                    "cluster": node.cluster,
                    "details": dict(node.details),
                    "place": [round(v, 1) for v in (box.x, box.y, box.width, box.height)],
                }
                for number, (node, box) in enumerate(zip(picture.nodes, layout.nodes, strict=True))
            ],
            "edges": [
                {
                    "source": f"n{edge.source}",
                    "target": f"n{edge.target}",
                    "operand": edge.slot,
                    "label": edge.label,
                    "style": edge.style,
                    "backward": edge.backward,
                }
                for edge in picture.edges
            ],
        }
        return json.dumps(content, indent=1, ensure_ascii=True) + "\n"

    def to_networkx(self) -> nx.MultiDiGraph:
        """The graph for networkx: nodes "n0", "n1", … with their texts; edges keyed by operand."""
        import networkx as nx

        graph = nx.MultiDiGraph(name=self.picture.title)
        for number, node in enumerate(self.picture.nodes):
            graph.add_node(
                f"n{number}",
                kind=node.kind,
                title=node.title,
                lines=node.lines,
                clusters=tuple(
                    self.picture.clusters[c].title for c in self.picture.ancestors(node.cluster)
                )[::-1],
                details=dict(node.details),
            )
        for edge in self.picture.edges:
            graph.add_edge(
                f"n{edge.source}",
                f"n{edge.target}",
                key=edge.slot,
                label=edge.label,
                style=edge.style,
                backward=edge.backward,
            )
        return graph

    def to_graphviz(self) -> graphviz.Source:
        """The same text as an object of the `graphviz` package, for those who work with it."""
        import graphviz

        return graphviz.Source(self.source)

    def noted(self, *notes: str) -> Drawing:
        """The same drawing with further lines under it, before those that it has."""
        picture = replace(self.picture, notes=(*notes, *self.picture.notes))
        return Drawing(picture, self._choice, self._timeout)

    # --- files ------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture; the ending of the name says in which form.

        The file appears whole or not at all: it is written beside its place and then renamed.

        Parameters
        ----------
        path : path-like
            Ending in .svg, .dot, .png, .pdf, .json or .html.

        Returns
        -------
        pathlib.Path
            The path written.

        Raises
        ------
        ConfigError
            If the ending is another one.
        MissingDependencyError
            If nothing that makes PNG or PDF is installed; names what to install.
        """
        target, form = pages.target(path, _FORMS, "graph")
        text = {
            "svg": lambda: pages.svg_file(self.to_svg()),
            "dot": lambda: self.source,
            "json": self.to_json,
            "html": self.to_html,
        }
        data = text[form]().encode() if form in text else self._render(form)
        files.write(target, data)
        return target

    def _render(self, form: str) -> bytes:
        """PNG or PDF: by dot, else from our own layout by resvg or matplotlib."""
        dot, reason = self._chosen_dot()
        if dot is not None:
            data, reason = dot.render(to_dot(self.picture, dot.name), form, self._timeout)
            if data is not None:
                return data
        engine = f"{OWN} ({reason})" if reason else OWN
        layout = self._own_layout()
        if form == "png":
            try:
                return png_from_svg(to_svg(self.picture, engine, layout))
            except ImportError as missing:
                try:
                    sheet = compose(self.picture, layout, engine)
                    return sheet_through_matplotlib(sheet, self.picture.title, form)
                except ImportError:
                    raise missing from None
        sheet = compose(self.picture, layout, engine)
        return sheet_through_matplotlib(sheet, self.picture.title, form)

    # --- notebooks --------------------------------------------------------------------------

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"image/svg+xml": self.to_svg(), "text/plain": repr(self)}
        wanted = set(include or bundle) - set(exclude or ())
        return {key: value for key, value in bundle.items() if key in wanted}

    def __repr__(self) -> str:
        picture = self.picture
        return (
            f"<Drawing of {picture.title}: {len(picture.nodes)} nodes, {len(picture.edges)} edges>"
        )

    # --- who draws --------------------------------------------------------------------------

    def _chosen_dot(self) -> tuple[Dot | None, str]:
        """The dot to ask, or None and, where that needs saying, the reason."""
        if self._choice == "layered":
            return None, ""
        if self._choice == "auto" and self.picture.mirrored:
            return None, ""  # Graphviz has no mirror layout
        dot = find_dot()
        if dot is None:
            return None, "no working dot was found" if self._choice == "dot" else ""
        if self._choice == "auto" and _cost(self.picture) > _DOT_BUDGET:
            return None, "the graph is large for dot"
        return dot, ""

    def _own_layout(self) -> Layout:
        if self._layout is None:
            self._layout = lay_out(self.picture)
        return self._layout


def _cost(picture: Picture) -> int:
    """Nodes and the ranks that edges pass: what dot's time grows with."""
    if picture.placed:
        return len(picture.nodes) + len(picture.edges)
    rank = [0] * len(picture.nodes)
    # Nodes stand in an order in which edges mostly point onwards; two passes are near enough.
    ordered = sorted(picture.edges, key=lambda edge: edge.source)
    for _ in range(2):
        for edge in ordered:
            if edge.source < edge.target:
                rank[edge.target] = max(rank[edge.target], rank[edge.source] + 1)
    spans = sum(max(abs(rank[e.target] - rank[e.source]) - 1, 0) for e in picture.edges)
    return len(picture.nodes) + spans
