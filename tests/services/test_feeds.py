"""A doctor's calendar in another program: made, read as it stands, taken back; and read by nobody else."""

import uuid
from datetime import timedelta

import icalendar
import pytest
from sqlmodel import Session, select

from medcal.errors import NotAllowed, NotFound, NotPossibleNow
from medcal.models import AppointmentStatus, CalendarFeed, Event, StaffUser
from medcal.security import PATIENT, SYSTEM, Actor, Role
from medcal.services import feeds
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    make_appointment,
    make_clinic,
    make_doctor,
    make_entry,
    make_hold,
    make_offer,
    make_user,
)

DAY = timedelta(days=1)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def okafor(db: Session, clinic: Clinic) -> Actor:
    return actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))


@pytest.fixture
def admin(db: Session) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


@pytest.fixture
def token(db: Session, clinic: Clinic, okafor: Actor) -> str:
    return feeds.make_feed(db, okafor, clinic.okafor.ref, NOW)


def read(db: Session, token: str) -> icalendar.Calendar:
    text = feeds.read_feed(db, token, "", NOW).text
    assert text is not None
    calendar = icalendar.Calendar.from_ical(text)
    assert not calendar.errors
    return calendar


def summaries(db: Session, token: str) -> list[str]:
    return [str(event["SUMMARY"]) for event in read(db, token).walk("VEVENT")]


# --- What is read -----------------------------------------------------------------------------------------------------


def test_a_feed_says_when_and_where_and_by_its_code_which(db: Session, clinic: Clinic, token: str) -> None:
    visit = make_appointment(db, clinic, NOW + DAY, version=3, reason="Marked-Reason", request="Marked-Request")

    calendar = read(db, token)

    [event] = calendar.walk("VEVENT")
    assert str(calendar["X-WR-CALNAME"]) == "Dr. Ada Okafor · Medcal Clinic Vienna"
    assert (event.start, event.end) == (visit.starts_at, visit.ends_at)
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (f"{visit.ref}@medcal", 2, "CONFIRMED")
    assert str(event["SUMMARY"]) == f"Appointment {visit.code}"
    assert str(event["LOCATION"]) == "Medcal Clinic Vienna, Ringstraße 1, 1010 Wien"
    assert "METHOD" not in calendar
    assert not {"ORGANIZER", "ATTENDEE", "DESCRIPTION"} & set(event)


def test_names_stand_there_only_where_the_clinic_lets_them(
    db: Session, clinic: Clinic, admin: Actor, token: str
) -> None:
    visit = make_appointment(db, clinic, NOW + DAY, reason="Marked-Reason")
    assert "Alice" not in (feeds.read_feed(db, token, "", NOW).text or "")

    feeds.show_names(db, admin, clinic.okafor.ref, True, NOW)
    [event] = read(db, token).walk("VEVENT")
    assert (str(event["SUMMARY"]), str(event["DESCRIPTION"])) == ("Alice Adler", f"Booking code {visit.code}")

    feeds.show_names(db, admin, clinic.okafor.ref, False, NOW)
    assert summaries(db, token) == [f"Appointment {visit.code}"]


def test_nothing_of_why_or_who_is_ever_there(db: Session, clinic: Clinic, admin: Actor, token: str) -> None:
    clinic.specialty.name = clinic.visit_type.name = "Marked"
    clinic.alice.phone = "+436641234509"
    make_appointment(
        db,
        clinic,
        NOW + DAY,
        reason="Marked",
        request="Marked",
        overbooked_by_id=clinic.sam.id,
        overbooked_reason="Marked",
    )
    feeds.show_names(db, admin, clinic.okafor.ref, True, NOW)

    text = feeds.read_feed(db, token, "", NOW).text or ""

    for marked in ("Marked", "1984", "6641234509", "alice@example.com", "Sam Stern"):
        assert marked not in text


def test_only_visits_that_are_to_be_or_were_are_there(db: Session, clinic: Clinic, token: str) -> None:
    kept = [
        make_appointment(db, clinic, NOW + n * DAY, status=status)
        for n, status in enumerate(
            (AppointmentStatus.booked, AppointmentStatus.arrived, AppointmentStatus.fulfilled), 1
        )
    ]
    make_appointment(db, clinic, NOW + 7 * DAY, status=AppointmentStatus.cancelled, cancelled_at=NOW)
    make_appointment(db, clinic, NOW + 8 * DAY, status=AppointmentStatus.no_show)
    make_hold(db, clinic, NOW + 9 * DAY, NOW + timedelta(minutes=10))
    make_offer(db, clinic, make_entry(db, clinic), NOW + 10 * DAY)

    assert summaries(db, token) == [f"Appointment {each.code}" for each in kept]


def test_a_feed_reaches_four_weeks_back_and_a_year_ahead(db: Session, clinic: Clinic, token: str) -> None:
    inside = [make_appointment(db, clinic, NOW + n * DAY) for n in (-28, 366 - 1)]
    for n in (-29, 366):
        make_appointment(db, clinic, NOW + n * DAY)

    assert summaries(db, token) == [f"Appointment {each.code}" for each in inside]


def test_a_feed_is_one_doctors(db: Session, clinic: Clinic, token: str) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    make_appointment(db, clinic, NOW + DAY, doctor=other)

    assert summaries(db, token) == []


def test_an_instant_is_right_on_both_sides_of_a_clock_change(db: Session, clinic: Clinic, token: str) -> None:
    zone = clinic.location.zone_info
    visits = [make_appointment(db, clinic, at) for at in (NOW + 25 * DAY, NOW + 28 * DAY)]

    events = read(db, token).walk("VEVENT")

    assert [event.start for event in events] == [visit.starts_at for visit in visits]
    assert [f"{event.start.astimezone(zone):%d.%m. %H:%M}" for event in events] == ["27.03. 10:00", "30.03. 11:00"]


# --- What has not changed ---------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_sent_again(db: Session, clinic: Clinic, token: str) -> None:
    make_appointment(db, clinic, NOW + DAY)
    first = feeds.read_feed(db, token, "", NOW)

    for known in (first.etag, f"W/{first.etag}", f'"other", {first.etag}'):
        assert feeds.read_feed(db, token, known, NOW + timedelta(hours=1)) == feeds.Reading(first.etag, None)
    again = feeds.read_feed(db, token, '"other"', NOW + timedelta(hours=1))
    assert again == first


def test_every_change_is_news(db: Session, clinic: Clinic, admin: Actor, token: str) -> None:
    visit = make_appointment(db, clinic, NOW + DAY)
    seen = [feeds.read_feed(db, token, "", NOW).etag]

    def look() -> None:
        db.flush()
        seen.append(feeds.read_feed(db, token, "", NOW).etag)

    visit.starts_at, visit.version = visit.starts_at + timedelta(minutes=5), 2
    look()
    feeds.show_names(db, admin, clinic.okafor.ref, True, NOW)
    look()
    clinic.alice.name = "Alice Berger"
    look()
    make_appointment(db, clinic, NOW + 2 * DAY)
    look()
    visit.status, visit.cancelled_at = AppointmentStatus.cancelled, NOW
    look()

    assert len(set(seen)) == len(seen) == 6


# --- Who reads --------------------------------------------------------------------------------------------------------


def test_the_token_is_kept_as_a_digest_alone(db: Session, token: str) -> None:
    [feed] = db.exec(select(CalendarFeed)).all()

    assert token not in repr(feed.model_dump())
    assert len(token) >= 43
    [event] = db.exec(select(Event)).all()
    assert event.kind == "feed.made"
    assert token not in repr(event.detail)


def test_a_feed_that_was_taken_back_is_as_unknown_as_one_that_never_was(
    db: Session, clinic: Clinic, okafor: Actor, token: str
) -> None:
    [feed] = feeds.list_feeds(db, okafor, clinic.okafor.ref)

    for _ in range(2):
        feeds.revoke_feed(db, okafor, feed.ref, NOW)

    for wrong in (token, "never-made", "", token + "x", "\x00"):
        with pytest.raises(NotFound):
            feeds.read_feed(db, wrong, "", NOW)
    assert feeds.list_feeds(db, okafor, clinic.okafor.ref) == []
    assert [event.kind for event in db.exec(select(Event))] == ["feed.made", "feed.revoked"]


def test_another_address_goes_on_when_one_is_taken_back(db: Session, clinic: Clinic, okafor: Actor, token: str) -> None:
    other = feeds.make_feed(db, okafor, clinic.okafor.ref, NOW)
    first, _ = feeds.list_feeds(db, okafor, clinic.okafor.ref)

    feeds.revoke_feed(db, okafor, first.ref, NOW)

    assert feeds.read_feed(db, other, "", NOW).text
    with pytest.raises(NotFound):
        feeds.read_feed(db, token, "", NOW)


def test_who_has_left_takes_her_feeds_with_her(db: Session, clinic: Clinic, admin: Actor, token: str) -> None:
    made_by_admin = feeds.make_feed(db, admin, clinic.okafor.ref, NOW)
    assert feeds.read_feed(db, made_by_admin, "", NOW).text
    user = db.get_one(StaffUser, admin.id)
    for user.role, user.is_active in ((Role.reception, True), (Role.admin, False)):
        db.flush()
        with pytest.raises(NotFound):
            feeds.read_feed(db, made_by_admin, "", NOW)

    clinic.okafor.is_active = False
    db.flush()
    with pytest.raises(NotFound):
        feeds.read_feed(db, token, "", NOW)


def test_it_is_noted_once_a_minute_that_somebody_reads(db: Session, clinic: Clinic, okafor: Actor, token: str) -> None:
    noted = []
    for seconds in (0, 59, 60, 61, 125):
        feeds.read_feed(db, token, "", NOW + timedelta(seconds=seconds))
        [feed] = feeds.list_feeds(db, okafor, clinic.okafor.ref)
        assert feed.read_at is not None
        noted.append((feed.read_at - NOW).total_seconds())

    assert noted == [0, 0, 60, 60, 125]


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_a_doctor_makes_and_removes_her_own_alone(db: Session, clinic: Clinic, admin: Actor, okafor: Actor) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    feeds.make_feed(db, admin, other.ref, NOW)
    [theirs] = feeds.list_feeds(db, admin, other.ref)

    for attempt in (
        lambda: feeds.make_feed(db, okafor, other.ref, NOW),
        lambda: feeds.list_feeds(db, okafor, other.ref),
        lambda: feeds.revoke_feed(db, okafor, theirs.ref, NOW),
        lambda: feeds.shows_names(db, okafor, other.ref),
        lambda: feeds.make_feed(db, okafor, uuid.uuid4(), NOW),
        lambda: feeds.revoke_feed(db, okafor, uuid.uuid4(), NOW),
    ):
        with pytest.raises(NotFound):
            attempt()
    with pytest.raises(NotAllowed):
        feeds.show_names(db, okafor, clinic.okafor.ref, True, NOW)
    assert len(feeds.list_feeds(db, admin, other.ref)) == 1


@pytest.mark.parametrize("who", ["desk", "patient", "system"])
def test_nobody_else_makes_or_removes_any(db: Session, clinic: Clinic, okafor: Actor, token: str, who: str) -> None:
    other = {"desk": clinic.desk, "patient": PATIENT, "system": SYSTEM}[who]
    [feed] = feeds.list_feeds(db, okafor, clinic.okafor.ref)

    for attempt in (
        lambda: feeds.make_feed(db, other, clinic.okafor.ref, NOW),
        lambda: feeds.list_feeds(db, other, clinic.okafor.ref),
        lambda: feeds.revoke_feed(db, other, feed.ref, NOW),
        lambda: feeds.show_names(db, other, clinic.okafor.ref, True, NOW),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert feeds.read_feed(db, token, "", NOW).text


def test_nobody_needs_more_than_ten(db: Session, clinic: Clinic, okafor: Actor) -> None:
    for _ in range(feeds.MOST_FEEDS):
        feeds.make_feed(db, okafor, clinic.okafor.ref, NOW)

    with pytest.raises(NotPossibleNow, match="remove one first"):
        feeds.make_feed(db, okafor, clinic.okafor.ref, NOW)
