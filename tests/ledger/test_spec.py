"""SPEC.md says what the code does: its example is an entry, its tables the registry, its codes all there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import orjson

import ledger
from ledger import canonical
from ledger.registry import LEDGER_TYPES, Registry
from tests.ledger import made
from tests.vectors import logs, make

FOLDER = Path(ledger.__file__).parent
SPEC = (FOLDER / "SPEC.md").read_text("utf-8")
CODES = set(re.findall(r"`([a-z]+-[a-z-]+|rollback|fork|truncated)`", SPEC.split("## 14. Codes")[1]))
MODULES = (
    "canonical",
    "document",
    "grammar",
    "times",
    "postings",
    "guards",
    "slots",
    "schema",
    "registry",
    "declared",
    "balances",
    "keys",
    "phases",
    "verify",
)


def json_blocks() -> list[str]:
    return re.findall(r"```json\n(.*?)```", SPEC, re.DOTALL)


def test_the_example_of_the_specification_is_an_entry() -> None:
    example = orjson.dumps(json.loads(json_blocks()[0]), option=orjson.OPT_SORT_KEYS)
    assert example == made.BYTES
    canonical.parse_entry(example)


def test_the_example_of_a_registry_is_part_of_one() -> None:
    example = json.loads(json_blocks()[1])
    document = json.loads(Registry().to_text())
    document["types"] |= example["types"]
    document["guards"] = example["guards"]
    registry = Registry.parse(canonical.encode(document, dotted_keys=True).decode())
    assert registry.types[logs.GIFT.name].slots == logs.GIFT_SLOTS


def test_every_code_that_the_code_raises_stands_in_the_table_and_in_a_rule() -> None:
    raised = set()
    for module in MODULES:
        raised |= set(
            re.findall(
                r'(?:EntryError\(|_check_text_hash\(.*)\s*"([a-z-]+)"', (FOLDER / f"{module}.py").read_text("utf-8")
            )
        )
    rules = SPEC.split("## 14. Codes")[0]
    assert raised <= CODES
    assert {code for code in CODES if f"`{code}`" not in rules} == {"head-mismatch"}


def test_every_code_of_a_vector_stands_in_the_table() -> None:
    vectors = make.vectors()
    given = {case["code"] for case in vectors["entries-bad.json"]["cases"]} | {
        case["code"] for case in vectors["notes.json"]["bad"]
    }
    assert given <= CODES


def test_the_ledgers_own_types_and_their_fields_stand_in_the_table() -> None:
    for spec in LEDGER_TYPES:
        row = next(line for line in SPEC.splitlines() if line.startswith("| `ledger.") and f"`{spec.name}`" in line)
        assert set(spec.data) <= set(re.findall(r"`([a-z0-9_]+)`", row)), spec.name


def test_the_map_names_every_pure_module() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    missing = [
        path.name for path in FOLDER.glob("*.py") if "Pure" in path.read_text("utf-8")[:600] and path.name not in readme
    ]
    assert missing == []
