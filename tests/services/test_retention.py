"""What is kept for its time stays until the end of its last day, and goes after it; by whomever, however often, wherever stopped."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from medcal import scheduler
from medcal.clock import day_end, day_start
from medcal.db import fetch, fetch_one, in_transaction
from medcal.errors import ChangedMeanwhile, NotPossibleNow
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Delivery,
    EntryStatus,
    Message,
    MessageStatus,
    Patient,
)
from medcal.security import PATIENT, SYSTEM
from medcal.services import erasure, notifications, patients, resending, retention, waitlist
from medcal.services.erasure import NOBODY
from medcal.services.retention import cutoff, forget_some
from tests.services.test_erasure import TELLING, live_through
from tests.support.dump import dump
from tests.support.factories import (
    NOW,
    Clinic,
    add,
    make_appointment,
    make_booker,
    make_clinic,
    make_entry,
    make_hold,
    make_offer,
    make_patient,
)

VIENNA = ZoneInfo("Europe/Vienna")
DAY = timedelta(days=1)
# Its clock is put forward on 29 March, within all the times below.
THAT_DAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture(autouse=True)
def short(configured: Callable[..., None]) -> None:
    configured(
        KEEP_NOTES_MONTHS="1",
        KEEP_MESSAGES_DAYS="30",
        KEEP_WISHES_DAYS="30",
        KEEP_HOLDS_DAYS="30",
        KEEP_PATIENTS_MONTHS="24",
    )


def forget(db: Session, now: datetime) -> int:
    """Until nothing is left; how many rows."""
    gone = 0
    while some := forget_some(db, now):
        gone += some
    return gone


# --- The last moment ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-31 21:59", "2026-02-28 23:00"),
        ("2026-03-31 22:00", "2026-03-01 23:00"),
        # The day of 23 hours, and the one of 25.
        ("2026-03-29 12:00", "2026-02-26 23:00"),
        ("2026-10-25 12:00", "2026-09-24 22:00"),
    ],
)
def test_days_end_at_the_clinics_midnight(now: str, expected: str) -> None:
    asked, found = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, expected))

    assert cutoff(asked, VIENNA, days=30) == found


@pytest.mark.parametrize(
    ("today", "months", "kept"),
    [
        ("2026-03-02", 1, "2026-02-02"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2028-02-29", 12, "2027-02-28"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2026-03-02", 36, "2023-03-02"),
    ],
)
def test_a_month_is_never_cut_short(today: str, months: int, kept: str) -> None:
    now = day_start(date.fromisoformat(today), VIENNA) + timedelta(hours=12)

    assert cutoff(now, VIENNA, months=months) == day_start(date.fromisoformat(kept), VIENNA)


def a_note(db: Session, clinic: Clinic) -> str:
    done = {"status": AppointmentStatus.fulfilled, "undo": {"version": 1}}
    noted = {"reason": "Check-up", "request": "a wheelchair", "overbooked_by_id": clinic.sam.id}
    make_appointment(db, clinic, MORNING, overbooked_reason="urgent", **done, **noted)
    return (
        "SELECT id FROM appointment WHERE request <> '' OR reason <> '' OR overbooked_reason <> '' OR undo IS NOT NULL"
    )


def a_message(db: Session, clinic: Clinic) -> str:
    visit = make_appointment(db, clinic, MORNING, created_at=MORNING - 20 * DAY)
    notifications.write(db, "appointment.booked", appointment_id=visit.id, now=MORNING - 20 * DAY)
    message = db.exec(select(Message)).one()
    message.status, message.last_error, message.far_id = MessageStatus.delivered, "550 alice@example.com", "f-1"
    add(db, Delivery(message_id=message.id or 0, attempt=1, target="smtp:25", started_at=MORNING, error="550 alice"))
    return """SELECT id FROM message WHERE concat(recipient, recipient_name, subject, text, html, calendar, last_error, far_id) <> ''
              UNION ALL SELECT id FROM delivery"""


def a_wish(db: Session, clinic: Clinic) -> str:
    entry = make_entry(db, clinic, created_at=MORNING - 200 * DAY, weekdays=[1], notice_hours=72)
    make_offer(db, clinic, entry, MORNING + 3 * DAY)
    waitlist.withdraw(db, entry.id or 0, by=PATIENT, now=MORNING)
    return f"""SELECT e.id FROM waitlist_entry e WHERE e.notice_hours <> 24 OR cardinality(e.weekdays) < 7
               UNION ALL SELECT o.id FROM offer o JOIN patient p ON p.id = o.patient_id WHERE p.name <> '{NOBODY}'
               UNION ALL SELECT e.id FROM waitlist_entry e JOIN patient p ON p.id = e.patient_id WHERE p.name <> '{NOBODY}'"""


def a_hold(db: Session, clinic: Clinic) -> str:
    released = {"status": AppointmentStatus.released, "created_at": MORNING}
    held = {"held_by": "h" * 64, "patient_id": clinic.alice.id}
    make_appointment(db, clinic, MORNING + 40 * DAY, **held, **released)
    return "SELECT id FROM appointment WHERE held_by IS NOT NULL OR patient_id IS NOT NULL"


# The last day on which each is kept.
KINDS = [
    (a_note, date(2026, 4, 2)),
    (a_message, date(2026, 4, 1)),
    (a_wish, date(2026, 4, 1)),
    (a_hold, date(2026, 4, 1)),
]


@pytest.mark.parametrize(("make", "last_day"), KINDS, ids=[make.__name__ for make, _ in KINDS])
def test_it_is_there_to_the_end_of_its_last_day_and_gone_a_moment_later(
    db: Session, clinic: Clinic, make: Callable[..., str], last_day: date
) -> None:
    left, midnight = make(db, clinic), day_end(last_day, VIENNA)
    before = len(fetch(db, left))
    assert before

    forget(db, midnight - timedelta(microseconds=1))
    assert len(fetch(db, left)) == before

    assert forget(db, midnight) > 0
    assert fetch(db, left) == []
    assert forget(db, midnight) == 0


@pytest.mark.parametrize(("make", "_"), KINDS, ids=[make.__name__ for make, _ in KINDS])
def test_with_nothing_set_it_stays_for_ever(
    db: Session, clinic: Clinic, configured: Callable[..., None], make: Callable[..., str], _: date
) -> None:
    times = ("NOTES_MONTHS", "MESSAGES_DAYS", "WISHES_DAYS", "HOLDS_DAYS", "PATIENTS_MONTHS")
    configured(**{f"KEEP_{name}": "0" for name in times})
    left = make(db, clinic)
    before = fetch(db, left)

    assert forget(db, NOW + 30 * 365 * DAY) == 0
    assert retention.find_idle(db, NOW + 30 * 365 * DAY) == []
    assert fetch(db, left) == before


def test_what_is_still_of_use_stays(db: Session, clinic: Clinic) -> None:
    coming = make_appointment(db, clinic, NOW + 80 * DAY, request="a wheelchair", created_at=NOW)
    notifications.write(db, "appointment.booked", appointment_id=coming.id, now=NOW)
    about_it = db.exec(select(Message)).one()
    about_it.status = MessageStatus.delivered
    make_entry(db, clinic, coming, created_at=NOW - 400 * DAY, notice_hours=72)
    make_hold(db, clinic, NOW + 81 * DAY, NOW + 90 * DAY, held_by="h" * 64, created_at=NOW - 400 * DAY)
    past = make_appointment(db, clinic, NOW - 3 * DAY, status=AppointmentStatus.fulfilled)
    notifications.write(db, "appointment.cancelled", appointment_id=past.id, now=NOW - 3 * DAY)

    assert forget(db, NOW + 60 * DAY) == 0
    assert about_it.text


def test_figures_stay(db: Session, clinic: Clinic) -> None:
    for make in (a_note, a_message, a_wish, a_hold):
        make(db, clinic)
    counted = "SELECT (SELECT count(*) FROM {0}) AS rows, (SELECT json_agg(status ORDER BY id) FROM {0}) AS fates"
    tables = ("appointment", "waitlist_entry", "offer", "message", "freed_time")
    before = [fetch_one(db, counted.format(table)) for table in tables]

    assert forget(db, NOW + 400 * DAY) > 0

    assert [fetch_one(db, counted.format(table)) for table in tables] == before
    overbooked = db.exec(select(Appointment).where(Appointment.status == AppointmentStatus.fulfilled)).one()
    db.refresh(overbooked)
    assert (overbooked.overbooked_by_id, overbooked.overbooked_reason) == (clinic.sam.id, "")


def test_a_message_without_words_is_not_sent_again(db: Session, clinic: Clinic) -> None:
    a_message(db, clinic)
    message = db.exec(select(Message)).one()
    message.status, message.useless_at, message.visit_starts_at = MessageStatus.dead, None, None
    forget(db, NOW + 100 * DAY)
    db.refresh(message)

    with pytest.raises(NotPossibleNow):
        resending.resend(db, message.ref, by=clinic.desk, now=NOW + 100 * DAY)


# --- Patients -----------------------------------------------------------------------------------------------------------


def an_old_patient(db: Session, clinic: Clinic, **columns: object) -> Patient:
    """Seen once, on that day."""
    patient = make_patient(db, "Wilma Weg", "wilma@example.com", created_at=MORNING - 9 * DAY)
    make_appointment(db, clinic, MORNING, patient, status=AppointmentStatus.fulfilled, **columns)
    return patient


def idle(db: Session, now: datetime) -> list[int]:
    return retention.find_idle(db, now)


TWO_YEARS_LATER = day_end(date(2028, 3, 2), VIENNA)


def test_who_was_not_here_for_so_long_goes_and_not_a_day_earlier(db: Session, clinic: Clinic) -> None:
    wilma = an_old_patient(db, clinic)
    wilma_id = wilma.id or 0

    assert wilma_id not in idle(db, TWO_YEARS_LATER - timedelta(microseconds=1))
    retention.forget_patient(db, wilma_id, TWO_YEARS_LATER - timedelta(microseconds=1))
    assert db.exec(select(Patient).where(Patient.name == "Wilma Weg")).all()

    assert wilma_id in idle(db, TWO_YEARS_LATER)
    retention.forget_patient(db, wilma_id, TWO_YEARS_LATER)
    assert "wilma" not in dump(db).lower()


def has_a_visit_to_come(db: Session, clinic: Clinic, wilma: Patient) -> None:
    make_appointment(db, clinic, TWO_YEARS_LATER + DAY, wilma)


def was_here_since(db: Session, clinic: Clinic, wilma: Patient) -> None:
    make_appointment(db, clinic, MORNING + DAY, wilma, status=AppointmentStatus.no_show)


def waits(db: Session, clinic: Clinic, wilma: Patient) -> None:
    make_entry(db, clinic, patient=wilma, created_at=MORNING - 9 * DAY)


def is_paused(db: Session, clinic: Clinic, wilma: Patient) -> None:
    make_entry(db, clinic, patient=wilma, created_at=MORNING - 9 * DAY, status=EntryStatus.paused)


def waited_until_lately(db: Session, clinic: Clinic, wilma: Patient) -> None:
    entry = make_entry(db, clinic, patient=wilma, created_at=MORNING - 9 * DAY)
    waitlist.withdraw(db, entry.id or 0, by=PATIENT, now=TWO_YEARS_LATER - 300 * DAY)


def has_booked_for_her_child(db: Session, clinic: Clinic, wilma: Patient) -> None:
    booker = make_booker(db, "wilma weg", "Wilma@Example.com")
    make_appointment(db, clinic, MORNING + 2 * DAY, status=AppointmentStatus.fulfilled, booker_id=booker.id)


@pytest.mark.parametrize(
    "she",
    [has_a_visit_to_come, was_here_since, waits, is_paused, waited_until_lately, has_booked_for_her_child],
)
def test_who_is_still_a_patient_stays(db: Session, clinic: Clinic, she: Callable[..., None]) -> None:
    wilma = an_old_patient(db, clinic)
    she(db, clinic, wilma)

    assert wilma.id not in idle(db, TWO_YEARS_LATER)
    retention.forget_patient(db, wilma.id or 0, TWO_YEARS_LATER)
    assert db.get(Patient, wilma.id)


def test_who_comes_back_meanwhile_stays(db: Session, clinic: Clinic) -> None:
    wilma = an_old_patient(db, clinic)
    assert wilma.id in idle(db, TWO_YEARS_LATER)
    waits(db, clinic, wilma)

    retention.forget_patient(db, wilma.id or 0, TWO_YEARS_LATER)

    assert db.get(Patient, wilma.id)


def test_it_is_an_erasure_like_any_other(db: Session, clinic: Clinic) -> None:
    """All that every table knows of somebody goes by time alone."""
    patient = live_through(db, clinic)
    ref = patient.ref
    entry = fetch_one(db, "SELECT id FROM waitlist_entry WHERE patient_id = %(id)s", id=patient.id)
    assert entry
    waitlist.withdraw(db, entry.id, by=PATIENT, now=NOW)
    later = NOW + 5 * 366 * DAY
    assert TELLING.search(dump(db))

    forget(db, later)
    for patient_id in idle(db, later):
        retention.forget_patient(db, patient_id, later)

    assert [line for line in dump(db).splitlines() if TELLING.search(line)] == []
    notes = fetch(db, "SELECT reason, request, cancel_reason, overbooked_reason FROM appointment")
    assert not any(any(row) for row in notes)
    assert db.exec(select(Patient).where(Patient.ref == ref)).all() == []
    assert fetch(db, "SELECT id FROM event WHERE kind = 'patient.erased' AND actor = 'system'")


# --- Several at once, and stopped in the middle ---------------------------------------------------------------------------


def _many(db: Session, count: int) -> None:
    clinic = make_clinic(db)
    for place in range(count):
        make_appointment(
            db, clinic, MORNING - place * timedelta(hours=1), status=AppointmentStatus.fulfilled, request="a note"
        )


def _left() -> int:
    return len(in_transaction(fetch, "SELECT id FROM appointment WHERE request <> ''"))


def test_two_at_once_share_the_work(committed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    in_transaction(_many, 24)
    begin, done = threading.Barrier(2), list[int]()

    def work() -> None:
        begin.wait()
        while some := in_transaction(forget_some, NOW + 60 * DAY):
            done.append(some)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whoever found all that was left in the other's hands has stopped early; the other one has not.
    assert sum(done) == 24
    assert _left() == 0


def test_stopped_in_the_middle_nothing_is_half_done(committed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 5)
    in_transaction(_many, 12)
    in_transaction(forget_some, NOW + 60 * DAY)

    def is_killed(db: Session) -> None:
        forget_some(db, NOW + 60 * DAY)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_transaction(is_killed)
    assert _left() == 7

    while in_transaction(forget_some, NOW + 60 * DAY):
        pass
    assert _left() == 0


def test_one_patient_is_erased_once_by_two_and_who_cannot_go_holds_up_nobody(
    committed: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    in_transaction(_two_old_patients)
    monkeypatch.setattr("medcal.clock.now", lambda: TWO_YEARS_LATER + 9 * DAY)
    step = next(work.step for work in scheduler.PERIODIC if work.name == "forget old patients")

    threads = [threading.Thread(target=step) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    names = [row.name for row in in_transaction(fetch, "SELECT name FROM patient")]
    assert "Wilma Weg" not in names
    assert "Stella Steht" in names
    erased = in_transaction(fetch, "SELECT id FROM event WHERE kind = 'patient.erased'")
    assert len(erased) == names.count(NOBODY)
    assert not any("Stella" in line or "Wilma" in line for line in caplog.messages)


def _two_old_patients(db: Session) -> None:
    clinic = make_clinic(db)
    stella = make_patient(db, "Stella Steht", "stella@example.com", created_at=MORNING - 9 * DAY)
    past = make_appointment(db, clinic, MORNING - DAY, stella, status=AppointmentStatus.fulfilled)
    notifications.write(db, "appointment.booked", appointment_id=past.id, now=MORNING - DAY)
    # A message of hers is just leaving.
    db.exec(select(Message)).one().status = MessageStatus.taken
    an_old_patient(db, clinic)


def test_whoever_joins_the_list_while_she_is_erased_is_not_left_waiting_as_nobody(
    db: Session, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Her wishes end first, in the order of locks; one that comes after that stops the erasure."""
    wilma = an_old_patient(db, clinic)
    end_wishes = erasure._end_wishes

    def then_joins(*args: object, **kwargs: object) -> None:
        end_wishes(*args, **kwargs)  # type: ignore[arg-type]
        waits(db, clinic, wilma)

    monkeypatch.setattr(erasure, "_end_wishes", then_joins)
    with pytest.raises(ChangedMeanwhile):
        erasure.erase_for_good(db, wilma.id or 0, by=SYSTEM, now=NOW)


def test_an_erased_patient_who_books_again_is_somebody_new(db: Session, clinic: Clinic) -> None:
    wilma = an_old_patient(db, clinic)
    old = wilma.id
    retention.forget_patient(db, wilma.id or 0, TWO_YEARS_LATER)

    again = patients.Person("Wilma Weg", date(1984, 2, 29), "wilma@example.com", None)

    assert patients.find_or_add(db, again, by=PATIENT, now=TWO_YEARS_LATER) != old


def test_the_scheduler_does_both() -> None:
    assert {"forget what is old", "forget old patients"} <= {work.name for work in scheduler.PERIODIC}
