"""Who of the staff may do what, to whose: the one table. docs/roles.md shows it; doors and services ask it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from medcal.errors import NotAllowed
from medcal.security import Actor, ActorKind, Role


class Whose(StrEnum):
    """A doctor's own: her calendar, and what is in it. Everybody's own: her account."""

    own = "own"
    all = "all"


class Can(StrEnum):
    """What somebody may do. Screens, handlers and services are many; these are all the rights there are."""

    see_calendar = "see_calendar"
    see_visits_through = "see_visits_through"
    block_time = "block_time"
    book_at_desk = "book_at_desk"
    keep_waitlist = "keep_waitlist"
    answer_offers = "answer_offers"
    read_messages = "read_messages"
    keep_feeds = "keep_feeds"
    set_rules = "set_rules"
    read_statistics = "read_statistics"
    give_data = "give_data"
    erase_patients = "erase_patients"
    manage_people = "manage_people"
    read_history = "read_history"
    keep_own_account = "keep_own_account"


@dataclass(frozen=True)
class Right:
    """What it is in words, and to whose it extends in each role; a role that is missing has it not.

    `at_prompt`: also from the server's own prompt, without anybody's account.
    """

    words: str
    whose: Mapping[Role, Whose]
    at_prompt: bool = False


_EVERYBODY = {Role.doctor: Whose.own, Role.reception: Whose.all, Role.admin: Whose.all}
_DESK = {Role.reception: Whose.all, Role.admin: Whose.all}
_ADMINS = {Role.admin: Whose.all}

RIGHTS: Mapping[Can, Right] = {
    Can.see_calendar: Right("See the calendar, the list of appointments, and an appointment's sheet", _EVERYBODY),
    Can.see_visits_through: Right("Check in, finish, mark as not come, take that back", _EVERYBODY),
    Can.block_time: Right("Block time, and free it again", _EVERYBODY),
    Can.book_at_desk: Right("Book, move and cancel for a patient; overbook with a reason", _DESK),
    Can.keep_waitlist: Right("See and change who waits for something earlier", _DESK),
    Can.answer_offers: Right(
        "See offers and their trails; answer and withdraw them for a patient; the call list", _DESK
    ),
    Can.read_messages: Right("Read messages, send them again, note calls", _DESK),
    Can.keep_feeds: Right(
        "Make and revoke addresses at which a calendar program reads a doctor's appointments",
        {Role.doctor: Whose.own, Role.admin: Whose.all},
    ),
    Can.set_rules: Right(
        "Set up clinic, specialties, visit types, doctors and hours; change the rules of offers and messages, and their words",
        _ADMINS,
    ),
    Can.read_statistics: Right("Read the statistics", _ADMINS, at_prompt=True),
    Can.give_data: Right("Hand a patient all that is kept about her", _DESK),
    Can.erase_patients: Right("Erase a patient", _ADMINS),
    Can.manage_people: Right(
        "Invite people, give roles, disable accounts, hand out links for new passwords", _ADMINS, at_prompt=True
    ),
    Can.read_history: Right(
        "Read who changed and who looked at what, and take it away as a file", _ADMINS, at_prompt=True
    ),
    Can.keep_own_account: Right(
        "Change one's own password and second step, end one's own sessions", dict.fromkeys(Role, Whose.own)
    ),
}


def roles_with(can: Can) -> frozenset[Role]:
    """The roles that have a right, be it for their own alone."""
    return frozenset(RIGHTS[can].whose)


def may(actor: Actor, can: Can) -> bool:
    """Whether somebody has a right at all; to whose it extends is asked in the query.

    Who owes a second step may keep the own account and nothing else.
    """
    if actor.kind is ActorKind.system:
        return RIGHTS[can].at_prompt
    if actor.is_unfinished and can is not Can.keep_own_account:
        return False
    return actor.is_staff and actor.role in roles_with(can)


def check(actor: Actor, can: Can) -> None:
    """Raises NotAllowed for whoever has not the right."""
    if not may(actor, can):
        raise NotAllowed


def as_table() -> str:
    """The table as docs/roles.md shows it."""
    order = (Role.doctor, Role.reception, Role.admin)
    head = ["| | " + " | ".join(order) + " | prompt |", "|" + "---|" * (len(order) + 2)]
    lines = [
        f"| {right.words} | "
        + " | ".join([*(right.whose.get(role, "–") for role in order), "all" if right.at_prompt else "–"])
        + " |"
        for right in RIGHTS.values()
    ]
    return "\n".join([*head, *lines])
