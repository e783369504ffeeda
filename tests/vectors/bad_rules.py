"""Bad entries that their chain, their log's declarations or their type find out."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import orjson

from ledger import keys, note
from ledger.grammar import encode_base64
from ledger.guards import Guard
from ledger.registry import Registry
from tests.vectors import logs
from tests.vectors.logs import LogMaker, line
from tests.vectors.spoil import AT, MISSING, Case, dump, gift_of, spoil


def of_chain(log: LogMaker) -> Iterator[Case]:
    """An entry that does not stand where it stands, or when."""
    gift = gift_of(log)
    position = gift["position"]
    yield "another log", spoil(gift, log="ledger.example.org/books"), "log-mismatch"
    yield "a log of almost the same name", spoil(gift, log="ledger.example.org/ledger/"), "log-mismatch"
    yield "a position left out", spoil(gift, position=position + 1), "position-mismatch"
    yield "a position repeated", spoil(gift, position=position - 1), "position-mismatch"
    yield "the entry before once more", log.entries[-1], "position-mismatch"
    yield "prev of another entry", spoil(gift, prev=log.documents[-1]["prev"]), "prev-mismatch"
    yield "prev of nothing", spoil(gift, prev=log.documents[0]["prev"]), "prev-mismatch"
    yield "a minute before", spoil(gift, at="2026-10-05T00:09:00.000000Z"), "time-backwards"
    yield "period after the month", spoil(gift, period="2026-11"), "period-invalid"
    yield "period two months before", spoil(gift, period="2026-08"), "period-invalid"
    yield "period by Greenwich", spoil(gift, at="2026-11-01T03:00:00.000000Z", period="2026-11"), "period-invalid"
    yield "period closed", spoil(gift, period="2026-09"), "period-closed"


def of_money(log: LogMaker) -> Iterator[Case]:
    """Postings: their form, order, sums and places."""
    gift = gift_of(log)
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
        yield f"amount {amount!a}", spoil(gift, postings=[{**cash, "amount": amount}, gifts]), code
    yield "amount a number", spoil(gift, postings=[{**cash, "amount": 100}, gifts]), code
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
        yield f"account {account!a}", spoil(gift, postings=[{**cash, "account": account}, gifts]), code
    for asset in ("usd/2", "USD/", "USD/222", "/2", "USD 2", "A" * 33, "", "2USD"):
        yield f"asset {asset!a}", spoil(gift, postings=[{**cash, "asset": asset}, gifts]), code
    for fund in ("Rent", "", "2rent", "rent fund", "r" * 33, "r\u00e9nt", "-rent"):
        yield f"fund {fund!a}", spoil(gift, postings=[{**cash, "fund": fund}, gifts]), code
    yield "posting without fund", spoil(gift, postings=[{k: v for k, v in cash.items() if k != "fund"}, gifts]), code
    yield "posting with an owner", spoil(gift, postings=[{**cash, "owner": "x"}, gifts]), code
    yield "posting a list", spoil(gift, postings=[["assets:cash", "USD/2", "rent", "100"], gifts]), code
    yield "postings an object", spoil(gift, postings={"0": cash}), code
    many = [line("assets:cash", 1, f"f{i:02}") for i in range(65)]
    yield "65 postings", spoil(gift, postings=many), code
    unsorted = "postings-unsorted"
    yield "postings out of order", spoil(gift, postings=[gifts, cash]), unsorted
    half = {**cash, "amount": "50"}
    yield "one triple in two postings", spoil(gift, postings=[half, half, gifts]), unsorted
    funds_swapped = [line("assets:cash", 1, "tech"), line("assets:cash", 1, "rent")]
    yield "funds of one account out of order", spoil(gift, postings=funds_swapped), unsorted
    sums = "sum-not-zero"
    yield "one cent short", spoil(gift, postings=[cash, {**gifts, "amount": "-99"}]), sums
    yield "one line only", spoil(gift, postings=[cash]), sums
    yield "funds do not balance apart", spoil(gift, postings=[cash, {**gifts, "fund": "tech"}]), sums
    yield "assets do not balance apart", spoil(gift, postings=[{**cash, "asset": "EUR/2"}, gifts]), sums
    one_sided = [line("assets:cash", -5, "rent"), line("equity:interfund", 5, "rent")]
    yield "a fund gives and none receives", spoil(gift, postings=one_sided), sums
    yield (
        "account not declared",
        spoil(gift, postings=[{**cash, "account": "assets:cash2"}, gifts]),
        "account-undeclared",
    )
    for_euro = [{**cash, "asset": "EUR/2"}, {**gifts, "asset": "EUR/2"}]
    yield "account not declared for the asset", spoil(gift, postings=for_euro), "account-undeclared"
    help_fund = [{**cash, "fund": "help"}, {**gifts, "fund": "help"}]
    yield "fund not declared", spoil(gift, postings=help_fund), "fund-undeclared"


def of_types(log: LogMaker) -> Iterator[Case]:
    """What the registry and the declarations do not allow."""
    gift = gift_of(log)
    code = "data-invalid"
    yield "data lacks a field", spoil(gift, data={}), code
    yield "data has a field too many", spoil(gift, data={"via": "bank", "why": "because"}), code
    yield "enum of another value", spoil(gift, data={"via": "Bank"}), code
    yield "a type with postings has none", spoil(gift, postings=[]), code
    anchor = log.document(AT, "ledger.anchor.recorded.v1", {"commitment": encode_base64(bytes(32))})
    yield "a type without postings has some", spoil(anchor, postings=gift["postings"]), code
    yield "private missing", spoil(gift, private=MISSING), "private-invalid"
    yield "private where the type has none", spoil(anchor, private=gift["private"]), "private-invalid"
    corrected = log.document(AT, logs.CORRECTED.name, {})
    yield "refers_to missing", dump(corrected), "refers-invalid"
    yield "refers_to where the type has none", spoil(gift, refers_to=[9]), "refers-invalid"
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
    yield from _of_policies(log)
    close = log.documents[-2]["data"]
    yield "close of a month that runs", dump(log.document(AT, "ledger.period.closed.v1", close)), "period-invalid"
    close = log.closed("2026-10")
    late = log.document("2026-11-05T00:00:00.000000Z", "ledger.period.closed.v1", close, period="2026-10")
    yield "close under another registry", spoil(late, data={**close, "registry": encode_base64(bytes(32))}), code
    yield "close with the balances of the month before", spoil(late, data=log.closed("2026-09")), code
    yield "close of no balances", spoil(late, data={**close, "balances": encode_base64(sha256(b"").digest())}), code
    skipped = {"at": "2026-12-05T00:00:00.000000Z", "period": "2026-11", "data": log.closed("2026-11")}
    yield "a month left out when closing", spoil(late, **skipped), "period-invalid"
    yield "opened twice", dump(log.document(AT, "ledger.log.opened.v1", log.opened())), "genesis-invalid"
    text = Registry([logs.GIFT]).to_text()
    again = log.document(AT, "ledger.registry.published.v1", log.registry_data(text))
    yield "a later registry without an earlier type", dump(again), "registry-invalid"
    eased = Registry(logs.TYPES, [Guard("spendable", ("assets:cash",), "fund", 1), logs.POINTS]).to_text()
    easier = log.document(AT, "ledger.registry.published.v1", log.registry_data(eased))
    yield "a later registry with an easier guard", dump(easier), "registry-invalid"


def _of_policies(log: LogMaker) -> Iterator[Case]:
    """How few people may be told of, and since when (attacks A7)."""

    def policy(text: str, first_month: str = "2026-11") -> bytes:
        data = {"from": first_month, "policy": text, "sha256": encode_base64(sha256(text.encode()).digest())}
        return dump(log.document(AT, "ledger.policy.changed.v1", data))

    code = "policy-invalid"
    yield "a policy for the month that runs", policy("{}", "2026-10"), code
    yield "a policy for a month that is over", policy("{}", "2026-09"), code
    yield "a policy that is no JSON", policy("eleven"), code
    yield "a policy with blanks", policy("{ }"), code
    yield "a policy with null", policy('{"gift":null}'), code
    yield "a policy nested 33 deep", policy("[" * 33 + "]" * 33), code
    yield "a policy for four people", policy('{"people_min":4}'), code
    yield "a policy for four people, deep inside", policy('{"help":[{"people_min":11},{"people_min":4}]}'), code
    yield "a policy for some people", policy('{"people_min":"5"}'), code
    registry = orjson.loads(log.registry.to_text())
    registry["types"]["test.help.pooled.v1"] = orjson.loads(orjson.dumps(registry["types"][logs.HELP.name]))
    registry["types"]["test.help.pooled.v1"]["data"]["people_min"]["min"] = 4
    text = dump(registry).decode()
    lowered = log.document(AT, "ledger.registry.published.v1", log.registry_data(text))
    yield "a type for four people", dump(lowered), "registry-invalid"


def of_decisions(log: LogMaker) -> Iterator[Case]:
    """What only the balances so far can tell."""
    code = "guard-broken"
    cash, rent = line("assets:cash", -2398, "rent"), line("expenses:help:rent", 2398, "rent")
    spent = log.document(AT, logs.SPENT.name, {}, postings=[cash, rent])
    yield "one cent more is spent than the fund has", dump(spent), code
    far = [
        {**cash, "amount": "-9999999999999999999999999999999"},
        {**rent, "amount": "9999999999999999999999999999999"},
    ]
    yield "all the money in the world is spent", spoil(spent, postings=far), code
    tech = [line("assets:cash", -46, "tech"), line("expenses:help:rent", 46, "tech")]
    yield "a fund spends what another has", spoil(spent, postings=tech), code
    owed = [line("assets:cash", -1, "rent"), line("expenses:processing", 2398, "rent")]
    owed.append(line("liabilities:accrued_fees", -2397, "rent"))
    yield "what is owed counts", spoil(spent, postings=owed), code


def of_keys(log: LogMaker) -> Iterator[Case]:
    """Keys that the recovery key did not let in, or let in otherwise."""
    code = "key-invalid"
    size = log.checker.size + 1
    other = note.SigningKey(log.key.name, b"o" * 32)
    data = log.key_change("introduced", other.vkey, size)
    name = "ledger.key.introduced.v1"
    introduced = log.document(AT, name, data)
    by_log = log.key.signature(keys.statement(log.key.name, "introduced", other.vkey, size))
    for what, spoiled in (
        ("signed by the log's key", {**data, "signature": encode_base64(by_log)}),
        ("signed for another size", {**data, "size": size + 1}),
        ("signed for another key", {**data, "key": note.SigningKey(log.key.name, b"p" * 32).vkey}),
        ("signed as retired", {**log.key_change("retired", other.vkey, size)}),
        ("from a size before its entry", log.key_change("introduced", other.vkey, size - 1)),
        ("of another log", log.key_change("introduced", note.SigningKey("other.org/ledger", b"o" * 32).vkey, size)),
        ("that is no key", log.key_change("introduced", "nobody", size)),
        ("introduced before", log.key_change("introduced", log.next_key.vkey, size)),
        ("of entry 0", log.key_change("introduced", log.key.vkey, size)),
        ("without a signature", {**data, "signature": ""}),
    ):
        yield f"a key {what}", spoil(introduced, data=spoiled), code
    retired = log.document(AT, "ledger.key.retired.v1", log.key_change("retired", log.key.vkey, size))
    yield "the last key retired", dump(retired), code
    yield "a key retired again", spoil(retired, data=log.key_change("retired", log.next_key.vkey, size)), code
    yield "a key retired that never was", spoil(retired, data=log.key_change("retired", other.vkey, size)), code


def of_phases(log: LogMaker) -> Iterator[Case]:
    """What is pending is resolved once, and expires when it said."""
    code = "phase-invalid"
    last = log.documents[-1]
    held = log.document("2026-09-01T12:30:04.000001Z", logs.HELD.name, {}, postings=last["postings"])
    for phase in ("posted", "voided", "expired"):
        yield f"{phase}: nothing pending", spoil(held, phase=phase, refers_to=[10]), code
        yield f"{phase}: resolved before", spoil(held, phase=phase, refers_to=[9]), code
        yield f"{phase}: one of two resolved before", spoil(held, phase=phase, refers_to=[12, 15]), code
    yield "expired before its time", spoil(held, phase="expired", refers_to=[15]), code


def of_books(log: LogMaker) -> Iterator[Case]:
    """Times of a log that counts microseconds."""
    at = log.documents[-1]["at"]
    held = log.document("2026-09-01T12:40:00.000000Z", logs.HELD.name, {}, postings=log.documents[-1]["postings"])
    yield "the same microsecond in books", spoil(held, at=at), "time-backwards"
    yield "a microsecond before in books", spoil(held, at="2026-09-01T12:30:03.000000Z"), "time-backwards"
    fields = dump(log.document("2026-09-01T12:40:00.000000Z", logs.FIELDS.name, {**logs.FIELD_VALUES, "count": 0}))
    yield "zero with a sign", fields.replace(b'"count":0', b'"count":-0'), "entry-not-canonical"


def of_fields(log: LogMaker) -> Iterator[Case]:
    """A field of every kind with a value of another."""
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
            dump(log.document("2026-09-01T12:40:00.000000Z", logs.FIELDS.name, data)),
            "data-invalid",
        )


def of_unknown(log: LogMaker) -> Iterator[Case]:
    """A type that the registry does not list keeps every other rule."""
    thing = {**log.documents[-1], "position": len(log.entries), "prev": encode_base64(log.checker.prev)}
    short = [line("assets:cash", 2, "general"), line("income:gifts", -1, "general")]
    yield "an unknown type does not balance", spoil(thing, postings=short), "sum-not-zero"
    strange = [line("assets:cash2", 1, "general"), line("income:gifts", -1, "general")]
    yield "an unknown type uses an unknown account", spoil(thing, postings=strange), "account-undeclared"
    yield "an unknown type steps back in time", spoil(thing, at="2027-01-01T07:00:00.000000Z"), "time-backwards"
    yield "an unknown type holds null", dump(thing).replace(b'{"is":1}', b"null"), "entry-malformed"
