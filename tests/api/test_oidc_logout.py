"""Signing out in one place signs out in both: at the provider when it happens here, here when it happens there."""

import html
import re
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.edge.cookies import STAFF
from medcal.security import Role, digest, hash_password
from medcal.services import housekeeping, oidc_calls, sessions
from tests.support import provider as lies
from tests.support.factories import PASSWORD, make_user
from tests.support.provider import CLIENT_ID, LOGOUT_EVENT, named, rsa_key, saying

NOW = int(time.time())


def as_of_now(claims):
    """A case was put together when the run began; its moments move along."""
    passed = int(time.time()) - NOW
    return {
        name: value + passed if isinstance(value, int) and value > 10**9 else value for name, value in claims.items()
    }


@pytest.fixture(autouse=True)
def sam(db):
    return make_user(db, password_hash="")


def come_in(browser, provider, sub="auth0|sam", **claims):
    there = browser.get("/auth/oidc/start").headers["location"]
    answer = browser.get(provider.sign_in(there, sub, **claims))
    assert answer.headers["location"] == "/staff"
    return browser.cookies[STAFF]


def is_in(db, cookie):
    return sessions.find_actor(db, digest(cookie), clock.now()) is not None


def tell(browser, token):
    """As the provider calls: from a server, without an Origin and without cookies."""
    answer = browser.post(
        "/auth/oidc/backchannel", {"origin": None, "sec-fetch-site": None, "accept": None}, logout_token=token
    )
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code


# --- Here -------------------------------------------------------------------------------------------------------------


def test_signing_out_here_goes_on_to_the_provider(db, browser, provider):
    cookie = come_in(browser, provider)

    answer = browser.post("/api/sign-out", language="de")

    assert answer.status_code == 200 and "max-age=0" in answer.headers["set-cookie"].lower()
    assert not is_in(db, cookie)
    there = html.unescape(re.search(r'content="0; url=([^"]+)"', answer.text)[1])
    asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
    assert there.startswith(f"{provider.issuer}oidc/logout?")
    assert asked.pop("id_token_hint").count(".") == 2
    assert asked == {
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "http://clinic.test/auth/oidc/logout",
        "state": "de",
    }
    assert "<script" not in answer.text


def test_from_there_one_comes_back_to_the_sign_in(browser, provider):
    assert browser.get("/auth/oidc/logout?state=de").headers["location"] == "/de/sign-in"
    assert browser.get("/auth/oidc/logout").headers["location"] == "/sign-in"
    assert browser.get("/auth/oidc/logout?state=//evil.example").headers["location"] == "/sign-in"


def test_what_a_provider_says_of_itself_is_no_html(browser, provider):
    provider.metadata = {"end_session_endpoint": f'{provider.issuer}"><img src=x>?a=b&c=d'}
    come_in(browser, provider)

    assert "<img" not in browser.post("/api/sign-out").text


@pytest.mark.parametrize("why", ["no such page", "away", "none since"])
def test_where_the_provider_cannot_be_told_signing_out_here_is_enough(db, browser, provider, configured, why):
    if why == "no such page":
        provider.metadata = {"end_session_endpoint": None}
    cookie = come_in(browser, provider)
    if why == "away":
        oidc_calls.forget()
        provider.answers = {"/.well-known/openid-configuration": saying({}, 503)}
    if why == "none since":
        configured(OIDC_ISSUER="")

    answer = browser.post("/api/sign-out")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert not is_in(db, cookie)


def test_what_one_provider_has_said_is_not_shown_to_another(db, browser, provider, configured):
    cookie = come_in(browser, provider)
    with lies.Provider() as another:
        configured(OIDC_ISSUER=another.issuer)

        assert browser.post("/api/sign-out").headers["location"] == "/sign-in"

    assert not is_in(db, cookie)


def test_a_key_that_was_changed_leaves_out_the_hint_alone(db, browser, provider, configured):
    cookie = come_in(browser, provider)
    configured(MEDCAL_SECRET_KEY="another key, since the old one was lost")

    answer = browser.post("/api/sign-out")

    assert "oidc/logout" in answer.text and "id_token_hint" not in answer.text
    assert not is_in(db, cookie)


def test_whoever_came_with_a_password_is_not_sent_to_the_provider(db, browser, provider):
    make_user(db, "Ida Admin", Role.admin)
    browser.post("/api/sign-in", email="ida@clinic.example", password=PASSWORD)

    assert browser.post("/api/sign-out").headers["location"] == "/sign-in"


def test_no_other_site_signs_anybody_out(db, browser, provider):
    cookie = come_in(browser, provider)

    assert browser.post("/api/sign-out", {"origin": "https://evil.example"}).status_code == 403
    assert is_in(db, cookie)


# --- There ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [{}, {"sub": None}, {"sid": None}, {"exp": None}, {"aud": [CLIENT_ID]}, {"iat": NOW - 300, "exp": NOW - 30}],
    ids=named,
)
def test_signed_out_there_is_signed_out_here_at_once(db, new_browser, provider, claims):
    cookie = come_in(new_browser(), provider)

    assert tell(new_browser(), provider.logout_token(**as_of_now(claims))) == 200

    assert not is_in(db, cookie)


def test_open_pages_are_told_to_look(db, new_browser, provider, monkeypatch):
    come_in(new_browser(), provider)
    hints = []
    monkeypatch.setattr("medcal.db._hints", lambda: type("Hints", (), {"give": lambda self: hints.append(1)})())

    tell(new_browser(), provider.logout_token())

    assert hints


def test_one_session_there_is_one_session_here(db, new_browser, provider):
    desk = come_in(new_browser(), provider, sid="at the desk")
    phone = come_in(new_browser(), provider, sid="on the phone")

    tell(new_browser(), provider.logout_token(sid="on the phone"))

    assert is_in(db, desk) and not is_in(db, phone)


def test_a_person_who_is_signed_out_there_is_out_everywhere(db, new_browser, provider):
    make_user(db, "Olga Other", password_hash="")
    others = come_in(new_browser(), provider, "auth0|olga", email="olga@clinic.example", sid="of Olga")
    hers = [come_in(new_browser(), provider, sid=f"session {number}") for number in range(2)]

    tell(new_browser(), provider.logout_token(sid=None))

    assert [is_in(db, cookie) for cookie in (*hers, others)] == [False, False, True]


def test_a_session_of_somebody_else_does_not_end_under_a_name_that_is_not_hers(db, new_browser, provider):
    cookie = come_in(new_browser(), provider)

    tell(new_browser(), provider.logout_token(sub="auth0|eve"))

    assert is_in(db, cookie)


def test_a_session_with_a_password_is_none_of_the_providers_business(db, new_browser, provider):
    browser, other = new_browser(), new_browser()
    come_in(browser, provider)
    fetch(db, "UPDATE staff_user SET password_hash = %(hash)s", hash=hash_password(PASSWORD))
    other.post("/api/sign-in", email="sam@clinic.example", password=PASSWORD)

    tell(new_browser(), provider.logout_token(sid=None))

    assert not is_in(db, browser.cookies[STAFF]) and is_in(db, other.cookies[STAFF])


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example/"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": ["somebody-else"], "azp": CLIENT_ID},
        {"aud": None},
        {"iat": NOW - 3_600},
        {"iat": NOW + 3_600, "exp": NOW + 3_700},
        {"iat": None},
        {"exp": NOW - 3_600},
        {"exp": "never"},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "x" * 300},
        {"events": None},
        {"events": {}},
        {"events": {LOGOUT_EVENT: None}},
        {"events": [LOGOUT_EVENT]},
        {"events": {"http://schemas.openid.net/event/other": {}}},
        {"nonce": "of an ID token"},
        {"sub": None, "sid": None},
        {"sub": 1},
        {"sid": ""},
        {"sid": ["x"]},
        {"sub": "auth0|sam\0"},
    ],
    ids=named,
)
def test_a_logout_token_that_is_none_ends_nothing(db, new_browser, provider, claims):
    cookie = come_in(new_browser(), provider)

    assert tell(new_browser(), provider.logout_token(**as_of_now(claims))) == 400

    assert is_in(db, cookie)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "none"}, None),
        ({"alg": "HS256"}, lambda: rsa_key().as_pem(private=False)),
        ({}, lambda: lies.RSAKey.generate_key(2048, {"kid": "first"})),
        ({"kid": "unknown"}, None),
        ({"typ": "at+jwt"}, None),
    ],
    ids=["not signed", "with the public key", "by a stranger", "with an unknown key", "another kind"],
)
def test_a_logout_token_that_the_provider_has_not_signed_ends_nothing(db, new_browser, provider, header, key):
    cookie = come_in(new_browser(), provider)

    assert tell(new_browser(), provider.logout_token(header=header, key=key and key())) == 400

    assert is_in(db, cookie)


def test_an_id_token_is_no_logout_token(db, new_browser, provider):
    cookie = come_in(new_browser(), provider)
    token = provider.id_token({"sub": "auth0|sam", "nonce": "x"}, "access")

    assert tell(new_browser(), token) == 400
    assert is_in(db, cookie)


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 17_000, "é", "\0"])
def test_nonsense_is_refused(new_browser, provider, token):
    assert tell(new_browser(), token) in (400, 422)


def test_a_logout_is_told_once(db, new_browser, provider):
    token = provider.logout_token(jti="the same")
    assert tell(new_browser(), token) == 200
    cookie = come_in(new_browser(), provider, sid="later")

    assert tell(new_browser(), token) == 400
    assert tell(new_browser(), provider.logout_token(jti="the same", sid="later")) == 400
    assert is_in(db, cookie)


def test_a_logout_is_remembered_for_as_long_as_it_would_be_believed(db, new_browser, provider):
    token = provider.logout_token(exp=None)
    tell(new_browser(), token)
    now = clock.now()

    housekeeping.tidy(db, now + timedelta(minutes=12))
    assert tell(new_browser(), token) == 400

    housekeeping.tidy(db, now + timedelta(days=2))
    assert fetch_one(db, "SELECT count(*) AS kept FROM provider_logout").kept == 0


def test_a_sign_in_that_a_logout_overtakes_comes_to_nothing(db, new_browser, provider):
    browser = new_browser()
    there = browser.get("/auth/oidc/start").headers["location"]
    back = provider.sign_in(there, sid="ended meanwhile")
    tell(new_browser(), provider.logout_token(sid="ended meanwhile"))

    assert browser.get(back).headers["location"] == "/sign-in?failed=stale"
    assert STAFF not in browser.cookies


def test_new_keys_are_noticed_by_a_logout_too(db, new_browser, provider, monkeypatch):
    cookie = come_in(new_browser(), provider)
    monkeypatch.setattr(oidc_calls, "FRESH_KEYS_AT_MOST", timedelta(0))
    provider.keys = [rsa_key("second").as_dict(private=False)]

    assert tell(new_browser(), provider.logout_token(header={"kid": "second"}, key=rsa_key("second"))) == 200
    assert not is_in(db, cookie)


def test_nothing_is_left_of_a_way_that_nobody_came_back_from(db, browser, provider):
    browser.get("/auth/oidc/start")

    housekeeping.tidy(db, clock.now() + timedelta(minutes=11))

    assert fetch(db, "SELECT id FROM provider_sign_in") == []
