"""Client messages are judged strictly, and what is wrong with them is said."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.errors import MessageRefused
from realtime.messages import Credit, Hello, Ping, Position, Sub, parse


def test_well_formed_messages_are_read() -> None:
    assert parse('{"t":"hello","v":1,"client":{"name":"web","ver":"1"}}') == Hello.model_validate(
        {"t": "hello", "v": 1, "client": {"name": "web", "ver": "1"}}
    )
    sub = parse('{"t":"sub","id":1,"s":"ledger","from":{"e":"1","p":12},"credit":3}')
    assert isinstance(sub, Sub)
    assert sub.from_ == Position(e="1", p=12)
    assert parse('{"t":"credit","s":"ledger","n":2}') == Credit(t="credit", s="ledger", n=2)
    assert parse('{"t":"ping","ts":5}') == Ping(t="ping", ts=5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("nonsense", "not JSON"),
        ("[]", "JSON object"),
        ("null", "JSON object"),
        ('{"t":"x"}', "no message 'x'"),
        ('{"t":1}', "no message"),
        ("{}", "no message"),
        ('{"t":"hello","v":2}', "hello.v"),
        ('{"t":"hello","v":1,"extra":1}', "hello.extra"),
        ('{"t":"hello","v":1,"token":5}', "hello.token"),
        ('{"t":"sub","id":-1,"s":"ledger","from":"now"}', "sub.id"),
        ('{"t":"sub","id":1,"s":"LEDGER","from":"now"}', "sub.s"),
        ('{"t":"sub","id":1,"s":"ledger","from":"yesterday"}', "sub.from"),
        ('{"t":"sub","id":1,"s":"ledger","from":{"e":"1","p":-2}}', "sub.from"),
        ('{"t":"sub","id":1,"s":"ledger","from":"now","credit":65}', "sub.credit"),
        ('{"t":"credit","s":"ledger","n":0}', "credit.n"),
        ('{"t":"ping","ts":1.5}', "ping.ts"),
        ('{"t":"ping","ts":true}', "ping.ts"),
        ("[" * 2000, "not JSON"),
    ],
)
def test_malformed_messages_are_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(MessageRefused, match=says):
        parse(text)


def test_the_refusal_carries_the_id_to_answer_to() -> None:
    with pytest.raises(MessageRefused) as caught:
        parse('{"t":"sub","id":7,"s":"ledger","from":0}')
    assert caught.value.message_id == 7


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes | str) -> None:
    with contextlib.suppress(MessageRefused):
        parse(data)
