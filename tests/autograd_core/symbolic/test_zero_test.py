"""One zero test, of entries and of expressions with indices: what it needs, it needs for both."""

from __future__ import annotations

import pytest
import sympy

from autograd_core.symbolic.atoms import Step
from autograd_core.symbolic.normal_form import NormalForm
from autograd_core.symbolic.polynomials import Budget
from autograd_core.symbolic.sums import IndexedForm
from autograd_core.symbolic.zero_test import ASKED, EDGE, KINK, ZeroTest

x, y = sympy.symbols("x y", real=True)
a, b = sympy.symbols("a b", positive=True)
CONSTANTS = {a: 0.1, b: 0.9}
FORMS = {"entries": NormalForm, "indices": IndexedForm}


def zero_test(form, terms=50_000, **options):
    budget = Budget(20, terms)
    steady = frozenset(CONSTANTS)

    def make(by_exp):
        return FORMS[form](budget, "sympy", steady, by_exp)

    return ZeroTest(budget, make, CONSTANTS, **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("got", "expected", "reading", "tried"),
    [
        ((x + y) ** 2, x**2 + 2 * x * y + y**2, "", 1),
        (a * (x + b), a * x + a * b, "", 1),
        (sympy.tanh(x), 1 - 2 / (sympy.exp(2 * x) + 1), "", 2),
        (a + b, sympy.S.One, "decimal", 2),
        ((a + b) * sympy.tanh(x), 1 - 2 / (sympy.exp(2 * x) + 1), "decimal", 4),
    ],
    ids=["as it stands", "any constants", "tanh by exp", "decimals", "both"],
)
def test_the_strongest_reading_that_proves_is_the_one_that_is_named(
    form, got, expected, reading, tried
):
    test = zero_test(form)
    outcome = test.equal(got, expected)
    assert outcome.proved
    assert not outcome.reason
    assert outcome.reading == reading
    assert len(test.forms) == tried


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_proved_of_what_differs_and_the_reason_says_how_it_failed(form):
    differs = zero_test(form).equal(x**2, x**3)
    assert (differs.proved, differs.reason) == (False, "")
    nowhere = zero_test(form).equal(sympy.S.ComplexInfinity, x)
    assert (nowhere.proved, nowhere.reason) == (False, "a division by zero")
    large = zero_test(form, terms=20).equal((x + y + a + b) ** 9, (x + y + a + b) ** 8)
    assert (large.proved, large.large) == (False, True)


@pytest.mark.parametrize("form", FORMS)
def test_a_gradient_that_divides_by_what_is_zero_on_an_open_set_is_not_proved(form):
    dead = x * Step(x)
    test = zero_test(form, forward=x, further=[("!=", dead)])
    outcome = test.equal(x, x)
    assert outcome.gap
    assert not outcome.proved
    assert "zero on an open set" in outcome.reason
    assert zero_test(form, forward=1 / dead, asked=[("!=", dead)]).equal(x, x).proved


@pytest.mark.parametrize("form", FORMS)
def test_what_is_left_out_is_that_of_the_forms_and_of_all_that_was_asked(form):
    asked = [(">", y)]
    test = zero_test(form, asked=asked)
    assert test.equal(Step(x) + Step(-x), sympy.S.One).proved
    # One kink, by both of its steps; of which one is shown.
    assert test.left_out == {KINK: {x, -x}, EDGE: set(), ASKED: tuple(asked)}
    assert test.excluded == ["x = 0"]
    assert test.domain == ["y > 0"]
