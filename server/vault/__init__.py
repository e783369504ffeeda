"""Keys, sealing and opening of private parts. Keys live in files outside Postgres (design/ledger.md 3, attacks D1).

VaultError
├── KeyDestroyed    the key named by a sealed value is gone on purpose: what it sealed is erased
├── KeyMissing      a key that must exist does not; the remedy stands in the sentence
├── EpochMissing    the safe is not there, or a copy of people's keys is older than it: nobody is erased by that
└── Tampered        sealed bytes were changed, or belong to another log or entry
"""

from __future__ import annotations

from server.vault.epochs import Epochs
from server.vault.errors import EpochMissing, KeyDestroyed, KeyMissing, Tampered, VaultError
from server.vault.keystore import FileKeyStore, KeyStore
from server.vault.subject_file import FileSubjectKeys
from server.vault.subjects import Holder, Subject, SubjectKeys
from server.vault.vault import SERVICE_KEY, Vault, vault_at

__all__ = [
    "SERVICE_KEY",
    "EpochMissing",
    "Epochs",
    "FileKeyStore",
    "FileSubjectKeys",
    "Holder",
    "KeyDestroyed",
    "KeyMissing",
    "KeyStore",
    "Subject",
    "SubjectKeys",
    "Tampered",
    "Vault",
    "VaultError",
    "vault_at",
]
