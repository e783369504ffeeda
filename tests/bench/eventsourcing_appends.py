"""How fast PyPI's `eventsourcing` appends single events to Postgres: `eventsourcing_appends.py COUNT THREADS < where`.

A process of its own, so that neither side waits for the other's interpreter. Prints events a second.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

STATE = b"x" * 600
"""About the bytes of an entry."""


def main() -> None:
    """Append COUNT events, each the first of an aggregate of its own, from THREADS threads."""
    count, threads = int(sys.argv[1]), int(sys.argv[2])
    where = json.load(sys.stdin)
    with PostgresDatastore(**where, port=5432, pool_size=threads) as datastore:
        recorder = PostgresApplicationRecorder(datastore, events_table_name="bench_events")
        recorder.create_table()

        def append(_n: int) -> None:
            recorder.insert_events([StoredEvent(uuid4(), 1, "gift", STATE)])

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(append, range(10 * threads)))  # warm
            began = time.perf_counter()
            list(pool.map(append, range(count)))
            sys.stdout.write(str(count / (time.perf_counter() - began)))


if __name__ == "__main__":
    main()
