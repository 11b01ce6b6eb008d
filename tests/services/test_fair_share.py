"""How much of what is free anybody may take without the desk."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from medcal.db import fetch_one
from medcal.errors import TooManyTries, TooManyVisits
from medcal.models import AppointmentStatus
from medcal.security import digest
from medcal.services import fair_share, one_time_codes, throttle
from medcal.services.fair_share import (
    HOLDS_OF_ADDRESS,
    HOLDS_OF_BROWSER,
    HOLDS_WINDOW,
    MOST_COMING,
    MOST_DOUBLINGS,
    PACES,
    WORK_WINDOW,
)
from medcal.services.proof_of_work import FLOOR_BITS
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


# --- Work ---------------------------------------------------------------------------------------------------------------


def extra(db: Session, what: str = "hold", address: str | None = ADDRESS, now: datetime = NOW) -> int:
    """How often the work of the next one is doubled."""
    return fair_share.work_for(db, what, address, now=now) - FLOOR_BITS


def hold(db: Session, times: int, addresses: Sequence[str | None] = (ADDRESS,)) -> None:
    for number in range(times):
        address = addresses[number % len(addresses)]
        fair_share.count_hold(db, digest(f"browser {number} of {address}"), address, now=NOW)


def test_a_household_works_as_little_as_can_be(db: Session) -> None:
    assert extra(db) == 0
    hold(db, PACES["hold"].address.usual)

    assert extra(db) == 0


def test_the_work_doubles_with_what_the_same_address_holds(db: Session) -> None:
    pace = PACES["hold"].address
    hold(db, pace.usual + 2 * pace.step)

    assert extra(db) == 2
    assert extra(db, address="198.51.100.1") == 0
    assert extra(db, what="code") == 0


def test_neighbours_in_a_network_work_for_each_other(db: Session) -> None:
    pace = PACES["hold"].network
    hold(db, pace.usual + pace.step, [f"203.0.113.{number}" for number in range(200)])
    hold(db, pace.usual + pace.step, [f"2001:db8:7:{number:x}::/64" for number in range(200)])

    assert extra(db, address="203.0.113.250") == 1
    assert extra(db, address="2001:db8:7:ffff::/64") == 1
    assert extra(db, address="203.0.114.1") == extra(db, address="2001:db8:8:1::/64") == 0


def test_a_rush_on_the_clinic_is_shared_by_all_and_stays_bearable(db: Session) -> None:
    pace = PACES["hold"].clinic
    for number in range(pace.usual + pace.step):
        fair_share.count_work(db, "hold", None, now=NOW + timedelta(milliseconds=number))

    assert extra(db) == extra(db, address=None) == 1
    with_all = [pace.doublings(10**6), *(p.doublings(10**6) for p in (PACES["hold"].address, PACES["hold"].network))]
    assert pace.doublings(10**6) == pace.most < MOST_DOUBLINGS < sum(with_all)


def test_work_is_never_doubled_without_end(db: Session) -> None:
    for number in range(400):
        throttle.add(db, f"hold from {ADDRESS}", window=WORK_WINDOW, now=NOW + timedelta(milliseconds=number))

    assert extra(db) == MOST_DOUBLINGS


def test_what_was_held_is_remembered_over_the_full_hour_and_not_over_three(db: Session) -> None:
    pace = PACES["hold"].address
    hold(db, pace.usual + pace.step)

    assert extra(db, now=NOW + WORK_WINDOW) == 1
    assert extra(db, now=NOW + 2 * WORK_WINDOW) == 0


def test_codes_grow_dear_sooner(db: Session) -> None:
    for number in range(4):
        one_time_codes.count_code_wish(db, f"patient-{number}@example.com", ADDRESS, now=NOW)

    assert extra(db, what="code") == 1
    assert extra(db) == 0


def test_odd_addresses_are_a_network_of_their_own(db: Session) -> None:
    fair_share.count_work(db, "hold", "not an address", now=NOW)

    assert extra(db, address="not an address") == 0
