"""What was promised as a picture: one bar each, on a scale where every target is the same line. Pure."""

from __future__ import annotations

import math
from html import escape

from tests.bench.result import Report, Result, number

WIDTH, ROW, TOP, LEFT, RIGHT = 920, 46, 96, 330, 190
GOOD, BAD, INK, PALE = "#2f7d5b", "#b3402f", "#24312b", "#8a958f"
OCTAVES = 3.0
FONT = 'font-family="system-ui, sans-serif" font-size="14"'
LEGEND = "Right of the line is better than promised. The thin line shows the spread of the runs."


def draw(report: Report) -> str:
    """An SVG of every result that has a target. Right of the line is better, twice as far is twice as good."""
    promised = [result for result in report.results if result.target is not None]
    height = TOP + ROW * len(promised) + 40
    line = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {FONT} fill="{INK}">',
        "<title>What was promised and what was measured</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="12" fill="#fbfaf6"/>',
        '<text x="28" y="38" font-size="20" font-weight="600">Promised, and measured</text>',
        f'<text x="28" y="62" fill="{PALE}">{escape(report.machine)}</text>',
        f'<text x="{line}" y="{TOP - 10}" text-anchor="middle" fill="{PALE}">target</text>',
        *(_bar(result, TOP + ROW * index, line) for index, result in enumerate(promised)),
        f'<line x1="{line}" x2="{line}" y1="{TOP}" y2="{height - 32}" stroke="{INK}" stroke-dasharray="3 4"/>',
        f'<text x="{LEFT}" y="{height - 14}" fill="{PALE}" font-size="12">{LEGEND}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def goodness(result: Result, value: float) -> float:
    """How many times better than its target a value is, in octaves, held within the picture."""
    assert result.target is not None
    times = result.target.times_better(value)
    return max(-OCTAVES, min(OCTAVES, math.log2(times))) if times > 0 else -OCTAVES


def _bar(result: Result, y: float, line: float) -> str:
    octave = (WIDTH - LEFT - RIGHT) / 2 / OCTAVES
    assert result.target is not None
    middle = line + octave * goodness(result, result.judged)
    ends = sorted(line + octave * goodness(result, value) for value in result.extremes)
    colour = BAD if result.is_missed else GOOD
    x, width = min(line, middle), max(3.0, abs(middle - line))
    box = f'x="{x:.1f}" y="{y + 9}" width="{width:.1f}"'
    spread = f'x1="{ends[0]:.1f}" x2="{ends[-1]:.1f}" y1="{y + 30}" y2="{y + 30}"'
    opacity = 0.5 if result.target.reported else 1
    alone = "a figure of this machine: reported" if result.target.reported else "the same on every machine"
    beside = f"beside {result.baseline_name}" if result.baseline else alone
    unit = "×" if result.baseline else result.unit
    figure = f"{number(result.judged)} {unit}".strip()
    told = f"{escape(figure)} <tspan fill='{PALE}' font-weight='400'>({escape(str(result.target))})</tspan>"
    return "\n".join(
        [
            f'<text x="28" y="{y + 20}">{escape(result.claim)}</text>',
            f'<text x="28" y="{y + 36}" font-size="12" fill="{PALE}">{escape(beside)}</text>',
            f'<rect {box} height="16" rx="3" fill="{colour}" opacity="{opacity}"/>',
            f'<line {spread} stroke="{colour}" stroke-width="2"/>',
            f'<text x="{WIDTH - 28}" y="{y + 22}" text-anchor="end" font-weight="600" fill="{colour}">{told}</text>',
        ]
    )
