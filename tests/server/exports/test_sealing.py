"""Sealed openings: whole for one key, and refused in every other way."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from ledger.errors import MalformedError
from server.exports.sealing import BOX_BYTES, CHUNK_BYTES, KEY_BYTES, Sealer, bound_to, private_name, public_key, unseal

SECRET = bytes(range(KEY_BYTES))
BOUND = bound_to("ledger.example.org/books", 3, 9)


def sealed(content: bytes, pieces: int = 1, bound: bytes = BOUND) -> bytes:
    sealer = Sealer(public_key(SECRET), bound)
    step = len(content) // pieces + 1
    return b"".join(sealer.feed(content[n : n + step]) for n in range(0, len(content), step)) + sealer.finish()


def opened(content: bytes, secret: bytes = SECRET, bound: bytes = BOUND) -> bytes:
    return b"".join(unseal(io.BytesIO(content).read, secret, bound))


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 5])
def test_what_was_sealed_is_opened_however_it_was_fed(size: int) -> None:
    content = os.urandom(size)
    assert opened(sealed(content)) == opened(sealed(content, 7)) == content


def test_another_key_and_another_range_open_nothing() -> None:
    with pytest.raises(MalformedError, match="not sealed to this key"):
        opened(sealed(b"Ada"), bytes(KEY_BYTES))
    with pytest.raises(MalformedError, match="moved to another range"):
        opened(sealed(b"Ada"), bound=bound_to("ledger.example.org/books", 3, 10))


def test_it_is_as_the_format_says() -> None:
    """EXPORT.md 9.1, opened with nothing of ours."""
    content = sealed(b"Ada")
    magic, box, rest = content[:23], content[23 : 23 + BOX_BYTES], content[23 + BOX_BYTES :]
    assert (magic, len(box)) == (b"secondwind-openings-v1\n", 80)
    key = bindings.crypto_box_seal_open(box, public_key(SECRET), SECRET)
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, rest[:24], key)
    assert int.from_bytes(rest[24:28], "big") == len(rest) - 28 == len(b"Ada") + 17
    bound = b"ledger.example.org/books\n3 9\n"
    assert bindings.crypto_secretstream_xchacha20poly1305_pull(state, rest[28:], bound) == (b"Ada", 3)
    assert private_name(public_key(SECRET)).startswith("private/")
    assert len(private_name(public_key(SECRET))) == len("private/.bin") + 32


@pytest.mark.parametrize("key", [b"", b"short", bytes(KEY_BYTES), bytes([1]) + bytes(31)])
def test_a_key_that_is_none_or_opens_for_everybody_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedError, match="X25519"):
        Sealer(key, BOUND)


SEALED = sealed(b"Ada" * 40)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_one_changed_byte_is_noticed(at: int, change: int) -> None:
    spoiled = bytearray(SEALED)
    spoiled[at] ^= change
    with pytest.raises(MalformedError):
        opened(bytes(spoiled))


@given(st.integers(0, len(SEALED) - 1), st.binary(min_size=1, max_size=100))
def test_what_is_cut_or_goes_on_is_noticed(at: int, more: bytes) -> None:
    for spoiled in (SEALED[:at], SEALED + more):
        with pytest.raises(MalformedError):
            opened(spoiled)


@given(st.binary(max_size=400))
def test_noise_is_an_answer(noise: bytes) -> None:
    for spoiled in (noise, SEALED[:23] + noise, SEALED[:127] + noise):
        with pytest.raises(MalformedError):
            opened(spoiled)
