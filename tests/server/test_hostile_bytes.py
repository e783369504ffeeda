"""Whatever reaches the server by header, by file or out of its own database: it is read, or refused in one way."""

from __future__ import annotations

import contextlib
from pathlib import Path

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.registry import TypeSpec
from ledger.signer_state import SignerState, StateFile
from ledger.slots import SlotSpec
from ledger.types import SealedBox, SealedSlots
from server.errors import StartRefused
from server.http.clients import identify, trusted_networks
from server.identity.authenticator import bearer_token
from server.identity.tokens import TokenIssuer, TokenRefused, TokenVerifier
from server.keeping.manifest import NAME, Manifest
from server.vault import VaultError, vault_at
from tests.support.hostile import hostile, hostile_text

EXAMPLES = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
AUDIENCE = "example.org/ledger"
ISSUER = TokenIssuer(bytes(range(32)), AUDIENCE)
NOW_S = 1_764_000_000
TOKEN = ISSUER.issue("ada", ["auditor"], NOW_S, 600)
TRUSTED = trusted_networks(["10.0.0.0/8", "::1"])
STATE = {
    "format": "secondwind-signer-v1",
    "number": 3,
    "vkey": "x+1+A",
    "size": 9,
    "root_hash": "A" * 43 + "=",
    "snapshot": {},
}
MANIFEST = {"format": 1, "made_at": "2026-01-01", "schema": ["0001"], "heads": {}, "files": {"a": "0" * 64}}
SLOTS = tuple(SlotSpec(f"slot{n}", "identity" if n % 2 else "audit") for n in range(8))
SPEC = TypeSpec("test.slots.held.v1", {}, "some", SLOTS, "none")


@EXAMPLES
@given(hostile_text([TOKEN.encode()]))
def test_a_token_is_refused_or_the_one_that_was_issued(token: str) -> None:
    verifier = TokenVerifier([ISSUER.public_key], AUDIENCE)
    with contextlib.suppress(TokenRefused):
        assert verifier.verify(token, NOW_S).subject == "ada"
        assert token == TOKEN


@EXAMPLES
@given(hostile_text([f"Bearer {TOKEN}".encode(), b"Basic YTpi"]) | st.none())
def test_an_authorization_header_holds_a_token_or_none(header: str | None) -> None:
    found = bearer_token(header)
    assert found is None or (header is not None and found in header)


ADDRESSES = hostile_text([b"10.0.0.1, 203.0.113.7", b"::ffff:127.0.0.1", b"fe80::1%eth0", b"localhost:80", b"[::1]:9"])


@EXAMPLES
@given(ADDRESSES | st.none(), ADDRESSES, st.lists(ADDRESSES, max_size=3), st.data())
def test_whoever_asks_is_somebody_and_never_local_by_hearsay(
    peer: str | None, host: str, hops: list[str], data: st.DataObject
) -> None:
    """B16: a forwarded request that no trusted proxy vouches for is never taken for one of this machine."""
    is_forwarded, proto = data.draw(st.booleans()), data.draw(ADDRESSES)
    client = identify(peer, host, hops, forwarded=is_forwarded, proto=proto, trusted=TRUSTED)
    assert not (client.local and is_forwarded and not client.proxied)
    assert isinstance(client.network, str)


@EXAMPLES
@given(data=hostile([orjson.dumps(STATE), orjson.dumps({**STATE, "size": "9"})]))
def test_a_signers_state_is_refused_or_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "public.json"
    path.write_bytes(data)
    with contextlib.suppress(ValueError):
        state = StateFile(path).load()
        assert isinstance(state, SignerState)
        assert (type(state.number), type(state.size), type(state.snapshot)) == (int, int, dict)


@EXAMPLES
@given(data=hostile([orjson.dumps(MANIFEST), b'{"format":1,"made_at":1,"schema":1,"heads":1,"files":[]}']))
def test_the_list_of_a_backup_is_refused_or_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME).write_bytes(data)
    with contextlib.suppress(StartRefused):
        Manifest.read(tmp_path)


@EXAMPLES
@given(key=st.sampled_from(["service", "inbox-2026-01-01", "sub-x", "", "../x"]) | st.text(max_size=8), data=st.data())
def test_sealed_bytes_open_or_are_refused(tmp_path: Path, key: str, data: st.DataObject) -> None:
    vault = vault_at(tmp_path)
    key_id, sealed = vault.seal("fees", b"plain")
    spoiled = data.draw(hostile([sealed]))
    with contextlib.suppress(VaultError, ValueError):
        vault.open(key, spoiled)
    with contextlib.suppress(VaultError):
        assert vault.open(key_id, spoiled) == b"plain"


@EXAMPLES
@given(data=st.data())
def test_spoiled_slots_open_or_are_refused(tmp_path: Path, data: st.DataObject) -> None:
    vault = vault_at(tmp_path)
    sealed = vault.seal_slots(AUDIENCE, SPEC, {"slot1": "one", "slot2": ["two"]})
    box = sealed.boxes[0]
    spoiled = SealedBox(
        box.group, box.key_id, data.draw(hostile([box.wrapped_key])), data.draw(hostile([box.nonce])), box.ciphertext
    )
    shown = SealedSlots(sealed.root, data.draw(hostile([sealed.slot_hashes])), (spoiled, *sealed.boxes[1:]))
    with contextlib.suppress(VaultError):
        assert vault.open_slots(AUDIENCE, SPEC, shown, sealed.root).get("slot2", ["two"]) == ["two"]
