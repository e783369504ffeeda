"""Journals that accounting programs take. That the programs themselves agree: tests/server/exports."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ledger import journals
from ledger.facts import Fact, Triple
from tests.support.requires import requires, tool

USD, YEN = "USD/2", "JPY"
ASSETS = [USD, YEN, "KWD/3", "POINTS", "X:Y"]
NAMES = journals.commodities(ASSETS)
TITLES = {"assets:cash": 'Cash "at hand", and \\ more', "assets:cash:rent": "Set\naside; title: no"}


def fact(
    position: int, day: str, *lines: tuple[str, str, str, int], phase: str = "", refers: tuple[int, ...] = ()
) -> Fact:
    postings = tuple(((account, asset, fund), amount) for account, asset, fund, amount in lines)
    at = f"{day}T00:00:00.000000Z"
    return Fact(position, at, day, day[:7], "giving.gift.received.v1", phase, refers, postings, bytes(32))


FACTS = [
    fact(5, "2026-09-02", ("assets:cash", USD, "rent", 10_330), ("income:gifts", USD, "rent", -10_330)),
    # The fund of one account is the name of a branch of the other.
    fact(6, "2026-09-01", ("assets:cash:rent", USD, "general", 1), ("income:gifts", USD, "general", -1)),
    fact(7, "2026-09-03", ("assets:cash", YEN, "a_b", 500), ("income:gifts", YEN, "a_b", -500), phase="pending"),
    fact(
        8,
        "2026-09-03",
        ("assets:cash", YEN, "a_b", -500),
        ("income:gifts", YEN, "a_b", 500),
        phase="voided",
        refers=(7,),
    ),
    fact(9, "2026-09-04", ("assets:cash", "KWD/3", "a-b", 1_001), ("equity:interfund", "KWD/3", "a-b", -1_001)),
    fact(10, "2026-09-04", ("points:member", "POINTS", "none", 3), ("points:issued_all", "POINTS", "none", -3)),
    fact(11, "2026-09-04", ("stock:_odd", "X:Y", "none", 3), ("stock:0x", "X:Y", "none", -3)),
    fact(12, "2026-09-05"),
]
OPENING: dict[Triple, int] = {("assets:cash", USD, "rent"): 250, ("income:gifts", USD, "rent"): -250}


def written(kind: type[journals.Journal], facts: list[Fact] = FACTS, *, off_by: int = 0) -> str:
    journal = kind(NAMES, TITLES)
    text = journal.head("ledger.example.org/ledger", 5, 13) + "".join(map(journal.entry, facts))
    closing = dict(OPENING)
    for one in facts:
        for triple, amount in one.postings:
            closing[triple] = closing.get(triple, 0) + amount
    closing["assets:cash", USD, "rent"] += off_by
    return text + journal.tail(OPENING, closing)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=False)


def bean_check(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "ledger.beancount"
    path.write_text(text, encoding="utf-8")
    return run(tool("bean-check"), "--no-cache", path)


def hledger_check(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "ledger.journal"
    path.write_text(text, encoding="utf-8")
    return run(tool("hledger"), "-f", path, "check", "--strict")


@requires("bean-check")
def test_beancount_accepts_currencies_funds_phases_and_odd_names(tmp_path: Path) -> None:
    done = bean_check(tmp_path, written(journals.Beancount))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@requires("bean-check")
def test_beancount_refuses_a_journal_that_is_one_cent_off(tmp_path: Path) -> None:
    """Its own tolerance would let it pass."""
    done = bean_check(tmp_path, written(journals.Beancount, off_by=1))
    assert done.returncode != 0
    assert "Balance failed" in done.stdout + done.stderr


@requires("hledger")
def test_hledger_accepts_currencies_funds_phases_and_odd_names(tmp_path: Path) -> None:
    done = hledger_check(tmp_path, written(journals.Hledger))
    assert (done.returncode, done.stderr) == (0, "")


@requires("hledger")
def test_hledger_refuses_a_journal_that_is_one_cent_off(tmp_path: Path) -> None:
    done = hledger_check(tmp_path, written(journals.Hledger, off_by=1))
    assert done.returncode != 0
    assert "assertion" in done.stderr


@pytest.mark.parametrize("kind", [journals.Beancount, journals.Hledger])
def test_a_range_without_money_is_a_journal_too(kind: type[journals.Journal]) -> None:
    journal = kind(NAMES, {})
    assert journal.entry(FACTS[-1]) == ""
    assert journal.tail({}, {}) == ""


def test_no_two_accounts_share_a_name() -> None:
    parts = ["a", "a_b", "_a", "ab", "a__b", "u_a", "uu_a", "0a"]
    accounts = [f"{root}:{part}" for root in ("assets", "equity", "points", "equity:memo:points") for part in parts]
    accounts += [f"assets:a:{part}" for part in parts]
    pairs = [(account, fund) for account in accounts for fund in ("a", "a-b", "a_b", "aub")]
    assert len({journals.beancount_account(*pair) for pair in pairs}) == len(pairs)
    assert len({journals.hledger_account(*pair) for pair in pairs}) == len(pairs)


def test_one_currency_in_two_precisions_is_two_commodities() -> None:
    assert journals.commodities(["USD/2", "USD/3", "EUR/2"]) == {"EUR/2": "EUR", "USD/2": "USD-2", "USD/3": "USD-3"}
    clash = journals.commodities(["USD/2", "USD/3", "USD-2", "A", "X" * 32])
    assert len(set(clash.values())) == 5


def test_a_journal_is_the_same_text_every_time() -> None:
    assert written(journals.Beancount) == written(journals.Beancount)
