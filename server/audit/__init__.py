"""The log `audit`: who was shown, given, refused or changed what is protected (design/ledger.md 1, attacks D7)."""

from __future__ import annotations

from server.audit.events import AUDIT_TYPES, Record
from server.audit.trail import AuditTrail

__all__ = ["AUDIT_TYPES", "AuditTrail", "Record"]
