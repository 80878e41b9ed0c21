"""The page of claims: quiet, well-formed, and unmoved by whatever stands in a claim."""

import dataclasses
import datetime as dt

import pytest

from autograd_core.symbolic.claims import collected
from gradproof.commands.prove import PACKAGES
from gradproof.pages.claims import render

DAY = dt.date(2000, 1, 2)
HOSTILE = """</style><script>alert(1)</script><img src=http://example.org/x onerror="x">' & \x00"""


@pytest.fixture(scope="module")
def outcomes():
    claims = collected(PACKAGES)
    return [claims[name].run() for name in ("B1", "X1", "X15", "X23", "O19")]


def test_the_page_is_well_formed_and_quiet(outcomes, quiet):
    page = quiet(render(outcomes, DAY))
    assert len(page.all("h1")) == 1
    assert len(page.all("article")) == len(outcomes)
    assert len(page.all("math")) >= len(outcomes)


def test_the_page_says_what_came_out(outcomes, read):
    words = read(render(outcomes, DAY)).text
    for part in (
        "ADAM: RMSprop with momentum", "INDEX: a wrong index", "Readings tried", "Correction",
        "−0.111111 instead of 1, at δ = 9/10, g = 1, k = 1.", "not 0, by",
        "for every B ≥ 1, D ≥ 1", "given: a constant gradient g", "where: [δ^k] − 1 ≠ 0",
        "Cited, not checked", "Robbins and Monro (1951)", "NOTE: a convention; no error",
        "optim.optimizers.adam.Adam.update", "Made on 2000-01-02", "sympy 1.",
    ):  # fmt: skip
        assert part in words


def test_the_errata_come_first_and_the_citations_last(outcomes):
    page = render(outcomes, DAY)
    places = [page.index(f'id="{name}"') for name in ("erratum", "holds", "cited")]
    assert places == sorted(places)


def test_rules_and_sources_stand_there_by_their_checksums(outcomes):
    page = render(outcomes, DAY)
    digest = outcomes[1].claim.sources()["optim.optimizers.adam.Adam.update"]
    assert f"optim.optimizers.adam.Adam.update {digest[:12]}" in page


def test_equal_outcomes_give_equal_pages(outcomes):
    assert render(outcomes, DAY) == render(list(outcomes), DAY)


def test_what_did_not_come_out_comes_before_all_else(outcomes, read):
    bad = dataclasses.replace(outcomes[0], status="REFUTED", reason="a counterexample")
    page = render([*outcomes[1:], bad], DAY)
    assert page.index('id="open"') < page.index('id="erratum"')
    assert "Declared HOLDS. a counterexample" in read(page).text


def test_hostile_words_do_nothing(outcomes, quiet):
    changed = []
    for outcome in outcomes:
        claim = dataclasses.replace(
            outcome.claim, slide=HOSTILE, words=HOSTILE, assumptions=(HOSTILE,), method=HOSTILE
        )
        findings = tuple(
            dataclasses.replace(
                f,
                words=HOSTILE,
                verdict=dataclasses.replace(f.verdict, scope=HOSTILE, facts=(HOSTILE,)),
            )
            for f in outcome.findings
        )
        changed.append(dataclasses.replace(outcome, claim=claim, findings=findings))
    quiet(render(changed, DAY))
