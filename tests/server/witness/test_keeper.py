"""What a witness keeps: on disk before it answers, one request at a time, never begun anew."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import cosignature
from ledger.note import SigningKey, VerifyKey
from ledger.witness import WitnessRefusal
from server.errors import StartRefused
from server.vault import FileKeyStore
from server.witness import keeper as keeper_module
from server.witness.keeper import Keeper, WitnessUnable, open_keeper
from tests.support.witnesses import FORKED, request, signed
from tests.vectors.trees import KEY

NAME = "witness.example.org/w1"
LOGS = {KEY.name: [KEY.verify_key]}
ORIGIN_HASH = sha256(KEY.name.encode()).hexdigest()


class Clock:
    now_s = 1_000

    def __call__(self) -> int:
        return self.now_s


def opened(directory: Path, clock: Clock | None = None) -> Keeper:
    return open_keeper(FileKeyStore(directory / "keys"), NAME, LOGS, directory / "witnessed", clock or Clock())


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    one = opened(tmp_path)
    one.acquire()
    yield one
    one.release()


async def refused(keeper: Keeper, body: bytes) -> WitnessRefusal:
    with pytest.raises(WitnessRefusal) as caught:
        await keeper.add_checkpoint(body)
    return caught.value


async def test_what_was_cosigned_is_kept_as_it_is_served(keeper: Keeper) -> None:
    assert await keeper.newest(ORIGIN_HASH) is None
    line = await keeper.add_checkpoint(request(0, 3))
    assert await keeper.newest(ORIGIN_HASH) == signed(3) + line
    assert [(c.key.vkey, c.time_s) for c in cosignature.read(signed(3) + line, [_key(keeper)])] == [
        (keeper.vkey, 1_000)
    ]
    assert await keeper.newest("0" * 64) is None


async def test_a_name_that_a_killed_witness_did_not_sync_is_synced_before_anybody_hears_of_it(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A3, E6: killed between rename and sync, then the power fails: what was shown meanwhile would be forgotten."""
    line = await keeper.add_checkpoint(request(0, 3))
    synced: list[Path] = []
    monkeypatch.setattr(keeper_module.signer_state, "sync", synced.append)
    assert await opened(tmp_path).newest(ORIGIN_HASH) == signed(3) + line
    assert synced == [tmp_path / "witnessed"]
    assert await opened(tmp_path).add_checkpoint(request(3, 3)) == line
    assert synced == [tmp_path / "witnessed"] * 2


async def test_what_is_being_written_is_shown_once_it_is_kept(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A3: a renamed file is read by everybody at once, and survives a power cut only when its name is synced."""
    first = await keeper.add_checkpoint(request(0, 3))
    renamed, kept = threading.Event(), threading.Event()

    def slow(_directory: Path) -> None:
        renamed.set()
        assert kept.wait(10)

    monkeypatch.setattr(keeper_module.signer_state, "sync", slow)
    work = asyncio.create_task(keeper.add_checkpoint(request(3, 5)))
    assert await asyncio.to_thread(renamed.wait, 10)
    assert await keeper.newest(ORIGIN_HASH) == signed(3) + first
    kept.set()
    second = await work
    assert await keeper.newest(ORIGIN_HASH) == signed(5) + second


async def test_a_crash_between_writing_and_answering_costs_one_more_question(keeper: Keeper, tmp_path: Path) -> None:
    """A3: the answer is lost, the witness starts again; what it wrote counts, and the log learns it by the 409."""
    await keeper.add_checkpoint(request(0, 3))
    again = opened(tmp_path)
    error = await refused(again, request(0, 5))
    assert (error.status, error.known_size) == (409, 3)
    assert await again.add_checkpoint(request(3, 5))
    assert (await refused(again, request(3, 3))).known_size == 5


async def test_nothing_is_answered_before_it_is_on_disk(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeper_module, "replace_durably", full)
    with pytest.raises(WitnessUnable, match="OSError"):
        await keeper.add_checkpoint(request(0, 3))
    monkeypatch.undo()
    assert await keeper.add_checkpoint(request(0, 3, FORKED))  # nothing was kept of the first, and nobody has it


async def test_of_two_histories_at_once_one_is_cosigned(keeper: Keeper) -> None:
    """A3: a log that asks for both of its histories in the same moment gets one."""
    bodies = [request(0, 5), request(0, 5, FORKED)] * 8
    answers = await asyncio.gather(*(keeper.add_checkpoint(body) for body in bodies), return_exceptions=True)
    lines = [answer for answer in answers if isinstance(answer, str)]
    assert len(lines) == 1
    assert {answer.known_size for answer in answers if isinstance(answer, WitnessRefusal)} == {5}


async def test_the_next_request_waits_for_one_whose_asker_has_gone(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A3: a cancelled request goes on writing; a fork that came in meanwhile would be cosigned beside it."""
    writing, may_write = threading.Event(), threading.Event()
    write = keeper_module.replace_durably

    def slowly(path: Path, data: bytes) -> None:
        writing.set()
        assert may_write.wait(10)
        write(path, data)

    monkeypatch.setattr(keeper_module, "replace_durably", slowly)
    first = asyncio.create_task(keeper.add_checkpoint(request(0, 5)))
    assert await asyncio.to_thread(writing.wait, 10)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(keeper.add_checkpoint(request(0, 5, FORKED)))
    await asyncio.sleep(0)
    may_write.set()
    with pytest.raises(WitnessRefusal) as caught:
        await second
    assert caught.value.known_size == 5


async def test_more_than_the_limit_are_asked_to_come_again(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "WAITING_MAX", 2)
    answers = await asyncio.gather(*(keeper.add_checkpoint(request(0, 5)) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(answer, WitnessUnable) for answer in answers) == 3


async def test_a_damaged_file_is_no_empty_one(keeper: Keeper, tmp_path: Path) -> None:
    """A3: whoever cuts a witness's file must not make it begin anew, with another history."""
    await keeper.add_checkpoint(request(0, 3))
    file = tmp_path / "witnessed" / ORIGIN_HASH
    whole = file.read_bytes()
    for damaged in (b"", whole[:-10], whole.replace(b"\n3\n", b"\n0\n"), b"\xff" * 50):
        file.write_bytes(damaged)
        for body in (request(0, 5), request(0, 5, FORKED), request(3, 5)):
            with pytest.raises(WitnessUnable):
                await keeper.add_checkpoint(body)
    file.write_bytes(whole)
    assert await keeper.add_checkpoint(request(3, 5))


async def test_the_same_checkpoint_is_cosigned_again_with_a_later_time(tmp_path: Path) -> None:
    clock = Clock()
    keeper = opened(tmp_path, clock)
    first = await keeper.add_checkpoint(request(0, 3))
    written = (tmp_path / "witnessed" / ORIGIN_HASH).stat().st_ino
    assert await keeper.add_checkpoint(request(3, 3)) == first
    assert (tmp_path / "witnessed" / ORIGIN_HASH).stat().st_ino == written  # repeated by a stranger: nothing is written
    clock.now_s = 1_060
    later = cosignature.answered(_text(3), await keeper.add_checkpoint(request(3, 3)), _key(keeper))
    assert later.time_s == 1_060


async def test_only_lines_of_the_log_s_own_keys_are_kept(keeper: Keeper) -> None:
    """A note may carry 100 signatures; ours under them would be one too many to be read again."""
    filled = request(0, 3) + "\u2014 somebody AAAAAAA=\n".encode() * 98 + KEY.line(_text(3)).encode()
    line = await keeper.add_checkpoint(filled)
    assert await keeper.newest(ORIGIN_HASH) == signed(3) + line


def test_one_process_works_in_a_directory(keeper: Keeper, tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="Another witness works"):
        opened(tmp_path).acquire()
    keeper.release()
    other = opened(tmp_path)
    other.acquire()
    other.release()


async def test_half_of_a_backup_is_no_witness(keeper: Keeper, tmp_path: Path) -> None:
    """A3: a witness that lost what it cosigned, or its key, does not start."""
    await keeper.add_checkpoint(request(0, 3))
    (tmp_path / "witnessed").rename(tmp_path / "elsewhere")
    with pytest.raises(StartRefused, match="is lost"):
        opened(tmp_path)
    (tmp_path / "elsewhere").rename(tmp_path / "witnessed")
    (tmp_path / "keys" / "witness.key").rename(tmp_path / "witness.key")
    with pytest.raises(StartRefused, match="key of the witness is lost"):
        opened(tmp_path)


def _key(keeper: Keeper) -> VerifyKey:
    return VerifyKey.parse(keeper.vkey)


def _text(size: int) -> str:
    return signed(size).partition("\n\n")[0] + "\n"


def test_a_log_s_other_key_signs_for_it_too(tmp_path: Path) -> None:
    """Key rotation: while two keys are in the policy, either's signature is enough."""
    other = SigningKey(KEY.name, bytes([7]) * 32)
    logs = {KEY.name: [KEY.verify_key, other.verify_key]}
    keeper = open_keeper(FileKeyStore(tmp_path / "keys"), NAME, logs, tmp_path / "witnessed", Clock())
    assert asyncio.run(keeper.add_checkpoint(request(0, 3)))
    body = request(3, 5).replace(KEY.line(_text(5)).encode(), other.line(_text(5)).encode())
    assert asyncio.run(keeper.add_checkpoint(body))
