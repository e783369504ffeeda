"""verify.py follows a log's keys as the entries change them, by the recovery key's signature (attacks A4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.merkle import root
from ledger.note import SigningKey
from tests.clients.verifier.published import Published, judge, load
from tests.vectors import logs, rotation

MODULE = load()
VECTORS = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "rotation.json").read_text())
ENTRIES = [entry.encode() for entry in VECTORS["entries"]]
FIRST, THIRD, RECOVERY = VECTORS["key"], VECTORS["newest_key"], VECTORS["recovery_key"]
OF_ITS_DAY = ("--as-of", "2026-09-02T12:00Z")


@pytest.mark.parametrize("case", VECTORS["heads"], ids=lambda case: case["name"])
def test_each_head_is_told_by_whoever_has_read_the_entries_below_it(case: dict[str, Any]) -> None:
    log = MODULE.Log(VECTORS["origin"])
    for entry in ENTRIES[: case["size"]]:
        log.take(entry)
    head, reader = MODULE.Checkpoint(case["note"].encode()), MODULE.Reader(None, MODULE.VerifyKey(RECOVERY))
    if case["code"] is None:
        MODULE.check_signers(log, head, reader, own=False)
    else:
        with pytest.raises(MODULE.Failed) as caught:
            MODULE.check_signers(log, head, reader, own=False)
        assert caught.value.code == case["code"]


@pytest.fixture
def log(tmp_path: Path) -> Published:
    made = Published(tmp_path / "log", rotation.THIRD)
    made.write(ENTRIES)
    return made


def pin(tmp_path: Path, size: int, *keys: SigningKey) -> str:
    """What somebody wrote down of the first `size` entries."""
    text = Checkpoint(VECTORS["origin"], size, root([leaf_hash(entry) for entry in ENTRIES[:size]])).text()
    kept = tmp_path / "pin.txt"
    kept.write_text(keys[0].sign(text))
    return str(kept)


def run(log: Published, *arguments: str) -> tuple[int, dict[str, Any]]:
    return judge(str(log.directory), *OF_ITS_DAY, *arguments)


@pytest.mark.parametrize("keys", [("--key", THIRD), ("--key", FIRST), ("--recovery-key", RECOVERY)])
def test_whichever_key_a_reader_holds_the_log_is_verified_since_what_was_seen(
    keys: tuple[str, str], log: Published, tmp_path: Path
) -> None:
    code, report = run(log, *keys, "--trusted", pin(tmp_path, 5, rotation.FIRST))
    assert (code, report["size"]) == (0, 24)


@pytest.mark.parametrize("fast", [[], ["--fast"]])
def test_the_recovery_key_alone_is_enough_and_an_old_key_alone_is_not(fast: list[str], log: Published) -> None:
    """Entry 0 of a made-up log may name any old key; only who introduced the new one tells whose log it is."""
    code, report = run(log, "--recovery-key", RECOVERY, *fast)
    assert (code, report["size"]) == (2, 24)
    assert "seen" in report["undecided"]
    code, report = run(log, "--key", FIRST, *fast)
    assert (code, report["code"]) == (2, "cannot-tell")
    assert "nothing given here vouches for" in report["sentence"]


def test_a_log_of_another_recovery_key_is_not_this_log(log: Published) -> None:
    other = SigningKey("recovery.example.org", b"x" * 32)
    code, report = run(log, "--recovery-key", other.vkey)
    assert (code, report["code"], report["position"]) == (1, "genesis-invalid", 0)


def test_who_stole_a_retired_key_cannot_go_on_with_the_log(tmp_path: Path) -> None:
    stolen = Published(tmp_path / "log", rotation.FIRST)
    stolen.write(ENTRIES)
    code, report = run(stolen, "--key", FIRST)
    assert (code, report["code"]) == (1, "signature-missing")


def test_a_receipt_from_before_the_change_still_compares(log: Published, tmp_path: Path) -> None:
    from ledger import proof

    hashes = [leaf_hash(entry) for entry in ENTRIES[:5]]
    path = proof.inclusion(lambda nodes: [root(hashes[i << level : (i + 1) << level]) for level, i in nodes], 3, 5)
    head = next(case for case in VECTORS["heads"] if case["size"] == 5)
    receipt = tmp_path / "gift.tlog-proof"
    receipt.write_text(proof.format_tlog_proof(3, path, head["note"]))
    assert run(log, "--key", THIRD, "--seen", str(receipt))[0] == 0


def test_a_receipt_that_a_stranger_signed_says_nothing(log: Published, tmp_path: Path) -> None:
    from ledger import proof

    hashes = [leaf_hash(entry) for entry in ENTRIES[:5]]
    path = proof.inclusion(lambda nodes: [root(hashes[i << level : (i + 1) << level]) for level, i in nodes], 3, 5)
    note = rotation.STRANGER.sign(Checkpoint(VECTORS["origin"], 5, root(hashes)).text())
    receipt = tmp_path / "gift.tlog-proof"
    receipt.write_text(proof.format_tlog_proof(3, path, note))
    code, report = run(log, "--key", THIRD, "--seen", str(receipt))
    assert (code, report["code"]) == (2, "cannot-tell")


def test_the_vectors_begin_with_the_recovery_key_that_the_tests_hold() -> None:
    assert logs.RECOVERY.vkey == RECOVERY
