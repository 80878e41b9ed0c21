"""What stands inside of a page: addresses that hold a file, small grey images, drawings of ours."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from markupsafe import Markup

from autograd_core.aliases import Array
from autograd_core.markup import escaped

__all__ = ["data_uri", "inline_svg", "png"]


def data_uri(data: bytes | str, kind: str) -> str:
    """A file as an address that holds it: ``data:image/png;base64,…``."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def png(image: Array) -> bytes:
    """A grey image as a PNG file; equal images give equal bytes.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Ink, from 0 (white) to 1 (black); clipped.
    """
    from PIL import Image

    ink = np.nan_to_num(np.asarray(image, np.float64), nan=0.0)
    grey = np.round(255 * (1 - np.clip(ink, 0, 1))).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG", optimize=True)
    return file.getvalue()


def inline_svg(svg: str, prefix: str, label: str) -> Markup:
    """A drawing of ours, to stand inside a page beside others.

    Parameters
    ----------
    svg : str
        As `viz.Drawing.to_svg` and `viz.Chart.to_svg` give it: plain shapes, no references, no style sheet.
    prefix : str
        Put before every id, since two drawings in one page both have a ``node1``.
    label : str
        What it shows, for those who do not see it, in place of its own.
    """
    start = svg.index("<svg")
    end = svg.index(">", start)
    head = re.sub(r'\s(role|aria-label)="[^"]*"', "", svg[start:end])
    titled = f'{head} role="img" aria-label="{escaped(label)}"{svg[end:]}'
    return Markup(re.sub(r'(?<=\sid=")', escaped(prefix), titled))
