"""Postgres as far as the ledger leans on it: rows, READ COMMITTED, row locks, one commit at a time.

A transaction sees what was committed when it looks, and its own writes. A row lock is held until the transaction ends;
who waits for one looks again when he has it. A commit is atomic and durable. That is all that is modelled, and the
store contract suite runs on it as it runs on Postgres.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

Key = tuple[Any, ...]


class Row:
    """A row as asyncpg hands it out: by name, by index, or unpacked."""

    __slots__ = ("_values",)

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getitem__(self, name: str | int) -> Any:
        return list(self._values.values())[name] if isinstance(name, int) else self._values[name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values.values())

    def keys(self) -> Iterator[str]:
        return iter(self._values)

    def items(self) -> Iterator[tuple[str, Any]]:
        return iter(self._values.items())

    def but(self, **changed: Any) -> Row:
        """The row with other values in some columns."""
        return Row(**(self._values | changed))

    def only(self, *names: str) -> Row:
        """Some columns of the row, in the order asked for."""
        return Row(**{name: self._values[name] for name in names})


class Tables:
    """Committed rows by table and primary key, and who holds which row lock."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Key, Row]] = {}
        self.locks: dict[tuple[str, Key], Transaction] = {}
        self.waiting: list[asyncio.Future[None]] = []
        self.on_commit: Callable[[Transaction], None] = lambda _transaction: None

    def table(self, name: str) -> dict[Key, Row]:
        """The committed rows of one table."""
        return self.rows.setdefault(name, {})

    def crash(self) -> None:
        """Every transaction that was open is gone; what was committed stays."""
        self.locks.clear()
        self.waiting.clear()


class Transaction:
    """One transaction: its own writes, its locks. Ended once, by `commit` or `roll_back`."""

    def __init__(self, tables: Tables) -> None:
        self.writes: dict[tuple[str, Key], Row | None] = {}
        self.notes: list[Any] = []
        self._tables = tables
        self._saved: list[dict[tuple[str, Key], Row | None]] = []

    def get(self, table: str, *key: Any) -> Row | None:
        """The row as this transaction sees it now."""
        if (table, key) in self.writes:
            return self.writes[table, key]
        return self._tables.table(table).get(key)

    def all(self, table: str) -> list[tuple[Key, Row]]:
        """Every row of a table as this transaction sees it now, in no order that anybody may lean on."""
        rows: dict[Key, Row | None] = dict(self._tables.table(table))
        rows.update({key: row for (name, key), row in self.writes.items() if name == table})
        return [(key, row) for key, row in rows.items() if row is not None]

    def put(self, table: str, *key: Any, row: Row) -> None:
        """Insert or replace a row."""
        self.writes[table, key] = row

    def delete_all(self, table: str) -> None:
        """Delete every row of a table."""
        for key, _ in self.all(table):
            self.writes[table, key] = None

    async def lock(self, table: str, *key: Any) -> None:
        """Hold the row's lock until the end; wait while another transaction holds it."""
        name = (table, key)
        while self._tables.locks.get(name, self) is not self:
            turn = asyncio.get_running_loop().create_future()
            self._tables.waiting.append(turn)
            await turn
        self._tables.locks[name] = self

    def save(self) -> None:
        """Set a savepoint."""
        self._saved.append(dict(self.writes))

    def release(self) -> None:
        """Keep what was done since the savepoint."""
        self._saved.pop()

    def back(self) -> None:
        """Undo what was done since the savepoint."""
        self.writes = self._saved.pop()

    def commit(self) -> None:
        """Make the writes everybody's, all at once."""
        for (table, key), row in self.writes.items():
            if row is None:
                self._tables.table(table).pop(key, None)
            else:
                self._tables.table(table)[key] = row
        self._unlock()
        self._tables.on_commit(self)

    def roll_back(self) -> None:
        """Forget the writes."""
        self._unlock()

    def _unlock(self) -> None:
        tables = self._tables
        for name in [name for name, holder in tables.locks.items() if holder is self]:
            del tables.locks[name]
        waiting, tables.waiting = tables.waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
