"""The shared vectors: this library accepts everything good and refuses everything bad with the code that is given."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import canonical, checkpoint, cosignature, merkle, note, promise, proof, slots
from ledger.errors import EntryError, NoteError, ProofError
from ledger.grammar import decode_base64, encode_base64
from ledger.verify import EntryChecker
from tests.vectors import make

HERE = Path(make.__file__).parent


def load(name: str) -> Any:
    """A vector file, read as any other client reads it."""
    return json.loads((HERE / name).read_text("ascii"))


LOGS = {log["name"]: log for log in load("entries-good.json")["logs"]}
ENTRY_CASES = load("entries-bad.json")["cases"]
MERKLE = load("merkle.json")
NOTES = load("notes.json")
PROOFS = load("proofs.json")
SLOTS = load("slots.json")
COSIGNATURES = load("cosignatures.json")
PROMISES = load("promises.json")


def each(cases: list[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """One test per case, named after it."""
    return pytest.mark.parametrize("case", cases, ids=[str(case.get("name", i)) for i, case in enumerate(cases)])


def checker_after(log: dict[str, Any], count: int) -> EntryChecker:
    """A checker that has accepted the first `count` entries of a good log."""
    checker = EntryChecker(note.VerifyKey.parse(log["key"]).name, log["log"])
    for position, entry in enumerate(log["entries"][:count]):
        checker.check(position, entry.encode())
    return checker


def path_of(case: dict[str, Any]) -> list[bytes]:
    return [decode_base64(h) for h in case["path"]]


def test_the_files_are_what_the_script_makes() -> None:
    assert [name for name, text in make.texts().items() if (HERE / name).read_text("ascii") != text] == []


def test_the_script_names_stale_files_and_writes_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make, "HERE", tmp_path)
    assert make.main(["--check"]) == 1
    assert make.main([]) == 0
    assert make.main(["--check"]) == 0
    assert "slots.json written" in capsys.readouterr().out


def test_bad_cases_are_as_many_as_good_ones() -> None:
    good = sum(len(log["entries"]) for log in LOGS.values())
    assert len(ENTRY_CASES) >= good
    for vectors in (NOTES, PROOFS):
        assert len(vectors["bad"]) >= len(vectors["good"])


def test_every_failure_code_of_an_entry_has_a_vector() -> None:
    assert Counter(case["code"] for case in ENTRY_CASES).keys() == {
        *("entry-too-large", "entry-malformed", "entry-not-canonical", "log-mismatch", "position-mismatch"),
        *("prev-mismatch", "time-backwards", "period-invalid", "period-closed", "postings-unsorted", "sum-not-zero"),
        *("account-undeclared", "fund-undeclared", "data-invalid", "private-invalid", "refers-invalid"),
        *("phase-invalid", "genesis-invalid", "registry-invalid", "guard-broken", "key-invalid", "policy-invalid"),
    }


def test_no_two_bad_entries_share_a_name() -> None:
    assert max(Counter(case["name"] for case in ENTRY_CASES).values()) == 1


@each(list(LOGS.values()))
def test_a_good_log_is_accepted_to_its_root_and_checkpoint(case: dict[str, Any]) -> None:
    checker = checker_after(case, len(case["entries"]))
    assert encode_base64(checker.frontier.root()) == case["root"]
    assert [encode_base64(canonical.leaf_hash(e.encode())) for e in case["entries"]] == case["leaf_hashes"]
    assert ("unknown" if checker.unknown_types else "good") == case["verdict"]
    head = checkpoint.open(case["checkpoint"], case["key"])
    assert (head.size, head.root_hash) == (checker.size, checker.frontier.root())


@each(list(LOGS.values()))
def test_a_good_entry_reads_and_writes_to_the_same_bytes(case: dict[str, Any]) -> None:
    for entry in case["entries"]:
        assert canonical.encode_entry(canonical.parse_entry(entry.encode())) == entry.encode()


@each(ENTRY_CASES)
def test_a_bad_entry_is_refused_with_its_code_and_changes_nothing(case: dict[str, Any]) -> None:
    log = LOGS[case["log"]]
    checker = checker_after(log, case["after"])
    before = checker.snapshot()
    with pytest.raises(EntryError) as caught:
        checker.check(case["after"], decode_base64(case["entry"]))
    assert caught.value.code == case["code"], caught.value
    assert checker.snapshot() == before


def test_the_roots_of_the_reference_leaves() -> None:
    hashes = [canonical.leaf_hash(bytes.fromhex(leaf)) for leaf in MERKLE["leaves"]]
    assert [encode_base64(h) for h in hashes] == MERKLE["leaf_hashes"]
    assert [encode_base64(merkle.root(hashes[:n])) for n in range(9)] == MERKLE["roots"]


@pytest.mark.parametrize("kind", ["inclusion", "inclusion_bad"])
def test_inclusion_proofs(kind: str) -> None:
    for case in MERKLE[kind]:
        arguments = (
            decode_base64(case["leaf_hash"]),
            case["index"],
            case["size"],
            path_of(case),
            decode_base64(case["root"]),
        )
        if kind.endswith("_bad"):
            with pytest.raises(ProofError):
                merkle.verify_inclusion(*arguments)
        else:
            merkle.verify_inclusion(*arguments)


@pytest.mark.parametrize("kind", ["consistency", "consistency_bad"])
def test_consistency_proofs(kind: str) -> None:
    for case in MERKLE[kind]:
        roots = decode_base64(case["old_root"]), decode_base64(case["new_root"])
        if kind.endswith("_bad"):
            with pytest.raises(ProofError):
                merkle.verify_consistency(case["old_size"], case["new_size"], *roots, path_of(case))
        else:
            merkle.verify_consistency(case["old_size"], case["new_size"], *roots, path_of(case))


@each(NOTES["keys"])
def test_a_key_reads_and_writes_to_the_same_text(case: dict[str, Any]) -> None:
    key = note.VerifyKey.parse(case["vkey"])
    assert (key.name, key.algorithm, encode_base64(key.key)) == (case["name"], case["algorithm"], case["public_key"])
    assert key.vkey == case["vkey"]


@each(NOTES["keys_bad"])
def test_a_bad_key_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(NoteError):
        note.VerifyKey.parse(case["vkey"])


@each(NOTES["good"])
def test_a_good_note_opens(case: dict[str, Any]) -> None:
    data = decode_base64(case["note"])
    keys = [note.VerifyKey.parse(vkey) for vkey in case["keys"]]
    assert note.open(data, keys) == (case["text"], tuple(case["names"]))
    assert note.open(data.decode(), keys) == note.open(data, keys)


@each(NOTES["bad"])
def test_a_bad_note_is_refused_with_its_code(case: dict[str, Any]) -> None:
    with pytest.raises(NoteError) as caught:
        note.open(decode_base64(case["note"]), [note.VerifyKey.parse(vkey) for vkey in case["keys"]])
    assert getattr(caught.value, "code", "checkpoint-malformed") == case["code"]


@each(NOTES["checkpoints_good"])
def test_a_good_checkpoint_reads_and_writes_to_the_same_text(case: dict[str, Any]) -> None:
    head = checkpoint.parse(case["text"])
    assert (head.size, encode_base64(head.root_hash), head.text()) == (case["size"], case["root"], case["text"])


@each(NOTES["checkpoints_bad"])
def test_a_bad_checkpoint_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(NoteError):
        checkpoint.parse(case["text"])


@each(PROOFS["good"])
def test_a_good_tlog_proof_proves_its_entry(case: dict[str, Any]) -> None:
    assert proof.verify_tlog_proof(case["proof"], decode_base64(case["entry"]), PROOFS["key"]).size
    parsed = proof.parse_tlog_proof(case["proof"])
    if parsed.extra is None:
        assert proof.format_tlog_proof(parsed.index, parsed.path, parsed.checkpoint_note) == case["proof"]


@each(PROOFS["bad"])
def test_a_bad_tlog_proof_proves_nothing(case: dict[str, Any]) -> None:
    with pytest.raises((ProofError, NoteError)):
        proof.verify_tlog_proof(case["proof"], decode_base64(case["entry"]), PROOFS["key"])


def opening_of(case: dict[str, Any]) -> slots.Opening:
    salt = decode_base64(case["salt"])
    return slots.Opening(case["type"], case["i"], case["name"], case["value"], salt, tuple(path_of(case)))


@each(SLOTS["good"])
def test_every_slot_of_an_entry_opens(case: dict[str, Any]) -> None:
    for shown in case["openings"]:
        opening = opening_of(shown)
        slots.verify_opening(opening, len(case["slot_hashes"]), decode_base64(case["root"]))
        leaf = slots.slot_hash(opening.type, opening.index, opening.name, opening.value, opening.salt)
        assert encode_base64(leaf) == case["slot_hashes"][opening.index]


@each(SLOTS["bad"])
def test_a_bad_opening_shows_nothing(case: dict[str, Any]) -> None:
    with pytest.raises(EntryError) as caught:
        slots.verify_opening(opening_of(case["opening"]), case["slot_count"], decode_base64(case["root"]))
    assert caught.value.code == "opening-invalid"


@each(COSIGNATURES["good"])
def test_cosignatures_are_read_with_the_newest_time_of_each_witness(case: dict[str, Any]) -> None:
    keys = [note.VerifyKey.parse(vkey) for vkey in case["keys"]]
    assert {c.key.name: c.time_s for c in cosignature.read(case["note"], keys)} == case["times"]
    assert checkpoint.open(case["note"], COSIGNATURES["log"]).size == 8


@each(COSIGNATURES["bad"])
def test_a_wrong_cosignature_condemns_the_note(case: dict[str, Any]) -> None:
    with pytest.raises(note.SignatureInvalid):
        cosignature.read(case["note"], [note.VerifyKey.parse(vkey) for vkey in case["keys"]])


@each(PROMISES["good"])
def test_promises_say_what_their_members_say(case: dict[str, Any]) -> None:
    made = promise.open(case["promise"], case["key"], [note.VerifyKey.parse(PROMISES["key"])])
    members = {name: getattr(made, name) for name in case["members"]}
    assert {n: encode_base64(v) if isinstance(v, bytes) else v for n, v in members.items()} == case["members"]


@each(PROMISES["bad"])
def test_spoiled_promises_are_none(case: dict[str, Any]) -> None:
    with pytest.raises(NoteError):
        promise.open(case["promise"], case["key"], [note.VerifyKey.parse(PROMISES["key"])])
