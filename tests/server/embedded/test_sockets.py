"""The socket's directory: short, enterable by whoever runs the server, private, and written down while it runs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from server.embedded import sockets
from server.errors import StartRefused

US, NOBODY = os.geteuid(), 65_534


@pytest.fixture(autouse=True)
def no_runtime_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)


def test_the_runtime_directory_of_a_login_is_taken_by_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setattr(sockets, "BASE_BYTES_MAX", 200)
    monkeypatch.setattr(sockets, "lets_in", lambda base, uid: base == runtime and uid == US)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert sockets.choose(tmp_path, US).parent == runtime
    assert sockets.choose(tmp_path, NOBODY).parent == sockets.LAST_RESORT


def test_a_private_directory_lets_in_its_owner_alone(tmp_path: Path) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    assert not sockets.lets_in(runtime, NOBODY)
    assert sockets.lets_in(Path("/tmp"), NOBODY)  # noqa: S108 - this is where it matters
    assert not sockets.lets_in(tmp_path / "nothing", US)


def test_a_long_directory_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("d" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    chosen = sockets.choose(tmp_path, US)
    assert not chosen.is_relative_to(long)
    assert len(os.fsencode(chosen / ".s.PGSQL.5432.lock")) <= 107


def test_it_is_the_same_at_every_start_and_another_for_other_data(tmp_path: Path) -> None:
    assert sockets.choose(tmp_path / "a", US) == sockets.choose(tmp_path / "a", US)
    assert sockets.choose(tmp_path / "a", US) != sockets.choose(tmp_path / "b", US)


def test_it_is_private_and_sockets_of_a_killed_server_are_removed(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    sockets.make(place, None)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    (place / ".s.PGSQL.5432.lock").touch()
    sockets.make(place, None)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "file", "open"])
def test_what_somebody_else_put_there_is_refused(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "socket"
    match kind:
        case "link":
            place.symlink_to(tmp_path)
        case "file":
            place.touch()
        case _:
            place.mkdir(mode=0o755)
    with pytest.raises(StartRefused, match="not a private directory of ours"):
        sockets.make(place, None)


def test_where_it_listens_is_known_while_it_runs(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    sockets.make(place, None)
    assert sockets.noted(tmp_path) is None
    sockets.note(tmp_path, place)
    assert sockets.noted(tmp_path) == place
    sockets.forget(tmp_path, place)
    assert sockets.noted(tmp_path) is None
    assert not place.exists()
    sockets.forget(tmp_path, place)
