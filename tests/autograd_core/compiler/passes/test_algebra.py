"""Cheaper forms, a row each: the same numbers, or no other form."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.compiler.passes import alive, cleaned

# A function, and the steps that are left of it.
ROWS = {
    "x · 1": (lambda x: x * 1, []),
    "1 · x": (lambda x: 1.0 * x, []),
    "x · -1": (lambda x: x * -1, ["negative"]),
    "-1 · x": (lambda x: -1.0 * x, ["negative"]),
    "x · x": (lambda x: x * x, ["square"]),
    "x + -y": (lambda x: ag.exp(x) + -x, ["exp", "subtract"]),
    "-y + x": (lambda x: -x + ag.exp(x), ["exp", "subtract"]),
    "x - 0": (lambda x: x - 0, []),
    "x - 0.0": (lambda x: x - 0.0, []),
    "x - -y": (lambda x: ag.exp(x) - -x, ["exp", "add"]),
    "x / 1": (lambda x: x / 1, []),
    "- -x": (lambda x: -ag.negative(x), []),
    "x¹": (lambda x: x**1, []),
    "x²": (lambda x: x**2, ["square"]),
    "x^½": (lambda x: x**0.5, ["sqrt"]),
    "1 / x": (lambda x: x**-1, ["divide"]),
    "cast to its own dtype": (lambda x: ag.cast(x, np.float64), []),
    "where of two equal": (lambda x: ag.where(x > 0, x, x), []),
}  # fmt: skip
# What looks like a rule, and does not hold for every float or every dtype.
KEPT = {
    "x - x": lambda x: x - x,
    "0 · x": lambda x: x * 0,
    "0 · x of floats": lambda x: x * 0.0,
    "x + 0": lambda x: x + 0.0,
    "x - -0.0": lambda x: x - (-0.0),
    "0 - x": lambda x: 0.0 - x,
    "x / x": lambda x: x / x,
    "x^0": lambda x: x**0,
    "where of two equal, spread": lambda x: ag.where(x[:, None] > 0, x, x),
    "max(x, x)": lambda x: ag.maximum(x, x),
}


def clean(program):
    return alive(cleaned(program))


@pytest.mark.parametrize("row", ROWS)
def test_row(passes, row):
    function, left = ROWS[row]
    with np.errstate(over="ignore"):
        single = passes.hostile.astype(np.float32)
    for x in (passes.hostile, single):
        if x is single and "cast" in row:
            continue
        _, after = passes.kept(clean, function, x)
        assert passes.names(after) == left


@pytest.mark.parametrize("power", [3, 4])
def test_small_powers_are_products_within_two_ulp(passes, power):
    x = np.concatenate([passes.hostile, np.linspace(-3, 3, 41)])

    def close(found, wanted):
        np.testing.assert_allclose(found, wanted, rtol=4e-16, atol=5e-324)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))

    _, after = passes.kept(clean, lambda x: x**power, x, compare=close)
    assert "power" not in passes.names(after)


@pytest.mark.parametrize("row", KEPT)
def test_what_is_no_rule_is_kept(passes, row):
    before, after = passes.kept(clean, KEPT[row], passes.hostile)
    assert passes.names(after) == passes.names(before)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32])
def test_rules_keep_the_dtype(passes, dtype):
    x = np.array([0, 1, 2, 3, 100], dtype)
    functions = [lambda x: x * 1, lambda x: x / 1, lambda x: x * 1.0, lambda x: x - 0, lambda x: x - 0.0,
                 lambda x: x * True, lambda x: x * x, lambda x: x**2, lambda x: x + -x,
                 lambda x: ag.cast(x, np.float64)]  # fmt: skip
    for function in functions:
        passes.kept(clean, function, x)


def test_booleans_keep_their_own_arithmetic(passes):
    passes.kept(clean, lambda b: (b * b, b * True, ag.where(b, b, b)), np.array([True, False]))


def test_weak_numbers_are_left_alone(passes):
    x = np.ones(2, np.float32)
    before, after = passes.kept(clean, lambda x, s: (x * (s * 1), x * (s * s)), x, 0.3)
    assert len(after) == len(before)


def test_a_new_form_stands_in_the_old_ones_scope_and_phase(passes):
    def derived(x):
        return ag.grad(lambda x: ag.sum(x**2))(x)

    before, after = passes.kept(clean, derived, passes.hostile)
    assert {s.backward for s in after} == {True}
    assert len(after) <= len(before)


def test_names_move_to_the_new_form(passes):
    def named(x):
        y = x * x
        y.name = "y"
        return y

    _, after = passes.kept(clean, named, np.ones(3))
    assert after.outputs[0].name == "y"


def test_cleaning_is_linear(passes):
    def long(x, count):
        for _ in range(count // 3):
            x = ag.tanh(x) + -x
        return x

    passes.assert_linear(cleaned, long)
