"""Fees that recovered gifts are owed: a row for each gift without one, whatever had become of its row before."""

from __future__ import annotations

from pathlib import Path

from server.files.owed import Owed
from server.payments.translate import FeeReference
from server.vault import vault_at
from tests.server.files.charity import give, publish, somewhere
from tests.support.postgres import Server


async def test_a_gift_whose_fee_was_lost_is_asked_for_again(postgres_server: Server, tmp_path: Path) -> None:
    """Attack E7: its row had gone with the fee that was booked behind the published checkpoint."""
    files = tmp_path / "files"
    async with somewhere(postgres_server, tmp_path / "old", files) as old:
        async with old.parts() as parts:
            positions = [await give(parts, name) for name in "abc"]
            await old.admin.execute("delete from payments_pending_fees where position = $1", positions[1])
            await publish(parts)
        async with somewhere(postgres_server, tmp_path / "new", files, keys_of=tmp_path / "old") as new:
            await new.recover()
            async with new.parts() as parts:
                owed = {fee.position: parts.fees.open(fee) for fee in await parts.fees.claim("me", lease_s=9, limit=9)}
            assert owed == {
                position: FeeReference(payment_intent=f"pi_{name}")
                for position, name in zip(positions, "abc", strict=True)
            }


async def test_a_gift_whose_fee_is_booked_after_all_is_not_asked_for(postgres_server: Server, tmp_path: Path) -> None:
    vault = vault_at(tmp_path)
    async with somewhere(postgres_server, tmp_path / "old", tmp_path / "files") as old:
        reference = FeeReference(charge="ch_1")
        await Owed({3: (b"a" * 32, reference), 4: (b"b" * 32, reference)}).carry_on(old.admin, vault)
        await Owed({5: (b"c" * 32, reference)}, {4, 5}).carry_on(old.admin, vault)
        rows = await old.admin.fetch("select position, stream from payments_pending_fees")
        assert [(row["position"], row["stream"]) for row in rows] == [(3, b"a" * 32)]
