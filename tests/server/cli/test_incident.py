"""`secondwind incident declare` on a data directory without a log; with one it is in test_log_keys.py."""

from __future__ import annotations

from pathlib import Path

from tests.server.cli.command_line import refused, run


def test_where_no_log_was_born_nothing_is_declared(tmp_path: Path) -> None:
    refused(run("incident", "declare", "--data-dir", str(tmp_path / "none"), "--text", "x"), "no log here yet")
    assert not (tmp_path / "none" / "postgres").exists()


def test_an_empty_text_says_nothing(tmp_path: Path) -> None:
    refused(run("incident", "declare", "--data-dir", str(tmp_path / "none"), "--text", " "), "--text is empty")
