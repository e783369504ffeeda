"""What every store promises. One suite over all that there are, so that those in memory are verified fakes."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator

import pytest

from ledger import canonical, genesis, times
from ledger.errors import (
    ClaimTaken,
    DatabaseUnavailable,
    Expired,
    GuardRefused,
    Halted,
    InvalidCommand,
    KeyReused,
    RejectedByDatabase,
    VersionConflict,
)
from ledger.types import Appended, Claim, Command, Companion, Draft, Idempotency, OwnedPosting, SealedBox, SealedSlots
from tests.support.logs import EMPTY_SLOTS, HELD, SPENT, books_gift, clock_us, public_gift
from tests.support.postgres import Server
from tests.support.stores import Maker, Subject, moved, spend

STREAM, OTHER = b"s" * 32, b"o" * 32
KEY = Idempotency(b"k" * 32, b"r" * 32)


@pytest.fixture(params=["memory", "simulated", "postgres"])
def maker(request: pytest.FixtureRequest, postgres_server: Server) -> Maker:
    return Maker(request.param, postgres_server)


@pytest.fixture
async def store(maker: Maker) -> AsyncIterator[Subject]:
    async with maker.born() as subject:
        yield subject


async def test_positions_are_dense_and_every_entry_passes_the_verifier(store: Subject) -> None:
    first = await store.size()
    done = await asyncio.gather(*(store.give(n + 1) for n in range(40)))
    assert sorted(answer.first for answer in done) == list(range(first, first + 40))
    assert await store.verified() == first + 40
    assert (await store.balances())["assets:cash", b"", "USD/2", "rent"] == sum(range(1, 41))


async def test_an_answer_carries_place_hashes_and_stream_version(store: Subject) -> None:
    done = await store.append(Command((public_gift(1), public_gift(2)), stream=STREAM))
    entries = await store.reader.entries(done.first)
    assert (done.count, done.stream_version, done.replayed) == (2, 2, False)
    assert done.leaf_hashes == tuple(entry.leaf_hash for entry in entries)


async def test_of_a_command_all_drafts_are_written_or_none(store: Subject) -> None:
    size, before = await store.size(), await store.balances()
    with pytest.raises(InvalidCommand, match="fund-undeclared"):
        await store.append(Command((public_gift(5), public_gift(5, fund="nowhere")), stream=STREAM, idempotency=KEY))
    assert await store.size() == size
    assert await store.balances() == before
    assert await store.reader.stream(STREAM) == []
    assert not (await store.give(idempotency=KEY, stream=STREAM, expected_version=0)).replayed


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (public_gift(5, fund="nowhere"), "fund-undeclared"),
        (public_gift(5, asset="XYZ/2"), "account-undeclared"),
        (Draft("giving.gift.received.v1", {"via": "magic"}, private=EMPTY_SLOTS), "data-invalid"),
        (Draft("giving.gift.received.v1", {"via": "bank"}), "private-invalid"),
        (Draft("unknown.type.seen.v1"), "data-invalid"),
        (Draft("ledger.log.opened.v1"), "genesis-invalid"),
        (Draft("ledger.books.attested.v1", {"note": "x" * 4_001}), "data-invalid"),
        (Draft("ledger.books.attested.v1", {"note": "x"}, period="2020-01"), "period-invalid"),
        (
            Draft(
                "giving.gift.received.v1",
                {"via": "bank"},
                (OwnedPosting("assets:cash", "USD/2", "rent", 5),),
                private=EMPTY_SLOTS,
            ),
            "sum-not-zero",
        ),
        (Draft("ledger.books.attested.v1", {"note": "x"}, refers_to=(10**6,)), "refers-invalid"),
        (None, "entry-malformed"),
    ],
)
async def test_what_a_verifier_would_fail_is_refused_with_its_code(
    store: Subject, draft: Draft | None, code: str
) -> None:
    size = await store.size()
    neighbours = [store.give(1) for _ in range(3)]
    bad = store.append(Command((draft,) if draft is not None else ()))
    refused, *others = await asyncio.gather(bad, *neighbours, return_exceptions=True)
    assert isinstance(refused, InvalidCommand)
    assert refused.code == code
    assert all(isinstance(other, Appended) for other in others)
    assert await store.verified() == size + 3


async def test_the_same_request_is_answered_with_the_first_place_however_often_it_comes(store: Subject) -> None:
    done = await asyncio.gather(*(store.give(500, idempotency=KEY, stream=STREAM) for _ in range(50)))
    assert len({(answer.first, answer.count) for answer in done}) == 1
    assert sum(not answer.replayed for answer in done) == 1
    assert len(await store.reader.stream(STREAM)) == 1


async def test_a_replay_is_answered_even_where_the_request_would_be_refused_now(store: Subject) -> None:
    claim = (Claim("refund", b"c" * 32),)
    command = {"stream": STREAM, "expected_version": 0, "idempotency": KEY, "claims": claim}
    first = await store.give(**command)
    again = await store.give(**command, deadline_us=1)
    assert again.replayed
    assert again.first == first.first


async def test_a_key_used_for_another_request_is_refused(store: Subject) -> None:
    first = await store.give(idempotency=KEY)
    with pytest.raises(KeyReused) as refused:
        await store.give(idempotency=Idempotency(KEY.key, b"x" * 32))
    assert refused.value.position == first.first


async def test_a_stream_takes_only_the_version_that_was_decided_on(store: Subject) -> None:
    await store.give(1, stream=STREAM, expected_version=0)
    await store.give(2, stream=STREAM)
    await store.give(3, stream=OTHER, expected_version=0)
    with pytest.raises(VersionConflict) as refused:
        await store.give(4, stream=STREAM, expected_version=1)
    assert (refused.value.expected, refused.value.actual) == (1, 2)
    await store.give(5, stream=STREAM, expected_version=2)
    stream = await store.reader.stream(STREAM)
    amounts = [canonical.parse_entry(entry.bytes).postings[0].amount for entry in stream]
    assert amounts == [1, 2, 5]


async def test_of_many_who_decided_on_the_same_version_one_is_right(store: Subject) -> None:
    decided = (store.give(stream=STREAM, expected_version=0) for _ in range(20))
    done = await asyncio.gather(*decided, return_exceptions=True)
    assert sum(isinstance(answer, Appended) for answer in done) == 1
    assert sum(isinstance(answer, VersionConflict) for answer in done) == 19


async def test_a_provider_object_is_claimed_once_per_kind(store: Subject) -> None:
    """Attacks A14, E10: one refund or payout line books once, whatever stream it comes by."""
    first = await store.give(claims=(Claim("refund", b"c" * 32),))
    with pytest.raises(ClaimTaken, match=f"refund is already booked at position {first.first}"):
        await store.give(claims=(Claim("fee", b"c" * 32), Claim("refund", b"c" * 32)))
    await store.give(claims=(Claim("fee", b"c" * 32),))


async def test_a_guard_refuses_the_decision_that_overdraws_and_never_a_fact(store: Subject) -> None:
    """Attacks C1, C2: what a provider reports books, shows as a deficit and blocks decisions until it is cured."""
    await store.give(1_000)
    decisions = (store.append(spend(600, "spendable(rent)")) for _ in range(5))
    done = await asyncio.gather(*decisions, return_exceptions=True)
    assert sum(isinstance(answer, Appended) for answer in done) == 1
    refused = [answer for answer in done if isinstance(answer, GuardRefused)]
    assert len(refused) == 4
    assert "600" not in str(refused[0])
    await store.append(spend(600))
    assert (await store.balances())["assets:cash", b"", "USD/2", "rent"] == -200
    with pytest.raises(GuardRefused):
        await store.append(spend(1, "spendable(rent)"))


@pytest.mark.parametrize("guard", ["nonsense(rent)", "spendable", "spendable(RENT)"])
async def test_a_guard_that_is_not_one_refuses_its_command_alone(store: Subject, guard: str) -> None:
    bad, good = await asyncio.gather(store.append(spend(1, guard)), store.give(1), return_exceptions=True)
    assert isinstance(bad, InvalidCommand)
    assert isinstance(good, Appended)


async def test_what_a_command_declares_the_rest_of_it_may_use(store: Subject) -> None:
    fund = genesis.fund_declared(genesis.Fund("winter", "restricted", "Winter coats"))
    with pytest.raises(InvalidCommand):
        await store.append(Command((fund, public_gift(1, fund="winter"), public_gift(1, fund="summer"))))
    with pytest.raises(InvalidCommand, match="fund-undeclared"):
        await store.give(1, fund="winter")
    await store.append(Command((fund, public_gift(1, fund="winter"))))
    await store.give(1, fund="winter")
    await store.verified()


async def test_an_account_is_used_once_it_is_declared_and_in_the_assets_that_it_declares(store: Subject) -> None:
    """Point 3 of issue 4: an account is an event of the log, so a stranger knows which there were, and since when."""
    account = genesis.Account("assets:bank:second", "debit", "A second bank")
    money = (
        OwnedPosting(account.path, "USD/2", "rent", 5),
        OwnedPosting("income:gifts", "USD/2", "rent", -5),
    )
    paid = dataclasses.replace(public_gift(5), postings=money)
    with pytest.raises(InvalidCommand, match="account-undeclared"):
        await store.append(Command((paid,)))
    with pytest.raises(InvalidCommand, match="account-undeclared"):
        await store.append(Command((genesis.account_declared(account, ["EUR/2"]), paid)))
    done = await store.append(Command((genesis.account_declared(account, ["USD/2"]), paid)))
    assert done.count == 2
    await store.append(Command((paid,)))
    assert (await store.balances())[account.path, b"", "USD/2", "rent"] == 10
    await store.verified()


async def test_a_closed_period_takes_nothing_more(store: Subject) -> None:
    month = times.month(clock_us(), times.zone("UTC"))
    before = times.month_before(month)
    await store.append(Command((Draft("ledger.books.attested.v1", {"note": "late"}, period=before),)))
    with pytest.raises(InvalidCommand, match="not over yet"):
        await store.append(Command((await store.closing(month),)))
    await store.append(Command((await store.closing(before),)))
    with pytest.raises(InvalidCommand, match="period-closed"):
        await store.append(Command((Draft("ledger.books.attested.v1", {"note": "too late"}, period=before),)))
    await store.give()
    await store.verified()


async def test_a_month_is_closed_on_its_own_trial_balance_and_on_no_other(store: Subject) -> None:
    month = times.month(clock_us(), times.zone("UTC"))
    before = times.month_before(month)
    await store.append(Command((dataclasses.replace(public_gift(500), period=before),)))
    await store.append(Command((public_gift(70),)))
    stale = await store.closing(before)
    await store.append(Command((dataclasses.replace(public_gift(8), period=before),)))
    with pytest.raises(InvalidCommand, match="not the trial balance"):
        await store.append(Command((stale,)))
    closing = await store.closing(before)
    with pytest.raises(InvalidCommand, match="a command of its own"):
        await store.append(Command((public_gift(1), closing)))
    await store.append(Command((closing,)))
    assert (await store.checker()).balances.through(before)["assets:cash", "USD/2", "rent"] == 508


async def test_what_is_pending_is_resolved_once(store: Subject) -> None:
    await store.give(100)
    later = clock_us() + 3_600_000_000
    held = Draft(HELD.name, {}, moved(10), phase="pending", expires_at_us=later)
    first = (await store.append(Command((held, held)))).first
    posted = Draft(HELD.name, {}, moved(1), phase="posted", refers_to=(first,))
    done = await asyncio.gather(*(store.append(Command((posted,))) for _ in range(9)), return_exceptions=True)
    assert sum(isinstance(answer, Appended) for answer in done) == 1
    assert sum(isinstance(answer, ClaimTaken) for answer in done) == 8
    for draft, why in (
        (dataclasses.replace(posted, phase="expired", refers_to=(first + 1,)), "not expired yet"),
        (dataclasses.replace(posted, refers_to=(first - 1,)), "not pending"),
        (dataclasses.replace(posted, refers_to=(10**9,)), "earlier positions"),
    ):
        with pytest.raises(InvalidCommand, match=why):
            await store.append(Command((draft,)))
    both = Command((held, dataclasses.replace(posted, refers_to=(first + 3,))))
    assert (await store.append(both)).first == first + 3
    await store.verified()


async def test_a_type_that_is_a_decision_is_held_to_its_guards_whoever_asks(store: Subject) -> None:
    await store.give(100)
    spent = Draft(SPENT.name, {}, moved(60))
    await store.append(Command((spent,)))
    size = await store.size()
    with pytest.raises(GuardRefused, match=r"spendable\(rent\)"):
        await store.append(Command((spent,)))
    with pytest.raises(GuardRefused):
        await store.append(Command((spent, public_gift(500))))
    await store.append(Command((public_gift(20), spent)))
    assert await store.verified() == size + 2


async def test_a_deadline_that_passed_drops_the_command(store: Subject) -> None:
    size = await store.size()
    with pytest.raises(Expired):
        await store.give(deadline_us=clock_us() - 1)
    await store.give(deadline_us=clock_us() + 60_000_000)
    assert await store.size() == size + 1


async def test_a_companion_is_told_where_its_command_stands_and_whether_it_is_new(store: Subject) -> None:
    first = await store.give(idempotency=KEY, companion=Companion("note", {"name": "a"}))
    await store.give(idempotency=KEY, companion=Companion("note", {"name": "b"}))
    with pytest.raises(InvalidCommand):
        await store.give(fund="nowhere", companion=Companion("note", {"name": "c"}))
    assert await store.noted() == [("a", first.first, 1, True), ("b", first.first, 1, False)]


async def test_a_companion_that_raises_refuses_its_command_alone_and_whole(store: Subject) -> None:
    size = await store.size()
    claim = (Claim("refund", b"c" * 32),)
    bad = store.give(
        7, stream=STREAM, idempotency=KEY, claims=claim, fund="tech", companion=Companion("check", {"n": 0})
    )
    good = [store.give(1, companion=Companion("check", {"n": 1})) for _ in range(6)]
    refused, *others = await asyncio.gather(bad, *good, return_exceptions=True)
    assert isinstance(refused, RejectedByDatabase)
    assert all(isinstance(answer, Appended) for answer in others)
    assert await store.verified() == size + 6
    assert ("assets:cash", b"", "USD/2", "tech") not in await store.balances()
    assert not (await store.give(stream=STREAM, expected_version=0, idempotency=KEY, claims=claim)).replayed


async def test_a_companion_that_nobody_registered_is_a_mistake_of_the_program(store: Subject) -> None:
    with pytest.raises(LookupError, match="no companion 'nobody'"):
        await store.give(companion=Companion("nobody", {}))


async def test_a_halted_log_takes_nothing(store: Subject) -> None:
    await store.give()
    await store.give()
    size = await store.size()
    await store.halt("position 3: changed")
    with pytest.raises(Halted, match="position 3"):
        await store.give()
    assert await store.size() == size


async def test_a_closed_store_takes_nothing(store: Subject) -> None:
    await store.close()
    with pytest.raises(DatabaseUnavailable, match="stopping"):
        await store.give()


async def test_a_guard_by_owner_counts_what_is_the_owners_own_in_every_fund(maker: Maker) -> None:
    """Attacks A14, C2: of one gift no more is given back than it was, whoever else has money there."""
    async with maker.born("books") as books:
        for owner, fund in ((STREAM, "rent"), (STREAM, "general"), (OTHER, "rent")):
            await books.append(Command((books_gift(100, owner=owner, fund=fund),)))
        taken = Command((books_gift(-150, owner=STREAM),), guards=(f"gift({STREAM.hex()})",))
        done = await asyncio.gather(*(books.append(taken) for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in done] == [Appended, GuardRefused, GuardRefused]
        await books.append(Command((books_gift(-100, owner=OTHER),), guards=(f"gift({OTHER.hex()})",)))
        nobodys = Command((books_gift(-1, owner=b"n" * 32),), guards=(f"gift({(b'n' * 32).hex()})",))
        with pytest.raises(GuardRefused):
            await books.append(nobodys)
        await books.verified()


async def test_sealed_slots_come_back_as_they_went_in(store: Subject) -> None:
    box = SealedBox("identity", "key-1", b"w" * 40, b"n" * 24, b"c" * 100)
    sealed = SealedSlots(EMPTY_SLOTS.root, EMPTY_SLOTS.slot_hashes, (box,))
    gift = public_gift()
    done = await store.append(Command((Draft(gift.type, gift.data, gift.postings, private=sealed),)))
    note = Draft("ledger.books.attested.v1", {"note": "without slots"})
    bare = await store.append(Command((note,)))
    assert await store.reader.slots([done.first, bare.first]) == {done.first: sealed}


async def test_reads_stop_at_their_limits_but_never_at_nothing(store: Subject) -> None:
    entries = await store.reader.entries(0)
    assert len(await store.reader.entries(2, 3)) == 3
    assert await store.reader.entries(0, bytes_max=1) == entries[:1]
    two = len(entries[0].bytes) + len(entries[1].bytes)
    assert await store.reader.entries(0, bytes_max=two) == entries[:2]
    assert await store.reader.entries(len(entries)) == []


async def test_time_in_books_rises_strictly_and_in_public_stands_on_the_minute(maker: Maker) -> None:
    async with maker.born("books") as books:
        await asyncio.gather(*(books.append(Command((books_gift(1),))) for _ in range(30)))
        at = [entry.at_us for entry in await books.reader.entries(0)]
        assert all(earlier < later for earlier, later in itertools.pairwise(at))
        await books.verified()
    async with maker.born("public") as public:
        await asyncio.gather(*(public.give(1) for _ in range(30)))
        assert all(entry.at_us % times.MINUTE_US == 0 for entry in await public.reader.entries(0))
        await public.verified()


async def test_balances_in_books_are_kept_by_owner_and_bytes_do_not_tell(maker: Maker) -> None:
    async with maker.born("books") as books:
        done = await books.append(Command((books_gift(100, owner=STREAM),)))
        await books.append(Command((books_gift(70, owner=OTHER),)))
        balances = await books.balances()
        assert balances["assets:stripe:pending", STREAM, "USD/2", "rent"] == 100
        assert balances["assets:stripe:pending", OTHER, "USD/2", "rent"] == 70
        assert STREAM not in (await books.reader.entries(done.first, 1))[0].bytes
