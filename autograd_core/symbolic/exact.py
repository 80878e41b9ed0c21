"""The EXACT evaluator: a Program at a fixed shape as arrays of sympy expressions.

It works by kind of primitive. An elementwise operation is its scalar formula at each element;
views, gathers and contractions run the primitive's own NumPy forward on arrays of objects, which
is exact because they only move, add and multiply; reductions are folds. A primitive with a
`meaning` is read through it: its float forward is an implementation of that meaning.

What the values stand for:

- float arrays (leaves, parameters, data): a real symbol per element;
- integer and boolean arrays (labels, indices, keys): their values;
- random bits: a symbol per element;
- integers and dyadic rationals written in the program: themselves;
- other float constants (1e-5): one positive symbol per distinct magnitude, so that what is proved
  holds for every positive value.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import sympy

from ..errors import NoReadingError, ProofError
from ..kinds import Elementwise, Gather, Loop, Random
from ..ops import piecewise
from ..primitives import REGISTRY, Primitive
from ..program import Application, Program, Var
from ..readings import Reading, record_of
from ..shapes import Dim
from ..tensors import Tensor
from .assumed import Fact
from .atoms import Floor, Step, Vanishes
from .charts import Charts
from .domains import Condition, noted
from .functions import SCALARS
from .polynomials import Budget
from .walks import replaced, symbols_of

try:
    import flint
except ImportError:  # the extra `proof` is not installed
    flint = None  # type: ignore[assignment]

__all__ = [
    "EXACT",
    "PREDICATES",
    "Exact",
    "Meanings",
    "OnSteps",
    "Symbols",
    "by_declaration",
    "decimal",
    "exact_array",
    "is_concrete",
    "mapped",
    "scalar_function",
]  # fmt: skip

DYADIC = 1024  # denominators of float constants that are read as they stand
SYMBOLIC = object
BALLS = () if flint is None else (flint.arb,)  # what `balls` puts in the place of expressions
_CONDITIONAL = [record_of(f).name for f in (piecewise.where, piecewise.logical_not)]  # of truths


def decimal(value: float) -> sympy.Rational:
    """A float constant as the decimal that was meant: 0.1 is 1/10, 1.2000000000000002 is 6/5.

    That is the decimal of 15 digits if it is within rounding, and the float's own value otherwise.
    """
    exact, found = Fraction(value), Fraction(f"{value:.15g}")
    found = found if abs(found - exact) <= abs(exact) / 2**51 else exact
    return sympy.Rational(found.numerator, found.denominator)


class Symbols:
    """What each symbol stands for, shared by the programs of one proof.

    Attributes
    ----------
    constants : dict of Symbol to float
        Float constants of the program, read as positive symbols.
    recorded : dict of Symbol to Fraction
        Values that captured arrays had when the program was recorded.
    bits : set of Symbol
        Random 32-bit integers.
    concrete : list of str
        Integer and boolean arrays whose values the proof takes as they are.
    tensors : dict of int to (Tensor, values)
        What captured tensors stand for, by identity.
    drawn : dict
        What random draws stand for, by key, counter and shape.
    charts : Charts
        Matrices of inputs that stand for the product of their factors.
    facts : dict of Fact
        What the readings of primitives take as given; in order, each once.
    """

    def __init__(self) -> None:
        self.constants: dict[sympy.Symbol, float] = {}
        self.recorded: dict[sympy.Symbol, Fraction] = {}
        self.bits: set[sympy.Symbol] = set()
        self.concrete: list[str] = []
        self._names: set[str] = set()
        self._by_value: dict[float, sympy.Symbol] = {}
        self.tensors: dict[int, tuple[Tensor, Any]] = {}
        self.drawn: dict[Any, Any] = {}
        self.facts: dict[Fact, None] = {}
        self.charts = Charts(self.array, self.facts)

    def array(self, name: str, shape: tuple[int, ...], **assumptions: bool) -> Any:
        """An array of fresh real symbols ``name[i,j]``; a name that is taken gets a prime."""
        if any(isinstance(n, Dim) for n in shape):
            raise ProofError(
                "symbolic",
                f"{name} has the shape {shape}. Expected sizes that are numbers; the EXACT "
                "evaluator works at a fixed shape. Trace at arrays of a small shape.",
            )
        name = self.named(name)
        symbols = np.empty(shape, SYMBOLIC)
        for index in np.ndindex(*shape):
            label = name + (f"[{','.join(map(str, index))}]" if index else "")
            symbols[index] = sympy.Symbol(label, real=True, **assumptions)
        return symbols

    def unused(self, name: str) -> str:
        """The name, with primes if it is taken."""
        while name in self._names:
            name += "'"
        return name

    def named(self, name: str) -> str:
        """The name, with primes if it is taken, which takes it."""
        name = self.unused(name)
        self._names.add(name)
        return name

    def captured(self, var: Var, tensor: Tensor) -> Any:
        """The symbols or, for integers and booleans, the values of a captured tensor."""
        if id(tensor) in self.tensors:
            return self.tensors[id(tensor)][1]
        label = var.name or var.letter
        values = np.asarray(tensor.detach())
        if values.dtype.kind in "biu":
            symbols: Any = values
            if tensor.ndim or tensor.name:
                self.concrete.append(f"{label} {values.shape}")
        else:
            finite(label, values)
            if is_number(tensor):
                return exact_array(np.full(values.shape, self.constant(values.item()), SYMBOLIC))
            symbols = self.array(label, values.shape)
            for index in np.ndindex(*values.shape):
                self.recorded[symbols[index]] = Fraction(float(values[index]))
        self.tensors[id(tensor)] = (tensor, symbols)
        return symbols

    def constant(self, value: float) -> sympy.Expr:
        """A float constant, exact where it is a small dyadic rational."""
        if not math.isfinite(value):
            raise ProofError(
                "symbolic", f"the constant {value} of the program is not a real number."
            )
        fraction = Fraction(value)
        if fraction.denominator <= DYADIC:
            return sympy.Rational(fraction.numerator, fraction.denominator)
        magnitude = abs(value)
        if magnitude not in self._by_value:
            name = self.named(f"c{len(self.constants) + 1}")
            symbol = sympy.Symbol(name, real=True, positive=True)
            self._by_value[magnitude] = symbol
            self.constants[symbol] = magnitude
        return self._by_value[magnitude] if value > 0 else -self._by_value[magnitude]

    def random(self, key: Any, counter: Any, shape: tuple[int, ...]) -> Any:
        """Symbols for random bits: the same for the same key, counter and shape."""
        if key.dtype == SYMBOLIC or counter.dtype == SYMBOLIC:
            raise ProofError(
                "symbolic",
                "random_bits was given a key or counter without a value. Expected integer "
                "arrays; close over them rather than passing them to the traced function.",
            )
        drawn = (key.tobytes(), counter.tobytes(), shape)
        if drawn not in self.drawn:
            bits = self.array(f"bits{len(self.drawn) + 1}", shape, nonnegative=True)
            self.drawn[drawn] = bits
            self.bits.update(bits.flat)
        return self.drawn[drawn]


def finite(label: str, values: Any) -> None:
    """Refuse a captured array that holds infinities or nan.

    Raises
    ------
    ProofError
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ProofError(
            "symbolic",
            f"the captured array {label} of shape {values.shape} holds infinities or "
            "nan. Expected finite numbers: symbols stand for reals. Write masks with ag.where.",
        )


def is_number(tensor: Tensor) -> bool:
    """Whether a captured float is a number of the program: one element, no name and no gradient."""
    return not (tensor.size != 1 or tensor.name or tensor.role or tensor.requires_grad)


def exact_array(values: Any) -> Any:
    """Values as an array of sympy expressions; concrete integers become exact numbers.

    Raises
    ------
    ProofError
        If a float among them is not an integer or a small dyadic rational.
    """
    array = np.asarray(values)
    result = np.empty(array.shape, SYMBOLIC)
    for index in np.ndindex(*array.shape):
        result[index] = _exact(array[index])
    return result


def _exact(value: Any) -> sympy.Expr:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()  # an assignment puts 0-d arrays of objects in as they are
    if isinstance(value, sympy.Basic) or type(value) in BALLS:
        return value
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return sympy.Integer(int(value))
    fraction = Fraction(float(value))
    if fraction.denominator > DYADIC:
        raise ProofError(
            "symbolic", f"the number {value} came up in a primitive; expected exact numbers."
        )
    return sympy.Rational(fraction.numerator, fraction.denominator)


class OnSteps:
    """What the evaluators on symbols share: symbols, a budget, and the step at which one fails.

    Parameters
    ----------
    symbols : Symbols
        Shared by the programs of one proof.
    hold : bool
        Put fresh symbols for what passes `stop_gradient`, so that a derivative treats it as a
        constant; `released` puts the values back.
    budget : Budget, optional
        Checked at every step.

    Attributes
    ----------
    asked : dict of (relation, expression)
        What the steps ask of their operands, in order, each once; see `domains`.
    """

    def __init__(self, symbols: Any, hold: bool = False, budget: Budget | None = None) -> None:
        self.symbols = symbols
        self.hold = hold
        self.budget = budget
        self.asked: dict[Condition, None] = {}
        self._held: dict[sympy.Symbol, Any] = {}
        self._meanings = Meanings(self)

    def capture(self, var: Var, tensor: Tensor) -> Any:
        """What a captured tensor stands for."""
        return self.symbols.captured(var, tensor)

    def ask(self, conditions: Iterable[Condition]) -> None:
        """Note what a step asks for."""
        self.asked |= dict.fromkeys(conditions)

    def apply(self, application: Application, operands: tuple[Any, ...]) -> Any:
        """The value of one step."""
        if self.budget is not None:
            self.budget.check()
        try:
            result = self.run(
                application.primitive,
                operands,
                application.params,
                tuple(dtype_kind(o) for o in application.operands),
            )
            return self.truth(result) if application.result.dtype.kind == "b" else result
        except ProofError as error:
            scope = "/".join(application.scope)
            where = f" In {scope}." if scope else ""
            raise error.ending(where) from error.__cause__

    def run(
        self, p: Primitive, operands: tuple[Any, ...], params: Any, kinds: tuple[str, ...] = ()
    ) -> Any:
        """One primitive; ``kinds`` are NumPy's letters for the operands' dtypes."""
        raise NotImplementedError

    def truth(self, found: Any) -> Any:
        """A value of booleans: what arithmetic of 0 and 1 gives, as NumPy has it, 0 or 1 again."""
        raise NotImplementedError


# rule(evaluator, primitive, operands, params) to the result
Read: TypeAlias = Callable[["Exact", Primitive, tuple[Any, ...], Any], Any]
# A function of scalars, for predicates, whose meaning is their name.
PREDICATES: Reading[Callable[..., sympy.Expr]] = Reading("predicates on symbols", optional=True)


def by_declaration(p: Primitive) -> str:
    """What of its declaration a primitive is read by, without a rule of a reading."""
    if p.meaning is not None:
        return "meaning"
    if not isinstance(p.kind, Elementwise):
        return ""
    known = p.kind.formula is not None or p.converts or PREDICATES.of(p) is not None
    return "formula" if known else ""


EXACT: Reading[Read] = Reading("fixed shapes", declared=by_declaration)


class Exact(OnSteps):
    """The evaluator to give to `Program.fold` or `Program.evaluate`; parameters of `OnSteps`.

    Raises
    ------
    ProofError
        At a primitive that has no exact reading; names it.
    """

    @staticmethod
    def value(values: Any) -> Any:
        """Values as an array of expressions; integers, which may be indices, as they are."""
        if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
            return values
        return exact_array(values)

    def literal(self, value: Any) -> Any:
        """An exact number, or a positive symbol for a float constant."""
        if isinstance(value, Dim):
            raise ProofError(
                "symbolic",
                f"the size {value} is not a number. Expected a program at a fixed shape.",
            )
        if isinstance(value, float):
            return exact_array(self.symbols.constant(value))
        return value

    def run(
        self, p: Primitive, operands: tuple[Any, ...], params: Any, kinds: tuple[str, ...] = ()
    ) -> Any:
        """One primitive on exact values; ``kinds`` are NumPy's letters for the operands' dtypes."""
        if p.meaning is not None:
            if isinstance(p.kind, Gather):  # indices stay integers
                values = (exact_array(operands[0]), *operands[1:])
            else:
                values = tuple(map(exact_array, operands))
            return exact_array(self._meanings.of(p, values, params))
        concrete = all(is_concrete(o) for o in operands)
        if concrete and operands and not isinstance(p.kind, (Loop, Random)):
            result = np.asarray(p.forward(*operands, **params))
            if result.dtype.kind in "biu":
                return result
        if isinstance(p.kind, Elementwise):
            return self._elementwise(p, operands, params, kinds or ("f",) * len(operands))
        read = EXACT.of(p)
        if read is None:
            raise unsupported(p, EXACT.reason(p) or "no reading is known for its kind")
        return read(self, p, operands, params)

    def on_objects(self, p: Primitive, operands: tuple[Any, ...], params: Any) -> Any:
        """The primitive's own forward on expressions: exact where it only moves, adds and multiplies."""
        try:
            return exact_array(p.forward(*map(exact_array, operands), **params))
        except (TypeError, AttributeError) as error:
            raise unsupported(p, f"its forward does not run on objects ({error})") from error

    def truth(self, found: Any) -> Any:
        """Of counts of booleans, whether they are 0."""
        return mapped(truth, found) if getattr(found, "dtype", None) == SYMBOLIC else found

    def released(self, expression: sympy.Expr) -> sympy.Expr:
        """An expression with the held symbols replaced by what they stand for."""
        if not self._held:
            return expression
        while found := symbols_of([expression], self.budget) & self._held.keys():
            into = {s: self._held[s] for s in found}
            expression = replaced(expression, into, budget=self.budget)
        return expression

    def stopped(self, values: Any) -> Any:
        """Fresh symbols for values that are held constant."""
        result = np.empty(values.shape, SYMBOLIC)
        for index in np.ndindex(*values.shape):
            held = sympy.Dummy("held", real=True)
            self._held[held] = values[index]
            result[index] = held
        return result

    def _elementwise(
        self, p: Primitive, operands: tuple[Any, ...], params: Any, kinds: tuple[str, ...]
    ) -> Any:
        try:
            function = scalar_function(p, params, kinds, self.ask)
            return mapped(function, *np.broadcast_arrays(*map(exact_array, operands)))
        except (AttributeError, TypeError) as error:
            raise unsupported(p, str(error)) from error


class Meanings:
    """The shelf that a primitive's `meaning` runs on: primitives by name, on an evaluator's values.

    Parameters
    ----------
    evaluator : Exact or Indexed
        Has ``run`` for a primitive, and ``value`` for what its operands are made of.
    """

    def __init__(self, evaluator: Any) -> None:
        self._evaluator = evaluator

    def of(self, p: Primitive, operands: Iterable[Any], params: Any) -> Any:
        """The meaning of a primitive: operators in it are primitives, too."""
        meaning: Any = p.meaning
        return _bare(meaning(self, *(_Meant(self, o) for o in operands), **params))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in REGISTRY:
            raise ProofError(
                "symbolic", f"a meaning asks for xp.{name}; expected the name of a primitive."
            )
        p = REGISTRY[name]

        def run(*operands: Any, **params: Any) -> Any:
            arrays = tuple(self._evaluator.value(_bare(o)) for o in operands)
            if p.prepare is not None:
                params = p.prepare(arrays, params)
            result = self._evaluator.run(p, arrays, params)
            if isinstance(result, tuple):
                return tuple(_Meant(self, f) for f in result)
            return _Meant(self, result)

        return run


class _Meant:
    """A value in a meaning, with operators that are primitives of its shelf."""

    __slots__ = ("_shelf", "bare")

    def __init__(self, shelf: Meanings, bare: Any) -> None:
        self._shelf = shelf
        self.bare = bare

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.bare, name)  # shape, ndim, T
        return _Meant(self._shelf, found) if isinstance(found, np.ndarray) else found

    def __getitem__(self, index: Any) -> _Meant:
        return _Meant(self._shelf, self.bare[index])

    def __neg__(self) -> Any:
        return self._shelf.negative(self)


def _bare(value: Any) -> Any:
    return value.bare if isinstance(value, _Meant) else value


def _operator(name: str, turned: bool = False) -> Callable[..., Any]:
    def run(self: _Meant, *others: Any) -> Any:
        return getattr(self._shelf, name)(*(*others, self) if turned else (self, *others))

    return run


for _sign, _name in (
    ("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("truediv", "divide"), ("pow", "power"),
    ("matmul", "matmul"),
):  # fmt: skip
    setattr(_Meant, f"__{_sign}__", _operator(_name))
    setattr(_Meant, f"__r{_sign}__", _operator(_name, turned=True))


def mapped(function: Callable[..., sympy.Expr], *arrays: Any) -> Any:
    """A scalar function at each element, always as an array (NumPy gives 0-d results bare)."""
    result = np.empty(arrays[0].shape, SYMBOLIC)
    for index in np.ndindex(*result.shape):
        result[index] = _exact(function(*(a[index] for a in arrays)))
    return result


def is_concrete(value: Any) -> bool:
    """Whether a value is numbers, not expressions."""
    return isinstance(value, (bool, int)) or (
        isinstance(value, np.ndarray) and value.dtype != SYMBOLIC
    )


def dtype_kind(operand: Any) -> str:
    """NumPy's letter for the dtype of a Var or Literal."""
    return (
        str(operand.dtype.kind)
        if isinstance(operand, Var)
        else np.asarray(operand.value).dtype.kind
    )


def scalar_function(
    p: Primitive,
    params: Any,
    kinds: tuple[str, ...],
    into: Callable[[Iterable[Condition]], Any] | None = None,
) -> Callable[..., Any]:
    """What an elementwise primitive does to expressions.

    Parameters
    ----------
    p, params
    kinds : tuple of str
        NumPy's letters for the operands' dtypes.
    into : callable, optional
        Gets what it asks of its operands, at each call.

    Raises
    ------
    ProofError
        If it has neither a formula nor a known name.
    """
    kind: Any = p.kind
    to = np.dtype(params["dtype"]).kind if p.converts else ""
    function: Callable[..., Any]
    if to == "u" and kinds[0] == "f":  # below 0 it is not defined
        raise unsupported(p, f"truncation to {params['dtype']} has no formula")
    if to == "i" and kinds[0] == "f":
        function = before_the_point
    elif to:
        function = _same
    elif (predicate := PREDICATES.of(p)) is not None:
        function = predicate
    elif kind.formula is not None:
        formula = functools.partial(kind.formula, **params)
        asking = None if into is None else noted(formula, len(kinds), into)
        function = functools.partial(formula, SCALARS) if asking is None else asking
    else:
        raise unsupported(p, "it is elementwise but has neither a formula nor a known name")
    if kinds[0] != "b" and (p.name in _CONDITIONAL or to == "b"):
        # A number is true where it is not 0.
        return lambda c, *rest: function(1 - Vanishes(c), *rest)
    return function


def _same(u: Any) -> Any:
    return u


def before_the_point(u: Any) -> Any:
    """What stands before the point: of what is whole, such as a floor, itself."""
    if u.is_integer or isinstance(u, Floor):
        return u
    return Step(u) * SCALARS.floor(u) - Step(-u) * SCALARS.floor(-u)


def truth(e: sympy.Expr) -> sympy.Expr:
    """1 where a count of booleans is not 0.

    NumPy's arithmetic of booleans is arithmetic of 0 and 1 and then this: + is or, a matrix product
    is an or of ands.
    """
    return e if _is_truth(e) else Step(e)


def _is_truth(e: sympy.Expr) -> bool:
    """Whether an expression is 0 or 1 by its form."""
    if e.is_Mul:
        return all(map(_is_truth, e.args))
    if e.is_Add and len(e.args) == 2 and e.args[0] == 1:  # 1 - h
        return _is_truth(-e.args[1])
    return e in (0, 1) or isinstance(e, (Step, Vanishes, sympy.KroneckerDelta))


def unsupported(p: Primitive, reason: str) -> NoReadingError:
    """The error for a primitive without a reading."""
    return NoReadingError.saying(
        p.name,
        type(p.kind).__name__,
        "exact reading",
        reason,
        "Expected elementwise formulas, views, gathers at integer arrays, contractions, sums, maxima, "
        "running sums, random bits, and primitives with a meaning. Prove the part without it, or give "
        "it a meaning in terms of these.",
    )


def inputs_of(program: Program[Any], symbols: Symbols) -> dict[str, Any]:
    """Arrays of symbols for a program's inputs, in order, by names that are unique.

    Raises
    ------
    ProofError
        If an input is of integers, which have no symbols.
    """
    arrays: dict[str, Any] = {}
    for var in program.inputs:
        if var.dtype.kind != "f":
            raise ProofError(
                "symbolic",
                f"the input {var!r} of {program.name} is not of floats. Expected integer and "
                "boolean arrays to be closed over, so that their values are known.",
            )
        name = symbols.unused(var.name or var.letter)
        signs = {"positive": True} if var.role == "positive" else {}
        arrays[name] = symbols.array(name, tuple(var.shape), **signs)
    return arrays
