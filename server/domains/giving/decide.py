"""What giving decides: the state of one gift folded from its stream, and the event that a command leads to. Pure.

One stream is one payment. Its first entry is the gift; the fee refers to it. A fact that is there is `Repeated`:
duplicates and any order of delivery lead to one gift and one fee (design/operations.md "Gift rules").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from ledger.types import Entry
from server.domains.giving import events
from server.domains.giving.commands import ReceiveGift, RecordFee
from server.domains.giving.events import NewEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Gift:
    """What the stream says so far; every member is None until its event has happened."""

    position: int | None = None
    asset: str | None = None
    fund: str | None = None
    fee_borne_by: str | None = None
    fee_position: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the log has declared: the assets it holds, its funds with their restriction, and its time zone."""

    assets: frozenset[str]
    funds: Mapping[str, Literal["none", "restricted", "unrestricted"]]
    time_zone: tzinfo


@dataclass(frozen=True, slots=True)
class Decided:
    """Write this event."""

    event: NewEvent


@dataclass(frozen=True, slots=True)
class Repeated:
    """It is booked already, at `position`."""

    position: int


@dataclass(frozen=True, slots=True)
class NotHeld:
    """The books hold no account for this asset; `str()` is the sentence for people."""

    asset: str

    def __str__(self) -> str:
        return f"currency {self.asset.partition('/')[0]} is not held"


@dataclass(frozen=True, slots=True)
class OtherAsset:
    """The provider changed the gift into another currency; what the charity really holds is for a person to say."""

    gift_asset: str
    fee_asset: str

    def __str__(self) -> str:
        return f"settled in {self.fee_asset} while the gift is booked in {self.gift_asset}: a person has to look"


@dataclass(frozen=True, slots=True)
class NoGift:
    """The stream holds no gift that a fee could belong to."""

    def __str__(self) -> str:
        return "its gift is not in the books"


@dataclass(frozen=True, slots=True)
class NoFee:
    """The provider kept nothing: known now, and nothing to write."""


GiftDecision = Decided | Repeated | NotHeld
FeeDecision = Decided | Repeated | OtherAsset | NoGift | NoFee


def fold(entries: Iterable[Entry]) -> Gift:
    """Return the state that the stream's entries, in their order, lead to."""
    gift = Gift()
    for entry in entries:
        gift = _apply(gift, entry)
    return gift


def receive_gift(gift: Gift, command: ReceiveGift, rules: Rules, owner: bytes) -> GiftDecision:
    """Book the gift unless it is booked. A fund we do not have is no reason to lose it: it waits in suspense."""
    if gift.position is not None:
        return Repeated(gift.position)
    if command.asset not in rules.assets:
        return NotHeld(command.asset)
    effective_on = _day(command.occurred_at_s, rules.time_zone)
    fund = command.fund or events.GENERAL
    restriction = rules.funds.get(fund)
    # `none` is the colour of what is not money (design/ledger.md 2), so no gift can be for it.
    if restriction is None or fund == "none":
        return Decided(events.gift_suspended(command, effective_on=effective_on, owner=owner))
    restricted = restriction == "restricted"
    return Decided(events.gift_received(command, fund, restricted=restricted, effective_on=effective_on, owner=owner))


def record_fee(gift: Gift, command: RecordFee, time_zone: tzinfo, owner: bytes) -> FeeDecision:
    """Book what the provider kept: borne by the gift's own fund where its giver covered it, otherwise by `general`."""
    if gift.position is None or gift.fund is None or gift.asset is None:
        return NoGift()
    if gift.fee_position is not None:
        return Repeated(gift.fee_position)
    if command.fee_minor == 0:
        return NoFee()
    if command.asset != gift.asset:
        return OtherAsset(gift.asset, command.asset)
    by_giver = gift.fee_borne_by == "giver"
    return Decided(
        events.fee_recorded(
            command,
            gift.fund if by_giver else events.GENERAL,
            borne_by="giver" if by_giver else "charity",
            effective_on=_day(command.occurred_at_s, time_zone),
            gift_position=gift.position,
            owner=owner,
        )
    )


def _apply(gift: Gift, entry: Entry) -> Gift:
    match entry.type:
        case events.GIFT_RECEIVED | events.GIFT_SUSPENDED:
            money = next(posting for posting in entry.postings if posting.account == events.PENDING)
            return Gift(entry.position, money.asset, money.fund, str(entry.data["fee_borne_by"]), gift.fee_position)
        case events.FEE_RECORDED:
            return replace(gift, fee_position=entry.position)
        case _:
            return gift


def _day(at_s: int, time_zone: tzinfo) -> date:
    return (_EPOCH + timedelta(seconds=at_s)).astimezone(time_zone).date()
