"""Whose keys a gift is sealed under: the customer's, the e-mail address's, or those of the payment alone."""

from __future__ import annotations

from pathlib import Path

from server.domains.giving.commands import ReceiveGift
from server.payments.givers import customer_name, email_name, giver
from server.payments.translate import FeeReference, Gift
from server.vault import vault_at


def gift(payment: str = "pi_1", **private: object) -> Gift:
    command = ReceiveGift(100, "USD/2", None, cover_fees=False, visibility="live", occurred_at_s=1, private=private)
    return Gift(payment, command, FeeReference())


def test_a_customer_is_one_person_whom_the_address_leads_to(tmp_path: Path) -> None:
    keyed = vault_at(tmp_path).keyed_hash
    found = giver(gift(giver={"customer": "cus_1"}, contact={"email": "Ada@Example.org "}), keyed)
    assert found.name == customer_name("cus_1", keyed)
    assert found.aliases == (email_name("ada@example.org", keyed),)


def test_without_a_customer_the_address_is_the_person(tmp_path: Path) -> None:
    keyed = vault_at(tmp_path).keyed_hash
    one = giver(gift("pi_1", contact={"email": "ada@example.org"}), keyed)
    assert one == giver(gift("pi_2", contact={"email": " ADA@example.org"}), keyed)
    assert one.name == email_name("ada@example.org", keyed)
    assert one.name != customer_name("ada@example.org", keyed)


def test_a_payment_by_nobody_known_is_a_person_of_its_own(tmp_path: Path) -> None:
    keyed = vault_at(tmp_path).keyed_hash
    one, two = giver(gift("pi_1", giver={"name": "A. Nonymous"}), keyed), giver(gift("pi_2"), keyed)
    assert one != two
    assert one.aliases == ()


def test_names_tell_nothing_without_the_key(tmp_path: Path) -> None:
    here, there = vault_at(tmp_path / "here").keyed_hash, vault_at(tmp_path / "there").keyed_hash
    assert email_name("ada@example.org", here) != email_name("ada@example.org", there)
