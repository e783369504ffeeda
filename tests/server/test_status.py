"""What everybody may know of a service that stands still, and what only its operator may."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.reader import LogReader
from ledger.types import LogName
from server.birth import LogIdentity
from server.db import Database
from server.http.page import WebPage
from server.status import HALTED_ELSEWHERE, operator_facts, public_facts
from tests.support.logs import born_log, clock_us

REASON = "position 7: the bytes are not what was hashed"


async def halt(database: Database, log: LogName) -> Mapping[LogName, LogReader]:
    await database.signer.execute("update ledger_heads set halted = $2 where log = $1", log, REASON)
    return {"public": LogReader(database.writer, "public"), "books": LogReader(database.writer, "books")}


@pytest.mark.parametrize("log", ["books", "public"])
async def test_nobody_outside_learns_the_size_of_another_log_when_it_is_halted(
    database: Database, log: LogName
) -> None:
    """Attacks B12: how large `books` is counts what people asked of us, and `halted` names a position of it."""
    async with born_log(database.writer, "public") as public, born_log(database.writer, "books"):
        readers = await halt(database, log)
        facts = public_facts(LogIdentity("public", public.origin, "test", "", "UTC"), readers, WebPage(), clock_us)
        size = await facts["size"]()
        reason = REASON if log == "public" else HALTED_ELSEWHERE
        assert await facts["halted"]() == {"log": log, "at": size, "reason": reason}


async def test_the_operator_is_told_where_and_why_a_log_is_halted(database: Database) -> None:
    async with born_log(database.writer, "public"), born_log(database.writer, "books") as books:
        readers = await halt(database, "books")
        nothing: Any = SimpleNamespace()
        logs: Any = await operator_facts(database, nothing, nothing, nothing, readers)["logs"]()
        head = await books.reader.existing_head()
        assert logs["books"] == {"size": head.size, "epoch": 1, "halted": REASON}
        assert logs["public"]["halted"] is None
