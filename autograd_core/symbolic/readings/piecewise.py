"""Predicates on symbols: 0 or 1 by steps and zeros of differences."""

from __future__ import annotations

import sympy

from ...ops import piecewise
from ..atoms import Step, Vanishes
from ..exact import PREDICATES

PREDICATES(piecewise.equal)(lambda a, b: Vanishes(a - b))
PREDICATES(piecewise.not_equal)(lambda a, b: 1 - Vanishes(a - b))
PREDICATES(piecewise.less)(lambda a, b: Step(b - a))
PREDICATES(piecewise.less_equal)(lambda a, b: 1 - Step(a - b))
PREDICATES(piecewise.greater)(lambda a, b: Step(a - b))
PREDICATES(piecewise.greater_equal)(lambda a, b: 1 - Step(b - a))
PREDICATES(piecewise.logical_not)(lambda a: 1 - a)
PREDICATES(piecewise.isfinite)(lambda a: sympy.S.One)
PREDICATES(piecewise.isinf, piecewise.isnan)(lambda a: sympy.S.Zero)
