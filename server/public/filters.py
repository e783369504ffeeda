"""Which entries a reader asks for. Pure.

An entry fits when its type and period do and when one of its postings fits fund, category, asset and amount together.
Amounts are asked for by how many digits they have: a search for one exact amount would find one person's gift (B4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from server.http.problems import INVALID_INPUT, Problem, shown
from server.public.models import DIGITS_MAX, LedgerFilter

NAMES_SHOWN_MAX = 24
OF_POSTINGS = ("fund", "category", "asset", "amount_from", "amount_below")


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; None: anything. Amounts have `digits_min` to `digits_max` digits."""

    type: str | None = None
    period: str | None = None
    fund: str | None = None
    category: str | None = None
    asset: str | None = None
    digits_min: int = 1
    digits_max: int = DIGITS_MAX
    of_postings: bool = False

    @classmethod
    def of(cls, query: LedgerFilter) -> Self | None:
        """The filter in a query, None where it has none. Raises a Problem for amounts that make no range."""
        of_postings = any(getattr(query, name) is not None for name in OF_POSTINGS)
        if not of_postings and query.type is None and query.period is None:
            return None
        if query.asset is None and (query.amount_from or query.amount_below):
            raise INVALID_INPUT(
                "amount_from and amount_below count minor units of one asset: name it with asset, as USD/2.",
                pointer="?asset",
            )
        if query.amount_from and query.amount_below and len(query.amount_from) >= len(query.amount_below):
            raise INVALID_INPUT(
                f"amount_from: {query.amount_from} is not below amount_below, {query.amount_below}: leave one out, or "
                "make the range wider.",
                pointer="?amount_from",
            )
        return cls(
            type=query.type,
            period=query.period,
            fund=query.fund,
            category=query.category,
            asset=query.asset,
            digits_min=len(query.amount_from or "1") if of_postings else 0,
            digits_max=len(query.amount_below) - 1 if query.amount_below else DIGITS_MAX,
            of_postings=of_postings,
        )

    @property
    def is_any(self) -> bool:
        """Whether nothing but perhaps a month is asked for."""
        return not self.of_postings and self.type is None

    def arguments(self, by_words: bool) -> tuple[object, ...]:  # noqa: FBT001 - one of two questions
        """In the order of the query `fitting_lists`. Words may be a posting's, whether or not one is asked for."""
        return (
            self.of_postings or (None if by_words else False),
            self.period,
            self.type,
            self.fund,
            self.asset,
            self.category,
            self.digits_min,
            self.digits_max,
        )

    def check(self, declared: Mapping[str, Sequence[str]]) -> None:
        """Raise a Problem for a name that the log never declared: nothing could ever fit it."""
        accounts = declared.get("account", ())
        splits = [name.split(":") for name in accounts]
        branches = {":".join(parts[:depth]) for parts in splits for depth in range(1, len(parts) + 1)}
        _check("fund", self.fund, declared.get("fund", ()))
        _check("type", self.type, declared.get("type", ()))
        _check("asset", self.asset, declared.get("asset", ()))
        _check("category", self.category, sorted(branches))


def _check(name: str, value: str | None, declared: Sequence[str]) -> None:
    if value is not None and value not in declared:
        raise _undeclared(name, value, declared)


def _undeclared(name: str, value: str, declared: Sequence[str]) -> Problem:
    known = ", ".join(declared[:NAMES_SHOWN_MAX]) + (", …" if len(declared) > NAMES_SHOWN_MAX else "")
    remedy = f"One of: {known}." if declared else "It has declared none yet."
    return INVALID_INPUT(f"{name}: this log has declared no {shown(value)}. {remedy}", pointer=f"?{name}")
