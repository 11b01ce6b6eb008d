"""What guessing comes to at a patient's one-time codes and links, and whether time tells a contact that we know from one that we do not.

Against a running web worker, with the addresses that a proxy would report (TRUSTED_PROXY_HOPS=1).
"""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import httpx
from sqlmodel import Session

import medcal.db
from bench import ranks, report, scratch
from bench.sign_in import GUESSES, SAMPLES, address_of, open_worker
from medcal import clock, routes
from medcal.db import fetch_one, in_transaction
from medcal.edge.cookies import VISIT
from medcal.models import AccessToken
from medcal.security import digest, new_secret
from tests.e2e.support.clinic import OpenClinic, open_clinic
from tests.support.factories import add, make_appointment, make_booker, make_patient
from tests.support.proof import for_a_code

CONTACTS = ("patient", "unknown", "booker")
LINKS = ("expired", "unknown")


def measure() -> None:
    with scratch.database() as url:
        # Settings are read once, so the measuring has a process of its own, beside that of the clinic.
        work = "from bench import codes; codes.measure_here()"
        subprocess.run([sys.executable, "-c", work], env=scratch.environment(url), check=True)


def measure_here() -> None:
    """In a process whose DATABASE_URL is an empty clinic's."""
    clinic = open_clinic(medcal.db.engine())
    expired = in_transaction(_add_people, clinic)
    with ExitStack() as stack:
        door = Door(open_worker(stack))
        contacts = _times(CONTACTS, lambda kind, place, address: door.ask(f"{kind}-{place}@example.com", address))
        tokens = {"expired": expired, "unknown": [new_secret() for _ in range(SAMPLES)]}
        links = _times(LINKS, lambda kind, place, address: door.follow(tokens[kind][place], address))
        guessed = {
            "one address at one contact": _guess(door, "patient-0@example.com", lambda _: "203.0.113.1"),
            "1,000 addresses at one contact": _guess(door, "patient-1@example.com", lambda n: address_of(20, n)),
            "one address at 1,000 links": _guess_links(door),
        }
    _report(guessed, contacts, links)
    report.keep("codes", {"guesses": guessed, "contact ms": contacts, "link ms": links})


def _add_people(db: Session, clinic: OpenClinic) -> list[str]:
    """Of each kind so many that none is asked about twice; returns links that have expired."""
    now, tokens = clock.now(), []
    for place in range(SAMPLES):
        patient = make_patient(db, "Somebody Else", f"patient-{place}@example.com")
        booker = make_booker(db, "Somebody Who Books", f"booker-{place}@example.com")
        child = make_patient(db, "Somebody Young", None)
        make_appointment(db, clinic, now + timedelta(days=3, minutes=30 * place), child, booker_id=booker.id)
        tokens.append(new_secret())
        times = {"created_at": now - timedelta(days=30), "expires_at": now - timedelta(days=1)}
        add(db, AccessToken(token_digest=digest(tokens[-1]), patient_id=patient.id, purpose="appointment", **times))
    return tokens


@dataclass(frozen=True)
class Answer:
    """Where a try leads to, after so many milliseconds."""

    location: str
    ms: float


class Door:
    """The forms of the page for codes, as a browser behind the proxy posts them."""

    def __init__(self, address: str):
        sent = {"origin": address, "sec-fetch-site": "same-origin", "accept": "text/html"}
        self.client = httpx.Client(base_url=address, headers=sent)

    def ask(self, contact: str, address: str) -> Answer:
        """For a code, in a browser of its own."""
        self.client.cookies.clear()
        self.client.cookies.set(VISIT, new_secret())
        return self._call("/api/appointment/code", address, contact=contact, proof=for_a_code())

    def open(self, code: str, address: str) -> Answer:
        """With a code, in the browser that has asked last."""
        return self._call("/api/appointment/open", address, code=code)

    def follow(self, token: str, address: str) -> Answer:
        self.client.cookies.clear()
        return self._call(f"/l/{token}", address)

    def _call(self, path: str, address: str, **form: str) -> Answer:
        began = time.perf_counter()
        answer = self.client.request(
            "POST" if form else "GET", path, data=form or None, headers={"x-forwarded-for": address}
        )
        return Answer(answer.headers["location"], (time.perf_counter() - began) * 1000)


# --- Guessing ---------------------------------------------------------------------------------------------------------


def _guess(door: Door, contact: str, address: Callable[[int], str]) -> dict[str, float]:
    """A thousand codes; another one is asked for whenever the last allows no more guesses. How many were looked at, and how many opened."""
    began, words = time.perf_counter(), Counter[str]()
    before = in_transaction(_tries)
    for number in range(GUESSES):
        if number % 5 == 0:
            words[door.ask(contact, address(number)).location.partition("?")[2]] += 1
        words["opened" if "failed" not in door.open(f"{number:06d}", address(number)).location else "closed"] += 1
    return {
        "codes": words["step=code"],
        "looked at": in_transaction(_tries) - before,
        "opened": words["opened"],
        "seconds": time.perf_counter() - began,
    }


def _tries(db: Session) -> int:
    row = fetch_one(db, "SELECT coalesce(sum(tries), 0)::int AS tries FROM one_time_code")
    assert row is not None
    return int(row.tries)


def _guess_links(door: Door) -> dict[str, float]:
    began = time.perf_counter()
    places = Counter(door.follow(new_secret(), "203.0.113.2").location for _ in range(GUESSES))
    opened = GUESSES - sum(count for place, count in places.items() if routes.OLD_LINK in place)
    return {"codes": 0, "looked at": GUESSES, "opened": opened, "seconds": time.perf_counter() - began}


# --- Known and unknown ------------------------------------------------------------------------------------------------


def _times(kinds: tuple[str, ...], call: Callable[[str, int, str], Answer]) -> dict[str, list[float]]:
    """Milliseconds by kind: in turns, so that what else the machine does hits all alike. All are answered in the same words."""
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    places = set()
    for place in range(SAMPLES):
        turn = place % len(kinds)
        for kind in kinds[turn:] + kinds[:turn]:
            answer = call(kind, place, address_of(30, place * len(kinds) + kinds.index(kind)))
            places.add(answer.location)
            # What is made once per process is made by then.
            if place >= len(kinds):
                found[kind].append(answer.ms)
    assert len(places) == 1, places
    return found


def _report(
    guessed: dict[str, dict[str, float]], contacts: dict[str, list[float]], links: dict[str, list[float]]
) -> None:
    report.table(
        f"{GUESSES} guesses ({report.load()})",
        ["", "codes sent", "looked at", "opened", "seconds"],
        [
            [name, *(f"{each[what]:.0f}" for what in ("codes", "looked at", "opened")), f"{each['seconds']:.1f}"]
            for name, each in guessed.items()
        ],
    )
    for title, times in (("A code is asked for", contacts), ("A link is followed", links)):
        first = next(iter(times))
        report.table(
            f"{title}, ms, {len(times[first])} of each kind in turns",
            ["", *ranks.HEADER],
            [[kind, *ranks.cells(samples, times[first])] for kind, samples in times.items()],
        )
