"""Asking witnesses to cosign the public log's checkpoints, beside the signer and never in its way (attacks A3, B2).

A round takes the newest published checkpoint and asks every witness for it at once, so that their lines stand under one
note. Rounds have a pause between them: a cosignature per entry would tell when things happened, and cost a witness a
write each. A witness in trouble is asked ever more rarely.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

import sql
from ledger import cosignature, note, witness
from ledger.errors import LedgerError, MalformedError
from ledger.grammar import decode_decimal
from ledger.witness import SIZE_TYPE
from server.public.proofs import Consistency, ProofReads

if TYPE_CHECKING:
    import asyncpg

    from ledger.cosignature import Cosignature
    from ledger.witness_policy import WitnessPolicy, WitnessSpec
    from server.wakeups import Wakeups

TOPIC = "witnessed:public"
ANSWER_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 16_384
QUESTIONS_PER_ROUND_MAX = 3
"""Of one witness: the first may be answered with another size than was remembered, and that one may be old again."""
CLOCK_SKEW_S_MAX = 300
"""How far a witness's time may be from ours: a line from the future would look fresh for ever."""
RENEWAL_S = 600
"""A checkpoint that stays the newest is cosigned again after so long, so that it is seen to be fresh."""
PAUSE_S_MAX = 300.0
ROUND_WAIT_S = 30.0
_QUERIES = sql.load("witness")
_log = logging.getLogger(__name__)


class WitnessTrouble(LedgerError):
    """A witness did not cosign; the sentence says why. `grave`: it saw another history than ours, or a longer one."""

    def __init__(self, sentence: str, *, grave: bool = False) -> None:
        super().__init__(sentence)
        self.grave = grave


class Newest(NamedTuple):
    """The newest published checkpoint."""

    size: int
    note: str


@dataclass(slots=True)
class Standing:
    """What is known of one witness: how far it cosigned, when, and how often it failed since (`not_before_s`: loop)."""

    spec: WitnessSpec
    size: int = 0
    time_s: int = 0
    failures: int = 0
    not_before_s: float = 0.0


class Asking:
    """Asks the witnesses of a policy that have an address. `clock_s`: seconds since 1970."""

    def __init__(  # noqa: PLR0913 - what the rounds need, each replaceable in a test
        self,
        pool: asyncpg.Pool,
        proofs: ProofReads,
        policy: WitnessPolicy,
        *,
        interval_s: float,
        clock_s: Callable[[], int],
        on_witnessed: Callable[[], None] = lambda: None,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self._pool = pool
        self._proofs = proofs
        self._interval_s = interval_s
        self._clock_s = clock_s
        self._on_witnessed = on_witnessed
        self._timeout = aiohttp.ClientTimeout(total=answer_timeout_s)
        self.standings = [Standing(spec) for spec in policy.witnesses.values() if spec.url is not None]

    async def run(self, wakeups: Wakeups) -> None:
        """Ask in rounds until cancelled, woken by new checkpoints and at most once per interval."""
        await self.remember()
        async with self.session() as session, wakeups.listen("checkpoint:public") as waiter:
            while True:
                await self.round(session)
                await asyncio.sleep(self._interval_s)
                await waiter.wait(ROUND_WAIT_S)

    def session(self) -> aiohttp.ClientSession:
        """A client for rounds: it follows no redirects, keeps no cookies and waits no longer than the time-out."""
        return aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def remember(self) -> None:
        """Find out from the database how far each witness had come."""
        known = {standing.spec.key.vkey: standing for standing in self.standings}
        for row in await self._pool.fetch(_QUERIES.reached, list(known)):
            known[row["vkey"]].size, known[row["vkey"]].time_s = row["size"], row["time_s"]

    async def round(self, session: aiohttp.ClientSession) -> int:
        """Ask every witness that is due for the newest checkpoint; return how many cosigned."""
        row = await self._pool.fetchrow(sql.load("ledger").newest_checkpoint, "public")
        if row is None:
            return 0
        newest = Newest(row["size"], row["note"])
        due = [standing for standing in self.standings if self._is_due(standing, newest.size)]
        cosigned = sum(await asyncio.gather(*(self._ask(session, standing, newest) for standing in due)))
        if cosigned:
            self._on_witnessed()
        return cosigned

    def _is_due(self, standing: Standing, size: int) -> bool:
        if asyncio.get_running_loop().time() < standing.not_before_s:
            return False
        return standing.size != size or abs(self._clock_s() - standing.time_s) >= RENEWAL_S

    async def _ask(self, session: aiohttp.ClientSession, standing: Standing, newest: Newest) -> bool:
        """Whether this witness cosigned; the line is stored by then. Trouble is logged and makes the pause longer."""
        try:
            found = await self._cosigned(session, standing, newest)
        except (WitnessTrouble, MalformedError, aiohttp.ClientError, TimeoutError, OSError) as error:
            standing.failures += 1
            pause_s = min(self._interval_s * 2.0 ** min(standing.failures, 20), PAUSE_S_MAX)
            standing.not_before_s = asyncio.get_running_loop().time() + pause_s
            level = logging.CRITICAL if isinstance(error, WitnessTrouble) and error.grave else logging.WARNING
            reason = str(error) or type(error).__name__
            _log.log(level, "witness %s did not cosign %d: %s", standing.spec.name, newest.size, reason[:300])
            return False
        vkey = standing.spec.key.vkey
        await self._pool.execute(_QUERIES.store, newest.size, vkey, found.time_s, found.line)
        standing.size, standing.time_s, standing.failures = newest.size, found.time_s, 0
        return True

    async def _cosigned(self, session: aiohttp.ClientSession, standing: Standing, newest: Newest) -> Cosignature:
        text, _ = note.split(newest.note)
        old_size = standing.size if standing.size <= newest.size else 0
        for _ in range(QUESTIONS_PER_ROUND_MAX):
            body = witness.format_request(old_size, await self._path(old_size, newest.size), newest.note)
            url = f"{standing.spec.url}/add-checkpoint"
            async with session.post(url, data=body.encode(), allow_redirects=False) as answer:
                said = await _read(answer)
                status, kind = answer.status, answer.content_type
            if status == HTTPStatus.OK:
                return self._in_time(cosignature.answered(text, said, standing.spec.key))
            if status != HTTPStatus.CONFLICT:
                raise WitnessTrouble(
                    f"it answered {status}: {said[:200]!r}", grave=status == HTTPStatus.UNPROCESSABLE_ENTITY
                )
            old_size = _known_size(kind, said)
            if old_size > newest.size:
                await self._check_ahead(old_size)
        raise WitnessTrouble(f"it answered 409 to {QUESTIONS_PER_ROUND_MAX} questions")

    def _in_time(self, found: Cosignature) -> Cosignature:
        if abs(ahead_s := found.time_s - self._clock_s()) > CLOCK_SKEW_S_MAX:
            raise WitnessTrouble(f"its clock is {ahead_s:+d} s off ours, at most {CLOCK_SKEW_S_MAX} s are taken")
        return found

    async def _path(self, old_size: int, size: int) -> Sequence[bytes]:
        if old_size in (0, size):
            return ()
        found = await self._proofs.consistency(old_size, size)
        if not isinstance(found, Consistency):
            raise WitnessTrouble(f"the entries up to {size} cannot be proved here yet")
        return found.path

    async def _check_ahead(self, known_size: int) -> None:
        """Some stranger may have shown the witness what we published meanwhile; if not, our log went back (E6)."""
        row = await self._pool.fetchrow(sql.load("ledger").newest_checkpoint, "public")
        if row is None or row["size"] < known_size:
            raise WitnessTrouble(
                f"it cosigned {known_size} entries, more than were ever signed here: was an older backup restored?",
                grave=True,
            )
        raise WitnessTrouble(f"it has cosigned {known_size} entries meanwhile")


async def _read(answer: aiohttp.ClientResponse) -> str:
    """An answer's text, at most ANSWER_BYTES_MAX of it: a witness is a stranger."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise WitnessTrouble(f"its answer is longer than {ANSWER_BYTES_MAX} bytes")
    return body.decode(errors="replace")


def _known_size(kind: str, said: str) -> int:
    if kind != SIZE_TYPE or not said.endswith("\n"):
        raise WitnessTrouble(f"its 409 is no {SIZE_TYPE}: {said[:80]!r}")
    try:
        return decode_decimal(said.removesuffix("\n"))
    except ValueError as error:
        raise WitnessTrouble(f"its 409 tells no size: {error}") from error
