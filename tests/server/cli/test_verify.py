"""`secondwind verify`: the verifier's own command line; named none, it means the service that runs here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.cli.verify import names_source
from tests.server.cli.command_line import refused, run
from tests.support.service import service

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], False),
        (["--json", "--fast"], False),
        (["--key", "example.org+1+x", "--first-use", "seen.txt"], False),
        (["--key=example.org+1+x"], False),
        (["http://127.0.0.1/ledger"], True),
        (["--key", "x", "http://127.0.0.1/ledger"], True),
        (["--json", "directory"], True),
        (["--key=x", "directory"], True),
    ],
)
def test_a_source_is_what_is_neither_an_option_nor_its_value(arguments: list[str], *, names: bool) -> None:
    assert names_source(arguments) is names


def test_without_a_source_it_verifies_the_service_that_runs_here(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.start()
        environment = {"SECONDWIND_DATA_DIR": str(tmp_path / "data")}
        done = run("verify", "--json", **environment)
        report = json.loads(done.stdout)
        assert (done.returncode, report["verdict"]) == (2, "could-not-tell"), report
        # The first anchor comes whenever the others' checkpoints are there.
        assert 0 < report["size"] <= running.json("/status")["size"]
        assert f"Verifying {running.address}/ledger with the key of this data directory." in done.stderr
        other = "other.example.org/ledger+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        assert run("verify", "--json", "--key", other, **environment).returncode in {1, 2}
        seen = str(tmp_path / "seen.txt")
        assert run("verify", "--first-use", seen, **environment).returncode == 2
        assert run("verify", "--trusted", seen, **environment).returncode == 0
        running.stop()
        refused(run("verify", **environment), "No service runs on", "SOURCE")


def test_the_help_is_the_verifiers() -> None:
    done = run("verify", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: verify.py")
