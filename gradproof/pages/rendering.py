"""The templates of pages: whatever is put into them is escaped, unless it is markup of our own making."""

from __future__ import annotations

import functools
from collections.abc import Sized

import jinja2
from markupsafe import Markup

from autograd_core.markup import visible

from .latex import mathml
from .markup import data_uri, inline_svg, png

__all__ = ["environment", "render"]

# White space that is meant: between lines of code, and where a line must not be broken.
KEPT = " \t\n\u00a0\u2009"


def render(name: str, **values: object) -> str:
    """The page that a template makes of values.

    Parameters
    ----------
    name : str
        A file in the folder ``templates``.
    **values : object
        What it speaks of; a name that it asks for and that is missing is an error.
    """
    return environment().get_template(name).render(values)


@functools.cache
def environment() -> jinja2.Environment:
    """How templates are read; made once."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__ or "gradproof.pages"),
        autoescape=True,
        finalize=_visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "counted": counted,
        "data_uri": data_uri,
        "inline_svg": inline_svg,
        "mathml": mathml,
        "percent": percent,
        "png": png,
        "shortened": shortened,
    }
    return made


def _visible(value: object) -> object:
    """Control characters are no part of HTML, even escaped."""
    return value if isinstance(value, Markup) else visible(value, keep=KEPT)


def counted(things: Sized, noun: str) -> str:
    """``3 rules``; or nothing for none."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}" if things else ""


def percent(share: float, decimals: int = 2) -> str:
    """``12.50 %``, on one line; a dash for what is not a number."""
    return "–" if share != share else f"{100 * share:.{decimals}f}\u00a0%"


def shortened(text: str, longest: int) -> str:
    """Its beginning, where it is longer than so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
