"""Sealing and opening: slots of entries, bodies of the inbox, and keyed hashes that only this service can make.

Values and salts of one entry's slots are sealed under a key of that entry alone, one per key group; the entry key is
wrapped by the keys of the person concerned, or by the service key where there is none (design/ledger.md 3).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from ledger import merkle, slots
from ledger.grammar import HASH_BYTES
from ledger.slots import SALT_BYTES, Group
from ledger.types import SealedSlots
from server.grouped import Grouped
from server.vault import boxes
from server.vault.boxes import NONCE_BYTES
from server.vault.errors import KeyDestroyed, KeyMissing, Tampered
from server.vault.keystore import KEY_BYTES, FileKeyStore, KeyStore
from server.vault.subjects import KEY_ID_PREFIXES, Holder, Subject, SubjectKeys, WrappingKey

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.registry import TypeSpec

DAY_KEY_DAYS_MAX = 35
SERVICE_KEY = "service"
_DAY_KEY_PREFIXES = ("inbox",)


class Vault:
    """Everything that needs a secret key which Postgres must not hold. Thread-safe; only `hold` awaits.

    `subjects` are the keys of people; without them everything is wrapped by the service key. `safe` is where keys lie
    that must not outlive their day in a backup: those of the inbox; `store` where it is not given.
    `now` returns the wall clock (UTC); it only chooses the day key. `random` returns that many random bytes.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        subjects: SubjectKeys | None = None,
        safe: KeyStore | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._subjects = subjects
        self._safe = safe or store
        self._now = now
        self._random = random
        self._cache: dict[str, bytes] = {}
        self._derived: dict[str, bytes] = {}
        self._service = self._make(self._store, SERVICE_KEY)
        self._holding = None if subjects is None else _grouped(subjects)

    def keyed_hash(self, purpose: str, value: str | bytes) -> bytes:
        """Return 32 bytes that only this service can compute for `value`; different purposes never collide."""
        key = self._derived.get(purpose)
        if key is None:
            key = self._derived[purpose] = hmac.digest(
                self._service, b"secondwind/purpose/v1\n" + purpose.encode(), "sha256"
            )
        return hmac.digest(key, value.encode() if isinstance(value, str) else value, "sha256")

    def seal(self, purpose: str, plaintext: bytes) -> tuple[str, bytes]:
        """Seal `plaintext`; return the key's id and nonce ‖ ciphertext.

        The purpose `inbox` uses a key of this day, which `destroy_old_day_keys` removes after 35 days (attacks D3).
        """
        key_id, key = SERVICE_KEY, self._service
        if purpose in _DAY_KEY_PREFIXES:
            key_id = f"{purpose}-{self._now():%Y-%m-%d}"
            key = self._make(self._safe, key_id)
        nonce = self._random(NONCE_BYTES)
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, _seal_context(key_id), nonce, key)
        return key_id, nonce + sealed

    def open(self, key_id: str, sealed: bytes) -> bytes:
        """Return what `seal` was given. Raises `KeyDestroyed` when the day key is gone, `Tampered` otherwise."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        key = self._load(key_id)
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, _seal_context(key_id), nonce, key)
        except (CryptoError, ValueError):  # the latter for what is shorter than its own seal
            raise Tampered(key_id) from None

    def destroy_old_day_keys(self) -> list[str]:
        """Destroy day keys older than 35 days and return their ids: what they sealed is gone, in backups too."""
        oldest = f"{self._now() - timedelta(days=DAY_KEY_DAYS_MAX):%Y-%m-%d}"
        destroyed = []
        for store in (self._store,) if self._safe is self._store else (self._store, self._safe):
            for key_id in store.ids():
                prefix, _, day = key_id.partition("-")
                if prefix in _DAY_KEY_PREFIXES and day <= oldest:
                    store.destroy(key_id)
                    self._cache.pop(key_id, None)
                    destroyed.append(key_id)
        return destroyed

    async def hold(self, subject: Subject) -> Holder | None:
        """Return the subject's keys, durable before this returns; None in a vault that holds no keys of people.

        Those asked for at once are made in one write. Raises VaultError.
        """
        return None if self._holding is None else await self._holding.call(subject)

    def holder_of(self, sealed: SealedSlots) -> Holder:
        """Return the keys that an entry is sealed under, so that what follows from it is sealed under the same.

        A key that is destroyed, and that of a group whose box is gone, is None.
        """
        keys: dict[Group, WrappingKey] = {}
        for box in sealed.boxes:
            try:
                keys[box.group] = WrappingKey(box.key_id, self._load(box.key_id))
            except KeyDestroyed:
                continue
        return Holder(keys.get("identity"), keys.get("audit"))

    def seal_slots(
        self, origin: str, spec: TypeSpec, values: Mapping[str, Any], holder: Holder | None = None
    ) -> SealedSlots:
        """Commit to `values` (absent names are null) and seal them; only the result's `root` is ever published.

        `holder`: the keys of whom it is about; None is the service itself. Where one of his keys is destroyed, that
        group is committed to and not kept: it is erased from the beginning.
        Raises ledger.errors.EntryError for a name that `spec` does not have and for a value that JSON cannot hold.
        """
        salts = [self._random(SALT_BYTES) for _ in spec.slots]
        slot_hashes, root = slots.build(spec, values, salts)
        service = WrappingKey(SERVICE_KEY, self._service)
        by = holder or Holder(service, service)
        sealed = []
        for group in dict.fromkeys(slot.group for slot in spec.slots):
            key = by.identity if group == "identity" else by.audit
            content = {
                slot.name: [base64.b64encode(salt).decode(), values.get(slot.name)]
                for slot, salt in zip(spec.slots, salts, strict=True)
                if slot.group == group
            }
            if key is not None:
                bound_to = boxes.context(origin, root)
                sealed.append(boxes.seal(group, key, bound_to, orjson.dumps(content), self._random))
        return SealedSlots(root=root, slot_hashes=slot_hashes, boxes=tuple(sealed))

    def open_slots(self, origin: str, spec: TypeSpec, sealed: SealedSlots, root: bytes) -> dict[str, Any]:
        """Return the slots' values by name. Slots of an erased group are absent from the answer.

        Every value is held against the commitment in `root`; `Tampered` says that one does not fit it.
        """
        return {name: value for name, (_, value) in self.salted(origin, spec, sealed, root).items()}

    def salted(self, origin: str, spec: TypeSpec, sealed: SealedSlots, root: bytes) -> dict[str, tuple[bytes, Any]]:
        """As `open_slots`, each value with its salt: what an opening shows. Hand out one slot, never the answer."""
        committed = [sealed.slot_hashes[i : i + HASH_BYTES] for i in range(0, len(sealed.slot_hashes), HASH_BYTES)]
        if merkle.root(committed) != root:
            raise Tampered("slot root")
        found: dict[str, tuple[bytes, Any]] = {}
        for box in sealed.boxes:
            try:
                content = orjson.loads(boxes.unseal(box, self._load(box.key_id), boxes.context(origin, root)))
            except KeyDestroyed:
                continue
            found |= {name: (base64.b64decode(salt), value) for name, (salt, value) in content.items()}
        for index, slot in enumerate(spec.slots):
            if slot.name in found:
                salt, value = found[slot.name]
                if slots.slot_hash(spec.name, index, slot.name, value, salt) != committed[index]:
                    raise Tampered(f"slot {slot.name}")
        return found

    def _make(self, store: KeyStore, key_id: str) -> bytes:
        """Return the key, creating it on first use; a fresh key is durable before anything is sealed with it."""
        key = self._cache.get(key_id) or store.load(key_id) or store.create(key_id, self._random(KEY_BYTES))
        self._cache[key_id] = key
        return key

    def _load(self, key_id: str) -> bytes:
        if key_id.startswith(KEY_ID_PREFIXES):
            return self._load_subject(key_id)
        key = self._cache.get(key_id) or self._safe.load(key_id) or self._store.load(key_id)
        if key is None:
            raise KeyDestroyed(key_id)
        self._cache[key_id] = key
        return key

    def _load_subject(self, key_id: str) -> bytes:
        """Never remembered: another process may destroy it at any time, and then it must be gone here too."""
        if self._subjects is None:
            raise KeyMissing(key_id)
        key = self._subjects.load(key_id)
        if key is None:
            raise KeyDestroyed(key_id)
        return key


def _grouped(subjects: SubjectKeys) -> Grouped[Subject, Holder]:
    """Many who ask, one durable write in a thread of its own."""

    async def ensure(wanted: list[Subject]) -> list[Holder]:
        return await asyncio.to_thread(subjects.ensure, wanted)

    return Grouped(ensure)


def _seal_context(key_id: str) -> bytes:
    return b"secondwind/seal/v1\n" + key_id.encode()


def vault_at(directory: Path) -> Vault:
    """A vault with keys of its own below `directory`, for tests and throw-away tools."""
    return Vault(FileKeyStore(directory / "keys"))


def fingerprint(key: bytes) -> str:
    """Eight characters that tell two keys apart without telling anything about them."""
    return hashlib.sha256(b"secondwind/fingerprint/v1\n" + key).hexdigest()[:8]
