"""Times and months as they stand in entries. Pure: zone rules come from tzdata, the present never does. SPEC.md 4.

`at` is always 27 characters in UTC. A month belongs to the charity's time zone, which the log states when it opens.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ledger.errors import EntryError

MINUTE_US = 60_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_AT_US_MAX = (datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""One day short of what Python can hold, so that every time has a local month."""

_matches_at = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z", re.ASCII
).fullmatch
_matches_date = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII).fullmatch


def format_at(at_us: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`; EntryError outside 1970-01-01..9999-12-30."""
    if not 0 <= at_us <= _AT_US_MAX:
        raise EntryError("entry-malformed", f"time {at_us} is not within 1970-01-01..9999-12-30")
    return (_EPOCH + at_us * _MICROSECOND).isoformat(timespec="microseconds")[:26] + "Z"


def parse_at(text: str) -> int:
    """Microseconds since 1970 of exactly that form; EntryError otherwise, impossible dates included."""
    try:
        if _matches_at(text):
            at_us = (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
            if 0 <= at_us <= _AT_US_MAX:
                return at_us
    except ValueError:
        pass
    raise EntryError("entry-malformed", f"time {text[:80]!r} is not of the form 2026-09-01T12:10:00.000000Z")


def is_date(text: str) -> bool:
    """Whether `text` is a day of the calendar, `YYYY-MM-DD`."""
    try:
        return bool(_matches_date(text)) and date.fromisoformat(text) is not None
    except ValueError:
        return False


def zone(name: str) -> tzinfo:
    """The IANA time zone; EntryError if this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise EntryError("genesis-invalid", f"time zone {name[:80]!r} is not known") from error


def month(at_us: int, time_zone: tzinfo) -> str:
    """The calendar month, `YYYY-MM`, that a clock on the wall in `time_zone` shows at `at_us`."""
    local = datetime.fromtimestamp(at_us // 1_000_000, time_zone)
    return f"{local.year:04}-{local.month:02}"


def month_start_us(text: str, time_zone: tzinfo) -> int:
    """The moment at which the month `YYYY-MM` begins on a clock on the wall in `time_zone`."""
    return int(datetime(int(text[:4]), int(text[5:]), 1, tzinfo=time_zone).timestamp()) * 1_000_000


def month_after(text: str) -> str:
    """The month after: `2025-12` gives `2026-01`."""
    years, number = divmod(int(text[:4]) * 12 + int(text[5:]), 12)
    return f"{years:04}-{number + 1:02}"


def month_before(text: str) -> str:
    """The month before: `2026-01` gives `2025-12`."""
    year, number = int(text[:4]), int(text[5:])
    return f"{year:04}-{number - 1:02}" if number > 1 else f"{year - 1:04}-12"
