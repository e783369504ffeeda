"""A batch signature vouches for exactly one range of one log in one epoch."""

from __future__ import annotations

import pytest

from ledger.batches import BatchKey, statement, verifies
from tests.support.logs import BATCH_SEED

KEY = BatchKey(BATCH_SEED)
FIELDS = ("example.org/test/ledger", 1, 10, 19, b"h" * 32)


def test_the_statement_is_the_text_of_the_specification() -> None:
    assert statement(*FIELDS) == (
        b"secondwind/batch/v1\nexample.org/test/ledger\n1\n10\n19\naGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=\n"
    )


def test_a_signature_verifies_with_its_key_and_no_other() -> None:
    signature = KEY.sign(statement(*FIELDS))
    assert verifies(KEY.public, statement(*FIELDS), signature)
    assert not verifies(BatchKey(b"x" * 32).public, statement(*FIELDS), signature)


@pytest.mark.parametrize(
    "other",
    [
        ("example.org/test/books", 1, 10, 19, b"h" * 32),
        ("example.org/test/ledger", 2, 10, 19, b"h" * 32),
        ("example.org/test/ledger", 1, 9, 19, b"h" * 32),
        ("example.org/test/ledger", 1, 10, 20, b"h" * 32),
        ("example.org/test/ledger", 1, 10, 19, b"i" * 32),
    ],
)
def test_it_does_not_carry_over_to_another_batch(other: tuple[str, int, int, int, bytes]) -> None:
    assert not verifies(KEY.public, statement(*other), KEY.sign(statement(*FIELDS)))


@pytest.mark.parametrize("signature", [b"", b"x" * 63, b"x" * 64, bytes(64), b"x" * 65])
def test_what_is_no_signature_does_not_verify(signature: bytes) -> None:
    assert not verifies(KEY.public, statement(*FIELDS), signature)
