"""What the questions of `prove` may be given: each wrong argument is named, before any work."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError, ProofError
from ..primitives import REGISTRY, Primitive
from ..program import Program
from ..tensors import Tensor
from .facts import SumsTo

__all__ = [
    "SECONDS",
    "TERMS",
    "cases_for",
    "check",
    "fitting",
    "leaves_of",
    "numbers_of",
    "primitive_of",
    "shown",
]

METHODS = ("INDEXED", "EXACT")
SECONDS = 60.0  # what a question may take, unless it is told
TERMS = 200_000


def shown(value: Any) -> str:
    """A value, short, with its type; also where it cannot show itself."""
    try:
        text = f"{value!r:.40}"
    except Exception:  # noqa: BLE001 - it is the user's own, and only to be shown
        text = "a value without a repr"
    return f"{text} ({type(value).__name__})"


def check(
    operation: str,
    *,
    seconds: Any = 1.0,
    terms: Any = 1,
    method: Any = None,
    args: Any = (),
    given: Any = (),
) -> None:
    """Refuse arguments that are not of the kind that the questions take.

    Raises
    ------
    ConfigError, ProofError
        Names the argument, what was expected, what came.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float, np.integer, np.floating)):
        raise ConfigError(
            operation,
            f"expected a number of seconds; received {shown(seconds)}. Pass seconds=60.0.",
        )
    if math.isnan(seconds) or seconds < 0:
        raise ConfigError(operation, f"expected seconds of 0 or more; received {seconds!r}.")
    if isinstance(terms, bool) or not isinstance(terms, (int, np.integer)) or terms < 1:
        raise ConfigError(
            operation, f"expected a whole number of terms from 1 on; received {shown(terms)}."
        )
    if method is not None and (not isinstance(method, str) or method not in METHODS):
        raise ConfigError(
            operation, f"expected the method 'INDEXED' or 'EXACT'; received {shown(method)}."
        )
    if not isinstance(args, (list, tuple)):
        raise ProofError(
            operation,
            f"expected args as a list or tuple of arguments; received {shown(args)}. For "
            "one argument x pass args=[x].",
        )
    if isinstance(given, SumsTo) or not isinstance(given, Sequence) or isinstance(given, str):
        raise ProofError(
            operation,
            f"expected given as a list of facts; received {shown(given)}. For one fact "
            "pass given=[fact].",
        )
    for f in given:
        if not isinstance(f, SumsTo):
            raise ProofError(
                operation,
                f"given holds {shown(f)}. Expected facts, such as facts.sums_to_one(y, axis=1).",
            )


def primitive_of(operation: str, name: Any) -> Primitive:
    """A primitive by its record, its registered name, or the function that was declared.

    Raises
    ------
    ProofError
        If there is none.
    """
    if isinstance(name, Primitive):
        return name
    if isinstance(name, str) and name in REGISTRY:
        return REGISTRY[name]
    if isinstance(name, str):
        raise ProofError(
            operation, f"there is no primitive {name!r}. See ag.REGISTRY for the names."
        )
    of = getattr(name, "__name__", "")
    hint = f" Pass {of!r}." if isinstance(of, str) and of in REGISTRY else ""
    raise ProofError(
        operation,
        "expected the name of a primitive, such as 'tanh', or a Primitive; received "
        f"{shown(name)}.{hint} Of a function of several primitives decide its gradient, with prove.backward.",
    )


def leaves_of(operation: str, wrt: Any) -> tuple[list[Tensor], list[str]]:
    """The leaves that ``wrt`` lists, and names for them if it is a mapping.

    Raises
    ------
    ProofError
        If it lists anything else, a leaf twice, or names that are no text.
    """
    if wrt is None:
        raise ProofError(operation, "expected wrt=[…], the leaves to differentiate by.")
    if isinstance(wrt, Tensor):
        wrt = [wrt]
    if not isinstance(wrt, (Mapping, Sequence)) or isinstance(wrt, str):
        raise ProofError(
            operation,
            "expected wrt as a list of tensors, or a mapping that names them; received "
            f"{shown(wrt)}.",
        )
    names = list(wrt) if isinstance(wrt, Mapping) else []
    for name in names:
        if not isinstance(name, str):
            raise ProofError(operation, f"wrt names a leaf {shown(name)}. Expected names as text.")
    leaves = list(wrt.values()) if isinstance(wrt, Mapping) else list(wrt)
    for n, leaf in enumerate(leaves):
        if not isinstance(leaf, Tensor):
            raise ProofError(
                operation,
                f"wrt holds {shown(leaf)}. Expected tensors that the loss depends on; "
                "a mapping names them.",
            )
        if any(leaf is other for other in leaves[:n]):
            raise ProofError(
                operation, f"wrt holds {leaf.name or 'a tensor'} twice. Expected each leaf once."
            )
    return leaves, names


def numbers_of(operation: str, wrt: Any, program: Program[Any]) -> tuple[int, ...]:
    """The numbers of inputs that ``wrt`` lists; all by default.

    Raises
    ------
    ProofError
        If they are not numbers of inputs, each once.
    """
    n = len(program.inputs)
    if wrt is None:
        return tuple(range(n))
    listed = isinstance(wrt, Sequence) and not isinstance(wrt, str)
    valid = listed and all(
        isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in wrt
    )
    if not valid or any(not 0 <= k < n for k in wrt) or len(set(wrt)) < len(wrt):
        raise ProofError(
            operation,
            f"wrt={shown(wrt)} does not fit the {n} inputs of {program.name}. Expected "
            "numbers of inputs, each once.",
        )
    return tuple(map(int, wrt))


def fitting(operation: str, function: Callable[..., Any], args: Sequence[Any]) -> None:
    """Refuse arguments that a function does not take.

    Raises
    ------
    ProofError
    """
    try:
        takes = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in without one
        return
    try:
        takes.bind(*args)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise ProofError(
            operation,
            f"{name}{takes} was given {len(args)} arguments: {error}. Expected args=[…] "
            "with an array, a tensor or an ag.Abstract shape for each.",
        ) from None


def cases_for(operation: str, p: Primitive, cases: Any) -> list[tuple[Sequence[Any], Any]]:
    """Cases of a primitive, as pairs of operands and params that it takes.

    Raises
    ------
    ProofError
    """
    like = "[((ag.Abstract((2, 3)),), {'axis': 0})]"
    if not isinstance(cases, Sequence) or isinstance(cases, str):
        raise ProofError(operation, f"expected cases such as {like}; received {shown(cases)}.")
    for case in cases:
        pair = isinstance(case, Sequence) and len(case) == 2
        if not pair or not isinstance(case[0], Sequence) or not isinstance(case[1], Mapping):
            raise ProofError(
                operation,
                f"cases holds {shown(case)}. Expected pairs of operands and params, such as "
                f"{like}.",
            )
        wrong = ""
        if not p.variadic and len(case[0]) != p.arity:
            wrong = f"it takes {p.arity} operands"
        elif isinstance(p.forward, np.ufunc):
            wrong = "it takes no params" if case[1] else ""
        else:
            try:
                inspect.signature(p.forward).bind(*case[0], **case[1])
            except TypeError as error:
                wrong = str(error)
            except ValueError:  # a built-in without a signature
                pass
        if wrong:
            raise ProofError(
                operation,
                f"{p.name} does not take the case {shown(case)}: {wrong}. Expected {like}, "
                "with its operands and params.",
            )
    return list(cases)
