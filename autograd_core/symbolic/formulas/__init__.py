"""Formulas in and out: sympy's expressions, LaTeX, closed forms of gradients, NumPy source.

From tensors to formulas: `languages` is what a user calls. `closed_forms` stops at the named values of
`intermediates`, whose letters are in `letters`; `readings` finds the shortest way to write a gradient,
with what `tidying` makes shorter; `typesetting` writes it as LaTeX, `sources` as NumPy.

From formulas to tensors: `graphs` is what a user calls. `inputs` reads off the arrays how far indices
run; `lowering` is the way down to the operations of a `shelf`, which are those of `tensor_shelf`, or
the text of `sources`; `matrices` are sympy's own.
"""

from __future__ import annotations

from .graphs import SUPPORTED, from_sympy
from .languages import Derivation, to_latex, to_sympy

__all__ = ["SUPPORTED", "Derivation", "from_sympy", "to_latex", "to_sympy"]
