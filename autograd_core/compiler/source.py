"""Functions that are written as source: compiled, and shown line by line where they fail."""

from __future__ import annotations

import itertools
import linecache
import weakref
from typing import Any

__all__ = ["defined"]

_NUMBER = itertools.count(1).__next__


def defined(name: str, source: str, names: dict[str, Any], title: str) -> Any:
    """The function that a source defines.

    Parameters
    ----------
    name : str
        The function's, in the source.
    names : dict of str to anything
        What the source may name: the function's globals, to which it is added.
    title : str
        What tracebacks call the source. They, and debuggers, show its lines as long as the function lives.
    """
    filename = f"<{title} {_NUMBER()}>"
    names["__name__"] = __name__  # its frames are ours, no line of the user's
    exec(compile(source, filename, "exec"), names)  # noqa: S102 - written by us, of names and numbers alone
    function = names[name]
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    return function
