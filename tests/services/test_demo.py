"""The demo: a clinic that looks as if it had been at work for a while, and keeps its own promises."""

from sqlmodel import Session

from medcal.db import fetch
from medcal.demo import story
from tests.support.factories import NOW

FOUND = """
SELECT (SELECT count(*) FROM appointment WHERE status = 'fulfilled') AS past,
       (SELECT count(*) FROM appointment WHERE status = 'booked' AND starts_at > %(now)s) AS ahead,
       (SELECT count(*) FROM waitlist_entry WHERE status = 'waiting') AS waiting,
       (SELECT count(*) FROM freed_time WHERE status = 'filled') AS filled,
       (SELECT count(DISTINCT status) FROM offer) AS answers,
       (SELECT count(*) FROM offer WHERE status = 'open' AND answer_until <= %(now)s) AS overdue_offers,
       (SELECT count(*) FROM message WHERE status = 'due' AND due_at < %(now)s - interval '15 minutes') AS overdue_letters
"""


def test_a_newcomer_finds_a_clinic_at_work_in_which_nothing_is_overdue(db: Session) -> None:
    assert story.load(db, NOW)
    assert not story.load(db, NOW)

    [found] = fetch(db, FOUND, now=NOW)
    assert (found.overdue_offers, found.overdue_letters) == (0, 0)
    assert found.past > 300
    assert found.ahead > 300
    assert found.waiting > 15
    assert found.filled > 5
    assert found.answers >= 4
