"""Calendar files, read back with a library that did not write them."""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from sqlmodel import Session

from medcal import clock
from medcal.db import fetch
from medcal.security import PATIENT
from medcal.services import changes, notifications
from medcal.services.calendar_files import Contact, Entry, Method, calendar_file, feed_file
from tests.support.factories import Clinic, make_appointment
from tests.support.inbox import inbox

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENTRY = Entry(
    ref=uuid.UUID(int=7),
    version=1,
    starts_at=datetime(2026, 3, 26, 8, 30, tzinfo=UTC),
    ends_at=datetime(2026, 3, 26, 9, tzinfo=UTC),
    summary="Appointment at Medcal Clinic Vienna",
    description="Dr. Ada Okafor\n+43 1 555 0100",
    location="Medcal Clinic Vienna, Ringstraße 1; 1010 Wien",
    organizer=Contact("Medcal Clinic Vienna", "desk@clinic.example"),
    attendee=Contact("Alice Adler", "alice@example.com"),
)


def read(text: str) -> tuple[icalendar.Calendar, icalendar.Event]:
    calendar = icalendar.Calendar.from_ical(text)
    assert not calendar.errors
    [event] = calendar.walk("VEVENT")
    assert not event.errors
    return calendar, event


def test_an_entry_says_when_and_where_and_who() -> None:
    calendar, event = read(calendar_file(ENTRY, Method.request, NOW))

    assert calendar["METHOD"] == "REQUEST"
    assert (event.start, event.end) == (ENTRY.starts_at, ENTRY.ends_at)
    assert str(event["LOCATION"]) == ENTRY.location
    assert str(event["DESCRIPTION"]) == ENTRY.description
    assert event["STATUS"] == "CONFIRMED"
    assert event["ORGANIZER"] == "mailto:desk@clinic.example"
    assert event["ATTENDEE"] == "mailto:alice@example.com"


def test_a_move_changes_the_same_entry() -> None:
    _, first = read(calendar_file(ENTRY, Method.request, NOW))
    _, second = read(calendar_file(replace(ENTRY, version=2), Method.request, NOW))

    assert first["UID"] == second["UID"]
    assert (first["SEQUENCE"], second["SEQUENCE"]) == (0, 1)


def test_a_cancellation_takes_the_entry_out() -> None:
    calendar, event = read(calendar_file(replace(ENTRY, version=3), Method.cancel, NOW))

    assert (calendar["METHOD"], event["STATUS"], event["SEQUENCE"]) == ("CANCEL", "CANCELLED", 2)


# Forward and back, in Europe, in America, and where the clock changes at midnight or by half an hour.
CHANGES = [
    ("Europe/Vienna", date(2026, 3, 29)),
    ("Europe/Vienna", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
]


@pytest.mark.parametrize(("place", "changes_on"), CHANGES)
def test_every_quarter_of_an_hour_around_a_clock_change_is_the_same_instant(place: str, changes_on: date) -> None:
    zone = ZoneInfo(place)
    begins, ends = clock.day_start(changes_on, zone), clock.day_end(changes_on, zone)
    assert ends - begins != timedelta(days=1)

    quarters = range(int((ends - begins) / timedelta(minutes=15)))
    for starts_at in (begins + n * timedelta(minutes=15) for n in quarters):
        ends_at = starts_at + timedelta(minutes=90)
        _, event = read(calendar_file(replace(ENTRY, starts_at=starts_at, ends_at=ends_at), Method.request, NOW))
        assert (event.start, event.end) == (starts_at, ends_at)
        assert event.start.astimezone(zone).replace(tzinfo=None) == clock.local(starts_at, zone).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("day", "shown"),
    [(date(2026, 3, 27), "Fri 09:30"), (date(2026, 3, 30), "Mon 09:30"), (date(2026, 10, 26), "Mon 09:30")],
)
def test_half_past_nine_at_the_clinic_is_half_past_nine_in_every_calendar(day: date, shown: str) -> None:
    """On either side of a change, also in a calendar that stands in another zone and is asked for ours."""
    vienna = ZoneInfo("Europe/Vienna")
    starts_at = clock.instant(day, time(9, 30), vienna)
    assert starts_at is not None

    _, event = read(calendar_file(replace(ENTRY, starts_at=starts_at), Method.request, NOW))

    for reader in ("Europe/Vienna", "America/New_York", "Asia/Kolkata"):
        on_screen = event.start.astimezone(ZoneInfo(reader))
        assert f"{on_screen.astimezone(vienna):%a %H:%M}" == shown


def test_no_time_depends_on_rules_in_the_file_or_on_the_reader() -> None:
    """No TZID and no floating time: each calendar would look up its own meaning of them."""
    text = calendar_file(ENTRY, Method.request, NOW)

    assert "TZID" not in text and "VTIMEZONE" not in text
    times = [line.partition(":")[2] for line in text.split("\r\n") if line.startswith(("DTSTART", "DTEND", "DTSTAMP"))]
    assert times == ["20260302T090000Z", "20260326T083000Z", "20260326T090000Z"]


# --- The life of an entry ---------------------------------------------------------------------------------------------


def put_in(calendar: dict[str, icalendar.Event], text: str) -> None:
    """What a calendar program does with a file (RFC 5546, 2.1.5): an older state of an entry is let alone."""
    read_file, event = read(text)
    uid, known = str(event["UID"]), calendar.get(str(event["UID"]))
    assert (read_file["METHOD"] == "CANCEL") is (event["STATUS"] == "CANCELLED")
    if known is None or event["SEQUENCE"] > known["SEQUENCE"]:
        calendar[uid] = event


def test_in_whatever_order_files_arrive_there_is_one_entry_and_it_is_right(db: Session, clinic: Clinic) -> None:
    files = mailed_over_its_life(db, clinic)
    assert len(files) == 4

    for order in itertools.permutations(files):
        calendar: dict[str, icalendar.Event] = {}
        for text in order:
            put_in(calendar, text)

        [entry] = calendar.values()
        assert (entry["SEQUENCE"], entry["STATUS"]) == (3, "CANCELLED")


def test_each_file_is_about_the_time_that_its_mail_is_about(db: Session, clinic: Clinic) -> None:
    files = mailed_over_its_life(db, clinic)

    events = [read(text)[1] for text in files]

    assert len({str(event["UID"]) for event in events}) == 1
    assert [event["SEQUENCE"] for event in events] == [0, 1, 2, 3]
    assert [f"{event.start.astimezone(clinic.location.zone_info):%d.%m. %H:%M}" for event in events] == [
        "26.03. 09:30",
        "30.03. 09:30",
        "26.10. 09:30",
        "26.10. 09:30",
    ]
    assert [str(event["ATTENDEE"]) for event in events] == ["mailto:alice@example.com"] * 4


def mailed_over_its_life(db: Session, clinic: Clinic) -> list[str]:
    """Booked, moved over the clock change in spring by the patient, then over that in autumn by the desk, and cancelled."""
    zone = clinic.location.zone_info
    visit = make_appointment(db, clinic, datetime(2026, 3, 26, 8, 30, tzinfo=UTC))
    steps: list[Callable[[], None]] = [
        lambda: notifications.write(db, "appointment.booked", appointment_id=visit.id, now=NOW),
        lambda: changes.move_by_patient(
            db, visit, clinic.okafor, clock.instant_or_later(date(2026, 3, 30), time(9, 30), zone), now=NOW
        ),
        lambda: changes.move_at_desk(
            db,
            visit,
            clinic.okafor,
            clock.instant_or_later(date(2026, 10, 26), time(9, 30), zone),
            version=visit.version,
            overbook_reason="Farther ahead than openings are written",
            by=clinic.desk,
            now=NOW,
        ),
        lambda: changes.cancel(db, visit, by=PATIENT, now=NOW),
    ]
    for step in steps:
        step()
        db.refresh(visit)
        # What has not left yet would be taken back by the next step.
        fetch(db, "UPDATE message SET status = 'delivered', delivered_at = %(now)s", now=NOW)
    return [mail.row.calendar for mail in inbox(db) if mail.row.calendar]


# --- How it is written ------------------------------------------------------------------------------------------------


def test_lines_are_short_and_end_as_the_standard_says() -> None:
    long = "Ordination für Ärzte, Öffentlichkeit und Übergänge; " * 6

    text = calendar_file(replace(ENTRY, location=long), Method.request, NOW)

    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    assert str(read(text)[1]["LOCATION"]) == long


def test_a_name_cannot_add_lines_or_leave_its_quotes() -> None:
    eve = Contact('Eve"\r\nATTENDEE:mailto:eve@example.com', "alice@example.com")

    _, event = read(calendar_file(replace(ENTRY, attendee=eve, summary="a\r\nX-EVIL:b\\n,;"), Method.request, NOW))

    assert event["ATTENDEE"] == "mailto:alice@example.com"
    assert "X-EVIL" not in event
    assert str(event["SUMMARY"]) == "a\nX-EVIL:b\\n,;"


def test_a_downloaded_file_asks_nobody_anything() -> None:
    calendar, event = read(calendar_file(replace(ENTRY, attendee=None), Method.publish, NOW))

    assert calendar["METHOD"] == "PUBLISH"
    assert "ATTENDEE" not in event


# --- Calendars that are read again and again --------------------------------------------------------------------------


def test_a_feed_is_one_calendar_with_its_name_and_all_its_entries() -> None:
    entries = [(replace(ENTRY, ref=uuid.UUID(int=n), attendee=None, organizer=None), NOW) for n in range(3)]

    calendar = icalendar.Calendar.from_ical(feed_file("Dr. Ada Okafor · Währing", entries))

    assert not calendar.errors
    assert len({str(event["UID"]) for event in calendar.walk("VEVENT")}) == 3
    assert str(calendar["NAME"]) == str(calendar["X-WR-CALNAME"]) == "Dr. Ada Okafor · Währing"
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(minutes=15)
    assert "METHOD" not in calendar


def test_an_empty_feed_is_a_calendar() -> None:
    assert icalendar.Calendar.from_ical(feed_file("Nobody", [])).walk("VEVENT") == []
