"""Bytes that nobody should send: chance, and good examples with something wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

DEEP = 60_000
NASTY = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"null",
    b"NaN",
    b"-Infinity",
    b'"\\ud800"',
    b'"\\u0000"',
    b"[" * DEEP,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"1" * 10_000,
    b"-" + b"9" * 400,
    b"1e400",
    b'{"a":1,"a":2}',
)
"""Whole inputs, and things to put into the middle of others."""
PIECES = (
    *(piece for piece in NASTY if len(piece) < 500),
    b"[" * 2_000,
    b"9" * 5_000,
    b"18446744073709551616",
    b"-0",
    b"1.0",
    b"true",
    b"\n\n",
    b"\r",
    b"\xed\xa0\x80",
    "\u2028\u202e\u0661".encode(),
)


def hostile(examples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Nasty inputs, any bytes, and the examples with up to eight things done to them."""
    spoiled = st.builds(_spoil, st.sampled_from(list(examples)), st.integers(0, 2**32 - 1), st.integers(1, 8))
    return st.one_of(st.sampled_from([*NASTY, *examples]), st.binary(max_size=300), spoiled, spoiled, spoiled)


def hostile_text(examples: Sequence[bytes]) -> st.SearchStrategy[str]:
    """The same as text, lone surrogates included."""
    return st.one_of(
        hostile(examples).map(lambda data: data.decode("utf-8", "surrogateescape")),
        hostile(examples).map(lambda data: data.decode("utf-8", "replace")),
        st.text(st.characters(codec=None), max_size=100),
    )


def _spoil(data: bytes, seed: int, times: int) -> bytes:
    dice = Random(seed)  # noqa: S311 - a die, not a secret
    for _ in range(times):
        start = dice.randrange(len(data) + 1)
        end = min(len(data), start + dice.choice((0, 1, 1, 2, 8, 64)))
        piece = dice.choice(
            (dice.randbytes(1), dice.choice(PIECES), data[start:end] * 2, b"", bytes([dice.randrange(32, 127)]))
        )
        data = data[:start] + piece + data[end:]
    return data
