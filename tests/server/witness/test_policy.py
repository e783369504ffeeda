"""The setting's file: read, or refused with the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import StartRefused
from server.witness.policy import read_policy
from tests.vectors.trees import KEY


def test_without_a_file_nobody_is_asked_and_nothing_is_witnessed() -> None:
    policy = read_policy(None)
    assert (policy.logs, policy.witnesses, policy.quorum) == ({}, {}, None)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "policy"
    file.write_text(f"log {KEY.vkey}\nquorum none\n")
    assert list(read_policy(file).logs) == [KEY.name]


@pytest.mark.parametrize(("text", "says"), [("nonsense\n", "line 1"), (None, "cannot be read")])
def test_a_file_that_is_no_policy_refuses_the_start(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "policy"
    if text is not None:
        file.write_text(text)
    with pytest.raises(StartRefused, match=says):
        read_policy(file)
