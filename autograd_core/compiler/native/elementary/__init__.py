"""Elementary functions in line: each writes its instructions into a `Code`.

`UNARY` and `BINARY` hold them by the names of the primitives. They take any width of float or
double, and never make a value that LLVM calls poison.
"""

from __future__ import annotations

from collections.abc import Callable

from ..assembly import Code, V
from . import rounding
from .exponentials import exp, exp2, expm1, sigmoid, softplus, tanh
from .lanewise import library, library_of_two, per_lane
from .logarithms import log, log1p
from .powers import hypot, power, power_by

__all__ = ["BINARY", "UNARY", "per_lane", "power_by"]

UNARY: dict[str, Callable[[Code, V], V]] = {
    "absolute": rounding.absolute,
    "arccos": library("acos"),
    "arccosh": library("acosh"),
    "arcsin": library("asin"),
    "arcsinh": library("asinh"),
    "arctan": library("atan"),
    "arctanh": library("atanh"),
    "cbrt": library("cbrt"),
    "ceil": rounding.ceil,
    "cos": library("cos"),
    "cosh": library("cosh"),
    "erf": library("erf"),
    "erfc": library("erfc"),
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "floor": rounding.floor,
    "log": log,
    "log10": library("log10"),
    "log1p": log1p,
    "log2": library("log2"),
    "relu": rounding.relu,
    "rint": rounding.rint,
    "sigmoid": sigmoid,
    "sign": rounding.sign,
    "sin": library("sin"),
    "sinh": library("sinh"),
    "softplus": softplus,
    "sqrt": rounding.sqrt,
    "step": rounding.step,
    "tan": library("tan"),
    "tanh": tanh,
    "trunc": rounding.trunc,
}

BINARY: dict[str, Callable[[Code, V, V], V]] = {
    "arctan2": library_of_two("atan2"),
    "copysign": rounding.copysign,
    "fmod": rounding.fmod,
    "hypot": hypot,
    "maximum": rounding.maximum,
    "minimum": rounding.minimum,
    "mod": rounding.mod,
    "power": power,
}
