"""Values at the present place: scalars outside of the innermost loop, vectors inside, each in the dtype that is asked.

A value is computed once and kept as what it is; what meets it in another dtype, or in lanes, has it converted or spread,
and that is kept, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....program import Literal
from ...kernels import Compute, Tile, Value
from ..assembly import V, constant, vector
from ..operations import converted, instruction, operand_dtypes, register_type
from .addresses import Addresses

__all__ = ["Values"]

_INDEX = np.dtype(np.int64)


class Values(Addresses):
    """Addresses, and what has been computed.

    Attributes
    ----------
    values : dict
        By statement as it was computed; by statement and dtype as converted; "spread" over lanes.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.values: dict[Any, V] = {}

    def scalar(self, value: Value, dtype: np.dtype[Any]) -> V:
        """A value that stands outside of the innermost loop, in a dtype."""
        if isinstance(value, Literal):
            return constant(_number(value.value, dtype), register_type(dtype))
        return self._as_dtype(value, dtype)

    def vector(self, value: Value, dtype: np.dtype[Any] | None = None) -> V:
        """A value at the present vector, in a dtype; scalars are spread."""
        dtype, lanes = dtype or _dtype(value), self.axes.lanes
        if isinstance(value, Literal):
            return constant(_number(value.value, dtype), vector(register_type(dtype), lanes))
        if isinstance(value, Tile) or self.axes.depth_of(value) == len(self.axes.sizes):
            return self._as_dtype(value, dtype)
        spread = (value, dtype.char, "spread")
        if spread not in self.values:
            self.values[spread] = self.code.splat(self.scalar(value, dtype), lanes)
        return self.values[spread]

    def operand(self, value: Value, dtype: np.dtype[Any], inner: bool) -> V:
        """A value as a vector or as a scalar."""
        return self.vector(value, dtype) if inner else self.scalar(value, dtype)

    def _as_dtype(self, value: Value, dtype: np.dtype[Any]) -> V:
        key = (value, dtype.char)
        if key not in self.values:
            self.values[key] = converted(self.code, self.values[value], _dtype(value), dtype)
        return self.values[key]

    def computed(self, step: Compute, inner: bool, mask: V | None) -> V:
        """An elementwise operation."""
        p, code = step.primitive, self.code
        if p.converts:
            v = self.operand(step.operands[0], step.working, inner)
            return converted(code, v, step.working, step.dtype)
        if p.name == "index":
            return self.checked(step.operands[0], step.params["size"], inner, mask)
        kinds = operand_dtypes(p, step.working, len(step.operands))
        operands = [self.operand(o, k, inner) for o, k in zip(step.operands, kinds, strict=True)]
        return instruction(code, p, step.working, operands, step.params)

    def checked(self, index: Value, size: int, inner: bool, mask: V | None) -> V:
        """An index from 0 on; where it is out of range an error is noted, and 0 stands for it.

        So nothing outside of an array is read; before anything is written the step looks at the note.
        """
        code, lanes = self.code, self.axes.lanes
        unsigned = not isinstance(index, Literal) and _dtype(index).kind == "u"
        i = self.operand(index, _INDEX, inner)
        limit = constant(size, i.type)
        if not unsigned:
            negative = code.compare("slt", i, constant(0, i.type))
            i = code.select(negative, code.binary("add", i, limit), i)
        bad = code.compare("uge", i, limit)
        any_bad = bad
        if inner and lanes > 1:
            if mask is not None:
                bad = code.binary("and", bad, mask)
            any_bad = code.invoke(f"llvm.vector.reduce.or.v{lanes}i1", "i1", bad)
        noted = code.load(self.errors, "i32")
        code.store(code.binary("or", noted, code.convert("zext", any_bad, "i32")), self.errors)
        return code.select(bad, constant(0, i.type), i)


def _dtype(value: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = (
        np.asarray(value.value).dtype if isinstance(value, Literal) else value.dtype
    )
    return dtype


def _number(value: Any, dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "iu":
        return int(value)
    return bool(value) if dtype.kind == "b" else float(value)
