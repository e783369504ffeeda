"""Entries that break one rule each, and the code that every verifier must give. They follow good entries of a log."""

from __future__ import annotations

from typing import Any

from ledger.grammar import encode_base64
from tests.vectors.bad_form import of_bytes, of_members
from tests.vectors.bad_genesis import of_opened, of_registry
from tests.vectors.bad_rules import (
    of_books,
    of_chain,
    of_decisions,
    of_fields,
    of_keys,
    of_money,
    of_phases,
    of_types,
    of_unknown,
)
from tests.vectors.logs import LogMaker


def cases(public: LogMaker, books: LogMaker, unknown: LogMaker) -> list[dict[str, Any]]:
    """Every case; `after` good entries of `log` come before it, so it stands at that position."""
    found: list[dict[str, Any]] = []
    for log, made in (
        (public, [*of_bytes(public), *of_members(public), *of_chain(public), *of_money(public), *of_types(public)]),
        (public, [*of_decisions(public), *of_keys(public)]),
        (books, [*of_books(books), *of_phases(books), *of_fields(books)]),
        (unknown, [*of_unknown(unknown)]),
    ):
        found += [_case(log.name, len(log.entries), *case) for case in made]
    found += [_case(public.name, 0, *case) for case in of_opened(public)]
    found += [_case(public.name, 1, *case) for case in of_registry(public)]
    return found


def _case(log: str, after: int, name: str, entry: bytes, code: str) -> dict[str, Any]:
    return {"name": name, "code": code, "log": log, "after": after, "entry": encode_base64(entry)}
