"""cosignatures.json and promises.json: what witnesses said of a checkpoint, and what a log promised a giver."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from ledger import merkle, note, promise
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner
from ledger.grammar import encode_base64
from ledger.note import SigningKey
from ledger.promise import Promise
from tests.vectors.trees import COSIGNATURE, HASHES, KEY

ONE = Cosigner("witness.example.org/w1", bytes(range(32, 64)))
TWO = Cosigner("witness.example.org/w2", bytes(range(64, 96)))
TEXT = Checkpoint(KEY.name, 8, merkle.root(HASHES)).text()
SIGNED = KEY.sign(TEXT)
PROMISE_KEY = SigningKey(promise.key_name(KEY.name), bytes([3]) * 32)
PROMISED = Promise(
    KEY.name, "alone", bytes(32), promise.giver_hash("n-0001"), "2500", "USD/2", "rent", 1_788_264_600_000_000
)


def cosignature_vectors() -> dict[str, Any]:
    """Notes under a log's key with the newest time of each witness asked for; and notes that those condemn."""
    one, two = ONE.line(TEXT, 20), TWO.line(TEXT, 2**53 - 1)
    both = [ONE.vkey, TWO.vkey]
    good: list[tuple[str, str, list[str], dict[str, int]]] = [
        ("made elsewhere", SIGNED + COSIGNATURE, [ONE.vkey], {ONE.verify_key.name: 1_679_315_147}),
        ("nobody", SIGNED, both, {}),
        ("one of two", SIGNED + one, both, {ONE.verify_key.name: 20}),
        ("both", SIGNED + two + one, both, {ONE.verify_key.name: 20, TWO.verify_key.name: 2**53 - 1}),
        ("one was not asked for", SIGNED + one + two, [ONE.vkey], {ONE.verify_key.name: 20}),
        ("one twice", SIGNED + ONE.line(TEXT, 30) + one, [ONE.vkey], {ONE.verify_key.name: 30}),
        ("time 0", SIGNED + ONE.line(TEXT, 0), [ONE.vkey], {ONE.verify_key.name: 0}),
    ]
    blob = (1 << 60).to_bytes(8, "big") + bytes(64)
    bad = [
        ("of another checkpoint", SIGNED + ONE.line(TEXT.replace("\n8\n", "\n9\n"), 20)),
        ("another time", SIGNED + _line(ONE, (21).to_bytes(8, "big") + _blob(one)[8:])),
        ("a good one beside a wrong one", SIGNED + one + _line(ONE, blob)),
        ("no signature after the time", SIGNED + _line(ONE, blob[:8])),
        ("a byte too many", SIGNED + _line(ONE, _blob(one) + b"\x00")),
    ]
    return {
        "log": KEY.vkey,
        "good": [{"name": name, "note": text, "keys": keys, "times": times} for name, text, keys, times in good],
        "bad": [{"name": name, "note": text, "keys": [ONE.vkey]} for name, text in bad],
    }


def promise_vectors() -> dict[str, Any]:
    """Promises with what is said for their key; the log's key; and spoiled ones."""
    vouched = promise.vouch(PROMISE_KEY.verify_key, KEY)
    good = [
        ("alone", PROMISED),
        ("together", replace(PROMISED, way="together", amount="1", asset="JPY", commitment=bytes(range(32)))),
    ]
    text = PROMISED.text()
    twin = SigningKey(PROMISE_KEY.name, bytes([4]) * 32)
    bad = [
        ("another amount", PROMISE_KEY.sign(text).replace("2500", "2501"), vouched),
        ("another key of its name", twin.sign(text), vouched),
        ("signed by the log itself", KEY.sign(text), vouched),
        ("vouched for by another log", PROMISE_KEY.sign(text), promise.vouch(PROMISE_KEY.verify_key, twin)),
        ("of another log", PROMISE_KEY.sign(text.replace("/main", "/other")), vouched),
        ("no way", PROMISE_KEY.sign(text.replace("alone", "never")), vouched),
        ("an amount of zeroes", PROMISE_KEY.sign(text.replace("2500", "02500")), vouched),
        ("a time without microseconds", PROMISE_KEY.sign(text.replace(".000000Z", "Z")), vouched),
        ("a line too many", PROMISE_KEY.sign(f"{text}more\n"), vouched),
        ("a promise for a key", PROMISE_KEY.sign(text), KEY.sign(text)),
    ]
    return {
        "key": KEY.vkey,
        "good": [
            {"name": name, "promise": PROMISE_KEY.sign(made.text()), "key": vouched, "members": _members(made)}
            for name, made in good
        ],
        "bad": [{"name": name, "promise": signed, "key": said} for name, signed, said in bad],
    }


def _members(made: Promise) -> dict[str, Any]:
    return {name: encode_base64(v) if isinstance(v, bytes) else v for name, v in asdict(made).items()}


def _blob(line: str) -> bytes:
    return note.split(f"{TEXT}\n{line}")[1][0].data


def _line(witness: Cosigner, data: bytes) -> str:
    return note.format_line(note.Signature(witness.verify_key.name, witness.verify_key.key_id, data))
