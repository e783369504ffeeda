"""The first entries of a log: what it is, its registry, and every account, fund and policy in use (SPEC "Genesis")."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ledger import canonical
from ledger.types import Command, Draft

if TYPE_CHECKING:
    from ledger.registry import Registry

FORMAT = "secondwind-log-v1"
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the chart. `code` is the accountant's number, `normal` the side on which it usually stands."""

    path: str
    normal: Literal["debit", "credit"]
    title: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Fund:
    """A purpose that money is given for."""

    name: str
    restriction: Literal["none", "restricted", "unrestricted"]
    title: str


@dataclass(frozen=True, slots=True)
class Birth:
    """What a log is born with. `nonce` is 16 random bytes: two logs of one origin still differ from entry 0 on."""

    mode: Literal["demo", "test", "live"]
    nonce: bytes
    key: str
    recovery_key: str
    time_zone: str
    registry: Registry
    accounts: tuple[Account, ...]
    assets: tuple[str, ...]
    funds: tuple[Fund, ...]
    policy: Mapping[str, object]
    policy_from: str


def command(birth: Birth) -> Command:
    """Return the one command that may append at size 0."""
    if len(birth.nonce) != NONCE_BYTES:
        message = f"the genesis nonce has {NONCE_BYTES} bytes, not {len(birth.nonce)}"
        raise ValueError(message)
    return Command(drafts=tuple(_drafts(birth)))


def registry_published(registry: Registry) -> Draft:
    """Publish the types and guards of a log; what was published before has to be among them."""
    text = registry.to_text()
    return Draft("ledger.registry.published.v1", {"registry": text, "sha256": _digest(text.encode())})


def account_declared(account: Account, assets: Iterable[str]) -> Draft:
    """Declare an account for the assets it may hold."""
    data: dict[str, object] = {
        "account": account.path,
        "assets": sorted(assets),
        "normal": account.normal,
        "title": account.title,
    }
    if account.code is not None:
        data["code"] = account.code
    return Draft("ledger.account.declared.v1", data)


def fund_declared(fund: Fund) -> Draft:
    """Declare a fund."""
    return Draft("ledger.fund.declared.v1", {"fund": fund.name, "restriction": fund.restriction, "title": fund.title})


def policy_changed(policy: Mapping[str, object], from_month: str) -> Draft:
    """Set the publishing policy in force from `from_month` (YYYY-MM) on."""
    text = canonical.encode(policy)
    return Draft("ledger.policy.changed.v1", {"from": from_month, "policy": text.decode(), "sha256": _digest(text)})


def _drafts(birth: Birth) -> Iterable[Draft]:
    yield Draft(
        "ledger.log.opened.v1",
        {
            "format": FORMAT,
            "key": birth.key,
            "mode": birth.mode,
            "nonce": base64.b64encode(birth.nonce).decode(),
            "recovery_key": birth.recovery_key,
            "time_zone": birth.time_zone,
        },
    )
    yield registry_published(birth.registry)
    for account in birth.accounts:
        yield account_declared(account, birth.assets)
    for fund in birth.funds:
        yield fund_declared(fund)
    yield policy_changed(birth.policy, birth.policy_from)


def _digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
