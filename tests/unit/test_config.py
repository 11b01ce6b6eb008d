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
    "MEDCAL_DATA_KEY",
    "MEDCAL_DATA_KEYS_BEFORE",
    "N8N_WEBHOOK_URL",
    "N8N_WEBHOOK_URL_OFFER_MADE",
    "N8N_WEBHOOK_SECRET",
    "N8N_CALLBACK_SECRET",
    "WEBHOOK_ALLOW_PRIVATE",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_USER",
    "SMTP_PASSWORD",
    "SMTP_FROM",
    "SMTP_SECURITY",
    "SMTP_ALLOW_PLAIN",
    "REDIS_URL",
    "TRUSTED_PROXY_HOPS",
    "SECOND_STEP",
    "SESSION_HOURS",
    "SESSION_IDLE_MINUTES",
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
        ("MEDCAL_DATA_KEY", "too short"),
        ("MEDCAL_DATA_KEY", "d" * 32 + " " + "e" * 32),
        ("MEDCAL_DATA_KEYS_BEFORE", "d" * 32 + " too-short"),
        ("N8N_WEBHOOK_URL", "n8n.example/webhook"),
        ("N8N_WEBHOOK_URL", "https://"),
        ("N8N_WEBHOOK_URL_OFFER_MADE", "n8n.example/webhook"),
        ("N8N_CALLBACK_SECRET", "short"),
        ("WEBHOOK_ALLOW_PRIVATE", "yes"),
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


SECRET = "w" * 24


@pytest.mark.parametrize(
    "url",
    [
        "http://n8n.example/webhook",
        "https://10.1.2.3/webhook",
        "https://localhost/webhook",
        "https://[::1]:5678/webhook",
    ],
)
def test_letters_leave_encrypted_and_for_public_addresses_unless_the_clinic_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    with pytest.raises(BadSetting, match="WEBHOOK_ALLOW_PRIVATE=1"):
        read(monkeypatch, N8N_WEBHOOK_URL=url, N8N_WEBHOOK_SECRET=SECRET)

    assert read(monkeypatch, WEBHOOK_ALLOW_PRIVATE="1").n8n_webhook_url == url


def test_a_kind_of_message_may_have_an_address_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    all_urls = {"N8N_WEBHOOK_URL": "https://n8n.example/all", "N8N_WEBHOOK_URL_OFFER_MADE": "https://n8n.example/offer"}

    found = read(monkeypatch, **all_urls, N8N_WEBHOOK_SECRET=SECRET)

    assert found.webhook_url("offer.made") == "https://n8n.example/offer"
    assert found.webhook_url("offer.taken") == "https://n8n.example/all"
    assert not found.keeps_messages


def test_callbacks_are_expected_where_they_have_a_secret_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read(monkeypatch, N8N_WEBHOOK_SECRET=SECRET).expects_callbacks
    assert read(monkeypatch).n8n_callback_secret == SECRET.encode()

    found = read(monkeypatch, N8N_CALLBACK_SECRET="c" * 24)

    assert (found.expects_callbacks, found.n8n_callback_secret) == (True, b"c" * 24)


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465)])
def test_a_mail_server_needs_a_name_and_a_sender(monkeypatch: pytest.MonkeyPatch, security: str, port: int) -> None:
    sender = '"The clinic" <desk@clinic.example>'

    found = read(monkeypatch, SMTP_HOST="mail.example", SMTP_FROM=sender, SMTP_SECURITY=security).smtp

    assert found
    assert (found.host, found.port, found.sender, found.security) == ("mail.example", port, sender, security)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SMTP_FROM": ""}, "SMTP_FROM"),
        ({"SMTP_FROM": "the clinic"}, "SMTP_FROM"),
        ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY"),
        ({"SMTP_SECURITY": "none"}, "SMTP_ALLOW_PLAIN"),
        ({"SMTP_PORT": "smtp"}, "SMTP_PORT"),
    ],
)
def test_a_mail_server_that_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], named: str
) -> None:
    with pytest.raises(BadSetting, match=named):
        read(monkeypatch, **{"SMTP_HOST": "mail.example", "SMTP_FROM": "desk@clinic.example"} | change)


def test_plain_mail_is_for_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"SMTP_FROM": "desk@clinic.example", "SMTP_SECURITY": "none"}

    assert read(monkeypatch, SMTP_HOST="127.0.0.1", **plain).smtp
    assert read(monkeypatch, SMTP_HOST="mail.example", SMTP_ALLOW_PLAIN="1", **plain).smtp


def test_settings_can_be_logged_without_giving_anything_away(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "MEDCAL_SECRET_KEY": "k" * 32,
        "MEDCAL_DATA_KEY": "d" * 32,
        "N8N_WEBHOOK_SECRET": "w" * 24,
        "N8N_CALLBACK_SECRET": "c" * 24,
        "SMTP_HOST": "mail.example",
        "SMTP_FROM": "desk@clinic.example",
        "SMTP_PASSWORD": "smtp-password",
        "REDIS_URL": "redis://:redis-password@r.example",
    }

    shown = repr(
        read(
            monkeypatch,
            N8N_WEBHOOK_URL="https://n8n.example/webhook/x",
            N8N_WEBHOOK_URL_CODE="https://n8n.example/code",
            **secrets,
        )
    )

    assert not [
        text
        for text in (
            "secret-password",
            "redis-password",
            "smtp-password",
            "kkkk",
            "dddd",
            "wwww",
            "cccc",
            "n8n.example",
        )
        if text in shown
    ]


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


def test_sessions_last_as_long_as_their_role_bears_unless_something_else_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = read(monkeypatch)
    assert (found.session_hours, found.second_step) == (12, "nobody")
    assert found.idle_minutes == {"admin": 30, "reception": 240, "doctor": 120}

    found = read(monkeypatch, SESSION_HOURS="8", SESSION_IDLE_MINUTES="admin=15, doctor=60", SECOND_STEP="everybody")
    assert (found.session_hours, found.second_step) == (8, "everybody")
    assert found.idle_minutes == {"admin": 15, "reception": 240, "doctor": 60}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECOND_STEP", "admin"),
        ("SESSION_HOURS", "0"),
        ("SESSION_HOURS", "forever"),
        ("SESSION_IDLE_MINUTES", "30"),
        ("SESSION_IDLE_MINUTES", "patient=30"),
        ("SESSION_IDLE_MINUTES", "admin=4"),
        ("SESSION_IDLE_MINUTES", "admin=99999"),
        ("SESSION_IDLE_MINUTES", "admin=-5"),
    ],
)
def test_settings_of_sessions_that_make_no_sense_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(BadSetting, match=name):
        read(monkeypatch, **{name: value})
