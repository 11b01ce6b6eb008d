"""The pictures of the README, taken of the running clinic: TEST_PICTURES=1 puts them into docs/pictures."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from medcal.models import Patient
from tests.e2e.support import reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.processes import PROJECT
from tests.support import factories

NAMES = ("Elena Popescu", "Hugo Silva", "Ida Johansson", "Jonas Berger", "Maria Conti", "Oskar Wagner", "Uma Krishnan")
STEPS = (0, 1, 3, 4, 6, 9, 11, 12, 14, 15, 17)


def test_the_pictures_show_the_clinic(open_browser: Callable[..., Page], clinic: OpenClinic, tmp_path: Path) -> None:
    _fill(clinic, days=4)
    folder = PROJECT / "docs" / "pictures" if os.environ.get("TEST_PICTURES") else tmp_path

    booking = open_browser(color_scheme="light", viewport={"width": 1280, "height": 860})
    booking.goto("/doctors/ada-okafor")
    expect(booking.get_by_role("heading", name="Choose a time")).to_be_visible()
    booking.screenshot(path=folder / "booking.png")

    desk = open_browser(staff=clinic.sam, color_scheme="light", viewport={"width": 1280, "height": 860})
    reception.open_calendar(desk, clinic, clinic.at(4, "09:00").date())
    expect(reception.block(desk, NAMES[0]).first).to_be_visible()
    desk.evaluate("document.activeElement.blur()")
    desk.screenshot(path=folder / "calendar.png")

    assert {file.name for file in folder.glob("*.png")} >= {"booking.png", "calendar.png"}


def _fill(clinic: OpenClinic, days: int) -> None:
    """A day with three doctors that looks like one."""
    patients = [clinic.do(_patient, clinic, name) for name in NAMES]
    for place, doctor in enumerate((clinic.okafor, clinic.lindqvist, clinic.novak)):
        for number, step in enumerate(STEPS[place::2]):
            at = clinic.at(days, "08:00") + timedelta(minutes=30 * step)
            clinic.book(at, patients[(number + 2 * place) % len(patients)], doctor=doctor)


def _patient(db, clinic: OpenClinic, name: str) -> Patient:  # type: ignore[no-untyped-def]
    email = f"{name.split()[0].lower()}@example.com"
    return factories.make_patient(db, name, email, created_at=clinic.opened_at)
