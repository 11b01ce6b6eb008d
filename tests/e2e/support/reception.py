"""What Sam does in the calendar and the lists, in the words of the pages."""

from datetime import date, datetime

from playwright.sync_api import Locator, Page, expect

from medcal import clock
from medcal.models import Doctor, Patient
from tests.e2e.support.clinic import HOURS, OpenClinic

# As calendar.jsx draws it.
QUARTER_PIXELS = 22
OPENS_AT_MINUTE = HOURS["opens"].hour * 60


def open_calendar(page: Page, clinic: OpenClinic, day: date) -> None:
    """The calendar of all doctors on a day."""
    page.goto("/staff")
    expect(calendar(page)).to_be_visible()
    go_to(page, day)


def go_to(page: Page, day: date) -> None:
    page.get_by_label("Go to a day").fill(day.isoformat())
    expect(page.get_by_role("heading", level=2)).to_contain_text(f"{day.day} {day:%B} {day.year}")


def calendar(page: Page) -> Locator:
    return page.get_by_role("group", name="Calendar")


def block(page: Page, who: Patient | str, *words: str) -> Locator:
    """Somebody's visit in the calendar, of which these words are said too: a time, a doctor, a status."""
    name = who if isinstance(who, str) else who.name
    found = calendar(page).get_by_role("button", name=name)
    for word in words:
        found = found.and_(calendar(page).get_by_role("button", name=word))
    return found


def drag(page: Page, visit: Locator, *, minutes: int = 0, to: Doctor | None = None) -> None:
    """Drop a visit so much later, or earlier, and in another doctor's column."""
    visit.scroll_into_view_if_needed()
    box = visit.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + 8
    target = _middle_of(page, to) if to else x
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + target) / 2, y + minutes / 15 * QUARTER_PIXELS / 2, steps=4)
    page.mouse.move(target, y + minutes / 15 * QUARTER_PIXELS, steps=4)
    page.mouse.up()


def click_at(page: Page, clinic: OpenClinic, at: datetime, doctor: Doctor) -> None:
    """Click on a free time of the day that is shown."""
    grid = calendar(page).locator(".ec-body .ec-day").first
    wall = clock.local(at, clinic.location.zone_info)
    minutes = wall.hour * 60 + wall.minute - OPENS_AT_MINUTE
    box = grid.bounding_box()
    assert box
    page.mouse.click(_middle_of(page, doctor), box["y"] + minutes / 15 * QUARTER_PIXELS + 4)


def _middle_of(page: Page, doctor: Doctor) -> float:
    box = calendar(page).locator(".ec-col-head").filter(has_text=doctor.name).bounding_box()
    assert box
    return box["x"] + box["width"] / 2


def note(page: Page) -> Locator:
    """What is said in the corner after something was done or refused."""
    return page.get_by_role("region", name="Notifications").get_by_role("listitem")
