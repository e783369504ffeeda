"""Proofs: building them from stored nodes, and the c2sp.org/tlog-proof text a receipt carries. Pure. SPEC.md 11."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger import canonical, checkpoint, merkle
from ledger.checkpoint import Checkpoint
from ledger.errors import ProofError
from ledger.grammar import decode_base64, decode_decimal, decode_digest, encode_base64
from ledger.note import NOTE_BYTES_MAX, VerifyKey

FIRST_LINE = "c2sp.org/tlog-proof@v1"
PATH_HASHES_MAX = 63
_EXTRA = "extra "
_INDEX = "index "
PROOF_BYTES_MAX = 2 * NOTE_BYTES_MAX

Read = Callable[[list[tuple[int, int]]], list[bytes]]
"""Reads the hashes of nodes (level, index), in order, folding the partial ones at the right edge of its tree."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A parsed tlog-proof. Nothing in it is verified; `extra` never is."""

    index: int
    path: tuple[bytes, ...]
    checkpoint_note: str
    extra: bytes | None = None


def inclusion(read: Read, index: int, size: int) -> list[bytes]:
    """The inclusion path of leaf `index` in the tree of `size` leaves that `read` reads, the leaf's sibling first."""
    return _read(read, merkle.inclusion_indexes(index, size))


def consistency(read: Read, old_size: int, new_size: int) -> list[bytes]:
    """The proof that `old_size` leaves begin the tree of `new_size` leaves that `read` reads."""
    return _read(read, merkle.consistency_indexes(old_size, new_size))


def folding(read_complete: Read, size: int) -> Read:
    """A `Read` for a tree of `size` leaves over one that knows complete nodes only, asked once per call."""

    def read(nodes: list[tuple[int, int]]) -> list[bytes]:
        complete = [merkle.complete_nodes(level, index, size) for level, index in nodes]
        hashes = iter(_read(read_complete, [node for parts in complete for node in parts]))
        return [merkle.fold([next(hashes) for _ in parts]) for parts in complete]

    return read


def format_tlog_proof(index: int, path: Sequence[bytes], checkpoint_note: str) -> str:
    """The text of a `.tlog-proof` file: index, path, empty line, the checkpoint note as it was published."""
    hashes = "".join(f"{encode_base64(h)}\n" for h in path)
    return f"{FIRST_LINE}\nindex {index}\n{hashes}\n{checkpoint_note}"


def parse_tlog_proof(text: str) -> TlogProof:
    """Reads a `.tlog-proof` strictly; ProofError for anything that would not be written that way."""
    if len(text) > PROOF_BYTES_MAX:
        raise ProofError(f"the proof has {len(text)} characters, at most {PROOF_BYTES_MAX}")
    head, separator, checkpoint_note = text.partition("\n\n")
    first, *lines = head.split("\n")
    if not separator or first != FIRST_LINE:
        raise ProofError(f"not a tlog-proof: it begins {text[:40]!r}, not {FIRST_LINE!r} and lines up to an empty one")
    extra_line = lines.pop(0) if lines and lines[0].startswith(_EXTRA) else None
    if not lines or not lines[0].startswith(_INDEX):
        raise ProofError("not a tlog-proof: the index line is missing")
    try:
        extra = None if extra_line is None else decode_base64(extra_line.removeprefix(_EXTRA))
        index = decode_decimal(lines[0].removeprefix(_INDEX))
        path = tuple(decode_digest(line) for line in lines[1:])
    except ValueError as error:
        raise ProofError(f"not a tlog-proof: {error}") from error
    if len(path) > PATH_HASHES_MAX:
        raise ProofError(f"the proof has {len(path)} hashes, at most {PATH_HASHES_MAX}")
    return TlogProof(index, path, checkpoint_note, extra)


def verify_tlog_proof(text: str, entry_bytes: bytes, vkey: str | VerifyKey) -> Checkpoint:
    """The checkpoint under which the proof shows these bytes to be entry `index`; else ProofError or NoteError."""
    proof = parse_tlog_proof(text)
    head = checkpoint.open(proof.checkpoint_note, vkey)
    merkle.verify_inclusion(canonical.leaf_hash(entry_bytes), proof.index, head.size, proof.path, head.root_hash)
    return head


def _read(read: Read, nodes: list[tuple[int, int]]) -> list[bytes]:
    hashes = read(nodes) if nodes else []
    if len(hashes) != len(nodes):
        raise ProofError(f"the reader returned {len(hashes)} hashes for {len(nodes)} nodes")
    return hashes
