"""Messages: who is told, once and at the right time, with links that only their reader holds."""

from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from sqlmodel import Session, select

from medcal.models import AccessToken, AppointmentStatus, Message, MessageStatus, OneTimeCode
from medcal.security import digest
from medcal.services import notifications
from medcal.services.message_words import words_of
from tests.support.factories import (
    NOW,
    Clinic,
    add,
    make_appointment,
    make_booker,
    make_clinic,
    make_entry,
    make_offer,
    make_patient,
)
from tests.support.inbox import inbox

DAY = timedelta(days=1)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


# --- Who is told, and what --------------------------------------------------------------------------------------------


def test_a_patient_is_told_by_mail_with_a_calendar_file(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY)

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db)
    assert (mail.to, mail.row.channel, mail.row.status) == ("alice@example.com", "email", MessageStatus.due)
    assert (mail.row.due_at, mail.row.useless_at) == (NOW, appointment.starts_at)
    assert mail.row.appointment_id == appointment.id
    [event] = icalendar.Calendar.from_ical(mail.row.calendar).walk("VEVENT")
    assert (event["UID"], event.start) == (f"{appointment.ref}@medcal", appointment.starts_at)


def test_a_cancellation_takes_the_entry_out_of_the_calendar(db: Session, clinic: Clinic) -> None:
    gone = {"status": AppointmentStatus.cancelled, "cancelled_at": NOW, "version": 2}
    appointment = make_appointment(db, clinic, NOW + 5 * DAY, **gone)

    notifications.write(db, "appointment.cancelled", appointment_id=appointment.id, now=NOW)

    calendar = icalendar.Calendar.from_ical(inbox(db)[0].row.calendar)
    [event] = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event["SEQUENCE"]) == ("CANCEL", 1)


def test_the_booker_is_told_in_place_of_the_patient(db: Session, clinic: Clinic) -> None:
    booker = make_booker(db, email=None, phone="+4366012345")
    appointment = make_appointment(db, clinic, NOW + 5 * DAY, booker_id=booker.id)

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db)
    assert (mail.to, mail.row.channel, mail.row.recipient_name) == ("+4366012345", "sms", "Charlie Czerny")


def test_without_an_address_a_text_message_goes_to_the_phone(db: Session, clinic: Clinic) -> None:
    patient = make_patient(db, email=None, phone="+4366012345")
    appointment = make_appointment(db, clinic, NOW + 5 * DAY, patient)

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db)
    assert (mail.to, mail.row.channel, mail.html, mail.row.calendar) == ("+4366012345", "sms", "", "")
    assert len(mail.links) == 1


def test_whom_nobody_can_write_to_is_on_the_call_list(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY, make_patient(db, email=None))

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db)
    assert (mail.row.channel, mail.to, mail.links) == ("call", "", [])
    assert db.exec(select(AccessToken)).all() == []


def test_a_patient_is_written_to_in_her_language(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY, make_patient(db, language="de"))

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db)
    assert mail.row.language == "de"
    assert "Samstag, 7. März 2026" in mail.text
    assert '<html lang="de">' in mail.html


def test_the_same_thing_is_never_said_twice(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY)

    for _ in range(2):
        notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    assert len(inbox(db)) == 1
    assert len(db.exec(select(AccessToken)).all()) == 2


def test_a_second_move_is_a_second_message(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY)

    for version in (2, 3):
        appointment.version = version
        notifications.write(db, "appointment.moved", appointment_id=appointment.id, now=NOW)

    assert len(inbox(db, kind="appointment.moved")) == 2


def test_a_message_about_nothing_is_a_bug(db: Session) -> None:
    with pytest.raises(LookupError):
        notifications.write(db, "appointment.booked", appointment_id=None, now=NOW)


# --- Links ------------------------------------------------------------------------------------------------------------


def test_the_database_does_not_know_the_links_it_can_check(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY)

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db)
    tokens = [link.rsplit("/", 1)[1] for link in mail.links]
    kept = {row.token_digest: row for row in db.exec(select(AccessToken))}
    assert {digest(token) for token in tokens} == set(kept)
    assert not any(token in mail.row.text + mail.row.html for token in tokens)
    assert [kept[digest(token)].purpose for token in tokens] == ["appointment", "cancel"]
    assert {(row.appointment_id, row.offer_id) for row in kept.values()} == {(appointment.id, None)}


def test_a_link_lives_until_a_day_after_the_visit(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY)

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    assert {row.expires_at for row in db.exec(select(AccessToken))} == {appointment.ends_at + DAY}


def test_the_link_of_an_offer_outlives_it_and_opens_the_offer_alone(db: Session, clinic: Clinic) -> None:
    later = make_appointment(db, clinic, NOW + 20 * DAY)
    offer = make_offer(db, clinic, make_entry(db, clinic, later), NOW + 5 * DAY)

    notifications.write(db, "offer.made", offer_id=offer.id, appointment_id=offer.hold_id, now=NOW)

    [link] = db.exec(select(AccessToken)).all()
    assert (link.purpose, link.offer_id, link.appointment_id) == ("offer", offer.id, None)
    assert link.expires_at == offer.answer_until + 14 * DAY


def test_a_repeated_delivery_carries_the_same_links(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    message = db.exec(select(Message)).one()

    assert words_of(message) == words_of(message)
    assert "{link:" not in words_of(message).text + words_of(message).html


# --- Offers and codes -------------------------------------------------------------------------------------------------


def test_an_offer_is_of_no_use_after_its_answer_time(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic), NOW + 5 * DAY)

    notifications.write(db, "offer.made", offer_id=offer.id, appointment_id=offer.hold_id, now=NOW)

    [mail] = inbox(db)
    assert (mail.row.useless_at, mail.row.offer_id, mail.row.appointment_id) == (offer.answer_until, offer.id, None)


def test_a_withdrawal_at_night_waits_for_the_morning(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic), NOW + 5 * DAY)
    night = datetime(2026, 3, 2, 21, tzinfo=UTC)

    notifications.write(db, "offer.withdrawn", offer_id=offer.id, now=night)

    assert inbox(db)[0].row.due_at == datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_a_code_names_nobody_and_lasts_ten_minutes(db: Session, clinic: Clinic) -> None:
    until = NOW + timedelta(minutes=10)
    code = add(db, OneTimeCode(contact_digest="0", code_digest="0", visit_digest="0", created_at=NOW, expires_at=until))
    assert code.id
    assert clinic.alice.id

    notifications.write_code(
        db, "042137", code_id=code.id, patient_id=clinic.alice.id, recipient="family@example.com", now=NOW
    )

    [mail] = inbox(db)
    assert (mail.to, mail.row.useless_at) == ("family@example.com", until)
    assert "042137" in mail.text
    assert "Alice" not in mail.text + mail.html + mail.row.recipient_name
