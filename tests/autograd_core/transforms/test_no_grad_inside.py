"""What `no_grad` and `detach` cut inside a function stays cut, whatever the function is recorded by."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.program import Program

W = ag.tensor([1.0, -2.0, 3.0])


def half(w):
    with ag.no_grad():
        s = ag.sin(w)
    return ag.sum(w * s)


def all_of_it(w):
    with ag.no_grad():
        return ag.sum(ag.cos(w))


def inside_out(w):
    with ag.no_grad():
        s = ag.square(w)
        with ag.enable_grad():
            t = w * s
    return ag.sum(t * w)


def detached(w):
    return ag.sum(w * (2 * w).detach())


def of_a_gradient(w):
    with ag.no_grad():
        g = ag.grad(lambda v: ag.sum(v**3))(w)
    return ag.sum(w * g)


def of_a_tangent(w):
    with ag.no_grad():
        v, t = ag.jvp(ag.sin, (w,), (w,))
        j = ag.sum(ag.jacobian(ag.cos)(w) @ w)
    return ag.sum(w * v * t) * j


def by_a_view(w):
    with ag.no_grad():
        s = ag.reshape(w, (3, 1)).T
    return ag.sum(w * s)


CUT = [half, all_of_it, inside_out, detached, of_a_gradient, of_a_tangent, by_a_view]
RECORDED = {
    "vmap": lambda f: lambda w: ag.sum(ag.vmap(f)(ag.stack([w, 2 * w]))),
    "vmap of what is closed over": lambda f: (
        lambda w: ag.sum(ag.vmap(lambda x: f(w) * x)(np.arange(2.0)))
    ),
    "scan": lambda f: lambda w: ag.scan(lambda c, x: (c + x * f(w), None), 0.0, np.ones(3))[0],
    "scan of the carry": lambda f: (
        lambda w: ag.sum(ag.scan(lambda c, x: (c * x + f(c), None), w, np.full(3, 0.1))[0])
    ),
    "scan of slices": lambda f: (
        lambda w: ag.sum(ag.scan(lambda c, x: (c, f(x)), 0.0, ag.stack([w, w]))[1])
    ),
    "trace": lambda f: lambda w: ag.trace(f)(W).as_function()(w),
    "nested": lambda f: lambda w: ag.sum(ag.vmap(ag.trace(f)(W).as_function())(ag.stack([w, w]))),
}
PLAIN = {
    "vmap": lambda f: lambda w: f(w) + f(2 * w),
    "vmap of what is closed over": lambda f: f,
    "scan": lambda f: lambda w: 3 * f(w),
    "scan of slices": lambda f: lambda w: 2 * f(w),
    "trace": lambda f: f,
    "nested": lambda f: lambda w: 2 * f(w),
}


def _carried(f):
    def loop(w):
        for _ in range(3):
            w = w * 0.1 + f(w)
        return ag.sum(w)

    return loop


PLAIN["scan of the carry"] = _carried


@pytest.mark.parametrize("how", RECORDED)
@pytest.mark.parametrize("f", CUT)
def test_what_is_cut_stays_cut(f, how):
    recorded, plain = RECORDED[how](f), PLAIN[how](f)
    np.testing.assert_allclose(recorded(W).item(), plain(W).item(), rtol=1e-12)
    found, due = (ag.grad(g, unreachable="zero")(W).numpy() for g in (recorded, plain))
    np.testing.assert_allclose(found, due, rtol=1e-12, atol=1e-12)
    found, due = (ag.hessian(lambda w, g=g: g(w) + 0 * ag.sum(w))(W) for g in (recorded, plain))
    np.testing.assert_allclose(found.numpy(), due.numpy(), rtol=1e-12, atol=1e-12)


def test_a_program_says_where_gradients_end():
    text = str(ag.trace(half)(W))
    assert text.count("stop_gradient") == 1
    # Nothing is said where there is nothing to stop.
    assert "stop_gradient" not in str(ag.trace(lambda w: ag.sum(ag.sin(w)))(W))


def test_what_was_derived_of_a_loop_goes_with_it():
    loss = ag.grad(lambda w: ag.sum(ag.scan(lambda c, x: (ag.tanh(c * w + x), c), w, W)[1]))
    loss(1.0)
    gc.collect()
    before = sum(type(o) is Program for o in gc.get_objects())
    for _ in range(3):
        loss(1.0)
    gc.collect()
    assert sum(type(o) is Program for o in gc.get_objects()) <= before
