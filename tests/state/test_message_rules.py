"""The page of the rules of messages: an admin changes them, nobody else sees them."""

from typing import Any

import pytest
from sqlmodel import Session

from medcal import clock
from medcal.db import in_transaction
from medcal.models import Location, StaffUser
from medcal.security import Role
from medcal.services import accounts, reminders
from medcal.state.message_rules import MessageRulesState
from tests.support.factories import PASSWORD, Clinic, make_clinic, make_user

HABITS = {"grace_seconds": "90", "quiet_from": "21:30", "quiet_until": "07:00"}


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


def opened(new_tab: Any, user: StaffUser) -> Any:
    tab = new_tab(staff=in_transaction(accounts.sign_in, user.email, PASSWORD, now=clock.now())[1])
    tab.open("/staff/settings/messages")
    return tab


@pytest.fixture
def admin(db: Session, clinic: Clinic, new_tab: Any) -> Any:
    return opened(new_tab, make_user(db, "Robin Roth", Role.admin))


def hours(db: Session) -> dict[int | None, list[int]]:
    """By the kind of visit."""
    return {visit: found for (_, visit), found in reminders.rules_of(db).items()}


def rows(tab: Any) -> list[tuple[str, str]]:
    return [(row["key"], row["hours"]) for row in tab.value(MessageRulesState, "rows")]


def place(db: Session, clinic: Clinic) -> Location:
    return db.get_one(Location, clinic.location.id, populate_existing=True)


def test_the_page_shows_what_holds(admin):
    assert rows(admin) == [("1", "72"), ("2", "24")]
    assert admin.value(MessageRulesState, "preview") == [
        "3 days before the visit. Should it be late, it is still sent until 30 hours before.",
        "1 day before the visit. Should it be late, it is still sent until 2 hours before.",
    ]
    assert admin.value(MessageRulesState, "habits") == {
        "grace_seconds": "0",
        "quiet_from": "20:00",
        "quiet_until": "08:00",
    }


def test_what_is_typed_shows_what_it_would_come_to(admin):
    admin.send(MessageRulesState.write, key="2", value="4")
    assert admin.value(MessageRulesState, "preview")[1].startswith("4 hours before the visit.")

    admin.send(MessageRulesState.write, key="2", value="four")
    assert admin.value(MessageRulesState, "preview") == []

    admin.send(MessageRulesState.remove, key="1")
    admin.send(MessageRulesState.remove, key="2")
    assert admin.value(MessageRulesState, "preview") == ["Nobody is reminded."]


def test_reminders_are_added_and_removed(db, clinic, admin):
    admin.send(MessageRulesState.remove, key="1")
    admin.send(MessageRulesState.add)
    assert rows(admin) == [("2", "24"), ("3", "")]

    admin.send(MessageRulesState.save_reminders, form={"hours_2": "24", "hours_3": "168", "hours_1": "9"})

    assert hours(db) == {None: [168, 24]}
    assert rows(admin) == [("1", "168"), ("2", "24")]
    assert admin.toasts[-1].startswith("Saved")


def test_there_are_never_more_than_a_few(admin):
    for _ in range(20):
        admin.send(MessageRulesState.add)

    assert len(rows(admin)) == 6


@pytest.mark.parametrize("typed", ["", "0", "721", "1e2", "٣", "-1", "12.5", "9" * 40, "<b>"])
def test_what_does_not_fit_is_said_beside_its_field(db, clinic, admin, typed):
    admin.send(MessageRulesState.save_reminders, form={"hours_1": typed, "hours_2": "24"})

    assert list(admin.value(MessageRulesState, "problems")) == ["hours_1"]
    assert hours(db) == {None: [72, 24]}


def test_twice_the_same_is_said_at_the_second(db, clinic, admin):
    admin.send(MessageRulesState.save_reminders, form={"hours_1": "24", "hours_2": "24"})

    assert list(admin.value(MessageRulesState, "problems")) == ["hours_2"]


def test_a_kind_of_visit_gets_its_own_and_loses_them_again(db, clinic, admin):
    admin.send(MessageRulesState.choose_visit, ref=str(clinic.visit_type.ref))
    assert not admin.value(MessageRulesState, "has_own_rules")

    admin.send(MessageRulesState.save_reminders, form={"hours_1": "48", "hours_2": "3"})
    assert hours(db) == {None: [72, 24], clinic.visit_type.id: [48, 3]}
    assert admin.value(MessageRulesState, "has_own_rules")

    admin.send(MessageRulesState.forget)
    assert hours(db) == {None: [72, 24]}
    assert rows(admin) == [("1", "72"), ("2", "24")]


def test_grace_and_quiet_hours_are_saved(db, clinic, admin):
    admin.send(MessageRulesState.save_habits, form=HABITS)

    found = place(db, clinic)
    assert (found.grace_seconds, f"{found.quiet_from:%H:%M}", f"{found.quiet_until:%H:%M}") == (90, "21:30", "07:00")


def test_everything_that_does_not_fit_is_said_at_once(db, clinic, admin):
    admin.send(
        MessageRulesState.save_habits, form={"grace_seconds": "3601", "quiet_from": "25:00", "quiet_until": "soon"}
    )

    assert set(admin.value(MessageRulesState, "problems")) == set(HABITS)
    assert place(db, clinic).grace_seconds == 0


def test_what_is_open_is_said_without_what_is_secret(db, clinic, configured, new_tab):
    configured(
        N8N_WEBHOOK_URL_OFFER_MADE="https://n8n.clinic.example/webhook/half-a-secret",
        N8N_WEBHOOK_URL_OFFER_MAID="https://n8n.clinic.example/webhook/slip",
        N8N_WEBHOOK_SECRET="a whole secret of thirty-two characters",
        SMTP_HOST="mail.clinic.example",
        SMTP_FROM="desk@clinic.example",
        SMTP_USER="sender",
        SMTP_PASSWORD="hidden",
    )
    tab = opened(new_tab, make_user(db, "Robin Roth", Role.admin))

    ways = tab.value(MessageRulesState, "ways")

    assert ways["open"][0].startswith("n8n at n8n.clinic.example takes one kind alone")
    assert ways["open"][1].startswith("The mail server mail.clinic.example")
    assert ways["closed"] == ["What none of these can carry goes to the call list: somebody must call."]
    assert ways["wrong"][0].startswith("N8N_WEBHOOK_URL_OFFER_MAID fits no kind of message.")
    for secret in ("half-a-secret", "whole secret", "hidden", "/webhook"):
        assert secret not in "".join(tab.frames)


def test_with_nothing_set_up_it_says_where_messages_are(admin):
    assert admin.value(MessageRulesState, "ways")["open"][0].startswith("Nothing is set up.")


def test_rules_are_for_admins(db, clinic, new_tab):
    doctor = make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id)
    for user in (clinic.sam, doctor):
        tab = opened(new_tab, user)
        tab.send(MessageRulesState.save_reminders, form={})
        tab.send(MessageRulesState.save_habits, form=HABITS)

        assert not tab.value(MessageRulesState, "rows")
    assert hours(db) == {None: [72, 24]}
    assert place(db, clinic).grace_seconds == 0
