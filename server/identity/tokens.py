"""Short access tokens: compact JWS signed with Ed25519, issued by `secondwind token --sub --role`. Pure.

The header is not believed but rebuilt: a token's first part must be, byte for byte, the header that this code writes
for one of the keys it knows. So there is no algorithm to confuse, no embedded key and no critical extension to
overlook. `kid` names the key, so that two can be valid while one is being replaced.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable

import orjson
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from server.errors import ServerError
from server.identity.authenticator import ROLES, Principal

LIFETIME_S_MAX = 15 * 60
CLOCK_LEEWAY_S = 5
TOKEN_CHARS_MAX = 2_048
SUBJECT_CHARS_MAX = 128
PARTS = 3

_SUBJECT = re.compile(r"[A-Za-z0-9._:@-]{1,128}")


class TokenRefused(ServerError):
    """A token may not be issued as asked, or is not valid; the sentence says which rule it breaks, never a secret."""


class TokenIssuer:
    """Signs tokens for one service. `seed` is 32 secret bytes; `audience` names the service, by its origin."""

    def __init__(self, seed: bytes, audience: str) -> None:
        self._key = SigningKey(seed)
        self._audience = audience
        self.public_key = bytes(self._key.verify_key)
        self._header = _header(key_id(self.public_key))

    def issue(self, subject: str, roles: Iterable[str], now_s: int, lifetime_s: int = LIFETIME_S_MAX) -> str:
        """A token for `subject` with `roles`, valid from `now_s` for `lifetime_s`. Raises TokenRefused."""
        held = sorted(set(roles))
        if not _SUBJECT.fullmatch(subject):
            raise TokenRefused(
                f"subject {subject!r} is not 1 to {SUBJECT_CHARS_MAX} characters of A-Z a-z 0-9 . _ : @ -"
            )
        if unknown := [name for name in held if name not in ROLES]:
            raise TokenRefused(f"unknown role {unknown[0]!r}; known are {', '.join(sorted(ROLES))}")
        if not 0 < lifetime_s <= LIFETIME_S_MAX:
            raise TokenRefused(f"a token lives 1 to {LIFETIME_S_MAX} seconds, not {lifetime_s}")
        claims = {"aud": self._audience, "exp": now_s + lifetime_s, "iat": now_s, "roles": held, "sub": subject}
        signed = f"{self._header}.{_encode(orjson.dumps(claims))}"
        return f"{signed}.{_encode(self._key.sign(signed.encode()).signature)}"


class TokenVerifier:
    """Verifies tokens for one service against the public keys it is given."""

    def __init__(self, public_keys: Iterable[bytes], audience: str) -> None:
        self._keys = {_header(key_id(public)): VerifyKey(public) for public in public_keys}
        self._audience = audience

    def verify(self, token: str, now_s: int) -> Principal:
        """Who the token was issued to. Raises TokenRefused for everything else that can stand in a header."""
        parts = token.split(".")
        if len(token) > TOKEN_CHARS_MAX or len(parts) != PARTS:
            raise TokenRefused("the token does not have three parts")
        header, payload, signature = parts
        key = self._keys.get(header)
        if key is None:
            raise TokenRefused("the token is not signed by a key of this service")
        try:
            key.verify(f"{header}.{payload}".encode(), _decode(signature))
        except (BadSignatureError, ValueError):
            raise TokenRefused("the token's signature is not valid") from None
        return self._judge(orjson.loads(_decode(payload)), now_s)

    def _judge(self, claims: dict[str, object], now_s: int) -> Principal:
        """What is signed was written by `issue`; only its audience and times remain to be judged."""
        issued, expires = claims["iat"], claims["exp"]
        if claims["aud"] != self._audience:
            raise TokenRefused("the token is meant for another service")
        if not (isinstance(issued, int) and isinstance(expires, int) and isinstance(claims["roles"], list)):
            raise TokenRefused("the token's claims are malformed")
        if now_s >= expires + CLOCK_LEEWAY_S:
            raise TokenRefused("the token is expired")
        if now_s < issued - CLOCK_LEEWAY_S:
            raise TokenRefused("the token is from the future: the clocks of two machines disagree")
        return Principal(str(claims["sub"]), frozenset(map(str, claims["roles"])) & ROLES, expires)


class TokenAuthenticator:
    """The Authenticator over tokens. `now_s` tells the time in seconds since 1970."""

    def __init__(self, verifier: TokenVerifier, now_s: Callable[[], float]) -> None:
        self._verifier = verifier
        self._now_s = now_s

    async def authenticate(self, token: str) -> Principal | None:
        """Who holds `token`; None when it is not valid now."""
        try:
            return self._verifier.verify(token, int(self._now_s()))
        except TokenRefused:
            return None


def key_id(public_key: bytes) -> str:
    """The `kid` of an Ed25519 key: the first 8 bytes of its SHA-256, base64url."""
    return _encode(hashlib.sha256(public_key).digest()[:8])


def _header(kid: str) -> str:
    return _encode(orjson.dumps({"alg": "Ed25519", "kid": kid, "typ": "JWT"}))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Strict base64url without padding: one text for one value. Raises ValueError."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if _encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
