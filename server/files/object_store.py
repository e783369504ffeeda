"""An S3-compatible bucket as a place for files. Credentials and endpoint come from the usual AWS_ variables.

Conditions are the store's own: `If-None-Match: *` creates, `If-Match` exchanges. A store that does not know them has to
refuse; then nothing is published, because without compare-and-swap a restored signer could fork the log (attacks E6).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from server.files.store import REASON_LEN_MAX, Held, StoreAway

if TYPE_CHECKING:
    from obstore import PutMode

REQUEST_TIMEOUT_S = 10
RETRIES_MAX = 2
RETRY_TIMEOUT_S = 20
PARALLEL_MAX = 8


class ObjectStore:
    """The files below one address such as `s3://bucket/prefix`."""

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or ""
        self._store = S3Store.from_url(
            url,
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": f"{REQUEST_TIMEOUT_S}s"},
            retry_config={"max_retries": RETRIES_MAX, "retry_timeout": timedelta(seconds=RETRY_TIMEOUT_S)},
        )
        self._slots = asyncio.Semaphore(PARALLEL_MAX)

    async def read(self, name: str) -> Held | None:
        """See FileStore."""
        try:
            found = await obstore.get_async(self._store, name)
            data = bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _away(error) from error
        return Held(data, str(found.meta["e_tag"]))

    async def create(self, files: Mapping[str, bytes]) -> list[str]:
        """See FileStore."""
        made = await asyncio.gather(*(self._put(name, data, "create") for name, data in files.items()))
        return [name for name, version in zip(files, made, strict=True) if version is None]

    async def write(self, name: str, data: bytes) -> None:
        """See FileStore."""
        await self._put(name, data, "overwrite")

    async def exchange(self, name: str, data: bytes, version: str | None) -> str | None:
        """See FileStore."""
        return await self._put(name, data, "create" if version is None else {"e_tag": version})

    async def remove(self, names: list[str]) -> None:
        """See FileStore. A name that ends in `/` stands for everything below it."""
        try:
            for name in names:
                async for page in obstore.list(self._store, prefix=name):
                    await obstore.delete_async(self._store, [one["path"] for one in page])
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def _put(self, name: str, data: bytes, mode: PutMode) -> str | None:
        async with self._slots:
            try:
                put = await obstore.put_async(self._store, name, data, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                return None
            except (BaseError, OSError) as error:
                raise _away(error) from error
        return str(put["e_tag"])


def _away(error: Exception) -> StoreAway:
    """The kind of error, and no more of it: what the store says may hold addresses and names of keys."""
    return StoreAway(f"the published files: the object store answers with {type(error).__name__}"[:REASON_LEN_MAX])
