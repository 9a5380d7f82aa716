"""Settings come from the environment; a wrong one names its variable and the remedy."""

import pytest

from engine.errors import UsageError
from outdial.settings import Settings


def test_defaults() -> None:
    settings = Settings()
    assert settings.bootstrap_servers() == "127.0.0.1:19092"
    assert settings.cache_dir() == settings.home / "cache"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTDIAL_BOOTSTRAP", "kafka-1:9092,kafka-2:9092")
    monkeypatch.setenv("OUTDIAL_CLOCK", "")
    assert Settings().bootstrap_servers() == "kafka-1:9092,kafka-2:9092"
    assert Settings().clock is None


def test_the_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTDIAL_WEBHOOK_SECRET", "whsec_abc")
    settings = Settings()
    assert "whsec_abc" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.webhook_secret is not None
    assert settings.webhook_secret.get_secret_value() == "whsec_abc"


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("broker_port", "32767", "1024 to 32766"),
        ("broker_port", "x", "1024 to 32766"),
        ("partitions", "0", "unset it for 8"),
        ("bootstrap", "kafka", "host:port"),
        ("provider_url", "127.0.0.1", "http://host:port"),
        ("webhook_port", "19093", "choose another port"),
    ],
)
def test_a_wrong_value_names_variable_and_remedy(monkeypatch: pytest.MonkeyPatch, name: str, value: str, remedy: str) -> None:
    monkeypatch.setenv(f"OUTDIAL_{name.upper()}", value)
    with pytest.raises(UsageError) as error:
        Settings()
    assert f"OUTDIAL_{name.upper()} is " in str(error.value)
    assert remedy in str(error.value)
