"""Every infix operator and array method of Tensor, once, in terms of the functions on the shelf.

Names that other libraries' arrays have and a tensor has not say what to write instead, by `ELSEWHERE`:
descriptors, since with a ``__getattr__`` Python reads every slot of a tensor the slow way.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from .aliases import ArrayLike, Axis
from .dispatch import NUMPY
from .elsewhere import say_elsewhere, say_words
from .errors import DTypeError
from .shelves import TENSORS as xp

__all__ = ["ELSEWHERE", "Operators"]


class Operators:
    """Mixin: what NumPy's ndarray offers under the same names."""

    __slots__ = ()

    def __add__(self, other: ArrayLike) -> Self:
        return xp.add(self, other)

    def __radd__(self, other: ArrayLike) -> Self:
        return xp.add(other, self)

    def __sub__(self, other: ArrayLike) -> Self:
        return xp.subtract(self, other)

    def __rsub__(self, other: ArrayLike) -> Self:
        return xp.subtract(other, self)

    def __mul__(self, other: ArrayLike) -> Self:
        return xp.multiply(self, other)

    def __rmul__(self, other: ArrayLike) -> Self:
        return xp.multiply(other, self)

    def __truediv__(self, other: ArrayLike) -> Self:
        return xp.divide(self, other)

    def __rtruediv__(self, other: ArrayLike) -> Self:
        return xp.divide(other, self)

    def __pow__(self, other: ArrayLike) -> Self:
        return xp.square(self) if other is _TWO else xp.power(self, other)

    def __rpow__(self, other: ArrayLike) -> Self:
        return xp.power(other, self)

    def __matmul__(self, other: ArrayLike) -> Self:
        return xp.matmul(self, other)

    def __rmatmul__(self, other: ArrayLike) -> Self:
        return xp.matmul(other, self)

    def __neg__(self) -> Self:
        return xp.negative(self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return xp.absolute(self)

    def __and__(self, other: ArrayLike) -> Self:
        return xp.bitwise_and(self, other)

    def __rand__(self, other: ArrayLike) -> Self:
        return xp.bitwise_and(other, self)

    def __or__(self, other: ArrayLike) -> Self:
        return xp.bitwise_or(self, other)

    def __ror__(self, other: ArrayLike) -> Self:
        return xp.bitwise_or(other, self)

    def __xor__(self, other: ArrayLike) -> Self:
        return xp.bitwise_xor(self, other)

    def __rxor__(self, other: ArrayLike) -> Self:
        return xp.bitwise_xor(other, self)

    def __lshift__(self, other: ArrayLike) -> Self:
        return xp.bitwise_left_shift(self, other)

    def __rlshift__(self, other: ArrayLike) -> Self:
        return xp.bitwise_left_shift(other, self)

    def __rshift__(self, other: ArrayLike) -> Self:
        return xp.bitwise_right_shift(self, other)

    def __rrshift__(self, other: ArrayLike) -> Self:
        return xp.bitwise_right_shift(other, self)

    def __invert__(self) -> Self:
        return xp.bitwise_invert(self)

    def __lt__(self, other: ArrayLike) -> Self:
        return xp.less(self, other)

    def __le__(self, other: ArrayLike) -> Self:
        return xp.less_equal(self, other)

    def __gt__(self, other: ArrayLike) -> Self:
        return xp.greater(self, other)

    def __ge__(self, other: ArrayLike) -> Self:
        return xp.greater_equal(self, other)

    def __eq__(self, other: ArrayLike) -> Self:  # type: ignore[override]
        return xp.equal(self, other)

    def __ne__(self, other: ArrayLike) -> Self:  # type: ignore[override]
        return xp.not_equal(self, other)

    # Tensors are compared element by element and hashed by identity, as in PyTorch.
    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Self:
        return xp.getitem(self, index)

    @property
    def T(self) -> Self:
        """Axes reversed."""
        return xp.transpose(self)

    @property
    def mT(self) -> Self:
        """The last two axes exchanged, as in the array API."""
        return xp.matrix_transpose(self)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.sum`."""
        return xp.sum(self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.mean`."""
        return xp.mean(self, axis, keepdims)

    def var(
        self,
        axis: Axis = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        correction: float | None = None,
    ) -> Self:
        """See `autograd_core.var`."""
        return xp.var(self, axis, ddof, keepdims, correction=correction)

    def std(
        self,
        axis: Axis = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        correction: float | None = None,
    ) -> Self:
        """See `autograd_core.std`."""
        return xp.std(self, axis, ddof, keepdims, correction=correction)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.max`."""
        return xp.max(self, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.min`."""
        return xp.min(self, axis, keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Self:
        """See `autograd_core.argmax`."""
        return xp.argmax(self, axis, keepdims)

    def cumsum(self, axis: int | None = None) -> Self:
        """See `autograd_core.cumsum`."""
        return xp.cumsum(self, axis)

    def reshape(self, *shape: Any) -> Self:
        """See `autograd_core.reshape`; sizes may be given one by one."""
        return xp.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Self:
        """See `autograd_core.transpose`; axes may be given one by one."""
        one = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
        return xp.transpose(self, (axes[0] if one else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """See `autograd_core.swapaxes`."""
        return xp.swapaxes(self, axis1, axis2)

    def ravel(self, order: str = "C") -> Self:
        """See `autograd_core.ravel`."""
        return xp.ravel(self, order)

    def squeeze(self, axis: Axis = None) -> Self:
        """See `autograd_core.squeeze`."""
        return xp.squeeze(self, axis)

    def clip(self, min: ArrayLike = None, max: ArrayLike = None) -> Self:
        """See `autograd_core.clip`."""
        return xp.clip(self, min, max)

    def dot(self, other: ArrayLike) -> Self:
        """See `autograd_core.dot`."""
        return xp.dot(self, other)

    def take(self, indices: ArrayLike, axis: int | None = None) -> Self:
        """See `autograd_core.take`."""
        return xp.take(self, indices, axis)

    def sort(self, axis: int | None = -1) -> Self:
        """See `autograd_core.sort`; a new tensor, where NumPy's method sorts in place."""
        return xp.sort(self, axis)

    def partition(self, kth: int, axis: int = -1) -> Self:
        """See `autograd_core.partition`; a new tensor, where NumPy's method works in place."""
        return xp.partition(self, kth, axis)

    def copy(self) -> Self:
        """The same values, as a node of the same graph; detach it for a leaf of its own."""
        return xp.identity(self)

    def astype(self, dtype: Any) -> Self:
        """See `autograd_core.cast`."""
        return xp.cast(self, dtype)

    def __mod__(self, other: ArrayLike) -> Self:
        return xp.mod(self, other)

    def __rmod__(self, other: ArrayLike) -> Self:
        return xp.mod(other, self)

    def __floordiv__(self, other: ArrayLike) -> Self:
        return xp.floor_divide(self, other)

    def __rfloordiv__(self, other: ArrayLike) -> Self:
        return xp.floor_divide(other, self)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.all`."""
        return xp.all(self, axis, keepdims)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.any`."""
        return xp.any(self, axis, keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Self:
        """See `autograd_core.argmin`."""
        return xp.argmin(self, axis, keepdims)

    def argsort(self, axis: int | None = -1) -> Self:
        """See `autograd_core.argsort`."""
        return xp.argsort(self, axis)

    def cumprod(self, axis: int | None = None) -> Self:
        """See `autograd_core.cumprod`."""
        return xp.cumprod(self, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """See `autograd_core.diagonal`."""
        return xp.diagonal(self, offset, axis1, axis2)

    def flatten(self, order: str = "C") -> Self:
        """See `autograd_core.ravel`."""
        return xp.ravel(self, order)

    @property
    def real(self) -> Self:
        """See `autograd_core.real`."""
        return xp.real(self)

    @property
    def imag(self) -> Self:
        """See `autograd_core.imag`."""
        return xp.imag(self)

    def conj(self) -> Self:
        """See `autograd_core.conj`."""
        return xp.conj(self)

    conjugate = conj

    def prod(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.prod`."""
        return xp.prod(self, axis, keepdims)

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        """See `autograd_core.repeat`."""
        return xp.repeat(self, repeats, axis)

    def round(self, decimals: int = 0) -> Self:
        """See `autograd_core.round`."""
        return xp.round(self, decimals)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """See `autograd_core.matrix_trace`."""
        return xp.matrix_trace(self, offset, axis1, axis2)

    # --- functions of one operand, by the names that are typed ------------------------------------

    def exp(self) -> Self:
        """See `autograd_core.exp`."""
        return xp.exp(self)

    def exp2(self) -> Self:
        """See `autograd_core.exp2`."""
        return xp.exp2(self)

    def expm1(self) -> Self:
        """See `autograd_core.expm1`."""
        return xp.expm1(self)

    def log(self) -> Self:
        """See `autograd_core.log`."""
        return xp.log(self)

    def log1p(self) -> Self:
        """See `autograd_core.log1p`."""
        return xp.log1p(self)

    def log2(self) -> Self:
        """See `autograd_core.log2`."""
        return xp.log2(self)

    def log10(self) -> Self:
        """See `autograd_core.log10`."""
        return xp.log10(self)

    def sqrt(self) -> Self:
        """See `autograd_core.sqrt`."""
        return xp.sqrt(self)

    def square(self) -> Self:
        """See `autograd_core.square`."""
        return xp.square(self)

    def reciprocal(self) -> Self:
        """See `autograd_core.reciprocal`."""
        return xp.reciprocal(self)

    def sign(self) -> Self:
        """See `autograd_core.sign`."""
        return xp.sign(self)

    def sin(self) -> Self:
        """See `autograd_core.sin`."""
        return xp.sin(self)

    def cos(self) -> Self:
        """See `autograd_core.cos`."""
        return xp.cos(self)

    def tan(self) -> Self:
        """See `autograd_core.tan`."""
        return xp.tan(self)

    def arcsin(self) -> Self:
        """See `autograd_core.arcsin`."""
        return xp.arcsin(self)

    def arccos(self) -> Self:
        """See `autograd_core.arccos`."""
        return xp.arccos(self)

    def arctan(self) -> Self:
        """See `autograd_core.arctan`."""
        return xp.arctan(self)

    def sinh(self) -> Self:
        """See `autograd_core.sinh`."""
        return xp.sinh(self)

    def cosh(self) -> Self:
        """See `autograd_core.cosh`."""
        return xp.cosh(self)

    def tanh(self) -> Self:
        """See `autograd_core.tanh`."""
        return xp.tanh(self)

    def arcsinh(self) -> Self:
        """See `autograd_core.arcsinh`."""
        return xp.arcsinh(self)

    def arccosh(self) -> Self:
        """See `autograd_core.arccosh`."""
        return xp.arccosh(self)

    def arctanh(self) -> Self:
        """See `autograd_core.arctanh`."""
        return xp.arctanh(self)

    def sigmoid(self) -> Self:
        """See `autograd_core.sigmoid`."""
        return xp.sigmoid(self)

    def relu(self) -> Self:
        """See `autograd_core.relu`."""
        return xp.relu(self)

    def softplus(self) -> Self:
        """See `autograd_core.softplus`."""
        return xp.softplus(self)

    def erf(self) -> Self:
        """See `autograd_core.erf`."""
        return xp.erf(self)

    def floor(self) -> Self:
        """See `autograd_core.floor`."""
        return xp.floor(self)

    def ceil(self) -> Self:
        """See `autograd_core.ceil`."""
        return xp.ceil(self)

    def rint(self) -> Self:
        """See `autograd_core.rint`."""
        return xp.rint(self)

    def isnan(self) -> Self:
        """See `autograd_core.isnan`."""
        return xp.isnan(self)

    def isfinite(self) -> Self:
        """See `autograd_core.isfinite`."""
        return xp.isfinite(self)

    def isinf(self) -> Self:
        """See `autograd_core.isinf`."""
        return xp.isinf(self)

    def abs(self) -> Self:
        """See `autograd_core.absolute`."""
        return xp.absolute(self)

    absolute = abs

    def neg(self) -> Self:
        """See `autograd_core.negative`."""
        return xp.negative(self)

    negative = neg

    def pow(self, exponent: ArrayLike) -> Self:
        """See `autograd_core.power`."""
        return self**exponent

    def maximum(self, other: ArrayLike) -> Self:
        """See `autograd_core.maximum`."""
        return xp.maximum(self, other)

    def minimum(self, other: ArrayLike) -> Self:
        """See `autograd_core.minimum`."""
        return xp.minimum(self, other)

    def softmax(self, axis: int = -1) -> Self:
        """See `autograd_core.softmax`."""
        return xp.softmax(self, axis)

    def log_softmax(self, axis: int = -1) -> Self:
        """See `autograd_core.log_softmax`."""
        return xp.log_softmax(self, axis)

    def logsumexp(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.logsumexp`."""
        return xp.logsumexp(self, axis, keepdims)

    def median(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.median`."""
        return xp.median(self, axis, keepdims)

    def norm(self, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Self:
        """See `autograd_core.linalg.norm`."""
        return NUMPY[np.linalg.norm](self, ord, axis, keepdims)

    def det(self) -> Self:
        """See `autograd_core.linalg.det`."""
        return xp.det(self)

    def inv(self) -> Self:
        """See `autograd_core.linalg.inv`."""
        return NUMPY[np.linalg.inv](self)

    def matmul(self, other: ArrayLike) -> Self:
        """See `autograd_core.matmul`."""
        return xp.matmul(self, other)

    def outer(self, other: ArrayLike) -> Self:
        """See `autograd_core.outer`."""
        return xp.outer(self, other)

    def view(self, *shape: Any) -> Self:
        """As `reshape` (PyTorch's name); NumPy's ``view`` of another dtype is refused.

        Raises
        ------
        DTypeError
            If a dtype is given.
        """
        if len(shape) == 1 and isinstance(shape[0], (type, str, np.dtype)):
            raise DTypeError(
                "view",
                f"memory is not read as another dtype; received {shape[0]!r:.40}. Expected sizes. "
                "Convert values with t.astype(dtype).",
            )
        return self.reshape(*shape)

    def permute(self, *axes: Any) -> Self:
        """As `transpose` (PyTorch's name)."""
        return self.transpose(*axes)

    def unsqueeze(self, axis: Axis) -> Self:
        """See `autograd_core.expand_dims` (PyTorch's name)."""
        return xp.expand_dims(self, axis)

    def clone(self) -> Self:
        """As `copy` (PyTorch's name)."""
        return xp.identity(self)

    def tril(self, k: int = 0) -> Self:
        """See `autograd_core.tril`."""
        return xp.tril(self, k)

    def triu(self, k: int = 0) -> Self:
        """See `autograd_core.triu`."""
        return xp.triu(self, k)

    def flip(self, axis: Axis = None) -> Self:
        """See `autograd_core.flip`."""
        return xp.flip(self, axis)

    def roll(self, shift: int | tuple[int, ...], axis: Axis = None) -> Self:
        """See `autograd_core.roll`."""
        return xp.roll(self, shift, axis)

    def split(self, indices_or_sections: Any, axis: int = 0) -> list[Self]:
        """See `autograd_core.split`: a number of sections, not a size as in PyTorch."""
        return xp.split(self, indices_or_sections, axis)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize  # type: ignore[attr-defined]

    @property
    def nbytes(self) -> Any:
        """Bytes of all elements."""
        return self.size * self.dtype.itemsize  # type: ignore[attr-defined]

    def __round__(self, ndigits: int | None = None) -> Self:
        return xp.round(self, ndigits or 0)

    def __divmod__(self, other: ArrayLike) -> tuple[Self, Self]:
        return xp.floor_divide(self, other), xp.mod(self, other)

    def __rdivmod__(self, other: ArrayLike) -> tuple[Self, Self]:
        return xp.floor_divide(other, self), xp.mod(other, self)

    def __dir__(self) -> list[str]:
        return [n for n in object.__dir__(self) if n not in ELSEWHERE]


_TWO = 2  # small ints are one object each, so identity asks nothing of the operand

_IN_PLACE = (
    "t = t.{0}(…), since a tensor is not written (a leaf: `with ag.no_grad(): t += …`, t.assign)"
)
_HERE = "There is one device, the CPU."

# What other libraries call it -> what to write.
ELSEWHERE: dict[str, str] = {
    "addmm": "b + t @ u",
    "argpartition": "ag.argsort(t)",
    "argwhere": "np.argwhere(t)",
    "base": "A tensor does not show where its memory lies.",
    "bmm": "t @ u",
    "bool": "t.astype(bool)",
    "byteswap": "np.asarray(t.detach()).byteswap()",
    "chunk": "ag.array_split(t, n)",
    "choose": "ag.select or ag.take",
    "clamp": "t.clip(low, high)",
    "compress": "t[condition]",
    "contiguous": "Results are in C order.",
    "cpu": _HERE,
    "ctypes": "np.asarray(t.detach()).ctypes",
    "cuda": _HERE,
    "dim": "t.ndim",
    "div": "t / u",
    "double": "t.astype(np.float64)",
    "dump": "ag.save(path, {name: t})",
    "dumps": "ag.save(path, {name: t})",
    "add": "t + u",
    "sub": "t - u",
    "mul": "t * u",
    "eq": "t == u",
    "ne": "t != u",
    "lt": "t < u",
    "le": "t <= u",
    "gt": "t > u",
    "ge": "t >= u",
    "expand": "ag.broadcast_to(t, shape)",
    "expand_as": "ag.broadcast_to(t, u.shape)",
    "fill": "t.assign(value), on a leaf",
    "flags": "np.asarray(t.detach()).flags",
    "flat": "t.ravel()",
    "float": "t.astype(np.float32), or float(t) for a Python number",
    "gather": "ag.take_along_axis(t, indices, axis)",
    "ger": "ag.outer(t, u)",
    "get_device": _HERE,
    "getfield": "It has no fields.",
    "grad_fn": "ag.introspect.program(t), or t.is_leaf",
    "half": "t.astype(np.float16)",
    "index_select": "ag.take(t, indices, axis)",
    "int": "t.astype(int), or int(t) for a Python number",
    "is_contiguous": "Results are in C order.",
    "long": "t.astype(np.int64)",
    "masked_fill": "ag.where(mask, value, t)",
    "masked_select": "t[mask]",
    "mm": "t @ u",
    "mv": "t @ u",
    "narrow": "t[start:stop]",
    "ndimension": "t.ndim",
    "new_empty": "ag.zeros(shape)",
    "new_full": "ag.full(shape, value)",
    "new_ones": "ag.ones(shape)",
    "new_tensor": "ag.tensor(values)",
    "new_zeros": "ag.zeros(shape)",
    "newbyteorder": "Tensors have this machine's order of bytes.",
    "numel": "t.size",
    "put": "ag.index_update(t, index, values)",
    "register_hook": "t.retain_grad() and t.grad, or ag.vjp",
    "resize": "ag.reshape(t, shape)",
    "scatter": "ag.index_update(t, index, values)",
    "scatter_add": "ag.scatter_add",
    "setfield": "It has no fields.",
    "setflags": "np.array(t.detach())",
    "shuffle": "t[rng.permutation(len(t))]",
    "slogdet": "ag.linalg.slogdet(t)",
    "stack": "ag.stack(tensors)",
    "cat": "ag.concatenate(tensors)",
    "concatenate": "ag.concatenate(tensors)",
    "storage": "np.asarray(t.detach())",
    "stride": "Results are in C order.",
    "strides": "Results are in C order.",
    "svd": "ag.linalg.svd(t, full_matrices=False)",
    "t": "t.T",
    "to": "t.astype(dtype); there is one device, the CPU",
    "tobytes": "np.asarray(t.detach()).tobytes()",
    "tofile": "ag.save(path, {name: t})",
    "topk": "ag.sort(t)[-k:]",
    "type": "t.dtype, or t.astype(dtype)",
    "type_as": "t.astype(u.dtype)",
    "unbind": "list(t)",
    "unfold": "ag.sliding_window_view(t, size)",
    "unique": "np.unique(t.detach().numpy())",
    "values": "t.numpy()",
    "zero_grad": "t.grad = None",
} | {
    f"{name}_": _IN_PLACE.format(name)
    for name in ("abs", "clamp", "clip", "copy", "detach", "exp", "log", "neg", "pow", "sqrt", "tanh")
} | {
    "add_": "t += u under ag.no_grad()",
    "copy_": "t.assign(values)",
    "div_": "t /= u under ag.no_grad()",
    "fill_": "t.assign(value)",
    "mul_": "t *= u under ag.no_grad()",
    "sub_": "t -= u under ag.no_grad()",
    "zero_": "t.assign(0)",
    "detach_": "t = t.detach()",
}  # fmt: skip

say_elsewhere(Operators, "Tensor", "a tensor", ELSEWHERE)
say_words(Operators)
