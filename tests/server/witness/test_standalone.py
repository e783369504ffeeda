"""`secondwind witness` as its own process: it keeps its word over kills, and has one name."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from ledger import cosignature, witness_policy
from server.errors import StartRefused
from server.witness import standalone
from tests.support.witnesses import FORKED, WitnessProcess, request, signed, witness_process
from tests.vectors.trees import KEY

pytestmark = pytest.mark.timeout(60)


async def ask(one: WitnessProcess, body: bytes) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(f"{one.address}/add-checkpoint", data=body) as answer:
        return answer.status, await answer.text()


async def test_a_witness_that_is_killed_remembers_everything_that_it_answered(tmp_path: Path) -> None:
    """A3: kill -9 in the middle of many questions; afterwards it is where its answers say, or one further."""
    with witness_process(tmp_path, KEY.vkey) as one:
        for size in (1, 2):
            assert (await ask(one, request(size - 1, size)))[0] == 200
        asking = asyncio.create_task(ask(one, request(2, 5)))
        await asyncio.sleep(0)
        one.kill()
        answered = await asyncio.gather(asking, return_exceptions=True)
        one.start()
        status, known = await ask(one, request(0, 8, FORKED))
        assert status == 409
        assert known in {"2\n", "5\n"} if isinstance(answered[0], BaseException) else known == "5\n"
        assert (await ask(one, request(int(known), 8, FORKED)))[0] == 422
        status, line = await ask(one, request(int(known), 8))
        assert status == 200
        assert [c.key for c in cosignature.read(signed(8) + line, [one.key])] == [one.key]
        assert one.stop() == 0


def test_its_name_is_chosen_once(tmp_path: Path) -> None:
    logs = witness_policy.parse(f"log {KEY.vkey}\nquorum none\n").logs
    with pytest.raises(StartRefused, match="no name yet"):
        standalone.open_witness(tmp_path / "w", None, logs, lambda: 0)
    one = standalone.open_witness(tmp_path / "w", "w.example.org", logs, lambda: 0)
    with pytest.raises(StartRefused, match="Another witness"):
        standalone.open_witness(tmp_path / "w", None, logs, lambda: 0)
    one.release()
    with pytest.raises(StartRefused, match="stays so"):
        standalone.open_witness(tmp_path / "w", "x.example.org", logs, lambda: 0)
    again = standalone.open_witness(tmp_path / "w", None, logs, lambda: 0)
    assert again.vkey == one.vkey
    again.release()
