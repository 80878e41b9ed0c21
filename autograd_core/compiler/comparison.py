"""jit.check: one compiled step beside the same step without compiling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..program import Literal
from ..tensors import Tensor, leaf
from ..trees import flatten
from .captured import Captured

__all__ = ["Comparison", "State", "compared", "compiled_outcome", "nudged", "outcome"]

# Of the largest element: what a step of some hundred operations may round differently.
_TOLERANCES = {"d": 1e-9, "f": 1e-4, "e": 1e-2}
_MORE = 8  # times what a rounding of arguments and leaves changes


class Row(NamedTuple):
    """One value of both steps."""

    name: str
    kind: str
    error: float  # see `jit.check`
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
                f"  {row.name:{width}}  {row.kind:16}  error {row.error:.1e} of {row.tolerance:.1e}{mark}"
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
        self.before = [np.array(t._value) for t in self.written]
        self._stamps = [t._written for t in self.written]
        written = {id(t) for t in self.written}
        self._read = [
            t for t in tensors.values()
            if id(t) not in written and t._context.capture is None and t.dtype.kind == "f"
        ]  # fmt: skip
        self._kept: list[tuple[Tensor, Any]] = []

    def values(self) -> list[Any]:
        """Copies of what the written leaves hold now."""
        return [np.array(t._value) for t in self.written]

    def put_back(self) -> None:
        """Everything as it was."""
        for t, values in [*zip(self.written, self.before, strict=True), *self._kept]:
            _put(t, values)
        self._kept = []
        for t, stamp in zip(self.written, self._stamps, strict=True):
            t._written = stamp
        for t, grad in self._grads:
            t._grad = grad

    def nudge(self, rng: np.random.Generator) -> list[Any]:
        """Move every float leaf by a rounding, until `put_back`; what the written ones then hold."""
        self._kept = [(t, np.array(t._value)) for t in self._read]
        for t in (*self._read, *self.written):
            if t.dtype.kind == "f":
                _put(t, _moved(np.asarray(t._value), rng))
        return self.values()


def _put(t: Tensor, values: Any) -> None:
    if isinstance(t._value, np.ndarray):
        t._value[...] = values
    else:
        t._value = np.asarray(values)[()]


def _moved(array: Any, rng: np.random.Generator) -> Any:
    """Each number up or down by a rounding."""
    signs = rng.choice(np.array([-1, 1], array.dtype), array.shape)
    return (array * (1 + signs * np.finfo(array.dtype).eps)).astype(array.dtype)


def nudged(values: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """The same arguments, float arrays moved by a rounding."""
    moved = []
    for v in values:
        array = v._value if type(v) is Tensor else v
        if isinstance(array, (np.ndarray, np.generic)) and array.dtype.kind == "f":
            array = _moved(array, rng)
            v = leaf(array) if type(v) is Tensor else array
        moved.append(v)
    return moved


def outcome(captured: Captured, state: State, results: Any) -> list[tuple[str, Any]]:
    """Names and values of what a step gave and wrote, without compiling."""
    outputs = flatten(results)[0]
    found = [
        ("output" if len(outputs) == 1 else f"output {k}", o._value if type(o) is Tensor else o)
        for k, o in enumerate(outputs)
    ]
    found += _written(state, state.values())
    kept = [g.leaf for g in captured.gradients if g.output is not None]
    return found + [
        (f"grad of {t.name}", np.array(t.grad._value)) for t in kept if t.grad is not None
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
    first: int,
    state: State,
    compiled: Sequence[tuple[str, Any]],
    eager: Sequence[tuple[str, Any]],
    moved: Sequence[tuple[Sequence[Any], Sequence[tuple[str, Any]]]] = (),
) -> Comparison:
    """Rows for a compiled step beside an eager one.

    Parameters
    ----------
    first : int
        How many values stand before those of the leaves that are written: the step's outputs.
    moved : sequence of (values of the written leaves before, outcome)
        For arguments and leaves moved by a rounding: what changes by more than the tolerance there
        (Adam's step along a gradient that is rounding alone) may change as much here.
    """
    rows = []
    for n, ((_, value), (name, reference)) in enumerate(zip(compiled, eager, strict=True)):
        a, b = np.asarray(value), np.asarray(reference)
        others = [np.asarray(outcomes[n][1]) for _, outcomes in moved]
        kind = f"{b.dtype}[{','.join(map(str, b.shape))}]"
        if a.shape != b.shape:
            rows.append(Row(name, kind, np.inf, 0.0))
            continue
        if b.dtype.kind != "f":
            differs = a != b
            for other in others:  # what a rounding decides is nobody's fault
                differs = differs & (other == b)
            rows.append(Row(name, kind, float(differs.mean()) if differs.size else 0.0, 0.0))
            continue
        written = first <= n < first + len(state.written)
        old = state.before[n - first] if written else None
        error = _error(a, b, old)
        tolerance = max(
            _TOLERANCES.get(b.dtype.char, 1e-9),
            _rounding(b, old),
            *(
                _MORE * _error(other if old is None else _from(olds[n - first], other, old), b, old)
                for (olds, _), other in zip(moved, others, strict=True)
            ),
        )
        if old is not None and _same(a, old) and not _same(b, old):
            # Something is written, whatever rounding makes of it.
            stays = any(
                _same(o, olds[n - first]) for (olds, _), o in zip(moved, others, strict=True)
            )
            error = error if stays else np.inf
        rows.append(Row(name, kind, error, tolerance))
    return Comparison(title, rows)


def _from(before: Any, after: Any, old: Any) -> Any:
    """A change, as from ``old``."""
    wide = np.float64
    return np.asarray(old, wide) + (np.asarray(after, wide) - np.asarray(before, wide))


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b, equal_nan=b.dtype.kind == "f"))


def _error(a: Any, b: Any, old: Any = None) -> float:
    """The largest difference over the largest element of ``b``, or over its largest change."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(all="ignore"):
        differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        gap = np.abs(a - b)[differ]
    error = float(gap.max()) / _scale(b, old) if gap.size else 0.0
    return error if error == error else np.inf


def _scale(b: Any, old: Any) -> float:
    """The largest element, or the largest change where there is one."""
    tiny = float(np.finfo(np.float64).tiny)
    with np.errstate(all="ignore"):
        change = 0.0 if old is None else float(_finite(np.abs(b - old)).max(initial=0.0))
        return max(change or float(_finite(np.abs(b)).max(initial=0.0)), tiny)


def _finite(x: Any) -> Any:
    return x[np.isfinite(x)]


def _rounding(b: Any, old: Any) -> float:
    """What rounding the new value itself is, beside the change."""
    if old is None:
        return 0.0
    wide = np.asarray(b, np.float64)
    size = float(_finite(np.abs(wide)).max(initial=0.0))
    return 4 * float(np.finfo(b.dtype).eps) * size / _scale(wide, np.asarray(old, np.float64))
