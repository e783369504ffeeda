"""What a killed service or a killed postmaster leaves behind, and how a start gets past it.

Whoever calls this holds the lock of the data directory, so a process that still works on its cluster is nobody's.
Three things can be left: a postmaster that outlived its service; backends that outlived their postmaster, because they
were busy when it died and hold its shared memory; and the pid of a dead postmaster that nobody reaped.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from server.errors import StartRefused

PROCESSES = Path("/proc")
PID_IMPOSSIBLE = 2**30
STOP_TIMEOUT_S = 8.0
GRACE_S = 0.5
POLL_S = 0.01
PS_TIMEOUT_S = 10.0
_TITLE = "postgres:"


async def clear(cluster: Path, say: Callable[[str], None]) -> None:
    """Return when nothing works on `cluster` any more and the next postmaster may start. Raises StartRefused."""
    pid = postmaster_pid(cluster)
    if pid is not None:
        say(f"stopping the database that a killed service left behind (process {pid})")
        await _end(lambda: [pid] if postmaster_pid(cluster) == pid else [], (signal.SIGINT, signal.SIGQUIT))
    # Idle backends go by themselves when their postmaster dies. One in the middle of a long statement does not notice,
    # and Postgres refuses to start beside it. Nothing it does can be committed any more.
    if not await _gone(lambda: orphans(cluster), GRACE_S):
        say("ending database processes that outlived their postmaster")
        await _end(lambda: orphans(cluster), (signal.SIGQUIT, signal.SIGKILL))
    forget_zombie(cluster)


def postmaster_pid(cluster: Path) -> int | None:
    """The pid of a live postmaster of this cluster, or None. A pid that went to another program is not it."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().partition("\n")[0])
    except (OSError, ValueError):
        return None
    _, command = _process(pid)
    return pid if f" -D {cluster} " in f"{command} " else None


def orphans(cluster: Path) -> list[int]:
    """Pids of backends that work in this cluster. Without /proc none are found, and Postgres's own check stands."""
    found = []
    place = cluster.resolve()
    for directory in PROCESSES.glob("[0-9]*"):
        try:
            # A backend's title says what it does, not where; where is its working directory.
            here = (directory / "cwd").readlink() == place
            if here and (directory / "cmdline").read_bytes().startswith(_TITLE.encode()):
                found.append(int(directory.name))
        except OSError:  # it ended while we looked, or belongs to somebody else
            continue
    return found


def forget_zombie(cluster: Path) -> None:
    """Let the next start pass over a postmaster that is dead but was never reaped, as in a container without an init.

    Postgres takes a zombie's pid for a running server. The pid in its lock file is replaced by one that cannot exist;
    the line about shared memory stays, so that Postgres still refuses to start beside backends that live on.
    """
    lock = cluster / "postmaster.pid"
    try:
        pid, rest = lock.read_text().split("\n", 1)
        state, _ = _process(int(pid))
    except (OSError, ValueError):
        return
    if state.startswith("Z"):
        lock.write_text(f"{PID_IMPOSSIBLE}\n{rest}")


async def _end(alive: Callable[[], Collection[int]], signals: Iterable[signal.Signals]) -> None:
    for number in signals:
        for pid in alive():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
            except PermissionError:
                raise StartRefused(
                    f"An old database process ({pid}) belongs to another user.",
                    "End it as that user, then start again.",
                ) from None
        if await _gone(alive, STOP_TIMEOUT_S):
            return
    left = ", ".join(str(pid) for pid in alive())
    raise StartRefused(f"An old database process ({left}) does not stop.", "End it, then start again.")


async def _gone(alive: Callable[[], Collection[int]], timeout_s: float) -> bool:
    """Whether nothing is alive any more, within `timeout_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while alive():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


def _process(pid: int) -> tuple[str, str]:
    """(state letter, command line) of a process; both empty when there is none. A slim image has /proc but no `ps`."""
    directory = PROCESSES / str(pid)
    if (PROCESSES / "self").exists():
        try:
            state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
            return state, (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (OSError, IndexError):
            return "", ""
    command = ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PS_TIMEOUT_S, check=False)
    state, _, line = done.stdout.strip().partition(" ")
    return state, line
