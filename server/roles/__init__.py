"""What a process does, by role: `worker`, `publisher`, `signer`; the role `web` is the edge (server/edge.py).

Each role is one module with `start(parts)`, which sets its tasks to work. One process may have all roles, or many
processes one each; only signer and publisher must not run twice, and each of them notices if they do.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from server.roles import publisher, signer, worker

if TYPE_CHECKING:
    from server.parts import Parts

_STARTS = {"worker": worker.start, "publisher": publisher.start, "signer": signer.start}


def start(parts: Parts, roles: Collection[str]) -> None:
    """Set the roles of this process to work."""
    parts.tasks.start("wake-ups", partial(parts.wakeups.bridge, parts.database.url))
    for role, begin in _STARTS.items():
        if role in roles:
            begin(parts)
