"""How tests/vectors/log-v1/ was made; it is frozen, and `python -m tests.vectors.log_v1 DIRECTORY` writes another copy.

Four logs of one charity through January and a bit of February: what the first version writes, and in `features` what
its format can say beyond that. More than one tile of entries, a change of keys, a close, receipts and an opening.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from ledger import merkle, proof, slots, tiles
from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.grammar import encode_base64
from ledger.registry import Registry, TypeSpec
from server import chart
from server.domains.giving.events import BOOKS_TYPES, PUBLIC_TYPES
from tests.vectors import logs
from tests.vectors.logs import LogMaker, line, postings, private

ORIGIN = "frozen.example.org"
NOON = "2026-01-05T12:00:00.000000Z"
GIFTS = 250
GIVERS = ("Ada", "Grace", "Radia", "Barbara")
USD = ["USD/2"]
PUBLIC_GIFT = PUBLIC_TYPES[0]
# The vocabulary of the first version; what was added since is not part of what is frozen.
FIRST_PUBLIC, FIRST_BOOKS = PUBLIC_TYPES[:1], BOOKS_TYPES[:3]
ADDED = {"expenses:equipment", "expenses:help:mixed", "expenses:payroll", "expenses:services"}
FIRST_ACCOUNTS = {account.path: USD for account in chart.PUBLIC_ACCOUNTS if account.path not in ADDED}
HELD = TypeSpec("test.room.held.v1", {}, "some", (), "may")
SPENT = TypeSpec("test.money.spent.v1", {}, "some", (), "none", ("spendable",))
LINKED = TypeSpec("test.entry.linked.v1", {}, "none", (), "must")
POOLED = replace(logs.HELP, name="test.help.pooled.v1")
FEATURES = Registry((HELD, SPENT, LINKED, POOLED, logs.FIELDS), (logs.SPENDABLE, logs.POINTS))


def public_log() -> LogMaker:
    """Gifts by the minute, an anchor now and then, a new key, a closed January."""
    log = LogMaker("public", "public", f"{ORIGIN}/ledger", 11, Registry(FIRST_PUBLIC, chart.PUBLIC_GUARDS))
    log.open(NOON, FIRST_ACCOUNTS, [fund.name for fund in chart.FUNDS])
    for n in range(GIFTS):
        at = f"2026-01-{6 + n // 12:02}T{8 + n % 12:02}:{n % 60:02}:00.000000Z"
        fund = ("rent", "general", "tech")[n % 3]
        give(log, at, fund, 1000 + 37 * n, {"nonce": f"n-{n:04}", "giver": GIVERS[n % 4], "books_entry": n})
        if n % 50 == 49:
            log.add(at, "ledger.anchor.recorded.v1", {"commitment": encode_base64(leaf_hash(str(n).encode()))})
    late = "2026-01-31T20:00:00.000000Z"
    log.add(late, "ledger.key.introduced.v1", log.key_change("introduced", log.next_key.vkey, log.checker.size + 1))
    february = "2026-02-03T09:00:00.000000Z"
    give(log, february, "rent", 700, {}, period="2026-01")
    log.add(february, "ledger.incident.declared.v1", {"text": "A power cut of two hours; nothing was lost."})
    log.close(february, "2026-01")
    log.add(february, "ledger.books.attested.v1", {"note": "Seen and found in order.\n"})
    log.add(february, "ledger.key.retired.v1", log.key_change("retired", log.key.vkey, log.checker.size + 10))
    give(log, february, "rent", 4200, {})
    return log


def give(log: LogMaker, at: str, fund: str, minor: int, values: dict[str, object], **members: str) -> None:
    """A published gift with its accrued fee."""
    log.slot_hashes[log.checker.size], _ = slots.build(PUBLIC_GIFT, values, logs.salts(PUBLIC_GIFT))
    lines, committed = postings(fund, minor, 30 + minor * 3 // 100), private(PUBLIC_GIFT, values)
    log.add(at, PUBLIC_GIFT.name, {"via": "processor"}, postings=lines, private=committed, **members)


def books_log() -> LogMaker:
    """What the charity keeps for itself: the gift, its fee, and one whose purpose is not known."""
    log = LogMaker("books", "books", f"{ORIGIN}/books", 12, Registry(FIRST_BOOKS, chart.BOOKS_GUARDS[:1]))
    at = "2026-01-05T12:00:00.00000{}Z"
    log.add(at.format(0), "ledger.log.opened.v1", log.opened())
    log.add(at.format(1), "ledger.registry.published.v1", log.registry_data(log.registry.to_text()))
    for n, account in enumerate(("assets:stripe:pending", "assets:suspense", "income:gifts:restricted")):
        data = {"account": account, "assets": USD, "code": f"10{n}0", "normal": "debit", "title": "As it was"}
        log.add(at.format(2 + n), "ledger.account.declared.v1", data)
    fees = {"account": "expenses:fees:processing", "assets": USD, "normal": "debit", "title": "Fees"}
    log.add(at.format(5), "ledger.account.declared.v1", fees)
    log.add(at.format(6), "ledger.fund.declared.v1", {"fund": "rent", "restriction": "restricted", "title": "Rent"})
    gift, suspended, fee = FIRST_BOOKS
    data = {"effective_on": "2026-01-05", "fee_borne_by": "giver", "via": "processor", "visibility": "live"}
    received = [line("assets:stripe:pending", 2500, "rent"), line("income:gifts:restricted", -2500, "rent")]
    owners = {"nonce": "n-0001", "giver": "Ada", "owners": [[0, "g" * 64, "2500"], [1, "g" * 64, "-2500"]]}
    log.add(at.format(7), gift.name, data, postings=received, private=private(gift, owners))
    paid = [line("assets:stripe:pending", -103, "rent"), line("expenses:fees:processing", 103, "rent")]
    told = {"borne_by": "giver", "effective_on": "2026-01-06"}
    log.add(at.format(8), fee.name, told, postings=paid, private=private(fee, {}), refers_to=[7])
    unknown = [line("assets:stripe:pending", 900, "rent"), line("assets:suspense", -900, "rent")]
    reason = {**data, "reason": "fund_unknown"}
    log.add(at.format(9), suspended.name, reason, postings=unknown, private=private(suspended, {}))
    return log


def audit_log() -> LogMaker:
    """Anchors at a constant rate; what was read by whom is private."""
    log = LogMaker("audit", "audit", f"{ORIGIN}/audit", 13, Registry())
    log.add("2026-01-05T12:00:00.000000Z", "ledger.log.opened.v1", log.opened())
    log.add("2026-01-05T12:00:00.000001Z", "ledger.registry.published.v1", log.registry_data(log.registry.to_text()))
    log.add("2026-01-05T12:10:00.000000Z", "ledger.anchor.recorded.v1", {"commitment": encode_base64(b"c" * 32)})
    return log


def features_log() -> LogMaker:
    """What the format can say and no slice says yet, under types of its own: nobody knows them, so "could not tell"."""
    log = LogMaker("features", "public", f"{ORIGIN}/features", 14, FEATURES)
    accounts = {
        "assets:cash": ["EUR/2", "JPY", "USD/2"],
        "equity:interfund": USD,
        "expenses:help:rent": USD,
        "income:gifts": ["EUR/2", "JPY", "USD/2"],
        "liabilities:vendors": USD,
    }
    log.open(NOON, accounts, ["general", "rent", "tech"])
    at = "2026-01-06T00:00:00.000000Z"
    log.add(at, logs.FIELDS.name, {**logs.FIELD_VALUES, "maybe": "x", "slugs": []})
    most = 10**31 - 1
    given = [line("assets:cash", most, "rent"), line("income:gifts", -most, "rent")]
    yen = [line("assets:cash", 5000, "none", "JPY"), line("income:gifts", -5000, "none", "JPY")]
    for lines in (given, yen):
        log.add(at, HELD.name, {}, postings=lines)
    held = [line("expenses:help:rent", 45, "rent"), line("liabilities:vendors", -45, "rent")]
    for day in (7, 8, 9, 10):
        log.add(at, HELD.name, {}, postings=held, phase="pending", expires_at=f"2026-01-{day:02}T00:00:00.000000Z")
    first = log.checker.size - 4
    log.add(at, HELD.name, {}, postings=held, phase="posted", refers_to=[first])
    log.add(at, HELD.name, {}, postings=held, phase="voided", refers_to=[first + 1])
    at = "2026-01-10T00:00:00.000000Z"
    log.add(at, HELD.name, {}, postings=held, phase="expired", refers_to=[first + 2, first + 3])
    log.add(at, LINKED.name, {}, refers_to=[1, first])
    spent = [line("assets:cash", -most, "rent"), line("expenses:help:rent", most, "rent")]
    log.add(at, SPENT.name, {}, postings=spent)
    moved = [
        line("assets:cash", 45, "rent"),
        line("assets:cash", -45, "tech"),
        line("equity:interfund", -45, "rent"),
        line("equity:interfund", 45, "tech"),
    ]
    log.add(at, HELD.name, {}, postings=moved)
    pooled, values = {"lines": encode_base64(b"l" * 32), "people_min": 11}, {"line_15": {"amount": "45", "n": [1]}}
    log.add(at, POOLED.name, pooled, postings=held, private=private(POOLED, values))
    log.add(at, "ledger.signer.recovered.v1", {"reason": "The state file was lost.", "size": log.checker.size})
    return log


def files(log: LogMaker) -> dict[str, bytes]:
    """One log as it is published: keys, checkpoint, earlier checkpoints, tiles, entry bundles."""
    hashes = [leaf_hash(entry) for entry in log.entries]
    made = {"keys": f"{log.key.vkey}\n".encode(), "checkpoint": log.checkpoint().encode()}
    for size in (1, 256, len(hashes) - 1):
        if 0 < size < len(hashes):
            head = Checkpoint(log.key.name, size, merkle.root(hashes[:size]))
            made[f"checkpoint.{size}"] = log.key.sign(head.text()).encode()
    level, nodes = 0, hashes
    while nodes:
        for n in range(0, len(nodes), tiles.TILE_WIDTH):
            part = nodes[n : n + tiles.TILE_WIDTH]
            made[tiles.path(level, n // tiles.TILE_WIDTH, len(part))] = b"".join(part)
            if level == 0:
                entries = log.entries[n : n + tiles.TILE_WIDTH]
                made[tiles.entries_path(n // tiles.TILE_WIDTH, len(part))] = tiles.encode_bundle(entries)
        whole = len(nodes) // tiles.TILE_WIDTH
        nodes = [merkle.root(nodes[i * tiles.TILE_WIDTH : (i + 1) * tiles.TILE_WIDTH]) for i in range(whole)]
        level += 1
    return made


def receipt(log: LogMaker, index: int) -> bytes:
    """A giver's .tlog-proof under the newest checkpoint."""
    hashes = [leaf_hash(entry) for entry in log.entries]
    path = proof.inclusion(
        lambda wanted: [merkle.root(hashes[i << h : (i + 1) << h]) for h, i in wanted], index, len(hashes)
    )
    return proof.format_tlog_proof(index, path, log.checkpoint()).encode()


def opening(log: LogMaker, position: int, values: dict[str, object], names: tuple[str, ...]) -> bytes:
    """A giver's opening of some slots of the gift at `position`."""
    salts = logs.salts(PUBLIC_GIFT)
    hashes, _ = slots.build(PUBLIC_GIFT, values, salts)
    shown = []
    for i, slot in enumerate(PUBLIC_GIFT.slots):
        if slot.name in names:
            one = slots.opening(PUBLIC_GIFT, slot.name, values.get(slot.name), salts[i], hashes)
            path = [encode_base64(node) for node in one.path]
            shown.append(
                {
                    "i": i,
                    "name": slot.name,
                    "path": path,
                    "salt": encode_base64(salts[i]),
                    "value": values.get(slot.name),
                }
            )
    document = {"format": "secondwind-opening-v1", "log": log.key.name, "position": position, "slots": shown}
    return (json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n").encode()


def everything() -> dict[str, bytes]:
    """Every file, by its path below log-v1."""
    made = {"recovery-key": f"{logs.RECOVERY.vkey}\n".encode()}
    public = public_log()
    for log in (public, books_log(), audit_log(), features_log()):
        made |= {f"{log.name}/{path}": data for path, data in files(log).items()}
    first = next(i for i, document in enumerate(public.documents) if document["type"] == PUBLIC_GIFT.name)
    made["gift.tlog-proof"] = receipt(public, first)
    made["newest-gift.tlog-proof"] = receipt(public, len(public.entries) - 1)
    made["gift.opening"] = opening(
        public, first, {"nonce": "n-0000", "giver": "Ada", "books_entry": 0}, ("nonce", "giver")
    )
    return made


def main(arguments: list[str]) -> int:
    """Write a copy below the directory given."""
    if len(arguments) != 1:
        sys.stderr.write("python -m tests.vectors.log_v1 DIRECTORY\n")
        return 2
    for path, data in everything().items():
        target = Path(arguments[0]) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
