"""The library's code on sympy expressions, and equations between what comes out.

For statements that sympy derives, by `solve`, `rsolve` or `limit`, from the library's own update
rules: `OnSymbols` runs the rule, and `equation` decides, by the normal form and by intervals, as
`prove` does. What sympy derived is not trusted here: it is one side of an equation.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import sympy

from ..abstract import Abstract
from ..context import CONTEXT
from ..errors import ProofError
from ..kinds import Random
from ..program import Program, Var
from ..tracing import trace
from . import statements
from .assumed import Fact
from .decide import PROVED, UNDECIDED, Decider, Decision, worst
from .domains import Condition
from .exact import Exact, Symbols, exact_array
from .limits import bounded
from .normal_form import NormalForm, Undefined
from .polynomials import Budget, chosen
from .verdict import LeafVerdict, Verdict
from .walks import replaced, symbols_of
from .zero_test import domain_of, require

__all__ = ["OnSymbols", "Valued", "equation"]

_Point = Mapping[sympy.Symbol, sympy.Rational]

SECONDS = 20.0
TERMS = 200_000
COUNTS = (
    1,
    2,
    3,
)  # values that symbols for whole numbers take where a counterexample is looked for


class OnSymbols:
    """A function of numbers, on sympy expressions: recorded once, then evaluated exactly.

    Parameters
    ----------
    function : callable
        Of scalar tensors, to one or a tuple of them. It may call update rules, layers, `grad`, and
        steps of an optimizer.
    numbers : mapping of str to expression, optional
        What stands for the numbers that an optimizer reads, by hyperparameter ("lr"). The rest, and
        its count of steps, have the values that it gives.
    exact : bool
        Take float constants and captured arrays (slots, buffers, options of layers) at the exact
        values that they have, 0.75 as 3/4; the float `math.pi` is π. Without it they are refused.

    Attributes
    ----------
    function : callable
    rules : dict of str to str
        SHA-256 of the VJP rules of the primitives that were passed.
    asked : dict of (relation, expression)
        What the steps asked of their operands, in all calls; see `domains`.

    Examples
    --------
    >>> import sympy, autograd_core as ag
    >>> from autograd_core.symbolic.equations import OnSymbols
    >>> a, w = sympy.symbols("a w", real=True)
    >>> OnSymbols(lambda a, w: ag.grad(lambda w: a * w * w / 2)(w))(a, w)
    (a*w,)
    """

    known: ClassVar[weakref.WeakSet[OnSymbols]] = weakref.WeakSet()
    """All of them: each remembers what it recorded, which is of the library as it was then."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        numbers: Mapping[str, Any] | None = None,
        exact: bool = False,
    ) -> None:
        self.function = function
        self.numbers = dict(numbers or {})
        self.exact = exact
        self.rules: dict[str, str] = {}
        self.asked: dict[Condition, None] = {}
        self._programs: dict[int, tuple[Program[Any], list[Any]]] = {}
        self.known.add(self)

    @property
    def programs(self) -> list[Program[Any]]:
        """What was recorded so far."""
        return [program for program, _ in self._programs.values()]

    def __call__(self, *arguments: Any, bits: int | None = None) -> tuple[sympy.Expr, ...]:
        """The function's results, in terms of the arguments: expressions or exact numbers.

        Parameters
        ----------
        *arguments : expression or number
        bits : int, in [0, 2**32), optional
            What every random draw gives.
        """
        n = len(arguments)
        if n not in self._programs:
            self._programs[n] = program, _ = self._recorded(n)
            used = {step.primitive for step in program if step.primitive.differentiable}
            self.rules |= {p.name: p.rule_hash() for p in sorted(used, key=lambda p: p.name)}
        program, read = self._programs[n]
        symbols = Symbols()
        evaluator = Valued(symbols, bits) if self.exact else Exact(symbols)
        arrays = [exact_array(sympy.sympify(a, strict=True)) for a in (*arguments, *read)]
        values = program.fold(evaluator, *arrays)
        self.asked |= evaluator.asked
        if symbols.constants:
            constants = ", ".join(map(repr, symbols.constants.values()))
            raise ProofError(
                "symbolic",
                f"{program.name} holds the float constants {constants}; expected whole numbers "
                "and fractions. Pass them as arguments.",
            )
        results = (values[o] if isinstance(o, Var) else o.value for o in program.outputs)
        return tuple(exact_array(r).item() for r in results)

    def _recorded(self, n: int) -> tuple[Program[Any], list[Any]]:
        """The program of n arguments, and what its further inputs are."""
        sources: dict[str, list[Callable[[], float]]] = {}

        def function(*tensors: Any) -> Any:
            result = self.function(*tensors)
            capture = CONTEXT.get().capture
            for t, source, _ in capture.scalars if capture is not None else ():
                sources.setdefault(str(t.name), []).append(source)
            return result

        scalar = Abstract((), np.dtype(np.float64))
        program = trace(function, getattr(self.function, "__name__", None))(*(scalar,) * n)
        further = [str(v.name) for v in program.inputs[n:]]
        read = []
        for name in further:
            option = name.rpartition(".")[2]
            if option in self.numbers:
                read.append(self.numbers[option])
            elif further.count(name) == len(sources[name]):
                at = sum(1 for earlier in further[: len(read)] if earlier == name)
                read.append(_exact(sources[name][at]()))
            else:
                raise ProofError(
                    "symbolic",
                    f"{program.name} reads {name} in {further.count(name)} of "
                    f"{len(sources[name])} steps. Expected all of them, or numbers={{{option!r}: …}}.",
                )
        return program, read


class Valued(Exact):
    """Everything that has a value at that value, exactly; random bits as they are given."""

    def __init__(self, symbols: Symbols, bits: int | None = None) -> None:
        super().__init__(symbols)
        self.bits = bits

    def capture(self, var: Var, tensor: Any) -> Any:
        """A captured array at its values."""
        values = tensor.numpy()
        if values.dtype.kind != "f":
            return values
        return exact_array(np.vectorize(_exact, otypes=[object])(values))

    def literal(self, value: Any) -> Any:
        """A constant as the fraction that its float is."""
        return exact_array(_exact(value)) if isinstance(value, float) else super().literal(value)

    def run(self, p: Any, operands: tuple[Any, ...], params: Any, kinds: Any = ()) -> Any:
        """One primitive; a random one gives ``bits``."""
        if isinstance(p.kind, Random) and self.bits is not None:
            return np.full(params["shape"], self.bits, np.uint32)
        return super().run(p, operands, params, kinds)


def _exact(value: float) -> sympy.Expr:
    """A float as the fraction that it is; `math.pi` as the π that whoever writes it means."""
    if value == math.pi:
        return sympy.pi
    return sympy.Rational(*float(value).as_integer_ratio())


def equation(
    claim: str,
    got: Any,
    expected: Any,
    *,
    scope: str = "",
    given: Sequence[str] = (),
    ran: Iterable[OnSymbols] = (),
    at: Mapping[sympy.Symbol, Any] | None = None,
    seconds: float = SECONDS,
) -> Verdict:
    """Decide whether two expressions are equal, for all real values of their symbols.

    Parameters
    ----------
    claim : str
    got, expected : sympy expression, number, or mapping of str to these
        A mapping gives an equation for each of its names.
    scope : str
        Whatever the symbols do not say themselves. Assumptions (positive, integer) are added.
    given : sequence of str
        What was used to come to the two sides: "a constant gradient g".
    ran : iterable of OnSymbols
        What the sides come from, for the rules in the record and for what its steps ask for.
    at : mapping of Symbol to rational, optional
        Look for a difference with these symbols at these values; nothing is proved then.
    seconds : float
        Budget in all.

    Returns
    -------
    Verdict
        A symbol for a whole number stands for any real where the verdict is PROVED, a stronger
        statement, and has the value in the witness where it is REFUTED.

    Examples
    --------
    >>> import sympy
    >>> from autograd_core.symbolic.equations import equation
    >>> x = sympy.Symbol("x", real=True)
    >>> equation("a square", (x + 1) ** 2, x**2 + 2 * x + 1).status
    'PROVED'
    >>> equation("not a square", (x + 1) ** 2, x**2 + 1).status
    'REFUTED'
    """
    start, ran = time.perf_counter(), list(ran)
    left, right = (_named(side) for side in (got, expected))
    if left.keys() != right.keys():
        raise ProofError("equation", f"the sides have {', '.join(left)} and {', '.join(right)}.")
    budget = Budget(seconds, TERMS)
    decider = Decider(budget, engine=chosen(None))
    leaves: dict[str, LeafVerdict] = {}
    point = {s: sympy.Rational(value) for s, value in (at or {}).items()}
    for name, a in left.items():
        begun = time.perf_counter()
        decision = bounded(
            budget,
            functools.partial(_decided, decider, a, right[name], point),
            functools.partial(Decision, UNDECIDED),
        )
        witness = decision.witness.of(name) if decision.witness is not None else None
        spent = time.perf_counter() - begun
        leaves[name] = LeafVerdict(decision.status, (), 1, decision.reason, witness, spent)
    symbols = symbols_of([*left.values(), *right.values()])
    steps = NormalForm(Budget(max(1.0, budget.left), TERMS))

    def asked() -> str:
        try:
            every = [c for f in ran for c in f.asked]
            require(steps, [c for c in every if set() < symbols_of([c[1]]) <= symbols])
        except Undefined as stop:
            return str(stop)
        return ""

    gap = bounded(steps.budget, asked, str)
    if gap:
        leaves = {
            name: replace(leaf, status=UNDECIDED, reason=gap) for name, leaf in leaves.items()
        }
    return Verdict(
        claim=claim,
        status=worst(leaf.status for leaf in leaves.values()),
        scope="; ".join(filter(None, (_scope(symbols), scope))),
        every=_scope(symbols),
        leaves=leaves,
        excluded=tuple(decider.test.excluded),
        domain=tuple(sorted({*decider.test.domain, *domain_of([steps])})),
        facts=tuple(Fact("given", (text,)) for text in given),
        witness=next((v.witness for v in leaves.values() if v.witness is not None), None),
        rules={name: h for function in ran for name, h in function.rules.items()},
        statement=statements.equation(left, right, at or {}),
        seconds=time.perf_counter() - start,
    )


def _named(side: Any) -> dict[str, sympy.Expr]:
    if not isinstance(side, Mapping):
        side = {"value": side}
    return {name: sympy.sympify(e, strict=True) for name, e in side.items()}


def _decided(decider: Decider, a: sympy.Expr, b: sympy.Expr, at: _Point) -> Decision:
    decision = _decision(decider, a, b, at)
    decider.budget.check()  # it may have been cut short on the way
    return decision


def _decision(decider: Decider, a: sympy.Expr, b: sympy.Expr, at: _Point) -> Decision:
    if at:
        return _refuted(decider, a, b, at) or Decision(
            UNDECIDED, "no difference at the point that was given"
        )
    counts = sorted((s for s in symbols_of([a, b], decider.budget) if s.is_integer), key=str)
    if not counts:
        return decider.equal(a, b)
    # A power with an unknown exponent as a symbol of its own: for every real base. Then with the
    # exponents as real numbers, which knows more of powers, but has positive bases only.
    reals = {s: sympy.Symbol(s.name, real=True, positive=s.is_positive) for s in counts}
    reason = ""
    for sides in ([_powers(e, frozenset(counts)) for e in (a, b)], [a, b]):
        decision = decider.equal(*(replaced(e, reals, budget=decider.budget) for e in sides))
        if decision.status == PROVED:
            return decision
        reason = reason or decision.reason
    # But a point between whole numbers is no counterexample.
    for values in itertools.product(map(sympy.Integer, COUNTS), repeat=len(counts)):
        refuted = _refuted(decider, a, b, dict(zip(counts, values, strict=True)))
        if refuted is not None:
            return refuted
    return Decision(UNDECIDED, f"{reason}; no counterexample at the first whole numbers")


def _refuted(decider: Decider, a: sympy.Expr, b: sympy.Expr, at: _Point) -> Decision | None:
    """A counterexample with some symbols at given values."""
    free = symbols_of([a, b], decider.budget)
    at = {s: n for s, n in at.items() if s in free}
    found = decider.equal(*(e.subs(at, simultaneous=True) for e in (a, b)))
    if found.witness is None:
        return None
    here = {s.name: Fraction(int(n.p), int(n.q)) for s, n in at.items()}
    return replace(found, witness=replace(found.witness, point=here | found.witness.point))


def _powers(e: sympy.Expr, counts: frozenset[sympy.Symbol]) -> sympy.Expr:
    """``base**(k + n)`` as ``[base**k] base**n``, with a symbol in brackets."""

    def split(power: sympy.Expr) -> sympy.Expr:
        base = sympy.expand(power.base)
        whole, rest = power.exp.as_independent(*counts, as_Add=True)
        return sympy.Symbol(f"[{base**rest}]", real=True) * base**whole

    return e.replace(lambda p: p.is_Pow and bool(p.exp.free_symbols & counts), split)


_KINDS = {  # of symbols, by what sympy knows of them: whole, and the sign
    (False, ""): "{} real",
    (False, ">"): "{} > 0",
    (False, "≥"): "{} ≥ 0",
    (True, ""): "{} whole",
    (True, ">"): "{} = 1, 2, …",
    (True, "≥"): "{} = 0, 1, …",
}


def _scope(symbols: Iterable[sympy.Symbol]) -> str:
    groups: dict[tuple[bool, str], list[str]] = {}
    for s in sorted(symbols, key=str):
        sign = ">" if s.is_positive else "≥" if s.is_nonnegative else ""
        groups.setdefault((bool(s.is_integer), sign), []).append(s.name)
    texts = (_KINDS[kind].format(", ".join(names)) for kind, names in sorted(groups.items()))
    return "for every " + ", ".join(texts) if groups else ""
