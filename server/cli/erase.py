"""`secondwind erase`: a person's key is destroyed. What is asked, agreed to and done stands in the audit log."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import sql
from server.cli.parts import opened
from server.cli.settings import load
from server.erasure.build import eraser_of
from server.errors import StartRefused
from server.parts import clock_us
from server.payments.givers import customer_name, email_name
from server.vault.subjects import KEY_ID_PREFIXES, HeldKey, is_key_id

if TYPE_CHECKING:
    from ledger.slots import Group
    from ledger.types import LogName
    from server.erasure.eraser import Eraser
    from server.erasure.listed import Erasure
    from server.parts import Parts

APPROVE = "approve"

_QUERIES = sql.load("erasure")


async def erase(options: argparse.Namespace) -> int:
    """Erase somebody's identity, or ask for the erasure of what the law holds; `approve` agrees to that."""
    settings = load(options)
    _check(options)
    async with opened(settings) as parts, parts.keyring.erased.alone():
        eraser = eraser_of(parts, clock_us)
        if options.subject == APPROVE:
            await _tell(eraser, await eraser.approve(options.request, options.actor))
            return 0
        keys = await _keys(parts, options)
        if not keys:
            print("Nothing is kept under that: never known here, or erased already.")
        for key in keys:
            await _one(eraser, key, options.actor, options.reason)
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.subject == APPROVE:
        if options.request is None:
            raise StartRefused("Which erasure is approved?", "Give the number that `secondwind erase` printed.")
        return
    named = [value for value in (options.subject, options.email, options.position) if value is not None]
    if len(named) != 1 or options.request is not None:
        raise StartRefused("Nobody is named, or more than one.", "Give one of SUBJECT, --email or --position.")
    if not options.reason:
        raise StartRefused("An erasure has a reason.", "Give it with --reason; it is kept in the audit log, sealed.")


async def _one(eraser: Eraser, key: HeldKey, actor: str, reason: str) -> None:
    known = eraser.listed.find(key.id)
    if known is not None:
        await _tell(eraser, await eraser.erase(key, known.requested, actor))
        return
    requested = await eraser.request(key, actor, reason)
    if key.group == "identity":
        await _tell(eraser, await eraser.erase(key, requested, actor))
    else:
        print(f"{key.id} is held by law. Its erasure is asked for at {requested} of audit; nothing is erased yet.")
        print(f"After three days a second person agrees: secondwind erase approve {requested} --actor NAME")


async def _tell(eraser: Eraser, erasure: Erasure) -> None:
    print(f"{erasure.key_id} is destroyed: {erasure.entries} entries are erased, root {erasure.root}.")
    print(f"The last copies in any backup are dead on {erasure.gone_by}. It stands in audit at {erasure.completed}.")
    rows = await eraser.pool.fetch(_QUERIES.covered, erasure.completed)
    for given in await eraser.trail.given({(row["log"], row["position"]) for row in rows}):
        print(f"Given out before, ask for it back: {given.what} to {given.recipient}.")
    if erasure.group == "identity":
        print("What stays: amounts, funds and months, which name nobody; and, sealed, what the law holds.")
        print("The payment provider keeps a customer of its own: delete it there too.")


async def _keys(parts: Parts, options: argparse.Namespace) -> list[HeldKey]:
    """The keys that are meant, of the group that is asked for; those that are destroyed already as well."""
    if options.position is not None:
        return await _keys_of_entry(parts, options.log, options.position, options.group)
    subject: str | None = options.subject
    if subject is not None and is_key_id(subject):
        group: Group = "audit" if subject.startswith("audit-") else "identity"
        if parts.keyring.subjects.load(subject) is None and parts.keyring.erased.find(subject) is None:
            raise StartRefused(f"There is no key {subject}.", "Give it as `secondwind erase` printed it.")
        return [HeldKey(subject, group)]
    hashed = parts.vault.keyed_hash
    name = customer_name(subject, hashed) if subject is not None else email_name(options.email, hashed)
    return [key for key in parts.keyring.subjects.find(name) if key.group == options.group]


async def _keys_of_entry(parts: Parts, log: LogName, position: int, group: Group) -> list[HeldKey]:
    sealed = (await parts.readers[log].slots([position])).get(position)
    if sealed is None:
        raise StartRefused(f"Entry {position} of {log} has no private parts.", "Choose another.")
    for box in sealed.boxes:
        if box.group == group:
            if not box.key_id.startswith(KEY_ID_PREFIXES):
                raise StartRefused(
                    f"Entry {position} of {log} is about nobody, or was sealed before people had keys of their own.",
                    "Name the person by customer or --email.",
                )
            return [HeldKey(box.key_id, group)]
    done = {row["completed"] for row in await parts.database.writer.fetch(_QUERIES.covering, log, position)}
    return [
        HeldKey(one.key_id, one.group)
        for one in parts.keyring.erased.all()
        if one.completed in done and one.group == group
    ]
