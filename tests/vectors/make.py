"""Writes the shared vectors: `python -m tests.vectors.make` from the top of the tree; `--check` only compares.

Python, TypeScript and the standalone verifier all read these files. Nothing in them is random, so the same code
makes the same bytes; a change that alters a file alters a format, and is reviewed as such.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.vectors import bad_entries, extended, logs, notes, rotation, tamper, trees, witnesses

HERE = Path(__file__).parent


def vectors() -> dict[str, Any]:
    """File name to content."""
    made = public, books, unknown = logs.public_log(), logs.books_log(), logs.unknown_log()
    return {
        "cosignatures.json": witnesses.cosignature_vectors(),
        "entries-good.json": {"logs": [log.vector() for log in made]},
        "entries-bad.json": {"cases": bad_entries.cases(public, books, unknown)},
        "extended.json": extended.vectors(),
        "merkle.json": trees.merkle_vectors(),
        "notes.json": notes.vectors(),
        "promises.json": witnesses.promise_vectors(),
        "proofs.json": trees.proof_vectors(),
        "rotation.json": rotation.vectors(),
        "slots.json": trees.slot_vectors(),
        "tamper.json": {"rows": tamper.rows()},
    }


def texts() -> dict[str, str]:
    """File name to the exact text of the file."""
    return {name: json.dumps(content, ensure_ascii=True, indent=1) + "\n" for name, content in vectors().items()}


def main(arguments: list[str]) -> int:
    """Writes the files, or with `--check` names those that differ."""
    stale = [name for name, text in texts().items() if _read(HERE / name) != text]
    for name in stale:
        sys.stdout.write(f"{name} {'differs' if '--check' in arguments else 'written'}\n")
        if "--check" not in arguments:
            (HERE / name).write_text(texts()[name], encoding="ascii")
    return 1 if stale and "--check" in arguments else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="ascii") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
