"""The store in memory answers as the one in Postgres does, to anything. The contract: test_store_contract.py."""

from __future__ import annotations

import random

import pytest

from ledger import genesis
from ledger.errors import InvalidCommand, LedgerError, RejectedByDatabase
from ledger.memory import MemoryStore
from ledger.store import create_log
from ledger.types import Claim, Command, Companion, Idempotency, LogName
from tests.support.logs import born, clock_us, make_writer, origin_of, public_gift
from tests.support.postgres import Server, opened
from tests.support.stores import Maker, Subject, spend

STREAM, OTHER = b"s" * 32, b"o" * 32


@pytest.mark.parametrize("log", ["books", "public"])
async def test_before_genesis_only_a_genesis_is_taken(postgres_server: Server, log: LogName) -> None:
    memory = MemoryStore(log, origin=origin_of(log), clock=clock_us)
    await memory.start()
    with pytest.raises(InvalidCommand, match="genesis-invalid"):
        await memory.append(Command((public_gift(),)))
    async with opened(postgres_server) as database:
        async with database.writer.acquire() as connection:
            await create_log(connection, log, origin=origin_of(log), mode="test", time_zone="UTC")
        writer = make_writer(database.writer, log)
        await writer.start()
        with pytest.raises(InvalidCommand, match="genesis-invalid"):
            await writer.append(Command((public_gift(),)))
        assert (await writer.append(genesis.command(born(log)))).first == 0
        await writer.close()


def _random_command(dice: random.Random) -> Command:
    key = dice.choice([None, *range(6)])
    return Command(
        tuple(
            public_gift(
                dice.randint(1, 50), fund=dice.choice(["rent", "tech", "nowhere"] if dice.random() < 0.2 else ["rent"])
            )
            for _ in range(dice.choice([0, 1, 1, 1, 2]))
        )
        or spend(dice.randint(1, 80)).drafts,
        stream=dice.choice([None, STREAM, OTHER]),
        expected_version=dice.choice([None, None, 0, 1, 2]),
        idempotency=Idempotency(bytes([key]) * 32, bytes([dice.randint(0, 1)]) * 32) if key is not None else None,
        claims=tuple(Claim("refund", bytes([dice.randint(0, 9)]) * 32) for _ in range(dice.choice([0, 0, 0, 1]))),
        guards=dice.choice([(), ("spendable(rent)",)]),
        companion=dice.choice([None, Companion("check", {"n": dice.randint(0, 3)})]),
    )


async def _told(subject: Subject, command: Command) -> object:
    try:
        done = await subject.append(command)
    except LedgerError as error:
        return type(error).__name__, str(error) if not isinstance(error, RejectedByDatabase) else ""
    return done.first, done.count, done.stream_version, done.replayed


@pytest.mark.parametrize("seed", range(3))
async def test_both_stores_answer_a_long_history_alike(postgres_server: Server, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a history that can be told again
    commands = [_random_command(dice) for _ in range(250)]
    memory, postgres = Maker("memory", postgres_server), Maker("postgres", postgres_server)
    async with memory.born() as one, postgres.born() as other:
        assert [await _told(one, command) for command in commands] == [
            await _told(other, command) for command in commands
        ]
        balances = {key: amount for key, amount in (await one.balances()).items() if amount}
        assert balances == {key: amount for key, amount in (await other.balances()).items() if amount}
        assert await one.verified() == await other.verified()
