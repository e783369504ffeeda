"""The eraser of a running instance, put together from its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.erasure.eraser import Eraser
from server.erasure.trail import ErasureTrail
from server.payments.forgetting import Forgetting

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.parts import Parts


def eraser_of(parts: Parts, clock_us: Callable[[], int]) -> Eraser:
    """Return the eraser; `clock_us` is µs since 1970."""
    pool = parts.database.writer
    books = parts.identities["books"].origin
    return Eraser(
        pool,
        parts.keyring.subjects,
        parts.keyring.erased,
        ErasureTrail(pool, parts.trail, parts.readers["audit"]),
        clock_us,
        (Forgetting(pool, parts.readers["books"], parts.vault, books),),
    )


async def replay(parts: Parts, clock_us: Callable[[], int]) -> int:
    """Before anything opens: finish what was cut short, and erase again whom a restore brought back (attacks D2)."""
    async with parts.keyring.erased.alone():
        return await eraser_of(parts, clock_us).replay()
