"""Services ask the table of rights themselves: whoever gets past a door by mistake is refused there."""

import uuid
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from medcal.errors import MedcalError, NotAllowed
from medcal.roles import Can, may
from medcal.security import PATIENT, SYSTEM, Actor, ActorKind, Role
from medcal.services import (
    absences,
    appointment_file,
    audit_trail,
    day_book,
    desk,
    desk_search,
    erasure,
    feeds,
    letter_text,
    message_rules,
    offer_board,
    offer_rules,
    offer_statistics,
    offer_trail,
    outbox,
    own_account,
    own_data,
    people,
    policy,
    resending,
    waitlist_book,
)
from medcal.services.audit_trail import Asked
from medcal.services.desk import PatientForm, Step, WallTime
from medcal.services.desk_search import Wanted
from medcal.services.sessions import NOWHERE
from tests.support.factories import NOW, PASSWORD, make_user

REF = uuid.uuid4()
NINE, TEN = (WallTime(date(2026, 3, 3), time(hour)) for hour in (9, 10))
RULES = policy.Policy((policy.Step(timedelta(0), timedelta(hours=2), 1),))
# What each right is needed for, about something that does not exist: a refusal must come before anything is looked for.
CALLS: dict[Can, list[Callable[[Session, Actor], Any]]] = {
    Can.see_calendar: [
        day_book.doctors_for,
        lambda db, who: day_book.get_doctor(db, who, REF),
        lambda db, who: day_book.get_visible(db, who, REF),
        lambda db, who: desk_search.find_appointments(db, who, Wanted()),
        lambda db, who: desk_search.find_patients(db, who, "Alice"),
        lambda db, who: appointment_file.open_file(db, who, REF),
    ],
    Can.see_visits_through: [lambda db, who: desk.take_step(db, who, REF, Step.arrived, now=NOW)],
    Can.block_time: [
        lambda db, who: absences.block_time(db, who, REF, NINE, TEN, now=NOW),
        lambda db, who: absences.unblock_time(db, who, REF, now=NOW),
        lambda db, who: absences.coming_absences(db, who, REF, NOW),
    ],
    Can.book_at_desk: [
        lambda db, who: desk.place_at(db, who, REF, NINE),
        lambda db, who: desk.book(db, who, REF, REF, NINE, PatientForm(), now=NOW),
        lambda db, who: desk.move(db, who, REF, REF, NINE, version=1, now=NOW),
        lambda db, who: desk.cancel(db, who, REF, now=NOW),
        lambda db, who: desk.take_back(db, who, REF, version=1, now=NOW),
    ],
    Can.keep_waitlist: [
        waitlist_book.who_waits,
        waitlist_book.what_can_be_wished,
        lambda db, who: waitlist_book.set_urgent(db, who, REF, is_urgent=True, now=NOW),
        lambda db, who: waitlist_book.pause(db, who, REF, now=NOW),
        lambda db, who: waitlist_book.resume(db, who, REF, now=NOW),
        lambda db, who: waitlist_book.remove_waiting(db, who, REF, now=NOW),
        lambda db, who: desk.wait_for_earlier(db, who, REF, now=NOW),
        lambda db, who: desk.stop_waiting(db, who, REF, now=NOW),
    ],
    Can.answer_offers: [
        lambda db, who: offer_board.board(db, who, None, NOW),
        lambda db, who: offer_board.accept(db, who, REF, now=NOW),
        lambda db, who: offer_board.decline(db, who, REF, now=NOW),
        lambda db, who: offer_board.note_not_reached(db, who, REF, now=NOW),
        lambda db, who: offer_board.withdraw(db, who, REF, now=NOW),
        lambda db, who: offer_trail.trail_of(db, who, REF, NOW),
    ],
    Can.read_messages: [
        lambda db, who: outbox.list_messages(db, who, outbox.Filter(), 10),
        lambda db, who: outbox.open_message(db, who, REF, NOW),
        lambda db, who: resending.resend(db, REF, by=who, now=NOW),
        lambda db, who: resending.replay(db, REF, by=who, now=NOW),
        lambda db, who: resending.replay_all(db, outbox.Filter(), by=who, now=NOW),
        lambda db, who: resending.mark_called(db, REF, by=who, now=NOW),
    ],
    Can.set_rules: [
        offer_rules.places,
        lambda db, who: offer_rules.rules_of(db, who, REF, None),
        lambda db, who: offer_rules.set_rules(db, who, REF, None, RULES, now=NOW),
        lambda db, who: offer_rules.forget_rules(db, who, REF, REF, now=NOW),
        lambda db, who: offer_rules.foresee(db, who, REF, RULES, [], NOW),
        message_rules.places,
        lambda db, who: message_rules.reminders_of(db, who, REF, None),
        lambda db, who: message_rules.set_reminders(db, who, REF, None, [24], now=NOW),
        lambda db, who: message_rules.forget_reminders(db, who, REF, REF, now=NOW),
        lambda db, who: message_rules.set_habits(
            db, who, REF, grace_seconds=120, quiet_from=time(20), quiet_until=time(8), now=NOW
        ),
        letter_text.find_changed,
        lambda db, who: letter_text.read_wording(db, who, "nothing", "en"),
        lambda db, who: letter_text.reset_wording(db, who, "nothing", "en", seen_at=None, now=NOW),
        lambda db, who: feeds.show_names(db, who, REF, True, NOW),
    ],
    Can.keep_feeds: [
        lambda db, who: feeds.list_feeds(db, who, REF),
        lambda db, who: feeds.make_feed(db, who, REF, NOW),
        lambda db, who: feeds.revoke_feed(db, who, REF, NOW),
        lambda db, who: feeds.shows_names(db, who, REF),
    ],
    Can.read_statistics: [lambda db, who: offer_statistics.statistics(db, who, days=30, now=NOW)],
    Can.give_data: [lambda db, who: own_data.give(db, who, REF, now=NOW)],
    Can.erase_patients: [lambda db, who: erasure.erase(db, who, REF, now=NOW)],
    Can.manage_people: [
        lambda db, who: people.list_members(db, who, NOW),
        people.doctors,
        lambda db, who: people.make_link(db, REF, by=who, now=NOW),
        lambda db, who: people.disable(db, REF, by=who, now=NOW),
    ],
    Can.read_history: [
        lambda db, who: audit_trail.read_page(db, who, Asked()),
        lambda db, who: audit_trail.export(db, who, Asked()),
    ],
    Can.keep_own_account: [
        lambda db, who: own_account.read(db, who, "", NOW),
        lambda db, who: own_account.change_password(db, who, PASSWORD, "x", NOWHERE, now=NOW),
        lambda db, who: own_account.begin_second_step(db, who, PASSWORD),
        lambda db, who: own_account.turn_off_second_step(db, who, "", now=NOW),
        lambda db, who: own_account.sign_out_elsewhere(db, who, "", now=NOW),
        lambda db, who: own_account.sign_out_there(db, who, REF, now=NOW),
    ],
}


def everybody(user_id: int) -> list[Actor]:
    staff = [Actor(ActorKind.staff, user_id, role, 1 if role is Role.doctor else None) for role in Role]
    unfinished = [Actor(ActorKind.staff, user_id, role, 1, is_unfinished=True) for role in Role]
    return [*staff, *unfinished, PATIENT, SYSTEM, Actor(ActorKind.staff)]


def test_every_right_is_asked_for_somewhere() -> None:
    assert set(CALLS) == set(Can)


@pytest.mark.parametrize("can", Can)
def test_services_refuse_who_has_not_the_right_and_nobody_else(db: Session, can: Can) -> None:
    user = make_user(db)
    wrong = []
    for number, call in enumerate(CALLS[can]):
        for who in everybody(user.id or 0):
            try:
                call(db, who)
                is_refused = False
            except MedcalError as refusal:
                is_refused = isinstance(refusal, NotAllowed)
            if is_refused is may(who, can):
                wrong.append((number, who.kind, who.role, who.is_unfinished, is_refused))

    assert wrong == []
