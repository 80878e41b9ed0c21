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


def test_a_wrong_count_of_arguments_is_named():
    product, x = ag.hvp(lambda x: ag.sum(x * x)), np.ones(2)
    for args in ((x,), (x, x, x)):
        with pytest.raises(ag.ConfigError, match="hvp: expected the function's arguments and then"):
            product(*args)
