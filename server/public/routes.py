"""The public side's rows of the route table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import asyncpg
from pydantic import BaseModel

from server.http.routes import Access, Handler, Route
from server.public.chosen import ChosenReads
from server.public.evidence import EvidenceAPI
from server.public.ledger_api import LedgerAPI
from server.public.lists import ListReads
from server.public.log_files import LogFiles, LogKeys
from server.public.models import (
    LIMIT_MAX,
    AtPosition,
    ConsistencyAnswer,
    ConsistencyQuery,
    Funds,
    LedgerPage,
    LedgerQuery,
    TrialBalanceAnswer,
    TrialBalanceQuery,
)
from server.public.pages import PagesAPI
from server.public.problems import (
    CHECKPOINT_NOT_YET,
    CURSOR_INVALID,
    ENTRY_NOT_FOUND,
    PROOF_NOT_YET,
    TILE_NOT_YET,
    TILE_PATH_INVALID,
)
from server.public.proofs import ProofReads
from server.public.reads import PublicReads

API = "/api/v1"
ALIAS = "/api/transparency"
TEXT = "text/plain; charset=utf-8"


def routes(reader: asyncpg.Pool, list_limit_max: int = LIMIT_MAX) -> list[Route]:
    """Every public route. `reader` is the pool of the database role that can read the public partitions only."""
    reads = PublicReads(reader)
    proofs, lists = ProofReads(reader), ListReads(reader)
    api = [
        *_pages(PagesAPI(ChosenReads(reads, lists), list_limit_max)),
        *_api(LedgerAPI(reads, proofs)),
        *_evidence(EvidenceAPI(proofs, lists)),
    ]
    aliases = [replace(route, path=route.path.replace(API, ALIAS, 1), listed=False) for route in api]
    return [*_log_files(LogFiles(reads), LogKeys(reads)), *api, *aliases]


def _log_files(files: LogFiles, keys: LogKeys) -> Iterator[Route]:
    yield _row(
        "/ledger/checkpoint",
        files.checkpoint,
        "The newest signed checkpoint",
        TEXT,
        description="A C2SP checkpoint: origin, size and root, signed as a note. Ask again every second at most.",
        problems=(CHECKPOINT_NOT_YET,),
        tags=("log",),
    )
    yield _row(
        "/ledger/keys",
        keys.keys,
        "Which keys sign this log",
        TEXT,
        description="`<vkey> <from> <to>` per line, sizes of checkpoints, `-` for open. A hint: pin a key of your own.",
        tags=("log",),
    )
    yield _row(
        "/ledger/tile/{path:.+}",
        files.tile,
        "A tile of hashes, or a bundle of entries",
        "application/octet-stream",
        description="`<L>/<N>[.p/<W>]` and `entries/<N>[.p/<W>]`, exactly as c2sp.org/tlog-tiles; for ever the same.",
        problems=(TILE_PATH_INVALID, TILE_NOT_YET),
        tags=("log",),
    )


def _pages(pages: PagesAPI) -> Iterator[Route]:
    yield _row(
        f"{API}/ledger",
        pages.page,
        "The ledger, page by page",
        LedgerPage,
        description="An entry fits when its type and period do, and one of its postings fits fund, category, asset and "
        "amount together. Amounts are found by size, in powers of ten, never exactly; words in English, by their stem. "
        "The ETag is the size.",
        query=LedgerQuery,
        problems=(CURSOR_INVALID,),
    )


def _api(api: LedgerAPI) -> Iterator[Route]:
    yield _row(
        f"{API}/ledger/entries/{{position}}",
        api.entry,
        "One entry, byte for byte",
        "application/json",
        description="What the Merkle leaf was hashed from. The ETag is the leaf hash.",
        params=AtPosition,
        problems=(ENTRY_NOT_FOUND,),
        quiet=True,
    )
    yield _row(
        f"{API}/ledger/proof/{{position}}",
        api.proof,
        "The proof of one entry",
        TEXT,
        description="A c2sp.org/tlog-proof under the newest checkpoint. To ask without telling which entry "
        "you care about, fetch its whole bundle and the tiles instead.",
        params=AtPosition,
        problems=(PROOF_NOT_YET, ENTRY_NOT_FOUND),
        quiet=True,
    )
    yield _row(f"{API}/funds", api.funds, "Every fund's totals, with the position they stand at", Funds)


def _evidence(evidence: EvidenceAPI) -> Iterator[Route]:
    yield _row(
        f"{API}/ledger/consistency",
        evidence.consistency,
        "The proof that a smaller log is the beginning of a larger one",
        ConsistencyAnswer,
        description="Both sizes must be covered by a checkpoint. With `to` the answer is for ever the same.",
        query=ConsistencyQuery,
        problems=(PROOF_NOT_YET,),
    )
    yield _row(
        f"{API}/ledger/trial-balance",
        evidence.trial_balance,
        "Every balance after so many entries",
        TrialBalanceAnswer,
        description="Folded from the public entries and nothing else. With `at` the answer is for ever the same.",
        query=TrialBalanceQuery,
        problems=(PROOF_NOT_YET,),
    )


def _row(path: str, handler: Handler, summary: str, response: type[BaseModel] | str, **more: Any) -> Route:  # noqa: ANN401 - a row's fields
    return Route(
        method="GET",
        path=path,
        handler=handler,
        access=Access.PUBLIC,
        summary=summary,
        response=response,
        cors=True,
        **{"tags": ("ledger",), **more},
    )
