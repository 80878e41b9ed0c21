"""Tensors as sympy expressions and LaTeX; verdicts as formulas."""

import json

import numpy as np
import pytest
import sympy

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, ProofError
from autograd_core.symbolic import arrays, dims, labels, prove, scalar, to_latex, to_sympy
from autograd_core.symbolic.atoms import Step

B, C = dims("B C")


def leaf(values, name):
    return ag.tensor(np.asarray(values, float), requires_grad=True, name=name)


def test_a_fixed_shape_gives_an_array_of_expressions():
    x, w = leaf([[1, 2], [3, 4]], "x"), leaf([1, 2], "w")
    found = to_sympy(ag.tanh(x @ w))
    assert found.shape == (2,)
    x00, x01, w0, w1 = (sympy.Symbol(n, real=True) for n in ("x[0,0]", "x[0,1]", "w[0]", "w[1]"))
    assert found[0] == sympy.tanh(x00 * w0 + x01 * w1)


def test_a_scalar_comes_bare_and_computes_what_the_engine_computes():
    x = leaf([0.3, -0.7], "x")
    loss = ag.sum(ag.exp(x) * ag.relu(x)) / 3
    e = to_sympy(loss)
    assert isinstance(e, sympy.Expr)
    values = {s: sympy.Rational(x.numpy()[int(s.name[2])]) for s in e.free_symbols}
    assert float(e.subs(values)) == pytest.approx(float(loss.detach()), rel=1e-14)
    assert e.has(Step)


def test_symbolic_sizes_give_sums_over_named_indices():
    z, t = arrays("z:B,C t:B,C")
    (y,) = labels("y:B")
    assert str(to_sympy(ag.sum((z - t) ** 2, axis=1) / C)) == (
        "Sum((-t[b, c] + z[b, c])**2, (c, 0, C - 1))/C"
    )
    gradient = ag.grad(lambda z: nn.functional.cross_entropy(z, y))(z)
    assert to_sympy(gradient).has(sympy.KroneckerDelta)


def test_an_index_is_never_called_as_an_array_is():
    x, w, b = arrays("x:B,I W:I,H b:H")
    e = to_sympy(ag.affine(x, w, b))
    assert {s.name for s in e.free_symbols if s.is_Symbol} >= {"b", "b'"}


def test_constants_are_decimals_or_symbols():
    x = leaf([1.0], "x")
    y = ag.sum(x + 1e-5) * 0.5
    assert to_sympy(y).as_independent(sympy.Symbol("x[0]", real=True))[0] == sympy.Rational(
        1, 200000
    )
    assert (
        sympy.Symbol("c1", real=True, positive=True)
        in to_sympy(y, constants="symbols").free_symbols
    )
    with pytest.raises(ConfigError, match="decimals, symbols"):
        to_sympy(y, constants="floats")


def test_tensors_to_stop_at_can_be_named():
    x = leaf([1.0, 2.0], "x")
    h = ag.exp(x)
    assert str(to_sympy(ag.sum(h), wrt={"h": h})) == "h[0] + h[1]"
    with pytest.raises(ConfigError, match="expected a recorded Tensor"):
        to_sympy(np.ones(2))
    with pytest.raises(ConfigError, match="expected a recorded Tensor"):
        to_latex("x")


def test_latex_stops_at_named_values():
    z, gamma, beta = arrays("z:B,D gamma:D beta:D")
    eps = scalar("eps", positive=True)
    text = to_latex(nn.functional.batch_norm(z, gamma, beta, eps=eps), name="v")
    assert text.splitlines() == [
        r"\begin{aligned}",
        r"\mu_{d} &= \frac{1}{B} \sum_{b} z_{bd} \\",
        r"\sigma_{d}^{2} &= \frac{1}{B} \sum_{b} \left(z_{bd} - \mu_{d}\right)^{2} \\",
        r"u_{bd} &= \frac{z_{bd} - \mu_{d}}{\sqrt{\sigma_{d}^{2} + \epsilon}} \\",
        r"v_{bd} &= \gamma_{d} u_{bd} + \beta_{d}",
        r"\end{aligned}",
    ]


def test_latex_of_what_has_no_indices_is_element_by_element():
    x = leaf([[1.0], [2.0]], "x")
    lines = to_latex(ag.cumsum(x, axis=0)).splitlines()
    assert lines[2] == r"y_{1,0} &= x_{0,0} + x_{1,0}"
    (s,) = arrays("s:B")
    with pytest.raises(ProofError, match="cumsum"):
        to_latex(ag.cumsum(s))


def test_two_layers_are_told_apart():
    z, gamma = arrays("z:B,D gamma:D")
    h = nn.functional.batch_norm(nn.functional.batch_norm(z, gamma), gamma)
    text = to_latex(h)
    assert r"\mu_{d}^{(1)}" in text
    assert r"\mu_{d}^{(2)}" in text


def test_a_verdict_has_formulas():
    (z,) = arrays("z:B,C")
    verdict = prove.backward(ag.sum(z**2) / B, wrt=[z])
    assert verdict.latex("z") == r"\frac{\partial L}{\partial z_{bc}} = \frac{2 z_{bc}}{B}"
    assert "def gradient_z(z):" in verdict.numpy("z")
    record = json.loads(verdict.to_json())
    assert record["status"] == "PROVED"
    assert "derivation" not in record
    assert "derivation" not in repr(verdict)


def test_a_verdict_without_a_formula_says_why(planted):
    (z,) = arrays("z:B")
    verdict = prove.backward(ag.sum(z**2), wrt=[z])
    for ask in (verdict.latex, verdict.numpy):
        with pytest.raises(ProofError, match=r"no leaf 'w'. Expected one of z"):
            ask("w")
    for other in (prove.equal(ag.exp(z), ag.exp(z), wrt=[z]), prove.rule("tanh")):
        with pytest.raises(ProofError, match="has no gradient"):
            other.latex("z")
    program = ag.introspect.program(ag.sum(ag.tanh(z)), wrt=[z])
    faulty = planted(program, "tanh", lambda xp, g, y, x: g - g * y)
    refuted = prove.backward(faulty, wrt=[0])
    assert refuted.status == "REFUTED"
    with pytest.raises(ProofError, match="is REFUTED"):
        refuted.numpy("z")


@pytest.mark.parametrize("wrt", ["x", [3], {"x": 3.0}, {3: None}, [None]], ids=repr)
@pytest.mark.parametrize("write", [to_sympy, to_latex])
def test_what_is_no_tensor_to_stop_at_is_refused(write, wrt):
    x = ag.tensor([1.0], requires_grad=True)
    with pytest.raises(ConfigError, match=f"{write.__name__}: expected wrt as tensors"):
        write(x * 2, wrt=wrt)


def test_one_tensor_to_stop_at():
    x = ag.tensor([1.0], requires_grad=True, name="x")
    y = ag.exp(x)
    assert str(to_sympy(y * 2, wrt=y)[0]) == str(to_sympy(y * 2, wrt=[y])[0])
    with pytest.raises(ConfigError, match="name as text"):
        to_latex(y, name=3)
