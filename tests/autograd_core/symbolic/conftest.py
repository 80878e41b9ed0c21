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
        faulty.vjp = rules[0] if faulty.variadic else rules
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
    arcsin, arccos, arctan = mpmath.asin, mpmath.acos, mpmath.atan
    erf, erfinv, floor = mpmath.erf, mpmath.erfinv, mpmath.floor
    gammaln, polygamma = mpmath.loggamma, mpmath.polygamma
    jv, yv, iv, kv = mpmath.besselj, mpmath.bessely, mpmath.besseli, mpmath.besselk

    @staticmethod
    def gammainc(a, u):
        return mpmath.gammainc(a, 0, u, regularized=True)

    @staticmethod
    def betainc(a, b, u):
        return mpmath.betainc(a, b, 0, u, regularized=True)

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
    "isfinite": mpmath.isfinite, "isinf": mpmath.isinf, "isnan": mpmath.isnan,
    "equal": lambda a, b: a == b, "not_equal": lambda a, b: a != b, "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b, "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
}  # fmt: skip


def _solved(a, b):
    if b.ndim == 1:
        return _solved(a, b[:, None])[:, 0]
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (np.broadcast_to(m, lead + m.shape[-2:]) for m in (a, b))
    result = np.empty(b.shape, object)
    for i in np.ndindex(*lead):
        result[i] = np.array((mpmath.inverse(mpmath.matrix(a[i])) * mpmath.matrix(b[i])).tolist())
    return result


def _sign_and_logarithm(a):
    result = np.empty((2, *a.shape[:-2]), object)
    for i in np.ndindex(*a.shape[:-2]):
        d = mpmath.det(mpmath.matrix(a[i].tolist()))
        result[(slice(None), *i)] = mpmath.sign(d), mpmath.log(abs(d))
    return result


def _lower(a):
    result = np.empty(a.shape, object)
    for i in np.ndindex(*a.shape[:-2]):
        below = np.tri(a.shape[-1], dtype=bool)
        whole = np.where(below, a[i], a[i].T)  # the triangle that is read
        result[i] = np.array(mpmath.cholesky(mpmath.matrix(whole)).tolist())
    return result


def _pseudoinverse(a):
    result = np.empty((*a.shape[:-2], a.shape[-1], a.shape[-2]), object)
    for i in np.ndindex(*a.shape[:-2]):
        m = mpmath.matrix(a[i].tolist())
        wide = m.rows < m.cols
        found = m.T * (m * m.T) ** -1 if wide else (m.T * m) ** -1 * m.T
        result[i] = np.array(found.tolist(), object)
    return result


_MATRICES = {
    "solve": _solved, "slogdet": _sign_and_logarithm, "cholesky": _lower, "pinv": _pseudoinverse,
}  # fmt: skip


def _columns(point, n, m, prime):
    """The orthonormal columns that the coordinates in a witness name: their order and signs count.

    Each matrix of a batch has names with one prime more, and svd two for each.
    """
    k = mpmath.zeros(n, n)
    places = [(i, j) for j in range(m) for i in range(j + 1, n)]
    for count, (i, j) in enumerate(places):
        k[i, j] = point[f"turn{prime}[{count}]"]
        k[j, i] = -k[i, j]
    found = ((mpmath.eye(n) - k) * (mpmath.eye(n) + k) ** -1).tolist()
    signs = [1 if point[f"side{prime}[{j}]"] > 0 else -1 for j in range(m)]
    return np.array(found, object)[:, :m] * np.array(signs)


def _towards(columns, near):
    """Columns in the order and with the signs of those that they are near to."""
    product = near.T @ columns
    order = [max(range(len(row)), key=lambda j: abs(row[j])) for row in product]
    signs = [mpmath.sign(row[j]) for row, j in zip(product, order, strict=True)]
    return columns[:, order] * np.array(signs, object), order


def _eigen(point, a, prime, UPLO):
    n = len(a)
    read = np.tri(n, dtype=bool) if UPLO == "L" else np.tri(n, dtype=bool).T
    w, v = mpmath.eigsy(mpmath.matrix(np.where(read, a, a.T).tolist()))
    v, order = _towards(np.array(v.tolist(), object), _columns(point, n, n, prime))
    return np.array([w[j] for j in order], object), v


def _singular(point, a, prime):
    k = min(a.shape)
    u, _, v = (np.array(m.tolist(), object) for m in mpmath.svd_r(mpmath.matrix(a.tolist())))
    u, order = _towards(u[:, :k], _columns(point, len(a), k, 2 * prime))
    v, _ = _towards(v[:k].T[:, order], _columns(point, a.shape[1], k, 2 * prime + "'"))
    return u, np.array([u[:, i] @ a @ v[:, i] for i in range(k)], object), v.T


def _orthogonal(point, a, prime):
    near, columns = _columns(point, *a.shape, prime), []
    for x, side in zip(a.T, near.T, strict=True):
        for q in columns:
            x = x - (q @ x) * q
        columns.append(x / mpmath.sqrt(x @ x) * mpmath.sign(x @ side))
    q = np.array(columns, object).T
    return q, np.where(np.tri(len(columns), dtype=bool).T, q.T @ a, mpmath.mpf(0))


_FACTORS = {"eigh": _eigen, "svd": _singular, "qr": _orthogonal}


class Precise:
    """An evaluator of programs in mpmath numbers, by formulas and forwards alone.

    ``point`` has the coordinates in a witness, which tell the order and the signs of factors.
    """

    def __init__(self, point=None):
        self.point = point

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
            return _kept(p.meaning(self, *map(_kept, operands), **params))
        if p.name == "cast":
            return _many(operands[0])
        if p.name == "sum":
            return _many(
                np.add.reduce(_many(operands[0]), axis=params["axis"], keepdims=params["keepdims"])
            )
        if p.name in _MATRICES:
            return _MATRICES[p.name](*map(_many, operands))
        if p.name in _FACTORS:
            (a,) = map(_many, operands)
            lead = a.shape[:-2]
            found = [
                _FACTORS[p.name](self.point, a[i], n * "'", **params)
                for n, i in enumerate(np.ndindex(*lead))
            ]
            return tuple(
                np.array(parts, object).reshape(*lead, *parts[0].shape)
                for parts in zip(*found, strict=True)
            )
        if p.name == "pick":
            return operands[0][params["index"]]
        if p.name == "max":
            x, axis = _many(operands[0]), params["axis"]
            return _many(np.maximum.reduce(x, axis=axis, keepdims=params["keepdims"]))
        if isinstance(p.kind, Elementwise):
            formula = p.kind.formula or (lambda s, *xs: _COMPARISONS[p.name](*xs))
            arrays = np.broadcast_arrays(*map(_many, operands))
            result = np.empty(arrays[0].shape, object)
            for i in np.ndindex(*result.shape):
                try:
                    result[i] = formula(_Shelf, *(a[i] for a in arrays), **params)
                except ZeroDivisionError:
                    result[i] = mpmath.nan
            return result
        indices = [o if getattr(o, "dtype", float).kind in "iu" else _many(o) for o in operands[1:]]
        return _kept(p.forward(*map(_kept, operands[:1]), *indices, **params))

    def __getattr__(self, name):
        p = ag.REGISTRY[name]

        def run(*operands, **params):
            arrays = tuple(map(_kept, operands))
            return self.run(p, arrays, p.prepare(arrays, params) if p.prepare else params)

        return run


def _real(value):
    """A value that may have come about through complex ones, such as exp(2 log x) for x < 0."""
    if mpmath.isnan(value):
        return value
    assert abs(mpmath.im(value)) < mpmath.mpf(10) ** -30 * (1 + abs(value)), value
    return mpmath.re(value)


def _kept(values):
    """Numbers of many digits; labels as they are."""
    if isinstance(values, np.ndarray) and values.ndim and values.dtype.kind in "iu":
        return values
    return _many(values)


def _many(values):
    array = np.asarray(values)
    result = np.empty(array.shape, object)
    for i in np.ndindex(*array.shape):
        v = array[i]
        v = v.item() if isinstance(v, np.ndarray) else v
        result[i] = v if isinstance(v, (mpmath.mpf, mpmath.mpc)) else mpmath.mpf(float(v))
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
            combined = ag.trace(value_and_grad(program.as_function(), numbers, unreachable="zero"))(
                *(ag.Abstract(v.shape) for v in program.inputs)
            )
            _, gradients = combined.evaluate(Precise(point), *inputs(mpmath.mpf(0)))
            which = [v.name or v.letter for v in program.inputs].index(name)
            h = mpmath.mpf(10) ** -20
            up, down = (program.evaluate(Precise(point), *inputs(s)).item() for s in (h, -h))
            return _real(gradients[which][index]), _real((up - down) / (2 * h))

    return evaluate
