"""What the signer keeps on disk: whole or as before, and each number taken once."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ledger.checkpoint import Checkpoint
from ledger.errors import NoteError
from ledger.note import SigningKey
from ledger.signer_state import KEPT_FILES, PublishDirectory, SignerState, StateFile, replace_durably
from tests.support.logs import key_of, origin_of

KEY = key_of("public")
STATE = SignerState(3, KEY.vkey, 40, b"h" * 32, {"size": 40, "frontier": []})


def note(size: int) -> str:
    return KEY.sign(Checkpoint(origin_of("public"), size, bytes([size % 256]) * 32).text())


def test_a_state_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.json")
    assert file.load() is None
    file.save(STATE)
    assert file.load() == STATE
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format":1}', '{"format":2}'])
def test_a_file_that_is_no_state_is_refused_and_never_taken_for_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own error or ours
        StateFile(tmp_path / "state.json").load()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_while_saving_leaves_what_was_there(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = StateFile(tmp_path / "state.json")
    file.save(STATE)

    def dies(*_: object) -> None:
        raise OSError(step)

    monkeypatch.setattr(*((os, "fsync", dies) if step == "fsync" else (Path, "replace", dies)))  # type: ignore[arg-type]  # target, name, value
    with pytest.raises(OSError, match=step):
        file.save(SignerState(4, KEY.vkey, 41, b"x" * 32, {}))
    monkeypatch.undo()
    assert file.load() == STATE


def test_a_number_is_taken_once_and_its_taker_may_take_it_again(tmp_path: Path) -> None:
    mine, theirs = PublishDirectory(tmp_path), PublishDirectory(tmp_path)
    assert mine.take(1, note(1))
    assert mine.take(1, note(1))
    assert not theirs.take(1, note(2))
    assert theirs.take(2, note(2))
    assert not mine.take(1, note(1))
    assert not mine.take(2, note(3))


def test_of_many_takers_at_once_one_wins(tmp_path: Path) -> None:
    directory = PublishDirectory(tmp_path)
    barrier = threading.Barrier(8)
    won: list[int] = []

    def take(number: int) -> None:
        barrier.wait()
        if directory.take(1, note(number)):
            won.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert (tmp_path / "checkpoint-0000000000000001").read_text() == note(won[0])


def test_a_taker_that_slept_finds_its_number_free_and_still_loses(tmp_path: Path) -> None:
    """Its number was removed as old meanwhile: the directory is read again after the link."""
    directory = PublishDirectory(tmp_path)
    for number in range(1, 40):
        assert directory.take(number, note(number))
        directory.show(number, note(number))
    assert not (tmp_path / "checkpoint-0000000000000002").exists()
    assert not directory.take(2, note(99))


def test_old_numbers_are_forgotten_and_the_newest_is_shown(tmp_path: Path) -> None:
    directory = PublishDirectory(tmp_path)
    for number in range(1, 40):
        directory.take(number, note(number))
        directory.show(number, note(number))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == KEPT_FILES + 1
    assert (tmp_path / "checkpoint").read_text() == note(39)
    newest = directory.newest(KEY.verify_key)
    assert newest is not None
    assert (newest[0], newest[1].size) == (39, 39)


def test_an_empty_directory_has_no_newest(tmp_path: Path) -> None:
    assert PublishDirectory(tmp_path / "new").newest(KEY.verify_key) is None


def test_a_checkpoint_of_another_key_is_not_ours(tmp_path: Path) -> None:
    directory = PublishDirectory(tmp_path)
    directory.take(1, note(1))
    with pytest.raises(NoteError):
        directory.newest(SigningKey(origin_of("public"), b"x" * 32).verify_key)


def test_replacing_leaves_no_litter_even_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(OSError):  # noqa: PT011 - any
        replace_durably(tmp_path / "file", b"data")
    assert list(tmp_path.iterdir()) == []
