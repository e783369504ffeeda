"""Whom to trust as witnesses, and which logs to witness: the policy file of c2sp.org/tlog-policy. Pure. SPEC.md 16.

    log <vkey> [<url>]                            a log; more lines of one name are keys of one log
    witness <name> <vkey> [<url>]                 a witness, and where to ask it
    group <name> all|any|<k> <member>…            so many of these witnesses and groups
    quorum <name>|none                            what a checkpoint needs; exactly one line

Names are given before they are used, and each stands in one group at most. Lines that begin with `#` say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.errors import MalformedError, NoteError
from ledger.grammar import decode_decimal
from ledger.note import COSIGNATURE, ED25519, VerifyKey

LINES_MAX = 1_000
WITNESSES_MAX = 64
"""So that a note has room for a line of each (ledger.note.SIGNATURES_MAX)."""
NONE = "none"


class PolicyError(MalformedError):
    """A policy file says what it cannot; the sentence names the line."""


class WitnessSpec(NamedTuple):
    """One witness: its name in this file, its key, and the prefix of its address, if it is to be asked."""

    name: str
    key: VerifyKey
    url: str | None


class Group(NamedTuple):
    """At least `needed` of these members."""

    needed: int
    members: tuple[str, ...]


@dataclass(slots=True)
class WitnessPolicy:
    """A policy that was read. `logs`: the keys of each log, by name; `quorum` is None for `none`."""

    logs: dict[str, list[VerifyKey]] = field(default_factory=dict)
    witnesses: dict[str, WitnessSpec] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None

    def satisfied(self, cosigned: Collection[VerifyKey]) -> bool:
        """Whether cosignatures by these keys are the quorum. Always true for `quorum none`: see `quorum`."""
        return self.quorum is None or self._holds(self.quorum, cosigned)

    def quorum_value(self, values: Mapping[VerifyKey, int]) -> int | None:
        """The largest number n such that the keys whose value is at least n are the quorum; None if none is.

        With times it says when a quorum last stood, with sizes how far a quorum has come.
        """
        for value in sorted(set(values.values()), reverse=True):
            if self.quorum is not None and self.satisfied([key for key, own in values.items() if own >= value]):
                return value
        return None

    def _holds(self, name: str, cosigned: Collection[VerifyKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].key in cosigned
        group = self.groups[name]
        return sum(self._holds(member, cosigned) for member in group.members) >= group.needed


def parse(text: str) -> WitnessPolicy:
    """Reads a policy file; PolicyError names the first line that is wrong."""
    policy = WitnessPolicy()
    quorums = 0
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        raise PolicyError(f"the policy has {len(lines)} lines, at most {LINES_MAX}")
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            _KINDS[words[0]](policy, words[1:])
        except KeyError:
            raise PolicyError(f"line {number}: {words[0][:40]!r} is none of {', '.join(_KINDS)}") from None
        except (NoteError, PolicyError, ValueError) as error:
            raise PolicyError(f"line {number}: {error}") from error
        quorums += words[0] == "quorum"
    if quorums != 1:
        raise PolicyError(f"the policy has {quorums} lines that begin with `quorum`, not one")
    return policy


def format_policy(policy: WitnessPolicy) -> str:
    """The policy as a file, which `parse` reads back; names in the order in which they were given."""
    lines = [f"log {key.vkey}" for keys in policy.logs.values() for key in keys]
    lines += [" ".join(filter(None, ("witness", w.name, w.key.vkey, w.url))) for w in policy.witnesses.values()]
    lines += [" ".join(("group", name, str(g.needed), *g.members)) for name, g in policy.groups.items()]
    return "".join(f"{line}\n" for line in [*lines, f"quorum {policy.quorum or NONE}"])


def _log(policy: WitnessPolicy, words: list[str]) -> None:
    _expect(words, 1, 2, "log <vkey> [<url>]")
    key = VerifyKey.parse(words[0])
    if key.algorithm != ED25519:
        raise PolicyError(f"the key of log {key.name[:80]!r} is not of type 01")
    policy.logs.setdefault(key.name, []).append(key)


def _witness(policy: WitnessPolicy, words: list[str]) -> None:
    _expect(words, 2, 3, "witness <name> <vkey> [<url>]")
    _check_new(policy, words[0])
    if len(policy.witnesses) == WITNESSES_MAX:
        raise PolicyError(f"there are more than {WITNESSES_MAX} witnesses")
    key = VerifyKey.parse(words[1])
    if key.algorithm != COSIGNATURE:
        raise PolicyError(f"the key of witness {words[0][:80]!r} is not of type 04")
    if any(key.key == other.key.key for other in policy.witnesses.values()):
        raise PolicyError(f"the key of witness {words[0][:80]!r} is that of another: it would count twice")
    url = words[2] if len(words) > 2 else None  # noqa: PLR2004 - the third word of three
    if url is not None and not url.startswith(("http://", "https://")):
        raise PolicyError(f"{url[:200]!r} is no address that begins with https:// or http://")
    policy.witnesses[words[0]] = WitnessSpec(words[0], key, url.rstrip("/") if url else None)


def _group(policy: WitnessPolicy, words: list[str]) -> None:
    _expect(words, 3, LINES_MAX, "group <name> all|any|<k> <member>…")
    name, count, *members = words
    _check_new(policy, name)
    taken = {member for group in policy.groups.values() for member in group.members}
    for member in members:
        if member not in policy.witnesses and member not in policy.groups:
            raise PolicyError(f"member {member[:80]!r} is no witness and no group above this line")
        if member in taken:
            raise PolicyError(f"member {member[:80]!r} stands in a group already")
        taken.add(member)
    needed = {"all": len(members), "any": 1}.get(count)
    needed = decode_decimal(count) if needed is None else needed
    if not 1 <= needed <= len(members):
        raise PolicyError(f"{needed} of {len(members)} members cannot be asked for")
    policy.groups[name] = Group(needed, tuple(members))


def _quorum(policy: WitnessPolicy, words: list[str]) -> None:
    _expect(words, 1, 1, "quorum <name>|none")
    if words[0] != NONE and words[0] not in policy.witnesses and words[0] not in policy.groups:
        raise PolicyError(f"quorum {words[0][:80]!r} is no witness and no group above this line")
    policy.quorum = None if words[0] == NONE else words[0]


def _expect(words: list[str], least: int, most: int, form: str) -> None:
    if not least <= len(words) <= most:
        raise PolicyError(f"it is not `{form}`")


def _check_new(policy: WitnessPolicy, name: str) -> None:
    if name == NONE or name in policy.witnesses or name in policy.groups:
        raise PolicyError(f"the name {name[:80]!r} is taken")


_KINDS: dict[str, Callable[[WitnessPolicy, list[str]], None]] = {
    "log": _log,
    "witness": _witness,
    "group": _group,
    "quorum": _quorum,
}
