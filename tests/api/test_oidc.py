"""Signing in at a provider of identity, with one that tells the truth, and with one that lies in every way it can."""

import logging
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlmodel import select

from medcal import clock
from medcal.api import oidc
from medcal.db import fetch, fetch_one
from medcal.edge.cookies import STAFF, WAY
from medcal.models import StaffIdentity, StaffUser
from medcal.security import Role, digest
from medcal.services import oidc_calls, posting, sessions
from tests.support import provider as lies
from tests.support.factories import PASSWORD, make_user
from tests.support.provider import CLIENT_ID, CLIENT_SECRET, ec_key, named, rsa_key, saying, signed

NOW = int(time.time())


@pytest.fixture(autouse=True)
def sam(db):
    """Invited by an admin, and not yet come."""
    return make_user(db, password_hash="")


def set_out(browser, **query):
    answer = browser.get(f"/auth/oidc/start?{urlencode(query)}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def come_back(browser, provider, sub="auth0|sam", more="", **claims):
    return browser.get(provider.sign_in(set_out(browser), sub, **claims) + more)


def number_of_sessions(db):
    return fetch_one(db, "SELECT count(*) AS sessions FROM session").sessions


def assert_refused(db, browser, answer, why):
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?failed={why}")
    assert STAFF not in browser.cookies
    assert number_of_sessions(db) == 0
    assert db.exec(select(StaffIdentity)).all() == []


# --- The truth --------------------------------------------------------------------------------------------------------


def test_somebody_invited_signs_in_and_lands_in_the_calendar(db, browser, provider, sam):
    answer = come_back(browser, provider)

    assert (answer.status_code, answer.headers["location"]) == (303, "/staff")
    assert answer.headers["cache-control"] == "no-store"
    actor = sessions.find_actor(db, digest(browser.cookies[STAFF]), clock.now())
    assert (actor.id, actor.name, actor.role) == (sam.id, "Sam Stern", "reception")
    assert WAY not in browser.cookies


def test_the_way_there_asks_for_all_that_protects_the_way_back(browser, provider):
    address = set_out(browser)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    assert address.startswith(f"{provider.issuer}authorize?")
    assert asked.pop("state") != asked.pop("nonce") != asked.pop("code_challenge")
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": "http://clinic.test/auth/oidc/callback",
        "scope": "openid profile email",
        "code_challenge_method": "S256",
    }
    assert CLIENT_SECRET not in address


def test_no_script_reads_the_cookie_of_the_way_and_it_is_bound_to_this_host(browser, provider, configured):
    configured(MEDCAL_URL="https://clinic.test")

    cookie = browser.get("/auth/oidc/start").headers["set-cookie"]

    assert cookie.startswith(f"__Host-{WAY}=")
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"))


def test_nothing_secret_of_a_way_is_kept(db, browser, provider):
    asked = parse_qs(urlsplit(set_out(browser)).query)
    [row] = fetch(db, "SELECT * FROM provider_sign_in")

    kept = " ".join(str(value) for value in row)
    assert not [value for name in ("state", "nonce", "code_challenge") for value in asked[name] if value in kept]
    assert browser.cookies[WAY] not in kept


def test_the_page_that_was_wanted_comes_in_the_language_that_was_spoken(browser, provider):
    there = set_out(browser, next="/de/staff/messages", language="de")
    assert browser.get(provider.sign_in(there)).headers["location"] == "/de/staff/messages"

    assert browser.get(provider.sign_in(set_out(browser, language="de"))).headers["location"] == "/de/staff"
    assert browser.get("/auth/oidc/callback?state=unknown&language=de").headers["location"] == "/sign-in?failed=stale"


@pytest.mark.parametrize("wanted", ["https://evil.example/staff", "//evil.example", "/appointment", "/staff\r\nX: y"])
def test_it_leads_nowhere_but_to_pages_of_the_staff(browser, provider, wanted):
    assert browser.get(provider.sign_in(set_out(browser, next=wanted))).headers["location"] == "/staff"


def test_two_windows_may_be_on_their_way_at_once(browser, provider):
    first, second = set_out(browser), set_out(browser)

    assert browser.get(provider.sign_in(second)).headers["location"] == "/staff"
    # The first has ended with the second: the browser is signed in, and its cookie for the way is gone.
    assert browser.get(provider.sign_in(first)).headers["location"] == "/sign-in?failed=stale"


def test_signing_in_again_is_a_new_session_in_place_of_the_old_one(db, browser, provider):
    come_back(browser, provider)
    first = browser.cookies[STAFF]
    come_back(browser, provider)

    assert browser.cookies[STAFF] != first
    assert number_of_sessions(db) == 1


def test_an_ec_key_and_basic_authentication_do_as_well(db, browser, provider, monkeypatch):
    provider.keys, provider.key = [ec_key("first").as_dict(private=False)], ec_key("first")
    provider.header, provider.claims = {"alg": "ES256"}, {"aud": [CLIENT_ID]}
    provider.metadata = {"token_endpoint_auth_methods_supported": None}
    seen = []
    post = posting.post
    monkeypatch.setattr(
        posting,
        "post",
        lambda url, headers, body, **more: (
            seen.append((headers, body))
            or post(url, headers, body + f"&client_secret={CLIENT_SECRET}".encode(), **more)
        ),
    )

    assert come_back(browser, provider).headers["location"] == "/staff"
    [(headers, body)] = seen
    assert headers["authorization"].startswith("Basic ")
    assert CLIENT_SECRET.split()[-1].encode() not in body


def test_what_the_id_token_lacks_is_asked_of_userinfo(db, browser, provider, sam):
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {"email": "sam@clinic.example", "email_verified": True}

    assert come_back(browser, provider).headers["location"] == "/staff"
    assert db.exec(select(StaffIdentity.staff_user_id)).one() == sam.id


def test_roles_may_come_from_userinfo(db, browser, provider, configured):
    configured(OIDC_ROLES_CLAIM="roles", OIDC_ROLES="chief=admin")
    provider.userinfo = {"roles": ["chief", "reception"], "name": "Somebody Else", "sid": "another"}

    come_back(browser, provider)

    assert sessions.find_actor(db, digest(browser.cookies[STAFF]), clock.now()).role == "admin"
    assert fetch_one(db, "SELECT sid FROM provider_session").sid == "a session there"


def test_clocks_may_be_a_minute_apart(browser, provider):
    now = int(time.time())
    provider.claims = {"iat": now + 45, "exp": now + 45}

    assert come_back(browser, provider).headers["location"] == "/staff"


def test_discovery_and_keys_are_asked_for_once(browser, provider):
    for _ in range(3):
        come_back(browser, provider)

    assert sorted(set(provider.asked)) == ["/.well-known/openid-configuration", "/jwks", "/oauth/token"]
    assert [provider.asked.count(path) for path in ("/.well-known/openid-configuration", "/jwks")] == [1, 1]


def test_new_keys_of_the_provider_are_noticed_at_once(browser, provider, monkeypatch):
    come_back(browser, provider)
    monkeypatch.setattr(oidc_calls, "FRESH_KEYS_AT_MOST", oidc_calls.FRESH_KEYS_AT_MOST * 0)
    provider.key = rsa_key("second")
    provider.keys, provider.header = [provider.key.as_dict(private=False)], {"kid": "second"}

    assert come_back(browser, provider).headers["location"] == "/staff"
    assert provider.asked.count("/jwks") == 2


@pytest.mark.parametrize(
    ("other", "why"), [({"use": "enc"}, None), ({"alg": "PS256"}, None), ({}, "provider")], ids=["use", "alg", "none"]
)
def test_a_token_that_names_no_key_is_read_where_there_is_no_choice(browser, provider, other, why):
    provider.header = {"kid": None}
    provider.keys.append(rsa_key("second").as_dict(private=False) | other)

    assert come_back(browser, provider).headers["location"] == (f"/sign-in?failed={why}" if why else "/staff")


def test_unknown_keys_do_not_make_us_ask_again_and_again(db, browser, provider):
    provider.header = {"kid": "nobody's"}
    for _ in range(4):
        assert_refused(db, browser, come_back(browser, provider), "provider")

    assert provider.asked.count("/jwks") == 1


def test_without_a_provider_in_the_settings_there_is_nothing(browser):
    for path in ("/auth/oidc/start", "/auth/oidc/callback?state=x&code=y"):
        assert browser.get(path).status_code == 404
    assert browser.post("/auth/oidc/backchannel", logout_token="a.b.c").status_code == 404


def test_where_passwords_are_given_up_nobody_signs_in_with_one(db, browser, provider, configured):
    make_user(db, "Ida Admin", Role.admin)
    configured(OIDC_LOCAL_ACCOUNTS="off")

    answer = browser.post("/api/sign-in", email="ida@clinic.example", password=PASSWORD)

    assert answer.headers["location"] == "/sign-in?failed=refused"
    assert come_back(browser, provider).headers["location"] == "/staff"


# --- Lies in the ID token ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example/"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": "somebody-else", "azp": CLIENT_ID},
        {"aud": ["somebody-else"], "azp": CLIENT_ID},
        {"aud": [CLIENT_ID, "somebody-else"]},
        {"aud": [CLIENT_ID, "somebody-else"], "azp": "somebody-else"},
        {"azp": "somebody-else"},
        {"aud": {CLIENT_ID: 1}},
        {"aud": None},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": ["x"]},
        {"exp": NOW - 120},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"iat": NOW + 9_000, "exp": NOW + 9_600},
        {"iat": NOW - 9_000},
        {"iat": None},
        {"iat": "now"},
        {"nbf": NOW + 9_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"sub": "x" * 256},
        {"sub": "auth0|sam\0"},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"events": {lies.LOGOUT_EVENT: {}}},
    ],
    ids=named,
)
def test_an_id_token_that_claims_what_is_not_so_is_not_believed(db, browser, provider, claims):
    provider.claims = claims

    assert_refused(db, browser, come_back(browser, provider), "provider")


def test_the_issuer_is_compared_to_the_last_slash(db, browser, provider):
    provider.claims = {"iss": provider.issuer.rstrip("/")}

    assert_refused(db, browser, come_back(browser, provider), "provider")


def stranger():
    """A key that has the name of the provider's own."""
    return lies.RSAKey.generate_key(2048, {"kid": "first"})


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "none"}, None),
        ({"alg": "none", "kid": None}, None),
        ({"alg": "nOnE"}, lambda: b""),
        ({"alg": "HS256"}, lambda: rsa_key().as_pem(private=False)),
        ({"alg": "HS256"}, CLIENT_SECRET.encode),
        ({}, stranger),
        ({"kid": "unknown"}, None),
        ({"typ": "logout+jwt"}, None),
        ({"typ": "at+jwt"}, None),
        ({"jwk": rsa_key("planted").as_dict(private=False), "kid": None}, lambda: rsa_key("planted")),
        ({"jku": "http://127.0.0.1:1/keys", "kid": "planted"}, lambda: rsa_key("planted")),
        ({"alg": "ES256"}, lambda: ec_key("first")),
        ({"crit": ["exp"]}, None),
    ],
    ids=lambda each: (
        ",".join(f"{k}={v}" for k, v in each.items() if k != "jwk") or "as it should be"
        if isinstance(each, dict)
        else "other key"
        if each
        else ""
    ),
)
def test_a_token_that_the_provider_has_not_signed_as_agreed_is_not_believed(db, browser, provider, header, key):
    provider.header = header
    if key:
        provider.key = key()

    assert_refused(db, browser, come_back(browser, provider), "provider")


@pytest.mark.parametrize(
    "keys",
    [
        list,
        lambda: [rsa_key().as_dict(private=True)],
        lambda: [rsa_key().as_dict(private=False) | {"use": "enc"}],
        lambda: [rsa_key().as_dict(private=False) | {"alg": "PS256"}],
        lambda: [rsa_key().as_dict(private=False), rsa_key("second").as_dict(private=False) | {"kid": "first"}],
        lambda: [{"kty": "oct", "kid": "first", "k": "c2VjcmV0"}],
        lambda: ["nonsense", None, 1],
    ],
    ids=["none", "private", "for encryption", "for another algorithm", "two of one name", "shared", "nonsense"],
)
def test_a_key_that_may_not_sign_does_not(db, browser, provider, keys):
    provider.keys = keys()

    assert_refused(db, browser, come_back(browser, provider), "provider")


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_key_is_no_key(db, browser, provider):
    short = rsa_key("short", 1024)
    provider.key, provider.keys, provider.header = short, [short.as_dict(private=False)], {"kid": "short"}

    assert_refused(db, browser, come_back(browser, provider), "provider")


@pytest.mark.parametrize(
    "tokens",
    [
        {"id_token": None},
        {"id_token": 1},
        {"id_token": "a.b.c"},
        {"id_token": "x" * 70_000},
        {"id_token": "é.é.é"},
        {"token_type": "mac"},
        {"token_type": None},
        {"access_token": 1},
    ],
    ids=lambda tokens: str(tokens)[:40],
)
def test_tokens_that_are_none_are_not_taken(db, browser, provider, tokens):
    provider.tokens = tokens

    assert_refused(db, browser, come_back(browser, provider), "provider")


def test_an_id_token_that_is_no_object_is_not_taken(db, browser, provider):
    provider.tokens = {"id_token": signed({"alg": "RS256", "kid": "first"}, ["a", "list"], rsa_key())}

    assert_refused(db, browser, come_back(browser, provider), "provider")


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email_verified": 1},
        {"email": None},
        {"email": ["sam@clinic.example"]},
        {"email": "ſam@clinic.example"},
        {"email": "sam@clinic.example\0"},
    ],
    ids=ascii,
)
def test_an_address_that_is_not_verified_is_nobodys(db, browser, provider, claims):
    provider.claims = claims

    assert_refused(db, browser, come_back(browser, provider), "unverified")


def test_where_the_provider_has_no_word_for_verified_the_settings_may_vouch_for_it(browser, provider, configured, sam):
    configured(OIDC_TRUST_EMAIL="1")
    provider.claims = {"email_verified": None}

    assert come_back(browser, provider).headers["location"] == "/staff"


@pytest.mark.parametrize("said", [False, "true", 1])
def test_what_the_provider_doubts_is_not_vouched_for(db, browser, provider, configured, said):
    configured(OIDC_TRUST_EMAIL="1")
    provider.claims = {"email_verified": said}

    assert_refused(db, browser, come_back(browser, provider), "unverified")


def test_a_doubt_counts_wherever_the_provider_says_it(db, browser, provider, configured):
    configured(OIDC_TRUST_EMAIL="1", OIDC_ROLES_CLAIM="roles")
    provider.claims = {"email_verified": None}
    provider.userinfo = {"email_verified": False, "roles": ["reception"]}

    assert_refused(db, browser, come_back(browser, provider), "unverified")


def test_an_address_from_userinfo_is_not_verified_by_the_id_token(db, browser, provider):
    provider.claims = {"email": None, "email_verified": True}
    provider.userinfo = {"email": "sam@clinic.example", "email_verified": None}

    assert_refused(db, browser, come_back(browser, provider), "unverified")


def test_an_address_that_only_looks_like_hers_is_not_hers(db, browser, provider):
    """The Kelvin sign becomes a k when it is written small."""
    make_user(db, "Kim Kern", password_hash="")
    provider.claims = {"email": "\N{KELVIN SIGN}im@clinic.example"}

    assert_refused(db, browser, come_back(browser, provider), "unverified")


def test_no_source_verifies_the_address_of_another(db, browser, provider, configured):
    configured(OIDC_ROLES_CLAIM="roles")
    provider.claims = {"email_verified": None}
    provider.userinfo = {"email": "other@clinic.example", "email_verified": True, "roles": ["reception"]}

    assert_refused(db, browser, come_back(browser, provider), "unverified")
    assert "/userinfo" in provider.asked


# --- Lies about itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example/"},
        {"issuer": None},
        {"id_token_signing_alg_values_supported": ["none"]},
        {"id_token_signing_alg_values_supported": ["HS256"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": "//evil.example"},
        {"authorization_endpoint": None},
        {"token_endpoint": "http://169.254.169.254/latest/meta-data"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": "http://evil.example/keys"},
        {"jwks_uri": "https://user:password@evil.example/keys"},
        {"jwks_uri": ["https://evil.example"]},
        {"jwks_uri": "https://[::1"},
        {"userinfo_endpoint": "http://evil.example/"},
        {"end_session_endpoint": "javascript:alert(1)"},
    ],
    ids=named,
)
def test_a_provider_that_describes_itself_falsely_is_not_gone_to(db, browser, provider, metadata):
    provider.metadata = metadata

    assert_refused(db, browser, browser.get("/auth/oidc/start"), "provider")
    assert provider.asked == ["/.well-known/openid-configuration"]


DISCOVERY = "/.well-known/openid-configuration"
ANSWERS = {
    "redirecting": lies.redirecting,
    "huge": lies.huge,
    "dripping": lies.dripping,
    "silent": lies.silent,
    "no JSON": saying(b"<html>"),
    "a list": saying([]),
    "an error": saying({}, 500),
    "nothing": saying(b""),
    "deep": saying(b"[" * 60_000),
}


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks", "/oauth/token", "/userinfo"])
@pytest.mark.parametrize("how", ANSWERS)
def test_an_answer_that_is_none_is_not_waited_for_followed_or_believed(db, browser, provider, monkeypatch, path, how):
    # Short, but enough for the honest answers around it, on a busy machine too.
    monkeypatch.setattr(oidc_calls, "SECONDS", 1)
    provider.claims = {"email": None}
    provider.answers = {path: ANSWERS[how]}
    began = time.monotonic()

    answer = browser.get("/auth/oidc/start")
    if path != DISCOVERY:
        answer = browser.get(provider.sign_in(answer.headers["location"]))

    assert_refused(db, browser, answer, "provider")
    assert path in provider.asked
    assert not [asked for asked in provider.asked if asked.startswith("/moved")]
    assert time.monotonic() - began < 5


def test_what_comes_with_an_error_is_not_believed_though_it_is_true(db, browser, provider):
    provider.answers = {DISCOVERY: lambda handler: handler.tell(500, provider.describe())}

    assert_refused(db, browser, browser.get("/auth/oidc/start"), "provider")


def test_a_provider_that_does_not_answer_is_left_alone_for_a_while(browser, provider):
    provider.answers = {DISCOVERY: saying({}, 503)}
    for _ in range(5):
        assert browser.get("/auth/oidc/start").headers["location"] == "/sign-in?failed=provider"

    assert provider.asked == [DISCOVERY]


def test_where_it_is_not_allowed_nothing_in_our_own_network_is_called(db, browser, provider, configured, monkeypatch):
    resolved = posting.resolve("127.0.0.1", 1)
    monkeypatch.setattr(posting, "resolve", lambda host, port: resolved)
    configured(OIDC_ISSUER="https://id.example/")

    assert_refused(db, browser, browser.get("/auth/oidc/start"), "provider")
    assert provider.asked == []


@pytest.mark.parametrize(
    "userinfo",
    [
        {"sub": "auth0|somebody-else", "email": "sam@clinic.example", "email_verified": True},
        {"sub": None, "email": "sam@clinic.example", "email_verified": True},
    ],
)
def test_userinfo_of_somebody_else_is_not_taken(db, browser, provider, userinfo):
    provider.claims, provider.userinfo = {"email": None, "email_verified": None}, userinfo

    assert_refused(db, browser, come_back(browser, provider), "provider")


# --- Lies on the way back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["cross-site", "same-site"])
def test_a_page_of_others_does_not_begin_a_sign_in(browser, provider, page):
    answer = browser.get("/auth/oidc/start", **{"sec-fetch-site": page})

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert WAY not in browser.cookies


def test_a_state_that_nobody_was_given_leads_nowhere(db, browser, provider):
    back = provider.sign_in(set_out(browser))

    for changed in (back.replace("state=", "state=x"), back.split("&state")[0], "/auth/oidc/callback"):
        assert_refused(db, browser, browser.get(changed), "stale")
    assert "/oauth/token" not in provider.asked


def test_a_way_is_gone_once(db, new_browser, provider):
    browser = new_browser()
    back = provider.sign_in(set_out(browser))
    way = browser.cookies[WAY]
    browser.get(back)
    value = browser.cookies[STAFF]

    browser.take_cookie(WAY, way)
    assert browser.get(back).headers["location"] == "/sign-in?failed=stale"
    assert browser.cookies[STAFF] == value
    assert provider.asked.count("/oauth/token") == 1


def test_a_code_in_another_browser_is_worth_nothing(db, new_browser, provider):
    """Neither stolen, nor slipped to somebody so that she works in a stranger's session."""
    sam, eve = new_browser(), new_browser("203.0.113.66")
    back = provider.sign_in(set_out(sam))
    set_out(eve)

    assert_refused(db, eve, eve.get(back), "stale")
    assert sam.get(back).headers["location"] == "/staff"


def test_a_code_of_another_way_does_not_fit_the_verifier(db, new_browser, provider):
    sam, eve = new_browser(), new_browser("203.0.113.66")
    stolen = parse_qs(urlsplit(provider.sign_in(set_out(sam))).query)["code"][0]
    own = parse_qs(urlsplit(provider.sign_in(set_out(eve), "auth0|eve")).query)["state"][0]

    assert_refused(db, eve, eve.get(f"/auth/oidc/callback?code={stolen}&state={own}"), "provider")
    assert provider.exchanges == [400]


def test_a_way_that_takes_longer_than_ten_minutes_leads_nowhere(db, browser, provider):
    back = provider.sign_in(set_out(browser))
    fetch(db, "UPDATE provider_sign_in SET expires_at = now()")

    assert_refused(db, browser, browser.get(back), "stale")


def test_an_answer_in_the_name_of_another_provider_is_not_taken_to_this_one(db, browser, provider):
    assert_refused(db, browser, come_back(browser, provider, more="&iss=https%3A%2F%2Fevil.example%2F"), "provider")
    assert "/oauth/token" not in provider.asked


def test_a_provider_that_promises_its_name_must_give_it(db, browser, provider):
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    assert_refused(db, browser, come_back(browser, provider), "provider")

    assert come_back(browser, provider, more=f"&iss={provider.issuer}").headers["location"] == "/staff"


@pytest.mark.parametrize(
    ("error", "why"), [("access_denied", "denied"), ("server_error", "provider"), ("<script>", "provider")]
)
def test_the_providers_own_refusal_is_told(db, browser, provider, caplog, monkeypatch, error, why):
    monkeypatch.setattr(oidc, "log", logging.getLogger(oidc.__name__))
    back = provider.sign_in(set_out(browser))
    state = parse_qs(urlsplit(back).query)["state"][0]

    answer = browser.get(f"/auth/oidc/callback?{urlencode({'error': error, 'state': state})}")

    assert_refused(db, browser, answer, why)
    assert "<script>" not in caplog.text


def test_a_code_that_is_none_is_refused_by_the_provider(db, browser, provider):
    state = parse_qs(urlsplit(set_out(browser)).query)["state"][0]

    assert_refused(db, browser, browser.get(f"/auth/oidc/callback?state={state}&code=made-up"), "provider")
    state = parse_qs(urlsplit(set_out(browser)).query)["state"][0]
    assert_refused(db, browser, browser.get(f"/auth/oidc/callback?state={state}"), "provider")


@pytest.mark.parametrize("name", ["state", "code", "iss", "next", "language"])
def test_nonsense_in_the_address_breaks_nothing(db, browser, provider, name):
    for value in ("%00", "%ED%A0%80", "x" * 5_000, "'\"<>", "%F0%9F%98%80"):
        for path in ("start", "callback"):
            assert browser.get(f"/auth/oidc/{path}?{name}={value}").status_code in (303, 422)
    assert number_of_sessions(db) == 0


def test_who_sets_out_again_and_again_has_to_wait(browser, provider):
    for _ in range(60):
        set_out(browser)

    assert browser.get("/auth/oidc/start").headers["location"] == "/sign-in?failed=wait"


def test_nothing_of_a_person_is_in_the_log(db, browser, provider, caplog, monkeypatch):
    monkeypatch.setattr(oidc, "log", logging.getLogger(oidc.__name__))
    provider.claims = {"nonce": None}
    come_back(browser, provider)

    assert "came to nothing: ID token: MissingClaimError nonce" in caplog.text
    assert "sam" not in caplog.text.lower()
    assert db.exec(select(StaffUser)).one().email not in caplog.text
