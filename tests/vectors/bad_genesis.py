"""Bad beginnings of a log: its first entry, and its registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ledger import note
from ledger.grammar import encode_base64
from tests.vectors import logs
from tests.vectors.logs import LogMaker
from tests.vectors.spoil import Case, dump, spoil


def of_opened(log: LogMaker) -> Iterator[Case]:
    """Position 0."""
    opened = log.documents[0]
    code = "genesis-invalid"
    data = opened["data"]
    yield "position 0 is another type", spoil(log.documents[2], position=0, prev=opened["prev"]), code
    yield "key of another name", spoil(opened, data={**data, "key": data["recovery_key"]}), code
    yield "key with a wrong ID", spoil(opened, data={**data, "key": data["key"].replace("+", "+0", 1)}), code
    yield "recovery key cut", spoil(opened, data={**data, "recovery_key": data["recovery_key"][:-4]}), code
    same = note.VerifyKey("recovery", log.key.verify_key.key).vkey
    yield "recovery key is the log's own", spoil(opened, data={**data, "recovery_key": same}), code
    yield "nonce of 15 bytes", spoil(opened, data={**data, "nonce": encode_base64(bytes(15))}), code
    yield "time zone that is none", spoil(opened, data={**data, "time_zone": "Denver"}), code
    yield "time zone that is a path", spoil(opened, data={**data, "time_zone": "../../etc/passwd"}), code
    yield "another format", spoil(opened, data={**data, "format": "secondwind-log-v2"}), "data-invalid"
    yield "another mode", spoil(opened, data={**data, "mode": "prod"}), "data-invalid"
    yield "prev is not that of nothing", spoil(opened, prev=encode_base64(bytes(32))), "prev-mismatch"


def of_registry(log: LogMaker) -> Iterator[Case]:
    """Position 1, and every rule of a registry."""
    published = log.documents[1]
    account = {**log.documents[2], "position": 1, "prev": published["prev"]}
    yield "position 1 is no registry", dump(account), "genesis-invalid"
    good = json.loads(published["data"]["registry"])

    def with_text(text: str) -> bytes:
        return spoil(published, data=log.registry_data(text))

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
        return with_text(dump({**good, "guards": {**good["guards"], "new": guard}}).decode())

    code = "registry-invalid"
    wrong_hash = {**published["data"], "sha256": encode_base64(bytes(32))}
    yield "registry with another hash", spoil(published, data=wrong_hash), code
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
    yield "type held to a guard that is not there", with_type(guards=["float"]), code
    yield "type held to a guard by owner", with_type(guards=["points"]), code
    yield "type held to no guards", with_type(guards=[]), code
    yield "type held to a guard twice", with_type(guards=["spendable", "spendable"]), code
    yield "type held to a number", with_type(guards=[1]), code
    yield "type without postings held to a guard", with_type(guards=["spendable"], postings="none"), code
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
