"""One click in the mail program leaves the list (RFC 8058); opening the same address changes nothing."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from medcal import clock
from medcal.models import EntryStatus, OfferStatus
from medcal.services import notifications
from tests.support.factories import make_clinic, make_entry, make_offer
from tests.support.inbox import inbox


@pytest.fixture
def offered(db: Session):
    """Alice's wish, the offer made for it, and the link in its letter."""
    now = clock.now().replace(microsecond=0)
    clinic = make_clinic(db)
    entry = make_entry(db, clinic)
    offer = make_offer(db, clinic, entry, now + timedelta(days=5), now + timedelta(hours=2))
    notifications.write(db, "offer.made", offer_id=offer.id, now=now)
    [mail] = inbox(db)
    return entry, offer, mail.links[0].removeprefix("http://clinic.test")


def test_one_click_leaves_the_list_and_ends_the_offer(db, browser, offered):
    entry, offer, link = offered

    answers = [
        browser.post(
            f"{link}/unsubscribe", headers={"origin": None, "sec-fetch-site": None}, **{"List-Unsubscribe": "One-Click"}
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    for row in (entry, offer):
        db.refresh(row)
    assert (entry.status, offer.status) == (EntryStatus.withdrawn, OfferStatus.withdrawn)


def test_opening_it_leads_to_the_offer_and_changes_nothing(db, browser, offered):
    entry, offer, link = offered

    answer = browser.get(f"{link}/unsubscribe")

    assert (answer.status_code, answer.headers["location"]) == (303, link)
    for row in (entry, offer):
        db.refresh(row)
    assert (entry.status, offer.status) == (EntryStatus.waiting, OfferStatus.open)


def test_a_link_that_nobody_sent_gets_the_same_answer(db, browser, offered):
    entry, _, _ = offered

    assert browser.post("/l/nobody-sent-this/unsubscribe").status_code == 200
    db.refresh(entry)
    assert entry.status is EntryStatus.waiting
