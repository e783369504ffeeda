"""The file that proves a fork is judged again by itself: no log, no server, no trust in who hands it over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.merkle import root
from ledger.note import SigningKey
from tests.clients.verifier.published import KEY, VERIFY, Published, good_entries, judge, rechained
from tests.vectors import logs, rotation

ENTRIES = good_entries(40)
SEEN = len(ENTRIES) - 30


def bank(entry: dict[str, Any]) -> None:
    entry["data"]["via"] = "bank" if entry["data"]["via"] != "bank" else "cash"


def evidence_of(told: tuple[int, dict[str, Any]]) -> Path:
    """The file that verify.py wrote."""
    code, report = told
    assert (code, report["code"]) == (1, "fork")
    return Path("/tmp") / report["sentence"].rpartition(" ")[2]  # noqa: S108 - verify.py ran there


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What verify.py writes when a log was rewritten behind somebody's back."""
    directory = tmp_path_factory.mktemp("fork")
    early, other, pin = Published(directory / "early"), Published(directory / "other"), str(directory / "pin")
    early.write(ENTRIES[:SEEN])
    early.judge("--first-use", pin)
    other.write(rechained(ENTRIES, SEEN - 3, bank))
    path = evidence_of(other.judge("--trusted", pin))
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.fixture
def evidence(written: bytes, tmp_path: Path) -> Path:
    kept = tmp_path / "evidence.txt"
    kept.write_bytes(written)
    return kept


def test_the_file_is_enough_to_see_that_the_key_signed_two_histories(evidence: Path) -> None:
    code, report = judge("--evidence", str(evidence), "--key", KEY.vkey)
    assert (code, report["code"], report["position"]) == (1, "fork", SEEN)
    assert KEY.name in report["sentence"]


def test_a_person_reads_it_without_this_program(evidence: Path) -> None:
    text = evidence.read_text()
    assert text.startswith("Two checkpoints signed for one log, for histories that contradict each other.\n")
    assert text.count("\u2014 " + KEY.name) == 2


def kept_in_a_browser(before: int, after: int) -> str:
    """What the page hands over (clients/web/src/ledger/seen.ts): two heads, the second of a rewritten log."""
    rewritten = rechained(ENTRIES, SEEN - 3, bank)
    notes = [
        KEY.sign(Checkpoint(KEY.name, size, root(map(leaf_hash, entries[:size]))).text())
        for entries, size in ((ENTRIES, before), (rewritten, after))
    ]
    told = "Two checkpoints signed by one key for histories that contradict each other.\nWhy.\n"
    return f"{told}\n--- seen before (in this browser) ---\n{notes[0]}\n--- served now ---\n{notes[1]}"


def test_two_roots_of_one_size_need_no_proof_and_of_two_sizes_one_is_asked_for(tmp_path: Path) -> None:
    kept = tmp_path / "evidence.txt"
    kept.write_text(kept_in_a_browser(SEEN, SEEN))
    assert judge("--evidence", str(kept), "--key", KEY.vkey)[1]["code"] == "fork"
    kept.write_text(kept_in_a_browser(5, 5))
    assert judge("--evidence", str(kept), "--key", KEY.vkey)[0] == 2
    for sizes in ((SEEN, SEEN + 1), (SEEN + 1, SEEN)):
        kept.write_text(kept_in_a_browser(*sizes))
        code, report = judge("--evidence", str(kept), "--key", KEY.vkey)
        assert (code, "--trusted" in report["sentence"]) == (2, True)


def swapped(text: str) -> str:
    head, first, second = text.replace("--- served now ---", "--- seen before ---").split("--- seen before ---\n")
    return f"{head}--- seen before ---\n{second.rstrip()}\n\n--- served now ---\n{first.rstrip()}\n"


def same_twice(text: str) -> str:
    head, first, _ = text.replace("--- served now ---", "--- seen before ---").split("--- seen before ---\n")
    return f"{head}--- seen before ---\n{first.rstrip()}\n\n--- served now ---\n{first.rstrip()}\n"


def other_hash(number: int) -> Callable[[str], str]:
    """With another hash in that place: 0 is the first root, 1 the second, then the proof."""

    def spoil(text: str) -> str:
        lines = text.split("\n")
        told = [i for i, line in enumerate(lines) if len(line) == 46 and line.startswith("  ")]
        lines[told[number]] = "  " + "B" * 42 + "A="
        return "\n".join(lines)

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("Two checkpoints", "2 checkpoints"),
        lambda text: text[:-30] + "A" * 29 + "\n",
        lambda text: "\x00" + text,
        other_hash(0),
        other_hash(1),
        other_hash(2),
        swapped,
        same_twice,
    ],
)
def test_a_file_that_proves_nothing_accuses_nobody(spoil: Callable[[str], str], evidence: Path) -> None:
    evidence.write_text(spoil(evidence.read_text()))
    code, report = judge("--evidence", str(evidence), "--key", KEY.vkey)
    assert (code, report["code"]) == (2, "cannot-tell")


def test_it_takes_a_key_of_the_log_to_be_believed(evidence: Path) -> None:
    stranger = SigningKey(KEY.name, b"s" * 32)
    assert judge("--evidence", str(evidence), "--key", stranger.vkey)[0] == 2
    assert judge("--evidence", str(evidence))[0] == 2
    assert judge("--evidence", str(evidence.with_name("nowhere")), "--key", KEY.vkey)[0] == 2


def test_a_fork_after_a_change_of_keys_is_proved_by_the_recovery_key(tmp_path: Path) -> None:
    """A4: the heads are signed by keys that a reader may never have heard of; the evidence says who introduced them."""
    entries = rotation.rotated_log().entries
    early = Published(tmp_path / "early", rotation.SECOND)
    early.write(entries[:18])
    pin, keys = tmp_path / "pin", ("--recovery-key", logs.RECOVERY.vkey, "--as-of", "2026-09-03")
    pin.write_bytes((early.directory / "checkpoint").read_bytes())
    other = Published(tmp_path / "other", rotation.THIRD)
    other.write(rechained(entries, 17, lambda entry: entry["data"].update(text="Something else happened.")))
    path = evidence_of(judge(str(other.directory), *keys, "--trusted", str(pin)))
    told = judge("--evidence", str(path), *keys)
    strict = judge("--evidence", str(path), "--key", rotation.FIRST.vkey)
    path.unlink()
    assert (told[0], told[1]["code"], strict[0]) == (1, "fork", 2)


def test_the_words_for_people_say_that_it_failed(evidence: Path) -> None:
    command = [sys.executable, "-I", str(VERIFY), "--evidence", str(evidence), "--key", KEY.vkey]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith(f"FAILED fork at position {SEEN}: ")
