"""The publishing policy as data of the log: what it says, its floors, and when it is in force. Pure.

A policy is an entry of `public` (`ledger.policy.changed.v1`); the code only knows how to apply it. A change takes
effect with the next month, so no rule is lowered for a day: the ledger refuses another (SPEC.md 12.11; attacks A7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import tzinfo
from typing import Any

import orjson

from ledger import times
from ledger.genesis import policy_changed
from ledger.types import Draft

BASIS_POINTS = 10_000

# Floors of design/ledger.md 5: a policy may be stricter, never laxer (attacks A7, B5, B9).
PEOPLE_FLOOR = 5
PEOPLE_DEFAULT = 11
FLOORS: Mapping[str, int] = {
    "fee_step_minor": 1_000,
    "float_step_minor": 100_000,
    "payers_min": PEOPLE_FLOOR,
    "payout_step_minor": 50_000,
    "people_min": PEOPLE_FLOOR,
}


@dataclass(frozen=True, slots=True)
class FeeFormula:
    """`rate_bp` basis points of the amount plus `fixed_minor`, rounded half up."""

    rate_bp: int
    fixed_minor: int

    def fee_minor(self, amount_minor: int) -> int:
        """Return the fee accrued for a gift, never more than the gift."""
        exact = amount_minor * self.rate_bp
        return min(amount_minor, (exact + BASIS_POINTS // 2) // BASIS_POINTS + self.fixed_minor)


@dataclass(frozen=True, slots=True)
class Policy:
    """One publishing policy. `fees` by asset; an asset without a formula accrues no fee. Steps are in minor units.

    `people_min` different people stand behind pooled help, `payers_min` behind every other sum. Floats, payouts and
    the fees of hidden gifts are told in multiples of their step.
    """

    fees: Mapping[str, FeeFormula]
    people_min: int = PEOPLE_DEFAULT
    payers_min: int = PEOPLE_FLOOR
    fee_step_minor: int = FLOORS["fee_step_minor"]
    float_step_minor: int = FLOORS["float_step_minor"]
    payout_step_minor: int = FLOORS["payout_step_minor"]

    def accrued_minor(self, asset: str, amount_minor: int) -> int:
        """Return the fee that is published for one processed gift."""
        formula = self.fees.get(asset)
        return formula.fee_minor(amount_minor) if formula else 0

    def to_data(self) -> dict[str, object]:
        """Return the policy as it stands in `ledger.policy.changed.v1`."""
        return {
            "fees": [
                {"asset": asset, "fixed_minor": formula.fixed_minor, "rate_bp": formula.rate_bp}
                for asset, formula in sorted(self.fees.items())
            ],
            "gifts": "live",
            **{name: getattr(self, name) for name in FLOORS},
        }

    @staticmethod
    def from_data(data: Mapping[str, object]) -> Policy:
        """Read a policy back from the log. What an older one does not say is as it is by default.

        Raises ValueError or TypeError when a floor is undercut or a member is not as `to_data` writes it.
        """
        numbers = {field.name: data.get(field.name, field.default) for field in fields(Policy) if field.name in FLOORS}
        for name, value in numbers.items():
            if type(value) is not int or value < FLOORS[name]:
                message = f"{name} is {value!r}; the schema's floor is {FLOORS[name]}"
                raise ValueError(message)
        fees = data.get("fees")
        if not isinstance(fees, list):
            message = f"fees is {fees!r}; a policy lists one formula per asset"
            raise TypeError(message)
        return Policy(dict(map(_formula, fees)), **numbers)  # type: ignore[arg-type]  # each was just found an integer


def _formula(member: object) -> tuple[str, FeeFormula]:
    match member:
        case {"asset": str(asset), "rate_bp": int(rate_bp), "fixed_minor": int(fixed_minor)}:
            return asset, FeeFormula(rate_bp, fixed_minor)
    message = f"{str(member)[:80]!r} is no fee formula of asset, rate_bp and fixed_minor"
    raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Changes:
    """Every policy of a log with the month from which it is in force, in the log's order. Never empty."""

    changes: tuple[tuple[str, Policy], ...]

    @staticmethod
    def read(entries: Sequence[Mapping[str, Any]]) -> Changes:
        """Read the data of each `ledger.policy.changed.v1` of a log; that none holds too early, the ledger sees to.

        Raises ValueError or TypeError for a policy that `Policy.from_data` refuses, and when there is none.
        """
        if not entries:
            message = "the log holds no publishing policy"
            raise ValueError(message)
        return Changes(tuple((str(data["from"]), Policy.from_data(orjson.loads(data["policy"]))) for data in entries))

    def in_force(self, month: str) -> Policy:
        """Return the policy of a month, `YYYY-MM`: the newest change that is due by then; before all, the first."""
        due = [policy for start, policy in self.changes if start <= month]
        return due[-1] if due else self.changes[0][1]


def change(policy: Policy, now_us: int, time_zone: tzinfo) -> Draft:
    """Draft the entry of `public` that changes the policy from the next month on. ValueError below a floor."""
    data = Policy.from_data(policy.to_data()).to_data()
    return policy_changed(data, times.month_after(times.month(now_us, time_zone)))
