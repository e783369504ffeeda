"""Building proofs from what is stored, and the text of a tlog-proof."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import canonical, merkle, note, proof
from ledger.checkpoint import Checkpoint
from ledger.errors import NoteError, ProofError

KEY = note.SigningKey("ledger.example.org/main", bytes(range(32)))
ENTRIES = [b"entry %d" % i for i in range(70)]
LEAVES = [canonical.leaf_hash(entry) for entry in ENTRIES]


def complete(nodes: list[tuple[int, int]]) -> list[bytes]:
    """Complete nodes only, as tiles hold them."""
    assert all((index + 1) << level <= len(LEAVES) for level, index in nodes)
    return [merkle.root(LEAVES[index << level : (index + 1) << level]) for level, index in nodes]


@given(st.data())
def test_a_proof_from_complete_nodes_proves_its_entry_to_whoever_holds_the_key(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    path = proof.inclusion(proof.folding(complete, size), index, size)
    head = Checkpoint(KEY.name, size, merkle.root(LEAVES[:size]))
    text = proof.format_tlog_proof(index, path, KEY.sign(head.text()))
    assert proof.verify_tlog_proof(text, ENTRIES[index], KEY.vkey) == head
    with pytest.raises(ProofError):
        proof.verify_tlog_proof(text, ENTRIES[index] + b" ", KEY.verify_key)


@given(st.data())
def test_a_consistency_proof_from_complete_nodes_joins_two_roots(data: st.DataObject) -> None:
    new = data.draw(st.integers(0, len(LEAVES)))
    old = data.draw(st.integers(0, new))
    path = proof.consistency(proof.folding(complete, new), old, new)
    merkle.verify_consistency(old, new, merkle.root(LEAVES[:old]), merkle.root(LEAVES[:new]), path)


def test_nothing_is_read_for_a_proof_of_no_hashes() -> None:
    def read(nodes: list[tuple[int, int]]) -> list[bytes]:
        raise AssertionError(nodes)

    assert proof.inclusion(read, 0, 1) == []
    assert proof.consistency(read, 0, 9) == proof.consistency(read, 9, 9) == []


def test_a_reader_that_returns_too_few_hashes_is_noticed() -> None:
    with pytest.raises(ProofError, match="returned 1 hashes for 3 nodes"):
        proof.inclusion(lambda _: [bytes(32)], 0, 8)
    with pytest.raises(ProofError, match="returned 0 hashes"):
        proof.inclusion(proof.folding(lambda _: [], 7), 0, 7)


def test_a_proof_of_63_hashes_reads_back() -> None:
    path = tuple(bytes([i]) * 32 for i in range(63))
    text = proof.format_tlog_proof(2**53 - 1, path, "note")
    assert proof.parse_tlog_proof(text) == proof.TlogProof(2**53 - 1, path, "note")


@given(st.text(max_size=100))
def test_no_text_raises_anything_but_a_proof_error(text: str) -> None:
    with pytest.raises(ProofError):
        proof.parse_tlog_proof(text)
    with pytest.raises((ProofError, NoteError)):
        proof.verify_tlog_proof(f"{proof.FIRST_LINE}\nindex 0\n\n{text}", b"", KEY.vkey)


def test_a_proof_beyond_its_limit_is_refused_unread() -> None:
    with pytest.raises(ProofError, match="at most"):
        proof.parse_tlog_proof("x" * (proof.PROOF_BYTES_MAX + 1))
