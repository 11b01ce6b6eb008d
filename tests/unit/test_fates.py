"""docs/messages.md draws the fate of a message; the code allows that drawing and nothing else."""

import re
from pathlib import Path

from medcal.models import MessageStatus
from medcal.security import ActorKind
from medcal.services.delivery import PAUSES
from medcal.services.fates import CHANGES, after, may, starts

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "messages.md").read_text()
SECTION = DOCUMENT.split("\n## Fate\n")[1].split("\n## ")[0]
WHO = {"patient": ActorKind.patient, "desk": ActorKind.staff, "system": ActorKind.system}

Arrow = tuple[str, str, str]


def allowed() -> set[Arrow]:
    return {(str(start or "–"), event, str(change.to)) for event, change in CHANGES.items() for start in change.starts}


def test_the_code_allows_what_the_table_says_and_to_whom() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| ([\w–, ]+) \| (\w+) \| ([\w, ]+) \|$", SECTION, re.MULTILINE)

    table = {
        event: (starts.split(", "), to, {WHO[name] for name in who.split(", ")}) for event, starts, to, who in rows[1:]
    }

    assert table == {
        event: ([str(start or "–") for start in change.starts], str(change.to), set(change.by))
        for event, change in CHANGES.items()
    }


def test_the_picture_shows_the_table() -> None:
    arrows = re.findall(r"^    (\S+) --> (\w+): ([\w ]+)$", SECTION, re.MULTILINE)

    assert {("–" if start == "[*]" else start, event, to) for start, to, event in arrows} == allowed()


def test_every_fate_can_be_reached_and_those_that_end_are_drawn_as_ends() -> None:
    assert {change.to for change in CHANGES.values()} == set(MessageStatus)
    ends = set(re.findall(r"^    (\w+) --> \[\*\]$", SECTION, re.MULTILINE))
    assert ends == {str(fate) for fate in MessageStatus} - {start for start, _, _ in allowed()}


def test_what_is_delivered_is_only_ever_sent_again() -> None:
    assert [event for event in CHANGES if may(event, MessageStatus.delivered)] == ["sent again"]
    assert (after("taken"), starts("taken")) == ("taken", ["due", "taken"])


def test_the_plan_of_tries_is_the_one_that_is_written_down() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    plan = DOCUMENT.split("a message waits ")[1].split(", each")[0]

    written = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)", plan)]

    assert written == [pause.total_seconds() for pause in PAUSES]
