"""The kinds of problem that only the public side answers."""

from __future__ import annotations

from server.http.problems import ProblemKind

CHECKPOINT_NOT_YET = ProblemKind(
    "checkpoint-not-yet",
    404,
    "No checkpoint yet",
    "The log has just begun and its signer has not signed a checkpoint. The header `Retry-After` says when to ask "
    "again.",
)
TILE_PATH_INVALID = ProblemKind(
    "tile-path-invalid",
    400,
    "Not a tile's path",
    "Paths of tiles and entry bundles are written in exactly one way, that of c2sp.org/tlog-tiles: a level from 0 "
    "to 63 or `entries`, the number in groups of three digits, all but the last with an x before, and "
    "`.p/<width>` from 1 to 255 for a partial one. No other spelling of the same number is answered.",
)
TILE_NOT_YET = ProblemKind(
    "tile-not-yet",
    404,
    "No such tile yet",
    "The newest checkpoint does not reach that far. A tile is served once every hash in it is covered by a signed "
    "checkpoint, so ask for the widths that the checkpoint's size implies.",
)
ENTRY_NOT_FOUND = ProblemKind(
    "entry-not-found",
    404,
    "No such entry",
    "The log holds no entry at this position. Positions are dense from 0; the ledger's newest page says how many "
    "there are.",
)
PROOF_NOT_YET = ProblemKind(
    "proof-not-yet",
    404,
    "Recorded, not yet proved",
    "No signed checkpoint reaches that far. The next one covers every entry that is in the log, usually within a "
    "second. The header `Retry-After` says when to ask again.",
)
CURSOR_INVALID = ProblemKind(
    "cursor-invalid",
    400,
    "Not a cursor of this list",
    "A cursor is opaque: take it from `next` of the page before and send it unchanged. To begin again, leave it out.",
)
