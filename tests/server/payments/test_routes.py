"""The webhook over a real socket: what is stored, what is answered, and that one follows from the other."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from server.payments.inbox import Inbox
from server.payments.routes import ALIAS, PATH, routes
from server.payments.signature import sign
from tests.server.http.serving import Answer, Edge, assert_problem, serving
from tests.server.payments.builders import OLD_SECRET, SECRET, WebhookSettings, event, intent
from tests.server.payments.world import World
from tests.support.postgres import Server

BODY = event("payment_intent.succeeded", intent())


def now_s() -> int:
    return int(time.time())


async def post(
    edge: Edge,
    body: bytes = BODY,
    *,
    path: str = PATH,
    secret: str = SECRET,
    at_s: int | None = None,
    encoding: str = "identity",
) -> Answer:
    signature = sign(body, secret, now_s() if at_s is None else at_s)
    return await edge.request(
        "POST", path, data=body, headers={"Stripe-Signature": signature, "Content-Encoding": encoding}
    )


async def stored(world: World) -> list[tuple[str, str, str | None]]:
    rows = await world.pool.fetch("select type, state, outcome from payments_inbox order by arrival")
    return [tuple(row) for row in rows]


@pytest.fixture
def settings() -> WebhookSettings:
    return WebhookSettings()


@pytest.fixture
def figures() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def edge(world: World, settings: WebhookSettings, figures: CollectorRegistry) -> AsyncIterator[Edge]:
    async with serving(routes(world.inbox, settings, registry=figures)) as edge:
        yield edge


def counted(figures: CollectorRegistry, outcome: str) -> float:
    return figures.get_sample_value("secondwind_webhook_answers_total", {"outcome": outcome}) or 0.0


@pytest.mark.parametrize("path", [PATH, ALIAS])
async def test_a_genuine_notice_is_stored_and_answered_with_200(world: World, edge: Edge, path: str) -> None:
    assert (await post(edge, path=path)).status == 200
    assert await stored(world) == [("payment_intent.succeeded", "new", None)]


async def test_no_business_is_done_in_the_request(world: World, edge: Edge) -> None:
    await post(edge)
    assert await world.entries() == []


async def test_duplicates_are_200_and_one_row(world: World, edge: Edge, figures: CollectorRegistry) -> None:
    answers = await asyncio.gather(*(post(edge) for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len(await stored(world)) == 1
    assert (counted(figures, "new"), counted(figures, "duplicate")) == (1, 49)


async def test_both_secrets_are_live_during_a_rotation(world: World, edge: Edge) -> None:
    assert (await post(edge, secret=OLD_SECRET)).status == 200
    assert len(await stored(world)) == 1


@pytest.mark.parametrize("off_s", [-400, 400])
async def test_a_signature_outside_the_tolerance_is_400_and_nothing_is_stored(
    world: World, edge: Edge, off_s: int
) -> None:
    body = assert_problem(await post(edge, at_s=now_s() + off_s), 400, "signature-refused")
    assert "tolerance is 300 s" in body["detail"]
    assert await stored(world) == []


async def test_a_wrong_or_missing_signature_is_400_and_nothing_is_stored(
    world: World, edge: Edge, figures: CollectorRegistry
) -> None:
    assert_problem(await post(edge, secret="whsec_thief"), 400, "signature-refused")
    assert_problem(await edge.request("POST", PATH, data=BODY), 400, "signature-refused")
    good = sign(BODY, SECRET, now_s())
    changed = await edge.request(
        "POST", PATH, data=BODY.replace(b"10330", b"99999"), headers={"Stripe-Signature": good}
    )
    assert_problem(changed, 400, "signature-refused")
    assert await stored(world) == []
    assert counted(figures, "refused") == 3


async def test_a_body_beyond_the_limit_is_413_and_nothing_is_stored(
    world: World, edge: Edge, settings: WebhookSettings
) -> None:
    large = b"x" * (settings.webhook_body_bytes_max + 1)
    assert_problem(await post(edge, large), 413, "body-too-large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 65_536

    unannounced = await edge.request("POST", PATH, data=chunks(), headers={"Stripe-Signature": "t=1,v1=00"})
    assert_problem(unannounced, 413, "body-too-large")
    assert await stored(world) == []


async def test_a_body_at_the_limit_is_stored(world: World, edge: Edge, settings: WebhookSettings) -> None:
    padding = settings.webhook_body_bytes_max - len(event("x.y", {"note": ""}))
    body = event("x.y", {"note": "x" * padding})
    assert len(body) == settings.webhook_body_bytes_max
    assert (await post(edge, body)).status == 200
    assert len(await stored(world)) == 1


async def test_a_cut_body_stores_nothing(world: World, edge: Edge) -> None:
    signature = sign(BODY, SECRET, now_s())
    headers = f"Host: x\r\nStripe-Signature: {signature}\r\nContent-Length: {len(BODY)}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(f"POST {PATH} HTTP/1.1\r\n{headers}\r\n".encode() + BODY[:-10])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    assert (await post(edge, event("x.y", {}, "evt_after"))).status == 200
    assert [row[0] for row in await stored(world)] == ["x.y"]


async def test_a_compressed_body_is_refused_since_the_signature_is_over_other_bytes(world: World, edge: Edge) -> None:
    answer = await post(edge, gzip.compress(BODY), encoding="gzip")
    assert answer.status in {400, 415}
    assert await stored(world) == []


async def test_genuine_bytes_that_are_no_json_are_stored_once_under_their_digest(world: World, edge: Edge) -> None:
    for _ in range(3):
        assert (await post(edge, b"{broken")).status == 200
    assert (await post(edge, b"{broken too")).status == 200
    assert await stored(world) == [("malformed", "new", None)] * 2


@pytest.mark.parametrize(
    ("mode", "livemode", "state"),
    [
        ("test", True, "ignored"),
        ("demo", True, "ignored"),
        ("live", False, "ignored"),
        ("live", True, "new"),
        ("test", False, "new"),
    ],
)
async def test_a_notice_for_the_other_mode_is_stored_as_ignored(
    world: World,
    edge: Edge,
    settings: WebhookSettings,
    figures: CollectorRegistry,
    mode: str,
    *,
    livemode: bool,
    state: str,
) -> None:
    settings.mode = mode
    assert (await post(edge, event("payment_intent.succeeded", intent(), livemode=livemode))).status == 200
    assert [row[1] for row in await stored(world)] == [state]
    assert counted(figures, "wrong_mode") == (state == "ignored")


async def test_without_a_secret_there_is_no_webhook(world: World, edge: Edge, settings: WebhookSettings) -> None:
    settings.stripe_webhook_secrets = ()
    assert_problem(await post(edge), 404, "not-found")
    assert await stored(world) == []


async def test_a_database_that_hangs_is_503_with_retry_after_and_the_retry_is_stored_once(
    world: World, settings: WebhookSettings
) -> None:
    inbox = Inbox(world.pool, world.vault, world.wakeups, statement_timeout_s=0.2)
    async with serving(routes(inbox, settings)) as edge:
        async with world.pool.acquire() as connection, connection.transaction():
            await connection.execute("lock table payments_inbox in access exclusive mode")
            answer = await post(edge)
            assert_problem(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
        assert (await post(edge)).status == 200
    assert len(await stored(world)) == 1


async def test_connections_that_die_lose_no_notice_that_was_answered_with_200(
    world: World, edge: Edge, postgres_server: Server
) -> None:
    admin = await asyncpg.connect(postgres_server.admin_url("postgres"))
    name = await world.pool.fetchval("select current_database()")
    acknowledged = []
    for number in range(30):
        if number % 10 == 5:
            await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
        body = event("payment_intent.succeeded", intent(), f"evt_{number}")
        for _ in range(10):
            answer = await post(edge, body)
            if answer.status == 200:
                acknowledged.append(number)
                break
            assert_problem(answer, 503, "unavailable")
    await admin.close()
    assert acknowledged == list(range(30))
    assert len(await stored(world)) == 30


async def test_a_closed_database_is_503(world: World, edge: Edge) -> None:
    world.inbox._pool.terminate()
    assert_problem(await post(edge), 503, "unavailable")
