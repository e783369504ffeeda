"""The service on a machine whose clock is wrong: `python -m tests.support.skewed FILE serve …`.

FILE holds by how many seconds, and may change at any time; without it the clock is right. Only the clock that the
composition root hands to its parts is wrong, because a process cannot set the machine's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from server import parts


def skew_clock(file: Path) -> None:
    """Let the parts' clock be off by what `file` says."""

    def clock_us() -> int:
        text = file.read_text() if file.exists() else ""
        return time.time_ns() // 1_000 + int(float(text or "0") * 1_000_000)

    parts.clock_us = clock_us


if __name__ == "__main__":
    skew_clock(Path(sys.argv.pop(1)))
    from server.cli import main

    sys.exit(main())
