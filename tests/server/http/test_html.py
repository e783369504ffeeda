"""Everything that is put into a page is escaped, unless it was made here."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.http.html import Markup, element, joined, page, prose


@given(st.text())
def test_text_cannot_become_markup(text: str) -> None:
    written = element("p", text, title=text)
    inside = written.removeprefix('<p title="').removesuffix("</p>")
    assert "<" not in inside.replace('">', "", 1)
    assert written.count('"') == 2


def test_elements_nest_and_class_is_spelled_out() -> None:
    assert element("p", element("b", "a & b"), " < c", class_="x") == '<p class="x"><b>a &amp; b</b> &lt; c</p>'
    assert joined([Markup("<i></i>"), Markup("<b></b>")]) == "<i></i><b></b>"


def test_words_in_backticks_become_code_and_nothing_else_does() -> None:
    assert prose("a `<b>` c & `d`") == "a <code>&lt;b&gt;</code> c &amp; <code>d</code>"


def test_a_page_is_whole_and_carries_no_script() -> None:
    text = page("A <title>", element("p", "hello")).decode()
    assert text.startswith("<!doctype html>")
    assert "<title>A &lt;title&gt;</title>" in text
    assert "<script" not in text
