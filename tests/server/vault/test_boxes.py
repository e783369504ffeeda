"""A box opens under its key, for the entry it was sealed for, and not otherwise."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from server.vault import Tampered
from server.vault.boxes import context, seal, unseal
from server.vault.subjects import WrappingKey

KEY = WrappingKey("identity-abc", b"k" * 32)
HERE = context("example.org/books", b"r" * 32)


def test_a_box_opens_under_the_key_that_wraps_it() -> None:
    box = seal("identity", KEY, HERE, b"Ada", os.urandom)
    assert (box.group, box.key_id) == ("identity", "identity-abc")
    assert unseal(box, KEY.key, HERE) == b"Ada"


@pytest.mark.parametrize("elsewhere", [("example.org/public", b"r" * 32), ("example.org/books", b"s" * 32)])
def test_a_box_that_was_moved_does_not_open(elsewhere: tuple[str, bytes]) -> None:
    box = seal("identity", KEY, HERE, b"Ada", os.urandom)
    with pytest.raises(Tampered, match="identity-abc"):
        unseal(box, KEY.key, context(*elsewhere))


@pytest.mark.parametrize("part", ["wrapped_key", "nonce", "ciphertext"])
def test_a_box_that_was_cut_does_not_open(part: str) -> None:
    box = seal("identity", KEY, HERE, b"Ada", os.urandom)
    with pytest.raises(Tampered):
        unseal(replace(box, **{part: bytes(len(getattr(box, part)))}), KEY.key, HERE)
