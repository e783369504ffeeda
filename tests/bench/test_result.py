"""Tables and verdicts of the bench: what is met, what is missed, and how figures are told."""

from __future__ import annotations

import pytest

from tests.bench.result import Report, Result, Target, number, spread

AT_LEAST, AT_MOST = Target("least", 10, "design"), Target("most", 1.5, "design")


@pytest.mark.parametrize(
    ("target", "ours", "missed"),
    [
        (AT_LEAST, [90, 100, 300], False),
        (AT_LEAST, [90, 99, 300], True),
        (AT_MOST, [16, 15, 14], False),
        (AT_MOST, [16, 15.1, 14], True),
    ],
)
def test_the_median_ratio_decides(target: Target, ours: list[float], missed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert Result("claim", "/s", ours, [10, 10, 10], "beside", target).is_missed is missed


def test_without_a_baseline_nothing_is_asserted() -> None:
    result = Result("claim", "/s", [1.0], target=AT_LEAST)
    assert (result.ratio, result.is_missed) == (None, False)


def test_runs_that_do_not_pair_are_no_result() -> None:
    with pytest.raises(ValueError, match="zip"):
        _ = Result("claim", "/s", [1.0, 2.0], [1.0]).ratios


@pytest.mark.parametrize(
    ("value", "told"),
    [(12_345.6, "12,346"), (100, "100"), (99.94, "99.9"), (1.234, "1.23"), (0.1234, "0.12"), (0, "0")],
)
def test_three_figures_are_told(value: float, told: str) -> None:
    assert number(value) == told


def test_a_spread_names_median_and_extremes_unless_they_are_the_same() -> None:
    assert spread([3, 1, 2], "ms") == "2 ms (1–3)"
    assert spread([2.001, 2.0], "ms") == "2 ms"


def test_a_table_says_what_was_missed_and_by_how_much() -> None:
    report = Report(
        "a machine",
        [Result("append", "/s", [95.0], [10.0], "plain inserts", AT_LEAST, "p99 9 ms"), Result("room", "B", [800])],
    )
    text = report.text().splitlines()
    assert text[0] == "a machine"
    assert "9.50 (9.50–9.50)" in text[4]
    assert text[4].endswith("MISSED")
    assert "p99 9 ms" in text[4]
    assert not text[5].endswith(("met", "MISSED"))
    assert report.markdown().count("\n|") == 4
