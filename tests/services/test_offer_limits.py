"""How often somebody is asked, and what follows when she never answers."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from medcal.errors import NotPossibleNow
from medcal.models import Appointment, EntryStatus, Event, FreedTime, Offer, OfferStatus, WaitlistEntry
from medcal.security import PATIENT, digest
from medcal.services import access, answers, changes, freed_time, housekeeping, waitlist
from tests.support.due import run_due
from tests.support.factories import NOW, Clinic, make_appointment, make_entry, set_rules
from tests.support.inbox import inbox
from tests.support.times import at

LATER = at("2026-03-31 09:00")
DAY = timedelta(days=1)


@pytest.fixture
def entry(db: Session, clinic: Clinic) -> WaitlistEntry:
    """Alice waits, and is asked no more after two unanswered offers."""
    set_rules(db, clinic, unanswered_before_pause=2, offers_per_week=3)
    return make_entry(db, clinic, make_appointment(db, clinic, LATER))


def free(db: Session, clinic: Clinic, starts_at: datetime, now: datetime = NOW) -> FreedTime:
    freed_time.free(db, clinic.okafor.id or 0, starts_at, starts_at + timedelta(minutes=30), cause="cancelled", now=now)
    settle(db, now)
    return db.exec(select(FreedTime).where(FreedTime.starts_at == starts_at)).one()


def settle(db: Session, now: datetime) -> None:
    run_due(now)
    db.expire_all()


def open_offer(db: Session) -> Offer | None:
    return db.exec(select(Offer).where(Offer.status == OfferStatus.open)).one_or_none()


def leave_unanswered(db: Session, clinic: Clinic, starts_at: datetime, now: datetime = NOW) -> datetime:
    """An offer is made and ends by itself; returns when."""
    free(db, clinic, starts_at, now)
    offer = open_offer(db)
    assert offer is not None
    settle(db, offer.answer_until)
    return offer.answer_until


# --- How often --------------------------------------------------------------------------------------------------------


def test_nobody_is_asked_more_often_in_a_week_than_the_clinic_wants(
    db: Session, clinic: Clinic, entry: WaitlistEntry
) -> None:
    for half_hour in range(4):
        free(db, clinic, at("2026-03-12 09:00") + timedelta(minutes=30 * half_hour))
        if offer := open_offer(db):
            answers.decline(db, offer.id or 0, by=PATIENT, now=NOW)

    assert len(db.exec(select(Offer)).all()) == 3


def test_after_a_week_she_is_asked_again(db: Session, clinic: Clinic, entry: WaitlistEntry) -> None:
    for half_hour in range(4):
        free(db, clinic, at("2026-03-12 09:00") + timedelta(minutes=30 * half_hour))
        if offer := open_offer(db):
            answers.decline(db, offer.id or 0, by=PATIENT, now=NOW)

    settle(db, NOW + 7 * DAY - timedelta(minutes=1))
    before = open_offer(db)
    settle(db, NOW + 7 * DAY + timedelta(minutes=5))

    assert before is None
    assert open_offer(db) is not None


# --- No answer --------------------------------------------------------------------------------------------------------


def test_offers_without_an_answer_are_counted(db: Session, clinic: Clinic, entry: WaitlistEntry) -> None:
    leave_unanswered(db, clinic, at("2026-03-12 09:00"))

    assert (entry.unanswered_in_row, entry.status) == (1, EntryStatus.waiting)


def test_a_decline_is_an_answer(db: Session, clinic: Clinic, entry: WaitlistEntry) -> None:
    later = leave_unanswered(db, clinic, at("2026-03-12 09:00"))
    free(db, clinic, at("2026-03-12 10:00"), later)
    offer = open_offer(db)
    assert offer is not None

    answers.decline(db, offer.id or 0, by=PATIENT, now=later)

    assert (entry.unanswered_in_row, entry.status) == (0, EntryStatus.waiting)


def test_who_never_answers_is_asked_no_more_and_told_so_once(db: Session, clinic: Clinic, entry: WaitlistEntry) -> None:
    later = leave_unanswered(db, clinic, at("2026-03-12 09:00"))
    later = leave_unanswered(db, clinic, at("2026-03-12 10:00"), later)
    free(db, clinic, at("2026-03-12 11:00"), later)

    assert entry.status is EntryStatus.paused
    assert open_offer(db) is None
    [letter] = inbox(db, kind="waitlist.paused")
    assert (letter.to, letter.subject) == ("alice@example.com", "Do you still want an earlier time?")
    assert len(letter.links) == 1


def test_the_letter_about_the_pause_does_not_come_at_night(db: Session, clinic: Clinic, entry: WaitlistEntry) -> None:
    entry.unanswered_in_row, entry.notice_hours = 1, 0
    set_rules(db, clinic, unanswered_before_pause=2, answer_minutes=600)
    free(db, clinic, at("2026-03-05 09:00"), at("2026-03-04 18:00"))

    settle(db, at("2026-03-05 07:00"))

    assert entry.status is EntryStatus.paused
    [letter] = inbox(db, kind="waitlist.paused")
    assert letter.row.due_at == at("2026-03-05 08:00")


@pytest.fixture
def paused(db: Session, clinic: Clinic, entry: WaitlistEntry) -> WaitlistEntry:
    leave_unanswered(db, clinic, at("2026-03-12 09:00"))
    leave_unanswered(db, clinic, at("2026-03-12 10:00"), NOW + timedelta(hours=3))
    assert entry.status is EntryStatus.paused
    return entry


def test_the_button_in_the_letter_keeps_her_on_the_list_in_her_old_place(
    db: Session, clinic: Clinic, paused: WaitlistEntry
) -> None:
    joined_at = paused.created_at
    [letter] = inbox(db, kind="waitlist.paused")
    opened = access.exchange(db, letter.links[0].rsplit("/", 1)[1], digest("browser"), NOW)
    [seen] = access.wishes_seen(db, digest("browser"), NOW)

    waitlist.resume(db, seen.id or 0, by=PATIENT, now=NOW + timedelta(hours=6))
    waitlist.resume(db, seen.id or 0, by=PATIENT, now=NOW + timedelta(hours=6))

    assert opened.is_wish
    assert not opened.is_offer
    assert (paused.status, paused.unanswered_in_row, paused.created_at) == (EntryStatus.waiting, 0, joined_at)
    assert len(db.exec(select(Event).where(Event.kind == "waitlist.resumed")).all()) == 1


def test_opening_the_link_alone_changes_nothing(db: Session, clinic: Clinic, paused: WaitlistEntry) -> None:
    [letter] = inbox(db, kind="waitlist.paused")

    access.exchange(db, letter.links[0].rsplit("/", 1)[1], digest("browser"), NOW)

    assert paused.status is EntryStatus.paused
    assert access.current_offer(db, digest("browser"), NOW) is None
    assert access.wishes_seen(db, digest("another browser"), NOW) == []


def test_asking_again_for_something_earlier_ends_the_pause_as_well(
    db: Session, clinic: Clinic, paused: WaitlistEntry
) -> None:
    own = db.get_one(Appointment, paused.appointment_id)

    waitlist.join(db, own, waitlist.Wish(weekdays=(1,)), by=PATIENT, now=NOW + DAY)

    db.refresh(paused)
    assert (paused.status, paused.unanswered_in_row, paused.weekdays) == (EntryStatus.waiting, 0, [1])
    assert len(db.exec(select(WaitlistEntry)).all()) == 1


def test_who_has_left_the_list_cannot_be_kept_on_it(db: Session, clinic: Clinic, paused: WaitlistEntry) -> None:
    waitlist.withdraw(db, paused.id or 0, by=PATIENT, now=NOW)

    with pytest.raises(NotPossibleNow, match="no longer on the list"):
        waitlist.resume(db, paused.id or 0, by=PATIENT, now=NOW)


def test_a_paused_wish_ends_with_its_appointment(db: Session, clinic: Clinic, paused: WaitlistEntry) -> None:
    changes.cancel(db, db.get_one(Appointment, paused.appointment_id), by=PATIENT, now=NOW + DAY)

    assert paused.status is EntryStatus.withdrawn


# --- Wishes that have become pointless --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before_the_visit", "status"),
    [(timedelta(days=1, minutes=1), EntryStatus.waiting), (timedelta(days=1), EntryStatus.withdrawn)],
)
def test_a_wish_that_can_gain_nothing_any_more_is_taken_off_the_list(
    db: Session, clinic: Clinic, entry: WaitlistEntry, before_the_visit: timedelta, status: EntryStatus
) -> None:
    housekeeping.tidy(db, LATER - before_the_visit)

    assert entry.status is status
