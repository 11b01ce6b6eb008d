"""What is listed can be booked and what is not listed cannot: over random hours, absences, visits and appointments, in three zones, around
the days on which the clock changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from medcal import clock
from medcal.db import fetch
from medcal.errors import NotOffered, SlotTaken
from medcal.models import Appointment, AppointmentStatus, Doctor, TimeOff, VisitType, WorkingHours
from medcal.security import Actor, digest, new_booking_code
from medcal.services import booking, schedules
from medcal.services.availability import Cell, cells_of_day, first_free, list_free, next_free_by_doctor
from medcal.services.patients import Person
from medcal.services.slots import slot_for
from tests.support.factories import (
    actor,
    add,
    make_doctor,
    make_location,
    make_patient,
    make_specialty,
    make_user,
    make_visit_type,
)

DAYS = {
    "Europe/Vienna": [date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 1)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 10, 4), date(2026, 4, 5)],
}
PLACES = [(zone, day) for zone, days in DAYS.items() for day in days]
STEP = timedelta(minutes=5)
WINDOW = 3
BROWSER, OTHER_BROWSER = digest("a browser"), digest("another browser")
SOMEBODY = Person("Bob Berger", date(1984, 2, 29), "bob@example.com", None)


@dataclass(frozen=True)
class Claim:
    """An appointment that is there already: `kind` is booked, arrived, cancelled, overbooked, held, or lapsed."""

    offset: int
    wall: time
    steps: int
    kind: str


@dataclass(frozen=True)
class Scene:
    """A doctor's next three days. Offsets count local days, steps five minutes."""

    zone: str
    first: date
    now_steps: int
    hours: list[tuple[int, time, time, int]]
    off: list[tuple[int, int]]
    length: int
    buffer: int
    notice: int
    claims: list[Claim]
    claims_first: bool = False

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def now(self) -> datetime:
        return clock.day_start(self.first, self.zone_info) + self.now_steps * STEP


walls = st.integers(0, 287).map(lambda step: time(step // 12, step % 12 * 5))
# By day, and through the hours in which clocks change.
spans = st.one_of(st.lists(walls, min_size=2, max_size=2, unique=True).map(sorted), st.just([time(0), time(6)]))
stretches = st.builds(lambda offset, span, steps: (offset, *span, steps), st.integers(0, 2), spans, st.integers(1, 24))
claims = st.builds(
    Claim,
    offset=st.integers(0, 2),
    wall=walls,
    steps=st.integers(1, 18),
    kind=st.sampled_from(["booked", "arrived", "cancelled", "overbooked", "held", "lapsed"]),
)
scenes = st.builds(
    lambda place, **rest: Scene(*place, **rest),
    st.sampled_from(PLACES),
    now_steps=st.integers(0, 300),
    hours=st.lists(stretches, min_size=1, max_size=4),
    off=st.lists(st.tuples(st.integers(0, 860), st.integers(1, 100)), max_size=2),
    length=st.integers(1, 18),
    buffer=st.integers(0, 6),
    notice=st.sampled_from([0, 0, 12, 100]),
    claims=st.lists(claims, max_size=6),
    claims_first=st.booleans(),
)


@dataclass
class Stage:
    """What all scenes share: a doctor in each zone, one kind of visit, a patient, the desk."""

    db: Session
    doctors: dict[str, Doctor]
    visit_type: VisitType
    patient_id: int
    desk: Actor

    def play(self, scene: Scene) -> Doctor:
        """Write the scene down; an appointment that the constraints refuse is left out."""
        doctor = self.doctors[scene.zone]
        visit = self.visit_type
        visit.length_minutes, visit.buffer_minutes, visit.notice_minutes = (
            5 * scene.length,
            5 * scene.buffer,
            5 * scene.notice,
        )
        for offset, opens, closes, steps in scene.hours:
            weekday = (scene.first + timedelta(days=offset)).weekday()
            rule = {"opens": opens, "closes": closes, "raster_minutes": 5 * steps, "valid_from": date(2020, 1, 1)}
            add(self.db, WorkingHours(doctor_id=doctor.id, weekday=weekday, **rule))
        midnight = clock.day_start(scene.first, scene.zone_info)
        for since, steps in scene.off:
            add(
                self.db,
                TimeOff(
                    doctor_id=doctor.id, starts_at=midnight + since * STEP, ends_at=midnight + (since + steps) * STEP
                ),
            )
        # Openings are counted when they are written, and kept up to date by the appointments that come later.
        if not scene.claims_first:
            schedules.write_openings(self.db, doctor.id or 0, now=scene.now)
        for claim in scene.claims:
            self._add_claim(doctor, scene, claim)
        if scene.claims_first:
            schedules.write_openings(self.db, doctor.id or 0, now=scene.now)
        return doctor

    def _add_claim(self, doctor: Doctor, scene: Scene, claim: Claim) -> None:
        day = scene.first + timedelta(days=claim.offset)
        starts_at = clock.instant(day, claim.wall, scene.zone_info)
        if starts_at is None:
            return
        until = {"held": scene.now + STEP, "lapsed": scene.now}.get(claim.kind)
        row = {
            "code": new_booking_code(),
            "doctor_id": doctor.id,
            "slot_id": slot_for(self.db, doctor.id or 0, claim.wall),
            "day": day,
            "location_id": doctor.location_id,
            "visit_type_id": self.visit_type.id,
            "patient_id": self.patient_id,
            "starts_at": starts_at,
            "ends_at": starts_at + claim.steps * STEP,
            "busy_until": starts_at + claim.steps * STEP,
            "status": "held" if until else "booked" if claim.kind == "overbooked" else claim.kind,
            "held_until": until,
            "held_by": OTHER_BROWSER if until else None,
            "cancelled_at": scene.now if claim.kind == "cancelled" else None,
            "overbooked_by_id": self.desk.id if claim.kind == "overbooked" else None,
            "overbooked_reason": "Emergency" if claim.kind == "overbooked" else None,
            "now": scene.now,
        }
        fetch(self.db, INSERT, **row)

    def live_spans(self, doctor: Doctor) -> list[tuple[datetime, datetime]]:
        rows = fetch(
            self.db,
            """SELECT starts_at, busy_until FROM appointment
                WHERE doctor_id = %(id)s AND status IN ('held', 'booked', 'arrived', 'fulfilled')""",
            id=doctor.id,
        )
        return [(row.starts_at, row.busy_until) for row in rows]


INSERT = """
INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                         busy_until, status, held_until, held_by, reason, request, cancel_reason, cancelled_at, is_late_cancellation,
                         overbooked_by_id, overbooked_reason, version, created_at)
VALUES (gen_random_uuid(), %(code)s, %(doctor_id)s, %(slot_id)s, %(day)s, %(location_id)s, %(visit_type_id)s, %(patient_id)s,
        %(starts_at)s, %(ends_at)s, %(busy_until)s, %(status)s, %(held_until)s, %(held_by)s, '', '', '', %(cancelled_at)s, false,
        %(overbooked_by_id)s, %(overbooked_reason)s, 1, %(now)s)
ON CONFLICT DO NOTHING
"""


@pytest.fixture
def stage(db: Session, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", WINDOW)
    specialty = make_specialty(db)
    doctors = {
        zone: make_doctor(db, make_location(db, slug=f"place-{n}", zone=zone), specialty, f"Dr. {n}", has_hours=False)
        for n, zone in enumerate(DAYS)
    }
    return Stage(db, doctors, make_visit_type(db, specialty), make_patient(db).id or 0, actor(make_user(db)))


@contextmanager
def undone(db: Session) -> Iterator[None]:
    """Whatever happens inside has not happened afterwards."""
    savepoint = db.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def expected(scene: Scene, stage: Stage, doctor: Doctor) -> set[datetime]:
    """What the rules say, without the openings: a step of the hours, late enough, done before closing, and nobody there."""
    rules = [WorkingHours(
        weekday=(scene.first + timedelta(days=offset)).weekday(), opens=opens, closes=closes, raster_minutes=5 * steps,
        valid_from=date(2020, 1, 1),
    ) for offset, opens, closes, steps in scene.hours]  # fmt: skip
    midnight = clock.day_start(scene.first, scene.zone_info)
    off = [
        TimeOff(starts_at=midnight + since * STEP, ends_at=midnight + (since + steps) * STEP)
        for since, steps in scene.off
    ]
    today = clock.local_day(scene.now, scene.zone_info)
    days = [today + timedelta(days=offset) for offset in range(WINDOW)]
    taken = stage.live_spans(doctor)

    def fits(cell: Cell) -> bool:
        ends_at = cell.starts_at + scene.length * STEP
        busy_until = max(ends_at + scene.buffer * STEP, cell.ends_at)
        is_late_enough = cell.starts_at >= scene.now + scene.notice * STEP
        return (
            is_late_enough
            and ends_at <= cell.closes_at
            and not any(a < busy_until and cell.starts_at < b for a, b in taken)
        )

    return {cell.starts_at for day in days for cell in cells_of_day(rules, off, day, scene.zone_info) if fits(cell)}


@given(scene=scenes, data=st.data())
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_what_is_listed_can_be_booked_and_nothing_else(stage: Stage, scene: Scene, data: st.DataObject) -> None:
    db = stage.db
    with undone(db):
        doctor = stage.play(scene)
        # The scheduler does this every few seconds, and every booking before it looks.
        booking.release_lapsed_holds(db, scene.now)
        today = clock.local_day(scene.now, scene.zone_info)

        listed = [
            free.starts_at for free in list_free(db, doctor.id or 0, stage.visit_type, today, WINDOW, now=scene.now)
        ]

        assert set(listed) == expected(scene, stage, doctor)
        assert listed == sorted(listed)
        _check_that_all_lists_agree(stage, scene, doctor, listed)
        for starts_at in data.draw(st.lists(st.sampled_from(listed), min_size=1, max_size=2)) if listed else []:
            _check_that_it_can_be_held(stage, scene, doctor, starts_at)
        for starts_at in data.draw(st.lists(st.sampled_from(_around(scene, listed)), min_size=1, max_size=3)):
            if starts_at not in listed:
                _check_that_it_is_refused(stage, scene, doctor, starts_at)


def _around(scene: Scene, listed: list[datetime]) -> list[datetime]:
    """Instants that might be listed: near what is, near what is taken, and anywhere in the days."""
    midnight = clock.day_start(scene.first, scene.zone_info)
    near = [at + shift * STEP for at in listed[:40] for shift in (-1, 1, scene.length)]
    taken = [
        clock.instant_or_later(scene.first + timedelta(days=claim.offset), claim.wall, scene.zone_info)
        for claim in scene.claims
    ]
    anywhere = [midnight + step * STEP for step in range(-300, 1200, 7)]
    return near + [at + shift * STEP for at in taken for shift in (-1, 0, 1)] + anywhere


def _check_that_all_lists_agree(stage: Stage, scene: Scene, doctor: Doctor, listed: list[datetime]) -> None:
    by_doctor = next_free_by_doctor(stage.db, [doctor.id or 0], stage.visit_type, now=scene.now, limit=5)
    of_specialty = first_free(stage.db, doctor.specialty_id, stage.visit_type, now=scene.now, limit=5)

    assert [free.starts_at for free in by_doctor.get(doctor.id or 0, [])] == listed[:5]
    assert [free.starts_at for free in of_specialty] == listed[:5]


def _check_that_it_can_be_held(stage: Stage, scene: Scene, doctor: Doctor, starts_at: datetime) -> None:
    with undone(stage.db):
        held = booking.hold(stage.db, doctor, stage.visit_type, starts_at, visit=BROWSER, now=scene.now)
        claimed = stage.db.get_one(Appointment, held.appointment_id)

        assert (claimed.status, claimed.starts_at) == (AppointmentStatus.held, starts_at)
        assert claimed.appointment_date == clock.local_day(starts_at, scene.zone_info)
        assert starts_at not in expected(scene, stage, doctor)


def _check_that_it_is_refused(stage: Stage, scene: Scene, doctor: Doctor, starts_at: datetime) -> None:
    with undone(stage.db), pytest.raises((NotOffered, SlotTaken)):
        booking.hold(stage.db, doctor, stage.visit_type, starts_at, visit=BROWSER, now=scene.now)
    with undone(stage.db):
        how = {"overbook_reason": "Chest pain", "by": stage.desk, "now": scene.now}
        overbooked = booking.book_at_desk(stage.db, doctor, stage.visit_type, starts_at, SOMEBODY, **how)

        assert (overbooked.overbooked_by_id, overbooked.starts_at) == (stage.desk.id, starts_at)


def test_a_lapsed_hold_keeps_nobody_out_before_it_is_released(stage: Stage) -> None:
    claim = Claim(0, time(9), 6, "lapsed")
    scene = Scene("Europe/Vienna", date(2026, 6, 1), 0, [(0, time(8), time(12), 6)], [], 6, 0, 0, [claim])
    doctor = stage.play(scene)
    nine = clock.instant_or_later(scene.first, time(9), scene.zone_info)

    held = booking.hold(stage.db, doctor, stage.visit_type, nine, visit=BROWSER, now=scene.now)

    assert held.starts_at == nine
