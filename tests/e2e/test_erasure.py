"""One giver is erased and another stays: nothing of the first is left anywhere, and all that was proved still is.

Attacks D1 to D7 on real processes: the database's files, its dump, the key directory, what is published, logs, HTTP, a
backup from before and what a restore makes of it are searched for every value, salt and key of the erased.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import re
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from server import birth
from server.cli.parts import opened
from server.embedded.postgres import EmbeddedPostgres
from server.parts import Parts
from server.payments.signature import sign
from server.settings import Settings
from tests.server.cli.command_line import refused, run_here
from tests.server.payments.builders import Ids, charge, event
from tests.support.service import Service, service, wait_until

pytestmark = pytest.mark.timeout(240)

SECRET = "whsec_erasure"
ASKED = ("--actor", "dana", "--reason", "asked by letter")
GIFTS = 2
ZEROS = bytes(1_024)


@dataclass
class Giver:
    """Somebody who gives, and where that stands. `needles` is all that must be nowhere after an erasure."""

    name: str
    email: str
    customer: str
    positions: list[int] = field(default_factory=list)
    needles: dict[str, bytes] = field(default_factory=dict)

    def give(self, running: Service, number: int) -> None:
        """Send what the provider tells of a gift."""
        ids = Ids(*(f"{kind}_{self.customer}{number}" for kind in ("pi", "ch", "txn", "pm")), self.customer)
        billing = {"name": self.name, "email": self.email, "phone": None, "address": {}}
        told = charge(
            ids,
            1_000 + number,
            customer=self.customer,
            receipt_email=self.email,
            billing_details=billing,
            metadata={"fund": "rent", "note": f"in memory of {self.name}'s grandmother"},
        )
        body = event("charge.succeeded", told, f"evt_{self.customer}{number}")
        headers = {"Stripe-Signature": sign(body, SECRET, int(time.time()))}
        request = urllib.request.Request(f"{running.address}/api/v1/webhooks/stripe", body, headers)  # noqa: S310 - ours
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            assert answer.status == 200


ADA = Giver("Adelheid Qvistgaard", "adelheid.qvistgaard@example.org", "cus_qvistgaard")
BOB = Giver("Balthasar Yxskaft", "balthasar.yxskaft@example.org", "cus_yxskaft")


@dataclass
class Case:
    """What the tests look at: the running service, the backup from before the erasure, and what was said of it."""

    running: Service
    base: Path
    said: str = ""

    @property
    def data(self) -> tuple[str, str]:
        return ("--data-dir", str(self.running.data_dir))


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Two people give, both have an opening given to a court, a backup is taken, and then one of them is erased."""
    base = tmp_path_factory.mktemp("erasure")
    with service(base / "data", STRIPE_WEBHOOK_SECRETS=SECRET) as running:
        running.start()
        for number in range(GIFTS):
            ADA.give(running, number)
            BOB.give(running, number)
        wait_until(lambda: gifts(running) == 2 * GIFTS, "the gifts are published and signed")
        found = Case(running, base)
        asyncio.run(look(running.data_dir))
        for giver in (ADA, BOB):
            give_opening(found, giver, base / f"{giver.customer}.json")
        assert run_here("backup", str(base / "before"), *found.data).returncode == 0
        done = run_here("erase", "--email", ADA.email.upper(), *ASKED, *found.data)
        assert done.returncode == 0, done.stderr
        found.said = done.stdout
        yield found


def gifts(running: Service) -> int:
    """How many gifts the public page lists, all of them signed."""
    listed = running.json("/api/v1/ledger?type=giving.gift.received.v1&limit=50")["entries"]
    newest = running.json("/status")["checkpoint"]
    return len(listed) if newest and listed and newest["size"] > listed[0]["position"] else 0


def give_opening(case: Case, giver: Giver, out: Path) -> None:
    arguments = ("--out", str(out), "--actor", "dana", "--recipient", "the court")
    done = run_here("open", str(giver.positions[0]), "giver", *arguments, *case.data)
    assert done.returncode == 0, done.stderr


async def look(data_dir: Path) -> None:
    """Learn from the vault itself all that may not be found later: values, salts and keys."""
    async with opened(Settings(data_dir=data_dir)) as parts:
        for giver in (ADA, BOB):
            giver.needles |= {what: value.encode() for what, value in [("name", giver.name), ("email", giver.email)]}
            giver.needles |= {"surname": giver.name.split()[1].encode(), "customer": giver.customer.encode()}
        for log in ("books", "public"):
            await _look_at(parts, log)


async def _look_at(parts: Parts, log: Any) -> None:
    for stored in await parts.readers[log].entries(0, 500):
        if stored.type != "giving.gift.received.v1":
            continue
        sealed = (await parts.readers[log].slots([stored.position]))[stored.position]
        spec = birth.registry(log).types[stored.type]
        salted = parts.vault.salted(parts.identities[log].origin, spec, sealed, sealed.root)
        giver = next(one for one in (ADA, BOB) if one.name in str(salted["giver"]))
        if log == "public":
            giver.positions.append(stored.position)
        identity = {slot.name for slot in spec.slots if slot.group == "identity"}
        giver.needles |= {f"salt of {log} {stored.position} {name}": salted[name][0] for name in identity}
        holder = parts.vault.holder_of(sealed)
        assert holder.identity is not None
        giver.needles["key"] = holder.identity.key


def forms(needle: bytes) -> list[bytes]:
    """As itself, in hex, and in base64 wherever it begins in a longer text."""
    inner = [
        base64.b64encode(bytes(shift) + needle)[-(-shift * 8 // 6) : (shift + len(needle)) * 8 // 6]
        for shift in range(3)
    ]
    return [needle, needle.hex().encode(), *inner]


def search(giver: Giver, name: str, data: bytes) -> list[str]:
    """What of somebody is found in some bytes."""
    hits = (what for what, needle in giver.needles.items() if any(form in data for form in forms(needle)))
    return [f"{what} in {name}" for what in hits]


def files(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Every file with its bytes, unpacked: each content once, and without long runs of zeros, for speed."""
    seen: set[bytes] = set()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            data = (gzip.decompress(data) if path.suffix == ".gz" else data).replace(ZEROS, b"")
            digest = hashlib.sha256(data).digest()
            if digest not in seen:
                seen.add(digest)
                yield str(path.relative_to(directory)), data


def test_the_answer_says_what_is_gone_until_when_and_who_was_given_what(case: Case) -> None:
    """D1, D7, D8."""
    assert f"destroyed: {2 * GIFTS} entries are erased" in case.said
    assert re.search(r"dead on 20\d\d-\d\d-\d\d", case.said)
    assert f"giver of public {ADA.positions[0]} to the court" in case.said
    assert str(BOB.positions[0]) not in re.findall(r"of public (\d+) to", case.said)
    assert "delete it there too" in case.said


def test_a_search_finds_what_is_there(case: Case, tmp_path: Path) -> None:
    """The search itself: what was given away before the erasure holds one value and its salt, and both are found."""
    (tmp_path / "given.json").write_bytes((case.base / f"{ADA.customer}.json").read_bytes())
    found = [hit for name, data in files(tmp_path) for hit in search(ADA, name, data)]
    assert any(hit.startswith("salt of public") for hit in found)
    assert any(hit.startswith("customer") for hit in found)


async def vacuum(data_dir: Path) -> None:
    connection = await asyncpg.connect(EmbeddedPostgres(data_dir).admin_url)
    try:
        await connection.execute("vacuum")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


def test_no_file_holds_a_value_a_salt_or_a_key_of_the_erased(case: Case) -> None:
    """D1, D3, D4, D5: heap and write-ahead log after VACUUM, keys, safe, published files, logs."""
    asyncio.run(vacuum(case.running.data_dir))
    found = [hit for name, data in files(case.running.data_dir) for hit in search(ADA, name, data)]
    assert found == []
    assert search(ADA, "the service's log", case.running.log().encode()) == []


def test_neither_backup_holds_anything_of_the_erased_in_clear(case: Case) -> None:
    """D1: the dump of every table, before and after; and the one from after has no box that the dead key sealed."""
    assert run_here("backup", str(case.base / "after"), *case.data).returncode == 0
    for name in ("before", "after"):
        assert [hit for file, data in files(case.base / name) for hit in search(ADA, file, data)] == []
    key_id = re.search(r"identity-[a-z2-7]+", case.said)
    assert key_id is not None
    with_key = [name for name, data in files(case.base / "after") if key_id[0].encode() in data]
    assert with_key == []
    assert any(key_id[0].encode() in data for _, data in files(case.base / "before"))


def test_nothing_that_is_served_tells_of_the_erased(case: Case) -> None:
    paths = "/status", "/metrics", "/ledger/checkpoint", "/api/v1/ledger/trial-balance", "/api/v1/ledger?limit=200"
    for path in paths:
        assert search(ADA, path, case.running.get(path)) == []


def test_every_proof_holds_and_others_still_open(case: Case, tmp_path: Path) -> None:
    """The bytes are as they were: the log verifies, fsck finds nothing, and Bob's openings old and new are good."""
    assert run_here("fsck", *case.data).returncode == 0
    judged = run_here("audit", "erasures", *case.data)
    assert "What does not open was erased as told" in judged.stdout, judged.stdout
    code, report = case.running.verify("--opening", str(case.base / f"{BOB.customer}.json"))
    assert (code, report["verdict"]) == (2, "could-not-tell"), report  # nobody outside has seen it yet
    assert report["opening"]["values"]["giver"]["customer"] == BOB.customer
    give_opening(case, BOB, tmp_path / "bob.json")
    code, report = case.running.verify("--opening", str(tmp_path / "bob.json"))
    assert report["opening"]["values"]["giver"]["name"] == BOB.name
    cannot_open(case.data, ADA, tmp_path)


def cannot_open(data: tuple[str, str], giver: Giver, directory: Path) -> None:
    out = directory / "nothing.json"
    arguments = ("--out", str(out), "--actor", "dana", "--recipient", "the court")
    refused(run_here("open", str(giver.positions[0]), "giver", *arguments, *data), "is erased")
    assert not out.exists()


def test_a_forged_opening_is_refused_by_the_verifier(case: Case, tmp_path: Path) -> None:
    forged = (case.base / f"{BOB.customer}.json").read_bytes().replace(BOB.name.encode(), b"Somebody Else")
    (tmp_path / "forged.json").write_bytes(forged)
    code, report = case.running.verify("--opening", str(tmp_path / "forged.json"))
    assert code == 1, report
    assert "opening-invalid" in str(report)


def test_a_backup_from_before_brings_nobody_back(case: Case, tmp_path: Path) -> None:
    """D2: the erasure list is read before the restored system opens; its own log then tells of the erasure."""
    new = case.base / "new"
    data = ("--data-dir", str(new))
    refused(run_here("restore", str(case.base / "before"), *data), "no safe named here holds", "--safe")
    safe = ("--safe", str(case.running.data_dir / "safe"))
    done = run_here("restore", str(case.base / "before"), *data, *safe)
    assert done.returncode == 0, done.stderr
    assert "1 keys of people who were erased after this backup are destroyed" in done.stdout
    with service(new, STRIPE_WEBHOOK_SECRETS=SECRET) as restored:
        restored.start()
        cannot_open(data, ADA, tmp_path)
        give_opening(Case(restored, case.base), BOB, tmp_path / "bob.json")
        assert run_here("fsck", *data).returncode == 0
        again = run_here("erase", "--position", str(ADA.positions[0]), "--log", "public", *ASKED, *data)
        assert f"destroyed: {2 * GIFTS} entries are erased" in again.stdout, again.stderr
    assert [hit for name, found in files(new) for hit in search(ADA, name, found)] == []
