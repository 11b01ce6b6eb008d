"""Now, and the way between instants (aware UTC) and a location's local calendar. The only caller of datetime.now()."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def instant(day: date, wall: time, zone: ZoneInfo) -> datetime | None:
    """The UTC instant of a wall-clock time on a local day, or None where the clock skips it.

    A time that occurs twice (autumn) means its first occurrence, as people mean it who write "02:30" on a door.
    """
    local = datetime.combine(day, wall, zone)
    utc = local.astimezone(UTC)
    # A skipped time does not survive the way there and back (PEP 495).
    return utc if utc.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def instant_or_later(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Like `instant`, but a skipped time is read with the offset before the gap (02:30 becomes 03:30; RFC 5545, 3.3.5)."""
    return datetime.combine(day, wall, zone).astimezone(UTC)


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """The wall-clock reading of an instant in a zone."""
    return at.astimezone(zone)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """The local calendar day an instant falls on."""
    return at.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day (not always midnight: some zones change their clock at 00:00)."""
    return instant_or_later(day, time(0), zone)


def day_end(day: date, zone: ZoneInfo) -> datetime:
    """The first instant after a local day: 23, 24 or 25 hours after its start."""
    return day_start(day + timedelta(days=1), zone)
