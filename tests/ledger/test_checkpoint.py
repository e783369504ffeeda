"""Checkpoints: three lines, one key, one origin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import checkpoint, merkle, note
from ledger.checkpoint import Checkpoint
from ledger.errors import NoteError

KEY = note.SigningKey("ledger.example.org/main", bytes(range(32)))


@given(st.integers(1, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_signed_checkpoint_opens_to_itself(size: int, root_hash: bytes) -> None:
    head = Checkpoint(KEY.name, size, root_hash)
    signed = KEY.sign(head.text())
    assert checkpoint.open(signed, KEY.vkey) == checkpoint.open(signed.encode(), KEY.verify_key) == head


def test_the_checkpoint_of_the_empty_log() -> None:
    head = Checkpoint(KEY.name, 0, merkle.EMPTY_ROOT)
    assert head.text() == "ledger.example.org/main\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert checkpoint.parse(head.text()) == head


def test_a_checkpoint_of_another_origin_than_its_key_is_refused() -> None:
    head = Checkpoint("ledger.example.org/other", 1, bytes(32))
    with pytest.raises(NoteError, match="other"):
        checkpoint.open(KEY.sign(head.text()), KEY.vkey)


@pytest.mark.parametrize(
    ("origin", "size", "root_hash"),
    [
        ("", 1, bytes(32)),
        ("a\nb", 1, bytes(32)),
        ("a", -1, bytes(32)),
        ("a", 2**53, bytes(32)),
        ("a", 1, b"x"),
        ("a", 0, bytes(32)),
    ],
)
def test_a_checkpoint_that_none_could_read_cannot_be_made(origin: str, size: int, root_hash: bytes) -> None:
    with pytest.raises(NoteError):
        Checkpoint(origin, size, root_hash)


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_a_note_error(text: str) -> None:
    with pytest.raises(NoteError):
        checkpoint.parse(text + "\x00")
