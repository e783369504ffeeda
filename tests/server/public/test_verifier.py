"""The verifier is served byte for byte, and where there is none that is said."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from server.public.verifier import SCRIPT, Verifier
from tests.server.http.serving import assert_problem, serving


async def test_it_is_the_file_itself_and_pages_of_others_may_read_it() -> None:
    """A15: a second publisher compares the SHA-256."""
    async with serving(Verifier.of().routes()) as edge:
        answer = await edge.get("/verify.py", Accept_Encoding="identity")
        again = await edge.get("/verify.py", Accept_Encoding="identity", If_None_Match=answer.headers["etag"])
    assert sha256(answer.body).digest() == sha256(SCRIPT.read_bytes()).digest()
    assert answer.content_type == "text/x-python; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert again.status == 304


async def test_a_new_file_is_served_from_the_next_start_on(tmp_path: Path) -> None:
    script = tmp_path / "verify.py"
    script.write_text("one")
    verifier = Verifier.of(script)
    script.write_text("two")
    async with serving(verifier.routes()) as edge:
        assert (await edge.get("/verify.py", Accept_Encoding="identity")).body == b"one"


async def test_an_installation_without_it_says_where_it_is(tmp_path: Path) -> None:
    async with serving(Verifier.of(tmp_path / "verify.py").routes()) as edge:
        assert_problem(await edge.get("/verify.py"), 404, "not-found")
