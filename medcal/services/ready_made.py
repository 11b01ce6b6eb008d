"""Specialties that a new clinic can take as they are, in every language: what they are for, why people come, and how long it takes."""

from dataclasses import dataclass

from medcal.i18n import n_


@dataclass(frozen=True)
class ReadyVisit:
    """A visit type: minutes of the visit, minutes the doctor needs after it, and how late it can still be booked."""

    name: str
    length: int
    buffer: int = 0
    notice: int = 60


@dataclass(frozen=True)
class ReadySpecialty:
    """A specialty with what people come for."""

    slug: str
    name: str
    practitioner: str
    summary: str
    icon: str
    reasons: list[str]
    visits: list[ReadyVisit]


READY_MADE = [
    ReadySpecialty(
        "general-practice",
        n_("General practice"),
        n_("General physician"),
        n_("Your first stop: infections, check-ups, vaccinations, prescriptions, and anything you are unsure about."),
        "stethoscope",
        [
            n_("New complaint"),
            n_("Follow-up"),
            n_("Check-up"),
            n_("Vaccination"),
            n_("Prescription"),
            n_("Sick note"),
            n_("Something else"),
        ],
        [ReadyVisit(n_("Consultation"), 20), ReadyVisit(n_("Health check"), 40, 5)],
    ),
    ReadySpecialty(
        "cardiology",
        n_("Cardiology"),
        n_("Cardiologist"),
        n_(
            "Heart and circulation: blood pressure, palpitations, chest pain, shortness of breath, preventive check-ups."
        ),
        "heart-pulse",
        [
            n_("Chest pain or tightness"),
            n_("Palpitations"),
            n_("High blood pressure"),
            n_("Follow-up"),
            n_("Check-up"),
            n_("Something else"),
        ],
        [ReadyVisit(n_("Consultation"), 30, 10, 120), ReadyVisit(n_("Stress test"), 60, 15, 240)],
    ),
    ReadySpecialty(
        "dentistry",
        n_("Dentistry"),
        n_("Dentist"),
        n_("Teeth and gums: toothache, check-ups, fillings, professional cleaning."),
        "smile",
        [n_("Toothache"), n_("Check-up"), n_("Cleaning"), n_("Filling or crown"), n_("Gums"), n_("Something else")],
        [ReadyVisit(n_("Check-up"), 30, 0), ReadyVisit(n_("Treatment"), 60, 10)],
    ),
    ReadySpecialty(
        "dermatology",
        n_("Dermatology"),
        n_("Dermatologist"),
        n_("Skin, hair and nails: moles, rashes, acne, eczema, skin cancer screening."),
        "scan-face",
        [
            n_("Mole check"),
            n_("Rash or itching"),
            n_("Acne"),
            n_("Hair or nails"),
            n_("Follow-up"),
            n_("Something else"),
        ],
        [ReadyVisit(n_("Consultation"), 20), ReadyVisit(n_("Skin screening"), 40, 5)],
    ),
    ReadySpecialty(
        "paediatrics",
        n_("Paediatrics"),
        n_("Paediatrician"),
        n_("Babies, children and teenagers: illness, growth, vaccinations, preventive examinations."),
        "baby",
        [
            n_("My child is ill"),
            n_("Vaccination"),
            n_("Preventive examination"),
            n_("Growth and development"),
            n_("Something else"),
        ],
        [ReadyVisit(n_("Consultation"), 20), ReadyVisit(n_("Preventive examination"), 40, 5)],
    ),
    ReadySpecialty(
        "ophthalmology",
        n_("Ophthalmology"),
        n_("Ophthalmologist"),
        n_("Eyes and sight: vision tests, glasses, dry or red eyes, glaucoma and cataract checks."),
        "eye",
        [n_("Vision test"), n_("Red or painful eye"), n_("Glaucoma check"), n_("Follow-up"), n_("Something else")],
        [ReadyVisit(n_("Eye examination"), 30, 5)],
    ),
    ReadySpecialty(
        "orthopaedics",
        n_("Orthopaedics"),
        n_("Orthopaedist"),
        n_("Bones, joints and back: pain, injuries, sports medicine, joint replacement advice."),
        "bone",
        [
            n_("Back pain"),
            n_("Knee or hip"),
            n_("Shoulder or arm"),
            n_("Sports injury"),
            n_("Follow-up"),
            n_("Something else"),
        ],
        [ReadyVisit(n_("Consultation"), 20, 5)],
    ),
]
