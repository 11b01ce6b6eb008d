"""Specialties and kinds of visit as an admin sets them up."""

import pytest
from sqlmodel import Session, select

from medcal import routes
from medcal.errors import ChangedMeanwhile, Invalid, InvalidForm, NotAllowed, NotFound, NotPossibleNow
from medcal.models import Event, Specialty, VisitType
from medcal.security import PATIENT, Actor, Role
from medcal.services import directory, policy, specialties, visit_types
from medcal.services.ready_made import READY_MADE
from medcal.services.specialties import SpecialtyDetails, SpecialtySettings
from medcal.services.visit_types import VisitDetails
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_doctor, make_entry, make_user
from tests.support.times import at

FORM = {
    "name": "Neurology",
    "practitioner": "Neurologist",
    "summary": "Headache, dizziness, nerves.",
    "icon": "brain",
    "reasons": "Headache\n\n  Dizziness \r\nHeadache\nSomething else",
}
NEUROLOGY = SpecialtyDetails(
    "Neurology", "Neurologist", "Headache, dizziness, nerves.", "brain", ["Headache", "Dizziness", "Something else"]
)
SHORT = VisitDetails("Short talk", 10, 5, 60)


@pytest.fixture
def admin(db: Session) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


def of_name(db: Session, admin: Actor, name: str) -> SpecialtySettings:
    return next(each for each in specialties.list_specialties(db, admin) if each.details.name == name)


def names(db: Session, admin: Actor) -> list[str]:
    return [each.details.name for each in specialties.list_specialties(db, admin)]


def test_a_form_becomes_what_we_keep() -> None:
    assert specialties.check_details(FORM) == NEUROLOGY


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("practitioner", " "),
        ("summary", "x" * 301),
        ("icon", "skull"),
        ("icon", ""),
        ("reasons", "\n".join(map(str, range(21)))),
        ("reasons", "x" * 121),
        ("reasons", "x" * 10_000_000),
    ],
)
def test_nonsense_is_refused_beside_its_field(field: str, given: str) -> None:
    with pytest.raises(InvalidForm) as refusal:
        specialties.check_details(FORM | {field: given})

    assert set(refusal.value.problems) == {field}


def test_a_new_specialty_comes_last_and_has_an_address(db: Session, clinic: Clinic, admin: Actor) -> None:
    specialties.add_specialty(db, admin, NEUROLOGY, now=NOW)

    assert names(db, admin) == ["Cardiology", "Neurology"]
    assert directory.get_specialty(db, "neurology").reasons == NEUROLOGY.reasons
    assert [event.kind for event in db.exec(select(Event))] == ["specialty.changed"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Hals-Nasen-Ohren", "hals-nasen-ohren"),
        ("Kinder & Jugend", "kinder-jugend"),
        ("Ärzte für Füße", "aerzte-fuer-fuesse"),
        ("Staff", "staff-2"),
        ("De", "de-2"),
        ("Book", "book-2"),
        ("Кардиология", "specialty"),
        ("x" * 80, "x" * 56),
    ],
)
def test_an_address_is_made_of_what_an_address_may_hold(db: Session, admin: Actor, name: str, slug: str) -> None:
    details = SpecialtyDetails(name, "Doctor", "", "eye", [])

    ref = specialties.add_specialty(db, admin, details, now=NOW)

    assert db.exec(select(Specialty.slug).where(Specialty.ref == ref)).one() == slug


def test_the_address_stays_when_the_name_changes(db: Session, clinic: Clinic, admin: Actor) -> None:
    before = of_name(db, admin, "Cardiology")

    specialties.change_specialty(db, admin, before.ref, NEUROLOGY, seen=before.seen, now=NOW)

    assert (clinic.specialty.name, clinic.specialty.slug) == ("Neurology", "cardiology")
    with pytest.raises(ChangedMeanwhile):
        specialties.change_specialty(db, admin, before.ref, before.details, seen=before.seen, now=NOW)


def test_no_two_specialties_have_the_same_name(db: Session, clinic: Clinic, admin: Actor) -> None:
    specialties.add_specialty(db, admin, NEUROLOGY, now=NOW)
    before = of_name(db, admin, "Cardiology")

    for deed in (
        lambda: specialties.add_specialty(db, admin, NEUROLOGY, now=NOW),
        lambda: specialties.change_specialty(db, admin, before.ref, NEUROLOGY, seen=before.seen, now=NOW),
    ):
        with pytest.raises(Invalid, match="already") as refusal:
            deed()
        assert refusal.value.field == "name"


def test_the_order_is_the_admins(db: Session, clinic: Clinic, admin: Actor) -> None:
    ref = specialties.add_specialty(db, admin, NEUROLOGY, now=NOW)

    specialties.move_specialty(db, admin, ref, -1, now=NOW)
    assert names(db, admin) == ["Neurology", "Cardiology"]
    # At the end of the list it stays where it is.
    specialties.move_specialty(db, admin, ref, -1, now=NOW)
    assert names(db, admin) == ["Neurology", "Cardiology"]
    specialties.move_specialty(db, admin, ref, 1, now=NOW)
    assert names(db, admin) == ["Cardiology", "Neurology"]


def test_only_what_nobody_works_in_can_be_deleted(db: Session, clinic: Clinic, admin: Actor) -> None:
    ref = specialties.add_specialty(db, admin, NEUROLOGY, now=NOW)
    visit_types.add_visit(db, admin, ref, SHORT, now=NOW)

    specialties.remove_specialty(db, admin, ref, now=NOW)
    assert names(db, admin) == ["Cardiology"]
    with pytest.raises(NotPossibleNow, match="1 doctor belongs to it"):
        specialties.remove_specialty(db, admin, clinic.specialty.ref, now=NOW)


def test_what_was_booked_in_is_not_deleted(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_appointment(db, clinic, at("2026-01-05 09:00"))
    ref = specialties.add_specialty(db, admin, NEUROLOGY, now=NOW)
    clinic.okafor.specialty_id = db.exec(select(Specialty.id).where(Specialty.ref == ref)).one() or 0
    db.flush()

    with pytest.raises(NotPossibleNow, match="Visits were booked in it"):
        specialties.remove_specialty(db, admin, clinic.specialty.ref, now=NOW)


# --- Ready made -------------------------------------------------------------------------------------------------------


def test_ready_made_specialties_come_with_their_visits_and_once(db: Session, admin: Actor) -> None:
    wanted = ["cardiology", "dentistry", "no-such-thing"]

    assert specialties.add_ready_made(db, admin, wanted, now=NOW) == 2
    assert specialties.add_ready_made(db, admin, wanted, now=NOW) == 0

    assert names(db, admin) == ["Cardiology", "Dentistry"]
    visits = of_name(db, admin, "Cardiology").visits
    assert [(each.name, each.length_minutes, each.notice_minutes) for each in visits] == [
        ("Consultation", 30, 120),
        ("Stress test", 60, 240),
    ]
    assert "cardiology" not in {each.slug for each in specialties.ready_made(db, admin)}


def test_what_is_ready_made_fits_what_a_form_may_say(db: Session, admin: Actor) -> None:
    specialties.add_ready_made(db, admin, [each.slug for each in READY_MADE], now=NOW)

    there = specialties.list_specialties(db, admin)
    assert [each.slug for each in there] == [each.slug for each in READY_MADE]
    for each in there:
        texts = {name: getattr(each.details, name) for name in ("name", "practitioner", "summary", "icon")}
        assert specialties.check_details(texts | {"reasons": "\n".join(each.details.reasons)}) == each.details
        assert all(visit.length_minutes and visit.is_active for visit in each.visits)


# --- Kinds of visit ---------------------------------------------------------------------------------------------------

VISIT_FORM = {"name": "Short talk", "length_minutes": "10", "buffer_minutes": "5", "notice_minutes": "60"}


def test_a_visit_form_becomes_what_we_keep() -> None:
    assert visit_types.check_details(VISIT_FORM) == SHORT


@pytest.mark.parametrize(
    ("field", "given"),
    [("name", ""), ("length_minutes", "4"), ("length_minutes", "481"), ("buffer_minutes", "x"), ("notice_minutes", "")],
)
def test_a_visit_that_makes_no_sense_is_refused(field: str, given: str) -> None:
    with pytest.raises(InvalidForm) as refusal:
        visit_types.check_details(VISIT_FORM | {field: given})

    assert set(refusal.value.problems) == {field}


def test_the_bounds_are_those_of_the_table() -> None:
    checks = {str(check.sqltext) for check in VisitType.__table__.constraints if hasattr(check, "sqltext")}  # type: ignore[attr-defined]

    assert checks == {f"{name} BETWEEN {least} AND {most}" for name, (least, most) in visit_types.BOUNDS.items()}


def visits(db: Session, admin: Actor) -> list[str]:
    return [each.name for each in of_name(db, admin, "Cardiology").visits]


def test_the_first_visit_in_order_is_the_usual_one(db: Session, clinic: Clinic, admin: Actor) -> None:
    ref = visit_types.add_visit(db, admin, clinic.specialty.ref, SHORT, now=NOW)
    assert visits(db, admin) == ["First visit", "Short talk"]

    visit_types.move_visit(db, admin, ref, -1, now=NOW)

    assert visits(db, admin) == ["Short talk", "First visit"]
    assert directory.visit_types_of(db, clinic.specialty.id or 0)[0].ref == ref


def test_a_visit_keeps_the_length_it_was_booked_with(db: Session, clinic: Clinic, admin: Actor) -> None:
    booked = make_appointment(db, clinic, at("2026-03-03 09:00"))
    seen = visit_types.mark_of(clinic.visit_type)

    visit_types.change_visit(db, admin, clinic.visit_type.ref, SHORT, seen=seen, now=NOW)

    assert clinic.visit_type.length_minutes == 10
    db.refresh(booked)
    assert booked.ends_at == at("2026-03-03 09:30")
    with pytest.raises(ChangedMeanwhile):
        visit_types.change_visit(db, admin, clinic.visit_type.ref, SHORT, seen=seen, now=NOW)


def test_no_two_visits_of_a_specialty_have_the_same_name(db: Session, clinic: Clinic, admin: Actor) -> None:
    visit_types.add_visit(db, admin, clinic.specialty.ref, SHORT, now=NOW)
    seen = visit_types.mark_of(clinic.visit_type)

    with pytest.raises(Invalid, match="already"):
        visit_types.add_visit(db, admin, clinic.specialty.ref, SHORT, now=NOW)
    with pytest.raises(Invalid, match="already"):
        visit_types.change_visit(db, admin, clinic.visit_type.ref, SHORT, seen=seen, now=NOW)


def test_a_visit_out_of_use_is_no_longer_offered(db: Session, clinic: Clinic, admin: Actor) -> None:
    ref = visit_types.add_visit(db, admin, clinic.specialty.ref, SHORT, now=NOW)

    visit_types.set_in_use(db, admin, ref, is_active=False, now=NOW)
    assert [each.name for each in directory.visit_types_of(db, clinic.specialty.id or 0)] == ["First visit"]
    visit_types.set_in_use(db, admin, ref, is_active=True, now=NOW)
    assert len(directory.visit_types_of(db, clinic.specialty.id or 0)) == 2


def test_the_last_visit_stays_while_doctors_work(db: Session, clinic: Clinic, admin: Actor) -> None:
    for deed in (
        lambda: visit_types.set_in_use(db, admin, clinic.visit_type.ref, is_active=False, now=NOW),
        lambda: visit_types.remove_visit(db, admin, clinic.visit_type.ref, now=NOW),
    ):
        with pytest.raises(NotPossibleNow, match="only kind of visit"):
            deed()

    clinic.okafor.is_active = False
    db.flush()
    visit_types.set_in_use(db, admin, clinic.visit_type.ref, is_active=False, now=NOW)
    assert not clinic.visit_type.is_active


@pytest.mark.parametrize("use", ["booked", "waited for"])
def test_a_visit_that_somebody_booked_is_not_deleted(db: Session, clinic: Clinic, admin: Actor, use: str) -> None:
    visit_types.add_visit(db, admin, clinic.specialty.ref, SHORT, now=NOW)
    if use == "booked":
        make_appointment(db, clinic, at("2026-01-05 09:00"), status="fulfilled")
    else:
        make_entry(db, clinic)

    with pytest.raises(NotPossibleNow, match="out of use instead"):
        visit_types.remove_visit(db, admin, clinic.visit_type.ref, now=NOW)


def test_a_visit_that_nobody_booked_is_deleted_with_its_rules(db: Session, clinic: Clinic, admin: Actor) -> None:
    ref = visit_types.add_visit(db, admin, clinic.specialty.ref, SHORT, now=NOW)
    visit_id = db.exec(select(VisitType.id).where(VisitType.ref == ref)).one()
    policy.write_policy(db, clinic.location.id or 0, visit_id, policy.default_policy(clinic.location))

    visit_types.remove_visit(db, admin, ref, now=NOW)

    assert visits(db, admin) == ["First visit"]


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_specialties_and_visits_are_set_up_by_admins_alone(db: Session, clinic: Clinic) -> None:
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))
    specialty, visit = clinic.specialty.ref, clinic.visit_type.ref

    for nobody in (PATIENT, clinic.desk, doctor):
        for deed in (
            lambda by: specialties.list_specialties(db, by),
            lambda by: specialties.add_specialty(db, by, NEUROLOGY, now=NOW),
            lambda by: specialties.change_specialty(db, by, specialty, NEUROLOGY, seen="", now=NOW),
            lambda by: specialties.move_specialty(db, by, specialty, 1, now=NOW),
            lambda by: specialties.remove_specialty(db, by, specialty, now=NOW),
            lambda by: specialties.ready_made(db, by),
            lambda by: specialties.add_ready_made(db, by, ["dentistry"], now=NOW),
            lambda by: visit_types.add_visit(db, by, specialty, SHORT, now=NOW),
            lambda by: visit_types.change_visit(db, by, visit, SHORT, seen="", now=NOW),
            lambda by: visit_types.set_in_use(db, by, visit, is_active=False, now=NOW),
            lambda by: visit_types.move_visit(db, by, visit, 1, now=NOW),
            lambda by: visit_types.remove_visit(db, by, visit, now=NOW),
        ):
            with pytest.raises(NotAllowed):
                deed(nobody)


def test_what_does_not_exist_is_not_found(db: Session, clinic: Clinic, admin: Actor) -> None:
    nowhere = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst").ref

    for deed in (
        lambda: specialties.move_specialty(db, admin, nowhere, 1, now=NOW),
        lambda: specialties.remove_specialty(db, admin, nowhere, now=NOW),
        lambda: visit_types.add_visit(db, admin, nowhere, SHORT, now=NOW),
        lambda: visit_types.remove_visit(db, admin, nowhere, now=NOW),
    ):
        with pytest.raises(NotFound):
            deed()


def test_no_specialty_takes_an_address_of_ours() -> None:
    ours = [str(path) for name, path in vars(routes).items() if name.isupper() and str(path).startswith("/")]

    assert len(ours) > 20
    assert {path.split("/")[1] for path in ours} | {"de", "api", "l"} <= routes.RESERVED
