"""Filing a notice: by its event id where it can be read, by its own digest where it cannot."""

from __future__ import annotations

import hashlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.payments import notices


def body(**changes: object) -> bytes:
    event = {"id": "evt_1", "type": "charge.succeeded", "livemode": False, "data": {"object": {"id": "ch_1"}}}
    return orjson.dumps(event | changes)


def test_the_key_follows_from_the_event_id_alone() -> None:
    assert notices.read(body()).key == notices.read(body(livemode=True, extra=1)).key
    assert notices.read(body()).key != notices.read(body(id="evt_2")).key


@pytest.mark.parametrize(
    ("thing", "subject"),
    [
        ({"id": "pi_1", "object": "payment_intent"}, "pi_1"),
        ({"id": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"id": "ch_1", "payment_intent": {"id": "pi_1"}}, "pi_1"),
        ({"id": "ch_1", "payment_intent": None}, "ch_1"),
        ({"id": "dp_1", "charge": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"id": "re_1", "charge": "ch_1", "payment_intent": None}, "ch_1"),
        ({"id": "po_1"}, "po_1"),
        ({"object": "balance"}, None),
        ([], None),
    ],
)
def test_everything_about_one_payment_has_one_subject(thing: object, subject: str | None) -> None:
    assert notices.read(body(data={"object": thing})).subject == subject


@pytest.mark.parametrize(
    "unreadable",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"id": "evt_1"}',
        body(id=None),
        body(id=7),
        body(id="evt 1"),
        body(id="evt_\u0000"),
        body(id="e" * 256),
        body(type=""),
        body(type="Charge\u0000"),
        body(type="t" * 101),
        b'{"id": "evt_1", "type": "charge.succeeded", "note": "\\ud800"}',
        body() + b"}",
        b"\xff\xfe" + body(),
    ],
)
def test_a_body_that_cannot_be_read_is_filed_under_its_digest(unreadable: bytes) -> None:
    notice = notices.read(unreadable)
    assert notice == notices.Notice(hashlib.sha256(unreadable).digest(), notices.MALFORMED, None, None)


@pytest.mark.parametrize(("livemode", "read"), [(True, True), (False, False), (None, None), ("true", None), (1, None)])
def test_livemode_is_known_only_when_it_is_said(livemode: object, *, read: bool | None) -> None:
    assert notices.read(body(livemode=livemode)).livemode is read


@given(st.binary(max_size=300))
def test_reading_never_raises(data: bytes) -> None:
    assert len(notices.read(data).key) == 32
