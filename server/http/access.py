"""Deciding whether a caller may use a route: the one place where the `access` column of the table is enforced."""

from __future__ import annotations

import hmac

from aiohttp import web

from server.http.context import CLIENT, PRINCIPAL
from server.http.problems import NOT_ALLOWED, NOT_SIGNED_IN, OPERATOR_ONLY
from server.http.routes import Access
from server.identity.authenticator import Authenticator, bearer_token

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="secondwind"'}


class AccessControl:
    """Admits callers to routes. `metrics_token` None: the operator is whoever sits on this machine, and nobody else."""

    def __init__(self, authenticator: Authenticator, metrics_token: str | None) -> None:
        if metrics_token == "":
            raise ValueError("an empty metrics token would admit everybody who sends an empty one")
        self._authenticator = authenticator
        self._metrics_token = metrics_token

    async def admit(self, request: web.Request, access: Access) -> None:
        """Return when the caller may go on, with PRINCIPAL set for a role; raise a Problem otherwise."""
        if access.kind == "operator" and not self.is_operator(request):
            raise OPERATOR_ONLY("Ask on the machine itself, or send the metrics token.", headers=CHALLENGE)
        if access.kind == "role":
            token = bearer_token(request.headers.get("Authorization"))
            principal = None if token is None else await self._authenticator.authenticate(token)
            if principal is None:
                raise NOT_SIGNED_IN("This needs a valid access token.", headers=CHALLENGE)
            if not principal.holds_any(access.roles):
                raise NOT_ALLOWED(f"This needs one of the roles: {', '.join(sorted(access.roles))}.")
            request[PRINCIPAL] = principal

    def is_operator(self, request: web.Request) -> bool:
        """True on this machine or with the metrics token; compared in constant time."""
        if request[CLIENT].local:
            return True
        token = bearer_token(request.headers.get("Authorization"))
        return (
            token is not None
            and self._metrics_token is not None
            and hmac.compare_digest(token.encode("utf-8", "replace"), self._metrics_token.encode())
        )


ACCESS_CONTROL = web.AppKey("access_control", AccessControl)
