"""A log whose registry is more than one entry: extensions that are good, and some that are none (SPEC.md 5.15)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from ledger.grammar import encode_base64
from ledger.guards import Guard
from ledger.registry import EXTENDED, Registry, TypeSpec, to_text
from tests.vectors import logs
from tests.vectors.logs import LogMaker
from tests.vectors.spoil import dump

AT = "2026-09-02T12:00:00.000000Z"
SEEDS = Guard("seeds", ("assets:seeds",), "fund", 1)
WATERED = TypeSpec("garden.bed.watered.v1", {"day": {"is": "date"}})
PLANTED = TypeSpec("garden.bed.planted.v1", postings="some", guards=("seeds",))
CROWDED = TypeSpec("garden.group.told.v1", {"people_min": {"is": "int", "max": 9, "min": 1}})


def extended_log() -> LogMaker:
    """Two extensions, the second of which is held to a guard of the first; then a close over both."""
    known = logs.REGISTRY
    registry = Registry((*known.types.values(), EXTENDED), known.guards.values())
    log = LogMaker("extended", "public", "extended.example.org/ledger", 4, registry)
    log.open("2026-08-01T12:00:00.000000Z", {"assets:seeds": ["SEED"], "income:gifts": ["SEED"]}, ["general"])
    log.add(AT, EXTENDED.name, extension(to_text([WATERED], [SEEDS])))
    log.add(AT, EXTENDED.name, extension(to_text([PLANTED], [])))
    log.add(AT, WATERED.name, {"day": "2026-09-02"})
    log.registry = log.checker.registry
    log.close("2026-09-03T12:00:00.000000Z", "2026-08")
    return log


def extension(text: str, digest_of: str | None = None) -> dict[str, Any]:
    """`data` of an entry that extends a registry."""
    return {"registry": text, "sha256": encode_base64(sha256((digest_of or text).encode()).digest())}


def vectors() -> dict[str, Any]:
    """The log, and entries after it of which each breaks a rule."""
    log = extended_log()
    spent = [logs.line("assets:seeds", -1, "general", "SEED"), logs.line("income:gifts", 1, "general", "SEED")]
    at = "2026-09-04T12:00:00.000000Z"
    bad = (
        ("an extension with another hash", EXTENDED.name, extension(to_text([CROWDED], []), "other"), {}),
        ("an extension of nothing", EXTENDED.name, extension(to_text([], [])), {}),
        ("an extension by what is there", EXTENDED.name, extension(to_text([WATERED], [])), {}),
        ("an extension for one person", EXTENDED.name, extension(to_text([CROWDED], [])), {}),
        ("an extension with blanks", EXTENDED.name, extension(" " + to_text([CROWDED], [])), {}),
        ("a later registry without it", "ledger.registry.published.v1", extension(logs.REGISTRY.to_text()), {}),
    )
    cases = [(name, "registry-invalid", log.document(at, kind, data, **more)) for name, kind, data, more in bad]
    cases.append(("an added type of another form", "data-invalid", log.document(at, WATERED.name, {"day": "today"})))
    cases.append(("an added guard is broken", "guard-broken", log.document(at, PLANTED.name, {}, postings=spent)))
    return {
        "origin": log.key.name,
        "entries": [entry.decode() for entry in log.entries],
        "bad": [{"name": name, "code": code, "entry": dump(entry).decode()} for name, code, entry in cases],
    }
