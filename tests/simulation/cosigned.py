"""What must be so of a witness, whatever goes wrong: what it answers is kept, and is one history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import checkpoint, cosignature, note
from ledger.errors import LedgerError
from ledger.witness import parse_request
from tests.simulation.tables import Transaction
from tests.simulation.wire import Answer, Question
from tests.simulation.witnessing import COSIGNER, KEPT, RIVAL, WITNESS

if TYPE_CHECKING:
    from tests.simulation.world import World

OK, CONFLICT, UNPROCESSABLE = 200, 409, 422


class Cosigned:
    """Hears every answer of the witness and sees every line stored. `heard_size`: the largest that was heard of."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.heard_size = 0

    def answers(self, question: Question, answer: Answer, floor: int) -> None:
        """An answer leaves the witness; `floor` is what had been heard of when its question came."""
        counts = self._world.observer.counts
        counts[f"witness answered {answer.status}"] += 1
        is_rival = question.asker == RIVAL
        if answer.status == OK:
            asked = answer.body.decode() if question.body is None else parse_request(question.body).note
            lines = answer.body.decode().rpartition("\n\n")[2]
            self._hears(note.split(asked)[0], lines, floor)
        elif answer.status == UNPROCESSABLE and not is_rival:
            self._fault(f"it found another history in what the log asked for: {answer.body.decode()}")
        elif answer.status == CONFLICT:
            self._check_kept(int(answer.body))

    def _hears(self, signed: str, lines: str, floor: int) -> None:
        try:
            cosignature.answered(signed, lines, COSIGNER.verify_key)
        except LedgerError as error:
            self._fault(f"its line does not verify: {error}")
            return
        told = checkpoint.parse(signed)
        if signed not in self._world.observer.signed_texts:
            self._fault(f"it cosigned {told.size} entries of another history (attacks A3)")
        if told.size < floor:
            self._fault(f"it cosigned {told.size} after {floor}")
        self._check_kept(told.size)
        self.heard_size = max(self.heard_size, told.size)

    def stored(self, tx: Transaction) -> None:
        """A transaction was committed: a line that it stored verifies over a checkpoint that the log signed."""
        for (table, key), row in tx.writes.items():
            if table == "cosignatures" and row is not None:
                found = self._world.database.tables.table("checkpoints").get(("public", key[0]))
                try:
                    assert found is not None, "there is no such checkpoint"
                    text = note.split(found["note"])[0]
                    assert text in self._world.observer.signed_texts, "the log did not sign it"
                    assert cosignature.answered(text, row["line"], COSIGNER.verify_key).time_s == row["time_s"]
                except (AssertionError, LedgerError) as error:
                    self._fault(f"the line stored for {key[0]} is none: {error}")

    def check_now(self) -> None:
        """Whatever was heard is kept, and would be after a power cut."""
        if self.heard_size:
            self._check_kept(self.heard_size)

    def is_newest(self) -> bool:
        """Whether the newest checkpoint is cosigned."""
        rows = self._world.database.tables.table("cosignatures")
        return (self._world.observer.size("public"), COSIGNER.vkey) in rows

    def _check_kept(self, size: int) -> None:
        """The file that is sure to survive a power cut says at least `size`, of the log's own history."""
        kept = self._world.disks[WITNESS].certain(KEPT)
        text = note.split(kept)[0] if kept else None
        if size and (text is None or checkpoint.parse(text).size < size):
            self._fault(f"{size} entries were heard of before they were kept")
        elif text is not None and text not in self._world.observer.signed_texts:
            self._fault("it keeps another history (attacks A3)")

    def _fault(self, sentence: str) -> None:
        self._world.observer.fault(f"witness: {sentence}")
