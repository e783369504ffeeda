"""Bad entries that need no other entry to be found out: bytes, members, phases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ledger.grammar import encode_base64
from tests.vectors.logs import LogMaker
from tests.vectors.spoil import AT, MISSING, Case, dump, gift_of, spoil


def of_bytes(log: LogMaker) -> Iterator[Case]:
    """What is no entry before its members are looked at."""
    gift = gift_of(log)
    good = dump(gift)
    malformed = "entry-malformed"
    incident = log.document(AT, "ledger.incident.declared.v1", {"text": ""})
    long = dump({**incident, "data": {"text": "x" * (16_385 - len(dump(incident)))}})
    yield "one byte too large", long, "entry-too-large"
    yield "65 KiB", good + b" " * 66_560, "entry-too-large"
    yield "empty", b"", malformed
    yield "a list", b"[]", malformed
    yield "a string", b'"entry"', malformed
    yield "cut short", good[:-1], malformed
    yield "byte order mark", b"\xef\xbb\xbf" + good, malformed
    yield "UTF-16", good.decode().encode("utf-16"), malformed
    yield "not UTF-8", good.replace(b'"bank"', b'"ban\xff"'), malformed
    yield "surrogate in UTF-8", good.replace(b'"bank"', b'"\xed\xa0\x80"'), malformed
    yield "lone surrogate escaped", good.replace(b'"bank"', b'"\\ud800"'), malformed
    yield "overlong UTF-8", good.replace(b'"bank"', b'"\xc0\xaf"'), malformed
    yield "raw control character", good.replace(b'"bank"', b'"ba\x01nk"'), malformed
    yield "two values", good + good, malformed
    yield "NUL after", good + b"\x00", malformed
    yield "comment", good[:-1] + b"/**/}", malformed
    yield "trailing comma", good[:-1] + b",}", malformed
    yield "single quotes", good.replace(b'"', b"'"), malformed
    for number in (b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b"1.0", b"1e0", b"0x1", b"1_0", b"-0.0", b"1E400"):
        yield f"v is {number.decode()}", good.replace(b'"v":1', b'"v":' + number), malformed
    for wide in (2**53, -(2**53), 2**63, 2**64, 10**400):
        name = f"position of {wide.bit_length()} bits{' below zero' if wide < 0 else ''}"
        yield name, _number(gift, wide), malformed
    for value in (b"null", b"true", b"false"):
        yield f"v is {value.decode()}", good.replace(b'"v":1', b'"v":' + value), malformed
        yield f"data.via is {value.decode()}", good.replace(b'"bank"', value), malformed
    yield "nested deep", b"[" * 8_000 + b"]" * 8_000, malformed
    yield "nested deep in data", good.replace(b'"bank"', b'{"a":' * 2_500 + b"1" + b"}" * 2_500), malformed
    yield "nested one too deep", good.replace(b'"bank"', b'[[["a"]]]'), malformed
    yield "nested and never closed", b'{"a":' * 3_000, malformed
    not_canonical = "entry-not-canonical"
    yield "space after", good + b"\n", not_canonical
    yield "space before", b" " + good, not_canonical
    yield "space between", good.replace(b'"v":1', b'"v": 1'), not_canonical
    yield (
        "members in another order",
        json.dumps(dict(reversed(gift.items())), separators=(",", ":")).encode(),
        not_canonical,
    )
    yield "escaped letter", good.replace(b'"bank"', b'"\\u0062ank"'), not_canonical
    yield "escaped slash", good.replace(b"/", b"\\/"), not_canonical
    yield "member twice, same value", good.replace(b'"v":1', b'"v":1,"v":1'), not_canonical
    yield "member twice, other value first", good.replace(b'"v":1', b'"v":2,"v":1'), not_canonical
    yield "posting member twice", good.replace(b'"fund":"rent"', b'"fund":"tech","fund":"rent"', 1), not_canonical


def _number(document: dict[str, Any], number: int) -> bytes:
    return dump(document).replace(b'"position":%d' % document["position"], b'"position":%d' % number)


def of_members(log: LogMaker) -> Iterator[Case]:
    """Members missing, unknown or of another form."""
    gift = gift_of(log)
    code = "entry-malformed"
    for name in ("at", "data", "log", "period", "position", "postings", "prev", "type", "v"):
        yield f"no {name}", spoil(gift, **{name: MISSING}), code
        yield f"{name} is a list of one", spoil(gift, **{name: [gift[name]]}), code
    yield "unknown member", spoil(gift, id="x"), code
    yield "member in capitals", spoil(gift, V=1), code
    yield "key not ASCII in data", spoil(gift, data={"v\u00eda": "bank"}), code
    yield "key with a dash in data", spoil(gift, data={"via-": "bank"}), code
    yield "empty key in data", spoil(gift, data={"": "bank"}), code
    yield "v 2", spoil(gift, v=2), code
    yield "v as text", spoil(gift, v="1"), code
    for at in (
        "2026-10-05T00:20:00Z",
        "2026-10-05T00:20:00.000Z",
        "2026-10-05T00:20:00.000000+00:00",
        "2026-10-05 00:20:00.000000Z",
        "2026-10-05t00:20:00.000000z",
        "2026-10-05T00:20:00,000000Z",
        "2026-10-05T24:00:00.000000Z",
        "2026-10-05T23:59:60.000000Z",
        "2026-02-29T00:00:00.000000Z",
        "2026-13-01T00:00:00.000000Z",
        "2026-W40-1T00:00:00.000000Z",
        "1969-12-31T23:59:00.000000Z",
        "0000-00-00T00:00:00.000000Z",
        "\u0662026-10-05T00:20:00.000000Z",
        "2026-10-05T00:20:00.000000Z\n",
        "",
    ):
        yield f"at {at!a}", spoil(gift, at=at), code
    yield "at with seconds in public", spoil(gift, at="2026-10-05T00:20:01.000000Z"), code
    yield "at with microseconds in public", spoil(gift, at="2026-10-05T00:20:00.000001Z"), code
    for period in ("2026-13", "2026-00", "2026-9", "26-10", "2026-10-01", "2026-1\u0660", "2026-10\n"):
        yield f"period {period!a}", spoil(gift, period=period), code
    for type_name in (
        "gift.received.v1",
        "giving.gift.received",
        "giving.gift.received.v0",
        "giving.gift.received.v01",
    ):
        yield f"type {type_name}", spoil(gift, type=type_name), code
    for type_name in ("Giving.gift.received.v1", "giving.gift.received.v1.v1", "giving.gift.receiv\u0435d.v1", ""):
        yield f"type {type_name!a}", spoil(gift, type=type_name), code
    prev = gift["prev"]
    for name, text in (
        ("without padding", prev[:-1]),
        ("with stray bits", prev[:-2] + chr(ord(prev[-2]) + 1) + "="),
        ("in URL letters", "-_" + prev[2:]),
        ("with a line break", prev[:20] + "\n" + prev[20:]),
        ("of 31 bytes", encode_base64(bytes(31))),
        ("of 33 bytes", encode_base64(bytes(33))),
        ("in hex", bytes(32).hex()),
        ("empty", ""),
    ):
        yield f"prev {name}", spoil(gift, prev=text), code
    yield "negative position", spoil(gift, position=-1), code
    yield "position as text", spoil(gift, position=str(gift["position"])), code
    yield "log with a space", spoil(gift, log="ledger.example.org/ledger "), code
    yield "log with a plus", spoil(gift, log="ledger.example.org+ledger"), code
    yield from _optional_members(gift)


def _optional_members(gift: dict[str, Any]) -> Iterator[Case]:
    code = "entry-malformed"
    root = gift["private"]["root"]
    yield "private is a string", spoil(gift, private=root), code
    yield "private of another alg", spoil(gift, private={"alg": "sd1", "root": root}), code
    yield "private with more members", spoil(gift, private={"alg": "slots1", "n": 8, "root": root}), code
    yield "private without root", spoil(gift, private={"alg": "slots1"}), code
    yield "private root in hex", spoil(gift, private={"alg": "slots1", "root": bytes(32).hex()}), code
    yield "phase unknown", spoil(gift, phase="done"), code
    yield "phase a number", spoil(gift, phase=1), code
    yield "refers_to a number", spoil(gift, refers_to=1), code
    yield "refers_to of texts", spoil(gift, refers_to=["1"]), code
    yield "expires_at a number", spoil(gift, phase="pending", expires_at=1), code
    phase = "phase-invalid"
    later, position = "2026-10-06T00:00:00.000000Z", gift["position"]
    yield "pending without expires_at", spoil(gift, phase="pending"), phase
    yield "expires_at without phase", spoil(gift, expires_at=later), phase
    yield "expires_at beside posted", spoil(gift, phase="posted", expires_at=later, refers_to=[9]), phase
    yield "expires_at at the time of the entry", spoil(gift, phase="pending", expires_at=gift["at"]), phase
    for name in ("posted", "voided", "expired"):
        yield f"{name} without refers_to", spoil(gift, phase=name), phase
    refers = "refers-invalid"
    for name, refers_to in (
        ("empty", []),
        ("itself", [position]),
        ("a later position", [0, position + 1]),
        ("a negative position", [-1, 1]),
        ("unsorted", [2, 1]),
        ("one position twice", [1, 1]),
        ("33 positions", list(range(33))),
    ):
        yield f"refers_to: {name}", spoil(gift, refers_to=refers_to), refers
