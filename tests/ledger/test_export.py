"""What the files of an export say; EXPORT.md has the rules."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ledger import export, postings
from ledger.errors import MalformedError
from tests.support.service import ROOT

RANGE = export.Range("public", "ledger.example.org/ledger", 4_096, 8_192)


@pytest.mark.parametrize(("first", "end"), [(-1, 5), (5, 5), (6, 5), (0, 2**53)])
def test_a_range_holds_at_least_one_entry(first: int, end: int) -> None:
    with pytest.raises(MalformedError, match=f"from {first} to {end}"):
        export.Range("public", "a.example/ledger", first, end)


def test_the_manifest_names_origin_range_and_each_file() -> None:
    text = export.manifest_text(RANGE, [export.Member("keys", 3, sha256(b"abc").digest())])
    assert text == (
        "secondwind/export/v1\nledger.example.org/ledger\n4096 8192\n"
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0= 3 keys\n"
    )


def test_the_specification_lists_the_members_in_their_order() -> None:
    example = (ROOT / "ledger" / "EXPORT.md").read_text(encoding="utf-8").split("```")[1]
    listed = [line.split()[0].removeprefix(RANGE.directory) for line in example.strip().splitlines()]
    assert listed == [export.MANIFEST, *export.MEMBERS, "private/<fingerprint>.bin"]


def test_proofs_stand_one_hash_per_line_under_their_sizes() -> None:
    assert export.consistency_text([(0, 0, []), (3, 4, [bytes(32)])]) == f"0 0\n3 4\n{'A' * 43}=\n"


def test_a_carried_entry_is_three_lines() -> None:
    assert export.carried_lines(0, [], b"{}") == b"0\n\n{}\n"
    assert export.carried_lines(7, [bytes(32)] * 2, b"{}") == f"7\n{'A' * 43}= {'A' * 43}=\n{{}}\n".encode()


def test_the_file_of_balances_has_the_digest_that_the_close_states() -> None:
    """A13."""
    balances = {("income:gifts", "USD/2", "rent"): -250, ("assets:cash", "USD/2", "rent"): 250, ("a:b", "X", "c"): 0}
    lines = postings.balance_lines(balances)
    assert lines == b'["assets:cash","USD/2","rent","250"]\n["income:gifts","USD/2","rent","-250"]\n'
    assert postings.balances_digest(lines) == postings.balances_hash(balances)
