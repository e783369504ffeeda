"""verify.py over the shared vectors of notes, proofs, trees and slots; those of entries are in test_verify.py."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.verifier.published import load

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
MODULE = load()
COSIGNED = "04"


def read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


def each(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.get("name", case.get("index")))


NOTES, PROOFS, SLOTS, MERKLE = read("notes"), read("proofs"), read("slots"), read("merkle")


def key_of(vkey: str) -> Any:
    try:
        return MODULE.VerifyKey(vkey)
    except ValueError:
        return None


def judged(case: dict[str, Any]) -> bool:
    """verify.py asks for one Ed25519 key, that of the log; several keys and cosignatures are for witnesses."""
    return len(case["keys"]) == 1 and key_of(case["keys"][0]) is not None


@each([case for case in NOTES["good"] if judged(case)])
def test_a_good_note_opens_to_its_text(case: dict[str, Any]) -> None:
    assert MODULE.open_note(base64.b64decode(case["note"]), key_of(case["keys"][0])) == case["text"]


@each([case for case in NOTES["bad"] if judged(case)])
def test_a_bad_note_is_refused_with_its_code(case: dict[str, Any]) -> None:
    with pytest.raises(MODULE.Failed) as failure:
        MODULE.open_note(base64.b64decode(case["note"]), key_of(case["keys"][0]))
    assert failure.value.code == case["code"]


def test_nearly_all_notes_are_judged() -> None:
    assert sum(map(judged, NOTES["good"])) >= 8
    assert sum(map(judged, NOTES["bad"])) >= 35


@each([case for case in NOTES["keys"] if case["algorithm"] == 1])
def test_a_good_key_is_read(case: dict[str, Any]) -> None:
    key = MODULE.VerifyKey(case["vkey"])
    assert (key.name, key.public) == (case["name"], base64.b64decode(case["public_key"]))


@each(NOTES["keys_bad"])
def test_a_bad_key_is_refused(case: dict[str, Any]) -> None:
    assert key_of(case["vkey"]) is None


def receipt(tmp_path: Path, case: dict[str, Any]) -> tuple[Any, bytes]:
    path = tmp_path / "receipt"
    path.write_text(case["proof"], encoding="utf-8")
    seen = MODULE.read_seen(str(path), MODULE.VerifyKey(PROOFS["key"]))
    return seen, MODULE.leaf_hash(base64.b64decode(case["entry"]))


@each(PROOFS["good"])
def test_a_good_receipt_proves_its_entry(case: dict[str, Any], tmp_path: Path) -> None:
    seen, leaf = receipt(tmp_path, case)
    assert MODULE._is_under(leaf, seen)


@each(PROOFS["bad"])
def test_a_bad_receipt_is_refused_or_proves_nothing(case: dict[str, Any], tmp_path: Path) -> None:
    try:
        seen, leaf = receipt(tmp_path, case)
    except (MODULE.Failed, MODULE.CannotTell, ValueError):
        return
    assert not MODULE._is_under(leaf, seen)


def judge(tmp_path: Path, root: str, slot_count: int, shown: dict[str, Any]) -> None:
    """Hold one opening against an entry with that root, whose type names its slots as the opening's vectors do."""
    path = tmp_path / "opening"
    slot = {name: shown[name] for name in ("i", "name", "value", "salt", "path")}
    document = {"format": "secondwind-opening-v1", "log": "o", "position": 0, "slots": [slot]}
    path.write_text(json.dumps(document), encoding="utf-8")
    names = {opened["i"]: opened["name"] for opened in GOOD_SLOTS[slot_count]["openings"]}
    spec = {"slots": [[names[i], "audit"] for i in range(slot_count)]}
    entry = {"type": shown["type"], "private": {"alg": "slots1", "root": root}}
    MODULE.Opening(str(path), "o").judge(entry, spec)


GOOD_SLOTS = {len(case["slot_hashes"]): case for case in SLOTS["good"]}


@pytest.mark.parametrize("slot_count", [8, 16])
def test_every_slot_opens_to_its_value(slot_count: int, tmp_path: Path) -> None:
    case = GOOD_SLOTS[slot_count]
    for shown in case["openings"]:
        judge(tmp_path, case["root"], slot_count, shown)


@pytest.mark.parametrize("case", SLOTS["bad"], ids=lambda case: f"{case['slot_count']} {case['name']}")
def test_a_bad_opening_opens_nothing(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises((MODULE.Failed, MODULE.CannotTell)):
        judge(tmp_path, case["root"], case["slot_count"], case["opening"])


def b64s(texts: list[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]


def test_roots_are_those_of_certificate_transparency() -> None:
    leaves = [MODULE.leaf_hash(bytes.fromhex(leaf)) for leaf in MERKLE["leaves"]]
    assert leaves == b64s(MERKLE["leaf_hashes"])
    frontier = MODULE.Frontier()
    assert frontier.root() == base64.b64decode(MERKLE["roots"][0])
    for size, leaf in enumerate(leaves, 1):
        frontier.append(leaf)
        assert frontier.root() == MODULE.root_of(leaves[:size]) == base64.b64decode(MERKLE["roots"][size])


def proves(case: dict[str, Any]) -> bool:
    leaf, root = base64.b64decode(case["leaf_hash"]), base64.b64decode(case["root"])
    try:
        return bool(MODULE.inclusion_root(leaf, case["index"], case["size"], b64s(case["path"])) == root)
    except ValueError:
        return False


def test_inclusion_proofs_prove_and_spoiled_ones_do_not() -> None:
    assert all(map(proves, MERKLE["inclusion"]))
    assert not any(map(proves, MERKLE["inclusion_bad"]))
