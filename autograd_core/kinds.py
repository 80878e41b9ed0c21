"""The kinds of primitive: what an operation *is*, from which shape rules and meanings follow.

An evaluator (symbols, native code, cost, drawing) is written per kind, so a new operation of a
known kind appears in all of them by its declaration alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .abstract import Abstract, native
from .aliases import Axis, Params
from .dtypes import floating
from .errors import DTypeError, ShapeError
from .shapes import Shape, broadcast, normalise_axes, reduced

__all__ = [
    "Call",
    "Contract",
    "Elementwise",
    "Gather",
    "Kind",
    "Loop",
    "Opaque",
    "Random",
    "Reduce",
    "Scan",
    "View",
]

# An operand as a kind sees it: Abstract, array, or Python number / Dim (weak).
Operand = Any
Forward = Callable[..., Any]
# shape(operand shapes, params) -> result shape; several outputs give a list of shapes.
ShapeRule = Callable[..., Any]


def shape_of(operand: Operand) -> Shape:
    """Shape of an operand; Python numbers have ()."""
    return tuple(getattr(operand, "shape", ()))


def stand_in(operand: Operand) -> Any:
    """The smallest array of the operand's rank and dtype; a Python number for weak operands."""
    if isinstance(operand, (bool, int, float)):
        return operand
    if not hasattr(operand, "dtype"):  # a Dim
        return 1
    if isinstance(operand, Abstract) and operand.weak:
        return operand.dtype.type(1).item()
    return np.ones((1,) * len(operand.shape), operand.dtype)


def is_weak(operand: Operand) -> bool:
    """Whether the operand takes the dtype of what it meets."""
    return operand.weak if isinstance(operand, Abstract) else not hasattr(operand, "dtype")


@dataclass(frozen=True)
class Kind:
    """What a primitive is. Subclasses give the shape rule; `abstract` gives shape and dtype."""

    def shape(self, operands: tuple[Operand, ...], params: Params) -> Any:
        """Shape of the result (a list of shapes for several outputs)."""
        raise NotImplementedError

    def dtype(self, forward: Forward, operands: tuple[Operand, ...], params: Params) -> Any:
        """Dtype of the result: NumPy's, found by running forward on arrays of one element."""
        with np.errstate(all="ignore"):
            return np.asarray(forward(*map(stand_in, operands), **params)).dtype

    def abstract(self, forward: Forward, operands: tuple[Operand, ...], params: Params) -> Any:
        """The result without its values: an Abstract, or a tuple of them."""
        shape = self.shape(operands, params)
        dtype = self.dtype(forward, operands, params)
        if isinstance(shape, list):
            return tuple(Abstract(s, dtype) for s in shape)
        # A cast says its dtype, whatever it is given.
        weak = (
            isinstance(self, Elementwise)
            and all(map(is_weak, operands))
            and params.get("dtype") is None
        )
        return Abstract(shape, dtype, weak)


@dataclass(frozen=True)
class Elementwise(Kind):
    """A scalar formula, applied at every element after broadcasting.

    ``formula(s, *scalars, **params)`` is written with infix operators, integer literals and the
    scalar functions of the shelf ``s`` (exp, log, tanh, sqrt, sin, cos, step, …), where ``step(u)``
    is 1 for u > 0 and 0 otherwise. Each evaluator brings its own shelf. None: a primitive whose
    meaning is its name (comparisons, predicates, casts).
    """

    formula: Callable[..., Any] | None = None

    def shape(self, operands: tuple[Operand, ...], params: Params) -> Shape:
        """Shape of the result."""
        return broadcast(*map(shape_of, operands))


@dataclass(frozen=True)
class _Shaped(Kind):
    rule: ShapeRule
    real: bool = False  # integers are taken in double precision

    def shape(self, operands: tuple[Operand, ...], params: Params) -> Any:
        """Shape of the result."""
        return self.rule(*map(shape_of, operands), **params)

    def dtype(self, forward: Forward, operands: tuple[Operand, ...], params: Params) -> Any:
        """Dtype of the result."""
        if not operands:  # such as `eye`
            return native(params["dtype"])
        strong = [o.dtype for o in operands if hasattr(o, "dtype")]
        found = np.result_type(*strong) if strong else np.result_type(*map(stand_in, operands))
        return floating(found) if self.real else found


@dataclass(frozen=True)
class View(_Shaped):
    """An index map: each element of the result is an element of an operand, or zero.

    ``pads``: whether some may be zero. ``ordered``: whether elements keep their order, in C's, and are
    repeated at most.
    """

    pads: bool = False
    ordered: bool = False


@dataclass(frozen=True)
class Contract(_Shaped):
    """Sums of products over shared indices (matmul, einsum)."""


@dataclass(frozen=True)
class Gather(_Shaped):
    """Elements chosen by integer arrays, or added at places so chosen (scatter)."""

    def dtype(self, forward: Forward, operands: tuple[Operand, ...], params: Params) -> Any:
        """Dtype of the result."""
        return floating(operands[0].dtype) if self.real else operands[0].dtype


@dataclass(frozen=True)
class Opaque(_Shaped):
    """A NumPy or LAPACK call that evaluators other than NumPy's cannot look into.

    ``core`` is the number of axes of one of a stack of operands (2: matrices); None: no stacks.
    """

    core: int | None = None

    def dtype(self, forward: Forward, operands: tuple[Operand, ...], params: Params) -> Any:
        """Dtype of the result."""
        found = super().dtype(forward, operands, params)
        if self.real and found.char == "e":
            raise DTypeError(
                "linear algebra",
                "LAPACK does not compute in float16. Expected float32 or float64. Cast "
                "the operand first, with x.astype(np.float32).",
            )
        return found


@functools.lru_cache(maxsize=1024, typed=True)
def _folding(axis: Axis, ndim: int, keepdims: bool) -> Params:
    """Params of a reduction: one dict for all that are alike, since nobody writes to it."""
    if not isinstance(keepdims, (int, np.bool_)):  # NumPy has the dtype at this place
        raise ShapeError(f"expected True or False for keepdims; received {keepdims!r:.40}")
    return {"axis": normalise_axes(axis, ndim), "keepdims": bool(keepdims)}


@dataclass(frozen=True)
class Reduce(Kind):
    """Axes folded by an associative operation: params ``axis`` (tuple) and ``keepdims``."""

    def shape(self, operands: tuple[Operand, ...], params: Params) -> Shape:
        """Shape of the result."""
        return reduced(shape_of(operands[0]), params["axis"], params["keepdims"])

    def prepare(self, operands: tuple[Operand, ...], params: Params) -> Params:
        """Params with the axes as a sorted tuple of non-negative ints."""
        axis, ndim = params["axis"], len(operands[0].shape)
        if ndim == 0 and type(axis) is int and axis in (0, -1):
            axis = None  # as NumPy's reductions have it
        wanted = axis, ndim, params["keepdims"]
        try:
            folding = _folding(*wanted)
        except TypeError:  # a list of axes cannot be looked up
            folding = _folding.__wrapped__(*wanted)
        return folding if len(params) == len(folding) else {**params, **folding}


@dataclass(frozen=True)
class Scan(Kind):
    """Running fold along one axis: param ``axis`` (non-negative int)."""

    def shape(self, operands: tuple[Operand, ...], params: Params) -> Shape:
        """Shape of the result."""
        return shape_of(operands[0])

    def prepare(self, operands: tuple[Operand, ...], params: Params) -> Params:
        """Params with a non-negative axis."""
        (axis,) = normalise_axes(params["axis"], len(shape_of(operands[0])))
        return {**params, "axis": axis}


@dataclass(frozen=True)
class _Bodied(Kind):
    """What a Program does, the param ``body``; its outputs say the dtypes."""

    def abstract(
        self, forward: Forward, operands: tuple[Operand, ...], params: Params
    ) -> tuple[Abstract, ...]:
        """The results without their values."""
        shapes = self.shape(operands, params)
        outputs = params["body"].outputs
        return tuple(Abstract(s, o.dtype) for s, o in zip(shapes, outputs, strict=True))


@dataclass(frozen=True)
class Call(_Bodied):
    """A Program taken once, as a whole. See `transforms.compiled`."""

    def shape(self, operands: tuple[Operand, ...], params: Params) -> list[Shape]:
        """Shapes of the results."""
        return [o.shape for o in params["body"].outputs]


@dataclass(frozen=True)
class Loop(_Bodied):
    """A Program taken again and again: params ``body`` and ``length``.

    The outputs of the body are carries, which keep their shape, and then ys, which are stacked along
    a new axis 0; param ``carries`` is the number of the former. See `transforms.loops`.
    """

    def shape(self, operands: tuple[Operand, ...], params: Params) -> list[Shape]:
        """Shapes of the results."""
        carries, length = params["carries"], params["length"]
        return [
            o.shape if k < carries else (length, *o.shape)
            for k, o in enumerate(params["body"].outputs)
        ]


@dataclass(frozen=True)
class Random(Kind):
    """Bits from a key and a counter: param ``shape``; equal inputs give equal bits."""

    def shape(self, operands: tuple[Operand, ...], params: Params) -> Shape:
        """Shape of the result."""
        return tuple(params["shape"])

    def dtype(self, forward: Forward, operands: tuple[Operand, ...], params: Params) -> Any:
        """Dtype of the result."""
        return np.dtype(np.uint32)
