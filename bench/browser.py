"""What people wait for: a click until the page has changed, and a change in the calendar until a second browser shows it.

A clinic with web worker and scheduler is opened for it, as for the browser tests. Times are taken inside of Chromium, by a watch on the
page itself, so that nothing is measured of the tool that clicks.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlmodel import Session

import medcal.db
from bench import report, scratch
from medcal import clock
from medcal.db import in_transaction
from medcal.services import booking
from medcal.services.patients import Person
from tests.e2e.conftest import FLAGS
from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic, open_clinic
from tests.e2e.support.processes import free_port, scheduler, web_worker

CLICKS, CHANGES = 60, 40
CLICK_AIM_MS, CHANGE_AIM_MS = 30, 300
# People look before they click again, and a worker limits how much one browser may ask.
PAUSE_MS = 150

# From the click until what `selector` finds says something else.
CLICK = """
([button, selector]) => new Promise((resolve) => {
  const read = () => {
    const found = document.querySelector(selector);
    return found && (found.getAttribute('aria-label') || found.textContent);
  };
  const before = read();
  const observer = new MutationObserver(() => {
    if (read() === before) return;
    observer.disconnect();
    resolve(performance.now() - began);
  });
  observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  const began = performance.now();
  button.click();
})
"""
# The instant at which somebody's name stands on the page.
APPEARED = """
(name) => {
  window.appeared = new Promise((resolve) => {
    const look = () => { if (document.body.innerText.includes(name)) { observer.disconnect(); resolve(Date.now()); } };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { subtree: true, childList: true, characterData: true });
  });
}
"""


def measure() -> None:
    with scratch.database() as url:
        # Settings are read once, so the measuring has a process of its own, beside those of the clinic.
        work = "from bench import browser; browser.measure_here()"
        subprocess.run([sys.executable, "-c", work], env=scratch.environment(url), check=True)


def measure_here() -> None:
    """In a process whose DATABASE_URL is an empty clinic's."""
    clinic = open_clinic(medcal.db.engine())
    with ExitStack() as stack:
        address = _open(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("TEST_CHROMIUM")
            or shutil.which("chromium-headless-shell")
            or shutil.which("chromium"),
            args=FLAGS,
        )
        page, first, second = (
            _patients_page(chromium, address, clinic),
            *(_desks_page(chromium, address, clinic) for _ in range(2)),
        )
        figures = {
            "a patient turns to other days": _clicks(page, ["Later days", "Earlier days"], "button.time"),
            "the desk turns to another day": _clicks(first, ["Forward", "Back"], "main h2"),
            "a booking, until the other desk shows it": _changes(second, clinic),
        }
        chromium.close()
    aims = (CLICK_AIM_MS, CLICK_AIM_MS, CHANGE_AIM_MS)
    rows = [
        (name, *report.percentiles(samples), aim) for (name, samples), aim in zip(figures.items(), aims, strict=True)
    ]
    report.table(
        f"In Chromium, ms ({CLICKS} clicks, {CHANGES} changes; {report.load()})",
        ["", "p50", "p95", "aim for p95", ""],
        [[name, f"{p50:.0f}", f"{p95:.0f}", aim, "met" if p95 < aim else "missed"] for name, p50, p95, aim in rows],
    )
    report.keep("browser", {name: {"p50": p50, "p95": p95} for name, p50, p95, _ in rows})


def _open(stack: ExitStack, folder: Path) -> str:
    """The address of the clinic, its processes running until the stack is left."""
    port = free_port()
    settings = {"MEDCAL_HOME": str(folder), "MEDCAL_PORT": str(port), "MEDCAL_URL": f"http://localhost:{port}"}
    stack.enter_context(web_worker(_site(), port, settings, folder))
    stack.enter_context(scheduler(settings, folder))
    return settings["MEDCAL_URL"]


def _site() -> Path:
    if given := os.environ.get("TEST_SITE"):
        return Path(given)
    from tools.frontend import build
    from tools.processes import Family

    with Family() as family:
        return build(family)


def _patients_page(chromium: Browser, address: str, clinic: OpenClinic) -> Page:
    page = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"/doctors/{clinic.okafor.slug}")
    patient.free_time(page, clinic, clinic.at(4, "10:00")).wait_for()
    return page


def _desks_page(chromium: Browser, address: str, clinic: OpenClinic) -> Page:
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "medcal_session", "value": clinic.session_of(clinic.sam), "url": address}])
    page = context.new_page()
    reception.open_calendar(page, clinic, clinic.day_of(clinic.at(4, "10:00")))
    return page


def _clicks(page: Page, buttons: list[str], selector: str) -> list[float]:
    """Milliseconds of each click, the buttons in turn."""
    samples = []
    for number in range(CLICKS + 4):
        button = page.get_by_role("button", name=buttons[number % 2], exact=True).element_handle()
        samples.append(page.evaluate(CLICK, [button, selector]))
        page.wait_for_timeout(PAUSE_MS)
    # The first ones of each direction fetch what is there afterwards.
    return samples[4:]


def _changes(page: Page, clinic: OpenClinic) -> list[float]:
    """Milliseconds from the call that books in another process until the page shows the name."""
    samples = []
    for number in range(CHANGES):
        name = f"Number {number:03} Somebody"
        page.evaluate(APPEARED, name)
        began = clock.now().timestamp()
        in_transaction(_book, clinic, number, name)
        samples.append(page.evaluate("window.appeared") - began * 1000)
        page.wait_for_timeout(PAUSE_MS)
    return samples


def _book(db: Session, clinic: OpenClinic, number: int, name: str) -> None:
    doctor = (clinic.okafor, clinic.lindqvist)[number % 2]
    starts_at = clinic.at(4, "08:00") + number // 2 * timedelta(minutes=30)
    person = Person(name, date(1984, 2, 29), None, None)
    booking.book_at_desk(
        db,
        doctor,
        clinic.visit_type,
        starts_at,
        person,
        overbook_reason="It is urgent",
        by=clinic.desk,
        now=clock.now(),
    )
