"""Whatever bytes stand where verify.py reads, it answers; it never gives up with an error of its own (attacks A15)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clients.verifier.archive import Maker
from tests.clients.verifier.published import KEY, Published, good_entries, judge
from tests.clients.verifier.test_verify_evidence import ENTRIES as FORKED
from tests.clients.verifier.test_verify_export import KEY as EXPORT_KEY
from tests.clients.verifier.test_verify_export import later
from tests.clients.verifier.test_verify_hostile import opening_of, receipt
from tests.support.hostile import hostile

ENTRIES = good_entries(20)
FUZZ = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def answered(*arguments: str) -> None:
    """It is a verdict, and none that an unforeseen error made."""
    code, report = judge(*arguments)
    assert code in (0, 1, 2)
    assert "could not go on" not in report.get("sentence", "")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Published:
    made = Published(tmp_path_factory.mktemp("fuzz") / "log")
    made.write(ENTRIES)
    return made


CHECKPOINT = KEY.sign(f"{KEY.name}\n3\n{'A' * 43}=\n").encode()
PARTS = {
    "checkpoint": CHECKPOINT,
    "checkpoint.witnessed": CHECKPOINT,
    f"tile/entries/000.p/{len(ENTRIES)}": b"".join(len(one).to_bytes(2, "big") + one for one in ENTRIES),
    f"tile/0/000.p/{len(ENTRIES)}": bytes(32 * len(ENTRIES)),
}
WITNESS = "witness.example.org/w1+f3c080b6+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"


@pytest.mark.parametrize("part", PARTS)
def test_a_log_may_hold_any_bytes(part: str, log: Published) -> None:
    kept = (log.directory / part).read_bytes() if (log.directory / part).exists() else None

    @FUZZ
    @given(hostile([PARTS[part]]))
    def spoil(data: bytes) -> None:
        log.file(part, data)
        for how in ([], ["--fast"], ["--sample", "2"]):
            answered(str(log.directory), "--key", KEY.vkey, "--witness", WITNESS, *how)

    try:
        spoil()
    finally:
        (log.directory / part).unlink()
        if kept is not None:
            log.file(part, kept)


def files() -> dict[str, bytes]:
    """What a reader may be handed by somebody else."""
    _, opening = opening_of(len(good_entries(300)) - 1)
    line = {"position": 3, "nonce": "A" * 43 + "=", "notes": [CHECKPOINT.decode(), ""]}
    return {
        "--trusted": CHECKPOINT,
        "--seen": receipt(40).encode(),
        "--opening": json.dumps(opening).encode(),
        "--anchors": json.dumps(line).encode() + b"\n",
    }


@pytest.mark.parametrize("option", ["--trusted", "--seen", "--opening", "--anchors"])
def test_a_file_that_somebody_hands_over_may_hold_any_bytes(option: str, log: Published, tmp_path: Path) -> None:
    given_file = tmp_path / "file"
    more = ["--books", str(log.directory)] if option == "--anchors" else []

    @FUZZ
    @given(hostile([files()[option]]))
    def spoil(data: bytes) -> None:
        given_file.write_bytes(data)
        answered(str(log.directory), "--key", KEY.vkey, option, str(given_file), *more)

    spoil()


def test_evidence_may_hold_any_bytes(tmp_path: Path) -> None:
    early, other, path = Published(tmp_path / "early"), Published(tmp_path / "other"), tmp_path / "evidence"
    early.write(FORKED[:30])
    other.write(FORKED[:20])
    heads = [(made.directory / "checkpoint").read_text() for made in (early, other)]
    text = "Two checkpoints signed for one log, for histories that contradict each other.\n\n"
    text += f"  {'A' * 43}=\n  {'B' * 42}A=\n\n--- seen before ---\n{heads[0]}\n--- served now ---\n{heads[1]}"

    @FUZZ
    @given(hostile([text.encode()]))
    def spoil(data: bytes) -> None:
        path.write_bytes(data)
        answered("--evidence", str(path), "--key", KEY.vkey)

    spoil()


def spoiled_member(maker: Maker, out: Path, name: str, data: bytes) -> None:
    """The export key is the attacker's, who signs what he likes."""
    maker.write(out, files=lambda members: members.update({name: data}))


MEMBERS = later().files()


@settings(FUZZ, max_examples=60)
@given(st.data())
def test_a_member_of_an_export_may_hold_any_bytes(tmp_path: Path, draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from([name for name in MEMBERS if not name.startswith("derived/")]))
    out = tmp_path / "export.tar"
    spoiled_member(later(), out, name, draw.draw(hostile([MEMBERS[name]])))
    answered(str(out), "--key", EXPORT_KEY)


@FUZZ
@given(st.data())
def test_an_archive_may_hold_any_bytes(tmp_path: Path, draw: st.DataObject) -> None:
    out = later().write(tmp_path / "export.tar")
    out.write_bytes(draw.draw(hostile([out.read_bytes()[:4096]])))
    answered(str(out), "--key", EXPORT_KEY)
