"""The promise key: made once, vouched for by the key that signs the log now."""

from __future__ import annotations

from pathlib import Path

from ledger import note, promise
from ledger.note import SigningKey
from server.db import Database
from server.promises.keys import keep_vouching, promise_key, vouching
from server.vault import FileKeyStore

ORIGIN = "ledger.example.org/ledger"
OLD, NEW = (SigningKey(ORIGIN, bytes([n]) * 32) for n in (1, 2))


async def test_the_log_s_word_is_kept_and_said_again_by_a_new_key(database: Database, tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path)
    key = promise_key(store, ORIGIN)
    assert promise_key(store, ORIGIN).vkey == key.vkey
    assert key.name == promise.key_name(ORIGIN)
    assert await vouching(database.writer, key.vkey) is None
    for by in (OLD, NEW):
        await keep_vouching(database.signer, by, store)
        told = await vouching(database.writer, key.vkey)
        assert told is not None
        assert key.vkey in note.open(told, [by.verify_key]).text
