"""A scheduler that is killed (kill -9) at any step of a delivery loses nothing, and gives nothing a second name."""

from datetime import timedelta

from sqlmodel import Session, col, select

from medcal.db import in_transaction
from medcal.models import Doctor, Location, Message, MessageStatus, Patient, VisitType
from medcal.services import notifications
from medcal.services.taking import LEASE
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic
from tests.support.mortal import STEPS
from tests.support.mortals import Mortals
from tests.support.sink import Sink

ROUNDS = 100
# Where it has been called before the kill: there the sink hears of the message a second time.
CALLED = {"called, the answer not read", "answered", "before it is noted", "noted, not committed"}


def test_killed_at_every_step_each_message_is_handed_over_under_one_name(
    committed: str, webhook: Sink, mortals: Mortals
) -> None:
    now, steps = NOW, list(STEPS)
    in_transaction(_write, 1 + ROUNDS // 4)

    for number in range(ROUNDS):
        assert mortals.live(steps[number % len(steps)], now) == "killed"
        # Alternately before and after the lease is over, so that another message or the same one is next.
        now += LEASE if number % 2 else timedelta(seconds=1)
    assert mortals.live("not at all", now + LEASE) == "ended 0"

    rows = in_transaction(_rows)
    assert {row.status for row in rows} == {MessageStatus.handed_over}
    assert sorted(webhook.accepted) == sorted(str(row.ref) for row in rows)
    assert {call.id for call in webhook.calls} == set(webhook.accepted)


def test_whoever_comes_next_hands_it_over(committed: str, webhook: Sink, mortals: Mortals) -> None:
    """Twice, where the first had called already: nobody can know what became of that."""
    told = {}

    for number, step in enumerate(STEPS):
        now, before = NOW + number * 2 * LEASE, len(webhook.calls)
        in_transaction(_write, 1, after=number)
        assert mortals.live(step, now) == "killed"
        assert mortals.live("not at all", now + LEASE) == "ended 0"
        told[step] = len(webhook.calls) - before

    assert told == {step: 2 if step in CALLED else 1 for step in STEPS}
    assert len(webhook.accepted) == len(STEPS)


def _write(db: Session, count: int, after: int = 0) -> None:
    clinic = _clinic(db)
    for place in range(after, after + count):
        appointment = make_appointment(db, clinic, NOW + timedelta(days=10 + place))
        notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)


def _clinic(db: Session) -> Clinic:
    """The same one each time."""
    if not (found := db.exec(select(Location)).first()):
        return make_clinic(db)
    okafor, visit_type, alice = (db.exec(select(table)).first() for table in (Doctor, VisitType, Patient))
    return Clinic(found, None, visit_type, okafor, alice, alice, None)  # type: ignore[arg-type]


def _rows(db: Session) -> list[Message]:
    return list(db.exec(select(Message).order_by(col(Message.id))))
