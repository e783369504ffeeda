"""The inbox worker: takes filed notices out, finds out what they mean, and has them booked.

A notice that fails is tried again after growing pauses and is dead after eight attempts. It holds back only what
is about the same payment. While the ledger cannot append, attempts do not count: an outage must not bury anything.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ledger.errors import LedgerError, Unavailable
from ledger.outages import is_away
from ledger.types import Companion
from server.domains.giving.decide import NotHeld, Repeated, receive_gift
from server.payments.booking import Booked, Booking, Books
from server.payments.companions import INBOX_DONE
from server.payments.givers import giver
from server.payments.inbox import TOPIC, Inbox, Row
from server.payments.leases import LeaseLoop, LoopLimits, backoff_s
from server.payments.translate import FeeHint, FeeReference, Gift, Ignored, Unhandled, translate
from server.vault import VaultError

if TYPE_CHECKING:
    from server.payments.declared import DeclaredRules
    from server.payments.pending_fees import PendingFees
    from server.wakeups import Wakeups

ATTEMPTS_MAX = 8
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 600.0
LIMITS = LoopLimits()

_log = logging.getLogger(__name__)


class InboxWorker:
    """Works the inbox for one process; `name` tells its leases from those of others. Any number may run."""

    def __init__(  # noqa: PLR0913 - the worker's dependencies, each replaceable in a test
        self,
        name: str,
        inbox: Inbox,
        books: Books,
        rules: DeclaredRules,
        fees: PendingFees,
        *,
        limits: LoopLimits = LIMITS,
    ) -> None:
        self._name = name
        self._inbox = inbox
        self._books = books
        self._rules = rules
        self._fees = fees
        self._limits = limits
        self._loop: LeaseLoop[Row] = LeaseLoop("the inbox worker", self._claim, self.work, self._limits)

    async def run(self, wakeups: Wakeups) -> None:
        """Work until cancelled, woken by the topic `inbox`."""
        await self._loop.run(wakeups, TOPIC)

    async def run_once(self) -> int:
        """Work everything that is due now; return how many rows were taken."""
        return await self._loop.run_once()

    async def work(self, row: Row) -> None:
        """Bring one claimed row to its outcome, or give it back for later."""
        try:
            await self._decide(row)
        except Unavailable as error:
            await self._inbox.delay(row, self._name, error.retry_after_s, str(error), counted=False)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this row must not reach the others
            if not is_away(error):
                await self._fail(row, error)
                return
            why = f"the database was away: {type(error).__name__}"
            await self._inbox.delay(row, self._name, BACKOFF_FIRST_S, why, counted=False)

    async def _claim(self, limit: int) -> list[Row]:
        return await self._inbox.claim(self._name, lease_s=self._limits.lease_s, limit=limit)

    async def _decide(self, row: Row) -> None:
        match translate(self._inbox.open(row)):
            case Ignored(reason):
                await self._inbox.finish(row, "ignored", reason)
            case Unhandled(reason):
                await self._inbox.finish(row, "unhandled", reason)
            case FeeHint(payment, fee):
                await self._fees.hint(self._inbox.stream(payment), fee)
                await self._inbox.finish(row, "done", "fee hint")
            case Gift() as gift:
                await self._receive(row, gift)

    async def _receive(self, row: Row, gift: Gift) -> None:
        stream = self._inbox.stream(gift.payment)
        rules = await self._rules.for_gift(gift.command)
        answer = await self._books.book(
            Booking(
                stream=stream,
                decide=lambda state: receive_gift(state, gift.command, rules, stream),
                companion=self._companion(row, stream, gift.fee),
                subject=giver(gift, self._books.vault.keyed_hash),
            )
        )
        match answer:
            case Booked():
                self._fees.wake()
            case Repeated(position):
                if gift.fee.balance_transaction is not None:
                    await self._fees.hint(stream, gift.fee)
                await self._inbox.finish(row, "done", "duplicate", position)
            case NotHeld():
                await self._inbox.finish(row, "unhandled", str(answer))

    def _companion(self, row: Row, stream: bytes, fee: FeeReference) -> Companion:
        key_id, sealed = self._fees.seal(fee)
        owed = {"stream": stream.hex(), "reference": sealed.hex(), "reference_key": key_id}
        return Companion(INBOX_DONE, {"key": row.key.hex(), "outcome": "booked", "fee": owed})

    async def _fail(self, row: Row, error: Exception) -> None:
        """Our own errors say what is wrong; of others only the kind is kept: their text may hold anybody's data."""
        why = str(error) if isinstance(error, LedgerError | VaultError) else f"failed: {type(error).__name__}"
        if row.attempts >= ATTEMPTS_MAX:
            _log.error("a notice of type %s is dead after %d attempts: %s", row.type, row.attempts, why)
            await self._inbox.bury(row, self._name, why)
        else:
            _log.warning("a notice of type %s failed at attempt %d: %s", row.type, row.attempts, why)
            pause_s = backoff_s(row.attempts, first_s=BACKOFF_FIRST_S, longest_s=BACKOFF_MAX_S)
            await self._inbox.delay(row, self._name, pause_s, why, counted=True)
