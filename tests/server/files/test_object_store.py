"""A bucket that does not answer as it should."""

from __future__ import annotations

import pytest

from server.files.object_store import ObjectStore
from server.files.store import StoreAway
from tests.support.s3 import S3


async def test_a_bucket_that_is_away_says_so_and_names_no_secret(s3: S3) -> None:
    s3.fails = lambda _method, _key: 403
    store = ObjectStore("s3://charity/files")
    for attempt in (store.read("checkpoint"), store.write("checkpoint", b""), store.remove(["x"])):
        with pytest.raises(StoreAway, match="object store answers with") as caught:
            await attempt
        assert "charity" not in str(caught.value)
        assert caught.value.retry_after_s > 0


async def test_a_bucket_that_knows_no_conditions_publishes_nothing(s3: S3) -> None:
    """Attack E6: without compare-and-swap a restored signer could fork the log."""
    s3.fails = lambda method, _key: 501 if method == "PUT" else None
    with pytest.raises(StoreAway):
        await ObjectStore("s3://charity/files").exchange("checkpoint", b"", None)
