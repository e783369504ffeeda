"""The table of attacks names only tests that exist, and misses none of E1 to E15."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROWS = [line for line in (HERE / "README.md").read_text().splitlines() if line.startswith("| ") and "::" in line]


def test_every_test_that_the_table_names_exists() -> None:
    for row in ROWS:
        for file, name in re.findall(r"`([\w./]+)::(\w+)`", row):
            assert f"def {name}(" in (HERE / file).read_text(), f"{file}::{name}"


def test_no_attack_on_the_engine_is_without_a_test() -> None:
    named = {number for row in ROWS for number in re.findall(r"\bE\d+\b", row.split("|")[1])}
    assert named == {f"E{number}" for number in range(1, 16)}
