"""Every page: where it lives, what it is called, what loads it, and what it looks like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from medcal import routes
from medcal.i18n import n_
from medcal.pages import (
    account,
    appointment,
    audit,
    book,
    booked,
    clinic_settings,
    consent_texts,
    doctor,
    doctors,
    feeds,
    find,
    home,
    message_rules,
    new_password,
    offer,
    offer_rules,
    old_link,
    people,
    privacy,
    setup,
    sign_in,
    sign_in_code,
    specialties,
    specialty,
    staff_appointments,
    staff_calendar,
    staff_messages,
    staff_offers,
    staff_statistics,
    staff_waitlist,
    wish,
    words,
    your_data,
)
from medcal.state.account import AccountState
from medcal.state.appointment import AppointmentState
from medcal.state.audit import AuditState
from medcal.state.booking import BookingState
from medcal.state.browse import DoctorState, HomeState, SpecialtyState
from medcal.state.calendar import CalendarState
from medcal.state.clinic import ClinicState
from medcal.state.clinic_settings import ClinicSettingsState, ClosuresState
from medcal.state.consent import ConsentState
from medcal.state.consent_texts import ConsentTextsState
from medcal.state.doctors import DoctorsState
from medcal.state.feeds import FeedsState
from medcal.state.find import FindState
from medcal.state.heartbeat import HeartbeatState
from medcal.state.message_rules import MessageRulesState
from medcal.state.offer import OfferState
from medcal.state.offer_rules import OfferRulesState
from medcal.state.people import PeopleState
from medcal.state.privacy import PrivacyState
from medcal.state.setup import SetupState
from medcal.state.sign_in import SignInState
from medcal.state.specialties import SpecialtiesState
from medcal.state.staff_appointments import StaffAppointmentsState
from medcal.state.staff_messages import StaffMessagesState
from medcal.state.staff_offers import StaffOffersState
from medcal.state.staff_statistics import StaffStatisticsState
from medcal.state.staff_waitlist import StaffWaitlistState
from medcal.state.wish import EarlierState
from medcal.state.words import WordsState
from medcal.state.your_data import YourDataState


@dataclass(frozen=True)
class Page:
    """A page that is built once in every language; `title` and `description` are texts of the catalogue."""

    route: str
    title: str
    build: Callable[[], rx.Component]
    on_load: Sequence[Any] = (ClinicState.load,)
    description: str = n_("Find a doctor and book an appointment without an account.")

    @property
    def loads(self) -> tuple[Any, ...]:
        """What runs when it opens; every page of the staff also says whether the scheduler runs."""
        is_of_staff = routes.is_staff_page(self.route)
        return (*([HeartbeatState.load] if is_of_staff else []), *self.on_load)


PAGES = [
    Page(routes.HOME, n_("Medcal: find a doctor and book"), home.page, (ClinicState.load, HomeState.load)),
    Page(routes.SPECIALTY, n_("Doctors and free times"), specialty.page, (ClinicState.load, SpecialtyState.load)),
    Page(routes.DOCTOR, n_("Free times"), doctor.page, (ClinicState.load, DoctorState.load)),
    Page(routes.BOOK, n_("Your details"), book.page, (ClinicState.load, ConsentState.load, BookingState.load)),
    Page(routes.BOOKED, n_("Your appointment is booked"), booked.page, (ClinicState.load, AppointmentState.load)),
    Page(
        routes.APPOINTMENT,
        n_("My appointment"),
        appointment.page,
        (ClinicState.load, ConsentState.load, AppointmentState.load),
    ),
    Page(routes.FIND_APPOINTMENT, n_("Find my appointment"), find.page, (ClinicState.load, FindState.load)),
    Page(routes.OFFER, n_("An earlier time for you"), offer.page, (ClinicState.load, OfferState.load)),
    Page(routes.WISH, n_("Something earlier"), wish.page, (ClinicState.load, EarlierState.load)),
    Page(routes.PRIVACY, n_("What we keep about you"), privacy.page, (ClinicState.load, PrivacyState.load)),
    Page(routes.YOUR_DATA, n_("Your data"), your_data.page, (ClinicState.load, YourDataState.load)),
    Page(routes.OLD_LINK, n_("This link no longer works"), old_link.page),
    Page(routes.SIGN_IN, n_("Sign in"), sign_in.page, (ClinicState.load, SignInState.load)),
    Page(routes.SIGN_IN_CODE, n_("Sign in"), sign_in_code.page, (ClinicState.load, SignInState.load)),
    Page(routes.NEW_PASSWORD, n_("Your password"), new_password.page, (ClinicState.load, SignInState.load)),
    Page(routes.STAFF_CALENDAR, n_("Calendar"), staff_calendar.page, (CalendarState.load,)),
    Page(routes.STAFF_APPOINTMENTS, n_("Appointments"), staff_appointments.page, (StaffAppointmentsState.load,)),
    Page(routes.STAFF_OFFERS, n_("Offers"), staff_offers.page, (StaffOffersState.load,)),
    Page(routes.STAFF_OFFER_RULES, n_("Rules of offers"), offer_rules.page, (OfferRulesState.load,)),
    Page(routes.STAFF_MESSAGE_RULES, n_("Rules of messages"), message_rules.page, (MessageRulesState.load,)),
    Page(routes.STAFF_WAITLIST, n_("Waitlist"), staff_waitlist.page, (StaffWaitlistState.load,)),
    Page(routes.STAFF_MESSAGES, n_("Messages"), staff_messages.page, (StaffMessagesState.load,)),
    Page(routes.STAFF_WORDS, n_("Words of messages"), words.page, (WordsState.load,)),
    Page(routes.STAFF_CONSENT, n_("What patients agree to"), consent_texts.page, (ConsentTextsState.load,)),
    Page(routes.STAFF_FEEDS, n_("In your calendar program"), feeds.page, (FeedsState.load,)),
    Page(routes.STAFF_STATISTICS, n_("Statistics"), staff_statistics.page, (StaffStatisticsState.load,)),
    Page(routes.STAFF_PEOPLE, n_("People"), people.page, (PeopleState.load,)),
    Page(routes.STAFF_ACCOUNT, n_("Your account"), account.page, (AccountState.load,)),
    Page(
        routes.STAFF_SETUP,
        n_("Set up your clinic"),
        setup.page,
        (SetupState.load, ClinicSettingsState.load, DoctorsState.load),
    ),
    Page(routes.STAFF_CLINIC, n_("Clinic"), clinic_settings.page, (ClinicSettingsState.load, ClosuresState.load)),
    Page(routes.STAFF_SPECIALTIES, n_("Specialties"), specialties.page, (SpecialtiesState.load, SetupState.load)),
    Page(routes.STAFF_AUDIT, n_("History"), audit.page, (AuditState.load,)),
    Page(routes.STAFF_DOCTORS, n_("Doctors"), doctors.page, (DoctorsState.load, ClosuresState.load)),
]
