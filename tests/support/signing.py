"""A signer of `public` in a process of its own: `python -m tests.support.signing URL STATE_FILE PUBLISH_DIRECTORY`.

It prints each size that it signed. Where it refuses it prints the sentence and ends with status 3.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ledger.batches import BatchKey
from ledger.signer import Signer, SignerRefuses
from ledger.signer_state import PublishDirectory, StateFile
from server.db import Database, PoolSizes
from tests.support.logs import BATCH_SEED, clock_us, key_of

REFUSED = 3
PAUSE_S = 0.005


async def main(url: str, state: Path, publish: Path) -> int:
    """Sign until it refuses or is killed."""
    database = await Database.open(url, PoolSizes(writer=1, signer=2, publisher=1, reader=1))
    signer = Signer(
        database.signer,
        "public",
        key_of("public"),
        batch_public_key=BatchKey(BATCH_SEED).public,
        state=StateFile(state),
        directory=PublishDirectory(publish),
        clock=clock_us,
        on_checkpoint=lambda signed, _note: print(signed.size, flush=True),  # noqa: T201 - what it says is tested
    )
    try:
        await signer.start()
        while True:
            if not await signer.step():
                await asyncio.sleep(PAUSE_S)
    except SignerRefuses as error:
        print(error.sentence, flush=True)  # noqa: T201 - what it says is what is tested
        return REFUSED


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
