"""Requests are counted by route, in a registry of our own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from tests.server.http.serving import route, serving


async def test_metrics_count_by_route_and_cannot_be_flooded_with_labels() -> None:
    registry = CollectorRegistry()
    async with serving([route("/things/{id}")], registry=registry) as edge:
        for path in ("/things/1", "/things/2", "/nowhere/1", "/nowhere/2"):
            await edge.get(path)
        await edge.raw(b"PURGE /things/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    counted = {
        tuple(sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "secondwind_http_requests_total"
    }
    assert counted == {
        ("GET", "/things/{id}", "200"): 2.0,
        ("GET", "-", "404"): 2.0,
        ("other", "-", "405"): 1.0,
    }
    assert registry.get_sample_value("secondwind_http_requests_open") == 0
