"""Entries that break one rule each, and the code that every verifier must give. They follow good entries of a log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from ledger.grammar import encode_base64
from tests.vectors import logs
from tests.vectors.logs import LogMaker, line

AT = "2026-10-05T00:20:00.000000Z"
_MISSING = object()
Case = tuple[str, bytes, str]
"""(name, bytes, code)"""


def cases(public: LogMaker, books: LogMaker, unknown: LogMaker) -> list[dict[str, Any]]:
    """Every case; `after` good entries of `log` come before it, so it stands at that position."""
    found: list[dict[str, Any]] = []
    for log, made in (
        (public, [*_bytes(public), *_members(public), *_chain(public), *_money(public), *_types(public)]),
        (books, [*_books(books), *_fields(books)]),
        (unknown, [*_unknown(unknown)]),
    ):
        found += [_case(log.name, len(log.entries), *case) for case in made]
    found += [_case(public.name, 0, *case) for case in _opened(public)]
    found += [_case(public.name, 1, *case) for case in _registry(public)]
    return found


def _case(log: str, after: int, name: str, entry: bytes, code: str) -> dict[str, Any]:
    return {"name": name, "code": code, "log": log, "after": after, "entry": encode_base64(entry)}


def dump(document: dict[str, Any]) -> bytes:
    """Canonical bytes, whatever they say."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def _spoil(document: dict[str, Any], **members: Any) -> bytes:
    return dump({name: value for name, value in {**document, **members}.items() if value is not _MISSING})


def _gift(log: LogMaker) -> dict[str, Any]:
    gift = log.document(AT, logs.GIFT.name, {"via": "bank"})
    return {**gift, "postings": logs.postings("rent", 2500, 103), "private": log.documents[-1]["private"]}


def _bytes(log: LogMaker) -> Iterator[Case]:
    gift = _gift(log)
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
    for number in (2**53, -(2**53), 2**63, 2**64, 10**400):
        name = f"position of {number.bit_length()} bits{' below zero' if number < 0 else ''}"
        yield name, _number(gift, number), malformed
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


def _members(log: LogMaker) -> Iterator[Case]:
    gift = _gift(log)
    code = "entry-malformed"
    for name in ("at", "data", "log", "period", "position", "postings", "prev", "type", "v"):
        yield f"no {name}", _spoil(gift, **{name: _MISSING}), code
        yield f"{name} is a list of one", _spoil(gift, **{name: [gift[name]]}), code
    yield "unknown member", _spoil(gift, id="x"), code
    yield "member in capitals", _spoil(gift, V=1), code
    yield "key not ASCII in data", _spoil(gift, data={"v\u00eda": "bank"}), code
    yield "key with a dash in data", _spoil(gift, data={"via-": "bank"}), code
    yield "empty key in data", _spoil(gift, data={"": "bank"}), code
    yield "v 2", _spoil(gift, v=2), code
    yield "v as text", _spoil(gift, v="1"), code
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
        yield f"at {at!a}", _spoil(gift, at=at), code
    yield "at with seconds in public", _spoil(gift, at="2026-10-05T00:20:01.000000Z"), code
    yield "at with microseconds in public", _spoil(gift, at="2026-10-05T00:20:00.000001Z"), code
    for period in ("2026-13", "2026-00", "2026-9", "26-10", "2026-10-01", "2026-1\u0660", "2026-10\n"):
        yield f"period {period!a}", _spoil(gift, period=period), code
    for type_name in (
        "gift.received.v1",
        "giving.gift.received",
        "giving.gift.received.v0",
        "giving.gift.received.v01",
    ):
        yield f"type {type_name}", _spoil(gift, type=type_name), code
    for type_name in ("Giving.gift.received.v1", "giving.gift.received.v1.v1", "giving.gift.receiv\u0435d.v1", ""):
        yield f"type {type_name!a}", _spoil(gift, type=type_name), code
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
        yield f"prev {name}", _spoil(gift, prev=text), code
    yield "negative position", _spoil(gift, position=-1), code
    yield "position as text", _spoil(gift, position=str(gift["position"])), code
    yield "log with a space", _spoil(gift, log="ledger.example.org/ledger "), code
    yield "log with a plus", _spoil(gift, log="ledger.example.org+ledger"), code
    yield from _optional_members(gift)


def _optional_members(gift: dict[str, Any]) -> Iterator[Case]:
    code = "entry-malformed"
    root = gift["private"]["root"]
    yield "private is a string", _spoil(gift, private=root), code
    yield "private of another alg", _spoil(gift, private={"alg": "sd1", "root": root}), code
    yield "private with more members", _spoil(gift, private={"alg": "slots1", "n": 8, "root": root}), code
    yield "private without root", _spoil(gift, private={"alg": "slots1"}), code
    yield "private root in hex", _spoil(gift, private={"alg": "slots1", "root": bytes(32).hex()}), code
    yield "phase unknown", _spoil(gift, phase="done"), code
    yield "phase a number", _spoil(gift, phase=1), code
    yield "refers_to a number", _spoil(gift, refers_to=1), code
    yield "refers_to of texts", _spoil(gift, refers_to=["1"]), code
    yield "expires_at a number", _spoil(gift, phase="pending", expires_at=1), code
    phase = "phase-invalid"
    later, position = "2026-10-06T00:00:00.000000Z", gift["position"]
    yield "pending without expires_at", _spoil(gift, phase="pending"), phase
    yield "expires_at without phase", _spoil(gift, expires_at=later), phase
    yield "expires_at beside posted", _spoil(gift, phase="posted", expires_at=later, refers_to=[9]), phase
    yield "expires_at at the time of the entry", _spoil(gift, phase="pending", expires_at=gift["at"]), phase
    for name in ("posted", "voided", "expired"):
        yield f"{name} without refers_to", _spoil(gift, phase=name), phase
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
        yield f"refers_to: {name}", _spoil(gift, refers_to=refers_to), refers


def _chain(log: LogMaker) -> Iterator[Case]:
    gift = _gift(log)
    position = gift["position"]
    yield "another log", _spoil(gift, log="ledger.example.org/books"), "log-mismatch"
    yield "a log of almost the same name", _spoil(gift, log="ledger.example.org/ledger/"), "log-mismatch"
    yield "a position left out", _spoil(gift, position=position + 1), "position-mismatch"
    yield "a position repeated", _spoil(gift, position=position - 1), "position-mismatch"
    yield "the entry before once more", log.entries[-1], "position-mismatch"
    yield "prev of another entry", _spoil(gift, prev=log.documents[-1]["prev"]), "prev-mismatch"
    yield "prev of nothing", _spoil(gift, prev=log.documents[0]["prev"]), "prev-mismatch"
    yield "a minute before", _spoil(gift, at="2026-10-05T00:09:00.000000Z"), "time-backwards"
    yield "period after the month", _spoil(gift, period="2026-11"), "period-invalid"
    yield "period two months before", _spoil(gift, period="2026-08"), "period-invalid"
    yield "period by Greenwich", _spoil(gift, at="2026-11-01T03:00:00.000000Z", period="2026-11"), "period-invalid"
    yield "period closed", _spoil(gift, period="2026-09"), "period-closed"


def _money(log: LogMaker) -> Iterator[Case]:
    gift = _gift(log)
    code = "entry-malformed"
    cash, gifts = line("assets:cash", 100, "rent"), line("income:gifts", -100, "rent")
    for amount in (
        "0",
        "-0",
        "+100",
        "0100",
        "1.00",
        "1e2",
        " 100",
        "100 ",
        "",
        "-",
        "\u0661\u0660\u0660",
        "1_00",
        "1" + "0" * 31,
    ):
        yield f"amount {amount!a}", _spoil(gift, postings=[{**cash, "amount": amount}, gifts]), code
    yield "amount a number", _spoil(gift, postings=[{**cash, "amount": 100}, gifts]), code
    for account in (
        "cash",
        "assets",
        "assets:",
        "assets::cash",
        "Assets:cash",
        "assets:cash:",
        "assets:c-d",
        "memo:x",
        "assets:\u0441ash",
    ):
        yield f"account {account!a}", _spoil(gift, postings=[{**cash, "account": account}, gifts]), code
    for asset in ("usd/2", "USD/", "USD/222", "/2", "USD 2", "A" * 33, "", "2USD"):
        yield f"asset {asset!a}", _spoil(gift, postings=[{**cash, "asset": asset}, gifts]), code
    for fund in ("Rent", "", "2rent", "rent fund", "r" * 33, "r\u00e9nt", "-rent"):
        yield f"fund {fund!a}", _spoil(gift, postings=[{**cash, "fund": fund}, gifts]), code
    yield "posting without fund", _spoil(gift, postings=[{k: v for k, v in cash.items() if k != "fund"}, gifts]), code
    yield "posting with an owner", _spoil(gift, postings=[{**cash, "owner": "x"}, gifts]), code
    yield "posting a list", _spoil(gift, postings=[["assets:cash", "USD/2", "rent", "100"], gifts]), code
    yield "postings an object", _spoil(gift, postings={"0": cash}), code
    many = [line("assets:cash", 1, f"f{i:02}") for i in range(65)]
    yield "65 postings", _spoil(gift, postings=many), code
    unsorted = "postings-unsorted"
    yield "postings out of order", _spoil(gift, postings=[gifts, cash]), unsorted
    half = {**cash, "amount": "50"}
    yield "one triple in two postings", _spoil(gift, postings=[half, half, gifts]), unsorted
    funds_swapped = [line("assets:cash", 1, "tech"), line("assets:cash", 1, "rent")]
    yield "funds of one account out of order", _spoil(gift, postings=funds_swapped), unsorted
    sums = "sum-not-zero"
    yield "one cent short", _spoil(gift, postings=[cash, {**gifts, "amount": "-99"}]), sums
    yield "one line only", _spoil(gift, postings=[cash]), sums
    yield "funds do not balance apart", _spoil(gift, postings=[cash, {**gifts, "fund": "tech"}]), sums
    yield "assets do not balance apart", _spoil(gift, postings=[{**cash, "asset": "EUR/2"}, gifts]), sums
    one_sided = [line("assets:cash", -5, "rent"), line("equity:interfund", 5, "rent")]
    yield "a fund gives and none receives", _spoil(gift, postings=one_sided), sums
    yield (
        "account not declared",
        _spoil(gift, postings=[{**cash, "account": "assets:cash2"}, gifts]),
        "account-undeclared",
    )
    for_euro = [{**cash, "asset": "EUR/2"}, {**gifts, "asset": "EUR/2"}]
    yield "account not declared for the asset", _spoil(gift, postings=for_euro), "account-undeclared"
    help_fund = [{**cash, "fund": "help"}, {**gifts, "fund": "help"}]
    yield "fund not declared", _spoil(gift, postings=help_fund), "fund-undeclared"


def _types(log: LogMaker) -> Iterator[Case]:
    gift = _gift(log)
    code = "data-invalid"
    yield "data lacks a field", _spoil(gift, data={}), code
    yield "data has a field too many", _spoil(gift, data={"via": "bank", "why": "because"}), code
    yield "enum of another value", _spoil(gift, data={"via": "Bank"}), code
    yield "a type with postings has none", _spoil(gift, postings=[]), code
    anchor = log.document(AT, "ledger.anchor.recorded.v1", {"commitment": encode_base64(bytes(32))})
    yield "a type without postings has some", _spoil(anchor, postings=gift["postings"]), code
    yield "private missing", _spoil(gift, private=_MISSING), "private-invalid"
    yield "private where the type has none", _spoil(anchor, private=gift["private"]), "private-invalid"
    corrected = log.document(AT, logs.CORRECTED.name, {})
    yield "refers_to missing", dump(corrected), "refers-invalid"
    yield "refers_to where the type has none", _spoil(gift, refers_to=[9]), "refers-invalid"
    account = {"account": "points:members", "assets": ["POINTS"], "normal": "credit", "title": "Points"}
    yield "points in public", dump(log.document(AT, "ledger.account.declared.v1", account)), code
    fund = {"fund": "help", "restriction": "restricted", "title": "Help"}
    for name, title in (
        ("61 characters", "x" * 61),
        ("a tab", "a\tb"),
        ("a carriage return", "a\r\nb"),
        ("a C1 control", "a\u0085b"),
        ("DEL", "a\u007fb"),
        ("text turned round", "a\u202eb"),
        ("a line separator", "a\u2028b"),
        ("a byte order mark", "\ufeffb"),
    ):
        yield f"title with {name}", dump(log.document(AT, "ledger.fund.declared.v1", {**fund, "title": title})), code
    policy = {"from": "2026-11", "policy": "{}", "sha256": encode_base64(bytes(32))}
    yield "policy with another hash", dump(log.document(AT, "ledger.policy.changed.v1", policy)), code
    close = log.documents[-2]["data"]
    yield "close of a month that runs", dump(log.document(AT, "ledger.period.closed.v1", close)), "period-invalid"
    late = log.document("2026-11-05T00:00:00.000000Z", "ledger.period.closed.v1", close, period="2026-10")
    yield "close under another registry", _spoil(late, data={**close, "registry": encode_base64(bytes(32))}), code
    yield "opened twice", dump(log.document(AT, "ledger.log.opened.v1", log.opened())), "genesis-invalid"
    text = logs.Registry([logs.GIFT]).to_text()
    again = log.document(AT, "ledger.registry.published.v1", log.registry_data(text))
    yield "a later registry without an earlier type", dump(again), "registry-invalid"


def _books(log: LogMaker) -> Iterator[Case]:
    at = log.documents[-1]["at"]
    held = log.document("2026-09-01T12:00:02.000000Z", logs.HELD.name, {}, postings=log.documents[-1]["postings"])
    yield "the same microsecond in books", _spoil(held, at=at), "time-backwards"
    yield "a microsecond before in books", _spoil(held, at="2026-09-01T12:00:01.000000Z"), "time-backwards"


def _fields(log: LogMaker) -> Iterator[Case]:
    for name, value in (
        ("account", "cash"),
        ("account", 1),
        ("amount", "0"),
        ("amount", 5),
        ("asset", "usd"),
        ("count", "1"),
        ("date", "2026-02-29"),
        ("date", "2026-2-1"),
        ("date", "20260201"),
        ("digest", encode_base64(bytes(31))),
        ("digest", encode_base64(bytes(32))[:-2] + "B="),
        ("fund", "Rent"),
        ("kind", "d"),
        ("kind", ["a"]),
        ("maybe", ""),
        ("month", "2026-00"),
        ("slug", "Rent"),
        ("slug", "r" * 65),
        ("slugs", "a"),
        ("slugs", ["a", "b", "c", "d"]),
        ("slugs", ["a", 1]),
        ("slugs", [["a"]]),
        ("slugs", {"a": "b"}),
    ):
        data = {**logs.FIELD_VALUES, name: value}
        yield (
            f"data.{name} is {value!r:.60}",
            dump(log.document("2026-09-01T12:00:02.000000Z", logs.FIELDS.name, data)),
            "data-invalid",
        )


def _unknown(log: LogMaker) -> Iterator[Case]:
    thing = {**log.documents[-1], "position": len(log.entries), "prev": encode_base64(log.checker.prev)}
    short = [line("assets:cash", 2, "general"), line("income:gifts", -1, "general")]
    yield "an unknown type does not balance", _spoil(thing, postings=short), "sum-not-zero"
    strange = [line("assets:cash2", 1, "general"), line("income:gifts", -1, "general")]
    yield "an unknown type uses an unknown account", _spoil(thing, postings=strange), "account-undeclared"
    yield "an unknown type steps back in time", _spoil(thing, at="2027-01-01T07:00:00.000000Z"), "time-backwards"
    yield "an unknown type holds null", dump(thing).replace(b'{"is":1}', b"null"), "entry-malformed"


def _opened(log: LogMaker) -> Iterator[Case]:
    opened = log.documents[0]
    code = "genesis-invalid"
    data = opened["data"]
    yield "position 0 is another type", _spoil(log.documents[2], position=0, prev=opened["prev"]), code
    yield "key of another name", _spoil(opened, data={**data, "key": data["recovery_key"]}), code
    yield "key with a wrong ID", _spoil(opened, data={**data, "key": data["key"].replace("+", "+0", 1)}), code
    yield "recovery key cut", _spoil(opened, data={**data, "recovery_key": data["recovery_key"][:-4]}), code
    same = logs.note.VerifyKey("recovery", log.key.verify_key.key).vkey
    yield "recovery key is the log's own", _spoil(opened, data={**data, "recovery_key": same}), code
    yield "nonce of 15 bytes", _spoil(opened, data={**data, "nonce": encode_base64(bytes(15))}), code
    yield "time zone that is none", _spoil(opened, data={**data, "time_zone": "Denver"}), code
    yield "time zone that is a path", _spoil(opened, data={**data, "time_zone": "../../etc/passwd"}), code
    yield "another format", _spoil(opened, data={**data, "format": "secondwind-log-v2"}), "data-invalid"
    yield "another mode", _spoil(opened, data={**data, "mode": "prod"}), "data-invalid"
    yield "prev is not that of nothing", _spoil(opened, prev=encode_base64(bytes(32))), "prev-mismatch"


def _registry(log: LogMaker) -> Iterator[Case]:
    published = log.documents[1]
    account = {**log.documents[2], "position": 1, "prev": published["prev"]}
    yield "position 1 is no registry", dump(account), "genesis-invalid"
    good = json.loads(published["data"]["registry"])

    def with_text(text: str) -> bytes:
        return _spoil(published, data=log.registry_data(text))

    def with_type(**members: Any) -> bytes:
        types = {
            **good["types"],
            "test.new.thing.v1": {"data": {}, "postings": "none", "refers": "none", "slots": [], **members},
        }
        return with_text(dump({**good, "types": types}).decode())

    def with_field(spec: Any) -> bytes:
        return with_type(data={"x": spec})

    def with_guard(**members: Any) -> bytes:
        guard = {"accounts": ["assets:cash"], "by": "fund", "sign": 1, **members}
        return with_text(dump({**good, "guards": {"new": guard}}).decode())

    code = "registry-invalid"
    wrong_hash = {**published["data"], "sha256": encode_base64(bytes(32))}
    yield "registry with another hash", _spoil(published, data=wrong_hash), code
    yield "registry is no JSON", with_text("{"), code
    yield "registry is a list", with_text("[]"), code
    yield "registry not canonical", with_text(json.dumps(good, sort_keys=True)), code
    yield "registry with a member twice", with_text(published["data"]["registry"][:-1] + ',"types":{}}'), code
    yield "registry with more members", with_text(dump({**good, "version": 1}).decode()), code
    yield "registry without guards", with_text(dump({"types": good["types"]}).decode()), code
    yield "registry of lists", with_text('{"guards":[],"types":[]}'), code
    lacking = {name: spec for name, spec in good["types"].items() if name != "ledger.period.closed.v1"}
    yield "registry lacks a type of the ledger", with_text(dump({**good, "types": lacking}).decode()), code
    bent = {**good["types"], "ledger.period.closed.v1": {"data": {}, "postings": "none", "refers": "none", "slots": []}}
    yield "registry changes a type of the ledger", with_text(dump({**good, "types": bent}).decode()), code
    named = {**good["types"], "giving.gift": good["types"][logs.GIFT.name]}
    yield "type with a bad name", with_text(dump({**good, "types": named}).decode()), code
    yield (
        "type is a string",
        with_text(dump({**good, "types": {**good["types"], "test.new.thing.v1": "x"}}).decode()),
        code,
    )
    yield "type with more members", with_type(by="x"), code
    yield "type with postings of no kind", with_type(postings="any"), code
    yield "type with refers of no kind", with_type(refers="maybe"), code
    yield "type with data a list", with_type(data=[]), code
    yield "type with slots an object", with_type(slots={}), code
    yield "type with seven slots", with_type(slots=[[f"s{i}", "audit"] for i in range(7)]), code
    yield "type with a slot twice", with_type(slots=[["s", "audit"]] * 8), code
    yield "type with a slot of no group", with_type(slots=[[f"s{i}", "public"] for i in range(8)]), code
    yield "type with a slot of one part", with_type(slots=[[f"s{i}"] for i in range(8)]), code
    for spec in (
        "slug",
        {},
        {"is": "float"},
        {"is": "slug", "need": "must"},
        {"is": "slug", "max": 3},
        {"is": "enum"},
        {"is": "enum", "of": []},
        {"is": "enum", "of": ["a", "a"]},
        {"is": "enum", "of": ["A"]},
        {"is": "enum", "of": [1]},
        {"is": "int"},
        {"is": "int", "max": 1, "min": 2},
        {"is": "int", "max": "2", "min": 1},
        {"is": "text", "max": 60},
        {"is": "list", "of": {"is": "slug"}},
        {"is": "list", "max": 0, "of": {"is": "slug"}},
        {"is": "list", "max": 2, "of": {"is": "list", "max": 2, "of": {"is": "slug"}}},
        {"is": "list", "max": 2, "of": "slug"},
        {"is": "list", "max": 2, "of": {"is": "slug", "need": "may"}},
    ):
        yield f"field specified by {json.dumps(spec)}", with_field(spec), code
    yield "guard of no accounts", with_guard(accounts=[]), code
    yield "guard of accounts unsorted", with_guard(accounts=["income:gifts", "assets:cash"]), code
    yield "guard of what is no account", with_guard(accounts=["cash"]), code
    yield "guard by asset", with_guard(by="asset"), code
    yield "guard with sign 0", with_guard(sign=0), code
    yield "guard with more members", with_guard(min=0), code
