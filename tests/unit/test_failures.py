"""How a line of the log looks: when, how bad, where from, and always one."""

import io
import logging
import re

import pytest

from medcal.failures import Line, begin_log


def keep_it(monkeypatch: pytest.MonkeyPatch, *handlers: logging.Handler) -> logging.Logger:
    """The log is kept by these alone; pytest's own come back afterwards."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*handlers])
    monkeypatch.setattr(root, "level", root.level)
    return root


def test_a_line_says_when_in_utc_how_bad_and_where_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_it(monkeypatch)
    begin_log(logging.WARNING)

    logging.getLogger("medcal.edge").warning("refused %s", "an event")
    logging.getLogger("medcal.edge").info("not worth a line")

    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING medcal.edge: refused an event\n"
    assert re.fullmatch(line, capsys.readouterr().err)


def test_who_keeps_the_log_already_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    root = keep_it(monkeypatch, kept := logging.StreamHandler(io.StringIO()))

    begin_log(logging.WARNING)

    assert root.handlers == [kept]


def test_nobody_adds_lines_of_his_own_making() -> None:
    record = logging.makeLogRecord({"msg": "refused x\r\n2026-01-01T00:00:00Z ERROR medcal: all is lost"})

    assert Line("%(message)s").format(record) == r"refused x\r\n2026-01-01T00:00:00Z ERROR medcal: all is lost"
