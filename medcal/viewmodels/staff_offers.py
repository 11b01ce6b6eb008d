"""The board of freed times as the desk reads it: whom to call, what is on offer, what looks for somebody, what ended."""

from dataclasses import dataclass, field

from medcal.i18n import n_, t, tn
from medcal.services.offer_board import Asked, Board, Freed
from medcal.viewmodels.dates import clock_time, iso, moment, short_moment

CHANNEL_WORDS = {"email": n_("E-mail"), "sms": n_("Text message"), "call": n_("Phone call")}
OFFER_WORDS = {
    "open": n_("Waiting for an answer"),
    "accepted": n_("Accepted"),
    "declined": n_("Declined"),
    "expired": n_("No answer"),
    "taken": n_("Somebody else was faster"),
    "withdrawn": n_("Withdrawn"),
}
CAUSE_WORDS = {
    "cancelled": n_("Freed by a cancellation"),
    "moved": n_("Freed by a move"),
    "new_hours": n_("Freed by new hours"),
    "rest": n_("Left over from a longer time"),
}
ENDED_WORDS = {
    "public": n_("Booked on the web"),
    "desk": n_("Booked at the desk"),
    "closed": n_("The doctor no longer works then"),
    "late": n_("Too near to its start to ask anybody"),
    "past": n_("Over: it has begun"),
    "undone": n_("What freed it was taken back"),
}


@dataclass(frozen=True)
class CallRow:
    """Somebody to be called before `answer_until`, and what to say."""

    ref: str
    patient: str
    for_whom: str
    phone: str
    when: str
    doctor: str
    say: str
    answer_until: str
    until: str


@dataclass(frozen=True)
class PersonRow:
    """One of those who are asked at once. `status_word` is empty as long as she thinks."""

    ref: str
    patient: str
    channel: str
    channel_word: str
    contact: str
    status: str
    status_word: str


@dataclass(frozen=True)
class OfferedRow:
    """A time that is held for whom it is offered to."""

    ref: str
    when: str
    doctor: str
    cause: str
    answer_until: str
    until: str
    people: list[PersonRow] = field(default_factory=list)


@dataclass(frozen=True)
class LookingRow:
    """A time that looks for somebody; `look_at` is empty where there is nothing to count down to."""

    ref: str
    when: str
    doctor: str
    cause: str
    kind: str
    sentence: str
    look_at: str
    asked: str


@dataclass(frozen=True)
class EndedRow:
    """What became of a freed time, and when."""

    ref: str
    when: str
    doctor: str
    kind: str
    outcome: str
    at: str
    asked: str


@dataclass(frozen=True)
class OfferBoard:
    """The four lists; what needs somebody at the desk stands first."""

    calls: list[CallRow] = field(default_factory=list)
    offered: list[OfferedRow] = field(default_factory=list)
    looking: list[LookingRow] = field(default_factory=list)
    ended: list[EndedRow] = field(default_factory=list)
    is_cut: bool = False

    @classmethod
    def of(cls, board: Board) -> "OfferBoard":
        calls = [
            _call(freed, asked)
            for freed in board.offered
            for asked in freed.asked
            if asked.is_open and asked.channel == "call"
        ]
        return cls(
            calls,
            [_offered(freed) for freed in board.offered],
            [_looking(freed) for freed in board.looking],
            [_ended(freed) for freed in board.ended],
            board.is_cut,
        )


def _call(freed: Freed, asked: Asked) -> CallRow:
    return CallRow(
        ref=str(asked.ref),
        patient=asked.patient,
        for_whom=t("Ask for {name}", name=asked.contact) if asked.contact != asked.patient else "",
        phone=asked.phone or "",
        when=moment(freed.starts_at, freed.zone),
        doctor=freed.doctor,
        say=_what_to_say(freed, asked),
        answer_until=iso(asked.answer_until),
        until=short_moment(asked.answer_until, freed.zone),
    )


def _what_to_say(freed: Freed, asked: Asked) -> str:
    when, until = moment(freed.starts_at, freed.zone), short_moment(asked.answer_until, freed.zone)
    if asked.own_starts_at is None:
        said = [t("We have a time for you: {moment}, with {doctor}.", moment=when, doctor=freed.doctor)]
    else:
        own = short_moment(asked.own_starts_at, freed.zone)
        said = [
            t("We have an earlier time for you: {moment}, with {doctor}.", moment=when, doctor=freed.doctor),
            t("It would replace {moment} with {doctor}.", moment=own, doctor=asked.own_doctor or "?"),
        ]
    if len(freed.asked) > 1:
        said.append(t("Others are asked too: the first yes counts."))
    said.append(t("We keep it until {moment}. Would you like it?", moment=until))
    return " ".join(said)


def _offered(freed: Freed) -> OfferedRow:
    return OfferedRow(
        ref=str(freed.ref),
        when=short_moment(freed.starts_at, freed.zone),
        doctor=_doctor(freed),
        cause=cause_of(freed.cause),
        answer_until=iso(freed.answer_until),
        until=short_moment(freed.answer_until, freed.zone),
        people=[_person(asked) for asked in freed.asked],
    )


def _person(asked: Asked) -> PersonRow:
    return PersonRow(
        ref=str(asked.ref),
        patient=asked.patient,
        channel=asked.channel,
        channel_word=t(CHANNEL_WORDS[asked.channel]),
        contact=(asked.email if asked.channel == "email" else asked.phone) or "",
        status=asked.status,
        status_word="" if asked.is_open else t(OFFER_WORDS[asked.status]),
    )


def _looking(freed: Freed) -> LookingRow:
    waits = {
        "now": t("Looking for somebody now"),
        "night": t("Quiet hours: goes on at {time}", time=clock_time(freed.look_at, freed.zone)),
        "form": t("Somebody is just booking it"),
        "somebody": t("Nobody who waits fits"),
    }
    return LookingRow(
        ref=str(freed.ref),
        when=short_moment(freed.starts_at, freed.zone),
        doctor=_doctor(freed),
        cause=cause_of(freed.cause),
        kind=freed.waits_for,
        sentence=waits[freed.waits_for],
        look_at="" if freed.waits_for == "now" else iso(freed.look_at),
        asked=_asked_so_far(freed),
    )


def _ended(freed: Freed) -> EndedRow:
    return EndedRow(
        ref=str(freed.ref),
        when=short_moment(freed.starts_at, freed.zone),
        doctor=_doctor(freed),
        kind=freed.status,
        outcome=outcome_of(freed.ended_by, freed.filled_by),
        at=short_moment(freed.ended_at, freed.zone) if freed.ended_at else "",
        asked=_asked_so_far(freed),
    )


def _doctor(freed: Freed) -> str:
    return t("{doctor}, {specialty}", doctor=freed.doctor, specialty=t(freed.specialty))


def _asked_so_far(freed: Freed) -> str:
    if not freed.asked_so_far:
        return t("nobody asked yet") if freed.ended_at is None else t("nobody asked")
    return tn("{count} person asked", "{count} people asked", freed.asked_so_far)


def cause_of(cause: str) -> str:
    return t(CAUSE_WORDS[cause]) if cause in CAUSE_WORDS else cause


def outcome_of(ended_by: str | None, filled_by: str | None) -> str:
    """How a freed time ended: who has it, or why it is gone."""
    if filled_by:
        return t("Filled: {patient}", patient=filled_by)
    return t(ENDED_WORDS[ended_by]) if ended_by in ENDED_WORDS else t("Filled")
