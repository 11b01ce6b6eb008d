"""Who may call which handler and which address: what tests expect, from the table of rights and from the rows below."""

from medcal.roles import Can, roles_with
from medcal.security import Role
from tests.house.test_roles import ROWS

# Handlers of patients' pages are open to any browser, or to one that keeps our cookie; what it sees hangs on that cookie.
ANYONE, VISITOR = "anyone", "visitor"
PATIENTS = {
    "ClinicState": ANYONE,
    "HomeState": ANYONE,
    "SpecialtyState": ANYONE,
    "DoctorState": ANYONE,
    "FindState": ANYONE,
    "SignInState": ANYONE,
    "BookFormState": ANYONE,
    "ConsentState": ANYONE,
    "BookingState": VISITOR,
    "BookingState.close_notice": ANYONE,
    "AppointmentState": VISITOR,
    "CancelState": VISITOR,
    "CancelState.close": ANYONE,
    "MoveState": VISITOR,
    "MoveState.close": ANYONE,
    "WishState": VISITOR,
    "WishState.close": ANYONE,
    "OfferState": VISITOR,
    "PrivacyState": ANYONE,
    "YourDataState": VISITOR,
    "YourDataState.keep": ANYONE,
    "EarlierState": VISITOR,
    "EarlierState.stay": ANYONE,
}


def right_for(handler: str) -> Can | None:
    """The right of the staff that a handler needs."""
    return ROWS.get(handler) or ROWS.get(handler.partition(".")[0])


def opens_to_patients(handler: str) -> str | None:
    return PATIENTS.get(handler) or PATIENTS.get(handler.partition(".")[0])


def may_call(handler: str, role: Role | None, *, has_visit: bool) -> bool:
    """What the tables say; raises KeyError for a handler that stands in neither."""
    if can := right_for(handler):
        return role in roles_with(can)
    opened = opens_to_patients(handler)
    if opened is None:
        raise KeyError(f"{handler}: give it a row in tests/support/rights.py or tests/house/test_roles.py")
    return opened == ANYONE or has_visit
