"""The key that signs promises, and the log's word for it, which only the signer's process can give."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import sql
from ledger import promise
from ledger.note import SigningKey

if TYPE_CHECKING:
    import asyncpg

    from server.vault import KeyStore

KEY = "promise"
_queries = sql.load("promises")


def promise_key(store: KeyStore, origin: str) -> SigningKey:
    """The key, made the first time."""
    return SigningKey(promise.key_name(origin), store.load(KEY) or store.create(KEY, os.urandom(32)))


async def keep_vouching(pool: asyncpg.Pool, log_key: SigningKey, store: KeyStore) -> None:
    """Keep the log's word for the promise key, said by the key that signs the log now. `pool`: of the role `signer`."""
    key = promise_key(store, log_key.name)
    await pool.execute(_queries.keep_key, key.vkey, promise.vouch(key.verify_key, log_key))


async def vouching(pool: asyncpg.Pool, vkey: str) -> str | None:
    """The note that vouches for a promise key; None before the signer's process has said it."""
    note: str | None = await pool.fetchval(_queries.key_note, vkey)
    return note
