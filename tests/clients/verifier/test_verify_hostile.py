"""verify.py against servers, files and logs that want it to accuse, to hang, to crash or to repaint a terminal."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger import canonical, merkle, proof, slots, times
from ledger.canonical import leaf_hash, parse_entry
from ledger.checkpoint import Checkpoint
from ledger.checkpoint import open as open_checkpoint
from ledger.grammar import encode_base64
from ledger.merkle import root
from ledger.postings import balances_hash
from ledger.verify import EntryChecker
from server.domains.giving.events import PUBLIC_TYPES
from tests.clients.verifier.published import KEY, VERIFY, Published, good_entries, load, rechained
from tests.support.logs import origin_of

ENTRIES = good_entries(300)
LAST = len(ENTRIES) - 1


@pytest.fixture
def log(tmp_path: Path) -> Published:
    made = Published(tmp_path / "log")
    made.write(ENTRIES)
    return made


def bank(entry: dict[str, Any]) -> None:
    entry["data"]["via"] = "bank"


@pytest.fixture
def pin(tmp_path: Path) -> str:
    """An honest view of the first 280 entries."""
    early, kept = Published(tmp_path / "early"), str(tmp_path / "seen.txt")
    early.write(ENTRIES[:280])
    early.judge("--first-use", kept)
    return kept


def test_nobody_but_the_key_can_make_the_log_look_forked(tmp_path: Path, pin: str) -> None:
    """A mirror serves rewritten entries below a head that was signed for others: that is its own doing."""
    honest = root([leaf_hash(entry) for entry in ENTRIES])
    mirror = Published(tmp_path / "mirror")
    mirror.write(rechained(ENTRIES, 100, bank), signed_root=honest)
    code, report = mirror.judge("--trusted", pin)
    assert (code, report["code"]) == (1, "root-mismatch")


@pytest.mark.parametrize("size", [280, 281, 300, len(ENTRIES)])
def test_the_evidence_of_a_fork_proves_it_without_the_log(size: int, tmp_path: Path, pin: str) -> None:
    other = Published(tmp_path / "other")
    rewritten = rechained(ENTRIES, 100, bank)[:size]
    other.write(rewritten)
    code, report = other.judge("--trusted", pin)
    assert (code, report["code"], report["position"]) == (1, "fork", 280)
    evidence = Path("/tmp") / report["sentence"].rpartition(" ")[2]  # noqa: S108 - verify.py ran there
    text = evidence.read_text()
    evidence.unlink()
    before, after = (part.partition(" ---\n")[2] for part in text.split("\n--- ")[1:])
    first, second = (open_checkpoint(note.strip("\n") + "\n", KEY.verify_key) for note in (before, after))
    told = [base64.b64decode(line) for line in text.splitlines() if line.startswith("  ") and line.endswith("=")]
    claimed, actual, path = told[0], told[1], told[2:]
    assert (first.size, first.root_hash, second.size) == (280, claimed, size)
    merkle.verify_consistency(280, size, actual, second.root_hash, path)
    assert actual != claimed


def opening_of(position: int, value: str = "n-1") -> tuple[list[bytes], dict[str, Any]]:
    """A log whose entry `position` commits to `value`, and the file that opens it."""
    spec = next(spec for spec in PUBLIC_TYPES if spec.name == parse_entry(ENTRIES[position]).type)
    salts = [bytes([i]) * 32 for i in range(len(spec.slots))]
    first = spec.slots[0].name
    hashes, private_root = slots.build(spec, {first: value}, salts)

    def commit(entry: dict[str, Any]) -> None:
        entry["private"]["root"] = encode_base64(private_root)

    shown = slots.opening(spec, first, value, salts[0], hashes)
    slot = {
        "i": 0,
        "name": first,
        "value": value,
        "salt": encode_base64(shown.salt),
        "path": [encode_base64(node) for node in shown.path],
    }
    document = {"format": "secondwind-opening-v1", "log": origin_of("public"), "position": position, "slots": [slot]}
    return rechained(ENTRIES, position, commit), document


def test_an_opening_shows_what_a_signed_entry_committed_to(tmp_path: Path) -> None:
    entries, document = opening_of(LAST)
    published, path = Published(tmp_path / "log"), tmp_path / "opening.json"
    published.write(entries)
    path.write_text(json.dumps(document))
    code, report = published.judge("--opening", str(path))
    assert (code, report["opening"]["position"], list(report["opening"]["values"].values())) == (2, LAST, ["n-1"])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda d: d["slots"][0].update(value="n-2"), 1),
        (lambda d: d["slots"][0].update(name="giver"), 1),
        (lambda d: d["slots"][0].update(i=1), 1),
        (lambda d: d.update(position=LAST - 1), 1),
        (lambda d: d.update(position=2), 1),
        (lambda d: d.update(position=10**6), 2),
        (lambda d: d.update(log="other.example.org/ledger"), 2),
        (lambda d: d.update(format="other"), 2),
        (lambda d: d.update(slots=[]), 2),
        (lambda d: d.update(slots="x"), 2),
        (lambda d: d["slots"][0].update(salt="x"), 2),
    ],
)
def test_an_opening_that_shows_something_else_does_not_open(
    spoil: Callable[[dict[str, Any]], None], code: int, tmp_path: Path
) -> None:
    entries, document = opening_of(LAST)
    published, path = Published(tmp_path / "log"), tmp_path / "opening.json"
    published.write(entries)
    spoil(document)
    path.write_text(json.dumps(document))
    told, report = published.judge("--opening", str(path))
    assert (told, report["code"]) == (code, "opening-invalid" if code == 1 else "cannot-tell")


def test_an_opening_of_an_entry_that_was_not_signed_opens_nothing(tmp_path: Path) -> None:
    """The one who shows it also serves the entry that it fits."""
    entries, document = opening_of(LAST)
    published, path = Published(tmp_path / "log"), tmp_path / "opening.json"
    published.write(entries, signed_root=root([leaf_hash(entry) for entry in ENTRIES]))
    path.write_text(json.dumps(document))
    assert published.judge("--opening", str(path))[1]["code"] == "root-mismatch"


def receipt(index: int, path_of: int | None = None) -> str:
    hashes = [leaf_hash(entry) for entry in ENTRIES[:280]]
    path = proof.inclusion(
        lambda nodes: [root(hashes[i << level : (i + 1) << level]) for level, i in nodes],
        index if path_of is None else path_of,
        280,
    )
    return proof.format_tlog_proof(index, path, KEY.sign(Checkpoint(KEY.name, 280, root(hashes)).text()))


def test_a_receipts_own_entry_is_found_under_its_checkpoint(log: Published, tmp_path: Path) -> None:
    path = tmp_path / "gift.tlog-proof"
    path.write_text(receipt(40))
    assert log.judge("--seen", str(path))[0] == 0
    path.write_text(receipt(40, path_of=41))
    code, report = log.judge("--seen", str(path))
    assert (code, report["code"]) == (2, "cannot-tell")
    assert "does not prove entry 40" in report["sentence"]


@contextmanager
def dribbling(first: bytes) -> Iterator[str]:
    """A server that begins an answer and then sends a byte every 50 ms, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    try:
                        client.sendall(first)
                        while not stopped.wait(0.05):
                            client.sendall(b"x")
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/ledger"
        finally:
            stopped.set()


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"]
)
def test_a_server_that_dribbles_is_waited_for_once_and_not_for_ever(
    first: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load()
    monkeypatch.setattr(module, "DOWNLOAD_TOTAL_S", 0.4)
    with dribbling(first) as url:
        assert module.main([url, "--key", KEY.vkey]) == 2
    assert "takes longer than 0.4 s" in capsys.readouterr().out


def test_what_nobody_foresaw_is_no_verdict_on_the_log(
    log: Published, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load()

    def broken(_self: object) -> bytes:
        raise MemoryError("no room")

    monkeypatch.setattr(module.Frontier, "root", broken)
    assert module.main([str(log.directory), "--key", KEY.vkey]) == 2
    assert capsys.readouterr().out == "COULD NOT TELL: verify.py could not go on (MemoryError: no room)\n"


def test_nothing_that_a_log_says_moves_the_cursor(tmp_path: Path) -> None:
    name = "\x1b[2J\x1b]0;VERIFIED\x07\u202eVERIFIED\n"
    directory = tmp_path / name
    entries = rechained(ENTRIES, LAST, lambda entry: entry.update(log="\x1b[31mx"))
    made = Published(directory)
    made.write(entries)
    for arguments in ([str(directory / "nothing\x1b[0m")], [str(directory)]):
        command = [sys.executable, "-I", str(VERIFY), *arguments, "--key", KEY.vkey]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=tmp_path)
        out = done.stdout.decode()
        assert done.returncode in (1, 2)
        assert out.count("\n") == 1
        assert all(c.isprintable() for c in out.rstrip("\n"))


def test_a_terminal_that_knows_only_ascii_is_no_reason_to_stop(log: Published, tmp_path: Path) -> None:
    command = [sys.executable, "-I", str(VERIFY), str(log.directory), "--key", KEY.vkey]
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 2
    assert done.stdout.isascii()


def test_a_month_left_open_fails_at_the_end_of_the_log_and_closing_it_late_is_enough(tmp_path: Path) -> None:
    checker = EntryChecker(origin_of("public"), "public")
    for position, entry in enumerate(ENTRIES):
        checker.check(position, entry)
    opened = parse_entry(ENTRIES[0])
    at = times.format_at(opened.at_us + 60 * 86_400_000_000)
    common = {"at": at, "log": checker.origin, "postings": [], "v": 1}
    late = {"data": {"note": "late"}, "period": at[:7], "position": checker.size, "type": "ledger.books.attested.v1"}
    entries = [*ENTRIES, canonical.encode({**common, **late, "prev": encode_base64(checker.prev)})]
    published = Published(tmp_path / "log")
    published.write(entries)
    code, report = published.judge()
    assert (code, report["code"], report["position"]) == (1, "period-unclosed", len(entries))
    month = opened.period
    while checker.check(len(entries) - 1, entries[-1]) and (overdue := checker.overdue()):
        assert overdue == month
        data = {
            "balances": encode_base64(balances_hash(checker.balances.through(month))),
            "registry": encode_base64(checker.registry.sha256()),
        }
        close = {"data": data, "period": month, "position": checker.size, "type": "ledger.period.closed.v1"}
        entries.append(canonical.encode({**common, **close, "prev": encode_base64(checker.prev)}))
        month = times.month_after(month)
    published.write(entries)
    assert published.judge()[0] == 2
    assert len(entries) > len(ENTRIES) + 1
