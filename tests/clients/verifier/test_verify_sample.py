"""verify.py --sample: the head, what was seen, and entries drawn by chance, without reading the whole log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.merkle import root
from tests.clients.verifier.published import KEY, Published, good_entries, load, rechained
from tests.clients.verifier.test_verify_outside import anchored, at
from tests.vectors.log_v1 import files
from tests.vectors.logs import LogMaker

ENTRIES = good_entries(600)
HASHES = [leaf_hash(entry) for entry in ENTRIES]


def published(directory: Path, entries: list[bytes]) -> Published:
    """With tiles of every level."""
    log = LogMaker("any", "public", KEY.name, 1)
    log.entries, log.key = entries, KEY
    made = Published(directory)
    for path, data in files(log).items():
        made.file(path, data)
    made.file("checkpoint", KEY.sign(Checkpoint(KEY.name, len(entries), root(map(leaf_hash, entries))).text()).encode())
    return made


@pytest.fixture
def log(tmp_path: Path) -> Published:
    return published(tmp_path / "log", ENTRIES)


def pin(tmp_path: Path, size: int) -> tuple[str, str]:
    kept = tmp_path / "pin"
    kept.write_text(KEY.sign(Checkpoint(KEY.name, size, root(HASHES[:size])).text()))
    return "--trusted", str(kept)


def test_a_sample_says_what_it_looked_at_and_what_it_did_not(log: Published, tmp_path: Path) -> None:
    code, report = log.judge("--sample", "20", *pin(tmp_path, 300))
    assert (code, report["undecided"], report["sampled"]) == (2, ["rules"], 22)
    seen = {check["check"]: check["result"] for check in report["checks"]}
    assert (seen["signed"], seen["unbroken"], seen["seen"], seen["rules"]) == ("yes", "yes", "yes", "unknown")


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 600, len(ENTRIES)])
def test_it_proves_from_tiles_that_the_log_only_grew(size: int, log: Published, tmp_path: Path) -> None:
    assert log.judge("--sample", "1", *pin(tmp_path, size))[0] == 2


@pytest.mark.parametrize("size", [255, 256, 400, len(ENTRIES)])
def test_a_fork_is_seen_and_proved_without_reading_every_entry(size: int, tmp_path: Path) -> None:
    other = published(tmp_path / "other", rechained(ENTRIES, 100, lambda entry: entry["data"].update(via="bank")))
    code, report = other.judge("--sample", "1", *pin(tmp_path, size))
    assert (code, report["code"], report["position"]) == (1, "fork", size)
    (Path("/tmp") / report["sentence"].rpartition(" ")[2]).unlink()  # noqa: S108 - verify.py ran there


def spoil(log: Published, path: str, at: int) -> None:
    data = bytearray((log.directory / path).read_bytes())
    data[at] ^= 1
    log.file(path, bytes(data))


def test_tiles_that_are_not_under_the_signed_root_are_told(log: Published) -> None:
    spoil(log, f"tile/0/002.p/{len(ENTRIES) - 512}", 40)
    assert log.judge("--sample", "1")[1]["code"] == "root-mismatch"


def test_an_entry_that_is_drawn_is_held_against_the_tree(tmp_path: Path) -> None:
    """Every entry of the second bundle is another; it takes a draw of that bundle to see it, and a large one does."""
    log = published(tmp_path / "log", ENTRIES)
    for position in range(256, 512):
        entry = ENTRIES[position]
        path = log.directory / "tile/entries/001"
        path.write_bytes(path.read_bytes().replace(entry, entry.replace(b'"via":"', b'"vib":"')))
    code, report = log.judge("--sample", "500")
    assert (code, report["code"]) == (1, "root-mismatch")
    assert 256 <= report["position"] < 512


def test_positions_are_drawn_anew_each_time() -> None:
    """A server that could foresee them would keep those entries right."""
    module = load()
    drawn = {tuple(sorted(module.draw(100_000, 8))) for _ in range(20)}
    assert len(drawn) == 20


@pytest.mark.parametrize("arguments", [["--opening", "x"], ["--anchors", "x", "--books", "y"]])
def test_what_needs_every_entry_is_not_done_by_sample(arguments: list[str], log: Published) -> None:
    assert log.judge("--sample", "3", *arguments)[0] == 2


def test_an_empty_log_has_nothing_to_draw(tmp_path: Path) -> None:
    empty = Published(tmp_path / "log")
    empty.write([])
    code, report = empty.judge("--sample", "3")
    assert (code, report["size"]) == (2, 0)


def test_a_forged_head_is_told_as_ever(log: Published) -> None:
    note = (log.directory / "checkpoint").read_text()
    log.file(
        "checkpoint", note.replace("\n\n", "\n\n", 1).replace(str(len(ENTRIES)), str(len(ENTRIES) - 1), 1).encode()
    )
    told: dict[str, Any] = log.judge("--sample", "3")[1]
    assert told["code"] == "signature-invalid"


@pytest.mark.parametrize(("minutes", "fresh"), [(5, "yes"), (40, "unknown")])
def test_it_finds_the_newest_anchor_without_reading_the_log(minutes: float, fresh: str, tmp_path: Path) -> None:
    """A10: a sample of an old log is stale too."""
    log = published(tmp_path / "log", anchored(ENTRIES))
    _, report = log.judge("--sample", "1", "--as-of", at(ENTRIES, minutes))
    assert next(check["result"] for check in report["checks"] if check["check"] == "fresh") == fresh
