"""A token says who it was issued to, for a short while, to one service; nothing else is believed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from server.identity.authenticator import ROLES
from server.identity.tokens import (
    CLOCK_LEEWAY_S,
    LIFETIME_S_MAX,
    TokenAuthenticator,
    TokenIssuer,
    TokenRefused,
    TokenVerifier,
    key_id,
)

AUDIENCE = "ledger.example.org/ledger"
NOW_S = 1_800_000_000
ISSUER = TokenIssuer(bytes(32), AUDIENCE)
VERIFIER = TokenVerifier([ISSUER.public_key], AUDIENCE)


def encode(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forge(header: Any, claims: Any, seed: bytes = bytes(32)) -> str:
    signed = f"{encode(header)}.{encode(claims)}"
    return (
        f"{signed}.{base64.urlsafe_b64encode(SigningKey(seed).sign(signed.encode()).signature).rstrip(b'=').decode()}"
    )


def test_a_token_names_its_holder_roles_and_end() -> None:
    principal = VERIFIER.verify(ISSUER.issue("u:1", ["auditor", "admin", "admin"], NOW_S, 60), NOW_S)
    assert (principal.subject, principal.roles, principal.expires_at_s) == (
        "u:1",
        frozenset({"admin", "auditor"}),
        NOW_S + 60,
    )
    assert principal.holds_any(frozenset({"admin", "donor"}))
    assert not principal.holds_any(frozenset({"donor"}))


def test_its_header_is_a_standard_one_that_names_the_key() -> None:
    header = ISSUER.issue("u", [], NOW_S).split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {
        "alg": "Ed25519",
        "kid": key_id(ISSUER.public_key),
        "typ": "JWT",
    }


def test_it_ends_when_it_says_and_begins_when_it_was_issued() -> None:
    token = ISSUER.issue("u", [], NOW_S)
    VERIFIER.verify(token, NOW_S + LIFETIME_S_MAX + CLOCK_LEEWAY_S - 1)
    VERIFIER.verify(token, NOW_S - CLOCK_LEEWAY_S)
    with pytest.raises(TokenRefused, match="expired"):
        VERIFIER.verify(token, NOW_S + LIFETIME_S_MAX + CLOCK_LEEWAY_S)
    with pytest.raises(TokenRefused, match="future"):
        VERIFIER.verify(token, NOW_S - CLOCK_LEEWAY_S - 1)


def test_two_keys_are_valid_while_one_is_replaced_and_a_dropped_one_is_not() -> None:
    newer = TokenIssuer(b"\1" * 32, AUDIENCE)
    both = TokenVerifier([ISSUER.public_key, newer.public_key], AUDIENCE)
    for issuer in (ISSUER, newer):
        assert both.verify(issuer.issue("u", [], NOW_S), NOW_S).subject == "u"
    with pytest.raises(TokenRefused, match="not signed by a key of this service"):
        TokenVerifier([newer.public_key], AUDIENCE).verify(ISSUER.issue("u", [], NOW_S), NOW_S)


def test_another_services_token_is_refused() -> None:
    with pytest.raises(TokenRefused, match="another service"):
        TokenVerifier([ISSUER.public_key], "other.example.org/ledger").verify(ISSUER.issue("u", [], NOW_S), NOW_S)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": key_id(ISSUER.public_key), "typ": "JWT"},
        {"alg": "HS256", "kid": key_id(ISSUER.public_key), "typ": "JWT"},
        {"alg": "Ed25519", "typ": "JWT"},
        {"alg": "Ed25519", "kid": "../../etc/passwd", "typ": "JWT"},
        {"alg": "Ed25519", "kid": key_id(ISSUER.public_key), "typ": "JWT", "crit": ["x"]},
        {"alg": "Ed25519", "jwk": {"kty": "OKP"}, "typ": "JWT"},
    ],
)
def test_a_header_that_this_service_does_not_write_is_refused(header: Any) -> None:
    claims = {"aud": AUDIENCE, "exp": NOW_S + 60, "iat": NOW_S, "roles": ["admin"], "sub": "u"}
    with pytest.raises(TokenRefused, match="not signed by a key"):
        VERIFIER.verify(forge(header, claims), NOW_S)


@given(st.integers(0, 10_000), st.integers(1, 127))
def test_a_token_with_any_character_changed_is_refused(index: int, step: int) -> None:
    token = ISSUER.issue("u", ["donor"], NOW_S)
    at = index % len(token)
    changed = token[:at] + chr((ord(token[at]) + step) % 128) + token[at + 1 :]
    with pytest.raises(TokenRefused):
        VERIFIER.verify(changed, NOW_S)


@given(st.text(max_size=300))
def test_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        VERIFIER.verify(text, NOW_S)


@pytest.mark.parametrize("part", ["\ud800", "é", " ", "=", "a" * 5000])
def test_a_part_that_is_not_base64url_is_refused(part: str) -> None:
    header, payload, signature = ISSUER.issue("u", [], NOW_S).split(".")
    for parts in ((part, payload, signature), (header, part, signature), (header, payload, part)):
        with pytest.raises(TokenRefused):
            VERIFIER.verify(".".join(parts), NOW_S)


@pytest.mark.parametrize(
    ("subject", "roles", "lifetime_s"),
    [
        ("", [], 60),
        ("a b", [], 60),
        ("x" * 129, [], 60),
        ("u", ["root"], 60),
        ("u", [], 0),
        ("u", [], LIFETIME_S_MAX + 1),
    ],
)
def test_what_may_not_stand_in_a_token_is_not_issued(subject: str, roles: list[str], lifetime_s: int) -> None:
    with pytest.raises(TokenRefused):
        ISSUER.issue(subject, roles, NOW_S, lifetime_s)


def test_a_role_that_no_longer_exists_is_dropped_and_not_believed() -> None:
    header = {"alg": "Ed25519", "kid": key_id(ISSUER.public_key), "typ": "JWT"}
    claims = {"aud": AUDIENCE, "exp": NOW_S + 60, "iat": NOW_S, "roles": ["superuser", "donor"], "sub": "u"}
    compact = json.dumps(header, separators=(",", ":")).encode()
    assert ISSUER.issue("u", [], NOW_S).startswith(base64.urlsafe_b64encode(compact).rstrip(b"=").decode())
    signed = f"{base64.urlsafe_b64encode(compact).rstrip(b'=').decode()}.{encode(claims)}"
    signature = base64.urlsafe_b64encode(SigningKey(bytes(32)).sign(signed.encode()).signature).rstrip(b"=").decode()
    assert VERIFIER.verify(f"{signed}.{signature}", NOW_S).roles == {"donor"}


async def test_the_authenticator_answers_nobody_instead_of_raising() -> None:
    clock = [NOW_S]
    authenticator = TokenAuthenticator(VERIFIER, lambda: clock[0])
    token = ISSUER.issue("u", sorted(ROLES), NOW_S, 60)
    principal = await authenticator.authenticate(token)
    assert principal is not None
    assert principal.roles == ROLES
    clock[0] += 3600
    assert await authenticator.authenticate(token) is None
    assert await authenticator.authenticate("x.y.z") is None
