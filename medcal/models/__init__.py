"""The tables. Importing this package fills SQLModel.metadata with all of them."""

from medcal.models.appointments import Appointment, AppointmentStatus
from medcal.models.audit import AccessRecord, AuditCheckpoint, AuditRule, AuditSeal, PatientKey
from medcal.models.consents import ConsentText
from medcal.models.history import Event
from medcal.models.identities import ProviderLogout, ProviderSession, ProviderSignIn, StaffIdentity
from medcal.models.messages import Delivery, LetterText, Message, MessageStatus
from medcal.models.people import (
    AccessToken,
    Booker,
    OneTimeCode,
    Patient,
    PatientAccess,
    StaffSession,
    StaffUser,
    Throttle,
)
from medcal.models.places import CalendarFeed, Doctor, Location, ReminderRule, Specialty, VisitType
from medcal.models.policies import OfferPolicy, OfferStep
from medcal.models.schedule import Opening, Slot, TimeOff, WorkingHours
from medcal.models.staff import LinkPurpose, RecoveryCode, SignInTicket, StaffLink
from medcal.models.waitlist import EntryStatus, FreedEnd, FreedStatus, FreedTime, Offer, OfferStatus, WaitlistEntry
from medcal.models.work import Job, JobStatus, PeriodicRun

__all__ = [
    "AccessRecord",
    "AccessToken",
    "Appointment",
    "AppointmentStatus",
    "AuditCheckpoint",
    "AuditRule",
    "AuditSeal",
    "Booker",
    "CalendarFeed",
    "ConsentText",
    "Delivery",
    "Doctor",
    "EntryStatus",
    "Event",
    "FreedEnd",
    "FreedStatus",
    "FreedTime",
    "Job",
    "JobStatus",
    "LetterText",
    "LinkPurpose",
    "Location",
    "Message",
    "MessageStatus",
    "Offer",
    "OfferPolicy",
    "OfferStatus",
    "OfferStep",
    "OneTimeCode",
    "Opening",
    "Patient",
    "PatientAccess",
    "PatientKey",
    "PeriodicRun",
    "ProviderLogout",
    "ProviderSession",
    "ProviderSignIn",
    "RecoveryCode",
    "ReminderRule",
    "SignInTicket",
    "Slot",
    "Specialty",
    "StaffIdentity",
    "StaffLink",
    "StaffSession",
    "StaffUser",
    "Throttle",
    "TimeOff",
    "VisitType",
    "WaitlistEntry",
    "WorkingHours",
]
