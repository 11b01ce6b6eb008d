"""What a letter is written from: the visit, the offer or the code that it tells of, where, and to whom."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


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
