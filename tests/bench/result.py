"""What a bench found, as numbers, rows of a table and bars of a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """What a ratio has to be: at least, or at most, `ratio`. `source` is where that was decided."""

    at: Literal["least", "most"]
    ratio: float
    source: str

    def is_met(self, ratio: float) -> bool:
        """Whether a measured ratio is on the right side."""
        return ratio >= self.ratio if self.at == "least" else ratio <= self.ratio

    def __str__(self) -> str:
        return f"{'≥' if self.at == 'least' else '≤'} {self.ratio:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """One claim and what was measured, in `unit`, over runs that took turns with those of the baseline.

    `ours` and `baseline` are of the same length and order; without a baseline there is nothing to assert.
    """

    claim: str
    unit: str
    ours: Sequence[float]
    baseline: Sequence[float] = ()
    baseline_name: str = ""
    target: Target | None = None
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """Ours over the baseline, run by run."""
        return [mine / other for mine, other in zip(self.ours, self.baseline, strict=True)] if self.baseline else []

    @property
    def ratio(self) -> float | None:
        """The median ratio, None without a baseline."""
        return median(self.ratios) if self.baseline else None

    @property
    def is_missed(self) -> bool:
        """Whether a target was set and the median ratio is on its wrong side."""
        return self.target is not None and self.ratio is not None and not self.target.is_met(self.ratio)


@dataclass(frozen=True, slots=True)
class Report:
    """All results of one run on one machine."""

    machine: str
    results: list[Result] = field(default_factory=list)

    def text(self) -> str:
        """The table, for people who look at a terminal or a README."""
        rows = [("what", "measured", "beside it", "ratio", "target", "")]
        rows += [_row(result) for result in self.results]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines.insert(1, "─" * max(map(len, lines)))
        return "\n".join([self.machine, "", *lines])

    def markdown(self) -> str:
        """The same table for a document."""
        rows = [_row(result) for result in self.results]
        head = ["| what | measured | beside it | ratio | target | |", "|---|---|---|---|---|---|"]
        return "\n".join([f"{self.machine}.", "", *head, *("| " + " | ".join(row) + " |" for row in rows)])


def spread(values: Sequence[float], unit: str) -> str:
    """The median, and between which values the runs lay: `12,300 /s (11,900–12,800)`."""
    middle, low, high = median(values), min(values), max(values)
    told = f"{number(middle)} {unit}"
    return told if number(low) == number(high) else f"{told} ({number(low)}–{number(high)})"


def number(value: float) -> str:
    """Three figures that matter, and no exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"


def _row(result: Result) -> tuple[str, str, str, str, str, str]:
    beside = spread(result.baseline, result.unit) + f" {result.baseline_name}" if result.baseline else "–"
    ratios = result.ratios
    ratio = "–"
    if result.ratio is not None:
        ratio = f"{result.ratio:.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
    verdict = "" if result.target is None else "MISSED" if result.is_missed else "met"
    told = spread(result.ours, result.unit) + (f", {result.note}" if result.note else "")
    return result.claim, told, beside, ratio, str(result.target or "–"), verdict
