"""A gradient that a compiled step returns is a value, as eager `grad` gives it, and can be fed back."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import autograd_core as ag


def square(state):
    return ag.sum(state["a"] ** 2)


TRANSFORMS = {
    "grad": lambda s: ag.grad(square)(s)["a"],
    "value_and_grad": lambda s: ag.value_and_grad(square)(s),
    "hessian": lambda s: ag.hessian(square)(s)["a"]["a"],
    "jacobian": lambda s: ag.jacobian(lambda a: a**2)(s["a"]),
    "a step": lambda s: {k: s[k] - 0.1 * g for k, g in ag.grad(square)(s).items()},
    "grad of grad": lambda s: ag.grad(lambda t: ag.sum(ag.grad(square)(t)["a"]))(s)["a"],
    "vmap of grad": lambda s: ag.vmap(ag.grad(lambda a: a**3))(s["a"]),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_it_requires_no_gradient_where_eager_requires_none(name):
    from autograd_core.trees import flatten

    function, state = TRANSFORMS[name], {"a": np.arange(1.0, 4.0)}
    eager, compiled = (flatten(f(state))[0] for f in (function, ag.jit(function)))
    for a, b in zip(eager, compiled, strict=True):
        assert not a.requires_grad
        assert not b.requires_grad
        assert b.is_leaf
        np.testing.assert_allclose(np.asarray(b), np.asarray(a))


def test_steps_that_are_fed_back_grow_no_graph():
    step, state = ag.jit(TRANSFORMS["a step"]), {"a": np.arange(1.0, 4.0)}
    for _ in range(5):
        state = step(state)
        assert state["a"].is_leaf
    np.testing.assert_allclose(np.asarray(state["a"]), np.arange(1.0, 4.0) * 0.8**5)


def test_it_requires_one_where_something_outside_does():
    w = ag.tensor([2.0, 3.0, 4.0], requires_grad=True)
    step = ag.jit(lambda x: ag.grad(lambda a: ag.sum(a * a * w))(x))
    found = step(np.ones(3))
    assert found.requires_grad
    ag.sum(found).backward()
    np.testing.assert_allclose(np.asarray(w.grad), [2.0, 2.0, 2.0])


@pytest.mark.parametrize("backend", ["native", "numpy"])
@pytest.mark.parametrize("trained", [False, True])
def test_a_gradient_may_be_written_inside_of_the_step_as_in_eager_mode(backend, trained):
    """Descent by hand: what `grad` gives is a value, so that nothing is cut by writing it."""
    if backend == "native":
        pytest.importorskip("llvmlite")
    w, seen = ag.tensor(np.ones(3), requires_grad=trained), ag.tensor(np.zeros(()))

    def step(x):
        value, g = ag.value_and_grad(lambda w: ag.sum(ag.square(w * x)))(w.detach())
        seen.assign(seen + value)
        with ag.no_grad() if trained else contextlib.nullcontext():
            w.assign(w - 0.1 * g)
        return ag.hvp(lambda w: ag.sum(w**3 * x))(w.detach(), np.ones(3))

    found = []
    for run in (step, ag.jit(step, backend=backend)):
        with ag.no_grad():
            w.assign(np.ones(3))
            seen.assign(0.0)
        curvatures = [run(np.arange(3.0)) for _ in range(3)]
        found.append([w.numpy(), seen.numpy(), *map(np.asarray, curvatures)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)
