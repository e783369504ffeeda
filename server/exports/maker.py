"""Making an export: reads, two passes over entries, proofs, and one file in the end. ledger/EXPORT.md.

Nothing is held but a batch of entries, one sum per account, asset and fund, and what the log declares. Every root is
compared with the signed tree before a byte is handed out.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import orjson

from ledger import canonical, merkle, postings, times
from ledger.declared import ACCOUNT, OPENED, POLICY
from ledger.export import MANIFEST, MEMBERS, Range, carried_lines, consistency_text, hash_lines, manifest_text
from ledger.facts import Triple
from ledger.grammar import encode_base64
from ledger.keys import INTRODUCED, RETIRED
from ledger.merkle import Frontier
from ledger.note import SigningKey
from server.exports import folds
from server.exports.papers import EXPORT_KEY, PAPERS, key_for
from server.exports.source import Close, Declaring, Source
from server.exports.spool import Spool
from server.public.keys import key_lines

if TYPE_CHECKING:
    from server.exports.spool import Spooled
    from server.vault import KeyStore

KEY_TYPES = (OPENED, INTRODUCED, RETIRED)

Progress = Callable[[int, int], None]
"""Called with entries read and entries to read."""


class ExportFailed(Exception):
    """The export could not be made; the sentence says why. Nothing of it was handed out."""


class TooLong(ExportFailed):
    """More entries would have to be read than is allowed here."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Where `before` starts, the balances there, and the newest close before the range."""

    start: int
    sums: dict[Triple, int]
    close: Close | None


class Addition(Protocol):
    """A member that depends on who gets the export, so that the manifest does not list it (EXPORT.md 9)."""

    @property
    def name(self) -> str:
        """What it is called."""

    async def fill(self, source: Source, chosen: Range, out: Spooled) -> None:
        """Write it."""


async def make(  # noqa: PLR0913 - what an export is made of
    source: Source,
    chosen: Range,
    out: Path,
    progress: Progress,
    *,
    store: KeyStore,
    addition: Addition | None = None,
    read_max: int | None = None,
) -> None:
    """Write the export of a range to `out`, whole or not at all.

    `store` holds the export keys. Raises ExportFailed where the log does not bear out its own signature, and where the
    key that it vouched for is not here; TooLong for more than `read_max` entries with those before the range that prove
    its beginning; OSError where the disk is full.
    """
    papers = await source.papers(chosen.end)
    key = _signing_key(papers, store, chosen.origin)
    directory = Path(tempfile.mkdtemp(prefix=f"{out.name}.", dir=out.parent))
    spool = Spool(directory)
    try:
        try:
            for kind, content in papers.items():
                spool.put(kind, content)
            await _fill(source, chosen, spool, progress, read_max)
            if addition is not None:
                await addition.fill(source, chosen, spool.open(addition.name))
        finally:
            spool.close()
        names = MEMBERS if addition is None else (*MEMBERS, addition.name)
        await asyncio.to_thread(_pack, spool, chosen, key, names, directory / "archive", out)
    finally:
        await asyncio.to_thread(shutil.rmtree, directory)


async def _fill(source: Source, chosen: Range, spool: Spool, progress: Progress, read_max: int | None) -> None:
    declaring = await source.declaring(chosen.end)
    opening = await _opening(source, chosen.first)
    await _prove(source, chosen, spool)
    total, done = chosen.end - opening.start, 0
    if read_max is not None and total > read_max:
        raise TooLong(f"It is proved from entry {opening.start} on: {total} entries, at most {read_max} are read here.")

    async def run(fold: folds.Before | folds.Events, first: int, end: int) -> None:
        nonlocal done
        folding: asyncio.Future[None] | None = None
        try:
            async for batch in source.entries(first, end):
                if folding is not None:
                    await folding
                # The database reads on meanwhile.
                folding = asyncio.get_running_loop().run_in_executor(None, fold.feed, batch)
                done += len(batch)
                progress(done, total)
        finally:
            if folding is not None:
                await folding

    close = (opening.close.position, opening.close.period) if opening.close else None
    begun = await _frontier(source, opening.start)
    spool.put("frontier.before", hash_lines(begun.hashes()))
    before = folds.Before(spool, begun, opening.sums, close)
    await run(before, opening.start, chosen.first)
    await _check_root(source, chosen.first, before.frontier)
    spool.put("frontier.from", hash_lines(before.frontier.hashes()))
    spool.put("balances.from", postings.balance_lines(before.closed))
    await _check_close(source, opening.close, before.closed)

    assets, titles = folds.chart(entry.content for entry in declaring if entry.type == ACCOUNT)
    events = folds.Events(spool, before.frontier, before.balances, assets, titles)
    events.begin(chosen)
    await run(events, chosen.first, chosen.end)
    await _check_root(source, chosen.end, events.frontier)
    await asyncio.to_thread(events.end)

    referred = {position for position in before.referred | events.referred if position < opening.start}
    await _carry(source, chosen, spool, [entry for entry in declaring if entry.position < opening.start], referred)
    spool.put("keys", key_lines(entry.content for entry in declaring if entry.type in KEY_TYPES))
    newest = [entry.content for entry in declaring if entry.type == POLICY][-1:]
    spool.put("policy", str(orjson.loads(newest[0])["data"]["policy"]) if newest else "")


async def _opening(source: Source, first: int) -> Opening:
    """How far back the balances at `first` are proved from (EXPORT.md 6.2)."""
    close = await source.newest_close(first)
    if close is None:
        return Opening(0, {}, None)
    opened = (await source.entries_at([0]))[0]
    time_zone = times.zone(str(canonical.parse_entry(opened).data["time_zone"]))
    # The last entry whose moment lies in a month that is closed: `at` never falls, so halving finds it.
    low, high = 0, close.position
    while low < high:
        middle = (low + high + 1) // 2
        if times.month(await source.at_us(middle), time_zone) <= close.period:
            low = middle
        else:
            high = middle - 1
    return Opening(low, await source.balances(low), close)


async def _prove(source: Source, chosen: Range, spool: Spool) -> None:
    """The checkpoints and what leads to them and from one to the other."""
    parts: list[tuple[int, int, list[bytes]]] = []

    async def part(old: int, new: int) -> None:
        indexes = merkle.consistency_indexes(old, new)
        parts.append((old, new, await source.nodes(indexes, new) if indexes else []))

    covering_end, note_end = await source.covering(chosen.end)
    covering_first = 0
    if chosen.first:
        covering_first, note = await source.covering(chosen.first)
        spool.put("checkpoint.from", note)
    spool.put("checkpoint.to", note_end)
    await part(chosen.first, covering_first)
    await part(chosen.end, covering_end)
    await part(chosen.first, chosen.end)
    spool.put("consistency", consistency_text(parts))


async def _carry(
    source: Source, chosen: Range, spool: Spool, declaring: Iterable[Declaring], referred: set[int]
) -> None:
    wanted = {entry.position: entry.content for entry in declaring}
    wanted |= await source.entries_at(referred - wanted.keys())
    out = spool.open("carried")
    for position in sorted(wanted):
        path = await source.nodes(merkle.inclusion_indexes(position, chosen.first), chosen.first)
        out.write(carried_lines(position, path, wanted[position]))


async def _frontier(source: Source, size: int) -> Frontier:
    if not size:
        return Frontier()
    nodes = merkle.complete_nodes((size - 1).bit_length(), 0, size)
    return Frontier(size, await source.nodes(nodes, size))


async def _check_root(source: Source, size: int, frontier: Frontier) -> None:
    signed = (await _frontier(source, size)).root()
    if frontier.size != size or frontier.root() != signed:
        raise ExportFailed(f"The first {size} entries do not make the tree that was signed: run secondwind fsck.")


async def _check_close(source: Source, close: Close | None, closed: dict[Triple, int]) -> None:
    if close is None:
        return
    entry = canonical.parse_entry((await source.entries_at([close.position]))[close.position])
    if entry.data["balances"] != encode_base64(postings.balances_hash(closed)):
        raise ExportFailed(f"The balances before entry {close.position} are not those it closed: run secondwind fsck.")


def _signing_key(papers: Mapping[str, bytes], store: KeyStore, origin: str) -> SigningKey:
    if missing := [kind for kind in PAPERS if kind not in papers]:
        raise ExportFailed(f"There is no {missing[0]} to export yet: the signer's process keeps one when it starts.")
    key = key_for(store, origin, papers[EXPORT_KEY])
    if key is None:
        raise ExportFailed(
            "The export key that the log vouched for is not here: restore the keys directory from its backup."
        )
    return key


def _pack(  # noqa: PLR0913, PLR0917 - run in a thread
    spool: Spool, chosen: Range, key: SigningKey, names: Sequence[str], temporary: Path, out: Path
) -> None:
    manifest = key.sign(manifest_text(chosen, spool.members(MEMBERS)))
    # Only whoever exports a protected log may read the file.
    mode = 0o666 if chosen.log == "public" else 0o600
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        spool.pack(file, chosen.directory, (MANIFEST, manifest.encode()), names)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(out)
