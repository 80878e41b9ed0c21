"""How fast sequences grow: bounds against values far out, and which scales have a finite sum."""

from __future__ import annotations

import contextlib
import random

import mpmath
import pytest
import sympy

from autograd_core.symbolic.atoms import Floor, Side, Step, Vanishes
from optim.derivations.growth import Bounds, Open, Scale, Term, bounds, sign, subsequences

k = sympy.Symbol("k", integer=True, nonnegative=True)
p, q = sympy.symbols("p q", positive=True)
log, exp, sqrt, R = sympy.log, sympy.exp, sympy.sqrt, sympy.Rational


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (R(-1, 3), -1), (0, 0), (sqrt(2) - R(14142, 10000), 1), (log(2) - R(7, 10), -1),
        (p + q, 1), (-p * q, -1), (1 / (1 + p) - 1, -1), (p - p, 0), ((p + 1) ** 2 - 1, 1), (exp(-p), 1),
    ],
)  # fmt: skip
def test_signs(x, expected):
    assert sign(x) == expected


@pytest.mark.parametrize(
    "x", [p - q, p - 1, sqrt(2) * sqrt(3) - sqrt(6) + sympy.cos(1) ** 2 + sympy.sin(1) ** 2 - 1]
)
def test_a_sign_that_is_not_certain_is_open(x):
    with pytest.raises(Open):
        sign(x)


# Bertrand's series, and beyond: Σ k^a (ln k)^b (ln ln k)^c is finite iff the first of a, b, c that is not −1 is less.
POWERS = [-2, R(-3, 2), -1, R(-1, 2), 0, 1]


@pytest.mark.parametrize("a", POWERS)
@pytest.mark.parametrize("b", POWERS)
@pytest.mark.parametrize("c", POWERS)
def test_which_scales_have_a_finite_sum(a, b, c):
    s = k + 5
    found = bounds(s**a * log(s) ** b * log(log(s)) ** c, k)
    decisive = next((e for e in (a, b, c) if e != -1), 0)
    assert found.finite is bool(decisive < -1)
    assert found.lower == found.upper


@pytest.mark.parametrize(
    ("f", "finite"),
    [
        (exp(-k), True), (exp(k), False), (R(9, 10) ** k, True), (exp(-sqrt(k)), True), (exp(-(k**2)), True),
        (exp(-log(k + 1) * 2), True), (exp(-log(k + 1) / 2), False), (k**5 * exp(-k / 100), True),
        (exp(-sqrt(log(k + 2))) / k, True),
        (exp(-sqrt(log(k + 2))) / (k * log(k + 2)), True), (k ** (-1 - p), True), (k ** (-1 / (1 + p)), False),
        (p * q ** 2 / (k + p), False), (1 / (k + 1) - 1 / (k + 2), True), (1 / k + 1 / k**2, False),
        (R(1, 2) ** Floor(k / 7), True), (1 / (Floor(k / 7) + 1), False),
        ((2 + sympy.sin(k)) / k, False), ((2 + sympy.sin(k)) / k**2, True), (Step(5 - k), True),
        (Step(k - 5) / k, False), (Vanishes(k - 3), True), (1 - Vanishes(k - 3), False), ((1 + Side(k - 9)) / k, False),
        (exp(-(R(1, 10) + R(1, 20) * sympy.cos(k)) * k), True), (0 * k, True),
    ],
)  # fmt: skip
def test_sums_of_many_kinds(f, finite):
    assert bounds(sympy.sympify(f), k).finite is finite


@pytest.mark.parametrize(
    "f",
    [
        sympy.Abs(sympy.sin(k)), sympy.sin(k) / k, sqrt(k + 1) - sqrt(k), sympy.Function("f")(k),
        exp(sympy.cos(k) * k), log(sympy.sin(k)), (1 + sympy.cos(k)) / k, k ** (-p), 1 / sympy.sin(k), -1 / k,
    ],
)  # fmt: skip
def test_what_does_not_follow_is_open(f):
    with contextlib.suppress(Open):
        assert bounds(f, k).finite is None


def test_a_condition_that_comes_and_goes_leaves_both_until_some_terms_are_looked_at():
    every_third = Vanishes(k - 3 * Floor(k / 3)) / (k + 1)
    assert bounds(every_third, k).finite is None
    words, some = next(iter(subsequences(every_third, k)))
    assert words == "k = 3*j"
    assert bounds(some, k).finite is False
    rare = Vanishes(k - 5000 * Floor(k / 5000) - 1234) / (k + 1)
    assert any(
        words == "k = 5000*j + 1234" and bounds(some, k).finite is False
        for words, some in subsequences(rare, k)
    )


def test_the_whole_part_of_a_logarithm_is_followed_where_it_changes():
    i = Floor(log(k + 1) / log(2))
    wave = 1 + sympy.cos(sympy.pi * ((k + 1) / 2**i - 1))
    assert bounds(wave, k).finite is None
    found = dict(subsequences(wave, k))
    assert bounds(found["k = 2**j - 1"], k).finite is False
    # At m^j - b over a only where these are whole.
    assert not dict(subsequences(Floor(log(2 * k / 3 + 1) / log(2)), k))


# --- far out -------------------------------------------------------------------------------------


def grown(rng, depth):
    """An expression, positive or not, of what the reader has rules for."""
    if depth == 0:
        s = k + rng.choice([2, 3, 7])
        return rng.choice([
            s, 1 / s, log(s), sqrt(s), R(rng.randint(1, 9), 3) + 0 * k, exp(-s / 5), R(4, 5) ** s,
            Floor(s / 3) + 1, 2 + sympy.cos(s), R(1, 3) ** Floor(s / 4), log(s) ** -2, Step(s - 50), s ** R(-3, 4),
        ])  # fmt: skip
    a, b = grown(rng, depth - 1), grown(rng, depth - 1)
    return rng.choice(
        [a + b, a - b, a * b, a * b, a**2, a + b * Step(k - 9), sqrt(a * a + 1), a * log(k + 3)]
    )


def far(f, at):
    jumps = {"Floor": mpmath.floor, "Step": lambda u: mpmath.mpf(u > 0)}
    return sympy.lambdify((k,), f, [jumps, "mpmath"])(mpmath.mpf(int(at)))


def at_scale(t: Term, at):
    total = mpmath.mpf(0)
    x = [mpmath.mpf(at)]
    while len(x) < 4:
        x.append(mpmath.log(x[-1]))
    for phi, c in t.scale.parts:
        total += mpmath.mpf(sympy.N(c, 60)) * mpmath.fprod(
            b ** mpmath.mpf(sympy.N(e, 60)) for b, e in zip(x, phi, strict=True)
        )
    return total


def test_values_far_out_lie_between_the_bounds():
    rng, tried, at = random.Random(5), 0, sympy.Integer(10) ** 6 + 3
    with mpmath.workdps(30):
        for _ in range(120):
            f = grown(rng, rng.choice([1, 2]))
            try:
                found = bounds(f, k)
            except Open:
                continue
            value = mpmath.mpf(far(f, at))
            if found.zero:
                assert value == 0
                continue
            for t, below in ((found.lower, True), (found.upper, False)):
                scale = at_scale(t, at)  # ln of it
                ratio = value * mpmath.exp(-scale)
                slack = mpmath.mpf("0.4") * (
                    abs(mpmath.mpf(sympy.N(t.factor, 40))) + mpmath.mpf("0.3")
                )
                limit = mpmath.mpf(sympy.N(t.factor, 40))
                assert ratio >= limit - slack if below else ratio <= limit + slack, (f, str(found))
            tried += 1
    assert tried > 60


def test_products_and_sums_of_bounds_keep_what_is_known():
    half, wave = Bounds.exactly(R(1, 2)), Bounds.between(-1, 1)
    assert (wave * wave).lower.factor == -1
    assert (half + wave).upper.factor == R(3, 2)
    assert (half * Bounds.between(0, 2)).lower.factor == 0
    assert (-half).negative
    assert (Bounds.exactly(0) * wave).zero
    assert Scale().sums is False
