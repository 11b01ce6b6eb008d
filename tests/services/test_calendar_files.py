"""Calendar files, read back with a library that did not write them."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import icalendar
import pytest

from medcal.services.calendar_files import Contact, Entry, Method, calendar_file

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


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_instants_stay_the_same_over_clock_changes(day: str) -> None:
    starts_at = datetime.fromisoformat(f"{day}T00:30:00+00:00")
    ends_at = datetime.fromisoformat(f"{day}T01:30:00+00:00")

    _, event = read(calendar_file(replace(ENTRY, starts_at=starts_at, ends_at=ends_at), Method.request, NOW))

    assert (event.start, event.end) == (starts_at, ends_at)


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
