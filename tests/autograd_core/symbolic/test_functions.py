"""A function of the symbolic side is one record: whatever reads expressions asks it."""

import numpy as np
import pytest
import sympy

import autograd_core as ag
from autograd_core.errors import ConfigError, ProofError
from autograd_core.symbolic import arrays, from_sympy, functions, prove, to_latex, to_sympy
from autograd_core.symbolic.domains import ASKING, Asked
from autograd_core.symbolic.enclosures import arithmetics, enclose
from autograd_core.symbolic.formulas.sources import Code, Source
from autograd_core.symbolic.functions import CLASSES, FUNCTIONS, SCALARS, Function, ScalarShelf
from autograd_core.symbolic.normal_form import NormalForm
from autograd_core.symbolic.polynomials import Budget
from autograd_core.symbolic.values import Values

sp = pytest.importorskip("scipy.special")
u = sympy.Symbol("u", real=True)


class Gudermann(sympy.Function):
    """The Gudermannian, 2 arctan(tanh(x/2)), whose derivative is 1/cosh x."""

    nargs = 1

    def _eval_is_real(self):
        return True

    def fdiff(self, argindex=1):
        return 2 / (sympy.exp(self.args[0]) + sympy.exp(-self.args[0]))

    def _eval_evalf(self, prec):
        return (2 * sympy.atan(sympy.tanh(self.args[0] / 2)))._eval_evalf(prec)


def _gudermann(x):
    return 2 * np.arctan(np.tanh(x / 2))


@pytest.fixture
def gudermann(declared):
    """A function that neither sympy nor NumPy has: a primitive, and one record."""

    @ag.primitive(
        ag.Elementwise(lambda s, x: s.gudermann(x)),
        vjp=lambda xp, g, y, x: 2 * g / (xp.exp(x) + xp.exp(-x)),
        forward=_gudermann,
    )
    def gudermann(x: ag.ArrayLike):
        """The Gudermannian, element by element."""

    record = Function(
        "gudermann",
        Gudermann,
        lambda u: [(">=", 4 - u)],
        rewritten=lambda u: 2 * sympy.atan(sympy.tanh(u / 2)),
        odd=True,
        countable=True,
        array=gudermann,
        numpy=_gudermann,
        source="2 * np.arctan(np.tanh({} / 2))",
        latex=r"\mathrm{{gd}}\left({}\right)",
    )
    functions.declare(record)
    yield gudermann
    del FUNCTIONS[record.name], CLASSES[record.made]
    delattr(ScalarShelf, record.name)


def test_one_record_is_read_by_all(gudermann):
    gd = Gudermann
    # Formulas, and where they are defined.
    assert SCALARS.gudermann(u) == gd(u)
    assert ASKING.gudermann(Asked(u)).asks == {(">=", 4 - u)}
    # From tensors to expressions, to LaTeX and back.
    x = ag.tensor([-0.5, 1.5], requires_grad=True, name="x")
    assert to_sympy(gudermann(x)).tolist() == [
        gd(sympy.Symbol(f"x[{n}]", real=True)) for n in (0, 1)
    ]
    (z,) = arrays("z:B")
    squared = gudermann(z) ** 2
    assert to_latex(squared) == r"y_{b} = \mathrm{gd}\left(z_{b}\right)^{2}"
    assert prove.equal(from_sympy(to_sympy(squared), {"z": z}), squared).status == "PROVED"
    X = sympy.Symbol("x")
    y = from_sympy(gd(X) * X, {X: x})
    y.sum().backward()
    v = x.numpy()
    np.testing.assert_allclose(y.numpy(), v * _gudermann(v), rtol=1e-15)
    np.testing.assert_allclose(x.grad.numpy(), _gudermann(v) + v / np.cosh(v), rtol=1e-14)
    # Proofs: its rule; the normal form, which knows that it is odd; numbers, certain and rounded.
    assert prove.rule("gudermann").status == "PROVED"
    assert prove.equal(gudermann(-z), -gudermann(z)).status == "PROVED"
    assert prove.equal(gudermann(z), gudermann(2 * z)).status == "REFUTED"
    form = NormalForm(Budget(5.0, 1_000))
    assert form.expression(form.form(gd(u) * 2)) == 2 * gd(u)
    for arithmetic in arithmetics():
        low, high = enclose(gd(u), {u: sympy.Rational(3, 2)}, arithmetic)
        assert low < high < low + 1e-60
        assert float(low) == pytest.approx(_gudermann(1.5), rel=1e-15)
    assert Values({u: np.array(0.5)}).entries(gd(u)) == _gudermann(0.5)
    # NumPy source.
    assert Source().call(FUNCTIONS["gudermann"], Code("x")).text == "2 * np.arctan(np.tanh(x / 2))"
    text = prove.backward((gudermann(z) ** 2).sum(), wrt=[z]).numpy("z")
    space = {}
    exec(text, space)
    np.testing.assert_allclose(space["gradient_z"](v), 2 * _gudermann(v) / np.cosh(v), rtol=1e-14)


def test_before_and_after_nobody_knows_it():
    assert Gudermann not in CLASSES
    assert not hasattr(ScalarShelf, "gudermann")
    with pytest.raises(AttributeError, match="no such function"):
        SCALARS.gudermann(u)
    with pytest.raises(ProofError, match="Gudermann cannot be written with arrays"):
        from_sympy(Gudermann(sympy.Symbol("x")), {"x": 1.0})


def test_a_name_and_a_class_have_one_record():
    with pytest.raises(ConfigError, match=r"exp .* has a record already"):
        functions.declare(Function("exp", sympy.Si))
    with pytest.raises(ConfigError, match=r"another .* has a record already"):
        functions.declare(Function("another", sympy.exp))


# --- each record against the others ---------------------------------------------------------------

EVERYWHERE, POSITIVE = [(-1.25,), (0.0,), (0.75,), (2.0,)], [(0.75,), (2.5,)]
PAIRS = [(0.5, -1.5), (-0.25, 0.75), (0.5, 0.5)]
TRUTHS = [(True, True), (True, False), (False, False)]
AT = {
    **{n: PAIRS for n, f in FUNCTIONS.items() if f.condition},
    "log": POSITIVE, "gamma": POSITIVE, "gammaln": POSITIVE,
    "arcsin": [(-1.0,), (0.25,)], "arccos": [(0.25,), (1.0,)], "erfinv": [(0.25,), (-0.75,)],
    **dict.fromkeys(("sec", "csc", "cot", "sech", "csch", "coth", "acot"), POSITIVE),
    "erfcinv": [],  # sympy has no numbers for it
    "asec": [(1.5,), (-2.5,)], "acsc": [(1.5,), (-2.5,)],
 "beta": [(0.75, 1.5)], "Implies": TRUTHS, "logical_xor": TRUTHS,
    "ITE": [(True, False, True), (False, False, True)], "acosh": [(1.5,)], "atanh": [(0.25,), (-0.5,)],
    "polygamma": [(1, 0.75), (0, 2.5)],
    "iv": [(0.5, 0.75)], "jv": [(2, -0.75)], "kv": [(1, 0.75)], "yv": [(0, 0.75)],
    "lowergamma": [(1.5, 0.75)], "betainc from 0": [(1.5, 2.0, 0, 0.25)],
    "heaviside": [(0.5, 1), (0, 0.25)],
    **dict.fromkeys(("maximum", "minimum", "atan2"), PAIRS),
    **dict.fromkeys(("logical_and", "logical_or"), TRUTHS), "logical_not": [(True,), (False,)],
}  # fmt: skip
POINTS = [
    (name, point)
    for name, f in FUNCTIONS.items()
    if isinstance(f.made, type)
    for point in AT.get(name, EVERYWHERE)
]


@pytest.mark.together
@pytest.mark.parametrize(("name", "point"), POINTS)
def test_what_a_record_says_is_one_function(name, point):
    """Arrays, NumPy, source and intervals have the value that sympy has."""
    f = FUNCTIONS[name]
    exact = [sympy.sympify(v if isinstance(v, int) else sympy.Rational(v)) for v in point]
    e = f.made(*exact)
    close = pytest.approx(
        float(e == sympy.true if f.condition else sympy.N(e, 20)), rel=1e-13, abs=1e-15
    )
    if f.array is not None:
        assert float(f.array(*(v if type(v) is int else ag.tensor(v) for v in point))) == close
    if f.rewritten is not None:
        value = f.rewritten(*exact)
        assert float(value == sympy.true if f.condition else value) == close
    if f.numpy is not None:
        assert float(f.numpy(*point)) == close
    if text := f.text(*map(repr, point)):
        space = {"np": np}
        exec(f"{f.imports}\nresult = {text}", space)
        assert float(space["result"]) == close
    if f.interval or f.arb or f.sided:
        symbols = sympy.symbols(f"p:{len(point)}", real=True)
        for arithmetic in arithmetics():
            if f.arb is None or arithmetic.name == "Arb":
                low, high = enclose(
                    f.made(*symbols), dict(zip(symbols, exact, strict=True)), arithmetic
                )
                assert low <= high
                assert (float(low), float(high)) == (close, close)
