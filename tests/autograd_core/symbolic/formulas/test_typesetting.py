"""LaTeX: the slide's letters, fractions, sums; and that a renderer takes it."""

import numpy as np
import pytest
import sympy

import autograd_core as ag
import nn
from autograd_core.symbolic import arrays, dims, facts, labels, prove
from autograd_core.symbolic.atoms import Floor, Step, Vanishes
from autograd_core.symbolic.formulas.typesetting import typeset
from autograd_core.symbolic.places import index

B, C = dims("B C")
N = sympy.Symbol("N", integer=True, positive=True)
i, j = index("i", N), index("j", N)
x, w = sympy.IndexedBase("x"), sympy.IndexedBase("W1")
a, gamma = sympy.Symbol("a"), sympy.IndexedBase("gamma")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (x[i, j], r"x_{ij}"),
        (w[i, j], r"W_{ij}^{(1)}"),
        (w[i, j] ** 2, r"\left(W_{ij}^{(1)}\right)^{2}"),
        (x[i] ** 2, r"x_{i}^{2}"),
        (sympy.Symbol("0.weight"), r"W^{(0)}"),
        (sympy.Symbol("variance_1"), r"\sigma^{2\,(1)}"),
        (sympy.Symbol("eps"), r"\epsilon"),
        (sympy.Symbol("logits"), r"\mathrm{logits}"),
        (gamma[i] / N, r"\frac{\gamma_{i}}{N}"),
        (a - x[i], r"a - x_{i}"),
        (-a / 2, r"-\frac{a}{2}"),
        ((x[i] - a) / N, r"\frac{x_{i} - a}{N}"),
        (sympy.Sum(x[i] ** 2, (i, 0, N - 1)), r"\sum_{i} x_{i}^{2}"),
        (sympy.Sum(x[i] + a, (i, 0, N - 1)), r"\sum_{i} \left(x_{i} + a\right)"),
        (sympy.KroneckerDelta(i, j), r"\delta_{i j}"),
        (Step(a), r"\mathbb{1}[a > 0]"),
        (Step(-a), r"\mathbb{1}[a < 0]"),
        (Step(x[i] - a), r"\mathbb{1}[x_{i} > a]"),
        (Vanishes(a), r"\mathbb{1}[a = 0]"),
        (Floor(a), r"\left\lfloor a \right\rfloor"),
        (sympy.sign(a), r"\mathrm{sign}\left(a\right)"),
        (sympy.exp(a), r"e^{a}"),
        (sympy.exp(-a / N), r"\exp\left(-\frac{a}{N}\right)"),
        (sympy.sqrt(a + N), r"\sqrt{N + a}"),
    ],
    ids=str,
)
def test_a_node(expression, text):
    assert typeset(expression) == text


def test_constants_are_written_as_they_were():
    c1, c2 = sympy.symbols("c1 c2")
    assert typeset(x[i] + c1, {c1: 1e-5}) == r"x_{i} + 10^{-5}"
    assert typeset(a / c2, {c2: float(np.sqrt(2))}) == r"\frac{a}{\sqrt{2}}"
    assert typeset(a / c2**2, {c2: float(np.sqrt(2))}) == r"\frac{a}{2}"
    assert typeset(c1 * a, {c1: 0.1}) == r"0.1 a"


def formulas():
    z, y, o = arrays("z:B,C y:B,C o:B,C")
    (k,) = labels("k:B")
    x, w1, b1, w2, b2, t = arrays("x:B,I W1:I,H b1:H W2:H,C b2:C t:B,C")
    (w,) = arrays("W:I,C")
    g, gamma, beta = arrays("G:B,C gamma:C beta:C")
    dense = -ag.sum(y * ag.log_softmax(z, axis=1)) / B
    network = ((ag.affine(ag.relu(ag.affine(x, w1, b1)), w2, b2) - t) ** 2).mean()
    normal = (nn.functional.batch_norm(z, gamma, beta) * g).sum()
    one = [facts.sums_to_one(y, axis=1)]
    yield dense, z, one, r"\frac{\partial L}{\partial z_{bc}} &= \frac{p_{bc} - y_{bc}}{B}"
    yield nn.functional.cross_entropy(z, k), z, (), r"&= \frac{p_{bc} - \delta_{c k_{b}}}{B}"
    yield (
        ag.sum((o - y) ** 2) / B,
        o,
        (),
        r"\partial o_{bc}} = \frac{2}{B} \left(o_{bc} - y_{bc}\right)",
    )
    error = r"\left(a_{bc}^{(2)} - t_{bc}\right)"
    front = r"&= \frac{2}{B C} \sum_{b} x_{bi} \mathbb{1}[a_{bh}^{(1)} > 0] \sum_{c} W_{hc}^{(2)} "
    yield network, w1, (), front + error
    yield ag.sum(ag.absolute(w)), w, (), r"= \mathrm{sign}\left(W_{ic}\right)"
    yield (
        normal,
        z,
        (),
        r"&= \frac{\gamma_{c}}{B s_{c}} \left(B G_{bc} - \sum_{b'} G_{b'c} - u_{bc} \sum_{b'} G_{b'c} u_{b'c}\right)",
    )


@pytest.mark.parametrize(("loss", "leaf", "given", "text"), list(formulas()))
def test_derived_gradients(loss, leaf, given, text):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    # A fact may speak of an array that is differentiated by.
    wrt = [leaf, *(f.array for f in given)]
    found = prove.backward(loss, wrt=wrt, given=given).latex(leaf.name)
    assert text in found
    parser = mathtext.MathTextParser("path")
    for line in found.splitlines():
        if not line.startswith((r"\begin", r"\end")):
            parser.parse(f"${line.replace('&=', '=').removesuffix(chr(92) * 2)}$")
