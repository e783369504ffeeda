"""Settings: flag over environment over file over default; a wrong one is a sentence; a secret is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import StartRefused
from server.settings import Settings

SECRETS = {
    "DATABASE_URL": "postgres://ada:swordfish@db/x",
    "DATABASE_ADMIN_URL": "postgres://root:swordfish@db/x",
    "STRIPE_API_KEY": "rk_live_swordfish",
    "STRIPE_WEBHOOK_SECRETS": "whsec_swordfish,whsec_swordfish2",
    "SECONDWIND_METRICS_TOKEN": "swordfish",
}


def test_without_anything_the_defaults_hold() -> None:
    settings = Settings.load({}, {})
    assert (settings.host, settings.port, settings.mode) == ("127.0.0.1", 8080, "test")
    assert settings.database_url is None
    assert settings.roles == ("web", "worker", "publisher", "signer")


def test_a_flag_wins_over_the_environment_and_that_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("3\n")
    from_file = {"SECONDWIND_PORT_FILE": str(tmp_path / "port")}
    from_both = {**from_file, "SECONDWIND_PORT": "2"}
    assert Settings.load({}, from_file).port == 3
    assert Settings.load({}, from_both).port == 2
    assert Settings.load({"port": 1}, from_both).port == 1
    assert Settings.load({"port": None}, from_both).port == 2


def test_every_setting_can_come_from_a_file(tmp_path: Path) -> None:
    for name, _, _ in Settings.load({}, {}).described():
        path = tmp_path / name
        path.write_text("\x00never valid\n")
        try:
            Settings.load({}, {f"{name}_FILE": str(path)})
        except StartRefused as refused:
            assert f"{name}_FILE is " in str(refused)  # noqa: PT017 - many of them take any text


def test_an_empty_variable_is_no_setting() -> None:
    assert Settings.load({}, {"DATABASE_URL": "", "SECONDWIND_PORT": ""}) == Settings.load({}, {})


def test_lists_are_separated_by_commas() -> None:
    settings = Settings.load({}, {"SECONDWIND_ASSETS": "USD/2, JPY ,KWD/3,", "STRIPE_WEBHOOK_SECRETS": "whsec_a"})
    assert settings.assets == ("USD/2", "JPY", "KWD/3")
    assert settings.stripe_webhook_secrets == ("whsec_a",)


@pytest.mark.parametrize(
    ("flags", "environment", "says"),
    [
        ({}, {"SECONDWIND_PORT": "abc"}, "SECONDWIND_PORT is 'abc': it should be a valid integer"),
        ({}, {"SECONDWIND_PORT": "65536"}, "SECONDWIND_PORT is '65536': it should be less than or equal to 65535"),
        ({"port": -1}, {}, "--port is -1: it should be greater than or equal to 0"),
        ({"demo_rate": 0.0}, {}, "--rate is 0.0: it should be greater than 0"),
        ({"log_format": "loud"}, {}, "--log is 'loud': it should be 'json' or 'text'"),
        ({}, {"SECONDWIND_DEMO_RATE": "inf"}, "SECONDWIND_DEMO_RATE is 'inf'"),
        ({}, {"SECONDWIND_CHECKPOINT_INTERVAL_S": "nan"}, "SECONDWIND_CHECKPOINT_INTERVAL_S is 'nan'"),
        ({}, {"SECONDWIND_PARTITION_ENTRIES": "300"}, "multiple of 256"),
        ({}, {"SECONDWIND_MIGRATE": "perhaps"}, "SECONDWIND_MIGRATE is 'perhaps'"),
        ({}, {"SECONDWIND_MODE": "wild"}, "'demo', 'test' or 'live'"),
        ({}, {"SECONDWIND_ASSETS": "dollars"}, "such as USD/2"),
        ({}, {"SECONDWIND_ASSETS": ","}, "at least one asset"),
        ({}, {"SECONDWIND_ROLES": "web,cook"}, "choose from web, worker"),
        ({}, {"SECONDWIND_TIME_ZONE": "Mars/Olympus"}, "IANA name"),
        ({}, {"SECONDWIND_ORIGIN": "https://a.example/ledger"}, "without scheme"),
        ({}, {"SECONDWIND_ORIGIN": "a.example/books"}, "ending in /ledger"),
        ({}, {"SECONDWIND_PUBLISH_TO": "ftp://a.example/files"}, "s3://bucket/prefix"),
        ({}, {"SECONDWIND_PUBLISH_TO": "s3:///files"}, "s3://bucket/prefix"),
    ],
)
def test_a_wrong_value_is_a_sentence_with_name_value_and_remedy(
    flags: dict[str, object], environment: dict[str, str], says: str
) -> None:
    with pytest.raises(StartRefused) as refused:
        Settings.load(flags, environment)
    assert says in str(refused.value)
    assert refused.value.remedy.startswith("Correct it (")
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_or_is_empty_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match=r"STRIPE_API_KEY_FILE names .*cannot be read \(FileNotFoundError\)"):
        Settings.load({}, {"STRIPE_API_KEY_FILE": str(tmp_path / "nothing")})
    (tmp_path / "empty").write_text(" \n")
    with pytest.raises(StartRefused, match=r"DATABASE_URL_FILE names .*which is empty"):
        Settings.load({}, {"DATABASE_URL_FILE": str(tmp_path / "empty")})


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = Settings.load({}, SECRETS)
    rows = {name: value for name, value, _ in settings.described()}
    assert {rows[name] for name in SECRETS} == {"…"}
    assert "swordfish" not in str(settings.described())


def test_a_wrong_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(StartRefused) as refused:
        Settings.load({"stripe_api_key": ["swordfish"]}, {})
    assert "--stripe-api-key is …" in str(refused.value)
    assert "swordfish" not in str(refused.value)


def test_no_two_settings_share_a_name() -> None:
    names = [name for name, _, _ in Settings.load({}, {}).described()]
    assert len(names) == len(set(names)) == len(Settings.model_fields)
