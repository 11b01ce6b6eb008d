"""The figures of offers, against a small clinic whose every freed time is written down here and counted by hand."""

import csv
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from statistics import median

import pytest
from sqlmodel import Session, select

from medcal import statistics as command
from medcal.errors import NotAllowed
from medcal.models import (
    AppointmentStatus,
    Doctor,
    EntryStatus,
    FreedEnd,
    FreedStatus,
    FreedTime,
    Offer,
    OfferStatus,
    Patient,
    VisitType,
    WaitlistEntry,
)
from medcal.security import PATIENT, SYSTEM, Actor, Role
from medcal.services import answers, changes, events
from medcal.services.offer_statistics import Fills, Reached, Statistics, statistics
from tests.support.due import run_due
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    add,
    make_appointment,
    make_booker,
    make_doctor,
    make_entry,
    make_patient,
    make_user,
    make_visit_type,
)
from tests.support.times import at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def admin(db: Session) -> Actor:
    return actor(make_user(db, "Ines Admin", Role.admin))


def figures(db: Session, admin: Actor, days: int = 30, now: datetime = NOW) -> Statistics:
    return statistics(db, admin, days=days, now=now)


def row(found: Statistics, what: str, key: str = "", names: Sequence[str] = ()) -> Fills:
    [fills] = [each for each in found.fills if (each.what, each.key, each.names) == (what, key, tuple(names))]
    return fills


def group(found: Statistics, what: str, key: str) -> Reached:
    [reached] = [each for each in found.reached if (each.what, each.key) == (what, key)]
    return reached


def freed(
    db: Session,
    clinic: Clinic,
    freed_at: datetime,
    lead: timedelta,
    ended_by: str | None,
    *,
    after: timedelta = HOUR,
    doctor: Doctor | None = None,
    visit_type: VisitType | None = None,
    cause: str = "cancelled",
) -> FreedTime:
    """A time that was freed so long before its start, and ended `after` that."""
    starts_at = freed_at + lead
    is_filled = ended_by == "offer"
    return add(
        db,
        FreedTime(
            doctor_id=(doctor or clinic.okafor).id,
            location_id=clinic.location.id,
            day=starts_at.date(),
            starts_at=starts_at,
            ends_at=starts_at + HOUR / 2,
            cause=cause,
            visit_type_id=visit_type.id if visit_type else None,
            status=FreedStatus.filled if is_filled else FreedStatus.gone if ended_by else FreedStatus.open,
            look_at=freed_at,
            created_at=freed_at,
            ended_at=freed_at + after if ended_by else None,
            ended_by=FreedEnd(ended_by) if ended_by else None,
        ),
    )


def asked(
    db: Session, clinic: Clinic, time: FreedTime, entry: WaitlistEntry, status: str, after: timedelta = HOUR
) -> Offer:
    """An offer of a freed time, and what came of it after so long."""
    hold = make_appointment(db, clinic, time.starts_at, status=AppointmentStatus.released, patient_id=None)
    decided_at = None if status == "open" else time.created_at + after
    return add(
        db,
        Offer(
            freed_time_id=time.id,
            entry_id=entry.id,
            patient_id=entry.patient_id,
            hold_id=hold.id,
            status=OfferStatus(status),
            answer_until=time.created_at + 2 * HOUR,
            created_at=time.created_at,
            decided_at=decided_at,
            decided_by="patient" if decided_at else None,
        ),
    )


def moved(db: Session, offer: Offer, entry: WaitlistEntry, old: datetime) -> None:
    """What the history keeps when an accepted offer moves an appointment."""
    assert offer.decided_at
    events.record(
        db,
        "appointment.moved",
        by=PATIENT,
        now=offer.decided_at,
        appointment_id=entry.appointment_id,
        old={"starts_at": old},
        new={},
        quietly=True,
    )


# --- By hand ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_clinic(db: Session, clinic: Clinic) -> Clinic:
    """Nine freed times of the last thirty days, and one before them.

       | lead  | doctor    | visit  | what became of it                  | offers
     1 |   2 h | Okafor    | First  | lost                               | 0
     2 |   4 h | Okafor    | First  | offer after 10 min, gained 3 days  | 1
     3 |  20 h | Okafor    | Long   | came too near, then booked by desk | 2
     4 |   2 d | Lindqvist | First  | offer after 50 min, gained 10 days | 3
     5 |   5 d | Okafor    | First  | booked by the public               | 1
     6 |   5 d | Okafor    | -      | offer after 2 h, to who had none   | 1
     7 |  10 d | Lindqvist | Long   | the doctor no longer works then    | 1
     8 |  10 d | Okafor    | First  | booked by the desk                 | 0
     9 |  20 d | Okafor    | First  | still looks for somebody           | 0
    10 |   2 d | Okafor    | First  | offer, 31 days ago                 | 1
    """
    lindqvist = make_doctor(db, clinic.location, clinic.specialty, "Dr. Henrik Lindqvist")
    long = make_visit_type(db, clinic.specialty, name="Long visit", length_minutes=60)
    first = {"visit_type": clinic.visit_type}
    alice = make_entry(db, clinic, make_appointment(db, clinic, at("2026-03-30 09:00")))
    bob = make_entry(db, clinic, make_appointment(db, clinic, at("2026-03-30 10:00"), clinic.bob))
    nobody = make_entry(db, clinic, patient=make_patient(db))

    # (1)
    freed(db, clinic, NOW - 20 * DAY, 2 * HOUR, "late", **first)
    # (2)
    time = freed(db, clinic, NOW - 19 * DAY, 4 * HOUR, "offer", after=HOUR / 6, **first)
    moved(db, asked(db, clinic, time, alice, "accepted", HOUR / 6), alice, time.starts_at + 3 * DAY)
    # (3)
    time = freed(db, clinic, NOW - 18 * DAY, 20 * HOUR, "late", visit_type=long)
    asked(db, clinic, time, bob, "expired")
    asked(db, clinic, time, nobody, "declined")
    booked = make_appointment(db, clinic, time.starts_at, make_patient(db))
    events.record(db, "appointment.booked", by=clinic.desk, now=NOW - 18 * DAY, appointment_id=booked.id, quietly=True)
    # (4)
    time = freed(db, clinic, NOW - 17 * DAY, 2 * DAY, "offer", after=HOUR * 5 / 6, doctor=lindqvist, **first)
    moved(db, asked(db, clinic, time, bob, "accepted", HOUR * 5 / 6), bob, time.starts_at + 10 * DAY)
    asked(db, clinic, time, alice, "taken")
    asked(db, clinic, time, nobody, "expired")
    # (5)
    asked(db, clinic, freed(db, clinic, NOW - 16 * DAY, 5 * DAY, "public", **first), nobody, "expired")
    # (6)
    time = freed(db, clinic, NOW - 15 * DAY, 5 * DAY, "offer", after=2 * HOUR, cause="new_hours")
    asked(db, clinic, time, nobody, "accepted", 2 * HOUR)
    # (7)
    time = freed(db, clinic, NOW - 14 * DAY, 10 * DAY, "closed", doctor=lindqvist, visit_type=long)
    asked(db, clinic, time, alice, "withdrawn")
    # (8), (9), (10)
    freed(db, clinic, NOW - 13 * DAY, 10 * DAY, "desk", **first)
    freed(db, clinic, NOW - 1 * DAY, 20 * DAY, None, **first)
    asked(db, clinic, freed(db, clinic, NOW - 31 * DAY, 2 * DAY, "offer", **first), alice, "accepted")
    return clinic


def test_the_total_counts_what_became_of_each_time(db: Session, small_clinic: Clinic, admin: Actor) -> None:
    total = figures(db, admin).total

    assert (total.by_offer, total.by_public, total.by_desk, total.lost) == (3, 1, 2, 1)
    assert (total.freed, total.closed, total.running) == (7, 1, 1)
    assert total.share_by_offer == 3 / 7
    assert total.share_used == 6 / 7
    # Eight offers for the seven times, of which three were filled.
    assert (total.offers, total.offers_per_fill) == (8, 8 / 3)
    assert total.minutes_to_fill == pytest.approx(median([10, 50, 120]))
    assert total.days_gained == pytest.approx(median([3, 10]))


def test_the_lead_time_runs_from_freeing_to_the_start(db: Session, small_clinic: Clinic, admin: Actor) -> None:
    found = figures(db, admin)
    fates = {
        each.key: (each.by_offer, each.by_public, each.by_desk, each.lost, each.closed, each.running)
        for each in found.fills
        if each.what == "lead"
    }

    # Four hours exactly belong to the class that begins there.
    assert fates == {
        "0": (0, 0, 0, 1, 0, 0),
        "1": (1, 0, 1, 0, 0, 0),
        "2": (1, 0, 0, 0, 0, 0),
        "3": (1, 1, 0, 0, 0, 0),
        "4": (0, 0, 1, 0, 1, 1),
    }
    assert (row(found, "lead", "1").minutes_to_fill, row(found, "lead", "1").days_gained) == (pytest.approx(10), 3)
    assert row(found, "lead", "1").offers_per_fill == 3
    assert row(found, "lead", "0").offers_per_fill is None


def test_doctors_visits_and_causes_have_their_own_figures(db: Session, small_clinic: Clinic, admin: Actor) -> None:
    found = figures(db, admin)

    okafor = row(found, "doctor", names=["Dr. Ada Okafor"])
    assert (okafor.by_offer, okafor.freed, okafor.offers) == (2, 6, 5)
    lindqvist = row(found, "doctor", names=["Dr. Henrik Lindqvist"])
    assert (lindqvist.share_by_offer, lindqvist.closed, lindqvist.offers) == (1, 1, 3)
    first, long = (row(found, "visit", names=["Cardiology", name]) for name in ("First visit", "Long visit"))
    assert (first.by_offer, first.by_public, first.by_desk, first.lost, first.running) == (2, 1, 1, 1, 1)
    assert (long.by_offer, long.by_desk, long.closed) == (0, 1, 1)
    assert row(found, "visit").by_offer == 1
    assert row(found, "cause", "new_hours").share_by_offer == 1
    assert row(found, "cause", "cancelled").freed == 6


def test_a_longer_period_reaches_farther_back(db: Session, small_clinic: Clinic, admin: Actor) -> None:
    assert figures(db, admin, days=365).total.by_offer == 4
    assert figures(db, admin, days=13).total.freed == 0


def test_a_time_that_came_too_near_is_lost_only_when_it_has_begun(db: Session, clinic: Clinic, admin: Actor) -> None:
    freed(db, clinic, NOW - HOUR, 2 * HOUR, "late", after=HOUR / 2)

    before, after = figures(db, admin).total, figures(db, admin, now=NOW + 2 * HOUR).total

    assert (before.running, before.lost) == (1, 0)
    assert (after.running, after.lost) == (0, 1)


def test_a_clinic_without_freed_times_has_no_shares(db: Session, clinic: Clinic, admin: Actor) -> None:
    found = figures(db, admin)

    assert (found.total.freed, found.fills, found.reached) == (0, (), ())
    assert (found.total.share_by_offer, found.total.offers_per_fill, found.total.minutes_to_fill) == (None, None, None)


def test_the_real_way_of_a_time_arrives_in_the_figures(db: Session, clinic: Clinic, admin: Actor) -> None:
    """Not written down by hand, but cancelled, offered and accepted."""
    make_entry(db, clinic, make_appointment(db, clinic, at("2026-03-20 09:00")))
    gone = make_appointment(db, clinic, at("2026-03-06 09:00"), clinic.bob)
    changes.cancel(db, gone, by=clinic.desk, now=NOW)
    run_due(NOW)
    db.expire_all()
    [offer] = db.exec(select(Offer)).all()
    answers.accept(db, offer.id or 0, by=PATIENT, now=NOW + HOUR)

    found = figures(db, admin, now=NOW + 2 * HOUR)

    assert (found.total.by_offer, found.total.running, found.total.offers) == (1, 1, 1)
    assert (found.total.minutes_to_fill, found.total.days_gained) == (60, 14)
    assert group(found, "channel", "email").accepted == 1


# --- Who is left out --------------------------------------------------------------------------------------------------


def person(db: Session, name: str, **columns: object) -> Patient:
    return make_patient(db, name, **{"email": f"{name.lower()}@example.com"} | columns)  # type: ignore[arg-type]


@pytest.fixture
def many(db: Session, clinic: Clinic) -> Clinic:
    """Who waits, whom we reach how, and what came of it.

    Anna: e-mail, English, 30 years, asked twice, accepted; Ben: e-mail, German, 30 years, asked, no answer; Cleo: telephone
    alone, German, 70 years, never asked; Dan: nothing at all, 81 years, asked, declined; Eva: a child, her father has e-mail,
    never asked; Finn: left the list before; Gus: left it last week, without a date of birth.
    """
    people = {
        "Anna": {"born_on": date(1996, 1, 1)},
        "Ben": {"born_on": date(1996, 1, 1), "language": "de"},
        "Cleo": {"born_on": date(1956, 1, 1), "language": "de", "email": None, "phone": "+43 1 555 0101"},
        "Dan": {"born_on": date(1945, 1, 1), "email": None},
        "Eva": {"born_on": date(2020, 1, 1), "email": None},
        "Finn": {},
        "Gus": {"born_on": None},
    }
    entries = {}
    for name, about in people.items():
        patient = person(db, name, **about)
        columns = {"booker_id": make_booker(db).id} if name == "Eva" else {}
        own = make_appointment(db, clinic, at("2026-03-30 09:00"), patient, **columns) if columns else None
        entries[name] = make_entry(db, clinic, own, patient)
    for name, left_at in (("Finn", NOW - 40 * DAY), ("Gus", NOW - 7 * DAY)):
        entries[name].status, entries[name].created_at = EntryStatus.withdrawn, NOW - 60 * DAY
        events.record(db, "waitlist.left", by=PATIENT, now=left_at, entry_id=entries[name].id)
    entries["Anna"].status = EntryStatus.fulfilled
    for days, name, status in (
        *((9, "Anna", "declined"), (8, "Anna", "accepted")),
        *((7, "Ben", "expired"), (6, "Dan", "declined"), (40, "Cleo", "expired")),
    ):
        offer = asked(db, clinic, freed(db, clinic, NOW - days * DAY, 3 * DAY, "public"), entries[name], status)
        if status == "accepted":
            events.record(db, "offer.accepted", by=PATIENT, now=offer.decided_at or NOW, entry_id=offer.entry_id)
    return clinic


def reach(found: Statistics, what: str) -> dict[str, tuple[int, ...]]:
    return {
        each.key: (each.waited, each.asked, each.accepted, each.offers, each.unanswered)
        for each in found.reached
        if each.what == what
    }


def test_who_is_left_out_shows_by_channel_language_and_age(db: Session, many: Clinic, admin: Actor) -> None:
    found = figures(db, admin)

    assert reach(found, "channel") == {"email": (4, 2, 1, 3, 1), "sms": (1, 0, 0, 0, 0), "call": (1, 1, 0, 1, 0)}
    assert reach(found, "language") == {"en": (4, 2, 1, 3, 0), "de": (2, 1, 0, 1, 1)}
    assert reach(found, "age") == {
        "0": (1, 0, 0, 0, 0),
        "1": (2, 2, 1, 3, 1),
        "3": (1, 0, 0, 0, 0),
        "4": (1, 1, 0, 1, 0),
        "": (1, 0, 0, 0, 0),
    }
    english, german = group(found, "language", "en"), group(found, "language", "de")
    assert (english.share_asked, english.share_accepted, english.share_unanswered) == (2 / 4, 1 / 2, 0)
    assert (german.share_asked, german.share_accepted, german.share_unanswered) == (1 / 2, 0, 1)


def test_who_has_two_wishes_is_one_person(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, at("2026-03-30 09:00")))
    make_entry(db, clinic)

    assert group(figures(db, admin), "channel", "email").waited == 1


# --- Who may ask ------------------------------------------------------------------------------------------------------


def test_the_figures_are_for_admins_and_the_clinics_own_command(db: Session, clinic: Clinic, admin: Actor) -> None:
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    for nobody in (PATIENT, clinic.desk, doctor):
        with pytest.raises(NotAllowed):
            figures(db, nobody)
    assert figures(db, admin) == figures(db, SYSTEM)


def test_the_command_prints_the_same_figures(
    db: Session, small_clinic: Clinic, admin: Actor, capsys: pytest.CaptureFixture[str]
) -> None:
    found = figures(db, admin)

    command.print_csv(found)

    lines = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(lines) == 1 + len(found.fills) + len(found.reached)
    assert lines[0]["group"] == "all"
    assert [lines[0][name] for name in ("by_offer", "by_public", "by_desk", "lost")] == ["3", "1", "2", "1"]
    assert (lines[0]["share_by_offer"], lines[0]["offers_per_fill"]) == ("0.429", "2.667")
    [near] = [line for line in lines if line["name"] == "less than 4 hours ahead"]
    assert (near["lost"], near["days_gained"], near["waited"]) == ("1", "", "")
