"""Earlier offers in any order of events, with the clock jumping about and the process dying between any two statements.

Hypothesis plays the clinic: times are freed, offered, accepted, declined, taken by the desk or the public; patients cancel, move and leave;
settings change. After each step all promises must hold. Time passes by later values of `now`, and every event is the product's own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Engine
from sqlmodel import Session, col, select

import medcal.db
from medcal.db import fetch, in_transaction
from medcal.errors import MedcalError
from medcal.models import Appointment, AppointmentStatus, FreedTime, Location, TimeOff
from medcal.scheduler import JOBS
from medcal.security import PATIENT, digest
from medcal.services import (
    answers,
    booking,
    candidates,
    changes,
    delivery,
    freed_time,
    jobs,
    offers,
    policy,
    schedules,
    undo,
    waitlist,
    withdrawals,
)
from medcal.services.booking import Details
from medcal.services.offer_states import ENTRY, FREED_TIME, OFFER
from medcal.services.patients import Person
from medcal.services.quiet_hours import answer_deadline, end_of_quiet
from tests.support.factories import (
    Clinic,
    add_hours,
    make_appointment,
    make_clinic,
    make_entry,
    make_patient,
    set_rules,
)
from tests.support.times import at

# Begin, the times that become free, and where the patients' own appointments are; each around a change of the clocks on a Sunday.
SPRING = (
    "2026-03-26",
    ["2026-03-26 13:00", "2026-03-27 09:00", "2026-03-28 15:30", "2026-03-29 09:00", "2026-03-31 14:00"],
    "2026-04-07",
)
AUTUMN = (
    "2026-10-22",
    ["2026-10-22 13:00", "2026-10-23 09:00", "2026-10-24 15:30", "2026-10-25 09:00", "2026-10-27 14:00"],
    "2026-11-03",
)
STRANGER = Person("Stranger Danger", date(1970, 1, 1), "stranger@example.com", None)


class Crashed(Exception):
    """The process died here; what it had not committed never happened."""


class MortalCursor(psycopg.Cursor[Any]):
    """Dies before the statement at which it is told to."""

    statements_left: int | None = None

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        # What stands for begin, commit and rollback here is SQLAlchemy's own, and it does not expect it to fail.
        if MortalCursor.statements_left is not None and "SAVEPOINT" not in str(query):
            MortalCursor.statements_left -= 1
            if MortalCursor.statements_left < 0:
                raise Crashed
        return super().execute(query, *args, **kwargs)


@contextmanager
def dying_after(statements: int | None) -> Iterator[None]:
    """Die before one of the statements, or after all of them but before the commit."""
    MortalCursor.statements_left = statements
    try:
        yield
        if statements is not None:
            raise Crashed
    finally:
        MortalCursor.statements_left = None


def mortal(db: Session, work: Callable[..., Any], dies_after: int | None, *args: Any, **kwargs: Any) -> Any:
    """The work as one transaction in which the process may die."""
    with dying_after(dies_after):
        done = work(db, *args, **kwargs)
        db.flush()
        return done


class Offers(RuleBasedStateMachine):
    """A clinic with four people who wait. `season` and `connection` are set by the test."""

    season = SPRING
    connection: Connection
    clinic_id: int
    clinic: Clinic

    # --- The scene ----------------------------------------------------------------------------------------------------

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = self.connection.begin_nested()
        self.now = self.latest = at(f"{self.season[0]} 10:00")
        self.times = [at(moment) for moment in self.season[1]]
        self.own_day = self.season[2]
        self.before: dict[tuple[str, int], str] = {}
        self.last_message = self.last_offer = 0
        self.left: set[int] = set()

    def teardown(self) -> None:
        try:
            self.leave_nobody_unasked()
        finally:
            self.savepoint.rollback()

    @initialize(group_size=st.sampled_from([1, 3]), grace=st.sampled_from([0, 120]))
    def people_wait(self, group_size: int, grace: int) -> None:
        in_transaction(self._people_wait, group_size, grace)
        self.before = self._statuses()

    def _people_wait(self, db: Session, group_size: int, grace: int) -> None:
        db.get_one(Location, self.clinic.location.id).grace_seconds = grace
        set_rules(db, self.clinic, answer_minutes=60, group_size=group_size)
        names = ["Alice", "Bob", "Dora", "Emil"]
        for place, name in enumerate(names):
            patient = make_patient(db, name, f"{name}@example.com" if name != "Emil" else None)
            own = None
            if name != "Dora":
                own = make_appointment(db, self.clinic, at(f"{self.own_day} {9 + place:02}:00"), patient)
            make_entry(db, self.clinic, own, patient, notice_hours=0, created_at=self.now - timedelta(days=9 - place))
        for starts_at in self.times:
            make_appointment(db, self.clinic, starts_at, make_patient(db, "Stranger Danger", "stranger@example.com"))

    def do(self, work: Callable[..., Any], *args: Any, dies_after: int | None = None, **kwargs: Any) -> Any:
        """Work as the product does it; refusals are answers. One that dies has changed nothing, and is then done again."""
        before = self._statuses() if dies_after is not None else None
        try:
            return in_transaction(mortal, work, dies_after, *args, **kwargs)
        except Crashed:
            note(f"died after {dies_after} statements")
            assert self._statuses() == before
            return self.do(work, *args, **kwargs)
        except MedcalError as refusal:
            note(f"refused: {type(refusal).__name__}")
            return None

    # --- What happens -------------------------------------------------------------------------------------------------

    dying = st.none() | st.integers(0, 25)
    which = st.integers(0, 4)

    @rule(which=which, dies_after=dying)
    def time_is_cancelled(self, which: int, dies_after: int | None) -> None:
        self.do(self._cancel_at, self.times[which], dies_after=dies_after)

    def _cancel_at(self, db: Session, starts_at: datetime) -> None:
        found = db.exec(
            select(Appointment).where(
                Appointment.starts_at == starts_at, Appointment.status == AppointmentStatus.booked
            )
        ).first()
        if found is not None:
            changes.cancel(db, found, by=self.clinic.desk, now=self.now)

    @rule(dies_after=dying)
    def the_sweep_comes(self, dies_after: int | None) -> None:
        self.do(offers.offer_next, self.now, dies_after=dies_after)

    @rule(dies_after=dying)
    def a_job_is_done(self, dies_after: int | None) -> None:
        self.do_in_several_transactions(lambda: jobs.take_next(JOBS, self.now), dies_after)

    @rule(dies_after=dying)
    def letters_leave(self, dies_after: int | None) -> None:
        self.do_in_several_transactions(lambda: delivery.deliver_next(self.now), dies_after)

    def do_in_several_transactions(self, step: Callable[[], bool], dies_after: int | None) -> None:
        """Until nothing is left to do, or the process dies; what it had taken comes back after its lease."""
        try:
            with dying_after(dies_after):
                while step():
                    pass
        except Crashed:
            note(f"died after {dies_after} statements")

    @rule(dies_after=dying)
    def answer_times_run_out(self, dies_after: int | None) -> None:
        while self.do(answers.expire_next, self.now, dies_after=dies_after):
            dies_after = None

    @rule(which=which, dies_after=dying, by_desk=st.booleans())
    def an_offer_is_accepted(self, which: int, dies_after: int | None, by_desk: bool) -> None:
        offer = self._some_offer(which)
        if offer is None:
            return
        had = self._appointments_of(offer.patient_id)
        taken = self.do(answers.accept, offer.id, by=self._actor(by_desk), now=self.now, dies_after=dies_after)
        if taken is not None and self.before["offer", offer.id] == "open":
            waited_without = self._entry(offer.entry_id).appointment_id is None
            now_has = self._appointments_of(offer.patient_id)
            assert len(now_has) == len(had) + waited_without
            assert self._freed(offer.freed_time_id).starts_at in now_has

    @rule(which=which, dies_after=dying, by_desk=st.booleans())
    def an_offer_is_declined(self, which: int, dies_after: int | None, by_desk: bool) -> None:
        if offer := self._some_offer(which):
            self.do(answers.decline, offer.id, by=self._actor(by_desk), now=self.now, dies_after=dies_after)

    @rule(which=which, dies_after=dying)
    def the_desk_reaches_nobody(self, which: int, dies_after: int | None) -> None:
        if offer := self._some_offer(which):
            self.do(answers.note_not_reached, offer.id, by=self.clinic.desk, now=self.now, dies_after=dies_after)

    @rule(which=which, dies_after=dying)
    def the_desk_books(self, which: int, dies_after: int | None) -> None:
        self.do(self._book_at_desk, self.times[which], dies_after=dies_after)

    def _book_at_desk(self, db: Session, starts_at: datetime, *, overbook_reason: str = "") -> None:
        clinic, why = self.clinic, overbook_reason
        booking.book_at_desk(
            db, clinic.okafor, clinic.visit_type, starts_at, STRANGER, overbook_reason=why, by=clinic.desk, now=self.now
        )

    @rule(which=which, dies_after=dying)
    def the_desk_overbooks(self, which: int, dies_after: int | None) -> None:
        self.do(self._book_at_desk, self.times[which], overbook_reason="urgent", dies_after=dies_after)

    @rule(whose=st.integers(0, 3), which=which, dies_after=dying)
    def the_desk_moves_somebody(self, whose: int, which: int, dies_after: int | None) -> None:
        self.do(self._own, whose, self._move_at_desk, self.times[which], dies_after=dies_after)

    def _move_at_desk(self, db: Session, own: Appointment, starts_at: datetime, *, by: Any, now: datetime) -> None:
        changes.move_at_desk(db, own, self.clinic.okafor, starts_at, version=own.version, by=self.clinic.desk, now=now)

    @rule(dies_after=dying)
    def the_desk_takes_back_what_it_did_last(self, dies_after: int | None) -> None:
        self.do(self._take_back, dies_after=dies_after)

    def _take_back(self, db: Session) -> None:
        changed = select(Appointment).order_by(col(Appointment.id))
        for own in db.exec(changed.execution_options(populate_existing=True)):
            until = undo.taken_back_until(db, own)
            if until is not None and self.now < until:
                return undo.take_back(db, own, version=own.version, by=self.clinic.desk, now=self.now)
        return None

    @rule(which=which, dies_after=dying)
    def the_doctor_is_away_or_comes_back(self, which: int, dies_after: int | None) -> None:
        self.do(self._change_absence, self.times[which], dies_after=dies_after)

    def _change_absence(self, db: Session, starts_at: datetime) -> None:
        absence = db.exec(select(TimeOff).where(TimeOff.starts_at == starts_at)).one_or_none()
        if absence is not None:
            return schedules.end_time_off(db, absence, by=self.clinic.desk, now=self.now)
        ends_at = starts_at + timedelta(hours=1)
        absence = TimeOff(doctor_id=self.clinic.okafor.id, starts_at=starts_at, ends_at=ends_at)
        return schedules.add_time_off(db, absence, by=self.clinic.desk, now=self.now)

    @rule(dies_after=dying)
    def the_doctor_leaves_or_returns(self, dies_after: int | None) -> None:
        in_transaction(fetch, "UPDATE doctor SET is_active = NOT is_active")
        self.do(withdrawals.withdraw_outside_hours, self.now, dies_after=dies_after)

    @rule(which=which, confirms=st.booleans())
    def the_public_books(self, which: int, confirms: bool) -> None:
        clinic, visit = self.clinic, digest(f"browser {which}")
        held = self.do(booking.hold, clinic.okafor, clinic.visit_type, self.times[which], visit=visit, now=self.now)
        if held is not None and confirms:
            self.do(booking.confirm, held.ref, Details(STRANGER), visit=visit, now=self.now)

    @rule(which=st.integers(0, 3), dies_after=dying)
    def a_patient_cancels(self, which: int, dies_after: int | None) -> None:
        self.do(self._own, which, changes.cancel, dies_after=dies_after)

    @rule(which=st.integers(0, 3), days=st.integers(-6, 6), dies_after=dying)
    def a_patient_moves(self, which: int, days: int, dies_after: int | None) -> None:
        self.do(self._own, which, self._move, days, dies_after=dies_after)

    @rule(which=st.integers(0, 3), dies_after=dying)
    def a_patient_leaves_the_list(self, which: int, dies_after: int | None) -> None:
        entries = self._all("SELECT id FROM waitlist_entry ORDER BY id")
        self.do(waitlist.withdraw, entries[which].id, by=PATIENT, now=self.now, dies_after=dies_after)

    @rule(which=st.integers(0, 3))
    def a_patient_asks_for_something_earlier(self, which: int) -> None:
        self.do(self._own, which, self._join)

    @rule(which=st.integers(0, 3), dies_after=dying)
    def a_patient_wants_to_stay_on_the_list(self, which: int, dies_after: int | None) -> None:
        entries = self._all("SELECT id FROM waitlist_entry ORDER BY id")
        self.do(waitlist.resume, entries[which].id, by=PATIENT, now=self.now, dies_after=dies_after)

    def _own(self, db: Session, which: int, step: Callable[..., Any], *args: Any) -> None:
        """Something that a patient does with her own appointment."""
        name = ("Alice", "Bob", "Dora", "Emil")[which]
        row = fetch(
            db,
            """SELECT a.id FROM appointment a JOIN patient p ON p.id = a.patient_id
                WHERE p.name = %(name)s AND a.status = 'booked' ORDER BY a.id LIMIT 1""",
            name=name,
        )
        if row:
            step(db, db.get_one(Appointment, row[0].id), *args, by=PATIENT, now=self.now)

    def _move(self, db: Session, own: Appointment, days: int, *, by: Any, now: datetime) -> None:
        changes.move_by_patient(db, own, self.clinic.okafor, own.starts_at + timedelta(days=days), now=now)

    def _join(self, db: Session, own: Appointment, *, by: Any, now: datetime) -> None:
        waitlist.join(db, own, waitlist.Wish(notice_hours=0), by=by, now=now)

    @rule(
        group_size=st.integers(1, 4),
        answer=st.sampled_from([15, 60, 120, 600]),
        least_lead=st.sampled_from([0, 2, 12]),
        per_week=st.integers(1, 4),
        unanswered=st.integers(1, 3),
        quiet=st.sampled_from([(20, 8), (13, 7), (22, 6), (0, 0)]),
    )
    def settings_change(
        self, group_size: int, answer: int, least_lead: int, per_week: int, unanswered: int, quiet: tuple[int, int]
    ) -> None:
        in_transaction(self._change_settings, group_size, answer, least_lead, per_week, unanswered, quiet)

    def _change_settings(
        self,
        db: Session,
        group_size: int,
        answer: int,
        least_lead: int,
        per_week: int,
        unanswered: int,
        quiet: tuple[int, int],
    ) -> None:
        set_rules(
            db,
            self.clinic,
            group_size=group_size,
            answer_minutes=answer,
            least_lead=timedelta(hours=least_lead),
            offers_per_week=per_week,
            unanswered_before_pause=unanswered,
        )
        location = db.get_one(Location, self.clinic.location.id)
        location.quiet_from, location.quiet_until = time(quiet[0]), time(quiet[1])
        freed_time.look_again(db, self.clinic.location.id or 0, self.now)

    @rule(minutes=st.sampled_from([1, 16, 61, 6 * 60, -60]))
    def the_clock_jumps(self, minutes: int) -> None:
        self.latest = max(self.latest, self.now)
        self.now += timedelta(minutes=minutes)

    @rule(hour=st.integers(0, 3))
    def the_clocks_are_changed(self, hour: int) -> None:
        """To the evening before the night of the change, into it, and to the morning after; never back by more than this."""
        saturday, sunday = self.times[2].date(), self.times[3].date()
        moments = (f"{saturday} 19:30", f"{saturday} 23:59", f"{sunday} 03:00", f"{sunday} 08:00")
        self.now = max(self.now, at(moments[hour]))

    # --- What must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def every_promise_is_kept(self) -> None:
        self.every_change_is_an_arrow_of_the_drawing()
        self.nobody_has_a_time_twice()
        self.an_offer_has_its_hold_and_a_hold_its_offer()
        self.a_freed_time_is_filled_or_free_or_offered()
        self.nobody_is_asked_twice_for_one_time_or_for_two_at_once()
        self.offers_are_for_time_in_which_the_doctor_works()
        self.promises_are_such_as_can_be_kept()
        self.wishes_know_their_appointments()
        self.each_letter_is_written_once_and_none_at_night()

    def every_change_is_an_arrow_of_the_drawing(self) -> None:
        after = self._statuses()
        for key, status in after.items():
            was = self.before.get(key)
            if key[0] in ARROWS and status != was:
                assert (was, status) in ARROWS[key[0]], (key, was, status)
        self.before = after

    def nobody_has_a_time_twice(self) -> None:
        assert not self._all(
            """SELECT a.id FROM appointment a JOIN appointment b ON a.id < b.id AND a.doctor_id = b.doctor_id
                  AND tstzrange(a.starts_at, a.busy_until) && tstzrange(b.starts_at, b.busy_until)
                WHERE a.status IN ('held', 'booked', 'arrived', 'fulfilled') AND b.status IN ('held', 'booked', 'arrived', 'fulfilled')
                  AND a.overbooked_by_id IS NULL AND b.overbooked_by_id IS NULL"""
        )

    def an_offer_has_its_hold_and_a_hold_its_offer(self) -> None:
        assert not self._all(
            """SELECT o.id FROM offer o JOIN freed_time f ON f.id = o.freed_time_id JOIN appointment h ON h.id = o.hold_id
                WHERE o.status = 'open' AND NOT (f.status = 'offered' AND f.hold_id = h.id AND h.status = 'held'
                  AND h.held_until = o.answer_until AND h.starts_at = f.starts_at AND h.doctor_id = f.doctor_id)"""
        )
        assert not self._all(
            """SELECT h.id FROM appointment h WHERE h.status = 'held' AND h.held_by IS NULL
                  AND NOT EXISTS (SELECT FROM offer o WHERE o.hold_id = h.id AND o.status = 'open')"""
        )

    def a_freed_time_is_filled_or_free_or_offered(self) -> None:
        assert not self._all(
            """SELECT f.id FROM freed_time f LEFT JOIN offer o ON o.freed_time_id = f.id GROUP BY f.id, f.status
               HAVING count(*) FILTER (WHERE o.status = 'accepted') <> (f.status = 'filled')::int
                   OR (count(*) FILTER (WHERE o.status = 'open') > 0) <> (f.status = 'offered')"""
        )

    def nobody_is_asked_twice_for_one_time_or_for_two_at_once(self) -> None:
        assert not self._all("SELECT 1 FROM offer GROUP BY freed_time_id, patient_id HAVING count(*) > 1")
        assert not self._all("SELECT 1 FROM offer WHERE status = 'open' GROUP BY patient_id HAVING count(*) > 1")

    def offers_are_for_time_in_which_the_doctor_works(self) -> None:
        assert not self._all(
            """SELECT f.id FROM freed_time f JOIN doctor d ON d.id = f.doctor_id JOIN appointment h ON h.id = f.hold_id
                WHERE f.status = 'offered' AND NOT (d.is_active AND EXISTS (
                    SELECT FROM opening o WHERE o.doctor_id = d.id AND o.starts_at <= h.starts_at AND o.closes_at >= h.ends_at))"""
        )

    def wishes_know_their_appointments(self) -> None:
        assert not self._all(
            """SELECT e.id FROM waitlist_entry e JOIN appointment a ON a.id = e.appointment_id
                WHERE e.status IN ('waiting', 'paused') AND e.own_starts_at <> a.starts_at"""
        )

    def promises_are_such_as_can_be_kept(self) -> None:
        """Of the offers made in this step, by the settings that ruled: nobody asked at night, at least a quarter of an hour, in time."""
        made = self._all("SELECT * FROM offer WHERE id > %(last)s", last=self.last_offer)
        for offer in made:
            location, rules = in_transaction(self._rules)
            freed = self._freed(offer.freed_time_id)
            assert end_of_quiet(offer.created_at, location) is None
            assert answer_deadline(offer.created_at, location, policy.LEAST_ANSWER) <= offer.answer_until
            assert offer.answer_until <= freed.starts_at - rules.least_lead
            [asked] = self._all(
                "SELECT count(*) FROM offer WHERE patient_id = %(id)s AND created_at > %(since)s AND id <= %(offer)s",
                id=offer.patient_id,
                since=offer.created_at - timedelta(days=7),
                offer=offer.id,
            )
            assert asked.count <= rules.offers_per_week
        self.last_offer = max([self.last_offer, *(offer.id for offer in made)])

    def each_letter_is_written_once_and_none_at_night(self) -> None:
        written = self._all(
            """SELECT id, kind, due_at FROM message WHERE id > %(last)s AND (kind LIKE 'offer.%%' OR kind LIKE 'waitlist.%%')""",
            last=self.last_message,
        )
        for letter in written:
            location, _ = in_transaction(self._rules)
            assert end_of_quiet(letter.due_at, location) is None, letter
        self.last_message = max([self.last_message, *(letter.id for letter in written)])
        left = self._all(
            """SELECT id, delivered_at FROM message WHERE delivered_at IS NOT NULL AND NOT id = ANY (%(ids)s)
                AND (kind LIKE 'offer.%%' OR kind LIKE 'waitlist.%%')""",
            ids=list(self.left),
        )
        for letter in left:
            location, _ = in_transaction(self._rules)
            assert end_of_quiet(letter.delivered_at, location) is None, letter
        self.left |= {letter.id for letter in left}
        assert not self._all(
            """SELECT o.id FROM offer o LEFT JOIN message m ON m.offer_id = o.id GROUP BY o.id, o.status
               HAVING count(*) FILTER (WHERE m.kind = 'offer.made') <> 1
                   OR count(*) FILTER (WHERE m.kind = 'offer.taken') <> (o.status = 'taken')::int"""
        )

    def leave_nobody_unasked(self) -> None:
        """At the end, with a clock that has caught up, all that is due is done: no time is left free that somebody could be asked for."""
        self.now = max(self.now, self.latest)
        for _ in range(3):
            self.now += timedelta(minutes=31)
            while in_transaction(booking.release_lapsed_holds, self.now):
                pass
            while in_transaction(answers.expire_next, self.now):
                pass
            while in_transaction(offers.offer_next, self.now):
                pass
            while delivery.deliver_next(self.now):
                pass
        self.every_change_has_been_looked_at()
        for freed_id in [row.id for row in self._all("SELECT id FROM freed_time WHERE status = 'open'")]:
            assert in_transaction(self._could_be_asked, freed_id) == []

    def every_change_has_been_looked_at(self) -> None:
        assert not self._all("SELECT 1 FROM freed_time WHERE status = 'open' AND look_at <= %(now)s", now=self.now)
        assert not self._all("SELECT 1 FROM offer WHERE status = 'open' AND answer_until <= %(now)s", now=self.now)

    def _could_be_asked(self, db: Session, freed_id: int) -> list[candidates.Candidate] | None:
        freed, (location, rules) = db.get_one(FreedTime, freed_id), self._rules(db)
        plan = policy.next_round(rules, location, freed.starts_at, self.now)
        if not isinstance(plan, policy.Round):
            return []
        return candidates.next_candidates(db, freed, location, rules, 1, self.now)

    # --- Looking ------------------------------------------------------------------------------------------------------

    def _all(self, sql: str, **values: object) -> Any:
        """What is there now. Nobody else works meanwhile, so looking takes no transaction of its own."""
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        return driver.cursor(row_factory=namedtuple_row).execute(sql.encode(), values).fetchall()

    def _statuses(self) -> dict[tuple[str, int], str]:
        """The state of everything that has one, and what else must not change when a process dies."""
        rows = self._all(
            """SELECT 'offer' AS what, id, status FROM offer UNION ALL SELECT 'freed_time', id, status FROM freed_time
               UNION ALL SELECT 'entry', id, status FROM waitlist_entry
               UNION ALL SELECT 'unanswered', id, unanswered_in_row::text FROM waitlist_entry
               UNION ALL SELECT 'appointment', id, concat(status, starts_at, patient_id) FROM appointment
               UNION ALL SELECT 'message', id, kind FROM message UNION ALL SELECT 'event', id, kind FROM event"""
        )
        return {(row.what, row.id): row.status for row in rows}

    def _some_offer(self, which: int) -> Any | None:
        """Mostly an open one; sometimes one that has ended, for the late and the second click."""
        rows = self._all("SELECT * FROM offer ORDER BY status = 'open' DESC, id DESC LIMIT 5")
        return rows[which % len(rows)] if rows else None

    def _actor(self, by_desk: bool) -> Any:
        return self.clinic.desk if by_desk else PATIENT

    def _appointments_of(self, patient_id: int) -> list[datetime]:
        rows = self._all(
            "SELECT starts_at FROM appointment WHERE patient_id = %(id)s AND status = 'booked' ORDER BY starts_at",
            id=patient_id,
        )
        return [row.starts_at for row in rows]

    def _entry(self, entry_id: int) -> Any:
        return self._all("SELECT * FROM waitlist_entry WHERE id = %(id)s", id=entry_id)[0]

    def _freed(self, freed_id: int) -> Any:
        return self._all("SELECT * FROM freed_time WHERE id = %(id)s", id=freed_id)[0]

    def _rules(self, db: Session) -> tuple[Location, policy.Policy]:
        location = db.get_one(Location, self.clinic.location.id)
        return location, policy.policy_for(db, location, None)


def arrows(machine: Any) -> set[tuple[str | None, str]]:
    return {(str(start) if start else None, str(way.to)) for (start, _), way in machine.items()}


ARROWS = {"offer": arrows(OFFER), "freed_time": arrows(FREED_TIME), "entry": arrows(ENTRY)}


@pytest.mark.parametrize("season", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_no_order_of_events_breaks_a_promise(
    shared_engine: Engine, monkeypatch: pytest.MonkeyPatch, season: tuple[str, list[str], str]
) -> None:
    class NoHints:
        def give(self) -> None:
            pass

    monkeypatch.setattr(schedules, "HORIZON_DAYS", 21)
    with shared_engine.connect() as connection:
        outer = connection.begin()
        connection.begin_nested()
        monkeypatch.setattr(medcal.db, "engine", lambda: connection)
        monkeypatch.setattr(medcal.db, "_hints", lambda: NoHints())
        driver = connection.connection.driver_connection
        assert driver is not None
        monkeypatch.setattr(driver, "cursor_factory", MortalCursor)
        Offers.connection, Offers.season = connection, season
        Offers.clinic = in_transaction(_clinic, at(f"{season[0]} 08:00"))
        run_state_machine_as_test(
            Offers,
            settings=settings(
                max_examples=20,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate,),
            ),
        )
        outer.rollback()


def _clinic(db: Session, now: datetime) -> Clinic:
    clinic = make_clinic(db)
    for weekday in (5, 6):
        add_hours(db, clinic.okafor, weekday)
    schedules.extend_openings(db, now)
    return clinic
