"""Reading the policy file that the setting SECONDWIND_WITNESSES names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import witness_policy
from ledger.witness_policy import PolicyError, WitnessPolicy
from server.errors import StartRefused

if TYPE_CHECKING:
    from pathlib import Path


def read_policy(path: Path | None) -> WitnessPolicy:
    """The policy in a file; without one, nobody is asked and no log is witnessed. StartRefused names the wrong line."""
    if path is None:
        return WitnessPolicy()
    try:
        return witness_policy.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"The policy {path} cannot be read ({type(error).__name__}).", "Correct the path.") from None
    except PolicyError as error:
        raise StartRefused(f"The policy {path} is wrong: {error}.", "Correct it (c2sp.org/tlog-policy).") from None
