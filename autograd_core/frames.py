"""The stack, as messages read it: whose code is running, and which line of the user's called it."""

from __future__ import annotations

import functools
import sys
import warnings

__all__ = ["called", "library", "register", "user_line", "warn"]

_PACKAGES = {"autograd_core", "numpy", "scipy"}
_BETWEEN = "contextlib"  # whose frames stand between ours


def register(package: str) -> None:
    """Have a package taken for one of the library: each that stands on the engine says so itself.

    Its frames are no lines of the user's, and what a captured step calls in it is not looked into: it
    computes from what it is given.
    """
    _PACKAGES.add(package)
    library.cache_clear()


@functools.lru_cache(maxsize=4096)
def library(module: str | None) -> bool:
    """Whether a module is of this library, of NumPy or of SciPy."""
    return (module or "").partition(".")[0] in _PACKAGES


def _passed_over(module: str) -> bool:
    return library(module) or module == _BETWEEN


def user_line() -> str | None:
    """``file:line`` of the innermost frame outside of this library, NumPy and SciPy."""
    frame = sys._getframe(1)
    while frame is not None:
        if not _passed_over(frame.f_globals.get("__name__", "")):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return None


def warn(message: str, category: type[Warning]) -> None:
    """Give a warning at the user's line."""
    level, frame = 2, sys._getframe(1)
    while frame is not None and _passed_over(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, category, stacklevel=level)


_COMPOSITES = ("autograd_core.functional.", "autograd_core.ops.")
_SHARED = "autograd_core.functional.shared"  # its functions are no composites


def called(operation: str) -> str:
    """What an error calls an operation: the composite that the user called, if it ran inside of one.

    Found on the stack, where the error is made: nothing is noted while all goes well.
    """
    frame, name = sys._getframe(1), operation.rstrip("_")
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith("autograd_core."):
            break
        function = frame.f_code.co_name
        if module.startswith(_COMPOSITES) and module != _SHARED:
            name = function if function in frame.f_globals["__all__"] else name
        frame = frame.f_back  # type: ignore[assignment]
    return name
