"""An anchor commits to whole notes: lengths keep one text from being read as another."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ledger.anchor import TAG, commitment


def test_the_commitment_is_the_hash_that_the_spec_says() -> None:
    expected = sha256(TAG + bytes(32) + b"\0\0\0\x03abc" + b"\0\0\0\0").digest()
    assert commitment(bytes(32), ["abc", ""]) == expected


def test_text_cannot_move_from_one_note_to_the_other() -> None:
    assert commitment(bytes(32), ["ab", "c"]) != commitment(bytes(32), ["a", "bc"])


def test_another_nonce_is_another_commitment_so_that_nobody_can_guess_the_notes() -> None:
    assert commitment(bytes(32), ["a", "b"]) != commitment(bytes(31) + b"\1", ["a", "b"])


@pytest.mark.parametrize(("nonce", "notes"), [(bytes(31), ["", ""]), (bytes(32), [""]), (bytes(32), ["", "", ""])])
def test_a_short_nonce_or_another_number_of_notes_is_refused(nonce: bytes, notes: list[str]) -> None:
    with pytest.raises(ValueError, match="an anchor has 32 bytes of nonce and 2 notes"):
        commitment(nonce, notes)
