"""The page about security names tests and files that exist, and every chapter of the standard."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_what_shows_something_exists() -> None:
    named = set(re.findall(r"`((?:tests|medcal|services)/[\w/.]+|requirements\.txt|reflex\.lock)`", PAGE))

    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).exists() and not (ROOT / "medcal" / name).exists()] == []


def test_no_chapter_is_left_out() -> None:
    assert {int(number) for number in re.findall(r"^\| V(\d+)", PAGE, re.MULTILINE)} == set(range(1, 18))


def test_each_section_shows_something_or_says_why_not() -> None:
    rows = [line.split("|")[1:4] for line in PAGE.splitlines() if re.match(r"\| V\d", line)]

    assert [section for section, how, shown in rows if not shown.strip() and "not apply" not in how] == []
