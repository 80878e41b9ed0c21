from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import GradcheckError
from autograd_core.primitives import REGISTRY


def planted(name, vjp):
    """The primitive with another rule, for the time of a test."""

    class Fault:
        def __enter__(self):
            self.right, REGISTRY[name].vjp = REGISTRY[name].vjp, vjp

        def __exit__(self, *_):
            REGISTRY[name].vjp = self.right

    return Fault()


def test_a_wrong_rule_is_found():
    wrong = planted("tanh", (lambda xp, g, y, x: g - g * y,))
    with wrong, pytest.raises(ag.GradcheckError, match=r"argument 0 at .*by the engine"):
        ag.gradcheck(ag.tanh, np.array([0.3, 0.4]))


def test_a_rule_right_in_value_but_cut_from_the_graph_is_found_at_second_order():
    with planted("exp", (lambda xp, g, y, x: g * xp.stop_gradient(y),)):
        assert ag.gradcheck(ag.exp, np.array([0.3, 0.4]))
        with pytest.raises(ag.GradcheckError):
            ag.gradgradcheck(ag.exp, np.array([0.3, 0.4]))


def test_only_float64_is_checked():
    with pytest.raises(ag.DTypeError, match="float64"):
        ag.gradcheck(ag.exp, np.ones(2, np.float32))
    assert ag.gradcheck(lambda x, n: x[n], np.ones(4), np.array([1, 1]))


def test_the_derivatives_in_the_message_are_those_of_what_it_names():
    def halved(x):  # its derivative is 2x, and half of that by the engine
        return ag.stop_gradient(x) * x

    with pytest.raises(
        GradcheckError, match=r"the derivative is 3\.0 by the engine and (6\.0|5\.9999)\d* by"
    ):
        ag.gradcheck(lambda x: ag.sum(halved(x)), np.array([3.0]))
    with pytest.raises(
        GradcheckError,
        match=r"the derivative of a weighted sum of the results \(weights by seed=4\) is",
    ):
        ag.gradcheck(halved, np.array([3.0, 4.0]), seed=4)


def test_nested_arguments_are_moved_and_named():
    p = {"w": np.array([[1.0, 2.0]]), "b": [np.array([0.5]), 3], "s": (np.float64(2.0), "text")}
    f = lambda p, k: ag.sum(p["w"] * p["b"][0] ** p["b"][1]) * p["s"][0] ** k  # noqa: E731
    assert ag.gradcheck(f, p, 2)
    assert ag.gradgradcheck(f, p, 2)

    def cut(p):
        return f({**p, "b": [ag.stop_gradient(p["b"][0]), 3]}, 2)

    with pytest.raises(ag.GradcheckError, match=r"argument 0\['b'\]\[0\] at \(0,\)"):
        ag.gradcheck(cut, p)
    # Numbers in a list are options, as an axis is.
    assert ag.gradcheck(lambda x, q: ag.quantile(x, q), np.array([1.0, 2.0, 4.0]), [0.3, 0.8])
    with pytest.raises(ag.DTypeError, match="nested in"):
        ag.gradcheck(lambda p: p[0], [np.float32(1.0)])
