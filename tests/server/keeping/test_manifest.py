"""A backup's list of itself: written last, read against every byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import StartRefused
from server.keeping.manifest import NAME, Manifest, copy_tree, digest_of


def made(directory: Path) -> Manifest:
    (directory / "data").mkdir()
    (directory / "data" / "a").write_bytes(b"a" * 3_000_000)
    (directory / "b").write_bytes(b"")
    files = {name: digest_of(directory / name) for name in ("data/a", "b")}
    manifest = Manifest("2026-01-01T00:00:00+00:00", ("0001_a",), {"books": {"size": 3}}, files)
    manifest.write(directory)
    return manifest


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert made(tmp_path) == Manifest.read(tmp_path)
    assert not (tmp_path / f"{NAME}.new").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not the list of a backup"),
        ("[]", "not the list"),
        ('{"format":"other"}', "not the list"),
        ("{", "not the list"),
    ],
)
def test_a_list_that_is_none_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(StartRefused, match=says):
        Manifest.read(tmp_path)


def test_another_format_is_said(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / NAME).write_text((tmp_path / NAME).read_text().replace("backup-v1", "backup-v9"))
    with pytest.raises(StartRefused, match="another format"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("spoil", [lambda p: p.write_bytes(b"b"), lambda p: p.unlink()])
def test_a_file_that_changed_or_is_lost_is_named(spoil: object, tmp_path: Path) -> None:
    made(tmp_path)
    spoil(tmp_path / "b")  # type: ignore[operator]  # a parameter of the test
    with pytest.raises(StartRefused, match=r"lacks b\.|^b of the backup"):
        Manifest.read(tmp_path)


def test_a_copy_is_for_its_owner_only_and_leaves_out_what_was_not_asked_for(tmp_path: Path) -> None:
    source = tmp_path / "from"
    (source / "deep").mkdir(parents=True)
    for name in ("a.key", "b.password", "deep/c.key"):
        (source / name).write_text(name)
    copied = copy_tree(source, tmp_path / "to", "*.key")
    assert sorted(path.relative_to(tmp_path / "to").as_posix() for path in copied) == ["a.key", "deep/c.key"]
    assert {oct(path.stat().st_mode & 0o777) for path in copied} == {"0o600"}
    assert copy_tree(tmp_path / "nothing", tmp_path / "to") == []
