"""LaTeX as MathML: what is read, and what is refused."""

from xml.etree import ElementTree as ET

import pytest

from autograd_core.errors import ConfigError
from gradproof.pages.latex import mathml

# The elements of MathML that browsers set, and how many children those with a fixed number have.
COUNTS = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3}
KNOWN = {"math", "mrow", "mi", "mn", "mo", "mspace", "mtext", "msqrt", *COUNTS}


def read(formula):
    tree = ET.fromstring(mathml(formula))
    for node in tree.iter():
        assert node.tag in KNOWN
        assert node.tag not in COUNTS or len(node) == COUNTS[node.tag]
    return tree


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (r"a_i^2 + b", "ai2+b"),
        (r"\frac{\partial Div}{\partial \mu_B}", "∂Div∂μB"),
        (r"\sum_{i=1}^{B} -2 (z_i - \mu_B)", "∑i=1B−2(zi−μB)"),
        (r"\left( 1 - \frac{1}{B} \right)", "(1−1B)"),
        (r"\max_i \eta_{i,\mathrm{opt}}", "maxiηi,opt"),
        (r"\text{if } a > \theta \text{ then } b", "if\u00a0a>θ\u00a0then\u00a0b"),
        (r"E''(w) = \hat{z}_i", "E′′(w)=ẑi"),
        (r"\| w \|_2^2 \le \infty", "‖w‖22≤∞"),
        (r"w_{ij'}", "wij′"),
        (r"\sqrt{\hat{v}_k + \epsilon}", "v̂k+ε"),
    ],
)
def test_a_formula_is_read(formula, text):
    assert "".join(read(formula).itertext()) == text


def test_limits_of_a_sum_stand_above_and_below_it():
    assert read(r"\sum_i^n").find(".//munderover") is not None
    assert read(r"\sum_i a").find(".//munder") is not None
    assert read("x_i^n").find(".//msubsup") is not None


def test_a_formula_within_a_line_is_no_block():
    assert "display" not in mathml("a", block=False)
    assert 'display="block"' in mathml("a")


@pytest.mark.parametrize(
    ("formula", "what"),
    [
        ("{a", "ends where '}' was expected"),
        ("a}", "nothing before it"),
        ("_a", "nothing before it"),
        ("a_b_c", "_ twice"),
        ("a^b'", "' twice"),
        (r"\frac{a}", "ends where a part was expected"),
        ("x^", "ends where a part was expected"),
        (r"\sqrt", "ends where a part was expected"),
        (r"\unknown a", "unknown, which is not known"),
        (r"\left( a", "'right' was expected"),
        (r"\left a \right)", "without a bracket"),
        (r"\text a", "text without braces"),
        (r"\text{\alpha}", "commands in it"),
        (r"\hat{ab}", "no letter"),
        ("{" * 60 + "}" * 60, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused(formula, what):
    with pytest.raises(ConfigError, match=what):
        mathml(formula)


def test_nothing_in_a_formula_becomes_markup():
    assert "<script>" not in mathml("a < b > c & <script>")
    assert "<script>" not in mathml(r"\text{<script>}")
