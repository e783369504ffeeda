"""Reading what a caller sends: path, query and body become validated models, or a problem that says where and why.

Numbers are strict decimals: Python's `int` takes `+5`, ` 5`, `1_0` and `05`, which no other reader of our URLs would.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from server.http.problems import BODY_MALFORMED, INVALID_INPUT, UNSUPPORTED_MEDIA_TYPE, InputError, Problem, shown

ERRORS_SHOWN_MAX = 20
POSITION_MAX = 2**53 - 1
DIGITS_MAX = 16

M = TypeVar("M", bound=BaseModel)

_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_PARSED = web.RequestKey("parsed", dict)


def parse_decimal(text: object) -> object:
    """A canonical decimal as an int; anything else that is text is refused. Other values pass."""
    if not isinstance(text, str):
        return text
    if len(text) > DIGITS_MAX or not _DECIMAL.fullmatch(text):
        raise PydanticCustomError(
            "decimal", "Input should be a decimal number of at most 16 digits, without leading zeros"
        )
    return int(text)


DECIMAL = BeforeValidator(parse_decimal)
"""Put it last in an Annotated number, after its limits, so that the limits stay in the JSON schema."""
Position = Annotated[int, Field(ge=0, le=POSITION_MAX, description="Place in the log, dense from 0."), DECIMAL]


class Parameters(BaseModel):
    """Base of every model for a path or a query: what is not named is refused, so a typing error is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parsed(request: web.Request, model: type[M]) -> M:
    """The validated `params`, `query` or `request` model of this route. It is an error in the table if absent."""
    found = request[_PARSED][model]
    if not isinstance(found, model):  # pragma: no cover - the gate stores each under its own type
        raise TypeError(f"{model.__name__} was not parsed for {request.path}")
    return found


def read_path(request: web.Request, model: type[M]) -> None:
    """Validate the `{names}` of the path; read them with `parsed`."""
    _keep(request, _validated(model, request.match_info, "{{{}}}"))


def read_query(request: web.Request, model: type[M]) -> None:
    """Validate the query string; a name given twice is refused, as readers would differ on which counts."""
    for name in request.query:
        if len(request.query.getall(name)) > 1:
            raise INVALID_INPUT(
                f"The parameter {shown(name)} is given more than once: give it once.", pointer=f"?{name}"
            )
    _keep(request, _validated(model, request.query, "?{}"))


async def read_body(request: web.Request, model: type[M]) -> None:
    """Validate a JSON body, at most the route's limit of it."""
    if request.content_type != "application/json":
        raise UNSUPPORTED_MEDIA_TYPE(f"The body is {shown(request.content_type)}: send application/json.")
    body = await request.read()
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BODY_MALFORMED(f"The body is not JSON: it fails at character {error.pos}.") from None
    _keep(request, _validated(model, value, "#/{}"))


def _keep(request: web.Request, value: BaseModel) -> None:
    request.setdefault(_PARSED, {})[type(value)] = value


def _validated(model: type[M], values: object, pointer: str) -> M:
    try:
        return model.model_validate(dict(values) if isinstance(values, Mapping) else values)
    except ValidationError as error:
        raise _problem(error, pointer) from None


def _problem(error: ValidationError, pointer: str) -> Problem:
    # No `ctx` and no `url`: the first may hold exception objects, the second points at another project's pages.
    details = error.errors(include_url=False, include_context=False)
    errors = tuple(_input_error(detail, pointer) for detail in details[:ERRORS_SHOWN_MAX])
    first = errors[0]
    more = f" {len(details) - 1} more in `errors`." if len(details) > 1 else ""
    return INVALID_INPUT(f"{first.detail}{more}", pointer=first.pointer, errors=errors if len(errors) > 1 else ())


def _input_error(detail: ErrorDetails, pointer: str) -> InputError:
    where = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in detail["loc"])
    value: Any = detail["input"]
    got = f", not {shown(str(value))}" if isinstance(value, str | int | float) and detail["type"] != "missing" else ""
    return InputError(pointer=pointer.format(where), detail=f"{where or 'The body'}: {detail['msg']}{got}.")
