"""verify.py for auditors: every anchor of the public log is opened and held against books and audit (attacks A9)."""

from __future__ import annotations

import http.server
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger import anchor
from ledger.canonical import encode, leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.grammar import encode_base64
from ledger.merkle import root
from ledger.note import SigningKey
from tests.clients.verifier.published import Published, judge, rechained
from tests.clients.verifier.test_verify import Quiet, serving
from tests.vectors import logs
from tests.vectors.log_v1 import audit_log, books_log

BOOKS, AUDIT = books_log(), audit_log()
OF_ITS_DAY = ("--as-of", "2026-01-07T13:00Z")
NOTHING = Path("/nonexistent")


def note(log: logs.LogMaker, entries: list[bytes], size: int, key: SigningKey | None = None) -> str:
    hashes = [leaf_hash(entry) for entry in entries[:size]]
    return (key or log.key).sign(Checkpoint(log.key.name, size, root(hashes)).text())


@dataclass
class Scene:
    """A public log that anchors the other two as they grow, and what an auditor is given."""

    directory: Path
    books: list[bytes] = field(default_factory=lambda: list(BOOKS.entries))
    audit: list[bytes] = field(default_factory=lambda: list(AUDIT.entries))
    sizes: tuple[tuple[int, int], ...] = ((0, 0), (3, 0), (3, 2), (7, 2), (9, 3))
    notes: Callable[[int, list[str]], list[str]] = lambda _, notes: notes
    lines: list[dict[str, Any]] = field(default_factory=list)

    def write(self) -> None:
        public = logs.LogMaker("anchoring", "public", "frozen.example.org/ledger", 31, logs.Registry())
        public.open("2026-01-07T12:00:00.000000Z", {"assets:cash": ["USD/2"]}, ["general"])
        for number, (books, audit) in enumerate(self.sizes):
            whole = [
                note(BOOKS, BOOKS.entries, books) if books else "",
                note(AUDIT, AUDIT.entries, audit) if audit else "",
            ]
            notes, nonce = self.notes(number, whole), bytes([number]) * 32
            self.lines.append({"position": public.checker.size, "nonce": encode_base64(nonce), "notes": notes})
            data = {"commitment": encode_base64(anchor.commitment(nonce, notes))}
            public.add(f"2026-01-07T12:{10 * (number + 1)}:00.000000Z", "ledger.anchor.recorded.v1", data)
        Published(self.directory / "public", public.key).write(public.entries)
        Published(self.directory / "books", BOOKS.key).write(self.books)
        Published(self.directory / "audit", AUDIT.key).write(self.audit)
        (self.directory / "anchors").write_bytes(b"".join(encode(line) + b"\n" for line in self.lines))
        self.key = public.key.vkey

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        given = ["--anchors", str(self.directory / "anchors")]
        for log in ("books", "audit"):
            if f"--{log}" not in arguments:
                given += [f"--{log}", str(self.directory / log)]
        return judge(str(self.directory / "public"), "--key", self.key, *OF_ITS_DAY, *given, *arguments)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.write()
    return made


def test_every_anchor_opens_to_checkpoints_of_the_very_entries_that_are_shown(scene: Scene) -> None:
    pin = scene.directory / "pin"
    pin.write_bytes((scene.directory / "public" / "checkpoint").read_bytes())
    code, report = scene.run("--trusted", str(pin))
    assert (code, report["undecided"]) == (0, [])
    assert (report["anchored"]["opened"], report["anchored"]["unopened"]) == (5, 0)
    books = report["anchored"]["logs"][BOOKS.key.name]
    assert (books["size"], [one["size"] for one in books["committed"]]) == (len(BOOKS.entries), [3, 7, 9])
    assert [one["size"] for one in report["anchored"]["logs"][AUDIT.key.name]["committed"]] == [2, 3]


def test_one_log_may_be_audited_without_the_other(scene: Scene) -> None:
    arguments = ["--anchors", str(scene.directory / "anchors"), "--books", str(scene.directory / "books")]
    code, report = judge(str(scene.directory / "public"), "--key", scene.key, *OF_ITS_DAY, *arguments)
    assert (code, list(report["anchored"]["logs"])) == (2, [BOOKS.key.name])


def rewritten(scene: Scene) -> None:
    scene.books = rechained(BOOKS.entries, 4, lambda entry: entry["data"].update(title="Another"))


def cut_short(scene: Scene) -> None:
    scene.books = BOOKS.entries[:8]


def other_note(number: int, kind: int, made: Callable[[], str]) -> Callable[[Scene], None]:
    def spoil(scene: Scene) -> None:
        scene.notes = lambda at, notes: [made() if (at, i) == (number, kind) else one for i, one in enumerate(notes)]

    return spoil


def signed_by_a_thief() -> str:
    return note(BOOKS, BOOKS.entries, 7, SigningKey(BOOKS.key.name, b"t" * 32))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (rewritten, "fork"),
        (cut_short, "rollback"),
        (other_note(3, 0, signed_by_a_thief), "signature-missing"),
        (other_note(4, 0, lambda: note(BOOKS, BOOKS.entries, 2)), "rollback"),
        (other_note(4, 0, lambda: ""), "rollback"),
        (other_note(4, 0, lambda: note(AUDIT, AUDIT.entries, 2)), "log-mismatch"),
        (other_note(4, 1, lambda: "hello\n"), "checkpoint-malformed"),
    ],
)
def test_books_that_are_not_those_that_were_anchored_are_found_out(
    spoil: Callable[[Scene], None], code: str, tmp_path: Path
) -> None:
    scene = Scene(tmp_path)
    spoil(scene)
    scene.write()
    told, report = scene.run()
    assert (told, report["code"]) == (1, code)
    assert "books" in report["sentence"] or AUDIT.key.name in report["sentence"]


def test_an_entry_of_books_that_breaks_a_rule_is_told_with_its_log(tmp_path: Path) -> None:
    scene = Scene(tmp_path, sizes=((1, 1),))
    scene.books = rechained(BOOKS.entries, 4, lambda entry: entry.update(period="2020-01"))
    scene.write()
    code, report = scene.run()
    assert (code, report["code"], report["position"]) == (1, "period-invalid", 4)
    assert report["sentence"].startswith(f"{BOOKS.key.name}: ")


def lines(scene: Scene, change: Callable[[list[dict[str, Any]]], list[Any]]) -> None:
    changed = change(json.loads(json.dumps(scene.lines)))
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in changed)
    (scene.directory / "anchors").write_text(text)


@pytest.mark.parametrize(
    ("change", "exit_code", "code"),
    [
        (lambda lines: [lines[0], *lines[2:]], 1, "anchor-unopened"),
        (lambda lines: [{**lines[0], "nonce": lines[1]["nonce"]}, *lines[1:]], 1, "anchor-invalid"),
        (lambda lines: [lines[0], {**lines[1], "notes": ["", ""]}, *lines[2:]], 1, "anchor-invalid"),
        (lambda lines: [{**lines[0], "position": 1}, *lines], 1, "anchor-invalid"),
        (lambda lines: [*lines, lines[-1]], 1, "anchor-invalid"),
        (lambda lines: ["not JSON", *lines], 2, "cannot-tell"),
        (lambda lines: [*lines[:2], {"position": 9}, *lines[3:]], 2, "cannot-tell"),
        (lambda lines: [{**lines[0], "nonce": "AAAA"}, *lines[1:]], 2, "cannot-tell"),
        (lambda lines: [{**lines[0], "notes": [1, 2]}, *lines[1:]], 2, "cannot-tell"),
        (lambda lines: ["[" * 5000, *lines], 2, "cannot-tell"),
    ],
)
def test_openings_that_do_not_fit_are_told(
    change: Callable[[list[dict[str, Any]]], list[Any]], exit_code: int, code: str, scene: Scene
) -> None:
    lines(scene, change)
    told, report = scene.run()
    assert (told, report["code"]) == (exit_code, code)


def test_anchors_made_since_the_file_was_written_are_named_and_leave_it_open(scene: Scene) -> None:
    lines(scene, lambda made: made[:3])
    code, report = scene.run()
    assert (code, "anchored" in report["undecided"]) == (2, True)
    assert (report["anchored"]["opened"], report["anchored"]["unopened"]) == (3, 2)


@pytest.mark.parametrize("which", ["--books", "--audit"])
def test_a_key_that_was_pinned_for_a_log_must_be_its(which: str, scene: Scene) -> None:
    log = BOOKS if which == "--books" else AUDIT
    assert scene.run("--log-key", log.key.vkey)[0] == 2
    code, report = scene.run("--log-key", SigningKey(log.key.name, b"t" * 32).vkey)
    assert (code, report["code"]) == (1, "signature-missing")


def test_what_an_auditor_has_to_bring_is_said(scene: Scene) -> None:
    public = str(scene.directory / "public")
    assert "--anchors" in judge(public, "--key", scene.key, "--books", "x")[1]["sentence"]
    assert "--books" in judge(public, "--key", scene.key, "--anchors", "x")[1]["sentence"]
    code, report = scene.run("--books", str(NOTHING))
    assert (code, report["code"]) == (2, "cannot-tell")


def test_the_auditors_token_goes_to_the_address_and_stays_out_of_the_report(scene: Scene) -> None:
    asked: list[str | None] = []

    class Protected(Quiet, http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            path = scene.directory / "books" / self.path.removeprefix("/ledger/")
            known = self.headers["Authorization"] == "Bearer s3cret" and path.is_file()
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(path.read_bytes() if known else b"")

    token = scene.directory / "token"
    token.write_text("s3cret\n")
    with serving(Protected) as address:
        code, report = scene.run("--books", address, "--token", str(token))
        assert (code, report["anchored"]["opened"]) == (2, 5)
        assert set(asked) == {"Bearer s3cret"}
        assert "s3cret" not in json.dumps(report)
        assert scene.run("--books", address)[0] == 2
