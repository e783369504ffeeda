"""An entry as accounting programs see it: a day, a phase and postings. Pure.

The entries come from a log that its signer has judged, so nothing is checked again here.
"""

from __future__ import annotations

from calendar import monthrange
from functools import lru_cache
from typing import NamedTuple

import orjson

from ledger.money import precision

Triple = tuple[str, str, str]
"""(account, asset, fund)."""

DECIMALS_KEPT = 16_384
"""An amount stands in a sheet and in two journals: that of a batch of entries is made once."""


class Fact(NamedTuple):
    """What an entry says to a bookkeeper. `day` is YYYY-MM-DD and lies in `period`; amounts are minor units."""

    position: int
    at: str
    day: str
    period: str
    type: str
    phase: str
    refers_to: tuple[int, ...]
    postings: tuple[tuple[Triple, int], ...]
    leaf_hash: bytes


def fact(entry: bytes, leaf_hash: bytes) -> Fact:
    """Read an entry's bytes."""
    members = orjson.loads(entry)
    at, period = members["at"], members["period"]
    return Fact(
        members["position"],
        at,
        day_within(at[:10], period),
        period,
        members["type"],
        members.get("phase", ""),
        tuple(members.get("refers_to", ())),
        tuple(((p["account"], p["asset"], p["fund"]), int(p["amount"])) for p in members["postings"]),
        leaf_hash,
    )


def day_within(day: str, period: str) -> str:
    """The day itself, or the nearest of `period`: an entry may belong to the month before the one it is made in.

    Days are those of UTC, so that no table of time zones decides what an export says.
    """
    month = day[:7]
    if month == period:
        return day
    if month < period:
        return f"{period}-01"
    year, number = int(period[:4]), int(period[5:])
    return f"{period}-{monthrange(year, number)[1]:02}"


@lru_cache(maxsize=DECIMALS_KEPT)
def decimal(amount_minor: int, asset: str) -> str:
    """An amount as people write it: `-103.30` for -10330 of `USD/2`. Never a float."""
    places = precision(asset)
    digits = str(abs(amount_minor)).rjust(places + 1, "0")
    whole = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{whole}" if amount_minor < 0 else whole
