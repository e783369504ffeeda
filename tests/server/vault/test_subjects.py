"""What the vault says about subjects shows nobody's key."""

from __future__ import annotations

from server.vault.subjects import Holder, WrappingKey


def test_a_key_does_not_stand_in_what_is_printed_of_it() -> None:
    shown = repr(Holder(WrappingKey("identity-abc", b"\x01secret key material"), None))
    assert "identity-abc" in shown
    assert "secret" not in shown
