"""The appointment that a patient looks at, as a file for her calendar."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from medcal import clock
from medcal.config import settings
from medcal.db import in_transaction
from medcal.edge.cookies import request_visit_ref
from medcal.errors import NotFound
from medcal.i18n import language, t
from medcal.models import Appointment, AppointmentStatus, Doctor, Location, Patient
from medcal.services import access
from medcal.services.calendar_files import Contact, Entry, Method, calendar_file

router = APIRouter()


@router.get("/api/appointment.ics")
def download(request: Request) -> Response:
    """What the visit cookie sees first; 404 for a browser that sees none."""
    visit = request_visit_ref(request)
    if visit is None:
        raise NotFound
    return Response(
        in_transaction(_file_of_what_is_seen, visit),
        media_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"', "Cache-Control": "no-store"},
    )


def _file_of_what_is_seen(db: Session, visit: str) -> str:
    now = clock.now()
    seen = access.what_may_be_seen(db, visit, now)
    if not seen:
        raise NotFound
    appointment = seen[0]
    # Put into the calendar by her own hand: no invitation that a mail program answers, so no attendee.
    is_cancelled = appointment.status is AppointmentStatus.cancelled
    with language(db.get_one(Patient, appointment.patient_id).language):
        return calendar_file(_entry(db, appointment), Method.cancel if is_cancelled else Method.publish, now)


def _entry(db: Session, appointment: Appointment) -> Entry:
    doctor, place = db.get_one(Doctor, appointment.doctor_id), db.get_one(Location, appointment.location_id)
    return Entry(
        ref=appointment.ref,
        version=appointment.version,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        summary=t("Appointment at {place}", place=place.name),
        description="\n".join(line for line in (doctor.name, place.phone) if line),
        location=", ".join(line for line in (place.name, place.street, place.city) if line),
        organizer=Contact(place.name, place.email or f"no-reply@{urlsplit(settings().url).hostname}"),
    )
