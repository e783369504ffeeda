"""House rules that no linter knows: sizes, words, places."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from server.settings import Settings
from tests.support.service import ROOT

TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    if name and (ROOT / name).is_file()
]
SOURCES = [
    path
    for path in TRACKED
    if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"ledger", "realtime", "server", "sql"}
]
LINES_MAX = 400
FUNCTION_LINES_MAX = 70


def texts() -> list[tuple[Path, str]]:
    """Every tracked text."""
    return [(path, path.read_text("utf-8", errors="replace")) for path in TRACKED if path.suffix != ".png"]


def test_nothing_names_this_machine_or_a_package_registry() -> None:
    parent = f"{ROOT.parent}/"
    registry = re.compile(r'"resolved": *"http|^ *(--)?(extra-)?index-url|https?://[^ "]+/simple/', re.MULTILINE)
    assert [str(path) for path, text in texts() if parent in text or registry.search(text)] == []


def test_files_and_functions_stay_small() -> None:
    long = []
    for path in SOURCES:
        text = path.read_text()
        if text.count("\n") > LINES_MAX:
            long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{path.relative_to(ROOT)}:{node.name}: {lines} lines")
    assert long == []


def test_every_module_says_what_it_is() -> None:
    assert [str(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_nothing_is_left_to_be_done() -> None:
    marker = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert [str(path) for path in SOURCES if marker.search(path.read_text())] == []


@pytest.mark.parametrize("command", ["./dev up --demo --rate 3", "./dev test", "clients/verifier/verify.py"])
def test_the_readme_shows_the_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text()


def test_the_readme_documents_every_setting() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = [
        f"| `{name}` | {f'`{value}`' if value else ''} | {text} |"
        for name, value, text in Settings.load({}, {}).described()
    ]
    assert [row for row in rows if row not in readme] == []


def test_every_migration_and_query_file_has_an_owner_in_the_tree() -> None:
    owners = {path.stem for path in (ROOT / "sql" / "queries").glob("*.sql")}
    loaded = set(re.findall(r'sql\.load\("(\w+)"\)', "\n".join(path.read_text() for path in SOURCES)))
    assert owners == loaded
