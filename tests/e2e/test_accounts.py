"""From an invitation to the second step and out again: Robin lets Nora in, Nora makes herself safe, and goes."""

import re
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from playwright.sync_api import Page, expect

from medcal import clock
from medcal.models import StaffUser
from medcal.security import Role
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.frames import Frames
from tests.support import factories

AT_SIGN_IN = re.compile(r"/sign-in(\?|$)")
NEW = "dunkelgrüner Regenschirm"


@pytest.fixture
def robin(clinic: OpenClinic) -> StaffUser:
    """An admin."""
    return clinic.do(factories.make_user, "Robin Roth", Role.admin)


def invite(admins: Page) -> str:
    """Robin invites Nora; the link for her."""
    admins.goto("/staff/settings/people")
    admins.get_by_role("button", name="Invite somebody").click()
    dialog = admins.get_by_role("dialog", name="Invite somebody")
    dialog.get_by_label("Name").fill("Nora New")
    dialog.get_by_label("E-mail").fill("nora@clinic.example")
    dialog.get_by_role("button", name="Invite", exact=True).click()
    link = admins.get_by_role("dialog", name="The link").get_by_label("Link").input_value()
    admins.get_by_role("dialog", name="The link").get_by_role("button", name="Done").click()
    expect(admins.get_by_role("row").filter(has_text="Nora New")).to_contain_text("Link works until")
    return link


def sign_in(page: Page) -> None:
    page.get_by_label("E-mail").fill("nora@clinic.example")
    page.get_by_label("Password").fill(NEW)
    page.get_by_role("button", name="Sign in").click()


def set_up_second_step(page: Page) -> pyotp.TOTP:
    """Through the dialogs of the own account."""
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("button", name="Set it up").click()
    page.get_by_role("dialog").get_by_label("Your password, once more").fill(NEW)
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()
    scan = page.get_by_role("dialog", name="Connect the app")
    expect(scan.get_by_role("img", name="Picture with the key")).to_be_visible()
    app = pyotp.TOTP((scan.locator("code").text_content() or "").replace(" ", ""))
    # The code before, so that the present one is left for signing in.
    scan.get_by_label("The six digits").fill(app.at(clock.now() - timedelta(seconds=30)))
    scan.get_by_role("button", name="Turn it on").click()
    codes = page.get_by_role("dialog", name="Your recovery codes")
    expect(codes.get_by_role("listitem")).to_have_count(10)
    codes.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()
    return app


def test_from_the_invitation_to_the_second_step_and_out_again(
    open_browser: Callable[..., Page], page: Page, clinic: OpenClinic, robin: StaffUser
) -> None:
    admins, nora = open_browser(staff=robin), page
    link = invite(admins)

    nora.goto(link)
    expect(nora).to_have_url(re.compile(r"/sign-in/password$"))
    nora.get_by_label("New password").fill("password2026")
    nora.get_by_role("button", name="Set the password").click()
    expect(nora.get_by_role("alert")).to_contain_text("among the first that are tried")
    nora.get_by_label("New password").fill(NEW)
    nora.get_by_role("button", name="Set the password").click()
    expect(nora.get_by_text("Your password is set.")).to_be_visible()
    sign_in(nora)
    expect(nora).to_have_url(re.compile(r"/staff$"))

    app = set_up_second_step(nora)
    nora.get_by_role("button", name="Sign out", exact=True).click()
    expect(nora).to_have_url(AT_SIGN_IN)
    sign_in(nora)
    expect(nora).to_have_url(re.compile(r"/sign-in/code"))
    nora.goto("/staff")
    expect(nora).to_have_url(AT_SIGN_IN)
    sign_in(nora)
    nora.get_by_label("Code").fill(app.now())
    nora.get_by_role("button", name="Sign in").click()
    expect(nora).to_have_url(re.compile(r"/staff$"))
    assert nora.evaluate("document.cookie") == ""

    nora.goto("/staff/account")
    expect(nora.get_by_text("nora@clinic.example")).to_be_visible()
    frames = Frames(nora)
    admins.reload()
    admins.get_by_role("button", name="Change Nora New").click()
    admins.get_by_role("dialog", name="Nora New").get_by_role("button", name="Disable").click()

    # Nobody touches her page.
    expect(nora).to_have_url(AT_SIGN_IN)
    expect(nora.get_by_text("nora@clinic.example")).to_be_hidden()
    assert not frames.mention("nora@clinic.example")
    expect(admins.get_by_role("row").filter(has_text="Nora New")).to_contain_text("Disabled")


def test_signed_out_from_another_browser_the_page_is_left_at_once(
    open_browser: Callable[..., Page], clinic: OpenClinic, robin: StaffUser
) -> None:
    here, there = open_browser(staff=robin), open_browser(staff=robin)
    there.goto("/staff/statistics")
    expect(there.get_by_role("heading", level=1)).to_be_visible()
    here.goto("/staff/account")
    expect(here.get_by_role("button", name="Sign out there")).to_be_visible()

    here.get_by_role("button", name="Sign out there").click()

    expect(there).to_have_url(AT_SIGN_IN)
    expect(here.get_by_text("Signed out there.")).to_be_visible()
    expect(here.get_by_role("button", name="Sign out there")).to_be_hidden()


def test_the_last_admin_stays(open_browser: Callable[..., Page], robin: StaffUser) -> None:
    admins = open_browser(staff=robin)
    admins.goto("/staff/settings/people")
    admins.get_by_role("button", name="Change Robin Roth").click()

    admins.get_by_role("dialog", name="Robin Roth").get_by_role("button", name="Disable").click()

    expect(admins.get_by_text("This is the last admin who can sign in.")).to_be_visible()
