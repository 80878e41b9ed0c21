"""Claims by slide: a table of 165 titles, and what `gradproof prove 91` and `prove "Momentum Update"` choose."""

from __future__ import annotations

import pytest

from autograd_core.errors import ConfigError
from autograd_core.symbolic.claims import DERIVED, collected
from gradproof.commands.prove import PACKAGES
from gradproof.records import chosen
from gradproof.slides import PLACES, TITLES, about, close_titles, numbered, numbers

CLAIMS = collected(PACKAGES)


def ids(*words):
    return {claim.id for claim in chosen(CLAIMS, words)}


def test_there_are_165_and_some_of_them_are_where_they_are():
    assert list(TITLES) == list(range(1, 166))
    for number, title in {
        1: "Deep Learning", 3: "General approach to training", 37: "Dropout: Typical results", 48: "Experiment",
        62: "Problem with vector update rule", 81: "Rprop (simplified)", 91: "Momentum Update",
        99: "Nestorov's Accelerated Gradient", 118: "When does SGD work", 133: "RMS Prop", 165: "Story so far",
    }.items():  # fmt: skip
        assert TITLES[number] == title
    assert all(title == title.strip() and title for title in TITLES.values())


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_about_a_slide_that_there_is(name):
    claim = CLAIMS[name]
    found = numbers(claim)
    assert found, f"{claim.slide!r} is no title"
    assert claim.id in ids(str(found[0]))
    assert claim.id in ids(TITLES[found[0]])
    assert numbered(claim).endswith(claim.slide)
    assert numbered(claim).startswith(str(found[0]))


def test_places_narrow_a_title_down():
    for name, places in PLACES.items():
        if name in CLAIMS:
            title = CLAIMS[name].slide.removeprefix(DERIVED)
            with_title = [n for n, t in TITLES.items() if t.lower() == title.lower()]
            assert set(places) <= set(with_title)
            assert list(places) == sorted(set(places))


def test_the_numbers_and_titles_of_the_lecture_find_their_claims():
    assert {"O25"} <= ids("91") <= ids("Momentum Update")
    assert ids("Momentum Update") == ids("momentum  UPDATE") == ids("94", "91", "97", "98")
    assert {"O19", "X11", "X38", "X39", "X49"} <= ids("118")
    assert ids("118") == ids("When does SGD work")
    assert "X31" in ids("80")
    assert {"R5"} <= ids("15")
    assert "R5" not in ids("20")
    assert "X11" in ids("118", "B4")
    assert numbered(CLAIMS["O25"]) == "91, 94–97 Momentum Update"
    assert ids("Nestorov’s Accelerated Gradient") == ids("Nestorov's Accelerated Gradient")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("0", "there is no slide 0. Expected a number from 1 to 165, or a title"),
        ("166", "there is no slide 166"),
        ("1", r"no claim is about slide 1, “Deep Learning”. Those next to it: \d+ “"),
        ("Topics for the session", "no claim is about slide 2, “Topics"),
        ("Momentun Update", "names no claim.*a slide by number or title.*Did you mean .*“Momentum Update”"),
        ("accelerated gradient", "Did you mean .*“Nestorov's Accelerated Gradient”"),
        ("-91", "names no claim"),
        ("9¹", "names no claim"),
    ],
)  # fmt: skip
def test_a_slide_that_is_not_there_is_named_with_those_that_are(word, message):
    with pytest.raises(ConfigError, match=message):
        chosen(CLAIMS, [word])


def test_near_titles():
    assert close_titles("Convergence of gradient decent")[0] == "Convergence of gradient descent"
    assert close_titles("zzz") == []
    assert about("zzz", CLAIMS.values()) == []
