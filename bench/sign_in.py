"""What guessing comes to: from one address, from a thousand at one account, and whether time tells known from unknown.

Against a running web worker, with the addresses that a proxy would report (TRUSTED_PROXY_HOPS=1).
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlmodel import Session

import medcal.db
from bench import ranks, report, scratch
from medcal.db import in_transaction
from medcal.security import Role, hash_password
from tests.e2e.support.clinic import open_clinic
from tests.e2e.support.processes import free_port, web_worker
from tests.support.factories import PASSWORD, make_user

GUESSES = 1_000
SAMPLES = 240
KINDS = ("known", "unknown", "disabled", "invited")


def measure() -> None:
    with scratch.database() as url:
        # Settings are read once, so the measuring has a process of its own, beside that of the clinic.
        work = "from bench import sign_in; sign_in.measure_here()"
        subprocess.run([sys.executable, "-c", work], env=scratch.environment(url), check=True)


def measure_here() -> None:
    """In a process whose DATABASE_URL is an empty clinic's."""
    clinic = open_clinic(medcal.db.engine())
    in_transaction(_add_accounts)
    with ExitStack() as stack:
        door = _open(stack)
        times = _times(door)
        one = _guess(door, [clinic.sam.email] * GUESSES, ["203.0.113.1"] * GUESSES)
        right_elsewhere = door.knock(clinic.sam.email, PASSWORD, "198.51.100.1").word
        many = _guess(door, ["ada@clinic.example"] * GUESSES, [address_of(10, place) for place in range(GUESSES)])
        right_meanwhile = door.knock("ada@clinic.example", PASSWORD, "198.51.100.2").word
    _report_guesses({"one address, one account": one, "1,000 addresses, one account": many})
    print(f"\nThe right password meanwhile, from elsewhere: {right_elsewhere or 'in'}; {right_meanwhile or 'in'}.")
    _report_times(times)
    report.keep(
        "sign-in",
        {
            "guesses": {"one address": one, "many addresses": many},
            "right password": {"one address": right_elsewhere, "many addresses": right_meanwhile},
            "ms": times,
        },
    )


def _add_accounts(db: Session) -> None:
    """Of each kind so many that none of them is tried twice."""
    stored = hash_password(PASSWORD)
    for place in range(SAMPLES):
        for kind in ("known", "disabled", "invited"):
            make_user(
                db,
                "Somebody Else",
                Role.reception,
                email=f"{kind}-{place}@clinic.example",
                password_hash="" if kind == "invited" else stored,
                is_active=kind != "disabled",
            )


@dataclass(frozen=True)
class Answer:
    """What a try came to: the word in the address that it leads to (empty: let in), after so many milliseconds."""

    word: str
    ms: float


class Door:
    """The form for signing in, as a browser behind the proxy posts it."""

    def __init__(self, address: str):
        self._client = httpx.Client(base_url=address, headers={"origin": address, "sec-fetch-site": "same-origin"})

    def knock(self, email: str, password: str, address: str) -> Answer:
        self._client.cookies.clear()
        began = time.perf_counter()
        answer = self._client.post(
            "/api/sign-in", data={"email": email, "password": password}, headers={"x-forwarded-for": address}
        )
        ms = (time.perf_counter() - began) * 1000
        return Answer(answer.headers["location"].partition("failed=")[2], ms)


def _open(stack: ExitStack) -> Door:
    return Door(open_worker(stack))


def open_worker(stack: ExitStack) -> str:
    """The address of a web worker that believes one proxy, running until the stack is left."""
    folder, port = Path(stack.enter_context(tempfile.TemporaryDirectory())), free_port()
    address = f"http://localhost:{port}"
    settings = {"MEDCAL_HOME": str(folder), "MEDCAL_PORT": str(port), "MEDCAL_URL": address, "TRUSTED_PROXY_HOPS": "1"}
    stack.enter_context(web_worker(Path(os.environ["TEST_SITE"]), port, settings, folder))
    return address


def address_of(net: int, place: int) -> str:
    return f"{net}.{place // 65536 % 256}.{place // 256 % 256}.{place % 256}"


# --- Guessing ---------------------------------------------------------------------------------------------------------


def _guess(door: Door, emails: list[str], addresses: list[str]) -> dict[str, float]:
    """How many guesses were looked at, how many were told to wait, and how long all of them took."""
    began = time.perf_counter()
    words = Counter(
        door.knock(email, f"guess number {place}", address).word
        for place, (email, address) in enumerate(zip(emails, addresses, strict=True))
    )
    return {"looked at": words["refused"], "to wait": words["wait"], "seconds": time.perf_counter() - began}


def _report_guesses(found: dict[str, dict[str, float]]) -> None:
    report.table(
        f"{GUESSES} guesses ({report.load()})",
        ["", "looked at", "told to wait", "seconds"],
        [
            [name, f"{each['looked at']:.0f}", f"{each['to wait']:.0f}", f"{each['seconds']:.1f}"]
            for name, each in found.items()
        ],
    )


# --- Known and unknown ------------------------------------------------------------------------------------------------


def _times(door: Door) -> dict[str, list[float]]:
    """Milliseconds of a wrong password by kind of account: in turns, so that what else the machine does hits all alike."""
    for place in range(10):
        door.knock(f"warm-{place}@clinic.example", "wrong", address_of(11, place))
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for place in range(SAMPLES):
        turn = place % len(KINDS)
        for kind in KINDS[turn:] + KINDS[:turn]:
            address = address_of(12, place * len(KINDS) + KINDS.index(kind))
            answer = door.knock(f"{kind}-{place}@clinic.example", "not the password", address)
            assert answer.word == "refused", answer
            found[kind].append(answer.ms)
    return found


def _report_times(times: dict[str, list[float]]) -> None:
    report.table(
        f"A wrong password, ms, {SAMPLES} of each kind in turns ({report.load()})",
        ["account", *ranks.HEADER],
        [[kind, *ranks.cells(samples, times["known"])] for kind, samples in times.items()],
    )
