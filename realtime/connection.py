"""One socket's conversation, as a state machine without I/O: messages and `now` go in, effects come out.

PROTOCOL.md "Messages" and "Limits". `now_s` is any clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from realtime import codes
from realtime.codes import CloseCode
from realtime.errors import MessageRefused
from realtime.messages import Auth, ClientMessage, Credit, Hello, Ping, Position, Sub, Unsub, parse
from realtime.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may do. All of it is told in `welcome`."""

    message_bytes_max: int = 65_536
    hello_timeout_s: float = 5.0
    messages_per_s: float = 50.0
    messages_burst: int = 100
    subscriptions_max: int = 32
    strikes_max: int = 3

    def told(self) -> dict[str, object]:
        """As they stand in `welcome`."""
        return {
            "message_bytes": self.message_bytes_max,
            "messages_per_s": self.messages_per_s,
            "messages_burst": self.messages_burst,
            "subscriptions": self.subscriptions_max,
            "page_len": 500,
        }


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What a connection must know of a channel to answer `sub`."""

    epoch: str
    top: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message."""

    message: dict[str, object]


@dataclass(frozen=True, slots=True)
class Follow:
    """Begin to feed this subscription."""

    subscription: Subscription


@dataclass(frozen=True, slots=True)
class Leave:
    """Stop feeding this subscription."""

    subscription: Subscription


@dataclass(frozen=True, slots=True)
class Feed:
    """This subscription has credit again."""

    subscription: Subscription


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out who holds this token, then call `authenticated`."""

    token: str
    message_id: int | None


@dataclass(frozen=True, slots=True)
class Close:
    """Say `bye` and close."""

    code: CloseCode


Effect = Send | Follow | Leave | Feed | Authenticate | Close


@dataclass(slots=True)
class Connection:
    """`channels` answers what is known of a channel, or None; `epochs` names those of public ones.

    `state` goes new → open → closed.
    """

    sid: str
    node: str
    limits: Limits
    channels: Callable[[str], ChannelState | None]
    heartbeat_s: float
    now_s: float
    epochs: Mapping[str, str] = field(default_factory=dict)
    state: Literal["new", "open", "closed"] = "new"
    subject: str | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    strikes: int = 0
    _tokens: float = field(init=False)
    _refilled_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = float(self.limits.messages_burst)
        self._refilled_s = self.now_s

    def hello_deadline_s(self) -> float:
        """When `hello` must have come."""
        return self.now_s + self.limits.hello_timeout_s

    def receive_text(self, text: str | bytes, now_s: float) -> list[Effect]:
        """One text frame has come."""
        if self.state == "closed":
            return []
        if not self._may_speak(now_s):
            return self._strike(MessageRefused("too many messages; slow down"), codes.TOO_MANY)
        if len(text) > self.limits.message_bytes_max:
            return self._strike(MessageRefused("the message is too large"), codes.TOO_LARGE)
        try:
            return self._receive(parse(text))
        except MessageRefused as error:
            return self._strike(error, codes.BAD_REQUEST)

    def receive_binary(self) -> list[Effect]:
        """A binary frame has come; there is no voice session it could belong to."""
        return self._strike(
            MessageRefused("binary frames carry audio, and no voice session is open"), codes.BAD_REQUEST
        )

    def receive_timeout(self) -> list[Effect]:
        """The time for `hello` is over."""
        return self._close(codes.HELLO_TIMEOUT) if self.state == "new" else []

    def authenticated(self, subject: str | None, message_id: int | None) -> list[Effect]:
        """The answer to `Authenticate`: who it is, or nobody."""
        if subject is None:
            return self._close(codes.FORBIDDEN)
        if self.subject is not None and self.subject != subject:
            return self._close(codes.FORBIDDEN)
        self.subject = subject
        if self.state == "new":
            return self._welcome()
        return [Send({"t": "ok", "id": message_id})]

    def _receive(self, message: ClientMessage) -> list[Effect]:  # noqa: PLR0911 - one answer per kind of message
        if self.state == "new":
            if not isinstance(message, Hello):
                return self._close(codes.BAD_PROTOCOL)
            return [Authenticate(message.token, None)] if message.token is not None else self._welcome()
        match message:
            case Hello():
                raise MessageRefused("hello was said before")
            case Auth(id=message_id, token=token):
                return [Authenticate(token, message_id)]
            case Sub():
                return self._subscribe(message)
            case Unsub(id=message_id, s=channel):
                left = self.subscriptions.pop(channel, None)
                ok = Send({"t": "ok", "id": message_id})
                return [ok] if left is None else [Leave(left), ok]
            case Credit(s=channel, n=pages):
                subscription = self.subscriptions.get(channel)
                if subscription is None:
                    return []  # it crossed an unsub on the way
                subscription.add_credit(pages)
                return [Feed(subscription)]
            case Ping(ts=ts):
                return [Send({"t": "pong", "ts": ts})]

    def _welcome(self) -> list[Effect]:
        self.state = "open"
        message: dict[str, object] = {
            "t": "welcome",
            "v": 1,
            "sid": self.sid,
            "node": self.node,
            "e": dict(self.epochs),
            "hb": int(self.heartbeat_s * 1000),
            "limits": self.limits.told(),
            "features": [],
        }
        return [Send(message)]

    def _subscribe(self, message: Sub) -> list[Effect]:
        known = self.channels(message.s)
        if known is None:
            return [_error(message.id, codes.NO_SUCH_CHANNEL, f"there is no channel {message.s!r} for you")]
        if message.s in self.subscriptions:
            return [_error(message.id, codes.CONFLICT, f"{message.s!r} is followed already; unsub first")]
        if len(self.subscriptions) >= self.limits.subscriptions_max:
            return [_error(message.id, codes.TOO_MANY, f"at most {self.limits.subscriptions_max} channels per socket")]
        start, gap = _start(message.from_, known)
        subscription = Subscription(message.s, start, message.credit)
        self.subscriptions[message.s] = subscription
        ok: dict[str, object] = {"t": "ok", "id": message.id, "s": message.s, "e": known.epoch, "p": start}
        effects: list[Effect] = [Send(ok)]
        if gap is not None:
            effects.append(Send({"t": "gap", "s": message.s, "reason": gap, "p": start}))
        return [*effects, Follow(subscription)]

    def _may_speak(self, now_s: float) -> bool:
        limits = self.limits
        gained = max(0.0, now_s - self._refilled_s) * limits.messages_per_s
        self._refilled_s = now_s
        self._tokens = min(float(limits.messages_burst), self._tokens + gained)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _strike(self, error: MessageRefused, code: int) -> list[Effect]:
        if self.state == "closed":
            return []
        if self.state == "new":
            return self._close(codes.BAD_PROTOCOL)
        self.strikes += 1
        if self.strikes >= self.limits.strikes_max:
            return self._close(codes.TOO_MANY_VIOLATIONS)
        return [_error(error.message_id, code, error.detail)]

    def _close(self, code: CloseCode) -> list[Effect]:
        self.state = "closed"
        left = [Leave(subscription) for subscription in self.subscriptions.values()]
        self.subscriptions.clear()
        return [*left, Close(code)]


def bye(code: CloseCode, *, after_ms: int = 0) -> dict[str, object]:
    """The message before a close: the code, and whether and when to come back."""
    return {
        "t": "bye",
        "code": code.code,
        "reason": code.reason,
        "reconnect": code.reconnect != "no",
        "after_ms": after_ms,
    }


def high_water(marks: Mapping[str, int]) -> dict[str, object]:
    """The heartbeat: per live channel the position up to which this client has everything."""
    return {"t": "hw", "s": dict(marks)}


def _start(wanted: Position | str, known: ChannelState) -> tuple[int, str | None]:
    """Where to begin, and why there is a gap: the position is of another incarnation, or was never reached."""
    if not isinstance(wanted, Position):
        return (known.top if wanted == "now" else -1), None
    if wanted.e != known.epoch:
        return -1, "the channel is another incarnation; take everything again"
    if wanted.p > known.top:
        return -1, "the channel does not reach that position; take everything again"
    return wanted.p, None


def _error(message_id: int | None, code: int, text: str) -> Send:
    message: dict[str, object] = {"t": "err", "code": code, "msg": text, "retry": code == codes.TOO_MANY}
    if message_id is not None:
        message["id"] = message_id
    return Send(message)
