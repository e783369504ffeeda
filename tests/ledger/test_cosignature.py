"""Cosignatures: made, read, and refused where they are not what a witness said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import cosignature, merkle, note
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner
from ledger.errors import NoteError
from ledger.grammar import INT_MAX
from ledger.note import SignatureInvalid, SignatureMissing, VerifyKey
from tests.vectors.logs import WITNESS_VKEY
from tests.vectors.trees import COSIGNATURE, HASHES, KEY

WITNESS = Cosigner("witness.example.org/w1", bytes(range(32, 64)))
OTHER = Cosigner("witness.example.org/w2", bytes(range(64, 96)))
TEXT = Checkpoint(KEY.name, 8, merkle.root(HASHES)).text()
SIGNED = KEY.sign(TEXT)
VECTOR_TIME_S = 1_679_315_147


def test_a_cosignature_has_the_bytes_that_another_implementation_made() -> None:
    assert WITNESS.vkey == WITNESS_VKEY
    assert WITNESS.line(TEXT, VECTOR_TIME_S) == COSIGNATURE
    assert cosignature.read(SIGNED + COSIGNATURE, [WITNESS.verify_key]) == [
        (WITNESS.verify_key, VECTOR_TIME_S, COSIGNATURE)
    ]


@given(st.integers(0, INT_MAX))
def test_what_a_witness_signs_reads_back_with_its_time(time_s: int) -> None:
    found = cosignature.answered(TEXT, WITNESS.line(TEXT, time_s), WITNESS.verify_key)
    assert found.time_s == time_s


def test_only_the_witnesses_that_were_asked_for_count_and_each_once_with_its_newest_time() -> None:
    lines = WITNESS.line(TEXT, 20) + OTHER.line(TEXT, 25) + WITNESS.line(TEXT, 30) + WITNESS.line(TEXT, 10)
    assert [(c.key, c.time_s) for c in cosignature.read(SIGNED + lines, [WITNESS.verify_key])] == [
        (WITNESS.verify_key, 30)
    ]


def test_a_log_s_own_signature_is_no_cosignature() -> None:
    assert cosignature.read(SIGNED, [KEY.verify_key, WITNESS.verify_key]) == []


def test_a_log_s_key_cannot_pose_as_a_witness_of_the_same_secret() -> None:
    """The algorithm is part of the key ID, so a log's line never counts as a witness's."""
    twin = Cosigner(KEY.name, bytes(range(32)))
    assert cosignature.read(SIGNED, [twin.verify_key]) == []
    assert VerifyKey.parse(twin.vkey) != KEY.verify_key


@pytest.mark.parametrize(
    "line",
    [
        WITNESS.line(TEXT.replace("8", "9", 1), 10),
        note.format_line(note.Signature(WITNESS.verify_key.name, WITNESS.verify_key.key_id, bytes(72))),
        note.format_line(note.Signature(WITNESS.verify_key.name, WITNESS.verify_key.key_id, bytes(8))),
        note.format_line(note.Signature(WITNESS.verify_key.name, WITNESS.verify_key.key_id, bytes(73))),
    ],
    ids=["of another checkpoint", "zeroes", "a time alone", "a byte too many"],
)
def test_a_cosignature_that_does_not_verify_condemns_the_note(line: str) -> None:
    with pytest.raises(SignatureInvalid, match="does not verify"):
        cosignature.read(SIGNED + line, [WITNESS.verify_key])


@pytest.mark.parametrize("answer", ["", "\n", "404", OTHER.line(TEXT, 1), "\u2014 a\n", SIGNED])
def test_an_answer_without_the_witness_s_line_is_refused(answer: str) -> None:
    with pytest.raises(NoteError):
        cosignature.answered(TEXT, answer, WITNESS.verify_key)


def test_an_answer_by_another_witness_is_told_apart_from_none() -> None:
    with pytest.raises(SignatureMissing, match=r"witness\.example\.org/w1"):
        cosignature.answered(TEXT, OTHER.line(TEXT, 1), WITNESS.verify_key)


@pytest.mark.parametrize("time_s", [-1, INT_MAX + 1])
def test_a_time_that_no_cosignature_states_is_not_signed(time_s: int) -> None:
    with pytest.raises(NoteError, match="seconds since 1970"):
        WITNESS.line(TEXT, time_s)


def test_a_seed_of_another_length_makes_no_witness() -> None:
    with pytest.raises(NoteError, match="31 bytes"):
        Cosigner("witness.example.org/w1", bytes(31))
