"""Where each log's files lie below the one place that SECONDWIND_PUBLISH_TO names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from server.errors import StartRefused
from server.files.sealed import Part, SealedPart
from server.files.store import DirectoryStore, FileStore

if TYPE_CHECKING:
    from ledger.types import LogName
    from server.vault import Vault

PUBLIC = "ledger"
SEALED = "sealed"


def place(publish_to: str) -> FileStore:
    """The directory or bucket that a setting names. Raises StartRefused where the bucket cannot be spoken to at all."""
    if not publish_to.startswith("s3://"):
        return DirectoryStore(Path(publish_to).resolve())
    from server.files.object_store import ObjectStore  # noqa: PLC0415 - a directory needs none of it

    try:
        return ObjectStore(publish_to)
    except ValueError as error:
        raise StartRefused(f"SECONDWIND_PUBLISH_TO is {publish_to}: {error}.", "Correct it.") from None


def files_of(store: FileStore, log: LogName, vault: Vault) -> FileStore:
    """The tiles, bundles and checkpoint of one log: anybody reads those of `public`, only the vault the others."""
    return Part(store, PUBLIC) if log == "public" else sealed_of(store, log, vault)


def sealed_of(store: FileStore, log: LogName, vault: Vault) -> FileStore:
    """What only the vault reads of a log: the sidecar, and all of a log that is not public."""
    return SealedPart(store, f"{SEALED}/{log}", vault)
