"""Programs and packages that turn text into pictures: ``dot``, resvg, matplotlib. None is required.

``dot`` runs in a child process of its own, with a limit on time and on output. Whatever it does
(absent, slow, hanging, crashing, printing nonsense), the caller gets None and a reason, and draws
with our own layout.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from autograd_core.errors import MissingDependencyError

from .shapes import Outline, Sheet
from .style import BACKGROUND

__all__ = ["Dot", "find_dot", "png_from_svg", "sheet_through_matplotlib", "svg_is_sound"]

_ANSWER = 5.0  # seconds for `dot -V`
_LARGEST = 200_000_000  # bytes that dot may write
_PIXELS = 40_000_000  # of a PNG: beyond, no viewer opens it, and a renderer ends the process


@dataclass(frozen=True, slots=True)
class Dot:
    """A working ``dot`` program."""

    path: str
    version: str

    @property
    def name(self) -> str:
        """How it is named under a picture."""
        return f"dot {self.version}"

    def render(self, source: str, form: str, timeout: float) -> tuple[bytes | None, str]:
        """Draw DOT text as ``form`` ("svg", "png", "pdf"); on failure None and the reason."""
        arguments = [f"-T{form}", *(["-Gdpi=144"] if form == "png" else [])]
        data, reason = _run([self.path, *arguments], source.encode(), timeout)
        if data is None:
            return None, reason
        heads = {"png": b"\x89PNG\r\n", "pdf": b"%PDF-"}
        if form in heads and not data.startswith(heads[form]):
            return None, f"dot wrote no {form.upper()}"
        if form == "svg":
            text = _plain_svg(data)
            if text is None:
                return None, "dot wrote no sound SVG"
            data = text.encode()
        return data, ""


def find_dot() -> Dot | None:
    """The ``dot`` on the PATH, if it is there and says its version in time."""
    path = shutil.which("dot")
    if path is None:
        return None
    try:
        written = os.stat(path).st_mtime_ns
    except OSError:
        return None
    return _known_dot(path, written)


@functools.lru_cache(maxsize=16)
def _known_dot(path: str, written: int) -> Dot | None:
    del written  # another program under the same path is asked anew
    data, _ = _run([path, "-V"], b"", _ANSWER)
    found = re.search(rb"graphviz version (\d+\.\d+)", data or b"")
    return Dot(path, found[1].decode()) if found else None


def _run(command: list[str], text: bytes, timeout: float) -> tuple[bytes | None, str]:
    """What a child process writes (both streams for -V), or None and why not. Leaves no orphan."""
    both = subprocess.STDOUT if command[-1] == "-V" else subprocess.DEVNULL
    # A file rather than a pipe: a grandchild that keeps the pipe open cannot keep us waiting, and
    # no amount of output fills our memory.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as answer:
        source.write(text)
        source.seek(0)
        try:
            child = subprocess.Popen(
                command,
                stdin=source,
                stdout=answer,
                stderr=both,
                start_new_session=True,
            )
        except OSError as error:
            return None, f"dot could not be started ({error.strerror or error})"
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None, f"dot gave no answer within {timeout:g} s"
        finally:
            _end(child)
        size = answer.seek(0, os.SEEK_END)
        if code != 0:
            return None, f"dot failed with exit status {code}"
        if size > _LARGEST:
            return None, "dot wrote too much"
        answer.seek(0)
        return answer.read(), ""


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a child and its own children, and wait for it."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    elif child.poll() is None:
        child.kill()
    child.wait()


def _plain_svg(data: bytes) -> str | None:
    """Dot's SVG without XML declaration, document type (which names a web address) and comments."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    start = text.find("<svg")
    if start < 0:
        return None
    text = re.sub(r"<!--.*?-->\n?", "", text[start:], flags=re.DOTALL)
    # Names such as "node1" would stand twice in a page with two pictures.
    text = re.sub(r'(<(?:g|a)) id="[^"]*"', r"\1", text)
    return text if svg_is_sound(text) else None


_HARMLESS = frozenset(
    {"svg", "g", "title", "a", "path", "polygon", "polyline", "ellipse", "circle", "text", "tspan"}
    | {"rect", "line", "desc"}
)


def svg_is_sound(text: str) -> bool:
    """Whether ``text`` is one SVG of plain shapes: no script, handler, embedded or outside thing."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text or "<?" in text:
        return False
    try:  # without a document type there are no entities to expand
        root = ET.fromstring(text)
    except ET.ParseError:
        return False
    if root.tag.rpartition("}")[2] != "svg":
        return False
    for element in root.iter():
        if str(element.tag).rpartition("}")[2] not in _HARMLESS:
            return False
        for key, value in element.attrib.items():
            name = key.rpartition("}")[2].lower()
            if name.startswith("on") or name in ("href", "src") or "url(" in value.lower():
                return False
    return True


# --- PNG and PDF -------------------------------------------------------------------------------


def png_from_svg(svg: str, scale: float = 2.0) -> bytes:
    """Our SVG as PNG, through resvg (a library without a browser).

    A picture that would have more than 40 million pixels is made smaller.

    Raises
    ------
    MissingDependencyError
        If resvg-py is not installed, or no font is, so that all text would be missing.
    """
    try:
        import resvg_py
    except ImportError:
        raise MissingDependencyError(
            "save",
            "a PNG needs a renderer. Install Graphviz (apt-get install graphviz), or "
            "resvg-py or matplotlib: pip install 'gradproof[png]' or 'gradproof[plots]'. SVG, DOT, "
            "JSON and HTML need none.",
        ) from None
    folders = _font_folders()
    if not _draws_text(folders):
        raise MissingDependencyError(
            "save",
            "no font was found, and the PNG would have no text. Install one (apt-get install "
            "fonts-dejavu-core), or matplotlib, which brings its own: pip install 'gradproof[plots]'.",
        )
    size = re.match(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"', svg)
    if size is not None:
        scale = _within(float(size[1]), float(size[2]), scale)
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale, **_fonts(folders)))


def _within(width: float, height: float, scale: float) -> float:
    """The scale, or the greatest with which a picture of this size has no more pixels than it may."""
    return min(scale, (_PIXELS / max(width * height, 1.0)) ** 0.5)


def _fonts(folders: tuple[str, ...]) -> dict[str, Any]:
    """Options for resvg, whose own idea of a sans-serif (Arial) may not be there."""
    family = "DejaVu Sans"  # what matplotlib brings, and most systems have
    return {"font_dirs": list(folders), "font_family": family, "sans_serif_family": family}


@functools.cache
def _font_folders() -> tuple[str, ...]:
    """The fonts that matplotlib brings, for a machine that has none."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return ()
    folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
    return (str(folder),) if folder.is_dir() else ()


@functools.cache
def _draws_text(folders: tuple[str, ...]) -> bool:
    import resvg_py

    frame = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" font-family="sans-serif">'
        '<text x="2" y="16" font-size="16">{}</text></svg>'
    )
    with_letter, without = (
        bytes(resvg_py.svg_to_bytes(svg_string=frame.format(text), **_fonts(folders)))
        for text in ("M", "")
    )
    return with_letter != without


def sheet_through_matplotlib(sheet: Sheet, title: str, form: str) -> bytes:
    """Shapes as "pdf" or "png", drawn by matplotlib (vectors, and letters of its own font).

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path as Curve
    except ImportError:
        raise MissingDependencyError(
            "save",
            f"a {form.upper()} needs a renderer. Install Graphviz (apt-get install graphviz), "
            "or matplotlib: pip install 'gradproof[plots]'. SVG, DOT, JSON and HTML need none.",
        ) from None
    points = 0.75  # of a pixel
    figure = Figure(figsize=(sheet.width / 96, sheet.height / 96), facecolor=BACKGROUND, dpi=96)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))
    axes.axis("off")
    codes = {"M": Curve.MOVETO, "L": Curve.LINETO, "C": Curve.CURVE4, "Z": Curve.CLOSEPOLY}
    for depth, mark in enumerate(mark for group in sheet.groups for mark in group.marks):
        if isinstance(mark, Outline):
            corners: list[tuple[float, float]] = []
            steps = []
            for letter, *numbers in mark.path:
                values = [float(v) for v in numbers] or [0.0, 0.0]
                pairs = list(zip(values[::2], values[1::2], strict=True))
                corners += pairs
                steps += [codes[str(letter)]] * len(pairs)
            axes.add_patch(
                PathPatch(
                    Curve(corners, steps),
                    facecolor=mark.fill,
                    edgecolor=mark.line,
                    linewidth=mark.width * points,
                    linestyle=(0, mark.dashes) if mark.dashes else "-",
                    alpha=mark.opacity,
                    zorder=depth,
                )
            )
        else:
            sides = {"start": "left", "middle": "center", "end": "right"}
            axes.text(
                mark.x,
                mark.y,
                mark.text,
                size=mark.size * points,
                color=mark.colour,
                weight="bold" if mark.bold else "normal",
                ha=sides[mark.anchor],
                va="baseline",
                family="DejaVu Sans",
                rotation=mark.turn,
                rotation_mode="anchor",
                parse_math=False,
                zorder=depth,
            )
    target = io.BytesIO()
    # A fixed date: equal pictures are equal files.
    metadata = {"Title": title, "CreationDate": None} if form == "pdf" else {"Title": title}
    dpi = 96 * _within(sheet.width, sheet.height, 2.0)
    figure.savefig(target, format=form, dpi=dpi, metadata=metadata)
    return target.getvalue()
