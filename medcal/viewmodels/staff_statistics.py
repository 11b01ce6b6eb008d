"""The figures of offers as an admin reads them, on the page and in the file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from babel.numbers import format_decimal, format_percent

from medcal.i18n import LANGUAGES, n_, t, tn
from medcal.services.offer_statistics import AGES, Fills, Reached, Statistics
from medcal.viewmodels.dates import babel_locale
from medcal.viewmodels.staff_offers import cause_of

# By the class of lead time, the nearest first; the bounds are those of the service.
LEADS = (
    *(n_("less than 4 hours ahead"), n_("4 to 24 hours ahead"), n_("1 to 3 days ahead")),
    *(n_("3 to 7 days ahead"), n_("more than 7 days ahead")),
)
GROUPS = {
    "lead": n_("By how far ahead the time became free"),
    "cause": n_("By what freed the time"),
    "doctor": n_("By doctor"),
    "visit": n_("By what the time was used for before"),
    "channel": n_("By how we reach them"),
    "language": n_("By language"),
    "age": n_("By age"),
}
CHANNELS = {"email": n_("by e-mail"), "sms": n_("by text message"), "call": n_("by a call from the desk alone")}


@dataclass(frozen=True)
class FillRow:
    """What became of some freed times; the `…_width` draw the bar."""

    name: str = ""
    freed: str = ""
    share: str = ""
    by_offer: str = ""
    by_public: str = ""
    by_desk: str = ""
    lost: str = ""
    to_fill: str = ""
    gained: str = ""
    per_fill: str = ""
    offer_width: str = "0%"
    other_width: str = "0%"

    @classmethod
    def of(cls, fills: Fills) -> "FillRow":
        by_others = fills.by_public + fills.by_desk
        return cls(
            name=fills_name(fills),
            freed=_count(fills.freed),
            share=_share(fills.share_by_offer),
            by_offer=_count(fills.by_offer),
            by_public=_count(fills.by_public),
            by_desk=_count(fills.by_desk),
            lost=_count(fills.lost),
            to_fill=_duration(fills.minutes_to_fill),
            gained=_days(fills.days_gained),
            per_fill=_decimal(fills.offers_per_fill),
            offer_width=_width(fills.share_by_offer),
            other_width=_width(by_others / fills.freed if fills.freed else None),
        )


@dataclass(frozen=True)
class ReachRow:
    """A group of people who waited, and how far offers reached them."""

    name: str
    waited: str
    asked: str
    share_asked: str
    accepted: str
    share_accepted: str
    share_unanswered: str
    asked_width: str

    @classmethod
    def of(cls, reached: Reached) -> "ReachRow":
        return cls(
            name=reached_name(reached),
            waited=_count(reached.waited),
            asked=_count(reached.asked),
            share_asked=_share(reached.share_asked),
            accepted=_count(reached.accepted),
            share_accepted=_share(reached.share_accepted),
            share_unanswered=_share(reached.share_unanswered),
            asked_width=_width(reached.share_asked),
        )


@dataclass(frozen=True)
class FillTable:
    title: str
    rows: list[FillRow] = field(default_factory=list)


@dataclass(frozen=True)
class ReachTable:
    title: str
    rows: list[ReachRow] = field(default_factory=list)


@dataclass(frozen=True)
class StatisticsSheet:
    """All of the page. `notes` say what is not in the figures."""

    has_any: bool = False
    total: FillRow = FillRow()
    filled: str = ""
    used: str = ""
    notes: list[str] = field(default_factory=list)
    fills: list[FillTable] = field(default_factory=list)
    reached: list[ReachTable] = field(default_factory=list)

    @classmethod
    def of(cls, figures: Statistics) -> "StatisticsSheet":
        total = figures.total
        return cls(
            has_any=total.freed + total.running + total.closed + len(figures.reached) > 0,
            total=FillRow.of(total),
            filled=t("{count} of {all} freed times", count=_count(total.by_offer), all=_count(total.freed)),
            used=_share(total.share_used),
            notes=list(_notes(total)),
            fills=[FillTable(t(GROUPS[what]), [FillRow.of(each) for each in rows]) for what, rows in _fills(figures)],
            reached=[
                ReachTable(t(GROUPS[what]), [ReachRow.of(each) for each in rows])
                for what, rows in _in_order(figures.reached, ("channel", "language", "age"))
            ],
        )


def _notes(total: Fills) -> Iterator[str]:
    if total.running:
        yield tn(
            "{count} freed time is still looking for somebody and is not counted yet.",
            "{count} freed times are still looking for somebody and are not counted yet.",
            total.running,
        )
    if total.closed:
        yield tn(
            "{count} freed time is left out since the doctor no longer works then.",
            "{count} freed times are left out since the doctor no longer works then.",
            total.closed,
        )


def _fills(figures: Statistics) -> list[tuple[str, list[Fills]]]:
    """Without the groups in which nothing is decided yet: a row of dashes tells nothing."""
    decided = (each for each in figures.fills if each.freed)
    return _in_order(decided, ("lead", "doctor", "visit", "cause"))


def _in_order(rows: Iterable[Fills] | Iterable[Reached], order: tuple[str, ...]) -> list[tuple[str, list]]:  # type: ignore[type-arg]
    found = {what: list(group) for what, group in groupby(rows, key=lambda row: row.what)}
    return [(what, found[what]) for what in order if what in found]


# --- Names ------------------------------------------------------------------------------------------------------------


def fills_name(fills: Fills) -> str:
    """What a row is about, in the current language."""
    match fills.what:
        case "lead":
            return t(LEADS[int(fills.key)])
        case "cause":
            return cause_of(fills.key)
        case "doctor":
            return fills.names[0]
        case "visit" if fills.names:
            return t("{specialty}: {visit}", specialty=t(fills.names[0]), visit=t(fills.names[1]))
        case "visit":
            return t("not used before")
    return t("all freed times")


def reached_name(reached: Reached) -> str:
    """Which people a row is about, in the current language."""
    match reached.what:
        case "channel":
            return t(CHANNELS[reached.key])
        case "language":
            return LANGUAGES.get(reached.key, reached.key)
    return _age_name(int(reached.key)) if reached.key else t("not known")


def _age_name(group: int) -> str:
    if group == 0:
        return t("under {age}", age=AGES[0])
    if group == len(AGES):
        return t("{age} and older", age=AGES[-1])
    return t("{age} to {until}", age=AGES[group - 1], until=AGES[group] - 1)


# --- Figures ----------------------------------------------------------------------------------------------------------

NOTHING = "–"


def _count(number: int) -> str:
    return format_decimal(number, locale=babel_locale())


def _share(share: float | None) -> str:
    return NOTHING if share is None else format_percent(share, "#,##0 %", locale=babel_locale())


def _decimal(number: float | None) -> str:
    return NOTHING if number is None else format_decimal(number, "#,##0.0", locale=babel_locale())


def _days(days: float | None) -> str:
    return NOTHING if days is None else tn("{count} day", "{count} days", round(days))


def _duration(minutes: float | None) -> str:
    """12 min, 3 h 20 min, 2 days."""
    if minutes is None:
        return NOTHING
    whole = round(minutes)
    if whole < 60:
        return t("{count} min", count=whole)
    if whole < 48 * 60:
        return t("{hours} h {minutes} min", hours=whole // 60, minutes=whole % 60)
    return _days(whole / 60 / 24)


def _width(share: float | None) -> str:
    return f"{100 * (share or 0):.1f}%"
