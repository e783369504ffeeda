"""Which keys signed which sizes, as the log's own entries say. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ledger import canonical

OPEN = "-"


def key_lines(entries: Iterable[bytes]) -> str:
    """`<vkey> <from> <to>` per line, oldest first.

    `entries`: the opening entry and those that introduce or retire a key, in order. A key signs checkpoints of sizes
    `from` to `to`; `-` means until another entry says otherwise.
    """
    keys: dict[str, tuple[int, str]] = {}
    for data in entries:
        entry = canonical.parse_entry(data)
        key = str(entry.data.get("key", ""))
        match entry.type:
            case "ledger.log.opened.v1":
                keys[key] = (0, OPEN)
            case "ledger.key.introduced.v1":
                keys[key] = (int(str(entry.data["size"])), OPEN)
            case "ledger.key.retired.v1" if key in keys:
                keys[key] = (keys[key][0], str(entry.data["size"]))
            case _:
                pass
    return "".join(f"{key} {first} {last}\n" for key, (first, last) in keys.items())
