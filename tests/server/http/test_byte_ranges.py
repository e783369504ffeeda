"""Ranges of bytes: every spelling gives a part of what there is, everything, or a refusal; never something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.http.byte_ranges import Span, Unsatisfiable, asked_span, same_version


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-", Span(0, 1000)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=999-", Span(999, 1000)),
        ("bytes=500-5000", Span(500, 1000)),
        ("bytes=-1", Span(999, 1000)),
        ("bytes=-5000", Span(0, 1000)),
    ],
)
def test_one_range_is_answered_as_far_as_there_is_something(header: str, span: Span) -> None:
    assert asked_span(header, 1000) == span
    assert span.content_range(1000) == f"bytes {span.first}-{span.end - 1}/1000"


@pytest.mark.parametrize("header", [None, "", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "lines=1-2", "bytes 1-2"])
def test_what_is_not_one_range_of_bytes_asks_for_everything(header: str | None) -> None:
    assert asked_span(header, 1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(Unsatisfiable, match="1000 bytes"):
        asked_span(header, 1000)


@given(st.text(alphabet="bytes=0123456789-, \t,x٣", max_size=40) | st.text(max_size=20), st.integers(1, 10**6))
def test_whatever_is_sent_stays_within_the_answer(header: str, size: int) -> None:
    try:
        span = asked_span(f"bytes={header}", size)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span.first < span.end <= size


def test_a_part_is_answered_only_of_the_version_that_was_begun() -> None:
    assert same_version(None, "abc")
    assert same_version('"abc"', "abc")
    assert not same_version('W/"abc"', "abc")
    assert not same_version('"other"', "abc")
    assert not same_version("Sat, 21 Nov 2026 08:00:00 GMT", "abc")
