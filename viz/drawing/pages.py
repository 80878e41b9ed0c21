"""Pictures in files: which form a name asks for, and the page around an SVG."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from autograd_core.errors import ConfigError
from autograd_core.markup import escaped

from .style import BACKGROUND, FONT

__all__ = ["page", "svg_file", "target"]


def target(path: str | os.PathLike[str], forms: Sequence[str], stem: str) -> tuple[Path, str]:
    """A path and the form that its ending asks for.

    Raises
    ------
    ConfigError
        If its ending is none of ``forms``; a name like ``stem`` is suggested.
    """
    place = Path(path)
    form = place.suffix.lower().lstrip(".")
    if form not in forms:
        raise ConfigError(
            "save",
            f"expected a name that ends in {', '.join('.' + f for f in forms)}; received "
            f"{place.name!r}. Add one, such as {(place.stem or stem) + '.' + forms[0]!r}.",
        )
    return place, form


def svg_file(svg: str) -> str:
    """An SVG document as a file of its own."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + svg


def page(title: str, svg: str) -> str:
    """One offline page with a picture in it; nothing is fetched, nothing is run."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n"
        f"<style>body{{margin:1rem;background:{BACKGROUND};font-family:{FONT}}}"
        "figure{margin:0;overflow:auto}</style>\n</head>\n<body>\n"
        f"<figure>\n{svg}</figure>\n</body>\n</html>\n"
    )
