"""What the vault says about subjects shows nobody's key."""

from __future__ import annotations

import pytest

from server.vault.subjects import Holder, WrappingKey, is_key_id


def test_a_key_does_not_stand_in_what_is_printed_of_it() -> None:
    shown = repr(Holder(WrappingKey("identity-abc", b"\x01secret key material"), None))
    assert "identity-abc" in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    "text", ["cus_1", "identity-", "identity-*", "audit-../../x", "identity-" + "a" * 23 + "\n", "x"]
)
def test_what_is_no_name_of_a_key_is_told_apart(text: str) -> None:
    assert not is_key_id(text)
    assert is_key_id("identity-abcdefghijklmnopqrstuv27")
