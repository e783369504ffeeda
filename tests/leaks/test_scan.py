"""A scanner that finds nothing proves nothing: every kind of leak is planted here, and each has to be found."""

from __future__ import annotations

import base64
import hashlib
import json
from random import Random
from urllib.parse import quote

import pytest

from tests.leaks.disguises import DIGESTS, HEAD_BYTES, Private, forms
from tests.leaks.scan import Exposed, Scanner

NAME = Private("name", "Þórunn O'Adébáyò-Müller")
MAIL = Private("e-mail", "Thorunn.Adebayo+Rent@Example.ORG")
IDENTIFIER = Private("payment intent", "pi_3QzLk2eZvKYlo2C0Xw9aBcDe", is_exact=True)
SALT = Private("salt", bytes(range(7, 39)))
AMOUNT = Private("hidden amount", 7_391_113)
PRIVATES = (NAME, MAIL, IDENTIFIER, SALT, AMOUNT)
NOISE = Random(4).randbytes(4_096)  # noqa: S311 - a fixed die, not a secret
HEX_NOISE = NOISE.hex().encode()


def found(data: bytes, *privates: Private) -> set[Private]:
    return {leak.private for leak in Scanner(privates or PRIVATES).leaks(Exposed("here", data))}


def planted(data: bytes, at: int = 1_001) -> bytes:
    return NOISE[:at] + b" " + data + b" " + NOISE[at:]


@pytest.mark.parametrize("private", PRIVATES, ids=lambda private: private.kind)
def test_every_form_of_every_kind_is_found_and_nothing_else_is(private: Private) -> None:
    for form in forms(private):
        if form.search == "word" or len(form.data) >= HEAD_BYTES:
            assert found(planted(form.data)) == {private}, form


@pytest.mark.parametrize(
    "leak",
    [
        json.dumps({"giver": NAME.value}).encode(),
        f'"giver":"{NAME.value}"'.encode(),
        f"<b>{NAME.value}</b>".upper().encode(),
        f"?email={quote(str(MAIL.value))}".encode(),
        b'{"email":"thorunn.adebayo+rent@example.org"}',
        b"thorunn.",
        IDENTIFIER.value.encode(),  # type: ignore[union-attr]  # it is text
        b"pi_3QzLk",
        SALT.value,
        SALT.value[:8],  # type: ignore[index]  # it is bytes
        base64.b64encode(b'{"x":"' + SALT.value + b'"}'),  # type: ignore[operator]  # it is bytes
        base64.b64encode(json.dumps({"receipt_email": MAIL.value}).encode()),
        hashlib.sha256(b"thorunn.adebayo+rent@example.org").hexdigest().encode(),
        hashlib.md5(b"thorunn.adebayo+rent@example.org").hexdigest()[:8].encode(),  # noqa: S324 - as avatars have it
        base64.urlsafe_b64encode(hashlib.sha256(b"\x00" + SALT.value).digest())[:9],  # type: ignore[operator]  # bytes
        b'"amount":"-7391113"',
        b"[7391113,25]",
        b"$73,911.13",
        b"73.911,13 or 73911,13",
    ],
)
def test_a_leak_as_it_would_look_is_found(leak: bytes) -> None:
    assert len(found(planted(leak))) == 1


def test_the_first_and_the_last_bytes_are_looked_at_too() -> None:
    assert found(b"pi_3QzLk" + NOISE) == {IDENTIFIER}
    assert found(NOISE + b"pi_3QzLk") == {IDENTIFIER}


def test_each_digest_is_its_own() -> None:
    assert len({digest(b"x") for digest in DIGESTS.values()}) == len(DIGESTS)


@pytest.mark.parametrize(
    "harmless",
    [
        b"thorunn",
        b"17391113",
        b"73911130 7391.113",
        b"PI_3QZLK",
        HEX_NOISE,
        base64.b64encode(NOISE),
        hashlib.sha256(b"somebody else").hexdigest().encode(),
        hashlib.sha256(SALT.value).hexdigest()[:11].encode() + HEX_NOISE,  # type: ignore[arg-type]  # it is bytes
    ],
)
def test_what_only_resembles_one_is_no_leak(harmless: bytes) -> None:
    assert found(planted(harmless)) == set()


def test_a_leak_says_where_it_is_and_in_which_form() -> None:
    (leak,) = Scanner([MAIL]).leaks(Exposed("GET /x", b"{}" * 20 + b"THORUNN.ADE"))
    assert (leak.where, leak.offset, leak.form, leak.seen) == ("GET /x", 40, "itself", b"THORUNN.ADE")
    assert "e-mail" in str(leak)


@pytest.mark.parametrize("value", ["Zoë", "a b", 4242])
def test_a_value_that_chance_would_show_is_refused(value: str | int) -> None:
    with pytest.raises(ValueError, match="too short"):
        Scanner([Private("short", value)])
