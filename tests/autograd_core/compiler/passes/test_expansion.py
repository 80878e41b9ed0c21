"""Composite primitives written out: as stable, and nearly the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.passes import expanded, simplified


def close(found, wanted):
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    tolerance = 1e-6 if found.dtype == np.float32 else 1e-14
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.fixture
def written_out(passes):
    def check(name, function, *args):
        before, after = passes.kept(expanded, function, *args, compare=close)
        assert name in passes.names(before)
        assert name not in passes.names(after)
        return after

    return check


def extremes(dtype):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(8, 5)) * 3).astype(dtype)
    x[0] = -np.inf  # a row without a finite element
    x[1, 2] = np.inf
    x[2, 0] = np.nan
    x[3] = 700.0  # beyond what exp takes
    x[4] = -800.0
    x[5, 1:] = -np.inf
    x[6] = 0.0
    return x


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("axis", [0, 1, None, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp(written_out, dtype, axis, keepdims):
    written_out(
        "logsumexp", lambda x: ag.logsumexp(x, axis=axis, keepdims=keepdims), extremes(dtype)
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_softmax_cross_entropy(written_out, dtype):
    x = extremes(dtype)[3:5]
    labels = np.array([1, -1]) % 5
    loss = ag.REGISTRY["softmax_cross_entropy"].function
    after = written_out("softmax_cross_entropy", loss, x, labels)
    assert after.outputs[0].dtype == dtype


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_affine(written_out, shape):
    rng = np.random.default_rng(1)
    written_out(
        "affine", ag.REGISTRY["affine"].function,
        rng.normal(size=shape), rng.normal(size=(3, 2)), rng.normal(size=2),
    )  # fmt: skip


def test_squared_distance(written_out):
    rng = np.random.default_rng(2)
    written_out(
        "squared_distance", ag.squared_distance, rng.normal(size=(2, 3)), rng.normal(size=3)
    )


@pytest.mark.parametrize("name", ["xdivy", "xlogy", "xlog1py"])
def test_a_zero_wins_over_a_pole(written_out, passes, name):
    x = passes.hostile
    with np.errstate(all="ignore"):
        written_out(name, ag.REGISTRY[name].function, x[:, None].copy(), x[None].copy())


@pytest.mark.parametrize("number", [2.0, 0.0, -0.0, np.inf, np.nan])
def test_a_quotient_by_a_number(written_out, passes, number):
    with np.errstate(all="ignore"):
        written_out("xdivy", lambda x: ag.REGISTRY["xdivy"].function(x, number), passes.hostile)


@pytest.mark.parametrize(
    "subscripts", ["i,i,ij->j", "ab,bc,cd->ad", "ab,cb,db->acd", "a,b,c->abc", "ab,ab,ab->"]
)
def test_products_of_three_are_two_by_two(passes, subscripts):
    rng = np.random.default_rng(3)
    sizes = dict(zip("abcdij", (2, 3, 4, 5, 3, 2), strict=True))
    arrays = [rng.normal(size=[sizes[c] for c in t]) for t in subscripts.split("->")[0].split(",")]
    _, after = passes.kept(expanded, lambda *xs: ag.einsum(subscripts, *xs), *arrays, compare=close)
    assert [len(s.operands) for s in after if s.primitive.name == "einsum_"] == [2, 2]


@pytest.mark.parametrize(
    "subscripts", ["b,ij,bj->bi", "b,bi,bj->ij", "bi,ij,bj->b", "i,j,jk->ik", "bi,bj,ij,b->b"]
)
def test_products_of_three_leave_nothing_larger_than_operands_and_result(passes, subscripts):
    rng = np.random.default_rng(3)
    sizes = {"b": 9, "i": 8, "j": 7, "k": 6}
    arrays = [rng.normal(size=[sizes[c] for c in t]) for t in subscripts.split("->")[0].split(",")]
    _, after = passes.kept(expanded, lambda *xs: ag.einsum(subscripts, *xs), *arrays, compare=close)
    result = subscripts.split("->")[1]
    largest = max([a.size for a in arrays] + [int(np.prod([sizes[c] for c in result], dtype=int))])
    assert all(np.prod(s.result.shape, dtype=int) <= largest for s in after)


def test_the_loss_and_its_gradient_share_what_they_have_in_common(passes):
    rng = np.random.default_rng(4)
    x, t = rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
    loss = ag.REGISTRY["softmax_cross_entropy"].function

    def derived(x, t):
        return ag.value_and_grad(lambda x: ag.mean(loss(x, t)))(x)

    _, after = passes.kept(lambda p: simplified(p)[0], derived, x, t, compare=close)
    assert passes.names(after).count("max") == 1


def test_names_and_dtypes_move_to_the_last_step(passes):
    def named(x):
        y = ag.logsumexp(x, axis=1)
        y.name = "total"
        return y

    _, after = passes.kept(expanded, named, np.ones((2, 3), np.float32), compare=close)
    assert after.outputs[0].name == "total"
    assert after.outputs[0].dtype == np.float32


@pytest.mark.usefixtures("declared")
def test_the_float_code_of_a_users_primitive_is_written_out(written_out, passes):
    @ag.primitive(
        ag.Elementwise(lambda s, x: s.log((s.exp(x) + s.exp(-x)) / 2)),
        vjp=lambda xp, g, y, x: g * xp.tanh(x),
    )
    def log_cosh(x: ag.ArrayLike):
        a = np.abs(x)  # its formula would overflow
        return a + np.log1p(np.exp(-2 * a)) - np.log(2.0)

    with np.errstate(over="ignore"):
        for x in (passes.hostile, passes.hostile.astype(np.float32)):
            written_out("log_cosh", log_cosh, x)


@pytest.mark.usefixtures("declared")
def test_float_code_that_asks_for_values_is_left_to_numpy(passes):
    @ag.primitive(ag.Elementwise(lambda s, x: x * x), vjp=lambda xp, g, y, x: g * 2 * x)
    def choosy(x: ag.ArrayLike):
        return x * x if np.asarray(x).all() else x * x * 1.0

    _, after = passes.kept(expanded, lambda x: choosy(x) + 1, passes.hostile)
    assert passes.names(after) == ["choosy", "add"]


def test_expanding_is_linear(passes):
    def long(x, count):
        for _ in range(count):
            x = ag.tanh(x)
        return x

    passes.assert_linear(expanded, long)
