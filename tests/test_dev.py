"""`./dev`: what it counts, when it installs, which node it takes, and that nothing it starts runs for ever."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.service import ROOT


@pytest.fixture
def dev() -> ModuleType:
    """The script as a module of its own, so that each test may turn its constants."""
    loader = SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def checkout(dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A made-up checkout with an environment that looks complete; what is installed into it is listed."""
    for name, value in {"ROOT": tmp_path, "VENV": tmp_path / ".venv", "BIN": tmp_path / ".venv" / "bin"}.items():
        monkeypatch.setattr(dev, name, value)
    dev.BIN.mkdir(parents=True)
    for path in (dev.BIN / "python", dev.BIN / "uv", tmp_path / dev.LOCK, tmp_path / dev.DEV_LOCK):
        path.touch()
    installed: list[str] = []
    monkeypatch.setattr(dev, "install", installed.append)
    monkeypatch.setattr(dev, "install_project", lambda: None)
    return installed


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("===== 2812 passed in 180.02s (0:03:00) =====", (2812, 0, 0)),
        ("FAILED tests/x.py - 3 passed\n== 1 failed, 7 passed, 2 skipped in 1.0s ==", (7, 1, 2)),
        ("== 4 passed, 1 error in 1.0s ==", (4, 1, 0)),
        ("== 2 errors in 1.0s ==", (0, 2, 0)),
        ("== 3 skipped in 1.0s ==", (0, 0, 3)),
        ("== 5 passed, 1 xfailed in 1.0s ==", (5, 0, 0)),
        (" Test Files  2 passed (2)\n\x1b[2m      Tests \x1b[22m 1 failed | 63 passed (64)\n", (63, 1, 0)),
        ("it died before it counted", (0, 0, 0)),
    ],
)
def test_closing_lines_of_pytest_and_vitest_are_counted(
    dev: ModuleType, output: str, counts: tuple[int, int, int]
) -> None:
    assert dev.counted(output) == counts


def test_a_check_counts_only_when_it_fails(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    steps = [("good", ["true"], {}), ("bad", ["false"], {}), ("vitest", ["echo", "Tests  64 passed (64)"], {})]
    monkeypatch.setattr(dev, "checks", lambda **_: ([(n, ["/bin/" + c[0], *c[1:]], e) for n, c, e in steps], False))
    assert dev.check([], with_tests=False) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "64 passed, 1 failed"


@pytest.mark.parametrize(("required", "closing"), [("0", "0 passed, 0 failed, 1 skipped"), ("1", "0 passed, 1 failed")])
def test_checks_that_lack_node_are_never_left_out_silently(
    dev: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    required: str,
    closing: str,
) -> None:
    monkeypatch.setenv("REQUIRE_ALL", required)
    monkeypatch.setattr(dev, "checks", lambda **_: ([], True))
    dev.check([], with_tests=False)
    out = capfd.readouterr().out
    assert out.splitlines()[-1] == closing
    assert "no node" in out


def test_a_step_that_does_not_end_is_stopped_and_has_failed(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "STEP_TIMEOUT_S", 0.5)
    waiting = [sys.executable, "-c", "import threading; print('begun', flush=True); threading.Event().wait()"]
    code, output = dev.run_shown("slow", waiting, {})
    assert code != 0
    assert output.startswith("begun\n")


def test_nothing_is_installed_twice(dev: ModuleType, checkout: list[str]) -> None:
    dev.make_environment(dev.LOCK)
    dev.make_environment(dev.LOCK)
    assert checkout == [dev.LOCK]
    dev.make_environment(dev.DEV_LOCK)
    dev.make_environment(dev.LOCK)  # the development lock holds everything that the other one does
    assert checkout == [dev.LOCK, dev.DEV_LOCK]


def test_a_changed_lock_is_installed_for_the_tests_too_after_a_start_in_between(
    dev: ModuleType, checkout: list[str]
) -> None:
    dev.make_environment(dev.DEV_LOCK)
    (dev.ROOT / dev.DEV_LOCK).write_text("changed")
    dev.make_environment(dev.LOCK)
    dev.make_environment(dev.DEV_LOCK)
    assert checkout == [dev.DEV_LOCK, dev.LOCK, dev.DEV_LOCK]


def test_an_environment_of_a_checkout_that_was_moved_is_made_again(
    dev: ModuleType, checkout: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.make_environment(dev.LOCK)
    (dev.VENV / "stamp").write_text((dev.VENV / "stamp").read_text().replace(str(dev.ROOT), "/elsewhere", 1))
    monkeypatch.setattr(dev, "run", lambda *_, **__: None)
    dev.make_environment(dev.LOCK)
    assert (dev.BIN / "python").exists()
    assert checkout == [dev.LOCK, dev.LOCK]


@pytest.mark.parametrize(
    ("version", "works"), [("v18.19.0", False), ("v20.0.0", True), ("v24.19.0", True), ("", False)]
)
def test_a_node_that_is_too_old_is_not_taken(dev: ModuleType, tmp_path: Path, version: str, *, works: bool) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    assert dev.node_works({"PATH": str(tmp_path)}) is works


def test_the_page_is_made_of_its_sources_alone(dev: ModuleType) -> None:
    sources = {path.relative_to(ROOT).as_posix() for path in dev.page_sources()}
    assert {"clients/package-lock.json", "clients/web/index.html", "clients/web/src/main.tsx"} <= sources
    assert not [name for name in sources if "node_modules" in name or "verifier" in name]


def test_an_older_python_is_told_which_one_is_needed(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "PYTHON_MIN", (99, 0))
    assert dev.main(["up"]) == 2
    assert "Python 99.0 or newer is needed" in capsys.readouterr().err


def test_an_environment_that_broke_is_told_with_the_remedy(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "BIN", tmp_path)
    assert dev.launch(["serve"]) == 2
    assert "Remove .venv" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 0), (["wrong"], 2)])
def test_it_explains_itself(arguments: list[str], code: int) -> None:
    done = subprocess.run([ROOT / "dev", *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code
    assert "./dev up" in done.stdout
