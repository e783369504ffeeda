"""What an auditor is given besides the entries: every private slot that the service can open, sealed to one key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import canonical, slots
from ledger.opening import opening_line
from server.exports.sealing import Sealer, bound_to, private_name

if TYPE_CHECKING:
    from ledger.export import Range
    from ledger.reader import LogReader
    from ledger.registry import Registry
    from ledger.types import Entry, SealedSlots
    from server.exports.source import Source
    from server.exports.spool import Spooled
    from server.vault import Vault


@dataclass(frozen=True, slots=True)
class Openings:
    """The openings of one log for one auditor. `auditor` is the X25519 public key that they are sealed to.

    What is erased is left out; a key that is missing though it should be there raises VaultError.
    """

    auditor: bytes
    reader: LogReader
    vault: Vault

    @property
    def name(self) -> str:
        """The member that holds them."""
        return private_name(self.auditor)

    async def fill(self, source: Source, chosen: Range, out: Spooled) -> None:
        """Write them, sealed as they come: none lies on the disk in clear."""
        registry = (await self.reader.declared()).registry
        sealer = Sealer(self.auditor, bound_to(chosen.origin, chosen.first, chosen.end))
        position = chosen.first
        async for batch in source.entries(chosen.first, chosen.end):
            sealed = await self.reader.slots(range(position, position + len(batch)))
            position += len(batch)
            entries = [content for content, _ in batch]
            out.write(sealer.feed(await asyncio.to_thread(self._opened, entries, sealed, registry, chosen.origin)))
        out.write(sealer.finish())

    def _opened(
        self, entries: Sequence[bytes], sealed: dict[int, SealedSlots], registry: Registry, origin: str
    ) -> bytes:
        parsed = [canonical.parse_entry(content) for content in entries]
        return b"".join(
            self._line(entry, sealed[entry.position], registry, origin) for entry in parsed if entry.position in sealed
        )

    def _line(self, entry: Entry, sealed: SealedSlots, registry: Registry, origin: str) -> bytes:
        if entry.private_root is None:
            return b""
        spec = registry.types[entry.type]
        found = self.vault.salted(origin, spec, sealed, entry.private_root)
        shown = [
            slots.opening(spec, slot.name, found[slot.name][1], found[slot.name][0], sealed.slot_hashes)
            for slot in spec.slots
            if slot.name in found
        ]
        return opening_line(origin, entry.position, shown) if shown else b""
