"""What is typed becomes words to look for; what an entry says in words of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.types import Entry, Posting
from server.http.problems import Problem
from server.public.words import TERMS_MAX, own_text, terms

ENTRY = Entry(
    log="ledger.example.org/ledger",
    position=9,
    prev=bytes(32),
    at_us=0,
    period="2026-09",
    type="giving.spending.paid.v1",
    data={"vendor": "acme-homes", "sha256": "x"},
    postings=(Posting("expenses:help:rent", "USD/2", "rent", 5),),
)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Transport", ["transport"]),
        ("  help, with:rent  ", ["help", "with", "rent"]),
        ("rent rent RENT", ["rent"]),
        ("Müller's café", ["müller", "s", "café"]),
        ("a_b\x00c", ["a", "b", "c"]),
        ("'; drop table", ["drop", "table"]),
    ],
)
def test_words_are_what_stands_between_other_signs(typed: str, found: list[str]) -> None:
    assert terms(typed) == found


@pytest.mark.parametrize("typed", ["!!!", "\x00", "___", " "])
def test_where_there_is_no_word_that_is_said(typed: str) -> None:
    with pytest.raises(Problem, match="there is no word"):
        terms(typed)


def test_too_many_words_are_refused_with_their_number() -> None:
    with pytest.raises(Problem, match="9 words are too many: leave 8"):
        terms(" ".join(f"w{n}" for n in range(TERMS_MAX + 1)))


@given(st.text(max_size=200))
def test_whatever_is_typed_is_words_or_a_problem(typed: str) -> None:
    try:
        found = terms(typed)
    except Problem:
        return
    assert 0 < len(found) <= TERMS_MAX
    assert not any(set(word) & set(" \x00'\":&|!()<>*\\_") for word in found)


def test_an_entry_with_words_of_its_own_is_found_by_its_names_too() -> None:
    assert own_text(ENTRY) == "giving spending paid v1 expenses help rent rent acme homes"


def test_codes_keys_and_digests_are_no_words() -> None:
    assert own_text(replace(ENTRY, data={"via": "processor", "sha256": "x", "title": ["a"]})) is None
