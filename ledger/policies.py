"""Publishing policies as far as every reader judges them: from when they hold, and how few people may be told of. Pure.

SPEC.md 12.11-12.13; attacks A7 (rules lowered for a day) and B5 (small groups). What else a policy says is the
publisher's business.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from ledger import canonical
from ledger.errors import EntryError

PEOPLE_MIN = "people_min"
PEOPLE_FLOOR = 5
"""No policy, type or entry may tell of a group of fewer people."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy a log ever had: (first month, the fewest people it allows), in the order they were told."""

    told: tuple[tuple[str, int], ...] = ()

    def changed(self, first_month: str, text: str, told_in: str) -> Policies:
        """With one more, told in the month `told_in`; EntryError `policy-invalid` if it may not be.

        A log's first policy may begin at any time. A later one begins in a month to come: what is published this month
        was collected under the rules that hold now.
        """
        if self.told and first_month <= told_in:
            message = f"a policy told in {told_in} may begin in a later month, not in {first_month}"
            raise EntryError("policy-invalid", message)
        asked = _asked(text)
        for number in asked:
            if type(number) is not int or number < PEOPLE_FLOOR:
                message = f"people_min of the policy is {str(number)[:20]}, never fewer than {PEOPLE_FLOOR}"
                raise EntryError("policy-invalid", message)
        return replace(self, told=(*self.told, (first_month, min(asked, default=PEOPLE_FLOOR))))

    def check(self, people_min: object, *months: str) -> None:
        """Hold an entry's `people_min` to the laxest of the policies in force in these months; `policy-invalid`."""
        least = min(self._people_min(month) for month in months)
        if type(people_min) is not int or people_min < least:
            message = f"data.people_min is {str(people_min)[:20]}, the policy asks for at least {least}"
            raise EntryError("policy-invalid", message)

    def _people_min(self, month: str) -> int:
        return next((number for first, number in reversed(self.told) if first <= month), PEOPLE_FLOOR)


def _asked(text: str) -> list[Any]:
    """Every `people_min` of a policy, wherever it stands in it."""
    try:
        document: Any = orjson.loads(text)
        canonical_text = canonical.encode(document).decode()
    except (orjson.JSONDecodeError, EntryError) as error:
        raise EntryError("policy-invalid", f"the policy is not canonical JSON: {error}") from error
    if canonical_text != text:
        raise EntryError("policy-invalid", "the policy is not in canonical form")
    found: list[Any] = []
    rest = [document]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            found += [value[PEOPLE_MIN]] if PEOPLE_MIN in value else []
            rest += value.values()
        elif isinstance(value, list):
            rest += value
    return found
