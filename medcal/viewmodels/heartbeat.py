"""How the scheduler is, as the staff's pages say it."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from medcal.clock import local, local_day
from medcal.i18n import t
from medcal.services.periodic import Heartbeat
from medcal.viewmodels.dates import clock_time, short_day


@dataclass(frozen=True)
class SchedulerNotice:
    """`warning` is empty as long as all is well; `worked` says quietly when the scheduler last did."""

    warning: str = ""
    worked: str = ""

    @classmethod
    def of(cls, heartbeat: Heartbeat, zone: ZoneInfo, now: datetime) -> "SchedulerNotice":
        if heartbeat.last_at is None:
            return cls(warning=t("Messages do not go out: the scheduler has not run yet."))
        worked = t("The scheduler last worked at {time}.", time=_to_the_second(heartbeat.last_at, zone, now))
        if not heartbeat.is_silent:
            return cls(worked=worked)
        since = _to_the_minute(heartbeat.last_at, zone, now)
        warning = t("Messages have not gone out since {time}: the scheduler does not run.", time=since)
        return cls(warning, worked)


def _to_the_minute(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """09:12, and Sat 21 Nov, 09:12 on another day."""
    return _with_day(at, clock_time(at, zone), zone, now)


def _to_the_second(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    return _with_day(at, f"{local(at, zone):%H:%M:%S}", zone, now)


def _with_day(at: datetime, wall: str, zone: ZoneInfo, now: datetime) -> str:
    day = local_day(at, zone)
    return wall if day == local_day(now, zone) else t("{day}, {time}", day=short_day(day), time=wall)
