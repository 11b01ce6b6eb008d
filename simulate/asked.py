"""What the command line asks for; nonsense is refused with a sentence."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from simulate.chances import People
from simulate.clinic import Size
from simulate.one import Plan
from simulate.rules import COMPARED, Rules

# A small clinic, to see in seconds that it works; its figures say little.
QUICK = {"doctors": 1, "patients": 400, "days": 2, "follow": 1, "seeds": 1}
USUAL = {"doctors": Size.doctors, "patients": Size.patients, "days": Plan.days, "follow": Plan.follow, "seeds": 3}


@dataclass(frozen=True)
class Asked:
    """`plan` is the pattern of every run."""

    compared: tuple[Rules, ...]
    plan: Plan
    seeds: int
    is_quick: bool
    picture: Path | None


def read(arguments: Sequence[str]) -> Asked:
    """Read the command line; leaves with a sentence and code 2 for nonsense."""
    given = _parser().parse_args(arguments)
    usual = QUICK if given.quick else USUAL
    chosen = usual | {name: value for name in usual if (value := getattr(given, name)) is not None}
    people = People(
        acceptance=given.acceptance, silence=given.silence, delay_median=timedelta(minutes=given.answer_minutes)
    )
    if people.would_accept > 1:
        _parser().error("so slow an answer and so high an acceptance do not go together")
    size = Size(chosen["doctors"], chosen["patients"], load=given.load, waiting=given.waiting)
    return Asked(
        compared=tuple(rules for rules in COMPARED if not given.policy or rules.name in given.policy),
        plan=Plan(size=size, people=people, days=chosen["days"], follow=chosen["follow"]),
        seeds=chosen["seeds"],
        is_quick=given.quick,
        picture=given.picture,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py simulate", description="Play the clinic with the real services.")
    parser.add_argument("what", choices=["offers"], help="offers: which policy fills freed time, and at what price")
    parser.add_argument("--quick", action="store_true", help="a small clinic, in seconds")
    parser.add_argument("--seeds", type=_between(1, 100), metavar="N", help="so many clinics per policy (3)")
    parser.add_argument("--policy", action="append", choices=[rules.name for rules in COMPARED], help="only this one")
    parser.add_argument(
        "--days", type=_between(1, 28), metavar="N", help="time that becomes free in these days counts (7)"
    )
    parser.add_argument("--follow", type=_between(0, 28), metavar="N", help="and is followed for so many more (3)")
    parser.add_argument("--doctors", type=_between(1, 50), metavar="N", help="(2)")
    parser.add_argument("--patients", type=_between(10, 100_000), metavar="N", help="(1500)")
    parser.add_argument(
        "--load", type=_share, default=Size.load, help="share of the coming weeks that is booked (0.95)"
    )
    parser.add_argument(
        "--waiting", type=_share, default=Size.waiting, help="share of patients who want it earlier (0.3)"
    )
    parser.add_argument("--acceptance", type=_share, default=People.acceptance, help="of exclusive offers (0.12)")
    parser.add_argument("--silence", type=_share, default=People.silence, help="of all that is not accepted (0.67)")
    parser.add_argument(
        "--answer-minutes", type=_between(1, 600), default=30, metavar="N", help="median of answers (30)"
    )
    parser.add_argument("--picture", type=_picture, metavar="FILE", help="draw it: .svg or .png")
    return parser


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return number


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share between 0 and 1")
    return share


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix not in (".svg", ".png") or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no .svg or .png in a folder that exists")
    return path
