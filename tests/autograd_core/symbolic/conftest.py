"""Programs with a rule exchanged, and values to many digits that owe nothing to sympy or the prover."""

from __future__ import annotations

import copy

import mpmath
import numpy as np
import pytest

import autograd_core as ag
from autograd_core.kinds import Elementwise
from autograd_core.program import Program
from autograd_core.symbolic.exact import decimal
from autograd_core.transforms import value_and_grad

DIGITS = 60


@pytest.fixture
def planted():
    """A program with the VJP rules of one primitive exchanged; nothing is registered."""

    def plant(program, name, *rules):
        faulty = copy.copy(ag.REGISTRY[name])
        faulty.vjp = rules
        steps = []
        for step in program:
            if step.primitive.name == name:
                step = copy.copy(step)
                step.primitive = faulty
            steps.append(step)
        assert any(step.primitive is faulty for step in steps)
        return Program(
            program.name,
            program.inputs,
            program.captures,
            tuple(steps),
            program.outputs,
            program.structure,
            program.writes,
        )

    return plant


class _Shelf:
    """Scalar functions to many digits."""

    exp, log, sqrt = mpmath.exp, mpmath.log, mpmath.sqrt
    sin, cos, tanh = mpmath.sin, mpmath.cos, mpmath.tanh

    @staticmethod
    def step(u):
        return mpmath.mpf(int(u > 0))

    @staticmethod
    def power(u, p):
        return u**p

    @staticmethod
    def where(condition, u, v):
        return u if condition else v


_COMPARISONS = {
    "equal": lambda a, b: a == b, "not_equal": lambda a, b: a != b, "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b, "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
}  # fmt: skip


class Precise:
    """An evaluator of programs in mpmath numbers, by formulas and forwards alone."""

    def capture(self, var, tensor):
        values = np.asarray(tensor.detach())
        return values if values.dtype.kind in "biu" else _many(values)

    def literal(self, value):
        if not isinstance(value, float):
            return value
        found = decimal(value)
        return _many(mpmath.mpf(int(found.p)) / int(found.q))

    def apply(self, step, operands):
        return self.run(step.primitive, operands, step.params)

    def run(self, p, operands, params):
        if p.meaning is not None:
            return _many(p.meaning(self, *map(_many, operands), **params))
        if p.name == "cast":
            return _many(operands[0])
        if p.name == "sum":
            return _many(
                np.add.reduce(_many(operands[0]), axis=params["axis"], keepdims=params["keepdims"])
            )
        if p.name == "max":
            x, axis = _many(operands[0]), params["axis"]
            return _many(np.maximum.reduce(x, axis=axis, keepdims=params["keepdims"]))
        if isinstance(p.kind, Elementwise):
            formula = p.kind.formula or (lambda s, *xs: _COMPARISONS[p.name](*xs))
            arrays = np.broadcast_arrays(*map(_many, operands))
            result = np.empty(arrays[0].shape, object)
            for i in np.ndindex(*result.shape):
                result[i] = mpmath.mpf(formula(_Shelf, *(a[i] for a in arrays), **params))
            return result
        indices = [o if getattr(o, "dtype", float).kind in "iu" else _many(o) for o in operands[1:]]
        return _many(p.forward(*map(_many, operands[:1]), *indices, **params))

    def __getattr__(self, name):
        p = ag.REGISTRY[name]

        def run(*operands, **params):
            arrays = tuple(map(_many, operands))
            return self.run(p, arrays, p.prepare(arrays, params) if p.prepare else params)

        return run


def _many(values):
    array = np.asarray(values)
    result = np.empty(array.shape, object)
    for i in np.ndindex(*array.shape):
        v = array[i]
        v = v.item() if isinstance(v, np.ndarray) else v
        result[i] = v if isinstance(v, mpmath.mpf) else mpmath.mpf(float(v))
    return result


@pytest.fixture
def gradient_and_difference():
    """At a witness: the program's own gradient there, and a central difference of its forward."""

    def evaluate(program, witness):
        name, _, position = witness.entry.partition("[")
        index = tuple(int(n) for n in position.rstrip("]").split(",") if n)
        with mpmath.workdps(DIGITS):
            point = {k: mpmath.mpf(v.numerator) / v.denominator for k, v in witness.point.items()}

            def inputs(shift):
                arrays = []
                for var in program.inputs:
                    label = var.name or var.letter
                    array = np.empty(var.shape, object)
                    for i in np.ndindex(*var.shape):
                        key = label + (f"[{','.join(map(str, i))}]" if i else "")
                        array[i] = point.get(key, mpmath.mpf(1)) + (
                            shift if (label, i) == (name, index) else 0
                        )
                    arrays.append(array)
                return arrays

            numbers = tuple(range(len(program.inputs)))
            combined = ag.trace(value_and_grad(program.as_function(), numbers))(
                *(ag.Abstract(v.shape) for v in program.inputs)
            )
            _, gradients = combined.evaluate(Precise(), *inputs(mpmath.mpf(0)))
            which = [v.name or v.letter for v in program.inputs].index(name)
            h = mpmath.mpf(10) ** -20
            up, down = (program.evaluate(Precise(), *inputs(s)).item() for s in (h, -h))
            return gradients[which][index], (up - down) / (2 * h)

    return evaluate
