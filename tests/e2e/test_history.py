"""An admin asks who has changed and who has looked at what about Alice, and takes the answer away."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from medcal.security import Role
from tests.e2e.support.clinic import OpenClinic
from tests.support import factories


def test_an_admin_learns_who_changed_what_and_takes_it_away(
    open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    robin = clinic.do(factories.make_user, "Robin Roth", Role.admin)
    page = open_browser(staff=robin)
    page.goto("/staff/settings/clinic")
    page.get_by_label("Phone").fill("+43 1 555 0199")
    page.get_by_role("button", name="Save the clinic").click()
    expect(page.get_by_text("The clinic is saved.")).to_be_visible()

    page.get_by_role("navigation", name="Settings").get_by_role("link", name="History").click()

    changed = page.get_by_role("row").filter(has_text="Clinic changed").first
    expect(changed).to_contain_text("Robin Roth")
    expect(changed).to_contain_text("+43 1 5550199")
    page.get_by_role("button", name="Looks", exact=True).click()
    expect(changed).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="History").first).to_contain_text("Robin Roth")
    expect(page).to_have_url(re.compile(r"/staff/settings/audit$"))

    with page.expect_download() as coming:
        page.get_by_role("button", name="Take away as a file").click()
    assert coming.value.suggested_filename == "history.csv"
    assert coming.value.path().read_text().startswith("at,kind,what,actor,who")
