"""Templates: text stays text, whatever it holds."""

import re
from html.parser import HTMLParser

import jinja2
import pytest
from hypothesis import given, strategies as st
from markupsafe import Markup

from gradproof.pages import rendering

HOSTILE = ["<b>x</b>", "</p><script>", '" onload="x', "'", "a & b", "]]>", "\x00\x1b[31m", "\ud800"]


class Reader(HTMLParser):
    """What a browser reads: tags with attributes, and text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.words = [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


def rendered(source, **values):
    return rendering.environment().from_string(source).render(values)


def shown(words):
    """With what HTML cannot hold spelt out."""
    hidden = {"\x00": "\\x00", "\x1b": "\\x1b", "\ud800": "\\ud800"}
    return "".join(hidden.get(c, c) for c in words)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_text_is_read_as_text(words):
    page = Reader(rendered('<p title="{{ x }}">{{ x }}</p>', x=words))
    assert page.tags == [("p", {"title": shown(words)})]
    assert page.words == shown(words)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_read_as_text(words):
    markup = rendered('<p title="{{ x }}">{{ x }}</p>', x=words)
    assert [tag for tag, _ in Reader(markup).tags] == ["p"]
    markup.encode("utf-8")


def test_markup_of_ours_is_not_escaped_again():
    assert rendered("{{ x }}{{ y }}", x=Markup("<br>"), y="<") == "<br>&lt;"


def test_lines_and_spaces_that_are_meant_stay():
    words = "def f():\n    return 1\u00a0%"
    assert rendered("{{ x }}", x=words) == words


def test_what_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="absent"):
        rendered("{{ absent }}")


@pytest.mark.parametrize("name", rendering.environment().list_templates(extensions=["html"]))
def test_no_template_turns_off_escaping_or_asks_for_anything(name):
    loader = rendering.environment().loader
    source, _, _ = loader.get_source(rendering.environment(), name)
    assert not re.search(r"\|\s*safe|autoescape|<script|https?:|\son\w+=|url\(", source)


def test_shares_counts_and_cuts():
    assert rendering.percent(0.125) == "12.50\u00a0%"
    assert rendering.percent(float("nan")) == "–"
    assert rendering.counted([], "rule") == ""
    assert rendering.counted([1], "rule") == "1 rule"
    assert rendering.counted([1, 2], "rule") == "2 rules"
    assert rendering.shortened("abc", 3) == "abc"
    assert rendering.shortened("abcd", 3) == "ab…"
