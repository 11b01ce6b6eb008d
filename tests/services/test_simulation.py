"""The simulator: the same seed tells the same story, the sums are right, and nonsense is refused."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

import medcal.db
from medcal.config import settings
from medcal.models import Appointment, AppointmentStatus
from medcal.services import schedules
from simulate.asked import read
from simulate.chances import DAY, HOUR, Answer, People, after_waking, cancelled_at
from simulate.clinic import ZONE, Size
from simulate.endless import near_bound
from simulate.figures import CLASSES, Figures
from simulate.one import Plan, simulate_here
from simulate.promises import broken_promises
from simulate.rules import MINUTE, OURS, SEED, Rules, one_step
from tests.support import databases
from tests.support.factories import NOW, make_clinic, make_entry, make_offer
from tests.support.times import at

PEOPLE = People()
TINY = Size(doctors=1, patients=60, cancelled=0.4)


class NoHints:
    """Nobody listens."""

    def give(self) -> None:
        pass


def play(rules: Rules, *, seed: int = 1) -> Figures:
    """A day and a night of a tiny clinic, in a database of its own."""
    name = databases.new_name()
    url = databases.copy_template(name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", url)
        patched.setattr(medcal.db, "_hints", NoHints)
        patched.setattr(schedules, "HORIZON_DAYS", 42)
        settings.cache_clear()
        medcal.db.open_engine.cache_clear()
        try:
            return simulate_here(Plan(rules, seed, TINY, PEOPLE, days=1, follow=0))
        finally:
            medcal.db.engine().dispose()
            medcal.db.open_engine.cache_clear()
            databases.drop(name)


@pytest.fixture(scope="module")
def ours() -> Iterator[Figures]:
    yield play(OURS)
    settings.cache_clear()


def test_the_same_seed_tells_the_same_story(ours: Figures) -> None:
    assert play(OURS) == ours


def test_another_seed_tells_another(ours: Figures) -> None:
    assert play(OURS, seed=2) != ours


def test_every_freed_time_is_filled_or_gone_or_left(ours: Figures) -> None:
    counts = ours.counts

    assert counts["all"].filled > 0
    for count in counts.values():
        assert count.filled + count.gone + count.left == count.freed
    assert sum(counts[name].freed for name, *_ in CLASSES) == counts["all"].freed == sum(ours.ended_by.values())
    assert sum(counts[name].offers for name, *_ in CLASSES) == counts["all"].offers


def test_ours_breaks_no_promise_and_asks_nobody_at_night(ours: Figures) -> None:
    assert ours.broken == ()
    assert ours.asked_at_night == 0


def test_without_quiet_hours_people_are_asked_at_night() -> None:
    figures = play(SEED)

    assert figures.asked_at_night > 0
    assert figures.broken == ()


def test_a_hold_that_was_lost_is_seen(db: Session) -> None:
    clinic = make_clinic(db)
    offer = make_offer(db, clinic, make_entry(db, clinic), NOW + timedelta(days=2))
    assert broken_promises(db) == []

    hold = db.get_one(Appointment, offer.hold_id)
    hold.status, hold.held_until = AppointmentStatus.released, None

    assert broken_promises(db) == ["an open offer without its hold (1)"]


# --- People -----------------------------------------------------------------------------------------------------------


def test_twelve_of_a_hundred_accept_within_two_hours() -> None:
    chance = random.Random(1)

    answers = [PEOPLE.answer(chance) for _ in range(20_000)]

    in_time = sum(answer is Answer.accept and delay < 2 * HOUR for answer, delay in answers) / len(answers)
    assert in_time == pytest.approx(0.12, abs=0.01)
    silent = sum(answer is Answer.silent for answer, _ in answers) / sum(
        answer is not Answer.accept for answer, _ in answers
    )
    assert silent == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize(
    ("asked", "hours", "answered"),
    [
        ("2026-04-14 10:00", 2, "2026-04-14 12:00"),
        ("2026-04-14 21:00", 2, "2026-04-15 08:00"),
        ("2026-04-14 23:30", 2, "2026-04-15 09:00"),
        ("2026-04-15 03:00", 16, "2026-04-16 08:00"),
    ],
)
def test_who_sleeps_does_not_answer(asked: str, hours: int, answered: str) -> None:
    assert after_waking(at(asked), hours * HOUR, ZONE) == at(answered)


def test_people_cancel_from_an_hour_to_four_weeks_ahead() -> None:
    chance, visit = random.Random(1), at("2026-05-12 14:00")

    ahead = [visit - cancelled_at(chance, visit, ZONE) for _ in range(4000)]

    assert min(ahead) >= HOUR and max(ahead) <= 28 * DAY
    assert sum(lead < DAY for lead in ahead) / len(ahead) == pytest.approx(0.28, abs=0.03)


def test_larger_groups_fill_more_and_cost_more() -> None:
    few, many = (near_bound(one_step(size, 60 * MINUTE), PEOPLE, times=200) for size in (1, 5))

    assert few.share < many.share
    assert few.offers_per_fill < many.offers_per_fill


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "",
        "reminders",
        "offers --seeds 0",
        "offers --seeds many",
        "offers --acceptance 1.2",
        "offers --acceptance 0",
        "offers --acceptance 0.9 --answer-minutes 300",
        "offers --policy best",
        "offers --doctors -1",
        "offers --load full",
        "offers --picture nowhere/offers.svg",
        "offers --picture offers.exe",
    ],
)
def test_nonsense_is_refused_with_a_sentence(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        read(words.split())

    assert left.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_what_is_asked_for_is_what_is_played(tmp_path: Path) -> None:
    file = tmp_path / "offers.svg"

    asked = read(f"offers --seeds 2 --policy ours --days 3 --follow 0 --acceptance 0.2 --picture {file}".split())

    assert (asked.seeds, asked.compared, asked.picture) == (2, (OURS,), file)
    assert (asked.plan.days, asked.plan.follow) == (3, 0)
    assert asked.plan.people.acceptance == 0.2
