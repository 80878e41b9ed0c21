"""The EXACT evaluator gives the numbers that NumPy gives."""

from __future__ import annotations

import zlib
from fractions import Fraction

import numpy as np
import pytest
import sympy

import autograd_core as ag
from autograd_core import cases
from autograd_core.errors import ProofError
from autograd_core.kinds import Elementwise
from autograd_core.symbolic import Exact, Symbols, prove
from autograd_core.symbolic.charts import FACTORIZATIONS
from autograd_core.symbolic.enclosures import arithmetics, enclose
from autograd_core.symbolic.exact import before_the_point, decimal, exact_array
from autograd_core.symbolic.questions.rules import weighted

RNG = np.random.default_rng(5)


def numbers(expressions, point):
    """An array of expressions at a point, as floats."""
    flat = [sum(enclose(e, point, arithmetics()[0])) / 2 for e in expressions.flat]
    return np.array([float(v) for v in flat]).reshape(expressions.shape)


@pytest.mark.parametrize(
    "name",
    [n for n, p in ag.REGISTRY.items() if p.differentiable and n not in (*FACTORIZATIONS, "pick")],
)
def test_values_agree_with_numpy(name):
    p, rng = ag.REGISTRY[name], np.random.default_rng(zlib.crc32(name.encode()))
    # (The branch of 1/Γ for x ≤ 0, which is multiplied by 0, has no interval where 1 - x ≤ 0.)
    low, high = (0.2, 0.9) if name == "rgamma" else p.domain
    for operands, params in cases.small(p):
        program = weighted(p, operands, params)
        # Exact in single precision, which one case of `cast` goes through.
        arrays = [np.round(rng.uniform(low, high, v.shape) * 256) / 256 for v in program.inputs]
        if name in ("solve", "slogdet", "cholesky"):
            arrays[0] = arrays[0] + 4 * np.eye(arrays[0].shape[-1])
        symbols = Symbols()
        inputs = [symbols.array(v.letter, v.shape) for v in program.inputs]
        found = program.evaluate(Exact(symbols), *inputs)
        point = {
            s: Fraction(float(v))
            for a, values in zip(inputs, arrays, strict=True)
            for s, v in zip(a.flat, values.flat, strict=True)
        }
        point |= {s: Fraction(v) for s, v in symbols.constants.items()}
        np.testing.assert_allclose(numbers(found, point), program(*arrays), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "name", [n for n, p in ag.REGISTRY.items() if isinstance(p.kind, Elementwise)]
)
def test_values_agree_with_numpy_at_zeros_and_ties(name):
    """Where an argument is 0 on an open set, the value at the kink counts."""
    p = ag.REGISTRY[name]
    poles = (
        "cast divide floor_divide xdivy xlogy power mod fmod arctan2 cbrt log log2 log10 arccosh"
    )
    poles += " beta betainc betaincc betaincx betaln gammainc gammaincc gammainccx gammaincx gammasgn polygamma stdtr"
    poles += " inverse_part unit_part"
    if name in poles.split():
        return
    zeros = [np.zeros(1) for _ in range(p.arity)]
    symbols = Symbols()
    found = Exact(symbols).run(p, tuple(map(exact_array, zeros)), {}, ("f",) * p.arity)
    assert float(found[0]) == float(np.asarray(p.forward(*zeros))[0])


def test_comparisons_of_symbols_are_idempotents():
    program = ag.trace(
        lambda a, b: [a < b, a <= b, a > b, a >= b, ag.equal(a, b), a != b, ag.logical_not(a < b)]
    )(ag.Abstract(()), ag.Abstract(()))
    for a, b in [(1, 2), (2, 1), (1, 1)]:
        values = [exact_array(np.array(float(v))) for v in (a, b)]
        found = [bool(v.item()) for v in program.evaluate(Exact(Symbols()), *values)]
        assert found == [a < b, a <= b, a > b, a >= b, a == b, a != b, a >= b]


def test_labels_and_keys_keep_their_values_and_data_become_symbols():
    data, labels = ag.tensor(RNG.normal(size=(2, 3)), name="data"), np.array([[0], [2]])

    def forward(w):
        return ag.sum(ag.take_along_axis(data * w, labels, axis=1))

    symbols = Symbols()
    program = ag.trace(forward)(ag.Abstract((2, 3)))
    result = program.evaluate(Exact(symbols), symbols.array("w", (2, 3))).item()
    assert {s.name for s in result.free_symbols} == {"data[0,0]", "data[1,2]", "w[0,0]", "w[1,2]"}
    assert symbols.recorded[
        next(s for s in result.free_symbols if s.name == "data[1,2]")
    ] == Fraction(float(data.data[1, 2]))


def test_the_same_key_and_counter_give_the_same_bits():
    key = np.array([3, 4], np.uint64)

    def forward(counter):
        return ag.random_bits(key, counter, shape=(2,))

    symbols = Symbols()
    exact = Exact(symbols)
    first, again, other = (
        exact.run(ag.REGISTRY["random_bits"], (key, np.asarray(n, np.uint64)), {"shape": (2,)})
        for n in (0, 0, 1)
    )
    assert list(first) == list(again)
    assert not set(first) & set(other)
    assert symbols.bits == {*first, *other}


def test_float_constants_are_one_positive_symbol_per_magnitude():
    symbols = Symbols()
    a, b, c = symbols.constant(1e-5), symbols.constant(-1e-5), symbols.constant(0.1)
    assert a.is_positive
    assert b == -a
    assert a != c
    assert symbols.constants == {a: 1e-5, c: 0.1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1, Fraction(1, 10)), (1.2000000000000002, Fraction(6, 5)), (1e-5, Fraction(1, 10**5)),
     (1 / 3, Fraction(1 / 3)), (-2.5e10, Fraction(-25 * 10**9))],
)  # fmt: skip
def test_a_constant_is_the_decimal_that_was_written_or_itself(value, expected):
    found = decimal(value)
    assert Fraction(int(found.p), int(found.q)) == expected


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda t: ag.cast(t, np.uint8), "cast .* truncation"),
    ],
)
def test_what_has_no_exact_reading_is_named_with_what_has(function, match):
    with pytest.raises(ProofError, match=match) as caught:
        prove.backward(lambda t: ag.sum(function(t) * t), args=[ag.Abstract((2,))], method="EXACT")
    assert "Expected elementwise formulas" in str(caught.value)


@pytest.mark.parametrize("before", [ag.floor, lambda t: t])
def test_places_that_are_computed_are_truncated_as_numpy_does(before):
    """What is whole stays; else what stands before the point is taken, of numbers of either sign."""

    def chosen(x, u):
        place = ag.clip(ag.cast(before(u), np.int64), 0, 2)
        return ag.sum(ag.take_along_axis(x, place, axis=0) * u)

    args = [ag.Abstract((3,)), ag.Abstract((2,))]
    assert prove.backward(chosen, wrt=(0,), args=args).status == "PROVED"
    for number in ("-2", "-7/4", "-1/3", "0", "1/3", "7/4", "2"):
        assert before_the_point(sympy.Rational(number)) == int(Fraction(number))


def test_an_opaque_primitive_is_named_with_its_scope():
    opaque = ag.Primitive(
        "sorted_", ag.Opaque(lambda x: x), np.sort, (lambda xp, g, y, x: g,), arity=1, variadic=False,
        doc="", domain=(-1, 1), label="sort", meaning=None, outputs=1, prepare=None, ufunc=None,
    )  # fmt: skip
    from autograd_core.primitives import apply

    def forward(t):
        with ag.named_scope("ranking"):
            return ag.sum(apply(opaque, (t,), {}))

    with pytest.raises(ProofError, match=r"sorted_ \(Opaque\).*In ranking\."):
        prove.backward(forward, args=[ag.Abstract((2,))])


def test_a_new_elementwise_operation_needs_nothing_here():
    def cube(x):
        """The third power."""

    record = ag.Primitive(
        "cube", Elementwise(lambda s, x: x * x * x), lambda x: x**3, (lambda xp, g, y, x: 3 * g * x * x,),
        arity=1, variadic=False, doc="", domain=(-1, 1), label="x³", meaning=None, outputs=1,
        prepare=None, ufunc=None,
    )  # fmt: skip
    record.function = cube
    assert prove.rule(record).status == "PROVED"
    record.vjp = (lambda xp, g, y, x: 2 * g * x * x,)
    assert prove.rule(record).status == "REFUTED"


def test_a_formula_that_asks_for_too_much_is_named():
    record = ag.Primitive(
        "zetaish", Elementwise(lambda s, x: s.zeta(x)), np.tanh, (lambda xp, g, y, x: g,), arity=1,
        variadic=False, doc="", domain=(-1, 1), label="", meaning=None, outputs=1, prepare=None, ufunc=None,
    )  # fmt: skip
    record.function = lambda x: x
    with pytest.raises(ProofError, match=r"s\.zeta: the scalar shelf"):
        prove.rule(record)


def test_symbols_are_sympys():
    (symbol,) = Symbols().array("a", (1,))
    assert isinstance(symbol, sympy.Symbol)
    assert symbol.is_real


@pytest.mark.parametrize(
    ("name", "formula", "rule"),
    [
        ("arctan", lambda s, x: s.arctan(x), lambda xp, g, y, x: g / (1 + x * x * x)),
        ("arcsin", lambda s, x: s.arcsin(x), lambda xp, g, y, x: g / xp.sqrt(1 + x * x)),
        ("arccos", lambda s, x: s.arccos(x), lambda xp, g, y, x: g / xp.sqrt(1 - x * x)),
        ("erf", lambda s, x: s.erf(x), lambda xp, g, y, x: g * xp.exp(-(x * x))),
        ("floor", lambda s, x: s.floor(x), lambda xp, g, y, x: g),
        ("floor", lambda s, x: x * s.floor(x), lambda xp, g, y, x: g * x),
    ],
)
@pytest.mark.parametrize("flint", [True, False])
def test_a_wrong_rule_over_the_newer_atoms_is_refuted(name, formula, rule, flint, monkeypatch):
    if not flint:
        monkeypatch.setattr("autograd_core.symbolic.enclosures.flint", None)
    record = ag.Primitive(
        f"wrong_{name}", Elementwise(formula), ag.REGISTRY[name].forward, (rule,), arity=1, variadic=False,
        doc="", domain=(-1, 1), label="", meaning=None, outputs=1, prepare=None, ufunc=None,
    )  # fmt: skip
    record.function = lambda x: x
    verdict = prove.rule(record)
    assert verdict.status == "REFUTED"
    assert verdict.witness is not None
