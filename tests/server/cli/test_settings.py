"""A subcommand's flags become settings."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from server.cli.settings import load
from tests.server.cli.command_line import run


def test_flags_that_are_settings_are_taken_and_others_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECONDWIND_PORT", "9")
    monkeypatch.setenv("SECONDWIND_MODE", "live")
    settings = load(Namespace(run=print, port=None, host="::1", demo=False, state="new"))
    assert (settings.port, settings.host, settings.mode) == (9, "::1", "live")


def test_demo_is_a_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECONDWIND_MODE", raising=False)
    assert load(Namespace(demo=True)).mode == "demo"
    assert load(Namespace()).mode == "test"


def test_config_shows_every_setting_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_from_file\n")
    environment = {"STRIPE_API_KEY": "rk_secret", "STRIPE_WEBHOOK_SECRETS_FILE": str(tmp_path / "secret")}
    done = run("config", "--data-dir", str(tmp_path), **environment)
    assert "rk_secret" not in done.stdout
    assert "whsec" not in done.stdout
    assert str(tmp_path) in done.stdout
