"""An error of the process is a sentence with its data, and a refusal to start comes with a remedy."""

from __future__ import annotations

from server.errors import ServerError, StartRefused
from server.http.cursors import CursorRefused
from server.http.problems import Problem
from server.identity.tokens import TokenRefused


def test_a_refusal_to_start_is_a_sentence_and_a_remedy() -> None:
    refused = StartRefused("Port 8080 is taken.", "Give another with --port.")
    assert str(refused) == "Port 8080 is taken. Give another with --port."
    assert (refused.sentence, refused.remedy, refused.exit_code) == (
        "Port 8080 is taken.",
        "Give another with --port.",
        2,
    )
    assert str(StartRefused("The directory is not ours.")) == "The directory is not ours."


def test_every_error_of_the_process_is_in_one_tree() -> None:
    assert all(issubclass(kind, ServerError) for kind in (StartRefused, TokenRefused, CursorRefused, Problem))
