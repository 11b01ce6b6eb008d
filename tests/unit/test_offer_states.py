"""docs/offers.md draws the three state machines of earlier offers; the code allows that drawing and nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from medcal.errors import NotAllowed
from medcal.models import EntryStatus, FreedStatus, OfferStatus
from medcal.security import PATIENT, SYSTEM, Actor, ActorKind, Role
from medcal.services.offer_states import ENTRY, FREED_TIME, OFFER, ImpossibleChange, after

DRAWING = (Path(__file__).parent.parent.parent / "docs" / "offers.md").read_text()
DESK = Actor(ActorKind.staff, id=1, role=Role.reception)
WHO = {"patient": ActorKind.patient, "desk": ActorKind.staff, "system": ActorKind.system}
MACHINES = pytest.mark.parametrize(
    ("heading", "machine", "statuses"),
    [("Freed time", FREED_TIME, FreedStatus), ("Offer", OFFER, OfferStatus), ("Waitlist entry", ENTRY, EntryStatus)],
)

Arrow = tuple[str, str, str]


def section(heading: str) -> str:
    return DRAWING.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def table(heading: str) -> dict[Arrow, frozenset[ActorKind]]:
    """The arrows of a section's table, and who may cause each."""
    rows = re.findall(r"^\| (\S+) \| ([\w ]+) \| (\w+) \| ([\w, ]+) \|$", section(heading), re.MULTILINE)
    return {
        (start, event, to): frozenset(WHO[name] for name in who.split(", "))
        for start, event, to, who in rows
        if start != "from"
    }


def drawn(heading: str) -> set[Arrow]:
    """The arrows of a section's picture."""
    arrows = re.findall(r"^    (\S+) --> (\w+): ([\w ]+)$", section(heading), re.MULTILINE)
    return {("–" if start == "[*]" else start, event, to) for start, to, event in arrows}


def allowed(machine: Mapping[Any, Any]) -> dict[Arrow, frozenset[ActorKind]]:
    return {(str(start or "–"), event, str(way.to)): frozenset(way.by) for (start, event), way in machine.items()}


@MACHINES
def test_the_code_allows_what_the_table_says_and_to_whom(
    heading: str, machine: Mapping[Any, Any], statuses: Any
) -> None:
    assert len(table(heading)) >= 5
    assert allowed(machine) == table(heading)


@MACHINES
def test_the_picture_shows_the_table(heading: str, machine: Mapping[Any, Any], statuses: Any) -> None:
    assert drawn(heading) == set(table(heading))


@MACHINES
def test_every_state_is_drawn_and_can_be_reached(heading: str, machine: Mapping[Any, Any], statuses: Any) -> None:
    assert {way.to for way in machine.values()} == set(statuses)
    ends = set(re.findall(r"^    (\w+) --> \[\*\]$", section(heading), re.MULTILINE))
    assert ends == {str(status) for status in statuses} - {str(start) for start, _ in machine}


def test_nobody_causes_what_is_not_hers_to_cause() -> None:
    with pytest.raises(NotAllowed):
        after(OFFER, OfferStatus.open, "accepted", SYSTEM)
    with pytest.raises(NotAllowed):
        after(OFFER, OfferStatus.open, "expired", PATIENT)
    assert after(OFFER, OfferStatus.open, "expired", DESK) is OfferStatus.expired


@pytest.mark.parametrize("state", [status for status in OfferStatus if status is not OfferStatus.open])
def test_an_offer_that_has_ended_stays_as_it_is(state: OfferStatus) -> None:
    for _, event in OFFER:
        with pytest.raises(ImpossibleChange):
            after(OFFER, state, event, DESK)
