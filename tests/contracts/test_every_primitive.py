"""What every declared primitive and every composite must satisfy; found by walking the registry.

An elementwise primitive is sampled by its arity and domain, so a new one is tested by existing.
The other kinds need a sample below; a primitive or composite without one fails
`test_everything_has_a_sample`.
"""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest

import autograd_core as ag
from autograd_core import functional
from autograd_core.ops.indexing import Pattern
from autograd_core.ops.views import Index
from autograd_core.primitives import REGISTRY
from autograd_core.shelves import ARRAYS
from autograd_core.tensors import NUMPY

RNG = np.random.default_rng(7)


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return RNG.uniform(low, high, shape)


def integers(high: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, high, shape)


ROWS = Index.of((slice(1, None), None, -1))
PICKS = Pattern(("#", ("slice", None, None, None), "#"))
KEY = np.array([3, 5], np.uint64)
WELL = real(3, 3) + 4 * np.eye(3)
BATCH = real(2, 3, 3) + 4 * np.eye(3)
POSITIVE = BATCH @ np.swapaxes(BATCH, -1, -2)

# name -> calls (operands, params); the operands that are float64 are differentiated.
SAMPLES: dict[str, list[tuple[tuple, dict]]] = {
    "affine": [
        ((real(4, 3), real(3, 2), real(2)), {}),
        ((real(3), real(3, 2), real(2)), {}),
        ((real(2, 4, 3), real(3, 2), real(2)), {}),
    ],
    "argmax": [((real(3, 4),), {"axis": 1}), ((real(3, 4),), {})],
    "argsort": [((real(3, 4),), {"axis": 0}), ((real(4),), {})],
    "broadcast_to": [((real(3, 1),), {"shape": (2, 3, 4)}), ((real(),), {"shape": (2,)})],
    "cast": [((real(3),), {"dtype": np.float64})],
    "cholesky": [((POSITIVE,), {}), ((POSITIVE[0],), {}), ((np.full((1, 1), 2.0),), {})],
    "concatenate_": [
        ((real(2, 3), real(1, 3), real(2, 3)), {"axis": 0}),
        ((real(2, 1), real(2, 2)), {"axis": -1}),
    ],
    "cumsum": [((real(3, 4),), {"axis": 1}), ((real(4),), {})],
    "einsum_": [
        ((real(2, 3), real(3, 4)), {"subscripts": "ij,jk->ik"}),
        ((real(3, 3),), {"subscripts": "ii->"}),
        ((real(3, 3),), {"subscripts": "ii->i"}),
        ((real(2, 3),), {"subscripts": "ij->j"}),
        ((real(3), real(3), real(3, 2)), {"subscripts": "i,i,ij->j"}),
        ((real(2, 3, 3), real(3, 2)), {"subscripts": "bii,ib->b"}),
    ],
    "eigh": [((POSITIVE,), {}), ((POSITIVE[0],), {"UPLO": "U"})],
    "embed": [((real(2, 1),), {"index": ROWS, "shape": (3, 4)})],
    "eye": [((), {"size": 3})],
    "flip": [((real(2, 3),), {"axis": 1}), ((real(2, 3),), {})],
    "gather": [((real(3, 2, 4), integers(3, 5), integers(4, 5)), {"pattern": PICKS})],
    "identity": [((real(2),), {})],
    "logsumexp": [((real(2, 3),), {"axis": 1}), ((real(2, 3),), {"axis": None, "keepdims": True})],
    "matmul": [
        ((real(4, 3), real(3, 2)), {}),
        ((real(3), real(3, 2)), {}),
        ((real(4, 3), real(3)), {}),
        ((real(3), real(3)), {}),
        ((real(2, 4, 3), real(3, 2)), {}),
        ((real(2, 1, 4, 3), real(5, 3, 2)), {}),
        ((real(3), real(2, 3, 4)), {}),
        ((real(2, 4, 3), real(3)), {}),
    ],
    "max": [
        ((real(2, 3, 2),), {"axis": 1}),
        ((real(4),), {}),
        ((real(2, 3),), {"axis": (0, 1), "keepdims": True}),
    ],
    "pick": [],
    "pinv": [((real(4, 3),), {}), ((real(2, 2, 3),), {}), ((WELL,), {})],
    "put_along_axis": [((real(2, 3), integers(4, 2, 3)), {"axis": 1, "size": 4})],
    "qr": [((real(4, 3),), {}), ((BATCH,), {})],
    "random_bits": [((KEY, np.uint64(1)), {"shape": (3, 5)})],
    "reshape": [((real(2, 3),), {"shape": (3, -1)}), ((real(1),), {"shape": ()})],
    "scatter_add": [
        ((real(5, 2), integers(3, 5), integers(4, 5)), {"pattern": PICKS, "shape": (3, 2, 4)})
    ],
    "slice_": [
        ((real(3, 4),), {"index": ROWS}),
        ((real(5),), {"index": Index.of(slice(None, None, -2))}),
        ((real(2, 3, 4),), {"index": Index.of((..., 1))}),
    ],
    "slogdet": [((WELL,), {}), ((BATCH,), {})],
    "solve": [
        ((WELL, real(3)), {}),
        ((WELL, real(3, 2)), {}),
        ((BATCH, real(3)), {}),
        ((BATCH, real(3, 2)), {}),
        ((WELL, real(2, 3, 2)), {}),
        ((BATCH[:1], real(2, 3, 1)), {}),
    ],
    "stop_gradient": [((real(2),), {})],
    "sum": [
        ((real(2, 3, 2),), {"axis": (0, -1)}),
        ((real(3),), {}),
        ((real(2, 3),), {"axis": 0, "keepdims": True}),
        ((real(),), {}),
    ],
    "svd": [((real(4, 3),), {}), ((real(2, 2, 3),), {}), ((BATCH,), {})],
    "take_along_axis": [((real(3, 4), integers(4, 3, 2)), {"axis": 1})],
    "transpose": [((real(2, 3, 4),), {"axes": (2, 0, 1)}), ((real(2, 3),), {})],
}

# composites: name -> calls; a list is a sequence of operands
COMPOSITES: dict[str, list[tuple[tuple, dict]]] = {
    "all": [((integers(2, 3, 4),), {"axis": 1}), ((integers(2, 3),), {})],
    "any": [((integers(2, 3, 4),), {"axis": 1}), ((integers(2, 3),), {})],
    "argmin": [((real(3, 4),), {"axis": 1}), ((real(3, 4),), {})],
    "array_split": [((real(5, 2), 3), {}), ((real(2, 5), [1, 3]), {"axis": 1})],
    "atleast_1d": [((real(),), {}), ((real(2), real()), {})],
    "atleast_2d": [((real(),), {}), ((real(3), real(2, 2)), {})],
    "atleast_3d": [((real(),), {}), ((real(3), real(2, 2), real(1, 2, 1)), {})],
    "average": [
        ((real(2, 3),), {}),
        ((real(2, 3), 1, real(3, low=0.5)), {}),
        ((real(2, 3), None, real(2, 3, low=0.5)), {}),
    ],
    "broadcast_arrays": [((real(2, 1), real(3)), {})],
    "clip": [((real(5), -0.5, 0.7), {}), ((real(5),), {"a_min": -0.5, "a_max": 0.7})],
    "column_stack": [(([real(3), real(3, 2)],), {})],
    "cross": [
        ((real(3), real(3)), {}),
        ((real(2, 3), real(3)), {}),
        ((real(3, 2), real(3, 2)), {"axis": 0}),
    ],
    "cumprod": [((real(5),), {}), ((np.array([0.5, 0.0, 2.0, 0.0]),), {}), ((real(2, 6), 1), {})],
    "diag": [((real(3),), {"k": -1}), ((real(3, 4),), {"k": 1}), ((real(3, 3),), {})],
    "diagonal": [((real(3, 4),), {}), ((real(2, 3, 4),), {"offset": 1, "axis1": 2, "axis2": 0})],
    "diff": [((real(5),), {}), ((real(4, 3),), {"n": 2, "axis": 0})],
    "dot": [
        ((real(2, 3), real(3, 2)), {}),
        ((real(3), real(3)), {}),
        ((2.5, real(3)), {}),
        ((real(2, 2, 3), real(2, 3, 2)), {}),
        ((real(2, 2, 3), real(3)), {}),
    ],
    "dsplit": [((real(2, 2, 4), 2), {})],
    "dstack": [(([real(2, 3), real(2, 3)],), {}), (([real(2), real(2)],), {})],
    "expand_dims": [((real(2, 3), 1), {}), ((real(2, 3), (0, -1)), {})],
    "fliplr": [((real(2, 3),), {})],
    "flipud": [((real(2, 3),), {})],
    "floor_divide": [((real(4, low=0.65, high=0.7), real(4, low=0.2, high=0.21)), {})],
    "full_like": [((real(2, 3), 1.5), {})],
    "hsplit": [((real(2, 4), 2), {}), ((real(4), [1]), {})],
    "hstack": [(([real(2), real(3)],), {}), (([real(2, 1), real(2, 2)],), {})],
    "index_update": [
        ((real(3, 4), 1, real(4)), {}),
        ((real(3, 4), (slice(None, None, -2), [0, 2]), real(2, 2)), {}),
        ((real(5), np.array([1, 1, 3]), real(3)), {}),
        ((real(2, 2), np.array([[True, False], [False, True]]), real()), {}),
        ((real(3), slice(0, 0), real()), {}),
    ],
    "inner": [((real(2, 3), real(4, 3)), {}), ((real(3), real(3)), {}), ((real(), real(3)), {})],
    "kron": [((real(2, 3), real(2, 1)), {}), ((real(3), real(2)), {}), ((real(2), real(2, 2)), {})],
    "log_softmax": [((real(2, 3),), {}), ((real(2, 3), 0), {})],
    "degrees": [((real(2, 3),), {})],
    "logaddexp": [((real(2, 3), real(3)), {})],
    "logaddexp2": [((real(2, 3), real(3)), {})],
    "radians": [((real(2, 3),), {})],
    "logical_and": [((integers(2, 4), integers(3, 4)), {})],
    "logical_or": [((integers(2, 4), integers(3, 4)), {})],
    "logical_xor": [((integers(2, 4), integers(3, 4)), {})],
    "logit": [((real(4, low=0.1, high=0.9),), {})],
    "matrix_trace": [
        ((real(3, 4),), {}),
        ((real(2, 3, 3),), {"offset": -1, "axis1": 1, "axis2": 2}),
    ],
    "mean": [((real(2, 3),), {"axis": 1}), ((real(2, 3),), {"keepdims": True})],
    "median": [
        ((real(5),), {}),
        ((real(4, 3),), {"axis": 0, "keepdims": True}),
        ((real(2, 3, 2),), {"axis": (0, 2)}),
    ],
    "min": [((real(2, 3),), {"axis": 1})],
    "moveaxis": [((real(2, 3, 4), 0, -1), {}), ((real(2, 3, 4), (0, 1), (2, 0)), {})],
    "nan_to_num": [((real(3),), {})],
    "norm": [((real(2, 3),), {}), ((real(2, 3),), {"axis": 1})],
    "one_hot": [((integers(3, 4), 3), {})],
    "ones_like": [((real(2, 3),), {})],
    "outer": [((real(2), real(3)), {})],
    "pad": [
        ((real(2, 3), ((1, 0), (2, 1))), {}),
        ((real(2), 1), {}),
        ((real(2), 1), {"constant_values": 2.5}),
        ((real(2, 3), 1), {"mode": "edge"}),
        ((real(3, 3), 2), {"mode": "reflect"}),
        ((real(3), (2, 4)), {"mode": "symmetric"}),
        ((real(3), (2, 4)), {"mode": "wrap"}),
    ],
    "partition": [((real(5), 2), {}), ((real(3, 4), (0, -1)), {"axis": 0})],
    "prod": [
        ((real(5),), {}),
        ((np.array([[0.5, 0.0, 2.0], [0.0, 0.0, 1.5]]),), {"axis": 1}),
        ((real(2, 3, 2),), {"axis": (0, 2), "keepdims": True}),
    ],
    "ravel": [((real(2, 3),), {})],
    "reciprocal": [((real(3, low=0.5),), {})],
    "repeat": [((real(2, 3), 2), {}), ((real(2, 3), [0, 1, 3]), {"axis": 1})],
    "roll": [((real(5), 2), {}), ((real(2, 3), (1, -4)), {"axis": (0, 1)}), ((real(2, 3), -1), {})],
    "rollaxis": [((real(2, 3, 4), 2), {}), ((real(2, 3, 4), 0), {"start": 3})],
    "rot90": [((real(2, 3), k), {}) for k in range(4)] + [((real(2, 3, 2),), {"axes": (2, 0)})],
    "round": [((np.array([0.123, -1.677, 2.231]),), {"decimals": 2}), ((np.array([12.3]), -1), {})],
    "sinc": [((real(4),), {}), ((np.array([0.0, 1e-3, 0.3]),), {})],
    "sliding_window_view": [
        ((real(5), 2), {}),
        ((real(4, 3), (2, 2)), {}),
        ((real(4, 3), 3, 0), {}),
    ],
    "softmax": [((real(2, 3),), {})],
    "sort": [((real(5),), {}), ((real(3, 4),), {"axis": 0}), ((real(2, 2),), {"axis": None})],
    "split": [((real(4, 2), 2), {}), ((real(2, 5), [1, 3]), {"axis": 1})],
    "squeeze": [((real(2, 1, 3),), {}), ((real(2, 1, 1), 1), {})],
    "stack": [(([real(2), real(2)],), {"axis": 1})],
    "std": [((real(4, 3),), {"axis": 0, "ddof": 1})],
    "swapaxes": [((real(2, 3, 4), 0, -1), {})],
    "take": [((real(3, 4), integers(4, 2)), {"axis": 1}), ((real(3, 4), 5), {})],
    "tensordot": [
        ((real(2, 3), real(3, 2)), {"axes": 1}),
        ((real(2, 3, 2), real(2, 3)), {"axes": ([1, 0], [1, 0])}),
        ((real(2), real(3)), {"axes": 0}),
    ],
    "tile": [((real(2, 3), 2), {}), ((real(3), (2, 2)), {}), ((real(2, 1, 2), (3, 1)), {})],
    "tril": [((real(3, 4),), {}), ((real(2, 3, 3),), {"k": -1}), ((real(3),), {})],
    "triu": [((real(3, 4),), {}), ((real(2, 3, 3),), {"k": 1}), ((real(3),), {})],
    "var": [((real(4, 3),), {"axis": 0}), ((real(4, 3),), {"ddof": 1})],
    "vdot": [((real(2, 3), real(3, 2)), {})],
    "vsplit": [((real(4, 2), 2), {})],
    "vstack": [(([real(3), real(2, 3)],), {})],
    "zeros_like": [((real(2, 3),), {})],
}

# ag.linalg: name -> calls
LINALG: dict[str, list[tuple[tuple, dict]]] = {
    "cholesky": [((POSITIVE,), {})],
    "det": [((WELL,), {}), ((BATCH,), {})],
    "eigh": [((POSITIVE,), {}), ((POSITIVE[0],), {"UPLO": "U"})],
    "eigvalsh": [((POSITIVE,), {})],
    "inv": [((WELL,), {}), ((BATCH,), {})],
    "matrix_power": [((BATCH, n), {}) for n in (-2, 0, 1, 3)],
    "norm": [
        ((real(2, 3),), {}),
        ((real(4),), {"ord": 3}),
        ((real(4),), {"ord": np.inf}),
        ((real(2, 3),), {"ord": 1, "axis": 1}),
        ((real(2, 3),), {"ord": "nuc", "keepdims": True}),
        ((real(2, 3),), {"ord": 2}),
        ((real(3, 2, 3),), {"ord": -1, "axis": (2, 0)}),
        ((real(3, 2, 3),), {"ord": np.inf, "axis": (0, 2), "keepdims": True}),
    ],
    "pinv": [((real(3, 2),), {})],
    "qr": [((real(3, 2),), {}), ((real(3, 2),), {"mode": "r"})],
    "slogdet": [((BATCH,), {})],
    "solve": [((BATCH, real(3)), {})],
    "svd": [((real(3, 2),), {"full_matrices": False}), ((real(3, 2),), {"compute_uv": False})],
}


def elementwise_samples(p):
    low, high = p.domain
    margin = (high - low) / 20

    def away(k: int, *shape: int) -> np.ndarray:
        """Off zeros, integers, halves, ties and whole quotients, where derivatives jump."""
        cells = np.floor(4 * real(*shape, low=low + margin, high=high - margin)) / 4
        return cells + (k + 1) * real(*shape, low=0.04, high=0.045)

    shapes = [(2, 3), (3,), (2, 1)]
    for shape in ((), (3,), (0,), (1, 2)):
        yield tuple(away(k, *shape) for k in range(p.arity)), {}
    for chosen in itertools.islice(itertools.permutations(shapes, min(p.arity, 3)), 4):
        yield tuple(away(k, *s) for k, s in enumerate(chosen)), {}


def samples_of(p):
    if p.name in SAMPLES:
        return SAMPLES[p.name]
    return list(elementwise_samples(p))


def cases():
    for name, p in sorted(REGISTRY.items()):
        for k, (operands, params) in enumerate(samples_of(p)):
            yield pytest.param(p.function, operands, params, p, id=f"{name}-{k}")


def composite_cases():
    for where, samples in ((functional, COMPOSITES), (ag.linalg, LINALG)):
        for name, calls in sorted(samples.items()):
            prefix = "linalg." if where is ag.linalg else ""
            for k, (args, params) in enumerate(calls):
                yield pytest.param(getattr(where, name), args, params, id=f"{prefix}{name}-{k}")


def parts(outputs):
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def differentiable(function, operands, params):
    """Whether some output is a float that depends on a float operand."""
    outputs = parts(function(*map(variable, operands), **params))
    return any(o.requires_grad for o in outputs)


def variable(x):
    if isinstance(x, list):
        return [variable(v) for v in x]
    return ag.tensor(x, requires_grad=True) if getattr(x, "dtype", None) == np.float64 else x


def test_everything_has_a_sample():
    for name, p in REGISTRY.items():
        assert name in SAMPLES or isinstance(p.kind, ag.Elementwise), f"add a sample for {name}"
    for name in functional.__all__:
        assert name in COMPOSITES, f"add a sample for {name}"
    for name in ag.linalg.__all__:
        assert name in LINALG, f"add a sample for linalg.{name}"


def test_every_kind_is_represented():
    kinds = {type(p.kind).__name__ for p in REGISTRY.values()}
    assert kinds == {
        "Elementwise",
        "View",
        "Reduce",
        "Contract",
        "Gather",
        "Random",
        "Scan",
        "Opaque",
    }


@pytest.mark.parametrize(("function", "operands", "params", "p"), list(cases()))
def test_gradients_of_primitives_to_second_order(function, operands, params, p):
    if not differentiable(function, operands, params):
        return
    assert ag.gradcheck(lambda *xs: function(*xs, **params), *operands)
    assert ag.gradgradcheck(lambda *xs: function(*xs, **params), *operands)


@pytest.mark.parametrize(("function", "args", "params"), list(composite_cases()))
def test_gradients_of_composites_to_second_order(function, args, params):
    if not differentiable(function, args, params):
        return
    if isinstance(args[0], list):
        assert ag.gradcheck(lambda *xs: function(list(xs), **params), *args[0])
        assert ag.gradgradcheck(lambda *xs: function(list(xs), **params), *args[0])
        return
    assert ag.gradcheck(lambda *xs: function(*xs, **params), *args)
    assert ag.gradgradcheck(lambda *xs: function(*xs, **params), *args)


@pytest.mark.parametrize(("function", "operands", "params", "p"), list(cases()))
def test_the_rules_run_on_abstract_arrays_with_the_right_shapes(function, operands, params, p):
    """A branch on data, a NumPy call or a wrong shape rule in forward or VJP fails here."""

    def loss(*xs):
        outputs = function(*xs, **params)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for o, e in zip(outputs, expected, strict=True):
            assert o.shape == e.shape
            assert o.dtype == e.dtype
        return sum(ag.sum(o * 1.0) for o in outputs)

    expected = function(*operands, **params)
    expected = expected if isinstance(expected, tuple) else (expected,)
    floats = [i for i, x in enumerate(operands) if getattr(x, "dtype", None) == np.float64]
    if differentiable(function, operands, params):
        derive = ag.grad(loss, floats, unreachable="zero")
        program = ag.trace(derive)(*operands)
        for found, wanted in zip(program(*operands), derive(*operands), strict=True):
            np.testing.assert_allclose(found, np.asarray(wanted), rtol=1e-12, atol=1e-12)
    else:
        ag.trace(loss)(*operands)


@pytest.mark.parametrize(
    "name", sorted(n for n, p in REGISTRY.items() if isinstance(p.kind, ag.Elementwise))
)
def test_rules_hold_no_float_literal(name):
    rules = REGISTRY[name].vjp
    for rule in rules if isinstance(rules, tuple) else (rules,):
        if callable(rule):
            assert not [c for c in rule.__code__.co_consts if isinstance(c, float)]


@pytest.mark.parametrize(
    "name", sorted(n for n, p in REGISTRY.items() if isinstance(p.kind, ag.Elementwise))
)
def test_elementwise_dtype_is_numpys(name):
    p = REGISTRY[name]
    if name == "cast":
        return
    for dtype in (np.float32, np.float64):
        operands = [np.full((2,), sum(p.domain) / 2, dtype) for _ in range(p.arity)]
        with np.errstate(all="ignore"):
            expected = p.forward(*operands)
        assert p.function(*operands).dtype == expected.dtype
        assert expected.dtype in (dtype, np.bool_)


class _Floats:
    """The scalar shelf of plain floats, to compare a formula with its forward."""

    exp, log, tanh, sin, cos = map(staticmethod, (np.exp, np.log, np.tanh, np.sin, np.cos))
    arcsin, arccos, arctan = map(staticmethod, (np.arcsin, np.arccos, np.arctan))
    sqrt, floor = staticmethod(np.sqrt), staticmethod(np.floor)
    erf = staticmethod(lambda x: float(mpmath.erf(x)))
    power = staticmethod(lambda a, b: a**b)
    step = staticmethod(lambda u: float(u > 0))
    where = staticmethod(lambda c, a, b: a if c else b)


@pytest.mark.parametrize(
    "name", sorted(n for n, p in REGISTRY.items() if getattr(p.kind, "formula", None))
)
def test_the_formula_is_the_forward(name):
    p = REGISTRY[name]
    low, high = p.domain
    points = [[float(real(low=low, high=high)) for _ in range(p.arity)] for _ in range(20)]
    if low < 0 < high:  # zeros and ties, where formulas of functions with kinks go wrong
        points += [[0.0] * p.arity, [0.5] * p.arity, [-0.5] * p.arity]
    for operands in points:
        found = p.kind.formula(_Floats(), *operands)
        np.testing.assert_allclose(
            found, p.forward(*map(np.float64, operands)), rtol=1e-12, atol=1e-15
        )


@pytest.mark.parametrize("name", sorted(n for n, p in REGISTRY.items() if p.meaning))
def test_the_meaning_is_the_forward(name):
    p = REGISTRY[name]
    for operands, params in samples_of(p):
        prepared = (
            p.prepare(operands, {"axis": None, "keepdims": False, **params}) if params else {}
        )
        np.testing.assert_allclose(
            p.meaning(ARRAYS, *operands, **prepared), p.forward(*operands, **prepared), rtol=1e-12
        )


# --- NumPy's values, at every layout and shape --------------------------------------------------

# Functions whose results NumPy leaves open, or whose operands differ from NumPy's.
UNLIKE = {"partition", "where", "random_bits"}


def theirs():
    """NumPy's functions that Tensors answer, with our function and its samples."""
    ours = {id(p.function): (p.name, samples_of(p)) for p in REGISTRY.values()}
    ours |= {id(getattr(functional, n)): (n, calls) for n, calls in COMPOSITES.items()}
    ours |= {id(getattr(ag.linalg, n)): (f"linalg.{n}", calls) for n, calls in LINALG.items()}
    for numpys, function in NUMPY.items():
        name, calls = ours.get(id(function), ("", []))
        calls = [c for c in calls if c[1].get("UPLO") != "U"]  # the signs are LAPACK's choice
        if name and name not in UNLIKE:
            yield name, numpys, function, calls


def numpy_cases():
    for name, numpys, function, calls in theirs():
        for k, (args, params) in enumerate(calls):
            yield pytest.param(numpys, function, args, params, id=f"{name}-{k}")


def constant(x):
    if isinstance(x, list):
        return [constant(v) for v in x]
    return ag.tensor(x) if isinstance(x, np.ndarray) else x


def same(found, wanted, **tolerances):
    for f, w in zip(parts(found), parts(wanted), strict=True):
        assert isinstance(f, ag.Tensor)
        w = np.asarray(w)
        assert f.shape == w.shape
        assert f.dtype == w.dtype
        np.testing.assert_allclose(np.asarray(f), w, **tolerances)


@pytest.mark.parametrize(("numpys", "function", "args", "params"), list(numpy_cases()))
def test_values_are_numpys_and_numpys_function_comes_here(numpys, function, args, params):
    with np.errstate(all="ignore"):
        wanted = numpys(*args, **params)
        same(function(*args, **params), wanted, rtol=1e-12, atol=1e-14)
        operands = [constant(a) for a in args]
        if any(
            isinstance(o, ag.Tensor)
            for o in (*operands, *itertools.chain(*(o for o in operands if isinstance(o, list))))
        ):
            same(numpys(*operands, **params), wanted, rtol=1e-12, atol=1e-14)


def single(x):
    if isinstance(x, list):
        return [single(v) for v in x]
    return x.astype(np.float32) if getattr(x, "dtype", None) == np.float64 else x


@pytest.mark.parametrize(
    ("numpys", "function", "args", "params"),
    [case for case in numpy_cases() if case.id != "dot-2"],  # Python numbers are weak in ours
)
def test_single_precision_is_kept_where_numpy_keeps_it(numpys, function, args, params):
    if "dtype" in params:
        return
    args = list(map(single, args))
    with np.errstate(all="ignore"):
        wanted = numpys(*args, **params)
        same(function(*args, **params), wanted, rtol=2e-5, atol=2e-5)


def layouts(x):
    """The same values as every second element, backwards, and in Fortran's order."""
    wide = np.repeat(x, 2, axis=-1)
    yield wide[..., ::2]
    yield np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    yield np.asfortranarray(x)


@pytest.mark.parametrize(
    ("function", "operands", "params", "p"),
    [case for case in cases() if case.id.endswith(("-0", "-7"))],
)
def test_memory_layout_changes_no_gradient_of_a_primitive(function, operands, params, p):
    check_layouts(function, operands, params)


@pytest.mark.parametrize(
    ("function", "args", "params"),
    [case for case in composite_cases() if not isinstance(case.values[1][0], list)],
)
def test_memory_layout_changes_no_gradient_of_a_composite(function, args, params):
    check_layouts(function, args, params)


def check_layouts(function, operands, params):
    floats = [
        i for i, x in enumerate(operands) if getattr(x, "dtype", None) == np.float64 and x.ndim
    ]
    if not floats or not differentiable(function, operands, params):
        return

    def loss(*xs):
        return sum(
            ag.sum(ag.square(o) + o) for o in parts(function(*xs, **params)) if o.dtype.kind == "f"
        )

    derive = ag.value_and_grad(loss, floats, unreachable="zero")
    value, wanted = derive(*operands)
    for variant in zip(*(layouts(operands[i]) for i in floats), strict=True):
        changed = list(operands)
        for i, x in zip(floats, variant, strict=True):
            changed[i] = x
        found, gradient = derive(*changed)
        np.testing.assert_allclose(found, value, rtol=1e-13)
        for f, w in zip(gradient, wanted, strict=True):
            np.testing.assert_allclose(f, w, rtol=1e-11, atol=1e-13)


# Where we refuse what NumPy takes: an axis of a scalar, a flat scan of many axes, the median or the
# largest of nothing, the derivative of wide Q R.
STRICTER = {"sum", "cumsum", "argsort", "sort", "median", "linalg.qr", "linalg.norm"}
# Signs and order are LAPACK's; elementwise operations have samples of every shape above.
JUMPY = {"linalg.svd", "svd", "qr", "eigh", "linalg.qr", "linalg.eigh", "round"} | {
    n for n, p in REGISTRY.items() if isinstance(p.kind, ag.Elementwise)
}
SHAPES = [(), (0,), (1,), (4,), (0, 3), (3, 0), (1, 1), (4, 4), (1, 3, 1), (2, 3, 4), (2, 0, 4, 4)]


def shape_cases():
    for name, numpys, function, calls in theirs():
        for k, (args, params) in enumerate(calls):
            arrays = [a for a in args if isinstance(a, np.ndarray)]
            if isinstance(args[0] if args else None, np.ndarray) and len(arrays) == 1:
                yield pytest.param(name, numpys, function, args[1:], params, id=f"{name}-{k}")


@pytest.mark.parametrize(("name", "numpys", "function", "rest", "params"), list(shape_cases()))
@pytest.mark.filterwarnings("ignore")
def test_shapes_that_numpy_takes_are_taken_and_others_refused_by_name(
    name, numpys, function, rest, params
):
    """0-d, empty, of size 1 and of every rank: the same value and a right gradient, or an error."""
    refused = []
    for shape in SHAPES:
        x = RNG.permutation(np.linspace(0.55, 0.69, int(np.prod(shape)))).reshape(shape)
        if (
            len(shape) > 1
            and shape[-1] == shape[-2]
            and "linalg" in str(getattr(numpys, "__module__", ""))
        ):
            x = x + np.swapaxes(x, -1, -2) + 9 * np.diag(np.arange(1, shape[-1] + 1))
        try:
            with np.errstate(all="ignore"):
                wanted = numpys(x, *rest, **params)
        except (ValueError, TypeError, IndexError, np.linalg.LinAlgError):
            if x.size:  # of nothing, NumPy's own indexing takes what its take refuses
                with pytest.raises((ag.errors.AutogradError, TypeError)):
                    function(ag.tensor(x), *rest, **params)
            continue
        try:
            found = function(ag.tensor(x), *rest, **params)
        except ag.errors.AutogradError:
            refused.append(shape)
            continue
        same(found, wanted, rtol=1e-11, atol=1e-13)
        finite = all(np.isfinite(np.asarray(w)).all() for w in parts(wanted))
        if finite and name not in JUMPY and differentiable(function, (x, *rest), params):
            assert ag.gradcheck(lambda t: function(t, *rest, **params), x, atol=1e-7)
            if x.size <= 4:
                assert ag.gradgradcheck(lambda t: function(t, *rest, **params), x, atol=1e-6)
    assert not refused or name in STRICTER, refused


# --- errors -------------------------------------------------------------------------------------

BAD = ["text", None, np.array([1j]), {"a": 1}, len]


def bad_cases():
    for name, function, calls in (
        *((n, p.function, samples_of(p)) for n, p in REGISTRY.items() if n != "pick" and p.arity),
        *((n, getattr(functional, n), calls) for n, calls in COMPOSITES.items()),
        *((f"linalg.{n}", getattr(ag.linalg, n), calls) for n, calls in LINALG.items()),
    ):
        if calls and calls[0][0]:
            yield pytest.param(function, *calls[0], id=name)


@pytest.mark.parametrize(("function", "args", "params"), list(bad_cases()))
@pytest.mark.parametrize("bad", BAD, ids=["text", "None", "complex", "dict", "function"])
def test_what_is_no_array_of_real_numbers_is_named(function, args, params, bad):
    first = [bad, *args[0][1:]] if isinstance(args[0], list) else bad
    with pytest.raises(ag.DTypeError, match=r"^\w+: .*(Expected|expected|dtype)"):
        function(first, *args[1:], **params)
