"""The fate of a message: every state, every event, and who may cause it. docs/messages.md draws it. Pure.

Messages change many at a time, in SQL: the statements take from here where an event may begin and where it leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from medcal.models import MessageStatus as Fate
from medcal.security import ActorKind

PATIENT, DESK, SYSTEM = ActorKind.patient, ActorKind.staff, ActorKind.system


@dataclass(frozen=True)
class Change:
    """Where an event may begin (None is "does not exist yet"), where it leads, and who may cause it."""

    starts: tuple[Fate | None, ...]
    to: Fate
    by: tuple[ActorKind, ...] = (SYSTEM,)


CHANGES: Mapping[str, Change] = {
    "written": Change((None,), Fate.due, (PATIENT, DESK, SYSTEM)),
    "written too late": Change((None,), Fate.missed),
    # `taken` as well: whoever had taken it died, and the lease is over.
    "taken": Change((Fate.due, Fate.taken), Fate.taken),
    "put off": Change((Fate.taken,), Fate.due),
    # By ourselves, or because n8n says that it has no way to send an SMS.
    "left to a call": Change((Fate.taken, Fate.handed_over, Fate.due), Fate.due),
    "handed over": Change((Fate.taken,), Fate.handed_over),
    # `due` as well: the answer to a try got lost, the callback did not. `dead` as well: late, but true.
    "arrived": Change((Fate.taken, Fate.handed_over, Fate.due, Fate.dead), Fate.delivered),
    "called": Change((Fate.due,), Fate.delivered, (DESK,)),
    "bounced": Change((Fate.taken, Fate.handed_over, Fate.due), Fate.bounced),
    "renewed": Change((Fate.taken, Fate.handed_over, Fate.due), Fate.due),
    "given up": Change((Fate.taken, Fate.handed_over, Fate.due), Fate.dead),
    "too late": Change((Fate.due, Fate.taken), Fate.missed),
    "no longer so": Change((Fate.due, Fate.taken), Fate.dropped, (PATIENT, DESK, SYSTEM)),
    "sent again": Change((Fate.handed_over, Fate.delivered, Fate.bounced, Fate.dead, Fate.due), Fate.due, (DESK,)),
}


def after(event: str) -> str:
    """Where an event leads, as the column has it."""
    return str(CHANGES[event].to)


def may(event: str, status: str) -> bool:
    """Whether an event can happen to a message of this fate."""
    return status in CHANGES[event].starts


def starts(event: str) -> list[str]:
    """The fates that an event may begin from."""
    return [str(status) for status in CHANGES[event].starts if status is not None]
