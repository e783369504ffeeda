"""merkle.json, proofs.json and slots.json: trees over the eight reference inputs of Certificate Transparency."""

from __future__ import annotations

from typing import Any

from ledger import canonical, merkle, note, proof, slots
from ledger.checkpoint import Checkpoint
from ledger.grammar import encode_base64
from ledger.registry import TypeSpec
from tests.vectors import logs

LEAVES = [
    bytes.fromhex(h)
    for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", bytes(range(96, 112)).hex())
]
HASHES = [canonical.leaf_hash(leaf) for leaf in LEAVES]
KEY = note.SigningKey("ledger.example.org/main", bytes(range(32)))
SIZE_MAX = 8

COSIGNATURE = (
    "\u2014 witness.example.org/w1 88CAtgAAAABkGFDLtNGpN6fjr8uxNYSgtfhSDu+IHD0ltaJq7+Bt5o/NGjaw5cSDIFLL8CXpFnkJ"
    "Ahute5sdrvOLvm5Xb7NkuYELBw==\n"
)
"""A witness's line, made elsewhere, over the checkpoint of all eight leaves."""


def merkle_vectors() -> dict[str, Any]:
    """Roots, every inclusion and consistency proof up to eight leaves, and spoiled ones."""
    roots = [merkle.root(HASHES[:size]) for size in range(SIZE_MAX + 1)]
    inclusion = [
        _inclusion(index, size, proof.inclusion(_read(size), index, size), roots[size])
        for size in range(1, SIZE_MAX + 1)
        for index in range(size)
    ]
    consistency = [
        _consistency(old, new, roots[old], roots[new], proof.consistency(_read(new), old, new))
        for new in range(SIZE_MAX + 1)
        for old in range(new + 1)
    ]
    return {
        "leaves": [leaf.hex() for leaf in LEAVES],
        "leaf_hashes": [encode_base64(h) for h in HASHES],
        "roots": [encode_base64(h) for h in roots],
        "inclusion": inclusion,
        "inclusion_bad": _bad_inclusion(roots),
        "consistency": consistency,
        "consistency_bad": _bad_consistency(roots),
    }


def _read(size: int) -> proof.Read:
    return lambda nodes: [merkle.root(HASHES[:size][i << level : (i + 1) << level]) for level, i in nodes]


def _inclusion(index: int, size: int, path: list[bytes], root: bytes, leaf: bytes | None = None) -> dict[str, Any]:
    leaf_hash = HASHES[index % SIZE_MAX] if leaf is None else leaf
    return {
        "leaf_hash": encode_base64(leaf_hash),
        "index": index,
        "size": size,
        "path": [encode_base64(h) for h in path],
        "root": encode_base64(root),
    }


def _consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> dict[str, Any]:
    return {
        "old_size": old,
        "new_size": new,
        "old_root": encode_base64(old_root),
        "new_root": encode_base64(new_root),
        "path": [encode_base64(h) for h in path],
    }


def _bad_inclusion(roots: list[bytes]) -> list[dict[str, Any]]:
    bad = []
    for size in range(1, SIZE_MAX + 1):
        for index in range(size):
            path, root = proof.inclusion(_read(size), index, size), roots[size]
            bad += [
                ("another leaf", _inclusion(index, size, path, root, bytes(32))),
                ("another root", _inclusion(index, size, path, bytes(32))),
                ("a hash too many", _inclusion(index, size, [*path, bytes(32)], root)),
                ("an index outside", _inclusion(size + index, size, path, root)),
            ]
            if path:
                bad += [
                    ("a hash too few", _inclusion(index, size, path[:-1], root)),
                    ("a short hash", _inclusion(index, size, [path[0][:31], *path[1:]], root)),
                    ("a hash changed", _inclusion(index, size, [bytes(32), *path[1:]], root)),
                    ("another index", _inclusion(index, size, path, root) | {"index": index ^ 1}),
                ]
    empty = ("no leaves at all", _inclusion(0, 0, [], roots[0]))
    return [{"name": name, **case} for name, case in [empty, *bad]]


def _bad_consistency(roots: list[bytes]) -> list[dict[str, Any]]:
    bad = []
    for new in range(1, SIZE_MAX + 1):
        for old in range(new + 1):
            path, ends = proof.consistency(_read(new), old, new), (roots[old], roots[new])
            bad.append(("a hash too many", _consistency(old, new, *ends, [*path, bytes(32)])))
            bad.append(("another old root", _consistency(old, new, bytes(32), ends[1], path)))
            if old:
                bad.append(("another new root", _consistency(old, new, ends[0], bytes(32), path)))
            if path:
                bad.append(("a hash too few", _consistency(old, new, *ends, path[1:])))
                bad.append(("a hash changed", _consistency(old, new, *ends, [*path[:-1], bytes(32)])))
                bad.append(("sizes exchanged", _consistency(new, old, ends[1], ends[0], path)))
    return [{"name": name, **case} for name, case in bad]


def proof_vectors() -> dict[str, Any]:
    """tlog-proof files, each with the entry and key to judge it by."""
    good = [
        (f"leaf {index} of {size}", LEAVES[index], _tlog_proof(index, size))
        for size in (1, 5, 8)
        for index in sorted({0, 3 % size, size - 1})
    ]
    cosigned = _tlog_proof(3, 8) + COSIGNATURE
    good.append(("with a cosignature", LEAVES[3], cosigned))
    text = _tlog_proof(3, 8)
    good.append(("with extra data", LEAVES[3], text.replace("\nindex", "\nextra AAEC\nindex", 1)))
    head, separator, tail = text.partition("\n\n")
    lines = head.split("\n")

    def of(*new_lines: str) -> str:
        return "\n".join(new_lines) + separator + tail

    bad = [
        ("another entry", text, LEAVES[4]),
        ("empty", "", LEAVES[3]),
        ("another version", text.replace("@v1", "@v2"), LEAVES[3]),
        ("no first line", text.partition("\n")[2], LEAVES[3]),
        ("no index", of(lines[0], *lines[2:]), LEAVES[3]),
        ("two indexes", of(*lines[:2], *lines[1:]), LEAVES[3]),
        ("index out of the tree", of(lines[0], "index 11", *lines[2:]), LEAVES[3]),
        *(
            (f"index {i!a}", of(lines[0], f"index {i}", *lines[2:]), LEAVES[3])
            for i in ("+3", " 3", "03", "3_", "-3", "\u0663", "")
        ),
        ("a hash too few", of(*lines[:-1]), LEAVES[3]),
        ("a hash too many", of(*lines, lines[-1]), LEAVES[3]),
        ("hashes exchanged", of(*lines[:2], lines[3], lines[2], lines[4]), LEAVES[3]),
        ("a hash of 31 bytes", of(*lines[:-1], encode_base64(bytes(31))), LEAVES[3]),
        ("a hash with a letter that is none", of(*lines[:-1], lines[-1][:-2] + "!="), LEAVES[3]),
        ("a hash with stray bits", of(*lines[:-1], lines[-1][:-2] + chr(ord(lines[-1][-2]) + 1) + "="), LEAVES[3]),
        ("64 hashes", of(*lines[:2], *[lines[2]] * 64), LEAVES[3]),
        ("line ends of Windows", text.replace("\n", "\r\n"), LEAVES[3]),
        ("no empty line", head + "\n" + tail, LEAVES[3]),
        ("a second empty line", head + "\n\n\n" + tail, LEAVES[3]),
        ("extra after index", of(*lines[:2], "extra AAEC", *lines[2:]), LEAVES[3]),
        ("extra that is no base64", of(lines[0], "extra AAE", *lines[1:]), LEAVES[3]),
        ("checkpoint of another size", text.replace("main\n8\n", "main\n9\n"), LEAVES[3]),
        ("checkpoint signed by another key", head + separator + _other_note(), LEAVES[3]),
        ("no checkpoint", head + separator, LEAVES[3]),
    ]
    return {
        "key": KEY.vkey,
        "good": [{"name": name, "entry": encode_base64(leaf), "proof": text} for name, leaf, text in good],
        "bad": [{"name": name, "entry": encode_base64(leaf), "proof": text} for name, text, leaf in bad],
    }


def _tlog_proof(index: int, size: int) -> str:
    checkpoint_note = KEY.sign(Checkpoint(KEY.name, size, merkle.root(HASHES[:size])).text())
    return proof.format_tlog_proof(index, proof.inclusion(_read(size), index, size), checkpoint_note)


def _other_note() -> str:
    other = note.SigningKey(KEY.name, bytes(32))
    return other.sign(Checkpoint(KEY.name, 8, merkle.root(HASHES)).text())


def slot_vectors() -> dict[str, Any]:
    """Slot hashes of two types, openings of each slot, and openings that show nothing."""
    filled: list[tuple[TypeSpec, dict[str, Any]]] = [
        (
            logs.GIFT,
            {"nonce": "n-0001", "giver": "Ada \u00e9\U0001f3e0\n", "books_entry": 7, "request": [[0, "ab", "-5"]]},
        ),
        (logs.HELP, {"line_00": {"amount": "8125", "b": [1]}, "line_15": -(2**53 - 1)}),
    ]
    good, bad = [], []
    for spec, values in filled:
        salts = logs.salts(spec)
        hashes, root = slots.build(spec, values, salts)
        openings = [slots.opening(spec, s.name, values.get(s.name), salts[i], hashes) for i, s in enumerate(spec.slots)]
        good.append(
            {
                "type": spec.name,
                "root": encode_base64(root),
                "slot_hashes": [encode_base64(hashes[i : i + 32]) for i in range(0, len(hashes), 32)],
                "openings": [_opening(o) for o in openings],
            }
        )
        bad += [
            {"slot_count": len(spec.slots), "root": encode_base64(root), **case} for case in _bad_openings(openings)
        ]
    return {"good": good, "bad": bad}


def _opening(shown: slots.Opening) -> dict[str, Any]:
    return {
        "type": shown.type,
        "i": shown.index,
        "name": shown.name,
        "value": shown.value,
        "salt": encode_base64(shown.salt),
        "path": [encode_base64(h) for h in shown.path],
    }


def _bad_openings(openings: list[slots.Opening]) -> list[dict[str, Any]]:
    first, other = _opening(openings[0]), _opening(openings[1])
    spoiled: list[tuple[str, dict[str, Any]]] = [
        ("another value", {"value": "n-0002"}),
        ("null for a value", {"value": None} if first["value"] is not None else {"value": ""}),
        ("a value of another kind", {"value": ["n-0001"]}),
        ("a float", {"value": 1.5}),
        ("a boolean", {"value": True}),
        ("null inside a value", {"value": [None]}),
        ("an integer beyond 2^53-1", {"value": 2**53}),
        ("another salt", {"salt": other["salt"]}),
        ("a short salt", {"salt": encode_base64(bytes(31))}),
        ("another name", {"name": other["name"]}),
        ("another index", {"i": 1}),
        ("a negative index", {"i": -1}),
        ("an index outside", {"i": len(openings)}),
        ("another type", {"type": "giving.gift.received.v2"}),
        ("a hash too few", {"path": first["path"][:-1]}),
        ("a hash too many", {"path": [*first["path"], first["path"][0]]}),
        ("the path of another slot", {"path": other["path"]}),
        ("hashes exchanged", {"path": first["path"][::-1]}),
        ("a short hash", {"path": [encode_base64(bytes(31)), *first["path"][1:]]}),
    ]
    return [{"name": name, "opening": {**first, **changes}} for name, changes in spoiled]
