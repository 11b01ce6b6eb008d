"""Settings come from the environment once; what makes no sense is refused with a sentence for the operator."""

import stat
from pathlib import Path

import pytest

from medcal import config
from medcal.config import BadSetting, Settings

DATABASE = "postgresql://clinic:secret-password@db.example/medcal"
NAMES = [
    "DATABASE_URL",
    "MEDCAL_URL",
    "MEDCAL_PORT",
    "MEDCAL_SECRET_KEY",
    "N8N_WEBHOOK_URL",
    "N8N_WEBHOOK_SECRET",
    "REDIS_URL",
    "TRUSTED_PROXY_HOPS",
]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", DATABASE)
    monkeypatch.setenv("MEDCAL_HOME", str(tmp_path / "home"))


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # Beside the cache: the other tests keep their own settings.
    return config.settings.__wrapped__()


def test_a_database_is_all_that_has_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch)

    assert (found.url, found.port, found.trusted_proxy_hops) == ("http://localhost:8000", 8000, 0)
    assert found.n8n_webhook_url is None
    assert found.redis_url is None
    assert not found.is_https


def test_the_address_follows_the_port_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, MEDCAL_PORT="9000").url == "http://localhost:9000"
    assert read(monkeypatch, MEDCAL_URL="https://clinic.example/").url == "https://clinic.example"
    assert read(monkeypatch).is_https


def test_every_common_spelling_of_a_postgresql_address_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = DATABASE.removeprefix("postgresql://")

    for scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        assert read(monkeypatch, DATABASE_URL=f"{scheme}://{rest}").database_url == DATABASE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://clinic@db.example/medcal"),
        ("MEDCAL_PORT", "eighty"),
        ("MEDCAL_PORT", "0"),
        ("MEDCAL_PORT", "65536"),
        ("MEDCAL_PORT", "-1"),
        ("MEDCAL_PORT", "٨٠٠٠"),
        ("MEDCAL_URL", "clinic.example"),
        ("MEDCAL_URL", "ftp://clinic.example"),
        ("MEDCAL_URL", "https://clinic.example/medcal"),
        ("MEDCAL_URL", "https://"),
        ("MEDCAL_SECRET_KEY", "too short"),
        ("N8N_WEBHOOK_URL", "n8n.example/webhook"),
        ("TRUSTED_PROXY_HOPS", "11"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        read(monkeypatch, **{name: value})


@pytest.mark.parametrize("secret", ["", "short"])
def test_webhooks_are_not_sent_without_a_proper_secret(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    with pytest.raises(BadSetting, match="N8N_WEBHOOK_SECRET"):
        read(monkeypatch, N8N_WEBHOOK_URL="https://n8n.example/webhook/medcal", N8N_WEBHOOK_SECRET=secret)


def test_settings_can_be_logged_without_giving_anything_away(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "MEDCAL_SECRET_KEY": "k" * 32,
        "N8N_WEBHOOK_SECRET": "w" * 24,
        "REDIS_URL": "redis://:redis-password@r.example",
    }

    shown = repr(read(monkeypatch, N8N_WEBHOOK_URL="https://n8n.example/webhook/x", **secrets))

    assert not [text for text in ("secret-password", "redis-password", "kkkk", "wwww", "webhook") if text in shown]


def test_the_secret_key_is_made_once_and_read_by_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = read(monkeypatch).secret_key, read(monkeypatch).secret_key

    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "home" / "secret-key").stat().st_mode) == 0o600


def test_a_half_written_secret_key_is_reported_rather_than_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "secret-key").write_text("cut off")

    with pytest.raises(BadSetting, match="not complete"):
        read(monkeypatch)
