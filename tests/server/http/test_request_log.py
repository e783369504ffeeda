"""Log lines: one JSON object or one line of text, with places instead of messages for what failed."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from server.http.request_log import RequestLine, formatter, log_request, where

LINE = RequestLine("r1", "GET", "/api/v1/ledger", 200, 1.25, 77, "203.0.113.0/24")
SECRET = "value-in-a-message"


def look_up() -> None:
    raise KeyError(SECRET)


def fail() -> None:
    try:
        look_up()
    except KeyError as error:
        raise ValueError(SECRET) from error


def record_of(line: RequestLine, caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    caplog.set_level(logging.INFO, "secondwind.request")
    log_request(line)
    return caplog.records[-1]


def failed_record() -> logging.LogRecord:
    try:
        fail()
    except ValueError:
        return logging.LogRecord("x", logging.ERROR, __file__, 1, "it %s", ("failed",), sys.exc_info())
    raise AssertionError


def test_a_request_is_one_json_object_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    text = formatter("json").format(record_of(LINE, caplog))
    line = json.loads(text)
    assert "\n" not in text
    assert line["at"].endswith("Z")
    assert len(line["at"]) == 27
    assert line["level"] == "info"
    assert (line["request_id"], line["route"], line["status"]) == ("r1", "/api/v1/ledger", 200)


def test_a_request_is_one_line_for_people(caplog: pytest.LogCaptureFixture) -> None:
    text = formatter("text").format(record_of(LINE, caplog))
    assert text[13:] == "GET /api/v1/ledger 200 1.2 ms 77 B  [r1]"


def test_a_failure_shows_where_and_not_what_values() -> None:
    for log_format in ("json", "text"):
        text = formatter(log_format).format(failed_record())
        assert "it failed" in text
        assert "test_request_log.py" in text
        assert " fail" in text
        assert SECRET not in text


def test_a_chain_of_causes_is_followed_and_cut() -> None:
    record = failed_record()
    assert record.exc_info is not None
    assert record.exc_info[1] is not None
    places = where(record.exc_info[1])
    assert [place for place in places if place in ("ValueError", "KeyError")] == ["ValueError", "KeyError"]


def test_a_loop_of_causes_ends() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert len(where(first)) == 4


def test_a_line_break_in_a_value_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger("x").info("%s", 'a\n{"level":"info"}')
    assert formatter("json").format(caplog.records[-1]).count("\n") == 0
