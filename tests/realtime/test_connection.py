"""The conversation of one socket: what is answered, what is refused, and when it ends."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import codes
from realtime.connection import (
    Authenticate,
    ChannelState,
    Close,
    Connection,
    Effect,
    Feed,
    Follow,
    Leave,
    Limits,
    Send,
    bye,
    high_water,
)


def make(**limits: float) -> Connection:
    known = {"ledger": ChannelState("e1", 41)}
    return Connection("sid", "node", Limits(**limits), known.get, heartbeat_s=20.0, now_s=0.0)  # type: ignore[arg-type]  # numbers


def opened(**limits: float) -> Connection:
    connection = make(**limits)
    say(connection, t="hello", v=1)
    return connection


def say(connection: Connection, now_s: float = 0.0, **message: object) -> list[Effect]:
    return connection.receive_text(json.dumps({k.rstrip("_"): v for k, v in message.items()}), now_s)


def sent(effects: list[Effect]) -> list[dict[str, object]]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def closes(effects: list[Effect]) -> list[int]:
    return [effect.code.code for effect in effects if isinstance(effect, Close)]


def test_hello_is_welcomed_with_the_limits() -> None:
    (welcome,) = sent(say(make(), t="hello", v=1))
    assert welcome["t"] == "welcome"
    assert welcome["hb"] == 20_000
    assert isinstance(welcome["limits"], dict)


def test_anything_before_hello_closes() -> None:
    assert closes(say(make(), t="ping", ts=1)) == [4001]
    assert closes(make().receive_text("nonsense", 0)) == [4001]
    assert closes(make().receive_binary()) == [4001]


def test_no_hello_in_time_closes_with_advice_to_come_back() -> None:
    connection = make()
    assert closes(connection.receive_timeout()) == [4108]
    assert opened().receive_timeout() == []


def test_a_token_is_asked_about_before_the_welcome() -> None:
    connection = make()
    assert say(connection, t="hello", v=1, token="secret") == [Authenticate("secret", None)]
    assert sent(connection.authenticated("ada", None))[0]["t"] == "welcome"
    assert closes(make().authenticated(None, None)) == [4003]


def test_a_refreshed_token_must_be_of_the_same_person() -> None:
    connection = make()
    say(connection, t="hello", v=1, token="secret")
    connection.authenticated("ada", None)
    assert say(connection, t="auth", id=3, token="later") == [Authenticate("later", 3)]
    assert sent(connection.authenticated("ada", 3)) == [{"t": "ok", "id": 3}]
    assert closes(connection.authenticated("eve", 4)) == [4003]


def test_a_subscription_begins_where_it_is_asked_to() -> None:
    for start, expected in (("start", -1), ("now", 41), ({"e": "e1", "p": 12}, 12)):
        ok, follow = say(opened(), t="sub", id=1, s="ledger", from_=start)
        assert isinstance(ok, Send)
        assert ok.message == {"t": "ok", "id": 1, "s": "ledger", "e": "e1", "p": expected}
        assert isinstance(follow, Follow)
        assert follow.subscription.last == expected


def test_a_position_that_cannot_be_continued_is_a_gap_never_a_silent_hole() -> None:
    for start in ({"e": "other", "p": 12}, {"e": "e1", "p": 42}):
        effects = say(opened(), t="sub", id=1, s="ledger", from_=start)
        assert [message["t"] for message in sent(effects)] == ["ok", "gap"]
        assert next(e for e in effects if isinstance(e, Follow)).subscription.last == -1


def test_what_cannot_be_followed_is_an_error_and_the_socket_stays() -> None:
    connection = opened(subscriptions_max=1)
    assert sent(say(connection, t="sub", id=1, s="secrets", from_="now"))[0]["code"] == codes.NO_SUCH_CHANNEL
    say(connection, t="sub", id=2, s="ledger", from_="now")
    assert sent(say(connection, t="sub", id=3, s="ledger", from_="now"))[0]["code"] == codes.CONFLICT
    assert connection.state == "open"


def test_unsub_leaves_and_may_be_said_again() -> None:
    connection = opened()
    say(connection, t="sub", id=1, s="ledger", from_="now")
    leave, ok = say(connection, t="unsub", id=2, s="ledger")
    assert isinstance(leave, Leave)
    assert ok == Send({"t": "ok", "id": 2})
    assert say(connection, t="unsub", id=3, s="ledger") == [Send({"t": "ok", "id": 3})]


def test_credit_feeds_and_a_credit_that_crossed_an_unsub_does_nothing() -> None:
    connection = opened()
    say(connection, t="sub", id=1, s="ledger", from_="start", credit=1)
    (feed,) = say(connection, t="credit", s="ledger", n=2)
    assert isinstance(feed, Feed)
    assert feed.subscription.credit == 3
    say(connection, t="unsub", id=2, s="ledger")
    assert say(connection, t="credit", s="ledger", n=2) == []


def test_three_violations_close() -> None:
    connection = opened()
    say(connection, t="sub", id=1, s="ledger", from_="now")
    assert sent(connection.receive_text("x", 0))[0]["code"] == codes.BAD_REQUEST
    assert sent(say(connection, t="hello", v=1))[0]["code"] == codes.BAD_REQUEST
    effects = connection.receive_binary()
    assert closes(effects) == [4029]
    assert any(isinstance(effect, Leave) for effect in effects)
    assert connection.receive_text("x", 0) == []
    assert connection.receive_binary() == []


def test_a_flood_is_refused_and_quiet_time_pays_it_back() -> None:
    connection = opened(messages_burst=5, messages_per_s=1.0, strikes_max=99)
    answers = [sent(say(connection, t="ping", ts=n)) for n in range(6)]
    assert answers[3][0]["t"] == "pong"
    assert answers[5][0]["code"] == codes.TOO_MANY
    assert sent(say(connection, now_s=10.0, t="ping", ts=7))[0]["t"] == "pong"


def test_a_message_beyond_the_limit_is_refused() -> None:
    connection = opened(message_bytes_max=100)
    assert sent(connection.receive_text("x" * 101, 0))[0]["code"] == codes.TOO_LARGE


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    connection = opened(messages_burst=3, messages_per_s=100.0, strikes_max=99)
    say(connection, now_s=5.0, t="ping", ts=1)
    say(connection, now_s=5.0, t="ping", ts=1)
    say(connection, now_s=5.0, t="ping", ts=1)
    assert sent(say(connection, now_s=1.0, t="ping", ts=1))[0]["code"] == codes.TOO_MANY


def test_bye_carries_the_rule_of_its_code() -> None:
    assert bye(codes.DRAIN, after_ms=40)["reconnect"] is True
    assert bye(codes.BAD_PROTOCOL)["reconnect"] is False
    assert high_water({"ledger": 3}) == {"t": "hw", "s": {"ledger": 3}}


def test_every_close_code_lies_in_the_range_of_its_rule() -> None:
    rules = {40: "no", 41: "backoff", 42: "now"}
    assert all(rules[code.code // 100] == code.reconnect for code in codes.CLOSE_CODES)
    assert len({code.code for code in codes.CLOSE_CODES}) == len(codes.CLOSE_CODES)


@settings(deadline=None)
@given(st.lists(st.text(max_size=60) | st.sampled_from(['{"t":"hello","v":1}', '{"t":"ping","ts":1}']), max_size=30))
def test_no_conversation_raises(texts: list[str]) -> None:
    connection = make()
    for number, text in enumerate(texts):
        connection.receive_text(text, float(number))
