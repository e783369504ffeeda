"""The edge of one process: every area's rows of the route table, and what has to be stopped with the listener."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry

from ledger.anchor import ANCHORED
from realtime.connection import Limits
from realtime.hub import Hub
from server.audit import routes as audit
from server.audit.reads import ProtectedReads
from server.exports import routes as exports
from server.exports.maker import make as make_export
from server.exports.sheet import SheetAPI
from server.exports.shelf import Shelf
from server.exports.source import Source
from server.health import Fact, Health, database_check, schema_check
from server.http.application import make_application
from server.http.page import WebPage
from server.http.streaming import Streams
from server.identity.tokens import TokenAuthenticator, TokenIssuer, TokenVerifier
from server.parts import Parts, clock_s, clock_us
from server.payments import routes as payments
from server.promises import routes as promises
from server.promises.maker import maker_of
from server.public import routes as public
from server.public.chosen import ChosenReads
from server.public.lists import ListReads
from server.public.reads import PublicReads
from server.public.verifier import Verifier
from server.status import clock_check, operator_facts, public_facts
from server.witness import routes as witness
from server.witness import served
from server.witness.policy import read_policy
from server.witness.standalone import open_witness
from server.witness.standing import WitnessReads
from server.ws.endpoint import HEARTBEAT_S, WebsocketEndpoint
from server.ws.sources import LEDGER, PublicLog, Tailer

if TYPE_CHECKING:
    from ledger.witness_policy import WitnessPolicy
    from server.http.routes import Route
    from server.settings import Settings
    from server.tasks import Tasks
    from server.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class Edge:
    """The application, and what runs beside it."""

    application: web.Application
    page: WebPage
    hub: Hub
    endpoint: WebsocketEndpoint
    log: PublicLog
    witnesses: WitnessReads
    epoch: str
    shelf: Shelf

    async def start(self, tasks: Tasks, wakeups: Wakeups) -> None:
        """Start what feeds the sockets."""
        await self.page.refresh()
        await self.hub.register(LEDGER, self.log, self.epoch)
        tailer = Tailer(self.hub, self.log, self.witnesses.newest_note)
        tasks.start("tail of public", partial(tailer.follow_entries, wakeups))
        tasks.start("checkpoints of public", partial(tailer.follow_checkpoints, wakeups))
        tasks.start("witnessed checkpoints of public", partial(tailer.follow_witnessed, wakeups))
        tasks.start("sockets", partial(self.hub.run, HEARTBEAT_S))

    async def drain(self, timeout_s: float) -> None:
        """Say good-bye to every socket, within `timeout_s`, and make no more exports."""
        await self.endpoint.drain(timeout_s)
        await self.shelf.close()


def build_edge(settings: Settings, parts: Parts, tasks: Tasks, is_stopping: Callable[[], bool]) -> Edge:
    """Put the application together. Raises StartRefused for a route that may not be served."""
    registry = CollectorRegistry()
    page = WebPage()
    policy = read_policy(settings.witnesses)
    witnesses = WitnessReads(parts.database.reader, policy)
    witness_rows, witness_facts = _witness_for_others(parts, policy)
    identity = parts.identities["public"]
    issuer = TokenIssuer(token_seed(parts), identity.origin)
    authenticator = TokenAuthenticator(TokenVerifier([issuer.public_key], identity.origin), time.time)
    health = Health(
        version=service_version(),
        checks={
            "database": database_check(parts.database.reader),
            "schema": schema_check(parts.database.writer),
            "inbox": parts.inbox.trouble,
        },
        warnings={"clock": clock_check(parts.database.reader, clock_us), "witnesses": witnesses.check(clock_s)},
        facts=public_facts(identity, parts.readers, page, clock_us) | witnesses.facts(clock_s) | witness_facts,
        operator_facts=operator_facts(parts.database, parts.inbox, parts.fees, tasks, parts.readers),
        registry=registry,
        draining=is_stopping,
    )
    hub = Hub()
    endpoint = WebsocketEndpoint(hub, authenticator, settings.allowed_origins, _node(), Limits())
    source = Source(parts.database.reader, "public")
    streams = Streams()
    sheet = SheetAPI(ChosenReads(PublicReads(parts.database.reader), ListReads(parts.database.reader)), streams)
    shelf = Shelf(parts.instance.exports, partial(make_export, source, store=parts.keys, read_max=exports.READ_MAX))
    table = [
        *health.routes(),
        *public.routes(parts.database.reader, settings.list_limit_max),
        *exports.routes(exports.ExportAPI(source, identity.origin, shelf, streams), sheet),
        *served.routes(witnesses, PublicReads(parts.database.reader).key_entries),
        *witness_rows,
        *audit.routes({log: ProtectedReads(parts.database.auditor, log) for log in ANCHORED}, parts.trail),
        *payments.routes(parts.inbox, settings, registry=registry),
        *promises.routes(maker_of(parts)),
        *endpoint.routes(),
        *Verifier.of().routes(),
        *page.routes(),
    ]
    application = make_application(
        table, settings, authenticator=authenticator, registry=registry, version=service_version()
    )
    epoch = f"{parts.epochs['public']}"
    return Edge(application, page, hub, endpoint, PublicLog(parts.database.reader), witnesses, epoch, shelf)


def _witness_for_others(parts: Parts, policy: WitnessPolicy) -> tuple[list[Route], dict[str, Fact]]:
    """A witness's rows and facts, where the policy names logs; it holds its directory until the process ends."""
    if not policy.logs:
        return [], {}
    name = f"{parts.identities['public'].origin}/witness"
    keeper = open_witness(parts.instance.witness, name, policy.logs, clock_s)

    async def told() -> dict[str, object]:
        return {"key": keeper.vkey, "logs": list(policy.logs)}

    return witness.routes(keeper, "/ledger/witness"), {"witness_for_others": told}


def token_seed(parts: Parts) -> bytes:
    """The seed of the key that signs access tokens."""
    return parts.vault.keyed_hash("token-signing-key", "v1")


def _node() -> str:
    """A name for this process that tells outsiders nothing."""
    return secrets.token_hex(4)


def service_version() -> str:
    """The installed version; `0` when the service runs from a tree that was never installed."""
    try:
        return version("secondwind")
    except PackageNotFoundError:
        return "0"
