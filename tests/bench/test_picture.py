"""The picture of the bench: well-formed, and better is further right."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tests.bench.picture import OCTAVES, draw, goodness
from tests.bench.result import Report, Result, Target

LEAST, MOST = Target("least", 10, "d"), Target("most", 2, "d")
REPORTED = Target("most", 2, "d", reported=True)


def result(ratio: float, target: Target) -> Result:
    return Result(f"a <claim> of {ratio}", "/s", [ratio], [1.0], "this & that", target)


def test_twice_as_good_is_one_step_whichever_way_good_is() -> None:
    assert [goodness(result(r, LEAST), r) for r in (10, 20, 5)] == [0, 1, -1]
    assert [goodness(result(r, MOST), r) for r in (2, 1, 4)] == [0, 1, -1]
    assert goodness(result(10**9, LEAST), 10**9) == OCTAVES


def test_what_is_only_reported_says_so_and_is_paler() -> None:
    figures = [Result("a count", "", [20.0], target=LEAST), Result("a wait", "ms", [1.0], target=REPORTED)]
    root = ET.fromstring(draw(Report("m", figures)))  # noqa: S314 - our own
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("the same on every machine") == texts.count("a figure of this machine: reported") == 1
    bars = [rect.get("opacity") for rect in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == ["1", "0.5"]


def test_every_promise_is_drawn_and_nothing_else() -> None:
    report = Report("2 cores & <more>", [result(30, LEAST), result(3, MOST), Result("room", "B", [1.0])])
    root = ET.fromstring(draw(report))  # noqa: S314 - our own
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sum("claim" in text for text in texts) == 2
    assert "room" not in texts
    assert "30 × (≥ 10)" in texts
    bars = [rect.get("fill") for rect in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == ["#2f7d5b", "#b3402f"]
