"""The example at the head of `normal_form` is what the code does."""

from __future__ import annotations

import sympy

from autograd_core.symbolic.normal_form import NormalForm
from autograd_core.symbolic.polynomials import Budget


def test_two_ways_to_write_a_sigmoid_are_one_polynomial():
    x = sympy.Symbol("x", real=True)
    form = NormalForm(Budget(60.0, 10_000))
    left = form.form(sympy.exp(x) / (1 + sympy.exp(x)))
    right = form.form(1 / (1 + sympy.exp(-x)))
    assert [atom.kind for atom in form.atoms] == ["symbol", "exp", "denominator"]
    assert left == right == {((1, 1), (2, -1)): 1}
    assert form.form(sympy.exp(-x)) == {((1, -1),): 1}
    assert form.atoms[2].argument == {(): 1, ((1, 1),): 1}
    assert form.difference(left, right) == {}
    assert not form.nonzero_where
