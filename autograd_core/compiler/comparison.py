"""jit.check: one compiled step beside the same step without compiling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..program import Literal
from ..tensors import Tensor, leaf
from ..trees import flatten
from .capture import Captured

__all__ = ["Comparison", "State", "compared", "compiled_outcome", "nudged", "outcome"]

# Of the largest element: what a step of some hundred operations may round differently.
_TOLERANCES = {"d": 1e-9, "f": 1e-4, "e": 1e-2}


class Row(NamedTuple):
    """One value of both steps."""

    name: str
    kind: str
    error: float  # largest difference, over the largest element
    tolerance: float


class Comparison:
    """What `jit.check` found, to print.

    Attributes
    ----------
    rows : list of Row
        Of each output and each written tensor: name, dtype and shape, error, tolerance.
    ok : bool
        Whether every error is within its tolerance.
    """

    def __init__(self, title: str, rows: list[Row]) -> None:
        self.title = title
        self.rows = rows

    @property
    def ok(self) -> bool:
        """Whether every error is within its tolerance."""
        return all(row.error <= row.tolerance for row in self.rows)

    def __str__(self) -> str:
        verdict = "the same" if self.ok else "DIFFERENT"
        lines = [f"{self.title}: compiled and not compiled give {verdict}"]
        width = max((len(row.name) for row in self.rows), default=0)
        for row in self.rows:
            mark = "" if row.error <= row.tolerance else "  <-- more than the tolerance"
            lines.append(
                f"  {row.name:{width}}  {row.kind:16}  error {row.error:.1e} of {row.tolerance:.0e}{mark}"
            )
        return "\n".join(lines)

    __repr__ = __str__


class State:
    """The values and gradients of the leaves of a captured step, to be put back."""

    def __init__(self, captured: Captured) -> None:
        tensors = dict(captured.program.captures)
        self.written = [tensors[v] for v, _ in captured.program.writes]
        touched = {id(g.leaf): g.leaf for g in captured.gradients}
        self._grads = [(t, t._grad) for t in touched.values()]
        self._values = [(t, np.array(t._data), t._written) for t in self.written]

    def values(self) -> list[Any]:
        """Copies of what the written leaves hold now."""
        return [np.array(t._data) for t in self.written]

    def put_back(self) -> None:
        """Everything as it was."""
        for t, values, written in self._values:
            if isinstance(t._data, np.ndarray):
                t._data[...] = values
            else:
                t._data = values[()]
            t._written = written
        for t, grad in self._grads:
            t._grad = grad


def nudged(values: Sequence[Any]) -> list[Any]:
    """The same arguments, float arrays moved by a rounding, up and down in turn."""
    moved = []
    for v in values:
        array = v._data if type(v) is Tensor else v
        if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind == "f":
            signs = np.resize(np.array([1, -1, -1], array.dtype), array.shape)
            array = array * (1 + signs * np.finfo(array.dtype).eps)
            v = leaf(array) if type(v) is Tensor else array
        moved.append(v)
    return moved


def outcome(captured: Captured, state: State, results: Any) -> list[tuple[str, Any]]:
    """Names and values of what a step gave and wrote, without compiling."""
    outputs = flatten(results)[0]
    found = [
        ("output" if len(outputs) == 1 else f"output {k}", o._data if type(o) is Tensor else o)
        for k, o in enumerate(outputs)
    ]
    found += _written(state, state.values())
    kept = [g.leaf for g in captured.gradients if g.output is not None]
    return found + [
        (f"grad of {t.name}", np.array(t.grad._data)) for t in kept if t.grad is not None
    ]


def compiled_outcome(
    captured: Captured, state: State, found: Sequence[Any]
) -> list[tuple[str, Any]]:
    """As `outcome`, of a compiled step with the outputs ``found``."""
    values: list[tuple[str, Any]] = [
        ("", o.value if isinstance(o, Literal) else found[o]) for o in captured.results
    ]
    values += _written(state, state.values())
    return values + [("", found[g.output]) for g in captured.gradients if g.output is not None]


def _written(state: State, values: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(t.name or "a tensor", v) for t, v in zip(state.written, values, strict=True)]


def compared(
    title: str,
    compiled: Sequence[tuple[str, Any]],
    eager: Sequence[tuple[str, Any]],
    moved: Sequence[tuple[str, Any]],
) -> Comparison:
    """Rows for a compiled step beside an eager one.

    Parameters
    ----------
    moved : sequence
        The outcome for arguments moved by a rounding: what changes by more than the tolerance there
        (Adam's step along a gradient that is rounding alone) may change as much here.
    """
    rows = []
    for (_, value), (name, reference), (_, other) in zip(compiled, eager, moved, strict=True):
        a, b = np.asarray(value), np.asarray(reference)
        kind = f"{b.dtype}[{','.join(map(str, b.shape))}]"
        if a.shape != b.shape or b.dtype.kind != "f":
            same = a.shape == b.shape and bool((a == b).all())
            rows.append(Row(name, kind, 0.0 if same else np.inf, 0.0))
            continue
        tolerance = _TOLERANCES.get(b.dtype.char, 1e-9)
        rows.append(Row(name, kind, _error(a, b), max(tolerance, 8 * _error(np.asarray(other), b))))
    return Comparison(title, rows)


def _error(a: Any, b: Any) -> float:
    """The largest difference over the largest element of ``b``."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    gap = np.abs(a - b)[differ]
    scale = max(float(np.abs(b).max(initial=0.0)), float(np.finfo(np.float64).tiny))
    error = float(gap.max()) / scale if gap.size else 0.0
    return error if error == error else np.inf
