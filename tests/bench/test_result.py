"""Tables and verdicts of the bench: what is met, what is missed, and how figures are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.result import Report, Result, Target, number, percentile, spread

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


def test_without_a_baseline_the_target_is_about_the_figure_itself() -> None:
    result = Result("claim", "/s", [12.0, 8.0, 9.0], target=AT_LEAST)
    assert (result.ratio, result.judged, result.is_missed) == (None, 9, True)


def test_a_figure_that_belongs_to_its_machine_is_missed_but_breaks_no_promise() -> None:
    reported = replace(AT_LEAST, reported=True)
    found = [Result("claim", "/s", [9.0], target=target) for target in (AT_LEAST, reported)]
    assert [(result.is_missed, result.is_broken) for result in found] == [(True, True), (True, False)]
    assert [line.split()[-1] for line in Report("m", found).text().splitlines()[4:]] == ["MISSED", "missed"]


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_of_no_waits_there_is_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.99)


def test_of_waits_the_slowest_hundredth_is_judged() -> None:
    result = Result("answer", "ms", [1.0] * 98 + [200.0] * 2, target=Target("most", 100, "d"), percentiles=True)
    assert (result.judged, result.is_missed) == (200, True)
    assert result.told == "p50 1, p95 1, p99 200 ms"


@pytest.mark.parametrize(
    ("target", "value", "times"),
    [(AT_LEAST, 20, 2), (AT_MOST, 0.75, 2), (AT_MOST, 0, float("inf")), (Target("most", 0, "d"), 0, float("inf"))],
)
def test_how_many_times_better_is_told_whichever_way_good_is(target: Target, value: float, times: float) -> None:
    assert target.times_better(value) == times


def test_what_must_not_happen_is_no_better_for_happening_once() -> None:
    assert Target("most", 0, "d").times_better(1) == 0


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
    assert "Measured on: a machine." in report.markdown()
