"""PyTorch's operators in this engine's words: what `operator_samples` tries.

Each entry of `OPERATORS` is a function of a sample's arguments, in which PyTorch's tensors of floats
have become `Tensor`, those of integers and truth values arrays, and its dtypes NumPy's. The formulas
are those that PyTorch's pages state, in NumPy's functions; nothing of PyTorch is needed here.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.special

import autograd_core as ag

__all__ = ["OPERATORS", "Unsupported"]


class Unsupported(Exception):  # noqa: N818 - it is no error, but an answer
    """The sample asks for an option that the engine, or this page, has not."""


OPERATORS: dict[str, Callable[..., Any]] = {}


def op(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function under PyTorch's names."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            OPERATORS[name] = function
        return function

    return enter


# --- words ----------------------------------------------------------------------------------------


def axes(dim: Any) -> Any:
    """PyTorch's ``dim`` as NumPy's ``axis``: there, an empty one means all axes."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return None
    return tuple(dim) if isinstance(dim, (tuple, list)) else dim


def cast(x: Any, dtype: Any) -> Any:
    """To a dtype, if there is one."""
    if dtype is None:
        return x
    if np.dtype(dtype).kind == "c":
        raise Unsupported("complex numbers")
    return x.astype(dtype) if isinstance(x, (ag.Tensor, np.ndarray)) else np.asarray(x, dtype)


def reduced(x: Any, reduction: str = "mean") -> Any:
    """A loss by its reduction."""
    return {"mean": np.mean, "sum": np.sum, "none": lambda x: x}[reduction](x)


def none_of(**options: Any) -> None:
    """Refuse options that are not None, False or 1."""
    for name, value in options.items():
        if value is not None and value is not False:
            raise Unsupported(name)


# --- elementwise ----------------------------------------------------------------------------------

UNARY = {
    "abs": np.abs, "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh,
    "atan": np.arctan, "atanh": np.arctanh, "ceil": np.ceil, "cos": np.cos, "cosh": np.cosh,
    "deg2rad": np.deg2rad, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "floor": np.floor,
    "log": np.log, "log10": np.log10, "log1p": np.log1p, "log2": np.log2, "neg": np.negative,
    "positive": np.positive, "rad2deg": np.rad2deg, "reciprocal": np.reciprocal, "sin": np.sin,
    "sinc": np.sinc, "sinh": np.sinh, "sign": np.sign, "sgn": np.sign, "sqrt": np.sqrt,
    "square": np.square, "tan": np.tan, "tanh": np.tanh, "trunc": np.trunc, "angle": np.angle,
    "digamma": scipy.special.digamma, "erf": scipy.special.erf, "erfc": scipy.special.erfc,
    "erfinv": scipy.special.erfinv, "lgamma": scipy.special.gammaln, "i0": scipy.special.i0,
    "special.i1": scipy.special.i1, "special.ndtr": scipy.special.ndtr,
    "special.ndtri": scipy.special.ndtri, "special.log_ndtr": scipy.special.log_ndtr,
    "special.entr": scipy.special.entr, "sigmoid": ag.sigmoid, "nn.functional.relu": ag.relu,
    "isfinite": np.isfinite, "isinf": np.isinf, "isnan": np.isnan, "isreal": np.isreal,
    "signbit": np.signbit, "logical_not": np.logical_not, "special.bessel_j0": scipy.special.j0,
    "special.bessel_j1": scipy.special.j1, "special.bessel_y0": scipy.special.y0,
    "special.bessel_y1": scipy.special.y1, "special.modified_bessel_i0": scipy.special.i0,
    "special.modified_bessel_i1": scipy.special.i1,
}  # fmt: skip
for _name, _function in UNARY.items():
    OPERATORS[_name] = lambda x, f=_function: f(x)

OPERATORS |= {
    "clone": lambda x, **_: ag.tensor(0.0) + x,
    "contiguous": lambda x, **_: x,
    "alias_copy": lambda x: x,
    "conj": np.conj,
    "conj_physical": np.conj,
    "resolve_conj": lambda x: x,
    "resolve_neg": lambda x: x,
    "real": np.real,
    "frac": lambda x: x - np.trunc(x),
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "special.i0e": lambda x: scipy.special.ive(0, x),
    "special.i1e": lambda x: scipy.special.ive(1, x),
    "special.modified_bessel_k0": lambda x: scipy.special.kv(0, x),
    "special.modified_bessel_k1": lambda x: scipy.special.kv(1, x),
    "special.spherical_bessel_j0": lambda x: np.sinc(x / np.pi),
    "nn.functional.softsign": lambda x: x / (1 + np.abs(x)),
    "nn.functional.tanhshrink": lambda x: x - np.tanh(x),
    "nn.functional.silu": lambda x: x * ag.sigmoid(x),
    "nn.functional.mish": lambda x: x * np.tanh(ag.softplus(x)),
    "nn.functional.logsigmoid": scipy.special.log_expit,
    "nn.functional.relu6": lambda x: np.where((x > 0) & (x < 6), x, np.where(x > 0, 6.0, 0.0)),
    "nn.functional.hardsigmoid": lambda x: np.where(
        (x > -3) & (x < 3), x / 6 + 0.5, np.where(x > 0, 1.0, 0.0)
    ),
    "nn.functional.hardswish": lambda x: np.where(
        x <= -3, 0 * x, np.where(x >= 3, x, x * (x + 3) / 6)
    ),
    "nn.functional.selu": lambda x: (
        1.0507009873554804934193349852946
        * np.where(x > 0, x, 1.6732632423543772848170429916717 * np.expm1(x))
    ),
    "bfloat16": lambda x, **_: refuse("bfloat16"),
    "double": lambda x, **_: cast(x, np.float64),
    "float": lambda x, **_: cast(x, np.float32),
    "half": lambda x, **_: cast(x, np.float16),
}


def refuse(what: str) -> Any:
    """Say that this is not here."""
    raise Unsupported(what)


@op("nn.functional.softplus")
def softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    return np.where(beta * x > threshold, x, ag.softplus(beta * x) / beta)


@op("nn.functional.elu")
def elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(x))


@op("nn.functional.celu")
def celu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


@op("nn.functional.leaky_relu")
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    return np.where(x > 0, x, negative_slope * x)


@op("nn.functional.prelu")
def prelu(x: Any, weight: Any) -> Any:
    if x.ndim < 2:
        weight = np.reshape(weight, ()) if weight.size == 1 else weight
    elif weight.ndim:
        weight = weight.reshape((-1,) + (1,) * (x.ndim - 2))
    return np.where(x > 0, x, weight * x)


@op("nn.functional.gelu")
def gelu(x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * scipy.special.ndtr(x)


@op("nn.functional.threshold")
def threshold(x: Any, threshold: float, value: float) -> Any:
    return np.where(x > threshold, x, value)


@op("nn.functional.hardtanh")
def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    inside = (x > min_val) & (x < max_val)
    return np.where(inside, x, np.where(x <= min_val, min_val, max_val))


@op("nn.functional.hardshrink")
def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    return np.where(np.abs(x) > lambd, x, 0.0)


@op("nn.functional.softshrink")
def softshrink(x: Any, lambd: float = 0.5) -> Any:
    return np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, 0 * x))


@op("logit")
def logit(x: Any, eps: float | None = None) -> Any:
    return scipy.special.logit(x if eps is None else np.clip(x, eps, 1 - eps))


@op("nan_to_num")
def nan_to_num(x: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Any:
    return np.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


@op("round", "round decimals_0", "round decimals_3", "round decimals_neg_3")
def round_(x: Any, decimals: int = 0) -> Any:
    return np.round(x, decimals)


@op("mvlgamma mvlgamma_p_1", "mvlgamma mvlgamma_p_3", "mvlgamma mvlgamma_p_5")
def mvlgamma(x: Any, p: int) -> Any:
    start = 0.25 * p * (p - 1) * math.log(math.pi)
    return sum((scipy.special.gammaln(x - j / 2) for j in range(p)), start=start)


@op(*(f"polygamma polygamma_n_{n}" for n in range(5)), "special.polygamma special_polygamma_n_0")
def polygamma(x: Any, n: Any) -> Any:
    return ag.special.polygamma(x if isinstance(x, int) else n, n if isinstance(x, int) else x)


# --- two operands ---------------------------------------------------------------------------------

BINARY = {
    "mul": np.multiply, "atan2": np.arctan2, "copysign": np.copysign, "div no_rounding_mode": np.divide,
    "true_divide": np.divide, "fmod": np.fmod, "remainder": np.remainder, "hypot": np.hypot,
    "logaddexp": np.logaddexp, "logaddexp2": np.logaddexp2, "fmax": np.fmax, "fmin": np.fmin,
    "maximum": np.maximum, "minimum": np.minimum, "max binary": np.maximum, "min binary": np.minimum,
    "pow": np.power, "float_power": lambda a, b: np.power(a * 1.0, b), "eq": np.equal,
    "ne": np.not_equal, "ge": np.greater_equal, "gt": np.greater, "le": np.less_equal, "lt": np.less,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor,
    "heaviside": np.heaviside, "xlogy": scipy.special.xlogy, "special.xlog1py": scipy.special.xlog1py,
    "ldexp": lambda a, b: a * np.exp2(b * 1.0), "dot": np.dot, "vdot": np.vdot, "mv": np.matmul,
    "matmul": np.matmul, "mm": np.matmul, "bmm": np.matmul, "outer": np.outer, "inner": np.inner,
    "kron": np.kron, "__radd__": lambda a, b: b + a, "__rmul__": lambda a, b: b * a,
    "__rdiv__": lambda a, b: b / a, "__rsub__": lambda a, b: b - a, "__rpow__": lambda a, b: b**a,
    "__rmod__": lambda a, b: b % a, "__rmatmul__": lambda a, b: np.matmul(b, a),
    "floor_divide": np.floor_divide,
}  # fmt: skip
for _name, _binary in BINARY.items():
    OPERATORS[_name] = lambda a, b, f=_binary: f(a, b)


@op("add")
def add(a: Any, b: Any, alpha: Any = 1) -> Any:
    return a + alpha * b


@op("sub")
def sub(a: Any, b: Any, alpha: Any = 1) -> Any:
    return a - alpha * b


@op("rsub")
def rsub(a: Any, b: Any, alpha: Any = 1) -> Any:
    return b - alpha * a


@op("div trunc_rounding", "div floor_rounding")
def rounded_div(a: Any, b: Any, rounding_mode: str) -> Any:
    return np.trunc(a / b) if rounding_mode == "trunc" else np.floor_divide(a, b)


@op("clamp", "clamp_min", "clamp_max")
def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    return np.clip(x, min, max)


OPERATORS["clamp_min"] = lambda x, m: np.clip(x, m, None)
OPERATORS["clamp_max"] = lambda x, m: np.clip(x, None, m)


@op("lerp")
def lerp(a: Any, b: Any, weight: Any) -> Any:
    return a + weight * (b - a)


@op("addcmul")
def addcmul(x: Any, a: Any, b: Any, value: Any = 1) -> Any:
    return x + value * a * b


@op("addcdiv")
def addcdiv(x: Any, a: Any, b: Any, value: Any = 1) -> Any:
    return x + value * a / b


@op("addmm", "addmm decomposed", "addmv", "baddbmm")
def addmm(x: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    return beta * x + alpha * np.matmul(a, b)


@op("addbmm")
def addbmm(x: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    return beta * x + alpha * np.sum(np.matmul(a, b), axis=0)


@op("addr")
def addr(x: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    return beta * x + alpha * np.outer(a, b)


@op("where")
def where(a: Any, condition: Any, b: Any) -> Any:  # in the order of the samples
    return np.where(condition, a, b)


@op("isclose")
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    return np.isclose(a, b, rtol, atol, equal_nan)


# --- reductions -----------------------------------------------------------------------------------


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """``f(x, dim, keepdim, dtype)`` of NumPy's ``f(x, axis, keepdims)``."""

    def by_dim(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        axis = axes(dim)
        if np.ndim(x) == 0:
            axis = None
        return function(cast(x, dtype), axis=axis, keepdims=keepdim)

    return by_dim


for _name, _reduction in {
    "sum": np.sum, "nansum": np.nansum, "mean": np.mean, "nanmean": np.nanmean, "prod": np.prod,
    "amax": np.max, "amin": np.min, "all": np.all, "any": np.any, "logsumexp": ag.logsumexp,
}.items():  # fmt: skip
    OPERATORS[_name] = reduction(_reduction)


def spread(x: Any, dim: Any, unbiased: Any, correction: Any, keepdim: bool) -> tuple[Any, ...]:
    """Axis, ddof and keepdims of PyTorch's variance, in any of its spellings."""
    if isinstance(dim, bool):  # var(x, unbiased)
        dim, unbiased = None, dim
    ddof = (1 if unbiased in (None, True) else 0) if correction is None else correction
    axis = axes(dim)
    count = (
        x.size
        if axis is None
        else math.prod(np.take(x.shape, axis, mode="wrap").reshape(-1).tolist())
    )
    if np.ndim(x) == 0 or count <= ddof:
        raise Unsupported("no degree of freedom: nan")
    return axis, ddof, keepdim


@op("var", "var unbiased")
def var(
    x: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, correction: Any = None
) -> Any:
    axis, ddof, keepdims = spread(x, dim, unbiased, correction, keepdim)
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


@op("std", "std unbiased")
def std(*args: Any, **kwargs: Any) -> Any:
    return np.sqrt(var(*args, **kwargs))


@op("var_mean", "var_mean unbiased")
def var_mean(x: Any, dim: Any = None, *args: Any, keepdim: bool = False, **kwargs: Any) -> Any:
    axis = None if isinstance(dim, bool) else axes(dim)
    return var(x, dim, *args, keepdim=keepdim, **kwargs), np.mean(x, axis=axis, keepdims=keepdim)


@op("std_mean", "std_mean unbiased")
def std_mean(x: Any, dim: Any = None, *args: Any, keepdim: bool = False, **kwargs: Any) -> Any:
    spread_, mean = var_mean(x, dim, *args, keepdim=keepdim, **kwargs)
    return np.sqrt(spread_), mean


@op("max reduction_no_dim")
def max_all(x: Any) -> Any:
    return np.max(x)


@op("min reduction_no_dim")
def min_all(x: Any) -> Any:
    return np.min(x)


def _chosen(x: Any, places: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """What stands at the places along an axis, and the places."""
    if np.ndim(x) == 0:
        return x, np.asarray(0)
    at = np.expand_dims(places, dim)
    values = np.take_along_axis(x, at, dim)
    return (values, at) if keepdim else (np.squeeze(values, dim), places)


@op("max reduction_with_dim")
def max_dim(x: Any, dim: int, keepdim: bool = False) -> Any:
    return _chosen(x, np.argmax(plain(x), axis=dim) if np.ndim(x) else 0, dim, keepdim)


@op("min reduction_with_dim")
def min_dim(x: Any, dim: int, keepdim: bool = False) -> Any:
    return _chosen(x, np.argmin(plain(x), axis=dim) if np.ndim(x) else 0, dim, keepdim)


def plain(x: Any) -> Any:
    """The values without a gradient, for what only chooses places."""
    return ag.stop_gradient(x) if isinstance(x, ag.Tensor) else x


@op("aminmax")
def aminmax(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    axis = None if np.ndim(x) == 0 else dim
    return np.min(x, axis=axis, keepdims=keepdim), np.max(x, axis=axis, keepdims=keepdim)


@op("argmax")
def argmax(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.argmax(x, axis=None if np.ndim(x) == 0 else dim, keepdims=keepdim)


@op("argmin")
def argmin(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.argmin(x, axis=None if np.ndim(x) == 0 else dim, keepdims=keepdim)


@op("cumsum")
def cumsum(x: Any, dim: int, dtype: Any = None) -> Any:
    return cast(x, dtype) if np.ndim(x) == 0 else np.cumsum(cast(x, dtype), axis=dim)


@op("cumprod")
def cumprod(x: Any, dim: int, dtype: Any = None) -> Any:
    return cast(x, dtype) if np.ndim(x) == 0 else np.cumprod(cast(x, dtype), axis=dim)


@op("logcumsumexp")
def logcumsumexp(x: Any, dim: int) -> Any:
    if np.ndim(x) == 0:
        return x
    top = np.max(plain(x), axis=dim, keepdims=True)
    return np.log(np.cumsum(np.exp(x - top), axis=dim)) + top


@op("softmax", "softmax with_dtype")
def softmax(x: Any, dim: int, dtype: Any = None, **_: Any) -> Any:
    return ag.softmax(cast(x, dtype), axis=None if np.ndim(x) == 0 else dim)


@op("log_softmax", "log_softmax with_dtype")
def log_softmax(x: Any, dim: int, dtype: Any = None, **_: Any) -> Any:
    return ag.log_softmax(cast(x, dtype), axis=None if np.ndim(x) == 0 else dim)


@op("nn.functional.softmin", "nn.functional.softmin with_dtype")
def softmin(x: Any, dim: int, dtype: Any = None, **_: Any) -> Any:
    return softmax(-x, dim, dtype)


@op("trace")
def trace(x: Any) -> Any:
    return np.trace(x)


@op("dist")
def dist(a: Any, b: Any, p: float = 2) -> Any:
    return np.linalg.norm(np.ravel(a - b), ord=p)


@op("count_nonzero")
def count_nonzero(x: Any, dim: Any = None) -> Any:
    return np.sum(x != 0, axis=None if np.ndim(x) == 0 else axes(dim))


# --- shapes ---------------------------------------------------------------------------------------


def shape_of(sizes: Sequence[Any]) -> tuple[int, ...]:
    """A shape given as one sequence or as many numbers."""
    return tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else tuple(sizes)


@op("reshape", "view", "view_copy")
def reshape(x: Any, *sizes: Any) -> Any:
    return np.reshape(x, shape_of(sizes))


@op("reshape_as", "view_as")
def reshape_as(x: Any, other: Any) -> Any:
    return np.reshape(x, other.shape)


@op("broadcast_to", "expand", "expand_copy")
def expand(x: Any, *sizes: Any) -> Any:
    sizes = shape_of(sizes)
    ahead = len(sizes) - x.ndim
    full = [x.shape[i - ahead] if n == -1 else n for i, n in enumerate(sizes)]
    return np.broadcast_to(x, tuple(full))


@op("expand_as")
def expand_as(x: Any, other: Any) -> Any:
    return np.broadcast_to(x, other.shape)


@op("sum_to_size")
def sum_to_size(x: Any, *sizes: Any) -> Any:
    sizes = shape_of(sizes)
    ahead = x.ndim - len(sizes)
    x = np.sum(x, axis=tuple(range(ahead))) if ahead else x
    kept = tuple(i for i, n in enumerate(sizes) if n == 1 and x.shape[i] != 1)
    return np.sum(x, axis=kept, keepdims=True) if kept else x


@op("permute", "permute_copy")
def permute(x: Any, *dims: Any) -> Any:
    return np.transpose(x, shape_of(dims))


@op("transpose", "transpose_copy")
def transpose(x: Any, a: int, b: int) -> Any:
    return x if np.ndim(x) == 0 else np.swapaxes(x, a, b)


@op("T", "H", "t", "t_copy")
def turned(x: Any) -> Any:
    return np.transpose(x)


@op("mT", "mH")
def matrices_turned(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


@op("movedim")
def movedim(x: Any, source: Any, target: Any) -> Any:
    return x if np.ndim(x) == 0 else np.moveaxis(x, source, target)


@op("flatten")
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    if np.ndim(x) == 0:
        return np.reshape(x, (1,))
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return (
        np.reshape(x, (*x.shape[:start], -1, *x.shape[end + 1 :]))
        if x.size
        else np.reshape(
            x, (*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :])
        )
    )


@op("unflatten")
def unflatten(x: Any, dim: int, sizes: Any) -> Any:
    dim %= x.ndim
    return np.reshape(x, (*x.shape[:dim], *sizes, *x.shape[dim + 1 :]))


@op("ravel")
def ravel(x: Any) -> Any:
    return np.ravel(x)


@op("squeeze", "squeeze multiple", "squeeze_copy")
def squeeze(x: Any, *dims: Any) -> Any:
    if not dims:
        return np.squeeze(x)
    if np.ndim(x) == 0:
        return x
    wanted = {d % x.ndim for d in shape_of(dims)}
    return np.squeeze(x, tuple(sorted(d for d in wanted if x.shape[d] == 1)))


@op("unsqueeze", "unsqueeze_copy")
def unsqueeze(x: Any, dim: int) -> Any:
    return np.expand_dims(x, dim)


def many(function: Callable[..., Any]) -> Callable[..., Any]:
    """Of one tensor, several, or a sequence of them."""

    def of_many(*xs: Any) -> Any:
        if len(xs) == 1 and not isinstance(xs[0], (list, tuple)):
            return function(xs[0])
        xs = xs[0] if len(xs) == 1 else (xs[0], *xs[1:])
        flat = [y for x in xs for y in (x if isinstance(x, (list, tuple)) else [x])]
        return tuple(function(x) for x in flat)

    return of_many


OPERATORS["atleast_1d"] = many(np.atleast_1d)
OPERATORS["atleast_2d"] = many(np.atleast_2d)
OPERATORS["atleast_3d"] = many(np.atleast_3d)


@op("cat")
def cat(xs: Any, dim: int = 0) -> Any:
    # PyTorch passes over vectors without elements, whatever the others' axes.
    kept = [x for x in xs if x.shape != (0,)] or list(xs)
    return np.concatenate(kept, axis=dim)


@op("stack")
def stack(xs: Any, dim: int = 0) -> Any:
    return np.stack(list(xs), axis=dim)


for _name, _join in {
    "hstack": np.hstack, "vstack": np.vstack, "dstack": np.dstack, "column_stack": np.column_stack,
}.items():  # fmt: skip
    OPERATORS[_name] = lambda xs, f=_join: f(list(xs))


@op("broadcast_tensors")
def broadcast_tensors(*xs: Any) -> Any:
    return tuple(np.broadcast_arrays(*xs))


@op("meshgrid variadic_tensors", "meshgrid list_of_tensors")
def meshgrid(*xs: Any, indexing: str = "ij") -> Any:
    xs = tuple(xs[0]) if len(xs) == 1 and isinstance(xs[0], (list, tuple)) else xs
    flat = [y for x in xs for y in (x if isinstance(x, (list, tuple)) else [x])]
    return tuple(np.meshgrid(*(np.atleast_1d(x) for x in flat), indexing=indexing))


@op("block_diag")
def block_diag(*xs: Any) -> Any:
    xs = [np.atleast_2d(x) for x in xs]
    width = sum(x.shape[1] for x in xs)
    rows, before = [], 0
    for x in xs:
        rows.append(np.pad(x, ((0, 0), (before, width - before - x.shape[1]))))
        before += x.shape[1]
    return np.concatenate(rows, axis=0)


@op("cartesian_prod")
def cartesian_prod(*xs: Any) -> Any:
    if len(xs) == 1:
        return xs[0]
    return np.stack([np.ravel(x) for x in np.meshgrid(*xs, indexing="ij")], axis=1)


@op("combinations")
def combinations(x: Any, r: int = 2, with_replacement: bool = False) -> Any:
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(len(x)), r)), int).reshape(-1, r)
    return x[places]


def pieces(x: Any, cuts: Any, dim: int) -> tuple[Any, ...]:
    """The parts between cuts along an axis."""
    ends = [0, *cuts, x.shape[dim]]
    index = (slice(None),) * (dim % x.ndim)
    return tuple(x[(*index, slice(a, b))] for a, b in itertools.pairwise(ends))


@op("split", "split list_args", "unsafe_split", "split_with_sizes", "split_with_sizes_copy")
def split(x: Any, size: Any, dim: int = 0) -> Any:
    sizes = size
    if isinstance(size, int):
        length = x.shape[dim]
        if not length:
            return (x,)
        sizes = [min(size, length - start) for start in range(0, length, size)]
    return pieces(x, np.cumsum(sizes)[:-1].tolist(), dim)


@op("chunk", "unsafe_chunk")
def chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    return split(x, max(1, -(-x.shape[dim] // chunks)), dim)


@op("tensor_split")
def tensor_split(x: Any, cuts: Any, dim: int = 0) -> Any:
    cuts = np.asarray(cuts)
    return tuple(np.array_split(x, cuts.tolist(), axis=dim))


@op("hsplit")
def hsplit(x: Any, cuts: Any) -> Any:
    return tuple(np.array_split(x, cuts, axis=0 if x.ndim == 1 else 1))


@op("vsplit")
def vsplit(x: Any, cuts: Any) -> Any:
    return tuple(np.array_split(x, cuts, axis=0))


@op("dsplit")
def dsplit(x: Any, cuts: Any) -> Any:
    return tuple(np.array_split(x, cuts, axis=2))


@op("unbind", "unbind_copy")
def unbind(x: Any, dim: int = 0) -> Any:
    return tuple(np.take(x, i, axis=dim) for i in range(x.shape[dim]))


@op("narrow", "narrow_copy")
def narrow(x: Any, dim: int, start: Any, length: int) -> Any:
    start = int(start) % (x.shape[dim] or 1) if int(start) < 0 else int(start)
    return x[(*(slice(None),) * (dim % x.ndim), slice(start, start + length))]


@op("select")
def select(x: Any, dim: int, index: int) -> Any:
    return np.take(x, index, axis=dim)


@op("slice")
def slice_(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    return x[(*(slice(None),) * (dim % x.ndim), slice(start, end, step))]


@op("flip")
def flip(x: Any, dims: Any) -> Any:
    return np.flip(x, axis=tuple(dims)) if np.ndim(x) and len(tuple(dims)) else x


@op("fliplr")
def fliplr(x: Any) -> Any:
    return np.fliplr(x)


@op("flipud")
def flipud(x: Any) -> Any:
    return np.flipud(x)


@op("roll")
def roll(x: Any, shifts: Any, dims: Any = None) -> Any:
    if np.ndim(x) == 0:
        return x
    dims = None if dims is None or (isinstance(dims, (tuple, list)) and not dims) else dims
    if dims is None and isinstance(shifts, (tuple, list)):
        (shifts,) = shifts
    return np.roll(x, shifts, axis=dims)


@op("rot90")
def rot90(x: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    return np.rot90(x, k, tuple(dims))


@op("repeat", "tile")
def tile(x: Any, *sizes: Any) -> Any:
    return np.tile(x, shape_of(sizes))


@op("repeat_interleave")
def repeat_interleave(x: Any, repeats: Any, dim: Any = None, output_size: Any = None) -> Any:
    x = np.reshape(x, (1,)) if np.ndim(x) == 0 else x
    repeats = np.asarray(repeats)
    repeats = repeats.reshape(-1) if repeats.size > 1 else int(repeats.reshape(())[()])
    return np.repeat(x, repeats, axis=dim)


@op("diag")
def diag(x: Any, diagonal: int = 0) -> Any:
    return np.diag(x, diagonal)


@op("diagflat")
def diagflat(x: Any, offset: int = 0) -> Any:
    return np.diag(np.ravel(x), offset)


@op("diag_embed")
def diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    size = x.shape[-1] + abs(offset)
    chooser = np.zeros((x.shape[-1], size, size))
    k = np.arange(x.shape[-1])
    chooser[k, k + max(-offset, 0), k + max(offset, 0)] = 1
    return np.moveaxis(np.einsum("...k,kij->...ij", x, chooser), (-2, -1), (dim1, dim2))


@op("diagonal", "diagonal_copy", "linalg.diagonal")
def diagonal(x: Any, offset: int = 0, dim1: int | None = None, dim2: int | None = None) -> Any:
    if dim1 is None or dim2 is None:
        raise Unsupported("defaults that differ between the two names")
    return np.diagonal(x, offset, dim1, dim2)


OPERATORS["diagonal"] = OPERATORS["diagonal_copy"] = lambda x, offset=0, dim1=0, dim2=1: (
    np.diagonal(x, offset, dim1, dim2)
)
OPERATORS["linalg.diagonal"] = lambda x, offset=0, dim1=-2, dim2=-1: np.diagonal(
    x, offset, dim1, dim2
)


@op("tril")
def tril(x: Any, diagonal: int = 0) -> Any:
    return np.tril(x, diagonal)


@op("triu")
def triu(x: Any, diagonal: int = 0) -> Any:
    return np.triu(x, diagonal)


@op("unfold", "unfold_copy")
def unfold(x: Any, dim: int, size: int, step: int) -> Any:
    if np.ndim(x) == 0:
        return np.broadcast_to(x, (size,)) if size else np.reshape(x, (1,))[:0]
    dim %= x.ndim
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=dim)
    return windows[(*(slice(None),) * dim, slice(None, None, step))]


@op("diff")
def diff(x: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n == 0:
        return x
    parts = [part for part in (prepend, x, append) if part is not None]
    whole = np.concatenate(parts, axis=dim) if len(parts) > 1 else x
    return np.diff(whole, min(n, whole.shape[dim]), axis=dim)


@op("trapz", "trapezoid")
def trapezoid(y: Any, x: Any = None, dim: int = -1, dx: Any = 1) -> Any:
    return np.trapezoid(y, x, dx, dim)


@op("cumulative_trapezoid")
def cumulative_trapezoid(y: Any, x: Any = None, dim: int = -1, dx: Any = 1) -> Any:
    y = np.moveaxis(y, dim, -1)
    if x is not None:
        dx = np.diff(x if x.ndim == 1 else np.moveaxis(x, dim, -1))
    return np.moveaxis(np.cumsum((y[..., 1:] + y[..., :-1]) / 2 * dx, axis=-1), -1, dim)


@op("constant_pad_nd", "nn.functional.pad constant")
def constant_pad(x: Any, pad: Any, mode: Any = "constant", value: Any = 0.0) -> Any:
    if not isinstance(mode, str):
        value = mode
    widths = [(0, 0)] * x.ndim
    for i in range(len(pad) // 2):
        widths[-1 - i] = (pad[2 * i], pad[2 * i + 1])
    index = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, x.shape, strict=True)
    )
    return np.pad(
        x[index], [(max(a, 0), max(b, 0)) for a, b in widths], constant_values=value or 0.0
    )


@op("nn.functional.pad reflect", "nn.functional.pad replicate", "nn.functional.pad circular")
def other_pad(x: Any, pad: Any, mode: str) -> Any:
    widths = [(0, 0)] * x.ndim
    for i in range(len(pad) // 2):
        widths[-1 - i] = (pad[2 * i], pad[2 * i + 1])
    if min(map(min, widths)) < 0:
        raise Unsupported("a negative width")
    return np.pad(x, widths, mode={"replicate": "edge", "circular": "wrap"}.get(mode, mode))


@op("nn.functional.pixel_shuffle")
def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    r = upscale_factor
    *batch, c, h, w = x.shape
    x = np.reshape(x, (math.prod(batch), c // r**2, r, r, h, w))
    return np.reshape(np.transpose(x, (0, 1, 4, 2, 5, 3)), (*batch, c // r**2, h * r, w * r))


@op("nn.functional.pixel_unshuffle")
def pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    r = downscale_factor
    *batch, c, h, w = x.shape
    x = np.reshape(x, (math.prod(batch), c, h // r, r, w // r, r))
    return np.reshape(np.transpose(x, (0, 1, 3, 5, 2, 4)), (*batch, c * r**2, h // r, w // r))


@op("nn.functional.channel_shuffle")
def channel_shuffle(x: Any, groups: int) -> Any:
    n, c, *rest = x.shape
    return np.reshape(np.swapaxes(np.reshape(x, (n, groups, c // groups, *rest)), 1, 2), x.shape)


# --- indexing -------------------------------------------------------------------------------------


@op("__getitem__")
def getitem(x: Any, index: Any) -> Any:
    if isinstance(index, list) and not all(isinstance(i, int) for i in index):
        index = tuple(index)
    return x[index]


@op("gather", "take_along_dim")
def gather(x: Any, a: Any, b: Any = None, **_: Any) -> Any:
    if b is None:  # take_along_dim(x, index, dim=None)
        return np.take_along_axis(np.ravel(x), np.ravel(a), 0)
    dim, index = (a, b) if isinstance(a, int) else (b, a)
    if np.ndim(x) == 0 or np.ndim(index) == 0:
        return np.broadcast_to(np.reshape(x, (-1,))[0], np.shape(index))
    if x.ndim != index.ndim:
        raise Unsupported("axes that differ")
    index = np.where(index < 0, index + x.shape[dim], index)
    if _differ(x, index, dim):
        shape = tuple(
            n if i == dim % x.ndim else max(n, m)
            for i, (n, m) in enumerate(zip(x.shape, index.shape, strict=True))
        )
        if not isinstance(a, int):  # take_along_dim broadcasts, gather cuts
            x = np.broadcast_to(x, shape)
            index = np.broadcast_to(
                index, (*shape[: dim % x.ndim], index.shape[dim], *shape[dim % x.ndim + 1 :])
            )
        else:
            cut = tuple(
                slice(None) if i == dim % x.ndim else slice(m) for i, m in enumerate(index.shape)
            )
            x = x[cut]
    return np.take_along_axis(x, index, dim)


def _differ(x: Any, index: Any, dim: int) -> bool:
    return any(
        n != m
        for i, (n, m) in enumerate(zip(x.shape, index.shape, strict=True))
        if i != dim % x.ndim
    )


@op("index_select")
def index_select(x: Any, dim: int, index: Any) -> Any:
    if np.ndim(x) == 0:
        return x
    return np.take(x, np.ravel(index), dim)


@op("take")
def take(x: Any, index: Any) -> Any:
    return np.take(np.ravel(x), index)


@op("masked_select")
def masked_select(x: Any, mask: Any) -> Any:
    shape = np.broadcast_shapes(x.shape, mask.shape)
    return np.ravel(np.broadcast_to(x, shape))[np.ravel(np.broadcast_to(mask, shape))]


@op("masked_fill")
def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    return np.where(mask, value, x)


def _along(x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * (dim % x.ndim), np.ravel(index))


@op("index_fill")
def index_fill(x: Any, dim: int, index: Any, value: Any) -> Any:
    if np.ndim(x) == 0:
        return value + 0 * x
    mask = np.zeros(x.shape, bool)
    mask[_along(x, dim, index)] = True
    return np.where(mask, value, x)


@op("index_copy")
def index_copy(x: Any, dim: int, index: Any, source: Any) -> Any:
    if np.ndim(x) == 0:
        return np.reshape(source, ())
    return ag.index_update(x, _along(x, dim, index), source)


@op("index_add")
def index_add(x: Any, dim: int, index: Any, source: Any, alpha: Any = 1) -> Any:
    if np.ndim(x) == 0:
        return x + alpha * np.sum(source)
    index = np.ravel(index)
    chooser = np.zeros((x.shape[dim], len(index)))
    np.add.at(chooser, (index, np.arange(len(index))), 1.0)
    moved = np.tensordot(chooser, source, axes=(1, dim))
    return x + alpha * np.moveaxis(moved, 0, dim)


def _places(x: Any, dim: int, index: Any) -> Any:
    """Flat places in ``x`` that scatter writes to."""
    grid = list(np.indices(index.shape))
    grid[dim % x.ndim] = index
    return np.ravel_multi_index(tuple(grid), x.shape)


def _source(source: Any, index: Any) -> Any:
    if isinstance(source, (int, float)):
        return np.full(index.shape, float(source))
    return source[tuple(slice(n) for n in index.shape)]


@op("scatter_add", "scatter_reduce sum")
def scatter_add(
    x: Any, dim: int, index: Any, source: Any, reduce: Any = "sum", **options: Any
) -> Any:
    if options.get("include_self") is False:
        raise Unsupported("include_self=False")
    if np.ndim(x) == 0 or np.ndim(index) == 0:
        return x + np.sum(source) if np.size(index) else x
    flat = np.ravel(_places(x, dim, index))
    chooser = np.zeros((x.size, flat.size))
    chooser[flat, np.arange(flat.size)] = 1
    return x + np.reshape(chooser @ np.ravel(_source(source, index)), x.shape)


@op("scatter")
def scatter(x: Any, dim: int, index: Any, source: Any, reduce: Any = None) -> Any:
    none_of(reduce=reduce)
    if np.ndim(x) == 0 or np.ndim(index) == 0:
        return np.reshape(source + 0 * x, ()) if np.size(index) else x
    flat = np.ravel(_places(x, dim, index))
    if len(np.unique(flat)) < len(flat):
        raise Unsupported("a place that is written twice: any of the values")
    return np.reshape(ag.index_update(np.ravel(x), flat, np.ravel(_source(source, index))), x.shape)


@op("select_scatter")
def select_scatter(x: Any, source: Any, dim: int, index: int) -> Any:
    return ag.index_update(x, (*(slice(None),) * (dim % x.ndim), index), source)


@op("slice_scatter")
def slice_scatter(
    x: Any, source: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Any:
    return ag.index_update(x, (*(slice(None),) * (dim % x.ndim), slice(start, end, step)), source)


@op("diagonal_scatter")
def diagonal_scatter(x: Any, source: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    places = np.diagonal(np.arange(x.size).reshape(x.shape), offset, dim1, dim2)
    flat = ag.index_update(np.ravel(x), np.ravel(places), np.ravel(source))
    return np.reshape(flat, x.shape)


@op("sort")
def sort(x: Any, *args: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    if args and not isinstance(args[0], bool):
        dim = args[0]
        descending = args[1] if len(args) > 1 else descending
    if np.ndim(x) == 0:
        return x, np.asarray(0)
    values = plain(x)
    if descending:  # stable too, as PyTorch's is
        places = np.flip(
            values.shape[dim] - 1 - np.argsort(np.flip(values, dim), dim, stable=True), dim
        )
    else:
        places = np.argsort(values, dim, stable=True)
    return np.take_along_axis(x, places, dim), places


@op("msort")
def msort(x: Any) -> Any:
    return x if np.ndim(x) == 0 else np.sort(x, axis=0)


@op("topk")
def topk(x: Any, k: int, dim: int = -1, largest: bool = True, *args: Any, **_: Any) -> Any:
    if np.ndim(x) == 0:
        return x, np.asarray(0)
    values, places = sort(x, dim=dim, descending=largest)
    first = (*(slice(None),) * (dim % x.ndim), slice(k))
    return values[first], places[first]


@op("kthvalue")
def kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    if np.ndim(x) == 0:
        return x, np.asarray(0)
    values, places = sort(x, dim=dim)
    one = (*(slice(None),) * (dim % x.ndim), slice(k - 1, k) if keepdim else k - 1)
    return values[one], places[one]


@op("quantile")
def quantile(
    x: Any, q: Any, dim: Any = None, keepdim: bool = False, interpolation: str = "linear"
) -> Any:
    if interpolation != "linear":
        raise Unsupported("another interpolation")
    if isinstance(q, ag.Tensor):
        raise Unsupported("a gradient by the quantile's q")
    if np.ndim(x) == 0:
        raise Unsupported("numbers for vectors")
    return np.quantile(x, q, axis=dim, keepdims=keepdim)


@op("argsort")
def argsort(x: Any, *args: Any, **kwargs: Any) -> Any:
    return sort(x, *args, **kwargs)[1]


# --- linear algebra -------------------------------------------------------------------------------


@op("linalg.inv")
def inv(x: Any) -> Any:
    return np.linalg.inv(x)


def _no_error(x: Any) -> Any:
    """What PyTorch's functions with ``_ex`` report for each matrix: nothing went wrong."""
    return np.zeros(x.shape[:-2], int)


@op("linalg.inv_ex")
def inv_ex(x: Any, check_errors: bool = False) -> Any:
    return np.linalg.inv(x), _no_error(x)


@op("linalg.det")
def det(x: Any) -> Any:
    return np.linalg.det(x)


@op("logdet")
def logdet(x: Any) -> Any:
    sign, log = np.linalg.slogdet(x)
    return np.where(sign > 0, log, np.nan)


@op("linalg.slogdet")
def slogdet(x: Any) -> Any:
    return tuple(np.linalg.slogdet(x))


def symmetric(x: Any) -> Any:
    """PyTorch gives both triangles their share of a gradient; the engine, the one that is read."""
    return (x + np.swapaxes(x, -1, -2)) / 2


def mirrored(x: Any, lower: bool) -> Any:
    """The symmetric matrix whose one triangle is given, with a gradient to both."""
    half = plain(symmetric(x))
    part = np.tril(plain(x)) if lower else np.triu(plain(x))
    inner = np.tril(plain(x), -1) if lower else np.triu(plain(x), 1)
    return symmetric(x) + (part + np.swapaxes(inner, -1, -2) - half)


@op("linalg.cholesky", "cholesky")
def cholesky(x: Any, upper: bool = False) -> Any:
    found = np.linalg.cholesky(symmetric(x))
    return np.swapaxes(found, -1, -2) if upper else found


@op("linalg.cholesky_ex")
def cholesky_ex(x: Any, upper: bool = False, check_errors: bool = False) -> Any:
    return cholesky(x, upper), _no_error(x)


@op("cholesky_inverse")
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    low = np.swapaxes(x, -1, -2) if upper else x
    return np.linalg.inv(low @ np.swapaxes(low, -1, -2))


@op("cholesky_solve")
def cholesky_solve(b: Any, x: Any, upper: bool = False) -> Any:
    low = np.swapaxes(x, -1, -2) if upper else x
    return np.linalg.solve(low @ np.swapaxes(low, -1, -2), b)


@op("linalg.solve")
def solve(a: Any, b: Any, left: bool = True) -> Any:
    if not left:
        return np.swapaxes(solve(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)
    if b.ndim == 1 or (b.ndim + 1 == a.ndim and b.shape == a.shape[:-1]):  # a vector each
        return np.linalg.solve(a, b[..., None])[..., 0]
    return np.linalg.solve(a, b)


@op("linalg.solve_ex")
def solve_ex(a: Any, b: Any, left: bool = True, check_errors: bool = False) -> Any:
    return solve(a, b, left), _no_error(a)


@op("linalg.solve_triangular")
def solve_triangular(
    a: Any, b: Any, upper: bool, left: bool = True, unitriangular: bool = False
) -> Any:
    a = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        a = a * (1 - np.eye(a.shape[-1])) + np.eye(a.shape[-1])
    return solve(a, b) if left else solve(a, b, left=False)


@op("triangular_solve")
def triangular_solve(
    b: Any, a: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    full = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        full = full * (1 - np.eye(a.shape[-1])) + np.eye(a.shape[-1])
    return np.linalg.solve(np.swapaxes(full, -1, -2) if transpose else full, b), a


@op("linalg.matrix_power")
def matrix_power(x: Any, n: int) -> Any:
    return np.linalg.matrix_power(x, n)


@op("linalg.multi_dot")
def multi_dot(xs: Any) -> Any:
    return functools.reduce(np.matmul, xs)


@op("linalg.eigh")
def eigh(x: Any, UPLO: str = "L") -> Any:
    # Signs are free: what is compared does not depend on them.
    values, vectors = np.linalg.eigh(mirrored(x, UPLO == "L"), UPLO)
    return values, np.abs(vectors)


@op("linalg.eigvalsh")
def eigvalsh(x: Any, UPLO: str = "L") -> Any:
    return np.linalg.eigvalsh(mirrored(x, UPLO == "L"), UPLO)


@op("linalg.svdvals")
def svdvals(x: Any) -> Any:
    return np.linalg.svdvals(x)


@op("linalg.svd", "svd")
def svd(x: Any, full_matrices: bool = True, some: bool = True, compute_uv: bool = True) -> Any:
    if not compute_uv:
        raise Unsupported("compute_uv=False")
    u, s, v = np.linalg.svd(x, full_matrices=False)
    return np.abs(u), s, np.abs(v)


@op("linalg.pinv", "pinverse")
def pinv(x: Any, **options: Any) -> Any:
    if options.pop("hermitian", False) or options:
        raise Unsupported("options of pinv")
    return np.linalg.pinv(x)


@op("linalg.qr", "qr")
def qr(x: Any, mode: str = "reduced") -> Any:
    if mode != "reduced":
        raise Unsupported(f"mode {mode}")
    if x.shape[-2] < x.shape[-1]:
        raise Unsupported("qr of wide matrices")
    return tuple(np.linalg.qr(x))


@op("linalg.cross", "cross")
def cross(a: Any, b: Any, dim: int | None = -1) -> Any:
    dim = -1 if dim is None else dim
    shape = np.broadcast_shapes(a.shape, b.shape)
    return np.cross(np.broadcast_to(a, shape), np.broadcast_to(b, shape), axis=dim)


@op("linalg.vecdot")
def vecdot(a: Any, b: Any, dim: int = -1) -> Any:
    return np.sum(a * b, axis=dim)


@op("linalg.vander")
def vander(x: Any, N: int | None = None) -> Any:
    x = np.atleast_1d(x)
    return np.stack([x**k for k in range(x.shape[-1] if N is None else N)], axis=-1)


@op("linalg.vector_norm")
def vector_norm(
    x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Any:
    x, axis = cast(x, dtype), axes(dim)
    every = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if x.ndim == 0:
        if ord == 0:
            return np.asarray(x != 0, float) if isinstance(x, np.ndarray) else 0 * x + (x != 0)
        return np.abs(x)
    every = tuple(a % x.ndim for a in every)
    others = [a for a in range(x.ndim) if a not in every]
    flat = np.reshape(
        np.transpose(x, (*others, *every)),
        (*(x.shape[a] for a in others), math.prod(x.shape[a] for a in every)),
    )
    if not flat.shape[-1]:
        raise Unsupported("a norm of nothing")
    norms = np.linalg.norm(flat, ord=ord, axis=-1)
    return np.expand_dims(norms, tuple(sorted(every))) if keepdim else norms


@op("linalg.matrix_norm")
def matrix_norm(
    x: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, dtype: Any = None
) -> Any:
    return np.linalg.norm(cast(x, dtype), ord=ord, axis=tuple(dim), keepdims=keepdim)


@op("linalg.norm", "linalg.norm subgradients_at_zero")
def linalg_norm(
    x: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Any:
    if (
        ord is None
        or (dim is None and x.ndim < 2)
        or not (dim is None or len(np.atleast_1d(dim)) == 2)
    ):
        return vector_norm(x, 2 if ord is None else ord, dim, keepdim, dtype)
    return matrix_norm(x, ord, (-2, -1) if dim is None else dim, keepdim, dtype)


@op("norm", "norm fro", "norm nuc", "norm inf")
def norm(x: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    if p == "nuc":
        return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype)
    return vector_norm(x, 2 if p in ("fro", None) else p, dim, keepdim, dtype)


@op("nn.functional.normalize")
def normalize(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, **_: Any) -> Any:
    return x / np.maximum(vector_norm(x, p, dim, True), eps)


@op("renorm")
def renorm(x: Any, p: float, dim: int, maxnorm: float) -> Any:
    others = tuple(a for a in range(x.ndim) if a != dim % x.ndim)
    size = vector_norm(x, p, others, True)
    return np.where(size > maxnorm, x * (maxnorm / (size + 1e-7)), x)


@op("tensordot")
def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    if not isinstance(dims, int) and any(
        a.shape[i] != b.shape[j] for i, j in zip(*dims, strict=True)
    ):
        raise Unsupported("tensordot with broadcasting")
    return np.tensordot(a, b, dims)


@op("einsum")
def einsum(xs: Any, equation: str) -> Any:
    return np.einsum(equation, *xs)


@op("cdist")
def cdist(a: Any, b: Any, p: float = 2.0, compute_mode: Any = None) -> Any:
    return vector_norm(a[..., :, None, :] - b[..., None, :, :], p, -1)


@op("nn.functional.pdist")
def pdist(x: Any, p: float = 2.0) -> Any:
    i, j = np.triu_indices(x.shape[0], 1)
    return vector_norm(x[i] - x[j], p, -1)


@op("cov")
def cov(x: Any, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    none_of(fweights=fweights, aweights=aweights)
    if np.size(x) == 0 or np.ndim(x) == 0 or x.shape[-1] <= correction:
        raise Unsupported("no degree of freedom: nan")
    return np.cov(x, ddof=correction)


@op("corrcoef")
def corrcoef(x: Any) -> Any:
    if np.ndim(x) == 0 or x.shape[-1] < 2:
        raise Unsupported("no degree of freedom: nan")
    return np.corrcoef(x)


@op("matrix_exp")
def matrix_exp(x: Any) -> Any:
    raise Unsupported("the exponential of a matrix")


# --- networks -------------------------------------------------------------------------------------


@op("nn.functional.linear")
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    y = np.matmul(x, np.transpose(weight))
    return y if bias is None else y + bias


@op("nn.functional.bilinear")
def bilinear(a: Any, b: Any, weight: Any, bias: Any = None) -> Any:
    y = np.einsum("...i,oij,...j->...o", a, weight, b)
    return y if bias is None else y + bias


@op("nn.functional.glu")
def glu(x: Any, dim: int = -1) -> Any:
    a, b = np.split(x, 2, axis=dim)
    return a * ag.sigmoid(b)


def _fill(size: Any, count: int) -> tuple[int, ...]:
    if isinstance(size, int):
        return (size,) * count
    return tuple(size) if len(size) == count else tuple(size) * count


def convolution(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Any:  # fmt: skip
    count = weight.ndim - 2
    if x.ndim == count + 1:
        batch = convolution(x[None], weight, bias, stride, padding, dilation, groups)
        return batch[0]
    stride, dilation = _fill(stride, count), _fill(dilation, count)
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if padding == "valid":
        padding = 0
    if padding == "same":
        widths = [((s - 1) // 2, s - 1 - (s - 1) // 2) for s in spans]
    else:
        widths = [(p, p) for p in _fill(padding, count)]
    x = np.pad(x, [(0, 0), (0, 0), *widths])
    axes_ = tuple(range(2, 2 + count))
    windows = np.lib.stride_tricks.sliding_window_view(x, tuple(spans), axis=axes_)
    steps = tuple(slice(None, None, s) for s in stride)
    inner = tuple(slice(None, None, d) for d in dilation)
    windows = windows[(slice(None), slice(None), *steps, *inner)]
    parts: list[Any] = []
    into, out = x.shape[1] // groups, weight.shape[0] // groups
    letters, places = "xyz"[:count], "uvw"[:count]
    for g in range(groups):
        mine = windows[:, g * into : (g + 1) * into]
        form = f"nc{letters}{places},oc{places}->no{letters}"
        parts.append(np.einsum(form, mine, weight[g * out : (g + 1) * out]))
    y = parts[0] if groups == 1 else np.concatenate(parts, axis=1)
    return y if bias is None else y + np.reshape(bias, (-1,) + (1,) * count)


for _count in "123":
    OPERATORS[f"nn.functional.conv{_count}d"] = convolution


def pooled_windows(
    x: Any, count: int, size: Any, stride: Any, padding: Any, value: float, dilation: Any = 1
) -> Any:
    """The windows of pooling: their places, then their inner axes."""
    size = _fill(size, count)
    stride = size if stride is None or stride == () or stride == [] else _fill(stride, count)
    padding, dilation = _fill(padding, count), _fill(dilation, count)
    widths = [(0, 0)] * (x.ndim - count) + [(p, p) for p in padding]
    x = np.pad(x, widths, constant_values=value) if any(padding) else x
    spans = tuple(d * (k - 1) + 1 for d, k in zip(dilation, size, strict=True))
    axes_ = tuple(range(x.ndim - count, x.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(x, spans, axis=axes_)
    steps = tuple(slice(None, None, s) for s in stride)
    inner = tuple(slice(None, None, d) for d in dilation)
    return windows[(..., *steps, *inner)]


def avg_pool(count: int) -> Callable[..., Any]:
    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None,
    ) -> Any:  # fmt: skip
        none_of(ceil_mode=ceil_mode, divisor_override=divisor_override)
        last = tuple(range(-count, 0))
        total = np.sum(pooled_windows(x, count, kernel_size, stride, padding, 0.0), axis=last)
        if count_include_pad:
            return total / math.prod(_fill(kernel_size, count))
        ones = np.ones(x.shape)
        return total / np.sum(
            pooled_windows(ones, count, kernel_size, stride, padding, 0.0), axis=last
        )

    return pool


def max_pool(count: int) -> Callable[..., Any]:
    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, return_indices: bool = False,
    ) -> Any:  # fmt: skip
        none_of(ceil_mode=ceil_mode, return_indices=return_indices)
        windows = pooled_windows(x, count, kernel_size, stride, padding, -np.inf, dilation)
        return np.max(windows, axis=tuple(range(-count, 0)))

    return pool


for _n in (1, 2, 3):
    OPERATORS[f"nn.functional.avg_pool{_n}d"] = avg_pool(_n)
    OPERATORS[f"nn.functional.max_pool{_n}d"] = max_pool(_n)


def adaptive(count: int, function: Callable[..., Any]) -> Callable[..., Any]:
    def pool(x: Any, output_size: Any, return_indices: bool = False) -> Any:
        none_of(return_indices=return_indices)
        sizes = _fill(output_size, count)
        for axis, wanted in zip(range(-count, 0), sizes, strict=True):
            have = x.shape[axis]
            wanted = have if wanted is None else wanted
            bands = []
            for i in range(wanted):
                start, end = i * have // wanted, -(-(i + 1) * have // wanted)
                index = (*(slice(None),) * (x.ndim + axis), slice(start, end))
                bands.append(function(x[index], axis=axis, keepdims=True))
            x = np.concatenate(bands, axis=axis)
        return x

    return pool


for _n in (1, 2, 3):
    OPERATORS[f"nn.functional.adaptive_avg_pool{_n}d"] = adaptive(_n, np.mean)
    OPERATORS[f"nn.functional.adaptive_max_pool{_n}d"] = adaptive(_n, np.max)


@op("nn.functional.layer_norm")
def layer_norm(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    last = tuple(range(-len(tuple(shape)), 0))
    y = (x - np.mean(x, axis=last, keepdims=True)) / np.sqrt(
        np.var(x, axis=last, keepdims=True) + eps
    )
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


@op("nn.functional.rms_norm")
def rms_norm(x: Any, shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    last = tuple(range(-len(tuple(shape)), 0))
    eps = np.finfo(np.float64).eps if eps is None else eps
    y = x / np.sqrt(np.mean(x * x, axis=last, keepdims=True) + eps)
    return y if weight is None else y * weight


@op("nn.functional.group_norm")
def group_norm(x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    n, c, *rest = x.shape
    parts = np.reshape(x, (n, groups, c // groups * math.prod(rest)))
    y = (parts - np.mean(parts, axis=-1, keepdims=True)) / np.sqrt(
        np.var(parts, axis=-1, keepdims=True) + eps
    )
    y = np.reshape(y, x.shape)
    shape = (c,) + (1,) * len(rest)
    y = y if weight is None else y * np.reshape(weight, shape)
    return y if bias is None else y + np.reshape(bias, shape)


def normed(x: Any, mean: Any, var_: Any, weight: Any, bias: Any, eps: float) -> Any:
    shape = (-1,) + (1,) * (x.ndim - 2)
    y = (x - np.reshape(mean, shape)) / np.sqrt(np.reshape(var_, shape) + eps)
    y = y if weight is None else y * np.reshape(weight, shape)
    return y if bias is None else y + np.reshape(bias, shape)


@op("nn.functional.batch_norm")
def batch_norm(
    x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    if training:
        others = (0, *range(2, x.ndim))
        running_mean, running_var = np.mean(x, axis=others), np.var(x, axis=others)
    return normed(x, running_mean, running_var, weight, bias, eps)


@op("nn.functional.instance_norm")
def instance_norm(
    x: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    if not use_input_stats:
        return normed(x, running_mean, running_var, weight, bias, eps)
    return group_norm(x, x.shape[1], weight, bias, eps)


@op("nn.functional.cosine_similarity")
def cosine_similarity(a: Any, b: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    shape = np.broadcast_shapes(a.shape, b.shape)
    if not shape:
        raise Unsupported("numbers for vectors")
    a, b = np.broadcast_to(a, shape), np.broadcast_to(b, shape)
    sizes = [np.maximum(np.linalg.norm(v, axis=dim, keepdims=True), eps) for v in (a, b)]
    return np.sum(a / sizes[0] * (b / sizes[1]), axis=dim)


@op("nn.functional.pairwise_distance")
def pairwise_distance(
    a: Any, b: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    return vector_norm(a - b + eps, p, -1, keepdim)


@op("nn.functional.unfold")
def unfold2d(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    windows = pooled_windows(x, 2, kernel_size, _fill(stride, 2), padding, 0.0, dilation)
    batch = x.ndim == 4
    order = (0, 1, 4, 5, 2, 3) if batch else (0, 3, 4, 1, 2)
    windows = np.transpose(windows, order)
    n, last = windows.shape[:-5] if batch else (), math.prod(windows.shape[-2:])
    return np.reshape(windows, (*n, math.prod(windows.shape[-5:-2]), last))


@op("nn.functional.embedding")
def embedding(weight: Any, index: Any, **options: Any) -> Any:  # in the order of the samples
    if any(value not in (None, False) for value in options.values()):
        raise Unsupported("options of embedding")
    return np.take(weight, index, axis=0)


@op("nn.functional.scaled_dot_product_attention")
def attention(
    q: Any, k: Any, v: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: Any = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    none_of(enable_gqa=enable_gqa)
    if dropout_p:
        raise Unsupported("random numbers")
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = np.matmul(q, np.swapaxes(k, -1, -2)) * scale
    if is_causal:
        scores = np.where(np.tri(q.shape[-2], k.shape[-2], dtype=bool), scores, -np.inf)
    if attn_mask is not None:
        if isinstance(attn_mask, np.ndarray) and attn_mask.dtype.kind == "b":
            scores = np.where(attn_mask, scores, -np.inf)
        else:
            scores = scores + attn_mask
    return np.matmul(ag.softmax(scores, axis=-1), v)


# --- losses ---------------------------------------------------------------------------------------


def _legacy(reduction: str, size_average: Any, reduce: Any) -> str:
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "mean" if size_average in (None, True) else "sum"


def elementwise_loss(function: Callable[..., Any]) -> Callable[..., Any]:
    def loss(
        x: Any, y: Any, *args: Any, reduction: str = "mean", size_average: Any = None,
        reduce: Any = None, **options: Any,
    ) -> Any:  # fmt: skip
        return reduced(function(x, y, *args, **options), _legacy(reduction, size_average, reduce))

    return loss


def _weighted(x: Any, weight: Any) -> Any:
    return x if weight is None else x * weight


OPERATORS |= {
    "nn.functional.mse_loss": elementwise_loss(lambda x, y, weight=None: (x - y) ** 2),
    "nn.functional.l1_loss": elementwise_loss(lambda x, y: np.abs(x - y)),
    "nn.functional.soft_margin_loss": elementwise_loss(lambda x, y: np.log1p(np.exp(-y * x))),
    "nn.functional.hinge_embedding_loss": elementwise_loss(
        lambda x, y, margin=1.0: (
            np.where(y != 1, np.where(margin - x > 0, margin - x, 0 * x), 0 * x)
            + np.where(y != -1, x, 0 * x)
        )
    ),
    "nn.functional.poisson_nll_loss": elementwise_loss(
        lambda x, y, log_input=True, full=False, eps=1e-8: (
            refuse("Stirling's term") if full else np.exp(x) - y * x if log_input else x - y * np.log(x + eps)
        )
    ),
    "nn.functional.margin_ranking_loss": lambda a, b, y, margin=0.0, reduction="mean": reduced(
        np.where(-y * (a - b) + margin > 0, -y * (a - b) + margin, 0.0), reduction
    ),
    "nn.functional.binary_cross_entropy": lambda x, y, weight=None, reduction="mean", **_: reduced(
        _weighted(-(y * np.maximum(np.log(x), -100) + (1 - y) * np.maximum(np.log1p(-x), -100)), weight),
        reduction,
    ),
}  # fmt: skip


@op("nn.functional.gaussian_nll_loss")
def gaussian_nll_loss(
    x: Any, y: Any, v: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    if v.shape != x.shape and v.shape == x.shape[:-1]:  # one variance for each vector
        v = v[..., None]
    v = np.maximum(v, eps)
    loss = 0.5 * (np.log(v) + (x - y) ** 2 / v)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


@op("nn.functional.smooth_l1_loss")
def smooth_l1_loss(x: Any, y: Any, reduction: str = "mean", beta: float = 1.0, **_: Any) -> Any:
    d = np.abs(x - y)
    if not beta:
        return reduced(d, reduction)
    return reduced(np.where(d < beta, 0.5 * (x - y) ** 2 / beta, d - 0.5 * beta), reduction)


@op("nn.functional.huber_loss")
def huber_loss(
    x: Any, y: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Any:
    d = np.abs(x - y)
    loss = np.where(d < delta, 0.5 * (x - y) ** 2, delta * (d - 0.5 * delta))
    return reduced(_weighted(loss, weight), reduction)


@op("nn.functional.binary_cross_entropy_with_logits")
def bce_with_logits(
    x: Any, y: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean", **_: Any
) -> Any:
    positive = y if pos_weight is None else y * pos_weight
    loss = -(positive * scipy.special.log_expit(x) + (1 - y) * scipy.special.log_expit(-x))
    return reduced(_weighted(loss, weight), reduction)


@op("nn.functional.kl_div")
def kl_div(x: Any, y: Any, reduction: str = "mean", log_target: bool = False, **_: Any) -> Any:
    loss = np.exp(y) * (y - x) if log_target else scipy.special.xlogy(y, y) - y * x
    return np.sum(loss) / x.shape[0] if reduction == "batchmean" else reduced(loss, reduction)


@op("nn.functional.multilabel_soft_margin_loss")
def multilabel_soft_margin_loss(
    x: Any, y: Any, weight: Any = None, reduction: str = "mean", **_: Any
) -> Any:
    loss = -(y * scipy.special.log_expit(x) + (1 - y) * scipy.special.log_expit(-x))
    return reduced(np.mean(_weighted(loss, weight), axis=-1), reduction)


@op("nn.functional.cosine_embedding_loss")
def cosine_embedding_loss(
    a: Any, b: Any, y: Any, margin: float = 0.0, reduction: str = "mean", **_: Any
) -> Any:
    # PyTorch adds its ε to the squared lengths.
    lengths = (np.sum(a * a, axis=-1) + 1e-12) * (np.sum(b * b, axis=-1) + 1e-12)
    c = np.sum(a * b, axis=-1) / np.sqrt(lengths)
    far = np.where(c - margin > 0, c - margin, 0 * c)
    return reduced(np.where(y == 1, 1 - c, 0.0) + np.where(y == -1, far, 0.0), reduction)


@op("nn.functional.triplet_margin_loss", "nn.functional.triplet_margin_with_distance_loss")
def triplet_margin_loss(
    a: Any, p: Any, n: Any, margin: float = 1.0, p_norm: float = 2.0, eps: float = 1e-6,
    swap: bool = False, reduction: str = "mean", **options: Any,
) -> Any:  # fmt: skip
    if options.get("distance_function") is not None:
        raise Unsupported("a distance of PyTorch's")
    p_norm = options.get("p", p_norm)
    near, far = (vector_norm(a - q + eps, p_norm, -1) for q in (p, n))
    if swap:
        far = np.minimum(far, vector_norm(p - n + eps, p_norm, -1))
    slack = margin + near - far
    return reduced(np.where(slack > 0, slack, 0 * slack), reduction)


OPERATORS["nn.functional.triplet_margin_loss"] = lambda a, q, n, p=2.0, **options: (
    triplet_margin_loss(a, q, n, p_norm=p, **options)
)


@op("nn.functional.nll_loss")
def nll_loss(
    x: Any, y: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", **_: Any
) -> Any:
    y = np.asarray(y)
    if x.ndim == 1:
        x, y = x[None], y.reshape(1)
        if reduction == "none":
            return nll_loss(x, y, weight, ignore_index, "none")[0]
    kept = (y != ignore_index).astype(float)
    safe = np.where(kept > 0, y, 0)
    picked = np.take_along_axis(x, np.expand_dims(safe, 1), 1)
    loss = -np.squeeze(picked, 1)
    scale = kept if weight is None else np.take(weight, safe) * kept
    if reduction == "mean":
        return np.sum(loss * scale) / np.sum(scale)
    return reduced(loss * scale, reduction)


@op("nn.functional.cross_entropy")
def cross_entropy(
    x: Any, y: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0, **_: Any,
) -> Any:  # fmt: skip
    if label_smoothing:
        raise Unsupported("label_smoothing")
    axis = 0 if x.ndim == 1 else 1
    logs = ag.log_softmax(x, axis=axis)
    if isinstance(y, ag.Tensor) or np.asarray(y).dtype.kind == "f":
        if weight is not None:
            weight = np.reshape(weight, (-1,) + (1,) * (x.ndim - 1 - axis))
        loss = -np.sum(_weighted(logs * y, weight), axis=axis)
        if reduction == "mean":
            return np.sum(loss) / (math.prod(x.shape) / x.shape[axis])
        return reduced(loss, reduction)
    return nll_loss(logs, y, weight, ignore_index, reduction)


# --- masked ---------------------------------------------------------------------------------------


def masked(neutral: float, function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction in which what is masked does not count."""

    def by_mask(
        x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None, mask: Any = None
    ) -> Any:
        x = cast(x, dtype)
        if mask is not None:
            if not (isinstance(mask, np.ndarray) and mask.dtype.kind == "b"):
                raise Unsupported("a mask of numbers")
            x = np.where(mask, x, neutral)
        axis = None if np.ndim(x) == 0 else axes(dim)
        return function(x, axis=axis, keepdims=keepdim)

    return by_mask


OPERATORS |= {
    "masked.sum": masked(0.0, np.sum),
    "masked.prod": masked(1.0, np.prod),
    "masked.amax": masked(-np.inf, np.max),
    "masked.amin": masked(np.inf, np.min),
    "masked.logsumexp": masked(-np.inf, ag.logsumexp),
    "fft.fftshift": lambda x, dim=None: np.fft.fftshift(x, axes(dim)),
    "fft.ifftshift": lambda x, dim=None: np.fft.ifftshift(x, axes(dim)),
}


@op("masked.mean")
def masked_mean(
    x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Any:
    total = OPERATORS["masked.sum"](x, dim, keepdim, dtype, mask)
    ones = np.ones(x.shape)
    return total / OPERATORS["masked.sum"](ones, dim, keepdim, None, mask)
