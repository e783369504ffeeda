"""`secondwind witness` refuses what it cannot work with, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.cli.command_line import refused, run
from tests.support.witnesses import witness_process
from tests.vectors.trees import KEY


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("quorum none\n", "names no log"),
        ("log x\nquorum none\n", "line 1"),
        (f"log {KEY.vkey}\n", "0 lines that begin with `quorum`"),
        ("\udcff", "cannot be read"),
    ],
)
def test_a_policy_that_names_no_log_is_refused(tmp_path: Path, policy: str, says: str) -> None:
    file = tmp_path / "policy"
    file.write_bytes(policy.encode(errors="surrogateescape"))
    refused(run("witness", "--policy", str(file), "--data-dir", str(tmp_path / "w"), "--name", "w"), says)
    assert not (tmp_path / "w").exists()


def test_a_name_that_is_no_key_name_and_a_taken_port_are_refused(tmp_path: Path) -> None:
    with witness_process(tmp_path / "one", KEY.vkey) as one:
        arguments = ("witness", "--policy", str(one.policy), "--data-dir", str(tmp_path / "two"))
        refused(run(*arguments, "--name", "two words", "--port", "0"), "two words")
        refused(run(*arguments, "--name", "w", "--port", str(one.port)), str(one.port), "--port")
