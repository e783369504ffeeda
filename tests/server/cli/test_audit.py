"""`secondwind audit anchors` beside a running service: auditors open every anchor, and the log says who got it."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

from ledger.anchor import commitment
from ledger.grammar import encode_base64
from tests.server.cli.command_line import run
from tests.support.service import service, wait_until


def test_an_auditor_gets_what_opens_every_anchor_and_it_is_written_down_first(tmp_path: Path) -> None:
    out = tmp_path / "openings.ndjson"
    with service(tmp_path / "data") as running:
        running.start()
        wait_until(lambda: bool(anchored(running.get("/api/v1/ledger?type=ledger.anchor.recorded.v1"))), "an anchor")
        arguments = ["--actor", "ada", "--recipient", "Example Auditors", "--data-dir", str(running.data_dir)]
        done = run("audit", "anchors", "--out", str(out), *arguments)
        assert done.returncode == 0, done.stderr
        found = anchored(running.get("/api/v1/ledger?type=ledger.anchor.recorded.v1"))
        again = run("audit", "anchors", "--out", str(out), *arguments)
    assert again.returncode == 2
    assert "does not exist yet" in again.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    opened = [json.loads(line) for line in out.read_text().splitlines()]
    made = {one["position"]: commitment(base64.b64decode(one["nonce"]), one["notes"]) for one in opened}
    assert {position: encode_base64(digest) for position, digest in made.items()} == found
    assert "stands in audit at" in done.stdout


def anchored(page: bytes) -> dict[int, str]:
    """Position and commitment of each anchor on a page of the ledger."""
    return {
        shown["position"]: json.loads(shown["entry"])["data"]["commitment"] for shown in json.loads(page)["entries"]
    }
