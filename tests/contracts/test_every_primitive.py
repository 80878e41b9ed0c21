"""What every declared primitive and every composite must satisfy; found by walking the registry.

An elementwise primitive is sampled by its arity and domain, so a new one is tested by existing.
The other kinds need a sample below; a primitive or composite without one fails
`test_everything_has_a_sample`.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import functional
from autograd_core.ops.indexing import Pattern
from autograd_core.ops.views import Index
from autograd_core.primitives import REGISTRY
from autograd_core.shelves import ARRAYS

RNG = np.random.default_rng(7)


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    return RNG.uniform(low, high, shape)


def integers(high: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, high, shape)


ROWS = Index.of((slice(1, None), None, -1))
PICKS = Pattern(("#", ("slice", None, None, None), "#"))
KEY = np.array([3, 5], np.uint64)
WELL = real(3, 3) + 4 * np.eye(3)

# name -> calls (operands, params); the operands that are float64 are differentiated.
SAMPLES: dict[str, list[tuple[tuple, dict]]] = {
    "affine": [
        ((real(4, 3), real(3, 2), real(2)), {}),
        ((real(3), real(3, 2), real(2)), {}),
        ((real(2, 4, 3), real(3, 2), real(2)), {}),
    ],
    "argmax": [((real(3, 4),), {"axis": 1}), ((real(3, 4),), {})],
    "broadcast_to": [((real(3, 1),), {"shape": (2, 3, 4)}), ((real(),), {"shape": (2,)})],
    "cast": [((real(3),), {"dtype": np.float64})],
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
    "put_along_axis": [((real(2, 3), integers(4, 2, 3)), {"axis": 1, "size": 4})],
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
    "slogdet": [((WELL,), {})],
    "solve": [((WELL, real(3)), {}), ((WELL, real(3, 2)), {})],
    "stop_gradient": [((real(2),), {})],
    "sum": [
        ((real(2, 3, 2),), {"axis": (0, -1)}),
        ((real(3),), {}),
        ((real(2, 3),), {"axis": 0, "keepdims": True}),
        ((real(),), {}),
    ],
    "take_along_axis": [((real(3, 4), integers(4, 3, 2)), {"axis": 1})],
    "transpose": [((real(2, 3, 4),), {"axes": (2, 0, 1)}), ((real(2, 3),), {})],
}

# composites: name -> calls
COMPOSITES: dict[str, list[tuple[tuple, dict]]] = {
    "clip": [((real(5), -0.5, 0.7), {})],
    "dot": [((real(2, 3), real(3, 2)), {}), ((real(3), real(3)), {}), ((2.5, real(3)), {})],
    "expand_dims": [((real(2, 3), 1), {})],
    "log_softmax": [((real(2, 3),), {}), ((real(2, 3), 0), {})],
    "logaddexp": [((real(2, 3), real(3)), {})],
    "mean": [((real(2, 3),), {"axis": 1}), ((real(2, 3),), {"keepdims": True})],
    "min": [((real(2, 3),), {"axis": 1})],
    "moveaxis": [((real(2, 3, 4), 0, -1), {})],
    "norm": [((real(2, 3),), {}), ((real(2, 3),), {"axis": 1})],
    "one_hot": [((integers(3, 4), 3), {})],
    "outer": [((real(2), real(3)), {})],
    "pad": [((real(2, 3), ((1, 0), (2, 1))), {}), ((real(2), 1), {})],
    "ravel": [((real(2, 3),), {})],
    "reciprocal": [((real(3, low=0.5),), {})],
    "softmax": [((real(2, 3),), {})],
    "squeeze": [((real(2, 1, 3),), {}), ((real(2, 1, 1), 1), {})],
    "stack": [(([real(2), real(2)],), {"axis": 1})],
    "std": [((real(4, 3),), {"axis": 0, "ddof": 1})],
    "swapaxes": [((real(2, 3, 4), 0, -1), {})],
    "take": [((real(3, 4), integers(4, 2)), {"axis": 1}), ((real(3, 4), 5), {})],
    "var": [((real(4, 3),), {"axis": 0}), ((real(4, 3),), {"ddof": 1})],
}


def elementwise_samples(p):
    low, high = p.domain
    margin = (high - low) / 20
    shapes = [(2, 3), (3,), (2, 1)]
    for shape in ((), (3,), (0,), (1, 2)):
        yield tuple(real(*shape, low=low + margin, high=high - margin) for _ in range(p.arity)), {}
    for chosen in itertools.islice(itertools.permutations(shapes, min(p.arity, 3)), 4):
        yield tuple(real(*s, low=low + margin, high=high - margin) for s in chosen), {}


def samples_of(p):
    if p.name in SAMPLES:
        return SAMPLES[p.name]
    return list(elementwise_samples(p))


def cases():
    for name, p in sorted(REGISTRY.items()):
        for k, (operands, params) in enumerate(samples_of(p)):
            yield pytest.param(p.function, operands, params, p, id=f"{name}-{k}")


def composite_cases():
    for name, calls in sorted(COMPOSITES.items()):
        for k, (args, params) in enumerate(calls):
            yield pytest.param(getattr(functional, name), args, params, id=f"{name}-{k}")


def differentiable(function, operands, params):
    """Whether some output is a float that depends on a float operand."""
    outputs = function(*map(variable, operands), **params)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
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
        operands = [np.full((2,), 0.9, dtype) for _ in range(p.arity)]
        with np.errstate(all="ignore"):
            expected = p.forward(*operands)
        assert p.function(*operands).dtype == expected.dtype
        assert expected.dtype in (dtype, np.bool_)


class _Floats:
    """The scalar shelf of plain floats, to compare a formula with its forward."""

    exp, log, tanh, sin, cos = map(staticmethod, (np.exp, np.log, np.tanh, np.sin, np.cos))
    sqrt = staticmethod(np.sqrt)
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
