"""Text is made visible, and escaped, in one place."""

import html

import pytest
from hypothesis import given, strategies as st

from autograd_core.markup import escaped, visible

ANY = st.text(st.characters(exclude_categories=()))  # lone surrogates and all


@given(ANY)
def test_printable_text_is_one_visible_line(text):
    shown = visible(text)
    assert shown.isprintable()
    shown.encode()  # no surrogate is left


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x00b", "a\\x00b"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
        ("tab\tand\nline", "tab and line"),
        ("\ufffe", "\\ufffe"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_is_invisible_is_spelt_out(hostile, shown):
    assert visible(hostile) == shown


@given(ANY)
def test_markup_holds_no_markup(text):
    assert not set(escaped(text)) & set("<>\"'")


@given(ANY)
def test_what_is_escaped_is_read_as_what_was_visible(text):
    assert html.unescape(escaped(text)) == visible(text)


@given(ANY)
def test_what_is_kept_stays_and_nothing_else(text):
    assert visible(text, keep="\n\u00a0").replace("\n", " ").replace("\u00a0", " ") == visible(text)
