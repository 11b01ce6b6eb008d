"""A copy of her own data for a patient: by POST, from her own page, after a code."""

import json
import uuid

import pytest

from medcal import clock
from medcal.edge.cookies import VISIT
from medcal.security import digest, new_secret
from medcal.services import one_time_codes
from medcal.services.own_requests import COPIES
from tests.support.factories import make_clinic

PATH = "/api/appointment/data"


@pytest.fixture
def clinic(db):
    return make_clinic(db)


@pytest.fixture
def known(db, clinic, browser):
    """Alice's browser, after her code."""
    value = new_secret()
    one_time_codes._grant_all_of(db, "alice@example.com", digest(value), clock.now())
    browser.take_cookie(VISIT, value)
    return browser


def test_she_gets_a_page_and_a_file(clinic, known):
    page = known.post(PATH, person=str(clinic.alice.ref), form="html")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "Alice Adler" in page.text
    assert "<script" not in page.text

    file = known.post(PATH, person=str(clinic.alice.ref), form="json")
    assert json.loads(file.text)["person"]["email"] == "alice@example.com"
    assert file.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    for answer in (page, file):
        assert answer.headers["cache-control"] == "no-store"


def test_the_page_speaks_the_language_of_the_form(clinic, known):
    page = known.post(PATH, person=str(clinic.alice.ref), form="html", language="de")

    assert '<html lang="de">' in page.text


def test_of_others_of_nobody_and_without_a_code_there_is_nothing(clinic, known, new_browser):
    answers = [
        known.post(PATH, person=str(clinic.bob.ref), form="json"),
        known.post(PATH, person=str(uuid.uuid4()), form="json"),
        known.post(PATH, person="x", form="json"),
        known.post(PATH, person=str(clinic.alice.ref), form="xml"),
        known.post(PATH),
        new_browser().post(PATH, person=str(clinic.alice.ref), form="json"),
    ]

    for answer in answers:
        assert (answer.status_code, answer.headers["location"]) == (303, "/appointment/data?failed=form")
        assert "Alice" not in answer.text and "Bob" not in answer.text


def test_by_an_address_alone_or_from_elsewhere_nobody_gets_it(clinic, known):
    form = {"person": str(clinic.alice.ref), "form": "json"}

    assert known.get(f"{PATH}?person={clinic.alice.ref}&form=json").status_code in (404, 405)
    assert known.post(PATH, {"origin": "https://elsewhere.example"}, **form).status_code == 403


def test_it_is_throttled(clinic, known):
    form = {"person": str(clinic.alice.ref), "form": "json"}
    answers = [known.post(PATH, **form) for _ in range(COPIES + 1)]

    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert answers[-1].headers["location"] == "/appointment/data?failed=wait"
