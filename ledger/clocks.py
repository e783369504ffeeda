"""How far clocks may disagree before nothing is written or signed. Pure. design/ledger.md 2; attacks E12.

An entry's time is `max(now, last + 1)`, so one jump to 2036 would be for ever: writer and signer stop instead.
"""

from __future__ import annotations

from typing import Final

CLOCK_SKEW_US_MAX: Final = 2_000_000
"""Between this machine's clock and the database's."""
LAST_AT_AHEAD_US_MAX: Final = 5_000_000
"""Of the newest entry before the database's clock."""


def skew_us(earliest_us: int, database_us: int, latest_us: int) -> int:
    """How far this machine's clock is ahead of the database's (behind it: negative), at the least.

    `earliest_us` and `latest_us` are this machine's clock before and after the database was asked: a slow answer is no
    wrong clock.
    """
    return max(earliest_us - database_us, 0) or min(latest_us - database_us, 0)


def why_not(earliest_us: int, database_us: int, latest_us: int) -> str | None:
    """What is wrong with the two clocks, in one sentence with its remedy; None when they agree."""
    skew = skew_us(earliest_us, database_us, latest_us)
    if abs(skew) <= CLOCK_SKEW_US_MAX:
        return None
    return (
        f"this machine is {'-' if skew < 0 else '+'}{_seconds(skew)} s off the database's clock; set one of them right"
    )


def why_not_yet(last_at_us: int, database_us: int) -> str | None:
    """What is wrong with the newest entry's time, in one sentence with its remedy; None when it may stand."""
    ahead = last_at_us - database_us
    if ahead <= LAST_AT_AHEAD_US_MAX:
        return None
    return f"the newest entry is {_seconds(ahead)} s ahead of the database's clock; set it right or wait"


def _seconds(us: int) -> str:
    """The size of a difference in seconds, to a tenth."""
    tenths = (abs(us) + 50_000) // 100_000
    return f"{tenths // 10}.{tenths % 10}"
