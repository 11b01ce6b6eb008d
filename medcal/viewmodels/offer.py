"""An earlier time that is, or was, held for its reader."""

from dataclasses import dataclass, field
from datetime import datetime

from medcal.i18n import t
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Doctor,
    EntryStatus,
    FreedTime,
    Location,
    Offer,
    OfferStatus,
    WaitlistEntry,
)
from medcal.security import ActorKind
from medcal.viewmodels.dates import iso, moment
from medcal.viewmodels.patient import Place
from medcal.viewmodels.portraits import portrait_of


@dataclass(frozen=True)
class OfferCard:
    """An offer. `kind` says which page it gets: open, or how it ended, see `kind_of`; `kept` is what stays as it was.

    `line` is her place in words; `sees_appointment`: this browser may look at her appointment.
    """

    kind: str = ""
    doctor: str = ""
    portrait: str = ""
    when: str = ""
    place: Place = field(default_factory=Place)
    answer_until: str = ""
    answer_until_label: str = ""
    held_for: str = ""
    is_shared: bool = False
    instead_of: str = ""
    kept: str = ""
    line: str = ""
    is_paused: bool = False
    is_listed: bool = False
    sees_appointment: bool = False

    @classmethod
    def of(
        cls,
        offer: Offer,
        freed: FreedTime,
        wish: WaitlistEntry,
        own: Appointment | None,
        *,
        doctor: Doctor,
        location: Location,
        is_shared: bool,
        line: str,
        sees_appointment: bool,
        now: datetime,
    ) -> "OfferCard":
        zone = location.zone_info
        is_booked = own is not None and own.status is AppointmentStatus.booked
        is_listed = wish.status in (EntryStatus.waiting, EntryStatus.paused)
        return cls(
            kind=kind_of(offer, freed, wish, own, now),
            doctor=doctor.name,
            portrait=portrait_of(doctor.slug, doctor.name),
            when=moment(freed.starts_at, zone),
            place=Place.of(location, freed.starts_at),
            answer_until=iso(offer.answer_until),
            answer_until_label=moment(offer.answer_until, zone),
            held_for=t("Held for you and a few others for") if is_shared else t("Held for you for"),
            is_shared=is_shared,
            instead_of=moment(own.starts_at, zone) if own and is_booked else "",
            kept=_kept(is_booked=is_booked, is_listed=is_listed),
            line=line,
            is_paused=wish.status is EntryStatus.paused,
            is_listed=is_listed,
            sees_appointment=sees_appointment,
        )


def kind_of(offer: Offer, freed: FreedTime, wish: WaitlistEntry, own: Appointment | None, now: datetime) -> str:
    """Open, accepted, declined, expired or taken, as the offer says; and why it ended where she herself brought it about.

    `own` is her appointment: the one that an offer moves, or the one that has come of it. `changed` was accepted, and the
    appointment is elsewhere by now; `cancelled`, `left` and `moved` are what she did instead of answering.
    """
    if offer.status is OfferStatus.open and offer.answer_until <= now:
        return "expired"
    if offer.status is OfferStatus.accepted:
        is_gone = own is None or own.status is AppointmentStatus.cancelled or own.starts_at != freed.starts_at
        return "changed" if is_gone else "accepted"
    if offer.status is not OfferStatus.withdrawn:
        return str(offer.status)
    if own is not None and own.status is AppointmentStatus.cancelled:
        return "cancelled"
    if offer.decided_by != str(ActorKind.patient):
        return "withdrawn"
    return "left" if wish.status is EntryStatus.withdrawn else "moved"


def _kept(*, is_booked: bool, is_listed: bool) -> str:
    if is_booked and is_listed:
        return t("You keep your appointment and your place on the list.")
    if is_listed:
        return t("You keep your place on the list.")
    return t("Your appointment stays as it is.") if is_booked else ""
