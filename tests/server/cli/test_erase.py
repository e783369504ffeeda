"""`secondwind erase` beside a running service and after it: one answer, however often it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.cli.erase import erase
from server.cli.parser import build
from server.cli.parts import opened
from server.errors import StartRefused
from server.settings import Settings
from tests.server.cli.command_line import run
from tests.support.service import Service, service, wait_until

ASKED = ("--actor", "dana", "--reason", "asked by letter")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that people give to."""
    with service(tmp_path_factory.mktemp("erase") / "data", "--demo", "--rate", "20") as running:
        running.start()
        wait_until(lambda: (running.json("/status")["checkpoint"] or {"size": 0})["size"] > 60, "gifts")
        yield running


async def first_gift(data_dir: Path) -> int:
    """Position of a gift in `books` whose fee is known and which is published."""
    async with opened(Settings(data_dir=data_dir)) as parts:
        query = (
            "select min(position) from giving_gifts where fee_minor > 0 and visibility = 'live' and state = 'received'"
        )
        return int(await parts.database.writer.fetchval(query))


async def asked(running: Service, *arguments: str) -> int:
    """The subcommand in this process."""
    return await erase(build().parse_args(["erase", *arguments, "--data-dir", str(running.data_dir)]))


async def test_a_giver_is_erased_beside_the_running_service_with_one_answer(
    demo: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    position = str(await first_gift(demo.data_dir))
    done = run("erase", "--position", position, *ASKED, "--data-dir", str(demo.data_dir))
    assert done.returncode == 0, done.stderr
    found = re.search(r"(identity-[a-z2-7]+) is destroyed: (\d+) entries are erased", done.stdout)
    assert found is not None
    assert int(found[2]) >= 3  # the gift, its fee, and what is published of it
    assert "dead on 20" in done.stdout
    for again in (("--position", position), (found[1],)):
        assert await asked(demo, *again, *ASKED) == 0
        assert capsys.readouterr().out == done.stdout
    code, report = demo.verify()
    assert (code, report["verdict"]) == (2, "could-not-tell"), report


async def test_what_the_law_holds_waits_for_a_second_person(demo: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """A8, D9."""
    position = str(await first_gift(demo.data_dir))
    await asked(demo, "--position", position, *ASKED)
    await asked(demo, "--position", position, "--group", "audit", *ASKED)
    said = capsys.readouterr().out
    assert "nothing is erased yet" in said
    request = re.search(r"approve (\d+)", said)
    assert request is not None
    with pytest.raises(StartRefused, match="second person"):
        await asked(demo, "approve", request[1], "--actor", "dana")
    with pytest.raises(StartRefused, match="less than 72 hours ago"):
        await asked(demo, "approve", request[1], "--actor", "eve")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Nobody is named"),
        (("cus_1", "--email", "ada@example.org"), "Nobody is named"),
        (("cus_1", "7"), "Nobody is named"),
        (("approve",), "Which erasure"),
        (("approve", "0"), "asks for no erasure"),
        ((f"identity-{'a' * 24}",), "There is no key identity-a"),
        (("--position", "0"), "no private parts"),
        (("--position", "99999999"), "no private parts"),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_nothing_is_erased(
    demo: Service, arguments: tuple[str, ...], says: str
) -> None:
    with pytest.raises(StartRefused, match=says):
        await asked(demo, *arguments, *ASKED)


async def test_an_erasure_has_a_reason(demo: Service) -> None:
    with pytest.raises(StartRefused, match="has a reason"):
        await asked(demo, "cus_1", "--actor", "dana")


async def test_somebody_unknown_is_no_fault(demo: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asked(demo, "--email", "nobody@example.org", *ASKED) == 0
    assert "Nothing is kept" in capsys.readouterr().out
