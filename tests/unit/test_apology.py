"""What a page says when a handler fails, and what the log says."""

import pytest
from reflex_base.event.context import EventContext

from medcal.edge import apology
from medcal.edge.apology import apologize, note_script_error
from medcal.errors import SlotTaken
from medcal.i18n import current_language


def said(event: object) -> str:
    return str(event.args[0][1])  # type: ignore[attr-defined]


def test_a_refusal_says_its_own_sentence(caplog):
    assert "Somebody was faster" in said(apologize(SlotTaken()))
    assert caplog.text == ""


def test_a_mistake_of_ours_is_a_number_here_and_there(caplog):
    sentence = said(apologize(ValueError("Alice Adler has no appointment")))
    number = caplog.text.partition("(")[2].partition(")")[0]

    assert len(number) == 8
    assert number in sentence
    assert "Alice" not in caplog.text + sentence


@pytest.mark.parametrize(("place", "code"), [("/de/book", "de"), ("/book", "en"), (None, "en")])
def test_it_speaks_the_language_of_the_page(monkeypatch, place, code):
    spoken = []
    monkeypatch.setattr(apology, "t", lambda text, **_: spoken.append(current_language()) or text)
    if place:
        context = EventContext(token="x", state_manager=None, enqueue_impl=None, router_data={"asPath": place})
        monkeypatch.setattr(EventContext, "get", lambda: context)

    apologize(ValueError())

    assert spoken == [code]


def test_what_browsers_report_is_one_short_line(caplog):
    note_script_error(Exception("TypeError\n at x\n" + "y" * 2_000))

    assert len(caplog.records) == 1
    assert len(caplog.records[0].getMessage()) < 600
    assert "\n" not in caplog.records[0].getMessage()
