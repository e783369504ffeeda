"""What a witness decides when a log asks it to cosign a checkpoint: c2sp.org/tlog-witness. Pure. SPEC.md 16.

    old <size>                the size of the checkpoint that this witness cosigned last, as far as the log knows
    <base64 hash>             0 to 63 of these: the consistency proof from `old` to the checkpoint
    <empty line>
    <checkpoint note>

A witness cosigns one history per log and never goes back (attacks A3). Every other answer is a `WitnessRefusal`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger import checkpoint, merkle, note
from ledger.checkpoint import Checkpoint
from ledger.errors import LedgerError, MalformedError, NoteError, ProofError
from ledger.grammar import decode_decimal, decode_digest, encode_base64
from ledger.note import NOTE_BYTES_MAX, VerifyKey

PROOF_HASHES_MAX = 63
REQUEST_BYTES_MAX = NOTE_BYTES_MAX + 4_096
SIZE_TYPE = "text/x.tlog.size"
"""Content type of the body of a 409: the size that the witness cosigned last, and a line feed."""

_OLD = "old "


class WitnessRefusal(LedgerError):
    """A witness does not cosign. `status` is the answer's; `known_size` is set with 409 alone."""

    def __init__(self, status: int, sentence: str, known_size: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.known_size = known_size


@dataclass(frozen=True, slots=True)
class Request:
    """One add-checkpoint request, read and not judged. `checkpoint` is what `note` says, whoever signed it."""

    old_size: int
    path: tuple[bytes, ...]
    note: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that a witness cosigned of one log; size 0 for a log of which it cosigned none."""

    size: int = 0
    root_hash: bytes = merkle.EMPTY_ROOT


def format_request(old_size: int, path: Sequence[bytes], checkpoint_note: str) -> str:
    """The body that asks a witness, which last cosigned `old_size` entries, to cosign `checkpoint_note`."""
    hashes = "".join(f"{encode_base64(h)}\n" for h in path)
    return f"{_OLD}{old_size}\n{hashes}\n{checkpoint_note}"


def parse_request(body: bytes) -> Request:
    """Reads a request's body; WitnessRefusal (400) for bytes that are none."""
    if len(body) > REQUEST_BYTES_MAX:
        raise WitnessRefusal(400, f"The request has {len(body)} bytes, at most {REQUEST_BYTES_MAX}.")
    try:
        return _read_request(body.decode())
    except (ValueError, MalformedError) as error:
        raise WitnessRefusal(400, f"The request is malformed: {error}.") from error


def _read_request(text: str) -> Request:
    head, separator, signed = text.partition("\n\n")
    first, *lines = head.split("\n")
    if not separator or not first.startswith(_OLD):
        raise MalformedError("it is not `old <size>`, hashes, an empty line and a checkpoint")
    if len(lines) > PROOF_HASHES_MAX:
        raise MalformedError(f"it has {len(lines)} hashes, at most {PROOF_HASHES_MAX}")
    old_size = decode_decimal(first.removeprefix(_OLD))
    path = tuple(decode_digest(line) for line in lines)
    return Request(old_size, path, signed, checkpoint.parse(note.split(signed)[0]))


def check_signed(request: Request, keys: Mapping[str, Sequence[VerifyKey]]) -> Sequence[VerifyKey]:
    """The keys that are trusted for the request's origin, one of which signed it; else WitnessRefusal 404 or 403."""
    trusted = keys.get(request.checkpoint.origin)
    if not trusted:
        raise WitnessRefusal(404, f"{request.checkpoint.origin[:200]!r} is no log that this witness follows.")
    try:
        note.open(request.note, trusted)
    except NoteError as error:
        raise WitnessRefusal(403, f"The checkpoint bears no good signature of its log: {error}.") from error
    return trusted


def decide(request: Request, seen: Seen) -> Seen:
    """What the witness has seen once it cosigns a checkpoint that its log signed (`check_signed`), or WitnessRefusal.

    400: the old size is larger than the checkpoint. 409: it is not what was cosigned last. 422: the checkpoint is not
    proved to go on from there.
    """
    told = request.checkpoint
    if request.old_size > told.size:
        raise WitnessRefusal(400, f"The old size {request.old_size} is larger than the checkpoint's {told.size}.")
    if request.old_size != seen.size:
        raise WitnessRefusal(
            409, f"This witness cosigned {seen.size} entries last, not {request.old_size}.", known_size=seen.size
        )
    try:
        merkle.verify_consistency(seen.size, told.size, seen.root_hash, told.root_hash, request.path)
    except ProofError as error:
        raise WitnessRefusal(422, f"The checkpoint does not go on from what was cosigned: {error}.") from error
    return Seen(told.size, told.root_hash)
