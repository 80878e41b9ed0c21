"""DOT text for a picture: neutral, escaped, readable by Graphviz of any recent version.

Labels are HTML-like (bold titles), written by `markup`, so that ``<lambda>``, quotes, ampersands
and trailing backslashes are text and nothing else. The `graphviz` package's guess, that a label in
angle brackets is markup, never comes into play: we write the brackets ourselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from autograd_core.markup import escaped, visible

from .picture import Edge, Node, Picture
from .style import (
    BACKGROUND,
    CLUSTER_FILLS,
    CLUSTER_LINE,
    DOT_FONT,
    EDGE,
    EDGE_BACKWARD,
    EDGE_SAVED,
    FAINT,
    INK,
    MUTED,
    WARNING,
    Look,
    look_of,
)
from .text import shorten

__all__ = ["quoted", "to_dot"]

_TITLE, _LINE, _SMALL = 11, 9, 8
# Graphviz refuses quoted strings beyond 16,384 characters.
_LONGEST = 2000

# Our shapes in Graphviz's words.
_SHAPES = {
    "round": 'shape=box, style="{}rounded"',
    "stadium": 'shape=ellipse, style="{}"',
    "cylinder": 'shape=cylinder, style="{}"',
    "hexagon": 'shape=hexagon, style="{}"',
    "double": 'shape=box, peripheries=2, style="{}rounded"',
    "plain": 'shape=box, style="{}rounded"',
    "circle": 'shape=circle, fixedsize=true, width=0.23, style="{}"',
    "none": "shape=plaintext",
}


def to_dot(picture: Picture, engine: str | None = None) -> str:
    """The picture as DOT.

    Parameters
    ----------
    picture : Picture
    engine : str, optional
        Named under the picture as what drew it; left out where the text itself is the product.
    """
    lines = [
        f"// {visible(picture.title)}: drawn by gradproof; render with: dot -Tsvg",
        f"digraph {quoted(picture.title)} {{",
        *(f"  {line}" for line in _settings(picture, engine)),
    ]
    lines += _boxes(picture)
    # Graphviz draws in this order: what is faint stays behind.
    for edge in sorted(picture.edges, key=lambda edge: edge.style != "faint"):
        lines.append(f"  {_edge(edge, picture)}")
    return "\n".join([*lines, "}", ""])


def quoted(text: object) -> str:
    r"""A DOT quoted string that shows exactly ``text``, whatever it holds.

    >>> print(quoted('a "b" \\'))
    "a \"b\" \\"
    """
    lines = str(text)[:_LONGEST].split("\n")
    # Graphviz reads &lt; in strings as markup; with &amp; first, text stays text.
    escaped = [
        visible(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
        for line in lines
    ]
    return '"' + "\\n".join(escaped) + '"'


def _html(text: object) -> str:
    r"""Text for an HTML-like label.

    Graphviz still replaces \N, \G and the like there, and takes "]" before "<" for an error.
    """
    return escaped(text).replace("\\", "\\\\").replace("]", "&#93;")


def _settings(picture: Picture, engine: str | None) -> Iterator[str]:
    font = f'fontname="{DOT_FONT}"'
    yield f'graph [{font}, fontsize={_SMALL}, fontcolor="{MUTED}", bgcolor="{BACKGROUND}",'
    if picture.placed:
        # Nodes have their places: Graphviz's neato keeps them and draws straight edges.
        yield "  layout=neato, inputscale=72, splines=line, outputorder=edgesfirst, labelloc=b,"
    else:
        # Operands from left to right; together with clusters, dot 2.43 sometimes fails on it.
        ordering = "" if picture.clusters else " ordering=in,"
        yield f"  rankdir={picture.direction}, nodesep=0.3, ranksep=0.35, labelloc=b,{ordering}"
    yield f"  label={_legend(picture, engine)}];"
    yield f'node [{font}, fontsize={_LINE}, fontcolor="{MUTED}", penwidth=1.1, margin="0.12,0.06"];'
    yield (
        f'edge [{font}, fontsize={_SMALL}, fontcolor="{MUTED}", color="{EDGE}", penwidth=1, '
        "arrowsize=0.6, labeldistance=1.4, labelangle=28];"
    )


def _legend(picture: Picture, engine: str | None) -> str:
    cells = []
    for kind in picture.kinds():
        look = look_of(kind)
        if look.legend:
            cells.append(
                f'<TD BGCOLOR="{look.fill}" BORDER="1" COLOR="{look.line}" WIDTH="14"> </TD>'
                f'<TD ALIGN="LEFT">{_html(look.legend)}&#160;&#160;</TD>'
            )
    rows = [f"<TR>{''.join(cells[k : k + 6])}</TR>" for k in range(0, len(cells), 6)]
    legend = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2">{"".join(rows)}</TABLE>'
    texts = [legend] if rows else []
    texts += [_html(shorten(note, 160)) for note in picture.notes]
    texts += [f"Drawn by {_html(engine)}."] if engine else []
    if not texts:
        return '""'
    lines = "".join(f'<TR><TD ALIGN="LEFT">{text}</TD></TR>' for text in texts)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0">{lines}</TABLE>>'


def _boxes(picture: Picture) -> list[str]:
    """Clusters as nested subgraphs with their nodes, without recursion."""
    inside: dict[int | None, list[int]] = defaultdict(list)
    for number, node in enumerate(picture.nodes):
        inside[node.cluster].append(number)
    children: dict[int | None, list[int]] = defaultdict(list)
    filled = {c for key in inside for c in picture.ancestors(key)}
    for number, cluster in enumerate(picture.clusters):
        if number in filled:
            children[cluster.parent].append(number)
    lines = []
    # (cluster, depth) to open, or a line to write when all in it is done.
    todo: list[tuple[int, int] | str] = []
    todo += [(c, 1) for c in reversed(children[None])]
    while todo:
        entry = todo.pop()
        if isinstance(entry, str):
            lines.append(entry)
            continue
        number, depth = entry
        pad = "  " * depth
        fill = CLUSTER_FILLS[(depth - 1) % len(CLUSTER_FILLS)]
        title = _html(shorten(picture.clusters[number].title, 80))
        lines += [
            f"{pad}subgraph cluster_{number} {{",
            f"{pad}  label=<<B>{title or ' '}</B>>; labeljust=l; labelloc=t; fontsize={_LINE};",
            f'{pad}  style="filled,rounded"; fillcolor="{fill}"; color="{CLUSTER_LINE}"; margin=10;',
        ]
        lines += [f"{pad}  {_node(n, picture)}" for n in inside[number]]
        todo.append(f"{pad}}}")
        todo += [(c, depth + 1) for c in reversed(children[number])]
    lines += [f"  {_node(n, picture)}" for n in inside[None]]
    return lines


def _node(number: int, picture: Picture) -> str:
    node = picture.nodes[number]
    look = look_of(node.kind)
    parts = [
        f"label={_label(node, look)}",
        _SHAPES[look.shape]
        .format("filled,dashed," if look.dashed else "filled,")
        .replace(',"', '"'),
    ]
    if look.shape != "none":
        line = WARNING if node.warned else look.line
        parts.append(f'fillcolor="{look.fill}", color="{line}"')
    if node.warned:
        parts.append(f'fontcolor="{WARNING}", penwidth=1.8')
    if node.kind == "loss":
        parts.append("penwidth=1.8")
    if node.at is not None:
        x, y = node.at
        parts.append(f'pos="{0.75 * x:.2f},{-0.75 * y:.2f}!"')
    hover = "\n".join([node.title, *(f"{key}: {value}" for key, value in node.details)])
    parts.append(f"tooltip={quoted(hover)}")
    return f"n{number} [{', '.join(parts)}];"


def _label(node: Node, look: Look) -> str:
    if look.shape == "circle":
        return '""'
    title = f'<FONT POINT-SIZE="{_TITLE}" COLOR="{INK}"><B>{_html(node.title) or " "}</B></FONT>'
    return f"<{'<BR/>'.join([title, *map(_html, node.lines)])}>"


def _edge(edge: Edge, picture: Picture) -> str:
    parts = []
    if edge.style == "saved":
        parts.append(f'style=dashed, color="{EDGE_SAVED}", constraint=false')
    elif edge.style == "faint":
        parts.append(f'color="{FAINT}"')
    elif edge.backward:
        parts.append(f'color="{EDGE_BACKWARD}"')
    if edge.label:
        parts.append(f"headlabel=<{_html(edge.label)}>")
    source, target = picture.nodes[edge.source], picture.nodes[edge.target]
    if source.cluster is None and target.cluster is not None and edge.style == "solid":
        parts.append("minlen=2")  # inputs stand above the box, not beside it
    if edge.weight != 1:
        parts.append(f"penwidth={edge.weight:.2f}")
    if picture.placed:
        parts.append("arrowhead=none")
    options = f" [{', '.join(parts)}]" if parts else ""
    return f"n{edge.source} -> n{edge.target}{options};"
