"""Equations between what the library's code gives on symbols."""

import pytest
import sympy

import autograd_core as ag
from autograd_core.errors import ProofError
from autograd_core.symbolic import arrays, prove, scalar
from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.equations import OnSymbols, equation

x, y = sympy.symbols("x y", real=True)
p, q = sympy.symbols("p q", positive=True)
k = sympy.Symbol("k", integer=True, nonnegative=True)


def test_a_function_of_the_library_runs_on_expressions():
    both = OnSymbols(lambda a, b: (ag.tanh(a) * b, a / 3))
    assert both(x, 2) == (2 * sympy.tanh(x), x / 3)
    assert both.rules.keys() == {"tanh", "multiply", "divide"}
    assert both(y, p) == (p * sympy.tanh(y), y / 3)


def test_its_gradient_does_too():
    slope = OnSymbols(ag.grad(lambda w, a: ag.exp(a * w)))
    assert equation("chain", slope(x, y)[0], y * sympy.exp(x * y)).status == "PROVED"


def test_a_float_constant_is_refused_rather_than_read_as_something_else():
    with pytest.raises(ProofError, match=r"float constants 0\.1"):
        OnSymbols(lambda a: a + 0.1)(x)


@pytest.mark.parametrize("text", ["x + 1", "__import__('os')"])
def test_text_is_never_read_as_an_expression(text):
    with pytest.raises(sympy.SympifyError):
        equation("text", text, x)
    with pytest.raises(sympy.SympifyError):
        OnSymbols(ag.exp)(text)


def test_a_mapping_is_an_equation_for_each_name():
    verdict = equation("two", {"a": x + x, "b": x}, {"a": 2 * x, "b": -x})
    assert {name: leaf.status for name, leaf in verdict.leaves.items()} == {
        "a": "PROVED", "b": "REFUTED",
    }  # fmt: skip
    assert verdict.status == "REFUTED"
    assert verdict.witness.entry == "b"
    with pytest.raises(ProofError, match="the sides have a and b"):
        equation("two", {"a": x}, {"b": x})


def test_powers_of_any_real_base():
    assert equation("k + 1", (x - y) ** (k + 1), (x - y) * (x - y) ** k).status == "PROVED"
    assert equation("one base", (x * y - x) ** k, (x * (y - 1)) ** k).status == "PROVED"
    assert equation("positive bases", (p * q) ** k, p**k * q**k).status == "PROVED"


def test_a_counterexample_is_at_a_whole_number():
    verdict = equation("k", x**k, k * x)
    assert verdict.status == "REFUTED"
    assert verdict.witness.point["k"].denominator == 1
    assert verdict.scope == "for every x real, k = 0, 1, …"
    # sin(πk) is 0 at every whole number, and nowhere else.
    assert equation("not refuted", sympy.sin(sympy.pi * k), 0).status != "REFUTED"


def test_the_first_whole_numbers_do_not_prove():
    cubic = (k - 1) * (k - 2) * (k - 3)
    assert equation("vanishes at 1, 2, 3", cubic * x, 0 * x).status == "UNDECIDED"


def test_a_point_that_is_given_refutes_and_never_proves():
    verdict = equation("square", x**2, x, at={x: sympy.Rational(1, 2)})
    assert verdict.status == "REFUTED"
    assert verdict.witness.point == {"x": sympy.Rational(1, 2)}
    assert equation("square", x**2, x, at={x: 1}).status == "UNDECIDED"
    assert equation("true", x + x, 2 * x, at={x: 1}).status == "UNDECIDED"


def test_scope_facts_and_exclusions_are_recorded():
    verdict = equation("step", Step(x) * x, (x + sympy.Abs(x)) / 2, given=["a fact"])
    assert verdict.status == "PROVED"
    assert list(map(str, verdict.facts)) == ["a fact"]
    assert verdict.excluded == ("x = 0",)
    assert equation("division", x / y * y, x).domain == ()  # sympy itself cancels
    assert equation("division", 1 / (x + y), 1 / (y + x)).domain == ("x + y != 0",)


def test_a_positive_scalar_is_positive_at_a_fixed_shape_too():
    a, (z,) = scalar("a", positive=True), arrays("z:2")
    whole = prove.equal(ag.absolute(a) * z, a * z, wrt=[a, z], method="EXACT")
    assert whole.status == "PROVED"
    false = prove.equal(ag.exp(a) * z, z, wrt=[a, z], method="EXACT")
    assert false.witness.point["a"] > 0
