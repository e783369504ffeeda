"""CSV that a spreadsheet can be trusted with."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import sheets
from ledger.facts import Fact

FACT = Fact(
    7,
    "2026-09-01T12:10:00.000000Z",
    "2026-09-01",
    "2026-09",
    "giving.gift.received.v1",
    "",
    (),
    ((("assets:cash", "USD/2", "rent"), 10_330), (("income:gifts", "USD/2", "rent"), -10_330)),
    b"\xf8" * 32,
)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_what_a_spreadsheet_would_run_becomes_text(start: str) -> None:
    assert sheets.text(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


def test_other_text_is_left_as_it_is() -> None:
    assert [sheets.text(cell) for cell in ("", "Rent", "a=b")] == ["", "Rent", "a=b"]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=2, max_size=5))
def test_any_cell_is_read_back_and_none_begins_a_formula(cells: list[str]) -> None:
    line = sheets.row(map(sheets.text, cells))
    (found,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert [cell.removeprefix("'") for cell in found] == [cell.removeprefix("'") for cell in cells]
    assert not any(cell[:1] in "=+-@\t\r\n" for cell in found if cell)


def test_a_row_per_posting_with_numbers_that_stay_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(sheets.row(sheets.JOURNAL_HEAD) + sheets.journal_rows(FACT), newline="")))
    assert [(row["account"], row["amount"], row["amount_minor"]) for row in rows] == [
        ("assets:cash", "103.30", "10330"),
        ("income:gifts", "-103.30", "-10330"),
    ]
    assert rows[0]["leaf_hash"].startswith("'+"), "a hash may begin with a plus"


def test_an_entry_without_postings_is_no_row() -> None:
    assert sheets.journal_rows(FACT._replace(postings=())) == ""


def test_balances_show_where_they_began_and_ended_with_titles_made_safe() -> None:
    a, b = ("assets:cash", "USD/2", "rent"), ("income:gifts", "USD/2", "rent")
    made = sheets.balance_rows({a: 100}, {a: 350, b: -250}, {"assets:cash": "=cmd|' /C calc'!A0"})
    rows = list(csv.reader(io.StringIO(made, newline="")))
    assert rows[1] == ["assets:cash", "rent", "USD/2", "'=cmd|' /C calc'!A0", "1.00", "2.50", "3.50"]
    assert rows[2][4:] == ["0.00", "-2.50", "-2.50"]
