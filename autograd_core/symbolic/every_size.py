"""Proofs at every size at once: one statement for all entries, by the INDEXED evaluator.

Programs become expressions in indices (`indexed`), the forward's derivative is sympy's, and the zero test
compares both sides of each equation. Nothing is refuted here: `methods` hands on what is left open.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Concatenate, ParamSpec

import numpy as np
import sympy

from ..errors import AutogradError
from ..program import Program, Var
from ..shapes import Dim, count
from .assumed import Fact
from .at_hand import settled
from .atoms import Vanishes
from .decide import NOWHERE, PROVED, UNDECIDED
from .domains import Condition
from .facts import Facts
from .indexed import (
    POSITIVE,
    Indexed,
    IndexedArray,
    IndexedSymbols,
    Split,
    copied,
    inputs_of,
    known_sums,
    size,
)
from .normal_form import NormalForm, Undefined, Unsupported
from .places import label_of, readable
from .polynomials import Budget, Exhausted, chosen
from .sizes import bounds_of, fitting
from .sums import IndexedForm
from .verdict import LeafVerdict, Part
from .walks import derivative
from .zero_test import Outcome, ZeroTest, kinks_of

__all__ = ["SIZES", "demoted", "equations", "gradients", "sampled", "sizes_of"]

# What named sizes are, one after the other, where points are looked for; the last admit x[2], x[4].
SIZES = (2, 3, 5)
_RANGES = ((0.5, 1.5), (0.01, 0.3), (-0.9, 0.9), (-2.0, 2.0), (1.5, 3.0), (-1.5, -0.5))


def sizes_of(program: Program[Any]) -> list[str]:
    """The named sizes of a program's values, in order."""
    results = (step.result for step in program)
    variables = (*program.inputs, *(v for v, _ in program.captures), *results)
    dims = (n for v in variables for n in v.shape if isinstance(n, Dim))
    return list(dict.fromkeys(name for n in dims for name in sorted(n.names)))


_P = ParamSpec("_P")


def _split(decided: Callable[Concatenate[IndexedSymbols, _P], Part]) -> Callable[_P, Part]:
    """Give symbols whose axes are split as the programs split them, which is found by reading them."""

    @functools.wraps(decided)
    def again(*args: _P.args, **kwargs: _P.kwargs) -> Part:
        factors: dict[sympy.Expr, tuple[sympy.Expr, ...]] = {}
        while True:
            try:
                return decided(IndexedSymbols(factors), *args, **kwargs)
            except Split as split:
                if split.size in factors:
                    raise RuntimeError(f"symbolic: {split.size} is split twice") from split
                factors[split.size] = split.factors

    return again


@_split
def gradients(
    symbols: IndexedSymbols,
    program: Program[Any],
    combined: Program[Any],
    numbers: Sequence[int],
    budget: Budget,
    engine: str | None,
    facts: Facts = (),
) -> Part:
    """Compare each gradient with sympy's derivative of the forward; see `fixed_shape.gradients`.

    Raises
    ------
    ProofError
        If the program passes a primitive that has no reading at symbolic sizes.
    """
    symbols.bounds += map(size, bounds_of((program, combined)))
    named = inputs_of(program, symbols)
    names, inputs = list(named), list(named.values())
    # The forward is read twice. In `held`, what `stop_gradient` stops is an array without a formula, so
    # that sympy's derivative takes it as constant, as the engine's does; `released` puts the formulas back.
    held, walk = Indexed(symbols, hold=True, budget=budget), Indexed(symbols, budget=budget)
    forward = _outputs(program, held, inputs)[0].body
    value, *derived = _outputs(combined, walk, inputs)
    released = held.released(forward)
    asked = [(r, held.released(e)) for r, e in held.asked]
    statement = _Equations(symbols, budget, engine, released, asked, list(walk.asked), facts, named)
    equal: list[tuple[str, Any, Callable[[], tuple[sympy.Expr, sympy.Expr]]]] = []
    if value.body != released:
        equal.append(("(value)", (), lambda: (value.body, released)))
    for n, gradient in zip(numbers, derived, strict=True):

        def sides(n: int = n, gradient: IndexedArray = gradient) -> tuple[sympy.Expr, sympy.Expr]:
            at = copied(inputs[n].indices)
            slope = derivative(forward, inputs[n].at(at), budget=budget)
            return gradient.at(at), held.released(slope)

        equal.append((names[n], inputs[n].shape, sides))
    part = statement.settled(equal, (program, combined), [held.released(e) for e in held.ties])
    if (
        any(leaf.status == PROVED for leaf in part.leaves.values())
        and not (sampled(combined, facts, names)[0])
    ):
        demoted(part, NOWHERE)
    # By its value, or by its slope: y - stop(y) is 0 at every y, and its slope is 1.
    free = {label_of(e) for f in (released, forward) for e in f.atoms(sympy.Indexed)}
    free |= released.free_symbols | forward.free_symbols
    part.facts += [
        Fact("independent", (names[n],)) for n in numbers if label_of(inputs[n].body) not in free
    ]
    return part


@_split
def equations(
    symbols: IndexedSymbols,
    left: Program[Any],
    right: Program[Any],
    names: Sequence[str],
    budget: Budget,
    engine: str | None,
    facts: Facts = (),
) -> Part:
    """Compare the outputs of two programs of the same inputs, each entry at once.

    Raises
    ------
    ProofError
        If a program passes a primitive that has no reading at symbolic sizes.
    """
    symbols.bounds += map(size, bounds_of((left, right)))
    named = inputs_of(left, symbols)
    inputs = list(named.values())
    evaluator = Indexed(symbols, budget=budget)
    sides = [_outputs(p, evaluator, inputs) for p in (left, right)]
    statement = _Equations(symbols, budget, engine, None, list(evaluator.asked), (), facts, named)
    equal = []
    for name, a, b in zip(names, *sides, strict=True):
        at = copied(a.indices)
        equal.append((name, a.shape, lambda a=a, b=b, at=at: (a.at(at), b.at(at))))
    part = statement.settled(equal, (left, right))
    if any(leaf.status == PROVED for leaf in part.leaves.values()) and not (
        sampled(left, facts, list(named))[0] and sampled(right, facts, list(named))[0]
    ):
        demoted(part, NOWHERE)
    return part


class _Equations:
    """The equations of one statement: both sides of each, decided by the zero test and by nothing else.

    A point at which all is defined is looked for by `sampled`, one that refutes at a fixed shape (`methods`).
    """

    def __init__(
        self,
        symbols: IndexedSymbols,
        budget: Budget,
        engine: str | None,
        forward: sympy.Expr | None,
        asked: Sequence[Condition],
        further: Sequence[Condition],
        facts: Facts,
        named: Mapping[str, IndexedArray],
    ) -> None:
        self.symbols = symbols
        self.budget = budget
        self.engine = chosen(engine)
        self.forward = forward
        self.asked = asked
        self.further = further
        self.facts = facts
        self.named = named
        self.known = known_sums(facts, named)

    def settled(
        self,
        equal: Sequence[tuple[str, Any, Any]],
        programs: Sequence[Program[Any]],
        ties: Sequence[sympy.Expr] = (),
    ) -> Part:
        """The verdict on each equation, with the arrays that they close over as they are (`at_hand`)."""

        def decide(steady: Set[sympy.Symbol]) -> tuple[Part, ZeroTest[IndexedForm]]:
            test = self._test(steady)
            return self._decided(test, equal, ties), test

        return settled(decide, self.symbols, programs, self.named, self.facts)

    def _test(self, steady: Set[sympy.Symbol]) -> ZeroTest[IndexedForm]:
        symbols = self.symbols
        still = symbols.bits | symbols.truths | symbols.constants.keys() | steady

        def form(by_exp: bool) -> IndexedForm:
            return IndexedForm(
                self.budget, self.engine, still, by_exp, self.known, symbols.ranges, symbols.bounds
            )

        return ZeroTest(
            self.budget, form, symbols.constants, self.forward, self.asked, self.further, readable
        )

    def _decided(
        self,
        test: ZeroTest[IndexedForm],
        equal: Sequence[tuple[str, Any, Any]],
        ties: Sequence[sympy.Expr] = (),
    ) -> Part:
        """The verdict on each equation: name, shape, and a function that gives both sides.

        Where one of ``ties`` is 0 on no open set, nothing was decided.
        """
        part = Part()
        for name, shape, sides in equal:
            start = time.perf_counter()
            outcome = self._outcome(test, sides)
            part.decimal |= bool(outcome.reading)
            seconds = time.perf_counter() - start
            entries = count(shape)
            part.leaves[name] = LeafVerdict(
                PROVED if outcome.proved else UNDECIDED,
                shape,
                0 if isinstance(entries, Dim) else entries,
                outcome.reason,
                seconds=seconds,
                method="INDEXED",
            )
        forms = test.forms
        for form in forms[:1]:
            self._leave_out(form, ties)
        part.excluded, part.domain = test.excluded, test.domain
        part.facts += self._alone(test, part.excluded, ties)
        part.constants = {s.name: value for s, value in self.symbols.constants.items()}
        used = set().union(*(form.used for form in forms))
        part.facts += [
            Fact("given", (str(fact),))
            for (_, fact), key in zip(self.facts, self.known, strict=True)
            if key in used
        ]
        if self.symbols.labels:
            listed = ", ".join(dict.fromkeys(self.symbols.labels))
            part.facts.append(Fact("labels", (listed,)))
        if self.symbols.bits:
            names = ", ".join(sorted(s.name for s in self.symbols.bits))
            part.facts.append(Fact("bits", (names,)))
        if part.decimal:
            part.facts.append(Fact("decimals"))
        return part

    def _outcome(self, test: ZeroTest[IndexedForm], sides: Any) -> Outcome:
        try:
            self.budget.check()
            outcome = test.equal(*sides())
            self.budget.check()  # it may have been cut short on the way
        except (Exhausted, RecursionError) as stop:
            reason = str(stop) or "the expression is nested too deeply for sympy"
            return Outcome(False, reason)
        if outcome.proved or outcome.reason:
            return outcome
        reason = "the normal forms at symbolic sizes differ"
        if test.first.edges:
            e = min((str(readable(e)) for e in test.first.edges), key=len)
            reason += f"; {e} may be zero on an open set, where that could not be looked into"
        return Outcome(False, reason)

    def _leave_out(self, form: NormalForm, ties: Sequence[sympy.Expr]) -> None:
        """Have a normal form record where these are zero."""
        for e in dict.fromkeys(ties):
            try:
                form.form(Vanishes(e))
            except (Undefined, Unsupported, Exhausted):
                form.edges.add(e)

    def _alone(
        self, test: ZeroTest[IndexedForm], excluded: Sequence[str], ties: Sequence[sympy.Expr]
    ) -> list[Fact]:
        """Kinks that the gradient has and the function has not: there, nothing was decided."""
        if not excluded or self.forward is None:
            return []
        own = test.form(False)
        try:
            own.form(self.forward)
        except (Undefined, Unsupported, Exhausted):
            return []
        self._leave_out(own, ties)
        alone = sorted(set(excluded) - set(kinks_of([own], readable)))
        return [Fact("kinks of the gradient", (", ".join(alone),))] if alone else []


def _outputs(
    program: Program[Any], evaluator: Indexed, inputs: Sequence[IndexedArray]
) -> list[IndexedArray]:
    values = program.fold(evaluator, *inputs)
    return [
        evaluator.value(values[o] if isinstance(o, Var) else evaluator.literal(o.value))
        for o in program.outputs
    ]


def sampled(
    program: Program[Any], facts: Facts = (), called: Sequence[str] = ()
) -> tuple[bool, str]:
    """Whether a point is found at which a program's outputs are finite, and where the first alone is.

    Facts hold at the points; ``called`` are the inputs' names in the facts.

    The program is run. A rule that is nan on an open set where the loss is smooth cannot be told by
    its expression when sympy has cancelled what is not defined: log(x) - log(x).
    """
    random = np.random.default_rng(0)
    names = sizes_of(program)
    defined, gap = False, ""
    bounds = bounds_of([program])
    for wanted in SIZES if names else SIZES[:1]:
        small = program.at(fitting(dict.fromkeys(names, wanted), bounds))
        for n, (low, high) in enumerate(_RANGES):
            values: list[Any] = []
            for i, v in enumerate(small.inputs):
                value: Any = random.uniform(low, high, tuple(int(n) for n in v.shape))
                if v.dtype.kind in "biu":
                    value = np.full(value.shape, n % 2)  # a label in range
                elif v.role == POSITIVE:
                    value = np.abs(value)
                for fact in (f for name, f in facts if name == called[i]):
                    missing = fact.value - value.sum(axis=fact.axis, keepdims=True)
                    value = value + missing / value.shape[fact.axis]
                values.append(float(value) if v.weak else np.asarray(value, v.dtype))
            try:
                with np.errstate(all="ignore"):
                    results = small.values(*values)
            except (AutogradError, ArithmeticError, IndexError, np.linalg.LinAlgError):
                continue
            outputs = [results[o] if isinstance(o, Var) else o.value for o in small.outputs]
            finite = [bool(np.isfinite(o).all()) for o in outputs]
            defined |= all(finite)
            if finite[0] and not all(finite):
                gap = f"with numbers from {low} to {high} the loss is finite and a gradient is not"
        if defined:
            break
    return defined, gap


def demoted(part: Part, reason: str) -> None:
    """Leave open what was proved of something that may not be there."""
    for name, leaf in part.leaves.items():
        if leaf.status == PROVED:
            part.leaves[name] = LeafVerdict(
                UNDECIDED, leaf.shape, 0, reason, seconds=leaf.seconds, method=leaf.method
            )
