"""Counting requests for Prometheus. Labels name routes, never paths, so their number is that of the table."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DURATION_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS_COUNTED = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HTTPMetrics:
    """The edge's own figures, in the registry that it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "secondwind_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._duration_s = Histogram(
            "secondwind_http_request_duration_seconds",
            "From the end of the headers to the end of the answer.",
            ("route",),
            buckets=DURATION_BUCKETS_S,
            registry=registry,
        )
        self._open = Gauge("secondwind_http_requests_open", "Requests being answered now.", registry=registry)

    def begin(self) -> None:
        """A request came in."""
        self._open.inc()

    def end(self, method: str, route: str, status: int, duration_s: float) -> None:
        """That request was answered; a method nobody defined is `other`, or clients could invent labels."""
        self._open.dec()
        self._answered.labels(method if method in METHODS_COUNTED else "other", route, str(status)).inc()
        self._duration_s.labels(route).observe(duration_s)
