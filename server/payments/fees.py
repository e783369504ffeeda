"""What payments cost: asked of the provider after the gift is booked, outside any transaction, until it is known.

The true fee is what the provider's balance transaction says, never a formula (reference b.2.1 S16). It is booked once:
the movement is claimed under its own id, so it cannot stand behind two gifts either.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Protocol

from ledger.errors import LedgerError, Unavailable
from ledger.outages import is_away
from ledger.types import Claim, Companion
from server.domains.giving.commands import RecordFee
from server.domains.giving.decide import NoFee, NoGift, OtherAsset, Repeated, record_fee
from server.payments.booking import Booked, Booking, Books
from server.payments.companions import FEE_KNOWN
from server.payments.currencies import asset_of
from server.payments.leases import LeaseLoop, LoopLimits, backoff_s
from server.payments.models import BalanceTransaction
from server.payments.pending_fees import TOPIC, OwedFee, PendingFees
from server.payments.stripe_api import ProviderError
from server.payments.translate import FeeReference
from server.vault import VaultError

if TYPE_CHECKING:
    from datetime import tzinfo

    from server.wakeups import Wakeups

CLAIM_KIND = "stripe-balance-transaction"
BACKOFF_FIRST_S = 2.0
BACKOFF_MAX_S = 6 * 3600.0
FEE_DETAILS_MAX = 16
LIMITS = LoopLimits(in_flight_max=16)
"""Few questions at once: the provider allows a hundred reads a second and others need them too."""
_OF_A_PAYMENT = frozenset({"charge", "payment"})

_Answer = Booked | Repeated | OtherAsset | NoGift | NoFee

_log = logging.getLogger(__name__)


class Provider(Protocol):
    """Who knows what a payment cost."""

    def balance_transaction(self, reference: FeeReference) -> Awaitable[BalanceTransaction | None]:
        """Answer as `stripe_api.StripeAPI` does."""


class FeeWorker:
    """Asks what booked gifts cost and books the answers. Any number may run; `name` tells their leases apart."""

    def __init__(  # noqa: PLR0913 - the worker's dependencies, each replaceable in a test
        self,
        name: str,
        fees: PendingFees,
        books: Books,
        provider: Provider,
        time_zone: tzinfo,
        *,
        limits: LoopLimits = LIMITS,
    ) -> None:
        self._name = name
        self._fees = fees
        self._books = books
        self._provider = provider
        self._time_zone = time_zone
        self._limits = limits
        self._loop: LeaseLoop[OwedFee] = LeaseLoop("the fee worker", self._claim, self.work, limits)

    async def run(self, wakeups: Wakeups) -> None:
        """Ask until cancelled, woken by the topic `fees`."""
        await self._loop.run(wakeups, TOPIC)

    async def run_once(self) -> int:
        """Ask for everything that is due now; return how many questions were asked."""
        return await self._loop.run_once()

    async def work(self, fee: OwedFee) -> None:
        """Ask for one fee and book it, or leave the row with the reason why not."""
        try:
            wrong = await self._record(fee)
        except Unavailable as error:
            await self._fees.delay(fee, self._name, error.retry_after_s, str(error))
        except (ProviderError, LedgerError, VaultError) as error:
            await self._delay(fee, str(error))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this one must not reach the others
            if is_away(error):
                await self._delay(fee, f"the database was away: {type(error).__name__}")
                return
            _log.exception("a fee could not be recorded")
            await self._delay(fee, f"failed: {type(error).__name__}")
        else:
            if wrong is not None:
                await self._delay(fee, wrong or None)

    async def _claim(self, limit: int) -> list[OwedFee]:
        return await self._fees.claim(self._name, lease_s=self._limits.lease_s, limit=limit)

    async def _delay(self, fee: OwedFee, why: str | None) -> None:
        pause_s = backoff_s(fee.attempts, first_s=BACKOFF_FIRST_S, longest_s=BACKOFF_MAX_S)
        await self._fees.delay(fee, self._name, pause_s, why)

    async def _record(self, fee: OwedFee) -> str | None:
        """Return None when the fee is known now, otherwise why not; an empty reason means only that it is early."""
        movement = await self._provider.balance_transaction(self._fees.open(fee))
        if movement is None:
            return ""
        if movement.type not in _OF_A_PAYMENT:
            return "the provider's movement is not of a payment"
        command = record_command(movement)
        answer: _Answer = await self._books.book(
            Booking(
                stream=fee.stream,
                decide=lambda gift: record_fee(gift, command, self._time_zone, fee.stream),
                companion=Companion(FEE_KNOWN, {"stream": fee.stream.hex()}),
                claims=(Claim(CLAIM_KIND, self._books.vault.keyed_hash(CLAIM_KIND, movement.id)),),
            )
        )
        return await self._conclude(fee, answer)

    async def _conclude(self, fee: OwedFee, answer: _Answer) -> str | None:
        match answer:
            case OtherAsset() | NoGift():
                return str(answer)
            case Repeated():
                await self._fees.settle(fee)
            case NoFee():
                await self._fees.zero(fee)
            case Booked():
                pass  # the append's companion has settled it
        return None


def record_command(movement: BalanceTransaction) -> RecordFee:
    """Return the command that a movement on the provider's account leads to."""
    private = {
        "exchange_rate": None if movement.exchange_rate is None else str(movement.exchange_rate),
        "fee_details": _details(movement.fee_details),
        "source": movement.source,
    }
    return RecordFee(
        fee_minor=movement.fee,
        asset=asset_of(movement.currency),
        occurred_at_s=movement.created,
        balance_transaction=movement.id,
        private={name: value for name, value in private.items() if value is not None},
    )


def _details(details: object) -> list[dict[str, object]] | None:
    """Keep of each part of the fee its kind, amount and currency."""
    if not isinstance(details, list):
        return None
    wanted = {"amount": int, "currency": str, "type": str}
    return [
        {name: part[name] for name, kind in wanted.items() if type(part.get(name)) is kind}
        for part in details[:FEE_DETAILS_MAX]
        if isinstance(part, dict)
    ]
