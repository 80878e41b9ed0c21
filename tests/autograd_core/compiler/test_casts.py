"""Casts are the same everywhere: eager, the NumPy backend, native code, alone and in vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd_core as ag
import optim
from autograd_core.errors import DTypeError

INTEGERS = [np.dtype(c) for c in "bhilBHIL"]
FLOATS = [np.dtype(c) for c in "efd"]


def numbers(dtype):
    """Floats of a dtype around every limit of every integer dtype, and what is no number."""
    found = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.7, -2.7, 44.3, 300.7, -300.7, 1e3, -1e3, 1e6, 1e12]
    found += [np.inf, -np.inf, np.nan, float(np.finfo(dtype).max), -float(np.finfo(dtype).max)]
    for bits in (7, 8, 15, 16, 31, 32, 63, 64):
        for sign in (1, -1):
            found += [sign * 2.0**bits, sign * (2.0**bits - 1), sign * (2.0**bits + 1)]
            with np.errstate(over="ignore"):
                edge = dtype.type(sign * 2.0**bits)
            found += [float(np.nextafter(edge, dtype.type(0))), float(edge)]
    with np.errstate(over="ignore"):
        return np.array(found).astype(dtype)


def whole(x, dtype):
    """By Python's integers: toward zero, then to the nearest that fits."""
    limits = np.iinfo(dtype)
    if math.isnan(x):
        return 0
    if math.isinf(x):
        return int(limits.max if x > 0 else limits.min)
    return min(max(math.trunc(x), int(limits.min)), int(limits.max))


@pytest.mark.parametrize("old", FLOATS)
def test_floats_that_do_not_fit(old, backend):
    x = numbers(old)
    wanted = [np.array([whole(float(v), new) for v in x], new) for new in INTEGERS]

    def casts(x):
        return [ag.cast(x, new) for new in INTEGERS]

    for new, w in zip(INTEGERS, wanted, strict=True):
        np.testing.assert_array_equal(ag.cast(x, new).numpy(), w)
        np.testing.assert_array_equal(ag.tensor(x).astype(new).numpy(), w)
        np.testing.assert_array_equal(ag.tensor(x, dtype=new).numpy(), w)
    step, one = (ag.jit(casts, backend=backend) for _ in range(2))
    for found, w in zip(step(x), wanted, strict=True):
        np.testing.assert_array_equal(found.numpy(), w)
    for i, v in enumerate(x):
        assert [t.item() for t in one(v)] == [t.item() for t in casts(v)] == [w[i] for w in wanted]


@pytest.mark.parametrize("old", [*INTEGERS, *FLOATS, np.dtype(bool)])
def test_every_pair_of_dtypes_in_vectors_and_alone(old, backend):
    given = [np.arange(n).astype(old) for n in (1, 3, 17)]

    def casts(*xs):
        return [ag.cast(x, new) for x in xs for new in (*INTEGERS, *FLOATS, np.dtype(bool))]

    for found, wanted in zip(ag.jit(casts, backend=backend)(*given), casts(*given), strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())


@pytest.mark.parametrize("dtype", ["e", "g"])
def test_what_native_code_does_not_compute_with_it_moves(dtype, backend):
    for n in (1, 3, 8, 17, 70):
        x = np.linspace(-2, 3, n).astype(dtype)
        for function in (
            lambda t: t * 1,
            lambda t: ag.cast(t, t.dtype),
            lambda t: ag.reshape(t, (1, -1)),
            lambda t: ag.concatenate([t, t[::-1]]),
            lambda t: t * 0.1 + t / 3,
        ):
            found, wanted = ag.jit(function, backend=backend)(x), function(ag.tensor(x))
            assert found.dtype == wanted.dtype == x.dtype
            np.testing.assert_array_equal(found.numpy(), wanted.numpy())


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda p: optim.Adam(p, eps=1e-4),  # the default is 0 there, and refused
    ],
)
def test_steps_in_float16_are_eagers(make, backend):
    """A learning rate takes the dtype of what it meets, in NumPy's calls as in eager mode."""

    def run(wrap):
        p = ag.tensor(np.array([1.0, 2.0, -0.7], np.float16), requires_grad=True)
        opt = make([p])

        def step(x):
            opt.zero_grad()
            loss = ag.sum(ag.tanh(p * x) ** 2)
            loss.backward()
            opt.step()
            return loss

        call = wrap(step)
        losses = [call(np.ones(3, np.float16)).item() for _ in range(5)]
        return losses, p.tolist()

    assert run(lambda f: ag.jit(f, backend=backend)) == run(lambda f: f)


def test_a_write_of_another_kind_is_refused_as_in_eager_mode(backend):
    def writes(target):
        def step(x):
            with ag.no_grad():
                target.assign(x)
            return x

        return step

    for old, new in (("d", "l"), ("d", "?"), ("l", "L"), ("e", "b")):
        target = ag.tensor(np.ones(2, new))
        for call in (writes(target), ag.jit(writes(target), backend=backend)):
            with pytest.raises(DTypeError, match="assign: expected dtype"):
                call(np.ones(2, old))
    narrow = ag.tensor(np.ones(2, np.float32))
    ag.jit(writes(narrow), backend=backend)(np.full(2, 0.1))
    assert narrow.tolist() == np.full(2, 0.1, np.float32).tolist()
