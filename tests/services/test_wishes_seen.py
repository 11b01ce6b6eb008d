"""Which wishes for something earlier a patient's browser may see."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.errors import NotFound
from medcal.models import EntryStatus, Offer, PatientAccess, WaitlistEntry
from medcal.security import digest
from medcal.services import access, notifications
from tests.support.factories import NOW, Clinic, add, make_appointment, make_entry, make_offer
from tests.support.inbox import inbox
from tests.support.times import at

VISIT, OTHER = digest("cookie of a visit"), digest("cookie of another visit")
SOON, LATER = at("2026-03-05 09:00"), at("2026-03-20 09:00")


@pytest.fixture
def wish(db: Session, clinic: Clinic) -> WaitlistEntry:
    return make_entry(db, clinic, make_appointment(db, clinic, LATER))


@pytest.fixture
def offer(db: Session, clinic: Clinic, wish: WaitlistEntry) -> Offer:
    return make_offer(db, clinic, wish, SOON)


def follow(db: Session, kind: str, offer: Offer, visit: str = VISIT) -> None:
    notifications.write(db, kind, offer_id=offer.id, now=NOW)
    access.exchange(db, inbox(db, kind=kind)[-1].links[0].rsplit("/", 1)[1], visit, NOW)


def type_code(db: Session, patient_id: int | None, appointment_id: int | None = None) -> None:
    """As after a one-time code: all of a patient, or one appointment that its owner booked for her."""
    about = {"patient_id": patient_id, "appointment_id": appointment_id, "purpose": "code"}
    add(
        db,
        PatientAccess(visit_digest=VISIT, **about, created_at=NOW, expires_at=NOW + timedelta(hours=2)),
    )


def seen(db: Session, visit: str = VISIT) -> list[int | None]:
    return [entry.id for entry in access.wishes_seen(db, visit, NOW)]


@pytest.mark.parametrize("kind", ["offer.made", "waitlist.paused"])
def test_a_link_to_an_offer_or_a_pause_opens_its_wish(
    db: Session, clinic: Clinic, wish: WaitlistEntry, offer: Offer, kind: str
) -> None:
    make_entry(db, clinic, patient=clinic.alice)

    follow(db, kind, offer)

    assert seen(db) == [wish.id]
    assert seen(db, OTHER) == []
    assert access.get_wish(db, wish.ref, VISIT, NOW) is wish


def test_its_link_still_tells_what_became_of_a_wish(db: Session, wish: WaitlistEntry, offer: Offer) -> None:
    follow(db, "waitlist.paused", offer)

    wish.status = EntryStatus.withdrawn
    db.flush()

    assert seen(db) == [wish.id]


def test_a_link_to_an_appointment_opens_no_wish_by_itself(db: Session, wish: WaitlistEntry) -> None:
    notifications.write(db, "appointment.booked", appointment_id=wish.appointment_id, now=NOW)
    access.exchange(db, inbox(db, kind="appointment.booked")[-1].links[0].rsplit("/", 1)[1], VISIT, NOW)

    assert seen(db) == []


def test_a_code_opens_all_that_a_patient_waits_for(db: Session, clinic: Clinic, wish: WaitlistEntry) -> None:
    first = make_entry(db, clinic, patient=clinic.alice, created_at=NOW)
    make_entry(db, clinic, patient=clinic.alice, status=EntryStatus.fulfilled)
    make_entry(db, clinic, patient=clinic.bob)

    type_code(db, clinic.alice.id)

    assert seen(db) == [first.id, wish.id]


def test_a_code_of_who_booked_for_her_opens_none_of_her_wishes(db: Session, wish: WaitlistEntry) -> None:
    type_code(db, wish.patient_id, wish.appointment_id)

    assert seen(db) == []


def test_what_was_opened_last_comes_first(db: Session, clinic: Clinic, wish: WaitlistEntry, offer: Offer) -> None:
    second = make_entry(db, clinic, patient=clinic.bob)
    bobs = make_offer(db, clinic, second, SOON + timedelta(hours=1))
    follow(db, "offer.made", bobs)
    follow(db, "offer.made", offer)
    for access_row, minutes in zip(access_rows(db), (5, 1), strict=True):
        access_row.created_at = NOW + timedelta(minutes=minutes)
    db.flush()

    assert seen(db) == [second.id, wish.id]


def access_rows(db: Session) -> list[PatientAccess]:
    return list(db.exec(select(PatientAccess).order_by(col(PatientAccess.id))))


def test_the_wish_of_somebody_else_cannot_be_reached_by_its_reference(
    db: Session, clinic: Clinic, wish: WaitlistEntry, offer: Offer
) -> None:
    bobs = make_entry(db, clinic, patient=clinic.bob)
    follow(db, "offer.made", offer)

    with pytest.raises(NotFound):
        access.get_wish(db, bobs.ref, VISIT, NOW)
    with pytest.raises(NotFound):
        access.get_wish(db, wish.ref, OTHER, NOW)


def test_an_access_ends(db: Session, wish: WaitlistEntry, offer: Offer) -> None:
    follow(db, "offer.made", offer)

    assert access.wishes_seen(db, VISIT, NOW + timedelta(days=15)) == []
