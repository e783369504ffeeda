"""Subcommands on the database: beside the running service, and with a database started for them alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from server.embedded.leftovers import postmaster_pid
from server.instance import Instance
from server.payments.signature import sign
from tests.server.cli.command_line import refused, run
from tests.support.service import Service, service, wait_until

pytestmark = pytest.mark.timeout(120)
SECRET = "whsec_cli"


def send(running: Service, event_id: str, event_type: str) -> None:
    """One signed notice to the real webhook."""
    thing = {"id": "dp_1", "object": "dispute", "amount": 1000, "currency": "usd", "charge": "ch_1"}
    event = {"id": event_id, "object": "event", "type": event_type, "livemode": False, "data": {"object": thing}}
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": sign(body, SECRET, int(time.time())), "Content-Type": "application/json"}
    request = Request(f"{running.address}/api/v1/webhooks/stripe", body, headers)  # noqa: S310 - our own service
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - our own service
        assert answer.status == 200


def test_the_inbox_is_looked_after_beside_the_service_and_without_it(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "data"))
    with service(tmp_path / "data", STRIPE_WEBHOOK_SECRETS=SECRET) as running:
        running.start()
        send(running, "evt_1", "charge.dispute.created")
        send(running, "evt_2", "customer.updated")
        wait_until(lambda: "new" not in running.json("/status")["inbox"], "both worked")
        counted = run("inbox", "list", *data).stdout
        assert counted.endswith("2 rows\n")
        assert "unhandled" in counted
        assert run("inbox", "list", "--type", "customer.updated", *data).stdout.endswith("1 rows\n")
        rows = run("inbox", "list", "--state", "unhandled", *data).stdout.splitlines()
        assert len(rows) == 1
        number = rows[0].split()[0]
        shown = run("inbox", "show", number, *data).stdout
        assert "charge.dispute.created" in shown
        assert "unhandled" in shown
        refused(run("inbox", "show", "999", *data), "no row 999", "inbox list")
        assert run("inbox", "retry", "--type", "customer.updated", *data).stdout == "0 rows will be worked again.\n"
        assert run("inbox", "retry", "--type", "charge.dispute.created", *data).stdout == (
            "1 rows will be worked again.\n"
        )
        running.stop()
        assert run("inbox", "list", *data).stdout.endswith("2 rows\n")
        assert run("migrate", *data).stdout == "The schema is up to date.\n"
        assert postmaster_pid(tmp_path / "data" / "postgres" / "cluster") is None


def test_a_new_data_directory_is_migrated_once(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "data"))
    assert run("migrate", *data).stdout.startswith("applied 0001_")
    assert run("migrate", *data).stdout == "The schema is up to date.\n"
    refused(run("token", "--sub", "ada", *data), "Start the service once")


def test_while_somebody_starts_a_subcommand_asks_for_patience(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "data")
    instance.prepare()
    instance.acquire()
    refused(run("inbox", "list", "--data-dir", str(tmp_path / "data")), "starting or stopping", "Try again")
    instance.release()


@pytest.mark.parametrize("command", [["migrate"], ["inbox", "list"]])
def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path, command: list[str]) -> None:
    url = "postgres://a:swordfish@127.0.0.1:1/x"
    done = run(*command, "--data-dir", str(tmp_path), "--database-url", url)
    refused(done, "cannot be reached")
    assert "swordfish" not in done.stderr
