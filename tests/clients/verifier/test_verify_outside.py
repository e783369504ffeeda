"""verify.py looks outside: the time it is, witnesses, what others hold (attacks A3, A10)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.canonical import encode, leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.grammar import encode_base64
from ledger.merkle import root
from tests.clients.verifier.published import KEY, Published, good_entries
from tests.clients.verifier.witnesses import Witness

ENTRIES = good_entries(40)
ADA, BEN = Witness("ada.example.org", 1), Witness("ben.example.org", 2)


def anchored(entries: list[bytes]) -> list[bytes]:
    """With an anchor after them, in the minute of the newest entry."""
    last = json.loads(entries[-1])
    members = {
        "at": last["at"],
        "data": {"commitment": encode_base64(bytes(32))},
        "log": last["log"],
        "period": last["period"],
        "position": len(entries),
        "postings": [],
        "prev": encode_base64(leaf_hash(entries[-1])),
        "type": "ledger.anchor.recorded.v1",
        "v": 1,
    }
    return [*entries, encode(members)]


def result(report: dict[str, Any], name: str) -> str:
    found: str = next(check["result"] for check in report["checks"] if check["check"] == name)
    return found


def at(entries: list[bytes], minutes: float) -> str:
    """So many minutes after the newest entry, as --as-of takes it."""
    newest = datetime.strptime(json.loads(entries[-1])["at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return (newest + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def log(tmp_path: Path) -> Published:
    made = Published(tmp_path / "log")
    made.write(anchored(ENTRIES))
    (tmp_path / "pin").write_text(KEY.sign(Checkpoint(KEY.name, 5, root(map(leaf_hash, ENTRIES[:5]))).text()))
    return made


@pytest.mark.parametrize(
    ("minutes", "exit_code", "fresh"),
    [(0, 0, "yes"), (25, 0, "yes"), (26, 2, "unknown"), (60 * 24, 2, "unknown"), (-4, 0, "yes"), (-6, 2, "unknown")],
)
def test_a_log_whose_newest_anchor_is_older_than_25_minutes_is_stale(
    minutes: float, exit_code: int, fresh: str, log: Published, tmp_path: Path
) -> None:
    """A10: served for ever, a day-old log would hide all that came after; a clock far behind proves nothing either."""
    code, report = log.judge("--trusted", str(tmp_path / "pin"), "--as-of", at(ENTRIES, minutes))
    assert (code, result(report, "fresh")) == (exit_code, fresh)
    assert ("fresh" in report["undecided"]) == (exit_code == 2)


def test_without_as_of_it_is_this_machines_clock_that_judges(log: Published, tmp_path: Path) -> None:
    assert log.judge("--trusted", str(tmp_path / "pin"))[0] == 0


def test_a_log_without_anchors_is_of_unknown_freshness_and_that_is_no_failure(tmp_path: Path) -> None:
    made = Published(tmp_path / "log")
    made.write(ENTRIES)
    pin = tmp_path / "pin"
    pin.write_text(KEY.sign(Checkpoint(KEY.name, 5, root(map(leaf_hash, ENTRIES[:5]))).text()))
    code, report = made.judge("--trusted", str(pin))
    assert (code, result(report, "fresh"), report["undecided"]) == (0, "unknown", [])


def cosigned(log: Published, *witnesses: Witness, name: str = "checkpoint.witnessed", minutes: float = 0) -> None:
    note = (log.directory / "checkpoint").read_text()
    for witness in witnesses:
        note = witness.cosign(note, time.time() - 60 * minutes)
    log.file(name, note.encode())


@pytest.mark.parametrize("name", ["checkpoint", "checkpoint.witnessed"])
def test_a_quorum_of_witnesses_is_an_outside_view(name: str, log: Published) -> None:
    cosigned(log, ADA, BEN, name=name)
    code, report = log.judge("--witness", ADA.vkey, "--witness", BEN.vkey)
    assert (code, result(report, "witnessed"), result(report, "seen")) == (0, "yes", "yes")
    assert ADA.name in report["compared_with"][0]


def test_fewer_than_the_quorum_are_none(log: Published) -> None:
    cosigned(log, ADA)
    both = ["--witness", ADA.vkey, "--witness", BEN.vkey]
    code, report = log.judge(*both)
    assert (code, report["undecided"], report["outside_view"]) == (2, ["witnessed", "seen"], False)
    assert log.judge(*both, "--quorum", "1")[0] == 0


def test_a_witness_whom_nobody_named_counts_for_nothing(log: Published) -> None:
    cosigned(log, Witness("cy.example.org", 3), Witness(ADA.name, 4))
    assert log.judge("--witness", ADA.vkey)[0] == 2
    assert log.judge()[0] == 2


def test_a_cosignature_that_is_not_the_witnesses_condemns_the_note(log: Published) -> None:
    cosigned(log, ADA)
    note = (log.directory / "checkpoint.witnessed").read_text()
    log.file(
        "checkpoint", Witness("x", 5).cosign(note[:-9] + ("A" if note[-9] != "A" else "B") + note[-8:], 0).encode()
    )
    code, report = log.judge("--witness", ADA.vkey)
    assert (code, report["code"]) == (1, "signature-invalid")


def test_witnesses_who_saw_a_smaller_log_are_compared_and_a_quorum_of_yesterday_is_stale(log: Published) -> None:
    text = Checkpoint(KEY.name, 12, root(map(leaf_hash, ENTRIES[:12]))).text()
    log.file("checkpoint.witnessed", ADA.cosign(KEY.sign(text), time.time() - 86_400).encode())
    code, report = log.judge("--witness", ADA.vkey)
    assert (code, report["undecided"]) == (2, ["fresh"])
    log.file("checkpoint.witnessed", ADA.cosign(KEY.sign(text), time.time() - 600).encode())
    assert log.judge("--witness", ADA.vkey)[0] == 0


def test_witnesses_who_saw_another_history_prove_a_fork(log: Published) -> None:
    text = Checkpoint(KEY.name, 12, bytes(32)).text()
    log.file("checkpoint.witnessed", ADA.cosign(KEY.sign(text), time.time()).encode())
    code, report = log.judge("--witness", ADA.vkey)
    assert (code, report["code"], report["position"]) == (1, "fork", 12)
    (Path("/tmp") / report["sentence"].rpartition(" ")[2]).unlink()  # noqa: S108 - verify.py ran there


def test_witnesses_who_saw_a_longer_log_prove_a_rollback(log: Published) -> None:
    """The server shows an old checkpoint, and the witnessed one cannot be without the entries that it covers."""
    text = Checkpoint(KEY.name, len(ENTRIES) + 9, bytes(32)).text()
    log.file("checkpoint.witnessed", ADA.cosign(KEY.sign(text), time.time()).encode())
    code, report = log.judge("--witness", ADA.vkey)
    assert (code, report["code"]) in {(2, "cannot-tell"), (1, "truncated")}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--witness", "nonsense"],
        ["--witness", KEY.vkey],
        ["--witness", ADA.vkey, "--witness", ADA.vkey],
        ["--witness", ADA.vkey, "--quorum", "2"],
        ["--witness", ADA.vkey, "--quorum", "0"],
        ["--quorum", "1"],
        ["--as-of", "yesterday"],
        ["--recovery-key", "nonsense"],
    ],
)
def test_what_cannot_be_used_is_said_and_is_no_verdict(arguments: list[str], log: Published) -> None:
    code, report = log.judge(*arguments)
    assert (code, report["code"]) == (2, "cannot-tell")
    assert len(report["sentence"]) > 15


def test_a_file_of_the_readers_that_is_spoilt_is_no_failure_of_the_log(log: Published, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt"
    spoilt.write_bytes(b"\x00 not a note")
    for option in ("--trusted", "--first-use", "--seen"):
        code, report = log.judge(option, str(spoilt))
        assert (code, report["code"]) == (2, "cannot-tell")
    assert spoilt.read_bytes() == b"\x00 not a note"
