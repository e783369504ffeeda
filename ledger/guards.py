"""Guards: named sums of balances that a decision may not take below zero. Pure. design/ledger.md 4; attacks C1, C2.

A guard is a formula of the registry; a command names one of its sums: `spendable(rent)` for a guard by fund,
`points(<64 hex digits>)` for one by owner. Guards refuse decisions, never facts: whoever books a fact names none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
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


def value(guard: Guard, key: str, balances: Mapping[BalanceKey, int]) -> dict[str, int]:
    """The guarded sum per asset for `key`, a fund or an owner in hex; assets without a balance are absent.

    `balances` may hold more than the guard looks at. A fund's sum counts every owner, an owner's sum every fund.
    EntryError `data-invalid` when `key` is no fund or no owner.
    """
    if not (matches_fund(key) if guard.by == "fund" else _matches_owner(key)):
        raise EntryError("data-invalid", f"{key[:80]!r} is no {guard.by} for guard {guard.name}")
    owner = bytes.fromhex(key) if guard.by == "owner" else b""
    sums: dict[str, int] = defaultdict(int)
    for (account, balance_owner, asset, fund), balance in balances.items():
        if account in guard.accounts and (fund == key if guard.by == "fund" else balance_owner == owner):
            sums[asset] += guard.sign * balance
    return dict(sums)


def is_broken(guard: Guard, key: str, balances: Mapping[BalanceKey, int]) -> bool:
    """Whether the guarded sum of any asset is below zero."""
    return any(total < 0 for total in value(guard, key, balances).values())
