"""What an entry leaves in the lists of `public`: one line for itself, and one for each of its postings. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ledger.types import Entry


class Name(NamedTuple):
    """What kind of line a list holds, in the order of the query's arrays."""

    type: str
    account: str
    asset: str
    fund: str
    digits: int
    late: bool


class Line(NamedTuple):
    """One line: where it goes, and what it adds there."""

    name: Name
    position: int
    amount: int


def lines(entry: Entry, *, late: bool) -> list[Line]:
    """The lines of an entry. `late`: an entry before it is of a later period."""
    own = Line(Name(entry.type, "", "", "", 0, late), entry.position, 0)
    return [
        own,
        *(
            Line(Name(entry.type, p.account, p.asset, p.fund, digits(p.amount), late), entry.position, p.amount)
            for p in entry.postings
        ),
    ]


def digits(amount: int) -> int:
    """How many digits an amount has, its sign left out."""
    return len(str(abs(amount)))
