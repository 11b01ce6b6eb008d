"""What would keep somebody out of a page: found by axe, by the width of a phone, and by words in the wrong language."""

from functools import cache
from importlib.resources import files
from typing import Any

from babel.messages.pofile import read_po
from playwright.sync_api import Page

from medcal.i18n import LOCALE

_LAYOUT = ["target-size", "scrollable-region-focusable"]
_TEXTS = [
    *("aria-command-name", "aria-dialog-name", "aria-input-field-name", "aria-meter-name", "aria-progressbar-name"),
    *("aria-toggle-field-name", "aria-tooltip-name", "aria-treeitem-name", "area-alt", "button-name", "document-title"),
    *("empty-heading", "empty-table-header", "frame-title", "html-has-lang", "html-lang-valid", "image-alt"),
    *("input-button-name", "input-image-alt", "label", "link-name", "object-alt"),
    *("page-has-heading-one", "role-img-alt", "select-name", "summary-name", "svg-img-alt", "table-duplicate-name"),
    "valid-lang",
]

# In one go, since each first reads the whole page.
EVERYTHING = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    # An experiment of axe's, but level A: who speaks to the computer says what is seen.
    "rules": {"label-content-name-mismatch": {"enabled": True}},
}
# What a narrower window and darker colours can change.
LAYOUT_AND_COLOURS = {"runOnly": {"type": "rule", "values": [*_LAYOUT, "color-contrast"]}}
# What another language can change: a page is the same component in each.
TEXTS_AND_LAYOUT = {"runOnly": {"type": "rule", "values": [*_TEXTS, *_LAYOUT]}}
GRAVE = {"serious", "critical"}
SETTLING_MS = 1_000

# Days with their free times are alike; two of them show what is wrong with a fortnight.
_RUN_AXE = """rules => axe.run(
  {include: [["html"]], exclude: [[".day-row ~ .day-row ~ .day-row"]]},
  {...rules, resultTypes: ["violations"], preload: false})"""
_WIDER_THAN_THE_WINDOW = """() => {
  const excess = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (excess <= 0) return [];
  const isOut = (element) => element.getBoundingClientRect().right > innerWidth + 1;
  const found = [...document.body.querySelectorAll("*")].filter(isOut);
  return [`${excess} px: ` + found.slice(0, 5).map((each) => `${each.tagName}.${each.className}`).join(", ")];
}"""
# Each text of the page by itself, seen or said; not those that are marked as English.
_ALL_WORDS = """() => {
  const texts = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!parent.closest("script, style") && parent.closest("[lang]").lang !== "en") texts.push(walker.currentNode.data);
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    for (const name of ["aria-label", "title", "placeholder"]) texts.push(element.getAttribute(name) ?? "");
  }
  return texts.map((text) => text.trim());
}"""


def axe_faults(page: Page, rules: dict[str, Any]) -> list[str]:
    """What axe calls serious or critical: the rule and the places."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found = _look(page, rules)
    if found:
        # A page that is just being drawn has parts without their names: what counts is what stays.
        page.wait_for_timeout(SETTLING_MS)
        found = _look(page, rules)
    return found


def _look(page: Page, rules: dict[str, Any]) -> list[str]:
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
