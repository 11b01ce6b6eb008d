"""The demo clinic's patients: some by hand, the others put together from given names and surnames. None of them exists."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from medcal.demo.clinic import PATIENTS
from medcal.models import Patient

GIVEN = """Agnes Ahmed Anton Beatrix Bruno Carla Clara Daniel Dilan Edith Emil Eva Fatima Felix Franziska Georg Hanna Helena Ignaz Irina
Jakob Jana Karim Klara Leon Lina Lorenz Magdalena Marko Milena Nina Noah Olga Paul Petra Rafael Renate Samuel Sara Simon Sofia Theo
Ursula Valerie Vinzenz Walter Zita"""
SURNAMES = """Adler Arslan Bauer Brandl Dimitrov Eder Egger Farkas Fischer Fuchs Haas Hofer Ivanov Jovanović Kaya Klein Kowalski Lang
Lehner Maier Marković Moser Nemeth Novotny Okoye Pichler Popović Reiter Rossi Schmid Schuster Steiner Tanaka Vogl Weiss Winkler Yılmaz
Zimmermann"""
MANY = 240
ADULT, OLDEST = 20 * 365, 92 * 365
# Some of the older ones have only a landline: reception calls them.
OLD = 75 * 365


def people(chance: random.Random, today: date, now: datetime) -> Iterator[Patient]:
    """Everybody whom the clinic knows."""
    for line in PATIENTS:
        name, born_on, email, phone = line.split("|")
        yield Patient(
            name=name, born_on=date.fromisoformat(born_on), email=email or None, phone=phone or None, created_at=now
        )
    pairs = [(given, surname) for given in GIVEN.split() for surname in SURNAMES.split()]
    for number, (given, surname) in enumerate(chance.sample(pairs, MANY)):
        age = chance.randrange(ADULT, OLDEST)
        has_mail = age < OLD or chance.random() < 0.4
        yield Patient(
            name=f"{given} {surname}",
            born_on=today - timedelta(days=age),
            email=f"patient{number + 101}@patients.test" if has_mail else None,
            phone=f"+431555{number + 1001:04}",
            created_at=now,
        )
