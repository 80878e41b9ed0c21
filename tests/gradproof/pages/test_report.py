"""The page: well-formed, quiet, and unmoved by whatever is put into it."""

import dataclasses
import math

import numpy as np
import pytest

import optim
from autograd_core.symbolic import LeafVerdict, Verdict
from gradproof.pages.report import Mistake, Report, Score, render
from gradproof.proofs import Claim

HOSTILE = """</pre><script>alert(1)</script><img src=http://example.org/x onerror="x">' & \x00"""
SVG = '<svg width="8" xmlns="http://www.w3.org/2000/svg"><g id="n0"><text>a</text></g></svg>'


def history(stopped_by="early stopping"):
    made = optim.History()
    made.append({"loss": 1.0, "val_loss": 0.5, "seconds": 1.0})
    made.stopped_by = stopped_by
    return made


def verdict(**changes):
    leaf = LeafVerdict("PROVED", (2,), 2)
    made = Verdict(
        "a claim", "PROVED", "shape z (2,)", {"z": leaf}, ("z[0] = 0",), rules={"add": "ab" * 32}
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture
def report():
    return Report(
        title="A title",
        data="Digits",
        source="Somebody (1998)",
        scores=(
            Score("training", 9, 0, 0.1),
            Score("validation", 3, 1, 0.2),
            Score("test", 4, 1, 0.3),
        ),
        history=history(),
        parameters=1234,
        model="Sequential(\n  (0): Linear(2, 2)\n)",
        settings={"optimizer": "Adam"},
        mistakes=[Mistake(np.eye(8), 3, 5, 0.875, 0.11)],
        claims=[Claim("Batch norm", "It is the derivative.", verdict())],
        program="program f(a)",
        command="gradproof demo --seed 0",
        seed=0,
        versions={"numpy": "2.0"},
        graph=SVG,
        mirror=SVG,
        mask=SVG,
        masks=SVG,
        curves=SVG,
    )


def test_the_page_is_well_formed_and_quiet(report, quiet):
    page = quiet(render(report))
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert len(page.all("svg")) == 5
    kinds = [image["src"].partition(";")[0] for image in page.all("img")]
    assert kinds == ["data:image/png"]
    assert all(image["alt"] for image in page.all("img"))


def test_the_page_says_what_it_was_given(report, read):
    words = read(render(report)).text
    for part in (
        "A title", "25.00\u00a0%", "1 of 4 digits", "ended by early stopping", "1,234", "1 of 1",
        "a 3, read as 5", "88\u00a0% sure", "It is the derivative.", "shape z (2,)", "z[0] = 0",
        "program f(a)", "$ gradproof demo --seed 0", "Somebody (1998)", "add abababababab",
    ):  # fmt: skip
        assert part in words


def test_hostile_text_does_nothing(report, quiet):
    changes = dict.fromkeys(("title", "data", "source", "model", "program", "command"), HOSTILE)
    changes["settings"] = changes["versions"] = {HOSTILE: HOSTILE}
    changes["scores"] = [Score(HOSTILE, 2, 1, 0.1)]
    changes["history"] = history(HOSTILE)
    bad = verdict(
        status="UNDECIDED", scope=HOSTILE, excluded=(HOSTILE,), facts=(HOSTILE,), rules={HOSTILE: HOSTILE}
    )  # fmt: skip
    changes["claims"] = [Claim(HOSTILE, HOSTILE, bad)]
    quiet(render(dataclasses.replace(report, **changes)))


def test_equal_contents_give_equal_pages(report):
    assert render(report) == render(dataclasses.replace(report))


def test_a_refuted_claim_is_shown_as_such(report, read):
    leaf = LeafVerdict("REFUTED", (2,), 1, "unequal at a point")
    bad = verdict(status="REFUTED", leaves={"z": leaf})
    page = render(dataclasses.replace(report, claims=[Claim("Batch norm", "It is not.", bad)]))
    assert '<span class="verdict REFUTED">REFUTED</span>' in page
    words = read(page).text
    assert "0 of 1" in words
    assert "unequal at a point" in words


@pytest.mark.parametrize(
    ("wrong", "shown", "words"),
    [
        (0, 0, "None of the 40 test images"),
        (1, 1, "The one misread test image."),
        (3, 3, "All 3 misread test images"),
        (9, 3, "3 of the 9 misread test images"),
    ],
)
def test_misread_images_are_counted(report, read, wrong, shown, words):
    scores = [Score("test", 40, wrong, 0.1)]
    mistakes = [*report.mistakes] * shown
    page = render(dataclasses.replace(report, scores=scores, mistakes=mistakes))
    assert words in read(page).text


def test_a_run_of_all_its_epochs_is_said_so(report, read):
    page = render(dataclasses.replace(report, history=history("epochs")))
    assert "all that were asked for" in read(page).text


def test_long_lists_are_shortened(report, read):
    long = verdict(excluded=("x" * 5000,))
    words = read(render(dataclasses.replace(report, claims=[Claim("A", "b", long)]))).text
    assert "x" * 999 + "…" in words
    assert "x" * 1000 not in words


def test_an_error_without_images_is_not_a_number():
    assert math.isnan(Score("test", 0, 0, 0.0).error)
    assert Score("test", 8, 2, 0.0).error == 0.25
