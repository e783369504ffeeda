"""The webhook: reads the bytes, verifies them, keeps them, answers. No business is done in the request.

An answer of 200 means the notice is durable in the inbox, whether it is new or was known. Anything else means that the
provider should send it again, or that it was not the provider who sent it; then nothing is stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import asyncpg
from aiohttp import ClientPayloadError, web
from prometheus_client import CollectorRegistry, Counter

from ledger.outages import LOST
from server.grouped import QueueFull
from server.http.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    NOT_FOUND,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemKind,
    shown,
)
from server.http.routes import Access, Route
from server.payments import notices
from server.payments.signature import SignatureError, verify
from server.vault import VaultError

if TYPE_CHECKING:
    from server.payments.inbox import Inbox

PATH: Final = "/api/v1/webhooks/stripe"
ALIAS: Final = "/api/webhooks/stripe"
RETRY_AFTER_S: Final = 5
WRONG_MODE: Final = "livemode does not fit this deployment"

SIGNATURE_REFUSED = ProblemKind(
    "signature-refused", 400, "Not signed by the provider, or not for us, or not now",
    "A webhook's body must carry the provider's signature over exactly these bytes, made with this endpoint's secret, "
    "and not long ago. Nothing was stored.",
)  # fmt: skip

_TROUBLE: Final = (*LOST, asyncpg.PostgresError, QueueFull, VaultError)
"""Whatever keeps a notice from being stored is a reason for the provider to send it again."""


class WebhookSettings(Protocol):
    """What the webhook needs of the settings."""

    @property
    def mode(self) -> str:
        """`live` takes real money's notices, `test` and `demo` the others."""

    @property
    def stripe_webhook_secrets(self) -> Sequence[str]:
        """The endpoint's signing secrets, the newest first; two during a rotation."""

    @property
    def webhook_tolerance_s(self) -> int:
        """How far a signature's time may lie from ours, in either direction."""

    @property
    def webhook_body_bytes_max(self) -> int:
        """The largest body that is read."""


class Webhook:
    """The handler. `clock` gives seconds since 1970."""

    def __init__(
        self,
        inbox: Inbox,
        settings: WebhookSettings,
        *,
        registry: CollectorRegistry | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._inbox = inbox
        self._settings = settings
        self._clock = clock
        self._answers = Counter(
            "secondwind_webhook_answers",
            "Webhooks by what became of them: new, duplicate, wrong_mode, refused, unavailable.",
            ["outcome"],
            registry=registry or CollectorRegistry(),
        )

    async def stripe(self, request: web.Request) -> web.Response:
        """Keep one notice from Stripe."""
        secrets = self._settings.stripe_webhook_secrets
        if not secrets:
            raise NOT_FOUND("No webhook is configured here: set STRIPE_WEBHOOK_SECRETS.")
        body = await _read(request, self._settings.webhook_body_bytes_max)
        try:
            verify(
                body,
                request.headers.get("Stripe-Signature"),
                secrets,
                self._settings.webhook_tolerance_s,
                self._clock(),
            )
        except SignatureError as error:
            self._answers.labels("refused").inc()
            raise SIGNATURE_REFUSED(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
        notice = notices.read(body)
        is_other_mode = notice.livemode is not None and notice.livemode != (self._settings.mode == "live")
        try:
            is_new = await self._inbox.file(body, notice, WRONG_MODE if is_other_mode else None)
        except _TROUBLE as error:
            self._answers.labels("unavailable").inc()
            detail = f"The notice could not be stored ({type(error).__name__}): send it again."
            raise UNAVAILABLE(detail, headers={"Retry-After": str(RETRY_AFTER_S)}) from error
        self._answers.labels("wrong_mode" if is_other_mode else "new" if is_new else "duplicate").inc()
        return web.Response(status=200, text="kept\n" if is_new else "known\n")


def routes(
    inbox: Inbox,
    settings: WebhookSettings,
    *,
    registry: CollectorRegistry | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Route]:
    """Return the webhook's row and that of its older spelling."""
    webhook = Webhook(inbox, settings, registry=registry, clock=clock)
    return [
        Route(
            method="POST",
            path=path,
            handler=webhook.stripe,
            access=Access.WEBHOOK,
            summary="Stripe tells of a payment",
            description="The body is kept as it came and worked later. 200 says that it is durable.",
            response="text/plain",
            body_bytes_max=settings.webhook_body_bytes_max,
            listed=path == PATH,
            tags=("payments",),
            problems=(SIGNATURE_REFUSED,),
        )
        for path in (PATH, ALIAS)
    ]


async def _read(request: web.Request, bytes_max: int) -> bytes:
    """Return the raw body. A compressed one is refused: the signature is over bytes that we would not have seen."""
    if (encoding := request.headers.get("Content-Encoding", "identity")) != "identity":
        raise UNSUPPORTED_MEDIA_TYPE(f"The body is encoded as {shown(encoding)}: send it as it is.")
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > bytes_max:
                raise BODY_TOO_LARGE(f"At most {bytes_max} bytes are read.")
    except (ClientPayloadError, ConnectionError, web.RequestPayloadError):
        raise BAD_REQUEST("The body ended before it was complete.") from None
    return bytes(body)
