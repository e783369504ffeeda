"""A witness's directory, and a witness alone: no database, no log, one small process for a partner (attacks A3).

<directory>/witness.key    its key; its name stands in `name`, chosen once
<directory>/witnessed/     what it cosigned of each log

Key and memory lie together and in no backup: a witness that forgot what it cosigned must not sign on under its name.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry

from ledger.signer_state import replace_durably
from server.errors import StartRefused
from server.health import Health
from server.http.application import make_application
from server.http.runner import Runner
from server.vault import FileKeyStore
from server.witness.keeper import Keeper, open_keeper
from server.witness.routes import routes

if TYPE_CHECKING:
    from ledger.note import VerifyKey

WITNESSED = "witnessed"
_NAME = "name"


@dataclass(frozen=True, slots=True)
class Edge:
    """What the edge asks of settings: nothing is behind a proxy, and the operator sits on this machine."""

    trusted_proxies: tuple[str, ...] = ()
    metrics_token: str | None = None


def open_witness(
    directory: Path, name: str | None, logs: Mapping[str, Sequence[VerifyKey]], clock_s: Callable[[], int]
) -> Keeper:
    """The witness of this directory, held by this process. Raises StartRefused, also for another name than before."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / _NAME
        before = path.read_text(encoding="utf-8").strip() if path.exists() else None
        if name is None and before is None:
            raise StartRefused("The witness has no name yet.", "Give it one with --name, such as witness.example.org.")
        if name is not None and before is not None and name != before:
            raise StartRefused(f"--name is {name!r}, but this witness is called {before!r} and stays so.", "Omit it.")
        keeper = open_keeper(FileKeyStore(directory), before or name or "", logs, directory / WITNESSED, clock_s)
        if before is None:
            replace_durably(path, f"{name}\n".encode())
    except OSError as error:
        raise StartRefused(f"{directory} cannot be used ({error.strerror}).", "Choose another --data-dir.") from None
    keeper.acquire()
    return keeper


async def serve(keeper: Keeper, host: str, port: int, version: str, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` receives the address. Raises StartRefused for a port in use."""
    registry = CollectorRegistry()
    health = Health(version=version, checks={}, facts={}, operator_facts={}, registry=registry)
    runner = Runner(make_application([*health.routes(), *routes(keeper, "")], Edge(), registry=registry))
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        address = runner.addresses[0]
        on_ready(f"http://[{address[0]}]:{address[1]}" if ":" in address[0] else f"http://{address[0]}:{address[1]}")
        await stopping.wait()
    except OSError as error:
        raise StartRefused(
            f"Port {port} on {host} cannot be used ({error.strerror}).",
            "Choose another with --port (0 takes a free one).",
        ) from None
    finally:
        await runner.cleanup()
        keeper.release()
