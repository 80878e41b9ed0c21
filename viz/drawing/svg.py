"""Our own SVG writer, the end of the road: shapes to text. No script, no style sheet, no reference, no request."""

from __future__ import annotations

from autograd_core.markup import escaped

from .layout import lay_out
from .picture import Picture
from .places import Layout, Path
from .shapes import Group, Outline, Sheet, Words, compose
from .style import BACKGROUND, FONT

__all__ = ["sheet_to_svg", "to_svg"]


def to_svg(picture: Picture, engine: str, layout: Layout | None = None) -> str:
    """A picture in our own layout as one SVG document (UTF-8 text, no XML declaration)."""
    sheet = compose(picture, layout or lay_out(picture), engine)
    return sheet_to_svg(sheet, picture.title, engine)


def sheet_to_svg(sheet: Sheet, title: str, engine: str) -> str:
    """Shapes as an SVG document."""
    width, height = _short(sheet.width), _short(sheet.height)
    name = escaped(title)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{name}" '
        f'font-family="{escaped(FONT)}">'
    )
    parts = [
        head,
        # Two hyphens would end the comment.
        f"<!-- gradproof: drawn by {escaped(engine).replace('--', '- -')} -->",
        f"<title>{name}</title>",
        f'<rect width="{width}" height="{height}" fill="{BACKGROUND}"/>',
    ]
    parts += map(_group, sheet.groups)
    parts.append("</svg>\n")
    return "\n".join(parts)


def _group(group: Group) -> str:
    marks = "".join(_outline(m) if isinstance(m, Outline) else _words(m) for m in group.marks)
    hover = "\n".join(map(escaped, group.hover.split("\n"))) if group.hover else ""
    title = f"<title>{hover}</title>" if hover else ""
    return f"<g>{title}{marks}</g>"


def _outline(mark: Outline) -> str:
    dashes = f' stroke-dasharray="{" ".join(map(_short, mark.dashes))}"' if mark.dashes else ""
    faint = f' opacity="{mark.opacity:.3g}"' if mark.opacity != 1 else ""
    width = f' stroke-width="{_short(mark.width)}"' if mark.width != 1 else ""
    return f'<path d="{_data(mark.path)}" fill="{mark.fill}" stroke="{mark.line}"{width}{dashes}{faint}/>'


def _words(mark: Words) -> str:
    weight = ' font-weight="bold"' if mark.bold else ""
    anchor = f' text-anchor="{mark.anchor}"' if mark.anchor != "start" else ""
    x, y = _short(mark.x), _short(mark.y)
    turn = f' transform="rotate({_short(-mark.turn)} {x} {y})"' if mark.turn else ""
    return (
        f'<text x="{x}" y="{y}" font-size="{_short(mark.size)}" '
        f'fill="{mark.colour}"{weight}{anchor}{turn}>{escaped(mark.text)}</text>'
    )


def _data(path: Path) -> str:
    return "".join(
        str(part[0]) + " ".join(_short(float(value)) for value in part[1:]) for part in path
    )


def _short(value: float) -> str:
    """One decimal is a tenth of a pixel; no exponent, no trailing zero."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text
