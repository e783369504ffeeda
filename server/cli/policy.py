"""`secondwind policy show|change`: the publishing policy, which is data of the public log.

A change holds from the next month on (attacks A7). Who made it stands in the audit log before it is made.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import orjson

import sql
from ledger.errors import Refused
from ledger.types import Command
from server.audit import events
from server.cli.parts import opened
from server.cli.settings import load
from server.errors import StartRefused
from server.parts import clock_us
from server.publishing import policy as policies
from server.publishing.policy import FLOORS, Changes, FeeFormula, Policy

if TYPE_CHECKING:
    from server.parts import Parts


async def show(options: argparse.Namespace) -> int:
    """Print every policy of the log with the month from which it holds."""
    async with opened(load(options)) as parts:
        for month, policy in (await _read(parts)).changes:
            numbers = " ".join(f"{name}={getattr(policy, name)}" for name in FLOORS)
            fees = " ".join(f"{asset}:{fee.rate_bp}:{fee.fixed_minor}" for asset, fee in sorted(policy.fees.items()))
            print(f"from {month}: {numbers} fees {fees or 'none'}")
    return 0


async def change(options: argparse.Namespace) -> int:
    """Append `ledger.policy.changed.v1`; what is not named stays as the newest policy says."""
    async with opened(load(options)) as parts:
        newest = (await _read(parts)).changes[-1][1]
        wanted = changed(newest, options.set or [], options.fee or [])
        if wanted == newest:
            raise StartRefused("That is the policy already.", "Name what shall change with --set or --fee.")
        draft = policies.change(wanted, clock_us(), ZoneInfo(parts.identities["public"].time_zone))
        month = str(draft.data["from"])
        record = events.changed(
            what="publishing-policy", actor=options.actor, target=month, reason=options.reason or ""
        )
        await parts.trail.record(record)
        try:
            appended = await parts.writers["public"].append(Command((draft,)))
        except Refused as error:
            raise StartRefused(f"The log does not take this policy: {error}.", "Nothing was appended.") from None
    print(f"The policy stands in public at position {appended.first} and holds from {month} on.")
    return 0


def changed(policy: Policy, numbers: Sequence[str], fees: Sequence[str]) -> Policy:
    """Return the policy with NAME=NUMBER and ASSET:RATE_BP:FIXED_MINOR in it. Raises StartRefused."""
    found: dict[str, int] = {}
    for text in numbers:
        name, _, number = text.partition("=")
        if name not in FLOORS or not number.isdecimal():
            names = ", ".join(FLOORS)
            raise StartRefused(f"--set {text!r} is no NAME=NUMBER.", f"The names are {names}.")
        found[name] = int(number)
    formulas = dict(policy.fees)
    for text in fees:
        asset, *parts = text.split(":")
        if not asset or len(parts) != 2 or not all(part.isdecimal() for part in parts):  # noqa: PLR2004 - rate and fixed part
            raise StartRefused(f"--fee {text!r} is no ASSET:RATE_BP:FIXED_MINOR.", "Write it like USD/2:290:30.")
        formulas[asset] = FeeFormula(int(parts[0]), int(parts[1]))
    wanted = replace(policy, fees=formulas, **found)
    try:
        return Policy.from_data(wanted.to_data())
    except ValueError as error:
        raise StartRefused(f"{error}.", "A policy may be stricter than the floor, never laxer.") from None


async def _read(parts: Parts) -> Changes:
    rows = await parts.database.publisher.fetch(sql.load("publishing").policies)
    return Changes.read([orjson.loads(row["data"]) for row in rows])
