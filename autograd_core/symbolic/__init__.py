"""Proofs about programs: the EXACT evaluator, the decision, and `prove`.

The only part of the engine that imports sympy; importing ``autograd_core`` does not import it.
See README.md beside this file for how a proof works and what it rests on.
"""

from __future__ import annotations

from ..shapes import dims
from . import facts, prove, readings as _readings
from .decide import COMPARED, PROBABLE, PROVED, REFUTED, UNDECIDED, Witness
from .exact import Exact, Symbols
from .formulas import SUPPORTED, from_sympy, to_latex, to_sympy
from .givens import arrays, labels, scalar
from .indexed import Indexed
from .verdict import LeafVerdict, Verdict

__all__ = [
    "COMPARED",
    "PROBABLE",
    "PROVED",
    "REFUTED",
    "SUPPORTED",
    "UNDECIDED",
    "Exact",
    "Indexed",
    "LeafVerdict",
    "Symbols",
    "Verdict",
    "Witness",
    "arrays",
    "dims",
    "facts",
    "from_sympy",
    "labels",
    "prove",
    "scalar",
    "to_latex",
    "to_sympy",
]
