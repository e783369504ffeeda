"""The shapes of the public side refuse what they do not describe."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from server.public.models import LIMIT_DEFAULT, AtPosition, FundAsset, LedgerQuery


def test_a_query_that_says_nothing_asks_for_the_newest_page() -> None:
    query = LedgerQuery.model_validate({})
    assert (query.limit, query.before) == (LIMIT_DEFAULT, None)


def test_the_limits_stand_in_the_schema() -> None:
    limit = LedgerQuery.model_json_schema()["properties"]["limit"]
    assert (limit["type"], limit["minimum"], limit["maximum"], limit["default"]) == ("integer", 1, 200, LIMIT_DEFAULT)
    position = AtPosition.model_json_schema()["properties"]["position"]
    assert (position["minimum"], position["maximum"]) == (0, 2**53 - 1)


@pytest.mark.parametrize("amount", ["1.5", "01", "-0x1", "", "1e3", "--1"])
def test_an_amount_is_whole_minor_units(amount: str) -> None:
    with pytest.raises(ValidationError):
        FundAsset(asset="USD/2", received_minor=amount, fees_minor="0", available_minor="0")
