"""What an experiment found, and the table of all of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

NOISE_SIGMAS: Final = 4.0


@dataclass(frozen=True, slots=True)
class Result:
    """How often the attacker is right, in `trials` tries: under the rule, without it (None: no such try), by chance.

    `bound` is what the rule promises; None for what it does not promise, told so that nobody believes it does.
    """

    attack: str
    question: str
    trials: int
    learned: float
    chance: float
    without: float | None = None
    bound: float | None = None

    @property
    def allowed(self) -> float:
        """The bound with the noise of so many trials."""
        if self.bound is None:
            return 1.0
        return self.bound + NOISE_SIGMAS * math.sqrt(max(self.bound * (1 - self.bound), 0.01) / self.trials)

    @property
    def holds(self) -> bool:
        """Whether the rule keeps what it promises."""
        return self.learned <= self.allowed


def mean(values: Sequence[float]) -> float:
    """The mean; 0 where there is nothing."""
    return sum(values) / len(values) if values else 0.0


def table(results: Iterable[Result]) -> str:
    """The results as a table in Markdown."""
    rows = [
        ("attack", "what he tries", "without the rule", "with it", "by chance", "promised", "tries"),
        *(
            (
                result.attack,
                result.question,
                _percent(result.without),
                _percent(result.learned) + ("" if result.holds else " BROKEN"),
                _percent(result.chance),
                "nothing" if result.bound is None else f"≤ {_percent(result.bound)}",
                str(result.trials),
            )
            for result in results
        ),
    ]
    rows.insert(1, ("--",) * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
