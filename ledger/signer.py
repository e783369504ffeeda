"""The signer: re-reads the bytes, recomputes everything, and signs (design/ledger.md 7). The only file that signs.

Order of a step: state synced → signed → published as files → number taken outside the database → checkpoint and tiles
in the database → `checkpoint` shown. So whatever anybody has seen of a log can be recovered from its files. Writing is
done in a thread: a sync may take long. Killed anywhere, the next start signs and publishes the same bytes again. The
state is never rebuilt from the database; one that disagrees with it stops the appends instead (attacks E6-E8).

SignerRefuses   the signer may not start: one sentence and its remedy
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import asyncpg

import sql
from ledger import canonical, clocks, merkle
from ledger.batches import statement, verifies
from ledger.checkpoint import Checkpoint
from ledger.edges import disagreeing, edge_hashes, tile_growth
from ledger.errors import ClockSkew, DatabaseUnavailable, EntryError, LedgerError, NoteError
from ledger.grammar import decode_base64
from ledger.held_keys import HeldKeys, signed_by
from ledger.keys import Keyring
from ledger.outages import reason
from ledger.replication import watched
from ledger.signer_state import Behind, Contradicted, Overtaken, PublishDirectory, SignerState, StateFile
from ledger.types import LogName, StoredEntry
from ledger.verify import EntryChecker

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from ledger.note import SigningKey
    from ledger.signer_state import Publication

ENTRIES_PER_STEP_MAX = 2_048
ENTRIES_PER_TURN_MAX = 64
_RESTORE_STATE = (
    "Restore the signer directory from its backup, or adopt what is published as files with `secondwind recover`; the "
    "state is never rebuilt from the database."
)
_RESTORE_KEYS = "Restore the keys directory; a key is changed by an entry of the log, never by a file."
_ONLY_ONE = "Only one signer may run per log: stop the other, or this one."
_RECOVER = "Bring back what is lost with `secondwind recover`; what is published is never signed a second time."
_COMPARE = "Two histories were signed: do not go on; compare the evidence with an auditor."
_QUERIES = sql.load("ledger")
_log = logging.getLogger(__name__)


class SignerRefuses(LedgerError):
    """The signer may not start: what it remembers and what it finds are not of one history."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(f"{sentence} {remedy}")
        self.sentence = sentence
        self.remedy = remedy


class Disagreement(LedgerError):
    """What the database holds is not what it must be; the log is halted."""


# The last two are the database's own words for data that it cannot read back (f.10, bit flips).
DAMAGED = (Disagreement, asyncpg.DataCorruptedError, asyncpg.IndexCorruptedError)


class Signer:
    """Signs one log; one per log in the whole deployment.

    `clock` returns µs since 1970. It dates nothing but rows, and is held against the database's before anything is
    signed (attacks E12).
    """

    def __init__(  # noqa: PLR0913 - the signer's dependencies, each replaceable in a test
        self,
        pool: asyncpg.Pool,
        log: LogName,
        key: SigningKey | HeldKeys,
        *,
        batch_public_key: bytes,
        state: StateFile,
        directory: PublishDirectory,
        clock: Callable[[], int],
        files: Publication | None = None,
        on_checkpoint: Callable[[Checkpoint, str], None] = lambda _checkpoint, _note: None,
    ) -> None:
        self.log = log
        self._pool = pool
        self._keys = key if isinstance(key, HeldKeys) else HeldKeys.of(key)
        self._batch_public_key = batch_public_key
        self._file = state
        self._directory = directory
        self._clock = clock
        self._files = files
        self._on_checkpoint = on_checkpoint
        self._state: SignerState | None = None
        self._is_shown = True

    async def start(self) -> None:
        """Compare what is remembered with what is found, and finish what a crash cut off. Raises SignerRefuses.

        Takes the same time whatever the log's size: only the right edge is read again.
        """
        try:
            await self._start()
        except DAMAGED as error:
            raise SignerRefuses(
                f"What the database holds of {self.log} is damaged: {reason(error)}.",
                "Restore the database from a backup; what was signed is in the publish directory.",
            ) from None

    async def _start(self) -> None:
        try:
            self._state = await asyncio.to_thread(self._file.load)
        except (ValueError, KeyError, TypeError, LedgerError):
            raise SignerRefuses(f"The file of the signer's state of {self.log} is damaged.", _RESTORE_STATE) from None
        if self._state is not None:
            self._keys.trust(Keyring.from_snapshot(self._state.snapshot["keys"]))
        head_size = await self._pool.fetchval("select size from ledger_heads where log = $1", self.log)
        newest_row = await self._pool.fetchrow(_QUERIES.newest_checkpoint, self.log)
        try:
            published = await asyncio.to_thread(self._directory.newest, self._keys.verify_keys())
            filed = await self._files.newest() if self._files is not None else None
        except NoteError:
            raise SignerRefuses(
                f"The signing key of {self.log} is not the one that signed what is published.", _RESTORE_KEYS
            ) from None
        self._check_filed(self._state, filed)
        if self._state is None:
            if published is not None or newest_row is not None:
                raise SignerRefuses(
                    f"The signer's state of {self.log} is lost, but checkpoints were signed.",
                    _RESTORE_STATE,
                )
            await self._check_named()
            return
        self._check_remembered(self._state, head_size, newest_row, published)
        await self._check_edge(self._state)
        # A signer that was killed before it had synced left a state that a power cut could still take back.
        await asyncio.to_thread(self._file.save, self._state)
        try:
            await self._publish(self._state)
        except Behind as error:
            _log.info("%s is shown with the next step: %s", self.log, error)
            return
        if not self._is_shown:
            raise SignerRefuses(f"What is published of {self.log} contradicts its database.", _COMPARE)

    def current_key(self) -> SigningKey:
        """The key that signs now, the oldest where there are two. Call it after `start`. Raises SignerRefuses."""
        if self._state is None:
            return self._keys.first()
        return self._signing(Keyring.from_snapshot(self._state.snapshot["keys"]), self._state.size)[0]

    async def step(self) -> int:
        """Sign what is new, and on every standby; return how many entries that covers (0: nothing new, or halted).

        A disagreement halts the log: appends stop until an operator has looked. Raises ClockSkew while the clocks
        disagree, or the newest entry is ahead of them: what is signed with a wrong time is wrong for ever.
        """
        head = await self._pool.fetchrow(_QUERIES.head, self.log)
        state = self._state
        start = state.size if state is not None else 0
        if head is None or head["halted"] is not None:
            return 0
        if state is not None and not self._is_shown:
            await self._publish(state)  # the files were away when it was signed
        if head["size"] <= start:
            return 0
        now_us = await self._agreed_now()
        try:
            checker = await self._check_new(state, head["origin"], head["size"])
            async with self._pool.acquire() as connection:
                await self._grown(connection, checker.size, checker.snapshot())
        except DAMAGED as error:
            await self._halt(error)
            return 0
        if (early := clocks.why_not_yet(checker.last_at_us, now_us)) is not None:
            raise ClockSkew(early)
        number = state.number + 1 if state is not None else 1
        signing = self._signing(checker.declared.keys, checker.size)
        new = SignerState(number, signing[0].vkey, checker.size, checker.frontier.root(), checker.snapshot())
        await asyncio.to_thread(self._file.save, new)
        self._state = new
        await self._publish(new)
        return new.size - start

    async def _agreed_now(self) -> int:
        """The database's clock, which this machine's agrees with; once every standby has what was read before.

        Raises ClockSkew, and DatabaseUnavailable where the wait for a standby was given up (attacks E5).
        """
        earliest_us = self._clock()
        async with self._pool.acquire() as connection, watched(connection) as wait:
            now_us: int = await connection.fetchval(_QUERIES.signing_time)
        if wait.was_given_up:
            raise DatabaseUnavailable(f"no standby confirms the newest entries of {self.log}; nothing is signed")
        if (wrong := clocks.why_not(earliest_us, now_us, self._clock())) is not None:
            raise ClockSkew(wrong)
        return now_us

    async def _check_new(self, state: SignerState | None, origin: str, head_size: int) -> EntryChecker:
        """Recompute the new entries, as far as whole batches go, on a checker of this step alone."""
        checker = EntryChecker(origin, self.log) if state is None else EntryChecker.from_snapshot(state.snapshot)
        start = checker.size
        async with self._pool.acquire() as connection:
            wanted_end = min(head_size, start + ENTRIES_PER_STEP_MAX)
            batches = await connection.fetch(_QUERIES.batch_covering, self.log, start, wanted_end)
            end = self._check_batches(batches, origin, start)
            ends = {batch["last"]: batch["last_leaf_hash"] for batch in batches}
            while checker.size < end:
                limit = min(ENTRIES_PER_STEP_MAX, end - checker.size)
                rows = await connection.fetch(_QUERIES.entries, self.log, checker.size, limit)
                if not rows:
                    raise Disagreement(f"position {checker.size} is missing")
                for number, row in enumerate(rows):
                    self._check_entry(checker, StoredEntry(*row), ends)
                    if number % ENTRIES_PER_TURN_MAX == 0:
                        # Sockets and appends of the same process must not wait for the whole step.
                        await asyncio.sleep(0)
        return checker

    def _check_entry(self, checker: EntryChecker, row: StoredEntry, ends: dict[int, bytes]) -> None:
        position = checker.size
        try:
            entry = checker.check(position, row.bytes)
        except EntryError as error:
            raise Disagreement(f"position {position}: {error}") from error
        if (
            row.position != position
            or row.leaf_hash != checker.prev
            or ends.get(position, checker.prev) != checker.prev
        ):
            raise Disagreement(f"position {position}: the stored leaf hash is not the hash of the bytes")
        if position == 0 and entry.data["key"] not in self._keys:
            raise Disagreement("position 0 names another key than the signer's")

    def _check_batches(self, batches: Sequence[asyncpg.Record], origin: str, start: int) -> int:
        """Every new entry must lie in a batch that the writer's key vouches for (attacks A5); return where they end."""
        position = start
        for batch in batches:
            text = statement(origin, batch["epoch"], batch["first"], batch["last"], batch["last_leaf_hash"])
            if batch["first"] != position:
                raise Disagreement(f"position {position}: no batch signature begins there")
            if not verifies(self._batch_public_key, text, batch["signature"]):
                raise Disagreement(f"position {position}: its batch is not signed by the writer's key")
            position = batch["last"] + 1
        if position == start:
            raise Disagreement(f"position {start}: no batch signature covers it")
        return position

    def _signing(self, keyring: Keyring, size: int) -> list[SigningKey]:
        """The keys that sign `size`; SignerRefuses if none of them is here."""
        found = self._keys.signing(keyring, size)
        if not found:
            raise SignerRefuses(
                f"The signing key of {self.log} is not the one that signs it at {size} entries.", _RESTORE_KEYS
            )
        return found

    async def _publish(self, state: SignerState) -> None:
        """Sign what the state says and let everybody have it; doing it again changes nothing."""
        keys = self._signing(Keyring.from_snapshot(state.snapshot["keys"]), state.size)
        signed = Checkpoint(keys[0].name, state.size, state.root_hash)
        text = signed_by(keys, signed)
        self._is_shown = False
        if self._files is not None and not await self._file_away(self._files, signed, text):
            return
        if not await asyncio.to_thread(self._directory.take, state.number, text):
            self._state = None
            raise SignerRefuses(
                f"Another signer has published checkpoint {state.number} of {self.log}, or a later one.", _ONLY_ONE
            )
        async with self._pool.acquire() as connection, connection.transaction(isolation="read_committed"):
            await self._store(connection, state, text)
        await asyncio.to_thread(self._directory.show, state.number, text)
        self._is_shown = True
        self._on_checkpoint(signed, text)

    async def _file_away(self, files: Publication, signed: Checkpoint, text: str) -> bool:
        """Publish as files; False, and the log halted, when those contradict what was signed."""
        try:
            await files.publish(signed, text)
        except Overtaken as error:
            self._state = None
            raise SignerRefuses(f"Another signer has published {self.log}: {error}.", _ONLY_ONE) from None
        except Contradicted as error:
            await self._halt(error)
            return False
        return True

    async def _halt(self, error: Exception) -> None:
        await self._pool.execute(_QUERIES.halt, self.log, reason(error))
        _log.critical("%s is halted: %s", self.log, error)

    async def _store(self, connection: PoolConnectionProxy, state: SignerState, text: str) -> None:
        grown = await self._grown(connection, state.size, state.snapshot)
        await connection.execute(_QUERIES.add_checkpoint, self.log, state.size, state.root_hash, text, self._clock())
        root_hash = await connection.fetchval(_QUERIES.checkpoint_root, self.log, state.size)
        if root_hash != state.root_hash:
            raise SignerRefuses(
                f"The database holds another checkpoint of {self.log} at size {state.size}.",
                _COMPARE,
            )
        if grown:
            columns = [list(column) for column in zip(*grown, strict=True)]
            await connection.execute(_QUERIES.grow_tiles, self.log, *columns)

    async def _grown(
        self, connection: PoolConnectionProxy, size: int, snapshot: Mapping[str, Any]
    ) -> list[tuple[int, int, bytes]]:
        """The tiles that grow since the newest checkpoint, of the very tree that is signed. Raises Disagreement."""
        before = await connection.fetchval("select max(size) from ledger_checkpoints where log = $1", self.log)
        grown = await tile_growth(self.log, connection, before or 0, size)
        if (bad := disagreeing(grown, size, snapshot)) is not None:
            raise Disagreement(f"tile {bad[0]}/{bad[1]} does not hold the hashes of the entries below it")
        return grown

    def _check_remembered(
        self,
        state: SignerState,
        head_size: int | None,
        newest_row: asyncpg.Record | None,
        published: tuple[int, Checkpoint] | None,
    ) -> None:
        self._signing(Keyring.from_snapshot(state.snapshot["keys"]), state.size)
        if head_size is None or head_size < state.size:
            raise SignerRefuses(
                f"The database has {head_size or 0} entries of {self.log}, but {state.size} were signed.",
                f"An older backup was restored, or another database is configured. {_RECOVER}",
            )
        if published is not None:
            _, shown = published
            if published[0] > state.number or shown.size > state.size:
                raise SignerRefuses(
                    f"Checkpoint {published[0]} of {self.log} was published, the signer remembers only {state.number}.",
                    f"An older signer state was restored: restore the newest one. {_RECOVER}",
                )
            if shown.size == state.size and shown.root_hash != state.root_hash:
                raise SignerRefuses(
                    f"Another root of {self.log} was published at size {state.size}.",
                    _COMPARE,
                )
        if newest_row is not None and newest_row["size"] > state.size:
            raise SignerRefuses(
                f"The database has a checkpoint of {self.log} at {newest_row['size']}, the signer is at {state.size}.",
                f"An older signer state was restored: restore the newest one. {_RECOVER}",
            )

    def _check_filed(self, state: SignerState | None, filed: Checkpoint | None) -> None:
        """What is published as files is known for ever: nothing may be signed beside it (attacks E6, E8)."""
        size, root_hash = (0, b"") if state is None else (state.size, state.root_hash)
        if filed is not None and filed.size > size:
            raise SignerRefuses(
                f"{filed.size} entries of {self.log} are published as files, the signer remembers {size}.", _RECOVER
            )
        if filed is not None and filed.size == size and filed.root_hash != root_hash:
            raise SignerRefuses(f"Another root of {self.log} was published at size {size}.", _COMPARE)

    async def _check_named(self) -> None:
        """Refuse a key that entry 0 does not name, before it signs anything."""
        rows = await self._pool.fetch(_QUERIES.entries, self.log, 0, 1)
        if rows and canonical.parse_entry(rows[0]["bytes"]).data.get("key") not in self._keys:
            raise SignerRefuses(f"The signing key of {self.log} is not the one that entry 0 names.", _RESTORE_KEYS)

    async def _check_edge(self, state: SignerState) -> None:
        """Recompute the small end of the tree from the database's bytes and hold it against the state's frontier."""
        mine = {(level, index): digest for level, index, digest in edge_hashes(state.size, state.snapshot)}
        width = state.size % 256 or min(state.size, 256)
        rows = await self._pool.fetch(_QUERIES.entries, self.log, state.size - width, width)
        hashes = [canonical.leaf_hash(row["bytes"]) for row in rows]
        found = {}
        for level, index in merkle.complete_nodes(8, (state.size - 1) >> 8, state.size):
            low = (index << level) - (state.size - width)
            found[level, index] = merkle.root(hashes[low : low + (1 << level)])
        right = len(hashes) == width and hashes[-1] == decode_base64(state.snapshot["prev"])
        if not right or any(mine.get(node, digest) != digest for node, digest in found.items()):
            raise SignerRefuses(
                f"The newest entries of {self.log} in the database are not those that were signed.",
                "Another history was restored: restore the database that belongs to this signer's state.",
            )
