"""Which month is to be closed next. Pure. SPEC.md 12.4-12.6; attacks A11.

A month is closed on the fifth day after it, so that what is told monthly can be told in it; by the twentieth at the
latest it must be closed, or the log fails verification.
"""

from __future__ import annotations

from datetime import tzinfo

from ledger import times

CLOSE_AFTER_US = 4 * 24 * 3_600_000_000
WAIT_MAX_US = 10 * 24 * 3_600_000_000
"""How long after its end a month waits for what is still to be told in it."""


def due(closed: str, first_month: str, now_us: int, time_zone: tzinfo) -> str | None:
    """The oldest month that may be closed now and is not, `YYYY-MM`; None when there is none.

    `closed` is the newest closed month or "", `first_month` the month in which the log was born.
    """
    month = times.month_after(closed) if closed else first_month
    over_us = times.month_start_us(times.month_after(month), time_zone)
    return month if now_us >= over_us + CLOSE_AFTER_US else None


def waits(month: str, now_us: int, time_zone: tzinfo) -> bool:
    """Whether a month that may be closed may also wait: ten days after its end at most, half of what is allowed."""
    return now_us < times.month_start_us(times.month_after(month), time_zone) + WAIT_MAX_US
