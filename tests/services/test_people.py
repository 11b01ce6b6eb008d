"""The staff in the hands of the admins: who comes, who goes, and that somebody is always left who can let others in."""

import threading
import uuid
from datetime import timedelta

import pytest

from medcal.db import fetch, fetch_one, in_transaction
from medcal.errors import Invalid, NotAllowed, NotFound, NotPossibleNow, SignInRefused
from medcal.security import PATIENT, SYSTEM, Role, digest
from medcal.services import accounts, people, second_step, sessions, staff_links
from tests.support.factories import NOW, PASSWORD, actor, make_doctor, make_location, make_specialty, make_user

NEW = {"email": "Nora@Clinic.example", "name": "Nora New", "role": Role.reception}


@pytest.fixture
def robin(db):
    """An admin."""
    return make_user(db, "Robin Roth", Role.admin)


@pytest.fixture
def sam(db):
    return make_user(db)


@pytest.fixture
def okafor(db):
    """A doctor."""
    return make_doctor(db, make_location(db), make_specialty(db), has_hours=False)


def happened(db):
    return [(row.kind, row.detail) for row in fetch(db, "SELECT kind, detail FROM event ORDER BY id")]


# --- Coming -----------------------------------------------------------------------------------------------------------


def test_who_is_invited_comes_in_by_her_link(db, robin):
    link = people.invite(db, **NEW, by=actor(robin), now=NOW)

    staff_links.use_link(db, link.token, "dunkelgrüner Regenschirm", now=NOW)

    user, _ = accounts.sign_in(db, "nora@clinic.example", "dunkelgrüner Regenschirm", now=NOW)
    assert (user.name, user.role) == ("Nora New", Role.reception)


def test_a_doctor_is_invited_to_her_own_calendar(db, robin, okafor):
    people.invite(db, **NEW | {"role": Role.doctor}, doctor_ref=okafor.ref, by=actor(robin), now=NOW)

    assert accounts.find_user(db, "nora@clinic.example").doctor_id == okafor.id


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("email", {"email": "no address"}),
        ("email", {"email": "SAM@clinic.example"}),
        ("name", {"name": ""}),
        ("doctor_id", {"role": Role.doctor}),
        ("doctor_id", {"role": Role.doctor, "doctor_ref": uuid.uuid4()}),
    ],
)
def test_an_invitation_that_does_not_fit_is_refused(db, robin, sam, field, wrong):
    with pytest.raises(Invalid) as refusal:
        people.invite(db, **NEW | wrong, by=actor(robin), now=NOW)

    assert refusal.value.field == field


def test_where_a_provider_knows_everybody_nobody_gets_a_link(db, robin, sam, configured):
    configured(
        OIDC_ISSUER="https://id.clinic.example/", OIDC_CLIENT_ID="x", OIDC_CLIENT_SECRET="y", OIDC_LOCAL_ACCOUNTS="off"
    )

    assert people.invite(db, **NEW, by=actor(robin), now=NOW) is None
    with pytest.raises(NotPossibleNow):
        people.make_link(db, sam.ref, by=actor(robin), now=NOW)
    with pytest.raises(SignInRefused):
        accounts.sign_in(db, sam.email, PASSWORD, now=NOW)


# --- Changing ---------------------------------------------------------------------------------------------------------


def test_another_role_holds_at_once_and_is_signed_in_anew(db, robin, sam):
    session = digest(accounts.sign_in(db, sam.email, PASSWORD, now=NOW)[1])

    people.set_role(db, sam.ref, Role.admin, by=actor(robin), now=NOW)

    assert sessions.find_actor(db, session, NOW) is None
    assert accounts.sign_in(db, sam.email, PASSWORD, now=NOW)[0].role is Role.admin


def test_a_doctors_role_needs_her_calendar_and_loses_it_again(db, robin, sam, okafor):
    with pytest.raises(Invalid):
        people.set_role(db, sam.ref, Role.doctor, by=actor(robin), now=NOW)

    people.set_role(db, sam.ref, Role.doctor, okafor.ref, by=actor(robin), now=NOW)
    assert sam.doctor_id == okafor.id
    people.set_role(db, sam.ref, Role.reception, okafor.ref, by=actor(robin), now=NOW)
    assert sam.doctor_id is None


def test_who_is_disabled_is_out_at_once_and_may_come_again(db, robin, sam):
    session = digest(accounts.sign_in(db, sam.email, PASSWORD, now=NOW)[1])

    people.disable(db, sam.ref, by=actor(robin), now=NOW)
    assert sessions.find_actor(db, session, NOW) is None
    with pytest.raises(SignInRefused):
        accounts.sign_in(db, sam.email, PASSWORD, now=NOW)
    people.enable(db, sam.ref, by=actor(robin), now=NOW)

    assert accounts.sign_in(db, sam.email, PASSWORD, now=NOW)


def test_who_lost_her_phone_comes_in_with_the_password_again(db, robin, sam):
    second_step.begin(db, sam)
    sam.totp_on_at = NOW

    people.remove_second_step(db, sam.ref, by=actor(robin), now=NOW)

    session = digest(accounts.sign_in(db, sam.email, PASSWORD, now=NOW)[1])
    assert sessions.find_actor(db, session, NOW)


def test_an_admin_signs_somebody_out_wherever_she_is(db, robin, sam):
    for _ in range(3):
        accounts.sign_in(db, sam.email, PASSWORD, now=NOW)

    assert people.sign_out(db, sam.ref, by=actor(robin), now=NOW) == 3
    assert fetch(db, "SELECT 1 FROM session") == []


def test_all_of_it_is_in_the_history_without_names(db, robin, sam):
    by, account = actor(robin), str(sam.ref)
    people.set_role(db, sam.ref, Role.admin, by=by, now=NOW)
    people.disable(db, sam.ref, by=by, now=NOW)
    people.enable(db, sam.ref, by=by, now=NOW)
    people.make_link(db, sam.ref, by=by, now=NOW)

    assert happened(db) == [
        ("account.role_changed", {"account": account, "before": "reception", "after": "admin"}),
        ("account.disabled", {"account": account}),
        ("account.enabled", {"account": account}),
        ("account.link_made", {"account": account, "purpose": "reset"}),
    ]
    assert {row.staff_user_id for row in fetch(db, "SELECT staff_user_id FROM event")} == {robin.id}


def test_what_is_so_already_is_not_done_again(db, robin, sam):
    people.enable(db, sam.ref, by=actor(robin), now=NOW)
    people.disable(db, sam.ref, by=actor(robin), now=NOW)
    people.disable(db, sam.ref, by=actor(robin), now=NOW)
    people.remove_second_step(db, sam.ref, by=actor(robin), now=NOW)

    assert [kind for kind, _ in happened(db)] == ["account.disabled"]


# --- Who may ----------------------------------------------------------------------------------------------------------

VERBS = {
    "list": lambda db, ref, by: people.list_members(db, by, NOW),
    "doctors": lambda db, ref, by: people.doctors(db, by),
    "invite": lambda db, ref, by: people.invite(db, **NEW, by=by, now=NOW),
    "link": lambda db, ref, by: people.make_link(db, ref, by=by, now=NOW),
    "role": lambda db, ref, by: people.set_role(db, ref, Role.admin, by=by, now=NOW),
    "disable": lambda db, ref, by: people.disable(db, ref, by=by, now=NOW),
    "enable": lambda db, ref, by: people.enable(db, ref, by=by, now=NOW),
    "sign out": lambda db, ref, by: people.sign_out(db, ref, by=by, now=NOW),
    "second step": lambda db, ref, by: people.remove_second_step(db, ref, by=by, now=NOW),
}


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_but_admins_sees_or_changes_accounts(db, robin, sam, okafor, verb):
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=okafor.id))

    for stranger in (actor(sam), doctor, PATIENT):
        with pytest.raises(NotAllowed):
            VERBS[verb](db, robin.ref, stranger)

    assert fetch_one(db, "SELECT count(*) AS events FROM event").events == 0
    VERBS[verb](db, sam.ref, actor(robin))
    VERBS[verb](db, sam.ref, SYSTEM) if verb != "invite" else None


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("list", "doctors", "invite")])
def test_an_account_that_does_not_exist_is_not_found(db, robin, verb):
    with pytest.raises(NotFound):
        VERBS[verb](db, uuid.uuid4(), actor(robin))


# --- The last admin ---------------------------------------------------------------------------------------------------


def test_the_last_admin_neither_goes_nor_becomes_something_else(db, robin, sam):
    for change in (VERBS["disable"], lambda db, ref, by: people.set_role(db, ref, Role.reception, by=by, now=NOW)):
        with pytest.raises(NotPossibleNow, match="last admin"):
            change(db, robin.ref, actor(robin))

    assert robin.is_active
    assert robin.role is Role.admin


def test_an_admin_who_never_came_is_no_other_admin(db, robin):
    people.invite(db, **NEW | {"role": Role.admin}, by=actor(robin), now=NOW)
    make_user(db, "Gone Girl", Role.admin, is_active=False)

    with pytest.raises(NotPossibleNow):
        people.disable(db, robin.ref, by=actor(robin), now=NOW)


def test_an_admin_who_came_from_a_provider_is_one(db, robin):
    make_user(db, "Olga Other", Role.admin, password_hash="", last_sign_in_at=NOW)

    people.disable(db, robin.ref, by=actor(robin), now=NOW)

    assert not robin.is_active


@pytest.mark.parametrize("how", ["disable", "role"])
def test_two_admins_who_put_each_other_out_at_the_same_instant_leave_one(committed, how):
    for round_ in range(4):
        pair = [in_transaction(make_user, f"Admin{round_}{one} Roth", Role.admin) for one in "ab"]
        in_transaction(_leave_only, [user.id for user in pair])
        gate, refused = threading.Barrier(2), []

        def put_out(me, other, gate=gate, refused=refused):
            gate.wait()
            try:
                if how == "disable":
                    in_transaction(people.disable, other.ref, by=actor(me), now=NOW)
                else:
                    in_transaction(people.set_role, other.ref, Role.reception, by=actor(me), now=NOW)
            except NotPossibleNow:
                refused.append(me)

        threads = [threading.Thread(target=put_out, args=pair_) for pair_ in (pair, pair[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(refused) == 1
        assert in_transaction(_admins) == 1


def _leave_only(db, ids):
    fetch(db, "UPDATE staff_user SET is_active = false WHERE id <> ALL(%(ids)s)", ids=ids)


def _admins(db):
    return fetch_one(db, "SELECT count(*) AS admins FROM staff_user WHERE is_active AND role = 'admin'").admins


# --- The list ---------------------------------------------------------------------------------------------------------


def test_the_list_says_how_it_is_with_everybody(db, robin, sam):
    make_user(db, "Gone Girl", is_active=False)
    people.invite(db, **NEW, by=actor(robin), now=NOW)
    accounts.sign_in(db, sam.email, PASSWORD, now=NOW - timedelta(hours=1))
    accounts.sign_in(db, sam.email, PASSWORD, now=NOW - timedelta(days=1))
    for place in range(10):
        accounts.count_sign_in(db, sam.email, f"203.0.113.{place}", now=NOW)

    members = people.list_members(db, actor(robin), NOW)

    assert [member.name for member in members] == ["Nora New", "Robin Roth", "Sam Stern", "Gone Girl"]
    nora, admin, desk, gone = members
    assert (nora.can_sign_in, nora.invited_until) == (False, NOW + timedelta(hours=48))
    assert (admin.is_you, admin.role, admin.tried_at) == (True, Role.admin, None)
    assert (desk.sessions, desk.last_sign_in_at, desk.tried_at) == (1, NOW - timedelta(days=1), NOW)
    assert not gone.is_active
