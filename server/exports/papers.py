"""What exports carry besides the log: the log's word for the export key, the verifier, and how to use it.

Each is kept in the database for the sizes from which it was in use, so that a range exported before an upgrade or a new
export key is the same bytes after it (EXPORT.md 8.2).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import sql
from ledger.export import export_key_name, export_key_text
from ledger.note import SigningKey
from server.vault import KeyMissing

if TYPE_CHECKING:
    import asyncpg

    from ledger.types import LogName
    from server.vault import KeyStore

EXPORT_KEY = "export-key"
VERIFY_MD = "VERIFY.md"
VERIFY_PY = "verify.py"
PAPERS = (EXPORT_KEY, VERIFY_MD, VERIFY_PY)
VERIFIER = Path(__file__).resolve().parents[2] / "clients" / "verifier" / "verify.py"
EXPLANATION = Path(__file__).with_name("VERIFY.md")
_KEY_ID = "export"
_matches_key_id = re.compile(rf"{_KEY_ID}(-[1-9][0-9]{{0,8}})?").fullmatch

_queries = sql.load("exports")


def current_key(store: KeyStore, origin: str) -> SigningKey:
    """The newest key that signs manifests, made where there is none yet."""
    ids = _key_ids(store)
    return _signing(origin, _loaded(store, ids[-1]) if ids else store.create(_KEY_ID, os.urandom(32)))


def replace_key(store: KeyStore, origin: str) -> SigningKey:
    """A new key for ranges that end beyond what the log holds when its signer next starts; older ones stay.

    An export is signed by the key that was vouched for at its size: without the old key its bytes could not be made
    again (EXPORT.md 8.2).
    """
    ids = _key_ids(store)
    number = _number(ids[-1]) + 1 if ids else 1
    return _signing(origin, store.create(f"{_KEY_ID}-{number}" if ids else _KEY_ID, os.urandom(32)))


def key_for(store: KeyStore, origin: str, certificate: bytes) -> SigningKey | None:
    """The key that a certificate vouches for; None where it is not here."""
    wanted = certificate.decode().split("\n")[2]
    keys = (_signing(origin, _loaded(store, key_id)) for key_id in _key_ids(store))
    return next((key for key in keys if key.vkey == wanted), None)


async def keep_papers(pool: asyncpg.Pool, log: LogName, log_key: SigningKey, store: KeyStore) -> None:
    """Keep what exports of a log carry from now on. Only the signer's process can: it holds the log's key.

    `pool`: of the role `signer`. It runs before the log is signed on: so no range that ends beyond what the log holds
    now was exported with older papers. Where the verifier is not part of the installation, the one kept stays.
    """
    rows = await pool.fetch(_queries.newest_papers, log)
    held = {row["kind"]: row["content"] for row in rows if row["kind"]}
    text = export_key_text(log_key.name, current_key(store, log_key.name).vkey)
    certificate = held.get(EXPORT_KEY, b"")
    # Another key of the log would sign the same words differently: they are said once.
    if not certificate.startswith(text.encode()):
        certificate = log_key.sign(text).encode()
    papers = {EXPORT_KEY: certificate, VERIFY_MD: EXPLANATION.read_bytes()}
    if VERIFIER.exists():
        papers[VERIFY_PY] = VERIFIER.read_bytes()
    for kind, content in papers.items():
        if held.get(kind) != content:
            since = rows[0]["size"] + 1 if kind in held else 0
            await pool.execute(_queries.add_paper, log, kind, since, content)


def _key_ids(store: KeyStore) -> list[str]:
    return sorted(filter(_matches_key_id, store.ids()), key=_number)


def _number(key_id: str) -> int:
    return int(key_id.partition("-")[2] or 1)


def _loaded(store: KeyStore, key_id: str) -> bytes:
    key = store.load(key_id)
    if key is None:
        raise KeyMissing(key_id)
    return key


def _signing(origin: str, seed: bytes) -> SigningKey:
    return SigningKey(export_key_name(origin), seed)
