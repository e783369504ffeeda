"""What is promised for a gift, and by when. Pure. SPEC.md 17; design/ledger.md 5.

A gift that is told at once or in company gets a day for outages besides the day that the mix may take. What a hidden
gift becomes part of may be carried from month to month until enough people stand behind it, so its time is far.
"""

from __future__ import annotations

from typing import Final

from ledger import promise
from ledger.promise import Promise
from ledger.types import Entry
from server.publishing.decide import GIFT_RECEIVED, given

_HOUR_US: Final = 3_600_000_000
LIVE_US: Final = 24 * _HOUR_US
QUIET_US: Final = 48 * _HOUR_US
HIDDEN_US: Final = 400 * 24 * _HOUR_US
_WITHIN_US: Final = {"live": LIVE_US, "quiet": QUIET_US, "hidden": HIDDEN_US}


def promised(entry: Entry, leaf_hash: bytes, nonce: str, log: str) -> Promise | None:
    """The promise for one entry of `books`; None for what is not a gift whose fund is known. `log`: public's origin."""
    if entry.type != GIFT_RECEIVED:
        return None
    amount, asset, fund = given(entry)
    visibility = str(entry.data["visibility"])
    way: promise.Way = "together" if visibility == "hidden" else "alone"
    not_later_us = entry.at_us + _WITHIN_US[visibility]
    return Promise(log, way, leaf_hash, promise.giver_hash(nonce), str(amount), asset, fund, not_later_us)
