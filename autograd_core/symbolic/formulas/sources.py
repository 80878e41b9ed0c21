"""Closed forms as NumPy source: a function of the arrays, for any sizes."""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from ...errors import ProofError
from ...shapes import Dim
from ..functions import FUNCTIONS, Function
from ..indexed import size
from ..places import size_of
from .closed_forms import ClosedForm
from .lowering import Lowering

__all__ = ["Code", "Source", "function_text"]

_SUM, _PRODUCT, _POWER, _ATOM = range(4)


@dataclass(frozen=True)
class Code:
    """A piece of source, and how tightly it holds together."""

    text: str
    level: int = _ATOM

    def within(self, level: int) -> str:
        """The text, in brackets where it holds together less than is asked for."""
        return self.text if self.level >= level else f"({self.text})"


class Source:
    """The shelf of text."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.calls: set[str] = set()
        self.sizes: set[str] = set()

    def number(self, value: Any) -> Code:
        """A rational number, pi or e."""
        if value is sympy.pi:
            return Code("np.pi")
        if value is sympy.E:
            return Code("np.e")
        if value.is_infinite:
            return Code("np.inf" if value > 0 else "-np.inf", _ATOM if value > 0 else _SUM)
        if not value.is_Rational:
            return Code(repr(float(value)))
        if value.q == 1:
            return Code(str(value.p), _ATOM if value.p >= 0 else _SUM)
        return Code(f"{value.p} / {value.q}", _PRODUCT if value.p >= 0 else _SUM)

    def size(self, n: sympy.Expr) -> Code:
        """A size by its name."""
        self.sizes |= {s.name for s in n.free_symbols}
        if n.is_Symbol:
            return Code(n.name)
        return Code(str(n), _ATOM if n.is_Integer else _SUM)

    def add(self, terms: Sequence[tuple[bool, Code]]) -> Code:
        """A sum."""
        if len(terms) == 1 and not terms[0][0]:
            return terms[0][1]
        text = ""
        for minus, term in terms:
            part = term.within(_PRODUCT if minus or text else _SUM)
            text += (" - " if minus else " + ") + part if text else ("-" if minus else "") + part
        return Code(text, _SUM)

    def multiply(self, above: Sequence[Code], below: Sequence[Code]) -> Code:
        """A quotient of products."""
        rest = list(above)
        text = rest.pop(0).within(_PRODUCT) if rest else "1"
        # What has the same axes stays together: γ / (B s) (…) rather than γ (…) / (B s).
        last = rest if rest and rest[-1].level < _PRODUCT else []
        for part in rest[:-1] if last else rest:
            text += f" * {part.within(_POWER)}"
        if len(below) == 1:
            text += f" / {below[0].within(_POWER)}"
        elif below:
            text += f" / ({' * '.join(b.within(_POWER) for b in below)})"
        if last:
            text += f" * {last[-1].within(_POWER)}"
        return Code(text, _PRODUCT) if below or len(above) > 1 else above[0] if above else Code("1")

    def power(self, base: Code, exponent: Any) -> Code:
        """A power; a square root by its name."""
        if isinstance(exponent, Code):
            return Code(f"{base.within(_ATOM)} ** {exponent.within(_ATOM)}", _POWER)
        if exponent == sympy.Rational(1, 2):
            return Code(f"np.sqrt({base.text})")
        if exponent == 1:
            return base
        text = str(exponent) if exponent.q == 1 else f"({exponent.p} / {exponent.q})"
        return Code(f"{base.within(_ATOM)}**{text}", _POWER)

    def call(self, f: Function, *values: Code) -> Code:
        """A function as NumPy, the standard library or SciPy has it."""
        text = f.text(*(v.text for v in values))
        if not text:
            raise ProofError("symbolic", f"{f.name} has no counterpart in NumPy or SciPy.")
        if f.imports:
            self.imports.add(f.imports)
        return self._call(text)

    def _call(self, text: str) -> Code:
        self.calls.add(text)
        return Code(text)

    def where(self, condition: Code, a: Code, b: Code) -> Code:
        """``np.where``."""
        return Code(f"np.where({condition.text}, {a.text}, {b.text})")

    def layout(self, x: Code, order: Sequence[int], new: Sequence[int], ndim: int) -> Code:
        """A transposition and new axes."""
        if list(order) != sorted(order):
            if ndim == 2:
                x = Code(f"{x.within(_ATOM)}.T")
            else:
                x = Code(f"np.transpose({x.text}, {tuple(order)})")
        if not new:
            return x
        folds = (".sum(", ".max(", "np.logaddexp.reduce(")
        fold = x.level >= _ATOM and any(f in x.text for f in folds)  # not a factor of a product
        if new == [ndim] and fold and x.text.endswith(f"axis={ndim})"):
            return Code(x.text.removesuffix(")") + ", keepdims=True)")
        entries = iter([":"] * ndim)
        total = ndim + len(new)
        parts = ["None" if n in new else next(entries) for n in range(total)]
        return Code(f"{x.within(_ATOM)}[{', '.join(parts)}]")

    def entry(self, x: Code, places: Sequence[int | None]) -> Code:
        """An index with numbers."""
        parts = [":" if n is None else str(n) for n in places]
        while len(parts) > 1 and parts[-1] == ":":
            parts.pop()
        return Code(f"{x.within(_ATOM)}[{', '.join(parts)}]")

    def total(self, x: Code, axes: tuple[int, ...], ndim: int) -> Code:
        """A sum over axes."""
        axis = "" if len(axes) == ndim else f"axis={axes[0] if len(axes) == 1 else axes}"
        return Code(f"{x.within(_ATOM)}.sum({axis})")

    def einsum(self, subscripts: str, values: Sequence[Code]) -> Code:
        """``np.einsum``."""
        optimize = ", optimize=True" if len(values) > 2 else ""
        text = ", ".join(v.text for v in values)
        return self._call(f'np.einsum("{subscripts}", {text}{optimize})')

    def largest(self, x: Code, axes: tuple[int, ...]) -> Code:
        """``.max``."""
        return Code(f"{x.within(_ATOM)}.max(axis={axes[0] if len(axes) == 1 else axes})")

    def logsumexp(self, x: Code, axes: tuple[int, ...]) -> Code:
        """``np.logaddexp.reduce``."""
        return Code(f"np.logaddexp.reduce({x.text}, axis={axes[0] if len(axes) == 1 else axes})")

    def rows(self, x: Code, labels: Code) -> Code:
        """Fancy indexing."""
        return Code(f"{x.within(_ATOM)}[{labels.text}]")

    def along(self, x: Code, labels: Code, sizes: Sequence[sympy.Expr]) -> Code:
        """``np.take_along_axis``."""
        n = len(sizes)
        index = ", ".join([":"] * n)
        labels_text = f"{labels.within(_ATOM)}[{index}, None]"
        return Code(f"np.take_along_axis({x.text}, {labels_text}, axis={n})[{index}, 0]")

    def count(self, n: sympy.Expr) -> Code:
        """``np.arange``."""
        return Code(f"np.arange({self.size(n).text})")

    def eye(self, n: sympy.Expr) -> Code:
        """``np.eye``."""
        return Code(f"np.eye({self.size(n).text})")

    def stretched(self, x: Code, sizes: Sequence[sympy.Expr]) -> Code:
        """``np.broadcast_to``."""
        shape = ", ".join(self.size(n).text for n in sizes)
        return Code(f"np.broadcast_to({x.text}, ({shape}{',' * (len(sizes) == 1)}))")


def function_text(form: ClosedForm, prefix: str = "gradient_") -> str:
    """A closed form as the source of a function of its arrays.

    Raises
    ------
    ProofError
        If a part of it has no counterpart in NumPy, or a size can be read off no array.
    """
    shelf = Source()
    called: dict[sympy.Symbol, str] = {}
    dims = {
        name
        for shape in form.arrays.values()
        for n in shape
        if isinstance(n, Dim)
        for name in n.names
    }
    taken = {"np", *dims, *_imported()}
    for symbol in (*form.arrays, *(let.symbol for let in form.lets)):
        called[symbol] = name = _variable(symbol.name, taken)
        taken.add(name)
    arrays: dict[sympy.Symbol, tuple[Code, Sequence[Any]]] = {
        s: (Code(called[s]), [None if n == 1 else size(n) for n in shape])
        for s, shape in form.arrays.items()
    }
    arrays |= {s: (Code(repr(value)), ()) for s, value in form.constants.items()}
    arrays |= {
        let.symbol: (Code(called[let.symbol]), [size_of(i) for i in let.indices])
        for let in form.lets
    }
    lowering = Lowering(shelf, arrays)
    body = [
        f"{called[let.symbol]} = {lowering.array(let.value, let.indices).text}" for let in form.lets
    ]
    held = tuple(i for i in form.indices if i is not None)
    result = lowering.array(form.value, held)
    if None in form.indices:
        entries = ", ".join("None" if i is None else ":" for i in form.indices)
        result = Code(f"np.asarray({result.text})[{entries}]")
    head = _sizes(form, called, shelf.sizes)
    body = _once([*body, f"return {result.text}"], shelf.calls, taken)
    name = prefix + _variable(form.name, set())
    arguments = ", ".join(called[s] for s in form.arrays)
    lines = [*sorted(shelf.imports), "import numpy as np", "", "", f"def {name}({arguments}):"]
    return "\n".join([*lines, *(f"    {line}" for line in (*head, *body))]) + "\n"


def _imported() -> set[str]:
    """The names that imports bind."""
    lines = (f.imports for f in FUNCTIONS.values() if f.imports)
    return {line.removeprefix("import ").partition(".")[0] for line in lines}


def _once(lines: list[str], calls: set[str], taken: set[str]) -> list[str]:
    """Statements in which a call that is met twice has a name."""
    lines = list(lines)
    for call in sorted(calls, key=lambda text: (-len(text), text)):
        if sum(line.count(call) for line in lines) < 2:
            continue
        name = next(t for n in itertools.count(1) if (t := f"t{n}") not in taken)
        taken.add(name)
        first = next(n for n, line in enumerate(lines) if call in line)
        lines = [line.replace(call, name) for line in lines]
        lines.insert(first, f"{name} = {call}")
    return lines


def _sizes(form: ClosedForm, called: dict[sympy.Symbol, str], wanted: set[str]) -> list[str]:
    """Statements that read the sizes off the arrays."""
    lines: list[str] = []
    left = set(wanted)
    for symbol, shape in form.arrays.items():
        names = [
            next(iter(n.names))
            if isinstance(n, Dim) and n == Dim.named(*sorted(n.names)[:1])
            else None
            for n in shape
        ]
        here = [n for n in names if n in left]
        if not here:
            continue
        if len(here) == len(names) and len(set(names)) == len(names):
            lines.append(
                f"{', '.join(map(str, names))}{',' * (len(names) == 1)} = {called[symbol]}.shape"
            )
        else:
            lines += [
                f"{n} = {called[symbol]}.shape[{names.index(n)}]" for n in dict.fromkeys(here)
            ]
        left -= set(here)
    if left:
        raise ProofError(
            "symbolic", f"the sizes {', '.join(sorted(left))} can be read off no array."
        )
    return lines


def _variable(name: str, taken: set[str]) -> str:
    """A Python name: 0.weight is weight_0, z' is z_prime."""
    path, _, last = name.rpartition(".")
    text = "_".join(filter(None, (last, path))) if path else last
    text = re.sub(r"\W", "_", text.replace("'", "_prime"))
    text = text if text.isidentifier() else f"v_{text}"
    while text in taken or keyword.iskeyword(text):
        text += "_"
    return text
