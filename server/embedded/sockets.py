"""Where the embedded server's socket lies: short, private, and written down for whoever works on the same data.

Socket paths end at 107 bytes, so it cannot lie below the checkout. The choice depends on the environment (a login over
ssh has a runtime directory, a cron job has none), so the running server notes it beside its data.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from server.embedded.binaries import digest
from server.errors import StartRefused

NOTE = "postgres.socket"
BASE_BYTES_MAX = 80
LAST_RESORT = Path("/tmp")  # noqa: S108 - what stands there is checked before it is used
PRIVATE = 0o700
_ENTER, _ENTER_AND_WRITE = 0o1, 0o3


def choose(data_dir: Path, uid: int) -> Path:
    """The directory for a server that runs as `uid`: the same at every start in the same environment."""
    offered = (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir())
    bases = [Path(base).resolve() for base in offered if base]
    fitting = [base for base in bases if len(os.fsencode(base)) <= BASE_BYTES_MAX and lets_in(base, uid)]
    return (fitting[0] if fitting else LAST_RESORT) / f"secondwind-{digest(data_dir)}"


def lets_in(directory: Path, uid: int) -> bool:
    """Whether `uid`, with no privilege at all, may make files there. Root in a user namespace has none either."""
    try:
        places = [path.stat() for path in (directory, *directory.parents)]
    except OSError:
        return False
    wanted = [_ENTER_AND_WRITE] + [_ENTER] * (len(places) - 1)
    return all(
        (place.st_mode >> (6 if place.st_uid == uid else 0)) & bits == bits
        for place, bits in zip(places, wanted, strict=True)
    )


def make(path: Path, owner: tuple[int, int] | None) -> None:
    """Make the directory for `owner` (us, when None). Raises StartRefused when something else stands there."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=PRIVATE)
        if owner is not None:
            os.chown(path, *owner)
    found = path.lstat()
    uid = owner[0] if owner is not None else os.geteuid()
    # Somebody else could have put a directory or a link of that name there to listen in.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or stat.S_IMODE(found.st_mode) != PRIVATE:
        raise StartRefused(f"{path} is not a private directory of ours.", "Remove it, then start again.")
    for left in path.glob(".s.PGSQL.*"):  # of a server that was killed
        left.unlink(missing_ok=True)


def note(data_dir: Path, path: Path) -> None:
    """Write down where the running server listens."""
    new = data_dir / f"{NOTE}.new"
    new.write_text(f"{path}\n", encoding="utf-8")
    new.replace(data_dir / NOTE)


def noted(data_dir: Path) -> Path | None:
    """Where the server of this data said it listens; None when no note was left."""
    try:
        return Path((data_dir / NOTE).read_text(encoding="utf-8").rstrip("\n"))
    except (OSError, UnicodeDecodeError):
        return None


def forget(data_dir: Path, path: Path) -> None:
    """The server has ended: leave neither note nor directory behind."""
    (data_dir / NOTE).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.rmdir()
