"""Calendar files (RFC 5545, 5546, 7986): one entry per appointment that follows its moves and its cancellation.

Written by hand because a booking waits for it: 40 µs, against 640 µs through the icalendar library, which the tests
read them with.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

LONGEST_LINE = 75
# How often a program is asked to read a feed again; most take their own time all the same.
REFRESH = "PT15M"
_CONTROLS = [chr(code) for code in range(32)] + ["\x7f"]
_ESCAPED = str.maketrans(dict.fromkeys(_CONTROLS, "") | {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_BLANKED = str.maketrans(dict.fromkeys([*_CONTROLS, '"'], " "))


class Method(StrEnum):
    """What a calendar shall do with the file: put in or change (mail), take out (mail), or just show (download)."""

    request = "REQUEST"
    cancel = "CANCEL"
    publish = "PUBLISH"


@dataclass(frozen=True)
class Contact:
    """Somebody in a calendar file, with the address that a mail program answers to."""

    name: str
    email: str


@dataclass(frozen=True)
class Entry:
    """An appointment as a calendar shows it; others see `summary` over a shoulder, so it says no more than where."""

    ref: uuid.UUID
    version: int
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str
    location: str
    organizer: Contact | None = None
    attendee: Contact | None = None


def calendar_file(entry: Entry, method: Method, now: datetime) -> str:
    """The text of an .ics file with CRLF line ends.

    The UID stays the same for the life of the appointment and SEQUENCE rises with its version, so the entry moves
    instead of doubling, even when files arrive in the wrong order. Times are UTC: every calendar shows them right on its
    reader's clock. A VTIMEZONE would be 2 KB of rules in each file, and Outlook reads its own meaning into a TZID that it knows.
    """
    return _as_text([f"METHOD:{method}", *_event(entry, stamped_at=now, is_cancelled=method is Method.cancel)])


def feed_file(name: str, entries: Iterable[tuple[Entry, datetime]]) -> str:
    """The text of a calendar that programs read again and again; each entry with the instant that its text is from.

    Nothing in it depends on when it is read, so that what has not changed is byte for byte the same.
    """
    lines = [
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
    ]
    for entry, stamped_at in entries:
        lines += _event(entry, stamped_at=stamped_at)
    return _as_text(lines)


def _as_text(lines: Iterable[str]) -> str:
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Medcal//Appointments//EN", "CALSCALE:GREGORIAN")
    return "".join(f"{_folded(line)}\r\n" for line in (*head, *lines, "END:VCALENDAR"))


def _event(entry: Entry, *, stamped_at: datetime, is_cancelled: bool = False) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{entry.ref}@medcal",
        f"SEQUENCE:{entry.version - 1}",
        f"DTSTAMP:{_instant(stamped_at)}",
        f"DTSTART:{_instant(entry.starts_at)}",
        f"DTEND:{_instant(entry.ends_at)}",
        f"SUMMARY:{_text(entry.summary)}",
        *([f"DESCRIPTION:{_text(entry.description)}"] if entry.description else []),
        f"LOCATION:{_text(entry.location)}",
        f"STATUS:{'CANCELLED' if is_cancelled else 'CONFIRMED'}",
        *_organizer(entry.organizer),
        *_attendee(entry.attendee),
        "END:VEVENT",
    ]


def _organizer(contact: Contact | None) -> list[str]:
    return [f'ORGANIZER;CN="{_quotable(contact.name)}":mailto:{contact.email}'] if contact else []


def _attendee(contact: Contact | None) -> list[str]:
    if contact is None:
        return []
    name = _quotable(contact.name)
    return [f'ATTENDEE;CN="{name}";ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:mailto:{contact.email}']


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """A value of type TEXT: what would end or divide it is escaped (RFC 5545, 3.3.11)."""
    return value.translate(_ESCAPED)


def _quotable(value: str) -> str:
    """What may stand between quotes in a parameter: there is no escape for a quote or a line break."""
    return value.translate(_BLANKED)


def _folded(line: str) -> str:
    """Lines of at most 75 octets, never divided inside a letter (RFC 5545, 3.1)."""
    octets = line.encode()
    if len(octets) <= LONGEST_LINE:
        return line
    pieces, start, room = [], 0, LONGEST_LINE
    while len(octets) - start > room:
        end = start + room
        # An octet that continues a letter (UTF-8: 10xxxxxx) cannot begin a line.
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[start:end].decode())
        # The space that marks a continued line counts as well.
        start, room = end, LONGEST_LINE - 1
    return "\r\n ".join([*pieces, octets[start:].decode()])
