"""Factorizations are read on coordinates that reach every matrix and every choice of LAPACK's."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import ProofError
from autograd_core.symbolic import Exact, Symbols, prove
from autograd_core.symbolic.atoms import Side
from autograd_core.symbolic.charts import FACTORIZATIONS
from autograd_core.symbolic.questions.rules import weighted

SHAPES = {
    "eigh": [(1, 1), (2, 2), (3, 3)],
    "svd": [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (2, 3)],
    "qr": [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (3, 3)],
}
PARAMS = {"eigh": {"UPLO": "L"}}
EACH = [(name, shape) for name, shapes in SHAPES.items() for shape in shapes]


def on(name, shape, **params):
    """Symbols of a matrix, its chart and its factors."""
    symbols = Symbols()
    a = symbols.array("a", shape)
    factors = Exact(symbols).run(ag.REGISTRY[name], (a,), PARAMS.get(name, {}) | params)
    (chart,) = symbols.charts.all
    return a, chart, factors


# --- the coordinates ----------------------------------------------------------------------------


def turns_of(u):
    """Coordinates and signs of orthonormal columns; what the module's docstring says is there."""
    n, m = u.shape
    choices = [np.array(c) for c in itertools.product((1.0, -1.0), repeat=m)]
    signs = max(choices, key=lambda d: abs(np.linalg.det(np.eye(m) + u[:m] * d)))
    c = u * signs
    inverse = np.linalg.inv(np.eye(m) + c[:m])
    y = -c[m:] @ inverse
    x = (np.eye(m) - c[:m] + y.T @ c[m:]) @ inverse
    k = np.concatenate([x, y])
    assert np.allclose(x, -x.T)
    return [k[i, j] for j in range(m) for i in range(j + 1, n)], signs


def coordinates_of(name, factors):
    """Values of the coordinates and of the sides at which a chart has these factors."""
    if name == "eigh":
        w, v = factors
        turns, signs = turns_of(v)
        return [*turns, *w], signs
    if name == "qr":
        q, r = factors
        turns, signs = turns_of(q)
        return [*turns, *(signs[:, None] * r)[np.triu_indices(len(r))]], signs
    u, s, vh = factors
    (turns, left), (others, right) = turns_of(u), turns_of(vh.T)
    return [*turns, *others, *(s * left * right)], np.concatenate([left, right])


def by_name(side):
    """The first columns' sides before the second's, which have a prime."""
    return "'" in str(side), str(side)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("name", "shape"), EACH)
def test_every_matrix_is_on_the_chart_with_the_factors_that_lapack_chose(name, shape, rng):
    a, chart, factors = on(name, shape)
    sides = sorted({s for f in factors for e in f.flat for s in e.atoms(Side)}, key=by_name)
    for _ in range(20):
        x = rng.normal(size=shape)
        x = x + x.T if name == "eigh" else x
        found = [np.asarray(f) for f in ag.REGISTRY[name].forward(x, **PARAMS.get(name, {}))]
        coordinates, signs = coordinates_of(name, found)
        at = dict(zip(chart.coordinates, coordinates, strict=True))
        at |= {s.args[0]: int(sign) for s, sign in zip(sides, signs, strict=True)}
        read = {e: float(chart.entries[e].subs(at)) for e in chart.entries}
        np.testing.assert_allclose([read[e] for e in a.flat if e in read],
                                   [v for e, v in zip(a.flat, x.flat, strict=True) if e in read])  # fmt: skip
        for expected, got in zip(found, factors, strict=True):
            values = [float(e.subs(at)) for e in got.flat]
            np.testing.assert_allclose(values, expected.ravel(), atol=1e-12)


@pytest.mark.parametrize(("name", "shape"), EACH)
def test_there_are_as_many_coordinates_as_entries_and_they_are_independent(name, shape):
    _, chart, _ = on(name, shape)
    assert len(chart.coordinates) == len(chart.entries)
    assert chart.is_regular()


@pytest.mark.parametrize(
    ("product", "expected", "shape"),
    [
        (lambda a: ag.linalg.qr(a)[0] @ ag.linalg.qr(a)[1], lambda a: a, (3, 2)),
        (lambda a: ag.linalg.qr(a)[0].T @ ag.linalg.qr(a)[0], lambda a: np.eye(2, dtype=int) + 0 * (a.T @ a), (3, 2)),
        (lambda a: ag.eigh(a)[1] * ag.eigh(a)[0] @ ag.eigh(a)[1].T, lambda a: ag.tril(a) + ag.tril(a, -1).T, (2, 2)),
        (lambda a: ag.svd(a)[0] * ag.svd(a)[1] @ ag.svd(a)[2], lambda a: a, (2, 3)),
        (lambda a: ag.pinv(a) @ a, lambda a: np.eye(2, dtype=int) + 0 * (a.T @ a), (3, 2)),
    ],
)  # fmt: skip
def test_identities_of_factors_are_proved(product, expected, shape):
    assert prove.equal(product, expected, args=[ag.Abstract(shape)]).status == "PROVED"


# --- the rules ----------------------------------------------------------------------------------

SIGNS = "the sign of each {} is LAPACK's choice; proved for every choice"
GIVEN = {
    "eigh": ["eigenvalues are distinct; they may be in any order", SIGNS.format("eigenvector")],
    "svd": [
        "singular values are distinct and not 0; they may be in any order",
        SIGNS.format("pair of singular vectors"),
    ],
    "qr": ["of full rank", SIGNS.format("column")],
    "pinv": ["of full rank"],
}
DOMAINS = {
    "eigh": {"eigenvalue[0] - eigenvalue[1] != 0"},
    "svd": {"stretch[0] != 0", "stretch[1] != 0"},
    "qr": {"r[0,0] != 0", "r[1,1] != 0"},
    "pinv": {"a[0,0]*a[1,1] - a[0,1]*a[1,0] != 0"},
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_verdict_says_what_it_takes_as_given_and_where_it_holds(name):
    verdict = prove.rule(name, [((ag.Abstract((2, 2)),), PARAMS.get(name, {}))])
    assert verdict.status == "PROVED"
    assert set(map(str, verdict.facts)) >= {f"{name}: {fact}" for fact in GIVEN[name]}
    assert any(fact.startswith(f"entry by entry, since the primitive {name} ") for fact in map(str, verdict.facts))  # fmt: skip
    assert set(verdict.domain) >= DOMAINS[name]
    if name == "svd":  # of the singular values, that is of the stretches with signs: |s| != |t|
        apart = [d for d in verdict.domain if "stretch[0]" in d and "stretch[1]" in d]
        assert {d.startswith("-") or " - " in d for d in apart} == {True, False}
    assert verdict.excluded == ()


@pytest.mark.slow  # (test_prove.py proves them, with more time)
def test_the_four_take_little():
    for name in GIVEN:  # 3 s of a processor in all
        assert prove.rule(name, seconds=5).status == "PROVED"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("name", "shape"),
    [("svd", (3, 2)), ("svd", (2, 3)), ("eigh", (3, 3)), ("eigh", (2, 1, 1)), ("svd", (2, 2, 1)),
     ("qr", (3, 3)), ("qr", (2, 2, 2)), ("pinv", (2, 2, 1)), ("pinv", (3, 3))],
)  # fmt: skip
def test_larger_matrices_and_batches_are_proved_too(name, shape):
    verdict = prove.rule(name, [((ag.Abstract(shape),), PARAMS.get(name, {}))])
    assert verdict.status == "PROVED", str(verdict)


def changed(rule, before, after):
    """The library's rule with a cotangent exchanged before it, or its answer after it."""
    return lambda xp, g, y, a, **params: after(xp, rule(xp, before(xp, g, y), y, a, **params), y, a)


FAULTS = {
    "eigh: twice the eigenvalues' part": ("eigh", (2, 2), lambda xp, g, y: (2 * g[0], g[1]), None),
    "eigh: eigenvectors as constants": ("eigh", (2, 2), lambda xp, g, y: (g[0], 0 * g[1]), None),
    "eigh: in the wrong triangle": ("eigh", (2, 2), None, lambda xp, x, y, a: xp.transpose(x, axes=(1, 0))),
    "svd: sign of the left vectors' part": ("svd", (2, 2), lambda xp, g, y: (-g[0], g[1], g[2]), None),
    "svd: singular values only": ("svd", (2, 1), lambda xp, g, y: (0 * g[0], g[1], 0 * g[2]), None),
    "svd: values squared": ("svd", (1, 2), lambda xp, g, y: (g[0], g[1] * xp.pick(y, index=1), g[2]), None),
    "qr: r as a constant": ("qr", (3, 2), lambda xp, g, y: (g[0], 0 * g[1]), None),
    "qr: half of q's": ("qr", (2, 2), lambda xp, g, y: (g[0] / 2, g[1]), None),
    "qr: off by a part in 10⁹": ("qr", (2, 1), None, lambda xp, x, y, a: x + x / 10**9),
    "pinv: sign": ("pinv", (2, 2), None, lambda xp, x, y, a: -x),
    "pinv: as of a square matrix": ("pinv", (3, 2), None, lambda xp, x, y, a: x - a),
    "pinv: transposed": ("pinv", (2, 3), lambda xp, g, y: g + y, None),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_rule_is_refuted_at_a_matrix_that_shows_it(fault, planted, gradient_and_difference):
    name, shape, before, after = FAULTS[fault]
    (rule,) = ag.REGISTRY[name].vjp
    wrong = changed(rule, before or (lambda xp, g, y: g), after or (lambda xp, x, y, a: x))
    right = weighted(ag.REGISTRY[name], [ag.Abstract(shape)], PARAMS.get(name, {}))
    program = planted(right, name, wrong)
    verdict = prove.backward(program)
    assert verdict.status == "REFUTED"
    witness = verdict.witness
    assert witness.entry.startswith("a[")
    low, high = witness.difference
    assert low > 0 or high < 0
    gradient, slope = gradient_and_difference(program, witness)
    with mpmath.workdps(50):
        middle = (low + high) / 2
        assert (
            abs(gradient - slope - mpmath.mpf(middle.numerator) / middle.denominator)
            <= abs(float(middle)) / 10**6
        )


def test_a_larger_program_over_a_factored_input_is_proved():
    def energy(a, x):
        w, v = ag.eigh(a)
        return ag.sum(ag.exp(-w) * ag.square(v.T @ x)) + ag.sum(a * a)

    verdict = prove.backward(energy, args=[ag.Abstract((2, 2)), ag.Abstract((2,))])
    assert verdict.status == "PROVED"
    assert not any("does not depend" in fact for fact in map(str, verdict.facts))


def test_second_order_is_proved():
    def slope(a):
        return ag.sum(ag.square(ag.grad(lambda b: ag.sum(ag.eigh(b)[0] ** 3))(a)))

    assert prove.backward(slope, args=[ag.Abstract((2, 2))]).status == "PROVED"


def test_a_stopped_factor_is_a_constant_for_the_derivative():
    def forward(a):
        w, v = ag.eigh(a)
        return ag.sum(ag.stop_gradient(w) * w) + ag.sum(ag.stop_gradient(v) * v)

    assert prove.backward(forward, args=[ag.Abstract((2, 2))]).status == "PROVED"


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: ag.sum(ag.eigh(a @ a.T)[0]),
        lambda a, b: ag.sum(ag.eigh(a)[0]) + ag.sum(ag.svd(a)[1]),
    ],
)
def test_a_matrix_that_is_computed_or_factored_twice_is_named(function):
    with pytest.raises(ProofError, match=r"computed, or that has been factored.*prove\.rule\('"):
        prove.backward(function, args=[ag.Abstract((2, 2))] * 2, method="EXACT")


def test_entries_of_several_inputs_are_named():
    def forward(a, b):
        return ag.sum(ag.eigh(ag.concatenate([a, b]))[0])

    with pytest.raises(ProofError, match="entries of several inputs"):
        prove.backward(forward, args=[ag.Abstract((1, 2))] * 2, method="EXACT")


def test_every_factorization_has_shapes_here():
    assert SHAPES.keys() == FACTORIZATIONS.keys()
