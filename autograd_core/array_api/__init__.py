"""The array API standard's names, version 2024.12: what ``t.__array_namespace__()`` returns.

Functions with a gradient are those of `autograd_core`, under the standard's names and options. What
only compares, counts or moves bits is computed by NumPy and has none.

All of the standard's main namespace is here but for what needs complex numbers (``complex64``,
``complex128``), and the extension ``linalg``; the extension ``fft`` is not. Differences:

- tensors are written by ``assign`` under ``no_grad``, not by ``t[i] = v``, ``t &= u``;
- functions whose result's shape depends on values (``nonzero``, ``unique_…``) cannot be traced;
- dtypes promote as in NumPy, so mixed kinds are not refused;
- there is one device, "cpu".

References: https://data-apis.org/array-api/2024.12
"""

from __future__ import annotations

import builtins
import sys
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy import (
    bool as bool,
    e as e,
    float32 as float32,
    float64 as float64,
    inf as inf,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    isdtype as isdtype,
    nan as nan,
    newaxis as newaxis,
    pi as pi,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)

from .. import functional as _f, ops as _o
from ..abstract import native
from ..aliases import Array, ArrayLike, Axis
from ..errors import ConfigError, DTypeError, ExportError, NotDifferentiableError, ShapeError
from ..exchange import plain, refuse_masked
from ..functional import (
    broadcast_arrays as broadcast_arrays,
    logical_and as logical_and,
    logical_or as logical_or,
    logical_xor as logical_xor,
    mean as mean,
    moveaxis as moveaxis,
    reciprocal as reciprocal,
    roll as roll,
    stack as stack,
    tensordot as tensordot,
    tile as tile,
    tril as tril,
    triu as triu,
)
from ..ops import (
    absolute as abs,
    add as add,
    arccos as acos,
    arccosh as acosh,
    arcsin as asin,
    arcsinh as asinh,
    arctan as atan,
    arctan2 as atan2,
    arctanh as atanh,
    broadcast_to as broadcast_to,
    ceil as ceil,
    concatenate as concat,
    copysign as copysign,
    cos as cos,
    cosh as cosh,
    divide as divide,
    equal as equal,
    exp as exp,
    expm1 as expm1,
    flip as flip,
    floor as floor,
    floor_divide as floor_divide,
    greater as greater,
    greater_equal as greater_equal,
    hypot as hypot,
    isfinite as isfinite,
    isinf as isinf,
    isnan as isnan,
    less as less,
    less_equal as less_equal,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    logaddexp as logaddexp,
    logical_not as logical_not,
    matmul as matmul,
    maximum as maximum,
    minimum as minimum,
    mod as remainder,
    multiply as multiply,
    negative as negative,
    not_equal as not_equal,
    power as pow,
    sign as sign,
    sin as sin,
    sinh as sinh,
    sqrt as sqrt,
    square as square,
    subtract as subtract,
    tan as tan,
    tanh as tanh,
    trunc as trunc,
    where as where,
)
from ..options import Choice
from ..shelves import TENSORS
from ..tensors import Tensor, leaf, tensor
from . import linalg as linalg
from .linalg import matrix_transpose as matrix_transpose, vecdot as vecdot

__array_api_version__ = "2024.12"

_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


def array_namespace(api_version: str | None = None) -> Any:
    """The namespace for ``t.__array_namespace__(api_version=…)``: this module.

    Raises
    ------
    ConfigError
        If the version is not one of the standard's, up to 2024.12.
    """
    if api_version is not None and api_version not in _VERSIONS:
        raise ConfigError(
            "__array_namespace__",
            f"expected api_version one of {', '.join(_VERSIONS)}; received {api_version!r}.",
        )
    return sys.modules[__name__]


class Info:
    """What ``__array_namespace_info__()`` gives: devices, dtypes and what can be done."""

    def capabilities(self) -> dict[str, Any]:
        """Boolean masks index; shapes may depend on data; no limit on axes but NumPy's."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The one device."""
        return "cpu"

    def devices(self) -> list[str]:
        """All devices."""
        return ["cpu"]

    def default_dtypes(self, *, device: str | None = None) -> dict[str, np.dtype[Any]]:
        """What is chosen where nothing is said. The standard's complex default is not to be had."""
        _on(device)
        integer = np.asarray(0).dtype
        return {"real floating": np.dtype("f8"), "integral": integer, "indexing": np.dtype(np.intp)}

    def dtypes(
        self, *, device: str | None = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, np.dtype[Any]]:
        """Dtypes of a kind, or of any of several; all if none is named."""
        _on(device)
        chosen = ("bool", "integral", "real floating") if kind is None else kind
        if chosen == "complex floating":
            return {}
        kinds = tuple(k for k in ((chosen,) if isinstance(chosen, str) else chosen)
                      if k != "complex floating")  # fmt: skip
        return {d.name: d for d in _DTYPES if kinds and np.isdtype(d, kinds)}


_DTYPES = [np.dtype(c) for c in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")]


def __array_namespace_info__() -> Info:  # noqa: N807 - the standard's name
    """Devices, dtypes and capabilities."""
    return Info()


def _on(device: str | None) -> None:
    Choice((None, "cpu")).check("array API: device", device)


def _values(x: ArrayLike) -> Any:
    """The values, for what has no gradient at all."""
    return x.data if type(x) is Tensor else plain("array API", x)


def _by_numpy(function: Any, *xs: ArrayLike, **options: Any) -> Tensor:
    """A leaf with what NumPy makes of integers, or of floats that ask for no gradient."""
    refuse_masked(function.__name__, xs)
    made = function(*(np.asarray(x) if type(x) is Tensor else x for x in xs), **options)
    return leaf(np.asarray(made)[()])


# --- making ---------------------------------------------------------------------------------


def asarray(
    obj: ArrayLike, /, *, dtype: Any = None, device: str | None = None, copy: builtins.bool | None = None
) -> Tensor:  # fmt: skip
    """A tensor of what is given; a Tensor itself, with its history, if nothing has to change.

    Raises
    ------
    ConfigError
        If ``copy=False`` and ``obj`` is not a Tensor of that dtype: memory is never shared.
    """
    _on(device)
    same = type(obj) is Tensor and dtype in (None, obj.dtype)
    if copy is False and not same:
        raise ConfigError(
            "asarray",
            "copy=False: a tensor's memory is its own. Expected a Tensor of that dtype; "
            f"received {type(obj).__name__}. Leave copy out.",
        )
    if type(obj) is not Tensor:
        return tensor(obj, dtype)
    return (_o.identity(obj) if copy else obj) if same else _o.cast(obj, dtype)


def from_dlpack(
    x: Any, /, *, device: str | None = None, copy: builtins.bool | None = None
) -> Tensor:
    """A leaf with a copy of another library's array, passed by DLPack.

    Parameters
    ----------
    x : object with ``__dlpack__`` and ``__dlpack_device__``
        In main memory, of real numbers or booleans. A Tensor counts, if it requires no gradient.
    device : "cpu" or None
    copy : bool, optional
        True or None; a tensor's memory is its own, so False is refused.

    Raises
    ------
    ExportError
        If ``copy=False``, or the other library does not hand out the array (it lies on another
        device, has a gradient, or a dtype that DLPack or NumPy lacks).
    DTypeError
        If ``x`` does not speak DLPack, or holds complex numbers.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.from_dlpack(np.arange(3.0))
    Tensor([0., 1., 2.])
    """
    _on(device)
    if copy is False:
        raise ExportError(
            "from_dlpack",
            "copy=False: a tensor's memory is its own. Leave copy out; the values are copied.",
        )
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise DTypeError(
            "from_dlpack",
            f"expected an array with __dlpack__; received {type(x).__name__}. For other "
            "values: ag.tensor(values).",
        )
    refuse_masked("from_dlpack", x)
    try:
        array = np.from_dlpack(x)
    except (BufferError, RuntimeError, ValueError) as error:
        if isinstance(error, ExportError | NotDifferentiableError):
            raise
        raise ExportError(
            "from_dlpack",
            f"{type(x).__name__} was not handed out: {error} Expected an array in main "
            "memory that needs no gradient. Move or detach it in its own library first.",
        ) from None
    return tensor(array)


def _leaf(array: Array, device: str | None) -> Tensor:
    _on(device)
    return leaf(array.astype(native(array.dtype), copy=False)[()])


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: str | None = None
) -> Tensor:  # fmt: skip
    """Evenly spaced values from ``start`` (0 if alone) up to ``stop``, which is left out."""
    first, last = (0, start) if stop is None else (start, stop)
    return _leaf(np.arange(first, last, step, dtype=dtype), device)


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: str | None = None, endpoint: builtins.bool = True
) -> Tensor:  # fmt: skip
    """``num`` evenly spaced values from ``start`` to ``stop``."""
    return _leaf(np.linspace(start, stop, num, dtype=dtype, endpoint=endpoint), device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: str | None = None
) -> Tensor:  # fmt: skip
    """Ones on the ``k``-th diagonal, zeros elsewhere."""
    return _leaf(np.eye(n_rows, n_cols, k, dtype=dtype or np.float64), device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: str | None = None) -> Tensor:
    """One value in every place."""
    refuse_masked("full", fill_value)
    return _leaf(np.full(shape, fill_value, dtype=dtype), device)


def zeros(shape: Any, *, dtype: Any = None, device: str | None = None) -> Tensor:
    """Zeros."""
    return _leaf(np.zeros(shape, dtype=dtype or np.float64), device)


def ones(shape: Any, *, dtype: Any = None, device: str | None = None) -> Tensor:
    """Ones."""
    return _leaf(np.ones(shape, dtype=dtype or np.float64), device)


empty = zeros  # memory of unknown contents has no use here


def full_like(
    x: ArrayLike, /, fill_value: Any, *, dtype: Any = None, device: str | None = None
) -> Tensor:
    """One value in every place of an array of the shape and dtype of ``x``."""
    _on(device)
    return _f.full_like(x, fill_value, dtype)


def zeros_like(x: ArrayLike, /, *, dtype: Any = None, device: str | None = None) -> Tensor:
    """Zeros of the shape and dtype of ``x``."""
    _on(device)
    return _f.zeros_like(x, dtype)


def ones_like(x: ArrayLike, /, *, dtype: Any = None, device: str | None = None) -> Tensor:
    """Ones of the shape and dtype of ``x``."""
    _on(device)
    return _f.ones_like(x, dtype)


empty_like = zeros_like


def meshgrid(*arrays: ArrayLike, indexing: Literal["xy", "ij"] = "xy") -> tuple[Tensor, ...]:
    """Coordinates of a grid: each vector along an axis of its own, broadcast over the others."""
    Choice(("xy", "ij")).check("meshgrid: indexing", indexing)
    n = len(arrays)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    placed = [
        _o.reshape(x, tuple(-1 if axis == order[i] else 1 for axis in range(n)))
        for i, x in enumerate(arrays)
    ]
    return tuple(broadcast_arrays(*placed))


# --- dtypes ---------------------------------------------------------------------------------


def _dtype(x: Any) -> Any:
    return x.dtype if type(x) is Tensor else x


def astype(
    x: ArrayLike, dtype: Any, /, *, copy: builtins.bool = True, device: str | None = None
) -> Tensor:  # fmt: skip
    """The values in another dtype; a gradient comes back in the dtype of ``x``."""
    return asarray(x, dtype=dtype, device=device, copy=copy or None)


def can_cast(from_: Any, to: Any, /) -> builtins.bool:
    """Whether the standard's promotion rules lead from one dtype to another."""
    return builtins.bool(np.can_cast(_dtype(from_), to))


class _FloatLimits(NamedTuple):
    """Limits of a floating dtype, as Python's numbers, where NumPy has its own."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


def finfo(type: Any, /) -> _FloatLimits:
    """Limits of a floating dtype."""
    of = np.finfo(_dtype(type))
    eps, most, least, tiny = map(float, (of.eps, of.max, of.min, of.smallest_normal))
    return _FloatLimits(of.bits, eps, most, least, tiny, of.dtype)


def iinfo(type: Any, /) -> Any:
    """Limits of an integer dtype."""
    return np.iinfo(_dtype(type))


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype that an operation on all of these has."""
    return np.result_type(*map(_dtype, arrays_and_dtypes))


# --- element by element ---------------------------------------------------------------------


def positive(x: ArrayLike, /) -> Tensor:
    """The values themselves, as a result of their own."""
    return _o.identity(x)


real = conj = positive  # of real numbers


def imag(x: ArrayLike, /) -> Tensor:
    """Zeros: all numbers here are real."""
    return _f.zeros_like(x)


def round(x: ArrayLike, /) -> Tensor:
    """The nearest integer; half-way cases go to the even one."""
    return _f.round(x)


def clip(x: ArrayLike, /, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Tensor:
    """The values, no less than ``min`` and no more than ``max``, in the dtype of ``x``."""
    clipped = _f.clip(x, min, max) if min is not None or max is not None else _o.identity(x)
    return astype(clipped, _values_dtype(x), copy=False)


def _values_dtype(x: ArrayLike) -> np.dtype[Any]:
    return x.dtype if type(x) is Tensor else np.asarray(x).dtype


def signbit(x: ArrayLike, /) -> Tensor:
    """Whether the sign bit is set, as it is for -0.0; no gradient."""
    return _by_numpy(np.signbit, _values(x))


def nextafter(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
    """The next number after ``x1`` towards ``x2``; of tensors that require no gradient."""
    return _by_numpy(np.nextafter, x1, x2)


def _bits(function: Any, logical: Any) -> Any:
    """A bitwise function: of booleans the logical one, which is recorded; else NumPy's."""

    def of_all(*xs: ArrayLike) -> Tensor:
        if logical is not None and all_(_values_dtype(x) == np.bool for x in xs):
            return logical(*xs)
        return _by_numpy(function, *xs)

    def unary(x: ArrayLike, /) -> Tensor:
        return of_all(x)

    def binary(x1: ArrayLike, x2: ArrayLike, /) -> Tensor:
        return of_all(x1, x2)

    bitwise = unary if function.nin == 1 else binary
    bitwise.__name__ = bitwise.__qualname__ = function.__name__
    bitwise.__doc__ = f"NumPy's ``{function.__name__}``, of integers or booleans; no gradient."
    return bitwise


all_ = builtins.all

bitwise_and = _bits(np.bitwise_and, logical_and)
bitwise_or = _bits(np.bitwise_or, logical_or)
bitwise_xor = _bits(np.bitwise_xor, logical_xor)
bitwise_invert = _bits(np.invert, logical_not)
bitwise_left_shift = _bits(np.left_shift, None)
bitwise_right_shift = _bits(np.right_shift, None)

# What Tensor's methods find here, which stand on a floor below.
for _name, _function in {
    "array_namespace": array_namespace,
    "bitwise_and": bitwise_and,
    "bitwise_or": bitwise_or,
    "bitwise_xor": bitwise_xor,
    "bitwise_invert": bitwise_invert,
    "bitwise_left_shift": bitwise_left_shift,
    "bitwise_right_shift": bitwise_right_shift,
    "matrix_transpose": matrix_transpose,
}.items():
    setattr(TENSORS, _name, _function)


# --- shapes ---------------------------------------------------------------------------------


def expand_dims(x: ArrayLike, /, axis: Axis = 0) -> Tensor:
    """A new axis of size 1 at ``axis``."""
    return _f.expand_dims(x, axis)


def squeeze(x: ArrayLike, /, axis: Axis) -> Tensor:
    """Without the named axes, which must be of size 1."""
    return _f.squeeze(x, axis)


def permute_dims(x: ArrayLike, /, axes: tuple[int, ...]) -> Tensor:
    """Axes in another order."""
    return _o.transpose(x, axes)


def reshape(x: ArrayLike, /, shape: Any, *, copy: builtins.bool | None = None) -> Tensor:
    """The same elements in another shape. ``copy`` changes nothing: results are never written to."""
    return _o.reshape(x, shape)


def repeat(x: ArrayLike, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """Each element, or each slice along ``axis``, so many times."""
    return _f.repeat(x, np.asarray(repeats) if type(repeats) is Tensor else repeats, axis)


def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis."""
    return tuple(_f.moveaxis(x, axis, 0))


# --- searching, sorting, sets ---------------------------------------------------------------


def take(x: ArrayLike, indices: ArrayLike, /, *, axis: int | None = None) -> Tensor:
    """Slices at ``indices`` along ``axis``, which may be left out for a vector.

    Raises
    ------
    ShapeError
        If it is left out for more axes.
    """
    return _f.take(x, indices, _along("take", x, axis))


def _along(operation: str, x: ArrayLike, axis: int | None) -> int:
    ndim = len(np.shape(x)) if type(x) is not Tensor else x.ndim
    if axis is None and ndim != 1:
        raise ShapeError(operation, f"expected axis= for {ndim} axes; it may be left out for one.")
    return 0 if axis is None else axis


def take_along_axis(x: ArrayLike, indices: ArrayLike, /, *, axis: int = -1) -> Tensor:
    """Elements at ``indices``, which has the axes of ``x``, along one of them."""
    return _f.take_along_axis(x, indices, axis)


def argmax(x: ArrayLike, /, *, axis: int | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Where the largest value stands, the first of several."""
    return _o.argmax(x, axis, keepdims)


def argmin(x: ArrayLike, /, *, axis: int | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Where the smallest value stands, the first of several."""
    return _f.argmin(x, axis, keepdims)


def argsort(
    x: ArrayLike, /, *, axis: int = -1, descending: builtins.bool = False, stable: builtins.bool = True
) -> Tensor:  # fmt: skip
    """Indices in rising or falling order of the values; equal ones keep theirs."""
    if not descending:
        return _f.argsort(x, axis)
    last = (x.shape if type(x) is Tensor else np.shape(x))[axis] - 1
    return _o.flip(last - _f.argsort(_o.flip(x, axis), axis), axis)


def sort(
    x: ArrayLike, /, *, axis: int = -1, descending: builtins.bool = False, stable: builtins.bool = True
) -> Tensor:  # fmt: skip
    """The values in rising or falling order."""
    return _o.flip(_f.sort(x, axis), axis) if descending else _f.sort(x, axis)


def searchsorted(
    x1: ArrayLike, x2: ArrayLike, /, *, side: Literal["left", "right"] = "left", sorter: ArrayLike | None = None
) -> Tensor:  # fmt: skip
    """Where each of ``x2`` would have to stand in the sorted ``x1``; no gradient."""
    places = None if sorter is None else _values(sorter)
    return _by_numpy(np.searchsorted, _values(x1), _values(x2), side=side, sorter=places)


def nonzero(x: ArrayLike, /) -> tuple[Tensor, ...]:
    """Indices of what is not zero, an array for each axis; no gradient.

    Raises
    ------
    ShapeError
        If there is no axis.
    """
    if _values(x).ndim == 0:
        raise ShapeError("nonzero", "expected one axis or more; received shape ().")
    return tuple(leaf(i) for i in np.nonzero(_values(x)))


def count_nonzero(
    x: ArrayLike, /, *, axis: Axis = None, keepdims: builtins.bool = False
) -> Tensor:  # fmt: skip
    """How many are not zero; no gradient."""
    return _by_numpy(np.count_nonzero, _values(x), axis=axis, keepdims=keepdims)


class Unique(NamedTuple):
    """What is found in an array, once each, in rising order.

    Attributes
    ----------
    values : Tensor, shape (n,)
        Differentiable: each is the first element with its value.
    indices : Tensor, shape (n,)
        Where those stand in ``x``, counted row by row.
    inverse_indices : Tensor, shape of x
        ``values[inverse_indices]`` is ``x``.
    counts : Tensor, shape (n,)
        How often each occurs.
    """

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """`Unique`, values and counts."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """`Unique`, values and inverse indices."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: ArrayLike, /) -> Unique:
    """The values that occur, where, and how often; every nan counts as a value of its own."""
    array = _values(x)
    _, indices, inverse, counts = np.unique(array, True, True, True, equal_nan=False)
    return Unique(
        _f.take(_f.ravel(x), indices, 0),
        leaf(indices),
        leaf(np.reshape(inverse, array.shape)[()]),
        leaf(counts),
    )


def unique_counts(x: ArrayLike, /) -> UniqueCounts:
    """The values that occur, and how often."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: ArrayLike, /) -> UniqueInverse:
    """The values that occur, and which of them stands in each place."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: ArrayLike, /) -> Tensor:
    """The values that occur."""
    return unique_all(x).values


# --- over axes ------------------------------------------------------------------------------


def _in(dtype: Any, function: Any, x: ArrayLike, *options: Any) -> Tensor:
    """A fold of ``x``, in a dtype if that is given: of narrow integers it would be in a wider one."""
    if dtype is None:
        found: Tensor = function(x, *options)
        return found
    return astype(function(astype(x, dtype, copy=False), *options), dtype, copy=False)


def sum(
    x: ArrayLike, /, *, axis: Axis = None, dtype: Any = None, keepdims: builtins.bool = False
) -> Tensor:
    """Sum over axes, in ``dtype`` if given."""
    return _in(dtype, _o.sum, x, axis, keepdims)


def prod(
    x: ArrayLike, /, *, axis: Axis = None, dtype: Any = None, keepdims: builtins.bool = False
) -> Tensor:
    """Product over axes, in ``dtype`` if given."""
    return _in(dtype, _f.prod, x, axis, keepdims)


def max(x: ArrayLike, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Largest value over axes."""
    return _o.max(x, axis, keepdims)


def min(x: ArrayLike, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Smallest value over axes."""
    return _f.min(x, axis, keepdims)


def var(
    x: ArrayLike, /, *, axis: Axis = None, correction: float = 0.0, keepdims: builtins.bool = False
) -> Tensor:
    """Variance over axes: the sum of squared distances from the mean, over N - correction."""
    return _f.var(x, axis, correction, keepdims)


def std(
    x: ArrayLike, /, *, axis: Axis = None, correction: float = 0.0, keepdims: builtins.bool = False
) -> Tensor:
    """The root of `var`."""
    return _f.std(x, axis, correction, keepdims)


def all(x: ArrayLike, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Whether all are true."""
    return _f.all(x, axis, keepdims)


def any(x: ArrayLike, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Whether one is true."""
    return _f.any(x, axis, keepdims)


def _running(function: Any, operation: str, initial: int) -> Any:
    def running(
        x: ArrayLike, /, *, axis: int | None = None, dtype: Any = None, include_initial: builtins.bool = False
    ) -> Tensor:  # fmt: skip
        along = _along(operation, x, axis)
        totals = _in(dtype, function, x, along)
        if not include_initial:
            return totals
        shape = list(totals.shape)
        shape[along] = 1
        return concat([full(tuple(shape), initial, dtype=totals.dtype), totals], axis=along)

    running.__name__ = running.__qualname__ = operation
    running.__doc__ = f"""{operation.replace("_", " ").capitalize()} along an axis, which may be left out for a vector.

    Raises
    ------
    ShapeError
        If it is left out for more axes.
    """
    return running


cumulative_sum = _running(_f.cumsum, "cumulative_sum", 0)
cumulative_prod = _running(_f.cumprod, "cumulative_prod", 1)


def diff(
    x: ArrayLike, /, *, axis: int = -1, n: int = 1, prepend: ArrayLike | None = None, append: ArrayLike | None = None
) -> Tensor:  # fmt: skip
    """Differences of neighbours along an axis, ``n`` times over."""
    parts = [part for part in (prepend, x, append) if part is not None]
    return _f.diff(concat(parts, axis=axis) if len(parts) > 1 else x, n, axis)
