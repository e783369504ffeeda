"""The OpenAPI 3.1 description, generated from the route table and nothing else. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from server.http.problems import (
    BODY_MALFORMED,
    BODY_TOO_LARGE,
    IDEMPOTENCY_KEY_MISSING,
    INTERNAL_ERROR,
    INVALID_INPUT,
    MEDIA_TYPE,
    NOT_ALLOWED,
    NOT_SIGNED_IN,
    OPERATOR_ONLY,
    TIMED_OUT,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemBody,
    ProblemKind,
)
from server.http.routes import Route

Object = dict[str, Any]

INTRODUCTION = (
    "Every answer that is not what was asked for is a problem (RFC 9457); its `type` is a page that explains it. "
    "Amounts are decimal strings of minor units; positions count from 0. What a public entry says is proved by the log "
    "itself, under /ledger/, in the formats of C2SP: this description is no part of the evidence."
)
_REF = "#/components/schemas/{model}"
_NAME = re.compile(r"\{([a-z_]+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")

SECURITY: Mapping[str, Sequence[Mapping[str, Sequence[str]]]] = {
    "operator": ({}, {"metricsToken": ()}),
    "role": ({"accessToken": ()},),
}


def template(path: str) -> str:
    """A route's path as OpenAPI writes it: `{names}` without their patterns."""
    return _NAME.sub(r"{\1}", path)


def path_names(path: str) -> list[str]:
    """The `{names}` of a route's path, in order."""
    return _NAME.findall(path)


def describe(routes: Iterable[Route], version: str) -> Object:
    """The whole document, as plain JSON values. The same table gives the same document."""
    table = [route for route in routes if route.listed]
    schemas, definitions = _schemas(table)
    paths: dict[str, Object] = {}
    for route in table:
        paths.setdefault(template(route.path), {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SecondWind",
            "version": version,
            "summary": "A charity's books, which anyone can verify.",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(chain.from_iterable(route.tags for route in table))],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "metricsToken": {"type": "http", "scheme": "bearer", "description": "SECONDWIND_METRICS_TOKEN"},
            },
        },
    }


Schemas = Mapping[Any, Object]
"""The schema of a (model, mode), as a reference."""


def _schemas(table: Sequence[Route]) -> tuple[Schemas, Object]:
    """Every model of the table as a reference, and the definitions that the references point to."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemBody, "serialization"): None}
    for route in table:
        if isinstance(route.response, type):
            wanted[route.response, "serialization"] = None
        if route.request is not None:
            wanted[route.request, "validation"] = None
    references, document = models_json_schema(list(wanted), ref_template=_REF)
    return references, document["$defs"]


def _operation(route: Route, schemas: Schemas) -> Object:
    operation: Object = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": list(route.tags),
        "x-access": str(route.access),
        "responses": _responses(route, schemas),
    }
    if route.description:
        operation["description"] = route.description
    if parameters := [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]:
        operation["parameters"] = parameters
    if route.method != "GET":
        operation["x-body-bytes-max"] = route.body_bytes_max
    if route.request is not None:
        content = {"application/json": {"schema": schemas[route.request, "validation"]}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.access.kind in SECURITY:
        operation["security"] = [dict(scheme) for scheme in SECURITY[route.access.kind]]
    return operation


def _operation_id(route: Route) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", template(route.path).lower()).strip("_")
    return f"{route.method.lower()}_{words or 'root'}"


def _path_parameters(route: Route) -> Iterable[Object]:
    known = _inlined(route.params) if route.params else {}
    for name in path_names(route.path):
        yield _parameter(name, "path", known.get(name, {"type": "string"}), required=True)


def _query_parameters(route: Route) -> Iterable[Object]:
    if route.query is None:
        return
    required = route.query.model_json_schema().get("required", ())
    for name, schema in _inlined(route.query).items():
        yield _parameter(name, "query", schema, required=name in required)


def _header_parameters(route: Route) -> Iterable[Object]:
    if route.idempotent:
        schema = {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "description": "New for each intent, the same for each retry.",
        }
        yield _parameter("Idempotency-Key", "header", schema, required=True)


def _parameter(name: str, place: str, schema: Mapping[str, Any], *, required: bool) -> Object:
    rest = {key: value for key, value in schema.items() if key not in ("title", "description")}
    parameter: Object = {"name": name, "in": place, "required": required, "schema": rest}
    if "description" in schema:
        parameter["description"] = schema["description"]
    return parameter


def _inlined(model: type[BaseModel]) -> dict[str, Object]:
    """The properties of a flat parameter model. One that may be left out is not null for that: nobody can send null."""
    properties: dict[str, Object] = model.model_json_schema().get("properties", {})
    return {name: _without_null(schema) for name, schema in properties.items()}


def _without_null(schema: Object) -> Object:
    match schema:
        case {"anyOf": [only, {"type": "null"}], "default": None, **rest}:
            return {**only, **rest}
        case _:
            return schema


def _responses(route: Route, schemas: Schemas) -> Object:
    answer: Object = {"description": route.summary}
    if isinstance(route.response, str):
        answer["content"] = {route.response: {"schema": {}}}
    else:
        answer["content"] = {"application/json": {"schema": schemas[route.response, "serialization"]}}
    responses: Object = {str(route.status): answer}
    by_status: dict[int, list[ProblemKind]] = {}
    for kind in dict.fromkeys((*route.problems, *_implied(route))):
        by_status.setdefault(kind.status, []).append(kind)
    for status in sorted(by_status):
        responses[str(status)] = {
            "description": "; ".join(f"{kind.slug}: {kind.title}" for kind in by_status[status]),
            "content": {MEDIA_TYPE: {"schema": schemas[ProblemBody, "serialization"]}},
        }
    return responses


def _implied(route: Route) -> Iterable[ProblemKind]:
    """What the gate itself may answer for such a route."""
    if route.access.kind == "operator":
        yield OPERATOR_ONLY
    if route.access.kind == "role":
        yield from (NOT_SIGNED_IN, NOT_ALLOWED)
    if route.params or route.query or route.request:
        yield INVALID_INPUT
    if route.request:
        yield from (BODY_MALFORMED, UNSUPPORTED_MEDIA_TYPE)
    if route.method != "GET":
        yield BODY_TOO_LARGE
    if route.idempotent:
        yield IDEMPOTENCY_KEY_MISSING
    yield INTERNAL_ERROR
    yield UNAVAILABLE
    if route.timeout_s is not None:
        yield TIMED_OUT
