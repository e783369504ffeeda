"""The registry: which types of event a log knows and what each may say, as one entry of that log. Pure. SPEC.md 5.

Whoever holds the log holds its rules: a verifier needs no other source to judge an entry's data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, Self

import orjson

from ledger import canonical, guards, schema
from ledger.errors import EntryError
from ledger.grammar import matches_key, matches_type
from ledger.guards import Guard
from ledger.policies import PEOPLE_FLOOR, PEOPLE_MIN
from ledger.schema import Spec
from ledger.slots import GROUPS, SLOT_COUNTS, SlotSpec
from ledger.types import Entry


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """One type of event. `data`: field name to specification (schema.py). `slots`: none, 8 or 16, in order.

    `postings` "some" means at least one, "none" none. `refers` says whether `refers_to` must, may or must not stand.
    `guards` are those, by fund, that an entry of this type may not leave below zero: it is a decision, not a fact.
    """

    name: str
    data: Mapping[str, Spec] = field(default_factory=dict)
    postings: Literal["none", "some"] = "none"
    slots: tuple[SlotSpec, ...] = ()
    refers: Literal["none", "may", "must"] = "none"
    guards: tuple[str, ...] = ()


_DIGEST: Spec = {"is": "digest"}
_VKEY: Spec = {"is": "text", "max": 300}
_SIZE: Spec = {"is": "int", "max": 2**53 - 1, "min": 0}
_KEY_CHANGE: Mapping[str, Spec] = {"key": _VKEY, "signature": {"is": "text", "max": 300}, "size": _SIZE}


def _text(max_characters: int) -> Spec:
    return {"is": "text", "max": max_characters}


def _enum(*values: str) -> Spec:
    return {"is": "enum", "of": list(values)}


LEDGER_TYPES = (
    TypeSpec(
        "ledger.log.opened.v1",
        {
            "format": _enum("secondwind-log-v1"),
            "key": _VKEY,
            "mode": _enum("demo", "test", "live"),
            "nonce": _text(24),
            "recovery_key": _VKEY,
            "time_zone": _text(64),
        },
    ),
    TypeSpec("ledger.registry.published.v1", {"registry": _text(schema.TEXT_MAX), "sha256": _DIGEST}),
    TypeSpec(
        "ledger.account.declared.v1",
        {
            "account": {"is": "account"},
            "assets": {"is": "list", "max": 16, "of": {"is": "asset"}},
            "code": {"is": "slug", "need": "may"},
            "normal": _enum("debit", "credit"),
            "title": _text(60),
        },
    ),
    TypeSpec(
        "ledger.fund.declared.v1",
        {"fund": {"is": "fund"}, "restriction": _enum("none", "restricted", "unrestricted"), "title": _text(60)},
    ),
    TypeSpec("ledger.policy.changed.v1", {"from": {"is": "month"}, "policy": _text(8_000), "sha256": _DIGEST}),
    TypeSpec("ledger.period.closed.v1", {"balances": _DIGEST, "registry": _DIGEST}),
    TypeSpec("ledger.anchor.recorded.v1", {"commitment": _DIGEST}),
    TypeSpec("ledger.key.introduced.v1", _KEY_CHANGE),
    TypeSpec("ledger.key.retired.v1", _KEY_CHANGE),
    TypeSpec("ledger.books.attested.v1", {"note": _text(4_000)}),
    TypeSpec("ledger.signer.recovered.v1", {"reason": _text(500), "size": _SIZE}),
    TypeSpec("ledger.incident.declared.v1", {"text": _text(2_000)}),
)
"""The ledger's own types: the same in every log, part of every registry."""

EXTENDED = TypeSpec("ledger.registry.extended.v1", {"registry": _text(schema.TEXT_MAX), "sha256": _DIGEST})
"""The ledger's own as well, in each log whose registry lists it: more types than one entry holds come with these."""


class Registry:
    """Types and guards of one log. The ledger's own types are always among them."""

    def __init__(self, types: Iterable[TypeSpec] = (), guards: Iterable[Guard] = ()) -> None:
        """EntryError `registry-invalid` for a specification that is not one, and for one name with two meanings."""
        self.types: dict[str, TypeSpec] = {}
        for spec in (*LEDGER_TYPES, *types):
            if spec.name == EXTENDED.name and spec != EXTENDED:
                raise EntryError("registry-invalid", f"type {spec.name} is the ledger's own, and otherwise")
            if self.types.setdefault(spec.name, spec) != spec:
                raise EntryError("registry-invalid", f"type {spec.name[:120]} is given twice, differently")
        self.guards = {guard.name: guard for guard in guards}
        self._fields = {name: _compile(spec) for name, spec in self.types.items()}
        for spec in self.types.values():
            self._check_guards(spec)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `data.registry`; EntryError `registry-invalid` unless it is exactly what `to_text` writes."""
        types, held = _read(text)
        registry = cls(types, held)
        if missing := sorted(registry.types.keys() - {spec.name for spec in types}):
            raise EntryError("registry-invalid", f"the registry lacks the ledger's own type {missing[0]}")
        return registry

    def extended(self, text: str) -> Self:
        """This registry and what an extension's `data.registry` adds. EntryError `registry-invalid`.

        An extension says what is new and nothing else.
        """
        types, held = _read(text)
        for kind, names, known in (
            ("type", [spec.name for spec in types], self.types.keys()),
            ("guard", [guard.name for guard in held], self.guards.keys()),
        ):
            if again := sorted(known & set(names)):
                raise EntryError("registry-invalid", f"{kind} {again[0]} was published before")
        if not types and not held:
            raise EntryError("registry-invalid", "the extension adds nothing")
        return type(self)((*self.types.values(), *types), (*self.guards.values(), *held))

    def to_text(self) -> str:
        """Canonical JSON, the value of `data.registry`."""
        return to_text(self.types.values(), self.guards.values())

    def sha256(self) -> bytes:
        """Hash of `to_text()`, as `data.sha256` and period closes state it."""
        return sha256(self.to_text().encode()).digest()

    def _check_guards(self, spec: TypeSpec) -> None:
        if list(spec.guards) != sorted(set(spec.guards)) or (spec.guards and spec.postings == "none"):
            raise EntryError("registry-invalid", f"{spec.name} has guards without postings, or not in order")
        for name in spec.guards:
            if name not in self.guards or self.guards[name].by != "fund":
                raise EntryError(
                    "registry-invalid", f"{spec.name} is held to {str(name)[:80]!r}, which is no guard by fund"
                )

    def check_data(self, type_name: str, data: Mapping[str, object]) -> bool:
        """True if `data` fits the type, False if the type is unknown; EntryError `data-invalid` if it does not fit."""
        if type_name not in self._fields:
            return False
        needed, checks = self._fields[type_name]
        if not needed <= data.keys():
            raise EntryError("data-invalid", f"{type_name} lacks data.{min(needed - data.keys())}")
        for name, value in data.items():
            check = checks.get(name)
            if check is None:
                raise EntryError("data-invalid", f"{type_name} has no data.{name[:80]}")
            if not check(value):
                raise EntryError("data-invalid", f"{type_name} data.{name} may not be {str(value)[:80]!r}")
        return True


def to_text(types: Iterable[TypeSpec], held: Iterable[Guard]) -> str:
    """Canonical JSON of these types and guards, as registries and their extensions state them."""
    document = {
        "guards": {g.name: {"accounts": sorted(g.accounts), "by": g.by, "sign": g.sign} for g in held},
        "types": {
            spec.name: {
                "data": {name: dict(value) for name, value in spec.data.items()},
                "postings": spec.postings,
                "refers": spec.refers,
                "slots": [[slot.name, slot.group] for slot in spec.slots],
                **({"guards": list(spec.guards)} if spec.guards else {}),
            }
            for spec in types
        },
    }
    return canonical.encode(document, dotted_keys=True).decode()


def _read(text: str) -> tuple[list[TypeSpec], list[Guard]]:
    try:
        document: Any = orjson.loads(text)
        canonical_text = canonical.encode(document, dotted_keys=True).decode()
    except (orjson.JSONDecodeError, EntryError) as error:
        raise EntryError("registry-invalid", f"the registry is not canonical JSON: {error}") from error
    if type(document) is not dict or document.keys() != {"guards", "types"} or canonical_text != text:
        raise EntryError("registry-invalid", "the registry is not a canonical object of guards and types")
    if type(document["guards"]) is not dict or type(document["types"]) is not dict:
        raise EntryError("registry-invalid", "guards and types are not objects")
    types = [_parse_type(name, spec) for name, spec in document["types"].items()]
    return types, [guards.parse(guard, name) for name, guard in document["guards"].items()]


def _compile(spec: TypeSpec) -> tuple[frozenset[str], dict[str, schema.Check]]:
    name = spec.name
    if not matches_type(name):
        raise EntryError("registry-invalid", f"type {name[:120]!r} is not of the form slice.noun.verb.v1")
    if spec.postings not in ("none", "some") or spec.refers not in ("none", "may", "must"):
        raise EntryError("registry-invalid", f"{name} has postings or refers of no known kind")
    slot_names = [slot.name for slot in spec.slots]
    if slot_names and len(slot_names) not in SLOT_COUNTS:
        raise EntryError("registry-invalid", f"{name} has {len(slot_names)} slots, not 0, 8 or 16")
    if len(set(slot_names)) != len(slot_names) or not all(map(matches_key, slot_names)):
        raise EntryError("registry-invalid", f"{name} has slots without a name each of its own")
    if any(slot.group not in GROUPS for slot in spec.slots):
        raise EntryError("registry-invalid", f"{name} has slots in groups other than {' and '.join(GROUPS)}")
    fields = schema.compile_fields(name, spec.data)
    people = spec.data.get(PEOPLE_MIN)
    if people is not None and (people["is"] != "int" or int(str(people["min"])) < PEOPLE_FLOOR):
        raise EntryError("registry-invalid", f"{name} would allow groups of fewer than {PEOPLE_FLOOR} people")
    return fields


def _parse_type(name: str, spec: object) -> TypeSpec:
    if type(spec) is not dict or spec.keys() - {"guards"} != {"data", "postings", "refers", "slots"}:
        raise EntryError(
            "registry-invalid", f"type {name[:120]!r} is not an object of data, postings, refers and slots"
        )
    slots, data = spec["slots"], spec["data"]
    if type(data) is not dict or type(slots) is not list:
        raise EntryError("registry-invalid", f"type {name[:120]!r} has no object of data or no list of slots")
    pairs = []
    for slot in slots:
        if type(slot) is not list or [type(part) for part in slot] != [str, str]:
            raise EntryError("registry-invalid", f"type {name[:120]!r} has a slot that is not [name, group]")
        pairs.append(SlotSpec(slot[0], slot[1]))
    held = spec.get("guards", ["none"])  # absent when there are none, never empty
    if type(held) is not list or not held or any(type(guard) is not str for guard in held):
        raise EntryError("registry-invalid", f"type {name[:120]!r} has guards that are not a list of names")
    held = held if "guards" in spec else []
    return TypeSpec(name, data, spec["postings"], tuple(pairs), spec["refers"], tuple(held))


def check_members(entry: Entry, spec: TypeSpec) -> None:
    """Returns if the entry has the members that its type asks for; EntryError otherwise. SPEC.md 5."""
    if bool(spec.slots) != (entry.private_root is not None):
        raise EntryError("private-invalid", f"{entry.type} has {len(spec.slots)} slots, private does not fit that")
    if (spec.postings == "some") != bool(entry.postings):
        raise EntryError("data-invalid", f"{entry.type} has postings: {spec.postings}, the entry {len(entry.postings)}")
    if (spec.refers == "must" and not entry.refers_to) or (spec.refers == "none" and entry.refers_to):
        raise EntryError("refers-invalid", f"{entry.type} has refers_to: {spec.refers}")
