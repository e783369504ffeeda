"""The birth of the logs: on the first start they are created with their genesis; on every later one they are checked.

What a log was born as (origin, mode, key, time zone) stands in its entry 0 for ever. A setting that says something
else is refused, because serving under another name or key would look like a fork to everyone outside.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ledger import canonical, genesis
from ledger.batches import BatchKey
from ledger.held_keys import HeldKeys
from ledger.note import SigningKey
from ledger.registry import Registry
from ledger.store import create_log
from ledger.types import Command
from server import chart
from server.audit.events import AUDIT_TYPES
from server.domains.giving.events import BOOKS_TYPES, PUBLIC_TYPES
from server.errors import StartRefused
from server.publishing.policy import FeeFormula, Policy
from server.vault import SERVICE_KEY
from server.vocabulary import Vocabulary, lacking

if TYPE_CHECKING:
    import asyncpg

    from ledger.reader import LogReader
    from ledger.store import Writer
    from ledger.types import LogName
    from server.settings import Settings
    from server.vault import KeyStore

SERVED_LOGS: tuple[LogName, ...] = ("books", "audit", "public")
_LAST_SEGMENT = {"books": "books", "audit": "audit", "public": "ledger"}
_BATCH_KEY = "writer"
# What streams are called depends on the vault's: with another one an event that is booked already is booked again.
_KEPT_KEYS = {_BATCH_KEY: "key that signs batches", SERVICE_KEY: "vault's key"}
_LOG_KEY = re.compile(r"log-([a-z]+)(?:-[0-9a-f]{8})?", re.ASCII)
_RESTORE_KEYS = "Restore the keys directory from its backup."
_ADVISORY_KEY = 0x5EC0_4D17

# The published flat formula (attacks B3): 2.9 % of the gift, and 30 cents where the asset has cents like the dollar's.
DEFAULT_FEES = {"USD/2": FeeFormula(290, 30)}
DEFAULT_FEE = FeeFormula(290, 0)


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """What one log was born as, read from its entry 0."""

    log: LogName
    origin: str
    mode: str
    key: str
    time_zone: str


def registry(log: LogName) -> Registry:
    """Return the registry of one log: the ledger's own types and the slices' types."""
    match log:
        case "public":
            return Registry(PUBLIC_TYPES, chart.PUBLIC_GUARDS)
        case "books":
            return Registry(BOOKS_TYPES, chart.BOOKS_GUARDS)
        case "audit":
            return Registry(AUDIT_TYPES)


def vocabulary(log: LogName, assets: tuple[str, ...]) -> Vocabulary:
    """Return all that this program writes one log with."""
    return Vocabulary(registry(log), chart.ACCOUNTS[log], () if log == "audit" else chart.FUNDS, assets)


def default_policy(assets: tuple[str, ...]) -> Policy:
    """Return the publishing policy a deployment is born with."""
    return Policy({asset: DEFAULT_FEES.get(asset, DEFAULT_FEE) for asset in assets})


def signing_keys(store: KeyStore, log: LogName, origin: str) -> HeldKeys:
    """The keys of one log that lie here: that of its birth, and those introduced since. Raises StartRefused for none.

    Only the signer's process may call this. Which of them sign is for the log to say, not for the files.
    """

    def load() -> list[SigningKey]:
        found = [(name, store.load(name)) for name in store.ids() if log_of(name) == log]
        return [SigningKey(origin, seed) for _, seed in found if seed is not None]

    held = HeldKeys(load)
    if not held.verify_keys():
        raise StartRefused(f"The signing key of {log} is lost.", _RESTORE_KEYS)
    return held


def log_of(key_id: str) -> str | None:
    """The log that a key of this name signs; None for other keys. `log-<log>` was born with it, more have an ID."""
    matched = _LOG_KEY.fullmatch(key_id)
    return matched[1] if matched else None


def check_keys(store: KeyStore) -> None:
    """Refuse a log whose keys are lost, before anything makes new ones. Raises StartRefused."""
    for name, called in _KEPT_KEYS.items():
        _born_with(store, name, called)


def batch_key(store: KeyStore) -> BatchKey:
    """Return the key that vouches for batches, made before the first log."""
    return BatchKey(store.load(_BATCH_KEY) or store.create(_BATCH_KEY, os.urandom(32)))


def _born_with(store: KeyStore, name: str, called: str) -> bytes:
    """A lost key is never replaced by a new one: nothing that it vouched for would hold any more."""
    seed = store.load(name)
    if seed is None:
        raise StartRefused(f"The {called} is lost.", _RESTORE_KEYS)
    return seed


def new_origin() -> str:
    """Return an origin for a deployment that has no public address: it says so, and is chosen once."""
    return f"localhost/{os.urandom(4).hex()}/ledger"


def sibling_origin(public_origin: str, log: LogName) -> str:
    """Return the origin of another log of the same deployment."""
    return f"{public_origin.rsplit('/', 1)[0]}/{_LAST_SEGMENT[log]}"


async def ensure_logs(
    pool: asyncpg.Pool,
    settings: Settings,
    keys: KeyStore,
    make_writer: Callable[[int, LogName], Writer],
    readers: Mapping[LogName, LogReader],
) -> None:
    """Create the logs that do not exist yet, each with its genesis; add to the others what they lack of the vocabulary.

    In one order and by one process at a time. `make_writer` takes the epoch and the log. Raises StartRefused.
    """
    async with pool.acquire() as connection:
        await connection.execute("select pg_advisory_lock($1)", _ADVISORY_KEY)
        try:
            rows = await connection.fetch("select log, origin from ledger_heads")
            origins: dict[str, str] = {row["log"]: row["origin"] for row in rows}
            public_origin = origins.get("public") or settings.origin or new_origin()
            for log in reversed(SERVED_LOGS):
                if log not in origins:
                    origin = sibling_origin(public_origin, log)
                    mode = settings.mode
                    await create_log(connection, log, origin=origin, mode=mode, time_zone=settings.time_zone)
                head = await readers[log].existing_head()
                command = (
                    _genesis(settings, keys, head.origin, log)
                    if head.size == 0
                    else Command(tuple(lacking(await readers[log].declared(), vocabulary(log, settings.assets))))
                )
                # A log that is halted takes nothing, and that shall not keep anybody from starting and seeing why.
                if command.drafts and head.halted is None:
                    await _append(make_writer(head.epoch, log), command)
        finally:
            await connection.execute("select pg_advisory_unlock($1)", _ADVISORY_KEY)


async def identify(reader: LogReader, log: LogName) -> LogIdentity:
    """Read what the log was born as from its entry 0."""
    first = (await reader.entries(0, 1))[0]
    entry = canonical.parse_entry(first.bytes)
    data = entry.data
    return LogIdentity(log, entry.log, str(data["mode"]), str(data["key"]), str(data["time_zone"]))


def check_identity(public: LogIdentity, settings: Settings) -> None:
    """Refuse settings that contradict what the log was born as (operations, "Start, stop, files")."""
    if settings.origin is not None and settings.origin != public.origin:
        raise StartRefused(
            f"SECONDWIND_ORIGIN is {settings.origin!r}, but this log was born as {public.origin!r} and stays so.",
            "Unset it, or start with another data directory.",
        )
    if settings.mode == "demo" and public.mode != "demo":
        raise StartRefused(
            f"--demo refused: this log was born in mode {public.mode!r}.", "Use another --data-dir for a demo."
        )
    live = settings.mode == "live" or (settings.stripe_api_key or "").startswith(("sk_live_", "rk_live_"))
    if live and public.mode != "live":
        raise StartRefused(
            f"Live secrets refused: this log was born in mode {public.mode!r}.",
            "Live money needs a log born with SECONDWIND_MODE=live: use another database.",
        )


def _genesis(settings: Settings, keys: KeyStore, origin: str, log: LogName) -> Command:
    name = f"log-{log}"
    key = SigningKey(origin, keys.load(name) or keys.create(name, os.urandom(32)))
    month = f"{datetime.now(UTC).astimezone(ZoneInfo(settings.time_zone)):%Y-%m}"
    words = vocabulary(log, settings.assets)
    birth = genesis.Birth(
        mode=settings.mode,
        nonce=os.urandom(genesis.NONCE_BYTES),
        key=key.vkey,
        recovery_key=settings.recovery_key or _recovery_vkey(keys, origin),
        time_zone=settings.time_zone,
        registry=words.registry,
        accounts=words.accounts,
        assets=words.assets,
        funds=words.funds,
        policy=default_policy(settings.assets).to_data(),
        policy_from=month,
    )
    return genesis.command(birth)


async def _append(writer: Writer, command: Command) -> None:
    await writer.start()
    try:
        await writer.append(command)
    finally:
        await writer.close()


def _recovery_vkey(keys: KeyStore, origin: str) -> str:
    """Make a recovery key beside the others; `secondwind keys` says that it belongs elsewhere (attacks A4)."""
    return SigningKey(f"{origin}/recovery", keys.load("recovery") or keys.create("recovery", os.urandom(32))).vkey
