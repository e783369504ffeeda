"""/auditor/<log>/…: the protected logs as c2sp.org/tlog-tiles, for the role `auditor`, so that verify.py judges them.

The first request of each token on each log is written into the audit log before anything is answered; the token's later
ones are part of the same reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from server.audit import events
from server.http.context import PRINCIPAL
from server.http.routes import Handler, Route, role
from server.public.log_files import BINARY, TEXT, LogFiles
from server.public.problems import CHECKPOINT_NOT_YET, TILE_NOT_YET, TILE_PATH_INVALID

if TYPE_CHECKING:
    from ledger.types import LogName
    from server.audit.reads import ProtectedReads
    from server.audit.trail import AuditTrail
    from server.identity.authenticator import Principal

READINGS_MAX = 4_096
AUDITOR = role("auditor")


class AuditorFiles:
    """The handlers of one protected log."""

    def __init__(self, log: LogName, reads: ProtectedReads, trail: AuditTrail) -> None:
        self.prefix = f"/auditor/{log}/"
        self._log = log
        self._files = LogFiles(reads, prefix=self.prefix, shared=False)
        self._trail = trail
        self._readings: dict[Principal, None] = {}

    async def checkpoint(self, request: web.Request) -> web.StreamResponse:
        """GET /auditor/<log>/checkpoint."""
        await self._write_down(request[PRINCIPAL])
        return await self._files.checkpoint(request)

    async def tile(self, request: web.Request) -> web.StreamResponse:
        """GET /auditor/<log>/tile/<L>/<N>."""
        await self._write_down(request[PRINCIPAL])
        return await self._files.tile(request)

    async def _write_down(self, principal: Principal) -> None:
        if principal in self._readings:
            return
        await self._trail.record(events.read(what="auditor-tiles", actor=principal.subject, target=self._log))
        while len(self._readings) >= READINGS_MAX:
            del self._readings[next(iter(self._readings))]
        self._readings[principal] = None


def routes(logs: Mapping[LogName, ProtectedReads], trail: AuditTrail) -> list[Route]:
    """The auditors' rows of the route table."""
    rows: list[Route] = []
    for log, reads in logs.items():
        files = AuditorFiles(log, reads, trail)
        rows.append(
            _row(f"{files.prefix}checkpoint", files.checkpoint, f"The newest checkpoint of {log}", TEXT, "A C2SP note.")
        )
        rows.append(
            _row(
                f"{files.prefix}tile/{{path:.+}}",
                files.tile,
                f"A tile or entry bundle of {log}",
                BINARY,
                "As /ledger/tile. What an auditor reads is written into the audit log.",
            )
        )
    return rows


def _row(path: str, handler: Handler, summary: str, response: str, description: str) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        access=AUDITOR,
        summary=summary,
        response=response,
        description=description,
        problems=(CHECKPOINT_NOT_YET, TILE_PATH_INVALID, TILE_NOT_YET),
        tags=("auditors",),
    )
