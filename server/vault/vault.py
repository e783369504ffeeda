"""Sealing and opening: slots of entries, bodies of the inbox, and keyed hashes that only this service can make.

Values and salts of one entry's slots are sealed with XChaCha20-Poly1305 under a key of that entry alone, one per key
group; the entry key is wrapped by the service key. Associated data binds a box to its log and its slot root, so a box
cannot be moved to another entry (design/ledger.md 3).
"""

from __future__ import annotations

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
from ledger.types import SealedBox, SealedSlots
from server.vault.errors import KeyDestroyed, KeyMissing, Tampered
from server.vault.keystore import KEY_BYTES, FileKeyStore, KeyStore

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.registry import TypeSpec

NONCE_BYTES = 24
DAY_KEY_DAYS_MAX = 35
SERVICE_KEY = "service"
_DAY_KEY_PREFIXES = ("inbox",)


class Vault:
    """Everything that needs a secret key which Postgres must not hold. Thread-safe; no method awaits.

    `now` returns the wall clock (UTC); it only chooses the day key. `random` returns that many random bytes.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._now = now
        self._random = random
        self._cache: dict[str, bytes] = {}
        self._derived: dict[str, bytes] = {}
        self._service = self._make(SERVICE_KEY)

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
        key_id = f"{purpose}-{self._now():%Y-%m-%d}" if purpose in _DAY_KEY_PREFIXES else SERVICE_KEY
        nonce = self._random(NONCE_BYTES)
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, _seal_context(key_id), nonce, self._make(key_id))
        return key_id, nonce + sealed

    def open(self, key_id: str, sealed: bytes) -> bytes:
        """Return what `seal` was given. Raises `KeyDestroyed` when the day key is gone, `Tampered` otherwise."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                ciphertext, _seal_context(key_id), nonce, self._load(key_id)
            )
        except CryptoError:
            raise Tampered(key_id) from None

    def destroy_old_day_keys(self) -> list[str]:
        """Destroy day keys older than 35 days and return their ids: what they sealed is gone, in backups too."""
        oldest = f"{self._now() - timedelta(days=DAY_KEY_DAYS_MAX):%Y-%m-%d}"
        old = [
            k
            for k in self._store.ids()
            for p in _DAY_KEY_PREFIXES
            if k.startswith(f"{p}-") and k[len(p) + 1 :] < oldest
        ]
        for key_id in old:
            self._store.destroy(key_id)
            self._cache.pop(key_id, None)
        return old

    def seal_slots(self, origin: str, spec: TypeSpec, values: Mapping[str, Any]) -> SealedSlots:
        """Commit to `values` (absent names are null) and seal them; only the result's `root` is ever published.

        Raises ledger.errors.EntryError for a name that `spec` does not have and for a value that JSON cannot hold.
        """
        salts = [self._random(SALT_BYTES) for _ in spec.slots]
        slot_hashes, root = slots.build(spec, values, salts)
        boxes = []
        for group in dict.fromkeys(slot.group for slot in spec.slots):
            content = {
                slot.name: [base64.b64encode(salt).decode(), values.get(slot.name)]
                for slot, salt in zip(spec.slots, salts, strict=True)
                if slot.group == group
            }
            boxes.append(self._seal_box(group, origin, root, orjson.dumps(content)))
        return SealedSlots(root=root, slot_hashes=slot_hashes, boxes=tuple(boxes))

    def open_slots(self, origin: str, spec: TypeSpec, sealed: SealedSlots, root: bytes) -> dict[str, Any]:
        """Return the slots' values by name. Slots of an erased group are absent from the answer.

        Every value is held against the commitment in `root`; `Tampered` says that one does not fit it.
        """
        committed = [sealed.slot_hashes[i : i + HASH_BYTES] for i in range(0, len(sealed.slot_hashes), HASH_BYTES)]
        if merkle.root(committed) != root:
            raise Tampered("slot root")
        values: dict[str, Any] = {}
        salts: dict[str, bytes] = {}
        for box in sealed.boxes:
            try:
                content = orjson.loads(self._open_box(box, origin, root))
            except KeyDestroyed:
                continue
            for name, (salt, value) in content.items():
                values[name] = value
                salts[name] = base64.b64decode(salt)
        for index, slot in enumerate(spec.slots):
            if slot.name in values:
                mine = slots.slot_hash(spec.name, index, slot.name, values[slot.name], salts[slot.name])
                if mine != committed[index]:
                    raise Tampered(f"slot {slot.name}")
        return values

    def _seal_box(self, group: Group, origin: str, root: bytes, plaintext: bytes) -> SealedBox:
        entry_key = self._random(KEY_BYTES)
        nonce = self._random(NONCE_BYTES)
        wrap_nonce = self._random(NONCE_BYTES)
        context = _box_context(origin, root)
        wrapped = crypto_aead_xchacha20poly1305_ietf_encrypt(entry_key, context, wrap_nonce, self._service)
        ciphertext = crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, context, nonce, entry_key)
        return SealedBox(group, SERVICE_KEY, wrap_nonce + wrapped, nonce, ciphertext)

    def _open_box(self, box: SealedBox, origin: str, root: bytes) -> bytes:
        context = _box_context(origin, root)
        wrapping_key = self._load(box.key_id)
        try:
            entry_key = crypto_aead_xchacha20poly1305_ietf_decrypt(
                box.wrapped_key[NONCE_BYTES:], context, box.wrapped_key[:NONCE_BYTES], wrapping_key
            )
            return crypto_aead_xchacha20poly1305_ietf_decrypt(box.ciphertext, context, box.nonce, entry_key)
        except CryptoError:
            raise Tampered(box.key_id) from None

    def _make(self, key_id: str) -> bytes:
        """Return the key, creating it on first use; a fresh key is durable before anything is sealed with it."""
        key = self._cache.get(key_id) or self._store.load(key_id) or self._store.create(key_id, self._random(KEY_BYTES))
        self._cache[key_id] = key
        return key

    def _load(self, key_id: str) -> bytes:
        key = self._cache.get(key_id) or self._store.load(key_id)
        if key is None:
            if key_id == SERVICE_KEY:
                raise KeyMissing(key_id)
            raise KeyDestroyed(key_id)
        self._cache[key_id] = key
        return key


def _seal_context(key_id: str) -> bytes:
    return b"secondwind/seal/v1\n" + key_id.encode()


def _box_context(origin: str, root: bytes) -> bytes:
    """Associated data of slots: they open only in the log and under the root they were sealed for."""
    return b"secondwind/enc/v1\n" + origin.encode() + b"\n" + root


def vault_at(directory: Path) -> Vault:
    """A vault with keys of its own below `directory`, for tests and throw-away tools."""
    return Vault(FileKeyStore(directory / "keys"))


def fingerprint(key: bytes) -> str:
    """Eight characters that tell two keys apart without telling anything about them."""
    return hashlib.sha256(b"secondwind/fingerprint/v1\n" + key).hexdigest()[:8]
