"""The seam between an edge (HTTP, websocket) and whatever knows who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

ROLES = frozenset(
    {
        "donor",
        "beneficiary",
        "vendor",
        "partner",
        "member",
        "customer",
        "influencer",
        "sponsor",
        "agent",
        "staff",
        "auditor",
        "admin",
    }
)
"""The roles of the product page. One user may hold several."""

BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is signed in. `subject` is opaque; `expires_at_s` is in seconds since 1970."""

    subject: str
    roles: frozenset[str]
    expires_at_s: int

    def holds_any(self, roles: frozenset[str]) -> bool:
        """True when at least one of `roles` is held. No role is implied by another."""
        return not self.roles.isdisjoint(roles)


class Authenticator(Protocol):
    """Turns a token into a principal."""

    async def authenticate(self, token: str) -> Principal | None:
        """Who holds `token`; None when it is not valid now. Never raises for anything a client can send."""


class NobodyAuthenticator:
    """For a service without identities: nobody is ever signed in."""

    async def authenticate(self, token: str) -> Principal | None:  # noqa: ARG002 - the Protocol's argument
        """Nobody."""
        return None


def bearer_token(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer …` header; None for anything else."""
    if authorization is None or not authorization.startswith(BEARER):
        return None
    return authorization[len(BEARER) :].strip() or None
