"""The tamper table, as a stranger with verify.py meets it. The browser's side: clients/proof/test/tamper.test.ts."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.verifier.published import judge
from tests.vectors.tamper import FROZEN, KEY

ROWS = json.loads((FROZEN.parents[1] / "tamper.json").read_text())["rows"]


def told_about(row: dict[str, Any], tmp_path: Path) -> tuple[int, dict[str, Any]]:
    """What verify.py says to the log with the row's files in it; someone with a pin has seen the honest log whole."""
    log, pin = tmp_path / "log", tmp_path / "seen"
    shutil.copytree(FROZEN, log)
    pin.write_bytes((FROZEN / ("checkpoint" if row["trusted"] else "checkpoint.1")).read_bytes())
    for path, data in row["files"].items():
        (log / path).parent.mkdir(parents=True, exist_ok=True)
        (log / path).write_bytes(base64.b64decode(data))
    return judge(str(log), "--key", KEY.vkey, "--trusted", str(pin), "--as-of", "2026-01-26T17:10Z")


def test_the_log_as_it_was_is_verified(tmp_path: Path) -> None:
    assert told_about({"files": {}, "trusted": True}, tmp_path)[0] == 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_each_row_is_told_with_its_code_and_position(row: dict[str, Any], tmp_path: Path) -> None:
    code, report = told_about(row, tmp_path)
    if row["verify"] is None:
        assert (code, list(report["unknown_types"])) == (2, ["giving.gift.promised.v1"])
    else:
        assert (code, report["code"], report["position"]) == (1, *row["verify"])
        assert len(report["sentence"]) > 20
    for evidence in Path("/tmp").glob("secondwind-fork-*.txt"):  # noqa: S108 - verify.py ran there
        evidence.unlink()
