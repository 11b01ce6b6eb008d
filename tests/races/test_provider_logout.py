"""Sign-ins and logouts of a provider at the same instant: nobody stays in whom it has put out."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import Session

from medcal.config import Oidc
from medcal.db import fetch_one, in_transaction, transaction
from medcal.services import provider_sessions, staff_identities
from medcal.services.oidc import Person
from tests.support.factories import NOW, make_user

ISSUER = "https://clinic.eu.auth0.com/"
CLIENT = Oidc(ISSUER, "clinic-web", "placeholder", "Clinic ID", "openid", "", {}, "invited", allow_private=False)
SAM = Person(ISSUER, "auth0|sam", "sam@clinic.example", "Sam Stern", None, "there", "a.b.c", int(NOW.timestamp()))
LOGOUT = {"iss": ISSUER, "sub": "auth0|sam", "sid": "there", "jti": "one", "iat": int(NOW.timestamp())}
A_MOMENT = 0.5


@pytest.fixture(autouse=True)
def sam(committed: str) -> None:
    in_transaction(lambda db: make_user(db, password_hash="") and None)


def sign_in(db: Session) -> object:
    return staff_identities.sign_in(db, SAM, CLIENT, now=NOW)


def log_out(db: Session) -> bool:
    return provider_sessions.end(db, LOGOUT, now=NOW)


def number_of(table: str) -> int:
    row = in_transaction(lambda db: fetch_one(db, f"SELECT count(*) AS rows FROM {table}"))
    return int(row.rows)  # type: ignore[union-attr]


def overlap(first: Callable[[Session], Any], second: Callable[[Session], Any]) -> None:
    """The second comes while the first has done its work and not yet committed."""
    with ThreadPoolExecutor(1) as other:
        with transaction() as db:
            first(db)
            db.flush()
            later = other.submit(in_transaction, second)
            # Long enough for the second to pass, if nothing holds it up.
            threading.Event().wait(A_MOMENT)
        later.result(timeout=10)


def test_a_logout_that_comes_during_the_sign_in_ends_it() -> None:
    overlap(sign_in, log_out)

    assert number_of("session") == 0


def test_a_sign_in_that_comes_during_the_logout_comes_to_nothing() -> None:
    overlap(log_out, sign_in)

    assert number_of("session") == 0


def test_two_first_sign_ins_at_once_are_one_person() -> None:
    overlap(sign_in, sign_in)

    assert (number_of("staff_identity"), number_of("session")) == (1, 2)


def test_the_race_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the queue she stays in, though the provider has put her out."""
    monkeypatch.setattr(provider_sessions, "one_at_a_time", lambda db, issuer: None)

    overlap(sign_in, log_out)

    assert number_of("session") == 1
