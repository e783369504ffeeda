"""Bringing back what a database has lost, from the published files and the sidecar beside them (attacks E6-E8).

An older backup, or none at all, is carried on to the published checkpoint: every entry byte for byte, and with it all
rows that stood beside it, so that a notice which the provider sends again is known. One transaction over all logs, held
against fsck before it ends; a new epoch fences whoever still writes. Then each signer adopts the published checkpoint.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

import sql
from ledger import canonical, fsck
from ledger.errors import EntryError, MalformedError
from ledger.rows import parameters
from ledger.store import create_log
from ledger.types import Head, SealedSlots
from ledger.verify import EntryChecker
from server import birth
from server.errors import StartRefused
from server.files import publisher, replay, sidecar
from server.files.owed import Owed
from server.files.places import files_of, sealed_of
from server.files.published import Damaged, Published, newest, origin_of
from server.files.signers import Remembered
from server.files.tilewriter import CHECKPOINT
from server.vault import VaultError

if TYPE_CHECKING:
    import asyncpg

    from ledger.held_keys import HeldKeys
    from ledger.registry import TypeSpec
    from ledger.types import LogName
    from server.files.sidecar import Row
    from server.files.store import FileStore
    from server.instance import Instance
    from server.keyring import Keyring

OTHER_FILES = "Use other files, or another copy of these."
_files = sql.load("files")
_ledger = sql.load("ledger")
_SIDE = {
    "inbox": _files.recover_inbox,
    "fees": _files.recover_fees,
    "anchors": _files.recover_anchors,
    "effects": _files.recover_effects,
    "covered": _files.recover_covered,
}
"""What brings back each part of the rows beside the entries."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of one log: `had` entries were there, `size` are now, `published` are in the files."""

    log: LogName
    had: int
    size: int
    published: int
    adopted: bool


@dataclass(slots=True)
class _Log:
    name: LogName
    files: FileStore
    sealed: FileStore
    keys: HeldKeys
    origin: str
    published: Published
    row: asyncpg.Record | None
    remembered: Remembered
    snapshot: Mapping[str, Any] = field(default_factory=dict)

    @property
    def had(self) -> int:
        return int(self.row["size"]) if self.row is not None else 0

    @property
    def lost(self) -> bool:
        """Whether the database lacks entries that are published."""
        return self.had < self.published.head.size


class Recovery:
    """One recovery over all logs. `connection` is the owner's, to a migrated database that nobody else uses."""

    def __init__(  # noqa: PLR0913 - from where, to where, and who opens it
        self,
        connection: asyncpg.Connection,
        instance: Instance,
        keyring: Keyring,
        store: FileStore,
        *,
        partition_entries: int,
        progress: Callable[[str], None] = lambda _what: None,
    ) -> None:
        birth.check_keys(keyring.service)  # before anything makes new ones
        self._connection = connection
        self._instance = instance
        self._keyring = keyring
        self._store = store
        self._partition_entries = partition_entries
        self._progress = progress
        self._vault = keyring.vault()
        self._batch_public = birth.batch_key(keyring.service).public
        self._erased = {erasure.key_id for erasure in keyring.erased.all()}
        self._effects: list[Row] = []
        self._owed = Owed()

    async def run(self) -> list[Recovered]:
        """Bring every log back as far as it is published. Raises StartRefused; then nothing was changed."""
        logs = [await self._look(name) for name in birth.SERVED_LOGS]
        try:
            async with self._connection.transaction():
                for log in logs:
                    await self._bring_back(log)
                await self._owed.carry_on(self._connection, self._vault)
                await publisher.carry_on(self._connection, self._effects)
                for log in logs:
                    await self._judge(log)
        except Damaged as error:
            raise StartRefused(f"The published files cannot be read: {error}.", OTHER_FILES) from None
        except (MalformedError, VaultError) as error:
            raise StartRefused(f"The published files do not bring the database back: {error}.", OTHER_FILES) from None
        # As after a restore: what the safe says is erased is erased here too.
        await asyncio.to_thread(self._keyring.subjects.destroy, sorted(self._erased))
        return [
            Recovered(
                log.name,
                log.had,
                max(log.had, log.published.head.size),
                log.published.head.size,
                log.remembered.adopt(log.published.head, log.snapshot, log.keys, max(log.had, log.published.head.size)),
            )
            for log in logs
        ]

    async def _look(self, name: LogName) -> _Log:
        """Find a log in the files and in the database, and refuse what cannot be one history."""
        files, sealed = files_of(self._store, name, self._vault), sealed_of(self._store, name, self._vault)
        row = await self._connection.fetchrow(_ledger.head, name)
        try:
            origin = row["origin"] if row is not None else await origin_of(files)
            if not origin:
                raise _incomplete(name, CHECKPOINT)
            keys = birth.signing_keys(self._keyring.service, name, origin)
            head = await newest(files, keys.verify_keys())
        except Damaged as error:
            raise StartRefused(f"The published files of {name} cannot be read: {error}.", OTHER_FILES) from None
        if head is None:
            raise _incomplete(name, CHECKPOINT)
        if row is not None and row["halted"] is not None:
            raise StartRefused(f"{name} is halted: {row['halted']}.", "Look into that first.")
        remembered = Remembered(self._instance, name)
        log = _Log(name, files, sealed, keys, origin, Published(files, head), row, remembered)
        reach = await self._connection.fetchval("select max(size) from ledger_checkpoints where log = $1", name)
        remembered.check(keys, max(log.had, head.size), reach or 0)
        return log

    async def _bring_back(self, log: _Log) -> None:
        published = log.published
        await published.check_edge()
        if log.row is None:
            await self._create(log)
        checker = EntryChecker(log.origin, log.name)
        await self._check_prefix(log, checker)
        if log.lost:
            await self._connection.execute(
                _ledger.add_partitions, log.name, published.head.size, self._partition_entries
            )
            await self._write_tail(log, checker)
        if checker.frontier.root() != published.head.root_hash:
            raise Damaged(f"the entries of {log.name} do not give the root of its checkpoint")
        log.snapshot = checker.snapshot()

    async def _create(self, log: _Log) -> None:
        """A database that holds nothing: a log is what its entry 0 says."""
        data = canonical.parse_entry((await log.published.bundle(0)).entries[0]).data
        names = {"origin": log.origin, "mode": str(data["mode"]), "time_zone": str(data["time_zone"])}
        await create_log(self._connection, log.name, **names)
        log.row = await self._connection.fetchrow(_ledger.head, log.name)

    async def _check_prefix(self, log: _Log, checker: EntryChecker) -> None:
        """Every entry that the database has must be the published one, as far as the files reach."""
        end = min(log.had, log.published.head.size)
        while checker.size < end:
            first = checker.size
            hashes = await log.published.leaf_hashes(first)
            rows = await self._connection.fetch(_ledger.entries, log.name, first, min(len(hashes), end - first))
            for row, digest in zip(rows, hashes, strict=False):
                if canonical.leaf_hash(row["bytes"]) != digest or row["position"] != checker.size:
                    raise StartRefused(
                        f"Position {checker.size} of {log.name} in the database is not the published one.",
                        "Another history was restored: restore the database that these files were published from.",
                    )
                _check(checker, row["bytes"])
            if not rows:
                raise MalformedError(f"position {first} of {log.name} is not in the database")
            self._progress(f"{log.name}: {checker.size} of {log.published.head.size} compared")

    async def _write_tail(self, log: _Log, checker: EntryChecker) -> None:
        head, epoch = self._head(log), 0
        beside, entries, batch = replay.Beside(), list[bytes](), None
        for first in range(log.had - log.had % 256, log.published.head.size, 256):
            bundle = await log.published.bundle(first)
            rows = await self._sidecar(log, bundle.first, bundle.end)
            beside.add(rows, log.had)
            await self._take_in_people(rows)
            entries += bundle.entries[max(0, log.had - first) :]
            while entries:
                batch = batch or beside.batch(head.size)
                count = batch["last"] - batch["first"] + 1
                if len(entries) < count:
                    break
                head = await self._write(log, head, checker, batch, entries[:count], beside)
                epoch, batch, entries = max(epoch, head.epoch), None, entries[count:]
            await self._write_side(rows, log.had)
            self._progress(f"{log.name}: {head.size} of {log.published.head.size} brought back")
        if entries:
            raise MalformedError(f"the batch at position {head.size} of {log.name} is not whole")
        await self._connection.execute(_files.raise_epoch, log.name, max(epoch, log.row["epoch"] if log.row else 0))

    def _head(self, log: _Log) -> Head:
        fields = {name: value for name, value in (log.row or {}).items() if name != "mode"}
        return Head(**fields)

    async def _sidecar(self, log: _Log, first: int, end: int) -> sidecar.Rows:
        try:
            return await sidecar.read(log.sealed, log.name, first, end)
        except LookupError as error:
            raise _incomplete(log.name, str(error.args[0])) from None

    async def _write(  # noqa: PLR0913, PLR0917 - a batch and what it stands on
        self, log: _Log, head: Head, checker: EntryChecker, batch: Row, entries: list[bytes], beside: replay.Beside
    ) -> Head:
        """Write one batch by the writer's own statement, at the epoch it was written at."""

        def opened(spec: TypeSpec, sealed: SealedSlots) -> Mapping[str, Any]:
            return self._vault.open_slots(log.origin, spec, sealed, sealed.root)

        at = dataclasses.replace(head, epoch=batch["epoch"])
        await self._connection.execute(_files.at_epoch, log.name, at.epoch)
        plan = replay.replay(at, checker, batch, entries, beside, opened)
        signature = replay.vouch(log.origin, batch, plan, self._batch_public)
        if await self._connection.fetchval(_ledger.write_batch, *parameters(at, plan, signature)) is None:
            raise MalformedError(f"the head of {log.name} moved while it was brought back")
        if log.name == "books":
            self._owed.read(checker, plan, opened)
        return plan.head

    async def _take_in_people(self, rows: sidecar.Rows) -> None:
        """Keys that seal what is brought back; whoever is erased stays so (attacks D2)."""
        try:
            copies = [sidecar.as_copy(row) for row in rows["people"] if row["id"] not in self._erased]
        except (KeyError, TypeError, ValueError):
            raise MalformedError(f"the keys of people that are kept at {rows.first} are none") from None
        await asyncio.to_thread(self._keyring.subjects.take_in, copies)

    async def _write_side(self, rows: sidecar.Rows, start: int) -> None:
        for part, statement in _SIDE.items():
            wanted = [row for row in rows[part] if row["completed" if part == "covered" else "position"] >= start]
            if wanted:
                await self._connection.execute(statement, orjson.dumps(wanted).decode())
                self._effects += wanted if part == "effects" else ()

    async def _judge(self, log: _Log) -> None:
        self._progress(f"judging {log.name}")
        judged = await fsck.judge(self._connection, log.name, batch_public=self._batch_public)
        if judged.faults:
            fault = judged.faults[0]
            where = "" if fault.position is None else f" at position {fault.position}"
            raise StartRefused(
                f"{log.name} would have {len(judged.faults)} faults, first {fault.code}{where}: {fault.sentence}.",
                "Nothing was changed. Restore another backup first.",
            )


def _check(checker: EntryChecker, data: bytes) -> None:
    try:
        checker.check(checker.size, data)
    except EntryError as error:
        raise MalformedError(f"position {checker.size} of {checker.log}: {error}") from None


def _incomplete(log: LogName, name: str) -> StartRefused:
    return StartRefused(
        f"The published files of {log} lack {name}.",
        "Recovery needs all that was published, `sealed/` too: from entries alone a notice that is sent again would be "
        "booked twice.",
    )
