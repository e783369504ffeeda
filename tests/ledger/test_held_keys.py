"""Which of the keys at hand sign a size: what the keyring says, never what lies in a directory (attacks A4)."""

from __future__ import annotations

from ledger import checkpoint
from ledger.checkpoint import Checkpoint
from ledger.held_keys import HeldKeys, signed_by
from ledger.keys import Keyring, Span
from ledger.note import SigningKey

ORIGIN = "ledger.example.org/ledger"
OLD, NEW, THIEF = (SigningKey(ORIGIN, bytes([n]) * 32) for n in (1, 2, 3))
RING = Keyring(None, {OLD.vkey: Span(0, 20), NEW.vkey: Span(10)})


def test_each_size_is_signed_by_the_keys_in_force_the_oldest_first() -> None:
    held = HeldKeys.of(NEW, THIEF, OLD)
    assert {size: held.signing(RING, size) for size in (0, 9, 10, 20, 21)} == {
        0: [OLD],
        9: [OLD],
        10: [OLD, NEW],
        20: [OLD, NEW],
        21: [NEW],
    }


def test_a_key_that_came_later_is_found_and_one_that_no_entry_names_never_signs() -> None:
    files = [OLD]
    held = HeldKeys(lambda: list(files))
    assert held.signing(RING, 21) == []
    files += [NEW, THIEF]
    assert held.signing(RING, 21) == [NEW]
    assert THIEF.vkey in held


def test_a_key_whose_secret_was_removed_is_still_believed() -> None:
    held = HeldKeys.of(NEW)
    assert held.verify_keys() == [NEW.verify_key]
    held.trust(RING)
    assert held.verify_keys() == [OLD.verify_key, NEW.verify_key]


def test_a_checkpoint_of_two_keys_opens_with_either() -> None:
    told = Checkpoint(ORIGIN, 3, bytes(32))
    signed = signed_by([OLD, NEW], told)
    for keys in (OLD.verify_key, NEW.verify_key, [OLD.verify_key, NEW.verify_key], NEW.vkey):
        assert checkpoint.open(signed, keys) == told
