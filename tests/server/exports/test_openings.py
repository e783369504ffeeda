"""What an auditor gets, opened again with nothing but the file and the auditor's key."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import archive
from ledger.canonical import leaf_hash
from ledger.errors import MalformedError
from ledger.export import FORMAT, Range
from ledger.grammar import encode_base64
from ledger.types import SealedSlots
from server.exports.opener import openings
from server.exports.openings import Openings
from server.exports.sealing import KEY_BYTES, Sealer, bound_to, private_name, public_key
from server.exports.spool import Spool
from server.vault import FileKeyStore, KeyMissing, Vault
from tests.vectors.logs import GIFT, REGISTRY, LogMaker, postings

SECRET = bytes(range(KEY_BYTES))
ORIGIN = "ledger.example.org/ledger"


@dataclass
class Books:
    """A log whose entries are sealed by a real vault, with what an export reads of it."""

    maker: LogMaker
    vault: Vault
    sealed: dict[int, SealedSlots]

    async def entries(self, first: int, end: int) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        for start in range(first, end, 2):
            yield [(one, leaf_hash(one)) for one in self.maker.entries[start : min(start + 2, end)]]

    async def declared(self) -> object:
        return SimpleNamespace(registry=REGISTRY)

    async def slots(self, positions: Sequence[int]) -> dict[int, SealedSlots]:
        return {position: self.sealed[position] for position in positions if position in self.sealed}


def books(directory: Path, gifts: int = 5) -> Books:
    maker = LogMaker("sealed", "public", ORIGIN, 9)
    maker.open(
        "2026-06-01T12:00:00.000000Z",
        {
            name: ["USD/2"]
            for name in ("assets:cash", "expenses:processing", "income:gifts", "liabilities:accrued_fees")
        },
        ["general", "rent"],
    )
    made = Books(maker, Vault(FileKeyStore(directory / "keys")), {})
    names = [slot.name for slot in GIFT.slots]
    for number in range(gifts):
        values = {names[0]: f"nonce-{number}", names[2]: {"name": f"Giver Nr. {number}", "of": ["two", "names"]}}
        one = made.vault.seal_slots(ORIGIN, GIFT, values)
        made.sealed[maker.checker.size] = one
        maker.add(
            "2026-06-02T12:00:00.000000Z",
            GIFT.name,
            {"via": "bank"},
            postings=postings("rent", 1_000, 59),
            private={"alg": "slots1", "root": encode_base64(one.root)},
        )
    return made


async def exported(log: Books, directory: Path, first: int, end: int) -> bytes:
    """The members that the opener reads, as an export holds them."""
    chosen = Range("public", ORIGIN, first, end)
    given_to = Openings(public_key(SECRET), log, log.vault)  # type: ignore[arg-type]  # a log without a database
    spool = Spool(directory)
    try:
        spool.open("events.ndjson.gz").write(b"".join(one + b"\n" for one in log.maker.entries[first:end]))
        await given_to.fill(log, chosen, spool.open(given_to.name))  # type: ignore[arg-type]  # a log without a database
    finally:
        spool.close()
    out = io.BytesIO()
    manifest = f"{FORMAT}\n{ORIGIN}\n{first} {end}\n\n".encode()
    spool.pack(out, chosen.directory, ("manifest.note", manifest), ["events.ndjson.gz", given_to.name])
    return out.getvalue()


def opened(export: bytes, secret: bytes = SECRET) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in openings(io.BytesIO(export), secret)]


async def test_an_auditor_opens_every_slot_of_the_range_and_of_nothing_else(tmp_path: Path) -> None:
    log = books(tmp_path)
    first, *_, last = sorted(log.sealed)
    found = opened(await exported(log, tmp_path, first - 3, last))
    assert [one["position"] for one in found] == list(range(first, last))
    assert all(len(one["slots"]) == len(GIFT.slots) for one in found)
    assert [one["slots"][2]["value"]["name"] for one in found] == [f"Giver Nr. {n}" for n in range(last - first)]


async def test_nothing_private_lies_in_the_file_in_clear(tmp_path: Path) -> None:
    """D1, D6."""
    log = books(tmp_path)
    export = await exported(log, tmp_path, 0, log.maker.checker.size)
    assert b"Giver" not in export
    assert b"nonce-" not in export
    spooled = await asyncio.to_thread(contents, tmp_path)
    assert spooled
    assert not any(b"Giver" in content for content in spooled)


def contents(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.iterdir() if path.is_file()]


async def test_what_is_erased_is_not_there_and_a_key_that_is_only_missing_is_told(tmp_path: Path) -> None:
    """A8: a group whose box is gone cannot be opened any more; the other group still is."""
    log = books(tmp_path, 3)
    first = min(log.sealed)
    one = log.sealed[first]
    log.sealed[first] = SealedSlots(one.root, one.slot_hashes, tuple(b for b in one.boxes if b.group == "audit"))
    log.sealed[first + 1] = SealedSlots(one.root, log.sealed[first + 1].slot_hashes, ())
    found = {one["position"]: one for one in opened(await exported(log, tmp_path, 0, first + 3))}
    assert sorted(found) == [first, first + 2]
    assert {slot["name"] for slot in found[first]["slots"]} == {s.name for s in GIFT.slots if s.group == "audit"}
    lost = log.sealed[first + 2]
    boxes = tuple(
        type(box)(box.group, "identity-0123", box.wrapped_key, box.nonce, box.ciphertext) for box in lost.boxes
    )
    log.sealed[first + 2] = SealedSlots(lost.root, lost.slot_hashes, boxes)
    with pytest.raises(KeyMissing):
        await exported(log, tmp_path, 0, first + 3)


async def test_an_opening_that_its_entry_did_not_commit_to_is_refused(tmp_path: Path) -> None:
    """A service that gives an auditor other values than it sealed is found out, without the service."""
    log = books(tmp_path)
    export = await exported(log, tmp_path, 0, log.maker.checker.size)
    good = opened(export)[0]
    spoiled: list[Any] = [
        {**good, "position": good["position"] + 1},
        {**good, "position": 10**9},
        {**good, "log": "ledger.example.org/books"},
        {**good, "slots": [{**good["slots"][2], "value": "Eve"}]},
        {**good, "slots": [{**good["slots"][2], "i": 3}]},
        {**good, "slots": [{**good["slots"][2], "path": good["slots"][2]["path"][:2]}]},
        {**good, "slots": [{**good["slots"][2], "salt": "no"}]},
        {**good, "slots": [{}]},
        {**good, "slots": ["x", 1, None]},
        {**good, "slots": {}},
        {**good, "format": "secondwind-opening-v2"},
        [good],
        "x",
    ]
    for one in spoiled:
        with pytest.raises(MalformedError):
            opened(resealed(export, orjson.dumps(one) + b"\n"))
    assert opened(resealed(export, orjson.dumps(good) + b"\n")) == [good]


async def test_whatever_the_bytes_of_an_export_are_there_is_an_answer(tmp_path: Path) -> None:
    """A15: an export comes from whoever has an interest; the opener neither crashes nor says what is not so."""
    log = books(tmp_path)
    export = await exported(log, tmp_path, 0, log.maker.checker.size)
    truth = opened(export)

    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.data())
    def spoil(data: st.DataObject) -> None:
        spoiled = bytearray(export)
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(spoiled) - 1))
            spoiled[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
        try:
            found = opened(bytes(spoiled))
        except MalformedError:
            return
        assert found == truth

    spoil()
    assert_refused(export)


def assert_refused(export: bytes) -> None:
    for spoiled in (b"", export[:512], export[:-1], export + b"\0", bytes(1024)):
        with pytest.raises(MalformedError):
            opened(spoiled)
    with pytest.raises(MalformedError, match="there is no private/"):
        opened(export, bytes([7]) * KEY_BYTES)


@given(st.binary(max_size=200))
def test_an_opening_of_any_bytes_is_an_answer(noise: bytes) -> None:
    log = b'{"x":1}\n'
    events = archive.StoredGzip()
    member = {
        "export-0-1/manifest.note": f"{FORMAT}\n{ORIGIN}\n0 1\n\n".encode(),
        "export-0-1/events.ndjson.gz": events.feed(log) + events.finish(),
        f"export-0-1/{private_name(public_key(SECRET))}": noise,
    }
    packed = b"".join(archive.header(n, len(c)) + c + archive.padding(len(c)) for n, c in member.items())
    with pytest.raises(MalformedError):
        opened(packed + archive.END)


def resealed(export: bytes, plain: bytes) -> bytes:
    """The export with other openings, sealed as the service could."""
    with tarfile.open(fileobj=io.BytesIO(export)) as held:
        files = {name: held.extractfile(name).read() for name in held.getnames()}  # type: ignore[union-attr]  # files
    first, end = next(iter(files)).split("/")[0].split("-")[1:]
    sealer = Sealer(public_key(SECRET), bound_to(ORIGIN, int(first), int(end)))
    name = next(name for name in files if "/private/" in name)
    files[name] = sealer.feed(plain) + sealer.finish()
    packed = (archive.header(n, len(c)) + c + archive.padding(len(c)) for n, c in files.items())
    return b"".join(packed) + archive.END
