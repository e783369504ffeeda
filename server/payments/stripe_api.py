"""Asking the provider, by its official SDK; the only module that speaks Stripe's API (design/architecture.md 8).

ProviderError
├── ProviderUnreachable   no answer, or one that says "later": ask again
└── ProviderRefuses       the key is refused, or the object does not exist: a person has to look

The SDK takes half a second to import, so it is imported in a thread when the first question is asked.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import orjson
from pydantic import ValidationError

from server.payments.models import BalanceTransaction
from server.payments.translate import FeeReference

PRODUCTION_BASE: Final = "https://api.stripe.com"
TIMEOUT_S: Final = 10.0
_STATUS_REFUSED: Final = 400
_STATUS_CONFLICT: Final = 409
_STATUS_TOO_MANY: Final = 429
_STATUS_SERVER: Final = 500


class ProviderError(Exception):
    """The provider did not answer with what was asked for. The sentence holds no key and no personal data."""


class ProviderUnreachable(ProviderError):
    """No answer, or one that says "later"."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the provider cannot be asked now: {detail}")
        self.detail = detail


class ProviderRefuses(ProviderError):
    """The provider answered, and not with what was asked for."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the provider refuses: {detail}")
        self.detail = detail


class StripeAPI:
    """Questions to Stripe about payments that it told us of. `base` points it at a local peer in demos and tests."""

    def __init__(self, key: str, base: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._key = key
        self._base = base or PRODUCTION_BASE
        self._timeout_s = timeout_s
        self._opening = asyncio.Lock()
        self._client: Any = None
        self._http: Any = None
        self._sdk: Any = None

    async def balance_transaction(self, reference: FeeReference) -> BalanceTransaction | None:
        """Return the movement that says what a payment cost, or None while the provider does not know it yet.

        Raises ProviderError.
        """
        client = await self._open()
        found: Any
        if reference.balance_transaction is not None:
            found = await self._ask(client.v1.balance_transactions.retrieve_async, reference.balance_transaction)
        elif reference.charge is not None:
            params = {"expand": ["balance_transaction"]}
            charge = await self._ask(client.v1.charges.retrieve_async, reference.charge, params)
            found = charge.get("balance_transaction")
        else:
            params = {"expand": ["latest_charge.balance_transaction"]}
            intent = await self._ask(client.v1.payment_intents.retrieve_async, reference.payment_intent, params)
            found = (intent.get("latest_charge") or {}).get("balance_transaction")
        if found is None:
            return None
        try:
            return BalanceTransaction.model_validate(found)
        except ValidationError as error:
            fault = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise ProviderRefuses(f"its balance transaction is malformed at {where or 'the top'}") from None

    async def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        http, self._http, self._client = self._http, None, None
        if http is not None:
            await http.close_async()

    async def _open(self) -> Any:  # noqa: ANN401 - the SDK's client; its types would import it
        async with self._opening:
            if self._client is None:
                self._sdk = await asyncio.to_thread(importlib.import_module, "stripe")
                self._http = self._sdk.AIOHTTPClient(timeout=self._timeout_s)
                # Pauses between attempts are ours, in the table, where they are visible and survive a restart.
                self._client = self._sdk.StripeClient(
                    self._key, http_client=self._http, base_addresses={"api": self._base}, max_network_retries=0
                )
            return self._client

    async def _ask(self, question: Callable[..., Awaitable[Any]], *args: object) -> dict[str, Any]:
        try:
            answer = await question(*args)
        except (aiohttp.ClientError, TimeoutError) as error:
            # The SDK wraps what goes wrong before the answer's body, and not what goes wrong within it.
            raise ProviderUnreachable(type(error).__name__) from None
        except self._sdk.APIConnectionError as error:
            raise ProviderUnreachable(type(error.__cause__ or error).__name__) from None
        except self._sdk.StripeError as error:
            raise _refusal(error.http_status, error.code) from None
        if not isinstance(answer, self._sdk.StripeObject) or answer.last_response is None:
            raise ProviderUnreachable("its answer is not one of its objects")
        body: dict[str, Any] = orjson.loads(answer.last_response.body)
        return body


def _refusal(status: int | None, code: str | None) -> ProviderError:
    said = f"status {status}" + (f", {code}" if code else "")
    # A refusal that is none (below 400) is somebody else's answer, a proxy's for instance.
    later = status is None or status < _STATUS_REFUSED or status >= _STATUS_SERVER
    if later or status in {_STATUS_CONFLICT, _STATUS_TOO_MANY}:
        return ProviderUnreachable(said)
    return ProviderRefuses(said)
