"""What a month's pass tells: hidden gifts, fees, reversals and help, in sums that are nobody's own. Pure.

Each function takes the facts that wait and returns what may be told; the rest waits for a month with more company
(design/ledger.md 5; attacks B3, B5, B11, X11). Sums are per fund and asset, because money never leaves its fund.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.types import Entry, OwnedPosting
from server.publishing.decide import FEE_FUND_OF_CHARITY, GIFT_RECEIVED, Publication, fee_bearer, given
from server.publishing.people import may_be_told, without_dominant
from server.publishing.policy import Changes, Policy

VENDORS_MIN: Final = 3
MIXED: Final = "expenses:help:mixed"

Purse = tuple[str, str]
"""(fund, asset)."""
Owed = Mapping[tuple[str, str, str], int]
"""What rounding has left untold so far, by (account, fund, asset); below zero where more was told than there was."""


@dataclass(frozen=True, slots=True)
class Fact:
    """An entry of `books` that waits. `who`: the person, as people.same_people names them; None where nobody knows.

    `gift`: what it refers to, for fees and reversals; `gift_waits`: that gift is not told yet. `vendor`: for help.
    """

    entry: Entry
    who: str | None
    gift: Entry | None = None
    gift_waits: bool = False
    vendor: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One fact's amount in a sum."""

    fact: Fact
    amount_minor: int

    @property
    def who(self) -> str | None:
        """The person whose it is."""
        return self.fact.who


@dataclass(frozen=True, slots=True)
class Told:
    """One public entry; `positions` are the facts in `books` that are told by it, `lines` the roots it commits to."""

    publication: Publication
    positions: tuple[int, ...]
    lines: tuple[bytes, ...] = ()


def hidden(
    gifts: Sequence[Fact], fees: Sequence[Fact], policy: Policy, owed: Owed, month: str
) -> tuple[list[Told], Owed]:
    """Tell hidden gifts as one total per fund, with their true fees rounded up, so that no fee counts them (X11).

    A gift waits until its fee is known, a month at most. What rounding leaves is returned for the next month.
    """
    left = dict(owed)
    fees_of = _by_gift(fees)
    told = []
    for (fund, asset), parts in _grouped(_gift_parts(gifts, fees_of, month)).items():
        together = without_dominant(parts, policy.payers_min)
        if not together:
            continue
        total = sum(part.amount_minor for part in together)
        mine = {part.fact.entry.position for part in together}
        paid = [fee for gift, fee in fees_of.items() if gift in mine or _is_of_told(fee, fund, asset)]
        gone = {fee.entry.position for fee in paid}
        fees_of = {gift: fee for gift, fee in fees_of.items() if fee.entry.position not in gone}
        postings = [*_moved("assets:cash", "income:gifts", fund, asset, total)]
        for bearer, fee_minor in sorted(_fees_by_bearer(paid).items()):
            place = ("expenses:processing", bearer, asset)
            due = fee_minor + left.get(place, 0)
            rounded = _rounded_up(due, policy.fee_step_minor, total)
            left[place] = due - rounded
            postings += _moved("expenses:processing", "assets:cash", bearer, asset, rounded)
        told.append(_told("giving.gift_batch.received.v1", policy, postings, month, together, paid))
    return told, left


def fees(facts: Sequence[Fact], policies: Changes, owed: Owed, month: str) -> tuple[list[Told], Owed]:
    """Tell the true fees of gifts that are public, per fund that bore them, against what was accrued for them (B3).

    Of a fund with too few payers none is told: it would be one person's. What was paid, and by how much it differs from
    what was accrued, are told in whole steps: to the cent, a sum of few fees tells the kinds of their cards (X7). The
    rest stays accrued, so that it is never shown as money to spend, and is returned for the next month.
    """
    left = dict(owed)
    step = policies.in_force(month).fee_step_minor
    public = [fact for fact in facts if _gift_is_told(fact) and not _is_hidden(fact)]
    told = []
    for (fund, asset), parts in _grouped(Part(fact, _fee_minor(fact)) for fact in public).items():
        together = without_dominant(parts, policies.in_force(month).payers_min)
        if not together:
            continue
        paid_place, cost_place = ("assets:cash", fund, asset), ("expenses:processing", fund, asset)
        actual = sum(part.amount_minor for part in together)
        paid = actual + left.get(paid_place, 0)
        cost = actual - sum(_accrued(part.fact, policies) for part in together) + left.get(cost_place, 0)
        paid_told, cost_told = _whole_steps(paid, step), _whole_steps(cost, step)
        if not paid_told and not cost_told:
            continue
        left |= {paid_place: paid - paid_told, cost_place: cost - cost_told}
        postings = [
            *_line("liabilities:accrued_fees", fund, asset, paid_told - cost_told),
            *_line("assets:cash", fund, asset, -paid_told),
            *_line("expenses:processing", fund, asset, cost_told),
        ]
        publication = Publication("giving.fees.settled.v1", {}, tuple(postings), month)
        told.append(Told(publication, _positions(part.fact for part in together)))
    return told, left


def reversals(facts: Sequence[Fact], policy: Policy, spendable: Mapping[Purse, int], month: str) -> list[Told]:
    """Tell refunds and disputes of public gifts as one sum per fund, without count or reason (B11).

    What a fund cannot pay is advanced by `general` from the float for reversals (C2): facts are told, whatever is left.
    """
    told = []
    for (fund, asset), parts in _grouped(_reversed(fact) for fact in facts if _gift_is_told(fact)).items():
        together = without_dominant(parts, policy.payers_min)
        if not together:
            continue
        sums: defaultdict[str, int] = defaultdict(int)
        for part in together:
            for account, amount in _reversal_lines(part):
                sums[account] += amount
        if not any(sums.values()):
            continue
        left = max(0, spendable.get((fund, asset), 0))
        short = 0 if fund == FEE_FUND_OF_CHARITY else max(0, -sums["assets:cash"] - left)
        postings = [line for account, amount in sums.items() for line in _line(account, fund, asset, amount)]
        postings += _moved("assets:cash", "liabilities:due_to_general", fund, asset, short)
        postings += _moved("assets:due_from_funds", "assets:float:reversals", FEE_FUND_OF_CHARITY, asset, short)
        told.append(_told("giving.reversals.settled.v1", policy, postings, month, together))
    return told


def help_to_people(facts: Sequence[Fact], policy: Policy, month: str) -> list[Told]:
    """Tell help per fund and category where enough people and vendors stand behind it; what is short is merged.

    Categories that are too small alone go together as `mixed`; what is too small even so waits (B5).
    """
    by_category: defaultdict[tuple[str, str, str], list[Part]] = defaultdict(list)
    for fact in facts:
        paid = next(p for p in fact.entry.postings if p.account.startswith("expenses:help:"))
        by_category[paid.fund, paid.asset, paid.account].append(Part(fact, paid.amount))
    sums: dict[tuple[str, str, str], list[Part]] = {}
    short: defaultdict[tuple[str, str, str], list[Part]] = defaultdict(list)
    for (fund, asset, category), parts in by_category.items():
        if together := _in_company(parts, policy):
            sums[fund, asset, category] = together
        else:
            short[fund, asset, MIXED] += parts
    sums |= {place: together for place, parts in short.items() if (together := _in_company(parts, policy))}
    told = []
    for (fund, asset, category), together in sorted(sums.items()):
        total = sum(part.amount_minor for part in together)
        postings = _moved(category, "liabilities:vendors", fund, asset, total)
        told.append(_told("giving.help.pooled.v1", policy, postings, month, together))
    return told


def cleared(pooled: Entry, month: str) -> Publication:
    """Tell that all of a pooled batch is paid: the whole of it has one status (B6)."""
    owed = next(p for p in pooled.postings if p.account == "liabilities:vendors")
    postings = _moved("liabilities:vendors", "assets:float:help", owed.fund, owed.asset, -owed.amount)
    return Publication("giving.help.cleared.v1", {}, tuple(postings), month)


def float_set(entry: Entry, policy: Policy) -> Publication | None:
    """Tell money set aside, once there is as much in public; None for a sum that is not round, never told (B9)."""
    aside = next(p for p in entry.postings if p.account.startswith("assets:float:"))
    if aside.amount % policy.float_step_minor:
        return None
    postings = _moved(aside.account, "assets:cash", aside.fund, aside.asset, aside.amount)
    return Publication(entry.type, {}, tuple(postings), entry.period)


def _gift_parts(gifts: Iterable[Fact], fees_of: Mapping[int, Fact], month: str) -> Iterable[Part]:
    for fact in gifts:
        gift = fact.entry
        if gift.data["via"] != "processor" or gift.position in fees_of or gift.period < month:
            yield Part(fact, given(gift)[0])


def _grouped(parts: Iterable[Part]) -> dict[Purse, list[Part]]:
    """Parts by their fund and asset, in order, so that a restart decides the same."""
    groups: defaultdict[Purse, list[Part]] = defaultdict(list)
    for part in parts:
        money = part.fact.entry.postings[0]
        groups[money.fund, money.asset].append(part)
    return dict(sorted(groups.items()))


def _in_company(parts: Sequence[Part], policy: Policy) -> list[Part]:
    together = without_dominant(parts, policy.people_min)
    vendors = {part.fact.vendor for part in together}
    in_sum = sum(part.amount_minor for part in together)
    return together if len(vendors) >= VENDORS_MIN and in_sum > 0 and may_be_told(together, policy.people_min) else []


def _by_gift(fees: Iterable[Fact]) -> dict[int, Fact]:
    return {fee.gift.position: fee for fee in fees if fee.gift is not None and _is_hidden(fee)}


def _gift_is_told(fact: Fact) -> bool:
    return fact.gift is not None and fact.gift.type == GIFT_RECEIVED and not fact.gift_waits


def _is_hidden(fact: Fact) -> bool:
    return fact.gift is not None and fact.gift.data["visibility"] == "hidden"


def _is_of_told(fee: Fact, fund: str, asset: str) -> bool:
    """Whether the fee came after its hidden gift was told, from this fund: it goes with the next ones."""
    return _gift_is_told(fee) and fee.gift is not None and given(fee.gift)[1:] == (asset, fund)


def _fee_minor(fact: Fact) -> int:
    return sum(p.amount for p in fact.entry.postings if p.account.startswith("expenses:"))


def _fees_by_bearer(paid: Iterable[Fact]) -> dict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for fact in paid:
        if fact.gift is not None:
            sums[fee_bearer(fact.gift)] += _fee_minor(fact)
    return sums


def _accrued(fact: Fact, policies: Changes) -> int:
    """What was published for the gift under the policy of its own month."""
    if fact.gift is None or fact.gift.data["via"] != "processor":
        return 0
    amount, asset, _ = given(fact.gift)
    return policies.in_force(fact.gift.period).accrued_minor(asset, amount)


def _reversed(fact: Fact) -> Part:
    return Part(fact, sum(p.amount for p in fact.entry.postings if p.amount > 0))


def _reversal_lines(part: Part) -> Iterable[tuple[str, int]]:
    amount = part.amount_minor
    match part.fact.entry.data.get("outcome", "refunded"):
        case "opened":
            return ("assets:disputed", amount), ("assets:cash", -amount)
        case "won":
            return ("assets:disputed", -amount), ("assets:cash", amount)
        case "lost":
            return ("assets:disputed", -amount), ("income:gifts_returned", amount)
    return ("income:gifts_returned", amount), ("assets:cash", -amount)


def _rounded_up(due: int, step: int, most: int) -> int:
    """The multiple of `step` that covers `due`, as far as `most` holds one."""
    return min(-(-due // step) * step, most // step * step) if due > 0 else 0


def _whole_steps(amount: int, step: int) -> int:
    """The largest multiple of `step` within `amount`, which may be below zero."""
    whole = abs(amount) // step * step
    return whole if amount > 0 else -whole


def _told(  # noqa: PLR0913, PLR0917 - what an entry says, and what it stands for
    name: str,
    policy: Policy,
    postings: Iterable[OwnedPosting],
    month: str,
    together: Sequence[Part],
    beside: Iterable[Fact] = (),
) -> Told:
    floor = {"people_min": policy.people_min} if name == "giving.help.pooled.v1" else {"payers_min": policy.payers_min}
    facts = [part.fact for part in together]
    lines = tuple(fact.entry.private_root or bytes(32) for fact in facts)
    return Told(Publication(name, floor, tuple(postings), month), _positions([*facts, *beside]), lines)


def _positions(facts: Iterable[Fact]) -> tuple[int, ...]:
    return tuple(sorted(fact.entry.position for fact in facts))


def _moved(debit: str, credit: str, fund: str, asset: str, amount: int) -> list[OwnedPosting]:
    return [*_line(debit, fund, asset, amount), *_line(credit, fund, asset, -amount)]


def _line(account: str, fund: str, asset: str, amount: int) -> list[OwnedPosting]:
    """One posting; none for nothing. Lines of one account are summed when they are settled."""
    return [OwnedPosting(account, asset, fund, amount)] if amount else []
