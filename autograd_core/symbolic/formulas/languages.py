"""What was recorded, in other languages: sympy, LaTeX, NumPy source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from ... import introspect
from ...errors import ConfigError, ProofError
from ...program import Program, Var
from ...shapes import Dim
from ...tensors import Tensor
from ..exact import Exact, Symbols, decimal, exact_array, inputs_of as exact_inputs
from ..indexed import Indexed, IndexedArray, IndexedSymbols, inputs_of
from . import closed_forms
from .closed_forms import ClosedForm, Let
from .sources import function_text
from .tidying import letter_of, renamed, tidied
from .typesetting import aligned, lines_of, typeset

__all__ = ["Derivation", "to_latex", "to_sympy"]

CONSTANTS = ("decimals", "symbols")


def to_sympy(tensor: Tensor, wrt: Any = None, constants: str = "decimals") -> Any:
    """What a recorded tensor is, as sympy has it.

    Parameters
    ----------
    tensor : Tensor
        Recorded, and not yet freed by a backward.
    wrt : Tensor, sequence of Tensor, or mapping of str to Tensor, optional
        Tensors to stop at; a mapping names them. Default: the leaves, under the names that they
        have (``ag.tensor(…, name="z")``) or the letters of the Program.
    constants : {"decimals", "symbols"}
        Float constants as the decimals that were written (1e-5 is 1/100000), or as positive
        symbols c1, c2, …, as the prover reads them first. Small dyadic rationals are themselves.

    Returns
    -------
    sympy.Expr, or numpy.ndarray of them
        At sizes that are numbers an array of expressions in z[0,1], …, one for each element; bare
        for a scalar. At sizes that are names one expression for the element at the indices b, d,
        named after the axes, with Sum, Indexed and KroneckerDelta. Steps are `Step` and `Vanishes`.

    Raises
    ------
    ConfigError
        If ``tensor`` is none, ``wrt`` holds something else, or ``constants`` is no such word.
    GraphError
        If nothing was recorded, or the graph was freed.
    ProofError
        If a primitive has no exact reading.

    Examples
    --------
    >>> import autograd_core as ag
    >>> from autograd_core.symbolic import arrays, to_sympy
    >>> x = ag.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> to_sympy(ag.sum(ag.exp(x)))
    exp(x[0]) + exp(x[1])
    >>> (z,) = arrays("z:B,D")
    >>> to_sympy(z.mean(axis=0))
    Sum(z[b, d], (b, 0, B - 1))/B
    """
    if not isinstance(constants, str) or constants not in CONSTANTS:
        raise ConfigError(
            "to_sympy", f"expected constants in {', '.join(CONSTANTS)}; received {constants!r}."
        )
    program = _recorded("to_sympy", tensor, wrt)
    (output,) = program.outputs
    symbols: Any
    if any(isinstance(n, Dim) for v in _variables(program) for n in v.shape):
        symbols = IndexedSymbols()
        indexed = Indexed(symbols)
        values = program.fold(indexed, *inputs_of(program, symbols).values())
        element = indexed.value(values[output] if isinstance(output, Var) else output.value)
        into = _decimals(symbols, constants)
        return _readable(element).xreplace(into)
    symbols = Symbols()
    exact = Exact(symbols)
    values = program.fold(exact, *exact_inputs(program, symbols).values())
    array = exact_array(values[output] if isinstance(output, Var) else output.value)
    into = _decimals(symbols, constants)
    for index in np.ndindex(*array.shape):
        array[index] = array[index].xreplace(into)
    return array if array.ndim else array.item()


def to_latex(tensor: Tensor, wrt: Any = None, name: str | None = None) -> str:
    r"""What a recorded tensor is, as LaTeX that stops at the values that have a name.

    A layer names its intermediates (mean, variance, u in batch norm); `ag.mark` names others. Each
    is defined on a line of its own, before it is used.

    Parameters
    ----------
    tensor : Tensor
        Recorded, and not yet freed by a backward.
    wrt : Tensor, sequence of Tensor, or mapping of str to Tensor, optional
        See `to_sympy`.
    name : str, optional
        Of the result. Default: the tensor's own, or y.

    Raises
    ------
    ConfigError, GraphError, ProofError
        See `to_sympy`.

    Examples
    --------
    >>> import autograd_core as ag
    >>> from autograd_core.symbolic import arrays, to_latex
    >>> (z,) = arrays("z:B,D")
    >>> mean = ag.mark(z.mean(axis=0), name="mean")
    >>> print(to_latex(z - mean))
    \begin{aligned}
    \mu_{d} &= \frac{1}{B} \sum_{b} z_{bd} \\
    y_{bd} &= z_{bd} - \mu_{d}
    \end{aligned}
    """
    if name is not None and not isinstance(name, str):
        raise ConfigError("to_latex", f"expected name as text; received {name!r:.40}.")
    program = _recorded("to_latex", tensor, wrt)
    name = name or tensor.name or "y"
    try:
        form = closed_forms.value(program, name=name)
    except ProofError:
        if any(isinstance(n, Dim) for v in _variables(program) for n in v.shape):
            raise
        return _elements(program, name)
    return aligned(lines_of(form, gradient=False))


@dataclass(frozen=True)
class Derivation:
    """Formulas of the gradients in a Program; see `Verdict.latex` and `Verdict.numpy`.

    Attributes
    ----------
    program, combined : Program
        The forward; the value and the gradients by some of its inputs.
    names : mapping of str to int
        Numbers of those inputs, by name, in the order of the gradients.
    facts : sequence of (name of an input, SumsTo)
    """

    program: Program[Any]
    combined: Program[Any]
    names: Mapping[str, int]
    facts: Sequence[tuple[str, Any]] = ()

    def form(self, name: str) -> ClosedForm:
        """The gradient by a leaf, in named intermediates."""
        output = 1 + list(self.names).index(name)
        return closed_forms.gradient(
            self.program, self.combined, self.names[name], output, self.facts
        )

    def latex(self, name: str) -> str:
        """In LaTeX."""
        return aligned(lines_of(self.form(name), gradient=True))

    def numpy(self, name: str) -> str:
        """As NumPy source."""
        return function_text(self.form(name))


def _recorded(operation: str, tensor: Any, wrt: Any) -> Program[Any]:
    if not isinstance(tensor, Tensor):
        raise ConfigError(
            operation,
            f"expected a recorded Tensor; received {type(tensor).__name__}. Pass the result "
            "of operations on tensors.",
        )
    names = list(wrt) if isinstance(wrt, Mapping) else []
    asked = () if wrt is None else (wrt,) if isinstance(wrt, Tensor) else wrt
    leaves = list(asked.values() if isinstance(asked, Mapping) else asked)
    for part, expected in ((leaves, Tensor), (names, str)):
        wrong = [p for p in part if not isinstance(p, expected)]
        if wrong:
            raise ConfigError(
                operation,
                f"expected wrt as tensors, or as a mapping of names to tensors; received "
                f"{wrong[0]!r:.40} in it.",
            )
    program = introspect.program(tensor, wrt=leaves, name=operation)
    for var, name in zip(program.inputs, names, strict=False):
        var.name = name
    return program


def _variables(program: Program[Any]) -> list[Var]:
    return [
        *program.inputs,
        *(v for v, _ in program.captures),
        *(step.result for step in program),
    ]


def _decimals(symbols: Any, constants: str) -> dict[sympy.Symbol, sympy.Rational]:
    if constants == "symbols":
        return {}
    return {s: decimal(value) for s, value in symbols.constants.items()}


def _readable(found: IndexedArray) -> sympy.Expr:
    """The element at indices that are named after the axes, and unlike any array."""
    e = tidied(found.body)
    taken = frozenset(s.name for s in e.atoms(sympy.Symbol))
    held = [i for i in found.indices if i is not None]
    body, _ = renamed(e, held, lambda i, used: letter_of(i, used | taken))
    return body


def _elements(program: Program[Any], name: str) -> str:
    """Each element by itself, where there is no formula in indices."""
    symbols = Symbols()
    exact = Exact(symbols)
    values = program.fold(exact, *exact_inputs(program, symbols).values())
    (output,) = program.outputs
    array = exact_array(values[output] if isinstance(output, Var) else output.value)
    rows = []
    for index in np.ndindex(*array.shape):
        places = tuple(sympy.Integer(n) for n in index)
        left = typeset(Let(sympy.Symbol(name), places, sympy.S.Zero).element)
        rows.append((left, typeset(_with_places(array[index]), symbols.constants)))
    return aligned(rows)


def _with_places(e: sympy.Expr) -> sympy.Expr:
    """z[0,1] as an element of z."""
    into = {}
    for s in e.free_symbols:
        base, bracket, places = s.name.partition("[")
        if bracket:
            indices = tuple(map(sympy.Integer, places.rstrip("]").split(",")))
            into[s] = sympy.IndexedBase(sympy.Symbol(base, real=True))[indices]
    return e.xreplace(into)
