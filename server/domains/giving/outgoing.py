"""What giving decides about money after it was given: settled, paid back, set aside, paid out. Pure.

Facts of a provider are booked as they are told, once; a refund beyond its gift is refused (attacks A14). Decisions are
held here to what needs no lock, round steps and public cover (C3, B9), and under the lock to their types' guards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from ledger.types import Entry, OwnedPosting
from server.domains.giving import outgoing_types as types
from server.domains.giving.decide import Decided, NoGift, OtherAsset, fold
from server.domains.giving.events import PENDING, NewEvent, owners
from server.domains.giving.outgoing_commands import (
    MakePayout,
    PayHelp,
    PaySpending,
    RecordDispute,
    RecordRefund,
    SetFloat,
    SettleGift,
)

AVAILABLE: Final = "assets:stripe:available"
DISPUTED: Final = "assets:stripe:disputed"
BANK: Final = "assets:bank"
FLOAT: Final = "assets:float"
RETURNED: Final = "income:gifts_returned"
HELP: Final = "expenses:help"
EXPENSES: Final = "expenses"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Given:
    """A gift's stream as far as it matters here."""

    position: int
    asset: str
    fund: str
    amount_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class TooMuch:
    """More would be paid back than was given; `str()` is the sentence for people."""

    left_minor: int

    def __str__(self) -> str:
        return f"of the gift {self.left_minor} is left to be paid back: a person has to look"


@dataclass(frozen=True, slots=True)
class NotRound:
    """Money is set aside in round steps only (B9)."""

    step_minor: int

    def __str__(self) -> str:
        return f"set aside a multiple of {self.step_minor}"


@dataclass(frozen=True, slots=True)
class NotCovered:
    """What is not published yet is not spendable. The balance is not told (B14)."""

    def __str__(self) -> str:
        return "not possible now: what is published does not cover it"


@dataclass(frozen=True, slots=True)
class NotPaid:
    """There is no such help that could have come back."""

    def __str__(self) -> str:
        return "this entry is no help that was paid"


ReversalDecision = Decided | NoGift | OtherAsset | TooMuch


def fold_given(entries: Iterable[Entry]) -> Given | None:
    """Return the gift that a stream holds, with what was paid back of it; None without one."""
    seen = list(entries)
    gift = fold(seen)
    if gift.position is None or gift.asset is None or gift.fund is None:
        return None
    first = next(entry for entry in seen if entry.position == gift.position)
    refunds = [entry for entry in seen if entry.type == types.REFUND_RECORDED]
    refunded = sum(_of(entry, RETURNED) for entry in refunds)
    return Given(gift.position, gift.asset, gift.fund, _of(first, PENDING), refunded)


def settle_gift(given: Given | None, command: SettleGift, time_zone: tzinfo, owner: bytes) -> ReversalDecision:
    """Move a gift's money from pending to available, as the provider tells it."""
    refusal = _refused(given, command.asset)
    if given is None or refusal is not None:
        return refusal or NoGift()
    lines = _moved(AVAILABLE, PENDING, given.asset, given.fund, command.amount_minor, owner)
    return _decided(types.GIFT_SETTLED, lines, command, time_zone, refers_to=given.position)


def record_refund(given: Given | None, command: RecordRefund, time_zone: tzinfo, owner: bytes) -> ReversalDecision:
    """Book what the provider paid back, never more of a gift than was given (A14)."""
    refusal = _refused(given, command.asset)
    if given is None or refusal is not None:
        return refusal or NoGift()
    left = given.amount_minor - given.refunded_minor
    if command.amount_minor > left:
        return TooMuch(left)
    lines = _moved(RETURNED, AVAILABLE, given.asset, given.fund, command.amount_minor, owner)
    return _decided(types.REFUND_RECORDED, lines, command, time_zone, refers_to=given.position)


def record_dispute(given: Given | None, command: RecordDispute, time_zone: tzinfo, owner: bytes) -> ReversalDecision:
    """Book what a bank holds back, gives free, or takes."""
    refusal = _refused(given, command.asset)
    if given is None or refusal is not None:
        return refusal or NoGift()
    debit, credit = {
        "opened": (DISPUTED, AVAILABLE),
        "won": (AVAILABLE, DISPUTED),
        "lost": (RETURNED, DISPUTED),
    }[command.outcome]
    lines = _moved(debit, credit, given.asset, given.fund, command.amount_minor, owner)
    data = {"outcome": command.outcome}
    return _decided(types.DISPUTE_RECORDED, lines, command, time_zone, data, given.position)


def set_float(
    command: SetFloat, step_minor: int, public_spendable_minor: int, time_zone: tzinfo
) -> Decided | NotRound | NotCovered:
    """Set money aside: a multiple of the policy's step, no more than the fund has in public (B9, C3)."""
    if command.amount_minor <= 0 or command.amount_minor % step_minor:
        return NotRound(step_minor)
    if command.amount_minor > public_spendable_minor:
        return NotCovered()
    lines = _moved(f"{FLOAT}:{command.purpose}", BANK, command.asset, command.fund, command.amount_minor)
    return _decided(types.FLOAT_SET, lines, command, time_zone)


def pay_help(command: PayHelp, time_zone: tzinfo) -> Decided:
    """Pay help out of the float; the guard on the float refuses more than is in it, under the lock."""
    account = f"{HELP}:{command.category}"
    lines = _moved(account, f"{FLOAT}:help", command.asset, command.fund, command.amount_minor)
    return _decided(types.HELP_PAID, lines, command, time_zone)


def return_help(paid: Entry, effective_on: date) -> Decided | NotPaid:
    """Put help that bounced back into the float; the next month's sum is smaller by it, and nothing else tells (B6)."""
    if paid.type != types.HELP_PAID:
        return NotPaid()
    lines = tuple(OwnedPosting(p.account, p.asset, p.fund, -p.amount) for p in paid.postings)
    data = {"effective_on": effective_on.isoformat()}
    return Decided(NewEvent(types.HELP_RETURNED, data, lines, {"owners": owners(lines)}, (paid.position,)))


def pay_spending(command: PaySpending, public_spendable_minor: int, time_zone: tzinfo) -> Decided | NotCovered:
    """Pay what is linked to no person; it is told line by line, so what is published must cover it."""
    if command.amount_minor > public_spendable_minor:
        return NotCovered()
    lines = _moved(f"{EXPENSES}:{command.category}", BANK, command.asset, command.fund, command.amount_minor)
    data = {"vendor_named": "yes" if command.vendor_named else "no"}
    return _decided(types.SPENDING_PAID, lines, command, time_zone, data)


def make_payout(command: MakePayout, time_zone: tzinfo) -> Decided:
    """Book what the provider sent to the bank, as it is told."""
    lines = _moved(BANK, AVAILABLE, command.asset, command.fund, command.amount_minor)
    return _decided(types.PAYOUT_MADE, lines, command, time_zone)


_Command = SettleGift | RecordRefund | RecordDispute | SetFloat | PayHelp | PaySpending | MakePayout


def _refused(given: Given | None, asset: str) -> NoGift | OtherAsset | None:
    if given is None:
        return NoGift()
    return None if asset == given.asset else OtherAsset(given.asset, asset)


def _decided(  # noqa: PLR0913, PLR0917 - what an event is made of
    name: str,
    lines: tuple[OwnedPosting, ...],
    command: _Command,
    time_zone: tzinfo,
    data: Mapping[str, object] | None = None,
    refers_to: int | None = None,
) -> Decided:
    on = (_EPOCH + timedelta(seconds=command.occurred_at_s)).astimezone(time_zone).date()
    slots = {**command.private, "owners": owners(lines)}
    about = () if refers_to is None else (refers_to,)
    return Decided(NewEvent(name, {"effective_on": on.isoformat(), **(data or {})}, lines, slots, about))


def _moved(  # noqa: PLR0913, PLR0917 - the parts of two postings
    debit: str, credit: str, asset: str, fund: str, amount: int, owner: bytes = b""
) -> tuple[OwnedPosting, ...]:
    return (OwnedPosting(debit, asset, fund, amount, owner), OwnedPosting(credit, asset, fund, -amount, owner))


def _of(entry: Entry, account: str) -> int:
    return sum(posting.amount for posting in entry.postings if posting.account == account)
