"""A wire to Postgres that can be cut at the worst moment: between a client's COMMIT and the answer to it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

SOCKET_NAME = ".s.PGSQL.5432"
CHUNK_BYTES = 65_536

Fault = Literal["none", "commit lost on the way", "answer lost on the way"]


@dataclass
class Wire:
    """`url` leads to the database through it. A fault strikes the next message that contains `marks`, once.

    `answers` may change what the database says. While `refusing`, nobody is connected any more. Without `flowing`
    everything stays on the way: the other side neither answers nor goes away.
    """

    url: str
    fault: Fault = "none"
    marks: bytes = b"commit\0"
    refusing: bool = False
    answers: Callable[[bytes], bytes] = bytes
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.flowing.set()

    def cut(self) -> None:
        """Cut every connection that stands."""
        for writer in self.open:
            writer.transport.abort()

    async def carry(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        if self.refusing:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_unix_connection(target)
        self.open |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._there(reader, writer, far_writer))
                group.create_task(self._back(far_reader, writer, far_writer))
        finally:
            for end in (writer, far_writer):
                self.open.discard(end)
                end.transport.abort()

    async def _there(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far_writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self.flowing.wait()
                strikes = self.fault != "none" and self.marks in chunk
                if strikes and self.fault == "commit lost on the way":
                    break
                far_writer.write(chunk)
                await far_writer.drain()
                if strikes:
                    break
            else:
                strikes = False
            if strikes:
                self.fault = "none"
                self.struck.set()
        writer.close()
        far_writer.close()

    async def _back(
        self, far_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far_writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await far_reader.read(CHUNK_BYTES):
                await self.flowing.wait()
                writer.write(self.answers(chunk))
                await writer.drain()
        writer.close()
        far_writer.close()


@contextlib.asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """A wire in front of the unix socket that `url` names."""
    parts = urlsplit(url)
    target = str(Path(parse_qs(parts.query)["host"][0]) / SOCKET_NAME)
    with tempfile.TemporaryDirectory(prefix="wire-") as directory:
        made = Wire(urlunsplit(parts._replace(query=f"host={quote(directory, safe='')}")))

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await made.carry(target, reader, writer)

        server = await asyncio.start_unix_server(carry, str(Path(directory) / SOCKET_NAME))
        try:
            yield made
        finally:
            server.close()
            made.cut()
            await server.wait_closed()
