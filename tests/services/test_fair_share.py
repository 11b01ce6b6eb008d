"""How much of what is free anybody may take without the desk."""

import uuid
from datetime import timedelta

import pytest
from sqlmodel import Session

from medcal.db import fetch_one
from medcal.errors import TooManyTries, TooManyVisits
from medcal.models import AppointmentStatus
from medcal.security import digest
from medcal.services import fair_share
from medcal.services.fair_share import HOLDS_OF_ADDRESS, HOLDS_OF_BROWSER, HOLDS_WINDOW, MOST_COMING
from tests.support.factories import NOW, Clinic, make_appointment, make_booker, make_clinic, make_patient

VISIT, ADDRESS = digest("a browser"), "203.0.113.7"
MAIL, PHONE = "alice@example.com", "+436641234567"


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


def book(db: Session, clinic: Clinic, visits: int, **columns: object) -> None:
    for number in range(visits):
        make_appointment(db, clinic, NOW + timedelta(days=1, hours=number), **columns)


def check(db: Session, email: str | None = MAIL, phone: str | None = None, held: uuid.UUID | None = None) -> None:
    fair_share.check_coming(db, held or uuid.uuid4(), email, phone, now=NOW)


# --- Visits -------------------------------------------------------------------------------------------------------------


def test_a_family_books_what_a_family_needs(db: Session, clinic: Clinic) -> None:
    book(db, clinic, MOST_COMING - 1)

    check(db)


def test_whoever_has_booked_so_many_calls_for_another_one(db: Session, clinic: Clinic) -> None:
    book(db, clinic, MOST_COMING)

    with pytest.raises(TooManyVisits):
        check(db)


def test_capitals_make_nobody_somebody_else(db: Session, clinic: Clinic) -> None:
    book(db, clinic, MOST_COMING, patient=make_patient(db, email="Alice@Example.com"))

    with pytest.raises(TooManyVisits):
        check(db, "ALICE@example.com")


def test_a_number_counts_like_an_address(db: Session, clinic: Clinic) -> None:
    book(db, clinic, MOST_COMING, patient=make_patient(db, email=None, phone=PHONE))

    with pytest.raises(TooManyVisits):
        check(db, "new@example.com", PHONE)


def test_booking_for_many_people_is_booking_too(db: Session, clinic: Clinic) -> None:
    """A reseller: another patient each time, and the same address for the answers."""
    booker = make_booker(db, "Rick Reseller", "rick@example.com")
    for number in range(MOST_COMING):
        patient = make_patient(db, f"Patient {number}", None)
        make_appointment(db, clinic, NOW + timedelta(days=2, hours=number), patient, booker_id=booker.id)

    with pytest.raises(TooManyVisits):
        check(db, "rick@example.com")


@pytest.mark.parametrize(
    "columns", [{"status": AppointmentStatus.cancelled, "cancelled_at": NOW}, {"status": AppointmentStatus.fulfilled}]
)
def test_what_is_over_or_cancelled_does_not_count(db: Session, clinic: Clinic, columns: dict[str, object]) -> None:
    book(db, clinic, MOST_COMING, **columns)

    check(db)


def test_past_visits_and_those_of_others_do_not_count(db: Session, clinic: Clinic) -> None:
    book(db, clinic, MOST_COMING, patient=clinic.bob)
    for number in range(MOST_COMING):
        make_appointment(db, clinic, NOW - timedelta(days=1, hours=number))

    check(db)


def test_the_form_that_is_sent_twice_is_not_refused_the_second_time(db: Session, clinic: Clinic) -> None:
    book(db, clinic, MOST_COMING - 1)
    last = make_appointment(db, clinic, NOW + timedelta(days=3))

    check(db, held=last.ref)


def test_two_forms_at_the_same_instant_pass_one_after_the_other(db: Session, clinic: Clinic) -> None:
    check(db, MAIL, PHONE)

    locks = fetch_one(
        db, "SELECT count(*) AS held FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    )
    assert locks is not None
    assert locks.held == 2


# --- Holds --------------------------------------------------------------------------------------------------------------


def test_a_browser_holds_so_many_times_an_hour(db: Session) -> None:
    for _ in range(HOLDS_OF_BROWSER):
        fair_share.count_hold(db, VISIT, ADDRESS, now=NOW)

    with pytest.raises(TooManyTries):
        fair_share.count_hold(db, VISIT, ADDRESS, now=NOW)
    fair_share.count_hold(db, VISIT, ADDRESS, now=NOW + HOLDS_WINDOW)


def test_who_throws_cookies_away_is_known_by_the_address(db: Session) -> None:
    for number in range(HOLDS_OF_ADDRESS):
        fair_share.count_hold(db, digest(f"cookie {number}"), ADDRESS, now=NOW)

    with pytest.raises(TooManyTries):
        fair_share.count_hold(db, digest("one more"), ADDRESS, now=NOW)
    fair_share.count_hold(db, digest("one more, behind a proxy that hides everybody"), None, now=NOW)
