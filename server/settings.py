"""Every setting of the service, in one place: flag over environment over `*_FILE` over default.

A wrong value is one sentence that names the setting, the value and the remedy. Secrets are never printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from ledger.grammar import matches_asset, matches_origin
from server.errors import StartRefused

ROLES = ("web", "worker", "publisher", "signer")
_MASK = "…"


def _words(value: object) -> object:
    """A comma-separated text as a tuple."""
    return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


def _setting(default: Any, env: str, help_text: str, *, secret: bool = False, **limits: Any) -> Any:  # noqa: ANN401 - any field
    return Field(default, description=help_text, json_schema_extra={"env": env, "secret": secret}, **limits)


_FLAGS = {"demo_rate": "--rate", "log_format": "--log"}  # the others are named as their field is


class Settings(BaseModel):
    """The settings, checked. Field descriptions are the README's table."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = _setting("127.0.0.1", "SECONDWIND_HOST", "address to listen on")
    port: int = _setting(8080, "SECONDWIND_PORT", "port to listen on; 0 takes a free one", ge=0, le=65535)
    data_dir: Path = _setting(
        Path(".secondwind"), "SECONDWIND_DATA_DIR", "keys, signer state, published checkpoints, embedded database"
    )
    safe_dirs: Words = _setting(
        (),
        "SECONDWIND_SAFE_DIRS",
        "where keys lie that no backup may hold, and the erasure list: two directories on other disks are best; `safe`"
        " in the data directory when unset",
    )
    database_url: str | None = _setting(
        None, "DATABASE_URL", "Postgres 15 or newer; without it the embedded one runs", secret=True
    )
    database_admin_url: str | None = _setting(
        None, "DATABASE_ADMIN_URL", "login that migrates; DATABASE_URL's own when unset", secret=True
    )
    migrate: bool = _setting(
        default=False, env="SECONDWIND_MIGRATE", help_text="bring the schema of DATABASE_URL up to date at start"
    )
    origin: str | None = _setting(
        None, "SECONDWIND_ORIGIN", "the log's name, its public address without scheme, ending in `/ledger`; chosen once"
    )
    mode: Literal["demo", "test", "live"] = _setting(
        "test", "SECONDWIND_MODE", "what the log is born as: `demo`, `test` or `live`"
    )
    time_zone: str = _setting(
        "UTC", "SECONDWIND_TIME_ZONE", "the charity's time zone, in which months are counted; chosen once"
    )
    assets: Words = _setting(("USD/2",), "SECONDWIND_ASSETS", "currencies the books hold, with their decimals")
    recovery_key: str | None = _setting(
        None, "SECONDWIND_RECOVERY_KEY", "verification key of the offline recovery key; chosen once"
    )
    roles: Words = _setting(ROLES, "SECONDWIND_ROLES", "what this process does: `web,worker,publisher,signer`")
    processes: int = _setting(
        1,
        "SECONDWIND_PROCESSES",
        "processes on this database; their pools together must fit its connections",
        ge=1,
        le=64,
    )
    demo_rate: float | None = _setting(
        None, "SECONDWIND_DEMO_RATE", "simulated gifts a second with `--demo`", gt=0, le=2000
    )
    stripe_webhook_secrets: Words = _setting(
        (), "STRIPE_WEBHOOK_SECRETS", "secrets of Stripe's webhook, two while one is replaced", secret=True
    )
    stripe_api_key: str | None = _setting(
        None, "STRIPE_API_KEY", "restricted key that may read balance transactions", secret=True
    )
    stripe_api_base: str | None = _setting(None, "STRIPE_API_BASE", "another address for Stripe's API")
    webhook_tolerance_s: int = _setting(
        300, "SECONDWIND_WEBHOOK_TOLERANCE_S", "how old or early a signature may be", ge=1, le=86400
    )
    webhook_body_bytes_max: int = _setting(
        524_288, "SECONDWIND_WEBHOOK_BODY_BYTES_MAX", "largest webhook body", ge=1024, le=16_777_216
    )
    list_limit_max: int = _setting(200, "SECONDWIND_LIST_LIMIT_MAX", "most entries in one page of a list", ge=1, le=200)
    allowed_origins: Words = _setting(
        (), "SECONDWIND_ALLOWED_ORIGINS", "pages besides our own that may open the websocket"
    )
    trusted_proxies: Words = _setting(
        (), "SECONDWIND_TRUSTED_PROXIES", "addresses whose forwarded headers are believed"
    )
    metrics_token: str | None = _setting(
        None, "SECONDWIND_METRICS_TOKEN", "opens `/metrics` and the operator's `/status` from elsewhere", secret=True
    )
    log_format: Literal["json", "text"] = _setting("json", "SECONDWIND_LOG", "`json` lines, or `text` for people")
    partition_entries: int = _setting(
        4_194_304,
        "SECONDWIND_PARTITION_ENTRIES",
        "entries per table partition, a multiple of 256",
        ge=256,
        multiple_of=256,
    )
    checkpoint_interval_s: float = _setting(
        0.4, "SECONDWIND_CHECKPOINT_INTERVAL_S", "least time between two checkpoints", ge=0.01, le=60
    )

    publish_to: str | None = _setting(
        None, "SECONDWIND_PUBLISH_TO", "directory or `s3://bucket/prefix` that the logs are published to as files"
    )
    witnesses: Path | None = _setting(
        None,
        "SECONDWIND_WITNESSES",
        "policy file (c2sp.org/tlog-policy): witnesses to ask, their quorum, logs to witness",
    )
    witness_interval_s: float = _setting(
        10.0, "SECONDWIND_WITNESS_INTERVAL_S", "least time between two questions to witnesses", ge=0.1, le=3600
    )

    @field_validator("assets")
    @classmethod
    def _known_assets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(matches_asset(asset) for asset in value):
            raise ValueError("give at least one asset such as USD/2 or JPY, separated by commas")
        return value

    @field_validator("roles")
    @classmethod
    def _known_roles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or set(value) - set(ROLES):
            raise ValueError(f"choose from {', '.join(ROLES)}")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("give an IANA name such as America/Denver")
        return value

    @field_validator("publish_to")
    @classmethod
    def _known_place(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and not re.fullmatch(r"s3://[^/\s?#]+(/[^\s?#]*)?", value):
            raise ValueError("give a directory, or s3://bucket/prefix with credentials in the AWS_ variables")
        return value

    @field_validator("origin")
    @classmethod
    def _well_formed_origin(cls, value: str | None) -> str | None:
        if value is not None and (not matches_origin(value) or not re.search(r"[^/]/ledger$", value) or "://" in value):
            raise ValueError(
                "give the public address without scheme, ending in /ledger, such as ledger.example.org/ledger"
            )
        return value

    @classmethod
    def load(cls, flags: Mapping[str, object], environment: Mapping[str, str]) -> Self:
        """Put the settings together. Raises StartRefused for the first wrong one."""
        values: dict[str, object] = {}
        names: dict[str, str] = {}
        for name, field in cls.model_fields.items():
            env = _env(field)
            if (value := flags.get(name)) is not None:
                values[name], names[name] = value, _FLAGS.get(name, f"--{name.replace('_', '-')}")
            elif environment.get(env):
                values[name], names[name] = environment[env], env
            elif path := environment.get(f"{env}_FILE"):
                values[name], names[name] = _read_file(f"{env}_FILE", path), f"{env}_FILE"
        try:
            return cls(**values)  # type: ignore[arg-type]  # pydantic checks them; that is what this call is for
        except ValidationError as error:
            raise _refusal(cls, error, values, names) from None

    def described(self) -> list[tuple[str, str, str]]:
        """(environment name, value with secrets masked, what it is) of every setting."""
        rows = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            shown = ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
            rows.append((_env(field), _MASK if shown and _is_secret(field) else shown, field.description or ""))
        return rows


def _env(field: Any) -> str:  # noqa: ANN401 - pydantic's FieldInfo
    return str(field.json_schema_extra["env"])


def _is_secret(field: Any) -> bool:  # noqa: ANN401 - pydantic's FieldInfo
    return bool(field.json_schema_extra["secret"])


def _read_file(name: str, path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(
            f"{name} names {path}, which cannot be read ({type(error).__name__}).", "Correct the path."
        ) from None
    # A secret that was not mounted must not look like a setting that nobody made.
    if not text:
        raise StartRefused(f"{name} names {path}, which is empty.", "Put the value there, or unset it.")
    return text


def _refusal(
    cls: type[Settings], error: ValidationError, values: Mapping[str, object], names: Mapping[str, str]
) -> StartRefused:
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][0])
    field = cls.model_fields[name]
    shown = _MASK if _is_secret(field) else repr(values[name])
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return StartRefused(f"{names[name]} is {shown}: {message}.", f"Correct it ({field.description}).")
