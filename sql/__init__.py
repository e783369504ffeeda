"""SQL as text: named queries by owner, loaded once. The loader and nothing else.

A file `queries/<owner>.sql` holds statements, each under a header line `-- name: what it is for`. Comment lines that do
not look like a header belong to the statement they stand in.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent
MIGRATIONS = ROOT / "migrations"
_HEADER = re.compile(r"^-- ([a-z][a-z0-9_]*): (\S.*)$", re.MULTILINE)


class Queries:
    """The statements of one owner, as attributes: `queries.claim_notices`."""

    def __init__(self, owner: str, statements: dict[str, str]) -> None:
        self._owner = owner
        self._statements = statements

    def __getattr__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            message = f"sql/queries/{self._owner}.sql has no query {name!r}"
            raise AttributeError(message) from None

    def names(self) -> list[str]:
        """Names of the statements, in the file's order."""
        return list(self._statements)


@cache
def load(owner: str) -> Queries:
    """Read `queries/<owner>.sql`. FileNotFoundError for an owner without one, ValueError for a name given twice."""
    text = (ROOT / "queries" / f"{owner}.sql").read_text(encoding="utf-8")
    headers = list(_HEADER.finditer(text))
    statements: dict[str, str] = {}
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        name = header.group(1)
        if name in statements:
            message = f"sql/queries/{owner}.sql gives {name!r} twice"
            raise ValueError(message)
        statements[name] = text[header.end() : following.start() if following else len(text)].strip()
    return Queries(owner, statements)
