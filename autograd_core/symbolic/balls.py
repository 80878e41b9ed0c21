"""A program on balls: every value as an interval that certainly contains it (Arb, by python-flint).

What is enclosed is the function of real numbers that the program is read as, with its float constants and
captured arrays at the exact values that they have; not what rounding makes of it. Of a network with thousands
of weights it takes a second: no expression is built.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from ..errors import MissingDependencyError, ProofError
from ..kinds import Random
from ..ops import piecewise, reductions
from ..primitives import Primitive
from ..program import Program, Var
from ..readings import record_of
from ..tensors import Tensor
from .enclosures import precision
from .exact import SYMBOLIC, Exact, Symbols, finite, is_concrete, unsupported
from .functions import FUNCTIONS

try:
    import flint
except ImportError:  # the extra `proof` is not installed
    flint = None  # type: ignore[assignment]

__all__ = ["Balls", "enclosed", "interval"]

BITS = 128


class Balls(Exact):
    """The evaluator to give to `Program.fold` or `Program.evaluate`; its values are arrays of balls.

    Attributes
    ----------
    kinked : bool
        A step, an absolute value, a maximum or a floor was asked of something whose sign is not certain, or is
        0: values are enclosed all the same, but derivatives may not be derivatives there.

    Raises
    ------
    MissingDependencyError
        Without python-flint.
    ProofError
        At a primitive that has no reading, or where an index is not certain.
    """

    def __init__(self) -> None:
        if flint is None:
            raise MissingDependencyError(
                "balls", "certified bounds need python-flint. Install gradproof[proof]."
            )
        super().__init__(Symbols())
        self.kinked = False
        self._shelf = _Shelf(self)

    def capture(self, var: Var, tensor: Tensor) -> Any:
        """The exact values that it has."""
        values = np.asarray(tensor.detach())
        if values.dtype.kind in "biu":
            return values
        finite(var.name or var.letter, values)
        return balls(values)

    def literal(self, value: Any) -> Any:
        """A number, exactly."""
        return balls(np.asarray(value)) if isinstance(value, float) else super().literal(value)

    def run(
        self, p: Primitive, operands: tuple[Any, ...], params: Any, kinds: tuple[str, ...] = ()
    ) -> Any:
        """One primitive on balls."""
        if isinstance(p.kind, Random):
            return np.asarray(p.forward(*operands, **params))
        fold = _FOLDS.get(p.name)
        if fold is not None and not is_concrete(operands[0]):
            return self._folded(fold, balls(operands[0]), params)
        try:
            found = super().run(p, operands, params, kinds)
        except (AttributeError, TypeError) as error:  # a reading that is of expressions alone
            raise unsupported(p, f"no reading on balls ({error})") from error
        return balls(found) if getattr(found, "dtype", None) == SYMBOLIC else found

    def truth(self, found: Any) -> Any:
        """Of counts of booleans, whether they are 0."""
        if getattr(found, "dtype", None) != SYMBOLIC:
            return found
        return balls(_each(self._shelf.step, balls(found)))

    def stopped(self, values: Any) -> Any:
        """What passes `stop_gradient`: itself."""
        return values

    def _elementwise(
        self, p: Primitive, operands: tuple[Any, ...], params: Any, kinds: tuple[str, ...]
    ) -> Any:
        function = self._function(p, params, kinds)
        try:
            return _each(function, *np.broadcast_arrays(*map(balls, operands)))
        except (AttributeError, TypeError) as error:
            raise unsupported(p, str(error)) from error

    def _function(self, p: Primitive, params: Any, kinds: tuple[str, ...]) -> Callable[..., Any]:
        kind: Any = p.kind
        shelf = self._shelf
        to = np.dtype(params["dtype"]).kind if p.converts else ""
        function: Callable[..., Any]
        if to in ("i", "u") and kinds[0] == "f":
            function = shelf.truncated
        elif to == "b":
            return lambda u: 1 - shelf.vanishes(u)
        elif to:
            return lambda u: u
        elif p.name in _PREDICATES:
            function = functools.partial(_PREDICATES[p.name], shelf)
        elif kind.formula is not None:
            function = functools.partial(kind.formula, shelf, **params)
        else:
            raise unsupported(p, "it is elementwise but has neither a formula nor a known name")
        if kinds[0] != "b" and p.name in _OF_TRUTHS:
            return lambda c, *rest: function(1 - shelf.vanishes(c), *rest)
        return function

    def _folded(self, fold: Callable[..., Any], x: Any, params: Any) -> Any:
        axes, keepdims = params["axis"], params["keepdims"]
        kept = [i for i in range(x.ndim) if i not in axes]
        rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[i] for i in kept), -1)
        result = np.empty(rows.shape[:-1], SYMBOLIC)
        for index in np.ndindex(*result.shape):
            result[index] = fold(self, list(rows[index]))
        if keepdims:
            result = result.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))
        return balls(result)


class _Shelf:
    """The functions that a formula may ask for, on balls."""

    def __init__(self, balls: Balls) -> None:
        self._balls = balls

    def __getattr__(self, name: str) -> Callable[..., Any]:
        f = FUNCTIONS.get(name)
        if f is None:
            raise AttributeError(f"s.{name}: there is no such function of balls.")
        if f.interval:
            return lambda x: getattr(ball(x), f.interval)()
        if f.arb is not None:
            return lambda *operands: f.arb(*map(ball, operands))
        raise AttributeError(f"s.{name} has no enclosure.")

    def sign(self, x: Any) -> int | None:
        """1, 0 or -1, or None where it is not certain; a sign that is not certain is a kink."""
        x = ball(x)
        found = 1 if x > 0 else -1 if x < 0 else 0 if x.is_zero() else None
        self._balls.kinked |= not found
        return found

    def step(self, x: Any) -> Any:
        """1 where positive, else 0; between them where that is not certain."""
        sign = self.sign(x)
        return _between(0, 1) if sign is None else ball(int(sign > 0))

    def vanishes(self, x: Any) -> Any:
        """1 where 0."""
        sign = self.sign(x)
        return _between(0, 1) if sign is None else ball(int(sign == 0))

    def absolute(self, x: Any) -> Any:
        """|x|."""
        self.sign(x)
        return abs(ball(x))

    def floor(self, x: Any) -> Any:
        """The whole number below."""
        low, high = (b.floor() for b in (ball(x).lower(), ball(x).upper()))
        if low != high:
            self._balls.kinked = True
            return low.union(high)
        self._balls.kinked |= not (ball(x) - low > 0)
        return low

    def truncated(self, x: Any) -> Any:
        """What stands before the point."""
        return self.floor(x) if ball(x) >= 0 else -self.floor(-ball(x))

    def power(self, x: Any, p: Any) -> Any:
        """x to the power p: a product for whole p, a root for a half, exp(p log x) for all others."""
        x, p = ball(x), ball(p)
        if p.is_exact() and p.is_integer():
            return x ** int(p.unique_fmpz())
        if p.is_exact() and (2 * p).is_integer():
            return x.sqrt() ** int((2 * p).unique_fmpz())
        return (p * x.log()).exp()

    @staticmethod
    def where(condition: Any, u: Any, v: Any) -> Any:
        """u where the condition is 1, v where it is 0; what contains both where that is not certain."""
        condition = ball(condition)
        if condition == 1:
            return ball(u)
        if condition.is_zero():
            return ball(v)
        return ball(u).union(ball(v))


def _largest(on: Balls, values: list[Any]) -> Any:
    best = values[0]
    for value in values[1:]:
        on._shelf.sign(value - best)
        best = best.max(value)
    return best


def _position(on: Balls, values: list[Any]) -> Any:
    best, position = values[0], 0
    for i, value in enumerate(values[1:], 1):
        sign = on._shelf.sign(value - best)
        if sign is None:
            raise ProofError("balls", "which element is the largest is not certain at this point.")
        best, position = (value, i) if sign > 0 else (best, position)
    return ball(position)


_FOLDS: dict[str, Callable[..., Any]] = {
    record_of(reductions.sum).name: lambda on, values: sum(values, ball(0)),
    record_of(reductions.max).name: _largest,
    record_of(reductions.argmax).name: _position,
}
_PREDICATES: dict[str, Callable[..., Any]] = {
    record_of(piecewise.equal).name: lambda s, a, b: s.vanishes(a - b),
    record_of(piecewise.not_equal).name: lambda s, a, b: 1 - s.vanishes(a - b),
    record_of(piecewise.less).name: lambda s, a, b: s.step(b - a),
    record_of(piecewise.less_equal).name: lambda s, a, b: 1 - s.step(a - b),
    record_of(piecewise.greater).name: lambda s, a, b: s.step(a - b),
    record_of(piecewise.greater_equal).name: lambda s, a, b: 1 - s.step(b - a),
    record_of(piecewise.logical_not).name: lambda s, a: 1 - a,
    record_of(piecewise.isfinite).name: lambda s, a: ball(1),
    record_of(piecewise.isinf).name: lambda s, a: ball(0),
    record_of(piecewise.isnan).name: lambda s, a: ball(0),
}
_OF_TRUTHS = (record_of(piecewise.where).name, record_of(piecewise.logical_not).name)


# --- numbers ---------------------------------------------------------------------------------------


def ball(value: Any) -> Any:
    """A number as a ball: exactly, if it is whole or a float; as narrow as it can be, if it is a fraction."""
    if isinstance(value, flint.arb):
        return value
    if isinstance(value, sympy.Rational):
        return flint.arb(flint.fmpq(int(value.p), int(value.q)))
    if isinstance(value, Fraction):
        return flint.arb(flint.fmpq(value.numerator, value.denominator))
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return flint.arb(int(value))
    if isinstance(value, (float, np.floating)):
        return flint.arb(float(value))
    raise ProofError("balls", f"expected numbers; received {value!r:.60}.")


def balls(values: Any) -> Any:
    """An array of balls, of the shape of ``values``."""
    return _each(ball, np.asarray(values))


def interval(low: Any, high: Any) -> Any:
    """Balls that contain all numbers between two arrays, elements apart."""
    return _each(lambda a, b: ball(a).union(ball(b)), np.asarray(low), np.asarray(high))


def _between(low: int, high: int) -> Any:
    return ball(low).union(ball(high))


def _each(function: Callable[..., Any], *arrays: Any) -> Any:
    result = np.empty(arrays[0].shape, SYMBOLIC)
    for index in np.ndindex(*result.shape):
        result[index] = function(
            *(a[index].item() if isinstance(a[index], np.ndarray) else a[index] for a in arrays)
        )
    return result


def enclosed(program: Program[Any], *inputs: Any, bits: int = BITS) -> tuple[list[Any], bool]:
    """The outputs of a program at exact numbers or balls: arrays of balls, and whether a kink was touched.

    Parameters
    ----------
    program : Program
        At a fixed shape.
    *inputs : array of numbers or of balls
        In the order of the program's inputs.
    bits : int
        That the balls carry.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> from autograd_core.symbolic.balls import enclosed
    >>> program = ag.trace(lambda w: ag.sum(ag.exp(w)))(np.ones(2))
    >>> (value,), kinked = enclosed(program, np.array([0.0, 1.0]))
    >>> bool(value.item() > 3.718281), bool(value.item() < 3.718282), kinked
    (True, True, False)
    """
    with precision(bits):
        evaluator = Balls()
        given = [v if np.asarray(v).dtype.kind in "biu" else balls(v) for v in inputs]
        values = program.fold(evaluator, *given)
        found = [
            balls(values[o] if isinstance(o, Var) else np.asarray(o.value)) for o in program.outputs
        ]
    return found, evaluator.kinked
