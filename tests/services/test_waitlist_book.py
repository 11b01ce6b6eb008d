"""The desk's view of the waitlist: order, pauses, and leaving it."""

import uuid
from datetime import time, timedelta

import pytest
from sqlmodel import Session, select

from medcal.errors import Invalid, NotAllowed, NotFound, NotPossibleNow
from medcal.models import AppointmentStatus, EntryStatus, Event, Message, OfferStatus, Specialty
from medcal.security import Actor, Role
from medcal.services import waitlist_book
from medcal.services.desk import PatientForm
from medcal.services.waitlist import Wish
from medcal.services.waitlist_book import Wanted
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    make_appointment,
    make_entry,
    make_offer,
    make_patient,
    make_user,
    make_visit_type,
)
from tests.support.times import at

GRETA = PatientForm(name="Greta Groß", born_on="1950-01-02", phone="+43 664 1234567")


def doctors_account(db: Session, clinic: Clinic) -> Actor:
    return actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))


def waiting(db: Session, clinic: Clinic) -> list[tuple[int, str]]:
    return [(wish.place, wish.patient) for wish in waitlist_book.who_waits(db, clinic.desk)]


@pytest.fixture
def three(db: Session, clinic: Clinic) -> None:
    """Alice waits longest, then Bob, then Charlie."""
    for days, patient in enumerate((make_patient(db), clinic.bob, clinic.alice), start=1):
        make_entry(db, clinic, patient=patient, created_at=NOW - timedelta(days=days))


# --- Who waits --------------------------------------------------------------------------------------------------------


def test_who_waited_longest_comes_first(db, clinic, three):
    assert waiting(db, clinic) == [(1, "Alice Adler"), (2, "Bob Berger"), (3, "Charlie Czerny")]


def test_urgent_ones_come_before_all_others(db, clinic, three):
    charlie = waitlist_book.who_waits(db, clinic.desk)[-1]

    waitlist_book.set_urgent(db, clinic.desk, charlie.ref, is_urgent=True, now=NOW)
    assert waiting(db, clinic)[0] == (1, "Charlie Czerny")

    waitlist_book.set_urgent(db, clinic.desk, charlie.ref, is_urgent=False, now=NOW)
    assert waiting(db, clinic)[-1] == (3, "Charlie Czerny")


def test_the_turn_is_counted_within_a_specialty(db, clinic, three):
    skin = Specialty(slug="dermatology", name="Dermatology", practitioner="Dermatologist", position=1)
    db.add(skin)
    db.flush()

    make_entry(db, clinic, patient=clinic.bob, visit_type_id=make_visit_type(db, skin, name="Mole check").id)

    assert waiting(db, clinic)[-1] == (1, "Bob Berger")


def test_reception_adds_somebody_who_has_no_appointment(db, clinic):
    wish = Wish(weekdays=(0, 2), opens=time(8), closes=time(12))

    waitlist_book.add_waiting(db, clinic.desk, GRETA, Wanted(clinic.visit_type.ref, clinic.okafor.ref, wish), now=NOW)

    (found,) = waitlist_book.who_waits(db, clinic.desk)
    assert (found.patient, found.phone, found.email) == ("Greta Groß", "+436641234567", None)
    assert (found.doctor, found.weekdays, found.own_starts_at) == ("Dr. Ada Okafor", (0, 2), None)


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        (PatientForm(name="Greta Groß", born_on="1950-01-02"), {}),
        (GRETA, {"weekdays": ()}),
        (GRETA, {"opens": time(12), "closes": time(8)}),
    ],
    ids=["no way to reach her", "no day", "no hours"],
)
def test_a_wish_that_nobody_can_meet_is_refused(db, clinic, form, wanted):
    with pytest.raises(Invalid):
        waitlist_book.add_waiting(db, clinic.desk, form, Wanted(clinic.visit_type.ref, None, Wish(**wanted)), now=NOW)


def test_an_unknown_visit_is_not_found(db, clinic):
    with pytest.raises(NotFound):
        waitlist_book.add_waiting(db, clinic.desk, GRETA, Wanted(uuid.uuid4(), None, Wish()), now=NOW)


def test_taking_somebody_off_the_list_ends_her_offer(db, clinic):
    entry = make_entry(db, clinic)
    offer = make_offer(db, clinic, entry, at("2026-03-05 09:00"))

    waitlist_book.remove_waiting(db, clinic.desk, entry.ref, now=NOW)

    db.refresh(entry), db.refresh(offer)
    assert (entry.status, offer.status) == (EntryStatus.withdrawn, OfferStatus.withdrawn)


def test_taking_off_the_holder_of_an_appointment_leaves_the_appointment(db, clinic):
    appointment = make_appointment(db, clinic, at("2026-03-20 09:00"))
    entry = make_entry(db, clinic, appointment)

    waitlist_book.remove_waiting(db, clinic.desk, entry.ref, now=NOW)

    db.refresh(entry), db.refresh(appointment)
    assert (entry.status, appointment.status) == (EntryStatus.withdrawn, AppointmentStatus.booked)


# --- Pauses -----------------------------------------------------------------------------------------------------------


def test_who_is_paused_keeps_the_place_but_has_no_turn(db, clinic, three):
    bob = waitlist_book.who_waits(db, clinic.desk)[1]

    waitlist_book.pause(db, clinic.desk, bob.ref, now=NOW)

    found = waitlist_book.who_waits(db, clinic.desk)
    assert [wish.patient for wish in found] == ["Alice Adler", "Bob Berger", "Charlie Czerny"]
    assert [wish.is_paused for wish in found] == [False, True, False]
    assert [wish.place for wish in found if not wish.is_paused] == [1, 2]


def test_who_is_paused_is_asked_by_nobody_and_told_nothing(db, clinic):
    entry = make_entry(db, clinic)

    waitlist_book.pause(db, clinic.desk, entry.ref, now=NOW)
    waitlist_book.pause(db, clinic.desk, entry.ref, now=NOW)

    db.refresh(entry)
    assert entry.status is EntryStatus.paused
    assert db.exec(select(Message)).all() == []
    assert [event.kind for event in db.exec(select(Event))] == ["waitlist.paused"]


def test_who_is_asked_again_waits_in_the_old_place(db, clinic, three):
    bob = waitlist_book.who_waits(db, clinic.desk)[1]
    waitlist_book.pause(db, clinic.desk, bob.ref, now=NOW)

    waitlist_book.resume(db, clinic.desk, bob.ref, now=NOW)

    assert waiting(db, clinic) == [(1, "Alice Adler"), (2, "Bob Berger"), (3, "Charlie Czerny")]


def test_nobody_is_paused_while_an_offer_to_her_is_open(db, clinic):
    entry = make_entry(db, clinic)
    make_offer(db, clinic, entry, at("2026-03-05 09:00"))

    with pytest.raises(NotPossibleNow, match="open offer"):
        waitlist_book.pause(db, clinic.desk, entry.ref, now=NOW)

    db.refresh(entry)
    assert entry.status is EntryStatus.waiting


def test_who_has_left_the_list_is_neither_paused_nor_asked_again(db, clinic):
    entry = make_entry(db, clinic, status=EntryStatus.withdrawn)

    for step in (waitlist_book.pause, waitlist_book.resume, waitlist_book.remove_waiting):
        with pytest.raises(NotFound):
            step(db, clinic.desk, entry.ref, now=NOW)


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_the_waitlist_is_not_for_doctors(db, clinic):
    """It crosses doctors: who waits for another one is not theirs to read."""
    reader, ref = doctors_account(db, clinic), uuid.uuid4()

    for deed in (
        lambda: waitlist_book.who_waits(db, reader),
        lambda: waitlist_book.what_can_be_wished(db, reader),
        lambda: waitlist_book.pause(db, reader, ref, now=NOW),
        lambda: waitlist_book.resume(db, reader, ref, now=NOW),
        lambda: waitlist_book.remove_waiting(db, reader, ref, now=NOW),
        lambda: waitlist_book.set_urgent(db, reader, ref, is_urgent=True, now=NOW),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_what_does_not_exist_is_not_found(db, clinic):
    for deed in (waitlist_book.pause, waitlist_book.resume, waitlist_book.remove_waiting):
        with pytest.raises(NotFound):
            deed(db, clinic.desk, uuid.uuid4(), now=NOW)
