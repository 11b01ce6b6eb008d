"""The clinic of most service tests, with the openings of the coming weeks written."""

import pytest
from sqlmodel import Session

from medcal.services import schedules
from tests.support.factories import NOW, Clinic, make_clinic, set_rules


@pytest.fixture
def clinic(db: Session, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    # Twelve weeks would take twice as long and show nothing more.
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 42)
    clinic = make_clinic(db)
    # The defaults may change with what the simulator teaches; tests that are about groups say so.
    set_rules(db, clinic)
    schedules.extend_openings(db, NOW)
    return clinic
