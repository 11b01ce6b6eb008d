"""A clinic with everybody in it, each with marks and references of their own: who may see, and change, what is whose.

Every database id is of a kind that nothing else looks like, so one that leaves the server is found wherever it is.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, text
from sqlmodel import Session, SQLModel, col, select

from medcal.models import CalendarFeed, Doctor, Message, Patient, PatientAccess, StaffSession, StaffUser, TimeOff
from medcal.security import SYSTEM, Role, digest, new_secret
from medcal.services import notifications, schedules, sessions, staff_links
from tests.support import factories
from tests.support.factories import NOW, Clinic, add
from tests.support.inbox import inbox
from tests.support.times import at

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")
FIRST_ID, IDS_PER_TABLE = 727_200_000_000, 1_000_000
AN_ID = re.compile(r"(?<![0-9a-zA-Z])7272\d{8}(?!\d)")
HASHES = r"argon2|\$v="
ALICE, BOB = r"Alice|Adler|66411111", r"Bob|Berger|66422222"
STAFF_NAMES, STAFF_MAILS = "Sam Stern|Robin Roth", r"(?:sam|robin|ada|ines)@clinic\.example"
NOBODYS = r"(?!)"

# What runs by itself, or counts; and times that are free or taken, which hold nobody's name.
UNWATCHED = {"alembic_version", "opening", "periodic_run", "throttle", "audit_checkpoint", "audit_rule"}
# That somebody looked is written down; test_every_page.py says that looking writes nothing but this.
LOOKED = {"access_record", "audit_seal"}
# What only admins may change.
SETTINGS = {
    "calendar_feed",
    "doctor",
    "letter_text",
    "location",
    "offer_policy",
    "offer_step",
    "reminder_rule",
    "specialty",
    "staff_identity",
    "staff_link",
    "visit_type",
    "working_hours",
}
# What belongs to a doctor, and so to her as well.
OF_DOCTORS = {"calendar_feed"}
ACCOUNTS = {"recovery_code", "sign_in_ticket", "staff_session", "staff_user"}


@dataclass
class Belongings:
    """What is somebody's: the references by which a browser may try to reach it, and the ids of its rows."""

    refs: dict[str, uuid.UUID] = field(default_factory=dict)
    ids: set[int] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, row: Any) -> Any:
        self.ids.add(row.id)
        if hasattr(row, "ref"):
            self.refs[name] = row.ref
        return row


@dataclass
class Caller:
    """Somebody at a browser. `hidden` are the marks that she must never read, `untouched` the ids of others' rows."""

    name: str
    role: Role | None = None
    staff: str = ""
    visit: str = ""
    hidden: str = NOBODYS
    own: Belongings = field(default_factory=Belongings)
    foreign: list[Belongings] = field(default_factory=list)

    @property
    def untouched(self) -> set[int]:
        return set().union(*(each.ids for each in self.foreign))

    def finds_hidden(self, said: str) -> list[str]:
        """What of all that she heard was not for her."""
        found = re.findall(f"(?:{self.hidden}|{HASHES})[^,]{{0,40}}", said)
        return sorted({*found, *AN_ID.findall(UUID.sub("", said))})


@dataclass
class Everybody:
    clinic: Clinic
    ivanov: Doctor
    alice: Belongings
    bob: Belongings
    callers: dict[str, Caller]
    connection: Connection

    @property
    def belongings(self) -> dict[str, Belongings]:
        return {"alice": self.alice, "bob": self.bob} | {
            name: each.own for name, each in self.callers.items() if each.role
        }

    def refs(self) -> dict[str, uuid.UUID]:
        """Every reference there is, under the name of its owner and kind."""
        return {f"{name}: {kind}": ref for name, each in self.belongings.items() for kind, ref in each.refs.items()}

    def rows(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Every row of every table that is watched, by table and id."""
        found = self.connection.execute(text(_all_rows())).all()
        return {(table, row["id"]): row for table, row in found}

    def looks(self) -> set[uuid.UUID]:
        """Whose accounts are written down as having looked at something."""
        whose = "SELECT DISTINCT u.ref FROM access_record r JOIN staff_user u ON u.id = r.staff_user_id"
        found = self.connection.execute(text(whose)).all()
        return {row[0] for row in found}

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever is done in here, the next one finds the clinic as it was."""
        savepoint = self.connection.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()


def invite_everybody(db: Session) -> Everybody:
    """Dr. Okafor with Alice, Dr. Ivanov with Bob, Sam at the desk, Robin who is an admin; a stranger, and nobody at all."""
    connection = db.get_bind()
    assert isinstance(connection, Connection)
    number_rows(connection)
    clinic = factories.make_clinic(db)
    ivanov = factories.make_doctor(db, clinic.location, clinic.specialty, "Dr. Ines Ivanov")
    for doctor in (clinic.okafor, ivanov):
        schedules.write_openings(db, doctor.id or 0, now=NOW)
    made = Everybody(
        clinic,
        ivanov,
        alice=_patient(db, clinic, clinic.alice, clinic.okafor, "66411111"),
        bob=_patient(db, clinic, clinic.bob, ivanov, "66422222"),
        callers={},
        connection=connection,
    )
    made.callers = {each.name: each for each in [*_patients(db, made), *_staff(db, made)]}
    for caller in made.callers.values():
        caller.foreign = _foreign(made, caller)
    db.commit()
    return made


def number_rows(connection: Connection) -> None:
    """Each table counts from a number of its own: an id tells what it is of, and no other number looks like it."""
    for place, table in enumerate(SQLModel.metadata.sorted_tables):
        start = FIRST_ID + place * IDS_PER_TABLE + 1
        if "id" in table.columns:
            connection.execute(text(f'ALTER TABLE "{table.name}" ALTER COLUMN id RESTART WITH {start}'))


def _patient(db: Session, clinic: Clinic, patient: Patient, doctor: Doctor, phone: str) -> Belongings:
    """Somebody who has everything that a patient can have: visits, a wish, an open offer, and messages with links."""
    hers, first = Belongings(), patient.name.split()[0]
    patient.phone = f"+436{phone}"
    columns = {"doctor": doctor, "reason": f"{first}s reason", "request": f"{first}s request"}
    visit = factories.make_appointment(db, clinic, at("2026-03-20 09:00"), patient, **columns)
    past = factories.make_appointment(db, clinic, at("2026-02-20 09:00"), patient, **columns)
    wish = factories.make_entry(db, clinic, visit)
    offer = factories.make_offer(db, replace(clinic, okafor=doctor), wish, at("2026-03-05 10:00"))
    for name, row in {"patient": patient, "visit": visit, "past visit": past, "wish": wish, "offer": offer}.items():
        hers.keep(name, row)
    hers.ids.add(offer.hold_id or 0)
    notifications.write(db, "reminder", appointment_id=visit.id, now=NOW)
    notifications.write(db, "offer.made", offer_id=offer.id, now=NOW)
    for message in db.exec(select(Message).where(Message.patient_id == patient.id)):
        hers.keep(f"message {message.kind}", message)
    mails = inbox(db, to=patient.email)
    hers.links = {link.rsplit("/", 1)[1]: mail.kind for mail in mails for link in mail.links}
    return hers


def _patients(db: Session, made: Everybody) -> Iterator[Caller]:
    of_staff = f"{STAFF_NAMES}|{STAFF_MAILS}"
    yield Caller("nobody", hidden=f"{ALICE}|{BOB}|{of_staff}")
    yield Caller("stranger", visit=new_secret(), hidden=f"{ALICE}|{BOB}|{of_staff}")
    yield Caller("alice", visit=_visit(db, made.clinic.alice), hidden=f"{BOB}|{of_staff}", own=made.alice)
    yield Caller("bob", visit=_visit(db, made.clinic.bob), hidden=f"{ALICE}|{of_staff}", own=made.bob)


def _visit(db: Session, patient: Patient) -> str:
    """A browser that a one-time code has opened everything of this patient to."""
    value = new_secret()
    until = NOW + timedelta(days=1)
    row = PatientAccess(
        visit_digest=digest(value), patient_id=patient.id, purpose="code", created_at=NOW, expires_at=until
    )
    add(db, row)
    return value


def _staff(db: Session, made: Everybody) -> Iterator[Caller]:
    doctors = {"Ada Okafor": (made.clinic.okafor, BOB), "Ines Ivanov": (made.ivanov, ALICE)}
    for name, (doctor, hidden) in doctors.items():
        user = factories.make_user(db, name, Role.doctor, doctor_id=doctor.id)
        yield _member(db, user, f"{hidden}|{_mails_but(user)}", doctor)
    yield _member(db, made.clinic.sam, _mails_but(made.clinic.sam))
    yield _member(db, factories.make_user(db, "Robin Roth", Role.admin), NOBODYS)


def _mails_but(user: StaffUser) -> str:
    return f"(?!{re.escape(user.email)})(?:{STAFF_MAILS})"


def _member(db: Session, user: StaffUser, hidden: str, doctor: Doctor | None = None) -> Caller:
    """Signed in here and, in another browser, once more; a doctor with her calendar, an absence, and a feed."""
    own = Belongings()
    own.keep("account", user)
    if doctor:
        own.keep("calendar", doctor)
        absence = {"starts_at": at("2026-03-24 08:00"), "ends_at": at("2026-03-24 12:00")}
        own.keep("time off", add(db, TimeOff(doctor_id=doctor.id, **absence)))
        feed = CalendarFeed(doctor_id=doctor.id, token_digest=digest(user.name), created_at=NOW, created_by_id=user.id)
        own.keep("feed", add(db, feed))
        own.links[user.name] = "feed"
    own.links[staff_links.make_link(db, user, by=SYSTEM, now=NOW).token] = "account"
    cookies = [sessions.open_session(db, user, has_second_step=False, now=NOW) for _ in range(2)]
    for name, session in zip(("session", "other session"), db.exec(_sessions_of(user)), strict=True):
        own.keep(name, session)
    return Caller(user.name.split()[-1 if doctor else 0].lower(), user.role, staff=cookies[0], hidden=hidden, own=own)


def _sessions_of(user: StaffUser) -> Any:
    return select(StaffSession).where(StaffSession.staff_user_id == user.id).order_by(col(StaffSession.id))


def _foreign(made: Everybody, caller: Caller) -> list[Belongings]:
    """Whose rows somebody must not change: a patient's are changed by herself, her doctor and the desk."""
    if caller.role in (Role.reception, Role.admin):
        return []
    mine = {"okafor": made.alice, "ivanov": made.bob}.get(caller.name)
    return [each for each in made.belongings.values() if each is not mine and each is not caller.own]


def _all_rows() -> str:
    names = [table.name for table in SQLModel.metadata.sorted_tables if table.name not in UNWATCHED | LOOKED]
    return " UNION ALL ".join(f"""SELECT '{name}', to_jsonb(x) - 'seen_at' FROM "{name}" x""" for name in names)


# --- What somebody has done ---------------------------------------------------------------------------------------------

Rows = dict[tuple[str, int], dict[str, Any]]


def wrongly_changed(caller: Caller, before: Rows, after: Rows) -> list[str]:
    """The rows that she has changed, and must not have: of others, of the settings, of accounts, and of the history."""
    keys = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return sorted(
        f"{table} {before.get((table, number), 'new')} -> {after.get((table, number), 'gone')}"
        for table, number in keys
        if _is_wrong(caller, table, before.get((table, number)), after.get((table, number)))
    )


def _is_wrong(caller: Caller, table: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> bool:
    if table == "event" and old is not None:
        return True
    if caller.role is Role.admin:
        return False
    numbers = {value for row in (old, new) if row for value in row.values() if isinstance(value, int)}
    if table in SETTINGS - (OF_DOCTORS if caller.role is Role.doctor else set()):
        return True
    if table in ACCOUNTS:
        return not numbers & caller.own.ids
    # A time of another doctor may be taken by a patient; calendars are the doctors' own among themselves.
    untouched = caller.untouched if caller.role is Role.doctor else caller.untouched - _calendars(caller)
    return bool(numbers & untouched)


def _calendars(caller: Caller) -> set[int]:
    return {number for number in caller.untouched if (number - FIRST_ID) // IDS_PER_TABLE == _place("doctor")}


# Asked for thousands of times; to sort the tables takes as long as to call a handler.
@cache
def _place(name: str) -> int:
    return [table.name for table in SQLModel.metadata.sorted_tables].index(name)
