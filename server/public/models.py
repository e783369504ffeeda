"""The shapes that the public side answers and takes. Amounts are decimal strings of minor units. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from server.http.inputs import DECIMAL, POSITION_MAX, Parameters, Position

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
NAME_CHARS_MAX = 128

DIGITS_MAX = 31
"""Digits of the largest amount that a posting holds (SPEC.md 6)."""

Cursor = Annotated[str, Field(max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX)]
Decade = Annotated[str, Field(pattern=rf"^10{{0,{DIGITS_MAX}}}$")]
Minor = Annotated[
    str, Field(pattern=r"^-?(0|[1-9][0-9]{0,30})$", description="Minor units of the asset, as a decimal.")
]
Size = Annotated[int, Field(ge=1, le=POSITION_MAX), DECIMAL]
Digest = Annotated[str, Field(description="SHA-256, base64.", min_length=44, max_length=44)]


class AtPosition(Parameters):
    """One entry."""

    position: Position


class LedgerFilter(Parameters):
    """Which entries of the ledger.

    An entry fits when its type and period do, and one of its postings fits fund, category, asset and amount together.
    """

    q: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=NAME_CHARS_MAX,
            description="Words, as `help with rent`: of an entry's type, of an account and fund of one posting with "
            "their titles, or of its own text. It has to have all of them.",
        ),
    ] = None
    fund: Annotated[Name | None, Field(description="A fund, as `rent`.")] = None
    category: Annotated[
        Name | None,
        Field(description="An account or a branch of accounts, as `expenses:processing` or `expenses`."),
    ] = None
    type: Annotated[Name | None, Field(description="A type of entry, as `giving.gift.received.v1`.")] = None
    period: Annotated[
        str | None, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="A month, as `2026-09`.")
    ] = None
    asset: Annotated[Name | None, Field(description="An asset, as `USD/2`. Amounts need one.")] = None
    amount_from: Annotated[
        Decade | None, Field(description="Amounts of this many minor units or more, either sign: a power of ten.")
    ] = None
    amount_below: Annotated[
        Decade | None, Field(description="Amounts of fewer minor units than this, either sign: a power of ten.")
    ] = None


class LedgerQuery(LedgerFilter):
    """Which page of the ledger, and of which entries."""

    order: Annotated[Literal["newest", "oldest"], Field(description="Which entries come first.")] = "newest"
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX, description="Entries per page."), DECIMAL] = LIMIT_DEFAULT
    before: Annotated[
        Cursor | None, Field(description="A cursor of a page: what is older. Absent: the newest entries.")
    ] = None
    after: Annotated[Cursor | None, Field(description="A cursor of a page: what is newer. Not with `before`.")] = None


class LedgerEntry(BaseModel):
    """One entry. Only `entry` is evidence: the other members repeat what it says."""

    position: int
    type: str
    at: str = Field(description="UTC, a whole minute.")
    period: str = Field(description="YYYY-MM in the charity's time zone.")
    leaf_hash: Digest
    entry: str = Field(description="The exact bytes of the entry, which are UTF-8, as text.")


class LedgerPage(BaseModel):
    """Entries in the order asked for. With the newest first, `next` is for `before`, `previous` for `after`."""

    size: int = Field(
        description="Entries in the whole log. With a filter: how many of them it was looked for in, "
        "which may lag behind by a moment."
    )
    entries: list[LedgerEntry]
    next: str | None = Field(
        None, description="The cursor of the next page, older or newer as the order says. Absent on the last one."
    )
    previous: str | None = Field(None, description="The cursor of the page before. Absent on the first.")


class FundAsset(BaseModel):
    """One fund's money in one asset."""

    asset: str
    received_minor: Minor
    fees_minor: Minor
    available_minor: Minor


class Fund(BaseModel):
    """One fund."""

    fund: str
    title: str
    restriction: str
    assets: list[FundAsset]


class Funds(BaseModel):
    """Every declared fund, folded from the public entries up to `position` and from nothing else."""

    position: int = Field(description="The newest entry in these sums; -1 before the first.")
    funds: list[Fund]


class ConsistencyQuery(Parameters):
    """Two sizes of the log."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=False, validate_by_alias=True)

    from_: Annotated[Size, Field(alias="from", description="The smaller size: how many entries you know.")]
    to: Annotated[Size | None, Field(description="The larger size. Absent: that of the newest checkpoint.")] = None


class ConsistencyAnswer(BaseModel):
    """The proof that the first `from` entries are the beginning of the first `to`: nothing was rewritten.

    `proof` is the path of RFC 6962, 2.1.2. `checkpoint` is the earliest that covers `to`; where it is of another size,
    `checkpoint_proof` is the path from `to` to it.
    """

    from_: int = Field(alias="from")
    to: int
    root_from: Digest
    root_to: Digest
    proof: list[Digest]
    checkpoint: str = Field(description="The signed note, as it was published.")
    checkpoint_proof: list[Digest]


class TrialBalanceQuery(Parameters):
    """A size of the log."""

    at: Annotated[
        Size | None, Field(description="How many entries to sum, from the first. Absent: as many as can be proved.")
    ] = None


class Balance(BaseModel):
    """One balance. Debits are positive."""

    account: str
    asset: str
    fund: str
    balance_minor: Minor


class TrialBalanceAnswer(BaseModel):
    """Every balance that is not zero after the first `size` entries; each asset of each fund sums to zero.

    `digest` is made as `ledger.period.closed.v1` makes its `balances`. `checkpoint` is the earliest that covers `size`;
    where it is of another size, `checkpoint_proof` is the path of RFC 6962, 2.1.2, from `size` to it.
    """

    size: int
    position: int = Field(description="The newest entry in these sums.")
    root: Digest
    digest: Digest
    balances: list[Balance]
    checkpoint: str = Field(description="The signed note, as it was published.")
    checkpoint_proof: list[Digest]
