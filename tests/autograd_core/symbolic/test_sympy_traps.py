"""What sympy does that a proof must not stumble over; each was met with sympy 1.14."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import autograd_core as ag
from autograd_core.errors import ProofError
from autograd_core.symbolic import Exact, Symbols, prove
from autograd_core.symbolic.atoms import Step, Vanishes
from autograd_core.symbolic.exact import exact_array
from autograd_core.symbolic.functions import SCALARS
from autograd_core.symbolic.normal_form import NormalForm, Unsupported
from autograd_core.symbolic.polynomials import Budget

x, y = sympy.symbols("x y", real=True)


def test_a_step_has_the_librarys_value_at_zero_and_no_delta_for_a_derivative():
    assert sympy.Heaviside(0) == sympy.Rational(1, 2)  # sympy's convention
    assert sympy.Heaviside(x).diff(x) == sympy.DiracDelta(x)
    assert Step(0) == 0 == int(np.asarray(ag.step(0.0)))
    assert Step(sympy.Rational(1, 3)) == 1
    assert Step(x**2 - y).diff(x) == 0
    assert (x * Step(x)).diff(x) == Step(x)
    assert Vanishes(0) == 1
    assert Vanishes(x).diff(x) == 0


def test_a_step_is_not_split_out_of_a_root():
    """With a known sign, sqrt(x Step(x)) would become sqrt(x) sqrt(Step(x)), undefined for x < 0."""
    assert sympy.sqrt(x * Step(x)).args[0] == x * Step(x)


def test_maxima_are_folds_of_steps_and_not_sympys():
    largest = SCALARS.where(Step(x - y), x, y)
    assert not largest.has(sympy.Max, sympy.Heaviside, sympy.Piecewise)
    with pytest.raises(Unsupported):
        NormalForm(Budget(5, 100)).form(sympy.Max(x, y).diff(x))


def test_roots_of_squares_are_magnitudes():
    """sympy turns sqrt(x²) into |x|, whose derivative is its own sign function."""
    assert sympy.sqrt(x**2) == sympy.Abs(x)
    for function in (lambda t: ag.sqrt(t * t), lambda t: ag.norm(t), lambda t: ag.square(t) ** 0.5):
        verdict = prove.backward(lambda t, f=function: ag.sum(f(t)), args=[ag.Abstract((1,))])
        assert verdict.status == "PROVED", str(verdict)


def test_floating_exponents_and_coefficients_never_enter():
    symbols = Symbols()
    for value, expected in [
        (0.5, sympy.Rational(1, 2)),
        (-2.0, -2),
        (0.0, 0),
        (3.140625, sympy.Rational(201, 64)),
    ]:
        assert symbols.constant(value) == expected
    with pytest.raises(Unsupported, match="Float"):
        NormalForm(Budget(5, 100)).form(0.5 * x)
    program = ag.trace(lambda t: ag.sum(t**0.5 * 1.5 + 0.1 * t))(ag.Abstract((2,)))
    result = program.evaluate(Exact(symbols), symbols.array("t", (2,)))
    assert not result.item().atoms(sympy.Float)


def test_symbols_of_one_name_are_kept_apart():
    """Two symbols of one name and other assumptions are unequal to sympy, and print the same."""
    symbols = Symbols()
    first, second = symbols.array("w", ()), symbols.array("w", (), positive=True)
    assert str(first[()]) != str(second[()])


def test_arrays_of_no_dimension_stay_arrays():
    """NumPy hands back bare objects from operations on 0-d object arrays."""
    program = ag.trace(lambda a, b: ag.sum(a * b) + a * a)(ag.Abstract(()), ag.Abstract(()))
    symbols = Symbols()
    value = program.evaluate(Exact(symbols), symbols.array("a", ()), symbols.array("b", ()))
    assert isinstance(value, np.ndarray)
    assert value.shape == ()
    assert exact_array(np.array([np.array(x, dtype=object), 1], dtype=object)).tolist() == [x, 1]


def test_a_division_of_numbers_by_zero_is_not_a_value():
    verdict = prove.equal(lambda t: t / 0, lambda t: t / 0, args=[ag.Abstract((1,))])
    assert verdict.status == "UNDECIDED"


def test_text_is_never_parsed():
    """Names come from users: they must be symbols, whatever they say."""
    name = "__import__('os').system('false')"
    t = ag.tensor([1.0], requires_grad=True, name=name)
    verdict = prove.backward(ag.sum(ag.exp(t)), wrt=[t])
    assert verdict.status == "PROVED"
    assert list(verdict.leaves) == [name]


def test_infinite_constants_are_refused():
    with pytest.raises(ProofError, match="not a real number"):
        prove.backward(lambda t: ag.sum(ag.where(t > 0, t, -np.inf)), args=[ag.Abstract((1,))])
