"""Field specifications of `data`: their JSON form, and the checks compiled from them, once. Pure. SPEC.md 5.

A specification is one of
    {"is":"enum","of":[...]}  {"is":"int","min":a,"max":b}  {"is":"text","max":n}  {"is":"list","of":SPEC,"max":n}
    {"is":"slug"}  {"is":"date"}  {"is":"month"}  {"is":"digest"}  {"is":"amount"}  {"is":"asset"}  {"is":"account"}
    {"is":"fund"}
and `"need":"may"` beside it makes a field optional. Text is for the ledger's own types alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import grammar
from ledger.errors import EntryError
from ledger.times import is_date

Spec = Mapping[str, object]
Check = Callable[[object], bool]

TEXT_MAX = 16_000
LIST_MAX = 1_024
ENUM_MAX = 64

_PLAIN: dict[str, Callable[[str], object]] = {
    "slug": grammar.matches_slug,
    "date": is_date,
    "month": grammar.matches_month,
    "digest": grammar.matches_digest,
    "amount": grammar.matches_amount,
    "asset": grammar.matches_asset,
    "account": grammar.matches_account,
    "fund": grammar.matches_fund,
}


def compile_fields(type_name: str, specs: Mapping[str, Spec]) -> tuple[frozenset[str], dict[str, Check]]:
    """(names that must be present, check per name) of a type's `data`; EntryError `registry-invalid` for a bad one."""
    checks: dict[str, Check] = {}
    needed = set()
    for name, spec in specs.items():
        where = f"{type_name} data.{name}"
        if not grammar.matches_key(name) or not isinstance(spec, Mapping):
            raise _invalid(where, "is not a field name with an object")
        kind = dict(spec)
        if "need" not in kind:
            needed.add(name)
        elif kind.pop("need") != "may":
            raise _invalid(where, "has a need that is not 'may'")
        checks[name] = _compile(where, kind, text_allowed=type_name.startswith("ledger."), list_allowed=True)
    return frozenset(needed), checks


def _compile(where: str, spec: Mapping[str, object], *, text_allowed: bool, list_allowed: bool) -> Check:
    kind = spec.get("is")
    if isinstance(kind, str) and kind in _PLAIN and spec.keys() == {"is"}:
        return _string(_PLAIN[kind])
    if kind == "enum" and spec.keys() == {"is", "of"}:
        return _enum(where, spec["of"])
    if kind == "int" and spec.keys() == {"is", "max", "min"}:
        return _integer(where, spec["min"], spec["max"])
    if kind == "text" and text_allowed and spec.keys() == {"is", "max"}:
        return _text(_limit(where, spec["max"], TEXT_MAX))
    if kind == "list" and list_allowed and spec.keys() == {"is", "max", "of"} and isinstance(spec["of"], Mapping):
        item = _compile(where, spec["of"], text_allowed=text_allowed, list_allowed=False)
        return _list(item, _limit(where, spec["max"], LIST_MAX))
    raise _invalid(where, f"is no specification: {str(dict(spec))[:120]}")


def _string(matches: Callable[[str], object]) -> Check:
    return lambda value: isinstance(value, str) and bool(matches(value))


def _enum(where: str, values: object) -> Check:
    if not isinstance(values, list | tuple) or not 1 <= len(values) <= ENUM_MAX:
        raise _invalid(where, f"does not list 1..{ENUM_MAX} values")
    if any(type(v) is not str or not grammar.matches_slug(v) for v in values) or len(set(values)) != len(values):
        raise _invalid(where, "lists values that are not different slugs")
    allowed = frozenset(values)
    return lambda value: isinstance(value, str) and value in allowed


def _integer(where: str, low: object, high: object) -> Check:
    if type(low) is not int or type(high) is not int or not -grammar.INT_MAX <= low <= high <= grammar.INT_MAX:
        raise _invalid(where, "has no min and max in order within 2^53-1")
    return lambda value: type(value) is int and low <= value <= high


def _text(max_characters: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= max_characters and not grammar.finds_control(value)


def _list(item: Check, items_max: int) -> Check:
    return lambda value: isinstance(value, list | tuple) and len(value) <= items_max and all(map(item, value))


def _limit(where: str, limit: object, most: int) -> int:
    if type(limit) is not int or not 1 <= limit <= most:
        raise _invalid(where, f"has a max that is not an integer of 1..{most}")
    return limit


def _invalid(where: str, what: str) -> EntryError:
    return EntryError("registry-invalid", f"{where[:160]} {what}")
