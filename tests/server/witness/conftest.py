"""A small real log whose checkpoints are to be witnessed."""

from __future__ import annotations

from tests.server.public.conftest import log

__all__ = ["log"]
