"""All that is kept about a patient as one page to read or to print: no script, nothing from elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from medcal.clock import local_day
from medcal.i18n import LANGUAGES, current_language, n_, t
from medcal.services.consents import Agreed
from medcal.services.own_data import OwnData
from medcal.viewmodels.dates import long_date, stamp, weekday_name

LABELS = {
    "name": n_("Name"),
    "born_on": n_("Born"),
    "email": n_("E-mail"),
    "phone": n_("Phone"),
    "language": n_("Language"),
    "created_at": n_("Kept since"),
    "code": n_("Code"),
    "doctor": n_("Doctor"),
    "location": n_("Location"),
    "visit_type": n_("Visit"),
    "starts_at": n_("Begins"),
    "ends_at": n_("Ends"),
    "status": n_("State"),
    "booked_at": n_("Booked"),
    "confirmed_at": n_("Confirmed"),
    "cancelled_at": n_("Cancelled"),
    "cancelled_by": n_("Cancelled by"),
    "is_late_cancellation": n_("Cancelled late"),
    "booked_by": n_("Booked by"),
    "reason": n_("Reason"),
    "request": n_("Request"),
    "cancel_reason": n_("Reason of the cancellation"),
    "overbooked_reason": n_("Overbooked"),
    "agreed": n_("Agreed to"),
    "weekdays": n_("Weekdays"),
    "opens": n_("From"),
    "closes": n_("Until"),
    "notice_hours": n_("Hours of notice"),
    "urgency": n_("Urgency"),
    "answer_until": n_("Answer until"),
    "decided_at": n_("Decided"),
    "kind": n_("Kind"),
    "channel": n_("Channel"),
    "recipient": n_("Sent to"),
    "recipient_name": n_("Reader"),
    "subject": n_("Subject"),
    "text": n_("Text"),
    "handed_over_at": n_("Handed over"),
    "at": n_("When"),
    "by": n_("By whom"),
}
# Said once for the whole page.
LEFT_OUT = ("zone",)
STYLE = ":root{color-scheme:light dark}body{font:16px/1.5 sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}\
dl{display:grid;grid-template-columns:12rem 1fr;gap:.1rem 1rem;padding:.6rem 0;border-top:1px solid;margin:0;break-inside:avoid}\
dt{opacity:.7}dd{margin:0;white-space:pre-line;overflow-wrap:anywhere}@media(max-width:32rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}"


def as_page(data: OwnData) -> str:
    """The page, in the current language; times on the clinic's clock."""
    title = t("What {clinic} keeps about {name}", clinic=data.clinic, name=data.person.name)
    as_of = t("As of {time}, all times in {zone}.", time=stamp(data.made_at, data.zone_info), zone=data.zone)
    parts: list[tuple[str, Sequence[Any]]] = [
        (t("You"), [data.person]),
        (t("Appointments"), data.appointments),
        (t("Wishes for something earlier"), data.wishes),
        (t("Offers"), data.offers),
        (t("Messages"), data.messages),
        (t("History"), data.history),
    ]
    return "".join(
        [
            f'<!doctype html><html lang="{current_language()}"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1><p>{escape(as_of)}</p>",
            *(_part(heading, rows, data.zone_info) for heading, rows in parts),
            "</html>",
        ]
    )


def _part(heading: str, rows: Sequence[Any], zone: ZoneInfo) -> str:
    content = "".join(_row(row, zone) for row in rows) or escape(t("Nothing."))
    return f"<h2>{escape(heading)}</h2>{content}"


def _row(row: Any, zone: ZoneInfo) -> str:
    lines = _lines(row, zone)
    return f"<dl>{''.join(f'<dt>{escape(label)}</dt><dd>{escape(text)}</dd>' for label, text in lines)}</dl>"


def _lines(row: Any, zone: ZoneInfo) -> Iterable[tuple[str, str]]:
    """What is there; what is not is left out."""
    for each in fields(row):
        value = getattr(row, each.name)
        if each.name not in LEFT_OUT and value not in (None, "", False):
            yield t(LABELS[each.name]), _text(each.name, value, zone)


def _text(name: str, value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return stamp(value, zone)
    if isinstance(value, date):
        return long_date(value)
    if isinstance(value, Agreed):
        return _agreed(value, zone)
    if name == "weekdays":
        return ", ".join(weekday_name(weekday) for weekday in value)
    return t("yes") if value is True else str(value)


def _agreed(agreed: Agreed, zone: ZoneInfo) -> str:
    version = t(
        "Version {version} ({language}), first used {date}",
        version=agreed.version,
        language=LANGUAGES.get(agreed.language, agreed.language),
        date=long_date(local_day(agreed.since, zone)),
    )
    return f"{version}\n\n{agreed.words}"
