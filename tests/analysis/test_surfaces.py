from fractions import Fraction

import numpy as np
import pytest
import sympy

import autograd_core as ag
from analysis import SURFACES, bowl, surface
from autograd_core.errors import ConfigError
from autograd_core.symbolic.equations import OnSymbols, equation

EVERY = list(SURFACES.values())
X, Y = sympy.symbols("x y", real=True)
named = pytest.mark.parametrize("s", EVERY, ids=lambda s: s.name)


@named
def test_what_is_run_is_the_formula(s):
    function = OnSymbols(s.function)
    (got,) = function(X, Y)
    assert equation(s.name, got, sympy.sympify(s.formula, {"x": X, "y": Y})).status == "PROVED"


@named
def test_its_points_are_what_they_are_said_to_be(s):
    scale = 1e-12 * max(1.0, float(np.abs(s.hessian([1.0, 1.0])).max()))
    kinds = [(s.minimisers, (1, 1)), (s.saddles, (-1, 1)), (s.maxima, (-1, -1))]
    for points, signs in kinds:
        for w in points:
            assert np.abs(s.gradient(w)).max() <= 10 * scale
            assert tuple(np.sign(np.linalg.eigvalsh(s.hessian(w)))) == signs
    for w in s.minimisers:
        assert float(s(list(w)).item()) == pytest.approx(s.minimum, abs=1e-20)
        assert s.distance(w) == 0
    if not s.minimisers:
        assert s.distance([1.0, 1.0]) == np.inf
        assert s.minimum == -np.inf


@named
def test_there_are_no_other_critical_points(s):
    """By a Gröbner basis of the gradient: as many real solutions as are listed."""
    e = sympy.sympify(s.formula, {"x": X, "y": Y})
    basis = sympy.groebner([e.diff(X), e.diff(Y)], X, Y, order="lex")
    last = sympy.Poly(basis.exprs[-1], Y)
    found = set()
    for root in last.real_roots(multiple=False):
        y = root[0]
        (x,) = {sympy.Poly(basis.exprs[0].subs(Y, y.evalf(60)), X)}
        found |= {
            (float(sympy.re(r)), float(y)) for r in x.nroots(n=30) if abs(sympy.im(r)) < 1e-20
        }
    listed = {*s.minimisers, *s.saddles, *s.maxima}
    assert len(found) == len(listed)
    for w in listed:
        assert min(np.hypot(w[0] - a, w[1] - b) for a, b in found) < 1e-9


@named
def test_heights_are_its_values_and_the_box_holds_what_matters(s):
    (x0, x1), (y0, y1) = s.box
    x, y = np.linspace(x0, x1, 4), np.linspace(y0, y1, 3)
    due = [[float(s([a, b]).item()) for a in x] for b in y]
    np.testing.assert_allclose(s.heights(x, y), due)
    for a, b in (*s.minimisers, *s.saddles, *s.maxima, s.start):
        assert x0 <= a <= x1
        assert y0 <= b <= y1


@named
def test_the_gradient_is_the_slope(s):
    w, h = np.array(s.start) + 0.1, 1e-6
    slopes = [
        (float(s(list(w + d)).item()) - float(s(list(w - d)).item())) / (2 * h)
        for d in h * np.eye(2)
    ]
    np.testing.assert_allclose(s.gradient(w), slopes, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5, 20])
@pytest.mark.parametrize("coupled", [False, True])
def test_a_bowl_has_the_condition_that_was_asked_for(n, coupled):
    kappa = 1.0 if n == 1 else 100.0
    made = bowl(kappa, n, coupled=coupled, smallest=0.5, rng=0)
    assert made.condition == pytest.approx(kappa)
    assert made.eigenvalues[0] == pytest.approx(0.5)
    off = np.abs(made.matrix - np.diag(np.diag(made.matrix))).max()
    assert (off > 0.1) == (coupled and n > 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: surface("banana"), "expected one of 'beale'"),
        (lambda: bowl(0.5), "condition"),
        (lambda: bowl(float("nan")), "condition"),
        (lambda: bowl(2.0, 0), "bowl: n"),
        (lambda: bowl(2.0, 1), "one weight"),
        (lambda: bowl(2.0, smallest=0), "smallest"),
        (lambda: surface("beale")([1.0]), r"shape \(2,\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ConfigError, match=words):
        call()


def test_it_is_differentiated_as_any_function():
    slope = ag.jit(ag.grad(surface("rosenbrock")))(np.array([-1.2, 1.0]))
    assert slope.numpy().tolist() == pytest.approx([-215.6, -88.0])
    assert float(surface("beale")([0.0, 1.0]).item()) == float(Fraction(909, 64))
