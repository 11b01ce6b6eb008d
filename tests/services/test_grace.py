"""Grace: what the desk does is told a little later; taken back meanwhile, nobody hears of it."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.db import in_transaction
from medcal.errors import ChangedMeanwhile, NotAllowed, NotPossibleNow, SlotTaken
from medcal.models import (
    Appointment,
    AppointmentStatus,
    EntryStatus,
    Event,
    FreedEnd,
    FreedStatus,
    FreedTime,
    MessageStatus,
    Offer,
    WaitlistEntry,
)
from medcal.security import PATIENT, Role, digest
from medcal.services import answers, booking, changes, freed_time, grace, notifications, offers, outbox, undo, waitlist
from medcal.services.delivery import deliver_next
from medcal.services.reminders import plan_reminders
from tests.support.due import run_due
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    make_appointment,
    make_doctor,
    make_entry,
    make_location,
    make_offer,
    make_patient,
    make_user,
)
from tests.support.inbox import Mail, inbox
from tests.support.times import at

MINUTE, SECOND, DAY = timedelta(minutes=1), timedelta(seconds=1), timedelta(days=1)
GRACE = 2 * MINUTE
NINE, TEN, ELEVEN = at("2026-03-05 09:00"), at("2026-03-05 10:00"), at("2026-03-05 11:00")


@pytest.fixture
def clinic(clinic: Clinic, db: Session) -> Clinic:
    clinic.location.grace_seconds = 120
    db.flush()
    return clinic


@pytest.fixture
def told(db: Session, clinic: Clinic) -> Appointment:
    """Alice's appointment at nine, of which her confirmation has reached her."""
    appointment = make_appointment(db, clinic, NINE)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW - 30 * DAY)
    while deliver_next(NOW - 30 * DAY):
        pass
    return appointment


def move(
    db: Session, clinic: Clinic, appointment: Appointment, to: datetime, now: datetime = NOW, **how: object
) -> None:
    how = {"doctor": clinic.okafor, "version": appointment.version, "by": clinic.desk} | how
    changes.move_at_desk(db, appointment, how.pop("doctor"), to, now=now, **how)  # type: ignore[arg-type]


def take_back(db: Session, clinic: Clinic, appointment: Appointment, now: datetime = NOW + MINUTE) -> None:
    undo.take_back(db, appointment, version=appointment.version, by=clinic.desk, now=now)


def letters(db: Session) -> list[tuple[str, MessageStatus]]:
    """What was written after the confirmation."""
    return [(mail.kind.removeprefix("appointment."), mail.row.status) for mail in inbox(db)[1:]]


def sent(db: Session, until: datetime = NOW + 60 * MINUTE) -> list[Mail]:
    """What the patient has been sent by then, after the confirmation."""
    while deliver_next(until):
        pass
    return [mail for mail in inbox(db)[1:] if mail.row.status is MessageStatus.delivered]


def freed(db: Session, starts_at: datetime) -> FreedTime:
    newest = select(FreedTime).where(FreedTime.starts_at == starts_at).order_by(col(FreedTime.id).desc()).limit(1)
    return db.exec(newest.execution_options(populate_existing=True)).one()


# --- Moves ------------------------------------------------------------------------------------------------------------


def test_a_move_is_told_after_the_grace(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, TEN)

    assert sent(db, NOW + GRACE - SECOND) == []
    [mail] = sent(db, NOW + GRACE)
    assert mail.kind == "appointment.moved"
    assert "10:00" in mail.subject


def test_several_moves_make_one_mail(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, TEN)
    move(db, clinic, told, ELEVEN, NOW + MINUTE)

    assert letters(db) == [("moved", MessageStatus.dropped), ("moved", MessageStatus.due)]
    assert inbox(db)[1].row.why == grace.SUPERSEDED
    assert sent(db, NOW + GRACE) == []
    [mail] = sent(db)
    assert "11:00" in mail.subject


def test_moved_back_to_the_time_that_she_knows_nothing_is_sent(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, TEN)
    move(db, clinic, told, ELEVEN)
    move(db, clinic, told, NINE, NOW + MINUTE)

    assert {fate for _, fate in letters(db)} == {MessageStatus.dropped}
    assert sent(db) == []


def test_moved_back_after_she_was_told_she_is_told_again(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, TEN)
    assert len(sent(db, NOW + GRACE)) == 1

    move(db, clinic, told, NINE, NOW + 5 * MINUTE)

    assert [mail.subject[-5:] for mail in sent(db)] == ["10:00", "09:00"]


def test_moved_to_another_doctor_at_the_same_time_is_news(db: Session, clinic: Clinic, told: Appointment) -> None:
    weber = make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")

    move(db, clinic, told, NINE, doctor=weber, overbook_reason="on request")

    [mail] = sent(db)
    assert "Weber" in mail.text


def test_an_outage_of_the_scheduler_makes_one_mail_of_what_happened_meanwhile(
    db: Session, clinic: Clinic, told: Appointment
) -> None:
    move(db, clinic, told, TEN)
    move(db, clinic, told, ELEVEN, NOW + 30 * MINUTE)

    assert [mail.subject[-5:] for mail in sent(db)] == ["11:00"]


def test_what_the_patient_does_herself_is_told_at_once(db: Session, clinic: Clinic, told: Appointment) -> None:
    changes.move_by_patient(db, told, clinic.okafor, TEN, now=NOW)

    assert [mail.kind for mail in sent(db, NOW)] == ["appointment.moved"]


def test_what_the_patient_does_takes_the_place_of_what_waited(db: Session, clinic: Clinic, told: Appointment) -> None:
    """She sees her appointment as it is, so she is told of her own move, even where it is back to the time she knew."""
    move(db, clinic, told, TEN)
    changes.move_by_patient(db, told, clinic.okafor, NINE, now=NOW + MINUTE)

    assert letters(db) == [("moved", MessageStatus.dropped), ("moved", MessageStatus.due)]
    [mail] = sent(db, NOW + MINUTE)
    assert "09:00" in mail.subject


def test_an_accepted_offer_takes_the_place_of_a_move_that_waited(
    db: Session, clinic: Clinic, told: Appointment
) -> None:
    move(db, clinic, told, at("2026-03-20 10:00"))
    offer = make_offer(db, clinic, make_entry(db, clinic, told), TEN)

    answers.accept(db, offer.id or 0, by=PATIENT, now=NOW + MINUTE)

    assert letters(db) == [("moved", MessageStatus.dropped), ("moved", MessageStatus.due)]
    assert ["10:00" in mail.subject for mail in sent(db, NOW + MINUTE)] == [True]


def test_who_confirms_the_new_time_knows_it(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, TEN)
    booking.confirm_coming(db, told, now=NOW + 10 * SECOND)

    assert len(sent(db, NOW + 10 * SECOND)) == 1
    with pytest.raises(ChangedMeanwhile):
        take_back(db, clinic, told)
    move(db, clinic, told, NINE, NOW + MINUTE)
    assert [mail.subject[-5:] for mail in sent(db)] == ["10:00", "09:00"]


def test_a_clinic_without_grace_tells_at_once(db: Session, clinic: Clinic, told: Appointment) -> None:
    clinic.location.grace_seconds = 0
    move(db, clinic, told, TEN)

    assert len(sent(db, NOW)) == 1
    with pytest.raises(NotPossibleNow):
        take_back(db, clinic, told, NOW)


@pytest.mark.parametrize("to", [NOW + 90 * SECOND, NINE], ids=["to a moment from now", "from a moment from now"])
def test_what_begins_within_the_grace_is_told_at_once(db: Session, clinic: Clinic, to: datetime) -> None:
    """Else a letter about it would come when she is already on her way, or not at all."""
    soon = make_appointment(db, clinic, NOW + 90 * SECOND if to == NINE else NINE)
    notifications.write(db, "appointment.booked", appointment_id=soon.id, now=NOW - DAY)

    move(db, clinic, soon, to, overbook_reason="walked in")

    assert [mail.kind for mail in sent(db, NOW)] == ["appointment.moved"]


def test_of_an_appointment_without_a_letter_she_knows_what_was_before(db: Session, clinic: Clinic) -> None:
    """One that came from another system, say."""
    imported = make_appointment(db, clinic, NINE)

    move(db, clinic, imported, TEN)
    move(db, clinic, imported, ELEVEN, NOW + MINUTE)
    assert [mail.row.status for mail in inbox(db)] == [MessageStatus.dropped, MessageStatus.due]
    move(db, clinic, imported, NINE, NOW + MINUTE)
    changes.cancel(db, imported, by=clinic.desk, now=NOW + MINUTE)
    take_back(db, clinic, imported)

    assert {mail.row.status for mail in inbox(db)} == {MessageStatus.dropped}


def test_whoever_can_only_be_called_is_on_the_list_once(db: Session, clinic: Clinic) -> None:
    greta = make_appointment(db, clinic, NINE, make_patient(db, "Greta Groß", email=None))
    notifications.write(db, "appointment.booked", appointment_id=greta.id, now=NOW - DAY)

    move(db, clinic, greta, TEN)
    move(db, clinic, greta, ELEVEN, NOW + MINUTE)

    [call] = [mail.row for mail in inbox(db)[1:] if mail.row.status is MessageStatus.due]
    assert call.channel == "call"
    assert outbox.explain(db, call, NOW + 2 * MINUTE) == outbox.WAITS_FOR_ITS_TIME
    assert outbox.explain(db, call, NOW + 3 * MINUTE) == outbox.WAITS_FOR_CALL


# --- Cancellations ----------------------------------------------------------------------------------------------------


def test_a_cancellation_is_told_after_the_grace(db: Session, clinic: Clinic, told: Appointment) -> None:
    changes.cancel(db, told, by=clinic.desk, now=NOW)

    assert sent(db, NOW + GRACE - SECOND) == []
    assert [mail.kind for mail in sent(db, NOW + GRACE)] == ["appointment.cancelled"]


def test_moved_and_then_cancelled_she_hears_that_the_visit_she_knows_of_is_off(
    db: Session, clinic: Clinic, told: Appointment
) -> None:
    linz = make_location(db, slug="linz", name="Medcal Clinic Linz", grace_seconds=120)
    weber = make_doctor(db, linz, clinic.specialty, "Dr. Wanda Weber")
    move(db, clinic, told, TEN + 14 * DAY, doctor=weber, overbook_reason="on request")
    changes.cancel(db, told, by=clinic.desk, now=NOW + MINUTE)

    [mail] = sent(db)
    assert mail.kind == "appointment.cancelled"
    assert "Thu 5 Mar" in mail.subject
    assert "09:00" in mail.subject
    assert "Okafor" in mail.text
    assert "Weber" not in mail.text
    assert "Linz" not in mail.text
    assert "DTSTART:20260305T080000Z" in mail.row.calendar


def test_a_patient_who_cancels_is_told_at_once_and_once(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, TEN)
    changes.cancel(db, told, by=PATIENT, now=NOW + MINUTE)

    assert [(mail.kind, mail.subject[-5:]) for mail in sent(db)] == [("appointment.cancelled", "10:00")]


# --- Taking back ------------------------------------------------------------------------------------------------------


def test_a_move_that_is_taken_back_leaves_everything_as_it_was(db: Session, clinic: Clinic, told: Appointment) -> None:
    booking.confirm_coming(db, told, now=NOW - DAY)
    before = told.model_dump(exclude={"version", "undo"})

    move(db, clinic, told, TEN)
    take_back(db, clinic, told)

    assert told.model_dump(exclude={"version", "undo"}) == before
    assert told.version == 3
    assert sent(db) == []


def test_a_cancellation_that_is_taken_back_leaves_everything_as_it_was(
    db: Session, clinic: Clinic, told: Appointment
) -> None:
    booking.confirm_coming(db, told, now=NOW - DAY)
    before = told.model_dump(exclude={"version"})

    changes.cancel(db, told, reason="wrong one", by=clinic.desk, now=NOW)
    take_back(db, clinic, told)

    assert told.model_dump(exclude={"version"}) == before
    assert sent(db) == []
    kinds = db.exec(select(Event.kind).where(Event.appointment_id == told.id).order_by(col(Event.id))).all()
    assert list(kinds) == ["appointment.confirmed", "appointment.cancelled", "appointment.restored"]


def test_an_overbooked_visit_goes_back_over_the_one_it_shares_the_time_with(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, NINE, clinic.bob)
    over = make_appointment(db, clinic, NINE, overbooked_by_id=clinic.sam.id, overbooked_reason="acute pain")

    move(db, clinic, over, TEN)
    assert over.overbooked_reason is None
    take_back(db, clinic, over)

    assert (over.starts_at, over.overbooked_by_id, over.overbooked_reason) == (NINE, clinic.sam.id, "acute pain")


def test_of_two_moves_the_last_is_taken_back(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, TEN)
    move(db, clinic, told, ELEVEN)

    take_back(db, clinic, told)

    assert told.starts_at == TEN
    assert ["10:00" in mail.subject for mail in sent(db)] == [True]


def test_a_move_and_its_cancellation_can_only_be_taken_back_from_the_end(
    db: Session, clinic: Clinic, told: Appointment
) -> None:
    move(db, clinic, told, TEN)
    changes.cancel(db, told, by=clinic.desk, now=NOW + 10 * SECOND)

    take_back(db, clinic, told)

    assert (told.status, told.starts_at) == (AppointmentStatus.booked, TEN)
    # She never heard of the move either, and now it holds.
    assert [(mail.kind, mail.subject[-5:]) for mail in sent(db)] == [("appointment.moved", "10:00")]


def test_taking_back_twice_is_refused_and_changes_nothing(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, TEN)
    version = told.version
    take_back(db, clinic, told)

    with pytest.raises(ChangedMeanwhile):
        undo.take_back(db, told, version=version, by=clinic.desk, now=NOW + MINUTE)
    with pytest.raises(ChangedMeanwhile):
        take_back(db, clinic, told)
    assert told.starts_at == NINE


@pytest.mark.parametrize("how", ["move", "cancel"])
def test_after_the_grace_nothing_is_taken_back(db: Session, clinic: Clinic, told: Appointment, how: str) -> None:
    if how == "move":
        move(db, clinic, told, TEN)
    else:
        changes.cancel(db, told, by=clinic.desk, now=NOW)

    with pytest.raises(NotPossibleNow, match="too late to undo"):
        take_back(db, clinic, told, NOW + GRACE)


def test_what_the_patient_did_is_not_the_desks_to_take_back(db: Session, clinic: Clinic, told: Appointment) -> None:
    changes.move_by_patient(db, told, clinic.okafor, TEN, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        take_back(db, clinic, told)

    changes.cancel(db, told, by=PATIENT, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        take_back(db, clinic, told)


def test_only_the_desk_takes_back(db: Session, clinic: Clinic, told: Appointment) -> None:
    weber = make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")
    stranger = actor(make_user(db, "Wanda Weber", Role.doctor, doctor_id=weber.id))
    changes.cancel(db, told, by=clinic.desk, now=NOW)

    for by in (PATIENT, stranger):
        with pytest.raises(NotAllowed):
            undo.take_back(db, told, version=told.version, by=by, now=NOW)


@pytest.mark.parametrize("how", ["move", "cancel"])
def test_a_time_that_somebody_took_meanwhile_is_hers(db: Session, clinic: Clinic, told: Appointment, how: str) -> None:
    if how == "move":
        move(db, clinic, told, TEN)
    else:
        changes.cancel(db, told, by=clinic.desk, now=NOW)
    booking.hold(db, clinic.okafor, clinic.visit_type, NINE, visit=digest("a browser"), now=NOW + SECOND)
    before = told.version, told.starts_at, told.status

    with pytest.raises(SlotTaken):
        in_transaction(lambda own: take_back(own, clinic, own.get_one(Appointment, told.id)))

    db.refresh(told)
    assert (told.version, told.starts_at, told.status) == before
    assert [fate for _, fate in letters(db)] == [MessageStatus.due]


# --- The wish and the freed time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("paused", [False, True], ids=["waiting", "paused"])
def test_her_place_on_the_list_comes_back_with_the_appointment(
    db: Session, clinic: Clinic, told: Appointment, paused: bool
) -> None:
    waitlist.join(db, told, waitlist.Wish(), by=PATIENT, now=NOW - 7 * DAY)
    entry = db.exec(select(WaitlistEntry)).one()
    if paused:
        entry.status = EntryStatus.paused
        db.add(Event(at=NOW, kind="waitlist.paused", actor="staff", appointment_id=told.id, entry_id=entry.id))
    place = entry.created_at

    changes.cancel(db, told, by=clinic.desk, now=NOW)
    db.refresh(entry)
    assert entry.status is EntryStatus.withdrawn
    take_back(db, clinic, told)

    db.refresh(entry)
    assert entry.status is (EntryStatus.paused if paused else EntryStatus.waiting)
    assert (entry.created_at, entry.own_starts_at) == (place, NINE)


def test_a_wish_that_a_move_to_tomorrow_had_ended_comes_back(db: Session, clinic: Clinic, told: Appointment) -> None:
    waitlist.join(db, told, waitlist.Wish(), by=PATIENT, now=NOW - 7 * DAY)
    entry = db.exec(select(WaitlistEntry)).one()

    move(db, clinic, told, at("2026-03-02 14:00"))
    db.refresh(entry)
    assert entry.status is EntryStatus.withdrawn
    take_back(db, clinic, told)

    db.refresh(entry)
    assert (entry.status, entry.own_starts_at) == (EntryStatus.waiting, NINE)


@pytest.mark.parametrize("how", ["move", "cancel"])
def test_freed_time_is_offered_after_the_grace(db: Session, clinic: Clinic, told: Appointment, how: str) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, at("2026-04-09 09:00"), clinic.bob), notice_hours=0)
    if how == "move":
        move(db, clinic, told, TEN)
    else:
        changes.cancel(db, told, by=clinic.desk, now=NOW)

    run_due(NOW + GRACE - SECOND)
    # A hold over it that ends, or rules that change, make everybody look; it is still not its time.
    freed_time.wake(db, clinic.okafor.id or 0, NINE, TEN, NOW)
    freed_time.look_again(db, clinic.location.id or 0, NOW)
    offers.offer_next(db, NOW + MINUTE)
    assert freed(db, NINE).status is FreedStatus.open
    run_due(NOW + GRACE)
    assert freed(db, NINE).status is FreedStatus.offered


def test_what_a_patient_frees_is_offered_at_once(db: Session, clinic: Clinic, told: Appointment) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, at("2026-04-09 09:00"), clinic.bob), notice_hours=0)

    changes.cancel(db, told, by=PATIENT, now=NOW)
    run_due(NOW)

    assert freed(db, NINE).status is FreedStatus.offered


@pytest.mark.parametrize("how", ["move", "cancel"])
def test_freed_time_that_is_taken_back_is_offered_to_nobody(
    db: Session, clinic: Clinic, told: Appointment, how: str
) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, at("2026-04-09 09:00"), clinic.bob), notice_hours=0)
    if how == "move":
        move(db, clinic, told, TEN)
    else:
        changes.cancel(db, told, by=clinic.desk, now=NOW)

    take_back(db, clinic, told)
    run_due(NOW + 10 * MINUTE)

    gone = freed(db, NINE)
    assert (gone.status, gone.ended_by) == (FreedStatus.gone, FreedEnd.undone)
    assert [offer for offer in db.exec(select(Offer)) if offer.freed_time_id == gone.id] == []


# --- Reminders --------------------------------------------------------------------------------------------------------


def reminded(db: Session) -> list[MessageStatus]:
    return [mail.row.status for mail in inbox(db, kind="reminder")]


def test_taken_back_she_is_not_reminded_anew(db: Session, clinic: Clinic, told: Appointment) -> None:
    plan_reminders(db, NOW)
    assert len(sent(db, NOW)) == 1

    move(db, clinic, told, TEN + DAY)
    take_back(db, clinic, told)
    plan_reminders(db, NOW + 5 * MINUTE)

    assert reminded(db) == [MessageStatus.delivered]


def test_a_reminder_that_fell_into_the_grace_is_written_again(db: Session, clinic: Clinic, told: Appointment) -> None:
    plan_reminders(db, NOW)
    changes.cancel(db, told, by=clinic.desk, now=NOW)
    sent(db, NOW)
    assert reminded(db) == [MessageStatus.dropped]

    take_back(db, clinic, told)
    plan_reminders(db, NOW + 5 * MINUTE)

    assert reminded(db) == [MessageStatus.dropped, MessageStatus.due]


def test_no_reminder_tells_of_a_move_before_its_letter_does(db: Session, clinic: Clinic, told: Appointment) -> None:
    move(db, clinic, told, NOW + 3 * DAY + MINUTE + SECOND, overbook_reason="on request")

    plan_reminders(db, NOW + MINUTE + SECOND)

    assert reminded(db) == []


def test_a_move_that_was_told_brings_its_reminders_anew(db: Session, clinic: Clinic, told: Appointment) -> None:
    plan_reminders(db, NOW)
    sent(db, NOW)
    move(db, clinic, told, NINE + 7 * DAY)
    sent(db, NOW + GRACE)

    plan_reminders(db, NINE + 4 * DAY)

    assert reminded(db) == [MessageStatus.delivered, MessageStatus.due]
