"""What the symbols of an expression stand for: the arrays that are given, and the sizes of indices.

sympy's indices do not know how far they run. Each runs over an axis of an array that it stands at, so
the shapes of the arrays tell, and two that disagree are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import sympy

from ...abstract import Abstract
from ...errors import ConfigError, ProofError, ShapeError
from ...shapes import Dim, Shape
from ...tensors import Tensor, tensor
from ..indexed import size
from ..places import free_indices, index, indices_in, size_of
from ..walks import in_order, replaced
from .lowering import check_nodes

__all__ = ["Value", "agree", "input_of", "name_of", "named_inputs", "prepared"]


# Python's numbers stay what they are: they take the dtype of what they meet.
Value: TypeAlias = Tensor | int | float


def named_inputs(inputs: Mapping[Any, Any]) -> dict[str, Value]:
    """Tensors, and Python's numbers, by name."""
    values: dict[str, Value] = {}
    for key, value in inputs.items():
        if isinstance(key, str):
            name = key
        elif isinstance(key, (sympy.Symbol, sympy.MatrixSymbol)):
            name = key.name
        elif isinstance(key, sympy.IndexedBase):
            name = str(key.label.name)
        else:
            raise ConfigError(
                "from_sympy",
                f"the key {key!r} of inputs is a {type(key).__name__}. Expected a Symbol, "
                "IndexedBase, MatrixSymbol or name.",
            )
        if name in values:
            raise ConfigError("from_sympy", f"inputs has two entries for {name}.")
        plain = isinstance(value, Tensor) or type(value) in (int, float)
        values[name] = value if plain else tensor(value)
    return values


def prepared(
    e: Any, named: dict[str, Value]
) -> tuple[Any, dict[sympy.Symbol, tuple[Any, list[Any]]], list[sympy.Symbol]]:
    """The expression with indices that know their sizes; what its symbols stand for; free indices."""
    e = sympy.sympify(e, strict=True)
    nodes = in_order(e)
    check_nodes(nodes)
    _same_names(nodes)
    elements = [node for node in nodes if isinstance(node, sympy.Indexed)]
    sums = [node for node in nodes if isinstance(node, sympy.Sum)]
    labels = {a.base.label for a in elements}
    bound = {limit[0] for s in sums for limit in s.limits}
    terms = {t for a in elements for t in a.indices}
    terms |= {t for d in nodes if isinstance(d, sympy.KroneckerDelta) for t in d.args[:2]}
    runs = bound | {
        t
        for t in terms - labels
        if isinstance(t, (sympy.Symbol, sympy.Idx)) and name_of(t) not in named
    }
    arrays: dict[sympy.Symbol, tuple[Any, list[Any]]] = {}
    sizes: dict[Any, Any] = {}  # of indices, and what the names of sizes are
    for a in elements:
        arrays[a.base.label] = _element(a, named, runs, sizes)
    _bounds(sums, sizes)
    shapes: list[Shape] = [x.shape for x in named.values() if isinstance(x, Tensor)]
    dims = {name for s in shapes for n in s if isinstance(n, Dim) for name in n.names}
    symbols = [node for node in nodes if node.is_Symbol]
    for s in symbols:
        if s.name in dims and s.name not in named and s not in runs:
            sizes.setdefault(s, Dim.named(s.name))
    unknown = [t for t in runs if t not in sizes]
    if unknown:
        names = ", ".join(sorted(map(name_of, unknown)))
        raise ProofError("from_sympy", f"no array tells the size of the axis of {names}.")
    for s in symbols:
        if not (s in sizes or s in labels or _inside_index(s, runs)):
            value = input_of(s, named)
            arrays[s] = (value, [])
            if elements and isinstance(value, Tensor) and value.ndim:
                raise ShapeError(
                    "from_sympy",
                    f"{s} stands for an array without an index in an expression that has "
                    "indices. Write its element with IndexedBase.",
                )
    for s, (value, _) in arrays.items():
        _check_assumptions(s, value)
    into = {t: index(name_of(t), size(n)) if t in runs else size(n) for t, n in sizes.items()}
    ready = replaced(e, {t: new for t, new in into.items() if t != new})
    free = free_indices(ready, {})
    return ready, arrays, sorted(free, key=lambda i: i.name)


def _element(
    a: sympy.Indexed, named: dict[str, Value], runs: set[Any], sizes: dict[Any, Any]
) -> tuple[Tensor, list[Any]]:
    """The array of an element and the sizes of its axes; notes those of the indices."""
    value = input_of(a.base.label, named)
    x = value if isinstance(value, Tensor) else tensor(value)
    shape: list[Any] = list(x.shape)
    if len(a.indices) != len(shape):  # axes of size 1 may go without an index
        shape = [None if n == 1 else n for n in shape]
    held = [n for n in shape if n is not None]
    if len(a.indices) != len(held):
        raise ShapeError(
            "from_sympy",
            f"{a} has {len(a.indices)} indices; {a.base.label} has the shape {x.shape}.",
        )
    for term, n in zip(a.indices, held, strict=True):
        if term in runs:
            agree(sizes, term, n, "index")
            own: Any = None
            if isinstance(term, sympy.Idx):
                own = None if term.upper is None else term.upper + 1
            elif indices_in(term):
                own = size_of(term)
            if own is not None and own.is_Symbol:
                agree(sizes, own, n, "size")
    return x, [None if n is None else size(n) for n in shape]


def _inside_index(s: sympy.Symbol, runs: Iterable[Any]) -> bool:
    """Whether ``s`` is only the name of an Idx."""
    return any(isinstance(t, sympy.Idx) and s == t.label for t in runs)


def name_of(t: Any) -> str:
    """The name of an index: a Symbol or an Idx."""
    return str(t.label.name if isinstance(t, sympy.Idx) else t.name)


def _same_names(nodes: Iterable[Any]) -> None:
    met: dict[str, sympy.Symbol] = {}
    for s in nodes:
        if not s.is_Symbol or isinstance(s, sympy.Dummy):
            continue
        other = met.setdefault(s.name, s)
        if other != s:
            raise ProofError(
                "from_sympy",
                f"two symbols are called {s.name} and differ in their assumptions. Expected one "
                "symbol for one name.",
            )


def input_of(s: sympy.Symbol, named: dict[str, Value]) -> Value:
    """What a symbol stands for: an input of its name, or an element of one, ``z[0,1]``."""
    if s.name in named:
        return named[s.name]
    match = re.fullmatch(r"(.+)\[(\d+(?:,\d+)*)\]", s.name)
    array = None if match is None else named.get(match[1])
    if match is not None and isinstance(array, Tensor):
        element: Tensor = array[tuple(map(int, match[2].split(",")))]
        return element
    raise ProofError(
        "from_sympy",
        f"there is no input for the symbol {s}. Received inputs for {', '.join(named) or 'none'}.",
    )


# What a symbol may be by its assumptions, and which numbers are not.
_NOT: dict[str, Callable[[Any], Any]] = {
    "positive": lambda v: v <= 0, "nonnegative": lambda v: v < 0, "negative": lambda v: v >= 0,
    "nonpositive": lambda v: v > 0, "nonzero": lambda v: v == 0, "zero": lambda v: v != 0,
    "integer": lambda v: v != np.floor(v), "even": lambda v: v % 2 != 0, "odd": lambda v: v % 2 != 1,
}  # fmt: skip


def _check_assumptions(s: sympy.Symbol, value: Value) -> None:
    """Refuse numbers that a symbol does not stand for: sympy has simplified by its assumptions."""
    values = value._value if isinstance(value, Tensor) else value
    if s.is_extended_real is False:
        raise ConfigError("from_sympy", f"{s} is not real by its assumptions; arrays are.")
    if isinstance(values, Abstract):
        return
    for word, fails in _NOT.items():
        if getattr(s, f"is_{word}"):
            with np.errstate(invalid="ignore"):
                wrong = np.asarray(values)[np.asarray(fails(values))]
            if wrong.size:
                raise ConfigError(
                    "from_sympy",
                    f"{s} is {word} by its assumptions, by which sympy simplifies; received "
                    f"{wrong.flat[0]}. Expected such numbers only, or a symbol without this "
                    "assumption.",
                )


def agree(sizes: dict[Any, Any], key: Any, n: Any, what: str) -> None:
    """Note the size of an index, or what the name of a size is; refuse another one."""
    if sizes.setdefault(key, n) != n:
        raise ShapeError(
            "from_sympy", f"the {what} {key} runs over axes of sizes {sizes[key]} and {n}."
        )


def _bounds(sums: Iterable[sympy.Sum], sizes: dict[Any, Any]) -> None:
    """Check that sums run over whole axes, and note what the names of sizes are."""
    for s in sorted(sums, key=str):
        for k, low, high in (tuple(limit) for limit in s.limits):
            n = high + 1
            if low != 0:
                raise ShapeError(
                    "from_sympy",
                    f"the sum over {k} starts at {low}. Expected 0: indices count from 0, as in NumPy.",
                )
            if n.is_Integer and k not in sizes:
                sizes[k] = int(n)
            elif n.is_Symbol and k in sizes:
                agree(sizes, n, sizes[k], "size")
            elif n.is_Symbol and n in sizes:
                sizes[k] = sizes[n]
            elif k in sizes and size(sizes[k]) != n.xreplace(
                {key: size(value) for key, value in sizes.items() if isinstance(key, sympy.Symbol)}
            ):
                raise ShapeError(
                    "from_sympy",
                    f"the sum over {k} runs to {high} along an axis of size {sizes[k]}. Expected all "
                    "of the axis; take a part of the array first.",
                )
