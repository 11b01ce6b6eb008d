"""A patient's own copy and erasure: where a code has shown that the address is hers, and nowhere else."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from medcal.db import fetch
from medcal.errors import Invalid, NotFound, NotPossibleNow, TooManyTries
from medcal.models import AppointmentStatus, Event, Patient, WaitlistEntry
from medcal.security import digest
from medcal.services import access, one_time_codes, own_requests
from medcal.services.one_time_codes import CODE_OPENS_FOR
from medcal.services.own_requests import COPIES, ERASURES, OwnPerson, erase_own, give_own, people_of
from tests.support.dump import dump
from tests.support.factories import NOW, Clinic, make_appointment, make_booker, make_clinic, make_entry, make_patient

VISIT = digest("a browser")
BORN = date(1984, 2, 29)
LAST_YEAR = NOW - timedelta(days=300)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


def open_by_code(db: Session, contact: str = "alice@example.com") -> None:
    one_time_codes._grant_all_of(db, contact, VISIT, NOW)


def names(db: Session, *, now=NOW) -> list[str]:
    return [person.name for person in people_of(db, VISIT, now=now)]


# --- Whose --------------------------------------------------------------------------------------------------------------


def test_a_code_opens_hers_and_those_of_her_dependants_and_nobody_elses(db: Session, clinic: Clinic) -> None:
    child = make_patient(db, "Anton Adler", "Alice@example.com", born_on=date(2019, 5, 4))
    open_by_code(db)

    assert people_of(db, VISIT, now=NOW) == [
        OwnPerson(clinic.alice.ref, "Alice Adler", BORN),
        OwnPerson(child.ref, "Anton Adler", date(2019, 5, 4)),
    ]
    with pytest.raises(NotFound):
        give_own(db, VISIT, clinic.bob.ref, now=NOW)
    with pytest.raises(NotFound):
        give_own(db, digest("another browser"), clinic.alice.ref, now=NOW)


def test_who_has_booked_for_somebody_else_does_not_get_her_data(db: Session, clinic: Clinic) -> None:
    booker = make_booker(db, "Alice Adler", "alice@example.com")
    make_appointment(db, clinic, LAST_YEAR, clinic.bob, status=AppointmentStatus.fulfilled, booker_id=booker.id)
    open_by_code(db)

    assert names(db) == ["Alice Adler"]
    with pytest.raises(NotFound):
        give_own(db, VISIT, clinic.bob.ref, now=NOW)


def test_a_link_which_can_be_forwarded_opens_no_data(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, LAST_YEAR, status=AppointmentStatus.fulfilled)
    access.grant_after_booking(db, appointment, VISIT, LAST_YEAR + timedelta(days=300))
    for purpose in ("manage", "reminder", "choice", "offer"):
        access._grant(
            db,
            VISIT,
            patient_id=clinic.alice.id or 0,
            appointment_id=appointment.id,
            purpose=purpose,
            now=NOW,
            expires_at=NOW + timedelta(days=1),
        )

    assert names(db) == []
    for ask in (give_own, lambda *args, now: erase_own(*args, born_on=BORN, now=now)):
        with pytest.raises(NotFound):
            ask(db, VISIT, clinic.alice.ref, now=NOW)


def test_it_ends_with_the_code(db: Session, clinic: Clinic) -> None:
    open_by_code(db)

    assert names(db, now=NOW + CODE_OPENS_FOR - timedelta(seconds=1)) == ["Alice Adler"]
    assert names(db, now=NOW + CODE_OPENS_FOR) == []


# --- The copy -----------------------------------------------------------------------------------------------------------


def test_the_copy_is_hers_alone_and_in_the_history(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, LAST_YEAR, status=AppointmentStatus.fulfilled, request="of Alice")
    make_appointment(db, clinic, LAST_YEAR + timedelta(days=1), clinic.bob, request="of Bob")
    open_by_code(db)

    text = give_own(db, VISIT, clinic.alice.ref, now=NOW).as_json()

    assert "of Alice" in text
    assert "Bob" not in text
    [event] = db.exec(select(Event).where(Event.kind == "patient.data_given")).all()
    assert (event.actor, event.staff_user_id) == ("patient", None)


# --- The erasure --------------------------------------------------------------------------------------------------------


def test_she_erases_herself_and_a_dump_tells_nothing_of_her(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, LAST_YEAR, status=AppointmentStatus.fulfilled, request="Marked")
    make_entry(db, clinic)
    open_by_code(db)
    ref = clinic.alice.ref

    erase_own(db, VISIT, ref, born_on=BORN, now=NOW)

    assert [line for line in dump(db).splitlines() if "alice" in line.lower() or "adler" in line.lower()] == []
    assert str(db.exec(select(WaitlistEntry.status)).one()) == "withdrawn"
    assert names(db) == []
    [event] = db.exec(select(Event).where(Event.kind == "patient.erased")).all()
    assert event.actor == "patient"
    with pytest.raises(NotFound):
        erase_own(db, VISIT, ref, born_on=BORN, now=NOW)


def test_who_shares_the_mailbox_must_know_the_date_of_birth(db: Session, clinic: Clinic) -> None:
    open_by_code(db)
    for guess in (None, date(1984, 2, 28)):
        with pytest.raises(Invalid) as refusal:
            erase_own(db, VISIT, clinic.alice.ref, born_on=guess, now=NOW)
        assert refusal.value.field == "born_on"

    assert "Alice Adler" in db.exec(select(Patient.name)).all()


def test_of_whom_no_date_is_known_none_is_asked(db: Session, clinic: Clinic) -> None:
    clinic.alice.born_on = None
    open_by_code(db)

    erase_own(db, VISIT, clinic.alice.ref, born_on=None, now=NOW)

    assert "Alice Adler" not in db.exec(select(Patient.name)).all()


def test_while_a_visit_is_to_come_she_is_told_to_cancel_it_first(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, NOW + timedelta(days=1))
    open_by_code(db)

    with pytest.raises(NotPossibleNow, match="cancel it first"):
        erase_own(db, VISIT, clinic.alice.ref, born_on=BORN, now=NOW)


# --- How often ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "limit"), [(own_requests.count_copy, COPIES), (own_requests.count_erasure, ERASURES)]
)
def test_so_often_and_no_oftener(db: Session, count, limit: int) -> None:
    for _ in range(limit):
        count(db, VISIT, None, now=NOW)
    with pytest.raises(TooManyTries):
        count(db, VISIT, None, now=NOW)
    count(db, VISIT, None, now=NOW + timedelta(hours=1))


def test_a_new_cookie_does_not_help_for_long(db: Session) -> None:
    for place in range(2 * ERASURES):
        own_requests.count_erasure(db, digest(str(place)), "203.0.113.7", now=NOW)
    with pytest.raises(TooManyTries):
        own_requests.count_erasure(db, digest("one more"), "203.0.113.7", now=NOW)
    assert fetch(db, "SELECT id FROM throttle WHERE name LIKE '%%203%%113%%'") == []
