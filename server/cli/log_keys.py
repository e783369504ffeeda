"""`secondwind keys introduce|retire`: change the keys of a log, with the recovery key's word for it (attacks A4)."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import Refused
from ledger.grammar import decode_base64
from ledger.keys import INTRODUCED, RETIRED, change
from ledger.note import SigningKey
from ledger.types import Command, Draft
from server.birth import log_of
from server.cli.parts import opened
from server.cli.settings import load
from server.errors import StartRefused

if TYPE_CHECKING:
    from ledger.keys import Keyring
    from ledger.types import LogName
    from server.parts import Parts

ATTEMPTS_MAX = 4
"""Entries that arrive meanwhile may overtake the size that was signed; each attempt looks twice as far ahead."""
_SEED_BYTES = 32


async def introduce(options: argparse.Namespace) -> int:
    """Make a new key of a log and let it sign from a size on, beside the older ones."""
    async with opened(load(options)) as parts:
        log: LogName = options.log
        origin, keyring = await _known(parts, log)
        recovery = _recovery(options.recovery, keyring)
        key, name = _new_key(parts, log, origin)
        try:
            position, size = await _change(parts, log, INTRODUCED, key.vkey, recovery, options.after)
        except StartRefused:
            parts.keys.destroy(name)  # nothing was appended, so nobody knows it
            raise
    print(f"{key.vkey} signs {log} from {size} entries on, beside the older key; position {position} says so.")
    print(f"It lies in {name}.key: back the keys up. Tell it to witnesses before the older one is retired.")
    return 0


async def retire(options: argparse.Namespace) -> int:
    """Let a key of a log sign up to a size and no further."""
    async with opened(load(options)) as parts:
        log: LogName = options.log
        origin, keyring = await _known(parts, log)
        recovery = _recovery(options.recovery, keyring)
        found = [key.vkey for key in keyring.all() if options.key in (key.vkey, key.key_id.hex())]
        if not found:
            known = ", ".join(key.key_id.hex() for key in keyring.all())
            raise StartRefused(f"{options.key[:120]!r} is no key of {log}.", f"Its keys have the IDs {known}.")
        held = {SigningKey(origin, seed).vkey for seed in _seeds(parts, log)}
        if not any(span.last is None and vkey in held for vkey, span in keyring.in_time() if vkey != found[0]):
            raise StartRefused(
                f"No other key of {log} that signs is here: the log could not be signed any more.",
                "Introduce one first, or bring its file back into the keys directory.",
            )
        position, size = await _change(parts, log, RETIRED, found[0], recovery, options.after)
    print(f"{found[0]} signs {log} up to {size} entries and no further; position {position} says so.")
    return 0


async def _known(parts: Parts, log: LogName) -> tuple[str, Keyring]:
    return parts.identities[log].origin, (await parts.readers[log].declared()).keys


def _recovery(path: Path, keyring: Keyring) -> SigningKey:
    """The recovery key in a file: its 32 bytes, or their base64. StartRefused unless it is this log's."""
    try:
        data = path.read_bytes()
        seed = data if len(data) == _SEED_BYTES else decode_base64(data.decode().strip())
        key = SigningKey("recovery", seed)
    except OSError as error:
        raise StartRefused(f"{path} cannot be read ({error.strerror}).", "Correct the path.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise StartRefused(f"{path} holds no key: 32 bytes, or their base64.", "Name another file.") from error
    if keyring.recovery is None or key.verify_key.key != keyring.recovery.key:
        raise StartRefused(
            f"{path} is not the recovery key that this log was born with; nothing was appended.",
            "Bring the one whose verification key stands in entry 0.",
        )
    return key


def _new_key(parts: Parts, log: LogName, origin: str) -> tuple[SigningKey, str]:
    """A new key, durable before anything says that it exists."""
    seed = os.urandom(_SEED_BYTES)
    key = SigningKey(origin, seed)
    name = f"log-{log}-{key.verify_key.key_id.hex()}"
    parts.keys.create(name, seed)
    return key, name


def _seeds(parts: Parts, log: LogName) -> list[bytes]:
    found = [parts.keys.load(name) for name in parts.keys.ids() if log_of(name) == log]
    return [seed for seed in found if seed is not None]


async def _change(  # noqa: PLR0913, PLR0917 - what the entry says, and where
    parts: Parts, log: LogName, event_type: str, vkey: str, recovery: SigningKey, after: int
) -> tuple[int, int]:
    """Append the change; its position and its size. StartRefused for one that the log does not take."""
    why = ""
    for attempt in range(ATTEMPTS_MAX):
        size = (await parts.readers[log].existing_head()).size + after * 2**attempt
        data = change(parts.identities[log].origin, event_type, vkey, size, recovery)
        try:
            appended = await parts.writers[log].append(Command((Draft(event_type, data),)))
        except Refused as error:
            why = str(error)
            if (await parts.readers[log].existing_head()).size < size:
                break  # it was not overtaken: the log refuses what it says
        else:
            return appended.first, size
    raise StartRefused(f"{log} does not take this change of keys: {why}.", "Nothing was appended.")
