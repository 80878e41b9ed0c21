"""Elementary functions in line: each writes its instructions into a `Code`.

`UNARY` and `BINARY` hold them by the names of the primitives. They take any width of float or
double, and never make a value that LLVM calls poison. Every result is within 2 units of the last
place, denormal ones included; infinities, nan and the signs of zeros are NumPy's. What calls the C
library, in double, is as good as that.

No function depends on a fused multiply-add, or on one being absent. `sin`, `cos` and `tan` branch,
so the block that is being written may be another one after them.
"""

from __future__ import annotations

from collections.abc import Callable

from ..assembly import Code, V
from . import rounding, through_double
from .error_function import erf, erfc
from .exponentials import exp, exp2, expm1, sigmoid, softplus, tanh
from .lanewise import per_lane
from .logarithms import log, log1p
from .powers import hypot, power, power_by
from .trigonometry import cos, sin, tan

__all__ = ["BINARY", "UNARY", "per_lane", "power_by"]

UNARY: dict[str, Callable[[Code, V], V]] = {
    "absolute": rounding.absolute,
    "arccos": through_double.arccos,
    "arccosh": through_double.arccosh,
    "arcsin": through_double.arcsin,
    "arcsinh": through_double.arcsinh,
    "arctan": through_double.arctan,
    "arctanh": through_double.arctanh,
    "cbrt": through_double.cbrt,
    "ceil": rounding.ceil,
    "cos": cos,
    "cosh": through_double.cosh,
    "erf": erf,
    "erfc": erfc,
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "floor": rounding.floor,
    "log": log,
    "log10": through_double.log10,
    "log1p": log1p,
    "log2": through_double.log2,
    "relu": rounding.relu,
    "rint": rounding.rint,
    "sigmoid": sigmoid,
    "sign": rounding.sign,
    "sin": sin,
    "sinh": through_double.sinh,
    "softplus": softplus,
    "sqrt": rounding.sqrt,
    "step": rounding.step,
    "tan": tan,
    "tanh": tanh,
    "trunc": rounding.trunc,
}

BINARY: dict[str, Callable[[Code, V, V], V]] = {
    "arctan2": through_double.arctan2,
    "copysign": rounding.copysign,
    "floor_divide": rounding.floor_divide,
    "fmod": rounding.fmod,
    "hypot": hypot,
    "maximum": rounding.maximum,
    "minimum": rounding.minimum,
    "mod": rounding.mod,
    "power": power,
}
