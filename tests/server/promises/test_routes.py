"""The route of promises: what it takes, and what it says when there is none; the rest is in test_maker.py."""

from __future__ import annotations

from typing import cast

import pytest

from server.promises.maker import KeyNotVouched, PromiseMaker
from server.promises.routes import routes
from tests.server.http.serving import assert_problem, serving
from tests.server.promises.files import NONCE, Made


class Maker:
    """Stands for the books."""

    async def of(self, payment: str, nonce: str) -> dict[str, object] | None:
        if payment == "early":
            raise KeyNotVouched("not yet")
        return Made().document() if (payment, nonce) == ("pi_1", NONCE) else None


ROUTES = routes(cast("PromiseMaker", Maker()))


async def test_the_file_is_given_and_no_cache_keeps_it() -> None:
    async with serving(ROUTES) as edge:
        answer = await edge.request("POST", "/api/v1/promises", json={"payment": "pi_1", "nonce": NONCE})
    assert (answer.status, answer.json()) == (200, Made().document())
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("asked", "status", "slug"),
    [
        ({"payment": "pi_2", "nonce": NONCE}, 404, "promise-none"),
        ({"payment": "early", "nonce": NONCE}, 503, "unavailable"),
        ({"payment": "pi_1", "nonce": "x" * 15}, 400, "invalid-input"),
        ({"payment": "pi_1", "nonce": "x" * 256}, 400, "invalid-input"),
        ({"payment": "", "nonce": NONCE}, 400, "invalid-input"),
        ({"payment": "pi_1"}, 400, "invalid-input"),
        ({"payment": "pi_1", "nonce": NONCE, "who": "me"}, 400, "invalid-input"),
        ({"payment": ["pi_1"], "nonce": NONCE}, 400, "invalid-input"),
        ([], 400, "invalid-input"),
    ],
)
async def test_everything_else_is_a_problem(asked: object, status: int, slug: str) -> None:
    async with serving(ROUTES) as edge:
        answer = await edge.request("POST", "/api/v1/promises", json=asked)
    assert NONCE not in assert_problem(answer, status, slug)["detail"]
