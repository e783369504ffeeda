"""notes.json: keys, signed notes and checkpoints, good and bad."""

from __future__ import annotations

from typing import Any

from ledger import merkle, note
from ledger.checkpoint import Checkpoint
from ledger.grammar import decode_base64, encode_base64
from tests.vectors.logs import WITNESS_VKEY
from tests.vectors.trees import COSIGNATURE, HASHES, KEY

OTHER = note.SigningKey("other.example.org", bytes([9]) * 32)
TWIN = note.SigningKey(KEY.name, bytes([8]) * 32)
TEXT = Checkpoint(KEY.name, 8, bytes(32)).text()
COSIGNED = KEY.sign(Checkpoint(KEY.name, 8, merkle.root(HASHES)).text()) + COSIGNATURE
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_TEXT = "This is an example message.\n"
C2SP_LINE = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
"""The example of c2sp.org/signed-note."""


def vectors() -> dict[str, Any]:
    """Notes are base64 of their bytes, for some of the bad ones are no text."""
    return {
        "keys": [
            {"vkey": key.vkey, "name": key.name, "algorithm": key.algorithm, "public_key": encode_base64(key.key)}
            for key in (KEY.verify_key, OTHER.verify_key, TWIN.verify_key, note.VerifyKey.parse(WITNESS_VKEY))
        ],
        "keys_bad": [{"name": name, "vkey": vkey} for name, vkey in _bad_keys()],
        "good": [
            {"name": name, "note": encode_base64(text.encode()), "keys": keys, "text": signed, "names": names}
            for name, text, keys, signed, names in _good()
        ],
        "bad": [
            {"name": name, "note": encode_base64(text), "keys": keys, "code": code} for name, text, keys, code in _bad()
        ],
        "checkpoints_good": [
            {
                "name": f"size {size}",
                "text": Checkpoint(KEY.name, size, root).text(),
                "size": size,
                "root": encode_base64(root),
            }
            for size, root in ((0, merkle.EMPTY_ROOT), (1, bytes(32)), (2**53 - 1, bytes(range(32))))
        ],
        "checkpoints_bad": [{"name": name, "text": text} for name, text in _bad_checkpoints()],
    }


def _line(signed: str) -> str:
    return signed.rpartition("\n\n")[2]


def _good() -> list[tuple[str, str, list[str], str, list[str]]]:
    mine, other = KEY.sign(TEXT), OTHER.sign(TEXT)
    odd = "a\n\n\nb\n\u2014 no signature\n\n"
    own, both = [KEY.vkey], [KEY.vkey, OTHER.vkey]
    garbage = "\u2014 somebody AAAAAAA=\n"
    c2sp = f"{C2SP_TEXT}\n\u2014 example.com/foo {C2SP_LINE}\n"
    return [
        ("the example of C2SP", c2sp, [C2SP_KEY], C2SP_TEXT, ["example.com/foo"]),
        ("one signature", mine, own, TEXT, [KEY.name]),
        ("a second one by an unknown key", mine + _line(other), own, TEXT, [KEY.name]),
        ("an unknown one first", f"{TEXT}\n{garbage}{_line(mine)}", own, TEXT, [KEY.name]),
        ("both known", mine + _line(other), both, TEXT, [KEY.name, OTHER.name]),
        ("one line twice", mine + _line(mine), own, TEXT, [KEY.name]),
        ("another key of the same name beside it", mine + _line(TWIN.sign(TEXT)), own, TEXT, [KEY.name]),
        ("empty lines inside the text", KEY.sign(odd), own, odd, [KEY.name]),
        ("one empty line", KEY.sign("\n"), own, "\n", [KEY.name]),
        ("text that is not ASCII", KEY.sign("\u00e9 \U0001f3e0\n"), own, "\u00e9 \U0001f3e0\n", [KEY.name]),
        ("a hundred signatures", mine + garbage * 99, own, TEXT, [KEY.name]),
        (
            "a cosignature",
            COSIGNED,
            [*own, WITNESS_VKEY],
            COSIGNED.partition("\n\n")[0] + "\n",
            [KEY.name, "witness.example.org/w1"],
        ),
        (
            "only the cosignature asked for",
            COSIGNED,
            [WITNESS_VKEY],
            COSIGNED.partition("\n\n")[0] + "\n",
            ["witness.example.org/w1"],
        ),
    ]


def _bad() -> list[tuple[str, bytes, list[str], str]]:
    signed = KEY.sign(TEXT)
    line = _line(signed)
    own = [KEY.vkey]
    blob = line.rsplit(" ", 1)[1].strip()
    malformed, missing, invalid = "checkpoint-malformed", "signature-missing", "signature-invalid"

    def with_line(text: str) -> bytes:
        return f"{TEXT}\n{text}".encode()

    def with_signature(signature: bytes) -> bytes:
        return with_line(f"\u2014 {KEY.name} {encode_base64(KEY.verify_key.key_id + signature)}\n")

    raw = decode_base64(blob)[4:]
    group_order = 2**252 + 27742317777372353535851937790883648493
    s_too_large = (int.from_bytes(raw[32:], "little") + group_order).to_bytes(32, "little")
    cases: list[tuple[str, bytes, list[str], str]] = [
        (name, text.encode() if isinstance(text, str) else text, own, malformed)
        for name, text in (
            ("empty", ""),
            ("text alone", TEXT),
            ("no signature lines", TEXT + "\n"),
            ("no empty line", TEXT + line),
            ("no line feed at the end", signed[:-1]),
            ("an empty line at the end", signed + "\n"),
            ("a signature alone", "\n" + line),
            ("line ends of Windows", signed.replace("\n", "\r\n")),
            ("a tab", KEY.sign(TEXT).replace("8\n", "8\t\n", 1)),
            ("NUL", signed.replace("8\n", "8\x00\n", 1)),
            ("not UTF-8", signed.encode().replace(b"8\n", b"\xff\n", 1)),
            ("surrogate in UTF-8", signed.encode().replace(b"8\n", b"\xed\xa0\x80\n", 1)),
            ("a hyphen for the dash", with_line("-" + line[1:])),
            ("no space after the dash", with_line("\u2014" + line[2:])),
            ("two spaces", with_line(line.replace(" wu", "  wu"))),
            ("no name", with_line(f"\u2014 {blob}\n")),
            ("an empty name", with_line(f"\u2014  {blob}\n")),
            ("a name with a plus", with_line(f"\u2014 a+b {blob}\n")),
            ("a name with a wide space", with_line(f"\u2014 a\u3000b {blob}\n")),
            ("no base64", with_line(f"\u2014 {KEY.name}\n")),
            ("base64 without padding", with_line(line.replace("=", ""))),
            ("base64 with stray letters", with_line(f"\u2014 {KEY.name} {blob[:8]}!{blob[8:]}\n")),
            ("base64 with stray bits", with_line(f"\u2014 {KEY.name} {_stray(blob)}\n")),
            ("base64 in URL letters", with_line(f"\u2014 {KEY.name} -_{blob[2:]}\n")),
            ("four bytes of signature", with_line(f"\u2014 {KEY.name} AAAAAA==\n")),
            ("a malformed line of somebody else", signed + "\u2014 somebody\n"),
            ("101 signatures", signed + "\u2014 somebody AAAAAAA=\n" * 100),
            ("over 64 KiB", KEY.sign("x" * 65_536 + "\n")),
        )
    ]
    cases += [
        ("signed by another key", OTHER.sign(TEXT).encode(), own, missing),
        ("signed by another key of the same name", TWIN.sign(TEXT).encode(), own, missing),
        ("no key asked for", signed.encode(), [], missing),
        ("another text", signed.replace("8\n", "9\n", 1).encode(), own, invalid),
        ("a second, wrong signature of the same key", (signed + _line(KEY.sign("other\n"))).encode(), own, invalid),
        (
            "a wrong signature by another key asked for",
            (signed + _line(OTHER.sign("x\n"))).encode(),
            [*own, OTHER.vkey],
            invalid,
        ),
        ("a bit flipped", with_signature(bytes([raw[0] ^ 1]) + raw[1:]), own, invalid),
        ("63 bytes", with_signature(raw[:-1]), own, invalid),
        ("65 bytes", with_signature(raw + b"\x00"), own, invalid),
        ("S beyond the group order", with_signature(raw[:32] + s_too_large), own, invalid),
        ("all zero", with_signature(bytes(64)), own, invalid),
        ("R of small order, S zero", with_signature(b"\x01" + bytes(63)), own, invalid),
        ("a cosignature with another time", _other_time().encode(), [WITNESS_VKEY], invalid),
        ("a cosignature over another text", COSIGNED.replace("\n8\n", "\n7\n").encode(), [WITNESS_VKEY], invalid),
    ]
    # A public key of small order would verify this signature over any text in a careless implementation.
    weak = note.VerifyKey(KEY.name, b"\x01" + bytes(31))
    forged = encode_base64(weak.key_id + b"\x01" + bytes(63))
    weak_line = f"\u2014 {weak.name} {forged}\n"
    cases.append(("a public key of small order", with_line(weak_line), [weak.vkey], invalid))
    return cases


def _stray(blob: str) -> str:
    end = blob.rstrip("=")
    return end[:-1] + chr(ord(end[-1]) + 1) + "=" * (len(blob) - len(end))


def _other_time() -> str:
    return COSIGNED.replace("88CAtgAAAABk", "88CAtgAAAABl")


def _bad_keys() -> list[tuple[str, str]]:
    vkey = KEY.vkey
    name, key_id, data = vkey.split("+", 2)
    return [
        ("empty", ""),
        ("a name alone", name),
        ("no key", f"{name}+{key_id}"),
        ("another ID", f"{name}+{'0' * 8}+{data}"),
        ("a short ID", f"{name}+{key_id[:-1]}+{data}"),
        ("an ID in capitals", f"{name}+{key_id.upper()}+{data}"),
        ("another name", f"{name}x+{key_id}+{data}"),
        ("no name", f"+{key_id}+{data}"),
        ("a name with a space", f"a b+{key_id}+{data}"),
        ("base64 with stray letters", f"{name}+{key_id}+{data[:5]}!{data[5:]}"),
        ("a line feed after", f"{vkey}\n"),
        ("31 bytes", f"{name}+{key_id}+{encode_base64(decode_base64(data)[:-1])}"),
        ("33 bytes", f"{name}+{key_id}+{encode_base64(decode_base64(data) + bytes(1))}"),
        ("an algorithm of no kind", f"{name}+{key_id}+{encode_base64(bytes([2]) + decode_base64(data)[1:])}"),
    ]


def _bad_checkpoints() -> list[tuple[str, str]]:
    origin, root = KEY.name, encode_base64(bytes(32))
    return [
        ("empty", ""),
        ("no origin", f"\n8\n{root}\n"),
        ("no root", f"{origin}\n8\n"),
        ("no line feed at the end", f"{origin}\n8\n{root}"),
        ("an extension line", f"{origin}\n8\n{root}\nTimestamp: 1\n"),
        ("an empty fourth line", f"{origin}\n8\n{root}\n\n"),
        ("line ends of Windows", f"{origin}\r\n8\r\n{root}\r\n"),
        *(
            (f"size {size!a}", f"{origin}\n{size}\n{root}\n")
            for size in ("", "+8", "-8", " 8", "8 ", "08", "1_0", "0x8", "8.0", "\u0668", "8e0", str(2**53), "9" * 400)
        ),
        ("a root of 31 bytes", f"{origin}\n8\n{encode_base64(bytes(31))}\n"),
        ("a root of 33 bytes", f"{origin}\n8\n{encode_base64(bytes(33))}\n"),
        ("a root in hex", f"{origin}\n8\n{bytes(32).hex()}\n"),
        ("a root without padding", f"{origin}\n8\n{root[:-1]}\n"),
        ("a root with stray bits", f"{origin}\n8\n{root[:-2]}B=\n"),
        ("an empty log with another root", f"{origin}\n0\n{root}\n"),
    ]
