"""Alive, ready, status and metrics: bounded, honest about what is not known, and discreet towards strangers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry, Counter

from server import health
from server.db import Database
from server.health import Health
from tests.server.http.serving import Edge, Settings, assert_problem, serving
from tests.support.postgres import SIZES, Server

FAR = {"Host": "ledger.example.org"}


def always(value: Any) -> Callable[[], Awaitable[Any]]:
    async def fact() -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return fact


async def never() -> str | None:
    await asyncio.Event().wait()
    return None


def made(**fields: Any) -> Health:
    values: dict[str, Any] = {
        "version": "1.0",
        "checks": {"database": always(None), "schema": always(None)},
        "facts": {
            "mode": always("demo"),
            "public": always({"size": 7, "halted": None}),
            "page_built": always(value=True),
        },
        "operator_facts": {"inbox": always({"new": 3, "dead": 0}), "books": always({"size": 9})},
        "registry": CollectorRegistry(),
        **fields,
    }
    return Health(**values)


async def far(edge: Edge, path: str) -> Any:
    return await edge.request("GET", path, headers=FAR)


async def test_it_lives_whatever_the_database_does() -> None:
    async with serving(made(checks={"database": never}).routes()) as edge:
        answer = await far(edge, "/health/live")
    assert (answer.status, answer.json()) == (200, {"alive": True})
    assert answer.headers["cache-control"] == "no-store"


async def test_it_is_ready_when_every_check_passes() -> None:
    async with serving(made().routes()) as edge:
        answer = await far(edge, "/health/ready")
    assert answer.json() == {"ready": True, "checks": {"database": "ok", "schema": "ok"}}


async def test_it_is_not_ready_when_a_check_fails_hangs_or_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_S", 0.05)
    checks = {"schema": always("older than this code"), "database": never, "keys": always(OSError("/secret/path"))}
    async with serving(made(checks=checks).routes()) as edge:
        answer = await far(edge, "/health/ready")
        status = await far(edge, "/status")
    detail = assert_problem(answer, 503, "not-ready")["detail"]
    assert detail == "schema: older than this code; database: does not answer; keys: does not answer."
    assert int(answer.headers["retry-after"]) > 0
    assert status.json()["ready"] is False


async def test_a_warning_is_said_and_requests_are_still_welcome() -> None:
    warnings = {"clock": always("5 s off"), "disk": always(None)}
    async with serving(made(warnings=warnings).routes()) as edge:
        ready = await far(edge, "/health/ready")
        status = await far(edge, "/status")
    assert ready.status == 200
    assert ready.json()["checks"] == {"database": "ok", "schema": "ok", "clock": "5 s off", "disk": "ok"}
    assert (status.json()["ready"], status.json()["warnings"]) == (True, {"clock": "5 s off"})


async def test_it_is_not_ready_while_it_drains() -> None:
    draining = [False]
    async with serving(made(draining=lambda: draining[0]).routes()) as edge:
        assert (await far(edge, "/health/ready")).status == 200
        draining[0] = True
        assert "draining" in assert_problem(await far(edge, "/health/ready"), 503, "not-ready")["detail"]


async def test_strangers_see_the_public_facts_and_the_operator_sees_all() -> None:
    async with serving(made().routes(), Settings(metrics_token="m-token")) as edge:
        stranger = (await far(edge, "/status")).json()
        local = (await edge.get("/status")).json()
        by_token = await edge.request("GET", "/status", headers={**FAR, "Authorization": "Bearer m-token"})
    shown = {"service": "SecondWind", "version": "1.0", "ready": True, "unknown": [], "warnings": {}}
    assert stranger == {**shown, "mode": "demo", "public": {"size": 7, "halted": None}, "page_built": True}
    assert local == by_token.json() == {**stranger, "inbox": {"new": 3, "dead": 0}, "books": {"size": 9}}


async def test_a_fact_that_cannot_be_found_out_is_named_and_the_rest_is_told() -> None:
    facts = {"mode": always("live"), "public": always(RuntimeError("password=hunter2"))}
    async with serving(made(facts=facts).routes()) as edge:
        answer = await far(edge, "/status")
    assert answer.json()["unknown"] == ["public"]
    assert answer.json()["mode"] == "live"
    assert b"hunter2" not in answer.body


async def test_many_who_ask_at_once_are_answered_from_one_look() -> None:
    looks = []
    now = [0.0]

    async def look() -> int:
        looks.append(1)
        return len(looks)

    async with serving(made(facts={"looks": look}, monotonic_s=lambda: now[0]).routes()) as edge:
        answers = await asyncio.gather(*(far(edge, "/status") for _ in range(20)))
        assert {answer.json()["looks"] for answer in answers} == {1}
        now[0] += health.ANSWER_AGE_S_MAX + 0.01
        assert (await far(edge, "/status")).json()["looks"] == 2


async def test_facts_whose_names_differ_in_a_dot_only_do_not_break_the_metrics() -> None:
    async with serving(made(facts={"inbox_types": always({"a.b": 1, "a_b": 2})}).routes()) as edge:
        answer = await edge.get("/metrics")
    assert b"secondwind_inbox_types_a_b 2.0" in answer.body


async def test_metrics_are_for_the_operator_and_hold_every_number_of_the_status() -> None:
    registry = CollectorRegistry()
    Counter("secondwind_gifts", "Gifts.", registry=registry).inc(4)
    async with serving(made(registry=registry).routes(), registry=registry) as edge:
        assert_problem(await far(edge, "/metrics"), 403, "operator-only")
        answer = await edge.get("/metrics")
    lines = answer.body.decode().splitlines()
    assert answer.content_type.startswith("text/plain")
    for line in (
        "secondwind_gifts_total 4.0",
        "secondwind_public_size 7.0",
        "secondwind_inbox_new 3.0",
        "secondwind_page_built 1.0",
    ):
        assert line in lines
    assert 'secondwind_http_requests_total{method="GET",route="/metrics",status="403"} 1.0' in lines


def test_a_fact_cannot_be_public_and_the_operators_at_once() -> None:
    with pytest.raises(ValueError, match="inbox"):
        made(facts={"inbox": always(1)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("insert into schema_migrations (name) values ('9999_pre_later')", "newer than this version"),
        ("delete from schema_migrations where name like '0004%'", "older than this version"),
    ],
)
async def test_a_schema_of_another_version_makes_it_not_ready(postgres_server: Server, change: str, said: str) -> None:
    async with postgres_server.fresh() as name:
        database = await Database.open(postgres_server.service_url(name), SIZES)
        checks = {"database": health.database_check(database.reader), "schema": health.schema_check(database.writer)}
        clock = [0.0]
        async with serving(made(checks=checks, monotonic_s=lambda: clock[0]).routes()) as edge:
            assert (await far(edge, "/health/ready")).json()["checks"] == {"database": "ok", "schema": "ok"}
            admin = await asyncpg.connect(postgres_server.admin_url(name))
            await admin.execute(change)
            await admin.close()
            clock[0] += 2
            answer = await far(edge, "/health/ready")
        await database.close()
    detail = assert_problem(answer, 503, "not-ready")["detail"]
    assert detail.startswith("schema: The database's schema is")
    assert said in detail
