"""The good logs of the vectors: small, complete, and made of fixed seeds, so that they never change by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import orjson

from ledger import canonical, keys, note, slots
from ledger.checkpoint import Checkpoint
from ledger.grammar import encode_base64
from ledger.guards import Guard
from ledger.postings import balances_hash
from ledger.registry import Registry, TypeSpec
from ledger.slots import SlotSpec
from ledger.types import LogName
from ledger.verify import EntryChecker

RECOVERY = note.SigningKey("recovery.example.org", bytes([7]) * 32)
WITNESS_VKEY = "witness.example.org/w1+f3c080b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"

GIFT_SLOTS = (
    SlotSpec("nonce", "identity"),
    SlotSpec("books_entry", "audit"),
    SlotSpec("giver", "identity"),
    SlotSpec("dedication", "identity"),
    SlotSpec("employer", "identity"),
    SlotSpec("campaign", "identity"),
    SlotSpec("note", "identity"),
    SlotSpec("request", "audit"),
)
GIFT = TypeSpec("giving.gift.received.v1", {"via": {"is": "enum", "of": ["processor", "bank"]}}, "some", GIFT_SLOTS)
HELP = TypeSpec(
    "giving.help.pooled.v1",
    {"lines": {"is": "digest"}, "people_min": {"is": "int", "max": 1000, "min": 5}},
    "some",
    tuple(SlotSpec(f"line_{i:02}", "audit") for i in range(16)),
)
CORRECTED = TypeSpec("giving.gift.corrected.v1", {}, "none", (), "must")
HELD = TypeSpec("care.room.held.v1", {}, "some", (), "may")
SPENT = TypeSpec("giving.spending.paid.v1", {}, "some", (), "none", ("spendable",))
FIELDS = TypeSpec(
    "test.field.shown.v1",
    {
        "account": {"is": "account"},
        "amount": {"is": "amount"},
        "asset": {"is": "asset"},
        "count": {"is": "int", "max": 2**53 - 1, "min": -(2**53 - 1)},
        "date": {"is": "date"},
        "digest": {"is": "digest"},
        "fund": {"is": "fund"},
        "kind": {"is": "enum", "of": ["a", "b-2", "c_3"]},
        "maybe": {"is": "slug", "need": "may"},
        "month": {"is": "month"},
        "slug": {"is": "slug"},
        "slugs": {"is": "list", "max": 3, "of": {"is": "slug"}},
    },
)
SPENDABLE = Guard("spendable", ("assets:cash", "liabilities:accrued_fees"), "fund", 1)
POINTS = Guard("points", ("points:members",), "owner", -1)
TYPES = (GIFT, HELP, CORRECTED, HELD, SPENT, FIELDS)
REGISTRY = Registry(TYPES, [SPENDABLE, POINTS])

FIELD_VALUES: dict[str, Any] = {
    "account": "expenses:help:rent",
    "amount": "-9999999999999999999999999999999",
    "asset": "USD/2",
    "count": -(2**53 - 1),
    "date": "2028-02-29",
    "digest": encode_base64(bytes(32)),
    "fund": "rent",
    "kind": "b-2",
    "month": "2026-12",
    "slug": "rent-2026_09",
    "slugs": ["a", "b"],
}


def postings(fund: str, gift_minor: int, fee_minor: int) -> list[dict[str, str]]:
    """A gift as it stands in `public`, its fee accrued by the published formula."""
    return [
        line("assets:cash", gift_minor, fund),
        line("expenses:processing", fee_minor, fund),
        line("income:gifts", -gift_minor, fund),
        line("liabilities:accrued_fees", -fee_minor, fund),
    ]


def line(account: str, amount_minor: int, fund: str, asset: str = "USD/2") -> dict[str, str]:
    """One posting's members."""
    return {"account": account, "amount": str(amount_minor), "asset": asset, "fund": fund}


class LogMaker:
    """Grows one good log; `document` gives the members of a next entry, for bad cases to spoil."""

    def __init__(self, name: str, log: LogName, origin: str, seed: int, registry: Registry = REGISTRY) -> None:
        self.name = name
        self.registry = registry
        self.log = log
        self.key = note.SigningKey(origin, bytes([seed]) * 32)
        self.next_key = note.SigningKey(origin, bytes([seed + 100]) * 32)
        self.checker = EntryChecker(origin, log)
        self.entries: list[bytes] = []
        self.documents: list[dict[str, Any]] = []
        self.slot_hashes: dict[int, bytes] = {}

    def document(self, at: str, type_name: str, data: Mapping[str, Any], **members: Any) -> dict[str, Any]:
        """The next entry's members; keywords add or replace some."""
        return {
            "at": at,
            "data": dict(data),
            "log": self.key.name,
            "period": at[:7],
            "position": self.checker.size,
            "postings": [],
            "prev": encode_base64(self.checker.prev),
            "type": type_name,
            "v": 1,
            **members,
        }

    def add(self, at: str, type_name: str, data: Mapping[str, Any], **members: Any) -> None:
        """Appends an entry that every rule allows."""
        document = self.document(at, type_name, data, **members)
        entry = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        self.checker.check(self.checker.size, entry)
        self.entries.append(entry)
        self.documents.append(document)

    def open(self, at: str, accounts: Mapping[str, list[str]], funds: list[str]) -> None:
        """Genesis: what the log is, its registry, accounts, funds and policy."""
        self.add(at, "ledger.log.opened.v1", self.opened())
        self.add(at, "ledger.registry.published.v1", self.registry_data(self.registry.to_text()))
        for account, assets in accounts.items():
            normal = "debit" if account.startswith(("assets", "expenses")) else "credit"
            title = account.rpartition(":")[2].replace("_", " ").capitalize()
            data = {"account": account, "assets": assets, "normal": normal, "title": title}
            self.add(at, "ledger.account.declared.v1", data)
        for fund in funds:
            restriction = "unrestricted" if fund == "general" else "restricted"
            data = {
                "fund": fund,
                "restriction": restriction,
                "title": f"{fund.capitalize()} \u2014 a f\u00fand \U0001f3e0",
            }
            self.add(at, "ledger.fund.declared.v1", data)
        policy = '{"gift":"live"}'
        data = {"from": at[:7], "policy": policy, "sha256": encode_base64(sha256(policy.encode()).digest())}
        self.add(at, "ledger.policy.changed.v1", data)

    def close(self, at: str, month: str) -> None:
        """Closes a month."""
        self.add(at, "ledger.period.closed.v1", self.closed(month), period=month)

    def closed(self, month: str) -> dict[str, str]:
        """`data` of the entry that closes a month."""
        balances = balances_hash(self.checker.balances.through(month))
        return {"balances": encode_base64(balances), "registry": encode_base64(self.registry.sha256())}

    def key_change(self, change: Literal["introduced", "retired"], vkey: str, size: int) -> dict[str, Any]:
        """`data` of an entry that introduces or retires a key of this log."""
        signature = RECOVERY.signature(keys.statement(self.key.name, change, vkey, size))
        return {"key": vkey, "signature": encode_base64(signature), "size": size}

    def opened(self) -> dict[str, Any]:
        """`data` of position 0."""
        return {
            "format": "secondwind-log-v1",
            "key": self.key.vkey,
            "mode": "test",
            "nonce": encode_base64(bytes(range(16))),
            "recovery_key": RECOVERY.vkey,
            "time_zone": "America/Denver",
        }

    @staticmethod
    def registry_data(text: str) -> dict[str, str]:
        """`data` of an entry that publishes a registry."""
        return {"registry": text, "sha256": encode_base64(sha256(text.encode()).digest())}

    def checkpoint(self) -> str:
        """The log's signed checkpoint at its present size."""
        return self.key.sign(Checkpoint(self.key.name, self.checker.size, self.checker.frontier.root()).text())

    def vector(self) -> dict[str, Any]:
        """The log as it stands in entries-good.json."""
        return {
            "name": self.name,
            "log": self.log,
            "key": self.key.vkey,
            "verdict": "unknown" if self.checker.unknown_types else "good",
            "entries": [entry.decode() for entry in self.entries],
            "leaf_hashes": [encode_base64(canonical.leaf_hash(entry)) for entry in self.entries],
            "root": encode_base64(self.checker.frontier.root()),
            "checkpoint": self.checkpoint(),
        }


def private(spec: TypeSpec, values: Mapping[str, object]) -> dict[str, str]:
    """The `private` member over values under the vectors' fixed salts."""
    _, root = slots.build(spec, values, salts(spec))
    return {"alg": "slots1", "root": encode_base64(root)}


def salts(spec: TypeSpec) -> list[bytes]:
    """Fixed and guessable: for vectors only."""
    return [sha256(f"{spec.name} salt {i}".encode()).digest() for i in range(len(spec.slots))]


def public_log() -> LogMaker:
    """Gifts, pooled help, an anchor, a correction, a period close: whole minutes, two months."""
    log = LogMaker("public", "public", "ledger.example.org/ledger", 1)
    usd = ["USD/2"]
    accounts = {
        "assets:cash": ["EUR/2", "USD/2"],
        "equity:interfund": usd,
        "expenses:help:rent": usd,
        "expenses:processing": usd,
        "income:gifts": usd,
        "liabilities:accrued_fees": usd,
        "liabilities:vendors": usd,
    }
    log.open("2026-09-01T12:00:00.000000Z", accounts, ["general", "rent", "tech"])
    at = "2026-09-01T12:10:00.000000Z"
    gift_private = private(GIFT, {"nonce": "n-0001", "giver": "Ada", "books_entry": 7})
    log.add(at, GIFT.name, {"via": "processor"}, postings=postings("rent", 10330, 330), private=gift_private)
    log.add(at, GIFT.name, {"via": "bank"}, postings=postings("general", 500, 45), private=private(GIFT, {}))
    log.add("2026-09-01T12:20:00.000000Z", "ledger.anchor.recorded.v1", {"commitment": encode_base64(b"a" * 32)})
    moved = [
        line("assets:cash", -45, "general"),
        line("assets:cash", 45, "tech"),
        line("equity:interfund", 45, "general"),
        line("equity:interfund", -45, "tech"),
    ]
    log.add("2026-09-02T00:00:00.000000Z", HELD.name, {}, postings=moved)
    spent = [line("assets:cash", -10000, "rent"), line("expenses:help:rent", 10000, "rent")]
    log.add("2026-09-03T00:00:00.000000Z", SPENT.name, {}, postings=spent)
    at = "2026-09-04T00:00:00.000000Z"
    log.add(at, "ledger.key.introduced.v1", log.key_change("introduced", log.next_key.vkey, log.checker.size + 1))
    log.add(at, "ledger.key.retired.v1", log.key_change("retired", log.next_key.vkey, log.checker.size + 3))
    pooled = [line("expenses:help:rent", 8125, "rent"), line("liabilities:vendors", -8125, "rent")]
    help_data = {"lines": encode_base64(b"l" * 32), "people_min": 11}
    # Three in the morning of 1 October in Greenwich is still September in Denver.
    at, september = "2026-10-01T03:00:00.000000Z", {"period": "2026-09"}
    log.add(at, HELP.name, help_data, postings=pooled, private=private(HELP, {"line_00": "a"}), **september)
    log.add("2026-10-02T03:00:00.000000Z", CORRECTED.name, {}, refers_to=[12, 13], **september)
    log.close("2026-10-05T00:00:00.000000Z", "2026-09")
    at = "2026-10-05T00:10:00.000000Z"
    log.add(at, GIFT.name, {"via": "bank"}, postings=postings("rent", 2500, 103), private=gift_private)
    return log


def books_log() -> LogMaker:
    """Exact times, two-phase postings, points, and a type with one field of every kind."""
    log = LogMaker("books", "books", "ledger.example.org/books", 2)
    accounts = {
        "assets:cash": ["USD/2"],
        "points:issued": ["POINTS"],
        "points:members": ["POINTS"],
        "income:gifts": ["USD/2"],
    }
    at = "2026-09-01T12:00:00.00000{}Z"
    log.add(at.format(0), "ledger.log.opened.v1", log.opened())
    log.add(at.format(1), "ledger.registry.published.v1", log.registry_data(REGISTRY.to_text()))
    for i, (account, assets) in enumerate(accounts.items()):
        data = {"account": account, "assets": assets, "code": f"1{i}00", "normal": "debit", "title": "A\nB"}
        log.add(at.format(2 + i), "ledger.account.declared.v1", data)
    fund = {"fund": "general", "restriction": "unrestricted", "title": ""}
    log.add(at.format(6), "ledger.fund.declared.v1", fund)
    log.add(at.format(7), FIELDS.name, FIELD_VALUES)
    log.add(at.format(8), FIELDS.name, {**FIELD_VALUES, "maybe": "x", "slugs": []})
    points = [line("points:issued", 50, "none", "POINTS"), line("points:members", -50, "none", "POINTS")]
    expires = "2026-09-01T12:30:00.000000Z"
    log.add(at.format(9), HELD.name, {}, postings=points, phase="pending", expires_at=expires)
    most = 10**31 - 1
    large = [line("assets:cash", most, "general"), line("income:gifts", -most, "general")]
    log.add("2026-09-01T12:00:01.000000Z", HELD.name, {}, postings=large)
    log.add("2026-09-01T12:00:01.000001Z", HELD.name, {}, postings=points, phase="posted", refers_to=[9])
    for second in (2, 3, 4, 5):
        members = {"phase": "pending", "expires_at": f"2026-09-01T12:30:0{second}.000000Z"}
        log.add(f"2026-09-01T12:00:0{second}.000000Z", HELD.name, {}, postings=points, **members)
    log.add("2026-09-01T12:01:00.000000Z", HELD.name, {}, postings=points, phase="voided", refers_to=[12])
    # One entry may resolve several; expired is what nobody resolved in time, at the very moment or later.
    log.add("2026-09-01T12:30:04.000000Z", HELD.name, {}, postings=points, phase="expired", refers_to=[13, 14])
    return log


def unknown_log() -> LogMaker:
    """As the public log, then a type that its registry does not list: sums and chain hold, the verdict is unknown."""
    log = LogMaker("unknown", "public", "later.example.org/ledger", 3)
    log.open("2026-12-31T23:59:00.000000Z", {"assets:cash": ["USD/2"], "income:gifts": ["USD/2"]}, ["general"])
    data = {"anything": ["that", {"is": 1}], "generic": "allowed \u00e9 \u2028"}
    at = "2027-01-01T08:00:00.000000Z"
    moved = [line("assets:cash", 1, "general"), line("income:gifts", -1, "general")]
    log.add(at, "later.thing.happened.v12", data, period="2026-12", postings=moved)
    return log
