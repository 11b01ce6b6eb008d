"""The clinic of the journeys: open on every day and without quiet hours, so that they can be made at any hour of any day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel, col, select

from medcal import clock
from medcal.db import CHANNEL
from medcal.demo.clinic import DOCTORS
from medcal.models import Appointment, Doctor, Location, Patient, Specialty, StaffUser
from medcal.models.audit import KEPT_TABLES
from medcal.security import Role, digest, new_secret
from medcal.services import access, accounts, schedules
from medcal.services.ready_made import READY_MADE
from medcal.viewmodels.dates import moment
from tests.support import factories

P = ParamSpec("P")
T = TypeVar("T")

HOURS = {"opens": time(8), "closes": time(18), "raster_minutes": 30}
# More would only take longer: journeys book within the fortnight that a page shows.
OPENINGS_DAYS = 28
# Kept from clinic to clinic: what the migrations noted, and when the scheduler last did its rounds.
KEPT = {"alembic_version", "periodic_run"}


@dataclass
class OpenClinic(factories.Clinic):
    """Dr. Okafor and Dr. Lindqvist for the heart, Dr. Novák for the skin; Alice and Bob, known; Sam at the desk."""

    engine: Engine
    lindqvist: Doctor
    novak: Doctor
    okafor_herself: StaffUser
    opened_at: datetime

    # --- Time ---------------------------------------------------------------------------------------------------------

    @property
    def today(self) -> date:
        return clock.local_day(self.opened_at, self.location.zone_info)

    def at(self, days: int, wall: str) -> datetime:
        """The instant of a wall-clock time so many days from today."""
        day = self.today + timedelta(days=days)
        return clock.instant_or_later(day, time.fromisoformat(wall), self.location.zone_info)

    def day_of(self, at: datetime) -> date:
        return clock.local_day(at, self.location.zone_info)

    def said(self, at: datetime) -> str:
        """Monday, 23 November, 09:30: as the pages say it."""
        return moment(at, self.location.zone_info)

    # --- What is so, without a page -----------------------------------------------------------------------------------

    def do(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """work(db, …), committed, and everybody is given the hint that something has changed."""
        with Session(self.engine, expire_on_commit=False) as db:
            result = work(db, *args, **kwargs)
            db.commit()
            db.execute(text(f"NOTIFY {CHANNEL}"))
            db.commit()
        return result

    def book(self, at: datetime, patient: Patient | None = None, **columns: Any) -> Appointment:
        """An appointment that was made just now, with Dr. Okafor unless `doctor` says otherwise."""
        columns = {"created_at": self.opened_at, "booked_at": self.opened_at} | columns
        return self.do(factories.make_appointment, self, at, patient, **columns)

    def begun(self) -> datetime:
        """Alice's visit began within the last half hour; its start."""
        begun = self.opened_at.replace(minute=self.opened_at.minute // 30 * 30, second=0, microsecond=0)
        self.book(begun)
        return begun

    def remembered(self) -> Appointment:
        """Alice's visit is in less than three days, and was booked long ago: she is to be reminded now."""
        before = self.opened_at - timedelta(days=10)
        at = self.opened_at.replace(minute=0, second=0, microsecond=0) + timedelta(days=2, hours=20)
        return self.book(at, created_at=before, booked_at=before)

    def appointments(self, **columns: Any) -> list[Appointment]:
        with Session(self.engine) as db:
            wanted = select(Appointment).filter_by(**columns).order_by(col(Appointment.id))
            return list(db.exec(wanted))

    # --- Who sits before a browser ------------------------------------------------------------------------------------

    def session_of(self, user: StaffUser) -> str:
        """The cookie of somebody who has signed in."""
        _, value = self.do(accounts.sign_in, user.email, factories.PASSWORD, now=clock.now())
        return value

    def visit_of(self, *seen: Appointment) -> str:
        """The cookie of a browser that may see these appointments; the last one first."""
        value = new_secret()
        for appointment in seen:
            self.do(access.grant_after_booking, appointment, digest(value), clock.now())
        return value


def open_clinic(engine: Engine) -> OpenClinic:
    """Empty the database and fill it anew."""
    empty(engine)
    now = clock.now()
    with Session(engine, expire_on_commit=False) as db:
        clinic = _fill(db, engine, now)
        db.commit()
        db.execute(text(f"NOTIFY {CHANNEL}"))
        db.commit()
    return clinic


def empty(engine: Engine, tries: int = 20) -> None:
    """A clinic that nobody has set up yet."""
    names = ", ".join(f'"{table.name}"' for table in SQLModel.metadata.sorted_tables if table.name not in KEPT)
    try:
        with engine.begin() as connection:
            # The scheduler works all the time; who waits for it here must not make it wait for us.
            connection.execute(text("SET LOCAL lock_timeout = '250ms'"))
            # A test's clinic begins without a history: its owner switches off for a moment what keeps everybody's.
            for table in KEPT_TABLES:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER keep_table"))
            connection.execute(text(f"TRUNCATE {names}"))
            for table in KEPT_TABLES:
                connection.execute(text(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER keep_table"))
    except OperationalError:
        if not tries:
            raise
        empty(engine, tries - 1)


def _fill(db: Session, engine: Engine, now: datetime) -> OpenClinic:
    location = factories.make_location(db, name="Medcal Clinic", quiet_from=time(0), quiet_until=time(0))
    heart, skin = _specialty(db, "cardiology", 0), _specialty(db, "dermatology", 1)
    doctors = [
        _doctor(db, location, specialty, slug)
        for specialty, slug in ((heart, "ada-okafor"), (heart, "henrik-lindqvist"), (skin, "tomas-novak"))
    ]
    clinic = OpenClinic(
        location=location,
        specialty=heart,
        visit_type=factories.make_visit_type(db, heart, name="Consultation", notice_minutes=60),
        okafor=doctors[0],
        alice=factories.make_patient(db, "Alice Adler", "alice@example.com", created_at=now),
        bob=factories.make_patient(db, "Bob Berger", "bob@example.com", created_at=now),
        sam=factories.make_user(db),
        engine=engine,
        lindqvist=doctors[1],
        novak=doctors[2],
        okafor_herself=factories.make_user(db, "Ada Okafor", Role.doctor, doctor_id=doctors[0].id),
        opened_at=now,
    )
    factories.make_visit_type(db, skin, name="Consultation", length_minutes=30, notice_minutes=60)
    for doctor in doctors:
        for weekday in range(7):
            factories.add_hours(db, doctor, weekday, **HOURS)
        _write_openings(db, doctor, now)
    return clinic


def _specialty(db: Session, slug: str, position: int) -> Specialty:
    """As in the demo clinic, whose texts are translated."""
    field = next(field for field in READY_MADE if field.slug == slug)
    shared = {name: getattr(field, name) for name in ("slug", "name", "practitioner", "summary", "icon", "reasons")}
    return factories.make_specialty(db, position=position, **shared)


def _doctor(db: Session, location: Location, specialty: Specialty, slug: str) -> Doctor:
    person = next(person for person in DOCTORS if person.slug == slug)
    shared = {name: getattr(person, name) for name in ("slug", "qualification", "languages", "about")}
    return factories.make_doctor(
        db, location, specialty, person.name, has_hours=False, practising_since=person.since, **shared
    )


def _write_openings(db: Session, doctor: Doctor, now: datetime) -> None:
    horizon, schedules.HORIZON_DAYS = schedules.HORIZON_DAYS, OPENINGS_DAYS
    try:
        schedules.write_openings(db, doctor.id or 0, now=now)
    finally:
        schedules.HORIZON_DAYS = horizon
