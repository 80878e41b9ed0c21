# ruff: noqa: N802, N815 - sympy's printers find their methods by the names of classes
"""LaTeX of expressions with indices, in the letters of the formulas on a slide."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import sympy
from sympy.core.alphabets import greeks
from sympy.printing.latex import LatexPrinter

from ..atoms import Step, Vanishes
from ..functions import CLASSES
from ..places import indices_in
from .closed_forms import ClosedForm, Let

__all__ = ["LETTERS", "aligned", "lines_of", "typeset"]

# What the library's own names are called in formulas: the letter, and what stands above it.
LETTERS: dict[str, tuple[str, str]] = {
    "mean": (r"\mu", ""),
    "variance": (r"\sigma", "2"),
    "eps": (r"\epsilon", ""),
    "weight": ("W", ""),
    "bias": ("b", ""),
    "mask": (r"\mathrm{mask}", ""),
    "l": (r"\ell", ""),
    **{name: (rf"\{name}", "") for name in greeks if name != "omicron"},
}


def typeset(e: sympy.Expr, constants: dict[Any, Any] | None = None) -> str:
    """An expression in LaTeX.

    Parameters
    ----------
    e : sympy.Expr
    constants : dict of Symbol to float, optional
        Symbols to be written as decimals.
    """
    return str(_Printer(constants or {}).doprint(e))


def lines_of(form: ClosedForm, gradient: bool) -> list[tuple[str, str]]:
    """Both sides of each equation: the definitions, and what they are for last."""
    printer = _Printer(form.constants)
    rows = [(printer.doprint(let.element), printer.doprint(let.value)) for let in form.lets]
    held = tuple(i for i in form.indices if i is not None)
    left = printer.doprint(Let(sympy.Symbol(form.name), held, form.value).element)
    if gradient:
        left = rf"\frac{{\partial L}}{{\partial {left}}}"
    return [*rows, (left, printer.doprint(form.value))]


def aligned(rows: Sequence[tuple[str, str]]) -> str:
    """Equations below one another, at their equality signs."""
    if len(rows) == 1:
        return " = ".join(rows[0])
    body = " \\\\\n".join(f"{left} &= {right}" for left, right in rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def name_of(name: str) -> tuple[str, str]:
    """A name as a letter and what stands above it: W1 is W^{(1)}, 0.weight is W^{(0)}."""
    primes = len(name) - len(name.rstrip("'"))
    name = name.rstrip("'")
    path, _, last = name.rpartition(".")
    tag = path.replace(".", ",")
    if not tag:
        match = re.fullmatch(r"(.*?[^\W\d_])_?((?:\d+_?)+|_\w+)", name)
        if match is not None and name not in LETTERS:
            last, tag = match[1], match[2].strip("_").replace("_", ",")
    letter, above = LETTERS.get(last, (last, ""))
    if letter == last and len(last) > 1:
        letter = rf"\mathrm{{{_escaped(last)}}}"
    if tag:
        above = above + rf"\,({_escaped(tag)})" if above else f"({_escaped(tag)})"
    return letter, above + r"\prime" * primes


def _escaped(text: str) -> str:
    return re.sub(r"[\\{}$&#^_%~]", lambda m: r"\_" if m[0] == "_" else "", text)


class _Printer(LatexPrinter):  # type: ignore[misc]
    """sympy's printer, with indices as subscripts and sums over whole axes."""

    def __init__(self, constants: dict[Any, Any]) -> None:
        super().__init__({"fold_short_frac": False, "inv_trig_style": "full"})
        self._constants = constants

    def _print(self, expr: Any, **kwargs: Any) -> Any:
        f = CLASSES.get(type(expr))
        if f is None or not f.latex:
            return super()._print(expr, **kwargs)
        operands = sorted(expr.args, key=sympy.default_sort_key) if f.folds else expr.args
        text = f.latex.format(", ".join(map(self._print, operands)))
        return text + (f"^{{{kwargs['exp']}}}" if kwargs.get("exp") else "")

    # --- names ---------------------------------------------------------------------------------

    def _named(self, symbol: sympy.Symbol, indices: Sequence[Any] = (), exp: Any = None) -> str:
        if symbol in self._constants:
            text = _number(self._constants[symbol])
            if exp == "2" and text.startswith(r"\sqrt{"):
                return text.removeprefix(r"\sqrt{").removesuffix("}")
            return rf"\left({text}\right)^{{{exp}}}" if exp else text
        if indices_in(symbol):
            return _index(symbol) + (f"^{{{exp}}}" if exp else "")
        letter, above = name_of(symbol.name)
        below = self._indices(indices)
        text = letter + (f"_{{{below}}}" if below else "")
        if not above:
            return text + (f"^{{{exp}}}" if exp else "")
        # In both subscript and superscript; a power stands outside of brackets.
        text += f"^{{{above}}}"
        return rf"\left({text}\right)^{{{exp}}}" if exp else text

    def _indices(self, indices: Sequence[Any]) -> str:
        parts = [_index(i) if i.is_Symbol else self._print(i) for i in indices]
        plain = all(re.fullmatch(r"[^\W\d]'*", part) for part in parts)
        return ("" if plain else r",").join(parts)

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        return self._named(expr)

    _print_Dummy = _print_Symbol
    _print_RandomSymbol = _print_Symbol

    def _print_Indexed(self, expr: Any) -> str:
        return self._named(expr.base.label, expr.indices)

    def _print_KroneckerDelta(self, expr: Any, exp: Any = None) -> str:
        parts = [_index(i) if i.is_Symbol else self._print(i) for i in expr.args[:2]]
        return rf"\delta_{{{' '.join(parts)}}}"

    # --- sums, products, powers ------------------------------------------------------------------

    def _print_Sum(self, expr: Any) -> str:
        below = ",".join(_index(limit[0]) for limit in reversed(expr.limits))
        body = self._print(expr.function)
        if expr.function.is_Add:
            body = rf"\left({body}\right)"
        return rf"\sum_{{{below}}} {body}"

    def _print_Add(self, expr: Any, order: Any = None) -> str:
        text = ""
        for term in sorted(expr.args, key=_place_in_sum):
            minus = term.could_extract_minus_sign()
            part = self._print(-term if minus else term)
            if (-term if minus else term).is_Add:
                part = rf"\left({part}\right)"
            text += (" - " if minus else " + ") + part if text else ("-" if minus else "") + part
        return text

    def _print_Mul(self, expr: Any) -> str:
        if expr.could_extract_minus_sign():
            opposite = -expr
            text = self._print(opposite)
            return "-" + (rf"\left({text}\right)" if opposite.is_Add else text)
        c, _ = expr.as_coeff_Mul()
        above: list[str] = [str(c.p)] if c.is_Rational and c.p != 1 else []
        below: list[str] = [str(c.q)] if c.is_Rational and c.q != 1 else []
        behind: list[str] = []
        last = expr
        for factor in sorted(expr.args, key=self._place):
            if factor.is_Rational:
                continue
            if factor.is_Pow and factor.exp.is_Rational and factor.exp < 0:
                below.append(self._factor(factor.base**-factor.exp))
            elif (
                factor.is_Add
                or isinstance(factor, (sympy.Sum, Step, Vanishes))
                or (below and isinstance(factor, sympy.exp))
            ):
                behind.append(self._factor(factor))
                last = factor
            else:
                above.append(self._factor(factor))
        if below and not above and len(behind) == 1 and not last.has(sympy.Sum):
            above, behind = [self._print(last)], []
        front = " ".join(above)
        if below:
            front = rf"\frac{{{front or 1}}}{{{' '.join(below)}}}"
        # A sum at the end needs no brackets; one before others does.
        parts = ([front] if front else []) + [
            rf"\left({part}\right)" if part.startswith(r"\sum") and n < len(behind) - 1 else part
            for n, part in enumerate(behind)
        ]
        return " ".join(parts)

    def _place(self, factor: Any) -> tuple[Any, ...]:
        constant = not factor.free_symbols - self._constants.keys()
        return not constant, _place_in_product(factor)

    def _factor(self, e: Any) -> str:
        text = self._print(e)
        return rf"\left({text}\right)" if e.is_Add else text

    def _print_Pow(self, expr: Any) -> str:
        base, exponent = expr.base, expr.exp
        if exponent.is_Rational and exponent < 0:
            return rf"\frac{{1}}{{{self._print(base**-exponent)}}}"
        if isinstance(base, (sympy.Indexed, sympy.Symbol)) and exponent != sympy.Rational(1, 2):
            indices = base.indices if isinstance(base, sympy.Indexed) else ()
            label = base.base.label if isinstance(base, sympy.Indexed) else base
            return self._named(label, indices, self._print(exponent))
        return str(super()._print_Pow(expr))

    # --- functions -------------------------------------------------------------------------------

    def _print_exp(self, expr: Any, exp: Any = None) -> str:
        u = expr.args[0]
        if (
            u.is_Add
            or u.has(sympy.Sum)
            or any(p.exp < 0 for p in u.atoms(sympy.Pow) if p.exp.is_Rational)
        ):
            text = rf"\exp\left({self._print(u)}\right)"
            return rf"{text}^{{{exp}}}" if exp else text
        return rf"e^{{{self._print(u)}}}"

    def _print_Step(self, expr: Any, exp: Any = None) -> str:
        u = expr.args[0]
        if u.could_extract_minus_sign() and not u.is_Add:
            return rf"\mathbb{{1}}[{self._print(-u)} < 0]"
        if u.is_Add and len(u.args) == 2:  # a > b for a - b > 0
            minus = [a for a in u.args if a.could_extract_minus_sign()]
            if len(minus) == 1:
                (b,) = minus
                return rf"\mathbb{{1}}[{self._print(u - b)} > {self._print(-b)}]"
        return rf"\mathbb{{1}}[{self._print(u)} > 0]"

    def _print_Largest(self, expr: Any, exp: Any = None) -> str:
        terms = expr.args[0]
        below = ",".join(_index(limit[0]) for limit in reversed(terms.limits))
        return rf"\max_{{{below}}} {self._factor(terms.function)}"


def _index(i: Any) -> str:
    match = re.fullmatch(r"(.*?)(\d*)('*)", i.name)
    if match is None or not match[2]:
        return str(i.name)
    return f"{match[1]}_{match[2]}{match[3]}"


def _number(value: float) -> str:
    """A float as a decimal, a power of ten or the root of a whole number."""
    square = round(value * value)
    if square < 1000 and value == math.sqrt(square) and value != round(value):
        return rf"\sqrt{{{square}}}"
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    power = rf"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def _place_in_sum(term: Any) -> tuple[Any, ...]:
    """A number first, then what is long before what is short; what is taken away after, in turn."""
    minus = term.could_extract_minus_sign()
    length = len(str(term))
    return (
        minus,
        not term.is_Number,
        minus and term.has(sympy.Sum),
        length if minus else -length,
        sympy.default_sort_key(term),
    )


def _place_in_product(factor: Any) -> tuple[Any, ...]:
    """Sizes, scalars, arrays, functions, steps, brackets, sums."""
    kinds = (
        factor.is_Number,
        factor.is_Symbol and bool(factor.is_integer),
        factor.is_Symbol,
        isinstance(factor, sympy.Indexed) or (factor.is_Pow and not factor.base.is_Add),
        not (factor.is_Add or isinstance(factor, (sympy.Sum, Step, Vanishes))),
        factor.is_Add or factor.is_Pow,
        isinstance(factor, (Step, Vanishes)),
    )
    first = next((n for n, found in enumerate(kinds) if found), len(kinds))
    letters = [len(factor.free_symbols), str(factor)]
    return first, letters[0], letters[1]
