"""NumPy's and SciPy's functions on a Tensor: which of ours answers, and with which arguments.

NumPy hands a call over with the arguments as they were written. Ours have fewer options, in an
order of their own: so a call is read by NumPy's signature first. What ours have not is refused by
name, never taken for something else (``np.sum(t, 0, np.float32)``: the third is the dtype).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .aliases import Params
from .errors import DTypeError
from .shelves import TENSORS

__all__ = ["FOLDS", "NUMPY", "answer", "answered", "refused", "title"]

# NumPy's function (of SciPy's ufuncs, "scipy.special.name") -> ours; filled by declarations.
NUMPY: dict[Any, Any] = {}

# Options that change neither value nor shape of a result that is always new.
_IDLE = frozenset(
    ["casting", "copy", "device", "kind", "overwrite_input", "stable", "subok", "writeable"]
)
# Reductions and scans: NumPy computes in the given dtype, so the operand takes it first; and then the
# result, since sums and products of narrow integers widen.
_COMPUTED_IN = frozenset(["cumprod", "cumsum", "mean", "prod", "std", "sum", "trace", "var"])
_REMEDIES = {
    "out": "Give the result a name instead; a tensor's memory is not written.",
    "where": "Choose first, with ag.where.",
    "initial": "Join it to the result with an operation of its own.",
    "dtype": "Use ag.cast on the operand or the result.",
    "order": "Elements are in C order; transpose first for another.",
}
# Methods of ufuncs that are functions of their own; their axis is 0 unless it is given.
FOLDS: dict[tuple[Any, str], Any] = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}
_BY_PLACE = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}


def title(function: Any) -> str:
    """What an error calls a function of NumPy's or SciPy's: with its module, "np.linalg.trace"."""
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, np.ufunc):
        for module, short in (("numpy", "np"), ("scipy.special", "scipy.special")):
            if getattr(sys.modules.get(module), name, None) is function:
                return f"{short}.{name}"
        return name
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{name}"


# Why what is missing is missing, and what to write; all else is refused without a reason.
_COMPLEX = "its values are complex, and complex numbers are not supported"
_VALUES = "how many elements it has depends on the values, or it gives no floats"
_WRITES = "it writes into its operand. Use ag.index_update, which gives a new tensor"
_FILES = "it writes a file. Use ag.save"
_BINS = "it counts, and has no derivative"
_POLY = "use ag.polyval, or products of tensors"
_REASONS: dict[str, str] = {
    **dict.fromkeys(
        [
            "fft", "fft2", "fftn", "hfft", "ifft", "ifft2", "ifftn", "ihfft", "irfft", "irfft2", "irfftn", "rfft", "rfft2",
            "rfftn", "roots", "sort_complex",
        ],
        _COMPLEX,
    ),
    **dict.fromkeys(
        [
            "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values", "union1d",
            "intersect1d", "setdiff1d", "setxor1d", "isin", "trim_zeros",
        ],
        _VALUES,
    ),
    **dict.fromkeys(["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"], _WRITES),
    **dict.fromkeys(["save", "savetxt", "savez", "savez_compressed"], _FILES),
    **dict.fromkeys(
        ["bincount", "digitize", "histogram", "histogram2d", "histogram_bin_edges", "histogramdd"], _BINS
    ),
    **dict.fromkeys(["poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul", "polysub"], _POLY),
    "apply_along_axis": "use ag.vmap",
    "apply_over_axes": "give axis a tuple",
    "argpartition": "use ag.argsort",
    "choose": "use ag.select or ag.where",
    "compress": "use t[condition]",
    "empty_like": "use ag.zeros_like",
    "extract": "use t[condition]",
    "geomspace": "use ag.exp of ag.linspace",
    "lexsort": "use ag.argsort, which is stable, from the last key to the first",
    "logspace": "use base ** ag.linspace(start, stop)",
    "nanargmax": "use ag.argmax of ag.where(ag.isnan(t), -np.inf, t)",
    "nanargmin": "use ag.argmin of ag.where(ag.isnan(t), np.inf, t)",
    "piecewise": "use ag.select",
    "resize": "use ag.tile and ag.reshape",
    "unwrap": "add the whole turns, which are constants, with ag.round",
}  # fmt: skip


def refused(function: Any, method: str = "__call__") -> DTypeError:
    """The error for a function that has no answer here."""
    name = title(function) + ("" if method == "__call__" else f".{method}")
    why = _REASONS.get(getattr(function, "__name__", "")) if method == "__call__" else None
    return DTypeError(
        name,
        f"not supported on a Tensor{': ' + why if why else ''}. Use t.detach().numpy() where no gradient "
        "is needed; see `autograd_core` for the functions that have one.",
    )


def answer(function: Any) -> Any:
    """Our answer to a function of NumPy's, or to one of SciPy's ufuncs; None if there is none."""
    if function in NUMPY:
        return NUMPY[function]
    special = sys.modules.get("scipy.special")  # a ufunc of SciPy's can only come from there
    name = getattr(function, "__name__", "")
    if isinstance(function, np.ufunc) and getattr(special, name, None) is function:
        return NUMPY.get(f"scipy.special.{name}")
    return None


@cache
def _alike(
    theirs: Any, ours: Any
) -> tuple[Any, tuple[str, ...], dict[str, str], frozenset[str], frozenset[str]]:
    """What a call is read by.

    NumPy's signature; the parameters that lead both; their other names in ours; the names of ours;
    of these the options, which a primitive takes by name too.
    """
    try:
        signature = inspect.signature(theirs)
    except (ValueError, TypeError):
        return None, (), {}, frozenset(), frozenset()
    mine = inspect.signature(ours).parameters
    if any(p.kind is p.VAR_KEYWORD for p in mine.values()):
        return None, (), {}, frozenset(), frozenset()
    leading, renamed = [], {}
    for p, q in zip(signature.parameters.values(), mine.values(), strict=False):
        if not {p.kind, q.kind} <= _BY_PLACE:
            break
        if p.name != q.name and (p.name in mine or q.name in signature.parameters):
            break
        leading.append(p.name)
        if p.name != q.name:
            renamed[p.name] = q.name
    names = frozenset(n for n in mine if n not in renamed.values())
    options = frozenset(n for n in names if not str(mine[n].annotation).startswith("ArrayLike"))
    return signature, tuple(leading), renamed, names, options


def answered(
    theirs: Callable[..., Any], ours: Callable[..., Any], args: tuple[Any, ...], options: Params
) -> Any:
    """What ours gives for a call to NumPy's function.

    Raises
    ------
    DTypeError
        If an option is given that ours has not.
    """
    args, options, dtype = _fitted(theirs, ours, args, options)
    found = ours(*args, **options)
    return found if dtype is None or found.dtype == dtype else TENSORS.cast(found, dtype)


def _fitted(
    theirs: Callable[..., Any], ours: Callable[..., Any], args: tuple[Any, ...], options: Params
) -> tuple[tuple[Any, ...], Params, Any]:
    """Arguments of a call to NumPy's function as ours takes them, and the dtype that is asked for.

    Raises
    ------
    DTypeError
        If an option is given that ours has not.
    """
    signature, leading, renamed, names, direct = _alike(theirs, ours)
    if signature is None or (len(args) <= len(leading) and options.keys() <= direct):
        return args, options, None
    try:
        bound = signature.bind(*args, **options)
    except TypeError as error:  # NumPy binds by its C code, and lets more through
        raise DTypeError(title(theirs), f"{error}. Expected {title(theirs)}{signature}.") from None
    by_name: Params = {}
    variadic: tuple[Any, ...] = ()
    for p in signature.parameters.values():
        if p.name not in bound.arguments:
            continue
        value = bound.arguments[p.name]
        if p.kind is p.VAR_POSITIONAL:
            variadic = value
        elif p.kind is p.VAR_KEYWORD:
            by_name.update(value)
        else:
            by_name[p.name] = value
    first: list[Any] = []
    dtype: Any = None
    for name in leading:
        if name not in by_name:
            break
        first.append(by_name.pop(name))
    named: Params = {}
    for name, value in by_name.items():
        ours_name = renamed.get(name, name)
        if ours_name in names or name in renamed:
            named[ours_name] = value
        elif name == "dtype" and theirs.__name__ in _COMPUTED_IN and first and value is not None:
            dtype = value
            first[0] = TENSORS.cast(first[0], dtype)
        elif not _said_nothing(signature, name, value) and name not in _IDLE:
            known = ", ".join(sorted(names)) or "none"
            raise DTypeError(
                title(theirs),
                f"the option {name}={value!r:.40} is not supported on a Tensor. "
                f"Expected of the options only: {known}. {_REMEDIES.get(name, '')}".rstrip(),
            )
    return (*first, *variadic), named, dtype


def _said_nothing(signature: inspect.Signature, name: str, value: Any) -> bool:
    """Whether an option has NumPy's default."""
    p = signature.parameters.get(name)
    default = None if p is None else p.default
    if name == "where" and value is True:
        return True
    return value is None or value is default or (isinstance(value, str) and value == default)
