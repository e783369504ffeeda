"""The seam: which headers carry a token, and that nobody is somebody by default."""

from __future__ import annotations

import pytest

from server.identity.authenticator import NobodyAuthenticator, bearer_token


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("Bearer  abc ", "abc"),
        ("Bearer ", None),
        ("bearer abc", None),
        ("Basic abc", None),
        (None, None),
    ],
)
def test_a_token_is_read_from_a_bearer_header_only(header: str | None, token: str | None) -> None:
    assert bearer_token(header) == token


async def test_nobody_is_signed_in_where_there_are_no_identities() -> None:
    assert await NobodyAuthenticator().authenticate("anything") is None
