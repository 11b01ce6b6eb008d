"""One table of rights: its page, every handler's door, and what services do with who comes anyway."""

import importlib
import pkgutil
from pathlib import Path

import pytest
from reflex_base.registry import RegistrationContext

import medcal.state
from medcal.edge.guard import UNFINISHED, rule_of
from medcal.errors import NotAllowed
from medcal.roles import RIGHTS, Can, Whose, as_table, check, may, roles_with
from medcal.security import PATIENT, SYSTEM, Actor, ActorKind, Role

for module in pkgutil.walk_packages(medcal.state.__path__, "medcal.state."):
    importlib.import_module(module.name)

# What a state's handlers do; one that does something else stands here with its own name.
ROWS = {
    "CalendarState": Can.see_calendar,
    "CalendarState.move": Can.book_at_desk,
    "StaffAppointmentsState": Can.see_calendar,
    "OpenAppointmentState": Can.see_visits_through,
    "OpenAppointmentState.wait_for_earlier": Can.keep_waitlist,
    "OpenAppointmentState.stop_waiting": Can.keep_waitlist,
    "OpenAppointmentState.start_moving": Can.book_at_desk,
    "OpenAppointmentState.start_cancelling": Can.book_at_desk,
    "OpenAppointmentState.move": Can.book_at_desk,
    "OpenAppointmentState.cancel": Can.book_at_desk,
    "BlockTimeState": Can.block_time,
    "BookAtDeskState": Can.book_at_desk,
    "AddWaitingState": Can.keep_waitlist,
    "StaffWaitlistState": Can.keep_waitlist,
    "StaffOffersState": Can.answer_offers,
    "StaffMessagesState": Can.read_messages,
    "OpenAppointmentState.take_back": Can.book_at_desk,
    "UndoState": Can.see_calendar,
    "UndoState.undo": Can.book_at_desk,
    "HeartbeatState": Can.see_calendar,
    "PatientDataState": Can.erase_patients,
    "PatientDataState.to_read": Can.give_data,
    "PatientDataState.to_process": Can.give_data,
    "WaitingPatientState": Can.give_data,
    "WaitingPatientState.ask": Can.erase_patients,
    "WaitingPatientState.keep": Can.erase_patients,
    "WaitingPatientState.erase": Can.erase_patients,
    "OpenMessageState": Can.read_messages,
    "FeedsState": Can.keep_feeds,
    "FeedsState.show_names": Can.set_rules,
    "MessageRulesState": Can.set_rules,
    "ConsentTextsState": Can.set_rules,
    "WordsState": Can.set_rules,
    "ClinicSettingsState": Can.set_rules,
    "ClosuresState": Can.set_rules,
    "DoctorsState": Can.set_rules,
    "HoursState": Can.set_rules,
    "SetupState": Can.set_rules,
    "SpecialtiesState": Can.set_rules,
    "VisitTypesState": Can.set_rules,
    "OfferRulesState": Can.set_rules,
    "StaffStatisticsState": Can.read_statistics,
    "PeopleState": Can.manage_people,
    "AuditState": Can.read_history,
    "AccountState": Can.keep_own_account,
}
RULES = {
    f"{found.handler.fn.__qualname__}": rule
    for found in RegistrationContext.get().event_handlers.values()
    if found.handler.fn.__module__.startswith("medcal.state.") and (rule := rule_of(found.handler.fn))
}
STAFF_HANDLERS = {name: rule for name, rule in RULES.items() if rule.is_for_staff}
EVERYBODY = [Actor(ActorKind.staff, 1, role, 1 if role is Role.doctor else None) for role in Role]


def test_there_are_handlers_to_look_at():
    assert len(STAFF_HANDLERS) > 60


@pytest.mark.parametrize("name", STAFF_HANDLERS)
def test_every_handler_of_the_staff_has_a_row_and_opens_to_whom_it_says(name):
    can = ROWS.get(name) or ROWS.get(name.partition(".")[0])
    assert can, f"{name}: which right is it? Add it to ROWS, and a new one to medcal/roles.py"

    assert STAFF_HANDLERS[name].who - {UNFINISHED} == roles_with(can)


def test_who_owes_a_second_step_reaches_the_own_account_alone():
    open_ones = {name.partition(".")[0] for name, rule in RULES.items() if UNFINISHED in rule.who}

    assert open_ones == {"AccountState"}


def test_every_row_is_about_something_that_exists():
    names = set(STAFF_HANDLERS) | {name.partition(".")[0] for name in STAFF_HANDLERS}

    assert set(ROWS) <= names
    assert set(ROWS.values()) == set(Can)


def test_the_page_shows_the_table():
    page = (Path(__file__).parents[2] / "docs" / "roles.md").read_text()

    assert as_table() in page


@pytest.mark.parametrize("can", Can)
def test_who_has_not_the_right_is_refused(can):
    for actor in (*EVERYBODY, PATIENT, Actor(ActorKind.staff)):
        if actor.role in RIGHTS[can].whose:
            check(actor, can)
        else:
            with pytest.raises(NotAllowed):
                check(actor, can)


@pytest.mark.parametrize("can", Can)
def test_an_admin_has_every_right_and_who_is_unfinished_almost_none(can):
    admin = Actor(ActorKind.staff, 1, Role.admin)
    unfinished = Actor(ActorKind.staff, 1, Role.admin, is_unfinished=True)

    assert may(admin, can)
    assert may(unfinished, can) is (can is Can.keep_own_account)


def test_a_doctor_has_nothing_that_reaches_beyond_her_own():
    whose = {right.whose[Role.doctor] for right in RIGHTS.values() if Role.doctor in right.whose}

    assert whose == {Whose.own}


def test_reception_has_no_settings_and_nobody_but_admins_has():
    for can in (Can.set_rules, Can.manage_people, Can.read_statistics, Can.erase_patients):
        assert roles_with(can) == {Role.admin}


def test_the_prompt_of_the_server_does_what_a_locked_out_clinic_needs():
    assert {can for can in Can if may(SYSTEM, can)} == {Can.manage_people, Can.read_statistics, Can.read_history}
