"""`secondwind keys` and `secondwind token`."""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

from ledger import note
from ledger.note import SigningKey
from server.birth import log_of
from server.cli.progress import line
from server.cli.settings import load
from server.errors import StartRefused
from server.identity.tokens import TokenIssuer, TokenRefused
from server.keyring import SUBJECTS, Keyring, safe_dirs
from server.settings import Settings
from server.vault import FileKeyStore, Vault

_WHAT = {
    "service": "wraps every sealed value; without it private parts are lost",
    "promise": "signs the promises that givers get",
    "writer": "signs every batch that is appended",
    "recovery": "the offline recovery key: move it to a safe and delete it here",
}


def keys_list(options: argparse.Namespace) -> int:
    """List the keys by name, file and purpose, never their bytes; and what the public may know of those that sign."""
    settings = load(options)
    directory = _directory(settings)
    for name in FileKeyStore(directory).ids():
        path = directory / f"{name}.key"
        print(f"{name:<20} {path.stat().st_mode & 0o777:04o}  {_purpose(name)}")
    print(f"in {directory}")
    if (directory / SUBJECTS).exists():
        safes = " and ".join(str(path) for path in safe_dirs(settings))
        print(f"people's keys are in {SUBJECTS} there, wrapped by keys of the weeks in {safes}")
    for log, vkey in local_vkeys(settings.data_dir.resolve()).items():
        print(f"verification key of {log}: {vkey}")
    return 0


def local_vkeys(data_dir: Path) -> dict[str, str]:
    """The key that signed each log's newest checkpoint, by log; from the files, so that no database is asked.

    A log that has not published a checkpoint yet is left out: its origin, which the key is named after, is not known.
    Where two keys are in force it is that of the log's birth, which more people know.
    """
    store = FileKeyStore(data_dir / "keys")
    found: dict[str, str] = {}
    for name in store.ids():
        log = log_of(name)
        seed = store.load(name) if log is not None else None
        if log is None or seed is None or not (data_dir / "publish" / log / "checkpoint").exists():
            continue
        checkpoint = (data_dir / "publish" / log / "checkpoint").read_text(encoding="utf-8")
        key = SigningKey(checkpoint.partition("\n")[0], seed)
        if key.line(note.split(checkpoint)[0]) in checkpoint:
            found.setdefault(log, key.vkey)
    return found


def keys_rewrap(options: argparse.Namespace) -> int:
    """Wrap people's keys by this week's epoch key and destroy what is too old; the service does so by itself."""
    settings = load(options)
    _directory(settings)
    keyring = Keyring.open(settings)
    keyring.check()
    done = keyring.subjects.rewrap(lambda keys: line(f"{keys} keys"))
    line("")
    keyring.subjects.close()
    print(f"{done.keys} keys wrapped anew; entries are as they were.")
    for epoch in done.destroyed:
        print(f"{epoch} is destroyed: copies of the keys that are older open nothing more of people's.")
    return 0


def keys_backup(options: argparse.Namespace) -> int:
    """Copy the keys, and say what to do with the copy."""
    settings = load(options)
    source = _directory(settings)
    target: Path = options.directory
    if target.exists() and any(target.iterdir()):
        raise StartRefused(
            f"{target} is not empty.", "Choose a new directory, so that no older copy is mixed with this one."
        )
    try:
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(f"{SUBJECTS}*"))
        target.chmod(0o700)
        if (source / SUBJECTS).exists():
            keyring = Keyring.open(settings)
            keyring.subjects.copy_to(target / SUBJECTS)
            keyring.subjects.close()
    except OSError as error:
        raise StartRefused(
            f"The keys could not be copied to {target} ({error.strerror}).", "Choose another directory."
        ) from None
    print(f"{len(list(target.iterdir()))} files copied to {target}.")
    print("Keep them apart from the database's backup: together they open what is sealed.")
    print("People's keys open with the safe only, while it holds the weeks they are wrapped by.")
    return 0


async def token(options: argparse.Namespace) -> int:
    """Issue a token for this instance's service."""
    from server.cli.admin import public_origin

    settings = load(options)
    vault = Vault(FileKeyStore(_directory(settings)))
    issuer = TokenIssuer(vault.keyed_hash("token-signing-key", "v1"), await public_origin(settings))
    try:
        print(issuer.issue(options.sub, options.role, int(time.time()), options.lifetime_s))
    except TokenRefused as error:
        raise StartRefused(f"No token: {error}.", "") from None
    return 0


def _directory(settings: Settings) -> Path:
    directory = settings.data_dir.resolve() / "keys"
    if not directory.is_dir():
        raise StartRefused(
            f"There are no keys in {directory}.", "Start the service once, or choose another --data-dir."
        )
    return directory


def _purpose(name: str) -> str:
    if (log := log_of(name)) is not None:
        return f"signs the checkpoints of {log}"
    if name.startswith("inbox-"):
        return "seals the provider's notices of one day; destroyed after 35 days"
    return _WHAT.get(name, "")
