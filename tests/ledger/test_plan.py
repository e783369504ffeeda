"""The writer's decision as a pure function: whatever comes, what is written is accepted by the verifier's rules."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import genesis
from ledger.canonical import EMPTY_HASH
from ledger.declared import Declared
from ledger.errors import LedgerError
from ledger.plan import Plan, State, plan_batch, wanted
from ledger.types import Appended, Claim, Command, Companion, Head, Idempotency
from ledger.verify import EntryChecker
from tests.support.logs import born, clock_us, origin_of, public_gift

NOW_US = clock_us()
EMPTY = Head("public", origin_of("public"), "UTC", 0, EMPTY_HASH, 0, 1, -1)


def opened() -> tuple[Plan, State]:
    state = State(Declared("public"))
    return plan_batch(EMPTY, state, [genesis.command(born("public"))], NOW_US), state


drafts = st.tuples(
    st.integers(1, 10**12), st.sampled_from(["general", "rent", "nowhere"]), st.sampled_from(["USD/2", "XXX"])
)
commands = st.builds(
    lambda parts, stream, version, key, claim: Command(
        drafts=tuple(public_gift(amount, fund=fund, asset=asset) for amount, fund, asset in parts),
        stream=bytes([stream]) * 32 if stream is not None else None,
        expected_version=version,
        idempotency=Idempotency(bytes([key]) * 32, bytes([key % 2]) * 32) if key is not None else None,
        claims=(Claim("refund", bytes([claim]) * 32),) if claim is not None else (),
        companion=Companion("any", {}),
    ),
    st.lists(drafts, max_size=3),
    st.none() | st.integers(0, 2),
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 3),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(commands, max_size=12), st.lists(st.integers(0, 120_000_000), min_size=1, max_size=3))
def test_every_plan_is_dense_whole_and_acceptable(batch: list[Command], times: list[int]) -> None:
    plan, state = opened()
    checker = EntryChecker(origin_of("public"), "public")
    for row in plan.entries:
        checker.check(row.position, row.bytes)
    now = NOW_US
    for step in times:
        now += step
        plan = plan_batch(plan.head, state, batch, now)
        for row in plan.entries:
            checker.check(row.position, row.bytes)
            assert row.leaf_hash == checker.prev
        assert checker.size == plan.head.size
        for planned in plan.planned:
            assert isinstance(planned.outcome, Appended | LedgerError)
            if planned.fresh:
                assert len(planned.entries) == len(planned.command.drafts)
            else:
                assert planned.entries == ()
        assert sum(plan.balances.values()) == 0


def test_a_repeated_key_is_answered_with_the_first_place() -> None:
    plan, state = opened()
    command = Command((public_gift(),), idempotency=Idempotency(b"k" * 32, b"r" * 32))
    plan = plan_batch(plan.head, state, [command, command], NOW_US)
    first, second = (planned.outcome for planned in plan.planned)
    assert isinstance(first, Appended)
    assert isinstance(second, Appended)
    assert second.replayed
    assert second.first == first.first
    assert len(plan.entries) == 1


def test_time_in_public_is_a_whole_minute_and_never_goes_back() -> None:
    plan, state = opened()
    plan = plan_batch(plan.head, state, [Command((public_gift(),))], NOW_US + 180_000_000)
    later = plan.entries[0].at_us
    plan = plan_batch(plan.head, state, [Command((public_gift(),))], NOW_US)
    assert later % 60_000_000 == 0
    assert plan.entries[0].at_us == later


def test_what_has_to_be_read_is_asked_for_once() -> None:
    command = Command((public_gift(),), stream=b"s" * 32, idempotency=Idempotency(b"k" * 32, b"r" * 32))
    asked = wanted([command, command])
    assert asked.streams == (b"s" * 32,)
    assert asked.keys == (b"k" * 32,)
