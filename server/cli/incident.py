"""`secondwind incident declare`: say in the log itself that something went wrong, for ever and for everybody."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ledger.errors import Refused
from ledger.types import Command, Draft
from server.cli.parts import opened
from server.cli.settings import load
from server.errors import StartRefused

if TYPE_CHECKING:
    from ledger.types import LogName

DECLARED = "ledger.incident.declared.v1"


async def declare(options: argparse.Namespace) -> int:
    """Append `ledger.incident.declared.v1`."""
    if not options.text.strip():
        raise StartRefused("--text is empty.", "Say what happened, since when, and what was done about it.")
    async with opened(load(options)) as parts:
        log: LogName = options.log
        try:
            appended = await parts.writers[log].append(Command((Draft(DECLARED, {"text": options.text}),)))
        except Refused as error:
            raise StartRefused(
                f"{log} does not take this text: {error}.", "Nothing was appended; shorten it."
            ) from None
    print(f"The incident stands in {log} at position {appended.first}.")
    return 0
