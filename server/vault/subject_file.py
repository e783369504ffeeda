"""Subject keys in one SQLite file outside Postgres (attacks D1), each wrapped by an epoch key.

Durable: write-ahead log with synchronous=FULL. Erasable: secure_delete overwrites what is deleted, and after an erasure
the write-ahead log is emptied. Several processes may use it: writers queue behind one another, readers wait for nobody.
Epoch keys are destroyed under the writers' lock, so no key is ever wrapped by one that is just going away.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from base64 import b32encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from ledger.slots import GROUPS
from server.vault.errors import Tampered, VaultError
from server.vault.keystore import KEY_BYTES
from server.vault.subjects import CopiedKey, HeldKey, Holder, Rewrapped, Subject, WrappingKey

if TYPE_CHECKING:
    from server.vault.epochs import Epochs

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
KEYS_PER_REWRAP = 500
REWRAP_ROUNDS_MAX = 16
NAMES_PER_QUERY = 256
ID_BYTES = 15
NONCE_BYTES = 24

_SCHEMA = """
create table if not exists keys (
    key_id   text primary key,
    grp      text not null check (grp in ('identity', 'audit')),
    -- The subject's name; null once its identity is erased.
    name     blob,
    epoch    text not null,
    wrapped  blob not null,
    unique (name, grp)
) without rowid;
create index if not exists keys_epoch on keys (epoch);
create table if not exists aliases (
    alias  blob not null,
    name   blob not null,
    primary key (alias, name)
) without rowid;
create index if not exists aliases_name on aliases (name);
"""


class FileSubjectKeys:
    """The keys in `path`. `random` returns that many random bytes. Raises VaultError when the file cannot be used."""

    def __init__(self, path: Path, epochs: Epochs, *, random: Callable[[int], bytes] = os.urandom) -> None:
        self._path = path
        self._epochs = epochs
        self._random = random
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with _told(path):
            self._reading = self._connect()
            self._reading.executescript(f"begin immediate;{_SCHEMA}commit;")

    def ensure(self, subjects: Sequence[Subject]) -> list[Holder]:
        """As SubjectKeys: what is there is read without a lock; what is new is one transaction."""
        with _told(self._path), contextlib.closing(self._connect()) as connection:
            known = _Known.read(connection, subjects)
            missing = [subject for subject in subjects if not known.is_whole(subject)]
            if missing:
                with _writing(connection):
                    # Inside the lock: an epoch key that is there now stays until this is durable.
                    epoch, epoch_key = self._epochs.current()
                    self._create(connection, missing, epoch, epoch_key)
                known = _Known.read(connection, subjects)
        return [
            Holder(*(WrappingKey(row.key_id, self._unwrap(row)) for row in known.rows(subject))) for subject in subjects
        ]

    def load(self, key_id: str) -> bytes | None:
        """As SubjectKeys. Raises Tampered for a wrapped key that was changed, EpochMissing without the safe."""
        with _told(self._path):
            query = "select key_id, epoch, wrapped from keys where key_id = ?"
            found = self._reading.execute(query, (key_id,)).fetchone()
        return None if found is None else self._unwrap(_Row(*found))

    def find(self, name: bytes) -> list[HeldKey]:
        """As SubjectKeys."""
        query = (
            "select key_id, grp from keys where name = ?1 or name in (select name from aliases where alias = ?1)"
            " order by key_id"
        )
        with _told(self._path):
            return [HeldKey(*row) for row in self._reading.execute(query, (name,))]

    def is_named(self, key_id: str) -> bool:
        """As SubjectKeys."""
        with _told(self._path):
            query = "select name is not null from keys where key_id = ?"
            row = self._reading.execute(query, (key_id,)).fetchone()
        return bool(row and row[0])

    def destroy(self, key_ids: Sequence[str]) -> int:
        """As SubjectKeys."""
        with _told(self._path), contextlib.closing(self._connect()) as connection:
            with _writing(connection):
                count = sum(self._destroy(connection, key_id) for key_id in key_ids)
            self._empty_log(connection)
        return count

    def copies(self, key_ids: Sequence[str]) -> list[CopiedKey]:
        """As SubjectKeys."""
        found = []
        with _told(self._path):
            for ids in _parts([*dict.fromkeys(key_ids)]):
                query = f"select key_id, grp, name, epoch, wrapped from keys where key_id in ({_marks(ids)})"
                for key_id, group, name, epoch, wrapped in self._reading.execute(query, ids).fetchall():
                    aliases = self._reading.execute("select alias from aliases where name = ? order by alias", (name,))
                    found.append(CopiedKey(key_id, group, name, tuple(alias for (alias,) in aliases), epoch, wrapped))
        return found

    def take_in(self, copies: Sequence[CopiedKey]) -> int:
        """As SubjectKeys. A subject who has another key by now keeps that; the copy opens what it sealed, nameless."""
        taken = 0
        with _told(self._path), contextlib.closing(self._connect()) as connection, _writing(connection):
            for copy in copies:
                if not self._epochs.exists(copy.epoch):
                    continue
                query = "select 1 from keys where name = ? and grp = ?"
                name = None if connection.execute(query, (copy.name, copy.group)).fetchone() else copy.name
                taken += connection.execute(
                    "insert into keys (key_id, grp, name, epoch, wrapped) values (?, ?, ?, ?, ?)"
                    " on conflict (key_id) do nothing",
                    (copy.id, copy.group, name, copy.epoch, copy.wrapped),
                ).rowcount
                if name is not None:
                    connection.executemany(
                        "insert into aliases (alias, name) values (?, ?) on conflict do nothing",
                        [(alias, name) for alias in copy.aliases],
                    )
        return taken

    def missing_epochs(self) -> list[str]:
        """As SubjectKeys."""
        with _told(self._path):
            used = [epoch for (epoch,) in self._reading.execute("select distinct epoch from keys order by epoch")]
        return [epoch for epoch in used if not self._epochs.exists(epoch)]

    def give_up(self, epochs: Sequence[str]) -> int:
        """As SubjectKeys."""
        with _told(self._path), contextlib.closing(self._connect()) as connection:
            query = f"delete from keys where epoch in ({_marks(epochs)})"
            with _writing(connection):
                count = connection.execute(query, list(epochs)).rowcount
                connection.execute("delete from aliases where name not in (select name from keys where name not null)")
            self._empty_log(connection)
        return count

    def rewrap(self, progress: Callable[[int], None] = lambda _keys: None) -> Rewrapped:
        """As SubjectKeys. Raises EpochMissing when an epoch key that is needed is not in the safe."""
        done = 0
        with _told(self._path), contextlib.closing(self._connect()) as connection:
            epoch, epoch_key = self._epochs.current()
            for _ in range(REWRAP_ROUNDS_MAX):
                while count := self._rewrap_some(connection, epoch, epoch_key):
                    done += count
                    progress(done)
                with _writing(connection):
                    # Nobody writes now. Only when nothing hangs on the old ones may they go.
                    if not self._count_elsewhere(connection, epoch):
                        destroyed = self._epochs.destroy_surplus()
                        break
            else:
                raise VaultError("another process wraps keys by another week's epoch: set the clocks right")
            self._empty_log(connection)
        return Rewrapped(done, tuple(destroyed))

    def copy_to(self, path: Path) -> None:
        """Copy the whole store as it is now, consistent though others write meanwhile; for backups."""
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with _told(path), contextlib.closing(sqlite3.connect(path)) as target:
            self._reading.backup(target)
            target.execute("pragma journal_mode = delete")

    def close(self) -> None:
        """Let go of the file."""
        self._reading.close()

    def _connect(self) -> sqlite3.Connection:
        # Each write has a connection of its own, in whatever thread; the lasting one only ever reads.
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma secure_delete = on")
        return connection

    def _create(
        self, connection: sqlite3.Connection, subjects: Iterable[Subject], epoch: str, epoch_key: bytes
    ) -> None:
        for subject in subjects:
            for group in GROUPS:
                key_id = f"{group}-{b32encode(self._random(ID_BYTES)).decode().lower()}"
                wrapped = self._wrap(key_id, self._random(KEY_BYTES), epoch_key)
                connection.execute(
                    "insert into keys (key_id, grp, name, epoch, wrapped) values (?, ?, ?, ?, ?)"
                    " on conflict (name, grp) do nothing",
                    (key_id, group, subject.name, epoch, wrapped),
                )
            connection.executemany(
                "insert into aliases (alias, name) values (?, ?) on conflict do nothing",
                [(alias, subject.name) for alias in subject.aliases],
            )

    def _destroy(self, connection: sqlite3.Connection, key_id: str) -> int:
        row = connection.execute("select name, grp from keys where key_id = ?", (key_id,)).fetchone()
        if row is None:
            return 0
        name, group = row
        connection.execute("delete from keys where key_id = ?", (key_id,))
        if name is not None and group == "identity":
            connection.execute("delete from aliases where name = ?", (name,))
            connection.execute("update keys set name = null where name = ?", (name,))
        return 1

    def _rewrap_some(self, connection: sqlite3.Connection, epoch: str, epoch_key: bytes) -> int:
        with _writing(connection):
            rows = connection.execute(
                "select key_id, epoch, wrapped from keys where epoch <> ? limit ?", (epoch, KEYS_PER_REWRAP)
            ).fetchall()
            for row in (_Row(*found) for found in rows):
                # An epoch key that is not there ends this: the safe may only not be mounted.
                wrapped = self._wrap(row.key_id, self._unwrap(row), epoch_key)
                query = "update keys set epoch = ?, wrapped = ? where key_id = ?"
                connection.execute(query, (epoch, wrapped, row.key_id))
        return len(rows)

    @staticmethod
    def _count_elsewhere(connection: sqlite3.Connection, epoch: str) -> int:
        return int(connection.execute("select count(*) from keys where epoch <> ?", (epoch,)).fetchone()[0])

    @staticmethod
    def _empty_log(connection: sqlite3.Connection) -> None:
        """Bring everything into the file itself and cut the write-ahead log, where deleted keys would stay a while."""
        busy, *_ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        if busy:
            raise VaultError("the subject keys are in use without a pause: stop what reads them, and try again")

    def _wrap(self, key_id: str, key: bytes, epoch_key: bytes) -> bytes:
        nonce = self._random(NONCE_BYTES)
        return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(key, _context(key_id), nonce, epoch_key)

    def _unwrap(self, row: _Row) -> bytes:
        nonce, ciphertext = row.wrapped[:NONCE_BYTES], row.wrapped[NONCE_BYTES:]
        epoch_key = self._epochs.load(row.epoch)
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, _context(row.key_id), nonce, epoch_key)
        except CryptoError:
            raise Tampered(row.key_id) from None


class _Row(NamedTuple):
    """A key as it lies in the file."""

    key_id: str
    epoch: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class _Known:
    """What the file holds of some subjects: keys by (name, group), and pairs of (alias, name)."""

    keys: dict[tuple[bytes, str], _Row]
    aliases: set[tuple[bytes, bytes]]

    @classmethod
    def read(cls, connection: sqlite3.Connection, subjects: Sequence[Subject]) -> Self:
        known = cls({}, set())
        for names in _parts(list({subject.name for subject in subjects})):
            query = f"select name, grp, key_id, epoch, wrapped from keys where name in ({_marks(names)})"
            known.keys.update({(name, group): _Row(*row) for name, group, *row in connection.execute(query, names)})
            query = f"select alias, name from aliases where name in ({_marks(names)})"
            known.aliases.update(connection.execute(query, names))
        return known

    def is_whole(self, subject: Subject) -> bool:
        has_keys = all((subject.name, group) in self.keys for group in GROUPS)
        return has_keys and all((alias, subject.name) in self.aliases for alias in subject.aliases)

    def rows(self, subject: Subject) -> list[_Row]:
        return [self.keys[subject.name, group] for group in GROUPS]


def _context(key_id: str) -> bytes:
    """Associated data: a wrapped key opens only under its own id."""
    return b"secondwind/subject/v1\n" + key_id.encode()


def _marks(values: Sequence[object]) -> str:
    """As many question marks: the values themselves never stand in a statement."""
    return ",".join("?" * len(values))


def _parts(names: list[T]) -> Iterator[list[T]]:
    for first in range(0, len(names), NAMES_PER_QUERY):
        yield names[first : first + NAMES_PER_QUERY]


@contextlib.contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction with the writers' lock from its beginning."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of SQLite as one sentence; its own name no row."""
    try:
        yield
    except sqlite3.Error as error:
        raise VaultError(
            f"the subject keys in {path} cannot be used ({error}): check the disk, or restore the keys directory"
        ) from None


def epochs_in(path: Path) -> list[str]:
    """Return the epochs that the keys of a copy are wrapped by; the copy is not touched. VaultError for no copy."""
    with (
        _told(path),
        contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as copy,
    ):
        return [epoch for (epoch,) in copy.execute("select distinct epoch from keys order by epoch")]
