"""The pictures of the README, taken of the running clinic: TEST_PICTURES=1 puts them into docs/pictures."""

import os
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlmodel import Session

from medcal.models import AppointmentStatus
from tests.e2e.support import reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.processes import PROJECT
from tests.support import factories

VIEW = {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}}
SMALL_BYTES = 180_000
TUESDAY = 1

NAMES = (
    *(
        "Elena Popescu",
        "Farid Rahimi",
        "Greta Baumann",
        "Hugo Silva",
        "Ida Johansson",
        "Jonas Berger",
        "Katarina Kovač",
    ),
    *("Liam O'Brien", "Maria Conti", "Nadia Petrova", "Oskar Wagner", "Paula Mendes", "Rosa Jiménez", "Uma Krishnan"),
)
# The day of each doctor: minutes after eight, and what became of the visit.
DONE, ARRIVED, NO_SHOW = AppointmentStatus.fulfilled, AppointmentStatus.arrived, AppointmentStatus.no_show
DAYS = (
    ((0, DONE), (30, DONE), (90, ARRIVED), (150, None), (210, "confirmed"), (300, None), (360, "confirmed")),
    ((30, DONE), (60, NO_SHOW), (150, "confirmed"), (180, None), (270, None), (330, None)),
    ((0, DONE), (60, DONE), (120, ARRIVED), (240, None), (270, "confirmed"), (390, None)),
)


def test_the_pictures_show_the_clinic(open_browser: Callable[..., Page], clinic: OpenClinic, tmp_path: Path) -> None:
    days = 7 + (TUESDAY - clinic.today.weekday()) % 7
    clinic.do(_fill, clinic, days)
    folder = PROJECT / "docs" / "pictures" if os.environ.get("TEST_PICTURES") else tmp_path

    page = open_browser(**VIEW)
    page.goto("/doctors/ada-okafor")
    expect(page.get_by_role("heading", name="Choose a time")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / "booking.png")

    desk = open_browser(staff=clinic.sam, **VIEW)
    reception.open_calendar(desk, clinic, clinic.at(days, "09:00").date())
    expect(reception.block(desk, NAMES[0]).first).to_be_visible()
    desk.get_by_label("Go to a day").blur()
    desk.screenshot(path=folder / "calendar.png")

    for name in ("booking.png", "calendar.png"):
        assert (folder / name).stat().st_size < SMALL_BYTES


def _fill(db: Session, clinic: OpenClinic, days: int) -> None:
    """A day with three doctors on which something of everything happens."""
    emails = (f"{name.split()[0].lower()}@example.com" for name in NAMES)
    told = {"created_at": clinic.opened_at, "booked_at": clinic.opened_at}
    patients = [factories.make_patient(db, name, email) for name, email in zip(NAMES, emails, strict=True)]
    morning = clinic.at(days, "08:00")
    chosen = cycle(patients)
    for doctor, day in zip((clinic.okafor, clinic.lindqvist, clinic.novak), DAYS, strict=True):
        for minutes, state in day:
            columns = {"confirmed_at": clinic.opened_at} if state == "confirmed" else {"status": state} if state else {}
            at = morning + timedelta(minutes=minutes)
            factories.make_appointment(db, clinic, at, next(chosen), doctor=doctor, **told | columns)
    # Some of the coming days are taken, as in every clinic.
    for step in (0, 1, 3, 4, 7, 9, 10, 13, 16, 18):
        for day in (1, 2):
            at = clinic.at(day, "08:00") + timedelta(minutes=30 * step)
            factories.make_appointment(db, clinic, at, next(chosen), **told)
    until = clinic.opened_at + timedelta(minutes=110)
    late = factories.make_appointment(db, clinic, morning + timedelta(days=5), patients[5], **told)
    factories.make_offer(
        db,
        clinic,
        factories.make_entry(db, clinic, late),
        morning + timedelta(minutes=60),
        until,
        created_at=clinic.opened_at,
    )
    factories.make_hold(db, clinic, morning + timedelta(minutes=210), until, doctor=clinic.lindqvist)
