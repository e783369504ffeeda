"""Commands are values: what was asked for does not change on its way."""

from __future__ import annotations

import dataclasses

import pytest

from server.domains.giving.commands import ReceiveGift, RecordFee

GIFT = ReceiveGift(100, "USD/2", None, cover_fees=False, visibility="live", occurred_at_s=1)


@pytest.mark.parametrize(
    ("command", "member"), [(GIFT, "amount_minor"), (RecordFee(3, "USD/2", 1, "txn_1"), "fee_minor")]
)
def test_a_command_cannot_be_changed(command: object, member: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(command, member, 1)


def test_a_gift_without_more_to_say_came_through_the_processor_and_has_no_private_parts() -> None:
    assert (GIFT.via, GIFT.private) == ("processor", {})
