"""Progress is for people at a terminal: nothing of it lands in a file or a pipe."""

from __future__ import annotations

import io

import pytest

from server.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_one_line_that_replaces_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    show = progress.counter("public")
    for done in range(1000):
        show(done, 1000)
    progress.line("")
    shown = screen.getvalue().split("\r\033[K")
    assert shown[1] == "public: 0 of 1000 entries"
    assert len(shown) < 100, "it is not written for every entry"
    assert shown[-1] == ""


def test_a_pipe_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr("sys.stderr", pipe)
    progress.counter("public")(1, 2)
    assert pipe.getvalue() == ""
