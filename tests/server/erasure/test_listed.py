"""The erasure list: durable before a key goes, in every place of the safe, and nobody's name in it (D2)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from server.erasure.listed import Erasure, ErasureList
from server.errors import StartRefused

ADA = Erasure("identity-abc", "identity", 7, "dana", "2026-10-06")


def test_what_is_written_is_found_by_another_process(tmp_path: Path) -> None:
    ErasureList([tmp_path]).write(ADA)
    assert ErasureList([tmp_path]).find("identity-abc") == ADA
    assert ErasureList([tmp_path]).find("identity-xyz") is None
    assert ErasureList([tmp_path]).all() == [ADA]


def test_each_place_has_it_and_the_one_that_knows_more_counts(tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        place.mkdir()
    ErasureList(places).write(ADA)
    done = replace(ADA, completed=9, entries=2, root="cm9vdA==")
    ErasureList(places[1:]).write(done)
    assert ErasureList(places).all() == [done]
    assert ErasureList(places[:1]).all() == [ADA]


@pytest.mark.parametrize("name", ["identity-*", "*", "identity-ab[c]", "../erased/identity-abc"])
def test_a_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    ErasureList([tmp_path]).write(ADA)
    assert ErasureList([tmp_path]).find(name) is None


async def test_one_erasure_at_a_time(tmp_path: Path) -> None:
    one, other = ErasureList([tmp_path]), ErasureList([tmp_path])
    async with one.alone():
        with pytest.raises(StartRefused, match="under way"):
            async with other.alone(timeout_s=0.1):
                pass
    async with other.alone():
        assert other.all() == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format":"other"}', b'{"format":"secondwind-erasure-v1"}'])
def test_a_spoiled_list_opens_nothing(tmp_path: Path, data: bytes) -> None:
    ErasureList([tmp_path]).write(ADA)
    (tmp_path / "erased" / "identity-abc.json").write_bytes(data)
    with pytest.raises(StartRefused, match="not part of an erasure list"):
        ErasureList([tmp_path]).all()
