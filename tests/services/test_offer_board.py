"""The board of freed times: what stands on it in which order, whom the desk calls, and the answers that it notes."""

import uuid
from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest
from sqlmodel import Session, select

from medcal.errors import NotAllowed, NotFound, NotPossibleNow, OfferClosed
from medcal.models import (
    Appointment,
    AppointmentStatus,
    FreedStatus,
    FreedTime,
    Message,
    MessageStatus,
    Offer,
    OfferStatus,
    Patient,
    StaffUser,
)
from medcal.security import PATIENT, Role
from medcal.services import answers, changes, offer_board
from medcal.services.offer_board import Board, Freed
from tests.support.due import run_due
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    make_appointment,
    make_booker,
    make_doctor,
    make_entry,
    make_hold,
    make_offer,
    make_patient,
    make_user,
    set_rules,
)
from tests.support.times import at

SOON, LATER = at("2026-03-05 09:00"), at("2026-03-20 09:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LANDLINE, MOBILE = "+4315550123", "+436641234567"


def board(db: Session, clinic: Clinic, now: datetime = NOW, of: uuid.UUID | None = None) -> Board:
    db.expire_all()
    return offer_board.board(db, clinic.desk, of, now)


def free_up(db: Session, clinic: Clinic, starts_at: datetime = SOON, now: datetime = NOW) -> FreedTime:
    """Charlie's appointment is cancelled, and what follows happens."""
    booked = make_appointment(db, clinic, starts_at, make_patient(db))
    changes.cancel(db, booked, by=clinic.desk, now=now)
    run_due(now)
    db.expire_all()
    return db.exec(select(FreedTime).where(FreedTime.freed_by_id == booked.id)).one()


def person(db: Session, name: str, **columns: object) -> Patient:
    return make_patient(db, name, **{"email": None, **columns})


def asked(freed: Freed) -> list[tuple[str, str]]:
    return [(each.patient, each.status) for each in freed.asked]


@pytest.fixture
def lena(db: Session) -> StaffUser:
    """Sits at the other desk."""
    return make_user(db, "Lena Lang")


# --- What stands on it ------------------------------------------------------------------------------------------------


def test_a_time_on_offer_stands_there_with_everybody_who_is_asked(db: Session, clinic: Clinic) -> None:
    set_rules(db, clinic, group_size=2)
    make_entry(db, clinic, make_appointment(db, clinic, LATER), created_at=NOW - 9 * DAY)
    make_entry(db, clinic, patient=clinic.bob, created_at=NOW - 8 * DAY)
    free_up(db, clinic)

    (offered,) = board(db, clinic).offered

    assert (offered.doctor, offered.starts_at, offered.cause) == ("Dr. Ada Okafor", SOON, "cancelled")
    assert asked(offered) == [("Alice Adler", "open"), ("Bob Berger", "open")]
    assert offered.answer_until == NOW + 2 * HOUR
    assert offered.asked[0].own_starts_at == LATER


def test_who_declined_stays_with_her_group_and_not_with_the_next_one(db: Session, clinic: Clinic) -> None:
    set_rules(db, clinic, group_size=2)
    for days, patient in enumerate((make_patient(db, "Dora Drexler"), clinic.bob, clinic.alice), start=1):
        make_entry(db, clinic, patient=patient, created_at=NOW - days * DAY)
    freed = free_up(db, clinic)
    alices, bobs = db.exec(select(Offer).order_by(Offer.id)).all()

    answers.decline(db, alices.id or 0, by=PATIENT, now=NOW)
    assert asked(board(db, clinic).offered[0]) == [("Alice Adler", "declined"), ("Bob Berger", "open")]

    answers.decline(db, bobs.id or 0, by=PATIENT, now=NOW)
    run_due(NOW)
    (offered,) = board(db, clinic).offered
    assert (offered.ref, asked(offered), offered.asked_so_far) == (freed.ref, [("Dora Drexler", "open")], 3)


def test_what_ends_first_stands_first(db: Session, clinic: Clinic) -> None:
    for hours, patient in ((3, clinic.alice), (1, clinic.bob), (2, make_patient(db))):
        make_offer(db, clinic, make_entry(db, clinic, patient=patient), SOON + DAY - hours * HOUR, NOW + hours * HOUR)

    assert [freed.asked[0].patient for freed in board(db, clinic).offered] == [
        "Bob Berger",
        "Charlie Czerny",
        "Alice Adler",
    ]


def test_what_looks_for_somebody_says_what_it_waits_for(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)

    (looking,) = board(db, clinic).looking
    assert (looking.ref, looking.waits_for, looking.asked_so_far) == (freed.ref, "somebody", 0)
    assert looking.look_at > NOW
    assert board(db, clinic, looking.look_at).looking[0].waits_for == "now"


def test_in_quiet_hours_a_time_waits_for_the_morning(db: Session, clinic: Clinic) -> None:
    evening = at("2026-03-02 21:00")
    free_up(db, clinic, now=evening)

    (looking,) = board(db, clinic, evening).looking

    assert (looking.waits_for, looking.look_at) == ("night", at("2026-03-03 08:00"))


def test_a_time_that_somebody_is_booking_waits_for_that(db: Session, clinic: Clinic) -> None:
    booked = make_appointment(db, clinic, SOON, make_patient(db))
    changes.cancel(db, booked, by=clinic.desk, now=NOW)
    make_hold(db, clinic, SOON, NOW + 9 * MINUTE)
    run_due(NOW)

    (looking,) = board(db, clinic).looking

    assert (looking.waits_for, looking.look_at) == ("form", NOW + 9 * MINUTE)


def test_what_ended_says_who_has_it_or_why_it_is_gone(db: Session, clinic: Clinic) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, LATER))
    free_up(db, clinic)
    answers.accept(db, db.exec(select(Offer.id)).one() or 0, by=PATIENT, now=NOW + HOUR)
    gone = free_up(db, clinic, NOW + HOUR)

    ended = board(db, clinic, NOW + HOUR).ended

    assert [(each.filled_by, each.ended_by) for each in ended if each.starts_at == SOON] == [("Alice Adler", "offer")]
    assert [(each.filled_by, each.ended_by) for each in ended if each.ref == gone.ref] == [(None, "late")]
    assert board(db, clinic, NOW + 3 * DAY).ended == ()


def test_the_board_can_be_narrowed_to_a_doctor_a_specialty_or_a_location(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    free_up(db, clinic)

    for ref in (clinic.okafor.ref, clinic.specialty.ref, clinic.location.ref):
        assert len(board(db, clinic, of=ref).looking) == 1
    assert board(db, clinic, of=other.ref).looking == ()


# --- Whom the desk calls ----------------------------------------------------------------------------------------------


def test_who_books_for_somebody_is_called_instead(db: Session, clinic: Clinic) -> None:
    booker = make_booker(db, "Anna Adler", email=None, phone=LANDLINE)
    own = make_appointment(db, clinic, LATER, booker_id=booker.id)
    make_offer(db, clinic, make_entry(db, clinic, own), SOON)

    ((to_call,),) = (freed.asked for freed in board(db, clinic).offered)

    assert (to_call.patient, to_call.contact) == ("Alice Adler", "Anna Adler")
    assert (to_call.email, to_call.phone, to_call.channel) == (None, LANDLINE, "call")


@pytest.mark.parametrize("fate", [MessageStatus.dead, MessageStatus.bounced])
def test_whom_no_letter_could_reach_is_called(db: Session, clinic: Clinic, fate: MessageStatus) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, LATER))
    free_up(db, clinic)
    assert board(db, clinic).offered[0].asked[0].channel == "email"

    letter = db.exec(select(Message).where(Message.kind == "offer.made")).one()
    letter.status = fate
    db.flush()

    assert board(db, clinic).offered[0].asked[0].channel == "call"


# --- Answers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def offer(db: Session, clinic: Clinic) -> Offer:
    """Greta, whom only a call reaches, is asked; she has an appointment, and Bob comes after her."""
    greta = person(db, "Greta Groß", phone=LANDLINE)
    make_entry(db, clinic, make_appointment(db, clinic, LATER, greta), created_at=NOW - 9 * DAY)
    make_entry(db, clinic, patient=clinic.bob, created_at=NOW - 8 * DAY)
    free_up(db, clinic)
    return db.exec(select(Offer)).one()


def status_of(db: Session, offer: Offer) -> OfferStatus:
    db.refresh(offer)
    return offer.status


def test_a_yes_on_the_phone_moves_her_appointment(db: Session, clinic: Clinic, offer: Offer) -> None:
    offer_board.accept(db, clinic.desk, offer.ref, now=NOW)

    booked = select(Appointment).where(
        Appointment.patient_id == offer.patient_id, Appointment.status == AppointmentStatus.booked
    )
    assert [appointment.starts_at for appointment in db.exec(booked)] == [SOON]
    assert status_of(db, offer) is OfferStatus.accepted


@pytest.mark.parametrize(
    ("verb", "status"),
    [(offer_board.decline, OfferStatus.declined), (offer_board.note_not_reached, OfferStatus.expired)],
    ids=["declined", "not reached"],
)
def test_without_a_yes_the_next_one_is_asked(
    db: Session, clinic: Clinic, offer: Offer, verb: Callable[..., None], status: OfferStatus
) -> None:
    verb(db, clinic.desk, offer.ref, now=NOW)
    run_due(NOW)

    assert status_of(db, offer) is status
    assert asked(board(db, clinic).offered[0]) == [("Bob Berger", "open")]


def test_a_withdrawn_offer_ends_and_its_patient_is_told(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic), SOON)
    freed = db.get_one(FreedTime, offer.freed_time_id)

    offer_board.withdraw(db, clinic.desk, freed.ref, now=NOW)

    assert status_of(db, offer) is OfferStatus.withdrawn
    assert [letter.kind for letter in db.exec(select(Message))] == ["offer.withdrawn"]
    with pytest.raises(OfferClosed, match="not on offer any more"):
        offer_board.withdraw(db, clinic.desk, freed.ref, now=NOW)


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        (offer_board.accept, "Greta Groß has already accepted (Sam Stern, 10:00)."),
        (offer_board.decline, "Greta Groß has already declined (Sam Stern, 10:00)."),
        (offer_board.note_not_reached, "The time to answer is over for Greta Groß (Sam Stern, 10:00)."),
    ],
    ids=["accepted", "declined", "not reached"],
)
@pytest.mark.parametrize("second", [offer_board.accept, offer_board.decline, offer_board.note_not_reached])
def test_the_second_desk_reads_what_the_first_has_noted(
    db: Session,
    clinic: Clinic,
    lena: StaffUser,
    offer: Offer,
    first: Callable[..., None],
    sentence: str,
    second: Callable[..., None],
) -> None:
    first(db, clinic.desk, offer.ref, now=NOW)
    before = status_of(db, offer)

    with pytest.raises(OfferClosed) as refusal:
        second(db, actor(lena), offer.ref, now=NOW + MINUTE)

    assert str(refusal.value) == sentence
    assert status_of(db, offer) is before


def test_the_desk_reads_that_the_patient_was_faster(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic), SOON)
    answers.accept(db, offer.id or 0, by=PATIENT, now=NOW)

    with pytest.raises(OfferClosed, match=r"Alice Adler has already accepted \(the patient, 10:00\)"):
        offer_board.accept(db, clinic.desk, offer.ref, now=NOW)


def test_the_desk_reads_that_the_time_is_over(db: Session, clinic: Clinic, offer: Offer) -> None:
    with pytest.raises(OfferClosed, match="its answer time is over"):
        offer_board.accept(db, clinic.desk, offer.ref, now=offer.answer_until)


def test_the_desk_reads_that_somebody_else_of_the_group_was_faster(db: Session, clinic: Clinic) -> None:
    set_rules(db, clinic, group_size=2)
    make_entry(db, clinic)
    make_entry(db, clinic, patient=clinic.bob, created_at=NOW)
    free_up(db, clinic)
    alices, bobs = db.exec(select(Offer).order_by(Offer.id)).all()
    answers.accept(db, alices.id or 0, by=PATIENT, now=NOW)

    with pytest.raises(OfferClosed, match=r"Somebody else answered first\. Bob Berger keeps"):
        offer_board.accept(db, clinic.desk, bobs.ref, now=NOW)


def test_the_desk_reads_that_the_patient_is_busy_then(db: Session, clinic: Clinic, offer: Offer) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    make_appointment(db, clinic, SOON, db.get_one(Patient, offer.patient_id), doctor=other)

    with pytest.raises(NotPossibleNow, match="This patient has another appointment"):
        offer_board.accept(db, clinic.desk, offer.ref, now=NOW)

    assert status_of(db, offer) is OfferStatus.open


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_the_board_is_for_the_desk_alone(db: Session, clinic: Clinic, offer: Offer) -> None:
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    for nobody in (PATIENT, doctor):
        with pytest.raises(NotAllowed):
            offer_board.board(db, nobody, None, NOW)
        for verb in (offer_board.accept, offer_board.decline, offer_board.note_not_reached, offer_board.withdraw):
            with pytest.raises(NotAllowed):
                verb(db, nobody, offer.ref, now=NOW)
    assert db.exec(select(FreedTime)).one().status is FreedStatus.offered


def test_what_does_not_exist_is_not_found(db: Session, clinic: Clinic) -> None:
    for verb in (offer_board.accept, offer_board.decline, offer_board.note_not_reached, offer_board.withdraw):
        with pytest.raises(NotFound):
            verb(db, clinic.desk, uuid.uuid4(), now=NOW)


def test_at_night_the_desk_may_still_note_an_answer(db: Session, clinic: Clinic) -> None:
    clinic.location.quiet_from, clinic.location.quiet_until = time(9), time(11)
    offer = make_offer(db, clinic, make_entry(db, clinic), SOON)

    offer_board.accept(db, clinic.desk, offer.ref, now=NOW)

    assert status_of(db, offer) is OfferStatus.accepted
