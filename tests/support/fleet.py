"""The service as it runs in earnest: one process per role on one Postgres, each of which can be killed alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from server.embedded.postgres import SERVICE, EmbeddedPostgres
from server.migrate import migrate
from server.settings import ROLES
from tests.support.service import POLL_S, Service

DATABASE = "postmaster"
KINDS = (*ROLES, DATABASE)
START_ATTEMPTS_MAX = 20
START_PAUSE_S = 0.3
DATABASE_TIMEOUT_S = 60.0


@dataclass
class Fleet:
    """Four processes and their postmaster. What was killed comes back through `revive`, as a supervisor would do it."""

    postgres: EmbeddedPostgres
    members: dict[str, Service]
    refused_starts: int = 0
    _watch: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def web(self) -> Service:
        """The process that answers."""
        return self.members["web"]

    def kill(self, kind: str) -> None:
        """Kill -9 one of KINDS, by the handle of what was started here; whatever is dead stays dead."""
        if kind != DATABASE:
            self.members[kind].kill()
        elif (pid := self.postgres.pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def revive(self, kind: str) -> None:
        """Start one of KINDS again. While the database is away a process may refuse to start, but only with exit 2."""
        if kind == DATABASE:
            return  # the watch of the embedded server does it, as in the service
        member = self.members[kind]
        for _ in range(START_ATTEMPTS_MAX):
            try:
                await asyncio.to_thread(member.start)
            except AssertionError:
                assert member.process is not None
                assert member.process.returncode == 2, f"{kind}: {member.log()[-3000:]}"
                self.refused_starts += 1
                await asyncio.sleep(START_PAUSE_S)
            else:
                return
        raise AssertionError(f"{kind} did not start in {START_ATTEMPTS_MAX} attempts: {member.log()[-3000:]}")

    async def database_answers(self) -> None:
        """Wait until the postmaster accepts connections again."""
        deadline = time.monotonic() + DATABASE_TIMEOUT_S
        while True:
            assert time.monotonic() < deadline, f"the database did not come back within {DATABASE_TIMEOUT_S} s"
            with contextlib.suppress(Exception):
                await migrate(self.postgres.admin_url, SERVICE)
                return
            await asyncio.sleep(POLL_S)

    def watch(self) -> None:
        """Let the embedded server's own watch bring it back whenever it dies."""
        self._watch = asyncio.create_task(self.postgres.watch(), name="watch of the postmaster")

    async def unwatch(self) -> None:
        """Leave the database as it is from now on."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None


@contextlib.asynccontextmanager
async def fleet(directory: Path, **environment: str) -> AsyncIterator[Fleet]:
    """A fleet that runs; whatever it is in the end, it is stopped."""
    postgres = EmbeddedPostgres(directory / "database")
    await postgres.start()
    try:
        await migrate(postgres.admin_url, SERVICE)
        surroundings = {
            "DATABASE_URL": postgres.service_url,
            "SECONDWIND_PROCESSES": str(len(ROLES)),
            **environment,
        }
        members = {
            role: Service(directory / "data", ("--roles", role), surroundings, name=f"-{role}") for role in ROLES
        }
        made = Fleet(postgres, members)
        made.watch()
        try:
            for role in ROLES:
                await asyncio.to_thread(members[role].start)
            yield made
        finally:
            for member in members.values():
                if member.process is not None:
                    await asyncio.to_thread(member.stop)
            await made.unwatch()
    finally:
        await postgres.stop()
