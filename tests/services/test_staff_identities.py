"""Which account somebody at the provider has, in which role, and who is kept out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from medcal.config import Oidc
from medcal.db import fetch, fetch_one
from medcal.errors import SignInRefused
from medcal.models import Event, ProviderSession, StaffIdentity, StaffUser
from medcal.security import SYSTEM, Role, digest
from medcal.services import accounts, people, sessions, staff_identities
from medcal.services.oidc import Person, Refusal
from tests.support.factories import NOW, PASSWORD, actor, make_clinic, make_user

ISSUER = "https://clinic.eu.auth0.com/"
CLIENT = Oidc(
    issuer=ISSUER,
    client_id="clinic-web",
    client_secret="placeholder",
    name="Clinic",
    scopes="openid profile email",
    roles_claim="",
    roles={},
    admits="invited",
    allow_private=False,
)
WITH_ROLES = replace(CLIENT, roles_claim="roles", admits="roles")
SAM = Person(ISSUER, "auth0|sam", "sam@clinic.example", "Sam Stern", None, "there", "a.b.c", int(NOW.timestamp()))


def sign_in(db, who=SAM, client=CLIENT, now=NOW):
    return staff_identities.sign_in(db, who, client, now=now)


def as_(*roles, **changed):
    """Sam, to whom the provider gives these roles."""
    return replace(SAM, roles=frozenset(roles), **changed)


def who_is_in(db, value, now=NOW):
    return sessions.find_actor(db, digest(value), now)


def number_of(db, table):
    return fetch_one(db, f"SELECT count(*) AS rows FROM {table}").rows


@pytest.fixture
def sam(db):
    """Invited, and not yet come."""
    return make_user(db, password_hash="")


@pytest.fixture
def ida(db):
    """Another admin, so that nobody is the last."""
    return make_user(db, "Ida Admin", Role.admin)


# --- The first time ---------------------------------------------------------------------------------------------------


def test_whoever_was_invited_is_linked_by_her_verified_address(db, sam):
    value = sign_in(db)

    assert who_is_in(db, value).id == sam.id
    identity = db.exec(select(StaffIdentity)).one()
    assert (identity.issuer, identity.subject, identity.staff_user_id) == (ISSUER, "auth0|sam", sam.id)
    assert db.exec(select(Event.kind).order_by(Event.id)).all() == ["account.linked", "account.signed_in"]


def test_an_admins_invitation_is_all_it_takes(db, ida, configured):
    configured(OIDC_ISSUER=ISSUER, OIDC_CLIENT_ID="x", OIDC_CLIENT_SECRET="x", OIDC_LOCAL_ACCOUNTS="off")

    link = people.invite(db, email="Sam@Clinic.example", name="Sam Stern", role=Role.reception, by=actor(ida), now=NOW)

    assert link is None
    assert who_is_in(db, sign_in(db)).name == "Sam Stern"


def test_whoever_was_not_invited_stays_out(db):
    assert sign_in(db) is Refusal.stranger
    assert (number_of(db, "staff_user"), number_of(db, "session"), number_of(db, "staff_identity")) == (0, 0, 0)


def test_an_address_that_is_not_verified_links_nothing(db, sam):
    assert sign_in(db, replace(SAM, email="")) is Refusal.unverified
    assert number_of(db, "session") == 0


def test_an_account_that_is_in_use_is_not_given_to_whoever_has_its_address(db):
    """Providers give addresses of people who have left to others, and some let anybody claim one."""
    make_user(db)

    assert sign_in(db) is Refusal.stranger


def test_where_the_settings_say_so_every_account_is_linked_by_its_address(db):
    sam = make_user(db)
    known = replace(CLIENT, admits="accounts")

    assert who_is_in(db, sign_in(db, client=known)).id == sam.id
    assert sign_in(db, replace(SAM, subject="auth0|new", email="new@clinic.example"), known) is Refusal.stranger
    assert sign_in(db, replace(SAM, subject="auth0|other"), known) is Refusal.stranger
    # The role is given here, so the password from before is nobody's way round it.
    assert accounts.sign_in(db, sam.email, PASSWORD, now=NOW)


def test_an_account_has_one_person_at_a_provider(db, sam):
    sign_in(db)

    assert sign_in(db, replace(SAM, subject="auth0|other")) is Refusal.stranger
    assert sign_in(db, as_(Role.reception, subject="auth0|other"), WITH_ROLES) is Refusal.stranger


def test_the_address_may_change_the_person_stays(db, sam):
    sign_in(db)

    assert who_is_in(db, sign_in(db, replace(SAM, email="samantha@elsewhere.example"))).id == sam.id
    assert who_is_in(db, sign_in(db, replace(SAM, email=""))).id == sam.id
    assert db.get(StaffUser, sam.id).email == "sam@clinic.example"


def test_the_same_subject_at_another_provider_is_somebody_else(db, sam):
    sign_in(db)

    assert sign_in(db, replace(SAM, issuer="https://evil.example/")) is Refusal.stranger


def test_an_invitation_that_is_out_gives_no_password_any_more(db, ida):
    people.invite(db, email=SAM.email, name=SAM.name, role=Role.reception, by=actor(ida), now=NOW)
    sign_in(db)

    assert number_of(db, "staff_link") == 0


def test_where_roles_are_enough_an_account_is_made(db):
    value = sign_in(db, as_(Role.reception), WITH_ROLES)

    found = who_is_in(db, value)
    assert (found.name, found.role) == ("Sam Stern", Role.reception)
    user = db.exec(select(StaffUser)).one()
    assert (user.email, user.password_hash) == ("sam@clinic.example", "")


def test_where_roles_are_enough_one_is_needed(db, sam):
    assert sign_in(db, as_(), WITH_ROLES) is Refusal.role
    assert sign_in(db, as_(subject="auth0|new", email="new@clinic.example"), WITH_ROLES) is Refusal.stranger
    assert number_of(db, "session") == 0


def test_a_doctors_account_is_not_made_without_her_calendar(db):
    assert sign_in(db, as_(Role.doctor), WITH_ROLES) is Refusal.calendar
    assert number_of(db, "staff_user") == 0


def test_whoever_got_a_new_account_there_is_linked_anew_once_somebody_has_said_so(db, sam):
    before = sign_in(db)
    new = replace(SAM, subject="auth0|sam-again")
    assert sign_in(db, new) is Refusal.stranger

    staff_identities.unlink(db, sam, by=SYSTEM, now=NOW)

    assert who_is_in(db, before) is None
    assert who_is_in(db, sign_in(db, new)).id == sam.id
    assert sign_in(db) is Refusal.stranger
    kinds = db.exec(select(Event.kind).order_by(Event.id)).all()
    assert kinds == ["account.linked", "account.signed_in", "account.unlinked", "account.linked", "account.signed_in"]


# --- Accounts and sessions --------------------------------------------------------------------------------------------


def test_a_disabled_account_stays_out(db, sam):
    sign_in(db)
    sam.is_active = False
    db.flush()

    assert sign_in(db) is Refusal.disabled
    assert sign_in(db, as_(Role.admin), WITH_ROLES) is Refusal.disabled
    assert db.get(StaffUser, sam.id).role is Role.reception


def test_a_disabled_account_is_not_linked(db):
    make_user(db, password_hash="", is_active=False)

    assert sign_in(db) is Refusal.disabled
    assert number_of(db, "staff_identity") == 0


def test_the_second_step_is_the_providers(db, ida, configured):
    ida.password_hash = ""
    configured(SECOND_STEP="everybody")

    value = sign_in(db, replace(SAM, email=ida.email))

    assert who_is_in(db, value).role is Role.admin


def test_a_session_through_a_provider_ends_like_any_other(db, sam):
    value = sign_in(db)

    sessions.sign_out(db, digest(value))

    assert who_is_in(db, value) is None
    assert number_of(db, "provider_session") == 0


def test_the_id_token_is_kept_sealed(db, sam):
    sign_in(db)

    kept = db.exec(select(ProviderSession.id_token)).one()
    assert kept and "a.b.c" not in kept


# --- Roles ------------------------------------------------------------------------------------------------------------


def test_without_a_claim_for_roles_they_are_given_here(db, ida):
    ida.password_hash = ""

    assert who_is_in(db, sign_in(db, replace(SAM, email=ida.email))).role is Role.admin


def test_the_role_is_what_the_provider_says_at_each_sign_in(db, sam, ida):
    assert who_is_in(db, sign_in(db, as_(Role.admin), WITH_ROLES)).role is Role.admin
    assert who_is_in(db, sign_in(db, as_(Role.reception), WITH_ROLES)).role is Role.reception

    changes = fetch(db, "SELECT actor, detail FROM event WHERE kind = 'account.role_changed' ORDER BY id")
    assert [(row.actor, row.detail["before"], row.detail["after"]) for row in changes] == [
        ("system", "reception", "admin"),
        ("system", "admin", "reception"),
    ]


def test_of_several_roles_the_highest_counts(db, sam):
    assert who_is_in(db, sign_in(db, as_(Role.doctor, Role.reception), WITH_ROLES)).role is Role.reception
    assert who_is_in(db, sign_in(db, as_(*Role), WITH_ROLES)).role is Role.admin


def test_a_new_role_ends_what_was_opened_in_the_old_one(db, sam):
    before = sign_in(db, as_(Role.admin), WITH_ROLES)
    make_user(db, "Ida Admin", Role.admin)

    sign_in(db, as_(Role.reception), WITH_ROLES)

    assert who_is_in(db, before) is None


def test_a_role_that_was_taken_away_there_ends_the_sessions_here(db, sam):
    there = sign_in(db, as_(Role.reception), WITH_ROLES)

    assert sign_in(db, as_(), WITH_ROLES) is Refusal.role

    assert who_is_in(db, there) is None
    assert number_of(db, "session") == 0


def test_a_role_that_was_taken_away_there_is_not_kept_by_a_password_here(db):
    user = make_user(db)
    assert accounts.sign_in(db, user.email, PASSWORD, now=NOW)

    sign_in(db, as_(Role.reception), WITH_ROLES)

    with pytest.raises(SignInRefused):
        accounts.sign_in(db, user.email, PASSWORD, now=NOW)


def test_the_last_admin_stays_one_and_stays_out(db, sam):
    sign_in(db, as_(Role.admin), WITH_ROLES)

    assert sign_in(db, as_(Role.reception), WITH_ROLES) is Refusal.last_admin

    assert db.get(StaffUser, sam.id).role is Role.admin
    assert number_of(db, "session") == 0


def test_a_doctor_keeps_her_calendar_and_nobody_else_gets_one(db):
    clinic = make_clinic(db)
    ada = make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id, password_hash="")
    hers = replace(as_(Role.doctor), subject="auth0|ada", email=ada.email)

    assert who_is_in(db, sign_in(db, hers, WITH_ROLES)).doctor_id == clinic.okafor.id
    assert sign_in(db, as_(Role.doctor), WITH_ROLES) is Refusal.calendar
    assert who_is_in(db, sign_in(db, replace(hers, roles=frozenset({Role.reception})), WITH_ROLES)).doctor_id is None
    assert sign_in(db, hers, WITH_ROLES) is Refusal.calendar


def test_what_happens_is_in_the_history_without_a_name(db, sam):
    sign_in(db, as_(Role.admin), WITH_ROLES)

    for row in fetch(db, "SELECT detail::text AS detail FROM event"):
        assert "sam" not in row.detail.lower()


def test_use_of_an_identity_is_written_down(db, sam):
    sign_in(db)
    sign_in(db, now=NOW + timedelta(days=3))

    identity = db.exec(select(StaffIdentity)).one()
    assert (identity.linked_at, identity.signed_in_at) == (NOW, NOW + timedelta(days=3))
