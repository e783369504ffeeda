"""PROTOCOL.md names every message, member, limit and code there is, and none that is gone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import realtime
from realtime import codes
from realtime.codes import CLOSE_CODES, CloseCode
from realtime.connection import Limits
from realtime.hub import Note
from realtime.messages import ClientMessage

ROOT = Path(realtime.__file__).parent
PAGE = (ROOT / "PROTOCOL.md").read_text(encoding="utf-8")
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("*.py")))
FROM_CLIENT, FROM_SERVER, CLOSING = (
    PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for title in ("Messages from the client", "Messages from the server", "Closing")
)
COME_BACK = {"no": "no", "backoff": "after a pause", "now": "at once, after `after_ms`"}


def rows(section: str) -> dict[str, str]:
    """What a table says, by the name in its first column."""
    return dict(re.findall(r"^\| `([a-z.]+)([^|]*?)` \|", section, re.MULTILINE))


def sent() -> set[str]:
    """The kinds of message that the sources build."""
    return {*re.findall(r'"t": "([a-z]+)"', SOURCES), *get_args(Note)}


@pytest.mark.parametrize("model", get_args(ClientMessage), ids=lambda model: model.__name__)
def test_every_message_of_a_client_stands_there_with_its_members(model: type) -> None:
    members = {field.alias or name: field.is_required() for name, field in model.model_fields.items()}  # type: ignore[attr-defined]  # they are models
    told = rows(FROM_CLIENT)[model.__name__.lower()]
    for name, required in members.items():
        if name != "t":
            assert re.search(rf"\b{name}\b\??", told), (name, told)
            assert bool(re.search(rf"\b{name}\?", told)) is not required, (name, told)


def test_no_message_stands_there_that_nobody_sends_or_takes() -> None:
    assert set(rows(FROM_CLIENT)) == {model.__name__.lower() for model in get_args(ClientMessage)}
    assert set(rows(FROM_SERVER)) == sent()
    assert len(sent()) > 8


@pytest.mark.parametrize("code", CLOSE_CODES, ids=lambda code: str(code.code))
def test_every_close_code_stands_there_with_its_reason_and_what_to_do(code: CloseCode) -> None:
    assert f"| {code.code} | {code.reason} | {COME_BACK[code.reconnect]} |" in CLOSING


def test_no_close_code_stands_there_that_is_gone() -> None:
    assert {int(number) for number in re.findall(r"^\| (\d{4}) \|", CLOSING, re.MULTILINE)} == {
        code.code for code in CLOSE_CODES
    }


def test_codes_that_are_kept_are_those_that_nothing_sends() -> None:
    users = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("realtime", "server/ws")
        for path in (ROOT.parent / folder).glob("*.py")
    )
    kept = sorted(
        code.code for name, code in vars(codes).items() if isinstance(code, CloseCode) and f"codes.{name}" not in users
    )
    sentence = re.search(r"(4\d{3}(?:, 4\d{3})* and 4\d{3}) are kept", CLOSING)
    assert sentence is not None
    assert [int(number) for number in re.findall(r"\d{4}", sentence[1])] == kept


@pytest.mark.parametrize(
    "number", [value for name, value in vars(codes).items() if name.isupper() and isinstance(value, int)]
)
def test_every_error_code_is_explained(number: int) -> None:
    assert re.search(rf"\b{number} [a-z]", FROM_SERVER)


@pytest.mark.parametrize("name", Limits().told())
def test_every_limit_that_welcome_tells_is_explained(name: str) -> None:
    assert f"`{name}`" in FROM_SERVER
