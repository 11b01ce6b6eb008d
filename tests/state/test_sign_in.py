"""The sign-in page with a provider of identity: the button, and whether there is a form beside it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session

from medcal.services.oidc import Refusal
from medcal.state.sign_in import SENTENCES, SignInState
from tests.support.factories import make_location

AUTH0 = {
    "OIDC_ISSUER": "https://clinic.eu.auth0.com/",
    "OIDC_CLIENT_ID": "an id",
    "OIDC_CLIENT_SECRET": "a placeholder",
    "OIDC_NAME": "Clinic ID",
}


@pytest.fixture
def page(db: Session, new_tab: Callable[..., Any]) -> Callable[[str], Any]:
    make_location(db)
    db.commit()

    def open_at(path: str) -> Any:
        tab = new_tab()
        tab.open(path)
        return tab

    return open_at


def test_without_a_provider_there_is_the_form_alone(page: Callable[[str], Any]) -> None:
    tab = page("/sign-in")

    assert (tab.value(SignInState, "sign_in_with"), tab.value(SignInState, "way_there")) == ("", "")
    assert tab.value(SignInState, "has_form")


def test_the_button_leads_to_the_provider_and_on_to_the_wanted_page(
    page: Callable[[str], Any], configured: Callable[..., None]
) -> None:
    configured(**AUTH0)

    tab = page("/de/sign-in?next=/de/staff/messages")

    there = urlsplit(tab.value(SignInState, "way_there"))
    assert there.path == "/auth/oidc/start"
    assert parse_qs(there.query) == {"language": ["de"], "next": ["/de/staff/messages"]}
    assert "Clinic ID" in tab.value(SignInState, "sign_in_with")
    assert tab.value(SignInState, "has_form")


def test_where_nobody_signs_in_with_a_password_there_is_no_form(
    page: Callable[[str], Any], configured: Callable[..., None]
) -> None:
    configured(**AUTH0, OIDC_LOCAL_ACCOUNTS="off")

    assert not page("/sign-in").value(SignInState, "has_form")


@pytest.mark.parametrize("why", Refusal)
def test_every_refusal_has_its_sentence(page: Callable[[str], Any], why: Refusal) -> None:
    assert page(f"/sign-in?failed={why}").value(SignInState, "problem") == SENTENCES[why]
