"""What a patient is told about her place in the line, and about an offer that has ended."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from medcal.i18n import language
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Doctor,
    EntryStatus,
    FreedTime,
    Offer,
    OfferStatus,
    WaitlistEntry,
)
from medcal.services.place_in_line import PlaceInLine
from medcal.viewmodels.numbers import place_of
from medcal.viewmodels.offer import kind_of
from medcal.viewmodels.wish import asked_in_words, place_in_words, wish_in_words
from tests.support.times import VIENNA, at

NOW = datetime(2026, 5, 20, 9, tzinfo=UTC)
EVERY_DAY = list(range(7))
OKAFOR = Doctor(slug="ada-okafor", name="Dr. Ada Okafor", specialty_id=1, location_id=1)


def wish(*weekdays: int, **limits: Any) -> WaitlistEntry:
    ids = {"patient_id": 1, "visit_type_id": 1, "location_id": 1}
    return WaitlistEntry(**ids | {"weekdays": list(weekdays) or EVERY_DAY, "created_at": NOW} | limits)


def line(place: int | None = 3, length: int = 5, **facts: Any) -> PlaceInLine:
    known = {"asked": 0, "last_asked_at": None, "is_paused": place is None, "has_offer": False}
    return PlaceInLine(place=place, length=length, **known | facts)


# --- Her place --------------------------------------------------------------------------------------------------------


def test_her_place_is_told_in_plain_words() -> None:
    assert place_in_words(wish(1), line(), OKAFOR) == "You are third of five for Tuesdays with Dr. Ada Okafor."


@pytest.mark.parametrize(
    ("weekdays", "told"),
    [
        ((0, 1), "for Mondays and Tuesdays"),
        ((4, 0, 2), "for Mondays, Wednesdays and Fridays"),
        ((0, 1, 2, 3, 4), "for weekdays"),
        ((), "for an earlier time"),
    ],
)
def test_it_is_told_for_the_days_that_she_wants(weekdays: tuple[int, ...], told: str) -> None:
    sentence = place_in_words(wish(*weekdays), line(1, 2), None)

    assert sentence == f"You are first of two {told} with any doctor of the specialty."


@pytest.mark.parametrize(
    ("place", "length", "told"),
    [
        *((12, 12, ("twelfth", "twelve")), (1, 13, ("1st", "13")), (2, 30, ("2nd", "30")), (3, 40, ("3rd", "40"))),
        *((11, 40, ("11th", "40")), (12, 40, ("12th", "40")), (13, 40, ("13th", "40")), (21, 40, ("21st", "40"))),
        *((111, 200, ("111th", "200")), (122, 200, ("122nd", "200"))),
    ],
)
def test_a_long_line_is_told_in_digits(place: int, length: int, told: tuple[str, str]) -> None:
    assert place_of(place, length) == told


def test_who_waits_alone_is_not_first_of_one() -> None:
    sentence = place_in_words(wish(1), line(1, 1), OKAFOR)

    assert sentence == "You are the only one who waits for Tuesdays with Dr. Ada Okafor."


def test_who_is_paused_reads_why_and_that_the_place_is_kept() -> None:
    sentence = place_in_words(wish(), line(None), OKAFOR)

    assert sentence.startswith("We do not ask you at the moment")
    assert sentence.endswith("Your place on the list is kept.")


def test_a_wish_that_has_ended_has_no_place() -> None:
    assert place_in_words(wish(), line(None, is_paused=False), OKAFOR) == ""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (1, "You were asked once, on 3 May."),
        (2, "You were asked twice, last on 3 May."),
        (3, "You were asked three times, last on 3 May."),
        (14, "You were asked 14 times, last on 3 May."),
    ],
)
def test_she_reads_how_often_she_was_asked(asked: int, told: str) -> None:
    last = at("2026-05-03 00:30")

    assert asked_in_words(line(asked=asked, last_asked_at=last), VIENNA, NOW) == told


def test_the_year_is_told_when_it_is_another() -> None:
    last = at("2025-12-30 10:00")

    assert asked_in_words(line(asked=1, last_asked_at=last), VIENNA, NOW) == "You were asked once, on 30 December 2025."


def test_who_was_never_asked_reads_that() -> None:
    assert asked_in_words(line(), VIENNA, NOW) == "You have not been asked yet."


@pytest.mark.parametrize(
    ("place", "length", "told"),
    [
        (3, 5, "Sie stehen an dritter Stelle von fünf für Termine dienstags bei Dr. Ada Okafor."),
        (13, 20, "Sie stehen an 13. Stelle von 20 für Termine dienstags bei Dr. Ada Okafor."),
        (1, 1, "Außer Ihnen steht niemand auf der Liste für Termine dienstags bei Dr. Ada Okafor."),
    ],
)
def test_german_has_its_own_ordinals(place: int, length: int, told: str) -> None:
    with language("de"):
        assert place_in_words(wish(1), line(place, length), OKAFOR) == told
        assert asked_in_words(line(asked=2, last_asked_at=at("2026-05-03 10:00")), VIENNA, NOW) == (
            "Sie wurden zweimal gefragt, zuletzt am 3. Mai."
        )


def test_hours_are_told_only_where_there_are_any() -> None:
    assert wish_in_words(wish(), None) == "any doctor of the specialty; any day; at least 24 hours ahead"
    limited = wish(0, opens=time(8), closes=time(12), notice_hours=1)
    assert wish_in_words(limited, OKAFOR) == "only Dr. Ada Okafor; Monday; from 08:00 to 12:00; at least 1 hour ahead"


# --- How an offer ended -----------------------------------------------------------------------------------------------

SOON, LATER = at("2026-05-25 09:00"), at("2026-06-10 09:00")
FREED = FreedTime(
    doctor_id=1,
    location_id=1,
    day=SOON.date(),
    starts_at=SOON,
    ends_at=SOON + timedelta(minutes=30),
    cause="cancelled",
    look_at=NOW,
    created_at=NOW,
)


def offer(status: str, by: str = "patient", answer_until: datetime = NOW + timedelta(hours=2)) -> Offer:
    ids = {"freed_time_id": 1, "entry_id": 1, "patient_id": 1, "hold_id": 1}
    return Offer(**ids, status=OfferStatus(status), answer_until=answer_until, created_at=NOW, decided_by=by)


def hers(starts_at: datetime = LATER, status: str = "booked") -> Appointment:
    return Appointment(starts_at=starts_at, status=AppointmentStatus(status))


@pytest.mark.parametrize("status", ["open", "declined", "expired", "taken"])
def test_an_offer_says_what_it_is(status: str) -> None:
    assert kind_of(offer(status), FREED, wish(), hers(), NOW) == status


def test_an_open_offer_has_expired_at_its_minute() -> None:
    assert kind_of(offer("open", answer_until=NOW), FREED, wish(), hers(), NOW) == "expired"


def test_an_accepted_time_is_hers_until_her_appointment_changes() -> None:
    taken = offer("accepted")

    assert kind_of(taken, FREED, wish(), hers(SOON), NOW) == "accepted"
    assert kind_of(taken, FREED, wish(), hers(SOON, "no_show"), NOW) == "accepted"
    assert kind_of(taken, FREED, wish(), hers(LATER), NOW) == "changed"
    assert kind_of(taken, FREED, wish(), hers(SOON, "cancelled"), NOW) == "changed"
    assert kind_of(taken, FREED, wish(), None, NOW) == "changed"


def test_a_withdrawn_offer_says_who_brought_it_about() -> None:
    assert kind_of(offer("withdrawn", "staff"), FREED, wish(), hers(), NOW) == "withdrawn"
    assert kind_of(offer("withdrawn", "system"), FREED, wish(), hers(), NOW) == "withdrawn"
    assert kind_of(offer("withdrawn"), FREED, wish(), hers(), NOW) == "moved"
    assert kind_of(offer("withdrawn"), FREED, wish(status=EntryStatus.withdrawn), hers(), NOW) == "left"
    assert kind_of(offer("withdrawn"), FREED, wish(), hers(status="cancelled"), NOW) == "cancelled"
