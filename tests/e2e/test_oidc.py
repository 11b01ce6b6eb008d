"""The staff sign in and out at a real, certified provider of identity, in a real browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from medcal.models import StaffUser
from medcal.security import Role
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.identity import Identity, provider_of_identity, sign_in_there
from tests.e2e.support.processes import free_port, web_worker
from tests.support.factories import make_user
from tools import oidc_provider
from tools.processes import Family
from tools.say import Stop

AT_SIGN_IN = re.compile(r"/sign-in(\?|$)")


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Identity]:
    with Family() as family:
        try:
            command = oidc_provider.install(family)
        except Stop as reason:
            pytest.skip(str(reason))
    clinic, log = f"http://localhost:{free_port()}", tmp_path_factory.mktemp("identity") / "provider.log"
    with provider_of_identity(command, free_port(), clinic, log) as running:
        yield running


@pytest.fixture(scope="module")
def url(site: Path, engine: Engine, identity: Identity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A clinic that is set up with the provider."""
    folder, port = tmp_path_factory.mktemp("clinic"), int(identity.clinic.rpartition(":")[2])
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False).replace("+psycopg", ""),
        "MEDCAL_HOME": str(folder),
        "MEDCAL_PORT": str(port),
        "MEDCAL_URL": identity.clinic,
        **identity.settings,
    }
    with web_worker(site, port, environment, folder):
        yield identity.clinic


@pytest.fixture
def nora(clinic: OpenClinic) -> StaffUser:
    """Invited to the desk, and not yet come. Ida is admin, so that nobody else is the last one."""
    clinic.do(make_user, "Ida Admin", Role.admin)
    return clinic.do(make_user, "Nora New", password_hash="")


@pytest.fixture
def browse(open_browser: Callable[..., Page], identity: Identity, allow: Callable[..., None]) -> Callable[[], Page]:
    """A browser that may also go to the provider."""

    def open_one() -> Page:
        page = open_browser()
        allow(page, re.escape(identity.issuer))
        return page

    return open_one


def sign_in(page: Page, user: str) -> None:
    page.goto("/sign-in")
    page.get_by_role("link", name="Sign in with Clinic ID").click()
    sign_in_there(page, user)


def test_nora_signs_in_at_the_provider_and_lands_where_she_wanted_to_go(
    browse: Callable[[], Page], identity: Identity, nora: StaffUser
) -> None:
    identity.knows(nora={"roles": ("front-desk", "something else")})
    page = browse()
    page.goto("/staff/messages")
    expect(page).to_have_url(AT_SIGN_IN)

    page.get_by_role("link", name="Sign in with Clinic ID").click()
    sign_in_there(page, "nora")

    expect(page).to_have_url(re.compile(r"/staff/messages$"))
    expect(page.get_by_text(nora.name)).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "auth0" not in kept and "eyJ" not in kept
    kept = {cookie["name"] for cookie in page.context.cookies(page.url)}
    assert kept == {"medcal_session", "medcal_known", "medcal_visit"}


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        ({"roles": ("front-desk",), "email": "eve@clinic.example"}, "Nobody has invited you to this clinic yet."),
        ({"roles": ("front-desk",), "email_verified": False}, "Your e-mail address is not confirmed"),
        ({"roles": ("gardener",)}, "has no role in this clinic"),
        ({"roles": "chief"}, "has no role in this clinic"),
    ],
    ids=["not invited", "not verified", "without a role", "with a role that is no list"],
)
def test_whoever_is_not_let_in_is_told_why(
    browse: Callable[[], Page], identity: Identity, nora: StaffUser, person: dict[str, object], sentence: str
) -> None:
    identity.knows(nora=person)
    page = browse()

    sign_in(page, "nora")

    expect(page.get_by_role("alert")).to_contain_text(sentence)
    page.goto("/staff")
    expect(page).to_have_url(AT_SIGN_IN)


def test_whoever_changes_her_mind_there_is_back_at_the_sign_in(
    browse: Callable[[], Page], identity: Identity, nora: StaffUser
) -> None:
    identity.knows(nora={"roles": ("front-desk",)})
    page = browse()
    page.goto("/de/sign-in")
    page.get_by_role("link", name=re.compile("Clinic ID")).click()

    page.get_by_role("button", name="Cancel").click()

    expect(page).to_have_url(re.compile(r"/de/sign-in\?failed=denied$"))
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_role_that_is_taken_away_there_is_gone_here(
    browse: Callable[[], Page], identity: Identity, nora: StaffUser
) -> None:
    identity.knows(nora={"roles": ("chief",)})
    desk = browse()
    sign_in(desk, "nora")
    desk.goto("/staff/settings/offers")
    expect(desk.get_by_text("This page is for admins.")).to_be_hidden()
    expect(desk.get_by_role("heading", level=1)).to_be_visible()
    desk.goto("/staff/messages")
    expect(desk.get_by_text(nora.name)).to_be_visible()

    identity.knows(nora={"roles": ()})
    phone = browse()
    sign_in(phone, "nora")

    expect(phone.get_by_role("alert")).to_contain_text("has no role in this clinic")
    expect(desk).to_have_url(AT_SIGN_IN)
    expect(desk.get_by_text(nora.name)).to_be_hidden()


def test_signing_out_here_signs_out_there(browse: Callable[[], Page], identity: Identity, nora: StaffUser) -> None:
    identity.knows(nora={"roles": ("front-desk",)})
    page = browse()
    sign_in(page, "nora")
    expect(page.get_by_text(nora.name)).to_be_visible()
    # Known there, she is let in without a question.
    page.context.clear_cookies(domain="localhost")
    page.goto("/sign-in")
    page.get_by_role("link", name="Sign in with Clinic ID").click()
    expect(page.get_by_text(nora.name)).to_be_visible()

    page.get_by_role("button", name="Sign out").click()

    expect(page).to_have_url(AT_SIGN_IN)
    page.get_by_role("link", name="Sign in with Clinic ID").click()
    expect(page.get_by_label("Secret")).to_be_visible()


def test_signing_out_there_empties_the_open_page_here(
    browse: Callable[[], Page], identity: Identity, nora: StaffUser
) -> None:
    identity.knows(nora={"roles": ("front-desk",)})
    page, others = browse(), browse()
    for each in (page, others):
        sign_in(each, "nora")
        expect(each.get_by_text(nora.name)).to_be_visible()
    elsewhere = page.context.new_page()

    elsewhere.goto(f"{identity.issuer}oidc/logout")
    elsewhere.get_by_role("button", name="Sign out here").click()

    expect(page).to_have_url(AT_SIGN_IN)
    expect(page.get_by_text(nora.name)).to_be_hidden()
    # Another session there is another session here.
    others.reload()
    expect(others.get_by_text(nora.name)).to_be_visible()
