"""What is known of code that no tracer sees: whose frames are ours, and what functions in C read.

A function that is not named here is refused in a compiled step, for what it depends on is unknown.
"""

from __future__ import annotations

import functools
import sysconfig
import types
import weakref
from typing import Any

import numpy as np

from ..context import CONTEXT
from ..frames import library
from ..tensors import Tensor

__all__ = ["QUIET", "home", "is_static", "kind_of", "of_engine", "of_python", "static"]

QUIET = frozenset(
    {
        "_frozen_importlib",
        "_py_warnings",
        "_frozen_importlib_external",
        "importlib",
        "warnings",
        "linecache",
    }
)
"""Modules of Python whose doing has no result that a step computes with."""

_PURE_MODULES = frozenset(
    {
        *("_abc", "_bisect", "_codecs", "_collections", "_collections_abc", "_contextvars", "_csv"),
        *("_datetime", "_decimal", "_functools", "_heapq", "_json", "_operator", "_sre", "_statistics"),
        *("_string", "_struct", "_stat", "_typing", "_weakref", "array", "binascii", "builtins", "cmath"),
        *("collections", "contextvars", "datetime", "decimal", "functools", "itertools", "math", "operator"),
        *("re", "string", "struct", "types", "typing", "unicodedata", "weakref", "zlib", "_types"),
        *("_hashlib", "_md5", "_sha1", "_sha2", "_sha3", "_sha256", "_sha512", "_blake2", "hashlib"),
        *("_annotationlib", "annotationlib", "_uuid", "copyreg", "enum"),
    }
)  # fmt: skip

_BY_NAME = {
    **dict.fromkeys(
        (
            *("builtins.breakpoint", "builtins.input", "builtins.open"),
            *("itertools.tee", "_functools._lru_cache_wrapper"),
        ),
        "refused",
    ),
    **dict.fromkeys(
        (
            *(
                "_thread.allocate_lock",
                "_thread.RLock",
                "_thread.lock",
                "posix.fspath",
                "nt.fspath",
            ),
            *("sys.intern", "sys.getsizeof", "sys.exc_info", "sys.exception", "sys.audit"),
            *("_io.StringIO", "_io.BytesIO", "_thread._local"),
            *("_imp.lock_held", "sys.is_finalizing"),
        ),
        "pure",
    ),
    **dict.fromkeys(
        (
            *("_thread.get_ident", "posix.getpid", "posix.getcwd", "sys.getrecursionlimit"),
            *("sys.getdefaultencoding", "sys.getfilesystemencoding", "_thread.get_native_id"),
            *("sys.gettrace", "gc.isenabled"),
        ),
        "asked",
    ),
    **dict.fromkeys(
        (
            "builtins.print",
            "time.sleep",
            "_warnings.warn",
            "_warnings.warn_explicit",
            "_warnings._filters_mutated",
            "_warnings._filters_mutated_lock_held",
        ),
        "quiet",
    ),
    # Of Python's own library only, which asks for the name of a module.
    **dict.fromkeys(("sys._getframe", "sys._getframemodulename"), "python"),
}
_STDLIB = sysconfig.get_path("stdlib")
_FROZEN = "<frozen "
_NOW = frozenset({"now", "today", "utcnow"})  # of datetime's classes


def home(f: Any) -> Any:
    """The module whose code a function runs (what wraps another may bear the name of its module)."""
    names = getattr(f, "__globals__", None)
    return names.get("__name__") if isinstance(names, dict) else getattr(f, "__module__", None)


@functools.lru_cache(maxsize=4096)
def _in_library(filename: str) -> bool:
    return filename.startswith(_FROZEN) or (
        filename.startswith(_STDLIB) and "site-packages" not in filename
    )


def of_python(code: types.CodeType) -> bool:
    """Whether code is of Python's own library: by its file, as a user's may be called code.py, too."""
    return _in_library(code.co_filename)


def of_engine(o: Any) -> bool:
    """Whether an object is a Tensor, or of a class of ours (NumPy's apart)."""
    kind = type(o)
    if kind is Tensor:
        return True
    name = kind.__module__
    return type(name) is str and library(name) and not name.startswith(("numpy", "scipy"))


def kind_of(function: Any) -> str:
    """What a function or class in C does: "pure", "asked", "quiet", "numpy", "refused" or "unknown"."""
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None)
    if module is None and isinstance(owner, types.ModuleType):
        module = owner.__name__
    name = getattr(function, "__name__", None)
    if isinstance(owner, type) and isinstance(name, str):
        return "refused" if name in _NOW else kind_of(owner)
    if not isinstance(module, str) or not isinstance(name, str):
        return "unknown"
    listed = _BY_NAME.get(f"{module}.{name}")
    if listed is not None:
        return listed
    if library(module):
        return "numpy"
    if module in _PURE_MODULES:
        return "pure"
    if isinstance(function, type) and issubclass(function, BaseException):
        return "pure"
    return "unknown"


# --- what is declared fixed ---------------------------------------------------------------------

_static: dict[int, Any] = {}


def static(value: Any) -> Any:
    """Declare a value fixed: compiled steps do not watch what they read through it.

    Parameters
    ----------
    value : object
        A container, an array, an object, a function, a module. What a step reads of it is read when
        the step is captured, and taken to stay as it was: attributes, entries, what it returns if
        it is called, and the same of objects reached through it.

    Returns
    -------
    object
        ``value`` itself. Nothing about it changes, but that compiled steps know it.

    See Also
    --------
    jit : what is watched otherwise.

    Notes
    -----
    The declaration holds for the object wherever a step meets it, not for other objects that are
    equal to it; of numbers, strings and None there is nothing to declare. A change that a step does not
    see is then yours to tell: make a new step.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> table = ag.static(list(range(100_000)))  # too long to be compared at every call
    >>> step = ag.jit(lambda x: x * sum(table), backend="numpy")
    >>> step(np.ones(1)).item()
    4999950000.0
    """
    if not isinstance(value, (bool, int, float, complex, str, bytes, type(None), np.generic)):
        key = id(value)
        try:
            _static[key] = weakref.ref(value, lambda _: _static.pop(key, None))
        except TypeError:
            _static[key] = lambda: value
    capture = CONTEXT.get().capture
    if capture is not None:
        capture.notes.setdefault("static", []).append(value)
    return value


def is_static(o: Any) -> bool:
    """Whether an object was declared fixed."""
    known = _static.get(id(o))
    return known is not None and known() is o
