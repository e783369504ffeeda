"""How much processor time processes took: less at the mercy of what else runs on a machine than any wait."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def used_s(pid: int) -> float:
    """Seconds of a process, of its children that live, and of those that ended and were waited for."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))):
            parents[int(entry.name)] = fields
    family = [pid]
    for member in family:  # it grows while it is read
        family += [child for child, fields in parents.items() if int(fields[1]) == member]
    # utime, stime, and those of children that ended (proc(5), fields 14 to 17; these begin at the third)
    return sum(sum(map(int, parents[member][11:15])) for member in family if member in parents) / TICKS_PER_S


def _fields(pid: int) -> list[str] | None:
    """What stands behind the name in /proc/PID/stat; None once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
