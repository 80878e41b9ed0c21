"""A derivative by what the result does not depend on is an error, or zeros where they are asked for.

Every transform meets every way in which a dependence can be missing.
"""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

X = np.array([1.0, 2.0])
STATE = ag.tensor([1.0, 2.0])


def _direction(x):
    return {k: np.ones_like(v) for k, v in x.items()} if isinstance(x, dict) else np.ones_like(x)


# Each takes a scalar function, a point and the choice; returns all derivatives in any nesting.
TRANSFORMS = {
    "grad": lambda f, x, **o: ag.grad(f, **o)(x),
    "value_and_grad": lambda f, x, **o: ag.value_and_grad(f, **o)(x)[1],
    "vjp": lambda f, x, **o: ag.vjp(f, x, **o)[1](np.ones(())),
    "jvp": lambda f, x, **o: ag.jvp(f, (x,), (_direction(x),), **o)[1],
    "jacobian": lambda f, x, **o: ag.jacobian(f, **o)(x),
    "hessian": lambda f, x, **o: ag.hessian(f, **o)(x),
    "hvp": lambda f, x, **o: ag.hvp(f, **o)(x, _direction(x)),
    "vmap of grad": lambda f, x, **o: ag.vmap(ag.grad(f, **o))(_rows(x)),
    "jit of hessian": lambda f, x, **o: ag.jit(ag.hessian(f, **o), backend="numpy")(x),
    "trace of hessian": lambda f, x, **o: ag.trace(ag.hessian(f, **o))(x),
}


def _rows(x):
    return {k: v[None] for k, v in x.items()} if isinstance(x, dict) else np.asarray(x)[None]


def _under_no_grad(x):
    with ag.no_grad():
        return ag.sum(x * x)


IGNORED = {
    "constant": (lambda x: ag.sum(ag.tensor(X)), X),
    "closed over": (lambda x: ag.sum(STATE * STATE), X),
    "detached": (lambda x: ag.sum(x.detach() ** 2), X),
    "stopped": (lambda x: ag.sum(ag.stop_gradient(x) ** 2), X),
    "compared": (lambda x: ag.sum(ag.where(x > 0, 1.0, 2.0)), X),
    "not recorded": (_under_no_grad, X),
    "scalar": (lambda x: ag.sum(ag.tensor(X)), 1.0),
    "one of a dict": (lambda p: ag.sum(p["a"] ** 2), {"a": X, "b": X}),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("case", IGNORED)
def test_what_the_result_ignores_is_an_error_or_zeros(transform, case):
    function, x = IGNORED[case]
    run = TRANSFORMS[transform]
    with pytest.raises(
        ag.UnreachableError, match=r'does not depend on .*unreachable="zero"'
    ) as info:
        run(function, x)
    if transform in ("jvp", "vjp", "jacobian", "hessian", "hvp"):
        assert str(info.value).startswith(f"{transform}: ")
    if not transform.startswith("trace"):
        found = run(function, x, unreachable="zero")
        if case != "one of a dict":
            for part in _parts(found):
                assert not np.asarray(part.data).any()
    with pytest.raises(
        ag.ConfigError, match="unreachable: expected one of 'raise', 'zero'; received 'none'"
    ):
        run(function, x, unreachable="none")


def _parts(found):
    if isinstance(found, dict):
        return [p for v in found.values() for p in _parts(v)]
    if isinstance(found, (tuple, list)):
        return [p for v in found for p in _parts(v)]
    return [found]


# Ways to bring a value out of the record: each says so where a derivative would lack it.
def _by_assign(x):
    STATE.assign(x * 2)
    return ag.sum(STATE**2) + ag.sum(x)


def _by_item(x):
    STATE[0] = x[0]
    return ag.sum(STATE**2) + ag.sum(x)


def _by_item_unrecorded(x):
    with ag.no_grad():
        STATE[:] = x
    return ag.sum(STATE**2) + ag.sum(x)


def _unrecorded(x):
    with ag.no_grad():
        STATE.assign(x)
    return ag.sum(STATE**2) + ag.sum(x)


OUT = {
    "assign": _by_assign,
    "t[i] =": _by_item,
    "assign under no_grad": _unrecorded,
    "t[i] = under no_grad": _by_item_unrecorded,
    "float": lambda x: ag.sum(x) * float(x[0]),
    "item": lambda x: ag.sum(x) * x[0].item(),
    "tolist": lambda x: ag.sum(x * np.array(x.tolist())),
    "numpy": lambda x: ag.sum(x * x.numpy()),
    "np.asarray": lambda x: ag.sum(x * np.asarray(x)),
    "tensor": lambda x: ag.sum(x * ag.tensor(x)),
    "tensor of another dtype": lambda x: ag.sum(x * ag.tensor(x, np.float32)),
}


@pytest.mark.parametrize(
    "transform", [t for t in TRANSFORMS if t[:4] not in ("vmap", "jit ", "trac")]
)
@pytest.mark.parametrize("way", OUT)
def test_a_value_that_leaves_the_record_inside_a_transform_says_so(transform, way):
    STATE.assign(X)
    with pytest.raises((ag.NotDifferentiableError, ag.GraphError)):
        TRANSFORMS[transform](OUT[way], X)
    np.testing.assert_array_equal(STATE.numpy(), X)  # and nothing was written


@pytest.mark.parametrize("transform", [t for t in TRANSFORMS if t[:4] in ("vmap", "jit ", "trac")])
@pytest.mark.parametrize("way", ["assign", "t[i] =", "float", "item", "tolist", "numpy", "tensor"])
def test_and_in_captures(transform, way):
    with pytest.raises(ag.AutogradError):
        TRANSFORMS[transform](OUT[way], X)


def test_writes_that_cut_eagerly_are_refused_outside_of_no_grad():
    w, p = ag.tensor(X, requires_grad=True), ag.tensor(X)
    for values in (w, w * 2):
        with pytest.raises(ag.NotDifferentiableError, match=r"assign: .* carry a gradient.*detach"):
            p.assign(values)
        p.assign(values.detach())
        with ag.no_grad():
            p.assign(values)
            p[0] = values[0]
            w.assign(values)
    with ag.no_grad():
        w -= 0.1
        w[1] = w[0] * 2
    assert p.tolist() == [2.0, 4.0]


def test_the_state_of_a_step_is_written_inside_a_transform():
    """What a layer reads off is cut on purpose, under no_grad."""
    mean = ag.tensor(0.0)

    def loss(x):
        with ag.no_grad():
            mean.assign(0.5 * mean + 0.5 * ag.mean(x))
        return ag.sum(x * x)

    np.testing.assert_array_equal(ag.grad(loss)(X).numpy(), 2 * X)
    assert mean.item() == 0.75


def test_the_second_derivative_of_a_linear_function_is_zeros():
    p = {"a": X, "b": np.ones((2, 2))}
    linear = lambda p: ag.sum(3 * p["a"]) + ag.sum(p["b"])  # noqa: E731
    found = ag.hessian(linear)(p)
    assert all(not part.data.any() for part in _parts(found))
    assert found["a"]["b"].shape == (2, 2, 2)
    assert all(not part.data.any() for part in _parts(ag.hvp(linear)(p, p)))
    assert all(not p.data.any() for p in _parts(ag.jit(ag.hessian(linear), backend="numpy")(p)))
    half = lambda p: ag.sum(p["a"] ** 2) + ag.sum(p["b"])  # noqa: E731
    assert ag.hessian(half)(p)["a"]["a"].tolist() == [[2, 0], [0, 2]]


def test_an_output_that_ignores_what_others_depend_on_has_zeros():
    f = lambda x, y: {"a": x * y, "b": x, "c": ag.tensor(X)}  # noqa: E731
    found = ag.jacobian(f, (0, 1))(X, X)
    assert not found["b"][1].data.any()
    assert not found["c"][0].data.any()
    assert found["a"][1].tolist() == [[1, 0], [0, 2]]


def test_a_network_whose_weight_is_written_inside_a_hessian():
    import nn

    model = nn.Linear(2, 1, rng=np.random.default_rng(0), dtype=np.float64)

    def loss(w):
        model.weight.assign(w)
        return nn.functional.mse_loss(model(np.ones((3, 2))), np.zeros((3, 1)))

    for derive in (ag.grad, ag.jacobian, ag.hessian):
        with pytest.raises(ag.NotDifferentiableError, match="assign: the values"):
            derive(loss)(np.array([[1.0], [2.0]]))
