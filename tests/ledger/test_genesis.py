"""How a registry comes into a log: in one entry where it fits, in as few as hold it where it does not."""

from __future__ import annotations

import pytest

from ledger import canonical, genesis
from ledger.canonical import EMPTY_HASH
from ledger.declared import Declared
from ledger.guards import Guard
from ledger.plan import State, plan_batch
from ledger.registry import EXTENDED, Registry, TypeSpec
from ledger.types import Head
from tests.support.logs import born, clock_us, origin_of

SMALL = Registry([TypeSpec("garden.tree.felled.v1", {"day": {"is": "date"}})])
HELD = Guard("seeds", ("assets:seeds",), "fund", 1)
MANY = Registry(
    [
        TypeSpec(
            f"garden.bed.watered.v{n}", {f"field_{k}": {"is": "date"} for k in range(12)}, "some", guards=("seeds",)
        )
        for n in range(1, 101)
    ],
    [HELD],
)


def in_force(registry: Registry, known: Registry | None = None) -> tuple[Registry, list[str]]:
    """The registry in force after its drafts, and their types; each is held to fit an entry."""
    declared = Declared("public", registry=known or Registry())
    drafts = genesis.registry_drafts(registry, known)
    for draft in drafts:
        assert len(canonical.encode(draft.data)) < 15_200
        next_one = str(draft.data["registry"])
        if draft.type == EXTENDED.name:
            declared.registry = declared.registry.extended(next_one)
        else:
            assert declared.registry.types.items() <= Registry.parse(next_one).types.items()
            declared.registry = Registry.parse(next_one)
    return declared.registry, [draft.type for draft in drafts]


@pytest.mark.parametrize(
    ("registry", "known", "published", "extended"),
    [
        (SMALL, None, 1, False),
        (SMALL, Registry(), 1, False),
        (SMALL, Registry([EXTENDED]), 0, True),
        (MANY, None, 1, True),
        (MANY, SMALL, 1, True),
        (MANY, Registry([EXTENDED]), 0, True),
    ],
)
def test_all_of_a_registry_is_in_force_and_each_entry_has_room_for_its_part(
    registry: Registry, known: Registry | None, published: int, *, extended: bool
) -> None:
    before = known.types if known else {}
    wanted = Registry((*before.values(), *registry.types.values()), registry.guards.values())
    found, types = in_force(wanted, known)
    assert found.types == {**wanted.types, EXTENDED.name: EXTENDED}
    assert found.guards == wanted.guards
    assert types.count("ledger.registry.published.v1") == published
    assert (EXTENDED.name in types) is extended


def test_a_log_with_a_hundred_types_is_born_by_the_rules() -> None:
    head = Head("public", origin_of("public"), "UTC", 0, EMPTY_HASH, 0, 1, -1)
    state = State(Declared("public"))
    plan = plan_batch(head, state, [genesis.command(born("public", registry=MANY))], clock_us())
    assert state.declared.registry.types == {**MANY.types, EXTENDED.name: EXTENDED}
    assert [row.type for row in plan.entries].count(EXTENDED.name) > 2
