"""Whatever stands in a path, a query or a header: an answer or a problem, never a fault of ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from http import HTTPStatus

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.http import cursors
from server.http.routes import Route
from server.public.routes import routes
from tests.server.http.serving import Edge

EXAMPLES = 300
SOCKET_TIMEOUT_S = 10
TABLE: list[Route] = routes(None)  # type: ignore[arg-type]  # the rows are read, no handler runs
PATHS = sorted({route.path.replace("{path:.+}", "{path}") for route in TABLE} | {"/nothing", "/problems/x", "/status"})
NAMES = sorted(
    {field.alias or name for route in TABLE if route.query for name, field in route.query.model_fields.items()}
)

BYTES = st.binary(max_size=24).map(lambda data: "".join(f"%{byte:02x}" for byte in data))
"""Any bytes, most of them no UTF-8, as a URL writes them."""
PLAIN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=40)
"""What a URL may hold as it is, with `%`, `&`, `=` and `+` where they do not belong."""
NUMBERS = st.integers(-(2**70), 2**70).map(str) | st.sampled_from(
    ["1e3", "0x10", "01", "+1", "1_0", "%D9%A3", "NaN", "", "1.0"]
)
CURSORS = st.integers(0, 2**63 - 1).map(lambda position: cursors.encode("ledger", position))
NEAR_CURSORS = st.tuples(CURSORS, st.integers(0, 19), st.sampled_from("AZaz09-_=+/%")).map(
    lambda made: made[0][: made[1]] + made[2] + made[0][made[1] + 1 :]
)
WORDS = st.sampled_from(
    ["rent", "USD/2", "2026-09", "0000-01", "9999-12", "giving.gift.received.v1", "expenses", "1" + "0" * 31, "100"]
)
VALUES = st.one_of(BYTES, PLAIN, NUMBERS, CURSORS, NEAR_CURSORS, WORDS)
PAIRS = st.tuples(st.sampled_from(NAMES) | BYTES | PLAIN, VALUES).map("=".join)
QUERIES = st.lists(PAIRS, max_size=4).map("&".join) | PLAIN


class Caller:
    """A client that sends whatever it is told over one connection at a time, and reads the answer."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)

    def ask(self, target: str, header: bytes = b"") -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer to a GET."""
        with socket.create_connection(self._address, SOCKET_TIMEOUT_S) as peer:
            peer.sendall(
                b"GET " + target.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n"
            )
            answer = b"".join(_received(peer))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), head, body


def _received(peer: socket.socket) -> Iterator[bytes]:
    with contextlib.suppress(ConnectionResetError):
        while data := peer.recv(65_536):
            yield data


def check(target: str, answer: tuple[int, bytes, bytes]) -> None:
    """The answer is what was asked for, or a problem of the caller's."""
    status, head, body = answer
    assert status < HTTPStatus.INTERNAL_SERVER_ERROR, (target, body)
    if status >= HTTPStatus.BAD_REQUEST:
        assert b"application/problem+json" in head, (target, head)
        assert orjson.loads(body)["detail"], target


async def fuzz(test: object) -> None:
    """Run a hypothesis test beside the loop that serves it."""
    assert callable(test)
    await asyncio.to_thread(test)


many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


async def test_any_query_on_any_path_is_answered(whole: Edge) -> None:
    caller = Caller(whole.port)

    @many
    @given(st.sampled_from(PATHS), st.one_of(PLAIN, BYTES, NUMBERS), QUERIES)
    def ask(path: str, part: str, query: str) -> None:
        target = path.replace("{path}", part).replace("{position}", part) + "?" + query
        check(target, caller.ask(target))

    await fuzz(ask)


async def test_any_combination_of_the_ledgers_own_parameters_is_answered(whole: Edge) -> None:
    caller = Caller(whole.port)
    names = sorted({name for name in NAMES if name not in {"from", "to", "at"}})

    @many
    @given(st.dictionaries(st.sampled_from(names), VALUES, max_size=5))
    def ask(query: dict[str, str]) -> None:
        target = "/api/v1/ledger?" + "&".join(f"{name}={value}" for name, value in query.items())
        check(target, caller.ask(target))

    await fuzz(ask)


async def test_any_tag_or_encoding_that_a_caller_claims_is_answered(whole: Edge) -> None:
    caller = Caller(whole.port)
    values = st.binary(max_size=60).map(lambda data: bytes(byte for byte in data if byte not in b"\r\n\0"))

    @many
    @given(st.sampled_from(["If-None-Match", "Accept-Encoding", "Accept", "Range", "X-Forwarded-For"]), values)
    def ask(name: str, value: bytes) -> None:
        target = "/api/v1/ledger"
        check(target, caller.ask(target, name.encode() + b": " + value + b"\r\n"))

    await fuzz(ask)
