"""verify.py replays the publishing policy: no group smaller than it allows, no rule lowered for this month (A7, B5)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from ledger.errors import EntryError
from ledger.grammar import encode_base64
from tests.clients.verifier.published import load
from tests.vectors import logs
from tests.vectors.logs import LogMaker
from tests.vectors.spoil import dump

MODULE = load()
MODULE._KNOWN = {kind: dict(MODULE._LEDGER_TYPES) for kind in MODULE._KNOWN}  # type: ignore[attr-defined]  # of verify.py


def policy(text: str, first_month: str) -> dict[str, Any]:
    return {"from": first_month, "policy": text, "sha256": encode_base64(sha256(text.encode()).digest())}


def grown() -> LogMaker:
    """Eleven people in September, at least seven from October on."""
    log = LogMaker("policies", "public", "ledger.example.org/ledger", 1)
    assets = {"expenses:help:rent": ["USD/2"], "liabilities:vendors": ["USD/2"]}
    log.open("2026-08-01T12:00:00.000000Z", assets, ["general", "rent"])
    at = "2026-08-02T12:00:00.000000Z"
    log.add(at, "ledger.policy.changed.v1", policy('{"people_min":11}', "2026-09"))
    log.add("2026-09-02T12:00:00.000000Z", "ledger.policy.changed.v1", policy('{"people_min":7}', "2026-10"))
    return log


def told(at: str, people: int, **members: Any) -> str | None:
    """The code with which both refuse pooled help for so many people; None if neither does."""
    maker = grown()
    log = MODULE.Log(maker.key.name)
    for entry in maker.entries:
        log.take(entry)
    lines = [logs.line("expenses:help:rent", 8125, "rent"), logs.line("liabilities:vendors", -8125, "rent")]
    data = {"lines": encode_base64(b"l" * 32), "people_min": people}
    private = logs.private(logs.HELP, {})
    entry = dump(maker.document(at, logs.HELP.name, data, postings=lines, private=private, **members))
    codes = set()
    for judge in (lambda: maker.checker.check(maker.checker.size, entry), lambda: log.take(entry)):
        try:
            judge()
            codes.add(None)
        except (EntryError, MODULE.Failed) as failure:
            codes.add(failure.code)
    (code,) = codes
    return code


@pytest.mark.parametrize(
    ("at", "people", "code"),
    [
        ("2026-09-30T12:00:00.000000Z", 11, None),
        ("2026-09-30T12:00:00.000000Z", 10, "policy-invalid"),
        ("2026-10-30T12:00:00.000000Z", 7, None),
        ("2026-10-30T12:00:00.000000Z", 6, "policy-invalid"),
        ("2026-10-30T12:00:00.000000Z", 4, "data-invalid"),
    ],
)
def test_the_policy_of_the_month_says_how_few_may_be_told_of(at: str, people: int, code: str | None) -> None:
    assert told(at, people) == code


def test_what_is_told_of_last_month_may_follow_either_policy() -> None:
    assert told("2026-10-03T12:00:00.000000Z", 7, period="2026-09") is None
    assert told("2026-10-03T12:00:00.000000Z", 6, period="2026-09") == "policy-invalid"
