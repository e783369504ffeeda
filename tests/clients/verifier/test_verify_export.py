"""verify.py judges an export from what stands in it: archive, manifest, tree, balances, entries (attacks A13)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.note import SigningKey
from ledger.registry import Registry
from server import chart
from server.domains.giving.events import PUBLIC_TYPES
from tests.clients.verifier.archive import Maker, gzip, tar, unpack
from tests.clients.verifier.published import judge, rechained
from tests.vectors import logs
from tests.vectors.logs import LogMaker


def grown() -> LogMaker:
    """Three months, two of them closed; types that verify.py knows, and one decision held to a guard."""
    registry = Registry(PUBLIC_TYPES, chart.PUBLIC_GUARDS)
    log = LogMaker("exported", "public", "ledger.example.org/ledger", 5, registry)
    names = ("assets:cash", "expenses:processing", "income:gifts", "liabilities:accrued_fees")
    log.open("2026-06-01T12:00:00.000000Z", {name: ["USD/2"] for name in names}, ["general", "rent"])
    spec = next(spec for spec in PUBLIC_TYPES if spec.name == "giving.gift.received.v1")
    for number in range(60):
        month, day = 6 + number // 20, 2 + number % 20
        at = f"2026-{month:02}-{day:02}T10:00:00.000000Z"
        if day == 8 and month > 6:
            log.close(at, f"2026-{month - 1:02}")
        lines = logs.postings(("general", "rent")[number % 2], 1_000 + number, 59)
        late = {"period": f"2026-{month - 1:02}"} if month > 6 and day == 3 else {}
        log.add(at, spec.name, {"via": "bank"}, postings=lines, private=logs.private(spec, {}), **late)
    return log


LOG = grown()
CLOSES = [i for i, entry in enumerate(LOG.documents) if entry["type"] == "ledger.period.closed.v1"]
SIZE = len(LOG.entries)
KEY = LOG.key.vkey


def start_of(close: int) -> int:
    """The first entry of the month that a close closed."""
    month = LOG.documents[close]["period"]
    return next(i for i, entry in enumerate(LOG.documents) if entry["at"][:7] == month)


def whole() -> Maker:
    return Maker(LOG, 0, 30, 33)


def later() -> Maker:
    """Behind the newest close."""
    close = CLOSES[1]
    return Maker(LOG, close + 3, SIZE - 2, SIZE, before=close + 5, start=start_of(close), close=close)


def between() -> Maker:
    """From the middle of a month of which the close is inside the range."""
    return Maker(LOG, CLOSES[1] - 3, SIZE, SIZE, before=CLOSES[1], start=start_of(CLOSES[0]), close=CLOSES[0])


def from_zero_with_a_close() -> Maker:
    return Maker(LOG, CLOSES[0] + 2, SIZE - 1, SIZE, before=CLOSES[0] + 2, start=0, close=CLOSES[0])


ALL = [whole, later, between, from_zero_with_a_close]


def pin(tmp_path: Path, maker: Maker, size: int) -> tuple[str, str]:
    kept = tmp_path / "pin"
    kept.write_text(maker.checkpoint(size))
    return "--trusted", str(kept)


@pytest.mark.parametrize("make", ALL)
def test_a_range_is_verified_with_what_was_seen_of_the_log(make: Callable[[], Maker], tmp_path: Path) -> None:
    maker = make()
    archive = maker.write(tmp_path / "export.tar")
    code, report = judge(str(archive), "--key", KEY, *pin(tmp_path, maker, maker.end))
    assert (code, report["from"], report["to"]) == (0, maker.first, maker.end), report
    seen = {check["check"]: check["result"] for check in report["checks"]}
    assert (seen["export"], seen["rules"], seen["fresh"]) == ("yes", "yes", "unknown")
    assert ("earlier" in seen) == (maker.start > 0)


def test_it_is_the_same_unpacked_named_by_itself_or_by_the_directory_around_it(tmp_path: Path) -> None:
    maker = later()
    directory = unpack(maker.write(tmp_path / "export.tar"), tmp_path / "out")
    inner = directory / f"export-{maker.first}-{maker.end}"
    for place in (directory, inner):
        assert judge(str(place), "--key", KEY, *pin(tmp_path, maker, maker.to))[0] == 0


def test_without_anything_seen_it_is_consistent_in_itself(tmp_path: Path) -> None:
    archive = later().write(tmp_path / "export.tar")
    code, report = judge(str(archive), "--key", KEY)
    assert (code, report["undecided"]) == (2, ["seen"])
    assert judge(str(archive), "--key", KEY, "--fast")[0] == 2


def test_what_was_seen_of_sizes_outside_the_range_is_not_taken_for_a_comparison(tmp_path: Path) -> None:
    maker = later()
    archive = maker.write(tmp_path / "export.tar")
    for size in (3, maker.to + 0 if maker.to == maker.end else 5):
        code, report = judge(str(archive), "--key", KEY, *pin(tmp_path, maker, size))
        assert (code, report["outside_view"]) == (2, False)
        assert any(check["check"] == "apart" for check in report["checks"])


def test_gifts_are_counted_from_the_proved_balances_on(tmp_path: Path) -> None:
    maker = later()
    _, report = judge(str(maker.write(tmp_path / "export.tar")), "--key", KEY)
    received = sum(int(amounts["USD/2"]) for amounts in report["gifts_received"].values())
    lines = [line for entry in LOG.documents[: maker.end] for line in entry["postings"]]
    assert received == -sum(int(line["amount"]) for line in lines if line["account"] == "income:gifts")


def replace(name: str, data: bytes) -> Callable[[dict[str, bytes]], object]:
    return lambda files: files.update({name: data})


def without(name: str) -> Callable[[dict[str, bytes]], object]:
    return lambda files: files.pop(name)


def text(name: str, change: Callable[[str], str]) -> Callable[[dict[str, bytes]], object]:
    return lambda files: files.update({name: change(files[name].decode()).encode()})


def first_line(told: str) -> str:
    return told.split("\n", 1)[1]


def another_hash(told: str) -> str:
    """With the last line another hash."""
    return "\n".join([*told.split("\n")[:-2], "A" * 43 + "="]) + "\n"


def dearer(told: str) -> str:
    """A cent more of something."""
    lines = [json.loads(one) for one in told.splitlines()]
    lines[0][3] = str(int(lines[0][3]) + 1)
    return "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in lines)


ENTRIES = LOG.entries
SPOILED: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "an entry less": (replace("events.ndjson.gz", gzip(ENTRIES[later().first : -3])), "truncated"),
    "an entry more": (replace("events.ndjson.gz", gzip(ENTRIES[later().first :])), "truncated"),
    "nothing before": (replace("before.ndjson.gz", gzip([])), "root-mismatch"),
    "another tree before": (text("frontier.before", another_hash), "root-mismatch"),
    "another tree at from": (text("frontier.from", another_hash), "root-mismatch"),
    "fewer hashes": (text("frontier.from", first_line), "root-mismatch"),
    "a proof that does not hold": (text("consistency", another_hash), "fork"),
    "proofs of other sizes": (text("consistency", lambda told: told.replace(" ", "1 ", 1)), "export-malformed"),
    "a part without its sizes": (text("consistency", first_line), "export-malformed"),
    "a cent more at the start": (text("balances.from", dearer), "balance-unproved"),
    "no balances": (replace("balances.from", b""), "balance-unproved"),
    "balances that are none": (replace("balances.from", b"[1]\n"), "balance-unproved"),
    "nothing carried": (replace("carried", b""), "genesis-invalid"),
    "carried, cut": (text("carried", first_line), "export-malformed"),
    "carried, another entry": (text("carried", lambda told: told.replace("Denver", "Boise")), "root-mismatch"),
    "carried under another position": (text("carried", lambda told: "1" + told[1:]), "root-mismatch"),
    "no gzip": (replace("events.ndjson.gz", b"hello"), "export-malformed"),
    "half a gzip": (replace("events.ndjson.gz", gzip(ENTRIES[later().first : -2])[:-9]), "export-malformed"),
    "two gzips": (replace("before.ndjson.gz", gzip(ENTRIES[later().start : later().first]) * 2), "export-malformed"),
    "a line without end": (replace("events.ndjson.gz", gzip([b"x" * 20_000])), "entry-too-large"),
    "checkpoint of another log": (
        text("checkpoint.to", lambda told: told.replace("/ledger\n", "/legder\n", 1)),
        "log-mismatch",
    ),
    "no checkpoint": (replace("checkpoint.to", b"hello\n"), "checkpoint-malformed"),
    "without its beginning": (without("checkpoint.from"), "export-malformed"),
    "without its key": (without("export-key"), "export-malformed"),
    "with a stranger's file": (replace("derived/zzz", b""), "export-malformed"),
    "with a private file of no name": (replace("private/x.bin", b""), "export-malformed"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_spoiled_before_the_manifest_was_signed_is_told(name: str, tmp_path: Path) -> None:
    """The export key is stolen, and signs whatever the thief likes."""
    spoil, wanted = SPOILED[name]
    archive = later().write(tmp_path / "export.tar", files=spoil)
    code, report = judge(str(archive), "--key", KEY)
    assert (code, report["code"]) == (1, wanted), report["sentence"]


@pytest.mark.parametrize("name", ["derived/journal.csv", "verify.py", "VERIFY.md", "events.ndjson.gz", "keys"])
def test_what_is_changed_afterwards_is_not_what_the_manifest_lists(name: str, tmp_path: Path) -> None:
    archive = later().write(tmp_path / "export.tar", sealed=replace(name, b"other"))
    assert judge(str(archive), "--key", KEY)[1]["code"] == "manifest-mismatch"


def test_entries_that_were_rewritten_do_not_follow_from_the_signed_checkpoint(tmp_path: Path) -> None:
    honest, maker = later(), later()
    maker.entries = rechained(ENTRIES, SIZE - 5, lambda entry: entry["data"].update(via="processor"))
    kept = {name: data for name, data in honest.files().items() if name.startswith("checkpoint")}
    archive = maker.write(tmp_path / "export.tar", files=lambda files: files.update(kept))
    assert judge(str(archive), "--key", KEY)[1]["code"] == "fork"


def test_an_entry_that_breaks_a_rule_is_told_at_its_position(tmp_path: Path) -> None:
    maker = later()
    maker.entries = rechained(ENTRIES, SIZE - 5, lambda entry: entry["postings"][0].update(amount="1"))
    archive = maker.write(tmp_path / "export.tar")
    code, report = judge(str(archive), "--key", KEY)
    assert (code, report["code"], report["position"]) == (1, "sum-not-zero", SIZE - 5)


def test_a_history_that_contradicts_what_was_seen_is_a_fork(tmp_path: Path) -> None:
    maker = later()
    maker.entries = rechained(ENTRIES, SIZE - 5, lambda entry: entry["data"].update(via="processor"))
    code, report = judge(str(maker.write(tmp_path / "export.tar")), "--key", KEY, *pin(tmp_path, later(), SIZE - 2))
    assert (code, report["code"], report["position"]) == (1, "fork", SIZE - 2)


def stolen(maker: Maker, name: str) -> None:
    """The thief has a key of his own."""
    setattr(maker, name, SigningKey(getattr(maker, name).name, b"t" * 32))


@pytest.mark.parametrize("name", ["log_key", "export_key"])
def test_keys_that_the_log_does_not_know_sign_nothing(name: str, tmp_path: Path) -> None:
    maker = later()
    if name == "export_key":
        good = maker.files()["export-key"]
        stolen(maker, name)
        archive = maker.write(tmp_path / "export.tar", files=replace("export-key", good))
    else:
        stolen(maker, name)
        archive = maker.write(tmp_path / "export.tar")
    code, report = judge(str(archive), "--key", KEY)
    assert (code, report["code"]) == (1, "signature-missing")


def test_a_start_that_hides_entries_of_the_month_is_refused(tmp_path: Path) -> None:
    """A13: entries of July between the close of June and the first one shown would be missing from the balances."""
    close = CLOSES[1]
    maker = Maker(LOG, close + 3, SIZE, SIZE, before=close + 5, start=close - 1, close=close)
    assert LOG.documents[close - 1]["at"][:7] > LOG.documents[close]["period"]
    code, report = judge(str(maker.write(tmp_path / "export.tar")), "--key", KEY)
    assert (code, report["code"]) == (1, "balance-unproved")


def header(at: int, value: bytes) -> Callable[[bytes], bytes]:
    """The first header with other bytes, its checksum put right."""

    def spoil(data: bytes) -> bytes:
        head = bytearray(data[:512])
        head[at : at + len(value)] = value
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        return bytes(head) + data[512:]

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:700],
        lambda data: data[:-1],
        lambda data: data[:-512],
        lambda data: data + b"\0",
        lambda data: data[512:],
        lambda _: bytes(1024),
        lambda data: b"\x00" * 512 + data,
        lambda data: data[:520] + b"x" + data[521:],
        header(100, b"0000755\0"),
        header(108, b"0001750\0"),
        header(136, b"15000000000\0"),
        header(156, b"2"),
        header(265, b"root"),
        header(0, b"../"),
        header(124, b"77777777777\0"),
        header(124, b"\x80\xff"),
        lambda data: data[:148] + b"9999999\0" + data[156:],
    ],
)
def test_an_archive_of_another_form_is_refused(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    archive = whole().write(tmp_path / "export.tar")
    archive.write_bytes(spoil(archive.read_bytes()))
    code, report = judge(str(archive), "--key", KEY)
    assert (code, report["code"]) in {(1, "export-malformed"), (1, "checkpoint-malformed"), (1, "manifest-mismatch")}


def test_a_large_member_is_not_read_into_memory(tmp_path: Path) -> None:
    archive = whole().write(tmp_path / "export.tar", sealed=replace("policy", b"x" * (16 * 2**20 + 1)))
    code, report = judge(str(archive), "--key", KEY)
    assert (code, report["code"]) == (1, "export-malformed")


def test_a_gzip_that_blows_up_is_read_line_by_line(tmp_path: Path) -> None:
    import gzip as library

    bomb = library.compress(bytes(64 * 2**20))
    archive = whole().write(tmp_path / "export.tar", files=replace("events.ndjson.gz", bomb))
    assert judge(str(archive), "--key", KEY)[1]["code"] == "entry-too-large"


def test_any_gzip_is_read(tmp_path: Path) -> None:
    import gzip as library

    data = b"".join(entry + b"\n" for entry in ENTRIES[:30])
    archive = whole().write(tmp_path / "export.tar", files=replace("events.ndjson.gz", library.compress(data)))
    assert judge(str(archive), "--key", KEY)[0] == 2


@pytest.mark.parametrize("arguments", [["--sample", "3"], ["--anchors", "x", "--books", "y"]])
def test_what_an_export_cannot_show_is_said(arguments: list[str], tmp_path: Path) -> None:
    assert judge(str(whole().write(tmp_path / "export.tar")), "--key", KEY, *arguments)[0] == 2


def test_a_private_file_is_no_member_of_the_manifest(tmp_path: Path) -> None:
    sealed = replace(f"private/{'0' * 32}.bin", os.urandom(64))
    assert judge(str(whole().write(tmp_path / "export.tar", files=sealed)), "--key", KEY)[0] == 2


def test_bytes_that_are_no_archive_at_all_are_refused(tmp_path: Path) -> None:
    made = tmp_path / "export.tar"
    for data in (b"", b"hello", tar({}), tar({"a": b"b"}), os.urandom(4096)):
        made.write_bytes(data)
        report: dict[str, Any] = judge(str(made), "--key", KEY)[1]
        assert report["code"] == "export-malformed"
