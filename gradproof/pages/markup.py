"""HTML, SVG and MathML as nested function calls, in which text cannot turn into markup."""

from __future__ import annotations

import base64
import html
import re
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core.aliases import Array

__all__ = ["Markup", "data_uri", "element", "inline_svg", "join", "png", "text"]

VOID = frozenset({"br", "hr", "img", "meta"})  # of HTML: no content and no end tag


class Markup(str):
    """Text that is markup already; whatever else is put into an element is escaped."""

    __slots__ = ()


def text(value: object) -> Markup:
    """``value`` as it reads, with nothing in it that a browser would take for markup."""
    if isinstance(value, Markup):
        return value
    # Control characters are no part of HTML, even escaped.
    plain = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "\ufffd", str(value))
    return Markup(html.escape(plain))


def join(parts: Iterable[object]) -> Markup:
    """Parts one after the other, each escaped unless it is `Markup`."""
    return Markup("".join(map(text, parts)))


def element(tag: str, /, *children: object, **attributes: object) -> Markup:
    """``<tag …>children</tag>``.

    Parameters
    ----------
    tag : str
        Written by us, never taken from data.
    *children : object
        Escaped, unless `Markup`; None is left out.
    **attributes : object
        Values are escaped. An underscore at the end of a name is dropped (``class_``), others
        become hyphens (``http_equiv``). None leaves the attribute out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(c for c in children if c is not None)}</{tag}>")


def data_uri(kind: str, data: bytes | str) -> str:
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
    ink = np.nan_to_num(np.asarray(image, np.float64), nan=0.0)
    grey = np.round(255 * (1 - np.clip(ink, 0, 1))).astype(np.uint8)
    rows, columns = grey.shape
    # Every row begins with its filter: none.
    filtered = np.concatenate([np.zeros((rows, 1), np.uint8), grey], axis=1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)  # 8 bits of grey
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def inline_svg(svg: str, prefix: str, **attributes: Any) -> Markup:
    """A drawing of ours, to stand inside a page beside others.

    Parameters
    ----------
    svg : str
        As `viz.Drawing.to_svg` gives it: plain shapes, no references, no style sheet.
    prefix : str
        Put before every id, since two drawings in one page both have a ``node1``.
    **attributes : object
        For the outermost element, in place of its own of that name. None takes one away.
    """
    start = svg.index("<svg")
    end = svg.index(">", start)
    head, body = svg[start:end], svg[end:]
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        head = re.sub(rf'\s{name}="[^"]*"', "", head)
        if value is not None:
            head += f' {name}="{text(value)}"'
    whole = head + body
    return Markup(re.sub(r'(?<=\sid=")', prefix, whole))
