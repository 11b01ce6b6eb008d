"""The page about security has each requirement of the standard once, and names tests and files that exist."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
# OWASP ASVS 5.0.0: the numbers of all requirements of levels 1 and 2.
WANTED = (ROOT / "tests" / "support" / "asvs-5.0.0-levels-1-and-2.txt").read_text().split()
DOES_NOT_APPLY, OPEN, IN_PART = "Does not apply", "**Open**", "**In part**"


class Row(NamedTuple):
    id: str
    what: str
    how: str
    shown_by: str


ROWS = [
    Row(*(cell.strip() for cell in line.strip("|").split("|")))
    for line in PAGE.splitlines()
    if re.match(r"\| \d+\.\d+\.\d+ \|", line)
]


def named(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_each_requirement_stands_there_once_and_in_order() -> None:
    assert len(WANTED) == 253
    assert [row.id for row in ROWS] == WANTED


def test_each_says_how_and_what_shows_it() -> None:
    """Where nothing shows it, it does not apply or is known to be missing."""
    assert [row.id for row in ROWS if not (row.what and row.how)] == []
    unshown = [row.id for row in ROWS if not named(row.shown_by) and not row.how.startswith(DOES_NOT_APPLY)]
    assert [row.id for row in ROWS if row.id in unshown and OPEN not in row.how] == []


def test_what_shows_something_exists() -> None:
    files = {file for row in ROWS for file in named(row.shown_by)}
    files |= set(re.findall(r"`(tests/[\w/.]+)`", PAGE))

    assert len(files) > 60
    assert [file for file in sorted(files) if not (ROOT / file).exists()] == []


def test_the_page_counts_what_is_missing() -> None:
    counts = [sum(word in row.how for row in ROWS) for word in (OPEN, IN_PART, DOES_NOT_APPLY)]
    sentence = "Of {} requirements {} are open, {} are met in part, {} do not apply."

    assert sentence.format(len(ROWS), *counts) in " ".join(PAGE.split())


def test_no_section_is_named_that_the_page_has_not() -> None:
    sections = set(re.findall(r"^## (.+)$", PAGE, re.MULTILINE))

    assert {name for row in ROWS for name in re.findall(r'"([A-Z][^"]+)", below', row.how)} <= sections
