"""The subscribers of `live` as a process of their own: `python -m tests.bench.listeners ADDRESS COUNT FILE`.

It says `listening` once all follow the ledger live, and after a line on stdin writes to FILE, as doubles, position and
time (s since 1970) of every entry that each subscriber got. The sockets are bare: a library that decodes every message
for each of a hundred subscribers would take the core whose service is measured.
"""

from __future__ import annotations

import array
import asyncio
import json
import os
import re
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop

CONNECT_TIMEOUT_S = 20.0
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
LENGTH_16, LENGTH_64 = 126, 127
find_position = re.compile(rb'\{"t":"ev","s":"ledger","p":(\d+),').match


def masked(opcode: int, payload: bytes) -> bytes:
    """A frame as a client sends it, with a mask of zeros. The payload has at most 125 bytes."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


def frames(data: bytearray) -> list[tuple[int, bytes]]:
    """Take the whole frames (opcode, payload) off the front of what a server sent; a part of one stays."""
    found = []
    start = 0
    while len(data) - start >= 2:
        length, head = data[start + 1] & 0x7F, start + 2
        extra = {LENGTH_16: 2, LENGTH_64: 8}.get(length, 0)
        if extra:
            length = int.from_bytes(data[head : head + extra], "big")
            head += extra
        if len(data) < head + length:
            break
        found.append((data[start] & 0x0F, bytes(data[head : head + length])))
        start = head + length
    del data[:start]
    return found


class Listener(asyncio.Protocol):
    """One subscriber. `ready` is done once it follows the ledger."""

    def __init__(self, host: str, got: array.array[float]) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._host = host
        self._got = got
        self._data = bytearray()
        self._upgraded = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a websocket."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        key = b64encode(os.urandom(16)).decode()
        lines = ("GET /v1/ws HTTP/1.1", f"Host: {self._host}", "Upgrade: websocket", "Connection: Upgrade")
        more = (f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: rt.v1.json")
        self._transport.write("\r\n".join((*lines, *more, "", "")).encode())

    def data_received(self, data: bytes) -> None:
        """Note each entry with the time at which its bytes were here."""
        now = time.time()
        self._data += data
        if not self._upgraded:
            self._upgrade()
        for opcode, payload in frames(self._data):
            if match := find_position(payload):
                self._got.extend((int(match[1]), now))
            elif opcode == TEXT and not self.ready.done():
                self._greeted(json.loads(payload))
            elif opcode == PING:
                self._send(PONG, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits for it."""
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("the service closed the socket before it was followed"))

    def _upgrade(self) -> None:
        head, _, rest = bytes(self._data).partition(b"\r\n\r\n")  # a small answer comes whole
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"the service refused a websocket: {head[:200]!r}")
        self._upgraded, self._data = True, bytearray(rest)
        self._send(TEXT, b'{"t":"hello","v":1}')
        self._send(TEXT, b'{"t":"sub","id":1,"s":"ledger","from":"now"}')

    def _greeted(self, message: dict[str, object]) -> None:
        if message["t"] == "ok":
            self.ready.set_result(None)
        elif message["t"] == "err":
            self.ready.set_exception(ConnectionError(f"the service refused to be followed: {message}"))

    def _send(self, opcode: int, payload: bytes) -> None:
        assert self._transport is not None
        self._transport.write(masked(opcode, payload))


async def main(address: str, count: int) -> array.array[float]:
    """Follow the ledger with so many sockets until told to end; what they got."""
    where = urlsplit(address)
    got = array.array("d")
    loop = asyncio.get_running_loop()
    listeners = [
        (await loop.create_connection(lambda: Listener(where.netloc, got), where.hostname or "", where.port or 0))[1]
        for _ in range(count)
    ]
    await asyncio.wait_for(asyncio.gather(*(listener.ready for listener in listeners)), CONNECT_TIMEOUT_S)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    return got


if __name__ == "__main__":
    Path(sys.argv[3]).write_bytes(uvloop.run(main(sys.argv[1], int(sys.argv[2]))).tobytes())
