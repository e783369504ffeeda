"""Double entry: the rules that postings keep, and how a command's owned lines become an entry's postings. Pure.

Debits are positive. SPEC.md 6; design/ledger.md 2 and 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

import orjson

from ledger.errors import EntryError
from ledger.grammar import matches_account, matches_asset, matches_fund
from ledger.money import AMOUNT_MAX
from ledger.types import OwnedPosting, Posting

POSTINGS_MAX = 64
INTERFUND = "equity:interfund"
OWNER_BYTES = 32

OwnerSplit = tuple[int, bytes, int]
"""(index into the entry's postings, owner, amount): how one posting divides among private owners."""


def settle(owned: Iterable[OwnedPosting]) -> tuple[tuple[Posting, ...], tuple[OwnerSplit, ...]]:
    """Merges lines of one (account, asset, fund), drops zeros, sorts, and checks what results.

    Returns the entry's postings and, for each of them, its parts by owner (`b""` = unowned), which sum to it; sorted by
    index, then owner. EntryError when the postings break a rule, or when owners of one account would exchange value
    that no posting shows: move it through another account instead.
    """
    totals: dict[tuple[str, str, str], int] = defaultdict(int)
    parts: dict[tuple[str, str, str, bytes], int] = defaultdict(int)
    for line in owned:
        if len(line.owner) not in (0, OWNER_BYTES):
            raise EntryError("entry-malformed", f"an owner has {len(line.owner)} bytes, not 0 or {OWNER_BYTES}")
        totals[line.account, line.asset, line.fund] += line.amount
        parts[line.account, line.asset, line.fund, line.owner] += line.amount
    postings = tuple(sorted(Posting(*triple, amount) for triple, amount in totals.items() if amount))
    check(postings)
    index = {(p.account, p.asset, p.fund): i for i, p in enumerate(postings)}
    splits: list[OwnerSplit] = []
    for (account, asset, fund, owner), amount in parts.items():
        if not amount:
            continue
        if (account, asset, fund) not in index:
            raise EntryError("sum-not-zero", f"owners exchange {asset} within {account}, which no posting would show")
        splits.append((index[account, asset, fund], owner, amount))
    return postings, tuple(sorted(splits))


def check(postings: Sequence[Posting]) -> None:
    """Returns if the postings keep every rule of SPEC.md 6 that needs no other entry; EntryError otherwise."""
    if len(postings) > POSTINGS_MAX:
        raise EntryError("entry-malformed", f"{len(postings)} postings, at most {POSTINGS_MAX}")
    sums: dict[tuple[str, str], int] = defaultdict(int)
    interfund: dict[str, int] = defaultdict(int)
    last = ("", "", "")
    for p in postings:
        triple = (p.account, p.asset, p.fund)
        _check_names(*triple)
        if not p.amount or not -AMOUNT_MAX <= p.amount <= AMOUNT_MAX:
            raise EntryError("entry-malformed", f"an amount of {p.account} is zero or longer than 31 digits")
        if triple <= last:
            raise EntryError("postings-unsorted", f"{' '.join(triple)} does not stand after {' '.join(last)}")
        last = triple
        sums[p.asset, p.fund] += p.amount
        if p.account == INTERFUND:
            interfund[p.asset] += p.amount
    for (asset, fund), total in sums.items():
        if total:
            raise EntryError("sum-not-zero", f"{asset} in fund {fund} sums to {total}")
    for asset, total in interfund.items():
        if total:
            raise EntryError("sum-not-zero", f"{asset} in {INTERFUND} sums to {total} over all funds")


def balances_hash(balances: Mapping[tuple[str, str, str], int]) -> bytes:
    r"""Hash of a trial balance over (account, asset, fund), zero balances left out. SPEC.md 12.

    SHA-256("secondwind/balances/v1\n", then per balance in order the canonical [account, asset, fund, amount] and \n).
    """
    return balances_digest(balance_lines(balances))


def balance_lines(balances: Mapping[tuple[str, str, str], int]) -> bytes:
    r"""The lines of a trial balance, each the canonical [account, asset, fund, amount] and \n; zeros are left out."""
    rows = ([*triple, str(balances[triple])] for triple in sorted(balances) if balances[triple])
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def balances_digest(lines: bytes) -> bytes:
    """Hash of the lines of a trial balance."""
    return sha256(b"secondwind/balances/v1\n" + lines).digest()


@lru_cache(maxsize=4096)
def _check_names(account: str, asset: str, fund: str) -> None:
    """A log uses few triples again and again; one that was well-formed once stays so."""
    for name, value, matches in (
        ("account", account, matches_account),
        ("asset", asset, matches_asset),
        ("fund", fund, matches_fund),
    ):
        if not matches(value):
            raise EntryError("entry-malformed", f"{name} {value[:80]!r} is not of its form")
