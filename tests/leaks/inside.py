"""Every private value of a deployment: people, keys, and whatever random bytes its database holds and does not publish.

New tables and columns are taken along without being named here: what is public is the exception, and is named.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import asyncpg

from ledger.postings import balances_hash
from server import birth
from server.birth import SERVED_LOGS
from server.cli.parts import opened
from server.settings import Settings
from tests.leaks.disguises import Private
from tests.leaks.year import METRICS_TOKEN, ORIGIN, WEBHOOK_SECRET, Year

HASH_BYTES: Final = 32
_RANDOM_BYTES_MIN: Final = 16
_SLICE_BYTES_MAX: Final = 4_096
_PUBLISHED: Final = re.compile(
    r"ledger_(entries|tiles|checkpoints|rules)_public.*|public_.*|exports_papers_.*|promises_keys"
)
"""What everybody may read: the public log, lists folded from it, what goes with its exports, keys to verify by."""
_BORN_WITH: Final = """
    select bytes from ledger_entries where log = 'public'
    and type in ('ledger.log.opened.v1', 'ledger.registry.published.v1', 'ledger.policy.changed.v1')"""
"""The logs are born alike: the hashes of nothing, of no balances and of the policy may stand in each of them."""
_WORDS: Final = re.compile(r"[A-Za-z_.:/ -]*")
_NAMES: Final = re.compile(re.escape(ORIGIN.partition("/")[0]) + r"[a-z/]*")
"""Logs and keys are named after the origin; that is no base64."""
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){16,}")
_IDENTIFIER: Final = re.compile(r"\b[a-z]{2,8}_[A-Za-z0-9]{14,}\b")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{22,}={0,2}")


async def privates(year: Year) -> list[Private]:
    """Everything that nobody outside may learn of this year."""
    found = {private for giver in year.people.known for private in giver.privates()}
    found |= {private for fact in (*year.given, *year.paid) for private in fact.privates()}
    found |= set(_keys(year))
    connection = await asyncpg.connect(year.admin_url)
    try:
        born_with = [bytes(row["bytes"]) for row in await connection.fetch(_BORN_WITH)]
        told = {balances_hash({}), *_pieces(born_with)}
        found |= {private async for private in _stored(connection) if private.value not in told}
        found |= {private async for private in _sealed(year)}
    finally:
        await connection.close()
    return sorted(found, key=repr)


def _keys(year: Year) -> Iterator[Private]:
    for path in sorted((year.data_dir / "keys").rglob("*")):
        if path.suffix == ".key":
            yield Private(f"key {path.stem}", path.read_bytes())
    yield from (Private("derived key", key) for key in year.derived_keys)
    yield from (Private("secret", text, is_exact=True) for text in (WEBHOOK_SECRET, METRICS_TOKEN))
    yield Private("secret", year.environment["STRIPE_API_KEY"], is_exact=True)


async def _stored(connection: asyncpg.Connection) -> AsyncIterator[Private]:
    """All bytes and texts of private tables that look random, whole and in pieces of one hash."""
    columns = await connection.fetch(
        """select c.relname as table_name, a.attname as column_name
           from pg_class c join pg_attribute a on a.attrelid = c.oid
           where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
             and a.atttypid in ('bytea'::regtype, 'text'::regtype, 'jsonb'::regtype, 'text[]'::regtype)
           order by 1, 2"""
    )
    for table, column in columns:
        if _PUBLISHED.fullmatch(table):
            continue
        unpublished = ""
        if await _has_log(connection, table):
            unpublished = "where log <> 'public'" if table in _OF_ALL_LOGS else ""
        for (value,) in await connection.fetch(f'select distinct "{column}" from "{table}" {unpublished}'):
            for piece in _pieces(value):
                yield Private(f"{table}.{column}", piece)


_OF_ALL_LOGS: Final = frozenset({"ledger_heads"})
"""Tables with a row per log whose public row holds nothing that is not published."""


async def _has_log(connection: asyncpg.Connection, table: str) -> bool:
    query = "select exists (select from pg_attribute where attrelid = $1::text::regclass and attname = 'log')"
    return bool(await connection.fetchval(query, table))


def _pieces(value: object) -> Iterator[bytes]:
    """The random bytes in a column's value: itself, its hashes one by one, what is base64 in it."""
    match value:
        case bytes() if _is_text(value):
            yield from _pieces(value.decode())
        case bytes():
            step = HASH_BYTES if len(value) % HASH_BYTES == 0 else len(value)
            pieces = (value[start : start + step] for start in range(0, min(len(value), _SLICE_BYTES_MAX), step or 1))
            yield from filter(_is_random, pieces)
        case str():
            yield from filter(_is_random, map(_decoded, _BASE64.findall(_NAMES.sub(" ", value))))
            yield from (word.encode() for word in _IDENTIFIER.findall(value))
        case list():
            for item in value:
                yield from _pieces(item)


def _is_text(value: bytes) -> bool:
    """Whether it is text; random bytes of any length that is looked for never are."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(word: str) -> bytes:
    """What the word is in hex, or else in base64; empty where it is neither."""
    if _HEX.fullmatch(word):
        return bytes.fromhex(word)
    try:
        return base64.b64decode(word, validate=True)
    except binascii.Error:
        return b""


def _is_random(piece: bytes) -> bool:
    return len(piece) >= _RANDOM_BYTES_MIN and len(set(piece)) >= _RANDOM_BYTES_MIN // 2


async def _sealed(year: Year) -> AsyncIterator[Private]:
    """What every entry's slots hold when they are opened: salts, each word of each value, and whose keys they are."""
    settings = Settings.load({"data_dir": year.data_dir}, year.environment)
    async with opened(settings) as parts:
        for log in SERVED_LOGS:
            reader, types, origin = parts.readers[log], birth.registry(log).types, parts.identities[log].origin
            for stored in await reader.entries(0):
                sealed = (await reader.slots([stored.position])).get(stored.position)
                if sealed is None:
                    continue
                holder = parts.vault.holder_of(sealed)
                for key in filter(None, (holder.identity, holder.audit)):
                    yield Private("wrapping key", key.key)
                for name, (salt, value) in parts.vault.salted(origin, types[stored.type], sealed, sealed.root).items():
                    yield Private("salt", salt)
                    for private in _words(name, value):
                        yield private


def _words(name: str, value: Any) -> Iterator[Private]:
    match value:
        case str() if len(value) >= _RANDOM_BYTES_MIN and not _WORDS.fullmatch(value):
            yield Private(f"slot {name}", value, is_exact=True)
            yield from (Private(f"slot {name}", piece) for piece in _pieces(value))
        case list():
            for item in value:
                yield from _words(name, item)
        case dict():
            for item in value.values():
                yield from _words(name, item)
