"""What a signer takes for its own after a recovery, and what it never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.checkpoint import Checkpoint
from ledger.held_keys import HeldKeys
from ledger.keys import Keyring, Span
from ledger.note import SigningKey
from ledger.signer_state import PublishDirectory, SignerState, StateFile
from server.errors import StartRefused
from server.files.signers import Remembered
from server.instance import Instance
from tests.support.logs import key_of

KEY = key_of("books")
KEYS = HeldKeys.of(KEY)
SNAPSHOT = {"keys": Keyring(None, {KEY.vkey: Span(0)}).snapshot()}


def instance(directory: Path) -> Instance:
    made = Instance(directory)
    made.prepare()
    return made


def head(size: int) -> Checkpoint:
    return Checkpoint(KEY.name, size, bytes([size]) * 32)


def remember(directory: Path, size: int, number: int, *, shown: bool = True) -> None:
    """Let a signer have signed and, unless it was killed in between, shown so many entries."""
    made = instance(directory)
    StateFile(made.signer / "books.json").save(SignerState(number, KEY.vkey, size, head(size).root_hash, SNAPSHOT))
    if shown:
        assert PublishDirectory(made.publish / "books").take(number, KEY.sign(head(size).text()))


def adopted(directory: Path, published: int, size: int) -> SignerState | None:
    remembered = Remembered(instance(directory), "books")
    remembered.check(KEYS, max(published, size), 0)
    is_adopted = remembered.adopt(head(published), SNAPSHOT, KEYS, size)
    state = StateFile(directory / "signer" / "books.json").load()
    return state if is_adopted else None


@pytest.mark.parametrize("damaged", [False, True])
def test_a_lost_or_damaged_state_is_taken_from_what_is_published(tmp_path: Path, *, damaged: bool) -> None:
    """Attack E8."""
    if damaged:
        (instance(tmp_path).signer / "books.json").write_text("{")
    assert adopted(tmp_path, 7, 9) == SignerState(1, KEY.vkey, 7, head(7).root_hash, SNAPSHOT)


def test_an_older_state_goes_on_under_a_number_that_nobody_took(tmp_path: Path) -> None:
    remember(tmp_path, 5, 12)
    state = adopted(tmp_path, 7, 7)
    assert state is not None
    assert (state.number, state.size) == (13, 7)


def test_a_state_that_the_database_still_bears_out_is_left_alone(tmp_path: Path) -> None:
    remember(tmp_path, 8, 3, shown=False)
    assert adopted(tmp_path, 7, 8) is None
    assert adopted(tmp_path, 8, 8) is None


def test_what_was_signed_and_never_shown_is_given_up(tmp_path: Path) -> None:
    """Attack E6: the state is synced first, files come before anybody sees it: so nobody has seen it."""
    remember(tmp_path, 7, 3)
    remember(tmp_path, 8, 4, shown=False)
    state = adopted(tmp_path, 7, 7)
    assert state is not None
    assert (state.number, state.size) == (5, 7)


def test_what_was_shown_is_never_given_up(tmp_path: Path) -> None:
    remember(tmp_path, 8, 3)
    with pytest.raises(StartRefused, match="A checkpoint of 8 entries of books was shown"):
        adopted(tmp_path, 7, 7)
    remembered = Remembered(instance(tmp_path / "other"), "books")
    with pytest.raises(StartRefused, match="A checkpoint of 9 entries of books was shown"):
        remembered.check(KEYS, 8, 9)


def test_what_another_key_signed_is_refused(tmp_path: Path) -> None:
    remember(tmp_path, 8, 3)
    with pytest.raises(StartRefused, match="is not the one that signed what was shown"):
        Remembered(instance(tmp_path), "books").check(HeldKeys.of(SigningKey(KEY.name, bytes(32))), 9, 0)
