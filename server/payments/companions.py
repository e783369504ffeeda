"""Statements that run inside an append's own transaction, by the name a command asks for them (ledger.types.Companion).

The composition root hands them to the writer of `books`. What they do is durable exactly when the entry is: a crash
cannot leave a booked gift that its inbox row does not know of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sql

INBOX_DONE: Final = "payments.inbox_done"
FEE_KNOWN: Final = "payments.fee_known"

_QUERIES = sql.load("payments")
COMPANIONS: Final[Mapping[str, str]] = {INBOX_DONE: _QUERIES.inbox_done, FEE_KNOWN: _QUERIES.fee_known}
