"""GET /verify.py: the verifier, one file, as it stands in this installation.

Who doubts the service doubts this copy too: its SHA-256 is what a second publisher is asked about (attacks A15).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from server.http.conditional import REVALIDATE, answer_compressed, digest_tag
from server.http.problems import NOT_FOUND
from server.http.routes import Access, Route

SCRIPT = Path(__file__).resolve().parents[2] / "clients" / "verifier" / "verify.py"
CONTENT_TYPE = "text/x-python; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Verifier:
    """The file in memory; None where this installation has none."""

    body: bytes | None

    @classmethod
    def of(cls, script: Path = SCRIPT) -> Verifier:
        """Read once: what is served stays the same while the service runs, whatever is deployed meanwhile."""
        return cls(script.read_bytes() if script.is_file() else None)

    def routes(self) -> list[Route]:
        """The one row of the table."""
        return [
            Route(
                method="GET",
                path="/verify.py",
                handler=self.serve,
                access=Access.PUBLIC,
                summary="The verifier",
                response=CONTENT_TYPE,
                description="One file of Python 3.9 without dependencies. Compare its SHA-256 with one from elsewhere.",
                cors=True,
                tags=("log",),
                problems=(NOT_FOUND,),
            )
        ]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /verify.py."""
        if self.body is None:
            raise NOT_FOUND("verify.py is not part of this installation; take it from the project's repository.")
        return await answer_compressed(
            request, self.body, content_type=CONTENT_TYPE, etag=digest_tag(self.body), cache_control=REVALIDATE
        )
