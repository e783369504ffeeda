"""More types than one entry holds: both judges read a registry's extensions alike (SPEC 5.15)."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import EntryError
from ledger.grammar import encode_base64
from ledger.guards import Guard
from ledger.registry import EXTENDED, Registry, TypeSpec, to_text
from ledger.verify import EntryChecker
from tests.clients.verifier.published import load
from tests.vectors import logs
from tests.vectors.logs import LogMaker
from tests.vectors.spoil import dump

MODULE = load()
MODULE._KNOWN = {kind: {**MODULE._LEDGER_TYPES, **MODULE._EXTENSION} for kind in MODULE._KNOWN}  # type: ignore[attr-defined]  # of verify.py
AT = "2026-09-02T12:00:00.000000Z"
SEEDS = Guard("seeds", ("assets:seeds",), "fund", 1)
WATERED = TypeSpec("garden.bed.watered.v1", {"day": {"is": "date"}})
PLANTED = TypeSpec("garden.bed.planted.v1", postings="some", guards=("seeds",))
FRESH = to_text([WATERED], [SEEDS])


def grown(*, lists_extensions: bool = True) -> LogMaker:
    known = logs.REGISTRY
    more = (EXTENDED,) if lists_extensions else ()
    log = LogMaker(
        "extended",
        "public",
        "ledger.example.org/ledger",
        1,
        Registry((*known.types.values(), *more), known.guards.values()),
    )
    log.open("2026-08-01T12:00:00.000000Z", {"assets:seeds": ["SEED"]}, ["general"])
    return log


def extension(text: str, digest_of: str | None = None) -> dict[str, Any]:
    return {
        "registry": text,
        "sha256": encode_base64(sha256((text if digest_of is None else digest_of).encode()).digest()),
    }


def judged(log: LogMaker, type_name: str, data: dict[str, Any], **members: Any) -> str | None:
    """The code with which both refuse a next entry; None if neither does."""
    other = MODULE.Log(log.key.name)
    for entry in log.entries:
        other.take(entry)
    entry = dump(log.document(AT, type_name, data, **members))
    codes = set()
    for judge in (lambda: log.checker.check(log.checker.size, entry), lambda: other.take(entry)):
        try:
            judge()
            codes.add(None)
        except (EntryError, MODULE.Failed) as failure:
            codes.add(failure.code)
    (code,) = codes
    return code


def test_what_an_extension_adds_is_in_force_with_all_before() -> None:
    log = grown()
    log.add(AT, EXTENDED.name, extension(FRESH))
    log.add(AT, EXTENDED.name, extension(to_text([PLANTED], [])))
    assert log.checker.registry.types[PLANTED.name] == PLANTED
    assert log.checker.registry.types[logs.GIFT.name] == logs.GIFT
    assert judged(log, WATERED.name, {"day": "2026-09-31"}) == "data-invalid"


def test_the_hash_of_both_together_is_what_a_close_names() -> None:
    log = grown()
    log.add(AT, EXTENDED.name, extension(FRESH))
    log.registry = log.checker.registry
    log.close("2026-09-03T12:00:00.000000Z", "2026-08")
    other = MODULE.Log(log.key.name)
    for entry in log.entries:
        other.take(entry)
    assert other.registry_digest == encode_base64(log.checker.registry.sha256())


@pytest.mark.parametrize(
    "data",
    [
        extension(FRESH, digest_of="other"),
        extension(to_text([], [])),
        extension(to_text([logs.GIFT], [])),
        extension(to_text([PLANTED], [])),
        extension(FRESH + " "),
        extension(to_text([TypeSpec("garden.group.told.v1", {"people_min": {"is": "int", "max": 9, "min": 1}})], [])),
    ],
    ids=["another hash", "nothing", "published before", "held to no guard", "not canonical", "too few people"],
)
def test_an_extension_that_is_none_is_refused_by_both(data: dict[str, Any]) -> None:
    assert judged(grown(), EXTENDED.name, data) == "registry-invalid"


def test_a_later_registry_lists_what_extensions_added() -> None:
    log = grown()
    log.add(AT, EXTENDED.name, extension(FRESH))
    text = log.registry.to_text()
    assert judged(log, "ledger.registry.published.v1", extension(text)) == "registry-invalid"
    assert judged(log, "ledger.registry.published.v1", extension(log.checker.registry.to_text())) is None


def test_the_type_means_one_thing_only() -> None:
    other = TypeSpec(EXTENDED.name, {"text": {"is": "text", "max": 5}})
    text = to_text([*logs.REGISTRY.types.values(), other], logs.REGISTRY.guards.values())
    assert judged(grown(lists_extensions=False), "ledger.registry.published.v1", extension(text)) == "registry-invalid"


def test_where_no_registry_lists_the_type_it_changes_nothing() -> None:
    log = grown(lists_extensions=False)
    log.add(AT, EXTENDED.name, extension(FRESH))
    assert WATERED.name not in log.checker.registry.types
    assert judged(log, WATERED.name, {"any": 1}) is None


VECTORS = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "extended.json").read_text())


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["name"])
def test_the_shared_vectors_are_answered_alike(case: dict[str, Any]) -> None:
    checker, log = EntryChecker(VECTORS["origin"], "public"), MODULE.Log(VECTORS["origin"])
    for position, entry in enumerate(VECTORS["entries"]):
        checker.check(position, entry.encode())
        log.take(entry.encode())
    with pytest.raises(EntryError, match=case["code"]):
        checker.check(checker.size, case["entry"].encode())
    with pytest.raises(MODULE.Failed) as caught:
        log.take(case["entry"].encode())
    assert caught.value.code == case["code"]
