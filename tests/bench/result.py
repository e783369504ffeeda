"""What a bench found, as numbers, rows of a table and bars of a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

SHARES = (0.50, 0.95, 0.99)
INTRODUCTION = """# Measured

Written by `./dev bench --out docs`. Each figure is the median of runs that took turns with those of the baseline beside
it, with the lowest and the highest; waits are told as p50, p95 and p99. Ratios and counts are promises, held by
`./dev bench --check`: `MISSED` is a broken one. Every other figure belongs to its machine: `missed` only says so.

![What was promised and what was measured](bench.svg)
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What a ratio has to be, or the figure itself where there is no baseline: at least, or at most, `bound`.

    `source` is where that was decided. An absolute figure belongs to its machine, so its target is only `reported`.
    """

    at: Literal["least", "most"]
    bound: float
    source: str
    reported: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a measured value is on the right side."""
        return value >= self.bound if self.at == "least" else value <= self.bound

    def times_better(self, value: float) -> float:
        """How many times better than asked for a value is: 1 is just met, infinite cannot be bettered."""
        over, under = (value, self.bound) if self.at == "least" else (self.bound, value)
        return over / under if under else float("inf") if over or self.is_met(value) else 0.0

    def __str__(self) -> str:
        return f"{'≥' if self.at == 'least' else '≤'} {self.bound:,g}"


@dataclass(frozen=True, slots=True)
class Result:
    """One claim and what was measured, in `unit`, over runs that took turns with those of the baseline.

    `ours` and `baseline` are of the same length and order. With `percentiles`, `ours` are the waits of all runs
    together, and the slowest hundredth is what a target is about.
    """

    claim: str
    unit: str
    ours: Sequence[float]
    baseline: Sequence[float] = ()
    baseline_name: str = ""
    target: Target | None = None
    note: str = ""
    percentiles: bool = False

    @property
    def ratios(self) -> list[float]:
        """Ours over the baseline, run by run."""
        return [mine / other for mine, other in zip(self.ours, self.baseline, strict=True)] if self.baseline else []

    @property
    def ratio(self) -> float | None:
        """The median ratio, None without a baseline."""
        return median(self.ratios) if self.baseline else None

    @property
    def judged(self) -> float:
        """What the target is about: the ratio, else p99 of the waits, else the median."""
        if self.ratio is not None:
            return self.ratio
        return percentile(self.ours, SHARES[-1]) if self.percentiles else median(self.ours)

    @property
    def extremes(self) -> tuple[float, float]:
        """Between which values what is judged lay, run by run."""
        values = [self.judged] if self.percentiles else self.ratios or self.ours
        return min(values), max(values)

    @property
    def is_missed(self) -> bool:
        """Whether a target was set and what is judged is on its wrong side."""
        return self.target is not None and not self.target.is_met(self.judged)

    @property
    def is_broken(self) -> bool:
        """Whether a promise was broken: a missed target that is more than reported."""
        return self.target is not None and self.is_missed and not self.target.reported

    @property
    def told(self) -> str:
        """What was measured, in words."""
        if not self.percentiles:
            return spread(self.ours, self.unit)
        parts = (f"p{share * 100:.0f} {number(percentile(self.ours, share))}" for share in SHARES)
        return f"{', '.join(parts)} {self.unit}"


@dataclass(frozen=True, slots=True)
class Report:
    """All results of one run on one machine. `failed`: benches that came to no result."""

    machine: str
    results: list[Result] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The table, for people who look at a terminal."""
        rows = [("what", "measured", "beside it", "ratio", "target", "")]
        rows += [_row(result) for result in self.results]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines.insert(1, "─" * max(map(len, lines)))
        return "\n".join([self.machine, "", *lines])

    def markdown(self) -> str:
        """The same table as a document."""
        rows = [_row(result) for result in self.results]
        head = ["| what | measured | beside it | ratio | target | |", "|---|---|---|---|---|---|"]
        table = [*head, *("| " + " | ".join(row) + " |" for row in rows)]
        return "\n".join([INTRODUCTION, f"Measured on: {self.machine}.", "", *table])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of them does not exceed (nearest rank). ValueError of no values."""
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(-(-len(values) * round(share * 1000) // 1000), 1) - 1]


def spread(values: Sequence[float], unit: str) -> str:
    """The median, and between which values the runs lay: `12,300 /s (11,900–12,800)`."""
    middle, low, high = median(values), min(values), max(values)
    told = f"{number(middle)} {unit}".strip()
    return told if number(low) == number(high) else f"{told} ({number(low)}–{number(high)})"


def number(value: float) -> str:
    """Three figures that matter, and no exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"


def _row(result: Result) -> tuple[str, str, str, str, str, str]:
    beside = spread(result.baseline, result.unit) + f" {result.baseline_name}" if result.baseline else "–"
    ratio = "–"
    if result.ratio is not None:
        low, high = result.extremes
        ratio = f"{result.ratio:.2f} ({low:.2f}–{high:.2f})"
    told = result.told + (f", {result.note}" if result.note else "")
    return result.claim, told, beside, ratio, _target(result), _verdict(result)


def _target(result: Result) -> str:
    if result.target is None:
        return "–"
    return str(result.target) if result.baseline else f"{result.target} {result.unit}".strip()


def _verdict(result: Result) -> str:
    """`MISSED` is a broken promise; `missed` only says that this machine, or this day, did not reach a figure."""
    if result.target is None:
        return ""
    return "MISSED" if result.is_broken else "missed" if result.is_missed else "met"
