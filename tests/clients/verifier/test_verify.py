"""verify.py: it accepts what is good, and names the code and the position of everything else."""

from __future__ import annotations

import ast
import base64
import http.server
import json
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ledger import proof
from ledger.canonical import leaf_hash
from ledger.grammar import encode_base64
from ledger.merkle import root
from ledger.note import SigningKey
from ledger.registry import EXTENDED, Registry
from server import chart
from server.audit import AUDIT_TYPES
from server.domains.giving.events import BOOKS_TYPES, PUBLIC_TYPES
from tests.clients.verifier.published import KEY, VERIFY, Published, good_entries, load, rechained, verify

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
ENTRIES = good_entries(600)
GENESIS = len(ENTRIES) - 600
AT = GENESIS + 300


@pytest.fixture
def log(tmp_path: Path) -> Published:
    made = Published(tmp_path / "log")
    made.write(ENTRIES)
    return made


def test_a_good_log_that_nobody_has_seen_is_only_consistent_in_itself(log: Published) -> None:
    code, report = log.judge()
    assert (code, report["verdict"], report["size"]) == (2, "could-not-tell", len(ENTRIES))
    assert report["root"] == encode_base64(root(map(leaf_hash, ENTRIES)))
    assert report["gifts_received"]["rent"]["USD/2"] == str(sum(100 + n for n in range(0, 600, 3)))


def test_first_use_pins_and_every_later_run_compares(log: Published, tmp_path: Path) -> None:
    pin = str(tmp_path / "seen.txt")
    assert log.judge("--first-use", pin)[0] == 2
    assert log.judge("--first-use", pin)[0] == 0
    assert log.judge("--trusted", pin)[1]["compared_with"] == [pin]


def test_a_receipt_that_somebody_holds_is_an_outside_view(log: Published, tmp_path: Path) -> None:
    hashes = [leaf_hash(entry) for entry in ENTRIES]
    path = proof.inclusion(
        lambda nodes: [root(hashes[i << level : (i + 1) << level]) for level, i in nodes], 40, len(ENTRIES)
    )
    receipt = tmp_path / "gift.tlog-proof"
    receipt.write_text(proof.format_tlog_proof(40, path, (log.directory / "checkpoint").read_text()))
    assert log.judge("--seen", str(receipt))[0] == 0


def test_the_head_that_is_expected_is_the_only_one_accepted(log: Published) -> None:
    head = f"{len(ENTRIES)}:{encode_base64(root(map(leaf_hash, ENTRIES)))}"
    assert log.judge("--expect-head", head)[0] == 2
    code, report = log.judge("--expect-head", head.replace(":", "0:"))
    assert (code, report["code"]) == (1, "head-mismatch")


def test_a_log_that_only_grew_passes_and_one_that_shrank_or_changed_does_not(log: Published, tmp_path: Path) -> None:
    pin = str(tmp_path / "seen.txt")
    early = Published(tmp_path / "early")
    early.write(ENTRIES[:400])
    early.judge("--first-use", pin)
    assert log.judge("--trusted", pin)[0] == 0
    shorter = Published(tmp_path / "shorter")
    shorter.write(ENTRIES[:300])
    assert (shorter.judge("--trusted", pin)[0], shorter.judge("--trusted", pin)[1]["code"]) == (1, "rollback")
    other = Published(tmp_path / "other")
    other.write(rechained(ENTRIES, 200, lambda entry: entry["data"].update(via="bank")))
    code, report = other.judge("--trusted", pin)
    assert (code, report["code"], report["position"]) == (1, "fork", 400)
    evidence = Path("/tmp") / report["sentence"].rpartition(" ")[2]  # noqa: S108 - verify.py ran there
    text = evidence.read_text()
    evidence.unlink()
    assert text.count(KEY.name) >= 4


def amount(entry: dict[str, Any]) -> None:
    for line in entry["postings"]:
        line["amount"] = str(int(line["amount"]) * 2)


def unbalanced(entry: dict[str, Any]) -> None:
    entry["postings"][0]["amount"] = "1"


def account(entry: dict[str, Any]) -> None:
    entry["postings"][0]["account"] = "assets:cash2"


REWRITES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "sums": (unbalanced, "sum-not-zero"),
    "undeclared account": (account, "account-undeclared"),
    "undeclared fund": (lambda e: [line.update(fund="nowhere") for line in e["postings"]] and None, "fund-undeclared"),
    "wrong month": (lambda e: e.update(period="2020-01"), "period-invalid"),
    "time back": (lambda e: e.update(at="2020-01-01T00:00:00.000000Z", period="2020-01"), "time-backwards"),
    "seconds in public": (lambda e: e.update(at=e["at"].replace(":00.000000Z", ":01.000000Z")), "entry-malformed"),
    "another log": (lambda e: e.update(log="example.org/other/ledger"), "log-mismatch"),
    "another position": (lambda e: e.update(position=AT + 5), "position-mismatch"),
    "unknown member": (lambda e: e.update(note="hello"), "entry-malformed"),
    "unknown data": (lambda e: e["data"].update(who="ada"), "data-invalid"),
    "no slots": (lambda e: e.pop("private"), "private-invalid"),
    "unsorted": (lambda e: e["postings"].reverse(), "postings-unsorted"),
    "refers to the future": (lambda e: e.update(refers_to=[AT]), "refers-invalid"),
    "null": (lambda e: e["data"].update(via=None), "entry-malformed"),
    "too deep": (lambda e: e["data"].update(via=[[[["x"]]]]), "entry-malformed"),
    "NaN": (lambda e: e["data"].update(via=float("nan")), "entry-malformed"),
    "a float": (lambda e: e["data"].update(via=1.5), "entry-malformed"),
}


@pytest.mark.parametrize("name", REWRITES)
def test_what_even_the_keys_owner_cannot_write(name: str, tmp_path: Path) -> None:
    change, wanted = REWRITES[name]
    forged = Published(tmp_path / "log")
    forged.write(rechained(ENTRIES, AT, change))
    code, report = forged.judge()
    assert (code, report["code"], report["position"]) == (1, wanted, AT)


def test_an_unknown_type_is_no_failure_but_cannot_be_told(tmp_path: Path) -> None:
    forged = Published(tmp_path / "log")
    forged.write(rechained(ENTRIES, AT, lambda entry: entry.update(type="later.thing.happened.v1")))
    code, report = forged.judge()
    assert (code, report["unknown_types"]) == (2, {"later.thing.happened.v1": 1})


def spoiled(position: int, change: Callable[[bytes], bytes]) -> list[bytes]:
    return [change(entry) if n == position else entry for n, entry in enumerate(ENTRIES)]


SPOILED: dict[str, tuple[list[bytes], str, int]] = {
    "a changed byte": (spoiled(AT, lambda e: e.replace(b"processor", b"processos")), "data-invalid", AT),
    "a changed amount": (spoiled(AT, lambda e: e.replace(b'"amount":"', b'"amount":"1', 1)), "entry-malformed", AT),
    "blanks": (spoiled(AT, lambda e: e.replace(b",", b", ", 1)), "entry-not-canonical", AT),
    "a member twice": (spoiled(AT, lambda e: e.replace(b'"v":1}', b'"v":1,"v":1}')), "entry-not-canonical", AT),
    "65 KiB": (spoiled(AT, lambda _: b'{"x":"' + b"y" * 65_000 + b'"}'), "entry-too-large", AT),
    "not JSON": (spoiled(AT, lambda _: b"\xff\xfe"), "entry-malformed", AT),
    "a thousand brackets": (spoiled(AT, lambda _: b"[" * 1000), "entry-malformed", AT),
    "swapped": ([*ENTRIES[:AT], ENTRIES[AT + 1], ENTRIES[AT], *ENTRIES[AT + 2 :]], "position-mismatch", AT),
    "missing": ([*ENTRIES[:AT], *ENTRIES[AT + 1 :]], "position-mismatch", AT),
    "twice": ([*ENTRIES[: AT + 1], *ENTRIES[AT:]], "position-mismatch", AT + 1),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_log_fails_at_its_position(name: str, tmp_path: Path) -> None:
    entries, wanted, position = SPOILED[name]
    spoilt = Published(tmp_path / "log")
    spoilt.write(entries)
    code, report = spoilt.judge()
    assert (code, report["position"]) == (1, position)
    assert report["code"] in {wanted, "sum-not-zero"} if name == "a changed amount" else report["code"] == wanted


@pytest.mark.parametrize("fast", [False, True])
def test_entries_that_are_not_those_that_were_signed(fast: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    forged = Published(tmp_path / "log")
    forged.write(rechained(ENTRIES, AT, amount), signed_root=root(map(leaf_hash, ENTRIES)))
    code, report = forged.judge(*(["--fast"] if fast else []))
    assert (code, report["code"]) == (1, "root-mismatch")


def test_a_log_shorter_than_its_checkpoint_is_truncated(tmp_path: Path) -> None:
    short = Published(tmp_path / "log")
    short.write(ENTRIES[:600])
    path = short.directory / "tile/entries/002.p/88"
    path.write_bytes(path.read_bytes()[: -len(ENTRIES[599]) - 2])
    code, report = short.judge()
    assert (code, report["code"], report["position"]) == (1, "truncated", 599)


def test_a_tile_that_does_not_hold_its_entries_hashes(log: Published) -> None:
    (log.directory / "tile/0/001").write_bytes(bytes(8192))
    code, report = log.judge()
    assert (code, report["code"], report["position"]) == (1, "tile-mismatch", 256)


def test_keys_that_did_not_sign_are_told_apart(log: Published) -> None:
    other = SigningKey(KEY.name, b"o" * 32)
    assert log.judge(vkey=other.vkey)[1]["code"] == "signature-missing"
    assert log.judge(vkey="nonsense")[0] == 2
    code, report = verify(str(log.directory))
    assert code == 2
    assert "no --key" in report["sentence"]
    assert verify(str(log.directory / "nowhere"), "--key", KEY.vkey)[0] == 2


def test_a_registry_that_means_something_else_by_a_known_type_is_refused(tmp_path: Path) -> None:
    def change(entry: dict[str, Any]) -> None:
        import hashlib

        text = entry["data"]["registry"].replace('"processor"]', '"processor","wizard"]')
        entry["data"] = {"registry": text, "sha256": base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}

    forged = Published(tmp_path / "log")
    forged.write(rechained(ENTRIES, 1, change))
    code, report = forged.judge()
    assert (code, report["code"], report["position"]) == (1, "registry-invalid", 1)


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server of ours on loopback."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/ledger"
        finally:
            server.shutdown()


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


class Endless(Quiet):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65_536)
        except OSError:
            pass


class Redirecting(Quiet):
    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()


class Broken(Quiet):
    def do_GET(self) -> None:
        self.send_error(500)


class Page(Quiet):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome to the hotel's network</html>\n")


@pytest.mark.parametrize("handler", [Endless, Redirecting, Broken])
def test_a_hostile_server_ends_in_could_not_tell(handler: type[Quiet]) -> None:
    with serving(handler) as address:
        began = time.monotonic()
        code, report = verify(address, "--key", KEY.vkey)
        assert (code, report["code"]) == (2, "cannot-tell")
        assert time.monotonic() - began < 30


def test_a_page_instead_of_a_checkpoint_is_malformed() -> None:
    with serving(Page) as address:
        assert verify(address, "--key", KEY.vkey)[1]["code"] == "checkpoint-malformed"


def test_it_runs_on_python_3_9_with_the_standard_library_alone() -> None:
    tree = ast.parse(VERIFY.read_text(), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names)
    # Names that later versions added, which a linter likes to put there.
    assert "timezone.utc" in VERIFY.read_text()
    assert "import UTC" not in VERIFY.read_text()


def test_its_own_table_of_types_is_what_the_service_declares() -> None:
    module = load()
    for kind, types in (("ledger", PUBLIC_TYPES), ("books", BOOKS_TYPES), ("audit", AUDIT_TYPES)):
        guards = {"ledger": chart.PUBLIC_GUARDS, "books": chart.BOOKS_GUARDS}.get(kind, ())
        declared = json.loads(Registry((*types, EXTENDED), guards).to_text())["types"]
        assert module._KNOWN[kind] == declared


GOOD = {log["name"]: log for log in json.loads((VECTORS / "entries-good.json").read_text())["logs"]}
BAD = json.loads((VECTORS / "entries-bad.json").read_text())["cases"]


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """verify.py without its own types: the vectors declare types of their own."""
    made = load()
    made._KNOWN = {kind: dict(made._LEDGER_TYPES) for kind in made._KNOWN}  # type: ignore[attr-defined]  # of verify.py
    return made


@pytest.mark.parametrize("name", GOOD)
def test_every_good_vector_is_accepted(module: ModuleType, name: str) -> None:
    log = module.Log(module.VerifyKey(GOOD[name]["key"]).name)
    for entry in GOOD[name]["entries"]:
        log.take(entry.encode())


@pytest.mark.parametrize("case", BAD, ids=[case["name"] for case in BAD])
def test_every_bad_vector_is_refused_with_its_code(module: ModuleType, case: dict[str, Any]) -> None:
    log = module.Log(module.VerifyKey(GOOD[case["log"]]["key"]).name)
    for entry in GOOD[case["log"]]["entries"][: case["after"]]:
        log.take(entry.encode())
    with pytest.raises((module.Failed, module.CannotTell)) as caught:
        log.take(base64.b64decode(case["entry"]))
    # An entry of a later format is not judged at all: exit 2 (design/ledger.md 9).
    assert getattr(caught.value, "code", "later") == case["code"] or case["name"] == "v 2"
