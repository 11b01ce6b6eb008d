"""The board, the trail and the rules in words: no reason and no cause without its sentence."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from medcal.models import FreedEnd, OfferStatus
from medcal.services import freed_time
from medcal.services.candidates import REASONS, PassedOver
from medcal.services.events import EVENTS
from medcal.services.offer_rules import Foreseen
from medcal.services.offer_trail import Step, Trail
from medcal.viewmodels.offer_rules import foreseen_sentence, length_words
from medcal.viewmodels.offer_trail import REASON_WORDS, OpenTrail
from medcal.viewmodels.staff_offers import CAUSE_WORDS, ENDED_WORDS, OFFER_WORDS
from tests.support.times import VIENNA, at

NINE, TEN = at("2026-03-05 09:00"), at("2026-03-02 10:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def step(kind: str, patient: str | None = None, by_whom: str | None = None, **facts: object) -> Step:
    values = {"at": TEN, "answer_until": None, "asked_at_once": 1, "ended_by": None} | facts
    actor = "staff" if by_whom else "patient"
    return Step(kind=kind, patient=patient, actor=actor, by_whom=by_whom, **values)  # type: ignore[arg-type]


def trail(*steps: Step, passed_over: tuple[PassedOver, ...] = ()) -> OpenTrail:
    return OpenTrail.of(
        Trail(
            ref=uuid4(),
            doctor="Dr. Ada Okafor",
            zone=VIENNA,
            starts_at=NINE,
            ends_at=NINE + HOUR,
            cause="cancelled",
            status="open",
            ended_by=None,
            look_at=TEN,
            steps=steps,
            passed_over=passed_over,
        ),
        TEN,
    )


def sentence(only: Step) -> str:
    (line,) = trail(only).lines
    return line.sentence


def made(patient: str, when: datetime = TEN) -> Step:
    return step("offer.made", patient, at=when, answer_until=when + 2 * HOUR)


def test_every_reason_has_a_sentence() -> None:
    # Who was asked for this very time stands in the trail itself.
    assert set(REASON_WORDS) == set(REASONS) - {"asked_before"}


def test_every_state_and_cause_has_a_word() -> None:
    assert set(OFFER_WORDS) == set(OfferStatus)
    assert set(ENDED_WORDS) == set(FreedEnd) - {FreedEnd.offer}
    assert set(CAUSE_WORDS) == {freed_time.CANCELLED, freed_time.MOVED, freed_time.NEW_HOURS, freed_time.REST}


@pytest.mark.parametrize("kind", [kind for kind in EVENTS if kind.startswith(("offer.", "time."))])
@pytest.mark.parametrize("by_whom", [None, "Sam Stern"])
def test_every_event_of_a_freed_time_has_a_sentence(kind: str, by_whom: str | None) -> None:
    said = sentence(step(kind, "Alice Adler", by_whom))

    assert said.endswith(".") and said != kind


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        (step("time.freed", by_whom="Sam Stern"), "Freed by a cancellation (Sam Stern)."),
        (step("time.freed"), "Freed by a cancellation."),
        (made("Alice Adler"), "Alice Adler was asked, until Mon 2 Mar, 12:00."),
        (step("offer.accepted", "Alice Adler"), "Alice Adler accepted."),
        (step("offer.declined", "Alice", "Sam Stern"), "Alice declined on the phone (noted by Sam Stern)."),
        (step("offer.expired", "Alice"), "Alice did not answer in time."),
        (step("offer.expired", "Alice", "Sam Stern"), "Alice was not reached (noted by Sam Stern)."),
        (step("time.gone", ended_by="late"), "Too near to its start to ask anybody."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_step_is_a_plain_sentence(happened: Step, said: str) -> None:
    assert sentence(happened) == said


def test_who_was_asked_at_once_stands_in_one_line() -> None:
    found = trail(made("Alice"), made("Bob"), step("offer.declined", "Alice"), made("Dora", TEN + HOUR))

    assert [line.sentence for line in found.lines] == [
        "2 asked at once, until Mon 2 Mar, 12:00: Alice, Bob.",
        "Alice declined.",
        "Dora was asked, until Mon 2 Mar, 13:00.",
    ]


def test_the_first_who_fits_is_next() -> None:
    reasons = {"Alice": "busy_then", "Bob": None, "Dora": None}
    found = trail(passed_over=tuple(PassedOver(uuid4(), name, reason) for name, reason in reasons.items()))

    assert [(line.patient, line.why, line.is_next) for line in found.waiting] == [
        ("Alice", "Has another appointment then", False),
        ("Bob", "Next to be asked", True),
        ("Dora", "Fits, comes later", False),
    ]


@pytest.mark.parametrize(
    ("foreseen", "said"),
    [
        (Foreseen(3 * DAY, 1, 2 * HOUR), "With 3 days left: 1 person, 2 hours to answer."),
        (Foreseen(6 * HOUR, 3, 30 * MINUTE), "With 6 hours left: 3 people at once, 30 minutes to answer."),
        (Foreseen(HOUR, 0, 0 * HOUR), "With 1 hour left: nobody is asked, the time is simply free."),
    ],
    ids=["far", "near", "too near"],
)
def test_rules_read_as_sentences(foreseen: Foreseen, said: str) -> None:
    assert foreseen_sentence(foreseen) == said


def test_a_length_is_said_in_the_unit_that_it_is_whole_in() -> None:
    lengths = (DAY, 36 * HOUR, 90 * MINUTE, MINUTE, 0 * MINUTE)

    assert [length_words(length) for length in lengths] == ["1 day", "36 hours", "90 minutes", "1 minute", "0 minutes"]
