"""The edge of one process: every area's rows of the route table, and what has to be stopped with the listener."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry

from server.health import Health, database_check
from server.http.application import make_application
from server.http.page import WebPage
from server.identity.tokens import TokenAuthenticator, TokenIssuer, TokenVerifier
from server.parts import Parts, clock_us
from server.payments import routes as payments
from server.public import routes as public
from server.status import operator_facts, public_facts

if TYPE_CHECKING:
    from server.settings import Settings
    from server.tasks import Tasks

PAGE_CHECK_S = 2.0


@dataclass(frozen=True, slots=True)
class Edge:
    """The application, and what runs beside it."""

    application: web.Application
    page: WebPage

    def start(self, tasks: Tasks) -> None:
        """Start what feeds the sockets."""

    async def drain(self, timeout_s: float) -> None:
        """Say good-bye to every socket, within `timeout_s`."""


def build_edge(settings: Settings, parts: Parts, tasks: Tasks, is_stopping: Callable[[], bool]) -> Edge:
    """Put the application together. Raises StartRefused for a route that may not be served."""
    registry = CollectorRegistry()
    page = WebPage()
    identity = parts.identities["public"]
    issuer = TokenIssuer(token_seed(parts), identity.origin)
    authenticator = TokenAuthenticator(TokenVerifier([issuer.public_key], identity.origin), time.time)
    health = Health(
        version=service_version(),
        checks={"database": database_check(parts.database.reader)},
        facts=public_facts(identity, parts.readers, page, clock_us),
        operator_facts=operator_facts(parts.database, parts.inbox, parts.fees, tasks, parts.readers),
        registry=registry,
        draining=is_stopping,
    )
    table = [
        *health.routes(),
        *public.routes(parts.database.reader, settings.list_limit_max),
        *payments.routes(parts.inbox, settings, registry=registry),
        *page.routes(),
    ]
    application = make_application(
        table, settings, authenticator=authenticator, registry=registry, version=service_version()
    )
    return Edge(application, page)


def token_seed(parts: Parts) -> bytes:
    """The seed of the key that signs access tokens."""
    return parts.vault.keyed_hash("token-signing-key", "v1")


def service_version() -> str:
    """The installed version; `0` when the service runs from a tree that was never installed."""
    try:
        return version("secondwind")
    except PackageNotFoundError:
        return "0"
