"""The shelf of tensors: expressions lowered to operations that the engine records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sympy

from ... import functional, ops
from ...errors import DTypeError, ProofError
from ...ops.contractions import eye
from ...shapes import Dim
from ...tensors import Tensor, tensor
from ..exact import decimal
from ..functions import Function
from .lowering import Lowering
from .readings import dimension

__all__ = ["Graph", "widest"]


LARGEST = 2**53  # up to which each whole number is a float


class _Tensors:
    """Operations on tensors and Python numbers."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype

    def _tensor(self, x: Any) -> Any:
        """A number as a tensor of the inputs' dtype."""
        if isinstance(x, Tensor):
            return x
        return ops.cast(x, dtype=self._dtype)

    def number(self, value: Any) -> Any:
        if not isinstance(value, sympy.Rational):
            return float(value)
        p, q = int(value.p), int(value.q)
        if q == 1:
            return p
        exact = q & (q - 1) == 0 or decimal(float(value)) == value
        if exact or max(abs(p), q) > LARGEST:
            return float(value)
        return self.multiply([p], [q])  # 1/3 is no float

    def size(self, n: sympy.Expr) -> Any:
        return dimension(n)

    def add(self, terms: Sequence[tuple[bool, Any]]) -> Any:
        # Tensors before numbers, so that a number takes its dtype from what it meets.
        ordered = sorted(terms, key=lambda term: (not isinstance(term[1], Tensor), term[0]))
        minus, found = ordered[0]
        found = -found if minus else found
        for minus, term in ordered[1:]:
            found = found - term if minus else found + term
        return found

    def multiply(self, above: Sequence[Any], below: Sequence[Any]) -> Any:
        ordered = sorted(above, key=lambda x: not isinstance(x, Tensor))
        plain = not any(isinstance(x, Tensor) for x in (*above, *below))
        if plain and (below or any(isinstance(x, Dim) for x in above)):
            ordered = [self._tensor(x) for x in ordered[:1]] + ordered[1:]
        found = ordered[0] if ordered else None
        for x in ordered[1:]:
            found = found * x
        for x in sorted(below, key=lambda x: not isinstance(x, Tensor)):
            if found is None:
                found = self._tensor(1) if not isinstance(x, Tensor) else 1
            found = found / x
        return 1 if found is None else found

    def power(self, base: Any, exponent: Any) -> Any:
        if not isinstance(exponent, sympy.Rational):
            return self._tensor(base) ** exponent
        if exponent == sympy.Rational(1, 2):
            return ops.sqrt(self._tensor(base))
        if exponent == 1:
            return base
        if exponent == 2:
            return ops.square(self._tensor(base))
        if exponent.q == 1:
            return (base if isinstance(base, Dim) else self._tensor(base)) ** int(exponent)
        if decimal(float(exponent)) == exponent:
            return self._tensor(base) ** float(exponent)
        log = ops.log(self._tensor(base))  # a third is no float
        return ops.exp(log * int(exponent.p) / int(exponent.q))

    def call(self, f: Function, *values: Any) -> Any:
        if not any(isinstance(v, Tensor) for v in values):
            values = (*values[: f.orders], *map(self._tensor, values[f.orders :]))
        result = f.array(*values)
        if result.dtype.kind == "b" and not f.condition:  # an indicator is a number
            result = ops.cast(result, dtype=self._dtype)
        return result

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        if not isinstance(a, Tensor) and not isinstance(b, Tensor):
            a = self._tensor(a)
        return ops.where(condition, a, b)

    def layout(self, x: Any, order: Sequence[int], new: Sequence[int], ndim: int) -> Any:
        if list(order) != sorted(order):
            x = ops.transpose(x, axes=tuple(order))
        for n in new:
            x = functional.expand_dims(x, n)
        return x

    def entry(self, x: Any, places: Sequence[int | None]) -> Any:
        return x[tuple(slice(None) if n is None else n for n in places)]

    def total(self, x: Any, axes: tuple[int, ...], ndim: int) -> Any:
        return ops.sum(x, axis=axes)

    def einsum(self, subscripts: str, values: Sequence[Any]) -> Any:
        return ops.einsum(subscripts, *values)

    def largest(self, x: Any, axes: tuple[int, ...]) -> Any:
        return ops.max(x, axis=axes)

    def logsumexp(self, x: Any, axes: tuple[int, ...]) -> Any:
        return ops.logsumexp(x, axis=axes)

    def rows(self, x: Any, labels: Any) -> Any:
        return x[_whole(labels)]

    def along(self, x: Any, labels: Any, sizes: Sequence[sympy.Expr]) -> Any:
        n = len(sizes)
        labels = ops.broadcast_to(_whole(labels), shape=tuple(map(dimension, sizes)))
        found = functional.take_along_axis(x, functional.expand_dims(labels, n), axis=n)
        return found[(*(slice(None) for _ in sizes), 0)]

    def count(self, n: sympy.Expr) -> Any:
        if not n.is_Integer:
            raise ProofError(
                "from_sympy",
                f"an index stands as a number along an axis of size {n}. Expected a size that is "
                "a number.",
            )
        return tensor(np.arange(int(n), dtype=self._dtype))

    def eye(self, n: sympy.Expr) -> Any:
        return eye(dimension(n), dtype=self._dtype)

    def stretched(self, x: Any, sizes: Sequence[sympy.Expr]) -> Any:
        return ops.broadcast_to(self._tensor(x), shape=tuple(map(dimension, sizes)))


def _whole(labels: Any) -> Any:
    """Labels that are integers: a mask is none, nor is a float."""
    dtype = np.asarray(labels).dtype if not isinstance(labels, Tensor) else labels.dtype
    if dtype.kind not in "iu":
        raise DTypeError(
            "from_sympy",
            f"labels that stand as an index have the dtype {dtype}. Expected integers.",
        )
    return labels


def widest(values: Iterable[Any]) -> Any:
    """The widest dtype of floats among arrays, which numbers get; float64 if there is none."""
    dtypes = [x.dtype for x in values if isinstance(x, Tensor) and x.dtype.kind == "f"]
    return max(dtypes, key=lambda dtype: dtype.itemsize, default=np.dtype(np.float64))


class Graph(Lowering[Any]):
    """The lowering to tensors."""

    def __init__(self, arrays: dict[sympy.Symbol, tuple[Any, list[Any]]]) -> None:
        super().__init__(_Tensors(widest(x for x, _ in arrays.values())), arrays)
