"""Formulas in and out: sympy's expressions, LaTeX, closed forms of gradients, NumPy source.

`languages` writes what was recorded; `graphs` reads expressions back as tensors. A gradient's
closed form is found by `closed_forms` (with `intermediates`, `readings`, `tidying`) and written by
`typesetting` as LaTeX or by `sources` as NumPy; `lowering` is the way down to array operations that
`sources` and `graphs` share.
"""

from __future__ import annotations

from .graphs import SUPPORTED, from_sympy
from .languages import Derivation, to_latex, to_sympy

__all__ = ["SUPPORTED", "Derivation", "from_sympy", "to_latex", "to_sympy"]
