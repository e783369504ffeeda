"""The webhook's signature: genuine or refused, with the reason, over the raw bytes."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.payments.signature import (
    HEADER_LEN_MAX,
    SIGNATURES_MAX,
    HeaderMalformed,
    HeaderMissing,
    OutsideTolerance,
    SignatureError,
    SignatureMismatch,
    sign,
    verify,
)

BODY = b'{\n  "id": "evt_1"\n}'
SECRET = "whsec_new"
OLD_SECRET = "whsec_old"
NOW_S = 1_764_000_000
TOLERANCE_S = 300


def digest(body: bytes = BODY, secret: str = SECRET, at_s: int = NOW_S) -> str:
    return hmac.digest(secret.encode(), f"{at_s}.".encode() + body, "sha256").hex()


def test_a_signature_over_the_raw_bytes_is_genuine() -> None:
    verified = verify(BODY, f"t={NOW_S},v1={digest()}", [SECRET], TOLERANCE_S, NOW_S)
    assert (verified.signed_at_s, verified.secret_index) == (NOW_S, 0)


def test_what_sign_makes_is_what_verify_accepts() -> None:
    assert verify(BODY, sign(BODY, SECRET, NOW_S), [SECRET], TOLERANCE_S, NOW_S).signed_at_s == NOW_S


@pytest.mark.parametrize("changed", [BODY + b"\n", BODY[:-1], BODY.replace(b"\n", b""), b""])
def test_one_changed_byte_is_refused(changed: bytes) -> None:
    with pytest.raises(SignatureMismatch):
        verify(changed, sign(BODY, SECRET, NOW_S), [SECRET], TOLERANCE_S, NOW_S)


def test_any_of_several_v1_signatures_suffices() -> None:
    header = f"t={NOW_S},v1={'0' * 64},v1={digest()},v1={'f' * 64}"
    assert verify(BODY, header, [SECRET], TOLERANCE_S, NOW_S).secret_index == 0


def test_other_schemes_are_ignored_even_when_they_would_fit() -> None:
    with pytest.raises(SignatureMismatch):
        verify(BODY, f"t={NOW_S},v0={digest()},v1={'0' * 64}", [SECRET], TOLERANCE_S, NOW_S)
    mixed = f"t={NOW_S},v0=whatever,v1={digest()},v2=new"
    assert verify(BODY, mixed, [SECRET], TOLERANCE_S, NOW_S).secret_index == 0


def test_during_a_rotation_both_secrets_are_live_and_the_answer_names_the_one_that_fitted() -> None:
    header = sign(BODY, OLD_SECRET, NOW_S)
    assert verify(BODY, header, [SECRET, OLD_SECRET], TOLERANCE_S, NOW_S).secret_index == 1
    both = f"t={NOW_S},v1={digest(secret=OLD_SECRET)},v1={digest()}"
    assert verify(BODY, both, [SECRET, OLD_SECRET], TOLERANCE_S, NOW_S).secret_index == 0
    with pytest.raises(SignatureMismatch) as refused:
        verify(BODY, header, [SECRET], TOLERANCE_S, NOW_S)
    assert (refused.value.signatures, refused.value.secrets) == (1, 1)


@pytest.mark.parametrize("off_s", [-TOLERANCE_S, -1, 0, 1, TOLERANCE_S])
def test_a_time_within_the_tolerance_passes_on_both_sides(off_s: int) -> None:
    assert verify(BODY, sign(BODY, SECRET, NOW_S + off_s), [SECRET], TOLERANCE_S, NOW_S).signed_at_s == NOW_S + off_s


@pytest.mark.parametrize(
    ("off_s", "said"), [(-301, "301 s old"), (301, "301 s in the future"), (10**6, "in the future")]
)
def test_a_time_beyond_the_tolerance_is_refused_on_both_sides(off_s: int, said: str) -> None:
    with pytest.raises(OutsideTolerance, match=said) as refused:
        verify(BODY, sign(BODY, SECRET, NOW_S + off_s), [SECRET], TOLERANCE_S, NOW_S)
    assert refused.value.age_s == -off_s


def test_only_a_holder_of_a_secret_learns_about_our_clock() -> None:
    with pytest.raises(SignatureMismatch):
        verify(BODY, f"t={NOW_S - 10_000},v1={'0' * 64}", [SECRET], TOLERANCE_S, NOW_S)


def test_the_signed_time_is_the_text_in_the_header() -> None:
    padded = f"0{NOW_S}"
    signature = hmac.digest(SECRET.encode(), f"{padded}.".encode() + BODY, "sha256").hex()
    assert verify(BODY, f"t={padded},v1={signature}", [SECRET], TOLERANCE_S, NOW_S).signed_at_s == NOW_S


def test_a_missing_header_is_its_own_error() -> None:
    with pytest.raises(HeaderMissing):
        verify(BODY, None, [SECRET], TOLERANCE_S, NOW_S)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        "nonsense",
        f"v1={'0' * 64}",
        f"t={NOW_S}",
        f"t={NOW_S},t={NOW_S},v1={'0' * 64}",
        f"t=-1,v1={'0' * 64}",
        f"t=1e9,v1={'0' * 64}",
        f"t=٣,v1={'0' * 64}",
        f"t={'9' * 13},v1={'0' * 64}",
        f"t={NOW_S}," + ",".join([f"v1={'0' * 64}"] * (SIGNATURES_MAX + 1)),
        f"t={NOW_S},v1=" + "0" * HEADER_LEN_MAX,
    ],
)
def test_a_header_that_stripe_cannot_have_sent_is_malformed(header: str) -> None:
    with pytest.raises(HeaderMalformed):
        verify(BODY, header, [SECRET], TOLERANCE_S, NOW_S)


@pytest.mark.parametrize(
    "signature", ["", "zz", digest().upper(), digest()[:-2], digest() + "00", " " + digest()[1:], "é" * 64]
)
def test_a_signature_that_is_no_digest_fits_nothing(signature: str) -> None:
    with pytest.raises(SignatureMismatch):
        verify(BODY, f"t={NOW_S},v1={signature}", [SECRET], TOLERANCE_S, NOW_S)


def test_without_a_secret_nothing_can_be_genuine() -> None:
    with pytest.raises(ValueError, match="no secret"):
        verify(BODY, sign(BODY, "", NOW_S), [], TOLERANCE_S, NOW_S)


@given(st.text(max_size=200), st.binary(max_size=200))
def test_no_header_whatsoever_raises_anything_else(header: str, body: bytes) -> None:
    with pytest.raises(SignatureError):
        verify(body, header, [SECRET], TOLERANCE_S, NOW_S)
