"""A clinic in a database of its own, with a hundred people at its doors: everything here commits for real."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session

import medcal.db
from medcal.db import in_transaction
from medcal.services import schedules
from tests.races.crowd import Town
from tests.support.factories import NOW, make_clinic, make_doctor, make_patient

CONNECTIONS = 100


@pytest.fixture
def town(committed: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 28)
    crowd = create_engine(
        committed.replace("postgresql://", "postgresql+psycopg://"), pool_size=CONNECTIONS, max_overflow=0
    )
    with monkeypatch.context() as patched:
        patched.setattr(medcal.db, "engine", lambda: crowd)
        yield in_transaction(_found, committed)
    crowd.dispose()


def _found(db: Session, url: str) -> Town:
    clinic = make_clinic(db)
    make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    schedules.extend_openings(db, NOW)
    return Town(url, clinic, [make_patient(db, f"Patient {n:03}", f"p{n}@example.com") for n in range(CONNECTIONS)])
