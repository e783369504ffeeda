"""Three months of a charity through every pass: what a stranger and the operator's own check say of the result."""

from __future__ import annotations

from pathlib import Path

from ledger import canonical, fsck
from ledger.batches import BatchKey
from server.closing.closer import Closer
from tests.clients.verifier.published import Published
from tests.server.publishing.world import World, move, sums
from tests.support.logs import BATCH_SEED, key_of

GIVERS = "abcdefghijkl"
CHOICES = ("live", "quiet", "hidden")


async def month(world: World, number: int) -> None:
    """Gifts of twelve people with fees and some refunds, money set aside, help, spending, a payout."""
    gifts = []
    for n, who in enumerate(GIVERS * 2):
        visibility = CHOICES[n % 3] if n < len(GIVERS) else CHOICES[(n + number) % 3]
        gifts.append(await world.give(40_000 + 10 * n + number, who, visibility=visibility))
        await world.fee(gifts[-1], 1_190 + n)
    await world.publish()
    await world.mix().step()
    await world.book("giving.float.set.v1", move("assets:float:help", "assets:stripe:pending", 100_000), {})
    for n in range(10 + number):
        await world.help(f"person {n}", 2_000 + n, category=("rent", "tech")[n % 2], vendor=f"v{n % 4}")
    for gift in gifts[:6]:
        postings = move("income:gifts_returned", "assets:stripe:available", 5_000)
        await world.book("giving.refund.recorded.v1", postings, {}, refers_to=(gift,))
    vendor = {"vendor": {"slug": "corner-hardware"}}
    postings = move("expenses:equipment", "assets:stripe:pending", 900)
    await world.book("giving.spending.paid.v1", postings, vendor, vendor_named="yes")
    await world.book("giving.payout.made.v1", move("assets:bank", "assets:stripe:available", 50_000), {})
    await world.publish()
    await world.mix().step()


async def test_a_stranger_and_fsck_accept_what_three_months_publish(world: World, tmp_path: Path) -> None:
    passes, public = world.passes(), world.public
    closer = Closer(public.pool, public.reader, public.writer, world.year.clock_us, passes.is_done)
    for number, after in enumerate(("2026-02", "2026-03", "2026-04")):
        await month(world, number)
        await world.year.go_to(f"{after}-04T01:00:00")
        await world.pass_months()
        await world.mix().step()
        await world.year.go_to(f"{after}-05T01:00:00")
        assert await closer.step() == 1
    entries = [stored.bytes for stored in await public.reader.entries(0)]
    told = [canonical.parse_entry(data) for data in entries]
    assert {entry.type for entry in told if entry.type.startswith("giving.")} == {
        "giving.fees.settled.v1",
        "giving.float.set.v1",
        "giving.gift.received.v1",
        "giving.gift_batch.received.v1",
        "giving.help.cleared.v1",
        "giving.help.pooled.v1",
        "giving.payout.made.v1",
        "giving.reversals.settled.v1",
        "giving.spending.paid.v1",
    }
    directory = Published(tmp_path / "log", key_of("public"))
    directory.write(entries)
    code, report = directory.judge(vkey=key_of("public").vkey)
    assert (code, report["verdict"], report["unknown_types"]) == (2, "could-not-tell", {}), report
    async with world.year.admin.transaction(isolation="repeatable_read", readonly=True):
        judged = await fsck.judge(world.year.admin, "public", batch_public=BatchKey(BATCH_SEED).public)
    assert judged.faults == []
    hidden = sum(sums(entry)["income:gifts", "rent"] for entry in told if entry.type == "giving.gift_batch.received.v1")
    assert hidden < 0
