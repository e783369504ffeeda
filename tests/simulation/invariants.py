"""What must be so, at every moment and at the end, whatever went wrong. Looks at committed rows and at the disk."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING

import orjson

from ledger import anchor, canonical, checkpoint, merkle, reader, times
from ledger.clocks import CLOCK_SKEW_US_MAX
from ledger.errors import EntryError, GuardRefused, LedgerError
from ledger.grammar import decode_base64
from ledger.registry import Registry
from ledger.types import Appended, LogName, StoredEntry
from ledger.verify import EntryChecker
from server import chart
from server.closing import months
from server.domains.giving import events
from server.publishing import decide, policy
from server.publishing.anchors import ANCHOR_RECORDED, INTERVAL_US
from tests.simulation.gifts import Request
from tests.simulation.tables import Transaction
from tests.simulation.totals import changes
from tests.support.logs import born, key_of, origin_of

if TYPE_CHECKING:
    from tests.simulation.world import World

LOGS: tuple[LogName, ...] = ("books", "public")
SIGNER = "signer"
PROJECTIONS = ("publisher", "giving_gifts", "totals")


class Violation(AssertionError):
    """A promise was broken; the message says which, and the seed says how to see it again."""


class Observer:
    """Sees every commit, signature and answer of one world. Faults are collected and raised between two turns."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults: list[str] = []
        self._leaves: dict[LogName, list[bytes]] = {"books": [], "public": []}
        self._signed: dict[LogName, checkpoint.Checkpoint] = {}
        self._shown: dict[LogName, int] = {"books": 0, "public": 0}
        self._came_s: dict[LogName, list[float]] = {"books": [], "public": []}
        self.slowest_signing_s = 0.0
        self.signed_texts: set[str] = set()
        self.counts: Counter[str] = Counter()

    def fault(self, sentence: str) -> None:
        """A promise was broken."""
        self._faults.append(sentence)

    def raise_faults(self) -> None:
        """Stop the run if a promise was broken. Raises Violation."""
        faults = self._faults + self._world.loop.errors
        if faults:
            raise Violation(f"seed {self._world.scenario.seed}, turn {self._world.loop.turns}: {'; '.join(faults)}")

    def standing(self) -> str:
        """How far everything is, in one line."""
        tables = self._world.database.tables
        tracking = {key[0]: row["next"] for key, row in tables.table("tracking").items()}
        asked = self._world.asked
        open_requests = [request.number for request in asked if not request.settled]
        signed = {log: found.size for log, found in self._signed.items()}
        return f"sizes {self._sizes()}, at {tracking}, signed {signed}, open {open_requests}"

    # What happens.

    def acknowledged(self, request: Request, answer: Appended) -> None:
        """A caller heard that his request is booked: the entry must be there now."""
        self.counts["acknowledged"] += 1
        request.answer = answer
        row = self._world.database.tables.table("entries").get(("books", answer.first))
        if row is None or canonical.parse_entry(row["bytes"]).private_root != request.root:
            self.fault(f"request {request.number} was acknowledged at {answer.first}, and is not there")

    def refused(self, request: Request, error: LedgerError) -> None:
        """A caller heard no: only a guard may say so, for a fee that is too large."""
        self.counts["refused"] += 1
        request.refused = True
        if not isinstance(error, GuardRefused) or request.amount < 1_000_000:
            self.fault(f"request {request.number} was refused: {error!r}")

    def signs(self, log: LogName, text: str) -> None:
        """The key is about to sign: what it signs was read back, is durable in the state file, and never goes back."""
        self.counts["signed"] += 1
        signed = checkpoint.parse(text)
        self.signed_texts.add(text)
        before = self._signed.get(log)
        if before is not None and signed.size < before.size:
            self.fault(f"{log}: a checkpoint of {signed.size} is signed after one of {before.size}")
        from_size = 0 if before is None else before.size
        if signed.size > from_size:
            waited_s = self._world.loop.time() - self._came_s[log][from_size]
            self.slowest_signing_s = max(self.slowest_signing_s, waited_s)
        self._signed[log] = signed
        leaves = self._leaves[log]
        if signed.size > len(leaves) or merkle.root(leaves[: signed.size]) != signed.root_hash:
            self.fault(f"{log}: signed at {signed.size} is not the root of what is stored")
        spoiled = self._world.scenario.spoiled
        if log == "public" and spoiled is not None and signed.size > spoiled:
            self.fault(f"{log}: {signed.size} is signed, and entry {spoiled} cannot be read back")
        state = self._world.disks[SIGNER].certain(f"/signer/{log}.json")
        if state is None or f'"size":{signed.size},'.encode() not in state:
            self.fault(f"{log}: {signed.size} is signed before the state that says so is durable (attacks E6)")

    def power_was_cut(self, machine: str) -> None:
        """What was shown and not yet synced may be shown no more."""
        self.counts["power cuts"] += 1
        if machine == SIGNER:
            self._shown = {"books": 0, "public": 0}

    def committed(self, tx: Transaction) -> None:
        """A transaction was committed: nothing that stood may have changed."""
        self._world.cosigned.stored(tx)
        heads = [(key[0], row) for (table, key), row in tx.writes.items() if table == "heads" and row is not None]
        for log, head in heads:
            entries, leaves = self._world.database.tables.table("entries"), self._leaves[log]
            while (row := entries.get((log, len(leaves)))) is not None:
                leaves.append(canonical.leaf_hash(row["bytes"]))
                self._came_s[log].append(self._world.loop.time())
                ahead_us = row["at_us"] - self._world.true_us()
                if ahead_us > CLOCK_SKEW_US_MAX:
                    self.fault(f"{log}: entry {len(leaves) - 1} is dated {ahead_us / 1e6:.1f} s ahead (attacks E12)")
            if head["size"] != len(leaves):
                self.fault(f"{log}: the head says {head['size']}, {len(leaves)} entries are there")
            if head["halted"] is not None and self._world.scenario.spoiled is None:
                self.fault(f"{log} was halted: {head['halted']}")

    # What is so.

    def is_quiet(self) -> bool:
        """Whether everything that was appended is published, projected and signed."""
        tables, sizes = self._world.database.tables, self._sizes()
        tracking = tables.table("tracking")
        if any((name,) not in tracking or tracking[name,]["next"] < sizes["books"] for name in PROJECTIONS):
            return False
        if any(self._is_due(log) for log in LOGS):
            return False
        interval = self._world.true_us() // INTERVAL_US
        if ("public", "anchor", interval.to_bytes(32, "big")) not in tables.table("claims"):
            return False
        stored = {(key[0], key[1]) for key in tables.table("checkpoints")}
        return all((log, sizes[log]) in stored and self._size_shown(log) == sizes[log] for log in LOGS)

    def _is_due(self, log: LogName) -> bool:
        """Whether a month of the log is over, and not closed."""
        rules = self._world.database.tables.table("rules")
        closed = max((key[2] for key in rules if key[:2] == (log, "period")), default="")
        first = times.month(self._world.database.tables.table("entries")[log, 0]["at_us"], UTC)
        return months.due(closed, first, self._world.true_us(), UTC) is not None

    def is_halted(self) -> bool:
        """Whether the signer of `public` stopped the appends."""
        return self._world.database.tables.table("heads")["public",]["halted"] is not None

    def check_now(self) -> None:
        """Everything that must be so at every moment. Raises Violation."""
        for log in LOGS:
            self._check_chain(log)
            shown = self._size_shown(log)
            if shown < self._shown[log]:
                self.fault(f"{log}: the checkpoint shown went back from {self._shown[log]} to {shown}")
            self._shown[log] = shown
        self._check_bookings()
        self._check_publications()
        self._check_anchors()
        self._check_projections()
        self._world.cosigned.check_now()
        self.raise_faults()

    def check_at_the_end(self) -> None:
        """`check_now`, and that nothing that was stored differs from what its hash said when it came."""
        self.check_now()
        closed = [key for key in self._world.database.tables.table("rules") if key[1] == "period"]
        self.counts["months closed"] = len(closed)
        for request in self._world.asked:
            if request.keyed and not request.settled:
                self.fault(f"request {request.number} was never answered")
        self.raise_faults()

    def leaves(self, log: LogName) -> list[bytes]:
        """The leaf hashes of everything that was ever committed to the log."""
        return self._leaves[log]

    def size(self, log: LogName) -> int:
        """How many entries were committed to the log."""
        return len(self._leaves[log])

    def _sizes(self) -> dict[LogName, int]:
        return {log: len(leaves) for log, leaves in self._leaves.items()}

    def _size_shown(self, log: LogName) -> int:
        inode = self._world.disks[SIGNER].files.get(f"/publish/{log}/checkpoint")
        return 0 if inode is None else checkpoint.open(inode.data, key_of(log).verify_key).size

    def _entries(self, log: LogName) -> list[StoredEntry]:
        entries = self._world.database.tables.table("entries")
        return [StoredEntry(*entries[log, position]) for position in range(len(self._leaves[log]))]

    def _check_chain(self, log: LogName) -> None:
        """Every entry obeys the verifier's rules, and no sum that is guarded ever fell below zero."""
        checker = EntryChecker(origin_of(log), log)
        left: Counter[str] = Counter()
        for stored in self._entries(log):
            try:
                entry = checker.check(stored.position, stored.bytes)
            except EntryError as error:
                self.fault(f"{log} position {stored.position}: {error}")
                return
            if checker.prev != self._leaves[log][stored.position]:
                self.fault(f"{log} position {stored.position} changed after it was committed")
            for posting in entry.postings:
                if posting.account == events.PENDING:
                    left[posting.fund] += posting.amount
                    if left[posting.fund] < 0:
                        self.fault(f"{posting.fund} fell below zero at position {stored.position}")

    def _check_bookings(self) -> None:
        """Everything acknowledged is there once, in its place; nothing is there twice."""
        found: dict[bytes | None, list[int]] = {}
        for stored in self._entries("books"):
            found.setdefault(canonical.parse_entry(stored.bytes).private_root, []).append(stored.position)
        for request in self._world.asked:
            places = found.get(request.root, [])
            if len(places) > 1:
                self.fault(f"request {request.number} is booked {len(places)} times, at {places}")
            if request.answer is not None and places != [request.answer.first]:
                self.fault(f"request {request.number} was acknowledged at {request.answer.first}, it is at {places}")
            if request.refused and places:
                self.fault(f"request {request.number} was refused and is booked at {places}")

    def _check_publications(self) -> None:
        """What was passed is published as the policy says: once, in order, for its own gift, and nothing else is."""
        tables = self._world.database.tables
        tracking = tables.table("tracking").get(("publisher",))
        if tracking is None:
            return
        in_force = policy.Policy.from_data(born("public").policy)
        wanted, waiting = [], []
        for stored in self._entries("books")[: tracking["next"]]:
            match decide.decide(canonical.parse_entry(stored.bytes), in_force):
                case decide.Publication() as publication:
                    wanted.append((stored.leaf_hash, dict(publication.data), sorted(map(_plain, publication.postings))))
                case decide.Waiting():
                    waiting.append(stored.position)
                case decide.NotPublished():
                    pass
        got = [self._published(stored) for stored in self._entries("public") if stored.type.startswith("giving.")]
        if got != wanted:
            self.fault(f"published are {len(got)} gifts, not the {len(wanted)} before position {tracking['next']}")
        if sorted(key[0] for key in tables.table("waiting")) != waiting:
            self.fault("those that wait are not those that chose to")

    def _published(self, stored: StoredEntry) -> tuple[bytes, dict[str, object], list[tuple[object, ...]]]:
        """The gift that stands behind a public entry, by its own sealed slot; what it says; its postings."""
        entry = canonical.parse_entry(stored.bytes)
        row = self._world.database.tables.table("slots")["public", stored.position]
        spec = Registry(events.PUBLIC_TYPES, chart.PUBLIC_GUARDS).types[stored.type]
        sealed = reader.sealed_slots(row["slot_hashes"], orjson.loads(row["boxes"]))
        slots = self._world.vault.open_slots(origin_of("public"), spec, sealed, entry.private_root or b"")
        return decode_base64(slots["books_entry"]), dict(entry.data), sorted(map(_plain, entry.postings))

    def _check_anchors(self) -> None:
        """Every anchor can be opened, by what its own transaction kept, and nothing is kept for one that is not."""
        kept = {key[0]: row for key, row in self._world.database.tables.table("anchors").items()}
        for stored in self._entries("public"):
            if stored.type == ANCHOR_RECORDED:
                row = kept.pop(stored.position, None)
                told = decode_base64(str(canonical.parse_entry(stored.bytes).data["commitment"]))
                if row is None or anchor.commitment(decode_base64(row["nonce"]), row["notes"]) != told:
                    self.fault(f"the anchor at {stored.position} cannot be opened")
        if kept:
            self.fault(f"what opens anchors at {sorted(kept)} is kept, and they are not there")

    def _check_projections(self) -> None:
        """Each projection is the fold over exactly the entries that its position says."""
        tables, books = self._world.database.tables, self._entries("books")
        tracking = {key[0]: row for key, row in tables.table("tracking").items()}
        for name in PROJECTIONS:
            if name in tracking and tracking[name]["failed"] is not None:
                self.fault(f"projection {name} stopped: {tracking[name]['failed']}")
        totals: Counter[str] = Counter()
        for stored in books[: tracking["totals"]["next"] if "totals" in tracking else 0]:
            totals.update(changes(stored.bytes))
        if {key[0]: row["amount"] for key, row in tables.table("totals").items()} != dict(totals):
            self.fault("totals are not the sum over the entries before their position")
        gifts: dict[int, int | None] = {}
        for stored in books[: tracking["giving_gifts"]["next"] if "giving_gifts" in tracking else 0]:
            if stored.type == events.GIFT_RECEIVED:
                gifts[stored.position] = None
            elif stored.type == events.FEE_RECORDED:
                gifts[canonical.parse_entry(stored.bytes).refers_to[0]] = stored.position
        if {key[0]: row["fee_position"] for key, row in tables.table("gifts").items()} != gifts:
            self.fault("giving_gifts is not the fold over the entries before its position")


def _plain(posting: object) -> tuple[object, ...]:
    return tuple(getattr(posting, name) for name in ("account", "asset", "fund", "amount"))
