"""The addresses that doctors' calendars are read at, on the screen."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from medcal.i18n import t
from medcal.services.feeds import Feed
from medcal.viewmodels.dates import stamp


@dataclass(frozen=True)
class FeedRow:
    """One address: when it was made and by whom, and when a program has last read it."""

    ref: str
    made: str
    read: str

    @classmethod
    def of(cls, feed: Feed, zone: ZoneInfo) -> "FeedRow":
        made_at = stamp(feed.created_at, zone)
        made = t("Made {at} by {name}", at=made_at, name=feed.created_by) if feed.created_by else made_at
        if feed.read_at is None:
            return cls(str(feed.ref), made, t("Not read yet"))
        return cls(str(feed.ref), made, t("Last read {at}", at=stamp(feed.read_at, zone)))
