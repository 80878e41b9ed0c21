"""The first steps of every optimizer, in exact numbers by its own rule, are those that it makes on floats."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError
from optim.contract import every_optimizer, every_transform, variants
from optim.derivations.golden import first_steps, step_from

START = [[Fraction(3, 2), Fraction(-1, 4)]]
# A derivative that keeps its sign, one that turns, and one that is 0 once.
GRADIENTS = ([[2, -1]], [[1, Fraction(1, 2)]], [[Fraction(1, 2), 0]])
LOSSES = (3, Fraction(7, 2), 1)
DEAR = {optim.LAMB}  # whose numbers are roots of roots: ten seconds
CASES = [
    pytest.param(
        kind, options,
        id=f"{kind.__name__}-{n}",
        marks=()
        if n < (len(kind.examples) if kind.scope == "element" else 1) and kind not in DEAR
        else pytest.mark.slow,
    )
    for kind in every_optimizer()
    for n, options in enumerate(variants(kind))
]  # fmt: skip


def leaf():
    return ag.tensor(np.array(START, float), requires_grad=True)


def on_floats(kind, options):
    """Parameter and slots after each step, as anybody makes one."""
    w, found = leaf(), []
    optimizer = kind([w], **options)
    for g, loss in zip(GRADIENTS, LOSSES, strict=True):
        optimizer.zero_grad()
        ag.sum(w * np.array(g, float)).backward()
        optimizer.step(float(loss))
        found.append((w.numpy().copy(), *(a.copy() for a in optimizer.slots_of(w).values())))
    return found


def close(exact, floats):
    for a, b in zip(exact, floats, strict=True):
        values = np.reshape([float(sympy.sympify(x).evalf(30)) for x in np.ravel(a)], np.shape(b))
        np.testing.assert_allclose(b, values, rtol=1e-12, atol=1e-13)


def compared(kind, options):
    rule = kind([leaf()], **options).param_groups[0].rule
    if (
        rule.scope != "element"
    ):  # roots of sums: powers of e beside them are more than sympy can carry
        options = {
            name: float(value(0)) if isinstance(value, optim.Schedule) else value
            for name, value in options.items()
        }
    floats, optimizer = on_floats(kind, options), kind([leaf()], **options)
    assert len(floats) == 3
    if rule.scope == "element":
        exact = first_steps(optimizer, START, GRADIENTS, LOSSES)
    else:  # each step from where the floats are, which are rational numbers
        exact = first_steps(optimizer, START, GRADIENTS[:1], LOSSES[:1])
        for k in (1, 2):
            exact.append(step_from(optimizer, floats[k - 1], GRADIENTS[k], k + 1, LOSSES[k]))
    for step, seen in zip(exact, floats, strict=True):
        close(step, seen)


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_three_steps_on_rationals_are_those_on_floats(kind, options):
    compared(kind, options)


@pytest.mark.parametrize("transform", every_transform(), ids=lambda t: t.__name__)
def test_with_each_transform_around_it(transform):
    for example in transform.examples:
        compared(optim.SGD, {"lr": 0.5, "transforms": [transform(**example)]})


def test_a_fault_in_the_step_is_seen(monkeypatch):
    """What is compared is not one and the same: a step that is off is off from the exact one."""
    exact = first_steps(optim.SGD([leaf()], lr=0.5), START, GRADIENTS)
    update = optim.SGD.update
    wrong = staticmethod(lambda theta, g, *slots, **o: update(theta, 1.0001 * g, *slots, **o))
    monkeypatch.setattr(optim.SGD, "update", wrong)
    floats = on_floats(optim.SGD, {"lr": 0.5})
    assert abs(float(exact[0][0][0, 0]) - floats[0][0][0, 0]) > 1e-5


def test_rational_rules_give_rationals_and_shapes_are_those_of_theta():
    optimizer = optim.SGD([leaf()], lr=0.1, momentum=0.9)
    steps = first_steps(optimizer, START, GRADIENTS)
    assert all(x.is_Rational for step in steps for a in step for x in a.ravel())
    assert steps[0][0].tolist() == [[sympy.Rational(13, 10), sympy.Rational(-3, 20)]]
    assert leaf().numpy().tolist() == np.array(START, float).tolist()
    assert optimizer.updates == 0


def test_a_rule_that_compares_losses_needs_them():
    optimizer = optim.Rprop([leaf()], form="irprop+")
    with pytest.raises(ConfigError, match="Rprop compares losses"):
        first_steps(optimizer, START, GRADIENTS)
    assert len(first_steps(optimizer, START, GRADIENTS, LOSSES)) == 3


def test_one_number_and_no_gradient():
    optimizer = optim.SGD([leaf()], lr=0.5)
    ((w,),) = first_steps(optimizer, Fraction(1, 3), [Fraction(1, 3)])
    assert w.item() == sympy.Rational(1, 6)
    assert first_steps(optimizer, 1, []) == []


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ConfigError, match=r"expected gradients of shape \(1, 2\).*for step 2"):
        first_steps(optim.SGD([leaf()], lr=0.5), START, [[[1, 1]], [1, 2]])
