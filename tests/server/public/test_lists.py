"""What is read from the lists costs the same however long the log is."""

from __future__ import annotations

from server.public.lists import ListReads, TrialBalance
from server.public.proofs import NotCovered
from tests.server.public.small_log import ASSET, SmallLog, gift


async def test_balances_are_kept_per_account_asset_and_fund(log: SmallLog) -> None:
    await log.begin()
    await log.append(gift(1, "rent", 100, 3), gift(2, "rent", 23, 4), gift(3, "tech", 5, 1))
    await log.sign()
    await log.fold()
    found = await ListReads(log.database.reader).trial_balance(log.size - 1)
    assert isinstance(found, TrialBalance)
    assert found.balances == {
        ("assets:cash", ASSET, "rent"): 123,
        ("expenses:processing", ASSET, "rent"): 7,
        ("income:gifts", ASSET, "rent"): -123,
        ("liabilities:accrued_fees", ASSET, "rent"): -7,
    }
    assert len(found.digest) == 32


async def test_nothing_is_said_of_sizes_that_are_not_signed_or_not_in_the_lists(log: SmallLog) -> None:
    reads = ListReads(log.database.reader)
    assert await reads.trial_balance(None) == NotCovered(0)
    await log.grow(30)
    await log.sign()
    assert await reads.trial_balance(None) == await reads.trial_balance(7) == NotCovered(0)
    await log.fold()
    assert await reads.trial_balance(31) == NotCovered(30)
    assert isinstance(await reads.trial_balance(30), TrialBalance)
