"""The messages of rt.v1. Pure. PROTOCOL.md "Messages".

What a client sends is judged strictly: unknown kinds and unknown members are refused. What the server sends may gain
members; clients ignore those they do not know.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from realtime.errors import MessageRefused

ID_MAX = 2**32 - 1
POSITION_MAX = 2**53 - 1
CREDIT_MAX = 64

Id = Annotated[int, Field(ge=0, le=ID_MAX)]
Channel = Annotated[str, Field(pattern=r"^[a-z][a-z0-9:_-]{0,63}$")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class Client(_Message):
    """What connects: a name and a version, for the operator's statistics."""

    name: str = Field(max_length=16)
    ver: str = Field(max_length=64)


class Hello(_Message):
    """The first message. Without a token the socket follows public channels only."""

    t: Literal["hello"]
    v: Literal[1]
    token: str | None = Field(default=None, max_length=4096)
    client: Client | None = None


class Auth(_Message):
    """A fresh token for the same person."""

    t: Literal["auth"]
    id: Id
    token: str = Field(max_length=4096)


class Position(_Message):
    """A place in a channel: its incarnation, and the last position the client has."""

    e: str = Field(max_length=64)
    p: int = Field(ge=-1, le=POSITION_MAX)


class Sub(_Message):
    """Follow a channel: from after a position, from its start, or from now on. `credit` counts catch-up pages."""

    t: Literal["sub"]
    id: Id
    s: Channel
    from_: Position | Literal["now", "start"] = Field(alias="from")
    credit: int = Field(default=2, ge=1, le=CREDIT_MAX)


class Unsub(_Message):
    """Stop following a channel."""

    t: Literal["unsub"]
    id: Id
    s: Channel


class Credit(_Message):
    """The server may send `n` more catch-up pages of a channel."""

    t: Literal["credit"]
    s: Channel
    n: int = Field(ge=1, le=CREDIT_MAX)


class Ping(_Message):
    """Answered by `pong` with the same `ts`."""

    t: Literal["ping"]
    ts: int = Field(ge=0, le=POSITION_MAX)


ClientMessage = Hello | Auth | Sub | Unsub | Credit | Ping
_KINDS: dict[str, type[ClientMessage]] = {
    "hello": Hello,
    "auth": Auth,
    "sub": Sub,
    "unsub": Unsub,
    "credit": Credit,
    "ping": Ping,
}


def parse(text: str | bytes) -> ClientMessage:
    """Read one text frame. Raises MessageRefused, with the `id` to answer to where there is one."""
    try:
        data: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise MessageRefused("the message is not JSON") from None
    if not isinstance(data, dict):
        raise MessageRefused("a message is a JSON object")
    kind = data.get("t")
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    raw_id = data.get("id")
    message_id = raw_id if type(raw_id) is int and 0 <= raw_id <= ID_MAX else None
    if model is None:
        raise MessageRefused(f"there is no message {str(kind)[:32]!r}; known are {', '.join(_KINDS)}", message_id)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:3])
        raise MessageRefused(f"{kind}.{where[:64]}: {first['msg'][:120].lower()}", message_id) from None


def encode(message: dict[str, object]) -> bytes:
    """One server message as the text of one frame."""
    return orjson.dumps(message)
