"""Staff who send again at the same instant: the message goes once more, not twice, whoever pressed."""

from datetime import timedelta

from sqlmodel import Session, col, select

from medcal.db import in_transaction
from medcal.models import Message, MessageStatus
from medcal.services import notifications, resending
from medcal.services.delivery import deliver_all
from medcal.services.outbox import Filter
from tests.races.crowd import Town, at_once
from tests.support.factories import NOW, make_appointment
from tests.support.sink import Answer, Sink

DAY = timedelta(days=1)
DEAD = 20


def confirm(db: Session, town: Town, count: int) -> None:
    for number in range(count):
        booked = make_appointment(db, town.clinic, NOW + (5 + number) * DAY, town.patients[number])
        notifications.write(db, "appointment.booked", appointment_id=booked.id, now=NOW)


def messages(db: Session) -> list[Message]:
    return list(db.exec(select(Message).order_by(col(Message.id))))


def test_all_that_failed_is_sent_again_once_by_many_desks(town: Town, webhook: Sink) -> None:
    webhook.answer(*[Answer(403)] * DEAD)
    in_transaction(confirm, town, DEAD)
    deliver_all(now=NOW)
    desk, first = town.clinic.desk, in_transaction(messages)[0].ref

    outcomes = at_once(
        [
            *[lambda db: resending.replay_all(db, Filter(), by=desk, now=NOW)] * 8,
            *[lambda db: resending.replay(db, first, by=desk, now=NOW)] * 4,
        ]
    )

    sent = sum(outcome.value or 0 for outcome in outcomes[:8])
    alone = sum(not outcome.is_refused for outcome in outcomes[8:])
    assert (sent + alone, alone) in ((DEAD, 0), (DEAD, 1))
    assert {message.handover for message in in_transaction(messages)} == {1}
    deliver_all(now=NOW + DAY)
    assert {message.status for message in in_transaction(messages)} == {MessageStatus.handed_over}
    assert len(webhook.accepted) == DEAD


def test_what_is_being_handed_over_is_not_sent_again_beside_it(town: Town, webhook: Sink) -> None:
    """One desk presses while the scheduler hands over: under the old name, which the receiver drops, or not at all."""
    webhook.answer(*[Answer(503)] * DEAD)
    in_transaction(confirm, town, DEAD)
    deliver_all(now=NOW)
    desk, later = town.clinic.desk, NOW + timedelta(minutes=5)
    refs = [message.ref for message in in_transaction(messages)]

    at_once(
        [
            lambda _: deliver_all(now=later),
            *[lambda db, ref=ref: resending.resend(db, ref, by=desk, now=later) for ref in refs],
        ]
    )
    deliver_all(now=later)

    assert {message.status for message in in_transaction(messages)} == {MessageStatus.handed_over}
    again = sum(message.handover for message in in_transaction(messages))
    assert len(webhook.accepted) == DEAD + again
