"""`secondwind erase` beside a running service and after it: one answer, however often it is asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.cli_parts import opened
from server.settings import Settings
from tests.server.command_line import refused, run
from tests.support.service import Service, service, wait_until

ASKED = ("--actor", "dana", "--reason", "asked by letter")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that people give to."""
    with service(tmp_path_factory.mktemp("erase") / "data", "--demo", "--rate", "20") as running:
        running.start()
        wait_until(lambda: (running.json("/status")["checkpoint"] or {"size": 0})["size"] > 60, "gifts")
        yield running


def first_gift(data_dir: Path) -> int:
    """Position of a gift in `books`."""

    async def find() -> int:
        async with opened(Settings(data_dir=data_dir)) as parts:
            query = "select min(position) from giving_gifts where fee_position is not null"
            return int(await parts.database.writer.fetchval(query))

    return asyncio.run(find())


def test_a_giver_is_erased_beside_the_running_service_with_one_answer(demo: Service) -> None:
    data = ("--data-dir", str(demo.data_dir))
    position = str(first_gift(demo.data_dir))
    done = run("erase", "--position", position, *ASKED, *data)
    assert done.returncode == 0, done.stderr
    found = re.search(r"(identity-[a-z2-7]+) is destroyed: (\d+) entries are erased", done.stdout)
    assert found is not None
    assert int(found[2]) >= 3  # the gift, its fee, and what is published of it
    assert "dead on 20" in done.stdout
    for again in (("--position", position), (found[1],)):
        assert run("erase", *again, *ASKED, *data).stdout == done.stdout
    assert run("fsck", *data).returncode == 0
    code, report = demo.verify()
    assert code in {0, 2}, report


def test_what_the_law_holds_waits_for_a_second_person(demo: Service) -> None:
    """A8, D9."""
    data = ("--data-dir", str(demo.data_dir))
    position = str(first_gift(demo.data_dir))
    run("erase", "--position", position, *ASKED, *data)
    asked = run("erase", "--position", position, "--group", "audit", *ASKED, *data)
    assert "nothing is erased yet" in asked.stdout, asked.stderr
    request = re.search(r"approve (\d+)", asked.stdout)
    assert request is not None
    refused(run("erase", "approve", request[1], "--actor", "dana", *data), "second person")
    refused(run("erase", "approve", request[1], "--actor", "eve", *data), "less than 72 hours ago")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Nobody is named"),
        (("cus_1", "--email", "ada@example.org"), "Nobody is named"),
        (("cus_1", "7"), "Nobody is named"),
        (("approve",), "Which erasure"),
        (("approve", "0"), "asks for no erasure"),
        (("identity-nobody",), "There is no key identity-nobody"),
        (("--position", "0"), "no private parts"),
        (("--position", "99999999"), "no private parts"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_erased(
    demo: Service, arguments: tuple[str, ...], says: str
) -> None:
    refused(run("erase", *arguments, *ASKED, "--data-dir", str(demo.data_dir)), says)


def test_an_erasure_has_a_reason_and_somebody_unknown_is_no_fault(demo: Service) -> None:
    data = ("--data-dir", str(demo.data_dir))
    refused(run("erase", "cus_1", "--actor", "dana", *data), "has a reason")
    unknown = run("erase", "--email", "nobody@example.org", *ASKED, *data)
    assert (unknown.returncode, "Nothing is kept" in unknown.stdout) == (0, True)
