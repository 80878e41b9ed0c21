"""Formulas as MathML: sound markup that says what the lecture says."""

from xml.etree import ElementTree as ET

import pytest

from gradproof.pages.formulas import BATCH_NORM_BACKWARD, BATCH_NORM_FORWARD, CROSS_ENTROPY, formula

# The elements of MathML that browsers set, and how many children those with a fixed number have.
COUNTS = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munderover": 3}
KNOWN = {"math", "mrow", "mi", "mn", "mo", "mspace", "msqrt", *COUNTS}


@pytest.mark.parametrize("markup", [BATCH_NORM_FORWARD, BATCH_NORM_BACKWARD, CROSS_ENTROPY])
def test_every_element_is_known_and_has_its_children(markup):
    for found in ET.fromstring(f"<div>{markup}</div>"):
        assert found.tag == "math"
        for node in found.iter():
            assert node.tag in KNOWN
            assert node.tag not in COUNTS or len(node) == COUNTS[node.tag]
            if node.tag in ("mi", "mn", "mo"):
                assert node.text


def test_letters_digits_and_signs_are_told_apart():
    assert (
        formula("μ", "2", "+")
        == '<math display="block"><mrow><mi>μ</mi><mn>2</mn><mo>+</mo></mrow></math>'
    )


def test_text_in_a_formula_is_escaped():
    assert "<mo>&lt;</mo>" in formula("<")


def test_the_batch_norm_formulas_are_complete():
    forward = ET.fromstring(f"<div>{BATCH_NORM_FORWARD}</div>")
    lines = ["".join(line.itertext()) for line in forward]
    assert lines == ["μB=1B∑i=1Bzi", "σB2=1B∑i=1B(zi−μB)2", "ui=zi−μBσB2+ε", "ẑi=γui+β"]
    backward = ET.fromstring(f"<div>{BATCH_NORM_BACKWARD}</div>")
    lines = ["".join(line.itertext()).replace("∂Div∂", "∂") for line in backward]
    assert lines == [
        "∂ui=γ∂ẑi",
        "∂σB2=∑i=1B∂ui(zi−μB)·−12(σB2+ε)−3/2",
        "∂μB=(∑i=1B∂ui·−1σB2+ε)+∂σB2·∑i=1B−2(zi−μB)B",
        "∂zi=∂ui·1σB2+ε+∂σB2·2(zi−μB)B+∂μB·1B",
        "∂γ=∑i=1Bui∂ẑi∂β=∑i=1B∂ẑi",
    ]
