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
import contextlib
import hashlib
import http.client
import itertools
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
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
SAMPLE_MAX = 100_000
TILES_KEPT = 64
ANCHORED = ("books", "audit")
ANCHOR_BUNDLES = 8
ANCHOR_LINE_MAX = 2 * 6 * 65_536 + 1_024
COMMITTED_KEPT = 100
MEMBER_BYTES_MAX = 16 * 1024 * 1024
PEOPLE_FLOOR = 5
POLICY_DEPTH_MAX = 32
FRESH_S = 25 * 60
CLOCKS_APART_S = 5 * 60
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


LOG_KEY, WITNESS_KEY = 1, 4


class VerifyKey:
    """A verification key: `<name>+<8 hex>+<base64(type || key)>`. Type 1 signs notes, type 4 cosigns them with a time."""

    def __init__(self, vkey: str, kind: int = LOG_KEY) -> None:
        """ValueError when the text is not such a key."""
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not parts[0] or not re.fullmatch(r"[0-9a-f]{8}", parts[1]) or re.search(r"\s", vkey):
            raise ValueError("a key looks like name+1a2b3c4d+base64")
        blob = unb64(parts[2])
        if len(blob) != 33 or blob[0] != kind:
            raise ValueError("only Ed25519 keys are known: type 1 for logs, type 4 for witnesses; here it is %d" % kind)
        self.text = vkey
        self.name = parts[0]
        self.public = blob[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + blob).digest()[:4]
        if self.id.hex() != parts[1]:
            raise ValueError("the key's own identifier does not fit it; was it copied whole?")

    def of(self, name: str) -> VerifyKey:
        """Itself, if it is named so; ValueError otherwise."""
        if self.name != name:
            raise ValueError("the key is of %r, not of %r" % (self.name[:80], name[:80]))
        return self


class Note:
    """A signed note taken apart. Nothing of it is believed before a key was asked about it."""

    def __init__(self, data: bytes) -> None:
        """Failed("checkpoint-malformed") when it is no note."""
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
        lines = note[cut + 2 : -1].split("\n")
        if len(lines) > SIGNATURES_MAX:
            raise Failed("checkpoint-malformed", "the note has more than %d signatures" % SIGNATURES_MAX)
        self.whole = note
        self.text = note[: cut + 1]
        self.signatures = [self._signature(line) for line in lines]

    @staticmethod
    def _signature(line: str) -> tuple[str, bytes]:
        """(name, key ID || signature) of one line."""
        match = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/=]+)", line)
        if not match or not match[1].isprintable():
            raise Failed("checkpoint-malformed", "a signature line is not of its form")
        try:
            blob = unb64(match[2])
        except ValueError:
            raise Failed("checkpoint-malformed", "a signature is not base64") from None
        if len(blob) < 5:
            raise Failed("checkpoint-malformed", "a signature is too short")
        return match[1], blob

    def _lines_of(self, key: VerifyKey) -> list[bytes]:
        return [blob[4:] for name, blob in self.signatures if name == key.name and blob[:4] == key.id]

    def signed_by(self, key: VerifyKey) -> bool:
        """Whether this key signed the text. Failed("signature-invalid") when a line of it does not verify."""
        lines = self._lines_of(key)
        for signature in lines:
            if not ed25519_verifies(key.public, self.text.encode(), signature):
                raise Failed("signature-invalid", "the signature of %s is not valid" % key.name)
        return bool(lines)

    def cosigned_by(self, witness: VerifyKey) -> int | None:
        """The newest time, in seconds since 1970, at which a witness saw this; None when it did not (SPEC 10.5)."""
        newest = None
        for blob in self._lines_of(witness):
            seconds = int.from_bytes(blob[:8], "big")
            text = "cosignature/v1\ntime %d\n%s" % (seconds, self.text)
            if not ed25519_verifies(witness.public, text.encode(), blob[8:]):
                raise Failed("signature-invalid", "the cosignature of %s is not valid" % witness.name)
            newest = max(seconds, newest or 0)
        return newest


def open_note(data: bytes, key: VerifyKey) -> str:
    """The text that `key` signed. Failed for a malformed note, a missing or a wrong signature."""
    note = Note(data)
    if not note.signed_by(key):
        raise Failed("signature-missing", "the note is not signed by %s" % key.text)
    return note.text


class Checkpoint:
    """A tree head: what it says, and the note that says it."""

    def __init__(self, data: bytes) -> None:
        """Read strictly, believed by nobody yet. Failed("checkpoint-malformed")."""
        self.signed = Note(data)
        lines = self.signed.text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise Failed("checkpoint-malformed", "a checkpoint has three lines: origin, size, root")
        try:
            self.size = decimal(lines[1])
        except ValueError:
            raise Failed("checkpoint-malformed", "the size is not a decimal") from None
        if self.size > INT_MAX:
            raise Failed("checkpoint-malformed", "the size is beyond 2^53-1")
        if not _DIGEST.fullmatch(lines[2]):
            raise Failed("checkpoint-malformed", "the root is not a hash")
        self.origin = lines[0]
        self.root = unb64(lines[2])
        self.note = self.signed.whole
        if self.size == 0 and self.root != EMPTY_HASH:
            raise Failed("checkpoint-malformed", "the root of an empty log is the hash of nothing")

    def of(self, origin: str) -> Checkpoint:
        """Itself, if it is of this log. Failed("log-mismatch")."""
        if self.origin != origin:
            raise Failed("log-mismatch", "the checkpoint is of %r, not of %r" % (self.origin[:80], origin[:80]))
        return self


def open_checkpoint(data: bytes, key: VerifyKey) -> Checkpoint:
    """The checkpoint that the log's key signed."""
    open_note(data, key)
    return Checkpoint(data).of(key.name)


# ---------------------------------------------------------------------------------------------------------------------
# Trees (RFC 6962): a frontier that grows, and proofs.


_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """Hash of an entry."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees of a growing tree, largest first.

    New leaves are put together when somebody asks, or 256 at a time: level by level that takes half the time.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """ValueError when a tree of this size has not that many complete subtrees."""
        if len(hashes) != bin(size).count("1"):
            raise ValueError("a tree of %d has %d complete subtrees" % (size, bin(size).count("1")))
        self.size = size
        self._hashes: list[bytes] = list(hashes)
        self._new: list[bytes] = []

    @property
    def hashes(self) -> list[bytes]:
        """Roots of the complete subtrees."""
        if self._new:
            self._put_together()
        return self._hashes

    def append(self, node: bytes) -> None:
        """Add one leaf."""
        self._new.append(node)
        self.size += 1
        if not self.size & (TILE_WIDTH - 1):
            self._put_together()

    def _put_together(self) -> None:
        index, nodes, self._new = self.size - len(self._new), self._new, []
        if len(nodes) == TILE_WIDTH and not index & (TILE_WIDTH - 1):
            index //= TILE_WIDTH
            while len(nodes) > 1:
                nodes = [_sha256(b"\x01" + nodes[i] + nodes[i + 1]).digest() for i in range(0, len(nodes), 2)]
        hashes = self._hashes
        for node in nodes:
            at = index
            while at & 1:
                node = _sha256(b"\x01" + hashes.pop() + node).digest()  # noqa: PLW2901 - it climbs
                at >>= 1
            hashes.append(node)
            index += 1

    def root(self) -> bytes:
        """Root over what was added."""
        hashes = self.hashes
        if not hashes:
            return EMPTY_HASH
        result = hashes[-1]
        for left in reversed(hashes[:-1]):
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


def consistent(old_size: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a consistency proof (RFC 9162 2.1.4.2) shows that the tree of `size` begins with that of `old_size`."""
    if old_size in (0, size):
        return not path and (old_root == root if old_size else old_root == EMPTY_HASH)
    if old_size > size or not path:
        return False
    rest = list(path)
    fn, sn = old_size - 1, size - 1
    if old_size & fn == 0:
        rest.insert(0, old_root)
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = rest[0]
    for node in rest[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = node_hash(node, first), node_hash(node, second)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, node)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and first == old_root and second == root


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

    def __init__(self, prefix: str, token: str = "") -> None:
        """`token` is sent as a bearer's, to that address and no other."""
        self._prefix = prefix.rstrip("/")
        self._headers = {"User-Agent": "secondwind-verify/%s" % VERSION}
        if token:
            self._headers["Authorization"] = "Bearer %s" % token
        self._opener = urllib.request.build_opener(_NoRedirect)

    def read(self, path: str, bytes_max: int) -> bytes:
        """One file, bounded in bytes and seconds, tried three times."""
        reason = ""
        for attempt in range(ATTEMPTS_MAX):
            try:
                return self._read_within(path, bytes_max, DOWNLOAD_TOTAL_S)
            except urllib.error.HTTPError as error:
                reason = "HTTP %d" % error.code
                error.close()
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
        request = urllib.request.Request("%s/%s" % (self._prefix, path), headers=self._headers)
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
    data: dict[str, Any],
    postings: str = "none",
    refers: str = "none",
    slots: Sequence[list[str]] = (),
    guards: Sequence[str] = (),
) -> dict[str, Any]:
    spec = {"data": data, "postings": postings, "refers": refers, "slots": list(slots)}
    return {**spec, "guards": list(guards)} if guards else spec


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
# The ledger's own as well, in each log whose registry lists it.
_EXTENDED = "ledger.registry.extended.v1"
_EXTENSION = {_EXTENDED: _spec({"registry": _text(16_000), "sha256": _kind("digest")})}
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
_ANY_LOG = _enum("audit", "books", "public")
_GROUP = _enum("audit", "identity")
_AUDIT_SLOTS = _slots("nonce/i", "actor/a", "subject/i", "recipient/a", "target/a", "reason/a", "origin/a", "request/a")
_MOVED_SLOTS = _slots(
    "nonce/i",
    "owners/a",
    "provider_objects/a",
    "balance_transaction/a",
    "approvers/a",
    "reason/a",
    "note/i",
    "request/a",
)
_PAID_SLOTS = _slots("nonce/i", "owners/a", "person/i", "vendor/a", "invoice/a", "approvers/a", "note/i", "request/a")
_WHEN = {"effective_on": _kind("date")}
# What stands for several people names the floor it kept; five is the least that this verifier takes (A7, B5).
_FLOOR = {"is": "int", "max": 1000, "min": 5}
_OF_PAYERS = {"lines": _kind("digest"), "payers_min": _FLOOR}
_OF_PEOPLE = {"lines": _kind("digest"), "people_min": _FLOOR}
_KNOWN: dict[str, dict[str, dict[str, Any]]] = {
    "ledger": {
        **_LEDGER_TYPES,
        **_EXTENSION,
        "giving.fees.settled.v1": _spec({}, "some"),
        "giving.float.set.v1": _spec({}, "some", guards=["spendable"]),
        "giving.gift_batch.received.v1": _spec(_OF_PAYERS, "some"),
        "giving.help.cleared.v1": _spec({}, "some", "must"),
        "giving.help.pooled.v1": _spec(_OF_PEOPLE, "some"),
        "giving.payout.made.v1": _spec({"amount": _kind("amount"), "asset": _kind("asset")}),
        "giving.reversals.settled.v1": _spec(_OF_PAYERS, "some"),
        "giving.spending.paid.v1": _spec(
            {"vendor": {"is": "slug", "need": "may"}},
            "some",
            slots=_slots(
                "nonce/i", "books_entry/a", "vendor/a", "invoice/a", "approvers/a", "reason/a", "note/i", "request/a"
            ),
        ),
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
        **_EXTENSION,
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
    "audit": {
        **_LEDGER_TYPES,
        **_EXTENSION,
        "audit.opening.given.v1": _spec({"log": _ANY_LOG}, slots=_AUDIT_SLOTS),
        "audit.export.given.v1": _spec({"from": _SIZE, "log": _ANY_LOG, "to": _SIZE}, slots=_AUDIT_SLOTS),
        "audit.erasure.requested.v1": _spec({"group": _GROUP}, slots=_AUDIT_SLOTS),
        "audit.erasure.approved.v1": _spec({"group": _GROUP}, refers="must", slots=_AUDIT_SLOTS),
        "audit.erasure.completed.v1": _spec(
            {"entries": _SIZE, "group": _GROUP, "gone_by": _kind("date"), "root": _kind("digest")},
            refers="must",
            slots=_AUDIT_SLOTS,
        ),
        **{
            "audit.access.%s.v1" % what: _spec({"what": _kind("slug")}, slots=_AUDIT_SLOTS)
            for what in ("read", "changed", "refused")
        },
    },
}
_KNOWN["books"].update(
    {
        "giving.dispute.recorded.v1": _spec(
            {**_WHEN, "outcome": _enum("lost", "opened", "won")}, "some", "must", _MOVED_SLOTS
        ),
        "giving.float.set.v1": _spec(_WHEN, "some", slots=_MOVED_SLOTS, guards=["held"]),
        "giving.gift.settled.v1": _spec(_WHEN, "some", "must", _MOVED_SLOTS),
        "giving.help.paid.v1": _spec(_WHEN, "some", slots=_PAID_SLOTS, guards=["float_help"]),
        "giving.help.returned.v1": _spec(_WHEN, "some", "must", _PAID_SLOTS),
        "giving.payout.made.v1": _spec(_WHEN, "some", slots=_MOVED_SLOTS),
        "giving.refund.recorded.v1": _spec(_WHEN, "some", "must", _MOVED_SLOTS),
        "giving.spending.paid.v1": _spec(
            {**_WHEN, "vendor_named": _enum("no", "yes")}, "some", slots=_PAID_SLOTS, guards=["held"]
        ),
    }
)


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


def _registry_digest(data: dict[str, Any]) -> str:
    digest = b64(hashlib.sha256(data["registry"].encode()).digest())
    _want(digest == data["sha256"], "registry-invalid", "data.sha256 is not the hash of the registry")
    return digest


def read_registry(
    text: str, known: dict[str, dict[str, Any]], more: dict[str, Any] | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Types and guards that a log's registry declares; Failed when malformed or contradicting what is known here.

    `more`: the guards in force where the text is an extension of a registry.
    """
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
        good = good and _are_slots(spec["slots"]) and _are_held(spec, {**(more or {}), **registry["guards"]})
        _want(good, "registry-invalid", "type %s is not declared as types are" % name[:80])
        people = spec["data"].get("people_min")
        _want(
            people is None or (people["is"] == "int" and people["min"] >= PEOPLE_FLOOR),
            "registry-invalid",
            "type %s would allow groups of fewer than %d people" % (name, PEOPLE_FLOOR),
        )
        if name in known:
            _want(
                spec == known[name],
                "registry-invalid",
                "type %s is declared otherwise than this verifier knows it" % name,
            )
    for name in () if more else _LEDGER_TYPES:
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
        """`known` stays false for an entry that cannot be told by its shape alone."""
        self.known = False
        self.fits: Callable[[bytes], Any] = lambda _: None
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
            self.known = True

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

    def __init__(self, origin: str, fast: bool = False, began: Frontier | None = None) -> None:
        """`began` is the tree of the entries before the first one to be judged, when that is not entry 0."""
        self.origin = origin
        last = origin.rsplit("/", 1)[-1]
        self.kind = last if last in ("books", "audit") else "ledger"
        self.fast = fast
        self.frontier = began or Frontier()
        self.began = self.frontier.size
        self._log_member = b'"log":"%s"' % origin.encode()
        self._good_time = ("", "", "")
        self.prev = EMPTY_HASH
        self.prev_b64 = b64(EMPTY_HASH).encode()
        self.last_at: datetime | None = None
        self.last_at_text = ""
        self.month = ("", "")
        self.known = _KNOWN.get(self.kind, {**_LEDGER_TYPES, **_EXTENSION})
        self.types: dict[str, dict[str, Any]] = dict(_LEDGER_TYPES)
        self.accounts: set[tuple[str, str]] = set()
        self.funds: set[str] = {"none"}
        self.fund_titles: dict[str, str] = {}
        self.guards: dict[str, Any] = {}
        self.recovery: VerifyKey | None = None
        self.keys: dict[str, list[int]] = {}
        self.key_changes: list[str] = []
        self.attested_at: str | None = None
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
        self.on_anchor: Callable[[int, str], None] | None = None
        self.policies: list[tuple[str, int]] = []
        self.proved_close: tuple[int, dict[tuple[str, str, str], int]] | None = None
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
        self.prev = _sha256(b"\x00" + data).digest()
        self.prev_b64 = binascii.b2a_base64(self.prev, newline=False)
        self.frontier.append(self.prev)

    def begin(self, data: bytes, position: int, month: str, sums: dict[tuple[str, str, str], int]) -> None:
        """Start in the middle, where `data` is first: sums at the close of `month` at `position` are proved already."""
        entry = parse_entry(data)
        at = check_shape(entry)
        good = self.zone is None or self._months(at)[0] <= month
        _want(good, "balance-unproved", "entries after %s stand before the first one shown" % month)
        self.prev_b64 = entry["prev"].encode()
        self.proved_close = (position, sums)

    def carry(self, position: int, data: bytes) -> None:
        """Take note of an earlier entry that later ones depend on. What was before it is not known here."""
        try:
            entry = parse_entry(data)
            at = check_shape(entry)
            _want(entry["log"] == self.origin, "log-mismatch", "the entry is of %r" % entry["log"][:80])
            _want(entry["position"] == position, "position-mismatch", "the entry says %d" % entry["position"])
            if entry["type"] in self.types:
                self.check_data(entry, self.types[entry["type"]])
            if position == 0:
                _want(entry["type"] == "ledger.log.opened.v1", "genesis-invalid", "entry 0 does not open the log")
                self.open(entry)
            self.month = self._months(at)
            if entry["type"].startswith("ledger."):
                self._declare(entry)
            if entry.get("phase") == "pending":
                self.pending[position] = parse_at(entry["expires_at"])
        except Failed as failure:
            raise Failed(failure.code, failure.sentence, position) from None
        except CannotTell:
            raise
        except Exception as error:
            raise Failed("entry-malformed", "judging it raised %s" % type(error).__name__, position) from error

    def _months(self, at: datetime) -> tuple[str, str]:
        """The month of a time in the log's time zone, and the one before."""
        local = at.astimezone(self.zone or timezone.utc)
        before = local.replace(day=1) - timedelta(days=1)
        return ("%04d-%02d" % (local.year, local.month), "%04d-%02d" % (before.year, before.month))

    def _judge_fast(self, position: int, data: bytes) -> None:
        """Chain only: members by pattern, not by parsing; position, prev and log stand in canonical bytes as they must."""
        if len(data) > ENTRY_BYTES_MAX:
            raise Failed("entry-too-large", "%d bytes, at most %d" % (len(data), ENTRY_BYTES_MAX))
        if b'"position":%d,"postings":' % position not in data:
            raise Failed("position-mismatch", "the entry does not say its position")
        if b'"prev":"%s"' % self.prev_b64 not in data:
            raise Failed("prev-mismatch", "prev is not the hash of the entry before")
        if self._log_member not in data:
            raise Failed("log-mismatch", "the entry is not of this log")
        if b'"type":"ledger.' in data:
            entry = parse_entry(data)
            check_shape(entry)
            self._follow(entry)

    def _follow(self, entry: dict[str, Any]) -> None:
        """What even --fast takes note of: whose keys sign the log, and when it was last anchored."""
        name = entry["type"]
        spec = _LEDGER_TYPES.get(name)
        if name in ("ledger.log.opened.v1", "ledger.key.introduced.v1", "ledger.key.retired.v1") and spec is not None:
            self.check_data(entry, spec)
            if entry["position"] == 0:
                self.open(entry)
            else:
                self._change_key(entry)
        elif name == "ledger.anchor.recorded.v1":
            self.newest_anchor = entry["at"]

    def _judge_known(self, position: int, data: bytes) -> bool:
        """Judge an entry whose shape is known; False leaves it to `_judge`, which says what is wrong, if anything is."""
        if len(data) > ENTRY_BYTES_MAX or (self.opening is not None and self.opening.position == position):
            return False
        shapes = self.shapes
        for i in range(len(shapes)):
            shape = shapes[i]
            match = shape.fits(data)
            if match:
                if i:
                    shapes.insert(0, shapes.pop(i))  # what came last comes again soonest
                break
        else:
            return False
        found = match.groups()
        count = len(shape.triples)
        if found[1] != b"%d" % position or found[2 + count] != self.prev_b64:
            return False
        amounts = [int(text) for text in found[2 : 2 + count]]
        for members in shape.sums:
            total = 0
            for member in members:
                total += amounts[member]
            if total:
                return False
        text = found[0].decode()
        at = self.last_at
        if self._good_time != (text, shape.period, self.closed):
            try:
                at = parse_at(text)
                self._check_time(text, shape.period, shape.type, at)
            except Failed:
                return False
            if self.kind == "ledger":  # elsewhere no two entries share their time
                self._good_time = (text, shape.period, self.closed)
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
            if shape.known:
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
        _want(entry["prev"].encode() == self.prev_b64, "prev-mismatch", "prev is not the hash of the entry before")
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
            self.check_data(entry, spec)
        if position == 0:
            self.open(entry)
        self._check_time(entry["at"], entry["period"], name, at)
        self._check_places(entry)
        if "phase" in entry:
            self._check_phase(entry, at)
        if spec is not None and "guards" in spec and (self.proved_close is None or position > self.proved_close[0]):
            self._check_decision(entry, spec["guards"])
        if spec is not None and "people_min" in spec["data"] and "people_min" in entry["data"]:
            self._check_people(entry)
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

    def check_data(self, entry: dict[str, Any], spec: dict[str, Any]) -> None:
        """`data`, slots, postings and refers_to are what the type gives (5.2 to 5.5)."""
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
            self.month = self._months(at) if self.zone is not None else self.month
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
        if self.proved_close is not None and entry["position"] < self.proved_close[0]:
            self.closed = month  # what it closed lies before what an export shows
            return
        if self.proved_close is not None and entry["position"] == self.proved_close[0]:
            sums = self.proved_close[1]
        else:
            sums = self.through(month)
        _want(
            data["balances"] == b64(hashlib.sha256(b"secondwind/balances/v1\n" + balance_lines(sums)).digest()),
            "data-invalid",
            "data.balances is not the trial balance through %s" % month,
        )
        self.months = {period: totals for period, totals in self.months.items() if period > month}
        self.months[""] = defaultdict(int, sums)
        self.closed = month

    def signers(self, size: int) -> list[str]:
        """The keys of the log that may sign a checkpoint of this size (12.7)."""
        return [text for text, (first, *last) in self.keys.items() if first <= size and (not last or size <= last[0])]

    def _change_policy(self, entry: dict[str, Any]) -> None:
        """A policy takes effect in a later month than it is told in, and undercuts no floor (12.11; attacks A7)."""
        data = entry["data"]
        digest = b64(hashlib.sha256(data["policy"].encode()).digest())
        _want(digest == data["sha256"], "data-invalid", "data.sha256 is not the hash of the policy")
        _want(
            not self.policies or self.zone is None or data["from"] > self.month[0],
            "policy-invalid",
            "a policy told in %s begins in %s, not in a later month" % (self.month[0], data["from"]),
        )
        asked = _people_in(data["policy"])
        for number in asked:
            _want(
                type(number) is int and number >= PEOPLE_FLOOR,
                "policy-invalid",
                "people_min of the policy is %s, never fewer than %d" % (str(number)[:20], PEOPLE_FLOOR),
            )
        self.policies.append((data["from"], min(asked, default=PEOPLE_FLOOR)))

    def _people_min(self, month: str) -> int:
        """How many people the policy in force in a month asks for."""
        found = [number for start, number in self.policies if start <= month]
        return found[-1] if found else PEOPLE_FLOOR

    def _check_people(self, entry: dict[str, Any]) -> None:
        """What is told of a group says how many people are in it at least: no fewer than the policy allows (12.13)."""
        number = entry["data"]["people_min"]
        least = min(self._people_min(entry["period"]), self._people_min(self.month[0] or entry["period"]))
        _want(
            type(number) is int and number >= least,
            "policy-invalid",
            "data.people_min is %s, the policy asks for at least %d" % (str(number)[:20], least),
        )

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
            self.key_changes.append("introduced %s %d %s" % (key.text, size, data["signature"]))
            return
        span = self.keys.get(key.text, [])
        _want(len(span) == 1, "key-invalid", "a key is retired that is not in force")
        others = [first for text, (first, *last) in self.keys.items() if text != key.text and not last]
        _want(any(first <= size for first in others), "key-invalid", "no other key would be in force")
        span.append(size)
        self.key_changes.append("retired %s %d %s" % (key.text, size, data["signature"]))

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

    def open(self, entry: dict[str, Any]) -> None:
        """What entry 0 says of the log (5.7)."""
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

    def _extend(self, data: dict[str, Any]) -> None:
        _registry_digest(data)
        types, guards = read_registry(data["registry"], self.known, self.guards)
        _want(types or guards, "registry-invalid", "the extension adds nothing")
        for new in types:
            _want(new not in self.types, "registry-invalid", "type %s was declared before" % new)
        for new in guards:
            _want(new not in self.guards, "registry-invalid", "guard %s was declared before" % new)
        self.types, self.guards = {**self.types, **types}, {**self.guards, **guards}
        whole = _encode({"guards": self.guards, "types": self.types})
        self.registry_digest = b64(hashlib.sha256(whole.encode()).digest())

    def _declare(self, entry: dict[str, Any]) -> None:
        name, data = entry["type"], entry["data"]
        if name == "ledger.registry.published.v1":
            digest = _registry_digest(data)
            types, guards = read_registry(data["registry"], self.known)
            for old, spec in self.types.items():
                _want(types.get(old) == spec, "registry-invalid", "type %s was declared before, otherwise" % old)
            for old, guard in self.guards.items():
                _want(guards.get(old) == guard, "registry-invalid", "guard %s was declared before, otherwise" % old)
            self.types, self.guards = types, guards
            self.registry_digest = digest
        elif name == _EXTENDED and name in self.types:
            self._extend(data)
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
            self._change_policy(entry)
        elif name == "ledger.period.closed.v1":
            self._close(entry)
        elif name.startswith("ledger.key."):
            self._change_key(entry)
        elif name == "ledger.books.attested.v1":
            self.attested_at = entry["at"]
        elif name == "ledger.anchor.recorded.v1":
            self.newest_anchor = entry["at"]
            if self.on_anchor is not None:
                self.on_anchor(entry["position"], data["commitment"])


def balance_lines(sums: dict[tuple[str, str, str], int]) -> bytes:
    """Balances as a close hashes them (12.3)."""
    return b"".join(_encode([*triple, str(sums[triple])]).encode() + b"\n" for triple in sorted(sums) if sums[triple])


def _people_in(policy: str) -> list[Any]:
    """Every people_min of a policy, wherever in it. Failed("policy-invalid") when it is not canonical JSON."""
    try:
        good = depth_of(policy.encode("utf-8")) <= POLICY_DEPTH_MAX
        document = _decoder.decode(policy) if good else None
        _check_value(document)
        good = good and _encode(document) == policy
    except (Failed, ValueError, RecursionError):
        good = False
    _want(good, "policy-invalid", "the policy is not canonical JSON")
    rest, found = [document], []
    while rest:
        value = rest.pop()
        if type(value) is dict:
            found += [value["people_min"]] if "people_min" in value else []
            rest += value.values()
        elif type(value) is list:
            rest += value
    return found


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
# What the reader brings along: keys, a clock, and what was seen of the log before or elsewhere. All else is its own word.


class Seen:
    """Something seen before or elsewhere: at `size` the root was `root`. A receipt also has an `index` and a `path`."""

    def __init__(self, label: str, checkpoint: Checkpoint, own: bool = False) -> None:
        """`own` marks what the reader wrote down, of which no signature has to tell where it is from."""
        self.label = label
        self.checkpoint = checkpoint
        self.size = checkpoint.size
        self.root = checkpoint.root
        self.own = own
        self.index = -1
        self.path: list[bytes] = []


class Reader:
    """Who verifies: the keys and the quorum that were pinned, what was seen, and the time it is (None: not judged)."""

    def __init__(self, key: VerifyKey | None, recovery: VerifyKey | None = None, now: float | None = None) -> None:
        self.key = key
        self.recovery = recovery
        self.now = now
        self.witnesses: list[VerifyKey] = []
        self.quorum = 0
        self.seen: list[Seen] = []
        self.cosigned: dict[str, int] = {}

    def witness(self, checkpoints: Sequence[Checkpoint]) -> Checkpoint | None:
        """The largest of these that the quorum cosigned. What the pinned witnesses said of any of them is kept."""
        best, most = None, -1
        for checkpoint in checkpoints:
            times = {witness.name: checkpoint.signed.cosigned_by(witness) for witness in self.witnesses}
            found = {name: seconds for name, seconds in times.items() if seconds is not None}
            met = len(found) >= self.quorum
            if (met, checkpoint.size) > (most >= self.quorum, best.size if best is not None else -1):
                best, most, self.cosigned = checkpoint, len(found), found
        return best if self.witnesses and most >= self.quorum else None

    def signed(self, head: Checkpoint) -> bool:
        """Whether the pinned key signed the head. If not, a newer key of the log may have: the entries will tell."""
        if self.key is not None and head.signed.signed_by(self.key):
            head.of(self.key.name)
            return True
        name = head.origin if self.key is None else self.key.name
        if head.size == 0 or name != head.origin or all(signer != name for signer, _ in head.signed.signatures):
            raise Failed(
                "signature-missing", "the checkpoint is not signed by %s" % (self.key.text if self.key else name)
            )
        return False


def newest_head(source: Source, reader: Reader) -> tuple[Checkpoint, list[Seen]]:
    """The newest head, and what the witnesses saw, which may be a head somewhat older (`checkpoint.witnessed`)."""
    heads = [Checkpoint(source.read("checkpoint", NOTE_BYTES_MAX))]
    if reader.witnesses:
        # Not every log has it: cosignatures may stand under the checkpoint itself.
        with contextlib.suppress(CannotTell):
            heads.append(Checkpoint(source.read("checkpoint.witnessed", NOTE_BYTES_MAX)).of(heads[0].origin))
    head = max(heads, key=lambda one: one.size)
    witnessed = reader.witness(heads)
    if witnessed is None:
        return head, []
    return head, [Seen("%d witnesses (%s)" % (len(reader.cosigned), ", ".join(sorted(reader.cosigned))), witnessed)]


def check_signers(log: Log, head: Checkpoint, reader: Reader, own: bool) -> bool:
    """Hold the head's signatures against the keys that the entries name (11.3, 12.7; attacks A4).

    `own`: the pinned key signed it. Returns whether a pinned key vouches for the entries: the log's by its signature,
    the recovery key by having introduced the one that signed.
    """
    if reader.recovery is not None and (log.recovery is None or log.recovery.public != reader.recovery.public):
        raise Failed("genesis-invalid", "entry 0 names another recovery key than the one given", 0)
    if reader.key is not None and reader.key.text not in log.keys:
        if own:
            raise Failed("genesis-invalid", "entry 0 names another key than the one given", 0)
        raise Failed("signature-missing", "the checkpoint is not signed by %s" % reader.key.text)
    signed = [text for text in log.signers(head.size) if head.signed.signed_by(VerifyKey(text))]
    if not signed:
        raise Failed(
            "signature-missing", "no key that the log names for %d entries has signed the checkpoint" % head.size
        )
    return own or (reader.recovery is not None and any(log.keys[text][0] > 0 for text in signed))


def check_views(log: Log, views: Sequence[Seen]) -> None:
    """What others hold must be signed by a key of the log too; else it says nothing about this log."""
    for view in views:
        try:
            good = view.own or any(view.checkpoint.signed.signed_by(VerifyKey(key)) for key in log.signers(view.size))
        except Failed as failure:
            raise CannotTell("%s: %s" % (view.label, failure.sentence)) from None
        if not good:
            raise CannotTell("%s is signed by no key of this log" % view.label)


def check_sizes(head: Checkpoint, views: Sequence[Seen]) -> None:
    """A log never gets shorter."""
    for view in views:
        if view.size > head.size:
            raise Failed(
                "rollback", "%s saw %d entries, the log now has %d" % (view.label, view.size, head.size), head.size
            )


def read_seen(path: str, key: VerifyKey | None, any_key: bool = False) -> Seen:
    """A tlog-proof (a receipt): a view of the log, and the place of an entry in it. CannotTell when it is none.

    With `any_key` the log's entries will tell whether a key of its signed it, where `key` did not.
    """
    data = _read_file(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise CannotTell("%s is not UTF-8" % path) from None
    head, cut, note = text.partition("\n\n")
    lines = head.split("\n")
    try:
        extra = [unb64(line[6:]) for line in lines[1:2] if line.startswith("extra ")]
        rest = lines[1 + len(extra) :]
        if not cut or lines[0] != "c2sp.org/tlog-proof@v1" or not rest or not rest[0].startswith("index "):
            raise ValueError("its lines are of another form")
        index, hashes = decimal(rest[0][6:]), [unb64(line) for line in rest[1:]]
    except ValueError as error:
        raise CannotTell("%s is not a tlog-proof: %s" % (path, error)) from None
    checkpoint = Checkpoint(note.encode())
    if key is not None and not checkpoint.signed.signed_by(key) and not any_key:
        raise Failed("signature-missing", "%s is not signed by %s" % (path, key.text))
    seen = Seen(path, checkpoint if key is None else checkpoint.of(key.name))
    seen.index, seen.path = index, hashes
    if seen.index >= seen.size or len(hashes) > 63 or any(len(node) != 32 for node in hashes):
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


# ---------------------------------------------------------------------------------------------------------------------
# The whole log: every entry, every rule.


def verify_log(source: Source, reader: Reader, options: argparse.Namespace, auditor: Auditor | None) -> dict[str, Any]:
    """Verify everything; returns the report. Raises Failed or CannotTell."""
    head, witnessed = newest_head(source, reader)
    views = [*reader.seen, *witnessed]
    own = reader.signed(head)
    if own:
        check_sizes(head, views)
        check_expected(head, options.expect_head)
    log = Log(head.origin, fast=options.fast)
    if auditor is not None:
        log.on_anchor = auditor.take
    if options.opening:
        log.opening = Opening(options.opening, head.origin)
        if log.opening.position >= head.size:
            raise CannotTell("the opening is of entry %d, which the log does not have yet" % log.opening.position)
    contradicted, receipts = replay(source, log, head.size, views, Progress(head.size, options.json))
    vouched = check_signers(log, head, reader, own) if head.size else True
    check_sizes(head, views)
    check_expected(head, options.expect_head)
    if log.frontier.root() != head.root:
        raise Failed("root-mismatch", "the entries do not hash to the root that was signed", head.size)
    # Only now is it known that a key of the log signed what was read: before, any server could have made it look forked.
    check_views(log, views)
    for view in contradicted:
        raise fork(view, head, source, log.key_changes, vouched)
    for view in views:
        if view.index >= 0 and not _is_under(receipts[view.index], view):
            raise CannotTell("%s does not prove entry %d: its hashes lead elsewhere" % (view.label, view.index))
    if not vouched and not any(view.size for view in views):
        raise CannotTell(
            "the log is consistent in itself, but signed by a key that nothing given here vouches for (%s)"
            % ", ".join(log.signers(head.size))
            + "; give --recovery-key, or --trusted with what was seen under the key you hold"
            if reader.key is not None
            else "the recovery key has introduced no key of this log yet, so it says nothing about the one in use; give "
            "--key as well, or --trusted with what was seen before"
        )
    try:
        log.check_end()
    except Failed as failure:
        raise Failed(failure.code, failure.sentence, head.size) from None
    report = report_of(log, head, reader, views)
    if auditor is not None:
        auditor.end(log)
        auditor.add_to(report)
    return report


def replay(
    source: Source, log: Log, size: int, views: Sequence[Seen], progress: Progress
) -> tuple[list[Seen], dict[int, bytes]]:
    """Judge every entry in order. Returns the views that contradict the log, and the leaf hashes receipts ask for."""
    waiting = sorted(views, key=lambda view: view.size)
    contradicted: list[Seen] = []
    receipts = {view.index: b"" for view in views if view.index >= 0}
    sampled = _sample(size)
    for n in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
        width = min(TILE_WIDTH, size - n * TILE_WIDTH)
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
    return contradicted, receipts


def check_expected(head: Checkpoint, expected: str | None) -> None:
    """--expect-head SIZE:ROOT."""
    if expected and expected != "%d:%s" % (head.size, b64(head.root)):
        raise Failed("head-mismatch", "the head is %d:%s" % (head.size, b64(head.root)))


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


# ---------------------------------------------------------------------------------------------------------------------
# Forks, and the file that proves one to anybody.


EVIDENCE = "Two checkpoints signed for one log, for histories that contradict each other."


def fork(view: Seen, head: Checkpoint, source: Source, changes: Sequence[str], vouched: bool) -> Failed:
    """The failure to raise when what was seen contradicts the log. Not vouched for: then it may be another's log."""
    if not vouched:
        return Failed(
            "signature-missing",
            "the log contradicts %s, and is signed by a key that nothing given here vouches for" % view.label,
        )
    evidence = _write_evidence(view, head, source, changes)
    return Failed(
        "fork",
        "at size %d %s saw another history; both signed heads stand in %s" % (view.size, view.label, evidence),
        view.size,
    )


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


def _write_evidence(view: Seen, head: Checkpoint, source: Source, changes: Sequence[str]) -> str:
    """Both signed heads and what proves them contradictory, in one file that needs neither the log nor this program."""
    path = "secondwind-fork-%s.txt" % hashlib.sha256((view.checkpoint.note + head.note).encode()).hexdigest()[:12]
    root, proof = _consistency(source, view.size, head.size)
    text = (
        "%s\n\n"
        "The first head says that the root over the first %d entries is\n  %s\n"
        "Under the second head it is\n  %s\n"
        "because the RFC 6962 consistency proof from that root, at %d entries, to the second head's, at %d, is\n%s\n"
        "Keys that the recovery key introduced or retired, the size, its signature:\n%s\n"
        "Check it: python3 -I verify.py --evidence THIS_FILE --key VKEY\n"
        "\n--- seen before ---\n%s\n--- served now ---\n%s"
    ) % (
        EVIDENCE,
        view.size,
        b64(view.root),
        b64(root),
        view.size,
        head.size,
        "".join("  %s\n" % b64(node) for node in proof) or "  empty: the sizes are equal\n",
        "".join("  %s\n" % change for change in changes) or "  none\n",
        view.checkpoint.note,
        head.note,
    )
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError:
        return "(no evidence file could be written here)"
    return path


def check_evidence(path: str, key: VerifyKey | None, recovery: VerifyKey | None) -> NoReturn:
    """Judge a file that is said to prove a fork. Failed("fork") if it does; CannotTell says why it does not."""
    if key is None and recovery is None:
        raise CannotTell("whose log has forked, only its keys can say: give --key or --recovery-key")
    try:
        text = _read_file(path).decode("utf-8")
        told, first, second = re.split(r"\n--- (?:seen before(?: \([a-z ]+\))?|served now) ---\n", text)
        heads = [Checkpoint(first.rstrip("\n").encode() + b"\n"), Checkpoint(second.encode())]
        hashes = [unb64(line[2:]) for line in told.split("\n") if re.fullmatch("  [A-Za-z0-9+/]{43}=", line)]
    except (Failed, ValueError) as error:
        raise CannotTell("%s is no evidence as verify.py writes it (%s)" % (path, error)) from None
    if not text.startswith("Two checkpoints signed "):
        raise CannotTell("%s is no evidence as verify.py and the page write it" % path)
    origin = heads[1].origin
    changes = [line[2:] for line in told.split("\n") if re.match("  (introduced|retired) ", line)]
    keys = _told_keys(origin, changes, key, recovery)
    for head in heads:
        try:
            good = head.origin == origin and any(head.signed.signed_by(one) for one in keys)
        except Failed:
            good = False
        if not good:
            raise CannotTell("a head of %d entries is not signed by a key that is vouched for" % head.size)
    old, new = heads
    if len(hashes) < 2 and old.size != new.size:
        raise CannotTell(
            "both heads are signed, of %d and %d entries, but a browser has no room for the proof that they contradict "
            "each other: save the first as a file and run verify.py SOURCE --trusted FILE" % (old.size, new.size)
        )
    # Two roots of one size need no proof.
    root, proof = (hashes[1], hashes[2:]) if len(hashes) >= 2 else (new.root, [])
    hashes = hashes or [old.root]
    if old.root == root or old.root != hashes[0]:
        raise CannotTell("the two heads do not contradict each other as %s says" % path)
    if not consistent(old.size, new.size, root, new.root, proof):
        raise CannotTell("the hashes do not prove what the second head says about the first %d entries" % old.size)
    raise Failed(
        "fork", "%s signed two histories, which part within the first %d entries" % (origin, old.size), old.size
    )


def _told_keys(
    origin: str, changes: Sequence[str], key: VerifyKey | None, recovery: VerifyKey | None
) -> list[VerifyKey]:
    """The pinned key, and those of the log that the pinned recovery key has introduced."""
    if key is not None and key.name != origin:
        raise CannotTell("it is about %s, and the key is of %s" % (origin[:200], key.name))
    keys = [] if key is None else [key]
    for change in changes if recovery is not None else ():
        try:
            what, vkey, size, signature = change.split(" ")
            told = "secondwind/key/v1\n%s\n%s\n%s\n%d\n" % (origin, what, vkey, decimal(size))
            if what == "introduced" and ed25519_verifies(recovery.public, told.encode(), unb64(signature)):  # type: ignore[union-attr]  # not None here
                keys.append(VerifyKey(vkey).of(origin))
        except ValueError:
            continue  # a line that proves nothing adds no key
    return keys


# ---------------------------------------------------------------------------------------------------------------------
# A sample: the head, the tree's right edge, and some entries that the server cannot foresee, each with its proof.


class Tiles:
    """Nodes of the tree under one head, from its tiles. Nothing is proved by them: callers hold them against the root."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._size = size
        self._kept: dict[tuple[int, int], bytes] = {}

    def _tile(self, level: int, n: int) -> bytes:
        if (level, n) not in self._kept:
            width = min(TILE_WIDTH, (self._size >> (8 * level)) - n * TILE_WIDTH)
            data = self._source.read(tile_path(str(level), n, width), TILE_WIDTH * 32)
            if len(data) != 32 * width:
                raise Failed("tile-mismatch", "tile %d/%d has %d bytes, not %d" % (level, n, len(data), 32 * width))
            while len(self._kept) >= TILES_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[level, n] = data
        return self._kept[level, n]

    def root(self, start: int, end: int) -> bytes:
        """Root over the leaves start...end, where start is a multiple of the largest power of two below their number."""
        width = end - start
        if width & (width - 1):
            half = 1 << ((width - 1).bit_length() - 1)
            return node_hash(self.root(start, start + half), self.root(start + half, end))
        height = width.bit_length() - 1
        level, count = height // 8, 1 << height % 8
        first = start >> (8 * level)
        tile, at = self._tile(level, first // TILE_WIDTH), first % TILE_WIDTH
        return root_of([tile[32 * i : 32 * i + 32] for i in range(at, at + count)])

    def inclusion(self, index: int) -> list[bytes]:
        """The path from a leaf to the root, the leaf's sibling first."""
        path: list[bytes] = []
        start, end = 0, self._size
        while end - start > 1:
            half = start + (1 << ((end - start - 1).bit_length() - 1))
            path.append(self.root(half, end) if index < half else self.root(start, half))
            start, end = (start, half) if index < half else (half, end)
        return path[::-1]


def verify_sample(source: Source, reader: Reader, options: argparse.Namespace) -> dict[str, Any]:
    """Verify the head, that it continues what was seen, and some entries. Sums over the log are not judged."""
    head, witnessed = newest_head(source, reader)
    if reader.key is None or not reader.signed(head):
        raise CannotTell("a sample follows no change of keys: give the --key that signs the log today")
    views = [*reader.seen, *witnessed]
    check_sizes(head, views)
    check_expected(head, options.expect_head)
    tiles = Tiles(source, head.size)
    if head.size and tiles.root(0, head.size) != head.root:
        raise Failed("root-mismatch", "the tiles do not hash to the root that was signed", head.size)
    for view in views:
        _continues(tiles, view, head, source)
    log = Log(head.origin)
    wanted = draw(head.size, options.sample) | {view.index for view in views if view.index >= 0}
    progress = Progress(len(wanted), options.json)
    for done, index in enumerate(sorted(wanted)):
        data = _entry_at(source, index, head.size)
        path = tiles.inclusion(index)
        if inclusion_root(leaf_hash(data), index, head.size, path) != head.root:
            raise Failed("root-mismatch", "the entry is not the one under the signed root", index)
        for view in views:
            if view.index == index and not _is_under(leaf_hash(data), view):
                raise CannotTell("%s does not prove entry %d: its hashes lead elsewhere" % (view.label, index))
        _judge_alone(log, index, data)
        progress.show(done)
    progress.end()
    log.newest_anchor = _newest_anchor(source, tiles, head)
    return report_of(log, head, reader, views, len(wanted))


def _newest_anchor(source: Source, tiles: Tiles, head: Checkpoint) -> str | None:
    """When the newest anchor among the last entries was recorded, proved to be in the tree; None if none is there."""
    last = (head.size - 1) // TILE_WIDTH
    for n in range(last, max(-1, last - ANCHOR_BUNDLES), -1):
        entries = bundle(source, n, min(TILE_WIDTH, head.size - n * TILE_WIDTH))
        for i in range(len(entries) - 1, -1, -1):
            if b'"type":"ledger.anchor.recorded.v1"' not in entries[i]:
                continue
            index = n * TILE_WIDTH + i
            if inclusion_root(leaf_hash(entries[i]), index, head.size, tiles.inclusion(index)) != head.root:
                raise Failed("root-mismatch", "the entry is not the one under the signed root", index)
            entry = parse_entry(entries[i])
            if entry.get("type") == "ledger.anchor.recorded.v1":
                parse_at(entry.get("at"))
                return str(entry["at"])
    return None


def draw(size: int, count: int) -> set[int]:
    """The first and the newest position, and so many between them that nobody could foresee."""
    drawn = {size - 1, 0} if size else set()
    while len(drawn) < min(count + 2, size):
        drawn.add(int.from_bytes(os.urandom(8), "big") % size)
    return drawn


def _continues(tiles: Tiles, view: Seen, head: Checkpoint, source: Source) -> None:
    if view.size == 0:
        return
    root = tiles.root(0, view.size) if view.size < head.size else head.root
    path = [tiles.root(start, end) for start, end in _ranges(view.size, 0, head.size)]
    if not consistent(view.size, head.size, root, head.root, path):
        raise Failed("tile-mismatch", "the tiles over the first %d entries are not those under the root" % view.size)
    if root != view.root:
        raise fork(view, head, source, (), vouched=True)


def _entry_at(source: Source, index: int, size: int) -> bytes:
    n, at = divmod(index, TILE_WIDTH)
    return bundle(source, n, min(TILE_WIDTH, size - n * TILE_WIDTH))[at]


def _judge_alone(log: Log, index: int, data: bytes) -> None:
    """What can be said of an entry without those before it: its bytes, its form, its place, its own sums."""
    try:
        entry = parse_entry(data)
        check_shape(entry)
        _want(entry["log"] == log.origin, "log-mismatch", "the entry is of %r" % entry["log"][:80])
        _want(entry["position"] == index, "position-mismatch", "the entry says %d" % entry["position"])
        if index == 0:
            _want(entry["type"] == "ledger.log.opened.v1", "genesis-invalid", "entry 0 does not open the log")
            log.check_data(entry, _LEDGER_TYPES["ledger.log.opened.v1"])
            log.open(entry)
    except Failed as failure:
        raise Failed(failure.code, failure.sentence, index) from None
    except CannotTell:
        raise
    except Exception as error:
        raise Failed("entry-malformed", "judging it raised %s" % type(error).__name__, index) from error
    log.counts[entry["type"]] += 1
    log.first_at, log.last_at_text = log.first_at or entry["at"], entry["at"]


# ---------------------------------------------------------------------------------------------------------------------
# The auditor's mode: every anchor is opened, and what it shows is held against the other logs (attacks A9).


class Other:
    """A log that is not public, replayed by every rule just as far as the anchors ask."""

    def __init__(self, source: Source, keys: Sequence[VerifyKey]) -> None:
        self.head = Checkpoint(source.read("checkpoint", NOTE_BYTES_MAX))
        self.log = Log(self.head.origin)
        self.pinned = [key for key in keys if key.name == self.head.origin]
        self.newest: Checkpoint | None = None
        self.checkpoints = 0
        self.committed: deque[tuple[int, int]] = deque(maxlen=COMMITTED_KEPT)
        self._entries = self._read(source)

    def _read(self, source: Source) -> Iterator[bytes]:
        for n in range((self.head.size + TILE_WIDTH - 1) // TILE_WIDTH):
            yield from bundle(source, n, min(TILE_WIDTH, self.head.size - n * TILE_WIDTH))

    def advance(self, size: int) -> None:
        """Judge entries until there are so many. Failures are told with the log they are in."""
        try:
            while self.log.frontier.size < size:
                self.log.take(next(self._entries))
        except Failed as failure:
            raise Failed(failure.code, "%s: %s" % (self.log.origin, failure.sentence), failure.position) from None

    def hold(self, note: str, anchor: int) -> None:
        """One anchored note: signed by a key of this log, later than the one before, and of these very entries."""
        if self.newest is not None and note == self.newest.note:
            return
        try:
            seen = Checkpoint(note.encode("utf-8")).of(self.log.origin)
            before = 0 if self.newest is None else self.newest.size
            _want(seen.size >= before, "rollback", "it anchors %d entries after %d" % (seen.size, before))
            _want(seen.size <= self.head.size, "rollback", "it anchors %d entries" % seen.size)
            self.advance(seen.size)
            _want(seen.root == self.log.frontier.root(), "fork", "at size %d it anchors another history" % seen.size)
            keys = [VerifyKey(text) for text in self.log.signers(seen.size)]
            _want(any(seen.signed.signed_by(key) for key in keys), "signature-missing", "no key of the log signed it")
        except Failed as failure:
            if failure.position is not None:
                raise
            sentence = "the anchored checkpoint of %s, which has %d entries: %s"
            raise Failed(failure.code, sentence % (self.log.origin, self.head.size, failure.sentence), anchor) from None
        self.newest = seen
        self.checkpoints += 1
        self.committed.append((seen.size, anchor))

    def end(self, recovery: VerifyKey | None) -> None:
        """The rest of the log, its own head, and the keys that were pinned."""
        log, head = self.log, self.head
        self.advance(head.size)
        try:
            check_signers(log, head, Reader(self.pinned[0] if self.pinned else None, recovery), own=False)
            _want(log.frontier.root() == head.root, "root-mismatch", "the entries do not hash to the signed root")
            log.check_end()
        except Failed as failure:
            raise Failed(failure.code, "%s: %s" % (log.origin, failure.sentence), head.size) from None


class Auditor:
    """Opens anchors as the replay of the public log comes to them. Holds no more than the line it is at."""

    def __init__(self, path: str, logs: Sequence[Other], recovery: VerifyKey | None) -> None:
        self._lines = self._read(path)
        self._path = path
        self._recovery = recovery
        self.logs = {log.log.kind: log for log in logs}
        self._next = next(self._lines, None)
        self.opened = 0
        self.unopened = 0

    @staticmethod
    def _read(path: str) -> Iterator[tuple[int, bytes, list[str]]]:
        """(position, nonce, notes) of each line. CannotTell for what is no opening of an anchor."""
        try:
            file = open(path, "rb")  # noqa: SIM115 - closed by the `with` below
        except OSError as error:
            raise CannotTell("%s cannot be read: %s" % (path, error.strerror)) from None
        with file:
            number = 0
            while line := file.readline(ANCHOR_LINE_MAX):
                number += 1
                try:
                    document = _decoder.decode(line.decode("utf-8"))
                    position, nonce, notes = document["position"], unb64(document["nonce"]), document["notes"]
                    good = document.keys() == {"position", "nonce", "notes"} and type(position) is int
                    good = good and type(notes) is list and all(type(note) is str for note in notes)
                    good = good and len(nonce) == 32 and len(notes) == len(ANCHORED)
                except (Failed, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    good = False
                if not good:
                    raise CannotTell("line %d of %s opens no anchor" % (number, path))
                yield position, nonce, notes

    def take(self, position: int, commitment: str) -> None:
        """Open the anchor at `position`."""
        if self._next is None:
            self.unopened += 1
            return
        at, nonce, notes = self._next
        _want(at >= position, "anchor-invalid", "%s opens an anchor at %d, where none stands" % (self._path, at))
        _want(at == position, "anchor-unopened", "%s opens later anchors, but not this one" % self._path)
        parts = [note.encode("utf-8") for note in notes]
        told = b"secondwind/anchor/v1\n" + nonce + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        _want(
            commitment == b64(hashlib.sha256(told).digest()),
            "anchor-invalid",
            "the nonce and notes given are not what the anchor committed to",
        )
        for kind, note in zip(ANCHORED, notes):  # noqa: B905 - Python 3.9
            if kind in self.logs:
                if note:
                    self.logs[kind].hold(note, position)
                _want(
                    note or self.logs[kind].newest is None,
                    "rollback",
                    "the anchor holds no checkpoint of %s, earlier ones do" % kind,
                )
        self.opened += 1
        self._next = next(self._lines, None)

    def end(self, log: Log) -> None:
        """The rest of the other logs. A line for an anchor that does not stand is a failure; later ones wait."""
        if self._next is not None and self._next[0] < log.frontier.size:
            raise Failed("anchor-invalid", "%s opens an anchor where none stands" % self._path, self._next[0])
        for other in self.logs.values():
            other.end(self._recovery)

    def checks(self) -> list[Check]:
        """What the anchors showed, in words."""
        told = "%d anchors opened" % self.opened
        if self.unopened:
            sentence = "%s, %d later ones not: ask for a newer %s" % (told, self.unopened, self._path)
            return [Check("anchored", UNKNOWN, sentence)]
        checks = [Check("anchored", YES, told)]
        for other in self.logs.values():
            newest = "none yet" if other.newest is None else "the newest of %d entries" % other.newest.size
            sentence = "%d entries of %s keep every rule; the public log commits to %d checkpoints of it, %s"
            told = sentence % (other.head.size, other.log.origin, other.checkpoints, newest)
            checks.append(Check(other.log.kind, UNKNOWN if other.log.unknown else YES, told))
        return checks

    def add_to(self, report: dict[str, Any]) -> None:
        """Report it. `committed`: the newest checkpoints, each by its size and the position of its first anchor."""
        add_checks(report, self.checks())
        report["anchored"] = {
            "opened": self.opened,
            "unopened": self.unopened,
            "logs": {
                other.log.origin: {
                    "size": other.head.size,
                    "checkpoints": other.checkpoints,
                    "committed": [{"size": size, "anchor": anchor} for size, anchor in other.committed],
                }
                for other in self.logs.values()
            },
        }


# ---------------------------------------------------------------------------------------------------------------------
# Exports: a range of a log as one archive, judged from what stands in it (ledger/EXPORT.md of the project).

EXPORT_MEMBERS = (
    "manifest.note",
    "export-key",
    "checkpoint.from",
    "checkpoint.to",
    "consistency",
    "frontier.from",
    "frontier.before",
    "balances.from",
    "before.ndjson.gz",
    "carried",
    "events.ndjson.gz",
    "keys",
    "policy",
    "VERIFY.md",
    "verify.py",
    "derived/README.md",
    "derived/balances.csv",
    "derived/journal.csv",
    "derived/ledger.beancount",
    "derived/ledger.journal",
)
_STREAMED = re.compile(r".*\.gz|derived/.*|private/.*", re.ASCII)
_PRIVATE = re.compile(r"private/[0-9a-f]{32}\.bin", re.ASCII)
_EXPORT_DIRECTORY = re.compile(r"export-(0|[1-9][0-9]*)-([1-9][0-9]*)", re.ASCII)


class Archive:
    """The members of an export, in a tar or in the directory it was unpacked into. Nothing is written anywhere."""

    def __init__(self, path: str) -> None:
        """Failed("export-malformed") when it is not laid out as exports are."""
        self._places: dict[str, tuple[str, int, int]] = {}
        try:
            if os.path.isdir(path):
                self.directory = self._read_directory(path)
            else:
                self.directory = self._read_tar(path)
        except OSError as error:
            raise CannotTell("%s cannot be read: %s" % (path, error.strerror)) from None
        wanted = [name for name in EXPORT_MEMBERS if name in self._places or name != "checkpoint.from"]
        rest = [name for name in self.names() if name not in EXPORT_MEMBERS]
        good = self.names() == [*wanted, *sorted(rest)] and all(_PRIVATE.fullmatch(name) for name in rest)
        _want(good, "export-malformed", "its members are not those of an export, in their order")
        for name in wanted:
            small = _STREAMED.fullmatch(name) or self._places[name][2] <= MEMBER_BYTES_MAX
            _want(small, "export-malformed", "%s is larger than %d bytes" % (name, MEMBER_BYTES_MAX))

    def names(self) -> list[str]:
        """Every member, in order."""
        return list(self._places)

    def size(self, name: str) -> int:
        """Bytes of a member."""
        return self._places[name][2]

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member's bytes, piece by piece."""
        path, offset, size = self._places[name]
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                while size > 0:
                    chunk = file.read(min(size, 65_536))
                    if not chunk:
                        raise Failed("export-malformed", "%s ends before its end" % name)
                    size -= len(chunk)
                    yield chunk
        except OSError as error:
            raise CannotTell("%s cannot be read: %s" % (name, error.strerror)) from None

    def read(self, name: str) -> bytes:
        """A small member whole."""
        return b"".join(self.chunks(name))

    def _read_directory(self, path: str) -> str:
        found = {}
        for folder, _, files in os.walk(path):
            for name in files:
                whole = os.path.join(folder, name)
                found[os.path.relpath(whole, path).replace(os.sep, "/")] = (whole, 0, os.path.getsize(whole))
        for name in [*EXPORT_MEMBERS, *sorted(found)]:
            if name in found and name not in self._places:
                self._places[name] = found[name]
        return ""

    def _read_tar(self, path: str) -> str:
        directory = ""
        with open(path, "rb") as file:
            end = os.fstat(file.fileno()).st_size
            while True:
                block = file.read(512)
                _want(len(block) == 512, "export-malformed", "the archive ends inside a header")
                if not block.strip(b"\0"):
                    break
                name, size = _tar_header(block)
                folder, cut, member = name.partition("/")
                directory = directory or folder
                good = cut and folder == directory and member not in self._places
                offset = file.tell()
                _want(good and offset + size <= end, "export-malformed", "%s is out of place" % name[:100])
                self._places[member] = (path, offset, size)
                file.seek(offset + size)
                _want(
                    not file.read(-size % 512).strip(b"\0"),
                    "export-malformed",
                    "something stands behind %s" % name[:100],
                )
            _want(file.read(513) == bytes(512), "export-malformed", "two blocks of zeros end an archive, nothing else")
        return directory


def _tar_header(block: bytes) -> tuple[str, int]:
    """(name, size) of a regular file in POSIX ustar form without any property of machine or day."""

    def octal(start: int, length: int) -> int:
        text = block[start : start + length].rstrip(b"\0 ")
        return int(text or b"0", 8) if re.fullmatch(rb"[0-7]*", text) else -1

    check = sum(block) - sum(block[148:156]) + 8 * 32
    size = int.from_bytes(block[125:136], "big") if block[124] == 0x80 else octal(124, 12)
    name = block[:100].rstrip(b"\0")
    good = octal(148, 8) == check and block[156:157] == b"0" and block[257:265] == b"ustar\x0000" and size >= 0
    good = (
        good
        and octal(100, 8) == 0o644
        and not any(octal(*at) for at in ((108, 8), (116, 8), (136, 12), (329, 8), (337, 8)))
    )
    good = good and not block[157:257].strip(b"\0") and not block[265:329].strip(b"\0") and not block[345:].strip(b"\0")
    _want(good and re.fullmatch(rb"[ -~]+", name), "export-malformed", "a header is not one that exports have")
    return name.decode("ascii"), size


class Manifest:
    """What an export says it is. Believed when a key that the log introduced has signed it."""

    def __init__(self, archive: Archive) -> None:
        """Every member is held against its hash. Failed("export-malformed"), Failed("manifest-mismatch")."""
        self.note = Note(archive.read("manifest.note"))
        lines = self.note.text.split("\n")
        try:
            _want(
                lines[0] == "secondwind/export/v1" and lines[-1] == "", "export-malformed", "it has another first line"
            )
            self.origin = lines[1]
            first, end = lines[2].split(" ")
            self.first, self.end = decimal(first), decimal(end)
            told = [_manifest_line(line) for line in lines[3:-1]]
        except (IndexError, ValueError) as error:
            raise Failed("export-malformed", "the manifest is not of its form: %s" % error) from None
        _want(self.first < self.end <= INT_MAX, "export-malformed", "%d to %d is no range" % (self.first, self.end))
        _want(_ORIGIN.fullmatch(self.origin), "export-malformed", "the manifest names no log")
        directory = "export-%d-%d" % (self.first, self.end)
        _want(archive.directory in ("", directory), "export-malformed", "the members do not stand below %s" % directory)
        has_from = "checkpoint.from" in archive.names()
        _want(has_from == (self.first > 0), "export-malformed", "checkpoint.from stands where from is not 0")
        names = [name for name in archive.names()[1:] if not name.startswith("private/")]
        _want([name for name, _, _ in told] == names, "manifest-mismatch", "the manifest lists other members")
        for name, size, digest in told:
            found = hashlib.sha256()
            for chunk in archive.chunks(name):
                found.update(chunk)
            good = archive.size(name) == size and found.digest() == digest
            _want(good, "manifest-mismatch", "%s is not the file that the manifest lists" % name)


def _manifest_line(line: str) -> tuple[str, int, bytes]:
    digest, size, name = line.split(" ")
    return name, decimal(size), unb64(digest)


class Export:
    """What an export's files say, read strictly; `verify_export` judges it."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.manifest = Manifest(archive)
        self.first, self.end = self.manifest.first, self.manifest.end
        self.to = Checkpoint(archive.read("checkpoint.to")).of(self.manifest.origin)
        self.before: Checkpoint | None = None
        if self.first:
            self.before = Checkpoint(archive.read("checkpoint.from")).of(self.manifest.origin)
        self.proofs = self._proofs()
        start = next(self.lines("before.ndjson.gz"), None)
        self.start = self.first if start is None else parse_entry(start)["position"]
        _want(type(self.start) is int and self.start <= self.first, "root-mismatch", "entries before from are not so")
        self.frontier = self._frontier("frontier.from", self.first)
        self.began = self._frontier("frontier.before", self.start)

    def lines(self, name: str) -> Iterator[bytes]:
        """The entries of a member, one by one. Failed("export-malformed") when it is not gzip, or not lines."""
        gzip = zlib.decompressobj(31)
        rest = b""
        for left in itertools.chain(self.archive.chunks(name), [b""]):
            chunk: bytes | None = left
            while chunk is not None:
                try:
                    rest += gzip.decompress(chunk, 65_536)
                except zlib.error as error:
                    raise Failed("export-malformed", "%s is not gzip (%s)" % (name, error)) from None
                _want(not gzip.unused_data, "export-malformed", "something stands behind the gzip of %s" % name)
                chunk = gzip.unconsumed_tail or None
                *whole, rest = rest.split(b"\n")
                yield from whole
                _want(len(rest) <= ENTRY_BYTES_MAX, "entry-too-large", "a line of %s is longer than an entry" % name)
        _want(gzip.eof and not rest, "export-malformed", "%s ends before its end" % name)

    def _hashes(self, name: str, lines: Sequence[str]) -> list[bytes]:
        if not all(_DIGEST.fullmatch(line) for line in lines):
            raise Failed("export-malformed", "%s does not hold one hash per line" % name)
        return [unb64(line) for line in lines]

    def _text(self, name: str) -> list[str]:
        """The lines of a member of ASCII."""
        try:
            text = self.archive.read(name).decode("ascii")
        except UnicodeDecodeError:
            raise Failed("export-malformed", "%s is not ASCII" % name) from None
        _want(text == "" or text.endswith("\n"), "export-malformed", "%s does not end with a line feed" % name)
        return text.split("\n")[:-1]

    def _frontier(self, name: str, size: int) -> Frontier:
        try:
            return Frontier(size, self._hashes(name, self._text(name)))
        except ValueError as error:
            raise Failed("root-mismatch", "%s: %s" % (name, error)) from None

    def _proofs(self) -> list[list[bytes]]:
        """Hashes of the three consistency proofs, each behind the sizes that it must be about."""
        sizes = [(self.first, self.before.size if self.before else 0), (self.end, self.to.size), (self.first, self.end)]
        parts: list[list[str]] = []
        for line in self._text("consistency"):
            if " " in line:
                parts.append([line])
            else:
                _want(parts, "export-malformed", "consistency begins with a hash")
                parts[-1].append(line)
        heads = [part[0] for part in parts]
        good = heads == ["%d %d" % pair for pair in sizes]
        _want(good, "export-malformed", "consistency is not about the three pairs of sizes")
        proofs = [self._hashes("consistency", part[1:]) for part in parts]
        _want(self.first or not (proofs[0] or proofs[2]), "export-malformed", "there is no proof from 0 entries")
        return proofs

    def check_proof(self, number: int, old: bytes, new: bytes) -> None:
        """Hold one of the proofs against the roots at its two sizes; from 0 entries there is nothing to prove."""
        pairs = ((self.first, self.before.size if self.before else 0), (self.end, self.to.size), (self.first, self.end))
        old_size, size = pairs[number]
        good = old_size == 0 or consistent(old_size, size, old, new, self.proofs[number])
        _want(good, "fork", "the proof from %d to %d entries does not hold" % (old_size, size))

    def carried(self) -> Iterator[tuple[int, bytes]]:
        """Entries that stood earlier, each proved in the tree of `from` entries."""
        data = self.archive.read("carried")
        lines = data.split(b"\n")
        root, last = self.frontier.root(), -1
        _want(lines.pop() == b"" and len(lines) % 3 == 0, "export-malformed", "carried is not lines by threes")
        for i in range(0, len(lines), 3):
            try:
                position = decimal(lines[i].decode("ascii"))
                path = [unb64(text) for text in lines[i + 1].decode("ascii").split(" ") if lines[i + 1]]
            except ValueError:
                raise Failed("export-malformed", "line %d of carried is not of its form" % (i + 1)) from None
            _want(
                last < position < self.start, "export-malformed", "carried entries rise, and end before %d" % self.start
            )
            try:
                good = inclusion_root(leaf_hash(lines[i + 2]), position, self.first, path) == root
            except ValueError:
                good = False
            if not good:
                raise Failed("root-mismatch", "the carried entry is not proved to stand there", position)
            yield position, lines[i + 2]
            last = position

    def last_close(self) -> tuple[int, str, dict[tuple[str, str, str], int]] | None:
        """(position, month, balances) of the newest close before `from`, if any. Failed("balance-unproved")."""
        text, position, close = self.archive.read("balances.from"), self.start, None
        for data in self.lines("before.ndjson.gz"):
            if b'"type":"ledger.period.closed.v1"' in data:
                entry = parse_entry(data)
                close = (position, entry) if entry.get("type") == "ledger.period.closed.v1" else close
            position += 1
        if close is None:
            good = not text and self.start == 0
            _want(good, "balance-unproved", "no close stands before from, so all entries before it must be here")
            return None
        sums = {}
        try:
            for line in text.decode("ascii").split("\n")[:-1]:
                account, asset, fund, amount = _decoder.decode(line)
                sums[account, asset, fund] = int(amount)
            good = balance_lines(sums) == text
        except (Failed, ValueError, TypeError, RecursionError):
            good = False
        _want(good, "balance-unproved", "balances.from is not lines of balances in order")
        digest = b64(hashlib.sha256(b"secondwind/balances/v1\n" + text).digest())
        good = type(close[1].get("data")) is dict and close[1]["data"].get("balances") == digest
        _want(good, "balance-unproved", "balances.from are not those of the close at %d" % close[0])
        return close[0], close[1]["period"], sums


def _signed_by_log(checkpoint: Checkpoint | Note, log: Log, reader: Reader, what: str, size: int | None = None) -> None:
    """Signed by the pinned key or one of the log's: in force at `size`, or ever if that is None."""
    note = checkpoint.signed if isinstance(checkpoint, Checkpoint) else checkpoint
    names = list(log.keys) if size is None else log.signers(size)
    keys = [VerifyKey(text) for text in names] + ([reader.key] if reader.key is not None else [])
    _want(any([note.signed_by(key) for key in keys]), "signature-missing", "no key of the log has signed %s" % what)  # noqa: C419 - each is judged


def verify_export(path: str, reader: Reader, options: argparse.Namespace) -> dict[str, Any]:
    """Verify a range: its archive, its place in the log, every entry by every rule that what is shown can tell."""
    export = Export(Archive(path))
    head, reader.now = export.to, None
    if reader.key is not None:
        head.of(reader.key.name)
    check_expected(head, options.expect_head)
    witnessed = reader.witness([head])
    views = [*reader.seen, *([Seen("%d witnesses" % len(reader.cosigned), witnessed)] if witnessed is not None else [])]
    log = Log(export.manifest.origin, fast=options.fast, began=export.began)
    if options.opening:
        log.opening = Opening(options.opening, log.origin)
        if not export.start <= log.opening.position < export.end:
            raise CannotTell("the opening is of entry %d, which is not in this export" % log.opening.position)
    contradicted, compared, receipts = _replay_export(export, log, views, Progress(export.end, options.json))
    root = log.frontier.root()
    export.check_proof(1, root, head.root)
    export.check_proof(2, export.frontier.root(), root)
    vouched = _check_export_keys(export, log, reader)
    check_views(log, views)
    for view in contradicted:
        if not vouched:
            raise CannotTell("it contradicts %s, and no key given here vouches for it" % view.label)
        raise Failed("fork", "at size %d %s saw another history" % (view.size, view.label), view.size)
    for view in views:
        leaf = receipts.get(view.index)
        if leaf is not None and not _is_under(leaf, view):
            raise CannotTell("%s does not prove entry %d as it stands here" % (view.label, view.index))
    if not vouched and not compared:
        raise CannotTell("the export is signed by a key that nothing given here vouches for; give --key")
    report = report_of(log, head, reader, compared)
    report["checks"] = told(_export_checks(export, views, compared))["checks"] + report["checks"]
    report.update({"from": export.first, "to": export.end, "size": export.end, "root": b64(root)})
    return report


def _export_checks(export: Export, views: Sequence[Seen], compared: Sequence[Seen]) -> list[Check]:
    checks = [
        Check("export", YES, "entries %d to %d, every file as the manifest says" % (export.first, export.end - 1))
    ]
    if export.start:
        sentence = "entries before %d are not in it: whether they kept the rules, the whole log tells"
        checks.append(Check("earlier", UNKNOWN, sentence % export.start, decides=False))
    if export.first:
        checks.append(Check("opening", YES, "balances at the start follow from the last close and the entries since"))
    for view in views:
        if view not in compared:
            sentence = "%s saw %d entries, which this export does not reach or begins after"
            checks.append(Check("apart", UNKNOWN, sentence % (view.label, view.size), decides=False))
    return checks


def _replay_export(
    export: Export, log: Log, views: Sequence[Seen], progress: Progress
) -> tuple[list[Seen], list[Seen], dict[int, bytes]]:
    """Judge every entry. Returns the views that contradict it, those that could be compared, and leaves of receipts."""
    close = export.last_close()
    for position, data in export.carried():
        log.carry(position, data)
    if export.start and log.recovery is None:
        raise Failed("genesis-invalid", "entry 0 is not carried", 0)
    contradicted: list[Seen] = []
    compared: list[Seen] = []
    waiting = sorted((view for view in views if export.start <= view.size), key=lambda view: view.size)
    receipts: dict[int, bytes] = {}
    wanted = {view.index for view in views if view.index >= 0}
    for name, end in (("before.ndjson.gz", export.first), ("events.ndjson.gz", export.end)):
        for data in export.lines(name):
            position = log.frontier.size
            _want(position < end, "truncated", "%s holds more entries than the range" % name)
            if position == export.start and close is not None and position:
                log.begin(data, *close)
            while waiting and waiting[0].size == position:
                view = waiting.pop(0)
                (compared if view.root == log.frontier.root() else contradicted).append(view)
            log.take(data)
            if position in wanted:
                receipts[position] = log.prev
            if not position % 1024:
                progress.show(position)
        if log.frontier.size < end:
            raise Failed("truncated", "%s ends before entry %d" % (name, end), log.frontier.size)
        if end == export.first and log.frontier.hashes != export.frontier.hashes:
            raise Failed("root-mismatch", "the entries before from do not make frontier.from", end)
        if end == export.first and export.before is not None:
            export.check_proof(0, log.frontier.root(), export.before.root)
    progress.end()
    roots = {export.end: log.frontier.root(), export.to.size: export.to.root}
    for view in waiting:
        if view.size in roots:
            (compared if view.root == roots[view.size] else contradicted).append(view)
    return contradicted, compared, receipts


def _check_export_keys(export: Export, log: Log, reader: Reader) -> bool:
    """Whose keys signed checkpoints, export key and manifest. Returns whether a pinned key vouches for the entries."""
    vouched = reader.key is not None and export.to.signed.signed_by(reader.key)
    if export.before is not None:
        _signed_by_log(export.before, log, reader, "checkpoint.from", export.before.size)
    vouched = check_signers(log, export.to, reader, vouched)
    note = Note(export.archive.read("export-key"))
    _signed_by_log(note, log, reader, "the export key")
    lines = note.text.split("\n")
    good = len(lines) == 4 and lines[0] == "secondwind/export-key/v1" and lines[1] == log.origin and not lines[3]
    try:
        key = VerifyKey(lines[2]).of(log.origin + "/export") if good else None
    except ValueError:
        key = None
    if key is None:
        raise Failed("export-malformed", "export-key names no export key of this log")
    _want(export.manifest.note.signed_by(key), "signature-missing", "the export key has not signed the manifest")
    return vouched


def is_export(where: str) -> str:
    """The path of the export that SOURCE names, or nothing: a tar, a directory with a manifest, or one around that."""
    if os.path.isfile(where) or os.path.isfile(os.path.join(where, "manifest.note")):
        return where
    try:
        inside = [name for name in os.listdir(where) if _EXPORT_DIRECTORY.fullmatch(name)]
    except OSError:
        return ""
    return os.path.join(where, inside[0]) if len(inside) == 1 and not os.path.exists(where + "/checkpoint") else ""


# ---------------------------------------------------------------------------------------------------------------------
# The report: one line for each thing that was looked at, in words, and the same for programs.

YES, UNKNOWN = "yes", "unknown"


class Check:
    """One thing that was looked at: `result` is YES, or UNKNOWN where nothing can be said. Failures are raised."""

    def __init__(self, name: str, result: str, sentence: str, decides: bool = True) -> None:
        """`decides`: as UNKNOWN it forbids exit 0."""
        self.name = name
        self.result = result
        self.sentence = sentence
        self.decides = decides


def judge_freshness(log: Log, reader: Reader) -> Check:
    """Whether what is served is of today: an old log, served for ever, hides what came after (attacks A10)."""
    told: list[tuple[str, float]] = []
    if log.newest_anchor is not None:
        told.append(("the newest anchor", parse_at(log.newest_anchor).timestamp()))
    if reader.witnesses and len(reader.cosigned) >= reader.quorum:
        told.append(("the newest cosignature of the quorum", sorted(reader.cosigned.values())[-reader.quorum]))
    if not told:
        return Check("fresh", UNKNOWN, "freshness unknown: no anchors and no cosignatures were found", decides=False)
    if reader.now is None:
        return Check("fresh", UNKNOWN, "an export is of its day; its freshness is not judged", decides=False)
    for what, seconds in told:
        age = reader.now - seconds
        if age < -CLOCKS_APART_S:
            sentence = "%s is %s ahead of this machine's clock: one of the two is wrong"
            return Check("fresh", UNKNOWN, sentence % (what, _span(-age)))
        if age > FRESH_S:
            sentence = "stale: %s is %s old, at most 25 minutes are in order; what came after is not shown"
            return Check("fresh", UNKNOWN, sentence % (what, _span(age)))
    what, seconds = max(told, key=lambda one: one[1])
    return Check("fresh", YES, "%s is %s old" % (what, _span(max(0, reader.now - seconds))))


def _span(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return "%d %s" % (seconds // length, unit)
    return "%d seconds" % seconds


def _judge_witnesses(reader: Reader) -> list[Check]:
    if not reader.witnesses:
        return []
    found, wanted = len(reader.cosigned), reader.quorum
    names = ", ".join(sorted(reader.cosigned)) or "none"
    sentence = "%d of the %d witnesses you named have cosigned (%s); %d are asked for" % (
        found,
        len(reader.witnesses),
        names,
        wanted,
    )
    return [Check("witnessed", YES if found >= wanted else UNKNOWN, sentence)]


def _judge_attested(log: Log) -> Check:
    """The log cannot say what happened in the world; an accountant who looked at bank and books can (attacks A2)."""
    if log.attested_at is None:
        return Check("attested", UNKNOWN, "no accountant has attested the log against bank and books", decides=False)
    days = (parse_at(log.last_at_text) - parse_at(log.attested_at)).days
    sentence = "an attestation was recorded %d days before the newest entry; whose it is, is not judged here"
    return Check("attested", UNKNOWN, sentence % days, decides=False)


def checks_of(log: Log, head: Checkpoint, reader: Reader, views: Sequence[Seen], sampled: int) -> list[Check]:
    """What was looked at, in the order in which a reader asks."""
    plural = "%d entries" % ((log.frontier.size - log.began) or head.size)
    checks = [Check("signed", YES, "a key of the log signed the newest head, over %s" % plural)]
    if sampled:
        checks.append(
            Check("unbroken", YES, "%d of %s were drawn; each is in the tree that was signed" % (sampled, plural))
        )
        checks.append(Check("rules", UNKNOWN, "a sample judges no sums over the log, no months, no guards"))
    else:
        checks.append(Check("unbroken", YES, "%s form one chain and the tree that was signed" % plural))
        if log.fast:
            checks.append(Check("rules", UNKNOWN, "--fast judges signature, chain and tree only"))
        elif log.unknown:
            known = "%d entries are of types that this verifier does not know" % sum(log.unknown.values())
            checks.append(Check("rules", UNKNOWN, known + "; sums and chain hold for them too"))
        else:
            checks.append(Check("rules", YES, "every entry keeps every rule: form, sums, funds, guards, times"))
        if log.zone is None:
            checks.append(Check("months", UNKNOWN, "this machine does not know the log's time zone", decides=False))
        elif log.closed and not log.fast:
            checks.append(Check("months", YES, "closed through %s, each trial balance recomputed" % log.closed))
    checks.append(judge_freshness(log, reader))
    checks += _judge_witnesses(reader)
    if views:
        labels = ", ".join(view.label for view in views)
        checks.append(Check("seen", YES, "the log only grew since what was seen: %s" % labels))
    else:
        checks.append(Check("seen", UNKNOWN, "nobody outside has seen it; keep this view with --first-use FILE"))
    return [*checks, _judge_attested(log)]


def report_of(
    log: Log,
    head: Checkpoint,
    reader: Reader,
    views: Sequence[Seen],
    sampled: int = 0,
) -> dict[str, Any]:
    """Everything that was found, for programs; `tell` says it in words."""
    funds: dict[str, dict[str, str]] = {}
    for (account, asset, fund), total in sorted(log.through("9999-99").items()):
        if account == "income:gifts":
            funds.setdefault(fund, {})[asset] = str(-total)
    checks = checks_of(log, head, reader, views, sampled)
    return {
        "origin": head.origin,
        "mode": log.mode,
        "size": head.size,
        "root": b64(head.root),
        "head": head.note,
        "entries": dict(sorted(log.counts.items())),
        "sampled": sampled,
        "first_at": log.first_at,
        "last_at": log.last_at_text,
        "gifts_received": funds,
        "fund_titles": log.fund_titles,
        "unknown_types": dict(log.unknown),
        "compared_with": [view.label for view in views],
        "outside_view": any(view.size for view in views),
        **({"opening": log.opening.shown} if log.opening is not None else {}),
        "notes": [],
        **told(checks),
    }


def add_checks(report: dict[str, Any], checks: Sequence[Check]) -> None:
    """Report more of what was looked at."""
    for name, lines in told(checks).items():
        report[name] += lines


def told(checks: Sequence[Check]) -> dict[str, list[Any]]:
    """Checks as they stand in a report."""
    return {
        "checks": [{"check": check.name, "result": check.result, "sentence": check.sentence} for check in checks],
        "undecided": [check.name for check in checks if check.result == UNKNOWN and check.decides],
    }


# ---------------------------------------------------------------------------------------------------------------------
# The run.


def _own(read: Callable[[], Seen]) -> Seen:
    """A file of the reader's that is not of its form says nothing about the log."""
    try:
        return read()
    except Failed as failure:
        raise CannotTell("%s (%s)" % (failure.sentence, failure.code)) from None


def read_trusted(path: str, key: VerifyKey | None) -> Seen:
    """The checkpoint that was kept."""
    checkpoint = Checkpoint(_read_file(path))
    return Seen(path, checkpoint if key is None else checkpoint.of(key.name), own=True)


def _claimed_key(source: Source) -> str:
    try:
        return source.read("keys", NOTE_BYTES_MAX).decode("ascii").split()[0]
    except (CannotTell, UnicodeDecodeError, IndexError):
        return ""


def open_source(where: str, token: str = "") -> Source:
    """A URL or a directory."""
    return Web(where, token) if re.match(r"https?://", where) else Directory(Path(where))


def _key(option: str, text: str, kind: int = LOG_KEY) -> VerifyKey:
    try:
        return VerifyKey(text, kind)
    except ValueError as error:
        raise CannotTell("%s cannot be used: %s" % (option, error)) from None


def reader_of(options: argparse.Namespace, source: Source) -> Reader:
    """What the reader brought along, as far as the options say; CannotTell when nothing of it is a key."""
    if not options.key and not options.recovery_key:
        claimed = _claimed_key(source)
        hint = " The source claims %s, which proves nothing about the source." % claimed if claimed else ""
        raise CannotTell("no --key: take it from a receipt, an annual report or somebody you trust." + hint)
    reader = Reader(
        _key("--key", options.key) if options.key else None,
        _key("--recovery-key", options.recovery_key) if options.recovery_key else None,
        as_of(options.as_of) if options.as_of else time.time(),
    )
    reader.witnesses = [_key("--witness", text, WITNESS_KEY) for text in options.witness]
    if len({witness.public for witness in reader.witnesses}) != len(reader.witnesses):
        raise CannotTell("a witness is named twice")
    reader.quorum = len(reader.witnesses) if options.quorum is None else options.quorum
    if not 0 <= reader.quorum <= len(reader.witnesses) or (options.quorum == 0 and reader.witnesses):
        raise CannotTell("--quorum is %d of %d witnesses" % (reader.quorum, len(reader.witnesses)))
    for path in options.seen:
        reader.seen.append(_own(lambda path=path: read_seen(path, reader.key, any_key=True)))  # type: ignore[misc]  # its default
    return reader


def as_of(text: str) -> float:
    """--as-of TIME, UTC, in seconds since 1970."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            continue
    raise CannotTell("--as-of %s is no time like 2026-09-01T12:10Z" % text[:40])


def auditor_of(options: argparse.Namespace, reader: Reader) -> Auditor | None:
    """The auditor's mode, if it is asked for."""
    if not (options.anchors or options.books or options.audit):
        return None
    if not options.anchors or not (options.books or options.audit):
        raise CannotTell("the auditor's mode takes --anchors FILE and --books SOURCE, --audit SOURCE or both")
    if options.fast or options.sample is not None:
        raise CannotTell("the auditor's mode takes every entry: leave --fast and --sample out")
    token = _read_file(options.token).decode("ascii", "replace").strip() if options.token else ""
    keys = [_key("--log-key", text) for text in options.log_key]
    others = [Other(open_source(where, token), keys) for where in (options.books, options.audit) if where]
    return Auditor(options.anchors, others, reader.recovery)


def run(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """Verify as asked; returns the exit code and the report."""
    if options.evidence:
        key = _key("--key", options.key) if options.key else None
        recovery = _key("--recovery-key", options.recovery_key) if options.recovery_key else None
        check_evidence(options.evidence, key, recovery)
    if not options.source:
        raise CannotTell("no SOURCE: give the address of a log, a directory of its files, or an export")
    source = open_source(options.source)
    reader = reader_of(options, source)
    archive = is_export(options.source)
    if archive and (options.sample is not None or options.anchors or options.books or options.audit):
        raise CannotTell("an export is judged whole, and shows no anchors' openings: leave those options out")
    if options.opening and (options.fast or options.sample is not None):
        raise CannotTell("--opening needs every rule: leave --fast and --sample out")
    pinned = options.trusted or options.first_use
    trusted = None
    if pinned and not (options.first_use and not os.path.exists(pinned)):
        trusted = _own(lambda: read_trusted(pinned, reader.key))
        reader.seen.append(trusted)
    if archive:
        report = verify_export(archive, reader, options)
    elif options.sample is not None:
        report = verify_sample(source, reader, options)
    else:
        report = verify_log(source, reader, options, auditor_of(options, reader))
    if options.first_use:
        _replace(options.first_use, report["head"])
        if trusted is None:
            report["notes"].append(
                "first use: what was seen is now pinned in %s; the next run compares with it" % options.first_use
            )
    return (0 if report["outside_view"] and not report["undecided"] else 2), report


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


def headline(code: int, report: dict[str, Any]) -> str:
    """The verdict in a few words."""
    if code == 0:
        return "VERIFIED"
    if report["undecided"] == ["seen"]:
        return "CONSISTENT IN ITSELF, and nobody outside has seen it"
    return "COULD NOT TELL everything: see below what is open"


def tell(code: int, report: dict[str, Any]) -> None:
    """The report in words."""
    say(headline(code, report))
    mode = " (%s data, not real money)" % report["mode"] if report["mode"] in ("demo", "test") else ""
    say("  %s%s" % (report["origin"], mode))
    if report["last_at"]:
        first, last = (report[name][:16].replace("T", " ") for name in ("first_at", "last_at"))
        say("  %s entries, from %s to %s UTC" % (f"{report['size']:,}", first, last))
    say("  root %s" % report["root"])
    say("")
    for check in report["checks"]:
        say("  %-8s%-11s%s" % ("yes" if check["result"] == YES else "unknown", check["check"], check["sentence"]))
    for name, count in report["unknown_types"].items():
        say("  %19s%d entries of type %s" % ("", count, name))
    if "opening" in report:
        shown = report["opening"]
        say("")
        say("  Entry %d, %s, committed to" % (shown["position"], shown["type"]))
        for name, value in shown["values"].items():
            say("    %-14s %s" % (name, json.dumps(value)))
    if report["gifts_received"]:
        say("")
        say("  Gifts received, added up from the entries")
    for fund, amounts in report["gifts_received"].items():
        title = report["fund_titles"].get(fund, fund)
        say("    %-28s %s" % (title, ", ".join(money(amount, asset) for asset, amount in amounts.items())))
    for note in report["notes"]:
        say("  note: %s" % note)
    say("")
    say("  This says that the log is whole and was not changed since it was seen, not that money moved in the world.")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="verify.py",
        description=(__doc__ or "").split("\n\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("source", metavar="SOURCE", nargs="?", help="address of a log, a directory of its files, or an export")
    add("--key", metavar="VKEY", help="the log's verification key, from somewhere other than the log")
    add("--recovery-key", metavar="VKEY", help="the offline key that introduces the log's keys; enough without --key")
    pin = made.add_mutually_exclusive_group()
    pin.add_argument("--trusted", metavar="FILE", help="a checkpoint seen before: the log may only have grown since")
    pin.add_argument(
        "--first-use", metavar="FILE", help="the same, and keep what is seen now; made when it is not there"
    )
    add("--seen", metavar="PROOF", action="append", default=[], help="a .tlog-proof that somebody holds; repeatable")
    add("--witness", metavar="VKEY", action="append", default=[], help="who must have cosigned; repeatable")
    add("--quorum", metavar="N", type=int, help="how many of the witnesses must have; all, if not given")
    add("--as-of", metavar="TIME", help="judge freshness at this time (UTC) instead of now, for a copy put aside")
    add("--expect-head", metavar="SIZE:ROOT", help="the newest head must be exactly this one")
    add("--opening", metavar="FILE", help="private fields of one entry that somebody shows: verify them too")
    how = made.add_mutually_exclusive_group()
    how.add_argument("--fast", action="store_true", help="signature, chain and tree only")
    how.add_argument("--sample", metavar="N", type=_count, help="the head and N entries drawn by chance, with proofs")
    add("--evidence", metavar="FILE", help="check what proves a fork; takes --key or --recovery-key and no SOURCE")
    audit = made.add_argument_group("for auditors, who see the logs that are not public")
    audit.add_argument("--anchors", metavar="FILE", help="what opens the anchors (secondwind audit anchors --out FILE)")
    audit.add_argument("--books", metavar="SOURCE", help="the log of books")
    audit.add_argument("--audit", metavar="SOURCE", help="the audit log")
    audit.add_argument("--log-key", metavar="VKEY", action="append", default=[], help="a key of theirs; repeatable")
    audit.add_argument("--token", metavar="FILE", help="a file with the token to read them by")
    add("--json", action="store_true", help="the report for programs")
    return made


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= SAMPLE_MAX:
        raise argparse.ArgumentTypeError("a sample has 1 to %d entries" % SAMPLE_MAX)
    return number


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
