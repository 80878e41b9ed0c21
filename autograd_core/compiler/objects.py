"""What an object is to one who reads it: whether it can change, whether a class was written in Python, what it is called."""

from __future__ import annotations

import inspect
import random
import types
from collections import deque
from typing import Any

import numpy as np

from ..structure import Structured
from .guards import PLAIN

__all__ = [
    "ARRAYS",
    "CONTAINERS",
    "FIXED",
    "GENERATES",
    "GENERATORS",
    "METHODS_IN_C",
    "SUSPENDED",
    "described",
    "fixed",
    "hashed",
    "made_in_python",
    "named",
    "of_numpy",
    "own_attributes",
    "registers",
    "state_of",
    "unstarted",
]

_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
CONTAINERS = (list, tuple, dict, set, frozenset, deque, bytearray, types.MappingProxyType, *_VIEWS)
GENERATORS = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)
SUSPENDED = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
METHODS_IN_C = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)  # fmt: skip
FIXED = frozenset((*PLAIN, types.CodeType, types.BuiltinFunctionType, types.FrameType, type(Ellipsis), type(NotImplemented)))  # fmt: skip
GENERATES = 0x20 | 0x80 | 0x200  # flags of code that makes a generator or the like
ARRAYS = (__import__("array").array,)


def of_numpy(o: Any) -> bool:
    """Whether a function of NumPy may compute with what is in an object of its own: a polynomial."""
    return type(o).__module__.startswith(("numpy", "scipy")) and made_in_python(type(o))


def fixed(o: Any) -> bool:
    """Whether nothing of an object can change (a class of the user's may add attributes)."""
    return type(o) in FIXED or (
        isinstance(o, (np.generic, np.dtype)) and not isinstance(o, np.void)
    )


def hashed(key: Any) -> bool:
    """Whether a key is compared without code of the user's."""
    if type(key) is tuple:
        return all(map(hashed, key))
    return isinstance(key, (*PLAIN[:7], np.generic, type, types.FunctionType)) and not (
        isinstance(key, type) and type(key) is not type
    )


def own_attributes(o: Any) -> dict[str, Any] | None:
    """The dict of an object's own attributes, if it has one."""
    try:
        own = object.__getattribute__(o, "__dict__")
    except AttributeError:
        return None
    return own if isinstance(own, dict) else None


def registers(kind: type) -> bool:
    """Whether attributes of its objects may be registered, and are part of their structure then."""
    return issubclass(kind, Structured) and hasattr(kind, "_registry")


def made_in_python(kind: type) -> bool:
    """Whether a class was written in Python, and may change."""
    return bool(kind.__flags__ & (1 << 9)) and not kind.__flags__ & (1 << 8)


def unstarted(o: Any) -> bool:
    """Whether an object is a generator of which nothing has run."""
    return (
        isinstance(o, types.GeneratorType) and inspect.getgeneratorstate(o) == inspect.GEN_CREATED
    )


def described(kind: type) -> str:
    """What messages call an object of a class."""
    return f"an object of {kind.__module__}.{kind.__qualname__}"


def named(f: Any) -> str:
    """What messages call a function: its module and its name."""
    owner = getattr(f, "__self__", None)
    name = getattr(f, "__qualname__", None) or getattr(f, "__name__", type(f).__name__)
    module = getattr(f, "__module__", None)
    if module is None and owner is not None and not isinstance(owner, types.ModuleType):
        module = type(owner).__module__
    module = {"posix": "os", "_io": "io"}.get(module or "", module)
    return f"{module}.{name}" if module else str(name)


def state_of(generator: Any) -> Any:
    """Where a generator of random numbers stands."""
    if isinstance(generator, random.SystemRandom):
        return None  # it has none
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.BitGenerator):
        return generator.state
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.getstate()
