"""New tensors of given shape, as NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

CALLS = [
    ("zeros", ((2, 3),), {}),
    ("zeros", (2,), {"dtype": np.float32}),
    ("zeros", ((),), {}),
    ("zeros", ([0, 2],), {"dtype": bool}),
    ("ones", (3,), {}),
    ("ones", ((2, 1),), {"dtype": int}),
    ("full", ((2, 3), 1.5), {}),
    ("full", ((2, 3), 7), {}),
    ("full", ((2, 3), np.arange(3.0)), {"dtype": np.float32}),
    ("arange", (4,), {}),
    ("arange", (0.0,), {}),
    ("arange", (1, 2, 0.25), {}),
    ("arange", (5, 0, -2), {"dtype": np.float32}),
    ("eye", (3,), {}),
    ("eye", (2, 3), {"k": 1}),
    ("eye", (3,), {"dtype": np.float32}),
    ("array", ([[1, 2], [3, 4]],), {}),
    ("array", (2.0,), {"dtype": np.float32}),
]


@pytest.mark.parametrize(("name", "args", "options"), CALLS)
def test_they_are_numpys_and_leaves_to_write_to(name, args, options):
    want = np.asarray(getattr(np, name)(*args, **options))
    t = getattr(ag, name)(*args, **options)
    np.testing.assert_array_equal(t.numpy(), want)
    assert t.dtype == want.dtype
    assert t.is_leaf
    assert not t.requires_grad
    with ag.no_grad():
        t.assign(np.ones(want.shape, want.dtype))
        t[...] = 0
    assert not t.data.any()
    if want.dtype.kind == "f":
        x = getattr(ag, name)(*args, **options, requires_grad=True, name="x")
        assert (x.requires_grad, x.is_leaf, x.name) == (True, True, "x")
        ag.sum(2 * x).backward()
        np.testing.assert_array_equal(x.grad.numpy(), np.full(want.shape, 2))
    # Inside of a compiled function they are constants.
    if want.dtype.kind in "fi" and want.ndim:
        add = lambda y: y + getattr(ag, name)(*args, **options)  # noqa: E731
        y = np.ones(want.shape, want.dtype)
        for run in (add, ag.jit(add, backend="numpy"), lambda y: ag.vmap(add)(y[None])[0]):
            np.testing.assert_array_equal(run(y).numpy(), 1 + want)


def test_an_array_of_tensors_is_a_stack_that_gradients_flow_through():
    f = lambda x: ag.sum(ag.array([[x[0], x[1] * 2], [0.0, x[0] ** 2]]))  # noqa: E731
    assert ag.grad(f)(np.array([3.0, 4.0])).tolist() == [7, 2]
    assert ag.array([ag.tensor(1.0), 2.0], dtype=np.float32).dtype == np.float32


def test_sizes_may_be_symbolic():
    n = ag.dims("n")
    n = n[0] if isinstance(n, tuple) else n
    program = ag.trace(lambda x: x + ag.zeros(x.shape) + ag.eye(x.shape[0]))(ag.Abstract((n, n)))
    assert program(np.ones((2, 2))).tolist() == [[2, 1], [1, 2]]


def test_saved_and_loaded_in_one_call_each(tmp_path):
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    ag.save(tmp_path / "w", {"w": w, "b": np.ones(2)})
    found = ag.load(tmp_path / "w")
    assert set(found) == {"w", "b"}
    np.testing.assert_array_equal(found["w"], [1, 2])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda p: ag.save({"w": np.ones(2)}, p),
            r"save: expected a path.*Write save\(path, arrays\)",
        ),
        (lambda p: ag.save(p, np.ones(2)), "save: expected a path and then a mapping"),
        (lambda p: ag.save(p, {"w": [[1.0], [1.0, 2.0]]}), "save: w: the values do not form"),
        (lambda p: ag.save(p, {"w": np.ones(2)}, "about"), "save: expected metadata as a mapping"),
        (lambda p: ag.save(p, {"w": None}), "save: w: dtype object"),
        (lambda p: ag.load({"w": 1}), "load: expected a path; received dict"),
        (lambda p: ag.load(None), "load: expected a path"),
        (lambda p: ag.load(p), "load: .*No such file"),
    ],
)
def test_what_cannot_be_saved_or_loaded_says_so(call, match, tmp_path):
    with pytest.raises(ag.AutogradError, match=match):
        call(str(tmp_path / "w"))
