"""The composition root: builds every part, hands it what it needs, runs until asked to stop, and stops in order.

Order of stopping: listener, sockets, workers, writers drained, signers, database (operations, "Start, stop, files").
What a part needs it receives here; no part looks for another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aiohttp import web

from ledger.batches import BatchKey
from ledger.projector import Projector
from ledger.reader import LogReader
from ledger.signer import Signer
from ledger.store import Writer
from server import birth
from server.db import Database
from server.domains.giving.projections import GiftsProjection
from server.loops import follow
from server.payments.companions import COMPANIONS as PAYMENTS_COMPANIONS
from server.publishing.publisher import COMPANION as PUBLISHER_COMPANION
from server.publishing.publisher import Publisher
from server.vault import FileKeyStore, Vault
from server.wakeups import Wakeups

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.types import LogName
    from server.settings import Settings
