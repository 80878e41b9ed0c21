from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag


def rosenbrock(w):
    return ag.sum(100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2)


def test_the_hessian_of_rosenbrock_is_the_published_one():
    x, y = -1.2, 1.0
    expected = [[1200 * x**2 - 400 * y + 2, -400 * x], [-400 * x, 200]]
    np.testing.assert_allclose(ag.hessian(rosenbrock)(np.array([x, y])).data, expected)


def test_hvp_is_the_hessian_times_the_vector(rng):
    w, v = rng.normal(size=5), rng.normal(size=5)
    np.testing.assert_allclose(
        ag.hvp(rosenbrock)(w, v).data, ag.hessian(rosenbrock)(w).data @ v, rtol=1e-10
    )


def test_hvp_takes_nested_arguments():
    f = lambda p, c: ag.sum(p["a"] ** 2) * p["b"] * c  # noqa: E731
    p, v = {"a": np.array([1.0, 2.0]), "b": 3.0}, {"a": np.array([1.0, 0.0]), "b": 1.0}
    found = ag.hvp(f)(p, 2.0, v)
    np.testing.assert_allclose(found["a"].data, [2 * 3 * 2 + 2 * 2 * 1, 2 * 2 * 2])
    np.testing.assert_allclose(found["b"].item(), 2 * 2)
    with pytest.raises(ag.ConfigError, match="vector"):
        ag.hvp(f)(p)


def test_piecewise_linear_functions_have_a_zero_hessian():
    assert not ag.hessian(lambda w: ag.sum(ag.absolute(w)))(np.ones(2)).data.any()
    assert not ag.hessian(lambda w: ag.sum(w))(np.ones(2)).data.any()


def test_a_hessian_of_unreasonable_size_is_refused_and_points_to_hvp():
    with pytest.raises(ag.ConfigError, match=r"80 GB.*ag\.hvp"):
        ag.hessian(lambda w: ag.sum(w**2))(np.ones(100_000))


@pytest.mark.parametrize("parts", [1, 1000])
def test_it_is_refused_before_anything_is_run_however_the_parameters_are_cut(parts):
    calls = []

    def loss(w):
        calls.append(w)
        return sum(ag.sum(part**2) for part in w)

    w = list(np.ones((parts, 100_000 // parts)))
    with pytest.raises(
        ag.ConfigError, match=r"hessian: 100,000 outputs by 100,000.*80 GB.*ag\.hvp"
    ):
        ag.hessian(loss)(w)
    assert not calls
    assert len(ag.hvp(loss)(w, w)) == parts


def test_the_size_is_that_of_all_outputs_in_their_own_dtypes():
    halves = [np.ones(3, np.float32), np.ones(2)]
    with pytest.raises(ag.ConfigError, match=r"25 numbers \(1\.4e-07 GB\)"):
        ag.hessian(lambda w: ag.sum(w[0]) * ag.sum(w[1]), max_entries=24)(halves)
    with pytest.raises(ag.ConfigError, match="8 outputs by 2 inputs"):
        ag.jacobian(lambda x: [x * 1 for _ in range(4)], max_entries=15)(np.ones(2))
    assert ag.hessian(lambda w: ag.sum(w**2), max_entries=4)(np.ones(2)).shape == (2, 2)


def test_several_arguments_are_as_a_nesting_of_them():
    a, b = np.array([1.0, 2.0]), np.array([3.0])

    def loss(a, b):
        return ag.sum(a**3) * b[0] ** 2

    both = ag.hessian(loss, argnums=(0, 1))(a, b)
    nested = ag.hessian(lambda w: loss(*w))((a, b))
    for row, due in zip(both, nested, strict=True):
        for found, expected in zip(row, due, strict=True):
            np.testing.assert_allclose(found.data, expected.data)
    with pytest.raises(ag.ConfigError, match="9 numbers"):
        ag.hessian(loss, argnums=(0, 1), max_entries=8)(a, b)
    for wrong in (2, -3, (0, 2), "a"):
        with pytest.raises(ag.ConfigError):
            ag.hessian(loss, argnums=wrong)(a, b)


@pytest.mark.parametrize("most", [0, -1, float("nan"), "all", None])
@pytest.mark.parametrize("transform", [ag.hessian, ag.jacobian])
def test_a_limit_that_is_none_is_refused(transform, most):
    with pytest.raises(ag.ConfigError, match="max_entries: expected a number of 1 or more"):
        transform(lambda w: ag.sum(w), max_entries=most)
    assert transform(lambda w: ag.sum(w**2), max_entries=float("inf"))(np.ones(2)).shape


def test_a_wrong_count_of_arguments_is_named():
    product, x = ag.hvp(lambda x: ag.sum(x * x)), np.ones(2)
    for args in ((x,), (x, x, x)):
        with pytest.raises(ag.ConfigError, match="hvp: expected the function's arguments and then"):
            product(*args)
