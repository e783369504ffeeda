"""What a witness decides; every refusal of c2sp.org/tlog-witness, and what a log could try (attacks A3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, note, witness
from ledger.grammar import encode_base64
from ledger.witness import Seen, WitnessRefusal
from tests.support.witnesses import FORKED, path, signed
from tests.vectors.trees import HASHES, KEY

TWIN = note.SigningKey(KEY.name, bytes(32))
KEYS = {KEY.name: [KEY.verify_key]}
ROOTS = [merkle.root(HASHES[:size]) for size in range(len(HASHES) + 1)]
SIZES = st.integers(0, len(HASHES))


def ask(old: int, hashes: list[bytes], checkpoint_note: str, seen: Seen) -> Seen:
    request = witness.parse_request(witness.format_request(old, hashes, checkpoint_note).encode())
    witness.check_signed(request, KEYS)
    return witness.decide(request, seen)


def refused(old: int, hashes: list[bytes], checkpoint_note: str, seen: Seen) -> WitnessRefusal:
    with pytest.raises(WitnessRefusal) as caught:
        ask(old, hashes, checkpoint_note, seen)
    return caught.value


@given(SIZES, SIZES)
def test_a_checkpoint_that_goes_on_from_what_was_cosigned_is_cosigned(one: int, other: int) -> None:
    old, new = sorted((one, other))
    assert ask(old, path(old, new), signed(new), Seen(old, ROOTS[old])) == Seen(new, ROOTS[new])


@given(SIZES, SIZES, SIZES)
def test_another_old_size_than_the_one_cosigned_last_is_answered_with_that_size(old: int, new: int, known: int) -> None:
    seen = Seen(known, ROOTS[known])
    if old > new:
        assert refused(old, [], signed(new), seen).status == 400
    elif old != known:
        error = refused(old, path(old, new), signed(new), seen)
        assert (error.status, error.known_size) == (409, known)
    else:
        assert ask(old, path(old, new), signed(new), seen).size == new


def test_a_log_that_this_witness_does_not_follow_is_unknown() -> None:
    other = note.SigningKey("other.example.org/ledger", bytes(32))
    assert refused(0, [], signed(1, key=other), Seen()).status == 404


@pytest.mark.parametrize(
    "checkpoint_note",
    [signed(1, key=TWIN), signed(1).replace("\n1\n", "\n2\n"), signed(1) + KEY.line("another text\n")],
    ids=["another key of its name", "another size", "a second line that is not of this text"],
)
def test_a_checkpoint_that_its_log_has_not_signed_is_forbidden(checkpoint_note: str) -> None:
    assert refused(0, [], checkpoint_note, Seen()).status == 403


def test_lines_of_keys_that_are_not_trusted_say_nothing() -> None:
    assert ask(0, [], signed(1) + TWIN.line("another text\n"), Seen()).size == 1


def test_a_fork_is_not_cosigned() -> None:
    """A3: the same size with another root, and a longer history that begins otherwise."""
    seen = Seen(4, ROOTS[4])
    assert refused(4, [], signed(4, FORKED), seen).status == 422
    assert refused(4, path(4, 8, FORKED), signed(8, FORKED), seen).status == 422
    assert refused(4, path(4, 8), signed(8, FORKED), seen).status == 422


def test_a_log_that_went_back_is_not_cosigned() -> None:
    """A3: a checkpoint smaller than what was cosigned meets 400 or 409, whatever old size it claims."""
    seen = Seen(8, ROOTS[8])
    assert refused(8, [], signed(4), seen).status == 400
    assert refused(4, [], signed(4), seen).known_size == 8
    assert refused(0, [], signed(4), seen).known_size == 8


@pytest.mark.parametrize(
    ("old", "hashes", "size"),
    [(0, [bytes(32)], 4), (4, [], 8), (4, [*path(4, 8), bytes(32)], 8), (4, [bytes(32)], 4), (3, path(3, 8)[::-1], 8)],
    ids=["a proof from nothing", "none", "a hash too many", "a proof of the same", "in another order"],
)
def test_a_proof_that_does_not_prove_is_unprocessable(old: int, hashes: list[bytes], size: int) -> None:
    assert refused(old, hashes, signed(size), Seen(old, ROOTS[old])).status == 422


def test_an_empty_log_with_another_root_is_malformed() -> None:
    text = f"{KEY.name}\n0\n{encode_base64(bytes(32))}\n"
    with pytest.raises(WitnessRefusal) as caught:
        witness.parse_request(f"old 0\n\n{KEY.sign(text)}".encode())
    assert caught.value.status == 400


GOOD = witness.format_request(4, path(4, 8), signed(8))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"old 4\n",
        b"\xff" * 50,
        GOOD.replace("old 4", "old 04").encode(),
        GOOD.replace("old 4", "old -4").encode(),
        GOOD.replace("old 4", "old +4").encode(),
        GOOD.replace("old 4", "old \u0664").encode(),
        GOOD.replace("old 4", "old 99999999999999999").encode(),
        GOOD.replace("old 4\n", "old 4\n\n").encode(),
        GOOD.replace("old 4\n", "").encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("old 4\n", "old 4\n" + "A" * 43 + "=\n").replace("A=", "!=").encode(),
        GOOD.replace("old 4\n", "old 4\n" + f"{encode_base64(bytes(32))}\n" * 64).encode(),
        GOOD.replace("\n8\n", "\n8\nan extension line\n").encode()[:-1],
        witness.format_request(4, path(4, 8), KEY.sign(f"{KEY.name}\n8\n{encode_base64(ROOTS[8])}\nmore\n")).encode(),
        b"old 4\n\n" + b"x" * witness.REQUEST_BYTES_MAX,
    ],
)
def test_bytes_that_are_no_request_are_told_so(body: bytes) -> None:
    with pytest.raises(WitnessRefusal) as caught:
        witness.parse_request(body)
    assert caught.value.status == 400
    assert len(caught.value.sentence) < 600


@given(st.binary(max_size=200) | st.builds(lambda t: b"old 0\n\n" + t.encode(), st.text(max_size=200)))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes) -> None:
    with pytest.raises(WitnessRefusal):
        witness.parse_request(body)


def test_the_largest_request_that_a_log_may_make_is_read() -> None:
    filled = signed(8) + "\u2014 somebody AAAAAAA=\n" * 99
    body = witness.format_request(4, [bytes(32)] * witness.PROOF_HASHES_MAX, filled).encode()
    assert witness.parse_request(body).old_size == 4
