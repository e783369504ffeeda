"""Whatever bytes come, a parser of the ledger answers or raises its own error; what it reads it writes the same."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import canonical, checkpoint, grammar, guards, money, note, proof, tiles, times
from ledger.checkpoint import Checkpoint
from ledger.errors import EntryError, MalformedError, NoteError, ProofError
from ledger.registry import Registry
from server import chart
from server.domains.giving.events import BOOKS_TYPES
from tests.ledger.made import BYTES
from tests.support.hostile import hostile, hostile_text
from tests.support.logs import key_of

EXAMPLES = settings(max_examples=400, deadline=None)
CHECKPOINT = Checkpoint(key_of("public").name, 3, bytes(32)).text()
NOTE = key_of("public").sign(CHECKPOINT)
PROOF = proof.format_tlog_proof(2, [bytes([n]) * 32 for n in range(3)], NOTE)
REGISTRY = Registry(BOOKS_TYPES, chart.BOOKS_GUARDS).to_text()
PATHS = (b"tile/0/x001/234.p/7", b"tile/entries/000", b"tile/1/x001/x234/067")
BUNDLE = tiles.encode_bundle([BYTES, b"", BYTES])


@EXAMPLES
@given(hostile([BYTES]))
def test_an_entry_is_refused_or_is_the_canonical_form_of_what_it_says(data: bytes) -> None:
    with contextlib.suppress(EntryError):
        assert canonical.encode_entry(canonical.parse_entry(data)) == data


@EXAMPLES
@given(hostile([NOTE.encode()]))
def test_a_note_is_refused_or_signed(data: bytes) -> None:
    with contextlib.suppress(NoteError):
        assert note.open(data, [key_of("public").verify_key]).text == CHECKPOINT
    with contextlib.suppress(NoteError):
        checkpoint.open(data, key_of("public").verify_key)


@EXAMPLES
@given(hostile_text([NOTE.encode(), key_of("public").vkey.encode()]))
def test_a_note_or_a_key_as_text_is_refused_or_read(text: str) -> None:
    with contextlib.suppress(NoteError):
        note.open(text, [key_of("public").verify_key])
    with contextlib.suppress(NoteError):
        checkpoint.open(text, text)


@EXAMPLES
@given(hostile_text([CHECKPOINT.encode()]))
def test_a_checkpoint_is_refused_or_written_the_same(text: str) -> None:
    with contextlib.suppress(NoteError):
        assert checkpoint.parse(text).text() == text


@EXAMPLES
@given(hostile_text(PATHS))
def test_a_tile_path_is_refused_or_written_the_same(text: str) -> None:
    with contextlib.suppress(MalformedError):
        found = tiles.parse_path(text)
        level = found.level
        write = tiles.entries_path(found.n, found.width) if level is None else tiles.path(level, found.n, found.width)
        assert write == text


@EXAMPLES
@given(hostile([BUNDLE]))
def test_a_bundle_is_refused_or_written_the_same(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        assert tiles.encode_bundle(tiles.decode_bundle(data)) == data


@EXAMPLES
@given(hostile_text([PROOF.encode()]))
def test_a_proof_is_refused_or_written_the_same(text: str) -> None:
    with contextlib.suppress(ProofError):
        read = proof.parse_tlog_proof(text)
        if read.extra is None:
            assert proof.format_tlog_proof(read.index, read.path, read.checkpoint_note) == text
    with contextlib.suppress(ProofError, NoteError):
        proof.verify_tlog_proof(text, BYTES, key_of("public").verify_key)


@EXAMPLES
@given(hostile_text([REGISTRY.encode(), b'{"guards":{},"types":{}}']))
def test_a_registry_is_refused_or_written_the_same(text: str) -> None:
    with contextlib.suppress(EntryError):
        assert Registry.parse(text).to_text() == text


@pytest.mark.parametrize(
    ("parse", "example"),
    [
        (money.parse_amount, b"-1234567890"),
        (money.precision, b"USD/2"),
        (times.parse_at, b"2026-09-01T12:10:00.000000Z"),
        (times.zone, b"America/Denver"),
        (guards.parse_call, b"spendable(rent)"),
        (grammar.decode_base64, b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        (grammar.decode_digest, b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        (grammar.decode_decimal, b"9007199254740991"),
        (times.is_date, b"2026-02-28"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_word_of_the_grammar_is_refused_in_its_own_way(
    parse: Callable[[str], object], example: bytes, data: st.DataObject
) -> None:
    own = (ValueError,) if parse.__module__ == "ledger.grammar" else (MalformedError,)
    with contextlib.suppress(*own):
        assert parse(data.draw(hostile_text([example]))) is not None
