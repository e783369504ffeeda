"""The embedded Postgres: made, started, recovered and stopped by the service that uses it.

fsync stays on. The server listens on a unix socket in a directory of its own, with passwords that never leave the data
directory. A postmaster that outlived its service is stopped before a new one starts: its sessions end with it, so a
zombie of the old service cannot write any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import asyncpg

from server.embedded.binaries import Binaries, Mode, digest, find
from server.errors import StartRefused

ADMIN = "postgres"
SERVICE = "secondwind_service"
DATABASE = "secondwind"
INITDB_TIMEOUT_S = 60.0
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 8.0
POLL_S = 0.01
WATCH_INTERVAL_S = 0.25
PID_IMPOSSIBLE = 2**30
SOCKET_PATH_BYTES_MAX = 80
LOG_TAIL_LINES = 5
LOG_BYTES_MAX = 16 * 1024 * 1024

# Nothing that a person typed may reach the server's log (attacks D5): no statements, no parameters.
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """One server with its data below `data_dir`/postgres. `say` receives a line when something unusual is done."""

    def __init__(
        self, data_dir: Path, *, mode: Mode | None = None, say: Callable[[str], None] = lambda _line: None
    ) -> None:
        self._data_dir = data_dir
        self._mode = mode
        self._say = say
        self._binaries: Binaries | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def admin_url(self) -> str:
        """URL of the login that migrates."""
        return self._url(ADMIN)

    @property
    def service_url(self) -> str:
        """URL of the login that serves: no superuser, owner of nothing."""
        return self._url(SERVICE)

    async def start(self) -> None:
        """Make the cluster if there is none, start it, and return when it answers. Raises StartRefused."""
        binaries = self._binaries = await asyncio.to_thread(find, self._data_dir / "postgres", self._mode)
        if binaries.mode == "nobody":
            self._say(f"running as root without user namespaces: the database lives in {binaries.home}, as user nobody")
        binaries.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        cluster = binaries.home / "cluster"
        if (cluster / "PG_VERSION").exists():
            await asyncio.to_thread(_check_version, binaries, cluster)
        else:
            await asyncio.to_thread(self._initialise, binaries, cluster)
        await self._stop_leftover(cluster)
        await asyncio.to_thread(forget_zombie, cluster, self._socket_directory())
        self._process = self._launch(binaries, cluster)
        await self._until_it_answers()
        await self._make_service_login()

    async def watch(self) -> None:
        """Start it again whenever it dies by itself, until cancelled. Meanwhile nothing is acknowledged to anybody."""
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            if self._process is not None and self._process.poll() is not None:
                self._say(f"the database ended by itself (exit {self._process.returncode}); starting it again")
                await self.start()

    async def stop(self) -> None:
        """Stop it fast: open sessions are cut, everything committed stays."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # Immediate shutdown: the next start recovers from the log, nothing committed is lost.
            process.send_signal(signal.SIGQUIT)
            await asyncio.to_thread(process.wait, STOP_TIMEOUT_S)
        with contextlib.suppress(OSError):
            self._socket_directory().rmdir()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def _initialise(self, binaries: Binaries, cluster: Path) -> None:
        """Initdb beside, then rename: a start that was killed half-way leaves nothing that looks finished."""
        making = binaries.home / "cluster.new"
        shutil.rmtree(making, ignore_errors=True)
        password_file = binaries.home / "initdb-password"
        _write_private(password_file, self._password(ADMIN), binaries)
        arguments = ("-D", str(making), "-U", ADMIN, "-A", "scram-sha-256", f"--pwfile={password_file}")
        try:
            done = subprocess.run(
                binaries.command("initdb", *arguments, "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync"),
                capture_output=True,
                timeout=INITDB_TIMEOUT_S,
                check=False,
                cwd=binaries.home,
                **binaries.run_as(),  # type: ignore[call-overload]  # user, group and extra_groups, or nothing
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise StartRefused(
                f"The embedded Postgres could not be made: {reason}.", "Free disk space, or set DATABASE_URL."
            )
        # --no-sync is fast because this is the only moment at which there is nothing to lose; now it counts.
        os.sync()
        making.rename(cluster)

    def _launch(self, binaries: Binaries, cluster: Path) -> subprocess.Popen[bytes]:
        socket_directory = self._make_socket_directory(binaries)
        settings = {**_SETTINGS, "unix_socket_directories": str(socket_directory)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = binaries.home / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                binaries.command("postgres", "-D", str(cluster), *options),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A group of its own: Ctrl-C at the terminal reaches the service, which stops the server in its turn.
                start_new_session=True,
                cwd=binaries.home,
                **binaries.run_as(),  # type: ignore[call-overload]  # user, group and extra_groups, or nothing
            )
        return process

    async def _until_it_answers(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while True:
            if self._process is not None and self._process.poll() is not None:
                raise StartRefused(
                    f"The embedded Postgres ended at once: {self._log_tail()}", "See its log in the data directory."
                )
            try:
                connection = await asyncpg.connect(self._url(ADMIN, database="postgres"), timeout=START_TIMEOUT_S)
            except asyncpg.InvalidPasswordError:
                raise StartRefused(
                    "The embedded Postgres refuses its own password.",
                    "Restore the keys directory that belongs to this data.",
                ) from None
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.InterfaceError, TimeoutError):
                if asyncio.get_running_loop().time() > deadline:
                    raise StartRefused(
                        f"The embedded Postgres did not answer within {START_TIMEOUT_S:.0f} s.", self._log_tail()
                    ) from None
                await asyncio.sleep(POLL_S)
            else:
                await connection.close()
                return

    async def _make_service_login(self) -> None:
        connection = await asyncpg.connect(self._url(ADMIN, database="postgres"))
        try:
            if not await connection.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await connection.execute(f"create database {DATABASE}")
            if not await connection.fetchval("select 1 from pg_roles where rolname = $1", SERVICE):
                password = self._password(SERVICE)
                await connection.execute(f"create role {SERVICE} login password '{password}'")
        finally:
            await connection.close()

    async def _stop_leftover(self, cluster: Path) -> None:
        """Stop a postmaster that outlived its service: we hold the data directory's lock, so it is nobody's."""
        pid = _postmaster_pid(cluster)
        if pid is None:
            return
        self._say(f"stopping the database that a killed service left behind (process {pid})")
        for number in (signal.SIGINT, signal.SIGQUIT):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = asyncio.get_running_loop().time() + STOP_TIMEOUT_S
            while asyncio.get_running_loop().time() < deadline:
                if _postmaster_pid(cluster) is None:
                    return
                await asyncio.sleep(POLL_S)
        raise StartRefused(f"An old database process ({pid}) does not stop.", "End it, then start again.")

    def _make_socket_directory(self, binaries: Binaries) -> Path:
        path = self._socket_directory()
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            if binaries.owner is not None:
                os.chown(path, *binaries.owner)
        found = path.lstat()
        owner = binaries.owner[0] if binaries.owner is not None else os.geteuid()
        # Somebody else could have put a directory or a link of that name there to listen in.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:  # noqa: PLR2004 - a mode
            raise StartRefused(f"{path} is not a private directory of ours.", "Remove it, then start again.")
        return path

    def _socket_directory(self) -> Path:
        """Short, and the same at every start: socket paths end at 107 bytes, so it cannot lie below the checkout."""
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        if len(base) > SOCKET_PATH_BYTES_MAX or not os.access(base, os.W_OK):
            base = "/tmp"  # noqa: S108 - what stands there is checked before it is used
        return Path(base) / f"secondwind-{digest(self._data_dir)}"

    def _password(self, login: str) -> str:
        path = self._data_dir / "keys" / f"postgres-{login.replace('_', '-')}.password"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_private(path, secrets.token_urlsafe(24), None)
        return path.read_text().strip()

    def _url(self, login: str, *, database: str = DATABASE) -> str:
        host = quote(str(self._socket_directory()), safe="")
        return f"postgresql://{login}:{quote(self._password(login))}@/{database}?host={host}"

    def _log_tail(self) -> str:
        if self._binaries is None:
            return ""
        with contextlib.suppress(OSError):
            lines = (self._binaries.home / "postgres.log").read_text(errors="replace").splitlines()
            return " / ".join(lines[-LOG_TAIL_LINES:])
        return ""


def _check_version(binaries: Binaries, cluster: Path) -> None:
    version = subprocess.run(
        [str(binaries.directory / "postgres"), "--version"],
        capture_output=True,
        text=True,
        timeout=INITDB_TIMEOUT_S,
        check=True,
    ).stdout
    match = re.search(r"\) ([0-9]+)", version)
    mine = match[1] if match else version
    theirs = (cluster / "PG_VERSION").read_text().strip()
    if mine != theirs:
        raise StartRefused(
            f"The data directory belongs to Postgres {theirs}, this version brings Postgres {mine}.",
            "Run the older version of SecondWind, or dump and restore the data.",
        )


def _postmaster_pid(cluster: Path) -> int | None:
    """The pid of a live postmaster of this cluster, or None. A pid that went to another program is not it."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().partition("\n")[0])
        _, command = _process(pid)
    except (OSError, ValueError):
        return None
    return pid if str(cluster) in command else None


def forget_zombie(cluster: Path, socket_directory: Path) -> None:
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
        for path in socket_directory.glob(".s.PGSQL.*"):
            path.unlink(missing_ok=True)


def _process(pid: int) -> tuple[str, str]:
    """(state letter, command line) of a process; both empty when there is none. A slim image has /proc but no `ps`."""
    directory = Path("/proc") / str(pid)
    if Path("/proc/self").exists():
        try:
            state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
            return state, (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (OSError, IndexError):
            return "", ""
    command = ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INITDB_TIMEOUT_S, check=False)
    state, _, line = done.stdout.strip().partition(" ")
    return state, line


def _write_private(path: Path, text: str, binaries: Binaries | None) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    if binaries is not None and binaries.owner is not None:
        os.chown(path, *binaries.owner)
