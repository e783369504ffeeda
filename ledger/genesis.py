"""The first entries of a log: what it is, its registry, and every account, fund and policy in use (SPEC "Genesis")."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ledger import canonical
from ledger.registry import EXTENDED, Registry, to_text
from ledger.types import Command, Draft

if TYPE_CHECKING:
    from ledger.registry import TypeSpec

FORMAT = "secondwind-log-v1"
NONCE_BYTES = 16
REGISTRY_BYTES_MAX = 15_000
"""Of a registry as it stands in an entry, which has room for little else (SPEC 2.1)."""


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


def registry_drafts(registry: Registry, known: Registry | None = None) -> list[Draft]:
    """Publish `registry` where `known` is in force (None: at the beginning of a log), as few entries as hold it.

    `registry` includes whatever `known` does. More types than one entry holds come in extensions.
    """
    if known is None or EXTENDED.name not in known.types:
        whole = Registry((*registry.types.values(), EXTENDED), registry.guards.values())
        if _fits(whole.to_text()):
            return [_published(whole)]
        known = Registry((*(known.types.values() if known else ()), EXTENDED), known.guards.values() if known else ())
        return [_published(known), *_extensions(registry, known)]
    return _extensions(registry, known)


def _published(registry: Registry) -> Draft:
    text = registry.to_text()
    return Draft("ledger.registry.published.v1", {"registry": text, "sha256": _digest(text.encode())})


def _extensions(registry: Registry, known: Registry) -> list[Draft]:
    types = [spec for name, spec in sorted(registry.types.items()) if name not in known.types]
    held = [guard for name, guard in sorted(registry.guards.items()) if name not in known.guards]
    texts = []
    # Guards first: a type is held to guards that are published before it, or with it.
    some: list[TypeSpec] = []
    for spec in types:
        if some and not _fits(to_text([*some, spec], held)):
            texts.append(to_text(some, held))
            some, held = [], []
        some.append(spec)
    if some or held:
        texts.append(to_text(some, held))
    return [Draft(EXTENDED.name, {"registry": text, "sha256": _digest(text.encode())}) for text in texts]


def _fits(text: str) -> bool:
    # Inside an entry each quotation mark is two bytes.
    return len(canonical.encode({"registry": text})) <= REGISTRY_BYTES_MAX


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
    yield from registry_drafts(birth.registry)
    for account in birth.accounts:
        yield account_declared(account, birth.assets)
    for fund in birth.funds:
        yield fund_declared(fund)
    yield policy_changed(birth.policy, birth.policy_from)


def _digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
