"""From a payment to a promise to its proof, through a real service and a stranger's command line (attacks A1, A2)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from server.payments.signature import sign
from server.simulators.stripe.shapes import Ids
from tests.server.cli.command_line import refused, run
from tests.server.payments import builders
from tests.support.service import Service, service, wait_until

pytestmark = pytest.mark.timeout(120)
NONCE = "kW3zT8nUqYb5fR1xPc7MdA"


def ids(number: int) -> Ids:
    return Ids(f"pi_{number}", f"ch_{number}", f"txn_{number}", f"pm_{number}", "cus_1")


def give(running: Service, number: int, **metadata: str) -> None:
    """One gift, told by the provider."""
    told = builders.charge(ids(number), metadata={"fund": "rent", "visibility": "live", **metadata})
    body = builders.event("charge.succeeded", told, f"evt_{number}")
    post(running, "/api/v1/webhooks/stripe", body, {"Stripe-Signature": sign(body, builders.SECRET, int(time.time()))})


def post(running: Service, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    asked = Request(f"{running.address}{path}", data=body, headers=headers)  # noqa: S310 - our own service
    try:
        with urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own service
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def ask(running: Service, payment: str, nonce: str) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"payment": payment, "nonce": nonce}).encode()
    status, said = post(running, "/api/v1/promises", body, {"Content-Type": "application/json"})
    return status, json.loads(said)


def test_a_giver_gets_a_promise_at_once_and_later_what_keeps_it(tmp_path: Path) -> None:
    with service(tmp_path / "data", STRIPE_WEBHOOK_SECRETS=builders.SECRET) as running:
        running.start()
        assert ask(running, "pi_1", NONCE)[0] == 404
        for number in range(3):
            give(running, 10 + number, nonce=f"another-of-the-same-giver-{number}")
        give(running, 1, nonce=NONCE)
        give(running, 2, nonce=f"{NONCE}2", visibility="hidden")
        wait_until(lambda: ask(running, "pi_1", NONCE)[0] == 200, "the gift is booked and promised")
        _, first = ask(running, "pi_1", NONCE)
        wait_until(lambda: "kept" in ask(running, "pi_1", NONCE)[1], "it is published, signed and found")
        _, kept = ask(running, "pi_1", NONCE)
        assert (kept["promise"], kept["key"]) == (first["promise"], first["key"])
        assert "2026" not in kept["promise"].split("\n")[3]
        assert "Ada" not in json.dumps(kept)

        # A1: only who knows the nonce is told anything, and every other answer is the same.
        others = [ask(running, "pi_1", f"{NONCE}x"), ask(running, "pi_404", NONCE), ask(running, "ch_1", NONCE)]
        assert {status for status, _ in others} == {404}
        assert len({said["detail"] for _, said in others}) == 1
        assert ask(running, "pi_1", "short")[0] == 400
        assert NONCE not in running.log()

        wait_until(lambda: ask(running, "pi_2", f"{NONCE}2")[0] == 200, "the hidden gift is promised as well")
        hidden = ask(running, "pi_2", f"{NONCE}2")[1]
        assert "kept" not in hidden
        judged(tmp_path, running.vkey(), kept, hidden)


def judged(directory: Path, vkey: str, kept: dict[str, Any], hidden: dict[str, Any]) -> None:
    """`secondwind promise check`, which asks nobody."""
    file = directory / "promise.json"
    file.write_text(json.dumps(kept))
    done = run("promise", "check", str(file), "--key", vkey)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept: entry ")
    assert "10330 USD/2 for rent, alone" in done.stdout
    file.write_text(json.dumps(hidden))
    done = run("promise", "check", str(file), "--key", vkey)
    assert (done.returncode, done.stdout[:6]) == (0, "open: ")
    file.write_text(json.dumps({**kept, "promise": hidden["promise"]}))
    refused(run("promise", "check", str(file), "--key", vkey), "cannot keep this promise")
