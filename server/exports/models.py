"""What exports take as input. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from server.http.inputs import Parameters, Position
from server.public.models import Size


class ExportQuery(Parameters):
    """Entries `from` to `to` - 1."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=False, validate_by_alias=True)

    from_: Annotated[Position, Field(alias="from", description="The first entry. Absent: 0.")] = 0
    to: Annotated[Size | None, Field(description="The entry behind the last. Absent: as many as are signed.")] = None
