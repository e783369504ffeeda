"""`secondwind policy`: a change is stricter or refused, written down, and holds from the next month."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.cli.policy import changed
from server.errors import StartRefused
from server.publishing.policy import FeeFormula, Policy
from tests.server.cli.command_line import refused, run
from tests.support.service import service, wait_until

POLICY = Policy({"USD/2": FeeFormula(290, 30)})


def test_what_is_not_named_stays_as_it_is() -> None:
    found = changed(POLICY, ["people_min=20"], ["EUR/2:150:25"])
    assert found == Policy({"USD/2": FeeFormula(290, 30), "EUR/2": FeeFormula(150, 25)}, people_min=20)
    assert changed(POLICY, [], []) == POLICY


@pytest.mark.parametrize("text", ["people_min=4", "fee_step_minor=999", "float_step_minor=1"])
def test_no_number_goes_below_its_floor(text: str) -> None:
    """Attacks A7, B9."""
    with pytest.raises(StartRefused, match="floor"):
        changed(POLICY, [text], [])


@pytest.mark.parametrize(
    ("numbers", "fees", "named"),
    [
        (["people=11"], [], "people=11"),
        (["people_min=-1"], [], "people_min=-1"),
        (["people_min"], [], "people_min"),
        ([], ["USD/2:290"], "USD/2:290"),
        ([], ["USD/2:2.9:30"], "USD/2:2.9:30"),
        ([], [":1:2"], ":1:2"),
    ],
)
def test_what_cannot_be_read_is_named(numbers: list[str], fees: list[str], named: str) -> None:
    with pytest.raises(StartRefused) as error:
        changed(POLICY, numbers, fees)
    assert named in str(error.value)


def test_where_no_log_was_born_there_is_no_policy(tmp_path: Path) -> None:
    refused(run("policy", "show", "--data-dir", str(tmp_path / "none")), "no log here yet")


def test_a_policy_is_changed_beside_a_running_service_from_the_next_month_on(tmp_path: Path) -> None:
    with service(tmp_path / "data", "--demo") as running:
        running.start()
        wait_until(lambda: bool(running.json("/status")["size"]), "a log")
        directory = ("--data-dir", str(tmp_path / "data"))
        done = run("policy", "change", *directory, "--actor", "ada", "--reason", "board", "--set", "people_min=15")
        assert done.returncode == 0, done.stderr
        refused(run("policy", "change", *directory, "--actor", "ada", "--set", "people_min=15"), "the policy already")
        refused(run("policy", "change", *directory, "--actor", "ada", "--set", "people_min=4"), "floor is 5")
        shown = run("policy", "show", *directory).stdout.splitlines()
        assert [("people_min=11" in line, "people_min=15" in line) for line in shown] == [(True, False), (False, True)]
        assert shown[1].split()[1].rstrip(":") in done.stdout
        assert shown[1].split()[1] > shown[0].split()[1]
