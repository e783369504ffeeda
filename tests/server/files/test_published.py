"""Reading a log back from its files: every single flipped, cut or lost file is named, whichever it is."""

from __future__ import annotations

import pytest

from ledger.canonical import leaf_hash
from ledger.checkpoint import Checkpoint
from ledger.growth import Growth
from server.files.published import Damaged, Published, newest
from server.files.store import Held
from tests.support.logs import key_of

SIZE = 256 * 3 + 40
ENTRIES = [b"entry %d" % number for number in range(SIZE)]
KEY = key_of("public")


class Kept:
    """Files in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    async def read(self, name: str) -> Held | None:
        return Held(self.files[name], "") if name in self.files else None


def published() -> dict[str, bytes]:
    growth = Growth()
    for entry in ENTRIES:
        growth.append(entry)
    signed = Checkpoint(KEY.name, SIZE, growth.root())
    return {**growth.drain(), **growth.edge(), "checkpoint": KEY.sign(signed.text()).encode()}


async def read_all(files: dict[str, bytes]) -> list[bytes]:
    kept = Kept(files)
    head = await newest(kept, [KEY.verify_key])  # type: ignore[arg-type]  # it reads, which is all that is asked of it
    assert head is not None
    log = Published(kept, head)  # type: ignore[arg-type]  # the same
    await log.check_edge()
    return [entry for first in range(0, head.size, 256) for entry in (await log.bundle(first)).entries]


async def test_every_entry_comes_back() -> None:
    files = published()
    assert await read_all(files) == ENTRIES
    log = Published(Kept(files), Checkpoint(KEY.name, SIZE, bytes(32)))  # type: ignore[arg-type]  # it reads
    assert await log.leaf_hashes(256) == [leaf_hash(entry) for entry in ENTRIES[256:512]]
    assert await newest(Kept({}), [KEY.verify_key]) is None  # type: ignore[arg-type]  # it reads


@pytest.mark.parametrize("name", sorted(published()))
@pytest.mark.parametrize("harm", ["flip first", "flip last", "cut", "lose", "empty"])
async def test_each_harm_to_each_file_is_named(name: str, harm: str) -> None:
    """Attack E8, f.10."""
    files = published()
    data = bytearray(files[name])
    if harm == "lose":
        del files[name]
        if name == "checkpoint":
            assert await newest(Kept(files), [KEY.verify_key]) is None  # type: ignore[arg-type]  # it reads
            return
    else:
        if harm.startswith("flip"):
            data[-5 if harm.endswith("last") else 0] ^= 1
        files[name] = bytes(data) if harm.startswith("flip") else bytes(data[:-1]) if harm == "cut" else b""
    with pytest.raises(Damaged) as caught:
        await read_all(files)
    assert name in str(caught.value)


async def test_tiles_and_bundles_that_agree_on_another_history_are_found_out() -> None:
    """Both changed alike, so that only the tile above can tell."""
    files, other = published(), [*ENTRIES[:255], b"another"]
    growth = Growth()
    for entry in other:
        growth.append(entry)
    files |= {name: data for name, data in growth.drain().items() if not name.startswith("tile/1")}
    with pytest.raises(Damaged, match="tile/0/000 was changed: the tile above it holds another hash"):
        await read_all(files)
