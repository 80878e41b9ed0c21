"""The normal form keeps values, finds identities, and never finds one that is not there."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
import sympy
from hypothesis import assume, given, settings, strategies as st

from autograd_core.symbolic.atoms import Floor, Step, Vanishes
from autograd_core.symbolic.enclosures import (
    Enclosure,
    Refused,
    arithmetics,
    enclose,
    precision,
)
from autograd_core.symbolic.normal_form import NormalForm, Undefined, Unsupported
from autograd_core.symbolic.polynomials import ENGINES, Budget, Exhausted, multiply

x, y, z = sympy.symbols("x y z", real=True)
c = sympy.Symbol("c", positive=True)
exp, log, sqrt, tanh, sin, cos = (
    sympy.exp, sympy.log, sympy.sqrt, sympy.tanh, sympy.sin, sympy.cos,
)  # fmt: skip


def form_of(**options):
    return NormalForm(Budget(20, 50_000), **options)


def is_zero(e, **options):
    form = form_of(**options)
    return form.vanishes(form.form(e))


IDENTITIES = [
    exp(x + y) - exp(x) * exp(y),
    exp(x) / (exp(x) + exp(y)) - exp(x - log(exp(x) + exp(y))),
    exp(x / 2) ** 2 - exp(x),
    exp(x / 2) * exp(x / 3) - exp(5 * x / 6),
    exp(3 * log(1 + exp(x)) / 2) ** 2 - (1 + exp(x)) ** 3,
    1 / (1 + exp(-x)) - exp(x) / (1 + exp(x)),
    log(1 + exp(x)) - log(1 + exp(-x)) - x,
    log(2 * x / 3) - log(x) - log(2) + log(3),
    log(exp(x) / (exp(x) + exp(y))) - x + log(exp(x) + exp(y)),
    log(sqrt(1 + x**2)) - log(1 + x**2) / 2,
    sqrt(x**2 + c) / (x**2 + c) - 1 / sqrt(x**2 + c),
    sqrt(8) * sqrt(2) - 4,
    sqrt(6) - sqrt(2) * sqrt(3),
    sqrt(x) ** 3 - x * sqrt(x),
    sqrt(4 * x**2 * c) - 2 * sympy.Abs(x) * sqrt(c),
    x**c * x - x ** (c + 1),
    1 / (1 + 1 / x) - x / (1 + x),
    1 / (x - y) + 1 / (y - x),
    1 / (x * (x + 1)) - 1 / x + 1 / (x + 1),
    sin(x) ** 2 + cos(-x) ** 2 - 1,
    sin(-x) * cos(x) + sin(x) * cos(-x),
    tanh(-x) + tanh(x),
    sympy.asin(-x) + sympy.asin(x),
    sympy.acos(x) + sympy.asin(x) - sympy.pi / 2,
    sympy.acos(-x) + sympy.acos(x) - sympy.pi,
    sympy.atan(y - x) + sympy.atan(x - y),
    sympy.erf(-2 * x) + sympy.erf(2 * x),
    Floor((x * x + x) / x) - Floor(x + 1),
    Floor(sympy.Rational(-7, 2) + 0 * x) + 4,
    Step(x) + Step(-x) - 1,
    Step(x) * Step(3 * x) - Step(x),
    Step(x * exp(y)) - Step(x),
    Step(1 / x) - Step(x),
    Step(1 + x**2) - 1,
    Step(x * Step(x)) - Step(x),
    Step(-x * Step(x)),
    Vanishes(x * Step(x)) - 1 + Step(x),
    Vanishes(x - y),
    Vanishes(x - x * Step(x) - x * Step(-x)) - 1,
    sympy.Abs(2 * x * exp(y)) - 2 * sympy.Abs(x) * exp(y),
    sympy.sign(x) * x - sympy.Abs(x),
    sympy.E**2 - exp(2),
    sympy.pi * x - x * sympy.pi,
]

INEQUALITIES = [
    exp(x + y) - exp(x) - exp(y),
    log(x * y) - log(x) - log(y),  # not where both are negative
    log(x**2) - 2 * log(x),
    sqrt(x * y) - sqrt(x) * sqrt(y),
    sqrt(x**2) - x,
    Step(x) - Step(y),
    Step(x * y) - Step(x) * Step(y),
    Step(x - 1) - Step(x),
    Step(x * Step(y)) - Step(x),
    tanh(x) - x,
    sin(x) + cos(x) - 1,
    sqrt(2) - sympy.Rational(99, 70),
    exp(1) - sympy.Rational(193, 71),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("identity", IDENTITIES, ids=str)
def test_identities_vanish(identity, engine):
    assert is_zero(identity, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_one_where_a_product_is_zero_annuls_its_multiples(engine):
    """Of a symbol that is taken at all of its values, 0 too."""

    def zero(e):
        return is_zero(e, engine=engine, steady={x, y})

    at, product, half = Vanishes(x), Vanishes(x * y), Vanishes(x / y)
    for e in (
        at * x,
        at * x**3 * exp(y),
        (1 - at) * x - x,
        product * x * y**2,
        half * x,
        at * (at - 1),
    ):
        assert zero(e), e
    for e in (
        at,
        at * y,
        product * x,
        product * y,
        half * y,
        at * (x + y),
        at - product,
        (1 - at) * x,
    ):
        assert not zero(e), e


@pytest.mark.parametrize("difference", INEQUALITIES, ids=str)
def test_what_is_not_zero_does_not_vanish(difference):
    assert not is_zero(difference)


def test_tanh_and_exponentials_meet_in_the_second_reading():
    e = tanh(x) - (exp(2 * x) - 1) / (exp(2 * x) + 1)
    assert not is_zero(e)
    assert is_zero(e, tanh_by_exp=True)


def test_flipped_steps_and_vanishing_arguments_are_recorded():
    form = form_of(steady=[x])
    form.form(Step(x) + Step(y - 1))
    assert form.excluded == {y - 1}  # a step of x alone has no kink
    form.form(Step(-x) + Vanishes(z))
    # What is steady may be any number, also 0, so that its two steps are not one.
    assert form.excluded == {y - 1, z}
    assert not form.vanishes(form.form(Step(-x) + Step(x) - 1))
    form.form(Step(-y) + Step(y))
    assert form.excluded == {y - 1, z, y, -y}


def test_conditions_are_recorded_unless_they_are_evident():
    form = form_of()
    form.form(log(x) + sqrt(y) + 1 / z)
    assert form.positive_where == {x}
    assert form.nonnegative_where == {y}
    assert form.nonzero_where == {z}
    form = form_of()
    form.form(log(1 + exp(x)) + sqrt(c + x**2) + 1 / sqrt(1 + y**4) + 1 / log(1 + exp(z)))
    assert not form.positive_where | form.nonnegative_where | form.nonzero_where


@pytest.mark.parametrize(
    "divisor", [x * Step(x), Step(x) * Step(-y), tanh(x * Step(x)), sqrt(x * Step(x) + x**2 * Step(x))]
)  # fmt: skip
def test_divisors_that_are_zero_on_an_open_set_are_recorded(divisor):
    form = form_of()
    form.form(1 / divisor)
    assert form.degenerate


@pytest.mark.parametrize(
    "divisor", [x, 1 + Step(x), c + x * Step(x), y + x * Step(x), 2 * Step(x) - 1]
)
def test_divisors_that_are_not_are_left_alone(divisor):
    form = form_of()
    form.form(1 / divisor)
    assert not form.degenerate


@pytest.mark.parametrize(
    "e",
    [1 / ((x + 1) ** 2 - x**2 - 2 * x - 1), log(Step(-1 - x**2)), 1 / Vanishes(x), sympy.zoo * x],
)
def test_what_is_nowhere_defined_is_refused(e):
    with pytest.raises(Undefined):
        form_of().form(e)


@pytest.mark.parametrize(
    "e", [sympy.gamma(x), sympy.I * x, sympy.Max(x, y), sympy.Float(0.5) * x, sympy.Heaviside(x)]
)
def test_functions_without_a_reading_are_named(e):
    with pytest.raises(Unsupported, match="no reading"):
        form_of().form(e)


def test_budgets_end_what_would_not_end():
    with pytest.raises(Exhausted, match="50 terms"):
        NormalForm(Budget(20, 50)).form((x + y + z + 1) ** 20)
    with pytest.raises(Exhausted, match="0 s"):
        NormalForm(Budget(0, 50)).form(x + y)


# --- value preservation -----------------------------------------------------------------------

_leaves = st.sampled_from([x, y, z, c, sympy.Integer(2), sympy.Rational(-3, 2), sympy.Integer(1)])
_unary = st.sampled_from(
    [
        exp, log, sqrt, tanh, sin, cos, Step, Vanishes, sympy.Abs,
        lambda u: 1 / u, lambda u: -u, lambda u: u**2, lambda u: u**-3,
        lambda u: u ** sympy.Rational(3, 2), lambda u: u ** sympy.Rational(-1, 3), lambda u: u**c,
    ]
)  # fmt: skip
_binary = st.sampled_from(
    [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: a / b]
)


def _grow(children):
    return st.one_of(
        st.builds(lambda f, a: f(a), _unary, children),
        st.builds(lambda f, a, b: f(a, b), _binary, children, children),
    )


EXPRESSIONS = st.recursive(_leaves, _grow, max_leaves=12)
_SIZES = st.fractions(Fraction(1, 8), 2, max_denominator=64)
POINTS = st.fixed_dictionaries(
    {s: st.builds(lambda v, n: -v if n else v, _SIZES, st.booleans()) for s in (x, y, z)}
    | {c: _SIZES}
)


def _value(algebra, p, point, known):
    """A normal form in mpmath numbers, from what its atoms mean."""
    total = mpmath.mpf(0)
    for monomial, coefficient in p.items():
        term = mpmath.mpf(int(coefficient.numerator)) / int(coefficient.denominator)
        for g, n in monomial:
            if g not in known:
                atom = algebra.atoms[g]
                if atom.symbol is not None:
                    known[g] = mpmath.pi if atom.symbol is sympy.pi else point[atom.symbol]
                else:
                    u = _value(algebra, atom.argument, point, known)
                    known[g] = {
                        "denominator": lambda u: u,
                        "root": lambda u, q=atom.degree: mpmath.root(u, q),
                        "step": lambda u: mpmath.mpf(int(u > 0)),
                        "vanishes": lambda u: mpmath.mpf(int(u == 0)),
                        "exp": mpmath.exp, "log": mpmath.log, "tanh": mpmath.tanh,
                        "sin": mpmath.sin, "cos": mpmath.cos,
                    }[atom.kind](u)  # fmt: skip
            term *= known[g] ** n
        assume(abs(term) < mpmath.mpf(10) ** 40)  # what cancels must leave digits to compare
        total += term
    return total


@settings(max_examples=200)
@given(EXPRESSIONS, POINTS, st.booleans())
def test_the_normal_form_keeps_the_value(e, point, by_exp):
    assume(e.free_symbols and not e.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I))
    enclosure = Enclosure(point, arithmetics()[0])
    try:
        with precision():
            low, high = enclosure.arithmetic.bounds(enclosure(e))
        algebra = form_of(tanh_by_exp=by_exp)
        form = algebra.form(e)
    except (Refused, Undefined, Unsupported, Exhausted):
        assume(False)
        return
    assume(not enclosure.touched and max(abs(low), abs(high)) < 10**12)
    with mpmath.workdps(120):
        numbers = {s: mpmath.mpf(v.numerator) / v.denominator for s, v in point.items()}
        value = _value(algebra, form, numbers, {})
        middle = (
            mpmath.mpf(low.numerator) / low.denominator
            + mpmath.mpf(high.numerator) / high.denominator
        ) / 2
        assert abs(value - middle) < mpmath.mpf(10) ** -30 * (1 + abs(middle))
        if abs(middle) > mpmath.mpf(10) ** -20:
            assert not algebra.vanishes(form)
        back = algebra.expression(form)
    other = Enclosure(point, arithmetics()[0])
    try:
        with precision():
            bounds = other.arithmetic.bounds(other(back))
    except Refused:
        return
    assert bounds[0] <= high
    assert low <= bounds[1]


_MONOMIALS = st.dictionaries(st.integers(0, 5), st.integers(-3, 3).filter(bool), max_size=4).map(
    lambda d: tuple(sorted(d.items()))
)


@given(
    st.dictionaries(_MONOMIALS, st.integers(-9, 9).filter(bool), min_size=1, max_size=40),
    st.dictionaries(_MONOMIALS, st.integers(-9, 9).filter(bool), min_size=1, max_size=40),
)
def test_small_and_large_products_agree(a, b):
    from sympy.polys.domains import QQ

    from autograd_core.symbolic import polynomials

    a, b = ({m: QQ(n, 7) for m, n in p.items()} for p in (a, b))
    budget = Budget(60, 10**6)
    small = {}
    for m, p in a.items():
        for n, q in b.items():
            key = polynomials.join(m, n, set())
            small[key] = small.get(key, 0) + p * q
    small = {m: v for m, v in small.items() if v}
    assert multiply(a, b, set(), budget, polynomials.DEFAULT) == small
    for engine in ENGINES.values():
        assert polynomials._large(a, b, set(), budget, engine) == small


@pytest.mark.parametrize(
    "difference",
    [
        Floor(x) - x, Floor(x) + Floor(-x), Floor(x + y) - Floor(x) - Floor(y), Floor(2 * x) - 2 * Floor(x),
        sympy.asin(2 * x) - 2 * sympy.asin(x), sympy.atan(x) - x, sympy.erf(x) - tanh(x),
        sympy.acos(x) - sympy.asin(x), sympy.acos(-x) - sympy.acos(x),
    ],
)  # fmt: skip
def test_what_is_not_an_identity_is_not_found_to_be_one(difference):
    assert not is_zero(difference)


def test_the_jumps_of_floor_and_the_domain_of_arcsin_are_recorded():
    form = form_of()
    form.form(Floor(x / 2) + sympy.asin(y))
    assert form.excluded == {sympy.sin(sympy.pi * x / 2)}
    assert form.nonnegative_where == {1 - y**2}


@pytest.mark.parametrize("arithmetic", arithmetics(), ids=lambda a: a.name)
@pytest.mark.parametrize("name", ["asin", "acos", "atan", "erf"])
@pytest.mark.parametrize("at", [Fraction(-3, 4), Fraction(1, 1000), Fraction(5, 8), Fraction(1)])
def test_enclosures_of_inverse_functions_hold_the_value_and_are_narrow(arithmetic, name, at):
    low, high = enclose(getattr(sympy, name)(x), {x: at}, arithmetic)
    with mpmath.workdps(100):
        true = getattr(mpmath, name)(mpmath.mpf(at.numerator) / at.denominator)
        ends = [mpmath.mpf(b.numerator) / b.denominator for b in (low, high)]
        assert ends[0] <= true <= ends[1]
    assert high - low < Fraction(1, 2**200)


@pytest.mark.parametrize("arithmetic", arithmetics(), ids=lambda a: a.name)
def test_enclosures_refuse_outside_of_the_domain_and_on_a_jump(arithmetic):
    for e, at in [(sympy.asin(x), 2), (sympy.acos(x), -2), (Floor(sin(x) ** 2 + cos(x) ** 2), 4)]:
        with pytest.raises(Refused):
            enclose(e, {x: Fraction(at)}, arithmetic)
    assert enclose(Floor(x), {x: Fraction(-7, 2)}, arithmetic) == (-4, -4)
