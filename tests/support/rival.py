"""A writer in a process of its own: `python -m tests.support.rival URL NUMBER`.

It prints the position of each append once that is acknowledged, so that whoever started it can kill it and hold the
log against what it said. NUMBER 0 appends until it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

from ledger.types import Command
from server.db import Database, PoolSizes
from tests.support.logs import make_writer, public_gift

CALLERS = 16


async def main(url: str, number: int) -> None:
    """Append gifts of 1 from many callers at once."""
    database = await Database.open(url, PoolSizes(writer=2, signer=1, publisher=1, reader=1))
    writer = make_writer(database.writer, "public")
    await writer.start()
    numbers = iter(range(number)) if number else itertools.count()

    async def call() -> None:
        for _ in numbers:
            done = await writer.append(Command((public_gift(1),)))
            print(done.first, flush=True)  # noqa: T201 - what it says is what is tested

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    await writer.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
