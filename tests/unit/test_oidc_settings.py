"""The settings of a provider of identity: what makes no sense, or would be unsafe, is refused at the start."""

import pytest

from medcal import config
from medcal.config import BadSetting, Settings
from medcal.security import Role

AUTH0 = {
    "OIDC_ISSUER": "https://clinic.eu.auth0.com/",
    "OIDC_CLIENT_ID": "an id",
    "OIDC_CLIENT_SECRET": "a placeholder",
}


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # Beside the cache: the other tests keep their own settings.
    return config.settings.__wrapped__()


def test_without_an_issuer_there_is_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, OIDC_CLIENT_ID="an id")

    assert found.oidc is None
    assert found.keeps_local_accounts


def test_three_settings_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, **AUTH0).oidc

    assert found is not None
    assert found.issuer == "https://clinic.eu.auth0.com/"
    assert (found.name, found.scopes) == ("clinic.eu.auth0.com", "openid profile email")
    assert (found.admits, found.roles_claim, found.allow_private, found.trusts_email) == ("invited", "", False, False)


def test_the_secret_is_in_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a placeholder" not in repr(read(monkeypatch, **AUTH0))


def test_roles_are_called_as_the_provider_calls_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, **AUTH0, OIDC_ROLES=" front desk=reception, ou=chief = admin,")

    assert found.oidc is not None
    assert found.oidc.roles == {"front desk": "reception", "ou=chief": "admin"}


def test_without_names_of_its_own_the_roles_are_called_as_here(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, **AUTH0).oidc

    assert found is not None
    assert found.roles == {str(role): str(role) for role in Role}


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9100/", "http://localhost:9100", "http://[::1]:9100/"])
def test_a_provider_on_this_machine_needs_no_certificate(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    found = read(monkeypatch, **AUTH0 | {"OIDC_ISSUER": issuer}).oidc

    assert found is not None
    assert found.allow_private


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("OIDC_ISSUER", "http://clinic.example/", "https"),
        ("OIDC_ISSUER", "http://127.0.0.1.evil.example/", "https"),
        ("OIDC_ISSUER", "clinic.eu.auth0.com", "OIDC_ISSUER"),
        ("OIDC_ISSUER", "https://user:password@clinic.example/", "OIDC_ISSUER"),
        ("OIDC_ISSUER", "https://clinic.example/?a=b", "OIDC_ISSUER"),
        ("OIDC_ISSUER", "https://[::1", "OIDC_ISSUER"),
        ("OIDC_CLIENT_ID", "", "OIDC_CLIENT_ID"),
        ("OIDC_CLIENT_SECRET", "", "OIDC_CLIENT_SECRET"),
        ("OIDC_SCOPES", "profile email", "openid"),
        ("OIDC_ROLES", "front-desk=boss", "OIDC_ROLES"),
        ("OIDC_ROLES", "admin", "OIDC_ROLES"),
        ("OIDC_ADMITS", "everybody", "OIDC_ADMITS"),
        ("OIDC_ADMITS", "roles", "OIDC_ROLES_CLAIM"),
        ("OIDC_LOCAL_ACCOUNTS", "no", "OIDC_LOCAL_ACCOUNTS"),
        ("OIDC_ALLOW_PRIVATE", "yes", "OIDC_ALLOW_PRIVATE"),
        ("OIDC_TRUST_EMAIL", "yes", "OIDC_TRUST_EMAIL"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, why: str
) -> None:
    with pytest.raises(BadSetting, match=why):
        read(monkeypatch, **AUTH0 | {setting: value})


def test_passwords_are_not_given_up_without_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSetting, match="nobody could sign in"):
        read(monkeypatch, OIDC_LOCAL_ACCOUNTS="off")

    assert not read(monkeypatch, **AUTH0, OIDC_LOCAL_ACCOUNTS="off").keeps_local_accounts
