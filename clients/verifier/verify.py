#!/usr/bin/env python3
"""Verify a SecondWind log: python3 -I verify.py SOURCE --key VKEY [--first-use FILE | --trusted FILE] [options].

One file, Python 3.9 or newer, standard library only; it imports nothing of the service that it judges. SOURCE is the
address of a log (http://127.0.0.1:8080/ledger) or a directory laid out the same way (checkpoint, tile/...).

It reads every entry and recomputes everything: the signature over the newest checkpoint, each entry's canonical bytes,
the chain from entry to entry, the Merkle tree over all of them, sums per currency and fund, declared accounts and
funds, times and months, the schema of every entry. Memory does not grow with the log.

Exit codes
  0  verified, and compared with something seen before or elsewhere (--trusted, --first-use, --seen)
  1  FAILED: the log breaks a rule or contradicts what was seen; the code, the position and a sentence say how
  2  could not tell: consistent in itself but seen by nobody outside, unknown types, no key, network trouble

Rules: ledger/SPEC.md of the project; formats: C2SP signed notes, checkpoints, tiles, tlog-proofs; RFC 6962 trees.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import http.client
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any, NoReturn

VERSION = "1"
ENTRY_BYTES_MAX = 16_384
DEPTH_MAX = 4
POSTINGS_MAX = 64
REFERS_MAX = 32
INT_MAX = 2**53 - 1
NOTE_BYTES_MAX = 65_536
SIGNATURES_MAX = 100
TILE_WIDTH = 256
BUNDLE_BYTES_MAX = TILE_WIDTH * (65_535 + 2)
DOWNLOAD_TIMEOUT_S = 30
DOWNLOAD_TOTAL_S = 120
ATTEMPTS_MAX = 3
SAMPLED_TILES = 8
SHAPES_MAX = 32
EMPTY_HASH = hashlib.sha256(b"").digest()


class Failed(Exception):
    """The log breaks a rule: exit 1."""

    def __init__(self, code: str, sentence: str, position: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.position = position


class CannotTell(Exception):
    """Nothing can be said: exit 2."""


# ---------------------------------------------------------------------------------------------------------------------
# Base64, decimals and the alphabet of names. Each text has one value and each value one text.

_DIGEST = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", re.ASCII)
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_KEY = re.compile(r"[a-z0-9_]+", re.ASCII)
_ORIGIN = re.compile(r"[a-z0-9][a-z0-9._~:/-]{0,199}", re.ASCII)
_TYPE = re.compile(r"[a-z]+\.[a-z_]+\.[a-z_]+\.v[1-9][0-9]*", re.ASCII)
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])", re.ASCII)
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z", re.ASCII)
_ACCOUNT = re.compile(
    r"(?:assets|liabilities|income|expenses|equity|points|stock|tokens|entitlements|uses|budget)(?::[a-z0-9_]+)+",
    re.ASCII,
)
_MONEY_ROOTS = ("assets", "liabilities", "income", "expenses", "equity")
_ASSET = re.compile(r"[A-Z][A-Z0-9_:.-]{0,31}(?:/[0-9]{1,2})?", re.ASCII)
_FUND = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_AMOUNT = re.compile(r"-?[1-9][0-9]{0,30}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==", re.ASCII)
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    """Canonical standard base64 only; ValueError otherwise."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
    if b64(data) != text:
        raise ValueError("not canonical base64")
    return data


def decimal(text: str) -> int:
    """ASCII digits without a sign, blanks or leading zeros; ValueError otherwise."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a decimal: %r" % text[:40])
    return int(text)


# ---------------------------------------------------------------------------------------------------------------------
# Ed25519 (RFC 8032), verification only, in plain integers. Slow and simple: a few signatures per run.

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_SQRT_M1 = pow(2, (_P - 1) // 4, _P)
Point = tuple[int, int, int, int]


def _recover_x(y: int, sign: int) -> int | None:
    if y >= _P:
        return None  # not the canonical encoding of the coordinate
    x2 = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (_P + 3) // 8, _P)
    if (x * x - x2) % _P:
        x = x * _SQRT_M1 % _P
    if (x * x - x2) % _P:
        return None
    return _P - x if (x & 1) != sign else x


def _decode_point(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = _recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % _P)


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _multiply(scalar: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _same(p: Point, q: Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % _P == 0 and (p[1] * q[2] - q[1] * p[2]) % _P == 0


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = _recover_x(_BASE_Y, 0) or 0
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
_IDENTITY: Point = (0, 1, 1, 0)


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """RFC 8032 verification that also refuses S >= L and points of small order, on which verifiers disagree."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = _decode_point(public), _decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= _L:
        return False
    if _same(_multiply(8, a), _IDENTITY) or _same(_multiply(8, r), _IDENTITY):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    return _same(_multiply(s, _BASE), _add(r, _multiply(k, a)))


# ---------------------------------------------------------------------------------------------------------------------
# Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint).


class VerifyKey:
    """A verification key: `<name>+<8 hex>+<base64(type || key)>`, Ed25519 only."""

    def __init__(self, vkey: str) -> None:
        """ValueError when the text is not such a key."""
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not parts[0] or not re.fullmatch(r"[0-9a-f]{8}", parts[1]) or re.search(r"\s", vkey):
            raise ValueError("a key looks like name+1a2b3c4d+base64")
        blob = unb64(parts[2])
        if len(blob) != 33 or blob[0] != 1:
            raise ValueError("only Ed25519 keys (type 1) are known here")
        self.text = vkey
        self.name = parts[0]
        self.public = blob[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + blob).digest()[:4]
        if self.id.hex() != parts[1]:
            raise ValueError("the key's own identifier does not fit it; was it copied whole?")


class Checkpoint:
    """A signed tree head."""

    def __init__(self, origin: str, size: int, root: bytes, note: str) -> None:
        self.origin = origin
        self.size = size
        self.root = root
        self.note = note


def open_note(data: bytes, key: VerifyKey) -> str:
    """The text that `key` signed. Failed for a malformed note, a missing or a wrong signature."""
    if len(data) > NOTE_BYTES_MAX:
        raise Failed("checkpoint-malformed", "the note is larger than %d bytes" % NOTE_BYTES_MAX)
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Failed("checkpoint-malformed", "the note is not UTF-8") from None
    if re.search("[\x00-\x09\x0b-\x1f]", note) or not note.endswith("\n"):
        raise Failed("checkpoint-malformed", "the note has control characters or does not end in a line feed")
    cut = note.rfind("\n\n")
    if cut < 0 or cut + 2 == len(note):
        raise Failed("checkpoint-malformed", "the note has no text or no signatures")
    text, lines = note[: cut + 1], note[cut + 2 : -1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise Failed("checkpoint-malformed", "the note has more than %d signatures" % SIGNATURES_MAX)
    found = False
    for line in lines:
        match = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/=]+)", line)
        if not match or not match[1].isprintable():
            raise Failed("checkpoint-malformed", "a signature line is not of its form")
        try:
            blob = unb64(match[2])
        except ValueError:
            raise Failed("checkpoint-malformed", "a signature is not base64") from None
        if len(blob) < 5:
            raise Failed("checkpoint-malformed", "a signature is too short")
        if match[1] == key.name and blob[:4] == key.id:
            if not ed25519_verifies(key.public, text.encode(), blob[4:]):
                raise Failed("signature-invalid", "the signature of %s is not valid" % key.name)
            found = True
    if not found:
        raise Failed("signature-missing", "the note is not signed by %s" % key.text)
    return text


def open_checkpoint(data: bytes, key: VerifyKey) -> Checkpoint:
    """The checkpoint that the log's key signed."""
    lines = open_note(data, key).split("\n")
    if len(lines) != 4 or lines[3]:
        raise Failed("checkpoint-malformed", "a checkpoint has three lines: origin, size, root")
    try:
        size = decimal(lines[1])
    except ValueError:
        raise Failed("checkpoint-malformed", "the size is not a decimal") from None
    if not _DIGEST.fullmatch(lines[2]):
        raise Failed("checkpoint-malformed", "the root is not a hash")
    if lines[0] != key.name:
        raise Failed("log-mismatch", "the checkpoint is of %r, the key is of %r" % (lines[0][:80], key.name))
    root = unb64(lines[2])
    if size == 0 and root != EMPTY_HASH:
        raise Failed("checkpoint-malformed", "the root of an empty log is the hash of nothing")
    return Checkpoint(lines[0], size, root, data.decode("utf-8"))


# ---------------------------------------------------------------------------------------------------------------------
# Trees (RFC 6962): a frontier that grows, and proofs.


def leaf_hash(data: bytes) -> bytes:
    """Hash of an entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees of a growing tree, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.hashes: list[bytes] = []

    def append(self, node: bytes) -> None:
        """Add one leaf."""
        index = self.size
        hashes = self.hashes
        while index & 1:
            node = hashlib.sha256(b"\x01" + hashes.pop() + node).digest()
            index >>= 1
        hashes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Root over what was added."""
        if not self.hashes:
            return EMPTY_HASH
        result = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            result = node_hash(left, result)
        return result


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    frontier = Frontier()
    for node in hashes:
        frontier.append(node)
    return frontier.root()


def inclusion_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion path leads to; ValueError when its length does not fit."""
    if not 0 <= index < size:
        raise ValueError("index outside the tree")
    inner = (index ^ (size - 1)).bit_length()
    border = bin(index >> inner).count("1")
    if len(path) != inner + border:
        raise ValueError("the path has %d hashes, not %d" % (len(path), inner + border))
    result = leaf
    for level, sibling in enumerate(path[:inner]):
        result = node_hash(sibling, result) if (index >> level) & 1 else node_hash(result, sibling)
    for sibling in path[inner:]:
        result = node_hash(sibling, result)
    return result


# ---------------------------------------------------------------------------------------------------------------------
# Sources: a URL or a directory, read with bounds.


class Source:
    """Where the log's files come from."""

    def read(self, path: str, bytes_max: int) -> bytes:
        """The bytes of one file; CannotTell when it cannot be had."""
        raise CannotTell(path)


class Directory(Source):
    """A directory of tiles."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, path: str, bytes_max: int) -> bytes:
        """One file below the directory."""
        try:
            with (self._path / path).open("rb") as file:
                data = file.read(bytes_max + 1)
        except OSError as error:
            raise CannotTell("%s cannot be read: %s" % (path, error.strerror)) from None
        if len(data) > bytes_max:
            raise CannotTell("%s is larger than %d bytes" % (path, bytes_max))
        return data


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Web(Source):
    """A log served over HTTP. Redirects are refused: what is verified is what was asked for."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.rstrip("/")
        self._opener = urllib.request.build_opener(_NoRedirect)

    def read(self, path: str, bytes_max: int) -> bytes:
        """One file, bounded in bytes and seconds, tried three times."""
        reason = ""
        for attempt in range(ATTEMPTS_MAX):
            try:
                return self._read_within(path, bytes_max, DOWNLOAD_TOTAL_S)
            except urllib.error.HTTPError as error:
                reason = "HTTP %d" % error.code
                if error.code < 500 and error.code != 429:
                    break
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = type(error).__name__
            time.sleep(0.2 * (attempt + 1))
        raise CannotTell("%s/%s cannot be had: %s" % (self._prefix, path, reason))

    def _read_within(self, path: str, bytes_max: int, seconds: float) -> bytes:
        """A socket's timeout begins anew with every byte. So the whole, from looking up the name on, is waited for here."""
        answer: list[bytes] = []
        trouble: list[BaseException] = []

        def read() -> None:
            try:
                answer.append(self._read_once(path, bytes_max))
            except BaseException as error:
                trouble.append(error)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(seconds)
        if trouble:
            raise trouble[0]
        if not answer:
            raise CannotTell("%s/%s takes longer than %g s" % (self._prefix, path, seconds))
        return answer[0]

    def _read_once(self, path: str, bytes_max: int) -> bytes:
        request = urllib.request.Request(
            "%s/%s" % (self._prefix, path), headers={"User-Agent": "secondwind-verify/%s" % VERSION}
        )
        with self._opener.open(request, timeout=DOWNLOAD_TIMEOUT_S) as response:
            chunks: list[bytes] = []
            total = 0
            while True:
                chunk = response.read1(65_536)
                if not chunk:
                    return b"".join(chunks)
                total += len(chunk)
                if total > bytes_max:
                    raise CannotTell("%s is larger than %d bytes" % (path, bytes_max))
                chunks.append(chunk)


def tile_path(level: str, n: int, width: int) -> str:
    """Path of a tile or bundle (C2SP tlog-tiles)."""
    parts = ["%03d" % (n % 1000)]
    while n >= 1000:
        n //= 1000
        parts.append("x%03d" % (n % 1000))
    path = "tile/%s/%s" % (level, "/".join(reversed(parts)))
    return path if width == TILE_WIDTH else "%s.p/%d" % (path, width)


def bundle(source: Source, n: int, width: int) -> list[bytes]:
    """The entries of one bundle; CannotTell or Failed("truncated")."""
    data = source.read(tile_path("entries", n, width), BUNDLE_BYTES_MAX)
    entries: list[bytes] = []
    offset = 0
    while offset < len(data):
        if offset + 2 > len(data):
            raise Failed("truncated", "the bundle ends inside a length", n * TILE_WIDTH + len(entries))
        length = int.from_bytes(data[offset : offset + 2], "big")
        entry = data[offset + 2 : offset + 2 + length]
        if len(entry) != length:
            raise Failed("truncated", "the bundle ends inside an entry", n * TILE_WIDTH + len(entries))
        entries.append(entry)
        offset += 2 + length
    if len(entries) < width:
        raise Failed("truncated", "the log ends before its checkpoint's size", n * TILE_WIDTH + len(entries))
    return entries[:width]


# ---------------------------------------------------------------------------------------------------------------------
# What this version knows of types. A log that declares one of them differently is refused.


def _enum(*values: str) -> dict[str, Any]:
    return {"is": "enum", "of": list(values)}


def _text(limit: int) -> dict[str, Any]:
    return {"is": "text", "max": limit}


def _kind(name: str) -> dict[str, Any]:
    return {"is": name}


def _slots(*names: str) -> list[list[str]]:
    """Slots as "name/group"; i stands for identity, a for audit."""
    groups = {"i": "identity", "a": "audit"}
    return [[name[:-2], groups[name[-1]]] for name in names]


def _spec(
    data: dict[str, Any], postings: str = "none", refers: str = "none", slots: Sequence[list[str]] = ()
) -> dict[str, Any]:
    return {"data": data, "postings": postings, "refers": refers, "slots": list(slots)}


_SIZE = {"is": "int", "max": INT_MAX, "min": 0}
_KEY_CHANGE = {"key": _text(300), "signature": _text(300), "size": _SIZE}
_LEDGER_TYPES: dict[str, dict[str, Any]] = {
    "ledger.log.opened.v1": _spec(
        {
            "format": _enum("secondwind-log-v1"),
            "key": _text(300),
            "mode": _enum("demo", "test", "live"),
            "nonce": _text(24),
            "recovery_key": _text(300),
            "time_zone": _text(64),
        }
    ),
    "ledger.registry.published.v1": _spec({"registry": _text(16_000), "sha256": _kind("digest")}),
    "ledger.account.declared.v1": _spec(
        {
            "account": _kind("account"),
            "assets": {"is": "list", "max": 16, "of": _kind("asset")},
            "code": {"is": "slug", "need": "may"},
            "normal": _enum("debit", "credit"),
            "title": _text(60),
        }
    ),
    "ledger.fund.declared.v1": _spec(
        {"fund": _kind("fund"), "restriction": _enum("none", "restricted", "unrestricted"), "title": _text(60)}
    ),
    "ledger.policy.changed.v1": _spec({"from": _kind("month"), "policy": _text(8_000), "sha256": _kind("digest")}),
    "ledger.period.closed.v1": _spec({"balances": _kind("digest"), "registry": _kind("digest")}),
    "ledger.anchor.recorded.v1": _spec({"commitment": _kind("digest")}),
    "ledger.key.introduced.v1": _spec(_KEY_CHANGE),
    "ledger.key.retired.v1": _spec(_KEY_CHANGE),
    "ledger.books.attested.v1": _spec({"note": _text(4_000)}),
    "ledger.signer.recovered.v1": _spec({"reason": _text(500), "size": _SIZE}),
    "ledger.incident.declared.v1": _spec({"text": _text(2_000)}),
}
_VIA = _enum("bank", "cash", "kind", "processor")
_BEARER = _enum("charity", "giver")
_GIFT = {
    "effective_on": _kind("date"),
    "fee_borne_by": _BEARER,
    "via": _VIA,
    "visibility": _enum("hidden", "live", "quiet"),
}
_GIFT_SLOTS = _slots(
    "nonce/i", "owners/a", "giver/i", "contact/i", "provider_objects/a", "method/i", "note/i", "request/a"
)
_KNOWN: dict[str, dict[str, dict[str, Any]]] = {
    "ledger": {
        **_LEDGER_TYPES,
        "giving.gift.received.v1": _spec(
            {"via": _VIA},
            "some",
            slots=_slots(
                "nonce/i", "books_entry/a", "giver/i", "dedication/i", "employer/i", "campaign/i", "note/i", "request/a"
            ),
        ),
    },
    "books": {
        **_LEDGER_TYPES,
        "giving.gift.received.v1": _spec(_GIFT, "some", slots=_GIFT_SLOTS),
        "giving.gift.suspended.v1": _spec({**_GIFT, "reason": _enum("fund_unknown")}, "some", slots=_GIFT_SLOTS),
        "giving.fee.recorded.v1": _spec(
            {"borne_by": _BEARER, "effective_on": _kind("date")},
            "some",
            "must",
            _slots(
                "nonce/i",
                "owners/a",
                "balance_transaction/a",
                "fee_details/a",
                "exchange_rate/a",
                "source/a",
                "note/i",
                "request/a",
            ),
        ),
    },
    "audit": dict(_LEDGER_TYPES),
}


# ---------------------------------------------------------------------------------------------------------------------
# Entries: bytes to members, and the rules that an entry keeps by itself.


def _refuse(token: str) -> NoReturn:
    raise Failed("entry-malformed", "a float, NaN or Infinity: %r" % token[:40])


def _integer(token: str) -> int:
    if len(token) > 17:
        raise Failed("entry-malformed", "an integer beyond 2^53-1")
    value = int(token)
    if not -INT_MAX <= value <= INT_MAX:
        raise Failed("entry-malformed", "an integer beyond 2^53-1")
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Failed("entry-not-canonical", "a member stands twice")
    return members


_decoder = json.JSONDecoder(object_pairs_hook=_members, parse_float=_refuse, parse_int=_integer, parse_constant=_refuse)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def depth_of(data: bytes) -> int:
    """Nesting of JSON text, strings aside, without parsing it."""
    depth = deepest = 0
    for byte in _STRINGS.sub(b"", data).translate(None, _NO_BRACKETS):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def parse_entry(data: bytes) -> dict[str, Any]:
    """The members of an entry whose bytes are canonical; Failed otherwise. Size and depth come before parsing (A15)."""
    if len(data) > ENTRY_BYTES_MAX:
        raise Failed("entry-too-large", "%d bytes, at most %d" % (len(data), ENTRY_BYTES_MAX))
    if depth_of(data) > DEPTH_MAX:
        raise Failed("entry-malformed", "objects and lists nest deeper than %d" % DEPTH_MAX)
    try:
        text = data.decode("utf-8")
        members = _decoder.decode(text)
        again = _encode(members)
        again.encode("utf-8")  # a lone surrogate: Python can hold it, UTF-8 cannot
    except Failed:
        raise
    except (ValueError, RecursionError) as error:
        raise Failed("entry-malformed", "not JSON in UTF-8 (%s)" % type(error).__name__) from None
    if type(members) is not dict:
        raise Failed("entry-malformed", "an entry is an object")
    _check_value(members)
    if again != text:
        raise Failed("entry-not-canonical", "the bytes are not the canonical form of what they say")
    return members


def _check_value(value: Any) -> None:
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if not _KEY.fullmatch(key):
                raise Failed("entry-malformed", "member %r is not of [a-z0-9_]" % key[:40])
            if type(item) is not str:
                _check_value(item)
    elif kind is list:
        for item in value:
            if type(item) is not str:
                _check_value(item)
    elif kind is not int and kind is not str:
        raise Failed("entry-malformed", "null, true and false stand in no entry")


_REQUIRED = frozenset(("at", "data", "log", "period", "position", "postings", "prev", "type", "v"))
_ALLOWED = _REQUIRED | {"expires_at", "phase", "private", "refers_to"}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _want(ok: Any, code: str, sentence: str) -> None:
    if not ok:
        raise Failed(code, sentence)


def parse_at(text: Any) -> datetime:
    """A time of exactly 27 characters; Failed otherwise. Neighbours in `public` share their minute, so one is kept."""
    if text == _last_at[0]:
        return _last_at[1]
    if type(text) is str and _AT.fullmatch(text):
        try:
            year, month, day, hour = int(text[:4]), int(text[5:7]), int(text[8:10]), int(text[11:13])
            minute, second, microsecond = int(text[14:16]), int(text[17:19]), int(text[20:26])
            at = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=timezone.utc)
        except ValueError:
            at = _EPOCH - timedelta(days=1)
        if _EPOCH <= at < datetime(9999, 12, 31, tzinfo=timezone.utc):
            _last_at[:] = [text, at]
            return at
    raise Failed("entry-malformed", "a time is not of the form 2026-09-01T12:10:00.000000Z")


_last_at: list[Any] = ["", _EPOCH]


def check_shape(entry: dict[str, Any]) -> datetime:
    """The rules that an entry keeps by itself; returns its time."""
    names = entry.keys()
    _want(_REQUIRED <= names <= _ALLOWED, "entry-malformed", "members are missing or unknown")
    _want(type(entry["v"]) is int, "entry-malformed", "v is not an integer")
    if entry["v"] != 1:
        raise CannotTell("an entry says v %r; this verifier knows v 1" % (entry["v"],))
    for name, pattern in (("log", _ORIGIN), ("period", _MONTH), ("type", _TYPE), ("prev", _DIGEST)):
        value = entry[name]
        _want(type(value) is str and pattern.fullmatch(value), "entry-malformed", "%s is not of its form" % name)
    position = entry["position"]
    _want(type(position) is int and position >= 0, "entry-malformed", "position is not of its form")
    _want(type(entry["data"]) is dict, "entry-malformed", "data is not an object")
    at = parse_at(entry["at"])
    _check_postings(entry["postings"])
    if "private" in entry:
        private = entry["private"]
        good = type(private) is dict and private.keys() == {"alg", "root"} and private["alg"] == "slots1"
        good = good and type(private["root"]) is str and _DIGEST.fullmatch(private["root"])
        _want(good, "entry-malformed", "private is not of its form")
    refers = entry.get("refers_to")
    if refers is not None:
        good = type(refers) is list and all(type(r) is int for r in refers)
        _want(good, "entry-malformed", "refers_to is not a list of positions")
        _want(1 <= len(refers) <= REFERS_MAX, "refers-invalid", "refers_to has 1 to %d positions" % REFERS_MAX)
        _want(
            all(0 <= r < position for r in refers) and refers == sorted(set(refers)),
            "refers-invalid",
            "refers_to is not sorted, or not earlier",
        )
    _check_phase(entry, at)
    return at


def _check_phase(entry: dict[str, Any], at: datetime) -> None:
    phase = entry.get("phase")
    if phase is None:
        _want("expires_at" not in entry, "phase-invalid", "expires_at stands without a phase")
        return
    _want(phase in ("pending", "posted", "voided", "expired"), "entry-malformed", "the phase is unknown")
    if phase == "pending":
        _want(
            "expires_at" in entry and parse_at(entry["expires_at"]) > at,
            "phase-invalid",
            "a pending entry expires later",
        )
    else:
        _want("expires_at" not in entry, "phase-invalid", "only a pending entry expires")
        _want("refers_to" in entry, "phase-invalid", "a %s entry refers to the pending one" % phase)


def _check_postings(postings: Any) -> None:
    _want(
        type(postings) is list and len(postings) <= POSTINGS_MAX,
        "entry-malformed",
        "postings are not a list of at most 64",
    )
    sums: dict[tuple[str, str], int] = defaultdict(int)
    interfund: dict[str, int] = defaultdict(int)
    last = ("", "", "")
    for line in postings:
        _want(
            type(line) is dict and line.keys() == {"account", "amount", "asset", "fund"},
            "entry-malformed",
            "a posting is not of its form",
        )
        account, amount, asset, fund = line["account"], line["amount"], line["asset"], line["fund"]
        for name, value, pattern in (
            ("account", account, _ACCOUNT),
            ("amount", amount, _AMOUNT),
            ("asset", asset, _ASSET),
            ("fund", fund, _FUND),
        ):
            _want(
                type(value) is str and pattern.fullmatch(value),
                "entry-malformed",
                "%s of a posting is not of its form" % name,
            )
        here = (account, asset, fund)
        _want(here > last, "postings-unsorted", "%s does not stand after %s" % (" ".join(here), " ".join(last)))
        last = here
        sums[asset, fund] += int(amount)
        if account == "equity:interfund":
            interfund[asset] += int(amount)
    for (asset, fund), total in sums.items():
        _want(total == 0, "sum-not-zero", "%s in fund %s sums to %d" % (asset, fund, total))
    for asset, total in interfund.items():
        _want(total == 0, "sum-not-zero", "%s in equity:interfund sums to %d over all funds" % (asset, total))


# ---------------------------------------------------------------------------------------------------------------------
# Schemas.


def _is_date(value: str) -> bool:
    try:
        return bool(_DATE.fullmatch(value)) and bool(datetime.strptime(value, "%Y-%m-%d"))
    except ValueError:
        return False


_PLAIN: dict[str, Callable[[str], Any]] = {
    "slug": _SLUG.fullmatch,
    "date": _is_date,
    "month": _MONTH.fullmatch,
    "digest": _DIGEST.fullmatch,
    "amount": _AMOUNT.fullmatch,
    "asset": _ASSET.fullmatch,
    "account": _ACCOUNT.fullmatch,
    "fund": _FUND.fullmatch,
}


def fits(spec: dict[str, Any], value: Any) -> bool:
    """Whether a value fits a field's specification."""
    kind = spec["is"]
    if kind == "int":
        return type(value) is int and spec["min"] <= value <= spec["max"]
    if kind == "list":
        return type(value) is list and len(value) <= spec["max"] and all(fits(spec["of"], item) for item in value)
    if type(value) is not str:
        return False
    if kind == "enum":
        return value in spec["of"]
    if kind == "text":
        return len(value) <= spec["max"] and not _CONTROL.search(value)
    return bool(_PLAIN[kind](value))


def _check_spec(name: str, spec: Any, in_list: bool = False) -> bool:
    """Whether a registry's specification of a field is one that this verifier understands."""
    if type(spec) is not dict:
        return False
    if not in_list and spec.get("need", "may") != "may":
        return False
    rest = {key: value for key, value in spec.items() if key != "need" or in_list}
    kind = rest.get("is")
    if kind in _PLAIN:
        return rest.keys() == {"is"}
    if kind == "enum":
        values = rest.get("of")
        good = rest.keys() == {"is", "of"} and type(values) is list and bool(values)
        return good and all(type(v) is str and _SLUG.fullmatch(v) for v in values) and len(set(values)) == len(values)
    if kind == "int":
        return (
            rest.keys() == {"is", "min", "max"}
            and type(rest["min"]) is int
            and type(rest["max"]) is int
            and rest["min"] <= rest["max"]
        )
    if kind == "text":
        return (
            name.startswith("ledger.") and rest.keys() == {"is", "max"} and type(rest["max"]) is int and rest["max"] > 0
        )
    if kind == "list":
        good = not in_list and rest.keys() == {"is", "max", "of"} and type(rest["max"]) is int and rest["max"] > 0
        return good and _check_spec(name, rest["of"], in_list=True)
    return False


def read_registry(text: str, known: dict[str, dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Types and guards that a log's registry declares; Failed when malformed or contradicting what is known here."""
    try:
        registry = _decoder.decode(text)
        canonical = _encode(registry)
    except (Failed, ValueError, RecursionError):
        raise Failed("registry-invalid", "the registry is not JSON") from None
    good = type(registry) is dict and registry.keys() == {"guards", "types"} and canonical == text
    _want(
        good and type(registry["types"]) is dict and type(registry["guards"]) is dict,
        "registry-invalid",
        "the registry is not a canonical object of guards and types",
    )
    types: dict[str, dict[str, Any]] = registry["types"]
    for name, spec in types.items():
        good = (
            _TYPE.fullmatch(name)
            and type(spec) is dict
            and spec.keys() - {"guards"} == {"data", "postings", "refers", "slots"}
        )
        good = (
            good
            and type(spec["data"]) is dict
            and all(_KEY.fullmatch(f) and _check_spec(name, s) for f, s in spec["data"].items())
        )
        good = good and spec["postings"] in ("none", "some") and spec["refers"] in ("none", "may", "must")
        good = good and _are_slots(spec["slots"]) and _are_held(spec, registry["guards"])
        _want(good, "registry-invalid", "type %s is not declared as types are" % name[:80])
        if name in known:
            _want(
                spec == known[name],
                "registry-invalid",
                "type %s is declared otherwise than this verifier knows it" % name,
            )
    for name in _LEDGER_TYPES:
        _want(name in types, "registry-invalid", "the registry lacks %s" % name)
    for name, guard in registry["guards"].items():
        _want(
            _GUARD.fullmatch(name) and _is_guard(guard),
            "registry-invalid",
            "guard %s is not declared as guards are" % name[:80],
        )
    return types, registry["guards"]


_GUARD = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


def _are_slots(slots: Any) -> bool:
    """Whether a type's slots are none, 8 or 16, each with a name of its own and a group."""
    if type(slots) is not list or len(slots) not in (0, 8, 16):
        return False
    if not all(
        type(slot) is list and len(slot) == 2 and type(slot[0]) is str and _KEY.fullmatch(slot[0]) for slot in slots
    ):
        return False
    return all(slot[1] in ("identity", "audit") for slot in slots) and len({slot[0] for slot in slots}) == len(slots)


def _are_held(spec: dict[str, Any], guards: dict[str, Any]) -> bool:
    """Whether a type is held to no guards, or, having postings, to some of these by fund, in order."""
    if "guards" not in spec:
        return True
    names = spec["guards"]
    if type(names) is not list or not names or spec["postings"] != "some" or any(type(n) is not str for n in names):
        return False
    return names == sorted(set(names)) and all(
        type(guards.get(n)) is dict and guards[n].get("by") == "fund" for n in names
    )


def _is_guard(guard: Any) -> bool:
    """Whether a guard names 1 to 16 accounts in order, what it sums by, and its sign."""
    if type(guard) is not dict or guard.keys() != {"accounts", "by", "sign"}:
        return False
    accounts = guard["accounts"]
    good = type(accounts) is list and 1 <= len(accounts) <= 16
    good = (
        good and all(type(a) is str and _ACCOUNT.fullmatch(a) for a in accounts) and accounts == sorted(set(accounts))
    )
    return good and guard["by"] in ("fund", "owner") and type(guard["sign"]) is int and guard["sign"] in (1, -1)


# ---------------------------------------------------------------------------------------------------------------------
# Entries that were seen before but for a few values. Most entries of a log are: the same type, fund and accounts again.


class Shape:
    """An entry that was judged in full, with holes for the values that change from one to the next.

    Bytes that fit it say, outside the holes, exactly what the judged entry said, so every rule that looks there has its
    answer already; it holds until an entry declares something. What stands in the holes is judged each time.
    """

    def __init__(self, entry: dict[str, Any], data: bytes) -> None:
        """`fits` stays None for an entry that cannot be told by its shape alone."""
        self.fits: Callable[[bytes], Any] | None = None
        self.type: str = entry["type"]
        self.period: str = entry["period"]
        self.triples = [(line["account"], line["asset"], line["fund"]) for line in entry["postings"]]
        sums: dict[tuple[str, str], list[int]] = defaultdict(list)
        for i, (_, asset, fund) in enumerate(self.triples):
            sums[asset, fund].append(i)
        self.sums = list(sums.values())
        plain = {"at", "data", "log", "period", "position", "postings", "prev", "type", "v", "private"}
        if not entry.keys() <= plain or any(account == "equity:interfund" for account, _, _ in self.triples):
            return
        parts, holes = self._parts(entry), self._holes(entry)
        filled = "".join(part + hole for part, hole in zip(parts, [*(hole for _, hole in holes), ""]))  # noqa: B905 - Python 3.9
        if filled.encode("utf-8") == data:
            patterns = [*(pattern for pattern, _ in holes), ""]
            text = "".join(re.escape(part) + hole for part, hole in zip(parts, patterns))  # noqa: B905 - Python 3.9
            self.fits = re.compile(text.encode("utf-8")).fullmatch

    @staticmethod
    def _parts(entry: dict[str, Any]) -> list[str]:
        """What stands between the holes."""
        data, log, period = _encode(entry["data"]), _encode(entry["log"]), _encode(entry["period"])
        parts = ['{"at":"', '","data":%s,"log":%s,"period":%s,"position":' % (data, log, period)]
        between = ',"postings":['
        for line in entry["postings"]:
            parts.append('%s{"account":%s,"amount":"' % (between, _encode(line["account"])))
            between = '","asset":%s,"fund":%s},' % (_encode(line["asset"]), _encode(line["fund"]))
        parts.append((between[:-1] if entry["postings"] else between) + '],"prev":"')
        end = '"'
        if "private" in entry:
            parts.append('","private":{"alg":"slots1","root":"')
            end = '"}'
        return [*parts, '%s,"type":%s,"v":1}' % (end, _encode(entry["type"]))]

    @staticmethod
    def _holes(entry: dict[str, Any]) -> list[tuple[str, str]]:
        """What may stand in each hole, and what stood there."""
        digest = "([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"
        amounts = [("(-?[1-9][0-9]{0,30})", line["amount"]) for line in entry["postings"]]
        roots = [(digest, entry["private"]["root"])] if "private" in entry else []
        number = ("([0-9]{1,16})", str(entry["position"]))
        return [("([0-9TZ:.-]{27})", entry["at"]), number, *amounts, (digest, entry["prev"]), *roots]


# ---------------------------------------------------------------------------------------------------------------------
# The log: entries in order, each judged against everything before it.


class Log:
    """Judges entries in order. What it carries does not grow with the log, only with what the log declares."""

    def __init__(self, origin: str, fast: bool = False) -> None:
        self.origin = origin
        last = origin.rsplit("/", 1)[-1]
        self.kind = last if last in ("books", "audit") else "ledger"
        self.fast = fast
        self.frontier = Frontier()
        self.prev = EMPTY_HASH
        self.prev_text = b64(EMPTY_HASH)
        self.last_at: datetime | None = None
        self.last_at_text = ""
        self.month = ("", "")
        self.known = _KNOWN.get(self.kind, _LEDGER_TYPES)
        self.types: dict[str, dict[str, Any]] = dict(_LEDGER_TYPES)
        self.accounts: set[tuple[str, str]] = set()
        self.funds: set[str] = {"none"}
        self.fund_titles: dict[str, str] = {}
        self.guards: dict[str, Any] = {}
        self.recovery: VerifyKey | None = None
        self.keys: dict[str, list[int]] = {}
        self.pending: dict[int, datetime] = {}
        self.closed = ""
        self.first_month = ""
        self.zone: tzinfo | None = timezone.utc
        self.mode = ""
        self.key = ""
        self.unknown: dict[str, int] = defaultdict(int)
        self.counts: dict[str, int] = defaultdict(int)
        self.months: dict[str, dict[tuple[str, str, str], int]] = {"": defaultdict(int)}
        self.newest_anchor: str | None = None
        self.first_at = ""
        self.registry_digest = ""
        self.opening: Opening | None = None
        self.shapes: list[Shape] = []

    def take(self, data: bytes) -> None:
        """Judge the next entry. Whatever goes wrong is a failure at its position (A15)."""
        position = self.frontier.size
        try:
            if self.fast:
                self._judge_fast(position, data)
            elif not self._judge_known(position, data):
                self._judge(position, data)
        except Failed as failure:
            raise Failed(failure.code, failure.sentence, position) from None
        except CannotTell:
            raise
        except Exception as error:
            raise Failed("entry-malformed", "judging it raised %s" % type(error).__name__, position) from error
        self.prev = leaf_hash(data)
        self.prev_text = b64(self.prev)
        self.frontier.append(self.prev)

    def _judge_fast(self, position: int, data: bytes) -> None:
        """Chain only: members by pattern, not by parsing; position, prev and log stand in canonical bytes as they must."""
        _want(len(data) <= ENTRY_BYTES_MAX, "entry-too-large", "%d bytes, at most %d" % (len(data), ENTRY_BYTES_MAX))
        _want(
            b'"position":%d,"postings":' % position in data, "position-mismatch", "the entry does not say its position"
        )
        _want(
            b'"prev":"%s"' % self.prev_text.encode() in data,
            "prev-mismatch",
            "prev is not the hash of the entry before",
        )
        _want(b'"log":"%s"' % self.origin.encode() in data, "log-mismatch", "the entry is not of this log")

    def _judge_known(self, position: int, data: bytes) -> bool:
        """Judge an entry whose shape is known; False leaves it to `_judge`, which says what is wrong, if anything is."""
        if len(data) > ENTRY_BYTES_MAX or (self.opening is not None and self.opening.position == position):
            return False
        match = None
        for shape in self.shapes:
            match = shape.fits(data) if shape.fits is not None else None
            if match:
                break
        if match is None:
            return False
        found = match.groups()
        count = len(shape.triples)
        if found[1] != b"%d" % position or found[2 + count] != self.prev_text.encode():
            return False
        amounts = [int(text) for text in found[2 : 2 + count]]
        for members in shape.sums:
            total = 0
            for member in members:
                total += amounts[member]
            if total:
                return False
        text = found[0].decode()
        try:
            at = parse_at(text)
            self._check_time(text, shape.period, shape.type, at)
        except Failed:
            return False
        if shape.type not in self.known:
            self.unknown[shape.type] += 1
        self.last_at, self.last_at_text = at, text
        self.counts[shape.type] += 1
        totals = self.months[shape.period]
        for i in range(count):
            totals[shape.triples[i]] += amounts[i]
        return True

    def _remember(self, entry: dict[str, Any], spec: dict[str, Any] | None, data: bytes) -> None:
        """Keep the shape of an entry that was judged, while nothing is declared that could change the verdict."""
        if entry["type"].startswith("ledger."):
            self.shapes.clear()
        elif spec is not None and "guards" not in spec:
            shape = Shape(entry, data)
            if shape.fits is not None:
                self.shapes.insert(0, shape)
                del self.shapes[SHAPES_MAX:]

    def _judge(self, position: int, data: bytes) -> None:
        entry = parse_entry(data)
        at = check_shape(entry)
        _want(entry["log"] == self.origin, "log-mismatch", "the entry is of %r" % entry["log"][:80])
        _want(
            entry["position"] == position,
            "position-mismatch",
            "the entry says that it stands at %d" % entry["position"],
        )
        _want(entry["prev"] == self.prev_text, "prev-mismatch", "prev is not the hash of the entry before")
        name = entry["type"]
        _want(
            (name == "ledger.log.opened.v1") == (position == 0),
            "genesis-invalid",
            "ledger.log.opened.v1 stands at 0 and only there",
        )
        if position == 1:
            _want(name == "ledger.registry.published.v1", "genesis-invalid", "position 1 is the registry")
        spec = self.types.get(name)
        if spec is not None:
            self._check_data(entry, spec)
        if position == 0:
            self._open(entry)
        self._check_time(entry["at"], entry["period"], name, at)
        self._check_places(entry)
        if "phase" in entry:
            self._check_phase(entry, at)
        if spec is not None and "guards" in spec:
            self._check_decision(entry, spec["guards"])
        if self.opening is not None and self.opening.position == position:
            self.opening.judge(entry, spec)
        if spec is None or name not in self.known:
            self.unknown[name] += 1
        if spec is not None and name.startswith("ledger."):
            self._declare(entry)
        self.last_at, self.last_at_text = at, entry["at"]
        self.first_at = self.first_at or entry["at"]
        self.counts[name] += 1
        totals = self.months.get(entry["period"])
        if totals is None:
            totals = self.months[entry["period"]] = defaultdict(int)
        for line in entry["postings"]:
            totals[line["account"], line["asset"], line["fund"]] += int(line["amount"])
        if not self.first_month:
            self.first_month = self.month[0]
        self._remember(entry, spec, data)

    def _check_data(self, entry: dict[str, Any], spec: dict[str, Any]) -> None:
        name, data, fields = entry["type"], entry["data"], spec["data"]
        for field, value in data.items():
            _want(field in fields, "data-invalid", "%s has no data.%s" % (name, field[:40]))
            _want(fits(fields[field], value), "data-invalid", "data.%s of %s is not of its form" % (field, name))
        for field, wanted in fields.items():
            _want(field in data or wanted.get("need") == "may", "data-invalid", "%s lacks data.%s" % (name, field))
        _want(
            bool(spec["slots"]) == ("private" in entry),
            "private-invalid",
            "%s has %d slots" % (name, len(spec["slots"])),
        )
        _want(
            (spec["postings"] == "some") == bool(entry["postings"]),
            "data-invalid",
            "postings of %s: %s" % (name, spec["postings"]),
        )
        refers = "refers_to" in entry
        _want(
            spec["refers"] == "may" or refers == (spec["refers"] == "must"),
            "refers-invalid",
            "refers_to of %s: %s" % (name, spec["refers"]),
        )

    def _check_time(self, text: str, period: str, name: str, at: datetime) -> None:
        if self.kind == "ledger":
            _want(text.endswith(":00.000000Z"), "entry-malformed", "at of a public entry is a whole minute")
            _want(self.last_at is None or at >= self.last_at, "time-backwards", "at is before that of the entry before")
        else:
            _want(
                self.last_at is None or at > self.last_at, "time-backwards", "at is not after that of the entry before"
            )
        if text != self.last_at_text or not self.month[0]:
            local = at.astimezone(self.zone) if self.zone is not None else None
            if local is not None:
                before = local.replace(day=1) - timedelta(days=1)
                self.month = ("%04d-%02d" % (local.year, local.month), "%04d-%02d" % (before.year, before.month))
        _want(
            self.zone is None or period in self.month or name == "ledger.period.closed.v1",
            "period-invalid",
            "period %s is neither the month of at nor the one before" % period,
        )
        _want(period > self.closed, "period-closed", "period %s was closed before" % period)

    def _check_phase(self, entry: dict[str, Any], at: datetime) -> None:
        if entry["phase"] == "pending":
            self.pending[entry["position"]] = parse_at(entry["expires_at"])
            return
        for position in entry["refers_to"]:
            _want(position in self.pending, "phase-invalid", "position %d is not pending, or no longer" % position)
            late = entry["phase"] != "expired" or at >= self.pending[position]
            _want(late, "phase-invalid", "position %d has not expired yet" % position)
        for position in entry["refers_to"]:
            del self.pending[position]

    def _check_decision(self, entry: dict[str, Any], names: list[str]) -> None:
        """A decision leaves none of its guards below zero, in any asset of any fund that it touches (12.6)."""
        funds = {line["fund"] for line in entry["postings"]}
        for name in names:
            guard = self.guards[name]
            values: dict[tuple[str, str], int] = defaultdict(int)
            for totals in self.months.values():
                for (account, asset, fund), amount in totals.items():
                    if fund in funds and account in guard["accounts"]:
                        values[asset, fund] += amount
            for line in entry["postings"]:
                if line["account"] in guard["accounts"]:
                    values[line["asset"], line["fund"]] += int(line["amount"])
            for (asset, fund), amount in values.items():
                _want(
                    guard["sign"] * amount >= 0,
                    "guard-broken",
                    "%s of fund %s in %s falls below zero by a decision" % (name, fund, asset),
                )

    def through(self, month: str) -> dict[tuple[str, str, str], int]:
        """Balances over entries whose month is not after this one."""
        sums: dict[tuple[str, str, str], int] = defaultdict(int)
        for period, totals in self.months.items():
            if period <= month:
                for triple, amount in totals.items():
                    sums[triple] += amount
        return sums

    def _close(self, entry: dict[str, Any]) -> None:
        month, data = entry["period"], entry["data"]
        _want(month < self.month[0] or self.zone is None, "period-invalid", "period %s is not over" % month)
        _want(
            not self.closed or month == _month_after(self.closed),
            "period-invalid",
            "%s is closed out of order" % month,
        )
        _want(data["registry"] == self.registry_digest, "data-invalid", "data.registry is not the registry in force")
        sums = self.through(month)
        digest = hashlib.sha256(b"secondwind/balances/v1\n")
        for triple in sorted(sums):
            if sums[triple]:
                digest.update(_encode([*triple, str(sums[triple])]).encode() + b"\n")
        _want(
            data["balances"] == b64(digest.digest()),
            "data-invalid",
            "data.balances is not the trial balance through %s" % month,
        )
        self.months = {period: totals for period, totals in self.months.items() if period > month}
        self.months[""] = defaultdict(int, sums)
        self.closed = month

    def _change_key(self, entry: dict[str, Any]) -> None:
        """A key introduced or retired by the recovery key of entry 0 (12.7 to 12.10)."""
        data, size = entry["data"], entry["data"]["size"]
        change = "introduced" if entry["type"] == "ledger.key.introduced.v1" else "retired"
        try:
            key, signature = VerifyKey(data["key"]), unb64(data["signature"])
        except ValueError as error:
            raise Failed("key-invalid", str(error)) from None
        _want(key.name == self.origin, "key-invalid", "the key is of another log")
        _want(size > entry["position"], "key-invalid", "a change of keys at a size that is past")
        text = "secondwind/key/v1\n%s\n%s\n%s\n%d\n" % (self.origin, change, key.text, size)
        public = self.recovery.public if self.recovery is not None else b""
        _want(
            ed25519_verifies(public, text.encode(), signature),
            "key-invalid",
            "the recovery key has not signed this change",
        )
        if change == "introduced":
            _want(key.text not in self.keys and key.public != public, "key-invalid", "a key is introduced once")
            self.keys[key.text] = [size]
            return
        span = self.keys.get(key.text, [])
        _want(len(span) == 1, "key-invalid", "a key is retired that is not in force")
        others = [first for text, (first, *last) in self.keys.items() if text != key.text and not last]
        _want(any(first <= size for first in others), "key-invalid", "no other key would be in force")
        span.append(size)

    def check_end(self) -> None:
        """No month is open 20 days after its end, seen from the newest entry (12.5)."""
        if self.last_at is None or self.zone is None or self.fast:
            return
        local = (self.last_at - timedelta(days=20)).astimezone(self.zone)
        month = _month_after(self.closed) if self.closed else self.first_month
        _want(
            month >= "%04d-%02d" % (local.year, local.month),
            "period-unclosed",
            "%s ended more than 20 days before the newest entry and is not closed" % month,
        )

    def _check_places(self, entry: dict[str, Any]) -> None:
        for line in entry["postings"]:
            _want(
                (line["account"], line["asset"]) in self.accounts,
                "account-undeclared",
                "account %s is not declared for %s" % (line["account"], line["asset"]),
            )
            _want(line["fund"] in self.funds, "fund-undeclared", "fund %s is not declared" % line["fund"])

    def _open(self, entry: dict[str, Any]) -> None:
        data = entry["data"]
        try:
            key, recovery = VerifyKey(data["key"]), VerifyKey(data["recovery_key"])
        except ValueError as error:
            raise Failed("genesis-invalid", str(error)) from None
        _want(key.name == self.origin, "genesis-invalid", "the key of entry 0 is not named as the log")
        _want(key.public != recovery.public, "genesis-invalid", "the recovery key is the log's own key")
        _want(_NONCE.fullmatch(data["nonce"]), "genesis-invalid", "the nonce is not 16 bytes")
        self.mode, self.key, self.recovery = data["mode"], data["key"], recovery
        self.keys = {key.text: [0]}
        self.zone = _zone(data["time_zone"])

    def _declare(self, entry: dict[str, Any]) -> None:
        name, data = entry["type"], entry["data"]
        if name == "ledger.registry.published.v1":
            digest = b64(hashlib.sha256(data["registry"].encode()).digest())
            _want(digest == data["sha256"], "registry-invalid", "data.sha256 is not the hash of the registry")
            types, guards = read_registry(data["registry"], self.known)
            for old, spec in self.types.items():
                _want(types.get(old) == spec, "registry-invalid", "type %s was declared before, otherwise" % old)
            for old, guard in self.guards.items():
                _want(guards.get(old) == guard, "registry-invalid", "guard %s was declared before, otherwise" % old)
            self.types, self.guards = types, guards
            self.registry_digest = digest
        elif name == "ledger.account.declared.v1":
            root = data["account"].split(":")[0]
            _want(
                self.kind == "books" or root in _MONEY_ROOTS, "data-invalid", "accounts under %s belong in books" % root
            )
            self.accounts.update((data["account"], asset) for asset in data["assets"])
        elif name == "ledger.fund.declared.v1":
            self.funds.add(data["fund"])
            self.fund_titles[data["fund"]] = data["title"]
        elif name == "ledger.policy.changed.v1":
            digest = b64(hashlib.sha256(data["policy"].encode()).digest())
            _want(digest == data["sha256"], "data-invalid", "data.sha256 is not the hash of the policy")
        elif name == "ledger.period.closed.v1":
            self._close(entry)
        elif name.startswith("ledger.key."):
            self._change_key(entry)
        elif name == "ledger.anchor.recorded.v1":
            self.newest_anchor = entry["at"]


def _month_after(month: str) -> str:
    years, number = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    return "%04d-%02d" % (years, number + 1)


def _zone(name: str) -> tzinfo | None:
    """The time zone, None when this machine does not know it (then months are not judged, and that is said)."""
    if name == "UTC":
        return timezone.utc
    try:
        import zoneinfo
    except ImportError:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        if zoneinfo.available_timezones():
            raise Failed("genesis-invalid", "time zone %r is not known" % name[:40]) from None
        return None


# ---------------------------------------------------------------------------------------------------------------------
# The run.


class Seen:
    """Something seen before or elsewhere: at `size` the root was `root`. A receipt also has an `index` and a `path`."""

    def __init__(self, label: str, size: int, root: bytes, note: str) -> None:
        self.label = label
        self.index = -1
        self.path: list[bytes] = []
        self.size = size
        self.root = root
        self.note = note


def verify(
    source: Source, key: VerifyKey, seen: list[Seen], options: argparse.Namespace
) -> tuple[Checkpoint, dict[str, Any]]:
    """Verify everything; returns what was verified and the report of it. Raises Failed or CannotTell."""
    checkpoint = open_checkpoint(source.read("checkpoint", NOTE_BYTES_MAX), key)
    for view in seen:
        if view.size > checkpoint.size:
            raise Failed(
                "rollback",
                "%s saw %d entries, the log now has %d" % (view.label, view.size, checkpoint.size),
                checkpoint.size,
            )
    if options.expect_head:
        size, _, root = options.expect_head.partition(":")
        if size != str(checkpoint.size) or root != b64(checkpoint.root):
            raise Failed("head-mismatch", "the head is %d:%s" % (checkpoint.size, b64(checkpoint.root)))
    waiting = sorted(seen, key=lambda view: view.size)
    contradicted: list[Seen] = []
    receipts = {view.index: b"" for view in seen if view.index >= 0}
    log = Log(checkpoint.origin, fast=options.fast)
    if options.opening:
        log.opening = Opening(options.opening, checkpoint.origin)
        if log.opening.position >= checkpoint.size:
            raise CannotTell("the opening is of entry %d, which the log does not have yet" % log.opening.position)
    sampled = _sample(checkpoint.size)
    progress = Progress(checkpoint.size, options.json)
    for n in range((checkpoint.size + TILE_WIDTH - 1) // TILE_WIDTH):
        width = min(TILE_WIDTH, checkpoint.size - n * TILE_WIDTH)
        hashes: list[bytes] = []
        for data in bundle(source, n, width):
            if waiting and waiting[0].size == log.frontier.size:
                waiting = _compare(waiting, log, contradicted)
            log.take(data)
            hashes.append(log.prev)
        for index in receipts.keys() & range(n * TILE_WIDTH, n * TILE_WIDTH + width):
            receipts[index] = hashes[index % TILE_WIDTH]
        if n in sampled and source.read(tile_path("0", n, width), TILE_WIDTH * 32) != b"".join(hashes):
            raise Failed("tile-mismatch", "tile 0/%d does not hold the hashes of its entries" % n, n * TILE_WIDTH)
        progress.show(log.frontier.size)
    progress.end()
    _compare(waiting, log, contradicted)
    if log.frontier.root() != checkpoint.root:
        raise Failed("root-mismatch", "the entries do not hash to the root that was signed", checkpoint.size)
    # Only now is it known that the key signed what was read: before, any server could have made it look like a fork.
    for view in contradicted:
        evidence = _write_evidence(view, checkpoint, source)
        raise Failed(
            "fork",
            "at size %d %s saw another history; both signed heads stand in %s" % (view.size, view.label, evidence),
            view.size,
        )
    for view in seen:
        if view.index >= 0 and not _is_under(receipts[view.index], view):
            raise CannotTell("%s does not prove entry %d: its hashes lead elsewhere" % (view.label, view.index))
    try:
        log.check_end()
    except Failed as failure:
        raise Failed(failure.code, failure.sentence, checkpoint.size) from None
    if not options.fast and checkpoint.size and log.key != key.text:
        raise Failed("genesis-invalid", "entry 0 names another key than the one given", 0)
    return checkpoint, _report(log, checkpoint, seen)


def _compare(waiting: list[Seen], log: Log, contradicted: list[Seen]) -> list[Seen]:
    """Hold every view of the size just reached against the tree at that size."""
    while waiting and waiting[0].size == log.frontier.size:
        if log.frontier.root() != waiting[0].root:
            contradicted.append(waiting[0])
        waiting = waiting[1:]
    return waiting


def _is_under(leaf: bytes, view: Seen) -> bool:
    try:
        return inclusion_root(leaf, view.index, view.size, view.path) == view.root
    except ValueError:
        return False


def _ranges(size: int, start: int, end: int, whole: bool = True) -> list[tuple[int, int]]:
    """The subtrees of the consistency proof (RFC 6962 2.1.2) from the first `size` of leaves start...end to all of them."""
    if size == end - start:
        return [] if whole else [(start, end)]
    half = 1 << ((end - start - 1).bit_length() - 1)
    if size <= half:
        return [*_ranges(size, start, start + half, whole), (start + half, end)]
    return [*_ranges(size - half, start + half, end, whole=False), (start, start + half)]


def _consistency(source: Source, old_size: int, size: int) -> tuple[bytes, list[bytes]]:
    """The served log's own root at `old_size`, and the proof from there to `size`, from the entries read once more."""
    wanted = _ranges(old_size, 0, size)
    old, subtrees = Frontier(), {part: Frontier() for part in wanted}
    position = 0
    for n in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
        for data in bundle(source, n, min(TILE_WIDTH, size - n * TILE_WIDTH)):
            leaf = leaf_hash(data)
            if position < old_size:
                old.append(leaf)
            for (start, end), subtree in subtrees.items():
                if start <= position < end:
                    subtree.append(leaf)
            position += 1
    return old.root(), [subtrees[part].root() for part in wanted]


def _write_evidence(view: Seen, checkpoint: Checkpoint, source: Source) -> str:
    """Both signed heads and what proves them contradictory, in one file that needs neither the log nor this program."""
    path = "secondwind-fork-%s.txt" % hashlib.sha256((view.note + checkpoint.note).encode()).hexdigest()[:12]
    root, proof = _consistency(source, view.size, checkpoint.size)
    text = (
        "Two checkpoints signed by one key for histories that contradict each other.\n\n"
        "The first head says that the root over the first %d entries is\n  %s\n"
        "Under the second head it is\n  %s\n"
        "because the RFC 6962 consistency proof from that root, at %d entries, to the second head's, at %d, is\n%s\n"
        "\n--- seen before (%s) ---\n%s\n--- served now ---\n%s"
    ) % (
        view.size,
        b64(view.root),
        b64(root),
        view.size,
        checkpoint.size,
        "".join("  %s\n" % b64(node) for node in proof) or "  empty: the sizes are equal\n",
        printable(view.label),
        view.note,
        checkpoint.note,
    )
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError:
        return "(no evidence file could be written here)"
    return path


def _sample(size: int) -> set[int]:
    """Tiles to compare with the recomputed ones: the last, and some that the server cannot foresee."""
    tiles = (size + TILE_WIDTH - 1) // TILE_WIDTH
    if tiles <= SAMPLED_TILES:
        return set(range(tiles))
    return {tiles - 1} | {int.from_bytes(os.urandom(8), "big") % tiles for _ in range(SAMPLED_TILES - 1)}


class Progress:
    """A line on stderr while a long run goes on, for people."""

    def __init__(self, size: int, silent: bool) -> None:
        self._size = size
        self._on = sys.stderr.isatty() and not silent and size > 20_000
        self._next = 0.0

    def show(self, done: int) -> None:
        """At most five times a second."""
        if self._on and time.monotonic() > self._next:
            self._next = time.monotonic() + 0.2
            print("\r  %d of %d entries" % (done, self._size), end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Clear the line."""
        if self._on:
            print("\r\033[K", end="", file=sys.stderr)


def _report(log: Log, checkpoint: Checkpoint, seen: list[Seen]) -> dict[str, Any]:
    funds: dict[str, dict[str, str]] = {}
    for (account, asset, fund), total in sorted(log.through("9999-99").items()):
        if account == "income:gifts":
            funds.setdefault(fund, {})[asset] = str(-total)
    notes = []
    if log.newest_anchor is None:
        notes.append("freshness unknown: the log has no anchors and no cosignatures yet")
    if log.zone is None:
        notes.append("months not judged: this machine does not know the log's time zone")
    if log.fast:
        notes.append("--fast: signature, chain and tree only; sums, schemas and times were not judged")
    return {
        "origin": checkpoint.origin,
        "mode": log.mode,
        "size": checkpoint.size,
        "root": b64(checkpoint.root),
        "entries": dict(sorted(log.counts.items())),
        "first_at": log.first_at,
        "last_at": log.last_at_text,
        "gifts_received": funds,
        "fund_titles": log.fund_titles,
        "unknown_types": dict(log.unknown),
        "compared_with": [view.label for view in seen],
        **({"opening": log.opening.shown} if log.opening is not None else {}),
        "notes": notes,
    }


def read_seen(path: str, key: VerifyKey) -> Seen:
    """A tlog-proof (a receipt): a view of the log, and the place of an entry in it. CannotTell when it is none."""
    data = _read_file(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise CannotTell("%s is not UTF-8" % path) from None
    head, cut, note = text.partition("\n\n")
    lines = head.split("\n")
    extra = [unb64(line[6:]) for line in lines[1:2] if line.startswith("extra ")]
    rest = lines[1 + len(extra) :]
    if not cut or lines[0] != "c2sp.org/tlog-proof@v1" or not rest or not rest[0].startswith("index "):
        raise CannotTell("%s is not a tlog-proof" % path)
    checkpoint = open_checkpoint(note.encode(), key)
    seen = Seen(path, checkpoint.size, checkpoint.root, note)
    seen.index, seen.path = decimal(rest[0][6:]), [unb64(line) for line in rest[1:]]
    if seen.index >= seen.size or len(seen.path) > 63 or any(len(node) != 32 for node in seen.path):
        raise CannotTell("%s is not a tlog-proof of an entry below its checkpoint" % path)
    return seen


class Opening:
    """A file that shows private fields of one entry to whoever holds it (SPEC 7.3). Judged when the entry is reached."""

    def __init__(self, path: str, origin: str) -> None:
        """CannotTell when the file is not of its form; it may be damaged, which says nothing about the log."""
        try:
            document = _decoder.decode(_read_file(path).decode("utf-8"))
            good = document.keys() == {"format", "log", "position", "slots"}
            good = good and document["format"] == "secondwind-opening-v1" and type(document["position"]) is int
            self.slots = [
                (s["i"], s["name"], s["value"], unb64(s["salt"]), [unb64(text) for text in s["path"]])
                for s in document["slots"]
            ]
            good = good and all(type(s[0]) is int and type(s[1]) is str and len(s[3]) == 32 for s in self.slots)
        except (Failed, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            good = False
        if not good or not self.slots:
            raise CannotTell("%s is not an opening (secondwind-opening-v1)" % path)
        if document["log"] != origin:
            raise CannotTell("%s opens an entry of %s, not of %s" % (path, str(document["log"])[:200], origin))
        self.position: int = document["position"]
        self.shown: dict[str, Any] | None = None

    def judge(self, entry: dict[str, Any], spec: dict[str, Any] | None) -> None:
        """Hold what is shown against what the entry committed to, under the names that its type gives the slots."""
        names = [slot[0] for slot in spec["slots"]] if spec is not None else []
        _want(names and "private" in entry, "opening-invalid", "the entry has no private fields that are known")
        root = unb64(entry["private"]["root"])
        for i, name, value, salt, path in self.slots:
            _want(
                0 <= i < len(names) and names[i] == name, "opening-invalid", "slot %d is not named %s" % (i, name[:40])
            )
            text = _encode([entry["type"], i, name, value]).encode()
            digest = hashlib.sha256(b"\x00secondwind/slot/v1\n" + salt + text).digest()
            try:
                good = inclusion_root(digest, i, len(names), path) == root
            except ValueError:
                good = False
            _want(good, "opening-invalid", "the value and salt of %s are not what the entry committed to" % name)
        self.shown = {"position": self.position, "type": entry["type"], "values": {s[1]: s[2] for s in self.slots}}


def _read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(1_048_576)
    except OSError as error:
        raise CannotTell("%s cannot be read: %s" % (path, error.strerror)) from None


def _read_trusted(path: str, key: VerifyKey, first_use: bool) -> Seen | None:
    if first_use and not os.path.exists(path):
        return None
    data = _read_file(path)
    checkpoint = open_checkpoint(data, key)
    return Seen(path, checkpoint.size, checkpoint.root, checkpoint.note)


def _claimed_key(source: Source) -> str:
    try:
        return source.read("keys", NOTE_BYTES_MAX).decode("ascii").split()[0]
    except (CannotTell, UnicodeDecodeError, IndexError):
        return ""


def run(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """Verify as asked; returns the exit code and the report."""
    source: Source = Web(options.source) if re.match(r"https?://", options.source) else Directory(Path(options.source))
    if not options.key:
        claimed = _claimed_key(source)
        hint = " The source claims %s, which proves nothing about the source." % claimed if claimed else ""
        raise CannotTell("no --key: take it from a receipt, an annual report or somebody you trust." + hint)
    try:
        key = VerifyKey(options.key)
    except ValueError as error:
        raise CannotTell("--key cannot be used: %s" % error) from None
    if options.opening and options.fast:
        raise CannotTell("--opening needs every rule: leave --fast out")
    seen = [read_seen(path, key) for path in options.seen]
    pinned = options.trusted or options.first_use
    trusted = _read_trusted(pinned, key, bool(options.first_use)) if pinned else None
    if trusted is not None:
        seen.append(trusted)
    checkpoint, report = verify(source, key, seen, options)
    if options.first_use:
        _replace(options.first_use, checkpoint.note)
    report["outside_view"] = bool(seen)
    if options.first_use and trusted is None:
        report["notes"].append(
            "first use: what was seen is now pinned in %s; the next run compares with it" % options.first_use
        )
    if report["unknown_types"]:
        return 2, report
    return (0 if seen else 2), report


def _replace(path: str, text: str) -> None:
    temporary = "%s.new-%d" % (path, os.getpid())
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def money(minor: str, asset: str) -> str:
    """Minor units as people write them: 1234 of USD/2 is 12.34 USD."""
    name, _, places = asset.partition("/")
    digits = int(places or "0")
    sign, number = ("-", minor[1:]) if minor.startswith("-") else ("", minor)
    number = number.rjust(digits + 1, "0")
    whole = f"{int(number[: len(number) - digits]):,}"
    return "%s%s%s %s" % (sign, whole, "." + number[len(number) - digits :] if digits else "", name)


def printable(text: str) -> str:
    """Text for a terminal: what could move the cursor, hide or turn round other text is shown as its number."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def say(line: str) -> None:
    """Print one line, whatever it holds, in whatever the terminal can show."""
    encoding = sys.stdout.encoding or "ascii"
    print(printable(line).encode(encoding, "backslashreplace").decode(encoding))


def tell(code: int, report: dict[str, Any]) -> None:
    """The report in words."""
    say("VERIFIED" if code == 0 else "CONSISTENT IN ITSELF" if not report["unknown_types"] else "COULD NOT TELL")
    say(
        "  log       %s%s"
        % (
            report["origin"],
            " (%s data, not real money)" % report["mode"] if report["mode"] in ("demo", "test") else "",
        )
    )
    say("  entries   %d, each re-read and re-hashed; root %s" % (report["size"], report["root"]))
    if report["last_at"]:
        say(
            "  from      %s to %s"
            % (report["first_at"][:16].replace("T", " "), report["last_at"][:16].replace("T", " "))
        )
    for fund, amounts in report["gifts_received"].items():
        title = report["fund_titles"].get(fund, fund)
        say("  received  %-28s %s" % (title, ", ".join(money(amount, asset) for asset, amount in amounts.items())))
    for view in report["compared_with"]:
        say("  compared  with %s: the log only grew since" % view)
    for name, count in report["unknown_types"].items():
        say("  unknown   %d entries of type %s: sums and chain checked, content not" % (count, name))
    if "opening" in report:
        shown = report["opening"]
        say("  opened    entry %d, %s, committed to" % (shown["position"], shown["type"]))
        for name, value in shown["values"].items():
            say("            %-14s %s" % (name, json.dumps(value)))
    for note in report["notes"]:
        say("  note      %s" % note)
    if not report["outside_view"]:
        say(
            "  The log is consistent in itself, but nobody outside has seen it yet: keep this view with --first-use FILE"
        )
        say("  and run again later, or compare with receipts of others (--seen).")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="verify.py",
        description=(__doc__ or "").split("\n\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("source", metavar="SOURCE", help="address of a log, or a directory of its files")
    made.add_argument("--key", metavar="VKEY", help="the log's verification key, from somewhere other than the log")
    pin = made.add_mutually_exclusive_group()
    pin.add_argument("--trusted", metavar="FILE", help="a checkpoint seen before: the log may only have grown since")
    pin.add_argument(
        "--first-use", metavar="FILE", help="the same, and keep what is seen now; made when it is not there"
    )
    made.add_argument(
        "--seen", metavar="PROOF", action="append", default=[], help="a .tlog-proof that somebody holds; repeatable"
    )
    made.add_argument("--expect-head", metavar="SIZE:ROOT", help="the newest head must be exactly this one")
    made.add_argument(
        "--opening", metavar="FILE", help="private fields of one entry that somebody shows: verify them too"
    )
    made.add_argument("--fast", action="store_true", help="signature, chain and tree only")
    made.add_argument("--json", action="store_true", help="the report for programs")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify and tell; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        code, report = run(options)
    except Failed as failure:
        code = 1
        report = {"code": failure.code, "position": failure.position, "sentence": failure.sentence}
    except CannotTell as reason:
        code = 2
        report = {"code": "cannot-tell", "sentence": str(reason)}
    except Exception as error:
        # Whatever this is, it is no verdict on the log: what entries do wrong was caught where they are judged.
        code = 2
        report = {
            "code": "cannot-tell",
            "sentence": "verify.py could not go on (%s: %s)" % (type(error).__name__, error),
        }
    if options.json:
        verdict = {0: "verified", 1: "failed", 2: "could-not-tell"}[code]
        print(json.dumps({"verdict": verdict, "exit": code, **report}, sort_keys=True))
    elif "sentence" in report:
        where = "" if report.get("position") is None else " at position %d" % report["position"]
        verdict = "FAILED %s" % report["code"] if code == 1 else "COULD NOT TELL"
        say("%s%s: %s" % (verdict, where, report["sentence"]))
    else:
        tell(code, report)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
