"""What can go wrong in the ledger. Each error carries its data and makes its own sentence.

LedgerError
├── MalformedError              bytes, text or numbers that the formats do not allow
│   ├── EntryError              …of an entry; `code` is the verifier's failure code
│   ├── NoteError               …of a signed note, key or checkpoint
│   └── ProofError              …of a proof; also a proof that does not prove
├── Refused                     a command that may not be appended; the batch goes on without it
│   ├── InvalidCommand          the entry it asks for breaks a rule of SPEC.md
│   ├── VersionConflict         the stream moved on since the caller read it
│   ├── ClaimTaken              the provider object was booked before
│   ├── KeyReused               the idempotency key was used for another request
│   ├── GuardRefused            a named sum would fall below zero
│   ├── Expired                 the caller's deadline passed while the command waited
│   └── RejectedByDatabase      bisection found this command to be the one that Postgres rejects
└── Unavailable                 nothing was appended, or it cannot be known; try again later
    ├── Busy                    more commands are outstanding than the limit
    ├── Halted                  the signer found a disagreement and appends stopped
    ├── Fenced                  another epoch owns the log; this process must stop
    ├── ClockSkew               the clocks of this machine and the database disagree
    ├── DatabaseUnavailable     the database does not answer, is full, or is shutting down; nothing was appended
    └── OutcomeUnknown          the connection was lost at COMMIT and the database cannot be asked
"""

from __future__ import annotations


class LedgerError(Exception):
    """Base of everything the ledger raises on purpose."""


class MalformedError(LedgerError):
    """Bytes, text or numbers that the formats do not allow."""


class EntryError(MalformedError):
    """An entry breaks a rule; `code` is the failure code that every verifier reports for it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class NoteError(MalformedError):
    """A signed note, a verification key or a checkpoint is malformed or not signed by the key asked for."""


class ProofError(MalformedError):
    """A proof is malformed, or well-formed and does not prove what it claims."""


class Refused(LedgerError):
    """A command may not be appended. Other commands of the batch are not touched."""


class InvalidCommand(Refused):
    """The entry that a command asks for breaks a rule of SPEC.md."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class VersionConflict(Refused):
    """The stream moved on since the caller read it: read again and decide again."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"stream is at version {actual}, the command expected {expected}")
        self.expected = expected
        self.actual = actual


class ClaimTaken(Refused):
    """The provider object named by `kind` was booked before, at `position`."""

    def __init__(self, kind: str, position: int) -> None:
        super().__init__(f"{kind} is already booked at position {position}")
        self.kind = kind
        self.position = position


class KeyReused(Refused):
    """The idempotency key was used before with another request (HTTP 409)."""

    def __init__(self, position: int) -> None:
        super().__init__(f"this idempotency key was used for another request, booked at position {position}")
        self.position = position


class GuardRefused(Refused):
    """A decision would take a named sum below zero. The balance itself is not told (attacks B14)."""

    def __init__(self, guard: str) -> None:
        super().__init__(f"not possible now: {guard} does not cover it")
        self.guard = guard


class Expired(Refused):
    """The caller's deadline passed before the command was taken; nothing was appended."""

    def __init__(self) -> None:
        super().__init__("the deadline passed before the command was taken")


class RejectedByDatabase(Refused):
    """Postgres rejects this command; its neighbours were appended without it."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the database rejects this command: {detail}")
        self.detail = detail


class Unavailable(LedgerError):
    """Nothing was appended, or it cannot be known. `retry_after_s` says when to try again."""

    retry_after_s = 1.0


class Busy(Unavailable):
    """More commands are outstanding than the limit allows."""

    def __init__(self, outstanding: int) -> None:
        super().__init__(f"{outstanding} commands are waiting already")
        self.outstanding = outstanding


class Halted(Unavailable):
    """The signer found a disagreement; nothing is appended until an operator has looked."""

    retry_after_s = 60.0

    def __init__(self, log: str, reason: str) -> None:
        super().__init__(f"{log} is halted: {reason}")
        self.log = log
        self.reason = reason


class Fenced(Unavailable):
    """The log's epoch is not the one this process started with: it was restored or failed over."""

    def __init__(self, log: str, mine: int, current: int) -> None:
        super().__init__(f"{log} is at epoch {current}, this process started at {mine}: restart it")
        self.log = log
        self.mine = mine
        self.current = current


class ClockSkew(Unavailable):
    """A wrong time in an entry would be there for ever, so nothing is appended and nothing signed."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"clocks disagree, appends and signatures stop: {detail}")
        self.detail = detail


class DatabaseUnavailable(Unavailable):
    """The database does not answer, is full, or is shutting down. Nothing was appended."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the database cannot be written now: {detail}")
        self.detail = detail


class OutcomeUnknown(Unavailable):
    """The connection was lost at COMMIT and the database cannot be asked what became of it."""

    def __init__(self) -> None:
        super().__init__("the connection was lost at COMMIT; repeat the command with the same idempotency key")
