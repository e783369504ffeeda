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


# Written so that this file does not hold what it looks for.
MACHINE = re.compile(r"(?<![\w.)>/])/(?:work|home|root|Users|opt|mnt)/\w")
REGISTRY = re.compile(
    r'"resolved": *"http|^ *(--)?(extra-)?index-url|https?://[^ "]+/simple/'
    r"|py[p]i\.org|pythonh[o]sted\.org|np[m]js\.(org|com)|proxy\.gol[a]ng\.org",
    re.MULTILINE,
)


def test_nothing_names_a_machine_or_a_package_registry() -> None:
    found = [
        (path, match[0]) for path, text in texts() for match in (MACHINE.search(text), REGISTRY.search(text)) if match
    ]
    assert [f"{path.relative_to(ROOT)}: {words}" for path, words in found] == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("see /" + "home/ada/x", True),
        ('"/' + 'work/main"', True),
        ("https://example.org/work/home/x", False),
        ("a/root/b", False),
    ],
)
def test_a_path_of_a_machine_is_told_from_an_address(text: str, *, named: bool) -> None:
    assert bool(MACHINE.search(text)) is named


def is_code(path: Path) -> bool:
    """Every file of code, tests and clients too; verify.py is one file by design."""
    return path.suffix in {".py", ".ts", ".tsx", ".sql", ".go"} and path.name not in {"verify.py", "schema.sql"}


def test_files_and_functions_stay_small() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in TRACKED
        if is_code(path) and (lines := path.read_text().count("\n")) > LINES_MAX
    ]
    for path in TRACKED:
        if path.suffix != ".py" or "vectors" in path.parts:  # cases of vectors are lists, however long
            continue
        text = path.read_text()
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
