"""Guards over whole histories: the sum that is kept is the fold, and a decision is refused exactly where it must be."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import canonical, genesis, guards
from ledger.canonical import EMPTY_HASH
from ledger.declared import Declared
from ledger.errors import GuardRefused
from ledger.guards import BalanceKey, Sums
from ledger.plan import State, plan_batch
from ledger.types import Appended, Command, Draft, Head, OwnedPosting
from server import chart
from tests.support.logs import EMPTY_SLOTS, born, origin_of, public_gift

NOW_US = 1_785_000_000_000_000
FUNDS = ("general", "rent")
GUARD = chart.PUBLIC_GUARDS[0]
EMPTY = Head("public", origin_of("public"), "UTC", 0, EMPTY_HASH, 0, 1, -1)


def spend(amount: int, fund: str) -> Draft:
    postings = (
        OwnedPosting("expenses:help:rent", "USD/2", fund, amount),
        OwnedPosting("assets:cash", "USD/2", fund, -amount),
    )
    return Draft("giving.gift.received.v1", {"via": "bank"}, postings, private=EMPTY_SLOTS)


moves = st.tuples(st.sampled_from(["gift", "decision", "fact"]), st.integers(1, 50), st.sampled_from(FUNDS))
histories = st.lists(st.lists(moves, min_size=1, max_size=3), max_size=30)


def command_of(parts: list[tuple[str, int, str]]) -> Command:
    drafts = tuple(public_gift(n, fund=fund) if kind == "gift" else spend(n, fund) for kind, n, fund in parts)
    decided = dict.fromkeys(f"spendable({fund})" for kind, _, fund in parts if kind == "decision")
    return Command(drafts, guards=tuple(decided))


@settings(max_examples=150, deadline=None)
@given(histories, st.integers(1, 7))
def test_the_sum_kept_is_the_fold_and_refused_is_exactly_what_would_fall_below_zero(
    history: list[list[tuple[str, int, str]]], batch_len: int
) -> None:
    state = State(Declared("public"))
    head = plan_batch(EMPTY, state, [genesis.command(born("public"))], NOW_US).head
    left: defaultdict[str, int] = defaultdict(int)
    fold: defaultdict[BalanceKey, int] = defaultdict(int)
    for start in range(0, len(history), batch_len):
        batch = history[start : start + batch_len]
        plan = plan_batch(head, state, [command_of(parts) for parts in batch], NOW_US)
        head = plan.head
        for parts, planned in zip(batch, plan.planned, strict=True):
            after = defaultdict(int, left)
            for kind, amount, fund in parts:
                after[fund] += amount if kind == "gift" else -amount
            broken = any(after[fund] < 0 for kind, _, fund in parts if kind == "decision")
            assert isinstance(planned.outcome, GuardRefused if broken else Appended)
            left = left if broken else after
        for row in plan.entries:
            for posting in canonical.parse_entry(row.bytes).postings:
                fold[posting.account, b"", posting.asset, posting.fund] += posting.amount
    for fund in FUNDS:
        assert guards.value(GUARD, fund, Sums(fold)).get("USD/2", 0) == left[fund]
        assert guards.value(GUARD, fund, state.balances) == guards.value(GUARD, fund, Sums(fold))
        assert guards.is_broken(GUARD, fund, Sums(fold)) == (left[fund] < 0)


@settings(max_examples=100, deadline=None)
@given(histories, st.integers(1, 7))
def test_what_is_written_does_not_depend_on_how_commands_are_batched(
    history: list[list[tuple[str, int, str]]], batch_len: int
) -> None:
    written = []
    for length in (1, batch_len):
        state = State(Declared("public"))
        head = plan_batch(EMPTY, state, [genesis.command(born("public"))], NOW_US).head
        rows: list[bytes] = []
        for start in range(0, len(history), length):
            plan = plan_batch(head, state, [command_of(parts) for parts in history[start : start + length]], NOW_US)
            head = plan.head
            rows += [row.bytes for row in plan.entries]
        written.append((rows, head))
    assert written[0] == written[1]
