"""Every infix operator and array method of Tensor, once, in terms of the functions on the shelf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .aliases import ArrayLike, Axis
from .shelves import TENSORS as xp

if TYPE_CHECKING:
    from .tensors import Tensor

__all__ = ["Operators"]


class Operators:
    """Mixin: what NumPy's ndarray offers under the same names."""

    __slots__ = ()

    def __add__(self, other: ArrayLike) -> Tensor:
        return xp.add(self, other)

    def __radd__(self, other: ArrayLike) -> Tensor:
        return xp.add(other, self)

    def __sub__(self, other: ArrayLike) -> Tensor:
        return xp.subtract(self, other)

    def __rsub__(self, other: ArrayLike) -> Tensor:
        return xp.subtract(other, self)

    def __mul__(self, other: ArrayLike) -> Tensor:
        return xp.multiply(self, other)

    def __rmul__(self, other: ArrayLike) -> Tensor:
        return xp.multiply(other, self)

    def __truediv__(self, other: ArrayLike) -> Tensor:
        return xp.divide(self, other)

    def __rtruediv__(self, other: ArrayLike) -> Tensor:
        return xp.divide(other, self)

    def __pow__(self, other: ArrayLike) -> Tensor:
        return xp.square(self) if other is _TWO else xp.power(self, other)

    def __rpow__(self, other: ArrayLike) -> Tensor:
        return xp.power(other, self)

    def __matmul__(self, other: ArrayLike) -> Tensor:
        return xp.matmul(self, other)

    def __rmatmul__(self, other: ArrayLike) -> Tensor:
        return xp.matmul(other, self)

    def __neg__(self) -> Tensor:
        return xp.negative(self)

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]

    def __abs__(self) -> Tensor:
        return xp.absolute(self)

    def __and__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_and(self, other)

    def __rand__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_and(other, self)

    def __or__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_or(self, other)

    def __ror__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_or(other, self)

    def __xor__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_xor(self, other)

    def __rxor__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_xor(other, self)

    def __lshift__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_left_shift(self, other)

    def __rlshift__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_left_shift(other, self)

    def __rshift__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_right_shift(self, other)

    def __rrshift__(self, other: ArrayLike) -> Tensor:
        return xp.bitwise_right_shift(other, self)

    def __invert__(self) -> Tensor:
        return xp.bitwise_invert(self)

    def __lt__(self, other: ArrayLike) -> Tensor:
        return xp.less(self, other)

    def __le__(self, other: ArrayLike) -> Tensor:
        return xp.less_equal(self, other)

    def __gt__(self, other: ArrayLike) -> Tensor:
        return xp.greater(self, other)

    def __ge__(self, other: ArrayLike) -> Tensor:
        return xp.greater_equal(self, other)

    def __eq__(self, other: ArrayLike) -> Tensor:  # type: ignore[override]
        return xp.equal(self, other)

    def __ne__(self, other: ArrayLike) -> Tensor:  # type: ignore[override]
        return xp.not_equal(self, other)

    # Tensors are compared element by element and hashed by identity, as in PyTorch.
    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Tensor:
        return xp.getitem(self, index)

    @property
    def T(self) -> Tensor:
        """Axes reversed."""
        return xp.transpose(self)

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged, as in the array API."""
        return xp.matrix_transpose(self)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.sum`."""
        return xp.sum(self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.mean`."""
        return xp.mean(self, axis, keepdims)

    def var(self, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """See `autograd_core.var`."""
        return xp.var(self, axis, ddof, keepdims)

    def std(self, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """See `autograd_core.std`."""
        return xp.std(self, axis, ddof, keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.max`."""
        return xp.max(self, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.min`."""
        return xp.min(self, axis, keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.argmax`."""
        return xp.argmax(self, axis, keepdims)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """See `autograd_core.cumsum`."""
        return xp.cumsum(self, axis)

    def reshape(self, *shape: Any) -> Tensor:
        """See `autograd_core.reshape`; sizes may be given one by one."""
        return xp.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """See `autograd_core.transpose`; axes may be given one by one."""
        one = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
        return xp.transpose(self, (axes[0] if one else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """See `autograd_core.swapaxes`."""
        return xp.swapaxes(self, axis1, axis2)

    def ravel(self, order: str = "C") -> Tensor:
        """See `autograd_core.ravel`."""
        return xp.ravel(self, order)

    def squeeze(self, axis: Axis = None) -> Tensor:
        """See `autograd_core.squeeze`."""
        return xp.squeeze(self, axis)

    def clip(self, min: ArrayLike = None, max: ArrayLike = None) -> Tensor:
        """See `autograd_core.clip`."""
        return xp.clip(self, min, max)

    def dot(self, other: ArrayLike) -> Tensor:
        """See `autograd_core.dot`."""
        return xp.dot(self, other)

    def take(self, indices: ArrayLike, axis: int | None = None) -> Tensor:
        """See `autograd_core.take`."""
        return xp.take(self, indices, axis)

    def sort(self, axis: int = -1) -> Tensor:
        """See `autograd_core.sort`; a new tensor, where NumPy's method sorts in place."""
        return xp.sort(self, axis)

    def partition(self, kth: int, axis: int = -1) -> Tensor:
        """See `autograd_core.partition`; a new tensor, where NumPy's method works in place."""
        return xp.partition(self, kth, axis)

    def copy(self) -> Tensor:
        """The same values, as a node of the same graph; detach it for a leaf of its own."""
        return xp.identity(self)

    def astype(self, dtype: Any) -> Tensor:
        """See `autograd_core.cast`."""
        return xp.cast(self, dtype)

    def __mod__(self, other: ArrayLike) -> Tensor:
        return xp.mod(self, other)

    def __rmod__(self, other: ArrayLike) -> Tensor:
        return xp.mod(other, self)

    def __floordiv__(self, other: ArrayLike) -> Tensor:
        return xp.floor_divide(self, other)

    def __rfloordiv__(self, other: ArrayLike) -> Tensor:
        return xp.floor_divide(other, self)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.all`."""
        return xp.all(self, axis, keepdims)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.any`."""
        return xp.any(self, axis, keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.argmin`."""
        return xp.argmin(self, axis, keepdims)

    def argsort(self, axis: int = -1) -> Tensor:
        """See `autograd_core.argsort`."""
        return xp.argsort(self, axis)

    def cumprod(self, axis: int | None = None) -> Tensor:
        """See `autograd_core.cumprod`."""
        return xp.cumprod(self, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """See `autograd_core.diagonal`."""
        return xp.diagonal(self, offset, axis1, axis2)

    def flatten(self, order: str = "C") -> Tensor:
        """See `autograd_core.ravel`."""
        return xp.ravel(self, order)

    @property
    def real(self) -> Tensor:
        """See `autograd_core.real`."""
        return xp.real(self)

    @property
    def imag(self) -> Tensor:
        """See `autograd_core.imag`."""
        return xp.imag(self)

    def conj(self) -> Tensor:
        """See `autograd_core.conj`."""
        return xp.conj(self)

    conjugate = conj

    def prod(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """See `autograd_core.prod`."""
        return xp.prod(self, axis, keepdims)

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """See `autograd_core.repeat`."""
        return xp.repeat(self, repeats, axis)

    def round(self, decimals: int = 0) -> Tensor:
        """See `autograd_core.round`."""
        return xp.round(self, decimals)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """See `autograd_core.matrix_trace`."""
        return xp.matrix_trace(self, offset, axis1, axis2)


_TWO = 2  # small ints are one object each, so identity asks nothing of the operand
