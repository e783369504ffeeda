"""When a sum of several people's money may be told: enough different people, none of whom is most of it. Pure.

k counts people, never payments: five payments may be five months of one person's rent (attacks, verdict 4; B5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar


class Share(Protocol):
    """One amount and whose it is; `who` names the person within this process, or is None where nobody knows."""

    @property
    def who(self) -> str | None:
        """The person, as `same_people` names them."""

    @property
    def amount_minor(self) -> int:
        """The amount. Below zero where something came back: it tells as much about its person."""


S = TypeVar("S", bound=Share)


def same_people(identifiers: Mapping[int, Sequence[str]]) -> dict[int, str | None]:
    """Who is who: keys that share an identifier, directly or through others, are one person. Without any: None.

    One payment may carry a customer's id, the next only an address, a third both: all three are one person.
    """
    leads_to: dict[str, str] = {}

    def least(name: str) -> str:
        """The least name of all that hangs together with this one; paths shorten as they are walked."""
        while leads_to[name] != name:
            leads_to[name] = leads_to[leads_to[name]]
            name = leads_to[name]
        return name

    for found in identifiers.values():
        for one in found:
            leads_to.setdefault(one, one)
        first, *others = sorted({least(one) for one in found}) or [""]
        leads_to |= dict.fromkeys(others, first)
    return {key: least(found[0]) if found else None for key, found in identifiers.items()}


def by_person(shares: Sequence[Share]) -> dict[str | None, int]:
    """What each person moved, whichever way. All of whom nothing is known count as one: they might be one."""
    sums: defaultdict[str | None, int] = defaultdict(int)
    for share in shares:
        sums[share.who] += abs(share.amount_minor)
    return dict(sums)


def may_be_told(shares: Sequence[Share], people_min: int) -> bool:
    """Whether at least `people_min` people stand behind the sum and the largest has no more than half of it (B5)."""
    sums = by_person(shares)
    total = sum(sums.values())
    return len(sums) >= people_min and total > 0 and 2 * max(sums.values()) <= total


def without_dominant(shares: Sequence[S], people_min: int) -> list[S]:
    """The shares that may be told together: those of people who are too large a part of the rest are held back.

    Empty where no such sum is left. Whoever is held back waits for a month with more company (B5).
    """
    left = list(shares)
    while left and not may_be_told(left, people_min):
        sums = by_person(left)
        if len(sums) <= people_min or not any(sums.values()):
            return []
        # Ties by name, so that a restart decides the same.
        largest = max(sums, key=lambda who: (sums[who], who or ""))
        left = [share for share in left if share.who != largest]
    return left
