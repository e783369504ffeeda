"""Whatever comes from outside, the server's parsers answer or raise the one error that their callers expect."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from server.errors import StartRefused
from server.http import cursors
from server.http.inputs import parse_decimal
from server.payments import signature
from server.payments.signature import SignatureError
from server.payments.translate import FeeHint, Gift, Ignored, Unhandled, translate
from server.publishing.policy import Policy
from server.settings import Settings
from tests.server.payments.builders import charge, event, intent
from tests.support.hostile import hostile, hostile_text

EXAMPLES = settings(max_examples=400, deadline=None)
EVENTS = (event("payment_intent.succeeded", intent()), event("charge.succeeded", charge()), event("x.y", {}))
HEADER = signature.sign(b"{}", "secret", 1_764_000_000).encode()
NAMES = sorted(
    str(field.json_schema_extra["env"])  # type: ignore[index,call-overload]  # every setting has one
    for field in Settings.model_fields.values()
)


@EXAMPLES
@given(hostile(EVENTS))
def test_a_notice_always_means_something(body: bytes) -> None:
    meant = translate(body)
    assert isinstance(meant, Gift | FeeHint | Ignored | Unhandled)


@EXAMPLES
@given(hostile_text([HEADER]) | st.none())
def test_a_signature_header_is_refused_or_genuine(header: str | None) -> None:
    with contextlib.suppress(SignatureError):
        found = signature.verify(b"{}", header, ["secret"], tolerance_s=300, now_s=1_764_000_000.0)
        assert found.signed_at_s == 1_764_000_000


@EXAMPLES
@given(hostile_text([cursors.encode("entries", 77).encode()]))
def test_a_cursor_is_refused_or_one_of_ours(text: str) -> None:
    with contextlib.suppress(cursors.CursorRefused):
        assert cursors.encode("entries", cursors.decode("entries", text)) == text


@EXAMPLES
@given(hostile_text([b"9007199254740991"]))
def test_a_number_in_an_address_is_refused_or_written_the_same(text: str) -> None:
    with contextlib.suppress(PydanticCustomError):
        assert str(parse_decimal(text)) == text


@EXAMPLES
@given(st.sampled_from(NAMES), hostile_text([b"USD/2,JPY", b"127.0.0.1", b"8080", b"1.5", b"worker,signer", b"UTC"]))
def test_a_setting_is_taken_or_the_start_is_refused(name: str, value: str) -> None:
    with contextlib.suppress(StartRefused):
        assert Settings.load({}, {name: value}).described()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FORMULA = st.fixed_dictionaries({}, optional={"asset": JSON, "fixed_minor": JSON, "rate_bp": JSON})


@EXAMPLES
@given(st.fixed_dictionaries({}, optional={"people_min": st.integers() | JSON, "fees": JSON | st.lists(FORMULA)}))
def test_a_policy_is_read_or_refused(data: dict[str, object]) -> None:
    with contextlib.suppress(ValueError, TypeError):
        Policy.from_data(data)
