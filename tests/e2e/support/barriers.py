"""What would keep somebody out of a page: found by axe, by the width of a phone, and by words in the wrong language."""

from functools import cache
from importlib.resources import files
from typing import Any

from babel.messages.pofile import read_po
from playwright.sync_api import Page

from medcal.i18n import LOCALE

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = {"serious", "critical"}

_RUN_AXE = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
_WIDER_THAN_THE_WINDOW = """() => {
  const excess = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (excess <= 0) return [];
  const isOut = (element) => element.getBoundingClientRect().right > innerWidth + 1;
  const found = [...document.body.querySelectorAll("*")].filter(isOut);
  return [`${excess} px: ` + found.slice(0, 5).map((each) => `${each.tagName}.${each.className}`).join(", ")];
}"""
_ALL_WORDS = """() => {
  const said = [...document.querySelectorAll("[aria-label],[title],[placeholder]")].flatMap((element) =>
    ["aria-label", "title", "placeholder"].map((name) => element.getAttribute(name) ?? ""));
  const foreign = [...document.querySelectorAll("[lang=en]")].filter((each) => each !== document.documentElement);
  foreign.forEach((each) => each.remove());
  return [document.title, ...document.body.innerText.split("\\n"), ...said].map((line) => line.trim());
}"""


def axe_faults(page: Page, *, only_colours: bool = False) -> list[str]:
    """What axe calls serious or critical: the rule and the places."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    rules: Any = {"type": "rule", "values": ["color-contrast"]} if only_colours else {"type": "tag", "values": RULES}
    found = page.evaluate(_RUN_AXE, rules)["violations"]
    return [f"{fault['id']}: {_places(fault)}" for fault in found if fault["impact"] in GRAVE]


def _places(fault: dict[str, Any]) -> str:
    """Where, and what is wrong there."""
    return "; ".join(f"{' '.join(map(str, node['target']))} ({_why(node)})" for node in fault["nodes"][:4])


def _why(node: dict[str, Any]) -> str:
    return ", ".join(check["message"] for kind in ("any", "all", "none") for check in node[kind])


@cache
def _axe() -> str:
    [script] = files("axe_playwright_python").rglob("axe.min.js")  # type: ignore[attr-defined]
    return str(script.read_text())


def too_wide(page: Page) -> list[str]:
    """What makes the page scroll sideways."""
    found: list[str] = page.evaluate(_WIDER_THAN_THE_WINDOW)
    return found


def english_left(page: Page) -> list[str]:
    """Texts on a page in another language that the catalogue has a translation for, but the page does not show it."""
    words: list[str] = page.evaluate(_ALL_WORDS)
    return sorted({line for line in words if line in _translated()})


@cache
def _translated() -> frozenset[str]:
    with (LOCALE / "de" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="de")
    pairs = ((str(message.id), str(message.string)) for message in catalogue if isinstance(message.id, str))
    german = {translation for _, translation in pairs}
    return frozenset(
        str(message.id)
        for message in catalogue
        if isinstance(message.id, str) and message.id and message.id not in german
    )
