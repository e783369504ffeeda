"""What people see while they wait: one line on a terminal's stderr that replaces itself; nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

INTERVAL_S = 0.2


def line(text: str) -> None:
    """Replace the line; an empty text removes it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def counter(what: str) -> Callable[[int, int], None]:
    """A function to be called with entries done and entries in all, as often as one likes."""
    shown = [0.0]

    def show(done: int, size: int) -> None:
        if time.monotonic() - shown[0] > INTERVAL_S:
            shown[0] = time.monotonic()
            line(f"{what}: {done} of {size} entries")

    return show
