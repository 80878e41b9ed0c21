"""Refutations are certified, probabilities are bounded, and neither is given where it is not due."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy

from autograd_core.symbolic.atoms import Step, Vanishes
from autograd_core.symbolic.decide import Decider, Witness, worst
from autograd_core.symbolic.enclosures import Enclosure, Refused, arithmetics, enclose, precision
from autograd_core.symbolic.finite_field import Improbable, probably_zero
from autograd_core.symbolic.normal_form import NormalForm
from autograd_core.symbolic.polynomials import Budget

x, y = sympy.symbols("x y", real=True)
k = sympy.Symbol("k", positive=True)
exp, log, sqrt = sympy.exp, sympy.log, sympy.sqrt


def decide(got, expected, **options):
    decider = Decider(Budget(20, options.pop("terms", 50_000)), **options)
    decider.prepare(got.free_symbols | expected.free_symbols)
    return decider.equal(got, expected)


def test_one_refutation_refutes_and_one_gap_leaves_open():
    assert worst(["PROVED", "PROVED"]) == "PROVED"
    assert worst(["PROVED", "PROBABLE"]) == "PROBABLE"
    assert worst(["PROBABLE", "UNDECIDED"]) == "UNDECIDED"
    assert worst(["UNDECIDED", "REFUTED", "PROVED"]) == "REFUTED"
    assert worst([]) == "UNDECIDED"


@pytest.mark.parametrize("arithmetic", arithmetics(), ids=lambda a: a.name)
@pytest.mark.parametrize(
    "e",
    [
        sympy.tanh(x) * exp(y) / sqrt(x**2 + 3),
        log(y) - sympy.sin(x) ** -3 * Step(x),
        (x**2 + 1) ** sympy.Rational(1, 3) + sympy.pi - sympy.E,
        sympy.Abs(-x) * sympy.sign(-y) + Vanishes(y - y * x),
        sympy.cos(x) ** 5 * x**k,
    ],
    ids=str,
)
def test_intervals_enclose_the_value(e, arithmetic):
    point = {x: Fraction(1, 3), y: Fraction(5, 7), k: Fraction(2, 5)}
    low, high = enclose(e, point, arithmetic)
    numbers = {s: sympy.Rational(v.numerator, v.denominator) for s, v in point.items()}
    value = sympy.N(e.xreplace(numbers), 60)
    assert 0 <= high - low < Fraction(1, 10**60)
    assert sympy.Rational(low.numerator, low.denominator) - value < sympy.Float("1e-55")
    assert value - sympy.Rational(high.numerator, high.denominator) < sympy.Float("1e-55")


@pytest.mark.parametrize("arithmetic", arithmetics(), ids=lambda a: a.name)
@pytest.mark.parametrize(
    "e",
    [log(-x), sqrt(-x), 1 / (x - sympy.Rational(1, 3)),
     Step(log(exp(x) + 1) - log(exp(-x) + 1) - x), sympy.gamma(x), exp(exp(exp(exp(x * 100))))],
    ids=str,
)  # fmt: skip
def test_points_without_a_certain_value_are_refused(e, arithmetic):
    if not e.free_symbols or e.is_Rational:
        pytest.skip("sympy has simplified it")
    with pytest.raises(Refused):
        enclose(e, {x: Fraction(1, 3)}, arithmetic)


def test_a_refutation_at_a_kink_is_not_one():
    """Both sides are derivatives of |x|; they differ at 0 only."""
    enclosure = Enclosure({x: Fraction(0)}, arithmetics()[0])
    with precision():
        enclosure(Step(x))
    assert enclosure.touched
    decider = Decider(Budget(5, 1000), recorded={x: Fraction(0)})
    decider.prepare([x])
    assert decider.equal(2 * Step(x) - 1, Step(x) - Step(-x)).status == "PROVED"
    assert decider.equal(Vanishes(x), sympy.S.Zero).status == "PROVED"
    assert decider.test.excluded == ["x = 0"]


def test_a_refutation_where_an_argument_is_zero_all_around_is_one():
    """For x < 0 the argument x Step(x) is 0, and stays so nearby."""
    decision = decide(Step(x * Step(x)), Step(x) * Step(y) + 1 - 1 * Step(y) * 1)
    assert decision.status == "REFUTED"
    decision = decide(Vanishes(x * Step(x)), sympy.S.Zero)
    assert decision.status == "REFUTED"
    assert decision.witness.point["x"] < 0


def test_nothing_is_claimed_where_the_function_is_undefined():
    """1/|x| and 1/x differ for x < 0 only, where log x is not defined."""
    got, expected = 1 / sympy.Abs(x), 1 / x
    assert decide(got, expected).status == "REFUTED"
    assert decide(got, expected, forward=log(x)).status == "UNDECIDED"


def test_recorded_values_are_tried_first_and_departures_are_named():
    recorded = {y: Fraction(3, 4)}
    decision = decide(x * y, x * y + x, recorded=recorded)
    assert decision.witness.point["y"] == Fraction(3, 4)
    assert decision.witness.departs == ()
    decision = decide(x * (4 * y - 3), x * 0, recorded=recorded)
    assert decision.status == "REFUTED"
    assert decision.witness.departs == ("y",)


def test_constants_are_refuted_only_beyond_their_rounding():
    constants = {k: 0.1}
    assert decide(k * x * 10, x, constants=constants).status == "PROVED"
    assert decide(k * x * 10, x, constants=constants).reading == "decimal"
    third = {k: 1 / 3}
    assert decide(k * x * 3, x, constants=third).status == "UNDECIDED"
    assert decide(k * x * 3, x + x / 10**12, constants=third).status == "REFUTED"


def test_random_bits_are_integers_in_a_witness():
    bits = sympy.Symbol("bits", real=True, nonnegative=True)
    decision = decide(Step(2**31 - bits), Step(bits - 2**31), bits=[bits])
    assert decision.status == "REFUTED"
    assert decision.witness.point["bits"].denominator == 1


def test_probability_needs_every_branch_and_bounds_its_error():
    e = (x + y) ** 6 / (exp(x) + 1) * Step(x) + sqrt(x**2 + k) * (x - y)
    f = sympy.expand((x + y) ** 6) / (exp(x) + 1) * Step(x) + (x**2 + k) * (x - y) / sqrt(x**2 + k)
    algebra = NormalForm(Budget(20, 10))
    found = probably_zero(algebra, e, f, random.Random(1))
    assert found.trials == 4
    assert found.degree >= 8
    assert 0 < found.error < 1e-12
    assert str(found.prime) in str(found)
    for wrong in (e + Step(x), e * (1 + Step(-x)), e + sqrt(x**2 + k) - sqrt(x**2 + k) * Step(x)):
        with pytest.raises(Improbable):
            probably_zero(algebra, e, wrong, random.Random(1))


def test_probability_is_not_fooled_by_dependent_roots():
    algebra = NormalForm(Budget(20, 10_000))
    s, t, u = sqrt(1 + x**2), sqrt(1 + y**2), sqrt((1 + x**2) * (1 + y**2) + k - k)
    with pytest.raises(Improbable):
        probably_zero(algebra, s * t, -u if u.is_Pow else -s * t, random.Random(0))


def test_a_sum_too_deep_for_sympy_is_left_open():
    e = x
    for _ in range(2000):
        e = sympy.sin(e, evaluate=False) + y
    decider = Decider(Budget(20, 1000))
    assert decider.equal(e, e + 1).status in ("UNDECIDED", "REFUTED")


@pytest.mark.parametrize("apart", [5, 9, 15, 16, 17, 18, 40])
def test_a_witness_shows_as_many_digits_as_it_takes(apart):
    a = Fraction(-593997, 10**6) - Fraction(1, 3 * 10**7)
    b = a + Fraction(1, 10**apart)
    text = str(Witness({"x": Fraction(1)}, (a, a), (b, b), (a - b, a - b), "exact"))
    got, expected = text.partition(" at ")[0].split(" instead of ")
    assert got != expected
    assert float(got) == pytest.approx(float(a), rel=1e-5)
    assert len(got) <= max(6, apart + 1) + 4  # and not many more
