"""An auditor with a token and the openings of anchors: the public log commits to the very books that are shown (A9)."""

from __future__ import annotations

from pathlib import Path

from tests.clients.verifier.published import verify
from tests.server.cli.command_line import run
from tests.support.service import service, wait_until


def test_an_auditor_opens_every_anchor_of_a_running_service(tmp_path: Path) -> None:
    openings, token, pin = tmp_path / "anchors", tmp_path / "token", tmp_path / "pin"
    with service(tmp_path / "data", "--demo", "--rate", "6") as running:
        running.start()
        wait_until(lambda: b"ledger.anchor.recorded" in running.get("/api/v1/ledger?limit=50"), "an anchor")
        where = ["--data-dir", str(running.data_dir)]
        issued = run("token", "--sub", "auditor:ada", "--role", "auditor", *where)
        assert issued.returncode == 0, issued.stderr
        token.write_text(issued.stdout)
        wait_until(lambda: running.get("/ledger/checkpoint") != b"", "a checkpoint")
        pin.write_bytes(running.get("/ledger/checkpoint"))
        given = run("audit", "anchors", "--actor", "ben", "--recipient", "ada", "--out", str(openings), *where)
        assert given.returncode == 0, given.stderr
        arguments = [f"{running.address}/ledger", "--key", running.vkey(), "--trusted", str(pin)]
        for log in ("books", "audit"):
            arguments += [f"--{log}", f"{running.address}/auditor/{log}"]
        code, report = verify(*arguments, "--anchors", str(openings), "--token", str(token))
        refused, told = verify(*arguments, "--anchors", str(openings))
    # The next ten minutes may begin in between; their anchor is then named as one that the file does not open.
    later = report["anchored"]["unopened"]
    assert (code, later in (0, 1)) == (2 if later else 0, True), report
    assert report["anchored"]["opened"] >= 1
    assert {check["check"] for check in report["checks"]} >= {"anchored", "books", "audit"}
    assert (refused, told["code"]) == (2, "cannot-tell")
