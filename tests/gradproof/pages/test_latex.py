"""LaTeX as MathML: what is read, and what is refused."""

from xml.etree import ElementTree as ET

import pytest

from autograd_core.errors import ConfigError
from gradproof.pages.latex import mathml

# The elements of MathML that browsers set, and how many children those with a fixed number have.
COUNTS = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3}
KNOWN = {
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "mspace",
    "mtext",
    "msqrt",
    "mtable",
    "mtr",
    "mtd",
    *COUNTS,
}


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
        (r"\frac{\partial \mathrm{Div}}{\partial \mu_B}", "∂Div∂μB"),
        (r"\sum_{i=1}^{B} -2 (z_i - \mu_B)", "∑i=1B−2(zi−μB)"),
        (r"\left( 1 - \frac{1}{B} \right)", "(1−1B)"),
        (r"\max_i \eta_{i,\mathrm{opt}}", "maxiηi,opt"),
        (r"\text{if } a > \theta \text{ then } b", "if\u00a0a>θ\u00a0then\u00a0b"),
        (r"E''(w) = \hat{z}_i", "E″(w)=ẑi"),
        (r"\| w \|_2^2 \le \infty", "‖w‖22≤∞"),
        (r"w_{ij'}", "wij′"),
        (r"\sqrt{\hat{v}_k + \varepsilon}", "v̂k+ε"),
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
        ("{a", "{ without its }"),
        ("a}", "} without its {"),
        (r"\{ {a \}", "{ without its }"),
        ("_a_b_c", "Subscript"),
        ("a^b^c", "Superscript"),
        (r"\frac{a}", "<mfrac> with 1 parts, not 2"),
        ("x^", "SubscriptOrSuper|SuperScriptOrSub"),
        (r"\sqrt", "cannot be read|parts"),
        (r"\unknown a", "unknown, which is not known"),
        (r"\left( a", "MissingRight"),
        (r"\text{\alpha}", "which is not known"),
        (r"\hat", "cannot be read"),
        ("a\x00", "cannot be shown"),
        ("a % b", "has a %"),
        ("$a$", r"has a \$"),
        (r"\href{javascript:a}{b}", "has a link"),
        ("{" * 60 + "}" * 60, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused(formula, what):
    with pytest.raises(ConfigError, match=what):
        mathml(formula)


def test_nothing_in_a_formula_becomes_markup():
    assert "<script>" not in mathml("a < b > c & <script>")
    assert "<script>" not in mathml(r"\text{<script>}")
    assert "<b>" not in mathml(r"\text{<b>} \mathrm{<b>}")
    assert "<b>" not in mathml(r"\text{&lt;b&gt;} \mathrm{&lt;b&gt;}")


def test_a_name_is_one_and_a_function_stands_apart():
    assert [node.text for node in read(r"\mathrm{opt}").iter("mi")] == ["opt"]
    assert read(r"\log T").find(".//mspace") is not None
    assert read(r"\log(T)").find(".//mspace") is None


def test_a_sum_between_brackets_keeps_its_limits():
    assert read(r"\left( \sum_{i=1}^n a \right)").find(".//munderover") is not None


def test_a_hat_is_part_of_its_letter():
    assert [node.text for node in read(r"\hat{z}_i").iter("mi")] == ["ẑ", "i"]
    assert read(r"\hat{ab}").find(".//mover") is not None
