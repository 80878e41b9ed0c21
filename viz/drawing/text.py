r"""Text as it may stand in a picture: printable, cut honestly, and of known width.

Nothing that a user or a file can supply reaches DOT or SVG but through `visible`: control
characters, bidirectional controls, lone surrogates and other invisible characters are spelt out
(``\u202e``), so that a label can neither break the file nor show other than it reads.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core.markup import visible

__all__ = [
    "describe",
    "number",
    "shape_text",
    "shorten",
    "text_width",
    "wrapped",
]

# Advance widths of DejaVu Sans in hundredths of the font size, for " " to "~". It is the widest
# of the usual sans-serif fonts: where Helvetica or Arial is found, boxes are a little roomier.
_REGULAR = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
_BOLD = (
    35, 46, 52, 84, 70, 100, 87, 31, 46, 46, 52, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70,
    70, 70, 40, 40, 84, 84, 84, 58, 100, 77, 76, 73, 83, 68, 68, 82, 84, 37, 37, 77, 64, 100, 84, 85,
    73, 85, 77, 72, 68, 81, 77, 110, 77, 72, 73, 46, 37, 46, 84, 50, 50, 67, 72, 59, 72, 68, 44, 72,
    71, 34, 34, 67, 34, 104, 71, 69, 72, 72, 49, 60, 48, 71, 65, 92, 65, 65, 58, 71, 37, 71, 84,
)  # fmt: skip
# Letters, arrows and signs beyond ASCII are no wider than this in either face.
_OTHER, _WIDE = 84, 110

_FEW = 4  # elements up to which an array is spelt out


def shorten(text: object, limit: int = 44) -> str:
    """``text`` made printable and, beyond ``limit`` characters, cut with a note of what is gone.

    >>> shorten("x" * 100, 20)
    'xxxxxxxxxxxxxxxxxxxx… +80 characters'
    """
    plain = str(text)
    if len(plain) <= limit:
        return visible(plain)
    return f"{visible(plain[:limit])}… +{len(plain) - limit:,} characters"


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Estimated width of one line of text in pixels, from above: no font is opened."""
    table = _BOLD if bold else _REGULAR
    total = 0
    for character in text:
        code = ord(character)
        if 32 <= code < 127:
            total += table[code - 32]
        elif unicodedata.combining(character):
            continue
        elif unicodedata.east_asian_width(character) in "WF":
            total += _WIDE
        else:
            total += _OTHER
    return total * size / 100


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Lines of whole words, each no wider than ``width`` pixels unless it is one word."""
    lines: list[str] = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def number(value: Any) -> str:
    """A number in three significant digits with a true minus sign; large integers in full.

    >>> number(-0.012345), number(128), number(1e-9)
    ('−0.0123', '128', '1e−9')
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        digits = f"{int(value):,}" if abs(int(value)) < 10**9 else f"{float(value):.3g}"
    else:
        digits = f"{float(value) + 0.0:.3g}"  # without the sign of a negative zero
    digits = digits.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return digits.replace("-", "−")


def shape_text(shape: Iterable[Any]) -> str:
    """A shape as NumPy writes it: ``(8, 64)``, ``(10,)``, and "scalar" for ``()``."""
    sizes = [visible(n) for n in shape]
    if not sizes:
        return "scalar"
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def describe(array: Any) -> tuple[tuple[str, ...], bool]:
    """One or two short lines on an array's values, and whether any of them is nan or infinite.

    Up to four elements are spelt out. Of more, booleans give their share of true, integers their
    range, floats mean ± standard deviation and range, over the finite values.
    """
    values = np.asarray(array)
    if values.size == 0:
        return ("empty",), False
    if values.size == 1:
        single = values.reshape(-1)[0]
        broken = values.dtype.kind == "f" and not np.isfinite(single)
        return (f"= {number(single)}",), bool(broken)
    if values.size <= _FEW:
        return (_spelt(values),), bool(values.dtype.kind == "f" and not np.isfinite(values).all())
    if values.dtype.kind == "b":
        return (f"{100 * float(values.mean()):.3g} % true",), False
    if values.dtype.kind in "iu":
        return (f"{number(values.min())} … {number(values.max())}",), False
    finite = values[np.isfinite(values)].astype(np.float64)
    missing = values.size - finite.size
    lines: list[str] = []
    if finite.size:
        low, high = finite.min(), finite.max()
        if low == high:
            lines = [f"all {number(low)}"]
        else:
            with np.errstate(over="ignore", invalid="ignore"):  # values near the largest float
                lines = [f"{number(finite.mean())} ± {number(finite.std())}"]
            lines.append(f"{number(low)} … {number(high)}")
    if missing:
        lines.append(f"{missing:,} of {values.size:,} not finite")
    return tuple(lines), missing > 0


def _spelt(values: Any) -> str:
    """A small array as NumPy nests it."""
    if values.ndim == 0:
        return number(values[()])
    return f"[{', '.join(_spelt(part) for part in values)}]"
