"""Two desks that call the same patient: one notes the answer, the other reads what was noted."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.db import in_transaction
from medcal.errors import OfferClosed
from medcal.models import Offer
from medcal.services import offer_board
from tests.races.crowd import Town, at_once, broken_promises
from tests.support.factories import NOW, make_appointment, make_entry, make_offer
from tests.support.times import at

SOON, LATER = at("2026-03-04 08:00"), at("2026-03-18 08:00")
VERBS: tuple[Callable[..., None], ...] = (offer_board.accept, offer_board.decline, offer_board.note_not_reached)


def ask(db: Session, town: Town, number: int) -> Offer:
    """The next of many offers, each for a time of its own."""
    shift = timedelta(days=number // 16, minutes=30 * (number % 16))
    own = make_appointment(db, town.clinic, LATER + shift, town.patients[number])
    return make_offer(db, town.clinic, make_entry(db, town.clinic, own), SOON + shift, NOW + timedelta(hours=2))


def press(town: Town, verb: Callable[..., None], offer: Offer, now: datetime = NOW) -> Callable[[Session], None]:
    return lambda db: verb(db, town.clinic.desk, offer.ref, now=now)


def test_of_two_desks_one_notes_the_answer_and_the_other_reads_it(town: Town) -> None:
    came = Counter[str]()
    for number in range(60):
        offer = in_transaction(ask, town, number)
        verbs = [VERBS[number % 3], VERBS[number // 3 % 3]]

        outcomes = at_once([press(town, verb, offer) for verb in verbs])

        refusals = [outcome.refusal for outcome in outcomes if outcome.refusal]
        assert [type(refusal) for refusal in refusals] == [OfferClosed]
        # Not a general sorry: what it says is what the other one did.
        assert "Sam Stern" in str(refusals[0])
        came[str(in_transaction(lambda db, offer=offer: db.get_one(Offer, offer.id).status))] += 1
    assert set(came) == {"accepted", "declined", "expired"}
    assert broken_promises(town.url) == {}
