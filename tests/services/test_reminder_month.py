"""Two schedulers, thirty days, and clocks that jump: each reminder at most once, and none silently lost."""

import random
import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from medcal.db import in_transaction
from medcal.models import Appointment, Message, MessageStatus
from medcal.services import callbacks, posting, reminders
from medcal.services.delivery import deliver_all
from tests.support.factories import NOW, make_appointment, make_clinic
from tests.support.sink import Answer, Sink, reset

DAYS = 30
STEP = timedelta(hours=3)
HOUR = timedelta(hours=1)
ENDS = {MessageStatus.handed_over, MessageStatus.missed, MessageStatus.dropped}


@pytest.mark.usefixtures("committed")
def test_each_reminder_of_a_month_is_sent_at_most_once_and_none_is_lost(webhook: Sink) -> None:
    chance = random.Random(20260302)
    appointments = in_transaction(_book_a_month, chance)

    now = NOW
    while now < NOW + timedelta(days=DAYS + 1):
        # A receiver with moods: it refuses, or takes the message and breaks off.
        if chance.random() < 0.2:
            webhook.answer(*chance.choices([Answer(503), Answer(spoil=reset)], k=chance.randint(1, 3)))
        _two_schedulers_at(_clock(now, chance), _clock(now, chance))
        now += STEP
    webhook.answer_always(Answer())
    _two_schedulers_at(now + timedelta(days=4), now + timedelta(days=4))

    rows = in_transaction(lambda db: list(db.exec(select(Message))))
    written = Counter((row.appointment_id, row.kind, row.reason.split(":")[3]) for row in rows)
    assert set(written) == {
        (appointment, "reminder", str(hours)) for appointment in appointments for hours in reminders.USUAL
    }
    assert set(written.values()) == {1}
    assert {row.status for row in rows} <= ENDS
    assert all(row.why for row in rows if row.status is not MessageStatus.handed_over)
    sent = [row for row in rows if row.status is MessageStatus.handed_over]
    assert sorted(webhook.accepted) == sorted(str(row.ref) for row in sent)
    assert len(sent) > 0.8 * len(rows)
    assert {call.id for call in webhook.calls} <= {str(row.ref) for row in rows}


def _book_a_month(db: Session, chance: random.Random) -> list[int]:
    """One visit on each working day, booked long before."""
    clinic = make_clinic(db)
    starts = [NOW.replace(hour=8) + timedelta(days=day, hours=chance.randrange(8)) for day in range(4, DAYS)]
    rows: list[Appointment] = [make_appointment(db, clinic, at) for at in starts]
    return [row.id or 0 for row in rows]


def _clock(now: datetime, chance: random.Random) -> datetime:
    """What a machine believes: nearly right; now and then hours behind or ahead, as after a restart without a time server."""
    if chance.random() < 0.1:
        return now + chance.choice([-6, -2, 2, 4]) * HOUR
    return now + timedelta(seconds=chance.uniform(-20, 20))


def _two_schedulers_at(*clocks: datetime) -> None:
    failures: list[BaseException] = []
    threads = [threading.Thread(target=_tick, args=(now, failures)) for now in clocks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def _tick(now: datetime, failures: list[BaseException]) -> None:
    """What a scheduler does of this at an instant."""
    try:
        in_transaction(reminders.plan_reminders, now)
        in_transaction(callbacks.renew_silent, now)
        # Those that are paced leave within the next moments.
        deliver_all(now=now + timedelta(minutes=1))
    except BaseException as error:
        failures.append(error)
    finally:
        posting.hang_up()
