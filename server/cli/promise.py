"""`secondwind promise check`: judge the promise that a giver got, offline."""

from __future__ import annotations

import argparse

from ledger import times
from ledger.errors import NoteError
from ledger.note import VerifyKey
from server.errors import StartRefused
from server.parts import clock_us
from server.promises import check as judging
from server.promises.check import PromiseInvalid

BROKEN = 1
_SAYS = {
    "kept": "kept: entry {position} of {log} is this gift, published in time",
    "late": "late: entry {position} of {log} is this gift, published after the promised time",
    "open": "open: the log has until {until} to publish this gift",
    "overdue": "overdue: the time was {until} and no entry is shown. Ask the service once more; if it shows none,"
    " this file proves to anybody that the gift was promised and not published",
}


def check(options: argparse.Namespace) -> int:
    """Print one sentence; 0 for kept and open, 1 for late and overdue."""
    try:
        keys = [VerifyKey.parse(vkey) for vkey in options.key]
        verdict = judging.check(options.file.read_bytes(), keys, clock_us())
    except NoteError as error:
        raise StartRefused(f"--key is no verification key: {error}.", "Copy it from a receipt, or a report.") from None
    except OSError as error:
        raise StartRefused(f"{options.file} cannot be read ({error.strerror}).", "Correct the path.") from None
    except PromiseInvalid as error:
        raise StartRefused(f"{options.file} holds no promise of this log: {error}.", "Ask the service again.") from None
    promised = verdict.promised
    until = times.format_at(promised.not_later_us)
    print(_SAYS[verdict.state].format(position=verdict.position, log=promised.log, until=until))
    print(f"  {promised.amount} {promised.asset} for {promised.fund}, {promised.way}, not later than {until}")
    return 0 if verdict.state in {"kept", "open"} else BROKEN
