"""The embedded Postgres: made, started, recovered and stopped by the service that uses it.

fsync stays on. The server listens on a unix socket in a directory of its own, with passwords that never leave the data
directory. A postmaster that outlived its service is stopped before a new one starts: its sessions end with it, so a
zombie of the old service cannot write any more.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import asyncpg

from server.embedded import leftovers, sockets
from server.embedded.binaries import Binaries, Mode, find
from server.errors import StartRefused

ADMIN = "postgres"
SERVICE = "secondwind_service"
DATABASE = "secondwind"
INITDB_TIMEOUT_S = 60.0
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 8.0
POLL_S = 0.01
WATCH_INTERVAL_S = 0.25
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
_FATAL = re.compile(r"(?:FATAL|PANIC): ")


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
        self._socket: Path | None = None
        self._log_start = 0

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
        await leftovers.clear(cluster, self._say)
        owner = binaries.owner[0] if binaries.owner is not None else os.geteuid()
        socket = self._socket = sockets.choose(self._data_dir, owner)
        sockets.make(socket, binaries.owner)
        self._process = self._launch(binaries, cluster, socket)
        sockets.note(self._data_dir, socket)
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
        if self._socket is not None:
            sockets.forget(self._data_dir, self._socket)

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

    def _launch(self, binaries: Binaries, cluster: Path, socket: Path) -> subprocess.Popen[bytes]:
        settings = {**_SETTINGS, "unix_socket_directories": str(socket)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = binaries.home / "postgres.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            self._log_start = output.tell()
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
                    f"The embedded Postgres ended at once: {self._last_words()}.", f"Its log: {self._log_path()}."
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
                        f"The embedded Postgres did not answer within {START_TIMEOUT_S:.0f} s ({self._last_words()}).",
                        f"Its log: {self._log_path()}.",
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

    def _password(self, login: str) -> str:
        path = self._data_dir / "keys" / f"postgres-{login.replace('_', '-')}.password"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_private(path, secrets.token_urlsafe(24), None)
        return path.read_text().strip()

    def _url(self, login: str, *, database: str = DATABASE) -> str:
        # Not started by us: where the running one said it listens, so that a subcommand can share it.
        socket = self._socket or sockets.noted(self._data_dir) or sockets.choose(self._data_dir, os.geteuid())
        host = quote(str(socket), safe="")
        return f"postgresql://{login}:{quote(self._password(login))}@/{database}?host={host}"

    def _log_path(self) -> Path:
        home = self._binaries.home if self._binaries is not None else self._data_dir / "postgres"
        return home / "postgres.log"

    def _last_words(self) -> str:
        """Why it did not start, in its own words: the last fatal line of this start, else the last line."""
        try:
            with self._log_path().open("rb") as log:
                log.seek(self._log_start)
                lines = log.read(LOG_BYTES_MAX).decode(errors="replace").strip().splitlines()
        except OSError:
            return "it left no log"
        fatal = [line for line in lines if _FATAL.search(line)]
        return _FATAL.split((fatal or lines or ["it said nothing"])[-1])[-1].strip().rstrip(".")


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


def _write_private(path: Path, text: str, binaries: Binaries | None) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    if binaries is not None and binaries.owner is not None:
        os.chown(path, *binaries.owner)
