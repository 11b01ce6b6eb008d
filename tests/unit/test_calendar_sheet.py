"""The calendar on paper: which days a view shows, what lies behind the visits, and the two days with another length."""

import uuid
from datetime import date, datetime, timedelta

import pytest

from medcal.i18n import language
from medcal.models import AppointmentStatus
from medcal.security import Actor, ActorKind, Role
from medcal.services.appointment_file import Happened
from medcal.services.day_book import Absence, Claim, DayBook, DeskDoctor, Shift
from medcal.viewmodels.calendar_days import days_of, other_day, title_of
from medcal.viewmodels.staff import Block, CalendarSheet, calendar_sheet
from medcal.viewmodels.staff_appointment import born, in_words
from tests.support.times import VIENNA, at

DESK = Actor(ActorKind.staff, 1, Role.reception)
DOCTOR = Actor(ActorKind.staff, 2, Role.doctor, doctor_id=7)
REFS = [uuid.UUID(int=number) for number in range(4)]
OKAFOR = DeskDoctor(
    7, REFS[0], "ada-okafor", "Dr. Ada Okafor", REFS[1], "Cardiology", REFS[2], "Vienna", "Europe/Vienna"
)


def claim(starts_at: datetime, minutes: int = 30, **columns: object) -> Claim:
    ends_at = starts_at + timedelta(minutes=minutes)
    defaults = {
        "ref": REFS[3],
        "doctor_id": 7,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "busy_until": ends_at,
        "status": AppointmentStatus.booked,
        "held_until": None,
        "answer_until": None,
        "patient": "Alice Adler",
        "visit_type": "First visit",
        "is_confirmed": False,
        "overbooked_reason": None,
        "waits": False,
        "version": 1,
    }
    return Claim(**defaults | columns)  # type: ignore[arg-type]


def sheet(
    *claims: Claim,
    day: str = "2026-03-03",
    hours: tuple[str, str] | None = ("08:00", "16:00"),
    absences: tuple[Absence, ...] = (),
    reader: Actor = DESK,
) -> CalendarSheet:
    on = date.fromisoformat(day)
    shifts = (Shift(7, on, at(f"{day} {hours[0]}"), at(f"{day} {hours[1]}")),) if hours else ()
    return calendar_sheet(DayBook((OKAFOR,), on, 1, VIENNA, claims, absences, shifts), reader)


def block(one: Claim, **day: object) -> Block:
    (found,) = sheet(one, **day).blocks  # type: ignore[arg-type]
    return found


# --- Blocks -----------------------------------------------------------------------------------------------------------


def test_a_block_speaks_the_wall_clock_without_an_offset():
    found = block(claim(at("2026-03-03 09:00")))

    assert (found.start, found.end, found.time) == ("2026-03-03T09:00:00", "2026-03-03T09:30:00", "09:00–09:30")


def test_a_visit_over_the_skipped_hour_ends_where_the_clock_stands_then():
    found = block(claim(at("2026-03-29 01:45")), day="2026-03-29")

    assert (found.start, found.end) == ("2026-03-29T01:45:00", "2026-03-29T03:15:00")


def test_a_visit_in_the_repeated_hour_is_drawn_as_long_as_it_takes():
    """02:45 and half an hour: the clock on the wall shows 02:15 at the end."""
    found = block(claim(at("2026-10-25 02:45")), day="2026-10-25")

    assert (found.start, found.end) == ("2026-10-25T02:45:00", "2026-10-25T03:15:00")
    assert found.time == "02:45–02:15"


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({}, "booked"),
        ({"is_confirmed": True}, "confirmed"),
        ({"status": AppointmentStatus.arrived, "is_confirmed": True}, "arrived"),
        ({"status": AppointmentStatus.no_show}, "no_show"),
        ({"status": AppointmentStatus.held, "held_until": at("2026-03-02 10:10"), "patient": None}, "held"),
        ({"status": AppointmentStatus.held, "answer_until": at("2026-03-02 12:00")}, "offer"),
    ],
)
def test_the_status_is_said_in_a_word_too(columns, kind):
    found = block(claim(at("2026-03-03 09:00"), **columns))

    assert found.kind == kind
    assert found.status in found.spoken


def test_an_offer_names_the_minute_until_which_it_holds():
    found = block(claim(at("2026-03-03 09:00"), status=AppointmentStatus.held, answer_until=at("2026-03-02 12:00")))

    assert "answer until 12:00" in found.note


def test_only_reception_moves_and_only_what_is_booked():
    booked, arrived = claim(at("2026-03-03 09:00")), claim(at("2026-03-03 09:00"), status=AppointmentStatus.arrived)

    assert block(booked).can_move
    assert not block(arrived).can_move
    assert not block(booked, reader=DOCTOR).can_move


# --- What lies behind -------------------------------------------------------------------------------------------------


def shades(found: CalendarSheet, kind: str) -> list[tuple[str, str]]:
    return [(shade.start[11:16], shade.end[11:16]) for shade in found.shades if shade.kind == kind]


def test_what_is_outside_the_shifts_is_closed():
    assert shades(sheet(), "closed") == [("00:00", "08:00"), ("16:00", "00:00")]


def test_a_day_without_hours_is_closed_as_a_whole():
    assert shades(sheet(hours=None), "closed") == [("00:00", "00:00")]


def test_the_buffer_after_a_visit_is_shown():
    late = at("2026-03-03 09:40")

    assert shades(sheet(claim(at("2026-03-03 09:00"), busy_until=late)), "buffer") == [("09:30", "09:40")]


def test_time_off_shows_its_reason():
    off = Absence(REFS[0], 7, at("2026-03-03 09:00"), at("2026-03-03 12:00"), "Congress", False)

    (shade,) = [shade for shade in sheet(absences=(off,)).shades if shade.kind == "off"]

    assert shade.label == "Congress"


def test_the_hours_worth_showing_reach_around_shifts_and_visits():
    early = claim(at("2026-03-03 06:30"), overbooked_reason="acute pain")
    late = claim(at("2026-03-03 18:00"), overbooked_reason="acute pain")

    assert (sheet().opens, sheet().closes) == ("08:00:00", "16:00:00")
    assert (sheet(early, late).opens, sheet(early, late).closes) == ("06:00:00", "19:00:00")


def test_a_visit_over_midnight_shows_the_day_to_its_end():
    assert sheet(claim(at("2026-03-03 23:45"))).closes == "24:00:00"


# --- Days -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "first", "days"),
    [("day", "2026-03-04", 1), ("list", "2026-03-04", 1), ("week", "2026-03-02", 7), ("month", "2026-02-23", 42)],
)
def test_a_view_shows_whole_weeks(view, first, days):
    assert days_of(view, date(2026, 3, 4)) == (date.fromisoformat(first), days)


def test_a_month_that_fits_four_weeks_has_four():
    assert days_of("month", date(2027, 2, 10)) == (date(2027, 2, 1), 28)


@pytest.mark.parametrize(
    ("view", "before", "after"),
    [
        ("day", "2026-03-30", "2026-04-01"),
        ("week", "2026-03-24", "2026-04-07"),
        ("month", "2026-02-01", "2026-04-01"),
    ],
)
def test_turning_the_page_never_skips_one(view, before, after):
    last_of_march = date(2026, 3, 31)

    assert other_day(last_of_march, view, -1) == date.fromisoformat(before)
    assert other_day(last_of_march, view, 1) == date.fromisoformat(after)


def test_titles_are_in_the_readers_language():
    day = date(2026, 3, 4)
    with language("de"):
        assert title_of("day", day) == "Mittwoch, 4. März 2026"
    assert [title_of(view, day) for view in ("day", "week", "month")] == [
        "Wednesday 4 March 2026",
        "2–8 Mar 2026",
        "March 2026",
    ]


# --- Words ------------------------------------------------------------------------------------------------------------


def happened(kind: str, actor: str = "staff", staff: str | None = "Sam Stern", **places: object) -> Happened:
    empty = {"old_doctor": None, "old_starts_at": None, "new_doctor": None, "new_starts_at": None}
    return Happened(at("2026-03-02 10:00"), kind, actor, staff, **empty | places)  # type: ignore[arg-type]


def test_the_history_names_who_did_it():
    assert in_words(happened("appointment.booked"), VIENNA) == "Booked by Sam Stern"
    assert in_words(happened("appointment.booked", "patient", None), VIENNA) == "Booked by the patient"


def test_a_move_says_from_where_to_where():
    times = {"old_starts_at": at("2026-03-03 09:00"), "new_starts_at": at("2026-03-04 10:00")}

    same = in_words(happened("appointment.moved", **times, old_doctor="Dr. A", new_doctor="Dr. A"), VIENNA)
    other = in_words(happened("appointment.moved", **times, old_doctor="Dr. A", new_doctor="Dr. B"), VIENNA)

    assert same == "Moved by Sam Stern from Tue 3 Mar, 09:00 to Wed 4 Mar, 10:00"
    assert other == "Moved by Sam Stern from Tue 3 Mar, 09:00 (Dr. A) to Wed 4 Mar, 10:00 (Dr. B)"


def test_the_age_is_counted_in_birthdays():
    assert born(date(1984, 3, 3), date(2026, 3, 2)) == "3 March 1984 (41 years)"
    assert born(date(1984, 3, 3), date(2026, 3, 3)) == "3 March 1984 (42 years)"
    assert born(None, date(2026, 3, 3)) == ""
