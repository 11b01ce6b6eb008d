"""Who works in the demo clinic, for what, and when."""

from dataclasses import dataclass, field
from datetime import time

from medcal.i18n import n_

LOCATION = {
    "slug": "vienna",
    "name": "Medcal Clinic",
    "zone": "Europe/Vienna",
    "street": "Rosengasse 12",
    "city": "1010 Vienna",
    "phone": "+43 1 555 0123",
    "email": "desk@medcal.test",
}


@dataclass(frozen=True)
class Person:
    """A doctor of the demo clinic. `weekend` adds a Saturday and Sunday morning, so that every day has somebody."""

    slug: str
    name: str
    specialty: str
    qualification: str
    languages: str
    since: int
    about: str
    raster: int = 20
    weekend: bool = False
    afternoons: tuple[int, ...] = field(default=(0, 1, 3))


DOCTORS = [
    Person(
        "ada-okafor",
        "Dr. Ada Okafor",
        "cardiology",
        "MD, FESC",
        n_("English, German, Igbo"),
        2008,
        n_(
            "Looks after people with high blood pressure and heart failure, and takes time to explain what a finding means."
        ),
        30,
        True,
        (0, 1, 2, 3, 4),
    ),
    Person(
        "henrik-lindqvist",
        "Dr. Henrik Lindqvist",
        "cardiology",
        "MD, PhD",
        n_("German, English, Swedish"),
        1999,
        n_("Heart rhythm and stress tests; runs the clinic's ECG laboratory."),
        30,
    ),
    Person(
        "mei-tanaka",
        "Dr. Mei Tanaka",
        "cardiology",
        "MD",
        n_("English, German, Japanese"),
        2015,
        n_("Preventive cardiology, sports check-ups, and heart health in pregnancy."),
        30,
        False,
        (2, 4),
    ),
    Person(
        "samuel-adeyemi",
        "Dr. Samuel Adeyemi",
        "dentistry",
        "DMD",
        n_("English, German, French"),
        2011,
        n_("Gentle dentistry for people who have put it off for too long."),
        30,
        True,
    ),
    Person(
        "lucia-ferrari",
        "Dr. Lucia Ferrari",
        "dentistry",
        "DMD, MSc",
        n_("German, Italian, English"),
        2017,
        n_("Fillings, crowns and gums, with an eye for what lasts."),
        30,
    ),
    Person(
        "tomas-novak",
        "Dr. Tomáš Novák",
        "dermatology",
        "MD",
        n_("German, Czech, English"),
        2005,
        n_("Skin cancer screening and everyday skin trouble."),
        20,
        True,
    ),
    Person(
        "amara-diallo",
        "Dr. Amara Diallo",
        "dermatology",
        "MD",
        n_("French, German, English"),
        2018,
        n_("Acne, eczema, and skin of colour."),
        20,
        False,
        (1, 3),
    ),
    Person(
        "eleanor-whitfield",
        "Dr. Eleanor Whitfield",
        "general-practice",
        "MD",
        n_("English, German"),
        1992,
        n_("Has looked after families in this district for three decades."),
        20,
        True,
        (0, 1, 2, 3),
    ),
    Person(
        "rafael-moreno",
        "Dr. Rafael Moreno",
        "general-practice",
        "MD",
        n_("Spanish, German, English"),
        2013,
        n_("Chronic illness, travel medicine and vaccinations."),
        20,
    ),
    Person(
        "yusuf-demir",
        "Dr. Yusuf Demir",
        "general-practice",
        "MD",
        n_("Turkish, German, English"),
        2019,
        n_("Listens first. Check-ups, infections, and sleep."),
        20,
        False,
        (0, 2, 4),
    ),
    Person(
        "ingrid-solberg",
        "Dr. Ingrid Solberg",
        "paediatrics",
        "MD",
        n_("German, Norwegian, English"),
        2003,
        n_("From the first days to school age."),
        20,
        True,
    ),
    Person(
        "noor-haddad",
        "Dr. Noor Haddad",
        "paediatrics",
        "MD",
        n_("Arabic, German, English"),
        2016,
        n_("Asthma, allergies, and worried parents."),
        20,
    ),
    Person(
        "daniel-weiss",
        "Dr. Daniel Weiss",
        "ophthalmology",
        "MD, FEBO",
        n_("German, English, Hebrew"),
        2009,
        n_("Glaucoma and cataract, and glasses that fit."),
        30,
        True,
    ),
    Person(
        "priya-raman",
        "Dr. Priya Raman",
        "orthopaedics",
        "MD, MSc",
        n_("English, German, Tamil"),
        2014,
        n_("Knees, backs and sports injuries; operates only when nothing else helps."),
        20,
        True,
    ),
]

MORNING = (time(8, 0), time(12, 0))
AFTERNOON = (time(13, 0), time(17, 0))
WEEKEND = (time(9, 0), time(13, 0))

ACCOUNTS = [
    ("admin@medcal.test", "Robin Castellan", "admin", None),
    ("desk@medcal.test", "Sam Rivers", "reception", None),
    ("okafor@medcal.test", "Dr. Ada Okafor", "doctor", "ada-okafor"),
]
PASSWORD = "medcal-demo"

PATIENTS = """
Alice Hartmann|1984-03-12|alice@patients.test|+4315550201
Bob Kessler|1957-11-02|bob@patients.test|+4315550202
Charlotte Nguyen|1991-07-23|charlotte@patients.test|+4315550203
David Osei|1975-01-30|david@patients.test|+4315550204
Elena Popescu|2001-05-14|elena@patients.test|+4315550205
Farid Rahimi|1968-09-09|farid@patients.test|+4315550206
Greta Baumann|1939-12-24||+4315550207
Hugo Silva|2016-04-01|family-silva@patients.test|+4315550208
Ida Johansson|2019-08-17|ida.family@patients.test|+4315550209
Jonas Berger|1988-02-29|jonas@patients.test|+4315550210
Katarina Kovač|1979-06-06|katarina@patients.test|+4315550211
Liam O'Brien|1995-10-10|liam@patients.test|+4315550212
Maria Conti|1962-03-03|maria@patients.test|+4315550213
Nadia Petrova|1986-12-12|nadia@patients.test|+4315550214
Oskar Wagner|1949-08-28||+4315550215
Paula Mendes|1999-01-19|paula@patients.test|+4315550216
Quentin Leroy|1972-05-05|quentin@patients.test|+4315550217
Rosa Jiménez|1966-07-07|rosa@patients.test|+4315550218
Stefan Gruber|1981-11-11|stefan@patients.test|+4315550219
Tereza Dvořáková|1993-02-14|tereza@patients.test|+4315550220
Uma Krishnan|1977-09-21|uma@patients.test|+4315550221
Viktor Horvath|1953-04-18|viktor@patients.test|+4315550222
Wilma de Vries|2005-06-30|wilma@patients.test|+4315550223
Xaver Huber|1969-10-02|xaver@patients.test|+4315550224
Yasmin Aydin|1990-08-08|yasmin@patients.test|+4315550225
Zoltán Szabó|1958-01-01|zoltan@patients.test|+4315550226
""".strip().splitlines()
