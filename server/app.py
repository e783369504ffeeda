"""The composition root: builds every part, hands it what it needs, runs until asked to stop, and stops in order.

Order of stopping: listener, sockets, workers, writers drained, signers, database (operations, "Start, stop, files").
What a part needs it receives here; no part looks for another.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from server import roles
from server.db import Database
from server.demo import Demo
from server.edge import build_edge
from server.embedded.postgres import SERVICE, EmbeddedPostgres
from server.erasure.build import replay
from server.errors import StartRefused
from server.http.request_log import formatter
from server.http.runner import Runner
from server.instance import Instance
from server.migrate import login_of, migrate
from server.parts import Parts, clock_us
from server.settings import Settings
from server.tasks import Tasks
from server.vault import FileKeyStore
from server.wakeups import Wakeups

STOP_TIMEOUT_S = 8.0
CUT_AFTER_S = 6.0
DRAIN_TIMEOUT_S = 2.0
BACKLOG = 1024

Say = Callable[[str], None]

_log = logging.getLogger(__name__)


async def run(settings: Settings, *, on_ready: Callable[[str], None], say: Say) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` receives the address, `say` lines for the person who started it.

    Raises StartRefused when it may not start as asked.
    """
    _configure_logging(settings)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold every key (attacks D5)
    async with AsyncExitStack() as stack:
        instance = Instance(settings.data_dir.resolve())
        instance.prepare()
        # Whoever runs the embedded database has the directory alone; the roles of one that runs elsewhere may share it.
        instance.acquire(settings.roles if settings.database_url is not None else ())
        stack.callback(instance.release)
        listener = _listen(settings) if "web" in settings.roles else None
        if listener is not None:
            stack.callback(listener.close)
        database = await stack.enter_async_context(_database(settings, instance, say))
        if not database.separated:
            say("The database login owns the ledger's tables and could undo their protection: use two logins (README).")
        demo = None
        if settings.mode == "demo":
            demo = await Demo.open(settings)
            stack.push_async_callback(demo.peer.stop)
            settings = demo.settings
        stopping = _on_signals()
        tasks = Tasks()
        parts = await Parts.open(settings, database, FileKeyStore(instance.keys), instance, Wakeups(), tasks)
        stack.push_async_callback(parts.close)
        if "signer" in settings.roles:
            await roles.signer.check(parts)
        if again := await replay(parts, clock_us):
            say(f"{again} erasures were finished, or done again after a restore.")
        await _serve(settings, parts, tasks, listener, stopping, on_ready, demo)
        say("Stopped.")


async def _serve(  # noqa: PLR0913, PLR0917 - everything that has been built
    settings: Settings,
    parts: Parts,
    tasks: Tasks,
    listener: socket.socket | None,
    stopping: asyncio.Event,
    on_ready: Callable[[str], None],
    demo: Demo | None,
) -> None:
    edge = build_edge(settings, parts, tasks, stopping.is_set) if listener is not None else None
    roles.start(parts, settings.roles)
    runner = None
    if edge is not None and listener is not None:
        runner = Runner(edge.application)
        await runner.setup()
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        await edge.start(tasks, parts.wakeups)
        host, port = listener.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        if demo is not None:
            tasks.start("demo", lambda: demo.give(address))
        on_ready(address)
    else:
        on_ready("")
    gc.collect()
    gc.freeze()  # what lives as long as the process need not be looked at again and again
    await stopping.wait()
    # A database that neither answers nor goes away would keep us for ever: nothing that waits for it can be cancelled.
    asyncio.get_running_loop().call_later(CUT_AFTER_S, parts.database.cut)
    await tasks.stop("demo", timeout_s=DRAIN_TIMEOUT_S)
    if edge is not None and runner is not None and listener is not None:
        listener.close()
        await edge.drain(DRAIN_TIMEOUT_S)
        await runner.cleanup()
    await tasks.stop(timeout_s=STOP_TIMEOUT_S)


@asynccontextmanager
async def _database(settings: Settings, instance: Instance, say: Say) -> AsyncIterator[Database]:
    """The database of the settings, or the embedded one: started, migrated, opened, and closed in the end."""
    if settings.database_url is not None:
        if settings.migrate:
            separate = settings.database_admin_url is not None
            user = login_of(settings.database_url) if separate else None
            await migrate(settings.database_admin_url or settings.database_url, user)
        database = await Database.open(settings.database_url, processes=settings.processes)
        try:
            yield database
        finally:
            await database.close()
        return
    postgres = EmbeddedPostgres(instance.path, say=say)
    guard = Tasks()
    try:
        await postgres.start()
        guard.start("database", postgres.watch)
        await migrate(postgres.admin_url, SERVICE)
        database = await Database.open(postgres.service_url)
        try:
            yield database
        finally:
            await database.close()
    finally:
        await guard.stop(timeout_s=DRAIN_TIMEOUT_S)
        await postgres.stop()


def _listen(settings: Settings) -> socket.socket:
    """Bind first: a taken port is told before anything is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise StartRefused(
            f"Port {settings.port} on {settings.host} cannot be used ({error.strerror}).",
            "Stop what uses it, or choose another with --port (0 takes a free one).",
        ) from None
    listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
    return listener


def _on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _configure_logging(settings: Settings) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(settings.log_format))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # The SDK writes what it asks and hears, at a level of its own choosing.
    logging.getLogger("stripe").setLevel(logging.WARNING)
