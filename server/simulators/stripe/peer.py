"""The small Stripe's API: three questions, answered to the official SDK as the real one answers them."""

from __future__ import annotations

import hmac
import itertools
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from server.simulators.stripe.shapes import API_VERSION, Object, error
from server.simulators.stripe.state import StripeState

Handler = Callable[[web.Request], Awaitable[web.Response]]

STATUS_OK = 200
STATUS_UNAUTHORIZED = 401
STATUS_BAD_REQUEST = 400
STATUS_NOT_FOUND = 404
KINDS = {"balance_transactions": "balance_transaction", "charges": "charge", "payment_intents": "payment_intent"}


class StripePeer:
    """Serves what `state` remembers to whoever has `key`. With `trouble` set to a status, it answers with that."""

    def __init__(self, state: StripeState, key: str) -> None:
        self.state = state
        self.trouble: int | None = None
        self.questions = 0
        self._key = key
        self._request_numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None

    def application(self) -> web.Application:
        """Return the application, for whoever brings his own server."""
        application = web.Application()
        for plural, kind in KINDS.items():
            application.router.add_get(f"/v1/{plural}/{{id}}", self._answer_for(kind))
        application.router.add_route("*", "/{path:.*}", self._unrecognized)
        return application

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the address to give to the SDK as its base."""
        self._runner = web.AppRunner(self.application(), access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound_host, bound_port = self._runner.addresses[0][:2]
        return f"http://{bound_host}:{bound_port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _answer_for(self, kind: str) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            self.questions += 1
            if refusal := self._refusal(request):
                return refusal
            thing_id = request.match_info["id"]
            expand = [value for name, value in request.query.items() if name.startswith("expand[")]
            try:
                thing = self.state.get(kind, thing_id, expand)
            except KeyError as unknown:
                message = f"This property cannot be expanded ({unknown.args[0]})."
                return self._respond(request, STATUS_BAD_REQUEST, error(message))
            if thing is None:
                missing = error(f"No such {kind}: '{thing_id}'", code="resource_missing", param="id")
                return self._respond(request, STATUS_NOT_FOUND, missing)
            return self._respond(request, STATUS_OK, thing)

        return answer

    async def _unrecognized(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return self._respond(request, STATUS_NOT_FOUND, error(message))

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self.trouble is not None:
            return self._respond(request, self.trouble, {"error": {"message": "Try again.", "type": "api_error"}})
        given = _key_of(request.headers.get("Authorization", ""))
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            shown = f"{given[:8]}***" if given else "none"
            return self._respond(request, STATUS_UNAUTHORIZED, error(f"Invalid API Key provided: {shown}"))
        return None

    def _respond(self, request: web.Request, status: int, body: Object) -> web.Response:
        headers = {
            "Request-Id": f"req_{next(self._request_numbers):014d}",
            "Stripe-Version": request.headers.get("Stripe-Version", API_VERSION),
        }
        data = orjson.dumps(body, option=orjson.OPT_INDENT_2)
        return web.Response(status=status, body=data, content_type="application/json", headers=headers)


def _key_of(authorization: str) -> str:
    """Return the key from `Bearer <key>`, or from `Basic` with the key as the user's name."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return value
    try:
        return b64decode(value, validate=True).decode("ascii").partition(":")[0]
    except (Base64Error, UnicodeDecodeError):
        return ""
