"""The kinds of problem that only exports answer."""

from __future__ import annotations

from server.http.problems import ProblemKind

EXPORT_NOT_YET = ProblemKind(
    "export-not-yet",
    503,
    "The export is being made",
    "An export is read, proved and packed before its first byte is sent, which takes a while for a long range. It goes "
    "on without you: ask again after `Retry-After`, and you get it from where it is kept.",
)
RANGE_UNSIGNED = ProblemKind(
    "range-unsigned",
    404,
    "Not signed that far",
    "An export ends where a signed checkpoint reaches at the furthest. The one under /ledger/checkpoint says how far "
    "that is.",
)
RANGE_TOO_LONG = ProblemKind(
    "range-too-long",
    400,
    "Too long for one export here",
    "Ask for several ranges, each beginning where the one before ended: their checkpoints connect them. Whoever runs "
    "the service exports any range at once with `secondwind export`.",
)
RANGE_NOT_SATISFIABLE = ProblemKind(
    "range-not-satisfiable",
    416,
    "Nothing in that range of bytes",
    "The header `Range` asks for bytes behind the end. `Content-Range` says how many there are.",
)
