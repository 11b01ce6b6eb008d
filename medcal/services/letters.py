"""What each message says: one function per kind, one source for text and HTML, all words through the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, get_timezone_name
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from medcal import clock
from medcal.i18n import current_language, t

TEMPLATES = Path(__file__).parent.parent / "templates"
# Day before month and 24 hours, also in English: the times on the page and in the letter read alike.
BABEL_LOCALES = {"en": "en_GB", "de": "de_AT"}


@dataclass(frozen=True)
class Place:
    """Where the visit is; `zone` is the clock that all times of a letter are meant in."""

    name: str
    zone: ZoneInfo
    address: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Visit:
    """What a letter may know of a visit. What it is for is left out, so that no letter can tell."""

    starts_at: datetime
    ends_at: datetime
    doctor: str


@dataclass(frozen=True)
class Occasion:
    """What a letter is written from.

    `recipient` is the name of who reads it, `patient` is set when that is somebody else. `visit` is the appointment as
    it stands, `offered` the earlier time of an offer, held until `answer_until`; `is_shared` when several are asked at
    once.
    """

    place: Place
    site: str
    recipient: str = ""
    patient: str = ""
    visit: Visit | None = None
    booking_code: str = ""
    offered: Visit | None = None
    answer_until: datetime | None = None
    is_shared: bool = False
    one_time_code: str = ""


@dataclass(frozen=True)
class Action:
    """A link in a letter; `purpose` is what its token will be good for."""

    label: str
    purpose: str


@dataclass(frozen=True)
class Letter:
    """A message in words. Text, HTML and SMS are made from it; `brief` is what an SMS says beside the subject."""

    subject: str
    greeting: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    actions: tuple[Action, ...] = ()
    brief: str = ""
    sender: str = ""
    footer: tuple[str, ...] = ()

    def without_actions(self) -> "Letter":
        return replace(self, actions=())

    def as_text(self) -> str:
        return _environment(escapes=False).get_template("letter.txt").render(letter=self).strip() + "\n"

    def as_html(self) -> str:
        """The inner part of the mail; `framed` puts what is the same in all of them around it on the way out."""
        return _environment(escapes=True).get_template("letter.html").render(letter=self)

    def as_sms(self) -> str:
        """As short as can be: who writes, what and when, and the one link that leads on."""
        link = f"{{link:{self.actions[0].purpose}}}" if self.actions else ""
        lines = (f"{self.sender}: {self.subject}", self.brief, link)
        return "\n".join(line for line in lines if line)


def framed(inner: str, *, subject: str, language: str) -> str:
    """The whole HTML of a mail. `inner` comes from `Letter.as_html` and is already escaped."""
    template = _environment(escapes=True).get_template("frame.html")
    return template.render(body=Markup(inner), subject=subject, language=language)  # noqa: S704  (escaped above)


def write_letter(kind: str, occasion: Occasion) -> Letter:
    """The letter of a kind, in the current language. Raises KeyError for a kind that does not exist."""
    return LETTERS[kind](occasion)


# --- The kinds --------------------------------------------------------------------------------------------------------


def booked(occasion: Occasion) -> Letter:
    day, at = _day_and_time(occasion.visit, occasion.place)
    return _letter(
        occasion,
        t("Your appointment on {day} at {time}", day=day, time=at),
        t("Your appointment is booked. We look forward to seeing you."),
        t("If you cannot come, please cancel as early as you can: somebody else will be glad of the time."),
        facts=_facts(occasion),
        actions=(Action(t("See or change the appointment"), "appointment"), Action(t("Cancel it"), "cancel")),
    )


def moved(occasion: Occasion) -> Letter:
    day, at = _day_and_time(occasion.visit, occasion.place)
    return _letter(
        occasion,
        t("New time for your appointment: {day} at {time}", day=day, time=at),
        t("Your appointment has a new time. Please forget the old one."),
        t("If you cannot come, please cancel as early as you can: somebody else will be glad of the time."),
        facts=_facts(occasion),
        actions=(Action(t("See or change the appointment"), "appointment"), Action(t("Cancel it"), "cancel")),
    )


def cancelled(occasion: Occasion) -> Letter:
    day, at = _day_and_time(occasion.visit, occasion.place)
    return _letter(
        occasion,
        t("Cancelled: your appointment on {day} at {time}", day=day, time=at),
        t("Your appointment has been cancelled. You need not do anything."),
        t("You can book a new time at {address}.", address=occasion.site),
        facts=_facts(occasion),
    )


def reminder(occasion: Occasion) -> Letter:
    day, at = _day_and_time(occasion.visit, occasion.place)
    return _letter(
        occasion,
        t("Reminder: your appointment on {day} at {time}", day=day, time=at),
        t("This is a reminder of your appointment on {day} at {time}. Will you come?", day=day, time=at),
        t("Please tell us if you cannot come: somebody else will be glad of the time."),
        facts=_facts(occasion),
        actions=(
            Action(t("Yes, I will come"), "confirm"),
            Action(t("No, cancel the appointment"), "cancel"),
            Action(t("See or change the appointment"), "appointment"),
        ),
    )


def offer_made(occasion: Occasion) -> Letter:
    assert occasion.offered
    assert occasion.answer_until
    day, at = _day_and_time(occasion.offered, occasion.place)
    until = _moment(occasion.answer_until, occasion.place)
    freed = t("A time has become free, and you asked for something earlier.")
    if occasion.is_shared:
        held = t("We are holding it until {moment} for you and a few others: the first answer counts.", moment=until)
    else:
        held = t("We are holding it for you until {moment}.", moment=until)
    if occasion.visit:
        if_yes = t("If you accept, this becomes your time, and your present one goes to somebody else.")
        if_no = t("If you decline or do not answer, you keep your present appointment and your place on the list.")
    else:
        if_yes = t("If you accept, this becomes your appointment.")
        if_no = t("If you decline or do not answer, you keep your place on the list.")
    return _letter(
        occasion,
        t("An earlier time for you: {day} at {time}", day=day, time=at),
        f"{freed} {held}",
        f"{if_yes} {if_no}",
        facts=(
            (t("Offered"), _when(occasion.offered, occasion.place)),
            (t("Doctor"), occasion.offered.doctor),
            *(((t("Your present time"), _when(occasion.visit, occasion.place)),) if occasion.visit else ()),
            (t("Held until"), until),
            *_where(occasion),
        ),
        actions=(Action(t("See the offer and answer"), "offer"),),
        brief=held,
    )


def offer_withdrawn(occasion: Occasion) -> Letter:
    assert occasion.offered
    day, at = _day_and_time(occasion.offered, occasion.place)
    return _letter(
        occasion,
        t("The earlier time is no longer free"),
        t("The time on {day} at {time} that we offered you is no longer free. We are sorry.", day=day, time=at),
        _kept(occasion),
        facts=_facts(occasion) if occasion.visit else _where(occasion),
        actions=(Action(t("See or change the appointment"), "appointment"),) if occasion.visit else (),
    )


def offer_taken(occasion: Occasion) -> Letter:
    assert occasion.offered
    day, at = _day_and_time(occasion.offered, occasion.place)
    return _letter(
        occasion,
        t("Somebody else was faster"),
        t(
            "We had offered the time on {day} at {time} to a few people at once, and somebody else answered first.",
            day=day,
            time=at,
        ),
        _kept(occasion),
        facts=_facts(occasion) if occasion.visit else _where(occasion),
        actions=(Action(t("See or change the appointment"), "appointment"),) if occasion.visit else (),
    )


def _kept(occasion: Occasion) -> str:
    if occasion.visit:
        kept = t("Your appointment stays as it is, and so does your place on the list.")
    else:
        kept = t("You keep your place on the list.")
    again = t("We will write to you again as soon as something earlier becomes free.")
    return f"{kept} {again}"


def waitlist_paused(occasion: Occasion) -> Letter:
    question = t("Do you still want an earlier time?")
    stays = t("Your appointment stays as it is.") if occasion.visit else ""
    return _letter(
        occasion,
        question,
        t(
            "We have offered you earlier times and had no answer. That is quite all right; we only do not want to bother you."
        ),
        " ".join(
            part
            for part in (
                stays,
                t("Until you tell us, we will offer you no more times. Your place on the list is kept."),
            )
            if part
        ),
        facts=_facts(occasion) if occasion.visit else _where(occasion),
        actions=(Action(t("Keep me on the list"), "earlier"),),
        brief=t("Until you tell us, we will offer you no more times. Your place on the list is kept."),
    )


def code(occasion: Occasion) -> Letter:
    assert occasion.answer_until
    until = time_in_words(occasion.answer_until, occasion.place.zone)
    # Not in the subject: that stands in lists of messages, which others read as well.
    wanted = t("Please type this code on the page that asked for it: {code}", code=occasion.one_time_code)
    return _letter(
        occasion,
        t("Your one-time code"),
        wanted,
        t("It is good until {time}. If you did not ask for a code, you need not do anything.", time=until),
        brief=wanted,
    )


LETTERS: dict[str, Callable[[Occasion], Letter]] = {
    "appointment.booked": booked,
    "appointment.moved": moved,
    "appointment.cancelled": cancelled,
    "reminder.three_days": reminder,
    "reminder.one_day": reminder,
    "offer.made": offer_made,
    "offer.taken": offer_taken,
    "offer.withdrawn": offer_withdrawn,
    "waitlist.paused": waitlist_paused,
    "code": code,
}


# --- What letters share -----------------------------------------------------------------------------------------------


def _letter(
    occasion: Occasion,
    subject: str,
    *paragraphs: str,
    facts: tuple[tuple[str, str], ...] = (),
    actions: tuple[Action, ...] = (),
    brief: str = "",
) -> Letter:
    place = occasion.place
    greeting = t("Hello {name},", name=occasion.recipient) if occasion.recipient else t("Hello,")
    footer = (place.name, place.address, place.phone, occasion.site)
    return Letter(
        subject=subject,
        greeting=greeting,
        paragraphs=paragraphs,
        facts=tuple((label, value) for label, value in facts if value),
        actions=actions,
        brief=brief,
        sender=place.name,
        footer=tuple(line for line in footer if line),
    )


def _facts(occasion: Occasion) -> tuple[tuple[str, str], ...]:
    assert occasion.visit
    return (
        (t("For"), occasion.patient),
        (t("When"), _when(occasion.visit, occasion.place)),
        (t("Doctor"), occasion.visit.doctor),
        *_where(occasion),
        (t("Booking code"), occasion.booking_code),
    )


def _where(occasion: Occasion) -> tuple[tuple[str, str], ...]:
    return ((t("Where"), ", ".join(line for line in (occasion.place.name, occasion.place.address) if line)),)


def _when(visit: Visit, place: Place) -> str:
    return t(
        "{day}, {start} to {end} ({zone})",
        day=day_in_words(clock.local_day(visit.starts_at, place.zone)),
        start=time_in_words(visit.starts_at, place.zone),
        end=time_in_words(visit.ends_at, place.zone),
        zone=zone_in_words(place.zone),
    )


def _moment(at: datetime, place: Place) -> str:
    day = day_in_words(clock.local_day(at, place.zone))
    return t("{time} on {day} ({zone})", time=time_in_words(at, place.zone), day=day, zone=zone_in_words(place.zone))


def _day_and_time(visit: Visit | None, place: Place) -> tuple[str, str]:
    """For subjects and sentences: without the year, and the zone stands beside the full date in the facts."""
    assert visit
    return short_day_in_words(clock.local_day(visit.starts_at, place.zone)), time_in_words(visit.starts_at, place.zone)


def day_in_words(day: date) -> str:
    """Tuesday, 3 March 2026, in the current language."""
    return _full_day(day, _locale())


def short_day_in_words(day: date) -> str:
    """Tue 3 Mar, in the current language."""
    return _short_day(day, _locale())


def time_in_words(at: datetime, zone: ZoneInfo) -> str:
    """09:30 on the wall clock of the zone."""
    return _short_time(clock.local(at, zone).time(), _locale())


def zone_in_words(zone: ZoneInfo) -> str:
    """Central European Time, in the current language."""
    return _zone_name(zone, _locale())


def _locale() -> str:
    return BABEL_LOCALES.get(current_language(), current_language())


# Babel takes up to 0.4 ms for one of these, and a clinic writes of the same few hundred days all day long.
@lru_cache(maxsize=4096)
def _full_day(day: date, locale: str) -> str:
    return format_date(day, "full", locale=locale)


@lru_cache(maxsize=4096)
def _short_day(day: date, locale: str) -> str:
    # A midnight, since Babel formats skeletons of instants only; in UTC, so that it stays on its day.
    return format_skeleton("MMMEd", datetime.combine(day, time(0), UTC), locale=locale)


@lru_cache(maxsize=4096)
def _short_time(wall: time, locale: str) -> str:
    return format_time(wall, "short", locale=locale)


@lru_cache(maxsize=256)
def _zone_name(zone: ZoneInfo, locale: str) -> str:
    return get_timezone_name(zone, zone_variant="generic", locale=locale)


@cache
def _environment(*, escapes: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escapes,  # noqa: S701  (the text part of a mail is no HTML)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
