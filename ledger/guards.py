"""Guards: named sums of balances that a decision may not take below zero. Pure. design/ledger.md 4; attacks C1, C2.

A guard is a formula of the registry; a command names one of its sums: `spendable(rent)` for a guard by fund,
`points(<64 hex digits>)` for one by owner. Guards refuse decisions, never facts: whoever books a fact names none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from ledger.errors import EntryError
from ledger.grammar import matches_account, matches_fund

BalanceKey = tuple[str, bytes, str, str]
"""(account, owner, asset, fund), as balances are kept in `ledger_balances`."""

GUARD_ACCOUNTS_MAX = 16

_matches_name = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII).fullmatch
_matches_call = re.compile(r"([a-z][a-z0-9_]{0,31})\(([a-z0-9_-]{1,64})\)", re.ASCII).fullmatch
_matches_owner = re.compile(r"[0-9a-f]{64}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Guard:
    """`sign` times the balances of `accounts`, summed per asset for one fund or one owner; may not be negative.

    `sign` is 1 where the sum is normally a debit (money we have), -1 where it is a credit (points a member holds).
    """

    name: str
    accounts: tuple[str, ...]
    by: Literal["fund", "owner"]
    sign: Literal[1, -1]


def parse(guard: object, name: object) -> Guard:
    """A guard of the registry's JSON; EntryError `registry-invalid` unless it is exactly of its form."""
    if type(guard) is not dict or guard.keys() != {"accounts", "by", "sign"}:
        raise EntryError("registry-invalid", f"guard {str(name)[:80]!r} is not an object of accounts, by and sign")
    accounts = guard["accounts"]
    if type(name) is not str or not _matches_name(name):
        raise EntryError("registry-invalid", f"guard name {str(name)[:80]!r} is not of its form")
    if type(accounts) is not list or not 1 <= len(accounts) <= GUARD_ACCOUNTS_MAX:
        raise EntryError("registry-invalid", f"guard {name} does not list 1..{GUARD_ACCOUNTS_MAX} accounts")
    if any(type(a) is not str or not matches_account(a) for a in accounts) or accounts != sorted(set(accounts)):
        raise EntryError("registry-invalid", f"accounts of guard {name} are not accounts in order, each once")
    if guard["by"] not in ("fund", "owner") or type(guard["sign"]) is not int or guard["sign"] not in (1, -1):
        raise EntryError("registry-invalid", f"guard {name} is not by fund or owner with sign 1 or -1")
    return Guard(name, tuple(accounts), guard["by"], cast("Literal[1, -1]", guard["sign"]))


def parse_call(text: str) -> tuple[str, str]:
    """`spendable(rent)` as (guard name, fund or owner in hex); EntryError `data-invalid` for anything else."""
    match = _matches_call(text)
    if not match:
        raise EntryError("data-invalid", f"guard {text[:120]!r} is not of the form spendable(rent)")
    return match[1], match[2]


class Sums:
    """What stands in a fund, and what belongs to an owner, per account and asset: all that guards look at."""

    def __init__(self, balances: Mapping[BalanceKey, int] | None = None) -> None:
        """Starts with the balances given; `put` adds sums that somebody else has made."""
        self._sums: dict[tuple[str, str | bytes], dict[str, int]] = {}
        for balance, amount in (balances or {}).items():
            self.add(balance, amount)

    def put(self, account: str, key: str | bytes, asset: str, amount: int) -> None:
        """Count an amount of `account` for one fund, or for one owner."""
        sums = self._sums.setdefault((account, key), {})
        sums[asset] = sums.get(asset, 0) + amount

    def add(self, balance: BalanceKey, amount: int) -> None:
        """Count what moves in one balance, for its fund and for its owner."""
        account, owner, asset, fund = balance
        self.put(account, fund, asset, amount)
        if owner:
            self.put(account, owner, asset, amount)

    def of(self, account: str, key: str | bytes) -> Mapping[str, int]:
        """Per asset, what a fund or an owner has in `account`."""
        return self._sums.get((account, key), {})


@dataclass(frozen=True, slots=True)
class Looks:
    """What has to be read before guards can judge: these accounts of these funds, and these of these owners."""

    by_fund: tuple[str, ...]
    funds: tuple[str, ...]
    by_owner: tuple[str, ...]
    owners: tuple[bytes, ...]

    def __bool__(self) -> bool:
        """Whether there is anything to read."""
        return bool((self.by_fund and self.funds) or self.owners)


def looks(guards: Mapping[str, Guard], held: Iterable[str], funds: Iterable[str], calls: Iterable[str]) -> Looks:
    """What to read for decisions whose types are `held` to guards in all of `funds`, and for the `calls` of commands.

    A call that is none is left for the plan to refuse, with its command alone.
    """
    by_fund: dict[str, None] = {}
    by_owner: dict[str, None] = {}
    wanted_funds: dict[str, None] = {}
    owners: dict[bytes, None] = {}
    for name in held:
        by_fund.update(dict.fromkeys(guards[name].accounts))
        wanted_funds.update(dict.fromkeys(funds))
    for call in calls:
        match = _matches_call(call)
        guard = guards.get(match[1]) if match else None
        if match and guard and guard.by == "fund":
            by_fund.update(dict.fromkeys(guard.accounts))
            wanted_funds[match[2]] = None
        elif match and guard and _matches_owner(match[2]):
            by_owner.update(dict.fromkeys(guard.accounts))
            owners[bytes.fromhex(match[2])] = None
    return Looks(tuple(by_fund), tuple(wanted_funds), tuple(by_owner), tuple(owners))


def value(guard: Guard, key: str, balances: Sums) -> dict[str, int]:
    """The guarded sum per asset for `key`, a fund or an owner in hex; assets without a balance are absent.

    A fund's sum counts every owner, an owner's sum every fund.
    EntryError `data-invalid` when `key` is no fund or no owner.
    """
    if not (matches_fund(key) if guard.by == "fund" else _matches_owner(key)):
        raise EntryError("data-invalid", f"{key[:80]!r} is no {guard.by} for guard {guard.name}")
    whose = bytes.fromhex(key) if guard.by == "owner" else key
    sums: dict[str, int] = {}
    for account in guard.accounts:
        for asset, amount in balances.of(account, whose).items():
            sums[asset] = sums.get(asset, 0) + guard.sign * amount
    return sums


def is_broken(guard: Guard, key: str, balances: Sums, moves: Mapping[BalanceKey, int] | None = None) -> bool:
    """Whether the guarded sum of any asset is below zero, once `moves` are counted as well."""
    moved = value(guard, key, Sums(moves))
    kept = value(guard, key, balances)
    return any(kept.get(asset, 0) + moved.get(asset, 0) < 0 for asset in kept.keys() | moved.keys())
