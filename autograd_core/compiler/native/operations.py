"""Elementwise primitives as instructions: on numbers of any dtype, and on floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ...ops import arithmetic, piecewise
from ...program import Application, Literal, Var
from ...readings import Reading, record_of
from .assembly import Code, V, constant, element, lanes, vector
from .elementary import BINARY, UNARY

__all__ = [
    "computes",
    "converted",
    "instruction",
    "largest",
    "memory_type",
    "operand_dtypes",
    "register_type",
]

_REGISTER = {"f": "float", "d": "double", "?": "i1"}
FLOATS = ("float", "double")


def register_type(dtype: np.dtype[Any]) -> str:
    """LLVM's type of a number in a register; booleans are one bit.

    What native code does not compute with (float16, long double) it moves as an integer so wide.
    """
    return _REGISTER.get(dtype.char) or f"i{8 * dtype.itemsize}"


def memory_type(dtype: np.dtype[Any]) -> str:
    """LLVM's type of a number in memory; booleans are a byte, as in NumPy."""
    return "i8" if dtype.char == "?" else register_type(dtype)


def _signed(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "i"


def converted(code: Code, v: V, old: np.dtype[Any], new: np.dtype[Any]) -> V:
    """A value in another dtype, as NumPy's astype has it."""
    if old.char == new.char or (register_type(old) == register_type(new) and old.kind in "iu"):
        return v
    kind = vector(register_type(new), lanes(v.type))
    if new.kind == "b":
        zero = constant(0, v.type)
        return code.compare("une" if old.kind == "f" else "ne", v, zero)
    if old.kind == "f" and new.kind == "f":
        return code.convert("fptrunc" if new.itemsize < old.itemsize else "fpext", v, kind)
    if new.kind == "f":
        return code.convert("sitofp" if _signed(old) else "uitofp", v, kind)
    if old.kind == "f":
        # As `arrays.as_dtype` has it: the nearest that fits, and 0 for nan.
        name = "llvm.fptosi.sat" if _signed(new) else "llvm.fptoui.sat"
        n = lanes(v.type)
        of, to = {"float": "f32", "double": "f64"}[element(v.type)], element(kind)
        full = f"{name}.{to}.{of}" if n == 1 else f"{name}.v{n}{to}.v{n}{of}"
        return code.invoke(full, kind, v)
    if new.itemsize < old.itemsize:
        return code.convert("trunc", v, kind)
    if new.itemsize == old.itemsize and old.kind != "b":
        return v
    return code.convert("sext" if _signed(old) else "zext", v, kind)


# --- the table ------------------------------------------------------------------------------
# rule(code, dtype in which it computes, operands, params) -> V

Rule: TypeAlias = Callable[[Code, np.dtype[Any], list[V], dict[str, Any]], V]
WHOLE: Reading[Rule] = Reading("instructions on all numbers", optional=True)
REAL: Reading[Rule] = Reading("instructions on floats", optional=True)


def _arithmetic(real: str, whole: str) -> Rule:
    def rule(code: Code, dtype: Any, o: list[V], params: Any) -> V:
        return code.binary(real if dtype.kind == "f" else whole, o[0], o[1])

    return rule


def _negative(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    if dtype.kind == "f":
        return code.fneg(o[0])
    return code.binary("sub", constant(0, o[0].type), o[0])


def _square(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    return code.binary("fmul" if dtype.kind == "f" else "mul", o[0], o[0])


def _comparison(real: str, signed: str, unsigned: str) -> Rule:
    def rule(code: Code, dtype: Any, o: list[V], params: Any) -> V:
        how = real if dtype.kind == "f" else signed if dtype.kind == "i" else unsigned
        return code.compare(how, o[0], o[1])

    return rule


def _where(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    return code.select(o[0], o[1], o[2])


def _relu(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    zero = constant(0, o[0].type)
    # Of nan it is nan: the comparison that nan fails keeps x.
    if dtype.kind == "f":
        return code.select(code.compare("ule", o[0], zero), _or_nan(code, o[0], zero), o[0])
    return code.select(code.compare("slt" if dtype.kind == "i" else "ult", o[0], zero), zero, o[0])


def _or_nan(code: Code, x: V, otherwise: V) -> V:
    return code.select(code.compare("uno", x, x), x, otherwise)


def _extremum(how: str) -> Rule:
    def rule(code: Code, dtype: Any, o: list[V], params: Any) -> V:
        if dtype.kind == "f":
            return BINARY[how](code, o[0], o[1])
        word = ("s" if dtype.kind == "i" else "u") + ("gt" if how == "maximum" else "lt")
        return code.select(code.compare(word, o[0], o[1]), o[0], o[1])

    return rule


def _step(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    how = {"f": "ogt", "i": "sgt"}.get(dtype.kind, "ugt")
    positive = code.compare(how, o[0], constant(0, o[0].type))
    return converted(code, positive, np.dtype(bool), dtype)


def _absolute(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    if dtype.kind == "f":
        return code.call("llvm.fabs", o[0].type, o[0])
    if dtype.kind == "u":
        return o[0]
    negative = code.binary("sub", constant(0, o[0].type), o[0])
    return code.select(code.compare("slt", o[0], constant(0, o[0].type)), negative, o[0])


def _isnan(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    return code.compare("uno", o[0], o[0])


def _isinf(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    size = code.call("llvm.fabs", o[0].type, o[0])
    return code.compare("oeq", size, constant(math.inf, o[0].type))


def _isfinite(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    size = code.call("llvm.fabs", o[0].type, o[0])
    return code.compare("olt", size, constant(math.inf, o[0].type))


def _logical_not(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    how = "oeq" if dtype.kind == "f" else "eq"
    return code.compare(how, o[0], constant(0, o[0].type))


def _reciprocal(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    """1 / c of a scaled c: see `_scale`."""
    return code.fdiv(constant(1, o[0].type), code.fmul(o[0], _scale(code, dtype, o, params)))


def _scale(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    """A power of two by which c and then the quotient are multiplied: x / c = x · 1/(c s) · s.

    It is 1, but for c so small or so large that 1 / c is no normal number.
    """
    e = 64 if dtype.itemsize == 4 else 512
    limit = 126 if dtype.itemsize == 4 else 1022
    size = code.call("llvm.fabs", o[0].type, o[0])
    kind = o[0].type
    small = code.compare("olt", size, constant(2.0**-limit, kind))
    large = code.compare("ogt", size, constant(2.0**limit, kind))
    big = code.select(large, constant(2.0**-e, kind), constant(1, kind))
    return code.select(small, constant(2.0**e, kind), big)


def _bitwise(word: str) -> Rule:
    def rule(code: Code, dtype: Any, o: list[V], params: Any) -> V:
        return code.binary(word, o[0], o[1])

    return rule


def _power(code: Code, dtype: Any, o: list[V], params: Any) -> V:
    return BINARY["power"](code, o[0], o[1])


WHOLE(piecewise.absolute)(_absolute)
WHOLE(arithmetic.add)(_arithmetic("fadd", "add"))
WHOLE(piecewise.equal)(_comparison("oeq", "eq", "eq"))
WHOLE(piecewise.greater)(_comparison("ogt", "sgt", "ugt"))
WHOLE(piecewise.greater_equal)(_comparison("oge", "sge", "uge"))
WHOLE(piecewise.less)(_comparison("olt", "slt", "ult"))
WHOLE(piecewise.less_equal)(_comparison("ole", "sle", "ule"))
WHOLE(piecewise.logical_not)(_logical_not)
WHOLE(piecewise.maximum)(_extremum("maximum"))
WHOLE(piecewise.minimum)(_extremum("minimum"))
WHOLE(arithmetic.multiply)(_arithmetic("fmul", "mul"))
WHOLE(arithmetic.negative)(_negative)
WHOLE(piecewise.not_equal)(_comparison("une", "ne", "ne"))
WHOLE(piecewise.relu)(_relu)
WHOLE(arithmetic.square)(_square)
WHOLE(piecewise.step)(_step)
WHOLE(arithmetic.subtract)(_arithmetic("fsub", "sub"))
WHOLE(piecewise.where)(_where)
REAL(arithmetic.divide)(_arithmetic("fdiv", "sdiv"))
REAL(piecewise.isfinite)(_isfinite)
REAL(piecewise.isinf)(_isinf)
REAL(piecewise.isnan)(_isnan)
REAL(arithmetic.power)(_power)
# Operations that kernels have, and programs have not.
INNER: dict[str, Rule] = {
    "logical_and": _bitwise("and"),
    "reciprocal": _reciprocal,
    "scale": _scale,
}


def _lifted(function: Callable[..., V]) -> Rule:
    def rule(code: Code, dtype: Any, o: list[V], params: Any) -> V:
        return function(code, *o)

    return rule


_FUNCTIONS: dict[str, Any] = {**UNARY, **BINARY}
for _name, _function in _FUNCTIONS.items():
    REAL.rules.setdefault(_name, _lifted(_function))

# Not of booleans, whose sum and product NumPy takes as "or" and "and".
_NO_BOOLEANS = frozenset(
    record_of(f).name
    for f in (
        arithmetic.add, arithmetic.multiply, arithmetic.subtract, arithmetic.negative, arithmetic.square,
        piecewise.absolute, piecewise.step, piecewise.maximum, piecewise.minimum, piecewise.relu,
    )
)  # fmt: skip
_ABSOLUTE, _DIVIDE = record_of(piecewise.absolute), record_of(arithmetic.divide)
_ASKS = frozenset(record_of(f) for f in (piecewise.isfinite, piecewise.isnan, piecewise.isinf))
_MAXIMUM = record_of(piecewise.maximum).name
_CHOOSES = record_of(piecewise.where)


def computes(step: Application) -> bool:
    """Whether native code computes an elementwise step."""
    p = step.primitive
    dtypes = [o.dtype for o in step.operands if isinstance(o, Var)]
    if p.converts:
        return True
    if WHOLE.of(p) is not None:
        working = np.result_type(*dtypes) if dtypes else step.result.dtype
        if step.result.dtype.kind == "b" and p.name in _NO_BOOLEANS:
            return False
        if p is _ABSOLUTE and working.kind not in "fi":
            return False
        if (
            step.result.dtype.kind == "b"
            and working.kind == "f"
            and {d.kind for d in dtypes} == {"i", "u"}
        ):
            return False  # NumPy compares int64 with uint64 exactly
        return all(_fits(o, working) for o in step.operands)
    real = step.result.dtype.kind == "f" or p in _ASKS
    if REAL.of(p) is not None:
        return (
            (real and all(d.kind == "f" for d in dtypes))
            or (p.name in UNARY and real)
            or (p is _DIVIDE and real)
        )
    return False


def _fits(o: Any, dtype: np.dtype[Any]) -> bool:
    """Whether a literal is a value of the dtype: an integer beyond it is for NumPy to refuse."""
    if not isinstance(o, Literal) or dtype.kind not in "iu" or isinstance(o.value, float):
        return True
    limits = np.iinfo(dtype)
    return bool(limits.min <= int(o.value) <= limits.max)


def instruction(
    code: Code, p: Any, dtype: np.dtype[Any], operands: list[V], params: dict[str, Any]
) -> V:
    """Write an elementwise primitive, on operands in the dtype in which it computes."""
    rule = WHOLE.rules.get(p.name) or REAL.rules.get(p.name) or INNER[p.name]
    return rule(code, dtype, operands, params)


def operand_dtypes(p: Any, working: np.dtype[Any], count: int) -> list[np.dtype[Any]]:
    """The dtypes in which an elementwise primitive that computes in ``working`` takes its operands."""
    dtypes = [working] * count
    if p is _CHOOSES:  # by a boolean
        dtypes[0] = np.dtype(bool)
    return dtypes


def largest(code: Code, dtype: np.dtype[Any], a: V, b: V) -> V:
    """The larger of two numbers, nan if one is: what maxima are folded by."""
    return WHOLE.rules[_MAXIMUM](code, dtype, [a, b], {})
