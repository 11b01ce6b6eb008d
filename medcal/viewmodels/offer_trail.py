"""The trail of a freed time in plain sentences: what happened, and why those who wait are asked or passed over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from medcal.i18n import n_, t
from medcal.services.candidates import PassedOver
from medcal.services.offer_trail import Step, Trail
from medcal.viewmodels.dates import clock_time, moment, short_moment
from medcal.viewmodels.staff_offers import ENDED_WORDS, cause_of

REASON_WORDS = {
    "paused": n_("Paused: is not asked for the moment"),
    "other_doctor": n_("Wants another doctor"),
    "other_weekday": n_("Not on this day of the week"),
    "other_hours": n_("Not at this time of day"),
    "too_short_notice": n_("Needs more notice"),
    "too_long": n_("The visit is too long for this time"),
    "has_offer": n_("Is thinking about another offer"),
    "asked_enough": n_("Has had enough offers this week"),
    "no_gain": n_("Would gain less than a day"),
    "busy_then": n_("Has another appointment then"),
}

# kind → (what the patient or the clock did, what somebody at the desk did)
_ANSWERS = {
    "offer.accepted": (n_("{patient} accepted."), n_("{patient} accepted on the phone (noted by {name}).")),
    "offer.declined": (n_("{patient} declined."), n_("{patient} declined on the phone (noted by {name}).")),
    "offer.expired": (n_("{patient} did not answer in time."), n_("{patient} was not reached (noted by {name}).")),
    "offer.taken": (
        n_("Somebody else answered first; {patient} keeps the place on the list."),
        n_("Somebody else answered first; {patient} keeps the place on the list."),
    ),
    "offer.withdrawn": (
        n_("The offer to {patient} ended: the appointment or the wish has changed."),
        n_("{name} withdrew the offer to {patient}."),
    ),
}


@dataclass(frozen=True)
class TrailLine:
    """Something that happened; `kind` colours its mark."""

    at: str
    kind: str
    sentence: str


@dataclass(frozen=True)
class WaitingLine:
    """Somebody who waits for times like this, and why she is asked next, later, or not."""

    patient: str
    why: str
    is_next: bool


@dataclass(frozen=True)
class OpenTrail:
    """A freed time from its first step to now. `as_of` is when the reasons were worked out."""

    ref: str = ""
    when: str = ""
    doctor: str = ""
    is_offered: bool = False
    is_over: bool = False
    as_of: str = ""
    lines: list[TrailLine] = field(default_factory=list)
    waiting: list[WaitingLine] = field(default_factory=list)

    @classmethod
    def of(cls, trail: Trail, now: datetime) -> "OpenTrail":
        return cls(
            ref=str(trail.ref),
            when=moment(trail.starts_at, trail.zone),
            doctor=trail.doctor,
            is_offered=trail.status == "offered",
            is_over=trail.ended_by is not None,
            as_of=clock_time(now, trail.zone),
            lines=[_line(steps, trail) for steps in _moments(trail.steps)],
            waiting=_waiting(trail.passed_over),
        )


def _moments(steps: Iterable[Step]) -> list[list[Step]]:
    """Those who were asked at once stand in one line, everything else has its own."""
    found: list[list[Step]] = []
    for step in steps:
        before = found[-1][-1] if found else None
        if before and (step.kind, step.at) == ("offer.made", before.at) and before.kind == step.kind:
            found[-1].append(step)
        else:
            found.append([step])
    return found


def _line(steps: Sequence[Step], trail: Trail) -> TrailLine:
    first = steps[0]
    sentence = _asked(steps, trail.zone) if first.kind == "offer.made" else _sentence(first, trail)
    return TrailLine(short_moment(first.at, trail.zone), first.kind.rpartition(".")[2], sentence)


def _sentence(step: Step, trail: Trail) -> str:
    if step.kind == "time.freed":
        cause = cause_of(trail.cause)
        return t("{cause} ({name}).", cause=cause, name=step.by_whom) if step.by_whom else f"{cause}."
    if step.kind == "time.filled":
        return t("The time is filled.")
    if step.kind == "time.gone":
        why = t(ENDED_WORDS[step.ended_by]) if step.ended_by in ENDED_WORDS else t("The time is gone")
        return f"{why}."
    if step.kind not in _ANSWERS:
        return step.kind
    by_itself, at_the_desk = _ANSWERS[step.kind]
    return t(at_the_desk if step.by_whom else by_itself, patient=step.patient or "?", name=step.by_whom or "")


def _asked(steps: Sequence[Step], zone: ZoneInfo) -> str:
    until = short_moment(steps[0].answer_until, zone) if steps[0].answer_until else "?"
    names = ", ".join(step.patient or "?" for step in steps)
    if len(steps) == 1:
        return t("{patient} was asked, until {moment}.", patient=names, moment=until)
    return t("{count} asked at once, until {moment}: {names}.", count=len(steps), moment=until, names=names)


def _waiting(passed_over: Iterable[PassedOver]) -> list[WaitingLine]:
    """In their turn. The first whom nothing keeps from it is next; who else fits comes after."""
    found: list[WaitingLine] = []
    for each in passed_over:
        is_next = each.reason is None and not any(line.is_next for line in found)
        fits = t("Next to be asked") if is_next else t("Fits, comes later")
        why = fits if each.reason is None else t(REASON_WORDS.get(each.reason, each.reason))
        found.append(WaitingLine(each.patient, why, is_next))
    return found
