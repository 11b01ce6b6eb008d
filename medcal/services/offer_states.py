"""The three state machines of earlier offers: every state, every event, and who may cause it. docs/offers.md draws them.

Pure. Every change of a status passes `after`, so there is no other way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from medcal.errors import NotAllowed
from medcal.models import EntryStatus, FreedStatus, OfferStatus
from medcal.security import Actor, ActorKind

S = TypeVar("S", EntryStatus, FreedStatus, OfferStatus)

PATIENT, DESK, SYSTEM = ActorKind.patient, ActorKind.staff, ActorKind.system


@dataclass(frozen=True)
class Way(Generic[S]):
    """Where an event leads, and who may cause it."""

    to: S
    by: tuple[ActorKind, ...]


class ImpossibleChange(Exception):
    """An event that the machine does not know in this state: a bug, never a refusal."""


# (state, event) → way. None is "does not exist yet".
FREED_TIME: Mapping[tuple[FreedStatus | None, str], Way[FreedStatus]] = {
    (None, "freed"): Way(FreedStatus.open, (PATIENT, DESK, SYSTEM)),
    (FreedStatus.open, "offered"): Way(FreedStatus.offered, (SYSTEM,)),
    (FreedStatus.open, "gone"): Way(FreedStatus.gone, (SYSTEM,)),
    (FreedStatus.offered, "passed on"): Way(FreedStatus.open, (PATIENT, DESK, SYSTEM)),
    (FreedStatus.offered, "accepted"): Way(FreedStatus.filled, (PATIENT, DESK)),
}

OFFER: Mapping[tuple[OfferStatus | None, str], Way[OfferStatus]] = {
    (None, "made"): Way(OfferStatus.open, (SYSTEM,)),
    (OfferStatus.open, "accepted"): Way(OfferStatus.accepted, (PATIENT, DESK)),
    (OfferStatus.open, "declined"): Way(OfferStatus.declined, (PATIENT, DESK)),
    (OfferStatus.open, "expired"): Way(OfferStatus.expired, (SYSTEM, DESK)),
    (OfferStatus.open, "taken"): Way(OfferStatus.taken, (PATIENT, DESK)),
    (OfferStatus.open, "withdrawn"): Way(OfferStatus.withdrawn, (PATIENT, DESK, SYSTEM)),
}

ENTRY: Mapping[tuple[EntryStatus | None, str], Way[EntryStatus]] = {
    (None, "joined"): Way(EntryStatus.waiting, (PATIENT, DESK)),
    (EntryStatus.waiting, "joined"): Way(EntryStatus.waiting, (PATIENT, DESK)),
    (EntryStatus.paused, "joined"): Way(EntryStatus.waiting, (PATIENT, DESK)),
    (EntryStatus.waiting, "paused"): Way(EntryStatus.paused, (SYSTEM, DESK)),
    (EntryStatus.paused, "resumed"): Way(EntryStatus.waiting, (PATIENT, DESK)),
    (EntryStatus.waiting, "accepted"): Way(EntryStatus.fulfilled, (PATIENT, DESK)),
    (EntryStatus.waiting, "left"): Way(EntryStatus.withdrawn, (PATIENT, DESK, SYSTEM)),
    (EntryStatus.paused, "left"): Way(EntryStatus.withdrawn, (PATIENT, DESK, SYSTEM)),
    (EntryStatus.withdrawn, "put back"): Way(EntryStatus.waiting, (DESK,)),
    (EntryStatus.withdrawn, "put back paused"): Way(EntryStatus.paused, (DESK,)),
}


def after(machine: Mapping[tuple[S | None, str], Way[S]], state: S | None, event: str, by: Actor) -> S:
    """The state that follows. Raises NotAllowed for who may not cause the event, ImpossibleChange where there is no such way."""
    way = machine.get((state, event))
    if way is None:
        raise ImpossibleChange(f"{event} while {state}")
    if by.kind not in way.by:
        raise NotAllowed
    return way.to
