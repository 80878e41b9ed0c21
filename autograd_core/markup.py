r"""Text as it may stand among markup and in files: visible, and with nothing in it that is read as markup.

The one escaper of the project: for HTML, SVG and DOT's HTML-like labels. (Templates escape by
themselves, and take `visible` for the rest.)
"""

from __future__ import annotations

import html
import unicodedata

__all__ = ["escaped", "visible"]

# Cc controls, Cf format and bidi controls, Cs surrogates, Cn noncharacters, Zl and Zp line ends.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def visible(text: object, keep: str = "") -> str:
    r"""``text`` with every character visible: spaces for white space, escapes for controls.

    Parameters
    ----------
    text : object
        Read by ``str``.
    keep : str
        Characters that stay as they are, such as ``"\n"``.

    Examples
    --------
    >>> visible("a\tb\x00\u202ec")
    'a b\\x00\\u202ec'
    >>> visible("two\nlines\t", keep="\n")
    'two\nlines '
    """
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(c if c in keep else _visible(c) for c in plain)


def _visible(character: str) -> str:
    if character in " \t\n\r\f\v":
        return " "
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category not in _INVISIBLE:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escaped(text: object, keep: str = "") -> str:
    """`visible`, with ``& < > " '`` as entities: for elements and for attributes in quotes.

    Examples
    --------
    >>> escaped("a < b")
    'a &lt; b'
    """
    return html.escape(visible(text, keep), quote=True)
