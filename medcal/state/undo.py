"""What the desk has just done and can take back, until the patient is told."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import desk
from medcal.services.desk import Undoable
from medcal.state.desk_answers import done, refused
from medcal.state.session import actor_of

# Its buttons go with the notice: who stood on one of them with the keyboard goes on in the page, and not at the top of everything.
KEEP_PLACE = rx.call_script(
    "setTimeout(() => { if (document.activeElement === document.body)"
    " document.getElementById('content')?.focus({ preventScroll: true }) }, 100)"
)


class UndoState(rx.State):
    """The notice at the bottom of the page; empty where there is nothing to take back."""

    sentence: str = ""
    until: str = ""
    _ref: uuid.UUID | None = None
    _version: int = 0

    @open_to("reception", "admin")
    async def undo(self) -> Any:
        """Pressed twice, or by two at once, it is done once."""
        ref, version = self._ref, self._version
        self._forget()
        if ref is None:
            return None
        try:
            undone = await run(take_back, actor_of(self), ref, version, clock.now())
        except MedcalError as refusal:
            return [refused(refusal), KEEP_PLACE]
        return [done(said_of_undoing(undone)), KEEP_PLACE]

    @open_to("staff")
    def leave(self) -> Any:
        """Its time is over, or she does not want to see it."""
        self._forget()
        return KEEP_PLACE

    def _offer(self, did: Undoable, sentence: str) -> None:
        assert did.until is not None
        self.sentence, self.until = sentence, did.until.isoformat()
        self._ref, self._version = did.ref, did.version

    def _forget(self) -> None:
        self.sentence, self.until, self._ref = "", "", None


@dataclass(frozen=True)
class Said:
    """What is said of a change: while it can be taken back, once it is told, and where the patient knows it so already."""

    waits: str
    told: str
    known: str


def said_of_moving() -> Said:
    return Said(
        waits=t("Moved. The patient is not told yet."),
        told=t("Moved. The patient is told."),
        known=t("Moved to the time that the patient knows. Nothing is sent."),
    )


def said_of_cancelling() -> Said:
    told = t("Cancelled. The patient is told, and the time is offered to those who wait.")
    waits = t("Cancelled. The patient is not told yet.")
    return Said(waits, told, told)


def said_of_undoing(undone: Undoable) -> str:
    return t("Undone. The patient is told.") if undone.told_at else t("Undone. Nothing is sent.")


async def say_or_offer(state: rx.State, did: Undoable, said: Said, now: datetime) -> Any:
    """Offer to take back what the patient does not know yet; else just say it."""
    undo = await state.get_state(UndoState)
    undo._forget()
    if did.told_at and did.told_at > now and did.until:
        undo._offer(did, said.waits)
        return None
    return done(said.told if did.told_at else said.known)


def take_back(db: Session, actor: Actor, ref: uuid.UUID, version: int, now: datetime) -> Undoable:
    return desk.undoable(db, desk.take_back(db, actor, ref, version=version, now=now))
