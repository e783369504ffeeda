"""What a newer program adds to a log that lives already, and what it refuses to start on (A12)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.declared import Declared
from ledger.genesis import Account, Fund
from ledger.guards import Guard
from ledger.registry import Registry, TypeSpec
from ledger.types import Command
from server import birth
from server.db import Database
from server.errors import StartRefused
from server.vocabulary import Vocabulary, lacking
from tests.support.logs import ASSETS, born_log, public_gift

WATERED = TypeSpec("garden.bed.watered.v1", {"day": {"is": "date"}})
WORDS = birth.vocabulary("public", ASSETS)


def with_more(words: Vocabulary) -> Vocabulary:
    """A newer program's: a type, a guard, an account, a fund and an asset more."""
    return Vocabulary(
        Registry(
            (*words.registry.types.values(), WATERED),
            (*words.registry.guards.values(), Guard("seeds", ("assets:seeds",), "fund", 1)),
        ),
        (*words.accounts, Account("assets:seeds", "debit", "Seeds")),
        (*words.funds, Fund("garden", "restricted", "Garden")),
        (*words.assets, "SEK/2"),
    )


def test_an_empty_log_lacks_everything_and_the_registry_comes_first() -> None:
    drafts = lacking(Declared("public"), WORDS)
    assert [draft.type for draft in drafts[:2]] == ["ledger.registry.published.v1", "ledger.account.declared.v1"]
    assert len(drafts) == 1 + len(WORDS.accounts) + len(WORDS.funds)


async def test_a_log_takes_what_a_newer_program_adds_and_then_lacks_nothing(database: Database) -> None:
    newer = with_more(WORDS)
    async with born_log(database.writer) as log:
        assert lacking(await log.reader.declared(), WORDS) == []
        await log.writer.append(Command(tuple(lacking(await log.reader.declared(), newer))))
        declared = await log.reader.declared()
        assert lacking(declared, newer) == []
        assert declared.registry.types[WATERED.name] == WATERED
        await log.writer.append(Command((public_gift(500, fund="garden", asset="SEK/2"),)))


async def test_an_older_program_started_later_adds_nothing_and_takes_nothing_away(database: Database) -> None:
    async with born_log(database.writer) as log:
        await log.writer.append(Command(tuple(lacking(await log.reader.declared(), with_more(WORDS)))))
        assert lacking(await log.reader.declared(), WORDS) == []


@pytest.mark.parametrize(
    "other",
    [
        Registry([replace(WATERED, data={"day": {"is": "month"}})]),
        Registry([WATERED], [Guard("seeds", ("assets:seeds",), "owner", 1)]),
    ],
    ids=["type", "guard"],
)
def test_a_word_that_means_something_else_here_is_refused_by_name(other: Registry) -> None:
    known = Registry([WATERED], [Guard("seeds", ("assets:seeds",), "fund", 1)])
    words = Vocabulary(other, (), (), ())
    with pytest.raises(StartRefused, match=r"(garden\.bed\.watered\.v1|guard seeds) is given twice, differently"):
        lacking(Declared("public", registry=known), words)
