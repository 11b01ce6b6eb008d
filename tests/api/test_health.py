"""What a monitor hears: enough to wake somebody, nothing about anybody."""

from datetime import timedelta

import medcal.db
from medcal import clock
from medcal.db import fetch
from medcal.services import notifications
from tests.support.factories import make_appointment, make_clinic, make_patient


def test_a_healthy_clinic_says_so(db, browser):
    answer = browser.get("/api/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "database": True,
        "migrated": True,
        "heartbeat_seconds": None,
        "oldest_due_message_seconds": None,
    }


def test_a_late_scheduler_and_waiting_messages_show_their_age(db, browser):
    appointment = make_appointment(db, make_clinic(db), clock.now() + timedelta(days=3))
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=clock.now() - timedelta(hours=1))
    fetch(db, "INSERT INTO periodic_run (name, started_at) VALUES ('heartbeat', clock_timestamp() - interval '90 s')")

    health = browser.get("/api/health").json()

    assert 90 <= health["heartbeat_seconds"] <= 95
    assert 3600 <= health["oldest_due_message_seconds"] <= 3605


def test_a_call_that_reception_has_yet_to_make_is_no_message_that_waits(db, browser):
    appointment = make_appointment(
        db, make_clinic(db), clock.now() + timedelta(days=3), make_patient(db, "Greta Groß", None)
    )
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=clock.now() - timedelta(hours=1))

    assert browser.get("/api/health").json()["oldest_due_message_seconds"] is None


def test_a_scheduler_that_never_ran_is_no_fault_of_the_page(db, browser):
    fetch(db, "INSERT INTO periodic_run (name) VALUES ('heartbeat')")

    assert browser.get("/api/health").json()["heartbeat_seconds"] is None


def test_a_database_that_is_behind_is_not_healthy(db, browser):
    fetch(db, "UPDATE alembic_version SET version_num = '0000'")

    answer = browser.get("/api/health")

    assert (answer.status_code, answer.json()["migrated"]) == (503, False)


def test_a_database_that_is_away_is_said_to_be_without_its_address(db, new_browser, monkeypatch):
    monkeypatch.undo()
    medcal.db.open_engine.cache_clear()

    answer = new_browser().get("/api/health")

    assert (answer.status_code, answer.json()["database"]) == (503, False)
    assert "127.0.0.1" not in answer.text and "nobody" not in answer.text


def test_a_mistake_of_ours_is_apologized_for_without_details(browser, monkeypatch, caplog):
    def fail(db):
        raise RuntimeError("patient Alice Adler")

    monkeypatch.setattr("medcal.api.health.look", fail)

    answer = browser.get("/api/health")

    assert answer.status_code == 500
    assert "Alice" not in answer.text and "RuntimeError" not in answer.text
    number = answer.json()["detail"].split()[-1].rstrip(".")
    assert number in caplog.text


def test_there_are_no_pages_about_the_api(browser):
    for path in ("/docs", "/redoc", "/openapi.json", "/api/docs"):
        assert browser.get(path).status_code == 404
