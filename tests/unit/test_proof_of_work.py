"""Proof of work: what counts as one, and for how much else it does not."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from medcal.errors import ProofRefused
from medcal.services import proof_of_work
from medcal.services.fair_share import MOST_DOUBLINGS, PACES, Pace
from medcal.services.proof_of_work import FLOOR_BITS, PARTS, check, new_challenge
from tests.support.proof import solve

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=10)


def challenge(purpose: str = "book", about: str = "this hold", bits: int = 6) -> str:
    return new_challenge(purpose, about, bits=bits, until=UNTIL)


@pytest.fixture
def solved() -> str:
    return solve(challenge())


def is_taken(solved: str, purpose: str = "book", about: str = "this hold", now: datetime = NOW) -> bool:
    try:
        check(solved, purpose, about, now=now)
    except ProofRefused:
        return False
    return True


def test_a_solution_is_taken_as_often_as_its_form_is_sent(solved):
    assert is_taken(solved) and is_taken(solved)


def test_it_counts_for_what_it_was_made_for_and_until_it_expires(solved):
    assert not is_taken(solved, purpose="code")
    assert not is_taken(solved, about="another hold")
    assert is_taken(solved, now=UNTIL - timedelta(seconds=1))
    assert not is_taken(solved, now=UNTIL)


def test_nobody_changes_how_much_work_it_is_or_until_when(solved):
    bits, until, salt, signature, numbers = solved.split(".")

    assert not is_taken(f"1.{until}.{salt}.{signature}.{numbers}")
    assert not is_taken(f"{bits}.{int(until) + 3600}.{salt}.{signature}.{numbers}")
    assert not is_taken(f"{bits}.{until}.{'0' * 16}.{signature}.{numbers}")
    assert not is_taken(f"{bits}.{until}.{salt}.{'0' * 64}.{numbers}")


def test_a_challenge_is_of_this_server_alone(solved, configured):
    configured(MEDCAL_SECRET_KEY="another clinic's key, as long as it must be")

    assert not is_taken(solved)


def test_every_part_must_be_solved(solved):
    given, _, text = solved.rpartition(".")
    numbers, seed = text.split("-"), bytes.fromhex(solved.split(".")[3])
    for part in range(PARTS):
        misfit = next(n for n in range(99) if not proof_of_work._fits(seed, part, n, 6))
        assert not is_taken(f"{given}.{'-'.join([*numbers[:part], str(misfit), *numbers[part + 1 :]])}")


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "x",
        "<reflex.Var>x</reflex.Var>",
        "6.1.a.b.1",
        "٦" * 40,
        "9" * 400,
        ".".join(["6", "99999999999", "0" * 16, "0" * 64, "-".join(["0"] * PARTS)]),
        ".".join(["99", "99999999999", "0" * 16, "0" * 64, "-".join(["9999999999"] * PARTS)]),
    ],
)
def test_nonsense_is_refused_and_breaks_nothing(nonsense):
    assert not is_taken(nonsense)


def test_numbers_too_large_for_their_place_are_refused(solved):
    given = solved.rpartition(".")[0]

    assert not is_taken(f"{given}.{'-'.join(['9999999999'] * PARTS)}")


def test_two_challenges_for_the_same_are_not_the_same():
    assert challenge() != challenge()


def test_a_challenge_says_nothing_of_what_it_is_for():
    made = challenge(about="a visit of Alice")

    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9a-f]+\.[0-9a-f]+", made)


def test_the_work_doubles_with_each_step_beyond_what_is_usual():
    pace = Pace(usual=6, step=6, most=3)

    assert [pace.doublings(lately) for lately in (0, 6, 11, 12, 18, 24, 30, 10_000)] == [0, 0, 0, 1, 2, 3, 3, 3]


def test_a_phone_of_five_years_solves_the_floor_within_a_second_and_the_most_within_a_form():
    a_second = 150_000

    assert PARTS * 2**FLOOR_BITS / a_second < 1
    assert PARTS * 2 ** (FLOOR_BITS + MOST_DOUBLINGS) / a_second < 60
    assert all(PARTS * 2 ** (FLOOR_BITS + paces.clinic.most) / a_second < 8 for paces in PACES.values())
