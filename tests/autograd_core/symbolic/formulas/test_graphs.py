"""sympy expressions as graphs: every node of the table, sharing, dtypes, refusals, round trips."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import sympy

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, ProofError, ShapeError
from autograd_core.symbolic import (
    SUPPORTED,
    arrays,
    dims,
    formulas,
    from_sympy,
    labels,
    prove,
    to_sympy,
)
from autograd_core.symbolic.atoms import Floor, Side, Step, Vanishes
from autograd_core.symbolic.formulas.letters import Largest

B, C, D = dims("B C D")
X, Y = sympy.symbols("x y", real=True)
A, v, k = sympy.IndexedBase("A"), sympy.IndexedBase("v"), sympy.IndexedBase("k")
i, j, n, m = sympy.symbols("i j n m", integer=True)
M, N = sympy.MatrixSymbol("M", 2, 2), sympy.MatrixSymbol("N", 2, 2)
VALUES = {
    "x": np.array([0.3, 0.7]),
    "y": np.array([0.6, 0.2]),
    "A": np.arange(6.0).reshape(2, 3) / 7,
    "v": np.array([0.5, -1.0, 2.0]),
    "k": np.array([2, 0]),
    "M": np.array([[2.0, 1.0], [0.5, 3.0]]),
    "N": np.array([[1.0, -1.0], [0.25, 2.0]]),
}
x, y = VALUES["x"], VALUES["y"]
a, u, mm, nn_ = (VALUES[name] for name in ("A", "v", "M", "N"))
sp = pytest.importorskip("scipy.special")

# A row of the table, an expression with it, the result's axes, and what NumPy has for it.
ROWS = {
    "Rational": (X + sympy.Rational(1, 3), (), x + 1 / 3),
    "Float": (X * sympy.Float(2.5), (), 2.5 * x),
    "pi": (X + sympy.pi, (), x + np.pi),
    "E": (X * sympy.E, (), x * np.e),
    "Symbol": (X - Y, (), x - y),
    "Indexed": (A[1, j], (j,), a[1]),
    "Add": (X + Y - 2, (), x + y - 2),
    "Mul": (-X * Y / 3, (), -x * y / 3),
    "Pow": (X**2 + 1 / X + sympy.sqrt(X) + X ** sympy.Rational(1, 3) + X**Y, (),
            x**2 + 1 / x + np.sqrt(x) + np.cbrt(x) + x**y),
    "Sum": (sympy.Sum(A[i, j] * v[j], (j, 0, n - 1)), (i,), a @ u),
    "log": (sympy.log(sympy.Sum(sympy.exp(A[i, j]), (j, 0, 2))), (i,),
            np.logaddexp.reduce(a, axis=1)),
    "Largest": (Largest(sympy.Sum(A[i, j], (j, 0, 2))), (i,), a.max(axis=1)),
    "KroneckerDelta": (sympy.KroneckerDelta(i, j) * v[i] * v[j] + sympy.KroneckerDelta(i, 1), (j, i),
                       np.diag(u**2) + np.eye(3)[1]),
    "Step": (Step(v[i]), (i,), (u > 0) * 1.0),
    "Side": (Side(v[i]), (i,), np.where(u > 0, 1.0, -1.0)),
    "Vanishes": (Vanishes(v[i] - 2), (i,), (u == 2) * 1.0),
    "Heaviside": (sympy.Heaviside(v[i] + 1, sympy.Rational(1, 4)), (i,), np.heaviside(u + 1, 0.25)),
    "Piecewise": (sympy.Piecewise((X**2, X > Y), (-X, True)), (), np.where(x > y, x**2, -x)),
    "polygamma": (sympy.digamma(X) + sympy.polygamma(1, X), (), sp.digamma(x) + sp.polygamma(1, x)),
    "exp": (sympy.exp(A[i, j]) / sympy.Sum(sympy.exp(A[i, m]), (m, 0, 2)), (i, j),
            np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)),
    "sin": (sympy.sin(X), (), np.sin(x)),
    "cos": (sympy.cos(X), (), np.cos(x)),
    "tan": (sympy.tan(X), (), np.tan(x)),
    "asin": (sympy.asin(X), (), np.arcsin(x)),
    "acos": (sympy.acos(X), (), np.arccos(x)),
    "atan": (sympy.atan(X), (), np.arctan(x)),
    "atan2": (sympy.atan2(X, Y), (), np.arctan2(x, y)),
    "sinh": (sympy.sinh(X), (), np.sinh(x)),
    "cosh": (sympy.cosh(X), (), np.cosh(x)),
    "tanh": (sympy.tanh(X), (), np.tanh(x)),
    "asinh": (sympy.asinh(X), (), np.arcsinh(x)),
    "acosh": (sympy.acosh(X + 1), (), np.arccosh(x + 1)),
    "atanh": (sympy.atanh(X), (), np.arctanh(x)),
    "Abs": (sympy.Abs(v[i]), (i,), np.abs(u)),
    "sign": (sympy.sign(v[i]), (i,), np.sign(u)),
    "floor": (sympy.floor(3 * X), (), np.floor(3 * x)),
    "ceiling": (sympy.ceiling(3 * X), (), np.ceil(3 * x)),
    "Floor": (Floor(3 * X), (), np.floor(3 * x)),
    "erf": (sympy.erf(X), (), sp.erf(x)),
    "erfc": (sympy.erfc(X), (), sp.erfc(x)),
    "gamma": (sympy.gamma(X), (), sp.gamma(x)),
    "loggamma": (sympy.loggamma(X), (), sp.gammaln(x)),
    "erfinv": (sympy.erfinv(X), (), sp.erfinv(x)),
    "besseli": (sympy.besseli(Y, X), (), sp.iv(y, x)),
    "besselj": (sympy.besselj(2, X), (), sp.jv(2, x)),
    "besselk": (sympy.besselk(sympy.Rational(1, 3), X), (), sp.kv(1 / 3, x)),
    "bessely": (sympy.bessely(Y, X), (), sp.yv(y, x)),
    "lowergamma": (sympy.lowergamma(Y, X), (), sp.gammainc(y, x) * sp.gamma(y)),
    "betainc": (sympy.betainc(Y, 2, 0, X), (), sp.betainc(y, 2, x) * sp.beta(y, 2)),
    "Max": (sympy.Max(X, Y, sympy.Rational(1, 2)), (), np.maximum(np.maximum(x, y), 0.5)),
    "Min": (sympy.Min(X, Y), (), np.minimum(x, y)),
    "StrictGreaterThan": (sympy.Piecewise((1 + X, X > Y), (X, True)), (), x + (x > y)),
    "GreaterThan": (sympy.Piecewise((1 + X, X >= Y), (X, True)), (), x + (x >= y)),
    "StrictLessThan": (sympy.Piecewise((1 + X, X < Y), (X, True)), (), x + (x < y)),
    "LessThan": (sympy.Piecewise((1 + X, X <= Y), (X, True)), (), x + (x <= y)),
    "Equality": (sympy.Piecewise((1 + X, sympy.Eq(X, Y)), (X, True)), (), x),
    "Unequality": (sympy.Piecewise((1 + X, sympy.Ne(X, Y)), (X, True)), (), x + 1),
    "And": (sympy.Piecewise((1 + X, (X > Y) & (X > 0)), (X, True)), (), x + (x > y)),
    "Or": (sympy.Piecewise((1 + X, (X > Y) | (X > 0)), (X, True)), (), x + 1),
    "Not": (sympy.Piecewise((1 + X, sympy.Not(sympy.And(X > Y, X > 0))), (X, True)), (), x + (x <= y)),
    "NumberSymbol": (X * sympy.EulerGamma, (), x * np.euler_gamma),
    "Infinity": (sympy.Piecewise((sympy.oo, X > Y), (X, True)), (), np.where(x > y, np.inf, x)),
    "NegativeInfinity": (sympy.Piecewise((-sympy.oo, X > Y), (X, True)), (),
                         np.where(x > y, -np.inf, x)),
    "sec": (sympy.sec(X), (), 1 / np.cos(x)),
    "csc": (sympy.csc(X), (), 1 / np.sin(x)),
    "cot": (sympy.cot(X), (), 1 / np.tan(x)),
    "sech": (sympy.sech(X), (), 1 / np.cosh(x)),
    "csch": (sympy.csch(X), (), 1 / np.sinh(x)),
    "coth": (sympy.coth(X), (), 1 / np.tanh(x)),
    "asec": (sympy.asec(X + 1), (), np.arccos(1 / (x + 1))),
    "acsc": (sympy.acsc(X + 1), (), np.arcsin(1 / (x + 1))),
    "acot": (sympy.acot(X), (), np.arctan(1 / x)),
    "frac": (sympy.frac(3 * X), (), 3 * x - np.floor(3 * x)),
    "re": (sympy.re(sympy.Symbol("x")), (), x),
    "im": (sympy.Symbol("x") + sympy.im(sympy.Symbol("x")), (), x),
    "conjugate": (sympy.conjugate(sympy.Symbol("x")), (), x),
    "erfcinv": (sympy.erfcinv(X), (), sp.erfcinv(x)),
    "beta": (sympy.beta(X, Y), (), sp.beta(x, y)),
    "Xor": (sympy.Piecewise((1 + X, sympy.Xor(X > Y, X > 0)), (X, True)), (), x + (x <= y)),
    "Implies": (sympy.Piecewise((1 + X, sympy.Implies(X > Y, X < 0)), (X, True)), (), x + (x <= y)),
    "ITE": (sympy.Piecewise((1 + X, sympy.ITE(X > Y, X < 0, Y > 0)), (X, True)), (), x + (x <= y)),
    "MatrixSymbol": (M, (), mm),
    "MatAdd": (M + 2 * N, (), mm + 2 * nn_),
    "MatMul": (M * N * M, (), mm @ nn_ @ mm),
    "HadamardProduct": (sympy.HadamardProduct(M, N), (), mm * nn_),
    "Transpose": (M.T * N, (), mm.T @ nn_),
    "Inverse": (M.I * N, (), np.linalg.inv(mm) @ nn_),
    "MatPow": (M**3, (), mm @ mm @ mm),
    "Identity": (M + sympy.Identity(2), (), mm + np.eye(2)),
}  # fmt: skip


def test_the_table_has_a_test_for_every_row():
    assert set(ROWS) == set(SUPPORTED)


@pytest.mark.parametrize("row", ROWS)
def test_a_node_of_the_table(row):
    e, axes, expected = ROWS[row]
    found = from_sympy(e, VALUES, axes=axes)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13, atol=1e-15)


# --- round trips -----------------------------------------------------------------------------------


def batch_norm(z, gamma, beta):
    return nn.functional.batch_norm(z, gamma, beta)


GENERAL = {
    "batch norm": ("z:B,D gamma:D beta:D", batch_norm, "bd"),
    "softmax": ("z:B,C", lambda z: ag.softmax(z, axis=1), "bc"),
    "log softmax": ("z:B,C", lambda z: ag.log_softmax(z, axis=1), "bc"),
    "tanh layer": ("x:B,I W:I,H c:H", lambda x, w, c: ag.tanh(ag.affine(x, w, c)), "bh"),
    "relu layer": ("x:B,I W:I,H", lambda x, w: ag.relu(x @ w), "bh"),
    "mse": ("o:B,C t:B,C", lambda o, t: ((o - t) ** 2).mean(), ""),
    "trace": ("z:B,B", lambda z: ag.einsum("ii->", z), ""),
    "attention": ("q:T,K k:S,K v:S,D", lambda q, k, v: ag.softmax(q @ k.T, axis=1) @ v, "td"),
    "third": ("z:B,C", lambda z: z.sum(axis=0) / 3, "c"),
}
FIXED = {
    "tanh": (lambda x, w: ag.tanh(x @ w) + 1e-5, (2, 2), (2, 1)),
    "relu": (lambda x, w: ag.relu(x @ w) ** 2, (2, 2), (2, 2)),
    "cumsum": (lambda x: ag.cumsum(x, axis=0) / 3, (3,)),
    "max": (lambda x: ag.max(x), (3,)),
    "absolute": (lambda x: ag.absolute(x) + ag.sign(x), (3,)),
    "where": (lambda x: ag.where(x > 0.5, x, x**3), (3,)),
    "erf": (lambda x: ag.sqrt(x) * ag.erf(x) * ag.sin(x), (2,)),
}


@pytest.mark.parametrize("which", GENERAL)
def test_a_round_trip_is_proved_for_every_size(which):
    text, function, axes = GENERAL[which]
    leaves = {t.name: t for t in arrays(text)}
    value = function(*leaves.values())
    back = from_sympy(to_sympy(value), leaves, axes=axes)
    verdict = prove.equal(value, back, wrt=leaves)
    assert verdict.status == "PROVED", str(verdict)
    assert verdict.scope.startswith("for every")


def test_a_round_trip_with_labels_is_proved():
    (z,), (y,) = arrays("z:B,C"), labels("y:B")
    loss = nn.functional.cross_entropy(z, y)
    for value, axes in (
        (loss, ""),
        (ag.grad(lambda z: nn.functional.cross_entropy(z, y))(z), "bc"),
    ):
        back = from_sympy(to_sympy(value), {"z": z, "y": y}, axes=axes)
        assert prove.equal(value, back, wrt=[z, y]).status == "PROVED"


@pytest.mark.parametrize("which", FIXED)
def test_a_round_trip_is_proved_at_a_fixed_shape(which):
    function, *shapes = FIXED[which]
    random = np.random.default_rng(0)
    leaves = {
        f"x{n}": ag.tensor(random.uniform(0.2, 0.9, s), requires_grad=True, name=f"x{n}")
        for n, s in enumerate(shapes)
    }
    value = function(*leaves.values())
    back = from_sympy(to_sympy(value), leaves)
    assert back.shape == value.shape
    assert prove.equal(value, back, wrt=leaves).status == "PROVED"
    np.testing.assert_allclose(back.numpy(), value.numpy(), rtol=1e-14)


# --- graphs ------------------------------------------------------------------------------------------


def test_equal_parts_are_one_node():
    t = ag.tensor([0.5], requires_grad=True)
    shared = sympy.exp(sympy.sin(X))
    whole = shared + sympy.log(1 + shared) * shared
    for _ in range(12):
        whole = sympy.tanh(whole) + sympy.cos(whole)  # as a tree, ten thousand leaves
    program = ag.introspect.program(from_sympy(whole, {X: t}), wrt=[t])
    used = [step.primitive.name for step in program]
    assert used.count("exp") == used.count("sin") == used.count("logaddexp") == 1
    assert used.count("tanh") == 12
    assert len(used) < 45


def test_a_deep_expression_needs_no_recursion():
    e = X
    for _ in range(300):
        e = sympy.sin(e, evaluate=False)
    assert np.isfinite(from_sympy(e, {"x": 0.5}).numpy())


def test_float32_is_kept_forward_and_backward():
    t = ag.tensor(np.array([0.5, 0.7], np.float32), requires_grad=True)
    for e in (
        sympy.exp(X) / 3 + sympy.Rational(1, 3) + sympy.pi,
        sympy.Piecewise((X**2, X > 1), (0, True)) + sympy.Heaviside(X) + sympy.Max(X, 0),
        X ** sympy.Rational(1, 3) + 1 / X,
        Vanishes(X) + Step(X) + X,
    ):
        found = from_sympy(e, {X: t})
        assert found.dtype == np.float32
        (gradient,) = ag.grad(lambda u, e=e: from_sympy(e, {X: u}).sum(), (0,))(t)
        assert gradient.dtype == np.float32
        expected = [float(sympy.diff(e, X).subs(X, value)) for value in (0.5, 0.7)] if not e.has(
            sympy.Heaviside, Vanishes, sympy.Max) else None  # fmt: skip
        if expected:
            np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-6)


def test_gradients_of_a_sum_over_indices():
    w = ag.tensor(VALUES["A"], requires_grad=True)
    e = sympy.Sum(A[i, j] ** 2 * v[j], (i, 0, n - 1), (j, 0, m - 1))
    from_sympy(e, {A: w, v: VALUES["v"]}).backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * a * u, rtol=1e-15)


def test_containers_of_expressions():
    t = ag.tensor(2.0, requires_grad=True)
    assert from_sympy([[X, 1], [X**2, 0]], {X: t}).numpy().tolist() == [[2, 1], [4, 0]]
    assert from_sympy(sympy.Matrix([[X, 1]]), {X: t}).shape == (1, 2)
    assert from_sympy(sympy.Array([X, X]), {"x": VALUES["x"]}).shape == (2, 2)
    assert float(from_sympy(sympy.Integer(3), {})) == 3.0


def test_indices_as_numbers_labels_and_idx():
    assert float(from_sympy(sympy.Sum(j * v[j], (j, 0, 2)), VALUES)) == 3.0
    picked = from_sympy(sympy.Sum(A[i, k[i]], (i, 0, n - 1)), VALUES)
    assert float(picked) == pytest.approx(a[0, 2] + a[1, 0])
    p = sympy.Idx("p", 3)
    assert from_sympy(v[p] * 2, VALUES).numpy().tolist() == [1.0, -2.0, 4.0]


# --- what does not overflow --------------------------------------------------------------------------

Z = sympy.IndexedBase("z")
TOTAL = sympy.Sum(sympy.exp(Z[m]), (m, 0, n - 1))
LARGE = np.array([0.5, -1.0, 2.0]) * 1000


def _softmax():
    e = np.exp(LARGE - LARGE.max())
    return e / e.sum()


WITHOUT_OVERFLOW = {
    "softmax": (sympy.exp(Z[i]) / TOTAL, _softmax()),
    "its square": ((sympy.exp(Z[i]) / TOTAL) ** 2, _softmax() ** 2),
    "its logarithm": (sympy.log(sympy.exp(Z[i]) / TOTAL), LARGE - 2000),
    "with a factor": (sympy.log(3 * sympy.exp(Z[i]) / TOTAL), LARGE - 2000 + np.log(3)),
    "an expectation": (sympy.Sum(sympy.exp(Z[i]) / TOTAL * Z[i], (i, 0, n - 1)), 2000.0),
    "two terms": (sympy.log(sympy.exp(Z[i]) + 3 * sympy.exp(-Z[i])),
                  np.logaddexp(LARGE, np.log(3) - LARGE)),
    "softplus": (sympy.log(1 + sympy.exp(Z[i])), np.logaddexp(0, LARGE)),
    "sigmoid": (1 / (1 + sympy.exp(-Z[i])), np.array([1.0, 0.0, 1.0])),
    "sigmoid, the other way": (sympy.exp(Z[i]) / (1 + sympy.exp(Z[i])), np.array([1.0, 0.0, 1.0])),
}  # fmt: skip


@pytest.mark.parametrize("which", WITHOUT_OVERFLOW)
def test_fractions_and_logarithms_of_exponentials_do_not_overflow(which):
    """Neither the value nor the gradient, nor anything that is computed on the way and not used."""
    e, expected = WITHOUT_OVERFLOW[which]
    with np.errstate(all="raise", under="ignore"):
        t = ag.tensor(LARGE, requires_grad=True)
        found = from_sympy(e, {"z": t})
        found.sum().backward()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-300)
    assert np.isfinite(t.grad.numpy()).all()


# --- float parameters, assumptions, labels -----------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("number", [0.5, 3, True, np.float16(0.5)], ids=repr)
def test_a_number_takes_the_dtype_of_what_it_meets(dtype, number):
    w = np.array([0.25, -2.0], dtype)
    for e in (X * Y, X + Y, X / Y, Y / X, X**Y, Y**2 * X, sympy.Max(X, Y), sympy.sqrt(Y) + X,
              sympy.Piecewise((Y, X > 0), (X, True)), sympy.exp(Y) + X, sympy.Max(X, 0) ** Y):  # fmt: skip
        with np.errstate(all="ignore"):
            assert from_sympy(e, {X: ag.tensor(w), "y": number}).dtype == dtype
    assert from_sympy(Y * v[i], {"v": w, "y": number}).dtype == dtype
    if type(number) is float:
        m = from_sympy(Y * M + sympy.Identity(2), {"M": np.eye(2, dtype=dtype), "y": number})
        assert m.dtype == dtype


@pytest.mark.parametrize(
    ("assumption", "right", "wrong"),
    [
        ("positive", [0.5, np.inf], [0.5, 0.0]),
        ("negative", [-0.5], [0.5]),
        ("nonnegative", [0.0, 0.5], [-1e-30]),
        ("nonpositive", [0.0, -0.5], [1e-30]),
        ("nonzero", [-1.0], [0.0]),
        ("integer", [-1.0, 3.0], [0.5]),
        ("even", [4.0], [3.0]),
        ("odd", [3.0, -1.0], [4.0]),
    ],
)
def test_numbers_are_what_their_symbols_are_assumed_to_be(assumption, right, wrong):
    """By assumptions sympy simplifies: |x| to x, the sign of a positive number to 1."""
    s = sympy.Symbol("s", **{assumption: True})
    b = sympy.IndexedBase(s)
    for e in (s + 1, b[i] + 1):
        from_sympy(e, {"s": np.array(right)})
        with pytest.raises(ConfigError, match=f"s is {assumption} by its assumptions.*received"):
            from_sympy(e, {"s": np.array([*right, *wrong])})
    with pytest.raises(ConfigError, match=assumption):
        from_sympy(s + 1, {"s": wrong[-1]})
    with pytest.raises(ConfigError, match="not real by its assumptions"):
        from_sympy(sympy.Symbol("s", imaginary=True), {"s": 1.0})


@pytest.mark.parametrize("labels", [[0.0, 1.0], [True, False, True]])
def test_labels_are_integers(labels):
    for e in (v[k[i]], A[i, k[i]], sympy.KroneckerDelta(j, k[i]) * v[j]):
        with pytest.raises((ag.DTypeError, ShapeError)):
            from_sympy(e, {**VALUES, "k": np.array(labels)}, axes="ij" if e.has(j) else "i")


def test_a_matrix_has_the_shape_of_its_symbol():
    P = sympy.MatrixSymbol("P", n, m)
    assert from_sympy(P.T * P, {"P": np.ones((2, 3))}).shape == (3, 3)
    for e, inputs in (
        (M * N, {"M": np.eye(3), "N": np.eye(3)}),
        (P * P.T * sympy.MatrixSymbol("Q", n, n), {"P": np.ones((2, 3)), "Q": np.eye(3)}),
        (M + M, {"M": 2.0}),
    ):
        with pytest.raises(ShapeError, match=r"matrix|size n"):
            from_sympy(e, inputs)


@pytest.mark.parametrize("axes", [3, (0, 1), (None, i), "iij", "i", [X, Y], i])
def test_axes_are_the_free_indices(axes):
    with pytest.raises(ConfigError, match="free indices are i, j"):
        from_sympy(A[i, j] + 1, VALUES, axes=axes)


# --- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x + 1", b"x", np.str_("x"), ["x"], [[X, "__import__('os')"]]])
def test_text_is_never_parsed(text, monkeypatch):
    def refused(*args, **kwargs):
        raise AssertionError("text reached a parser")

    monkeypatch.setattr("sympy.parsing.sympy_parser.parse_expr", refused)
    with pytest.raises(ConfigError, match="Text is never parsed"):
        from_sympy(text, {"x": 1.0})


def test_no_parser_is_named_in_the_source():
    sources = sorted(Path(formulas.__file__).parent.glob("*.py"))
    assert len(sources) > 10
    for text in (file.read_text() for file in sources):
        assert not [word for word in ("parse_expr", "eval(", "exec(") if word in text]
        # With strict=True, sympify refuses text.
        calls = [line for line in text.splitlines() if "sympify(" in line]
        assert all("strict=True" in line for line in calls)
    with pytest.raises(sympy.SympifyError):
        sympy.sympify("x", strict=True)


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (sympy.Derivative(sympy.sin(X), X), ProofError, "Derivative cannot be written"),
        (
            1 + sympy.Integral(sympy.Symbol("q"), (sympy.Symbol("q"), 0, X)),
            ProofError,
            "Integral cannot",
        ),
        (2 * M[0, 1], ProofError, "MatrixElement cannot be written"),
        (sympy.zeta(X), ProofError, "zeta cannot be written with arrays.*Expected Abs, Add"),
        (sympy.Symbol("q"), ProofError, "no input for the symbol q. Received inputs for x, y"),
        (X + sympy.Symbol("x"), ProofError, "two symbols are called x"),
        (sympy.Piecewise((X, X > 0)), ProofError, "no value where none"),
        (sympy.Heaviside(X, Y), ProofError, "Expected a number"),
        (sympy.Sum(v[j], (j, 1, 2)), ShapeError, "starts at 1"),
        (sympy.Sum(v[j], (j, 0, 1)), ShapeError, "Expected all of the axis"),
        (sympy.Sum(A[i, i], (i, 0, n - 1)), ShapeError, "axes of sizes 2 and 3"),
        (A[i], ShapeError, "has 1 indices"),
        (A[i, j], ConfigError, r"free indices are i, j"),
        (X * v[j], ShapeError, "an array without an index"),
        (sympy.ZeroMatrix(2, 2), ProofError, "ZeroMatrix cannot be written"),
        (range(2), ConfigError, "received range"),
        ([A[0, j]], ConfigError, "free indices j"),
    ],
    ids=str,
)
def test_what_is_refused_is_named(expression, error, message):
    with pytest.raises(error, match=message):
        from_sympy(expression, VALUES)


def test_inputs_are_checked():
    with pytest.raises(ConfigError, match="two entries for x"):
        from_sympy(X, {"x": 1.0, X: 2.0})
    with pytest.raises(ConfigError, match="the key 3"):
        from_sympy(X, {3: 1.0})


# --- every formula of the engine -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [n for n, p in ag.REGISTRY.items() if getattr(p.kind, "formula", None) is not None]
)
def test_every_formula_comes_back_as_the_same_numbers(name):
    """From the primitive to sympy and from there to a graph."""
    p = ag.REGISTRY[name]
    operands = [
        q
        for q in inspect.signature(p.function).parameters.values()
        if "ArrayLike" in str(q.annotation)
    ]
    random = np.random.default_rng(0)
    # Only the last asks for a gradient: orders and the like have none.
    leaves = {
        f"x{n}": ag.tensor(
            random.uniform(*p.domain, 2), requires_grad=n == len(operands) - 1, name=f"x{n}"
        )
        for n in range(len(operands))
    }
    value = p.function(*leaves.values())
    back = from_sympy(to_sympy(value, wrt=leaves), leaves)
    np.testing.assert_allclose(back.numpy(), value.numpy(), rtol=1e-9, atol=1e-13)
