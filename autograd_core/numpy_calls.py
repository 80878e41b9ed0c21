"""A Program as NumPy's calls: a flat list of them over one list of values, in which each value has its place.

``lambda a: tanh(2 * a) + 1`` becomes::

    places   0: a    1: 2    2: b    3: c    4: 1    5: d
    calls    b = multiply(2, a)      c = tanh(b)      d = add(c, 1)

and with memory in which b, c and d may all stand, so that nothing is allocated when it runs::

    calls    b = multiply(2, a, b)   b = tanh(b, b)   b = add(b, 1, b)

since the last operand of a ufunc may be where it writes. Whoever runs it fills in the places of the inputs,
and reads those of the outputs: once (`replay`), or again and again (the loop of `scan`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter, methodcaller
from typing import Any

import numpy as np

from .aliases import Array
from .ops import contractions, linalg, piecewise, reductions, views
from .program import Application, Literal, Program, Var
from .readings import Reading

__all__ = ["FAST", "CallList", "take"]

# A function, the places of its operands, and that of its result. Of two operands the third place is None; of
# one the second is; of none, or more than three, the first is, and all places are in the third.
Call = tuple[Callable[..., Any], Any, Any, Any, int]


class CallList:
    """The steps of a Program as calls over one list of values.

    Parameters
    ----------
    program : Program
    fixed : collection of Var, optional
        Inputs that stay the same from one run of the calls to the next. What depends on these and on literals
        alone is told apart, to be computed once.
    memory : mapping of Var to Var, optional
        For results of elementwise ufuncs the value in whose place they are written: an input, an earlier
        result, or the result itself. An array has to stand there when the calls are run.

    Attributes
    ----------
    values : list
        What a run begins with: literals, and None. The first places are those of the inputs.
    places : dict of Var to int
    once : list of Call
        What depends on literals and ``fixed`` inputs alone; empty without ``fixed``.
    steps : list of Call
        The others.
    """

    def __init__(
        self,
        program: Program[Any],
        fixed: Collection[Var] | None = None,
        memory: Mapping[Var, Var] | None = None,
    ) -> None:
        self.values: list[Any] = []
        self.places: dict[Var, int] = {}
        self.once: list[Call] = []
        self.steps: list[Call] = []
        for var in (*program.inputs, *(v for v, _ in program.captures)):
            self.places[var] = self._new()
        same = set(fixed or ())
        for step in program.applications:
            function, result = _function(step), step.result
            operands = [self.place(o) for o in step.operands]
            owner = None if memory is None else memory.get(result)
            if owner is None or owner not in self.places:
                self.places[result] = self._new()
            else:
                self.places[result] = self.places[owner]
            if owner is not None:
                function = _writing(step.primitive.ufunc)
                operands.append(self.places[result])
            calls = self.steps
            if fixed is not None and all(
                isinstance(o, Literal) or o in same for o in step.operands
            ):
                same.add(result)
                calls = self.once
            calls.append(_call(function, operands, self.places[result]))

    def place(self, atom: Var | Literal) -> int:
        """Where a value stands; of a literal, a new place that holds it."""
        return self.places[atom] if isinstance(atom, Var) else self._new(atom.value)

    def _new(self, value: Any = None) -> int:
        self.values.append(value)
        return len(self.values) - 1


def _call(function: Callable[..., Any], operands: Sequence[int], place: int) -> Call:
    match operands:
        case (a,):
            return function, a, None, a, place
        case a, b:
            return function, a, b, None, place
        case a, b, c:
            return function, a, b, c, place
    return function, None, -1, tuple(operands), place


def _writing(ufunc: Any) -> Callable[..., Any]:
    """A ufunc that writes to its last operand."""
    if ufunc not in (np.maximum, np.minimum):
        return ufunc
    # NumPy warns of a third operand of these two, which may be meant as one more number.
    return lambda *operands: ufunc(*operands[:-1], out=operands[-1])


def take(calls: Sequence[Call], values: list[Any]) -> None:
    """Take the calls, one after the other."""
    # Up to three operands are written out, the most frequent first: a star takes longer, and so would a
    # comparison of numbers.
    for function, a, b, c, place in calls:
        if c is None:
            values[place] = function(values[a], values[b])
        elif b is None:
            values[place] = function(values[a])
        elif a is not None:
            values[place] = function(values[a], values[b], values[c])
        else:
            values[place] = function(*[values[i] for i in c])


# --- what a step's call is ------------------------------------------------------------------------


# rule(step) to a call that is the step's forward without the Python around it, where that takes longer
# than the call; None: as it is.
FAST: Reading[Callable[[Application], Any]] = Reading("calls of NumPy", optional=True)


def _function(step: Application) -> Callable[..., Any]:
    """A primitive with its params as one function that does no more than it must."""
    p, params = step.primitive, step.params
    make = FAST.of(p)
    # Python numbers have no methods.
    if make is not None and all(isinstance(o, Var) and not o.weak for o in step.operands):
        shorter: Callable[..., Any] | None = make(step)
        if shorter is not None:
            return shorter
    forward = functools.partial(p.forward, **params) if params else p.forward
    return _as_number(forward) if step.result.weak else forward


def _as_number(function: Callable[..., Any]) -> Callable[..., float]:
    """The function with its result as Python's number: a NumPy scalar's dtype is not weak."""

    def number(*operands: Any) -> float:
        return float(function(*operands))

    return number


@FAST(contractions.matmul)
def _matmul(step: Application) -> Any:
    # Of vectors `dot` and `matmul` give zeros of different signs.
    ranks = [len(o.shape) for o in step.operands if isinstance(o, Var)]
    return np.ndarray.dot if ranks == [2, 2] else np.matmul


def _row_affine(x: Array, weight: Array, bias: Array) -> Any:
    y = x.dot(weight)
    y += bias
    return y


@FAST(contractions.affine)
def _affine(step: Application) -> Any:
    x, weight, bias = step.operands
    same = {getattr(o, "dtype", None) for o in (x, weight, bias)} == {step.result.dtype}
    return _row_affine if same and isinstance(x, Var) and len(x.shape) == 2 else None


@FAST(reductions.sum)
def _sum(step: Application) -> Any:
    (x,) = step.operands
    axis, keepdims = step.params["axis"], step.params["keepdims"]
    everything = isinstance(x, Var) and len(axis) == len(x.shape) > 0
    narrow = isinstance(x, Var) and x.dtype.char == "e"  # which is summed in float32
    if everything and not keepdims and not narrow:
        return functools.partial(np.add.reduce, axis=None)
    return None


@FAST(piecewise.cast)
def _cast(step: Application) -> Any:
    (x,), dtype = step.operands, np.dtype(step.params["dtype"])
    # Of floats that do not fit, and of nan, NumPy and we make different integers.
    saturates = isinstance(x, Var) and x.dtype.kind == "f" and dtype.kind in "iu"
    return None if saturates else methodcaller("astype", dtype)


FAST(linalg.pick)(lambda step: itemgetter(step.params["index"]))
FAST(views.reshape)(lambda step: methodcaller("reshape", step.params["shape"]))
FAST(views.slice_)(lambda step: itemgetter(step.params["index"].key()))
FAST(views.transpose)(lambda step: methodcaller("transpose", step.params["axes"]))
