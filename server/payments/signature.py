"""Stripe's webhook signature `v1`: HMAC-SHA256 over the time, a dot and the raw body. Pure (reference b.2.1 S1).

SignatureError
├── HeaderMissing       there is no `Stripe-Signature` header
├── HeaderMalformed     it has no single time, no `v1` signature, or is longer than any that Stripe sends
├── SignatureMismatch   no signature in it was made with one of our secrets over these bytes
└── OutsideTolerance    it is genuine and too old, or from the future: a replay, or a wrong clock
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

HEADER_LEN_MAX = 4096
SIGNATURES_MAX = 16
SCHEME = "v1"

_TIME = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class SignatureError(Exception):
    """The request is not a notice that the provider signed for us, now. Answered with 400; nothing is stored."""


class HeaderMissing(SignatureError):
    """There is no `Stripe-Signature` header."""

    def __init__(self) -> None:
        super().__init__("the Stripe-Signature header is missing")


class HeaderMalformed(SignatureError):
    """The header cannot be what Stripe sends."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the Stripe-Signature header is malformed: {detail}")
        self.detail = detail


class SignatureMismatch(SignatureError):
    """No signature in the header was made with one of our secrets over this body."""

    def __init__(self, signatures: int, secrets: int) -> None:
        super().__init__(
            f"none of the {signatures} signatures fits the body under {secrets} configured secrets: "
            "check the endpoint's signing secret, and that nothing between Stripe and here rewrites the body"
        )
        self.signatures = signatures
        self.secrets = secrets


class OutsideTolerance(SignatureError):
    """The signature is genuine, but its time is too far from ours. `age_s` is negative when it lies ahead."""

    def __init__(self, age_s: float, tolerance_s: int) -> None:
        side = f"{age_s:.0f} s old" if age_s >= 0 else f"{-age_s:.0f} s in the future"
        super().__init__(f"the signature is {side}, the tolerance is {tolerance_s} s: check the clock of this machine")
        self.age_s = age_s
        self.tolerance_s = tolerance_s


@dataclass(frozen=True, slots=True)
class Verified:
    """A genuine notice: when it was signed (seconds since 1970), and which of the secrets fitted (0 is the newest)."""

    signed_at_s: int
    secret_index: int


def verify(body: bytes, header: str | None, secrets: Sequence[str], tolerance_s: int, now_s: float) -> Verified:
    """Hold `header` against the raw bytes of `body`; during a rotation several secrets are live at once.

    Every `v1` signature is compared with every secret, in constant time and without stopping at the first that fits.
    Other schemes are ignored. The time is judged last and in both directions, so only a holder of a secret learns about
    our clock. Raises SignatureError; raises ValueError when no secret is given, since nothing could ever be genuine.
    """
    if not secrets:
        message = "no secret to verify with"
        raise ValueError(message)
    time_text, signatures = _parse(header)
    signed = time_text.encode() + b"." + body
    fitting = None
    for index, secret in reversed(list(enumerate(secrets))):
        expected = hmac.digest(secret.encode(), signed, "sha256")
        for signature in signatures:
            if hmac.compare_digest(expected, signature):
                fitting = index
    if fitting is None:
        raise SignatureMismatch(len(signatures), len(secrets))
    age_s = now_s - int(time_text)
    if abs(age_s) > tolerance_s:
        raise OutsideTolerance(age_s, tolerance_s)
    return Verified(int(time_text), fitting)


def sign(body: bytes, secret: str, signed_at_s: int) -> str:
    """Return the header that `verify` accepts: what the simulator and the tests send."""
    digest = hmac.digest(secret.encode(), f"{signed_at_s}.".encode() + body, "sha256")
    return f"t={signed_at_s},{SCHEME}={digest.hex()}"


def _parse(header: str | None) -> tuple[str, list[bytes]]:
    if header is None:
        raise HeaderMissing
    if len(header) > HEADER_LEN_MAX:
        raise HeaderMalformed(f"{len(header)} characters, at most {HEADER_LEN_MAX} are read")
    pairs = [item.strip().partition("=") for item in header.split(",")]
    times = [value for key, _, value in pairs if key == "t"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        raise HeaderMalformed("it must name one time, as in t=1764000000")
    signatures = [value for key, _, value in pairs if key == SCHEME]
    if not signatures:
        raise HeaderMalformed(f"it holds no {SCHEME} signature")
    if len(signatures) > SIGNATURES_MAX:
        raise HeaderMalformed(f"{len(signatures)} signatures, at most {SIGNATURES_MAX} are compared")
    return times[0], [bytes.fromhex(value) for value in signatures if _HEX_DIGEST.fullmatch(value)]
