"""Places for files."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.s3 import S3, running_s3


@pytest.fixture
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[S3]:
    async with running_s3() as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        yield s3
