"""What never appears in a log."""

import io
import logging

import pytest

from medcal.edge.logs import Sparing, _redacting, redact

HASH = "a" * 64


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("Event data: {'name': 'Alice'}\nmore", "Event data: …"),
        ("Failed to deserialize event data: {'name': 'Alice'}.", "Failed to deserialize event data: …"),
        ("Error processing event queue entry for Event(name='x', payload={'a': 'Alice'})", None),
        (
            "Error transforming event argument 'n' with value 'Alice' and type hint",
            "Error transforming event argument …",
        ),
        ("Attempting to send delta to disconnected client 'abc'", "Attempting to send delta to disconnected client …"),
        ("duplicate key\nDETAIL:  Key (email)=(alice@example.org) exists.\n", "duplicate key\nDETAIL: …\n"),
        ("(psycopg.Error) no\n[SQL: select 1]\n[parameters: {'name': 'Alice'}]\n(x)", None),
        (f"authorization: Medcal staff={HASH};visit={HASH}", "authorization: …"),
        ("{'cookie': 'medcal_session=Alice', 'host': 'h'}", "{'cookie': '…', 'host': 'h'}"),
        ("(b'cookie', b'medcal_session=Alice')", "(b'cookie', b'…')"),
        ("Set-Cookie: medcal_session=Alice; HttpOnly", "Set-Cookie: …"),
        (f"staff={HASH}", "staff=…"),
        ("GET /l/AliceAlice_-0 HTTP/1.1", "GET /l/… HTTP/1.1"),
        ("GET /l/staff/AliceAlice_-0 HTTP/1.1", "GET /l/staff/… HTTP/1.1"),
        ("GET /feed/AliceAlice_-0.ics HTTP/1.1", "GET /feed/….ics HTTP/1.1"),
        ("GET /appointment?code=Alice HTTP/1.1", "GET /appointment?… HTTP/1.1"),
        ("ws://clinic.example/_event/?token=Alice&EIO=4", "ws://clinic.example/_event/?…"),
        ("token=Alice", "token=…"),
        ("Is this right? Yes.", "Is this right? Yes."),
    ],
)
def test_secrets_are_taken_out(said, logged):
    assert "Alice" not in redact(said)
    assert HASH not in redact(said)
    assert logged is None or redact(said) == logged


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO]:
    logger, written = logging.Logger("test"), io.StringIO()
    logger.addHandler(logging.StreamHandler(written))
    return logger, written


def test_tracebacks_are_redacted_too(log, monkeypatch):
    logger, written = log
    monkeypatch.setattr(logging, "_logRecordFactory", _redacting(logging.LogRecord))

    try:
        raise ValueError("Failed to deserialize event data: Alice")
    except ValueError:
        logger.exception("no luck with %s", "token=Alice")

    assert "Alice" not in written.getvalue()
    assert "no luck with token=…" in written.getvalue()
    assert "Traceback" in written.getvalue()


def test_a_flood_of_refusals_does_not_fill_the_log(log, monkeypatch):
    logger, written = log
    now = 0.0
    monkeypatch.setattr("medcal.failures.time.monotonic", lambda: now)
    sparing = Sparing(logger, most=3)

    for _ in range(10):
        sparing.warning("refused %s", "x")
    now = 61.0
    sparing.warning("refused again")

    assert written.getvalue().splitlines() == ["refused x"] * 3 + ["7 more refusals were not logged", "refused again"]
