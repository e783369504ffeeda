"""`secondwind open`: single private fields of one entry as a file that anybody can verify. Written down first (D7)."""

from __future__ import annotations

import argparse

from server import birth
from server.audit import events
from server.cli.parts import opened, private_file
from server.cli.settings import load
from server.errors import StartRefused
from server.parts import Parts
from server.vault import KeyDestroyed
from server.vault.openings import NoSuchSlot, document, openings


async def open_slots(options: argparse.Namespace) -> int:
    """Write an opening of the named slots; the audit log says who gave it to whom before the file is there."""
    if options.out.exists():
        raise StartRefused(f"{options.out} is there already.", "Name a file that does not exist yet.")
    async with opened(load(options)) as parts:
        data = await _document(parts, options)
        record = events.opening_given(
            log=options.log,
            position=options.position,
            slots=options.slots,
            actor=options.actor,
            recipient=options.recipient,
        )
        position = await parts.trail.record(record)
    with private_file(options.out) as file:
        file.write(data)
    print(f"{options.out} shows {', '.join(options.slots)} of entry {options.position} of {options.log}.")
    print(f"That {options.recipient} got it stands in audit at {position}. What is given cannot be taken back.")
    return 0


async def _document(parts: Parts, options: argparse.Namespace) -> bytes:
    position, reader = options.position, parts.readers[options.log]
    entries = await reader.entries(position, 1) if position >= 0 else []
    sealed = (await reader.slots([position])).get(position)
    if not entries or entries[0].position != position or sealed is None:
        raise StartRefused(f"Entry {position} of {options.log} has no private fields.", "Choose another position.")
    spec = birth.registry(options.log).types[entries[0].type]
    origin = parts.identities[options.log].origin
    try:
        return document(origin, position, openings(parts.vault, origin, spec, sealed, options.slots))
    except NoSuchSlot as error:
        raise StartRefused(f"{error}.", "Name one of these.") from None
    except KeyDestroyed:
        raise StartRefused(
            f"What entry {position} of {options.log} kept in these fields is erased.", "It cannot be opened any more."
        ) from None
