"""What a person waits for: a click until the page has changed, and a change at one desk until another desk sees it."""

import os
from datetime import timedelta
from statistics import quantiles
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, sync_playwright

from bench.serving import clinic
from medcal import clock

CLICKS = 40
MOVES = 20
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def measure() -> dict[str, object]:
    """Milliseconds, measured inside Chromium with its own clock, on a clinic that serves nobody else."""
    with clinic() as url, sync_playwright() as playwright:
        path = os.environ.get("MEDCAL_CHROMIUM") or (
            "/usr/bin/chromium" if os.path.exists("/usr/bin/chromium") else None
        )
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        try:
            return {
                "click until the page has changed": _clicks(browser, url),
                "change until a second browser shows it": _second_browser(browser, url),
            }
        finally:
            browser.close()


# Clicks an element and resolves with the milliseconds until the watched text is another one.
CLICK = """([button, watched]) => new Promise((resolve) => {
  const shown = document.querySelector(watched), before = shown.textContent;
  const began = performance.now();
  const look = new MutationObserver(() => {
    if (document.querySelector(watched).textContent !== before) { look.disconnect(); resolve(performance.now() - began); }
  });
  look.observe(document.body, { subtree: true, childList: true, characterData: true });
  document.querySelector(button).click();
})"""


def _clicks(browser: Browser, url: str) -> dict[str, float]:
    """The kind of visit on a doctor's page: a round trip with the fortnight read anew from the database."""
    page = browser.new_page()
    page.goto(f"{url}/doctors/ada-okafor")
    page.locator(".segment").first.wait_for()
    spent = []
    for _ in range(CLICKS + 5):
        spent.append(page.evaluate(CLICK, ['.segment[aria-pressed="false"]', "#content"]))
        page.wait_for_timeout(50)
    return _cuts(spent[5:])


# Notes when the number of blocks in the calendar changes, on the clock that all pages of this machine share.
WATCH = """() => {
  const count = () => document.querySelectorAll(".ec-event").length;
  let before = count();
  window.changedAt = null;
  new MutationObserver(() => {
    if (count() !== before) { before = count(); window.changedAt = performance.timeOrigin + performance.now(); }
  }).observe(document.body, { subtree: true, childList: true });
}"""
PRESS = """() => {
  const at = performance.timeOrigin + performance.now();
  document.querySelector(".day-row .time").click();
  return at;
}"""


def _second_browser(browser: Browser, url: str) -> dict[str, float]:
    """A patient takes a time in one browser; in another one the desk's calendar gains a block."""
    desk, patient = _signed_in(browser, url), browser.new_context().new_page()
    patient.goto(f"{url}/doctors/ada-okafor")
    patient.locator(".day-row .time").first.wait_for()
    desk.locator("input[type=date]").fill(_day_of_first_time(patient))
    desk.wait_for_timeout(1000)
    desk.evaluate(WATCH)
    return _cuts([_hold_and_let_go(patient, desk) for _ in range(MOVES + 3)][3:])


def _day_of_first_time(patient: Page) -> str:
    """Which day the first free time is on: the first of the fortnight's rows that is not empty, counted from the clinic's today."""
    rows = patient.locator(".day-row").evaluate_all("rows => rows.findIndex(row => !row.classList.contains('none'))")
    today = clock.local_day(clock.now(), ZoneInfo("Europe/Vienna"))
    return (today + timedelta(days=int(rows))).isoformat()


def _hold_and_let_go(patient: Page, desk: Page) -> float:
    desk.evaluate("() => { window.changedAt = null; }")
    pressed_at = patient.evaluate(PRESS)
    desk.wait_for_function("() => window.changedAt !== null", polling=5)
    spent = desk.evaluate("() => window.changedAt") - pressed_at
    patient.wait_for_url("**/book")
    patient.get_by_role("button", name="Choose another time").click()
    patient.locator(".day-row .time").first.wait_for()
    desk.wait_for_timeout(400)
    return float(spent)


def _signed_in(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 1200}).new_page()
    page.goto(f"{url}/sign-in")
    page.locator("#email").fill("desk@medcal.test")
    page.locator("#password").fill("medcal-demo")
    page.locator("form button[type=submit]").click()
    page.wait_for_url("**/staff")
    return page


def _cuts(spent: list[float]) -> dict[str, float]:
    cuts = quantiles(spent, n=20)
    return {"p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1)}
