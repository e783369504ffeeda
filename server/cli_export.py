"""`secondwind export`: a range of a log as one file, verifiable without this service (ledger/EXPORT.md)."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import MalformedError
from ledger.export import Range
from server.audit import events
from server.cli_parts import opened
from server.cli_progress import counter, line
from server.cli_settings import load
from server.errors import StartRefused
from server.exports.maker import ExportFailed, make
from server.exports.papers import replace_key
from server.exports.source import Source
from server.vault import FileKeyStore

if TYPE_CHECKING:
    from server.parts import Parts


async def export(options: argparse.Namespace) -> int:
    """Write the export; what is given of a protected log is in the audit log before the first byte."""
    _check_named(options)
    async with opened(load(options)) as parts:
        pool = parts.database.reader if options.log == "public" else parts.database.auditor
        source = Source(pool, options.log)
        chosen = await _range(options, source, parts)
        out = _place(options.out, chosen)
        written_down = "" if chosen.log == "public" else await _write_down(options, parts, chosen)
        began = time.monotonic()
        try:
            await make(source, chosen, out, counter(options.log), store=parts.keys)
        except ExportFailed as failed:
            raise StartRefused("The export was not made.", str(failed)) from None
        except OSError as error:
            raise StartRefused(
                f"{out} cannot be written ({error.strerror}).", "Name another place with --out."
            ) from None
        line("")
    print(f"{out}: {_said(chosen, out, time.monotonic() - began)}")
    print(f"{written_down}Verify it with: secondwind verify {out} --key VKEY")
    return 0


def renew_key(options: argparse.Namespace) -> int:
    """Make a new export key. The old one stays: what was exported under it is made again under it."""
    store = FileKeyStore(load(options).data_dir.resolve() / "keys")
    replace_key(store, "")
    print("A new export key is made. The log vouches for it when its signer starts next, for entries to come.")
    print("Keep the old one: ranges before are the same bytes only with it. Back both up: secondwind keys backup DIR")
    return 0


def _check_named(options: argparse.Namespace) -> None:
    if options.log == "public":
        return
    missing = [name for name in ("actor", "recipient") if not getattr(options, name)]
    if missing:
        raise StartRefused(
            f"Who gives and who gets an export of {options.log} is written down: --{missing[0]} is missing.",
            "Name both, with --actor and --recipient.",
        )


def _place(out: Path | None, chosen: Range) -> Path:
    place = out or Path(f"{chosen.directory.rstrip('/')}.tar")
    if place.exists():
        raise StartRefused(f"{place} is there already.", "Name a file that does not exist yet with --out.")
    return place


def _said(chosen: Range, out: Path, seconds: float) -> str:
    megabytes = out.stat().st_size / 1e6
    return f"entries {chosen.first} to {chosen.end - 1} of {chosen.origin}, {megabytes:.1f} MB in {seconds:.1f} s."


async def _range(options: argparse.Namespace, source: Source, parts: Parts) -> Range:
    size = await source.size()
    end = size if options.end is None else options.end
    try:
        chosen = Range(options.log, parts.identities[options.log].origin, options.first, end)
    except MalformedError as error:
        raise StartRefused(f"{error}.", f"Give --from and --to, at most {size}.") from None
    if end > size:
        raise StartRefused(f"{options.log} has {size} entries that are signed; {end} are asked for.", "Lower --to.")
    return chosen


async def _write_down(options: argparse.Namespace, parts: Parts, chosen: Range) -> str:
    record = events.export_given(
        log=chosen.log, start=chosen.first, end=chosen.end, actor=options.actor, recipient=options.recipient
    )
    position = await parts.trail.record(record)
    return f"That {options.recipient} got it stands in audit at {position}. "
