"""`secondwind export`: a range of a log as one file, verifiable without this service (ledger/EXPORT.md)."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ledger.errors import MalformedError
from ledger.export import Range
from ledger.grammar import decode_digest, encode_base64
from server.audit import events
from server.cli.parts import opened, private_file
from server.cli.progress import counter, line
from server.cli.settings import load
from server.errors import StartRefused
from server.exports.maker import ExportFailed, make
from server.exports.opener import openings
from server.exports.openings import Openings
from server.exports.papers import replace_key
from server.exports.sealing import KEY_BYTES, check_key, public_key
from server.exports.source import Source
from server.vault import FileKeyStore, VaultError

if TYPE_CHECKING:
    from server.parts import Parts

_MAKE_KEY = "`secondwind export key FILE` makes one."


async def export(options: argparse.Namespace) -> int:
    """Write the export; what is given of a protected log is in the audit log before the first byte."""
    auditor = _auditor(options)
    async with opened(load(options)) as parts:
        pool = parts.database.reader if options.log == "public" else parts.database.auditor
        source = Source(pool, options.log)
        chosen = await _range(options, source, parts)
        out = _place(options.out, chosen)
        addition = None if auditor is None else Openings(auditor, parts.readers[chosen.log], parts.vault)
        written_down = "" if chosen.log == "public" else await _write_down(options, parts, chosen, addition)
        began = time.monotonic()
        try:
            await make(source, chosen, out, counter(options.log), store=parts.keys, addition=addition)
        except (ExportFailed, VaultError) as failed:
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


def open_openings(options: argparse.Namespace) -> int:
    """Write what an export holds for the auditor with this key: openings, a line of JSON each."""
    secret = _secret(options.key)
    count = 0
    try:
        with options.file.open("rb") as file, _output(options.out) as out:
            for opening in openings(file, secret):
                out.write(opening)
                count += 1
    except MalformedError as error:
        raise StartRefused(
            f"{options.file}: {error}.", "What came before it, if anything, is not to be used."
        ) from None
    except OSError as error:
        raise StartRefused(f"{error.filename} cannot be used ({error.strerror}).", "Name other files.") from None
    print(
        f"{count} entries opened. Verify the export too: secondwind verify {options.file} --key VKEY", file=sys.stderr
    )
    return 0


def new_auditor_key(options: argparse.Namespace) -> int:
    """Make a key for an auditor: the secret half into a file, the public half to be told."""
    secret = os.urandom(KEY_BYTES)
    try:
        with private_file(options.file) as file:
            file.write(f"{encode_base64(secret)}\n".encode())
    except OSError as error:
        raise StartRefused(
            f"{options.file} cannot be made ({error.strerror}).", "Name a file that does not exist yet."
        ) from None
    print(f"Tell whoever exports: --auditor {encode_base64(public_key(secret))}")
    print(f"Keep {options.file} to yourself: it opens what is sealed to you, and nothing else does.")
    return 0


def _auditor(options: argparse.Namespace) -> bytes | None:
    """The auditor's key, if one is given; StartRefused where something is missing that the log asks for."""
    if options.log == "public":
        if options.auditor is not None:
            raise StartRefused("The public log is the same for everybody.", "Leave --auditor out, or name a --log.")
        return None
    missing = [name for name in ("actor", "recipient") if not getattr(options, name)]
    if missing:
        raise StartRefused(
            f"Who gives and who gets an export of {options.log} is written down: --{missing[0]} is missing.",
            "Name both, with --actor and --recipient.",
        )
    if options.auditor is None:
        return None
    auditor = _key(options.auditor, "--auditor")
    try:
        check_key(auditor)
    except MalformedError as error:
        raise StartRefused(f"--auditor {options.auditor}: {error}.", _MAKE_KEY) from None
    return auditor


def _key(text: str, what: str) -> bytes:
    try:
        return decode_digest(text.strip())
    except ValueError:
        raise StartRefused(f"{what} is no X25519 key: base64 of {KEY_BYTES} bytes is one.", _MAKE_KEY) from None


def _secret(path: Path) -> bytes:
    try:
        return _key(path.read_text(encoding="ascii"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"{path} cannot be read ({error}).", "Name the file that `export key` made.") from None


def _output(path: Path | None) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdout.buffer) if path is None else private_file(path)


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


async def _write_down(options: argparse.Namespace, parts: Parts, chosen: Range, addition: Openings | None) -> str:
    recipient = options.recipient if addition is None else f"{options.recipient}, {addition.name}"
    record = events.export_given(
        log=chosen.log, start=chosen.first, end=chosen.end, actor=options.actor, recipient=recipient
    )
    position = await parts.trail.record(record)
    return f"That {options.recipient} got it stands in audit at {position}. "
