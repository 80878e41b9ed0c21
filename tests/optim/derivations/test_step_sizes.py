"""robbins_monro: a verdict on both sums for every schedule there is, put together and of one's own."""

from __future__ import annotations

import pytest

import autograd_core as ag
import optim
from autograd_core.errors import ConfigError
from optim.contract import every_schedule
from optim.derivations.step_sizes import robbins_monro
from optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    Joined,
    Linear,
    OneCycle,
    Polynomial,
    Power,
    Quadratic,
    Ramp,
    Schedule,
    Step,
    WarmRestarts,
    WarmUp,
)

GOOD, SHORT, LONG = ("PROVED", "PROVED"), ("REFUTED", "PROVED"), ("PROVED", "REFUTED")


def verdicts(schedule):
    found = robbins_monro(schedule)
    return found.steps.status, found.squares.status


def of(formula):
    class Own(Schedule):
        def __call__(self, k):
            return formula(k)

    return Own()


@pytest.mark.parametrize(
    "schedule",
    [kind(**options) for kind in every_schedule() for options in kind.examples],
    ids=repr,
)
def test_every_schedule_of_the_house_is_decided(schedule):
    found = robbins_monro(schedule)
    assert "UNDECIDED" not in (found.steps.status, found.squares.status)
    assert found.steps.argument in str(found)
    # What it says of the tail agrees with what the numbers do between 10⁶ and 10¹².
    at = [float(schedule(k)) for k in (10**6, 10**12)]
    if found.steps.status == "REFUTED":
        assert at[1] * 1e12 <= max(at[0] * 1e6, 1e-300)
    if found.squares.status == "REFUTED":
        assert max(float(schedule(10**12 + n)) for n in range(8)) > 1e-8


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Linear(0.1), GOOD), (0.5 * Linear(0.1), GOOD), (Linear(0.1).epochs(100), GOOD),
        (Linear(0.0), SHORT), (Quadratic(0.1), SHORT), (Exponential(0.1, 0.01), SHORT), (Constant(0.1), LONG),
        (Power(0.1, 0.5), LONG), (Power(0.1, 0.51), GOOD), (Power(0.1, 1.0), GOOD), (Power(0.1, 1.01), SHORT),
        (InverseSqrt(0.1, 100), LONG), (Step(0.1, every=100), SHORT), (Step(0.1, every=100, factor=1.0), LONG),
        (Cosine(0.1, 100), SHORT), (Cosine(0.1, 100, final=0.01), LONG), (Ramp(1.0, 0.0, 100), SHORT),
        (Polynomial(0.1, 100, power=0.3), SHORT), (OneCycle(0.1, 100), LONG), (OneCycle(0.0, 100), SHORT),
        (WarmRestarts(0.1, 10), LONG), (WarmRestarts(0.1, 10, multiply=2), LONG), (WarmRestarts(0.0, 10), SHORT),
        (WarmUp(Linear(0.1), 1000), GOOD), (Constant(0.1).then(Linear(0.1), 10**6), GOOD),
        (Linear(0.1).then(Constant(0.0), 10**6), SHORT),
        pytest.param(WarmUp(WarmRestarts(0.1, 3, 2), 5).epochs(10), LONG, marks=pytest.mark.slow),  # five seconds
        (Joined(Linear(0.1), Joined(Quadratic(0.1), Power(0.1, 0.6), 5), 5).epochs(3) * 2.0, GOOD),
    ],
    ids=repr,
)  # fmt: skip
def test_one_of_the_house_and_several_put_together(schedule, expected):
    assert verdicts(schedule) == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (lambda k: 1 / ((k + 2) * ag.log(k + 2)), GOOD),
        (lambda k: 1 / ((k + 2) * ag.log(k + 2) ** 2), SHORT),
        (lambda k: 1 / ((k + 3) * ag.log(k + 3) * ag.log(ag.log(k + 3))), GOOD),
        (lambda k: ag.log(k + 2) / (k + 2), GOOD),
        (lambda k: ag.sqrt(ag.log(k + 2) / (k + 2)), LONG),
        (lambda k: 1 / ag.sqrt((k + 2) * ag.log(k + 2)), LONG),
        (lambda k: 1 / (ag.sqrt(k + 2) * ag.log(k + 2)), GOOD),
        (lambda k: (2 + ag.sin(k)) / (k + 1), GOOD),
        (lambda k: 1 / (k + 1) - 1 / (k + 2), SHORT),
        (lambda k: ag.exp(-ag.sqrt(k)), SHORT),
        (lambda k: 0.99**k, SHORT),
        (lambda k: ag.where(ag.equal(ag.mod(k, 7), 3), 0.1, 0.0), LONG),
        (lambda k: ag.where(ag.equal(ag.mod(k, 7), 3), 1 / (k + 1), 0.0), GOOD),
        (lambda k: ag.where(ag.equal(ag.mod(k, 7), 3), 1 / (k + 1), 0.9**k), GOOD),
        (lambda k: ag.where(ag.equal(ag.mod(k, 7), 3), 0.9**k, 1 / (k + 1) ** 2), SHORT),
        (lambda k: 0.1 / (1 + ag.floor(k / 390)), GOOD),
        (lambda k: ag.maximum(0.1 / (k + 1), 0.001), LONG),
        (lambda k: ag.minimum(0.1 / (k + 1), 0.001), GOOD),
        (lambda k: ag.clip(1 - k / 100, 0.0, 1.0), SHORT),
        (lambda k: 1 / ag.absolute(k - 2000.5), GOOD),
        (lambda k: 0.1, LONG),
        (lambda k: 1, LONG),
        (lambda k: 0.0, SHORT),
    ],
)  # fmt: skip
def test_ones_own_run_on_a_symbol(formula, expected):
    assert verdicts(of(formula)) == expected


@pytest.mark.parametrize(
    "formula",
    [
        lambda k: ag.sqrt(k + 2) - ag.sqrt(k + 1),
        lambda k: ag.absolute(ag.sin(k)),
        lambda k: ag.erf(1 / (k + 1)),
        lambda k: (1 + ag.cos(k)) / (k + 1),
    ],
)  # fmt: skip
def test_what_no_rule_reaches_is_undecided_and_says_why(formula):
    found = robbins_monro(of(formula))
    assert found.steps.status == "UNDECIDED"
    assert found.steps.argument
    assert found.holds in (None, False)


@pytest.mark.parametrize(
    ("formula", "k"),
    [
        (lambda k: 1 / (k - 5003) ** 2, 5003),
        (lambda k: 1 / ((k - 5003) * (k - 5003) + 0 * k), 5003),
        (lambda k: 1 / (k + 1) + 1 / ag.sqrt((k - 30_000) * (k - 30_000)), 30_000),
    ],
)
def test_a_pole_far_out_is_found(formula, k):
    found = robbins_monro(of(formula))
    assert (found.steps.status, found.squares.status) == ("UNDECIDED", "UNDECIDED")
    assert f"no value at k = {k}" in found.steps.argument


def test_a_wrong_yes_or_no_is_never_given_for_what_is_near():
    """As near to the borders as doubles go."""
    for p, expected in (
        (1.0 + 2**-50, SHORT),
        (1.0, GOOD),
        (0.5 + 2**-50, GOOD),
        (0.5, LONG),
        (0.5 - 2**-50, LONG),
    ):
        assert verdicts(Power(0.1, p)) == expected
    assert verdicts(Exponential(1e-300, 1e-300)) == SHORT
    assert verdicts(Step(0.1, every=10**9, factor=1 - 2**-53)) == SHORT


class Branches(Schedule):
    def __call__(self, k):
        return 0.1 if k < 10 else 0.01


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (0.1, r"robbins_monro: expected a Schedule; received 0.1.*Constant"),
        (lambda k: 0.1 / (k + 1), "expected a Schedule; received .*subclass of"),
        (optim.ReduceOnPlateau("loss"), "received ReduceOnPlateau.*no function of k.*Step"),
        (Linear, "expected a Schedule"),
        (Branches(), "schedule: Branches.*expected a formula in Tensor operators.*ag.where"),
        (of(lambda k: 0.1 - 0.01 * k), r"at k = 11: expected a finite number in \[0, inf\); received -0.0"),
        (of(lambda k: 1 / k), r"at k = 0: expected a finite number in \[0, inf\); received inf"),
    ],
)  # fmt: skip
def test_what_it_cannot_be_asked_is_refused(schedule, message):
    with pytest.raises(ConfigError, match=message):
        robbins_monro(schedule)
