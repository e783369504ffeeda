"""Exports of a range, read by the rules of EXPORT.md and by the programs of others."""

from __future__ import annotations

import asyncio
import csv
import errno
import io
import subprocess
from pathlib import Path

import pytest

from ledger.facts import Triple, decimal
from ledger.journals import hledger_account
from ledger.projector import Projector
from server.db import Database
from server.exports import papers, source, spool
from server.exports.maker import ExportFailed, make
from server.public.projection import ListsProjection
from tests.clients.verifier.published import judge
from tests.server.exports.made import Exported
from tests.server.exports.reading import add, read
from tests.support.loaded import unlock
from tests.support.requires import requires, tool


def balances(log: Exported, size: int) -> dict[Triple, int]:
    sums: dict[Triple, int] = {}
    for document in log.maker.documents[:size]:
        add(sums, document)
    return {triple: amount for triple, amount in sums.items() if amount}


async def test_ranges_of_every_kind_hold_the_exact_entries_and_proved_balances(log: Exported, tmp_path: Path) -> None:
    """A13."""
    size = log.maker.checker.size
    first_close, second_close = log.closes
    ranges = [
        (0, size),
        (0, 1),
        (1, 2),
        (97, 194),
        (first_close, first_close + 1),
        (first_close + 1, second_close),
        (second_close + 40, size),
        (256, 512),
        (size - 1, size),
    ]
    for first, end in ranges:
        found = read(await log.export(first, end, tmp_path / "out.tar"), log.maker.key.vkey)
        assert found.events == log.maker.entries[first:end]
        assert found.before == log.maker.entries[found.start() : first]
        assert found.opening == balances(log, first)
        code, report = judge(str(tmp_path / "out.tar"), "--key", log.maker.key.vkey)
        # Nobody outside has seen this log, and verify.py does not know the one type that is held and voided.
        assert (code, report["unknown_types"].keys() <= {"care.room.held.v1"}) == (2, True), report
        assert set(report["undecided"]) == ({"seen", "rules"} if report["unknown_types"] else {"seen"})


async def test_what_later_entries_depend_on_is_carried_with_its_proof(log: Exported, tmp_path: Path) -> None:
    """A12, A13: accounts, funds, registry and the pending entry that the range resolves, months later."""
    pending, resolving = log.resolved
    found = read(await log.export(resolving, resolving + 1, tmp_path / "out.tar"), log.maker.key.vkey)
    assert pending < found.start(), "else it would stand in `before`"
    assert sorted(found.carried) == [*range(pending), pending]
    assert found.files["policy"] == b'{"gift":"live"}'
    assert found.files["keys"] == f"{log.maker.key.vkey} 0 -\n".encode()


async def test_before_goes_no_further_back_than_the_month_that_is_not_closed(log: Exported, tmp_path: Path) -> None:
    first = log.closes[1] + 40
    found = read(await log.export(first, first + 1, tmp_path / "out.tar"), log.maker.key.vkey)
    months = [document["at"][:7] for document in log.maker.documents]
    assert found.start() == max(n for n, month in enumerate(months) if month <= "2026-07")


async def test_the_same_range_is_the_same_bytes_while_the_log_grows_and_is_signed_anew(
    log: Exported, tmp_path: Path
) -> None:
    once = await log.export(200, 400, tmp_path / "once.tar")
    await log.sign_anew()
    assert await log.export(200, 400, tmp_path / "again.tar") == once


async def test_the_lists_of_the_public_side_spare_a_sum_and_change_no_byte(
    log: Exported, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = log.closes[1] + 1
    summed = await log.export(first, first + 9, tmp_path / "out.tar")
    projector = Projector(database.writer, ListsProjection())
    await projector.start()
    while await projector.step():
        pass
    monkeypatch.setattr(source._queries, "sums", "no sum is asked for", raising=False)
    assert await log.export(first, first + 9, tmp_path / "out.tar") == summed


async def test_new_keys_and_another_verifier_change_no_export_of_before(
    log: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new key of the log, a new export key, a new verify.py: each is for ranges that end later."""
    size = log.maker.checker.size
    once = await log.export(200, size, tmp_path / "once.tar")
    newer = tmp_path / "verify.py"
    newer.write_text("# another day's verifier\n", encoding="utf-8")
    monkeypatch.setattr(papers, "VERIFIER", newer)
    await papers.keep_papers(log.admin, "public", log.maker.next_key, log.keys)  # type: ignore[arg-type]  # as a pool
    before = (await log.source.papers(size))["export-key"]
    assert (await log.source.papers(size + 1))["export-key"] == before, "said once is enough"
    key = papers.replace_key(log.keys, log.maker.key.name)
    assert await log.export(200, size, tmp_path / "meanwhile.tar") == once, "nobody has vouched for the new key yet"
    await papers.keep_papers(log.admin, "public", log.maker.key, log.keys)  # type: ignore[arg-type]  # as a pool
    assert await log.export(200, size, tmp_path / "again.tar") == once
    await log.sign_anew()
    later = read(await log.export(200, size + 1, tmp_path / "later.tar"), log.maker.key.vkey)
    assert later.files["verify.py"] == newer.read_bytes()
    assert key.vkey in later.files["export-key"].decode()
    assert later.files["export-key"] != before


async def test_an_entry_changed_in_the_database_makes_no_export(log: Exported, tmp_path: Path) -> None:
    """Even where its leaf hash was changed with it, up to the tree."""
    await unlock(log.admin)
    spoiled = log.maker.entries[300].replace(b'"bank"', b'"benk"')
    await log.admin.execute("update ledger_entries set bytes = $1 where position = 300", spoiled)
    with pytest.raises(ExportFailed, match="do not make the tree that was signed"):
        await log.export(290, 310, tmp_path / "out.tar")
    assert left(tmp_path) == []


async def test_a_close_that_does_not_bear_out_its_balances_makes_no_export(log: Exported, tmp_path: Path) -> None:
    """A13: entries before `start` are summed, and the close is what they are held against."""
    await unlock(log.admin)
    spoiled = log.maker.entries[40].replace(b'"amount":"-59"', b'"amount":"-58"')
    await log.admin.execute("update ledger_entries set bytes = $1 where position = 40", spoiled)
    first = log.closes[1] + 1
    with pytest.raises(ExportFailed, match=f"balances before entry {log.closes[1]}"):
        await log.export(first, first + 1, tmp_path / "out.tar")


async def test_without_the_export_key_that_was_vouched_for_there_is_no_export(log: Exported, tmp_path: Path) -> None:
    log.keys.destroy("export")
    with pytest.raises(ExportFailed, match="restore the keys directory"):
        await log.export(0, 5, tmp_path / "out.tar")


async def test_an_export_that_is_broken_off_leaves_nothing_behind(log: Exported, tmp_path: Path) -> None:
    out, begun = tmp_path / "out.tar", asyncio.Event()
    making = make(log.source, log.range(0, 400), out, lambda _done, _total: begun.set(), store=log.keys)
    task = asyncio.create_task(making)
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left(tmp_path) == []


async def test_a_full_disk_leaves_nothing_behind(
    log: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool.Spooled, "write", _no_space)
    with pytest.raises(OSError, match="No space left"):
        await log.export(0, 5, tmp_path / "out.tar")
    assert left(tmp_path) == []


@requires("bean-check")
@requires("hledger")
async def test_beancount_and_hledger_accept_the_journals_and_reach_our_balances(log: Exported, tmp_path: Path) -> None:
    size = log.maker.checker.size
    for first, end in [(0, size), (log.closes[0] + 3, size - 3)]:
        found = read(await log.export(first, end, tmp_path / "out.tar"), log.maker.key.vkey)
        (tmp_path / "ledger.beancount").write_bytes(found.files["derived/ledger.beancount"])
        (tmp_path / "ledger.journal").write_bytes(found.files["derived/ledger.journal"])
        run("bean-check", "--no-cache", tmp_path / "ledger.beancount")
        run("hledger", "-f", tmp_path / "ledger.journal", "check", "--strict")
        shown = run(
            "hledger", "-f", tmp_path / "ledger.journal", "balance", "--flat", "--layout=bare", "-N", "-O", "csv"
        )
        expected = {
            (hledger_account(account, fund), asset.partition("/")[0], decimal(amount, asset))
            for (account, asset, fund), amount in balances(log, end).items()
        }
        assert {tuple(row) for row in list(csv.reader(shown.splitlines()))[1:]} == expected
        rows = csv.DictReader(io.StringIO(found.files["derived/balances.csv"].decode(), newline=""))
        closing = {
            (f"{row['account']}:fund-{row['fund']}", row["asset"].partition("/")[0], row["closing"]) for row in rows
        }
        assert {row for row in closing if row[2].strip("0.")} == expected


def run(name: str, *arguments: str | Path) -> str:
    done = subprocess.run([tool(name), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def left(directory: Path) -> list[Path]:
    return list(directory.glob("out*"))


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
