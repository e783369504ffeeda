"""What a log that lives already lacks of this program's vocabulary: types, guards, accounts, funds. Pure.

A log's rules are entries of it, and what was declared stays for ever (attacks A12). So a newer program adds what it
needs before it writes; an older one, started beside it, finds everything there and adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import genesis
from ledger.errors import EntryError
from ledger.registry import Registry
from server.errors import StartRefused

if TYPE_CHECKING:
    from ledger.declared import Declared
    from ledger.genesis import Account, Fund
    from ledger.types import Draft


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a program writes one log with."""

    registry: Registry
    accounts: tuple[Account, ...]
    funds: tuple[Fund, ...]
    assets: tuple[str, ...]


def lacking(declared: Declared, wanted: Vocabulary) -> list[Draft]:
    """Return the entries that add what `wanted` has and the log has not, in the order to append them.

    Raises StartRefused where the log knows a type or guard by another meaning: only another version wrote that.
    """
    return [*_registry(declared, wanted.registry), *_accounts(declared, wanted), *_funds(declared, wanted.funds)]


def _registry(declared: Declared, wanted: Registry) -> Iterable[Draft]:
    known = declared.registry
    try:
        # Of a guard that both name this program's stands in `both`; that it is the same one is asked below.
        both = Registry((*known.types.values(), *wanted.types.values()), (known.guards | wanted.guards).values())
    except EntryError as error:
        raise _refused(declared, str(error)) from error
    for name, guard in known.guards.items():
        if both.guards[name] != guard:
            raise _refused(declared, f"guard {name} is given twice, differently")
    if both.types != known.types or both.guards != known.guards:
        yield from genesis.registry_drafts(both, known)


def _accounts(declared: Declared, wanted: Vocabulary) -> Iterable[Draft]:
    held: dict[str, set[str]] = {}
    for path, asset in declared.accounts:
        held.setdefault(path, set()).add(asset)
    for account in wanted.accounts:
        before = held.get(account.path, set())
        if not before.issuperset(wanted.assets):
            yield genesis.account_declared(account, before.union(wanted.assets))


def _funds(declared: Declared, funds: Iterable[Fund]) -> Iterable[Draft]:
    return (genesis.fund_declared(fund) for fund in funds if fund.name not in declared.funds)


def _refused(declared: Declared, what: str) -> StartRefused:
    return StartRefused(
        f"The log {declared.log} was written with another vocabulary than this version's: {what}.",
        "Start the version that wrote it, or a newer one.",
    )
